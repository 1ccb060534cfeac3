#include "gradus/cpu/move/copy.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "gradus/base/text.hpp"
#include "gradus/base/threads.hpp"
#include "tests/cpu/sample.hpp"

namespace gradus {

using namespace core;
namespace {

const DType kSizes[] = {uint8, bfloat16, float32, float64};

// Memory of `span` elements holding 0, 1, 2, ... (modulo 250) under any strides.
Sample counted(DType dtype, const Shape& shape, const Dims& strides) {
  Sample s{Layout{dtype, shape, strides}, {}, 0};
  int64_t low = 0, high = 0;
  for (size_t i = 0; i < strides.size(); ++i) {
    const int64_t reach = (std::max<int64_t>(shape.dims()[i], 1) - 1) * strides[i];
    (reach < 0 ? low : high) += reach;
  }
  s.first = -low;
  s.memory.resize(static_cast<size_t>((high - low + 1) * dtype.size()));
  visit_dtype(dtype, [&]<class T>(T) {
    T* to = reinterpret_cast<T*>(s.memory.data());
    for (int64_t i = 0; i <= high - low; ++i) to[i] = T(static_cast<float>(i % 250));
  });
  return s;
}

void expect_copied(DType dtype, const Shape& shape, const Dims& strides) {
  Sample in = counted(dtype, shape, strides), out = sample(dtype, shape, 1);
  run_kernel(cpu::copy(in.layout), {&in, &out});
  for (int64_t i = 0; i < shape.size(); ++i) {
    ASSERT_EQ(in.get(i), out.get(i)) << dtype.name() << " " << to_text(shape) << " strides " << to_text(std::span<const int64_t>(strides))
                                     << " at " << i;
  }
}

TEST(copy, of_any_strides_is_row_major) {
  for (const DType dtype : kSizes) {
    expect_copied(dtype, {}, {});
    expect_copied(dtype, {1}, {7});
    expect_copied(dtype, {5}, {-1});
    expect_copied(dtype, {5}, {0});
    expect_copied(dtype, {0, 3}, {3, 1});
    expect_copied(dtype, {70, 33}, {1, 70});
    expect_copied(dtype, {65, 300}, {-1, 65});
    expect_copied(dtype, {300, 65}, {1, 301});
    expect_copied(dtype, {3, 100, 17}, {1700, 1, 100});
    expect_copied(dtype, {100, 3, 17}, {1, 1700, 100});
    expect_copied(dtype, {2, 3, 4, 5}, {1, 2, 6, 24});
    expect_copied(dtype, {4, 6}, {-12, 2});
    expect_copied(dtype, {6, 1000}, {0, 1});
    expect_copied(dtype, {6, 1000}, {1, 0});
    expect_copied(dtype, {200000}, {3});
    expect_copied(dtype, {2, 100000}, {-100000, 1});
  }
}

TEST(copy, of_a_transpose_streams_in_whole_lines) {  // large enough to go past the caches
  expect_copied(float32, {1024, 1040}, {1, 1024});
  expect_copied(float32, {1024, 1037}, {1, 1024});
  expect_copied(float64, {513, 1024}, {1, 513});
}

TEST(copy, gives_the_same_bits_for_any_number_of_threads) {
  const int before = threads();
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    expect_copied(float32, {70, 9, 1003}, {1, 70 * 1003, 70});
    expect_copied(float32, {333, 900}, {901, 1});
  }
  set_threads(before);
}

TEST(copy, concatenates_strided_inputs) {
  Sample a = counted(float32, {2, 3}, {1, 2}), b = counted(float32, {2, 2}, {0, -1}), out = sample(float32, {2, 5});
  const Layout inputs[] = {a.layout, b.layout};
  run_kernel(cpu::concatenate(inputs, out.layout, 1), {&a, &b, &out});
  for (int64_t row = 0; row < 2; ++row) {
    for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(out.get(row * 5 + i), a.get(row * 3 + i));
    for (int64_t i = 0; i < 2; ++i) EXPECT_EQ(out.get(row * 5 + 3 + i), b.get(row * 2 + i));
  }
}

TEST(copy, updates_a_window_with_steps_of_either_sign) {
  Sample x = counted(int32, {4, 6}, {6, 1}), value = sample_from(int32, {2, 3}, {91, 92, 93, 94, 95, 96}), out = sample(int32, {4, 6});
  run_kernel(cpu::update_window(x.layout, value.layout, {3, 0}, {-2, 2}), {&x, &value, &out});
  for (int64_t row = 0; row < 4; ++row) {
    for (int64_t column = 0; column < 6; ++column) {
      const bool is_inside = row % 2 == 1 && column % 2 == 0;
      EXPECT_EQ(out.get(row * 6 + column), is_inside ? value.get((row == 3 ? 0 : 3) + column / 2) : x.get(row * 6 + column));
    }
  }
}

TEST(copy, reports_a_window_that_leaves_the_array) {
  Sample x = counted(float32, {4, 4}, {4, 1}), starts = sample_from(int64, {2}, {1, 3}), out = sample(float32, {2, 2}, -1);
  const cpu::Status status = run_kernel(cpu::dynamic_window(x.layout, int64, {2, 2}), {&x, &starts, &out});
  EXPECT_FALSE(status.is_ok);
  EXPECT_EQ(status.position, 1);
  EXPECT_EQ(status.value, 3);
  EXPECT_EQ(status.bound, 2);
  starts.set(1, 2);
  EXPECT_TRUE(run_kernel(cpu::dynamic_window(x.layout, int64, {2, 2}), {&x, &starts, &out}).is_ok);
  EXPECT_EQ(out.values(), (std::vector<double>{6, 7, 10, 11}));
}

}  // namespace
}  // namespace gradus
