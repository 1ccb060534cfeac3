#include "gradus/cpu/normalize/cross_entropy.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "gradus/base/text.hpp"
#include "tests/cpu/sample.hpp"

namespace gradus {
namespace {

constexpr DType kFloats[] = {float16, bfloat16, float32, float64};

double tolerance(DType dtype) { return dtype == float64 ? 1e-13 : dtype == float32 ? 2e-6 : dtype == float16 ? 2e-3 : 1.6e-2; }
DType wide(DType dtype) { return dtype == float64 ? float64 : float32; }

Sample labels_for(DType dtype, int64_t rows, int64_t n) {
  Sample labels = sample(dtype, Shape{rows});
  for (int64_t i = 0; i < rows; ++i) labels.set(i, i % 5 == 3 ? -100 : static_cast<double>(i * 7 % n));
  return labels;
}

TEST(cross_entropy, agrees_with_plain_loops) {
  for (const auto& [rows, n] : {std::pair<int64_t, int64_t>{1, 1}, {4, 3}, {9, 10}, {33, 257}, {40, 1024}, {3, 20000}, {0, 4}}) {
    for (const DType dtype : kFloats) {
      for (const DType label_dtype : {int32, int64}) {
        for (const double smoothing : {0.0, 0.1}) {
          Sample x = random_sample(dtype, Shape{rows, n}, 1, 3), labels = labels_for(label_dtype, rows, n);
          Sample loss = sample(dtype, Shape{rows}, -7), lse = sample(wide(dtype), Shape{rows}, -7);
          ASSERT_TRUE(run_kernel(cpu::prepare_cross_entropy(x.layout, label_dtype, {smoothing, -100}), {&x, &labels, &loss, &lse}).is_ok);
          Sample dloss = random_sample(dtype, Shape{rows}, 2);
          Sample dx = sample(dtype, Shape{rows, n}, -7);
          run_kernel(cpu::prepare_cross_entropy_backward(x.layout, label_dtype, {smoothing, -100}), {&x, &labels, &lse, &dloss, &dx});
          for (int64_t i = 0; i < rows; ++i) {
            double sum = 0, mean = 0;
            for (int64_t j = 0; j < n; ++j) sum += std::exp(x.get(i * n + j)), mean += x.get(i * n + j) / static_cast<double>(n);
            const auto label = static_cast<int64_t>(labels.get(i));
            const bool is_ignored = label == -100;
            const double want = is_ignored ? 0 : std::log(sum) - (1 - smoothing) * x.get(i * n + label) - smoothing * mean;
            ASSERT_TRUE(is_near(loss.get(i), want, tolerance(dtype), tolerance(dtype))) << loss.get(i) << " " << want;
            ASSERT_TRUE(is_near(lse.get(i), std::log(sum), tolerance(wide(dtype)), tolerance(wide(dtype))));
            for (int64_t j = 0; j < n; ++j) {
              const double slope = is_ignored ? 0 : dloss.get(i);
              const double target = (1 - smoothing) * (j == label) + smoothing / static_cast<double>(n);
              const double gradient = slope * (std::exp(x.get(i * n + j)) / sum - target);
              ASSERT_TRUE(is_near(dx.get(i * n + j), gradient, tolerance(dtype), tolerance(dtype))) << dx.get(i * n + j) << " " << gradient;
            }
          }
        }
      }
    }
  }
}

TEST(cross_entropy, bad_labels_are_reported_with_position_and_value) {
  for (const double bad : {-1.0, 3.0}) {
    Sample x = random_sample(float32, Shape{4, 3}, 1), labels = sample_from(int64, Shape{4}, {0, 2, bad, bad});
    Sample loss = sample(float32, Shape{4}), lse = sample(float32, Shape{4});
    const auto kernel = cpu::prepare_cross_entropy(x.layout, int64, {});
    EXPECT_TRUE(kernel->may_fail);
    const cpu::Status status = run_kernel(kernel, {&x, &labels, &loss, &lse});
    EXPECT_FALSE(status.is_ok);
    EXPECT_EQ(status.position, 2);
    EXPECT_EQ(status.value, bad);
    EXPECT_EQ(status.bound, bad < 0 ? 0 : 2);
  }
}

TEST(cross_entropy, a_row_whose_label_is_no_class_has_no_slope) {
  for (const int64_t bad : {-1, 3, 4, 1000}) {
    Sample x = sample(float32, Shape{3, 3}, 1), labels = sample_from(int64, Shape{3}, {0, static_cast<double>(bad), 2});
    Sample lse = sample_from(float32, Shape{3}, {2, 2, 2}), one = sample_from(float32, Shape{3}, {1, 1, 1}),
           dx = sample(float32, Shape{3, 3}, 7);
    run_kernel(cpu::prepare_cross_entropy_backward(x.layout, int64, {}), {&x, &labels, &lse, &one, &dx});
    for (int64_t row = 0; row < 3; ++row) {
      for (int64_t c = 0; c < 3; ++c) {
        const double p = std::exp(x.get(row * 3 + c) - 2);
        EXPECT_NEAR(dx.get(row * 3 + c), row == 1 ? 0 : p - (c == row), 1e-6) << bad << " " << row << " " << c;
      }
    }
  }
}

TEST(cross_entropy, minus_infinity_at_another_class_is_harmless) {
  Sample x = sample_from(float32, Shape{1, 3}, {-std::numeric_limits<double>::infinity(), 1, 1}), labels = sample(int64, Shape{1}, 1);
  Sample loss = sample(float32, Shape{1}), lse = loss, one = sample(float32, Shape{1}, 1), dx = sample(float32, Shape{1, 3});
  run_kernel(cpu::prepare_cross_entropy(x.layout, int64, {}), {&x, &labels, &loss, &lse});
  run_kernel(cpu::prepare_cross_entropy_backward(x.layout, int64, {}), {&x, &labels, &lse, &one, &dx});
  EXPECT_NEAR(loss.get(0), std::log(2.0), 1e-6);
  EXPECT_EQ(dx.get(0), 0);
}

}  // namespace
}  // namespace gradus
