#include "gradus/ops/normalize.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/cross_entropy.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {
namespace {

using Doubles = std::vector<double>;
constexpr double kInf = std::numeric_limits<double>::infinity();

Doubles values(const Array& x) { return x.to_vector<double>(); }
std::string problem(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.problem();
  }
  return "no error";
}
// Numbers without pattern.
Array waves(const Shape& shape, DType dtype = float64) {
  return reshape(sin(arange(shape.size(), float64) * 2.7 + 0.4) * 2, shape).astype(dtype);
}
void expect_near(const Array& got, const Array& want, double tolerance) {
  ASSERT_EQ(got.shape(), want.shape());
  const Doubles a = values(got), b = values(want);
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << "at " << i;
}

TEST(softmax, rows_add_to_one_along_any_axis) {
  const Array x = waves({3, 4, 5});
  for (const int axis : {0, 1, 2, -1}) expect_near(sum(softmax(x, axis), axis), ones_like(sum(x, axis)), 1e-14);
  expect_near(log_softmax(x), log(softmax(x)), 1e-14);
  expect_near(softmin(x, 1), softmax(-x, 1), 0);
}

TEST(softmax, masked_positions_get_exactly_nothing) { EXPECT_EQ(values(softmax(array({0.0, -kInf, 0.0}))), (Doubles{0.5, 0, 0.5})); }

TEST(softmax, keeps_the_dtype_of_floats) {
  EXPECT_EQ(softmax(waves({3}, bfloat16)).dtype(), bfloat16);
}

TEST(layer_norm, rows_get_mean_zero_and_variance_one) {
  const Array x = waves({6, 50}) * 3 + 7, y = layer_norm(x, 0.0);
  expect_near(mean(y, -1), zeros({6}), 1e-14);
  expect_near(var(y, -1), ones({6}), 1e-14);
}

TEST(layer_norm, weight_and_bias_may_be_absent_and_may_have_several_axes) {
  const Array x = waves({2, 3, 4}), weight = waves({3, 4}) + 1, bias = waves({3, 4});
  const Array plain = layer_norm_over(x, 2);
  expect_near(layer_norm(x, weight, bias), plain * weight + bias, 1e-14);
  expect_near(layer_norm(x, weight, {}), plain * weight, 1e-14);
  expect_near(layer_norm(x, {}, bias), plain + bias, 1e-14);
  expect_near(layer_norm(x, Array{}, Array{}), layer_norm(x), 0);
}

TEST(layer_norm, says_which_shape_a_weight_must_have) {
  EXPECT_EQ(problem([] {
              layer_norm(zeros({2, 3}), ones({2}), {});
            }),
            "x is (2, 3) and weight is (2,); weight must have the sizes of x's last axes");
  EXPECT_NE(problem([] { layer_norm(zeros({2, 3}), ones({3}), zeros({2, 3})); }), "no error");
  EXPECT_NE(problem([] { layer_norm(array(1.0)); }), "no error");
  EXPECT_NE(problem([] { layer_norm(zeros({2, 3}), -1.0); }), "no error");
}

TEST(rms_norm, divides_by_the_root_mean_square) {
  const Array x = waves({4, 9}), weight = waves({9});
  expect_near(rms_norm(x, weight, 0.0), x / sqrt(mean(square(x), -1, keepdims)) * weight, 1e-14);
}

TEST(group_norm, one_group_is_layer_norm_of_each_example_and_every_channel_instance_norm) {
  const Array x = waves({2, 3, 4, 6});
  expect_near(group_norm(x, 1, {}, {}), layer_norm_over(x, 3), 1e-13);
  const Array y = instance_norm(x, {}, {}, 0.0);
  expect_near(var(y, {1, 2}), ones({2, 6}), 1e-13);
  EXPECT_NE(problem([&] { group_norm(x, 4, {}, {}); }), "no error");
}

TEST(batch_norm, statistics_are_those_of_the_batch) {
  const Array x = waves({4, 5, 3}), weight = array({1.0, 2.0, 3.0}, float64), bias = array({0.5, 0.0, -1.0}, float64);
  const auto [y, center, spread] = batch_norm(x, weight, bias);
  expect_near(center, mean(x, {0, 1}), 1e-15);
  expect_near(spread, var(x, {0, 1}), 1e-15);
  expect_near(y, batch_norm(x, center, spread, weight, bias), 1e-14);
  const auto [half, mean32, var32] = batch_norm(x.astype(bfloat16), {}, {});
  EXPECT_EQ(half.dtype(), bfloat16);
  EXPECT_EQ(mean32.dtype(), float32);
}

TEST(cross_entropy, is_minus_the_log_softmax_at_the_label) {
  const Array logits = waves({3, 4}), labels = array({0, 3, 1});
  const Doubles log_p = values(log_softmax(logits)), loss = values(softmax_cross_entropy(logits, labels));
  EXPECT_NEAR(loss[0], -log_p[0], 1e-14);
  EXPECT_NEAR(loss[1], -log_p[7], 1e-14);
  EXPECT_NEAR(loss[2], -log_p[9], 1e-14);
  EXPECT_EQ(values(softmax_cross_entropy(logits, array({-100, 3, -100})))[0], 0);
  EXPECT_EQ(softmax_cross_entropy(reshape(waves({24}), {2, 3, 4}), zeros({2, 3}, int32)).shape(), (Shape{2, 3}));
}

TEST(cross_entropy, smoothing_mixes_in_the_even_distribution) {
  const Array logits = waves({2, 5}), labels = array({4, 0});
  const Array target = array({{0.02, 0.02, 0.02, 0.02, 0.92}, {0.92, 0.02, 0.02, 0.02, 0.02}}, float64);
  expect_near(softmax_cross_entropy(logits, labels, {.label_smoothing = 0.1}), softmax_cross_entropy_with_probabilities(logits, target),
              1e-14);
}

TEST(cross_entropy, labels_out_of_range_are_reported_when_computed) {
  const Array logits = waves({3, 4});
  const std::string above = problem([&] { softmax_cross_entropy(logits, array({0, 4, 1})).eval(); });
  EXPECT_NE(above.find("label is out of range"), std::string::npos) << above;
  EXPECT_NE(above.find("4"), std::string::npos) << above;
  const std::string below = problem([&] { softmax_cross_entropy(logits, array({0, 1, -3})).eval(); });
  EXPECT_NE(below.find("label is out of range: element 2 is -3; it must be at least 0"), std::string::npos) << below;
}

TEST(cross_entropy, float_labels_and_wrong_shapes_are_errors_at_the_call) {
  const Array logits = waves({3, 4});
  EXPECT_EQ(problem([&] {
              softmax_cross_entropy(logits, array({0.0, 1.0, 2.0}));
            }),
            "labels has dtype float32; it must be int32 or int64 (labels.astype(int64), or softmax_cross_entropy_with_probabilities)");
  EXPECT_EQ(problem([&] {
              softmax_cross_entropy(logits, array({0, 1}));
            }),
            "logits is (3, 4) and labels is (2,); labels must be (3,), one class an example");
  EXPECT_NE(problem([&] { softmax_cross_entropy(logits, array({0, 1, 2}), {.label_smoothing = 1.0}); }), "no error");
}

TEST(cross_entropy, of_sigmoids_does_not_overflow) {
  const Array x = array({-800.0, 0.0, 800.0}, float64);
  expect_near(sigmoid_cross_entropy(x, 1), array({800.0, std::log(2.0), 0.0}, float64), 1e-12);
  expect_near(sigmoid_cross_entropy(x, 0), array({0.0, std::log(2.0), 800.0}, float64), 1e-12);
}

}  // namespace
}  // namespace gradus
