// L-BFGS on functions whose minimum is known, and what it refuses.
#include <gtest/gtest.h>

#include <cmath>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;

// Rosenbrock's valley: the minimum 0 is at (1, ..., 1).
Array rosenbrock(const std::vector<Array>& p) {
  const Array &x = p[0], here = x[slice(-1)], next = x[slice(1, {})];
  return sum(100 * square(next - square(here)) + square(1 - here));
}

TEST(LBFGS, FollowsAValleyToItsEnd) {
  for (const DType dtype : {float32, float64}) {
    std::vector<Array> p{array({-1.2, 1.0, -0.5, 2.0}, dtype)};
    optim::LBFGS optimizer(1.0, {.iterations = 100, .gradient_tolerance = 0, .change_tolerance = 0});
    for (int i = 0; i < 3; ++i) optimizer.step(p, rosenbrock);
    EXPECT_LT(rosenbrock(p).item(), dtype == float64 ? 1e-15 : 1e-8);
    for (const double x : p[0].to_vector<double>()) EXPECT_NEAR(x, 1, dtype == float64 ? 1e-7 : 1e-3);
    EXPECT_EQ(p[0].dtype(), dtype);
    EXPECT_LT(optimizer.evaluations(), 150);
  }
}

// A quadratic of n variables is done in about n steps along conjugate directions.
TEST(LBFGS, SolvesLinearRegressionToTheLastDigits) {
  const Array x = random::normal(random::key(1), {200, 5}, 0, 1, float64), w = array({1.0, -2.0, 3.0, 0.5, -0.25}, float64);
  const Array y = matmul(x, w) + 4.0;
  nn::Sequential model{nn::Dense(1)};
  nn::build(model, {200, 5}, float64);
  optim::LBFGS optimizer(1.0, {.gradient_tolerance = 0, .change_tolerance = 0});
  double before = 0;
  for (int i = 0; i < 3; ++i) {
    before = optimizer.step(model, [&](const nn::Sequential& m) { return loss::mean_squared_error(reshape(m(x), {-1}), y); });
  }
  EXPECT_LT(before, 1e-12);
  const std::vector<double> kernel = parameters(model)[0].get().to_vector<double>();
  const std::vector<double> want = w.to_vector<double>();
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(kernel[i], want[i], 1e-6);
}

TEST(LBFGS, StopsWhereTheGradientIsZeroAndAtItsBounds) {
  std::vector<Array> p{array({1.0, 1.0}, float64)};
  optim::LBFGS optimizer;
  EXPECT_EQ(optimizer.step(p, rosenbrock), 0);
  EXPECT_EQ(optimizer.iterations(), 0);
  EXPECT_EQ(optimizer.evaluations(), 1);

  std::vector<Array> far{array({-1.2, 1.0}, float64)};
  optim::LBFGS bounded(1.0, {.iterations = 3, .evaluations = 100});
  EXPECT_NEAR(bounded.step(far, rosenbrock), 24.2, 1e-9) << "the objective before the step";
  EXPECT_EQ(bounded.iterations(), 3);
}

// A line search turns back from where the objective is no number.
TEST(LBFGS, TurnsBackFromNan) {
  std::vector<Array> p{array({3.0}, float64)};
  optim::LBFGS optimizer(10.0, {.iterations = 50, .gradient_tolerance = 0, .change_tolerance = 0});
  for (int i = 0; i < 4; ++i) optimizer.step(p, [](const std::vector<Array>& q) { return sum(q[0] - log(q[0])); });
  EXPECT_NEAR(p[0].to_vector<double>()[0], 1, 1e-6);
}

TEST(LBFGS, WithoutASearchItStopsBeforeNan) {
  std::vector<Array> p{array({3.0}, float64)};
  optim::LBFGS optimizer(10.0, {.iterations = 50, .line_search = optim::LineSearch::none});
  const std::string text = error_of([&] {
    for (int i = 0; i < 4; ++i) optimizer.step(p, [](const std::vector<Array>& q) { return sum(q[0] - log(q[0])); });
  });
  EXPECT_EQ(text.rfind("lbfgs: the objective is nan after a step of", 0), 0u) << text;
  EXPECT_GT(p[0].to_vector<double>()[0], 0);
}

TEST(LBFGS, RefusesWhatMakesNoSense) {
  EXPECT_EQ(error_of([] { optim::LBFGS(0.0); }), "lbfgs: learning_rate is 0; it must be above 0 and finite");
  EXPECT_EQ(error_of([] { optim::LBFGS(1.0, {.iterations = 0}); }), "lbfgs: iterations is 0; it must be at least 1");
  EXPECT_EQ(error_of([] { optim::LBFGS(1.0, {.history = 0}); }), "lbfgs: history is 0; it must be at least 1");
  EXPECT_EQ(error_of([] {
              std::vector<Array> p{array({3.0, 2.0})};
              optim::LBFGS optimizer;
              optimizer.step(p, rosenbrock);
              p[0] = array({3.0, 2.0, 1.0});
              optimizer.step(p, rosenbrock);
            }),
            "lbfgs: the model has 3 numbers, it had 2; an optimiser stays with its model");
}

TEST(LBFGS, PassesABarrierBehindWhichTheObjectiveIsInfinite) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double rate : {1.0, 10.0}) {
    for (const bool is_nan : {false, true}) {
      std::vector<Array> p{array({3.0}, float64)};
      optim::LBFGS optimizer(rate);
      for (int i = 0; i < 20; ++i) {
        optimizer.step(p, [&](const std::vector<Array>& x) {
          const Array inside = x[0] > 0, safe = where(inside, x[0], 1.0);
          return sum(where(inside, 5 * safe - log(safe), is_nan ? std::nan("") : infinity));
        });
      }
      EXPECT_NEAR(p[0].item(), 0.2, 1e-5) << rate << " " << is_nan;
    }
  }
}

// log(1 + exp(-s (x w + b))) with a penalty, in float64: the gradient goes to the last digits.
TEST(LBFGS, BringsTheGradientOfLogisticRegressionTo1e10) {
  const Array x = random::normal(random::key(3), {300, 12}, 0, 1, float64).eval();
  const Array label =
      (matmul(x, arange(12).astype(float64)) + random::normal(random::key(4), {300}, 0, 20, float64) > 0).astype(float64).eval();
  std::vector<Array> p{zeros({12}, float64), zeros({}, float64)};
  optim::LBFGS optimizer(1.0, {.iterations = 200, .gradient_tolerance = 1e-10, .change_tolerance = 0});
  optimizer.step(p, [&](const std::vector<Array>& w) {
    return loss::binary_crossentropy(matmul(x, w[0]) + w[1], label) + 0.5 / 300 * sum(square(w[0]));
  });
  EXPECT_EQ(optimizer.end(), optim::LBFGSEnd::gradient);
  EXPECT_LE(optimizer.gradient_size(), 1e-10);
  EXPECT_LT(optimizer.iterations(), 60);
  const Array logits = matmul(x, p[0]) + p[1];
  EXPECT_LE(max(abs(matmul(transpose(x), sigmoid(logits) - label) / 300.0 + p[0] / 300.0)).item(), 1e-10);
}

// A history of changes that are small in themselves counts: the same objective a million times smaller takes as many iterations.
TEST(LBFGS, MeasuresCurvatureByItsShare) {
  const auto iterations = [](double factor) {
    std::vector<Array> p{array({-1.2, 1.0, -0.5, 2.0}, float64)};
    optim::LBFGS optimizer(1.0, {.iterations = 500, .gradient_tolerance = 1e-9 * factor, .change_tolerance = 0});
    // The first step has the length of the gradient, so it is made the same.
    optimizer.step(p, [&](const std::vector<Array>& q) { return factor * rosenbrock(q); });
    EXPECT_EQ(optimizer.end(), optim::LBFGSEnd::gradient) << factor;
    return optimizer.iterations();
  };
  EXPECT_LT(iterations(1e-7), 2 * iterations(1.0));
}
TEST(LBFGS, LeavesOutChangesWithoutCurvature) {
  // cos is concave where it starts: without a search the gradient shrinks in size while it moves, and no such change may be kept.
  std::vector<Array> p{array({0.3}, float64)};
  optim::LBFGS optimizer(0.5, {.iterations = 2, .line_search = optim::LineSearch::none, .change_tolerance = 0});
  optimizer.step(p, [](const std::vector<Array>& q) { return sum(cos(q[0])); });
  EXPECT_EQ(optimizer.history(), 0);
  EXPECT_GT(p[0].item(), 0.3) << "downhill all the same";
  optim::LBFGS convex(0.2, {.iterations = 3, .line_search = optim::LineSearch::none, .change_tolerance = 0});
  convex.step(p, [](const std::vector<Array>& q) { return sum(square(q[0])); });
  EXPECT_GT(convex.history(), 0);
}
TEST(LBFGS, SaysWhyItHasEnded) {
  using enum optim::LBFGSEnd;
  const auto end_of = [](optim::LBFGSOptions options, const std::function<Array(const std::vector<Array>&)>& objective) {
    std::vector<Array> p{array({-1.2, 1.0}, float64)};
    optim::LBFGS optimizer(1.0, options);
    EXPECT_EQ(optimizer.end(), none);
    optimizer.step(p, objective);
    EXPECT_TRUE(all(isfinite(p[0])).item<bool>());
    return optimizer.end();
  };
  EXPECT_EQ(end_of({.iterations = 100, .change_tolerance = 0}, rosenbrock), gradient);
  EXPECT_EQ(end_of({.iterations = 3, .evaluations = 100}, rosenbrock), iterations);
  EXPECT_EQ(end_of({.iterations = 50, .evaluations = 4}, rosenbrock), evaluations);
  EXPECT_EQ(end_of({.iterations = 50, .gradient_tolerance = 0, .change_tolerance = 1e-2}, rosenbrock), change);
  EXPECT_EQ(end_of({}, [](const std::vector<Array>& p) { return sum(p[0]) * std::nan(""); }), not_finite);
  // A gradient that is not that of the objective: nothing lower lies along it.
  EXPECT_EQ(end_of({.iterations = 50, .gradient_tolerance = 0, .change_tolerance = 0},
                   [](const std::vector<Array>& p) { return 2 * stop_gradient(sum(p[0])) - sum(p[0]); }),
            line_search);
  EXPECT_EQ(enum_names(line_search)[static_cast<size_t>(line_search)], "line_search");
}

TEST(LBFGS, BuildsAModel) {
  random::seed(1);
  const nn::Dense model(1);
  const Array x = random::normal({40, 3}), y = matmul(x, array({{1.0}, {-2.0}, {0.5}}, float32)) + 3;
  optim::LBFGS optimizer;
  for (int i = 0; i < 5; ++i) optimizer.step(model, [&](const auto& m) { return loss::mean_squared_error(m(x), y); });
  EXPECT_TRUE(allclose(nn::parameter(model, "kernel").get(), array({{1.0}, {-2.0}, {0.5}}, float32), {.absolute = 1e-3}));
}

}  // namespace
}  // namespace gradus
