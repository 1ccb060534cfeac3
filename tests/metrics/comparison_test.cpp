// Intervals, and tests of two models, against scipy and statsmodels.
#include <gtest/gtest.h>

#include <numeric>

#include "gradus/gradus.hpp"
#include "gradus/metrics/distributions.hpp"
#include "gradus/metrics/resampling.hpp"
#include "tests/metrics/references.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

namespace ref = references;
using metrics::BootstrapKind;
using metrics::BootstrapOptions;
using testing::error_of;

constexpr double kClose = 1e-10;

struct Two {
  Array first = array(ref::binary_logits), second = array(ref::second_logits), target = array(ref::binary_labels);
};

TEST(Proportion, IntervalsAreStatsmodels) {
  const struct {
    int64_t hits, tries;
    std::vector<double> wilson, exact;
  } cases[] = {{8, 10, ref::wilson_8_10, ref::exact_8_10},
               {0, 7, ref::wilson_0_7, ref::exact_0_7},
               {7, 7, ref::wilson_7_7, ref::exact_7_7},
               {1370, 1628, ref::wilson_1370_1628, ref::exact_1370_1628}};
  for (const auto& each : cases) {
    const auto wilson = metrics::wilson(static_cast<double>(each.hits), static_cast<double>(each.tries));
    const auto exact = metrics::clopper_pearson(each.hits, each.tries);
    EXPECT_NEAR(wilson.lower, each.wilson[0], kClose);
    EXPECT_NEAR(wilson.upper, each.wilson[1], kClose);
    EXPECT_NEAR(exact.lower, each.exact[0], kClose);
    EXPECT_NEAR(exact.upper, each.exact[1], kClose);
  }
  EXPECT_EQ(error_of([] { metrics::wilson(3, 2); }), "wilson: there are 3 hits of 2 tries; tries must be above 0 and hits 0 to that");
  EXPECT_EQ(error_of([] { metrics::clopper_pearson(1, 2, 1); }), "clopper_pearson: confidence is 1; it must be between 0 and 1");
}

TEST(Distributions, AtTheirEnds) {
  using namespace metrics::detail;
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_quantile(1e-300), -37.0471, 1e-4);
  EXPECT_EQ(normal_quantile(0.5), 0);
  EXPECT_EQ(normal_quantile(0), -HUGE_VAL);
  EXPECT_NEAR(student_two_sided(1, 1), 0.5, 1e-14);
  EXPECT_NEAR(student_two_sided(5e-8, 1), 1 - 2 / M_PI * std::atan(5e-8), 1e-15);
  EXPECT_NEAR(student_quantile(0.75, 1), 1, 1e-13);
  EXPECT_NEAR(student_quantile(0.25, 1), -1, 1e-13);
  EXPECT_NEAR(student_quantile(0.51, 1), std::tan(M_PI * 0.01), 1e-14);
  EXPECT_NEAR(student_quantile(1e-8, 1), -1 / std::tan(M_PI * 1e-8), 1e-4);
  EXPECT_NEAR(binomial_cdf(2, 5, 0.5), 0.5, 1e-14);
}

TEST(McNemar, IsStatsmodels) {
  const Two two;
  const auto exact = metrics::mcnemar(two.first, two.second, two.target);
  EXPECT_EQ(exact.statistic, ref::mcnemar_exact_statistic);
  EXPECT_NEAR(exact.p_value, ref::mcnemar_exact_p, kClose);
  const auto chi = metrics::mcnemar(two.first, two.second, two.target, {.kind = metrics::McNemarKind::chi_squared});
  EXPECT_NEAR(chi.statistic, ref::mcnemar_chi_statistic, kClose);
  EXPECT_NEAR(chi.p_value, ref::mcnemar_chi_p, kClose);
  EXPECT_NEAR(exact.first, ref::accuracy, kClose);
  EXPECT_NEAR(exact.difference, exact.first - exact.second, kClose);
  EXPECT_LT(exact.lower, exact.difference);
  EXPECT_GT(exact.upper, exact.difference);
  const auto same = metrics::mcnemar(two.first, two.first, two.target);
  EXPECT_EQ(same.p_value, 1);
  EXPECT_EQ(same.difference, 0);
}

// 6 only right of 10, 1 only right: (7 / 12 - 2 / 12) +- 1.96 sqrt((9 / 12 - 25 / 144) / 12)
TEST(McNemar, BoundsAreBonettAndPrices) {
  const Array target = ones({10}, int64), first = array({1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0, 1.0, 1.0, 1.0}, float64),
              second = array({-1.0, -1.0, -1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0}, float64);
  const auto test = metrics::mcnemar(first, second, target);
  const double half = 1.959963984540054 * std::sqrt((9.0 / 12 - 25.0 / 144) / 12);
  EXPECT_NEAR(test.lower, 5.0 / 12 - half, kClose);
  EXPECT_NEAR(test.upper, 5.0 / 12 + half, kClose);
  EXPECT_NEAR(test.p_value, 16.0 / 128, kClose);  // 2 (1 + 7) / 2^7
}

TEST(DeLong, IsItsDefinition) {
  const Two two;
  const auto test = metrics::delong(two.first, two.second, two.target);
  EXPECT_NEAR(test.first, ref::roc_auc, kClose);
  EXPECT_NEAR(test.difference, ref::delong_difference, kClose);
  EXPECT_NEAR(test.statistic, ref::delong_z, kClose);
  EXPECT_NEAR(test.p_value, ref::delong_p, kClose);
  EXPECT_NEAR(test.lower, ref::delong_lower, kClose);
  EXPECT_NEAR(metrics::delong_interval(two.first, two.target).error, ref::delong_error, kClose);
  EXPECT_EQ(metrics::delong(two.first, two.first, two.target).p_value, 1);
  EXPECT_EQ(error_of([&] { metrics::delong(two.first, two.second, ones({24}, int64)); }),
            "delong: none of the 24 targets is of class 0; each class must have a sample");
}

TEST(Permutation, OfSignsIsScipys) {
  const auto test = metrics::permutation_test(ref::fold_first, ref::fold_second);
  EXPECT_NEAR(test.p_value, ref::signs_p, kClose);
  // At random it comes near.
  EXPECT_NEAR(metrics::permutation_test(ref::fold_first, ref::fold_second, {.resamples = 63}).p_value, ref::signs_p, 0.1);
  EXPECT_EQ(error_of([] {
              metrics::permutation_test(std::vector<double>{1, 2}, std::vector<double>{1});
            }),
            "permutation_test: the first has 2 samples and the second 1; both must be of the same");
}

TEST(CorrectedT, IsNadeauAndBengios) {
  const auto test = metrics::corrected_t_test(ref::fold_first, ref::fold_second, {.train = 100, .test = 20});
  EXPECT_NEAR(test.statistic, ref::t_statistic, kClose);
  EXPECT_NEAR(test.p_value, ref::t_p, kClose);
  EXPECT_NEAR(test.lower, ref::t_lower, kClose);
  EXPECT_EQ(metrics::corrected_t_test(ref::fold_first, ref::fold_first, {.train = 4, .test = 1}).p_value, 1);
  EXPECT_EQ(error_of([] { metrics::corrected_t_test(std::vector<double>{1}, std::vector<double>{1}, {.train = 4, .test = 1}); }),
            "corrected_t_test: there are 1 pairs; there must be at least 2");
}

// Samples of which a model has a share right, and another one a few more.
struct Many {
  int64_t size = 400;
  Array target, output, better;
  Many() {
    std::vector<double> o, b;
    std::vector<int64_t> t;
    for (int64_t i = 0; i < size; ++i) {
      t.push_back(i % 4 == 0);
      const double level = static_cast<double>((i * 37) % 101) / 50 - 1;
      o.push_back(level + (t.back() ? 0.6 : -0.4));
      b.push_back(level + (t.back() ? 1.0 : -0.8));
    }
    target = array(t);
    output = array(o);
    better = array(b);
  }
};

// The mean of n numbers has a standard error of s / sqrt(n).
TEST(Bootstrap, ErrorOfAMeanIsTheKnownOne) {
  const Many many;
  const auto p = metrics::confusion_matrix(many.output, many.target).accuracy();
  for (const BootstrapKind kind : {BootstrapKind::bca, BootstrapKind::percentile}) {
    const auto interval = metrics::bootstrap({"accuracy"}, many.output, many.target, {.resamples = 4000, .kind = kind})[0];
    const double error = std::sqrt(p * (1 - p) / 400);
    EXPECT_NEAR(interval.error, error, 0.05 * error);
    EXPECT_NEAR(interval.lower, p - 1.96 * error, 0.3 * error);
    EXPECT_NEAR(interval.upper, p + 1.96 * error, 0.3 * error);
    EXPECT_EQ(interval.value, p);
  }
}

TEST(Bootstrap, ByNameIsThatOfTheResampledRows) {
  const Many many;
  const std::vector<double> output = many.output.to_vector<double>();
  const std::vector<int64_t> target = many.target.to_vector<int64_t>();
  const auto by_rows = metrics::bootstrap(
      [&](std::span<const int64_t> rows) {
        std::vector<double> o;
        std::vector<int64_t> t;
        for (const int64_t row : rows) o.push_back(output[static_cast<size_t>(row)]), t.push_back(target[static_cast<size_t>(row)]);
        return metrics::roc_auc(array(o), array(t));
      },
      many.size, {.resamples = 50, .seed = 3});
  const auto by_name = metrics::bootstrap({"roc_auc"}, many.output, many.target, {.resamples = 50, .seed = 3})[0];
  EXPECT_NEAR(by_name.lower, by_rows.lower, 1e-12);
  EXPECT_NEAR(by_name.upper, by_rows.upper, 1e-12);
  EXPECT_NEAR(by_name.error, by_rows.error, 1e-12);
}

TEST(Bootstrap, IsTheSameForASeedAndAnyThreads) {
  const Many many;
  const auto numbers = [&](const BootstrapOptions& options) {
    std::vector<double> out;
    for (const auto& each : metrics::bootstrap({"f1", "log_loss", "roc_auc"}, many.output, many.target, options))
      out.insert(out.end(), {each.value, each.lower, each.upper, each.error});
    return out;
  };
  const std::vector<double> once = numbers({.resamples = 100, .seed = 5});
  const int before = threads();
  set_threads(1);
  EXPECT_EQ(numbers({.resamples = 100, .seed = 5}), once);
  set_threads(before);
  EXPECT_NE(numbers({.resamples = 100, .seed = 6}), once);
}

TEST(Bootstrap, StrataKeepTheirSizesAndGroupsStayTogether) {
  const Many many;
  const Array constant = full({400}, 1.0);  // all are predicted as 1: accuracy is the share of class 1
  EXPECT_LT(metrics::bootstrap({"accuracy"}, constant, many.target, {.resamples = 50, .is_stratified = true})[0].error, 1e-12);
  EXPECT_GT(metrics::bootstrap({"accuracy"}, constant, many.target, {.resamples = 50})[0].error, 0.01);
  // 100 groups of four equal samples are 100 samples.
  std::vector<int64_t> groups(400), target(400);
  for (size_t i = 0; i < 400; ++i) groups[i] = 1000 - static_cast<int64_t>(i / 4), target[i] = i / 4 % 3 == 0;
  const auto together = metrics::bootstrap({"accuracy"}, constant, array(target), {.resamples = 2000, .groups = array(groups)})[0];
  EXPECT_NEAR(together.error, std::sqrt(0.34 * 0.66 / 100), 0.003);
  EXPECT_EQ(error_of([&] {
              metrics::bootstrap({"accuracy"}, constant, many.target, {.groups = array({1, 2})});
            }),
            "bootstrap: groups is (2,) int64; it must be an integer for each of the 400 samples");
}

TEST(Bootstrap, CountsResamplesWithoutAClass) {
  const auto interval = metrics::bootstrap({"roc_auc"}, array({1.0, 0.0, 2.0}, float64), array({1, 0, 1}), {.resamples = 300})[0];
  EXPECT_GT(interval.undefined, 40);  // (1 + 8) / 27 of 300 hold one class only
  EXPECT_LT(interval.undefined, 160);
  EXPECT_EQ(interval.value, 1);
  EXPECT_EQ(interval.upper, 1);
}

TEST(Bootstrap, BoundsAreEfrons) {
  const auto bounds = [](BootstrapKind kind) {
    return metrics::detail::interval_of(0.3, ref::bca_draws, ref::bca_left_out, {.confidence = 0.9, .kind = kind});
  };
  const auto bca = bounds(BootstrapKind::bca), percentile = bounds(BootstrapKind::percentile);
  EXPECT_NEAR(bca.lower, ref::bca_bounds[0], kClose);
  EXPECT_NEAR(bca.upper, ref::bca_bounds[1], kClose);
  EXPECT_NEAR(percentile.lower, ref::percentile_bounds[0], kClose);
  EXPECT_NEAR(percentile.upper, ref::percentile_bounds[1], kClose);
}

// All resamples are equal: the corrections are 0 / 0.
TEST(Bootstrap, OfWhatNeverVariesIsThatNumber) {
  const auto interval = metrics::bootstrap({"accuracy"}, array({1.0, 2.0}, float64), array({1, 1}), {.resamples = 20})[0];
  EXPECT_EQ(interval.lower, 1);
  EXPECT_EQ(interval.upper, 1);
  EXPECT_EQ(interval.error, 0);
}

TEST(Bootstrap, OfWeightedSamplesWeighsThem) {
  const Many many;
  std::vector<double> weights(400, 1);
  for (size_t i = 0; i < 200; ++i) weights[i] = 0;
  const auto half =
      metrics::bootstrap({"accuracy"}, many.output, many.target, {.resamples = 1000, .classes = {.weights = array(weights)}})[0];
  EXPECT_EQ(half.value, metrics::confusion_matrix(many.output[slice(200, 400)], many.target[slice(200, 400)]).accuracy());
  EXPECT_NEAR(half.error, std::sqrt(half.value * (1 - half.value) / 200), 0.003);
}

TEST(Bootstrap, RefusesWhatIsNone) {
  const Array o = array({1.0, 0.0}, float64), t = array({1, 0});
  EXPECT_EQ(error_of([&] { metrics::bootstrap({}, o, t); }), "bootstrap: no score is named; for example {\"accuracy\", \"f1\"}");
  EXPECT_NE(error_of([&] { metrics::bootstrap({"acuracy"}, o, t); }).find("did you mean accuracy?"), std::string::npos);
  EXPECT_EQ(error_of([&] {
              metrics::bootstrap({"f1", "rmse"}, o, t);
            }),
            "bootstrap: f1 and rmse do not go together; scores of classes and of numbers have targets of their own");
  EXPECT_EQ(error_of([&] { metrics::bootstrap({"token_accuracy"}, o, t); }),
            "bootstrap: token_accuracy is a mean over batches; scores of sets are others, such as accuracy and f1");
  EXPECT_EQ(error_of([&] { metrics::bootstrap({"f1"}, o, t, {.resamples = 0}); }), "bootstrap: resamples is 0; it must be 1 to 10,000,000");
  EXPECT_EQ(error_of([&] { metrics::bootstrap({"rmse"}, o, o, {.is_stratified = true}); }),
            "bootstrap: is_stratified is true and the score is none of classes; only those are drawn class by class");
}

TEST(PairedBootstrap, SeesABetterModelAndNoDifferenceOfEqualOnes) {
  const Many many;
  const auto tests = metrics::paired_bootstrap({"accuracy", "log_loss"}, many.better, many.output, many.target, {.resamples = 500});
  EXPECT_GT(tests[0].difference, 0);
  EXPECT_GT(tests[0].lower, 0);
  EXPECT_NEAR(tests[0].p_value, 2.0 / 501, 1e-12);
  EXPECT_LT(tests[1].upper, 0);
  EXPECT_NEAR(tests[1].first, metrics::log_loss(many.better, many.target), 1e-12);
  const auto same = metrics::paired_bootstrap({"f1"}, many.output, many.output, many.target, {.resamples = 50})[0];
  EXPECT_EQ(same.p_value, 1);
  EXPECT_EQ(same.lower, 0);
  EXPECT_EQ(same.statistic, 0);
}

// Of three samples each of the 8 exchanges is as probable; the difference of accuracies is 2 / 3 in one of them and -2 / 3 in another.
TEST(Permutation, OfOutputsCountsExchanges) {
  const Array target = array({1, 1, 1}), first = array({1.0, 1.0, 1.0}, float64), second = array({-1.0, -1.0, 1.0}, float64);
  const auto test = metrics::permutation_test("accuracy", first, second, target, {.resamples = 4000});
  EXPECT_NEAR(test.difference, 2.0 / 3, 1e-12);
  EXPECT_NEAR(test.p_value, 0.5, 0.03);  // two of the three differ: 2 of 4 exchanges
  const Many many;
  EXPECT_NEAR(metrics::permutation_test("roc_auc", many.better, many.output, many.target, {.resamples = 99}).p_value, 0.01, 1e-12);
  EXPECT_EQ(metrics::permutation_test("mean_absolute_error", many.output, many.output, many.better, {.resamples = 9}).p_value, 1);
}

}  // namespace
}  // namespace gradus
