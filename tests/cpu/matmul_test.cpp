#include "gradus/cpu/matrix/matmul.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "gradus/base/threads.hpp"
#include "tests/cpu/random_data.hpp"

namespace gradus::cpu {

using namespace core;
namespace {

using test::Data;

// Ways in which a matrix of these sizes may lie in memory.
enum class Lie { rows, columns, padded, reversed, spread };
constexpr Lie kLies[] = {Lie::rows, Lie::columns, Lie::padded, Lie::reversed, Lie::spread};

Layout lay(DType dtype, int64_t rows, int64_t columns, Lie lie) {
  const Shape shape{rows, columns};
  switch (lie) {
    case Lie::rows: return {dtype, shape, {columns, 1}};
    case Lie::columns: return {dtype, shape, {1, rows}};
    case Lie::padded: return {dtype, shape, {columns + 5, 1}};
    case Lie::reversed: return {dtype, shape, {-columns, 1}};
    case Lie::spread: break;
  }
  return {dtype, shape, {2 * columns, 2}};
}

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::none: return x;
    case Activation::relu: return x < 0 ? 0 : x;
    case Activation::sigmoid: return 1 / (1 + std::exp(-x));
    case Activation::tanh: return std::tanh(x);
    case Activation::gelu: return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case Activation::silu: return x / (1 + std::exp(-x));
  }
  return x;
}

// Compares with plain loops in double; batch axes: those of a and b right-aligned with the output's.
void check(const Layout& a_layout, const Layout& b_layout, const Shape& out_shape, const Epilogue& epilogue = {}) {
  const DType dtype = a_layout.dtype;
  const Data a(a_layout, 1), b(b_layout, 2), out(dtype, out_shape, 3), bias(dtype, Shape{out_shape[out_shape.rank() - 1]}, 4);
  const KernelPtr kernel = prepare_matmul(a_layout, b_layout, out.layout(), epilogue);
  std::vector<void*> pointers{a.data(), b.data()};
  if (epilogue.has_bias) pointers.push_back(bias.data());
  pointers.push_back(out.data());
  ASSERT_TRUE(test::run(kernel, pointers).is_ok);
  const int64_t m = a.shape()[a.shape().rank() - 2], k = a.shape()[a.shape().rank() - 1], n = b.shape()[b.shape().rank() - 1];
  const int64_t batch = out_shape.size() == 0 ? 0 : out_shape.size() / (m * n);
  int64_t wrong = 0;
  for (int64_t item = 0; item < batch; ++item) {
    const auto offset_of = [&](const Layout& layout) {
      int64_t rest = item, offset = 0;
      for (int64_t from_end = 3; from_end <= out_shape.rank(); ++from_end) {
        const int64_t size = out_shape[out_shape.rank() - from_end], at = rest % size;
        rest /= size;
        const int64_t axis = layout.rank() - from_end;
        if (axis >= 0 && layout.shape[axis] > 1) offset += at * layout.strides[static_cast<size_t>(axis)];
      }
      return offset;
    };
    visit_dtype(dtype, [&]<class T>(T) {
      const T* pa = static_cast<const T*>(a.data()) + offset_of(a.layout());
      const T* pb = static_cast<const T*>(b.data()) + offset_of(b.layout());
      const auto ra = static_cast<size_t>(a.shape().rank()), rb = static_cast<size_t>(b.shape().rank());
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          double sum = 0;
          for (int64_t p = 0; p < k; ++p) {
            sum += static_cast<double>(pa[i * a.layout().strides[ra - 2] + p * a.layout().strides[ra - 1]]) *
                   static_cast<double>(pb[p * b.layout().strides[rb - 2] + j * b.layout().strides[rb - 1]]);
          }
          if (dtype == bool_) sum = sum != 0;
          if (dtype == uint8) sum = static_cast<uint8_t>(static_cast<int64_t>(sum));
          if (epilogue.has_bias) sum += bias[j];
          const double want = activated(epilogue.activation, sum), got = out[(item * m + i) * n + j];
          const double inexact = epilogue.activation > Activation::relu && dtype == float32 ? 1e-5 : 0;
          if (!(std::abs(got - want) <= 4 * test::rounding(dtype) * (std::abs(want) + std::sqrt(static_cast<double>(k))) + inexact)) {
            if (++wrong == 1) {
              ADD_FAILURE() << to_text(dtype) << " " << to_text(a.shape()) << to_text(std::span<const int64_t>(a.layout().strides))
                            << " times " << to_text(b.shape()) << to_text(std::span<const int64_t>(b.layout().strides)) << " at " << item
                            << ", " << i << ", " << j << ": " << got << ", not " << want;
            }
          }
        }
      }
    });
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Matmul, floats_of_all_small_sizes_and_strides) {
  for (const int64_t m : {1, 2, 5, 13, 32})
    for (const int64_t n : {1, 2, 10, 17, 33})
      for (const int64_t k : {1, 3, 16, 40})
        for (const Lie a : kLies)
          for (const Lie b : kLies)
            for (const DType dtype : {float32, float64}) {
              check(lay(dtype, m, k, a), lay(dtype, k, n, b), {m, n},
                    {(m + n + k) % 2 == 0, (n + k) % 3 == 0 ? Activation::relu : Activation::none});
            }
}

TEST(Matmul, every_dtype) {
  for (const DType dtype : {bool_, uint8, int32, int64, float16, bfloat16, float32, float64})
    for (const Lie a : kLies)
      for (const Lie b : {Lie::rows, Lie::columns}) {
        check(lay(dtype, 9, 21, a), lay(dtype, 21, 18, b), {9, 18});
        check(lay(dtype, 70, 65, a), lay(dtype, 65, 90, b), {70, 90});
      }
}

TEST(Matmul, larger_than_a_block) {
  for (const DType dtype : {float16, bfloat16, float32, float64})
    for (const Lie a : kLies)
      for (const Lie b : kLies) check(lay(dtype, 203, 301, a), lay(dtype, 301, 266, b), {203, 266}, {true, Activation::relu});
}

TEST(Matmul, long_vectors) {
  for (const DType dtype : {float32, float64})
    for (const Lie lie : kLies) {
      check(lay(dtype, 1500, 300, lie), lay(dtype, 300, 1, Lie::rows), {1500, 1});
      check(lay(dtype, 1, 300, Lie::rows), lay(dtype, 300, 1500, lie), {1, 1500});
      check(lay(dtype, 1, 3000, lie), lay(dtype, 3000, 1, Lie::rows), {1, 1});
      check(lay(dtype, 300, 1, lie), lay(dtype, 1, 300, lie), {300, 300});
    }
}

TEST(Matmul, few_rows_or_columns) {
  for (const DType dtype : {float16, float32, float64})
    for (const int64_t few : {1, 2, 3})
      for (const int64_t k : {1, 7, 63, 64, 130})
        for (const int64_t many : {1, 2, 3, 5, 100})
          for (const Lie a : kLies)
            for (const Lie b : {Lie::rows, Lie::columns, Lie::spread}) {
              const Epilogue epilogue{k % 2 == 0, k % 3 == 0 ? Activation::relu : Activation::none};
              check(lay(dtype, many, k, a), lay(dtype, k, few, b), {many, few}, epilogue);
              check(lay(dtype, few, k, a), lay(dtype, k, many, b), {few, many}, epilogue);
            }
  check(lay(float32, 3, 700, Lie::rows), lay(float32, 700, 1100, Lie::rows), {3, 1100}, {true, Activation::relu});
  check(lay(float32, 2, 700, Lie::columns), lay(float32, 700, 1100, Lie::rows), {2, 1100});
  check({float32, {4, 30, 70}, {2100, 70, 1}}, {float32, {4, 70, 3}, {210, 3, 1}}, {4, 30, 3});
  check({float64, {4, 2, 70}, {140, 70, 1}}, {float64, {4, 70, 90}, {6300, 1, 70}}, {4, 2, 90});
}

TEST(Matmul, medium_products_of_odd_sizes) {
  for (const DType dtype : {bfloat16, float32, float64})
    for (const Lie a : kLies)
      for (const Lie b : kLies) {
        check(lay(dtype, 37, 513, a), lay(dtype, 513, 129, b), {37, 129}, {true, Activation::relu});
        check(lay(dtype, 61, 300, a), lay(dtype, 300, 67, b), {61, 67});
        check(lay(dtype, 130, 257, a), lay(dtype, 257, 33, b), {130, 33}, {false, Activation::silu});
      }
  check({float32, {3, 37, 257}, {37 * 257, 257, 1}}, {float32, {3, 257, 129}, {257 * 129, 129, 1}}, {3, 37, 129});
}

TEST(Matmul, threads_do_not_change_bits_of_odd_sizes) {
  // float64: always our own kernels.
  const int64_t sizes[][3] = {{37, 513, 129}, {5000, 7, 3}, {700, 513, 3}, {3, 513, 900}, {61, 700, 67}};
  const int before = threads();
  for (const auto& [m, k, n] : sizes) {
    const Data a(lay(float64, m, k, Lie::rows), 1), b(lay(float64, k, n, Lie::rows), 2), one(float64, {m, n}, 3),
        several(float64, {m, n}, 3);
    for (int64_t i = 0; i < m * k; ++i) static_cast<double*>(a.data())[i] *= 0.3;  // sums that round
    for (const int count : {1, 3}) {
      set_threads(count);
      const Data& out = count == 1 ? one : several;
      ASSERT_TRUE(test::run(prepare_matmul(a.layout(), b.layout(), out.layout(), {}), {a.data(), b.data(), out.data()}).is_ok);
    }
    EXPECT_EQ(std::memcmp(one.data(), several.data(), static_cast<size_t>(m * n) * sizeof(double)), 0) << m << " " << k << " " << n;
  }
  set_threads(before);
}

TEST(Matmul, batches_broadcast) {
  for (const DType dtype : {int32, float16, bfloat16, float32, float64}) {
    check(Layout::contiguous(dtype, {3, 2, 5, 7}), Layout::contiguous(dtype, {7, 4}), {3, 2, 5, 4});
    check(Layout::contiguous(dtype, {5, 7}), Layout::contiguous(dtype, {3, 2, 7, 4}), {3, 2, 5, 4});
    check(Layout::contiguous(dtype, {3, 1, 5, 7}), Layout::contiguous(dtype, {2, 7, 4}), {3, 2, 5, 4});
    check(Layout::contiguous(dtype, {4, 70, 65}), Layout::contiguous(dtype, {4, 65, 80}), {4, 70, 80});
    check(Layout::contiguous(dtype, {4, 1, 70, 65}), Layout::contiguous(dtype, {2, 65, 80}), {4, 2, 70, 80});
    // Heads inside the rows, as attention has them.
    check({dtype, {2, 3, 70, 16}, {70 * 48, 16, 48, 1}}, {dtype, {2, 3, 16, 70}, {70 * 48, 16, 1, 48}}, {2, 3, 70, 70});
    check({dtype, {2, 5, 7}, {0, 7, 1}}, {dtype, {2, 7, 4}, {-28, 4, 1}}, {2, 5, 4});
    check({dtype, {60, 65}, {0, 1}}, {dtype, {65, 80}, {1, 0}}, {60, 80});
  }
}

TEST(Matmul, empty_and_zero_depth) {
  for (const DType dtype : {bool_, int64, float16, float32, float64}) {
    check(Layout::contiguous(dtype, {0, 4}), Layout::contiguous(dtype, {4, 3}), {0, 3});
    check(Layout::contiguous(dtype, {2, 0, 4}), Layout::contiguous(dtype, {4, 3}), {2, 0, 3});
    check(Layout::contiguous(dtype, {5, 0}), Layout::contiguous(dtype, {0, 3}), {5, 3});
    check(Layout::contiguous(dtype, {1, 0}), Layout::contiguous(dtype, {0, 1}), {1, 1});
    if (dtype.is_float()) check(Layout::contiguous(dtype, {5, 0}), Layout::contiguous(dtype, {0, 3}), {5, 3}, {true, Activation::relu});
  }
}

TEST(Matmul, every_activation) {
  for (const Activation activation : {Activation::relu, Activation::sigmoid, Activation::tanh, Activation::gelu, Activation::silu})
    for (const DType dtype : {float32, float64})
      for (const bool has_bias : {false, true}) {
        check(Layout::contiguous(dtype, {6, 20}), Layout::contiguous(dtype, {20, 10}), {6, 10}, {has_bias, activation});
        check(Layout::contiguous(dtype, {90, 100}), Layout::contiguous(dtype, {100, 80}), {90, 80}, {has_bias, activation});
        check(Layout::contiguous(dtype, {6, 20}), Layout::contiguous(dtype, {20, 1}), {6, 1}, {has_bias, activation});
        check({dtype, {60, 20}, {1, 60}}, Layout::contiguous(dtype, {20, 1}), {60, 1}, {has_bias, activation});
      }
}

TEST(Matmul, nan_and_infinity_propagate) {
  const Data a(float32, {2, 3}, 1), b(float32, {3, 2}, 2), out(float32, {2, 2}, 3);
  static_cast<float*>(a.data())[1] = NAN;
  static_cast<float*>(a.data())[4] = INFINITY;
  for (int i = 0; i < 6; ++i) static_cast<float*>(b.data())[i] = 1;
  const KernelPtr kernel = prepare_matmul(a.layout(), b.layout(), out.layout(), {false, Activation::relu});
  test::run(kernel, {a.data(), b.data(), out.data()});
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[2], INFINITY);
}

TEST(Matmul, operands_that_lie_well_are_not_copied) {
  const auto scratch = [](const Layout& a, const Layout& b, const Shape& out) {
    return prepare_matmul(a, b, Layout::contiguous(float64, out))->scratch_bytes;
  };
  const auto rows = [](int64_t m, int64_t n) { return Layout::contiguous(float64, {m, n}); };
  EXPECT_EQ(scratch(rows(1, 500), rows(500, 300), {1, 300}), 0);
  EXPECT_EQ(scratch(rows(300, 500), rows(500, 1), {300, 1}), 0);
  EXPECT_EQ(scratch(rows(40, 500), rows(500, 129), {40, 129}), 0);
  EXPECT_EQ(scratch(rows(8, 8), rows(8, 8), {8, 8}), 0);
}

TEST(Matmul, own_kernels_give_the_same_bits_for_any_number_of_threads) {
  const int before = threads();
  for (const DType dtype : {float16, float64}) {
    const Data a(dtype, {300, 700}, 1), b(dtype, {700, 200}, 2), one(dtype, {300, 200}, 3), three(dtype, {300, 200}, 4);
    set_threads(1);
    test::run(prepare_matmul(a.layout(), b.layout(), one.layout()), {a.data(), b.data(), one.data()});
    set_threads(3);
    test::run(prepare_matmul(a.layout(), b.layout(), three.layout()), {a.data(), b.data(), three.data()});
    EXPECT_EQ(std::memcmp(one.data(), three.data(), static_cast<size_t>(one.layout().bytes())), 0);
  }
  set_threads(before);
}

}  // namespace
}  // namespace gradus::cpu
