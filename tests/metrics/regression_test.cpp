// Scores of numbers, rankings and forecasts against scikit-learn and numbers worked out by hand.
#include <gtest/gtest.h>

#include "gradus/gradus.hpp"
#include "tests/metrics/references.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

namespace ref = references;
using testing::error_of;

constexpr double kClose = 1e-12;

struct Numbers {
  Array output = array(ref::outputs, {11, 2}), target = array(ref::targets, {11, 2});
  metrics::NumberOptions weighted{.weights = array(ref::number_weights)};
};

TEST(NumberScores, AreScikitLearns) {
  const Numbers n;
  const struct {
    double (*score)(const Array&, const Array&, const metrics::NumberOptions&);
    double plain, weighted;
  } cases[] = {{metrics::mae, ref::mae, ref::mae_weighted},
               {metrics::mse, ref::mse, ref::mse_weighted},
               {metrics::rmse, ref::rmse, ref::rmse_weighted},
               {metrics::r2, ref::r2, ref::r2_weighted},
               {metrics::explained_variance, ref::explained, ref::explained_weighted},
               {metrics::mape, ref::mape, ref::mape_weighted},
               {metrics::median_absolute_error, ref::median_error, ref::median_error_weighted}};
  for (const auto& each : cases) {
    EXPECT_NEAR(each.score(n.output, n.target, {}), each.plain, kClose) << &each - cases;
    EXPECT_NEAR(each.score(n.output, n.target, n.weighted), each.weighted, kClose) << &each - cases;
  }
  EXPECT_NEAR(metrics::pinball(n.output, n.target, 0.3), ref::pinball, kClose);
  EXPECT_NEAR(metrics::pinball(n.output, n.target, 0.3, n.weighted), ref::pinball_weighted, kClose);
}

TEST(NumberScores, OfPositiveNumbersAreScikitLearns) {
  const Array output = array(ref::positive_outputs, {11, 2}), target = array(ref::positive_targets, {11, 2}),
              weights = array(ref::number_weights);
  EXPECT_NEAR(metrics::mean_squared_log_error(output, target), ref::msle, kClose);
  EXPECT_NEAR(metrics::mean_squared_log_error(output, target, {.weights = weights}), ref::msle_weighted, kClose);
  const Array o = output[{slice(), 0}], t = target[{slice(), 0}];
  const std::pair<double, double> cases[] = {{-1, ref::tweedie_m1},   {0, ref::tweedie_0}, {1, ref::tweedie_1},
                                             {1.5, ref::tweedie_1_5}, {2, ref::tweedie_2}, {3, ref::tweedie_3}};
  for (const auto& [power, wanted] : cases) EXPECT_NEAR(metrics::tweedie_deviance(o, t, power), wanted, kClose) << power;
  EXPECT_NEAR(metrics::poisson_deviance(o, t, {.weights = weights}), ref::tweedie_1_weighted, kClose);
  EXPECT_NEAR(metrics::gamma_deviance(o, t), ref::tweedie_2, kClose);
}

TEST(NumberScores, WorkedOutByHand) {
  const Array output = array({1.0, 2.0, 0.0}, float64), target = array({2.0, 0.0, 0.0}, float64);
  EXPECT_NEAR(metrics::smape(output, target), (2.0 / 3 + 2 + 0) / 3, kClose);
  EXPECT_EQ(metrics::max_error(output, target), 2);
  EXPECT_EQ(metrics::max_error(output, target, {.weights = array({1.0, 0.0, 1.0}, float64)}), 1);
  EXPECT_NEAR(metrics::adjusted_r2(array({1.0, 2.0, 4.0}, float64), array({1.0, 2.0, 3.0}, float64), 1), 1 - 0.5 * 2 / 1, kClose);
}

TEST(NumberScores, TheWeightedMedianIsTheLowerOne) {
  const Array zero = zeros({2}), errors = array({1.0, 2.0}, float64);
  EXPECT_EQ(metrics::median_absolute_error(zero, errors), 1.5);
  EXPECT_EQ(metrics::median_absolute_error(zero, errors, {.weights = ones({2})}), 1);
}

// scikit-learn rounds the mean of equal targets under weights, and gives -1e32.
TEST(NumberScores, OfEqualTargetsExplainNothing) {
  const Array target = full({3}, 0.1), weights = array({0.3, 0.7, 0.1}, float64);
  EXPECT_EQ(metrics::r2(target, target), 1);
  EXPECT_EQ(metrics::r2(target + array({1.0, 0.0, 0.0}, float64), target, {.weights = weights}), 0);
  EXPECT_EQ(metrics::explained_variance(target + array({1.0, 0.0, 0.0}, float64), target, {.weights = weights}), 0);
  EXPECT_TRUE(std::isnan(metrics::r2(array({1.0}, float64), array({2.0}, float64))));
}

// The squares of 1e8 leave no digit of a deviation of 1.
TEST(NumberScores, KeepTheirDigitsFarFromZero) {
  const Array target = array({1.0, 2.0, 3.0, 4.0}, float64).astype(float64) + 1e8,
              output = target + array({0.5, -0.5, 0.5, -0.5}, float64).astype(float64);
  EXPECT_NEAR(metrics::r2(output, target), 0.8, 1e-9);
  EXPECT_NEAR(metrics::explained_variance(output, target), 0.8, 1e-9);
}

TEST(NumberScores, RefuseWhatIsNone) {
  const auto said = [](const Array& o, const Array& t) { return error_of([&] { metrics::mae(o, t); }); };
  EXPECT_EQ(said(array({1.0, 2.0}, float64), array({1.0}, float64)), "mae: output is (2,) and target is (1,); they must be equal");
  EXPECT_EQ(said(array({1.0, std::nan("")}, float64), array({1.0, 2.0}, float64)), "mae: output[1] is nan; numbers must be finite");
  EXPECT_EQ(said(array({{1.0}, {2.0}}, float64), array({{1.0}, {HUGE_VAL}}, float64)), "mae: target[1, 0] is inf; numbers must be finite");
  EXPECT_EQ(said(zeros({0}), zeros({0})), "mae: output is (0,); there must be a sample");
  EXPECT_EQ(said(array({{1.0}, {2.0}}, float64), array({1.0, 2.0}, float64)), "");
  EXPECT_EQ(error_of([] { metrics::mean_squared_log_error(array({1.0}, float64), array({-0.5}, float64)); }),
            "mean_squared_log_error: a target or output is -0.5; none may be negative");
  EXPECT_EQ(error_of([] { metrics::poisson_deviance(array({0.0}, float64), array({1.0}, float64)); }),
            "poisson_deviance: output 0 is 0; of power 1 outputs must be above 0");
  EXPECT_EQ(error_of([] { metrics::gamma_deviance(array({1.0}, float64), array({0.0}, float64)); }),
            "gamma_deviance: target 0 is 0; of power 2 targets must be above 0");
}

TEST(Residuals, AndTheirQuantiles) {
  const Numbers n;
  const metrics::Residuals r = metrics::residuals(n.output, n.target);
  for (size_t i = 0; i < r.sorted.size(); ++i) {
    EXPECT_NEAR(r.sorted[i], ref::standard_residuals[i], 1e-11);
    EXPECT_NEAR(r.normal_quantiles[i], ref::normal_points[i], kClose);
    EXPECT_EQ(r.residual[i], ref::targets[i] - ref::outputs[i]);
  }
  EXPECT_NEAR(r.mean, ref::residual_shape[0], 1e-11);
  EXPECT_NEAR(r.deviation, ref::residual_shape[1], 1e-11);
  EXPECT_NEAR(r.skewness, ref::residual_shape[2], 1e-11);
  EXPECT_NEAR(r.excess_kurtosis, ref::residual_shape[3], 1e-11);
}

TEST(Ranking, DiscountedGainsAreScikitLearns) {
  const Array output = array(ref::ranking_scores, {4, 5}), target = array(ref::relevances, {4, 5});
  EXPECT_NEAR(metrics::ndcg(output, target), ref::ndcg, kClose);
  EXPECT_NEAR(metrics::ndcg(output, target, {.k = 3}), ref::ndcg_3, kClose);
  EXPECT_NEAR(metrics::dcg(output, target, {.k = 2}), ref::dcg_2, kClose);
  // The same by groups, in any order of the rows.
  const Array groups = array({7, 7, 7, 7, 7, 2, 2, 2, 2, 2, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0});
  EXPECT_NEAR(metrics::ndcg(reshape(output, {-1}), reshape(target, {-1}), {.k = 3, .groups = groups}), ref::ndcg_3, kClose);
  EXPECT_NEAR(metrics::dcg(array({{2.0, 1.0}}, float64), array({{2, 1}}), {.gain = metrics::Gain::exponential}), 3 + 1 / std::log2(3),
              kClose);
}

TEST(Ranking, WithoutTies) {
  const Array output = array({{5.0, 4.0, 3.0, 2.0}, {5.0, 4.0, 3.0, 2.0}}, float64), target = array({{0, 1, 0, 1}, {0, 0, 0, 1}});
  EXPECT_NEAR(metrics::mean_average_precision(output, target), ((0.5 + 0.5) / 2 + 0.25) / 2, kClose);
  EXPECT_NEAR(metrics::mean_average_precision(output, target, {.k = 2}), 0.5 / 2 / 2, kClose);
  EXPECT_NEAR(metrics::mean_reciprocal_rank(output, target), (0.5 + 0.25) / 2, kClose);
  EXPECT_NEAR(metrics::mean_reciprocal_rank(output, target, {.k = 3}), 0.25, kClose);
  EXPECT_EQ(metrics::hit_rate(output, target, {.k = 2}), 0.5);
  EXPECT_EQ(metrics::precision_at(output, target, {.k = 2}), 0.25);
  EXPECT_EQ(metrics::precision_at(output, target, {.k = 8}), 3.0 / 16);
  EXPECT_EQ(metrics::recall_at(output, target, {.k = 2}), 0.25);
  EXPECT_EQ(metrics::recall_at(output, target, {.k = 2, .weights = array({3.0, 1.0}, float64)}), 0.375);
}

TEST(Ranking, AFullCutIsPerfect) {
  EXPECT_EQ(metrics::mean_average_precision(array({{4.0, 3.0, 2.0, 1.0}}), array({{1, 1, 1, 0}}), {.k = 2}), 1);
}

// Mean over all orders of the tied items, counted one by one.
TEST(Ranking, TiesCountAsTheMeanOfTheirOrders) {
  const std::vector<double> scores = {9, 5, 5, 5, 5, 1};
  const std::vector<int> relevant = {0, 1, 0, 1, 0, 1};
  std::vector<size_t> order = {1, 2, 3, 4};
  double precision = 0, reciprocal = 0, hits = 0, cut = 0, count = 0;
  do {
    std::vector<int> ranked = {relevant[0]};
    for (const size_t item : order) ranked.push_back(relevant[item]);
    ranked.push_back(relevant[5]);
    double found = 0, sum = 0, first = 0, cut_sum = 0;
    for (size_t i = 0; i < 6; ++i) {
      if (!ranked[i]) continue;
      found += 1;
      sum += found / static_cast<double>(i + 1);
      if (i < 3) cut_sum += found / static_cast<double>(i + 1);
      if (first == 0) first = 1 / static_cast<double>(i + 1);
    }
    precision += sum / 3;
    cut += cut_sum / 3;
    reciprocal += first;
    hits += ranked[0] || ranked[1];
    count += 1;
  } while (std::next_permutation(order.begin(), order.end()));
  const Array output = array(scores, {1, 6}), target = array(relevant, {1, 6});
  EXPECT_NEAR(metrics::mean_average_precision(output, target), precision / count, kClose);
  EXPECT_NEAR(metrics::mean_average_precision(output, target, {.k = 3}), cut / count, kClose);
  EXPECT_NEAR(metrics::mean_reciprocal_rank(output, target), reciprocal / count, kClose);
  EXPECT_NEAR(metrics::hit_rate(output, target, {.k = 2}), hits / count, kClose);
  EXPECT_NEAR(metrics::recall_at(output, target, {.k = 3}), (2 * 0.5) / 3, kClose);
  // A model that says the same of all is no better for standing first in the file.
  EXPECT_NEAR(metrics::mean_reciprocal_rank(zeros({1, 4}), array({{1, 0, 0, 0}})), (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0) / 4, kClose);
}

TEST(Ranking, RefusesWhatIsNone) {
  EXPECT_EQ(error_of([] { metrics::ndcg(array({1.0}, float64), array({1})); }),
            "ndcg: output is (1,); it must be (queries, items), or (N,) with groups");
  EXPECT_EQ(error_of([] { metrics::ndcg(array({{1.0}}, float64), array({{-1}})); }),
            "ndcg: target[0, 0] is -1; relevances must be finite and not negative");
  EXPECT_EQ(error_of([] { metrics::recall_at(array({{1.0}}, float64), array({{1}}), {}); }), "recall_at: k is 0; it must be at least 1");
}

TEST(Forecast, ScaledErrors) {
  const Array history = array({1.0, 3.0, 2.0, 5.0}, float64), output = array({4.0, 6.0}, float64), target = array({5.0, 9.0}, float64);
  EXPECT_NEAR(metrics::mase(output, target, history), 2.0 / 2, kClose);
  EXPECT_NEAR(metrics::mase(output, target, history, 2), 2.0 / 1.5, kClose);
  EXPECT_NEAR(metrics::rmsse(output, target, history), std::sqrt(5.0 / (14.0 / 3)), kClose);
  EXPECT_EQ(error_of([&] { metrics::mase(output, target, ones({4})); }),
            "mase: the history repeats itself every 1 steps; the naive forecast of it must have an error");
  EXPECT_EQ(error_of([&] { metrics::mase(output, target, history, 4); }),
            "mase: season is 4 and the history has 4 steps; it must be 1 to 3");
}

TEST(Forecast, Intervals) {
  const Array lower = array({0.0, 0.0, 0.0}, float64), upper = array({1.0, 2.0, 3.0}, float64), target = array({1.0, 3.0, -1.0}, float64);
  EXPECT_NEAR(metrics::interval_coverage(lower, upper, target), 1.0 / 3, kClose);
  EXPECT_EQ(metrics::interval_width(lower, upper), 2);
  EXPECT_NEAR(metrics::interval_score(lower, upper, target, 0.2), (6 + 10 * 1 + 10 * 1) / 3.0, kClose);
  const double mae = (0.5 + 2 + 2.5) / 3;
  EXPECT_NEAR(metrics::weighted_interval_score(array({0.5, 1.0, 1.5}, float64), {{lower, upper, 0.2}}, target),
              (mae / 2 + 0.1 * (26 / 3.0)) / 1.5, kClose);
  EXPECT_EQ(error_of([&] { metrics::interval_width(upper, lower); }),
            "interval_width: interval 0 is from 1 to 0; lower must not be above upper");
}

}  // namespace
}  // namespace gradus
