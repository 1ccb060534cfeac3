#include "gradus/cpu/random/random.hpp"

#include <gtest/gtest.h>

#include <hwy/highway.h>

#include <set>

#include "gradus/base/threads.hpp"
#include "tests/cpu/sample.hpp"

namespace gradus {

using namespace core;
namespace {

Sample draw(const cpu::KernelPtr& kernel, Sample keys, DType dtype, const Shape& shape) {
  Sample out = sample(dtype, shape, -9);
  run_kernel(kernel, {&keys, &out});
  return out;
}
Sample keys_of(const std::vector<double>& keys) { return sample_from(int64, Shape(keys.size()), keys); }
Sample uniform_of(double key, DType dtype, int64_t count) {
  return draw(cpu::uniform(keys_of({key}).layout, Layout::contiguous(dtype, {1, count})), keys_of({key}), dtype, {1, count});
}
Sample normal_of(double key, DType dtype, int64_t count) {
  return draw(cpu::normal(keys_of({key}).layout, Layout::contiguous(dtype, {1, count})), keys_of({key}), dtype, {1, count});
}

TEST(philox, gives_the_published_words) {  // Random123's known answers
  EXPECT_EQ(philox(0, 0, 0), (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(~0ull, ~0ull, ~0ull), (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox(0x85a308d3243f6a88, 0x0370734413198a2e, 0x299f31d0a4093822),
            (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(uniform, element_i_is_word_i_of_the_key) {
  const Sample got = uniform_of(-77, float32, 5000), fine = uniform_of(-77, float64, 5000);
  for (int64_t i = 0; i < 5000; ++i) {
    const uint32_t upper = philox(static_cast<uint64_t>(i / 4), 0, static_cast<uint64_t>(-77))[static_cast<size_t>(i % 4)];
    const uint32_t lower = philox(static_cast<uint64_t>(i / 4), 1, static_cast<uint64_t>(-77))[static_cast<size_t>(i % 4)];
    ASSERT_EQ(got.get(i), static_cast<double>(upper >> 8) * 0x1p-24);
    ASSERT_EQ(fine.get(i), static_cast<double>((uint64_t{upper} << 32 | lower) >> 11) * 0x1p-53);
  }
}

TEST(uniform, stays_below_one_in_every_dtype) {
  for (const DType dtype : {float16, bfloat16, float32, float64}) {
    const Sample got = uniform_of(1, dtype, 100000);
    double sum = 0;
    for (const double u : got.values()) {
      ASSERT_TRUE(u >= 0 && u < 1);
      sum += u;
    }
    EXPECT_NEAR(sum / 100000, 0.5, 0.01) << dtype.name();
  }
}

TEST(normal, inverts_the_distribution_function) {
  const Sample wide = normal_of(5, float64, 20000), narrow = normal_of(5, float32, 20000), u = uniform_of(5, float64, 20000);
  double mean = 0, square = 0;
  for (int64_t i = 0; i < 20000; ++i) {
    const double z = wide.get(i);
    ASSERT_NEAR(0.5 * std::erfc(-z / std::sqrt(2.0)), u.get(i), 1e-14) << z;
    ASSERT_NEAR(narrow.get(i), z, 1e-6 * std::max(1.0, std::abs(z)));
    mean += z / 20000;
    square += z * z / 20000;
  }
  EXPECT_NEAR(mean, 0, 0.03);
  EXPECT_NEAR(square, 1, 0.03);
}

TEST(random, gives_the_same_bits_on_every_instruction_set) {
  std::vector<double> first;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    std::vector<double> values;
    for (const DType dtype : {float32, float64}) {
      for (const Sample& got : {uniform_of(3, dtype, 3001), normal_of(3, dtype, 3001)}) {
        const std::vector<double> part = got.values();
        values.insert(values.end(), part.begin(), part.end());
      }
    }
    hwy::SetSupportedTargetsForTest(0);
    if (first.empty()) first = values;
    EXPECT_EQ(first, values) << hwy::TargetName(target);
  }
}

TEST(random, does_not_depend_on_batch_length_or_threads) {
  const int before = threads();
  set_threads(1);
  const Sample alone = normal_of(7, float32, 40000);
  set_threads(2);
  const Sample keys = keys_of({6, 7, 8}),
               batch = draw(cpu::normal(keys.layout, Layout::contiguous(float32, {3, 33333})), keys, float32, {3, 33333});
  set_threads(before);
  for (int64_t i = 0; i < 33333; ++i) ASSERT_EQ(alone.get(i), batch.get(33333 + i));
}

TEST(integers, cover_their_range_evenly) {
  const Sample keys = keys_of({2});
  for (const DType dtype : {uint8, int32, int64}) {
    const Sample got = draw(cpu::integers(keys.layout, Layout::contiguous(dtype, {1, 60000}), 3, 6), keys, dtype, {1, 60000});
    std::vector<int> counts(6);
    for (const double value : got.values()) ++counts.at(static_cast<size_t>(value) - 3);
    for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
  }
}

TEST(permutation, holds_every_number_once) {
  const Sample keys = keys_of({1, 2}),
               got = draw(cpu::permutation(keys.layout, Layout::contiguous(int64, {2, 3000})), keys, int64, {2, 3000});
  const std::vector<double> values = got.values();
  EXPECT_EQ(std::set<double>(values.begin(), values.begin() + 3000).size(), 3000u);
  EXPECT_EQ(std::set<double>(values.begin() + 3000, values.end()).size(), 3000u);
  EXPECT_NE(values[0] * 3000 + values[1], values[3000] * 3000 + values[3001]);
}

TEST(dropout, keeps_by_the_words_of_the_key_and_scales) {
  for (const DType dtype : {float16, bfloat16, float32, float64}) {
    Sample x = random_sample(dtype, {2, 5001}, 1), keys = keys_of({4}), out = sample(dtype, {2, 5001});
    keys.layout.shape = {1};
    run_kernel(cpu::dropout(x.layout, keys.layout, 0.25), {&x, &keys, &out});
    for (int64_t i = 0; i < 5001; ++i) {
      const bool is_kept = philox(static_cast<uint64_t>(i / 4), 0, 4)[static_cast<size_t>(i % 4)] >= 0x40000000u;
      for (const int64_t row : {0, 1}) {  // one key for both: the same mask
        ASSERT_TRUE(is_near(out.get(row * 5001 + i), is_kept ? x.get(row * 5001 + i) / 0.75 : 0, dtype.size() == 2 ? 8e-3 : 1e-6, 0)) << i;
      }
    }
  }
}

}  // namespace
}  // namespace gradus
