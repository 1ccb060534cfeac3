// Baselines, the table of a report, and rates of groups.
#include <gtest/gtest.h>

#include "gradus/gradus.hpp"
#include "tests/metrics/references.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

namespace ref = references;
using testing::error_of;

constexpr double kClose = 1e-12;

TEST(Baselines, OfClasses) {
  const Array target = array({0, 2, 2, 1, 2, 1});
  const auto prior = metrics::prior_baseline(target, 3);
  const Array p = softmax(prior.outputs(2));
  EXPECT_NEAR((p[{1, 0}]).item(), 1.0 / 6, 1e-6);
  EXPECT_NEAR((p[{0, 2}]).item(), 0.5, 1e-6);
  const auto majority = metrics::majority_baseline(one_hot(target, 3), 3);
  EXPECT_EQ(metrics::confusion_matrix(majority.outputs(6), target).accuracy(), 0.5);
  EXPECT_NEAR(metrics::log_loss(majority.outputs(6), target), 0.5 * std::log(std::exp2(53)), 0.01);
  EXPECT_EQ(metrics::majority_baseline(array({1, 0, 1}), 2).outputs(4).shape(), (Shape{4, 1}));
  EXPECT_EQ(metrics::recall(metrics::majority_baseline(array({1, 0, 1}), 2).outputs(2), array({1, 1})), 1);
  EXPECT_NEAR(sigmoid(metrics::prior_baseline(array({1, 0, 1, 1}), 2).outputs(1)).item(), 0.75, 1e-6);
  // A class that training never saw is improbable, not impossible.
  EXPECT_NEAR((softmax(metrics::prior_baseline(target, 4).outputs(1))[{0, 3}]).item(), 0.5 / 6.5, 1e-6);
  EXPECT_EQ(error_of([&] { metrics::prior_baseline(target, 2); }), "prior_baseline: target[1] is 2; labels of 2 classes must be 0 to 1");
}

TEST(Baselines, OfNumbers) {
  const Array target = array({{1.0, 10.0}, {2.0, 30.0}, {6.0, 20.0}, {3.0, 0.0}}, float64);
  const auto row = [](const Array& outputs, int64_t i) { return outputs[i].to_vector<double>(); };
  using Row = std::vector<double>;
  EXPECT_EQ(row(metrics::mean_baseline(target).outputs(3), 2), (Row{3, 15}));
  EXPECT_EQ(row(metrics::median_baseline(target).outputs(1), 0), (Row{2.5, 15}));
  EXPECT_EQ(row(metrics::last_value_baseline(target).outputs(2), 1), (Row{3, 0}));
  const Array seasonal = metrics::seasonal_baseline(target, 3).outputs(5);
  EXPECT_EQ(row(seasonal, 0), (Row{2, 30}));
  EXPECT_EQ(row(seasonal, 4), (Row{6, 20}));
  EXPECT_EQ(metrics::last_value_baseline(target).name(), "last value");
  EXPECT_EQ(error_of([&] { metrics::seasonal_baseline(target, 5); }),
            "seasonal_baseline: season is 5 and there are 4 targets; it must be 1 to 4");
}

TEST(Baselines, LinearIsLeastSquares) {
  const Array x = array(ref::features, {9, 2}), y = array(std::vector<double>(ref::targets.begin(), ref::targets.begin() + 18), {9, 2});
  const std::vector<double> found = metrics::linear_baseline(x, y, 0).outputs(x).to_vector<double>();
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], ref::linear_fit[i], 1e-9);
  // Columns that are constant, and twice the same, do no harm.
  const Array doubled = concatenate({x, x, full({9, 1}, 5.0)}, 1);
  const std::vector<double> again = metrics::linear_baseline(doubled, y).outputs(doubled).to_vector<double>();
  for (size_t i = 0; i < again.size(); ++i) EXPECT_NEAR(again[i], ref::linear_fit[i], 1e-5);
  const auto baseline = metrics::linear_baseline(x, y);
  EXPECT_EQ(error_of([&] { baseline.outputs(3); }), "linear: there are no features; the baseline takes (N, 2)");
  EXPECT_EQ(error_of([&] { baseline.outputs(ones({2, 3})); }), "linear: x is (2, 3); it must be (N, 2), as when it was made");
  EXPECT_EQ(error_of([&] { metrics::linear_baseline(x, ones({3})); }), "linear_baseline: x has 9 rows and target 3; they must be equal");
}

TEST(Summary, OfTwoClasses) {
  const Array output = array(ref::binary_logits), target = array(ref::binary_labels).astype(int64);
  const auto table = metrics::summary(output, target, {.train_target = array({0, 1, 1, 1}), .bootstrap = {.resamples = 200}});
  EXPECT_EQ(table.task, metrics::Task::binary);
  EXPECT_EQ(table.samples, 24);
  EXPECT_EQ(table.baselines, std::vector<std::string>{"prior"});
  EXPECT_EQ(table.rows[0].name, "accuracy");
  EXPECT_NEAR(table["roc_auc"].value, ref::roc_auc, kClose);
  EXPECT_EQ(table["roc_auc"].baselines.at(0), 0.5);
  EXPECT_EQ(table["roc_auc"].interval, "bootstrap");
  EXPECT_NEAR(table["accuracy"].lower, metrics::wilson(std::round(ref::accuracy * 24), 24).lower, kClose);
  EXPECT_EQ(table["accuracy"].interval, "Wilson");
  EXPECT_NEAR(table["accuracy"].baselines.at(0), metrics::confusion_matrix(ones({24}), target).accuracy(), kClose);
  EXPECT_TRUE(table["f1"].is_gain);
  EXPECT_FALSE(table["log_loss"].is_gain);
  for (const metrics::SummaryRow& row : table.rows) {
    EXPECT_LE(row.lower, row.value) << row.name;
    EXPECT_GE(row.upper, row.value) << row.name;
    EXPECT_FALSE(row.text.empty());
  }
  EXPECT_EQ(table.classes.size(), 2u);
  EXPECT_TRUE(table.notes.empty());
  EXPECT_NE(error_of([&] { table["roc"]; }), "");
}

TEST(Summary, OfOneClassSaysWhatIsNotDefined) {
  const auto table = metrics::summary(array({1.0, 2.0, -1.0}, float64), array({1, 1, 1}), {.bootstrap = {.resamples = 20}});
  ASSERT_EQ(table.notes.size(), 1u);
  EXPECT_EQ(table.notes[0], "roc_auc is not defined of these samples");
  EXPECT_NE(error_of([&] { table["roc_auc"]; }), "");
  EXPECT_TRUE(table.baselines.empty());
  EXPECT_TRUE(table["accuracy"].baselines.empty());
}

TEST(Summary, OfFourClassesAndOneHotRows) {
  const Array output = array(ref::class_logits, {20, 4}), target = one_hot(array(ref::class_labels).astype(int64), 4);
  const auto table = metrics::summary(
      output, target,
      {.task = metrics::Task::multi_class, .class_names = {"a", "b"}, .train_target = array({0, 1, 2, 3, 3}), .has_intervals = false});
  EXPECT_NEAR(table["f1_macro"].value, ref::class_f1_macro, kClose);
  EXPECT_NEAR(table["kappa"].value, ref::class_kappa_none, kClose);
  EXPECT_TRUE(std::isnan(table["kappa"].lower));
  EXPECT_EQ(table["balanced_accuracy"].baselines.at(0), 0.25);
  EXPECT_EQ(table.classes[1].name, "b");
  EXPECT_EQ(table.classes[3].name, "3");
}

TEST(Summary, OfNumbers) {
  const Array output = array(ref::outputs, {11, 2}), target = array(ref::targets, {11, 2});
  const auto table = metrics::summary(output, target, {.train_target = target, .bootstrap = {.resamples = 200}});
  EXPECT_EQ(table.task, metrics::Task::regression);
  EXPECT_EQ(table.baselines, std::vector<std::string>{"mean"});
  EXPECT_NEAR(table["rmse"].value, ref::rmse, kClose);
  EXPECT_NEAR(table["r2"].baselines.at(0), 0, kClose);
  EXPECT_EQ(table["max_error"].interval, "");
  const auto other = metrics::summary(output, target,
                                      {.train_target = target, .baselines = {{"perfect", target}, {"", zeros({11, 2})}}, .has_intervals = false});
  EXPECT_EQ(other.baselines, (std::vector<std::string>{"mean", "perfect", "baseline"}));
  EXPECT_NEAR(other["r2"].baselines.at(0), 0, kClose);
  EXPECT_EQ(other["rmse"].baselines.at(1), 0);
  EXPECT_EQ(error_of([&] { metrics::summary(output, target, {.baselines = {{"short", zeros({3, 2})}}, .has_intervals = false}); }),
            "summary: output is (3, 2) and target is (11, 2); they must be equal");
}

// Leaving out the only sample that counts leaves none: no score, and no crash.
TEST(Summary, OfOneSample) {
  const auto one = metrics::summary(array({1.5}, float64), array({2.0}, float64), {.train_target = array({1.0, 3.0}, float64)});
  EXPECT_NEAR(one["median_absolute_error"].value, 0.5, kClose);
  EXPECT_NEAR(one["rmse"].value, 0.5, kClose);
  const Array four = array({1.0, 2.0, 3.0, 4.0}, float64);
  const auto weighed = metrics::summary(four, four + 1, {.bootstrap = {.classes = {.weights = array({0.0, 0.0, 1.0, 0.0}, float64)}}});
  EXPECT_NEAR(weighed["median_absolute_error"].value, 1, kClose);
  const auto grouped = metrics::summary(four, four + 1, {.bootstrap = {.groups = array({1, 1, 1, 1})}});
  EXPECT_NEAR(grouped["mean_absolute_error"].value, 1, kClose);
}

// Group 0: base rate 1 / 2, selected 3 / 4; group 1: base rate 1 / 4, selected 1 / 4.
TEST(Fairness, RatesAndGaps) {
  const Array output = array({1.0, 1.0, 1.0, -1.0, 1.0, -1.0, -1.0, -1.0}, float64), target = array({1, 1, 0, 0, 0, 1, 0, 0}),
              groups = array({5, 5, 5, 5, -2, -2, -2, -2});
  const auto rates = metrics::fairness(output, target, groups);
  ASSERT_EQ(rates.groups.size(), 2u);
  EXPECT_EQ(rates.groups[0].group, -2);
  const metrics::GroupRates& second = rates.groups[1];
  EXPECT_EQ(second.count, 4);
  EXPECT_EQ(second.base_rate.value, 0.5);
  EXPECT_EQ(second.selection_rate.value, 0.75);
  EXPECT_EQ(second.selection_rate.lower, metrics::wilson(3, 4).lower);
  EXPECT_EQ(second.true_positive_rate.value, 1);
  EXPECT_EQ(second.false_positive_rate.value, 0.5);
  EXPECT_EQ(second.false_negative_rate.value, 0);
  EXPECT_NEAR(second.positive_predictive_value.value, 2.0 / 3, kClose);
  EXPECT_EQ(second.accuracy.value, 0.75);
  EXPECT_EQ(rates.demographic_parity_difference, 0.5);
  EXPECT_NEAR(rates.demographic_parity_ratio, 1.0 / 3, kClose);
  EXPECT_EQ(rates.equal_opportunity_difference, 1);
  EXPECT_EQ(rates.equalised_odds_difference, 1);
  EXPECT_EQ(rates.accuracy_difference, 0.25);
  EXPECT_EQ(error_of([&] { metrics::fairness(output, target, array({1})); }),
            "fairness: groups is (1,) int64; it must be an integer for each of the 8 samples");
}

// Newcombe 1998, table II, method 10: 56/70 and 48/80, difference 0.2 (0.0524 to 0.3339); 9/10 and 3/10, 0.6 (0.1705 to 0.8090).
TEST(Fairness, GapsHaveNewcombesInterval) {
  const auto gap = [](std::vector<int64_t> hits, std::vector<int64_t> tries) {
    std::vector<double> output;
    std::vector<int64_t> target, groups;
    for (size_t g = 0; g < hits.size(); ++g)
      for (int64_t i = 0; i < tries[g]; ++i) {
        output.push_back(i < hits[g] ? 1 : -1);
        target.push_back(1);
        groups.push_back(static_cast<int64_t>(g));
      }
    return metrics::fairness(array(output), array(target), array(groups)).selection_gap;
  };
  const metrics::Bounds one = gap({56, 48}, {70, 80}), other = gap({9, 3}, {10, 10});
  EXPECT_NEAR(one.value, 0.2, 1e-12);
  EXPECT_NEAR(one.lower, 0.0524, 5e-5);
  EXPECT_NEAR(one.upper, 0.3339, 5e-5);
  EXPECT_NEAR(other.lower, 0.1705, 5e-5);
  EXPECT_NEAR(other.upper, 0.8090, 5e-5);
  EXPECT_EQ(gap({48, 56, 40}, {80, 70, 60}).lower, one.lower) << "of the largest and the smallest";
  EXPECT_TRUE(std::isnan(gap({3}, {10}).value));
}

TEST(Fairness, AGroupWithoutPositivesHasNoRateOfThem) {
  const auto rates = metrics::fairness(array({1.0, 1.0}, float64), array({1, 0}), array({0, 1}));
  EXPECT_TRUE(std::isnan(rates.groups[1].true_positive_rate.value));
  EXPECT_TRUE(std::isnan(rates.equal_opportunity_difference));
  EXPECT_TRUE(std::isnan(metrics::fairness(array({1.0}, float64), array({1}), array({0})).demographic_parity_difference));
}

TEST(Fairness, ErrorsOfGroups) {
  const auto groups = metrics::group_errors(array({2.0, 4.0, 1.0}, float64), array({1.0, 2.0, 1.0}, float64), array({3, 3, 8}));
  EXPECT_EQ(groups[0].mean_error.value, 1.5);
  EXPECT_NEAR(groups[0].mean_error.upper - 1.5, 12.706204736174698 * 0.5, 1e-8);  // Student's of one degree of freedom
  EXPECT_EQ(groups[0].mean_target, 1.5);
  EXPECT_EQ(groups[0].mean_output, 3);
  EXPECT_EQ(groups[0].mae, 1.5);
  EXPECT_NEAR(groups[0].rmse, std::sqrt(2.5), kClose);
  EXPECT_EQ(groups[1].mae, 0);
  EXPECT_TRUE(std::isnan(groups[1].mean_error.lower));
}

}  // namespace
}  // namespace gradus
