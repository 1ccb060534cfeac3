#include "gradus/cpu/normalize/softmax.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "gradus/base/text.hpp"
#include "tests/cpu/sample.hpp"

namespace gradus {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr DType kFloats[] = {float16, bfloat16, float32, float64};

double tolerance(DType dtype) { return dtype == float64 ? 1e-13 : dtype == float32 ? 1e-6 : dtype == float16 ? 1e-3 : 8e-3; }

// Calls f(positions) for each slice along `axis`.
template <class F>
void for_slices(const Shape& shape, int64_t axis, F f) {
  int64_t outer = 1, inner = 1;
  for (int64_t a = 0; a < axis; ++a) outer *= shape[a];
  for (int64_t a = axis + 1; a < shape.rank(); ++a) inner *= shape[a];
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      std::vector<size_t> at;
      for (int64_t k = 0; k < shape[axis]; ++k) at.push_back(static_cast<size_t>((o * shape[axis] + k) * inner + i));
      f(at);
    }
  }
}
std::vector<double> softmax_of(const std::vector<double>& x, const Shape& shape, int64_t axis, bool is_log) {
  std::vector<double> y(x.size());
  for_slices(shape, axis, [&](const std::vector<size_t>& at) {
    double largest = -kInf, sum = 0;
    for (const size_t i : at) largest = std::max(largest, x[i]);
    for (const size_t i : at) sum += std::exp(x[i] - largest);
    for (const size_t i : at) y[i] = is_log ? x[i] - largest - std::log(sum) : std::exp(x[i] - largest) / sum;
  });
  return y;
}
void expect_all_near(const Sample& got, const std::vector<double>& want, double tolerance, std::string_view what) {
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_TRUE(is_near(got.get(static_cast<int64_t>(i)), want[i], tolerance, tolerance))
        << what << " " << got.layout.dtype.name() << " " << to_text(got.layout.shape) << " at " << i << ": got "
        << got.get(static_cast<int64_t>(i)) << ", want " << want[i];
  }
}

const Shape kShapes[] = {Shape{1},        Shape{5},       Shape{3, 10},      Shape{4, 1},    Shape{37, 65},
                         Shape{70, 1024}, Shape{2, 3, 4}, Shape{2, 70, 131}, Shape{2, 20000}};

TEST(softmax, agrees_with_plain_loops_along_every_axis) {
  for (const Shape& shape : kShapes) {
    for (const DType dtype : kFloats) {
      Sample x = random_sample(dtype, shape, 3, 2);
      for (int64_t axis = 0; axis < shape.rank(); ++axis) {
        for (const bool is_log : {false, true}) {
          Sample y = sample(dtype, shape, -7);
          run_kernel(cpu::prepare_softmax(x.layout, axis, is_log), {&x, &y});
          const double slack = is_log ? 5 * tolerance(dtype) : tolerance(dtype);
          expect_all_near(y, softmax_of(x.values(), shape, axis, is_log), slack, is_log ? "log_softmax" : "softmax");
        }
      }
    }
  }
}

TEST(softmax, backward_agrees_with_plain_loops_along_every_axis) {
  for (const Shape& shape : kShapes) {
    for (const DType dtype : kFloats) {
      Sample x = random_sample(dtype, shape, 3), dy = random_sample(dtype, shape, 4);
      for (int64_t axis = 0; axis < shape.rank(); ++axis) {
        for (const bool is_log : {false, true}) {
          Sample y = sample_from(dtype, shape, softmax_of(x.values(), shape, axis, is_log)), dx = sample(dtype, shape, -7);
          const std::vector<double> value = y.values(), slope = dy.values();
          std::vector<double> want(value.size());
          for_slices(shape, axis, [&](const std::vector<size_t>& at) {
            double sum = 0;
            for (const size_t i : at) sum += is_log ? slope[i] : value[i] * slope[i];
            for (const size_t i : at) want[i] = is_log ? slope[i] - std::exp(value[i]) * sum : value[i] * (slope[i] - sum);
          });
          run_kernel(cpu::prepare_softmax_backward(y.layout, axis, is_log), {&y, &dy, &dx});
          expect_all_near(dx, want, 4 * tolerance(dtype), "backward");
        }
      }
    }
  }
}

TEST(softmax, large_numbers_do_not_overflow) {
  Sample x = sample_from(float32, Shape{3}, {1000, 1001, 900}), y = sample(float32, Shape{3});
  run_kernel(cpu::prepare_softmax(x.layout, 0, false), {&x, &y});
  expect_all_near(y, {0.2689414213699951, 0.7310585786300049, 0}, 1e-6, "softmax");
  run_kernel(cpu::prepare_softmax(x.layout, 0, true), {&x, &y});
  expect_all_near(y, {-1.3132616875182228, -0.3132616875182228, -101.31326168751822}, 1e-6, "log_softmax");
}

// The running maximum must start below every number: at 0 each exponential here would be 0.
TEST(softmax, slices_far_below_zero_are_those_near_zero) {
  for (const DType dtype : kFloats) {
    for (const Shape& shape : {Shape{3, 1}, Shape{5, 7}, Shape{2, 4, 300}, Shape{4, 33, 2}}) {
      for (int64_t axis = 0; axis < shape.rank(); ++axis) {
        for (const bool is_log : {false, true}) {
          Sample x = random_sample(dtype, shape, 6), low = x, y = sample(dtype, shape), y_low = y;
          for (int64_t i = 0; i < shape.size(); ++i) {
            x.set(i, std::round(4 * x.get(i)));  // whole numbers, so that 1024 less is exact
            low.set(i, x.get(i) - 1024);
            x.set(i, low.get(i) + 1024);
          }
          run_kernel(cpu::prepare_softmax(x.layout, axis, is_log), {&x, &y});
          run_kernel(cpu::prepare_softmax(x.layout, axis, is_log), {&low, &y_low});
          EXPECT_EQ(y_low.values(), y.values()) << dtype.name() << " " << to_text(shape) << " axis " << axis;
          expect_all_near(y_low, softmax_of(low.values(), shape, axis, is_log), 5 * tolerance(dtype), "far below zero");
        }
      }
    }
  }
}

TEST(softmax, minus_infinity_has_weight_exactly_zero) {
  for (const DType dtype : kFloats) {
    for (const Shape& shape : {Shape{3, 1}, Shape{3, 20}}) {  // down columns; the row form below
      Sample x = sample(dtype, shape, 1), y = x;
      for (int64_t j = 0; j < shape[1]; ++j) x.set(j, -kInf);
      run_kernel(cpu::prepare_softmax(x.layout, 0, false), {&x, &y});
      EXPECT_EQ(y.get(0), 0);
      EXPECT_NEAR(y.get(shape[1]), 0.5, 1e-12);
    }
  }
}

TEST(softmax, nan_infinity_and_a_row_of_minus_infinity_give_nan) {
  for (const DType dtype : kFloats) {
    for (const bool is_log : {false, true}) {
      for (const double special : {kNan, kInf}) {
        for (const int64_t n : {3, 50}) {
          Sample x = random_sample(dtype, Shape{2, n}, 2), y = x;
          x.set(n - 1, special);
          run_kernel(cpu::prepare_softmax(x.layout, 1, is_log), {&x, &y});
          EXPECT_TRUE(std::isnan(y.get(n - 1)));
          EXPECT_TRUE(std::isnan(special) ? std::isnan(y.get(0)) : true);
          EXPECT_FALSE(std::isnan(y.get(n)));
        }
      }
      Sample x = sample(dtype, Shape{2, 5}, -kInf), y = x;
      run_kernel(cpu::prepare_softmax(x.layout, 1, is_log), {&x, &y});
      for (int64_t i = 0; i < 10; ++i) EXPECT_TRUE(std::isnan(y.get(i)));
    }
  }
}

TEST(softmax, empty_arrays_are_left_alone) {
  for (const Shape& shape : {Shape{0, 3}, Shape{3, 0}}) {
    Sample x = sample(float32, shape), y = x;
    EXPECT_TRUE(run_kernel(cpu::prepare_softmax(x.layout, 1, false), {&x, &y}).is_ok);
  }
}

}  // namespace
}  // namespace gradus
