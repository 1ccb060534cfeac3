// Losses and layers at the ends of the ranges of numbers: half precision, masked classes, minima, empty batches.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gradus/gradus.hpp"

namespace {

using namespace gradus;
using namespace gradus::core;

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Range, float16_losses_are_summed_in_float32) {
  const auto loss = [](const Array& x) { return loss::sparse_categorical_crossentropy(x, zeros({x.shape(0)}, int64)); };
  EXPECT_NEAR(loss(zeros({20000, 150}, float16)).item(), 5.0106, 5e-3);
  EXPECT_NEAR(loss(zeros({70000, 2}, float16)).item(), 0.6931, 1e-3);
  EXPECT_NEAR(max(abs(grad(loss)(zeros({70000, 2}, float16)))).item(), 0.5 / 70000, 1e-7);
  const Array y = zeros({70000}, float16), t = full({70000}, 300.0, float16);
  const Array one = where(arange(70000) == 0, t, y);
  EXPECT_NEAR(loss::mean_squared_error(one, y).item(), 90000.0 / 70000, 1e-2);
  EXPECT_NEAR(loss::huber(y, t).item(), 299.5, 0.5);
  EXPECT_NEAR(loss::log_cosh(y, t).item(), 300 - std::log(2.0), 0.5);
}

TEST(Range, losses_are_exact_near_their_minimum_and_never_negative) {
  EXPECT_NEAR(loss::log_cosh(array({1e-4f}), array({0.0f})).item() / 5e-9, 1, 1e-5);
  const Array e = linspace(-0.01, 0.01, 2001);
  EXPECT_GE(min(loss::log_cosh(e, zeros({2001}), {loss::Reduction::none})).item(), 0);
  EXPECT_NEAR(loss::binary_crossentropy(array({-20.0f}), array({0.0f})).item() / std::log1p(std::exp(-20.0)), 1, 1e-5);
  EXPECT_NEAR(loss::binary_crossentropy(array({20.0f}), array({1.0f})).item() / std::log1p(std::exp(-20.0)), 1, 1e-5);
}

TEST(Range, infinite_logits_of_what_has_target_0_cost_nothing) {
  const Array x = array({{0.0, -kInf, 0.0}}), t = array({{1.0, 0.0, 0.0}});
  EXPECT_NEAR(loss::categorical_crossentropy(x, t).item(), std::log(2.0), 1e-6);
  EXPECT_NEAR(loss::categorical_crossentropy(x, t, {.class_weights = array({1.0, 2.0, 3.0})}).item(), std::log(2.0), 1e-6);
  EXPECT_NEAR(loss::kl_divergence(x, t).item(), std::log(2.0), 1e-6);
  EXPECT_EQ(loss::binary_crossentropy(array({-kInf, kInf}), array({0.0, 1.0})).item(), 0);
  EXPECT_EQ(grad([](const Array& v) { return loss::binary_crossentropy(v, array({0.0, 1.0})); })(array({-kInf, kInf})).to_vector<double>(),
            (std::vector<double>{0, 0}));
}

TEST(Range, a_rate_of_0_for_a_count_of_0_costs_nothing) {
  const Array x = array({-kInf, 0.0}), t = array({0.0, 2.0});
  EXPECT_EQ(loss::poisson(x, t, {loss::Reduction::none}).to_vector<double>(), (std::vector<double>{0, 1}));
  EXPECT_EQ(grad([&](const Array& v) { return loss::poisson(v, t, {loss::Reduction::sum}); })(x).to_vector<double>(),
            (std::vector<double>{0, -1}));
}

TEST(Range, infinite_errors_have_the_slope_of_large_ones) {
  const auto slope = [](auto f, const Array& x) {
    return grad([&](const Array& v) { return f(v, zeros_like(v)); })(x).template to_vector<double>();
  };
  for (const DType dtype : {float16, bfloat16, float32, float64}) {
    const Array x = array({kInf, -kInf}, dtype);
    EXPECT_EQ(loss::huber(x, zeros_like(x)).item(), kInf);
    EXPECT_EQ(slope([](const Array& y, const Array& t) { return loss::huber(y, t, {.delta = 2}); }, x), (std::vector<double>{1, -1}));
    EXPECT_EQ(slope([](const Array& y, const Array& t) { return loss::log_cosh(y, t); }, x), (std::vector<double>{0.5, -0.5}));
    EXPECT_EQ(slope([](const Array& y, const Array& t) { return loss::mean_absolute_error(y, t); }, x), (std::vector<double>{0.5, -0.5}));
  }
}

TEST(Range, ignored_examples_of_nan_have_gradient_0) {
  const double nan = std::nan("");
  const Array x = array({{nan, nan}, {0.0, 0.0}});
  for (const double smoothing : {0.0, 0.1}) {
    for (const bool is_weighted : {false, true}) {
      const auto f = [&](const Array& v) {
        loss::CrossentropyOptions options{.label_smoothing = smoothing};
        if (is_weighted) options.class_weights = array({1.0, 1.0});
        return loss::sparse_categorical_crossentropy(v, array({-100, 1}), options);
      };
      const std::vector<double> slope = grad(f)(x).to_vector<double>();
      EXPECT_EQ(slope[0], 0);
      EXPECT_EQ(slope[1], 0);
      EXPECT_NEAR(slope[2], 0.5 - smoothing / 2, 1e-6);
      // Order two as well.
      const std::vector<double> second = grad([&](const Array& v) { return sum(square(grad(f)(v))); })(x).to_vector<double>();
      EXPECT_EQ(second[0], 0);
      EXPECT_FALSE(std::isnan(second[2]));
    }
  }
}

TEST(Range, a_batch_of_none_leaves_running_statistics_as_they_were) {
  nn::BatchNorm norm;
  {
    nn::TrainingMode training;
    EXPECT_EQ(norm(zeros({0, 2})).eval().shape(), Shape({0, 2}));
  }
  EXPECT_EQ(norm.running_mean.get().to_vector<double>(), (std::vector<double>{0, 0}));
  EXPECT_EQ(norm.running_variance.get().to_vector<double>(), (std::vector<double>{1, 1}));
}

TEST(Range, clipping_keeps_the_direction_of_huge_gradients) {
  const std::vector<float> clipped = optim::clip_by_norm(array({3e20f, 4e20f}), 1.0).to_vector<float>();
  EXPECT_NEAR(clipped[0], 0.6, 1e-6);
  EXPECT_NEAR(clipped[1], 0.8, 1e-6);
  EXPECT_NEAR(optim::global_norm(std::vector<Array>{array({3e20f}), array({4e20f})}).item() / 5e20, 1, 1e-6);
}

}  // namespace
