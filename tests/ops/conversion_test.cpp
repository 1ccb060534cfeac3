// Conversions: astype, item, to_vector, creators and assignment agree for every pair of dtypes, and round once.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gradus/base/half.hpp"
#include "gradus/nn/initializer.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {

using namespace core;
namespace {

constexpr DType kDTypes[] = {bool_, uint8, int32, int64, float16, bfloat16, float32, float64};

std::string bits_of(const Array& x) {
  return visit_dtype(x.dtype(), [&]<class T>(T) {
    if constexpr (std::same_as<T, bool>) {
      const std::vector<bool> values = x.to_vector<bool>();
      return std::string(values.begin(), values.end());
    } else {
      const std::vector<T> values = x.to_vector<T>();
      return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    }
  });
}

// Long enough for whole vectors and tails.
Array edges(DType dtype) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> values = {0,
                                -0.0,
                                1,
                                -1,
                                0.5,
                                -0.5,
                                0.9999,
                                -0.9999,
                                1.5,
                                2.5,
                                -2.5,
                                127,
                                128,
                                255,
                                256,
                                300,
                                -128,
                                -129,
                                32768,
                                65504,
                                65520,
                                2147483647,
                                2147483648,
                                -2147483648.0,
                                3e9,
                                -3e9,
                                1e10,
                                -1e10,
                                9.2e18,
                                0x1p63,
                                -0x1p63,
                                1e20,
                                -1e20,
                                1e300,
                                -1e300,
                                inf,
                                -inf,
                                nan,
                                1e-300,
                                1e-40,
                                16777217,
                                0x1p53 + 2,
                                1.1e-7,
                                6e-8,
                                3e-8,
                                1 + 0x1p-11 + 0x1p-40,
                                1 + 0x1p-8 + 0x1p-40,
                                257,
                                1e5};
  if (dtype == int64) {
    std::vector<int64_t> whole = {INT64_MAX,
                                  INT64_MIN,
                                  INT64_MAX - 1,
                                  (int64_t{1} << 53) + 1,
                                  -(int64_t{1} << 53) - 1,
                                  (int64_t{0x101} << 54) + 1,
                                  -(int64_t{0x101} << 54) - 1,
                                  2049,
                                  16842753,
                                  -1,
                                  0,
                                  1,
                                  255,
                                  256,
                                  -129,
                                  3000000000,
                                  -3000000000};
    return array(whole);
  }
  return array(values).astype(dtype).eval();
}

TEST(conversions, agree_however_they_are_asked_for) {
  for (const DType from : kDTypes) {
    const Array x = edges(from);
    for (const DType to : kDTypes) {
      const std::string want = bits_of(x.astype(to).eval());
      std::string items;
      visit_dtype(to, [&]<class T>(T) {
        if constexpr (std::same_as<T, bool>) {
          const std::vector<bool> read = x.to_vector<bool>();
          EXPECT_EQ(std::string(read.begin(), read.end()), want) << from.name() << " to " << to.name();
        } else {
          const std::vector<T> read = x.to_vector<T>();
          EXPECT_EQ(std::string(reinterpret_cast<const char*>(read.data()), read.size() * sizeof(T)), want)
              << from.name() << " to " << to.name();
        }
        if constexpr (Number<T>) {
          for (int64_t i = 0; i < x.size(); ++i) {
            const T item = x[i].item<T>();
            items.append(reinterpret_cast<const char*>(&item), sizeof item);
          }
          EXPECT_EQ(items, want) << from.name() << " to " << to.name();
        }
      });
      // One by one: the ends of vector loops. Inside a longer expression. From a strided view.
      std::string single;
      for (int64_t i = 0; i < x.size(); ++i) single += bits_of(x[i].astype(to));
      EXPECT_EQ(single, want) << from.name() << " to " << to.name();
      EXPECT_EQ(bits_of(flip(flip(x).astype(to))), want) << from.name() << " to " << to.name();
      // What set may convert, it converts alike.
      const bool loses = (from.is_float() && !to.is_float()) || (from.is_integer() && to.is_bool());
      if (loses) continue;
      Array target = zeros(x.shape(), to);
      target.set(slice(), x);
      EXPECT_EQ(bits_of(target), want) << from.name() << " to " << to.name();
    }
  }
}

TEST(conversions, to_types_that_no_dtype_stores_take_the_nearest_end) {
  const Array x = array({-1.0, 300.0, 1e20, -1e20, std::nan(""), 3e9}, float64);
  EXPECT_EQ(x.to_vector<int8_t>(), (std::vector<int8_t>{-1, 127, 127, -128, 0, 127}));
  EXPECT_EQ(x.to_vector<uint16_t>(), (std::vector<uint16_t>{0, 300, 65535, 0, 0, 65535}));
  EXPECT_EQ(x.to_vector<uint32_t>(), (std::vector<uint32_t>{0, 300, UINT32_MAX, 0, 0, 3000000000}));
  EXPECT_EQ(x.to_vector<uint64_t>(), (std::vector<uint64_t>{0, 300, UINT64_MAX, 0, 0, 3000000000}));
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{-1, 300, INT32_MAX, INT32_MIN, 0, INT32_MAX}));
  for (int64_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(x[i].item<int8_t>(), x.to_vector<int8_t>()[static_cast<size_t>(i)]);
    EXPECT_EQ(x[i].item<uint16_t>(), x.to_vector<uint16_t>()[static_cast<size_t>(i)]);
    EXPECT_EQ(x[i].item<uint32_t>(), x.to_vector<uint32_t>()[static_cast<size_t>(i)]);
    EXPECT_EQ(x[i].item<uint64_t>(), x.to_vector<uint64_t>()[static_cast<size_t>(i)]);
  }
  EXPECT_EQ(Array(1e20).item<int>(), INT32_MAX);
}

TEST(conversions, of_integers_to_narrower_ones_keep_the_low_bits) {
  const Array x = array({300, -1, 4294967297});
  EXPECT_EQ(x.astype(uint8).to_vector<int>(), (std::vector<int>{44, 255, 1}));
  EXPECT_EQ(x.to_vector<uint8_t>(), (std::vector<uint8_t>{44, 255, 1}));
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{300, -1, 1}));
  EXPECT_EQ(x[2].item<int>(), 1);
}

// v lies just above the middle of two 16-bit numbers; float32 has only the middle.
TEST(numbers, of_16_bits_are_rounded_once) {
  struct Case {
    DType dtype;
    double v, want;
  };
  for (const auto& [dtype, v, want] : {Case{float16, 1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-10}, {bfloat16, 1 + 0x1p-8 + 0x1p-40, 1 + 0x1p-7},
                                       {float16, -1 - 0x1p-11 - 0x1p-40, -1 - 0x1p-10}}) {
    const Array one = ones({40}, dtype);
    const auto expect = [dtype = dtype, want = want](const Array& x, const char* what) {  // named: Clang 14 captures no structured bindings
      EXPECT_EQ(x.dtype(), dtype) << what;
      for (const double value : x.to_vector<double>()) EXPECT_EQ(value, want) << what << " " << dtype.name();
    };
    expect(array({v}, dtype), "array");
    expect(array(v, dtype), "array of rank 0");
    expect(full({2}, v, dtype), "full");
    expect(full({2}, array({v}, float64), dtype), "full of an array");
    expect(full_like(one, v), "full_like");
    expect(linspace(v, v, 1, dtype), "linspace");
    expect(linspace(0, v, 2, dtype)[-1], "linspace's end");
    expect(arange(v, v + 0.5, 1.0, dtype), "arange");
    expect(array({v}, float64).astype(dtype), "astype");
    expect(nn::init::constant(v)({2}, dtype), "constant");
    expect(filled({2}, v, dtype), "filled");
    expect(one * v, "a number times an array");
    expect(where(one > 0, v, one), "where");
    expect(one * 0 + v, "a number added");
    Array x = zeros({2}, dtype);
    x.set(0, v);
    expect(x[0], "set");
  }
  EXPECT_EQ(logspace(1, 2, 2, 1 + 0x1p-11 + 0x1p-30, float16)[0].item(), 1 + 0x1p-10);
  constexpr int64_t kWhole = (int64_t{1} << 24) + (1 << 16) + 1;  // the same for integers
  EXPECT_EQ(full({1}, kWhole, bfloat16).item(), 0x1p24 + 0x1p17);
  EXPECT_EQ((zeros({1}, bfloat16) + kWhole).item(), 0x1p24 + 0x1p17);
  EXPECT_EQ(arange(kWhole, kWhole + 1, bfloat16).item(), 0x1p24 + 0x1p17);
}

}  // namespace
}  // namespace gradus
