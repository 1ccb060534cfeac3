// Scores batch by batch: the number of the whole set, however it is cut.
#include <gtest/gtest.h>

#include "gradus/gradus.hpp"
#include "gradus/metrics/metric_kinds.hpp"
#include "tests/metrics/references.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

namespace ref = references;
using metrics::Accumulator;
using testing::error_of;

struct Set {
  Array output, target, weights;
};
// What a kind measures.
Set set_of(const metrics::MetricKind& kind) {
  if (kind.set.is_of_classes())
    return {array(ref::class_logits, {20, 4}), array(ref::class_labels).astype(int64), array(ref::class_weights)};
  return {array(ref::positive_outputs, {11, 2}), array(ref::positive_targets, {11, 2}), array(ref::number_weights)};
}
void add(Accumulator& to, const Set& set, int64_t begin, int64_t end, bool has_weights) {
  to.add(set.output[slice(begin, end)], set.target[slice(begin, end)], has_weights ? set.weights[slice(begin, end)] : Array());
}

TEST(Accumulator, GivesTheNumberOfTheWholeSet) {
  int64_t count = 0;
  for (const metrics::MetricKind& kind : metrics::metric_kinds()) {
    if (!kind.set.exists()) continue;
    ++count;
    const Set set = set_of(kind);
    const int64_t size = set.output.shape(0);
    for (const bool has_weights : {false, true}) {
      Accumulator whole(kind.name);
      add(whole, set, 0, size, has_weights);
      for (const int64_t batch : {1, 3, 7}) {
        // Two that are joined, one of which has been written and read.
        Accumulator first(kind.name), second(kind.name);
        for (int64_t at = 0; at < size; at += batch) add(at < size / 2 ? first : second, set, at, std::min(size, at + batch), has_weights);
        Accumulator back(kind.name);
        back.set_state(first.state());
        EXPECT_EQ(back.state(), first.state()) << kind.name;
        back.merge(second);
        EXPECT_EQ(back.count(), size);
        EXPECT_NEAR(back.value(), whole.value(), 1e-12) << kind.name << " " << batch << " " << has_weights;
      }
    }
  }
  EXPECT_GT(count, 24);
}

TEST(Accumulator, IsWhatTheFunctionGives) {
  for (const metrics::MetricKind& kind : metrics::metric_kinds()) {
    if (!kind.set.of_classes_function && !kind.set.of_numbers_function) continue;
    const Set set = set_of(kind);
    Accumulator score(kind.name);
    add(score, set, 0, set.output.shape(0), true);
    const double wanted = kind.set.of_classes_function ? kind.set.of_classes_function(set.output, set.target, {.weights = set.weights})
                                                       : kind.set.of_numbers_function(set.output, set.target, {.weights = set.weights});
    EXPECT_NEAR(score.value(), wanted, 1e-12) << kind.name;
  }
}

TEST(Accumulator, TakesAveragesByName) {
  const Set set = set_of(metrics::metric_kinds()["f1"]);
  Accumulator micro("f1_micro"), weighted("roc_auc_weighted");
  add(micro, set, 0, 20, false);
  add(weighted, set, 0, 20, false);
  EXPECT_NEAR(micro.value(), metrics::f1(set.output, set.target, {.average = metrics::Average::micro}), 1e-12);
  EXPECT_NEAR(weighted.value(), ref::ovr_weighted, 1e-12);
  EXPECT_NE(error_of([] { Accumulator("roc_auc_micro"); }).find("there is none called \"roc_auc_micro\""), std::string::npos);
  EXPECT_NE(error_of([] { Accumulator("mcc_macro"); }), "");
}

TEST(Accumulator, OfScoresThatHaveNoFunctionOfThatName) {
  const Set set = set_of(metrics::metric_kinds()["kappa"]);
  const auto matrix = metrics::confusion_matrix(set.output, set.target);
  const auto value = [&](const char* name) {
    Accumulator score(name);
    add(score, set, 0, 20, false);
    return score.value();
  };
  EXPECT_NEAR(value("linear_kappa"), ref::class_kappa_linear, 1e-12);
  EXPECT_NEAR(value("quadratic_kappa"), ref::class_kappa_quadratic, 1e-12);
  EXPECT_EQ(value("iou"), matrix.iou());
  EXPECT_EQ(value("accuracy"), matrix.accuracy());
  EXPECT_EQ(value("specificity_micro"), matrix.specificity({metrics::Average::micro}));
}

TEST(Accumulator, WeightsOfSomeBatchesAreOnesInOthers) {
  Accumulator mixed("median_absolute_error"), all("median_absolute_error");
  const Array zero = zeros({2});
  mixed.add(zero, array({1.0, 2.0}, float64));
  mixed.add(zero, array({3.0, 4.0}, float64), array({5.0, 0.0}, float64));
  all.add(zeros({4}), array({1.0, 2.0, 3.0, 4.0}, float64), array({1.0, 1.0, 5.0, 0.0}, float64));
  EXPECT_EQ(mixed.value(), all.value());
  EXPECT_EQ(mixed.value(), 3);
}

TEST(Accumulator, OfNothingIsNaN) { EXPECT_TRUE(std::isnan(Accumulator("f1").value())); }

TEST(Accumulator, AFailedBatchLeavesItAsItWas) {
  Accumulator score("f1");
  score.add(array({1.0}, float64), array({1}));
  const std::vector<double> before = score.state();
  EXPECT_NE(error_of([&] { score.add(array({1.0, 2.0}, float64), array({1, 7})); }), "");
  EXPECT_EQ(error_of([&] { score.add(zeros({1, 3}), array({1})); }), "f1: there were 2 classes before and are 3 now; they must be equal");
  EXPECT_EQ(score.state(), before);
}

TEST(Accumulator, RefusesStatesOfOthers) {
  Accumulator score("roc_auc");
  score.add(array({1.0, 2.0}, float64), array({1, 0}));
  std::vector<double> state = score.state();
  const auto said = [&] { return error_of([&] { score.set_state(state); }); };
  const std::string wanted = "accumulator: the state is not what state() has given; it must be of the same score";
  state.pop_back();
  EXPECT_EQ(said(), wanted);
  state = score.state();
  state[5] = 1e300;  // samples
  EXPECT_EQ(said(), wanted);
  state = score.state();
  state[7] = 5;  // a label
  EXPECT_EQ(said(), wanted);
  state = score.state();
  state[0] = -1;
  EXPECT_EQ(said(), wanted);
  EXPECT_EQ(score.value(), 0);
  EXPECT_NE(error_of([&] { Accumulator("f1").set_state(std::vector<double>{3, 1e6}); }), "");
  EXPECT_EQ(error_of([&] { score.merge(Accumulator("f1")); }),
            "accumulator: one is of roc_auc, the other of f1; both must be of one score and its options");
}

TEST(Metric, OfSetsIsFoundByNameAndFunction) {
  EXPECT_EQ(metrics::Metric(metrics::roc_auc).name(), "roc_auc");
  EXPECT_EQ(metrics::Metric(metrics::r2).name(), "r2");
  EXPECT_TRUE(metrics::Metric(metrics::f1).is_of_set());
  EXPECT_FALSE(metrics::Metric(metrics::accuracy).is_of_set());
  EXPECT_EQ(metrics::Metric(metrics::mae).name(), "mean_absolute_error");
  EXPECT_EQ(metrics::Metric::from_name("average_precision").name(), "pr_auc");
  EXPECT_EQ(metrics::Metric::from_name("f1_macro").name(), "f1_macro");
  EXPECT_NEAR(metrics::Metric::from_name("rmse")(array({1.0, 3.0}, float64), array({1.0, 1.0}, float64)).item(), std::sqrt(2), 1e-12);
  EXPECT_NE(error_of([] { metrics::Metric::from_name("f1_makro"); }).find("there is none called \"f1_makro\""), std::string::npos);
}

TEST(Metric, KnowsWhichWayIsBetter) {
  for (const char* name :
       {"f1", "val_f1_macro", "val_explained_variance", "roc_auc", "val_mcc", "r2", "val_iou", "quadratic_kappa", "val_top_3", "auc"})
    EXPECT_TRUE(train::is_gain(name)) << name;
  for (const char* name :
       {"log_loss", "val_brier", "ece", "rmse", "val_mape", "median_absolute_error", "max_error", "val_loss", "mean_squared_log_error"})
    EXPECT_FALSE(train::is_gain(name)) << name;
}

}  // namespace
}  // namespace gradus
