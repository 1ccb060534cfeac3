// Scores of classes against scikit-learn, and what is refused.
#include <gtest/gtest.h>

#include "gradus/gradus.hpp"
#include "tests/metrics/references.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

namespace ref = references;
using metrics::Average;
using metrics::Averaging;
using metrics::ClassOptions;
using metrics::KappaWeights;
using testing::error_of;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kClose = 1e-12;

void expect_near(const std::vector<double>& found, const std::vector<double>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    if (std::isinf(wanted[i])) EXPECT_EQ(found[i], wanted[i]) << i;
    else EXPECT_NEAR(found[i], wanted[i], kClose) << i;
  }
}

struct Two {
  Array output = array(ref::binary_logits), target = array(ref::binary_labels);
  ClassOptions plain{}, weighted{.weights = array(ref::binary_weights)};
};
struct Four {
  Array output = array(ref::class_logits, {20, 4}), target = array(ref::class_labels).astype(int64);
  ClassOptions plain{}, weighted{.weights = array(ref::class_weights)};
};

TEST(ClassScores, OfTwoClassesAreScikitLearns) {
  const Two two;
  const auto matrix = metrics::confusion_matrix(two.output, two.target);
  EXPECT_NEAR(matrix.accuracy(), ref::accuracy, kClose);
  EXPECT_NEAR(matrix.balanced_accuracy(true), ref::balanced_adjusted, kClose);
  EXPECT_NEAR(metrics::balanced_accuracy(two.output, two.target), ref::balanced, kClose);
  EXPECT_NEAR(metrics::specificity(two.output, two.target), ref::specificity, kClose);
  EXPECT_NEAR(metrics::mcc(two.output, two.target), ref::mcc, kClose);
  EXPECT_NEAR(metrics::kappa(two.output, two.target), ref::kappa, kClose);
  EXPECT_NEAR(metrics::log_loss(two.output, two.target), ref::log_loss, kClose);
  EXPECT_NEAR(metrics::brier(two.output, two.target), ref::brier, kClose);
  EXPECT_NEAR(metrics::roc_auc(two.output, two.target), ref::roc_auc, kClose);
  EXPECT_NEAR(metrics::pr_auc(two.output, two.target), ref::pr_auc, kClose);
}

TEST(ClassScores, OfWeightedSamplesAreScikitLearns) {
  const Two two;
  const ClassOptions& options = two.weighted;
  const auto matrix = metrics::confusion_matrix(two.output, two.target, options);
  EXPECT_NEAR(matrix.accuracy(), ref::accuracy_weighted, kClose);
  EXPECT_NEAR(matrix.balanced_accuracy(true), ref::balanced_adjusted_weighted, kClose);
  EXPECT_NEAR(metrics::balanced_accuracy(two.output, two.target, options), ref::balanced_weighted, kClose);
  EXPECT_NEAR(metrics::specificity(two.output, two.target, options), ref::specificity_weighted, kClose);
  EXPECT_NEAR(metrics::mcc(two.output, two.target, options), ref::mcc_weighted, kClose);
  EXPECT_NEAR(metrics::kappa(two.output, two.target, options), ref::kappa_weighted, kClose);
  EXPECT_NEAR(metrics::log_loss(two.output, two.target, options), ref::log_loss_weighted, kClose);
  EXPECT_NEAR(metrics::brier(two.output, two.target, options), ref::brier_weighted, kClose);
  EXPECT_NEAR(metrics::roc_auc(two.output, two.target, options), ref::roc_auc_weighted, kClose);
  EXPECT_NEAR(metrics::pr_auc(two.output, two.target, options), ref::pr_auc_weighted, kClose);
}

TEST(ClassScores, AverageAsScikitLearn) {
  const Two two;
  const auto plain = metrics::confusion_matrix(two.output, two.target),
             weighted = metrics::confusion_matrix(two.output, two.target, two.weighted);
  const struct {
    Average average;
    double precision, recall, f2, jaccard, precision_weighted, recall_weighted, f2_weighted, jaccard_weighted;
  } cases[] = {
      {Average::binary, ref::precision_binary, ref::recall_binary, ref::f2_binary, ref::jaccard_binary, ref::precision_binary_weighted,
       ref::recall_binary_weighted, ref::f2_binary_weighted, ref::jaccard_binary_weighted},
      {Average::macro, ref::precision_macro, ref::recall_macro, ref::f2_macro, ref::jaccard_macro, ref::precision_macro_weighted,
       ref::recall_macro_weighted, ref::f2_macro_weighted, ref::jaccard_macro_weighted},
      {Average::micro, ref::precision_micro, ref::recall_micro, ref::f2_micro, ref::jaccard_micro, ref::precision_micro_weighted,
       ref::recall_micro_weighted, ref::f2_micro_weighted, ref::jaccard_micro_weighted},
      {Average::weighted, ref::precision_weighted, ref::recall_weighted, ref::f2_weighted, ref::jaccard_weighted,
       ref::precision_weighted_weighted, ref::recall_weighted_weighted, ref::f2_weighted_weighted, ref::jaccard_weighted_weighted}};
  for (const auto& each : cases) {
    EXPECT_NEAR(plain.precision({each.average}), each.precision, kClose);
    EXPECT_NEAR(plain.recall({each.average}), each.recall, kClose);
    EXPECT_NEAR(plain.f_beta(2, {each.average}), each.f2, kClose);
    EXPECT_NEAR(plain.iou({each.average}), each.jaccard, kClose);
    EXPECT_NEAR(weighted.precision({each.average}), each.precision_weighted, kClose);
    EXPECT_NEAR(weighted.recall({each.average}), each.recall_weighted, kClose);
    EXPECT_NEAR(weighted.f_beta(2, {each.average}), each.f2_weighted, kClose);
    EXPECT_NEAR(weighted.iou({each.average}), each.jaccard_weighted, kClose);
    EXPECT_EQ(metrics::f_beta(two.output, two.target, 2, {.average = each.average}), plain.f_beta(2, {each.average}));
  }
  EXPECT_EQ(plain.precision(), plain.precision({Average::binary}));
  EXPECT_EQ(metrics::precision(two.output, two.target), plain.precision());
  EXPECT_EQ(metrics::recall(two.output, two.target), plain.recall());
  EXPECT_EQ(metrics::f1(two.output, two.target), plain.f1());
}

TEST(ClassScores, OfFourClassesAreScikitLearns) {
  const Four four;
  const auto matrix = metrics::confusion_matrix(four.output, four.target);
  EXPECT_EQ(matrix.precision(), matrix.precision({Average::macro}));
  EXPECT_NEAR(matrix.precision({Average::macro}), ref::class_precision_macro, kClose);
  EXPECT_NEAR(matrix.precision({Average::micro}), ref::class_precision_micro, kClose);
  EXPECT_NEAR(matrix.precision({Average::weighted}), ref::class_precision_weighted, kClose);
  EXPECT_NEAR(matrix.f1({Average::macro}), ref::class_f1_macro, kClose);
  EXPECT_NEAR(matrix.f1({Average::weighted}), ref::class_f1_weighted, kClose);
  EXPECT_NEAR(matrix.balanced_accuracy(), ref::class_balanced, kClose);
  EXPECT_NEAR(matrix.mcc(), ref::class_mcc, kClose);
  EXPECT_NEAR(matrix.kappa(), ref::class_kappa_none, kClose);
  EXPECT_NEAR(metrics::kappa(four.output, four.target, KappaWeights::linear), ref::class_kappa_linear, kClose);
  EXPECT_NEAR(metrics::kappa(four.output, four.target, KappaWeights::quadratic, four.weighted), ref::class_kappa_quadratic_weighted,
              kClose);
  EXPECT_NEAR(metrics::log_loss(four.output, four.target), ref::class_log_loss, kClose);
  EXPECT_NEAR(metrics::log_loss(four.output, four.target, four.weighted), ref::class_log_loss_weighted, kClose);
  EXPECT_NEAR(metrics::brier(four.output, four.target), ref::class_brier, kClose);
  EXPECT_NEAR(metrics::brier(four.output, four.target, four.weighted), ref::class_brier_weighted, kClose);
  EXPECT_NEAR(metrics::top_k_accuracy(four.output, four.target, 2), ref::top_2, kClose);
  EXPECT_NEAR(metrics::top_k_accuracy(four.output, four.target, 2, four.weighted), ref::top_2_weighted, kClose);
}

TEST(ClassScores, AreasOfFourClassesAreScikitLearns) {
  const Four four;
  const auto area = [&](Average average, metrics::MultiClass pairs, const Array& weights = {}) {
    return metrics::roc_auc(four.output, four.target, {.weights = weights, .average = average, .multi_class = pairs});
  };
  EXPECT_NEAR(area(Average::macro, metrics::MultiClass::one_vs_rest), ref::ovr_macro, kClose);
  EXPECT_NEAR(area(Average::weighted, metrics::MultiClass::one_vs_rest), ref::ovr_weighted, kClose);
  EXPECT_NEAR(area(Average::weighted, metrics::MultiClass::one_vs_rest, four.weighted.weights), ref::ovr_weighted_weighted, kClose);
  EXPECT_NEAR(area(Average::macro, metrics::MultiClass::one_vs_one), ref::ovo_macro, kClose);
  EXPECT_NEAR(area(Average::weighted, metrics::MultiClass::one_vs_one), ref::ovo_weighted, kClose);
  EXPECT_NEAR(metrics::pr_auc(four.output, four.target), ref::class_pr, kClose);
  EXPECT_NEAR(metrics::pr_auc(four.output, four.target, four.weighted), ref::class_pr_weighted, kClose);
}

TEST(ClassScores, TakeProbabilitiesAndOneHotRows) {
  const Four four;
  const Array p = array(ref::class_probabilities, {20, 4}), rows = one_hot(four.target, 4);
  const ClassOptions given{.outputs = metrics::Outputs::probabilities};
  EXPECT_NEAR(metrics::log_loss(p, rows, given), ref::class_log_loss, kClose);
  EXPECT_NEAR(metrics::roc_auc(p, four.target.astype(uint8), given), ref::ovr_macro, kClose);
  EXPECT_NEAR(metrics::f1(p, rows.astype(float32), given), ref::class_f1_macro, kClose);
  // Two columns are one logit: their difference.
  const Two two;
  const Array pair = stack({zeros_like(two.output), two.output}, 1);
  EXPECT_NEAR(metrics::log_loss(pair, two.target), ref::log_loss, kClose);
  EXPECT_NEAR(metrics::pr_auc(pair, two.target == 1), ref::pr_auc, kClose);
  EXPECT_NEAR(metrics::roc_auc(expand_dims(two.output, -1), expand_dims(two.target, -1)), ref::roc_auc, kClose);
  EXPECT_NEAR(metrics::roc_auc(reshape(two.output, {4, 6, 1}), reshape(two.target, {4, 6})), ref::roc_auc, kClose);
}

TEST(ClassScores, AClassThatDoesNotOccurIsInNoMean) {
  EXPECT_NEAR(metrics::f1(array(ref::rare_logits, {20, 4}), array(ref::rare_labels)), ref::rare_f1_macro, kClose);
}

TEST(ClassScores, SharesOfNothingAreWhatIsAskedFor) {
  const Array never = array({-1.0, -2.0}, float64), target = array({1, 0});
  EXPECT_EQ(metrics::precision(never, target), 0);
  EXPECT_EQ(metrics::precision(never, target, {.zero_division = 1}), 1);
  EXPECT_TRUE(std::isnan(metrics::precision(never, target, {.zero_division = kNone})));
  EXPECT_EQ(metrics::precision(never, target, {.average = Average::macro, .zero_division = kNone}), 0.5);  // of class 0 alone
  EXPECT_EQ(metrics::recall(array({1.0}, float64), array({0}), {.average = Average::weighted, .zero_division = 1}), 0);
  // What weighs nothing is all there is: scikit-learn takes the plain mean.
  EXPECT_EQ(metrics::precision(array({-1.0}, float64), array({1}), {.average = Average::weighted, .zero_division = kNone}), 0);
}

TEST(ClassScores, OfOneClassOnly) {
  const Array output = array({1.0, -1.0, 2.0}, float64), ones = array({1, 1, 1});
  EXPECT_EQ(metrics::mcc(output, ones), 0);
  EXPECT_EQ(metrics::kappa(output, ones), 0);
  EXPECT_TRUE(std::isnan(metrics::kappa(abs(output), ones)));
  EXPECT_EQ(metrics::balanced_accuracy(output, ones), 2.0 / 3);
  EXPECT_EQ(metrics::pr_auc(output, ones), 1);
  EXPECT_EQ(metrics::pr_auc(output, array({0, 0, 0})), 0);
  EXPECT_EQ(error_of([&] { metrics::roc_auc(output, ones); }),
            "roc_auc: none of the 3 targets is of class 0; each class must have a sample");
  EXPECT_EQ(error_of([&] {
              metrics::roc_auc(output, array({1, 0, 1}), {.weights = array({1.0, 0.0, 1.0}, float64)});
            }),
            "roc_auc: none of the 3 targets of weight above 0 is of class 0; each class must have a sample");
}

TEST(ClassScores, EqualScoresGiveNoRanking) {
  EXPECT_EQ(metrics::roc_auc(full({6}, 0.3), array({0, 1, 1, 0, 1, 1})), 0.5);
  EXPECT_NEAR(metrics::pr_auc(full({6}, 0.3), array({0, 1, 1, 0, 1, 1})), 4.0 / 6, kClose);
}

// Sigmoid is 1 from a logit of 37 on; the logits still rank.
TEST(ClassScores, LargeLogitsAreNoTies) {
  const Array output = array({40.0, 50.0, 60.0, 70.0}, float64), target = array({0, 0, 1, 1});
  EXPECT_EQ(metrics::roc_auc(output, target), 1);
  EXPECT_NEAR(metrics::log_loss(output, target), 22.5, 1e-9);
  EXPECT_DOUBLE_EQ(metrics::roc_auc(stack({zeros_like(output), output, zeros_like(output) - 900}, 1), array({0, 0, 1, 2})), 5.0 / 9);
}

TEST(ClassScores, AreTheSameOfFloat32) {
  const Four four;
  EXPECT_NEAR(metrics::log_loss(four.output.astype(float32), four.target), ref::class_log_loss, 1e-6);
  EXPECT_EQ(metrics::f1(four.output.astype(bfloat16), four.target), metrics::f1(four.output, four.target));
  // Probabilities are kept the eps of their dtype from 0.
  const ClassOptions given{.outputs = metrics::Outputs::probabilities};
  EXPECT_NEAR(metrics::log_loss(array({0.0}, float64).astype(float32), array({1}), given),
              -std::log(static_cast<double>(std::numeric_limits<float>::epsilon())), 1e-9);
  EXPECT_NEAR(metrics::log_loss(array({0.0}, float64).astype(float64), array({1}), given),
              -std::log(std::numeric_limits<double>::epsilon()), 1e-9);
}

TEST(ClassScores, LeaveOutIgnoredLabels) {
  const Array output = array({1.0, -1.0, 5.0}, float64), target = array({1, 0, -100});
  EXPECT_EQ(metrics::confusion_matrix(output, target, {.ignore = -100}).total(), 2);
  EXPECT_NEAR(metrics::log_loss(output, target, {.weights = array({1.0, 1.0, 9.0}, float64), .ignore = -100}), std::log1p(std::exp(-1)),
              kClose);
  EXPECT_EQ(error_of([&] { metrics::f1(array({1.0}, float64), array({-100}), {.ignore = -100}); }),
            "f1: there are no samples but ignored ones; there must be one");
}

TEST(ClassScores, OfTwoEqualOutputsTheFirstIsPredicted) {
  EXPECT_EQ(metrics::confusion_matrix(array({{0.5, 0.5}}, float64), array({1}), {.outputs = metrics::Outputs::probabilities}).count(1, 0),
            1);
  EXPECT_EQ(metrics::confusion_matrix(array({{7.0, 7.0}}, float64), array({1})).count(1, 0), 1);
  EXPECT_EQ(metrics::confusion_matrix(array({0.0}, float64), array({1})).count(1, 0), 1);
  EXPECT_EQ(metrics::top_k_accuracy(array({{7.0, 7.0, 7.0}}, float64), array({1}), 1), 0);
}

TEST(ClassScores, GuessingHasAnAdjustedAccuracyOfZero) {
  const Four four;
  EXPECT_NEAR(metrics::confusion_matrix(four.output, four.target).balanced_accuracy(true), (ref::class_balanced - 0.25) / 0.75, kClose);
  EXPECT_NEAR(metrics::confusion_matrix(zeros_like(four.output), four.target).balanced_accuracy(true), 0, kClose);
}

TEST(ClassScores, WeightsStayWithTheirSamples) {
  const Array output = array({5.0, 1.0, -1.0}, float64), target = array({-100, 1, 1}), weights = array({9.0, 1.0, 3.0}, float64);
  EXPECT_EQ(metrics::recall(output, target, {.weights = weights, .ignore = -100}), 0.25);
}

// An ignored class that is still predicted would pull every mean down.
TEST(ClassScores, MeansLeaveOutAnIgnoredClass) {
  const Array output = array({{0.9, 0.1, 0.0}, {0.9, 0.1, 0.0}, {0.9, 0.1, 0.0}, {0.1, 0.9, 0.0}}, float64), target = array({0, 0, 1, 1});
  const ClassOptions options{.average = Average::macro, .ignore = 0};
  EXPECT_EQ(metrics::recall(output, target, options), 0.5);
  EXPECT_EQ(metrics::precision(output, target, {.average = Average::micro, .ignore = 0}), 1);
  EXPECT_EQ(metrics::bootstrap({"recall"}, output, target, {.resamples = 2, .classes = options})[0].value, 0.5);
  metrics::Accumulator recall("recall", options);
  recall.add(output, target);
  EXPECT_EQ(recall.value(), 0.5);
  EXPECT_EQ(metrics::segmentation(output, target, options).mean_iou, 0.5);
  EXPECT_TRUE(std::isnan(metrics::segmentation(output, target, options).iou[0]));
}

TEST(ClassScores, TheSmallestDifferencesRank) {
  EXPECT_EQ(metrics::roc_auc(array({1e-10, 0.0, 0.0}, float64), array({1, 0, 0}), {.outputs = metrics::Outputs::probabilities}), 1);
}

TEST(ClassScores, PredictAboveTheThreshold) {
  const Array p = array({0.2, 0.3, 0.5, 0.8}, float64), target = array({0, 1, 1, 1});
  const auto recall = [&](double threshold) {
    return metrics::recall(p, target, {.outputs = metrics::Outputs::probabilities, .threshold = threshold});
  };
  EXPECT_NEAR(recall(0.5), 1.0 / 3, kClose);
  EXPECT_NEAR(recall(0.3), 2.0 / 3, kClose);
  EXPECT_EQ(recall(0.25), 1);
  EXPECT_EQ(metrics::recall(log(p / (1 - p)), target, {.threshold = 0.25}), 1);
}

TEST(ClassScores, RatesOfEachClass) {
  const auto rates = metrics::ConfusionMatrix(2, {3, 1, 2, 4}).per_class();
  EXPECT_EQ(rates[1].precision, 0.8);
  EXPECT_NEAR(rates[1].recall, 4.0 / 6, kClose);
  EXPECT_NEAR(rates[1].f1, 8.0 / 11, kClose);
  EXPECT_EQ(rates[1].specificity, 0.75);
  EXPECT_NEAR(rates[1].iou, 4.0 / 7, kClose);
  EXPECT_EQ(rates[0].support, 4);
}

TEST(Curves, AreScikitLearns) {
  const Two two;
  const auto roc = metrics::roc_curve(two.output, two.target), roc_weighted = metrics::roc_curve(two.output, two.target, two.weighted);
  expect_near(roc.false_positive_rate, ref::roc_fpr);
  expect_near(roc.true_positive_rate, ref::roc_tpr);
  expect_near(roc.thresholds, ref::roc_thresholds);
  expect_near(roc_weighted.false_positive_rate, ref::roc_fpr_weighted);
  expect_near(roc_weighted.true_positive_rate, ref::roc_tpr_weighted);
  expect_near(roc_weighted.thresholds, ref::roc_thresholds_weighted);
  const auto pr = metrics::precision_recall_curve(two.output, two.target, two.weighted);
  expect_near(pr.precision, ref::pr_precision_weighted);
  expect_near(pr.recall, ref::pr_recall_weighted);
  expect_near(pr.thresholds, ref::pr_thresholds_weighted);
  expect_near(metrics::precision_recall_curve(two.output, two.target).precision, ref::pr_precision);
}

TEST(Curves, RecallOfNoPositivesIsOne) {
  const auto curve = metrics::precision_recall_curve(array({1.0, 2.0}, float64), array({0, 0}));
  expect_near(curve.recall, {1, 1, 0});
  expect_near(curve.precision, {0, 0, 1});
}

TEST(Calibration, AProbabilityBetweenTwoBinsIsInTheLower) {
  const auto bins =
      metrics::calibration_curve(array({0.5, 0.9}, float64), array({1, 1}), {.count = 2}, {.outputs = metrics::Outputs::probabilities});
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_EQ(bins[0].predicted, 0.5);
}

TEST(Calibration, IsScikitLearns) {
  const Two two;
  const auto columns = [&](metrics::Bins bins) {
    std::pair<std::vector<double>, std::vector<double>> out;
    for (const metrics::CalibrationBin& bin : metrics::calibration_curve(two.output, two.target, {.count = 5, .bins = bins})) {
      out.first.push_back(bin.observed);
      out.second.push_back(bin.predicted);
    }
    return out;
  };
  expect_near(columns(metrics::Bins::uniform).first, ref::calibration_observed_uniform);
  expect_near(columns(metrics::Bins::uniform).second, ref::calibration_predicted_uniform);
  expect_near(columns(metrics::Bins::quantile).first, ref::calibration_observed_quantile);
  expect_near(columns(metrics::Bins::quantile).second, ref::calibration_predicted_quantile);
}

// Bins (0.2, 0.4], of one wrong sample, and (0.8, 1], of two of which one is wrong.
TEST(Calibration, ErrorIsTheMeanDistance) {
  const ClassOptions given{.outputs = metrics::Outputs::probabilities};
  const Array p = array({0.3, 0.9, 1.0}, float64), target = array({0, 1, 0});
  EXPECT_NEAR(metrics::expected_calibration_error(p, target, {.count = 5}, given), (0.3 + 2 * std::abs(0.95 - 0.5)) / 3, kClose);
  EXPECT_EQ(metrics::ece(p, target, given), metrics::expected_calibration_error(p, target, {}, given));
  // Of more classes: how sure the prediction is against how often it is right.
  EXPECT_NEAR(metrics::ece(array({{0.6, 0.3, 0.1}, {0.1, 0.1, 0.8}}, float64), array({0, 0}), given), (0.4 + 0.8) / 2, kClose);
  EXPECT_NEAR(metrics::ece(p, target, {.outputs = metrics::Outputs::probabilities, .weights = array({2.0, 1.0, 0.0}, float64)}),
              (2 * 0.3 + 0.1) / 3, kClose);
}

TEST(Thresholds, TableAndTheBestOfAll) {
  const ClassOptions given{.outputs = metrics::Outputs::probabilities};
  const Array p = array({0.1, 0.4, 0.6, 0.9}, float64), target = array({0, 1, 0, 1});
  const auto rows = metrics::threshold_table(p, target, {0.5, 0.95}, {.beta = 2, .false_negative_cost = 3}, given);
  EXPECT_EQ(rows[0].true_positives, 1);
  EXPECT_EQ(rows[0].false_positives, 1);
  EXPECT_EQ(rows[0].precision, 0.5);
  EXPECT_EQ(rows[0].specificity, 0.5);
  EXPECT_EQ(rows[0].youden, 0);
  EXPECT_EQ(rows[0].cost, 1);
  EXPECT_EQ(rows[0].f, 0.5);
  EXPECT_EQ(rows[1].recall, 0);
  EXPECT_EQ(rows[1].cost, 1.5);
  EXPECT_EQ(metrics::threshold_table(p, target, {}, {}, given).size(), 19u);
  const auto best = metrics::best_threshold(p, target, metrics::BestBy::f_beta, {}, given);
  EXPECT_EQ(best.threshold, 0.25);
  EXPECT_EQ(best.f, 0.8);
  EXPECT_EQ(metrics::f1(p, target, {.outputs = metrics::Outputs::probabilities, .threshold = best.threshold}), best.f);
  EXPECT_EQ(metrics::best_threshold(p, target, metrics::BestBy::cost, {.false_positive_cost = 10}, given).threshold, 0.75);
  EXPECT_EQ(metrics::best_threshold(p, target, metrics::BestBy::youden, {}, given).youden, 0.5);
}

TEST(Thresholds, AProbabilityAtTheThresholdIsNotAboveIt) {
  const ClassOptions given{.outputs = metrics::Outputs::probabilities};
  EXPECT_EQ(metrics::threshold_table(array({0.5, 0.2}, float64), array({1, 0}), {0.5}, {}, given)[0].recall, 0);
  EXPECT_EQ(metrics::threshold_table(array({0.5, 0.2}, float64), array({1, 0}), {0.2}, {}, given)[0].recall, 1);
}

// A sample that weighs nothing makes two thresholds equally good.
TEST(Thresholds, OfEqualOnesTheNearestToAHalfIsBest) {
  const Array target = array({0, 1, 1, 1}), weights = array({1.0, 0.0, 0.0, 1.0}, float64);
  const auto best = [&](const Array& p) {
    return metrics::best_threshold(p, target, metrics::BestBy::youden, {}, {.outputs = metrics::Outputs::probabilities, .weights = weights})
        .threshold;
  };
  EXPECT_NEAR(best(array({0.1, 0.4, 0.56, 0.9}, float64)), 0.48, kClose);
  EXPECT_NEAR(best(array({0.1, 0.2, 0.3, 0.72}, float64)), 0.51, kClose);
}

TEST(Labels, OfSeveralAnswersAreScikitLearns) {
  const Array output = array(ref::label_logits, {7, 3}), target = array(ref::label_targets, {7, 3}), weights = array(ref::label_weights);
  EXPECT_NEAR(metrics::hamming_loss(output, target, {.weights = weights}), ref::hamming, kClose);
  EXPECT_NEAR(metrics::subset_accuracy(output, target, {.weights = weights}), ref::subset, kClose);
  const struct {
    metrics::LabelAverage average;
    double jaccard, f1;
  } cases[] = {{metrics::LabelAverage::samples, ref::label_jaccard_samples, ref::label_f1_samples},
               {metrics::LabelAverage::macro, ref::label_jaccard_macro, ref::label_f1_macro},
               {metrics::LabelAverage::micro, ref::label_jaccard_micro, ref::label_f1_micro},
               {metrics::LabelAverage::weighted, ref::label_jaccard_weighted, ref::label_f1_weighted}};
  for (const auto& each : cases) {
    EXPECT_NEAR(metrics::jaccard(output, target, {.weights = weights, .average = each.average, .zero_division = 1}), each.jaccard, kClose);
    EXPECT_NEAR(metrics::label_f1(output, target, {.weights = weights, .average = each.average, .zero_division = 1}), each.f1, kClose);
  }
}

TEST(Segmentation, CountsPixels) {
  const Array target = array({{{0, 1}, {1, 255}}}), output = one_hot(array({{{0, 1}, {0, 0}}}), 3) * 4.0;
  const auto scores = metrics::segmentation(output, target, {.ignore = 255});
  EXPECT_EQ(scores.iou[0], 0.5);
  EXPECT_EQ(scores.iou[1], 0.5);
  EXPECT_TRUE(std::isnan(scores.iou[2]));
  EXPECT_EQ(scores.mean_iou, 0.5);
  EXPECT_NEAR(scores.mean_dice, 2.0 / 3, kClose);
  EXPECT_NEAR(scores.pixel_accuracy, 2.0 / 3, kClose);
}

TEST(ClassScores, RefuseWhatIsNone) {
  const Array output = array({{0.0, 1.0, 2.0}, {1.0, 0.0, 0.0}}, float64);
  const auto said = [&](const Array& o, const Array& t, const ClassOptions& options = {}) {
    return error_of([&] { metrics::f1(o, t, options); });
  };
  EXPECT_EQ(said(output, array({0, 3})), "f1: target[1] is 3; labels of 3 classes must be 0 to 2");
  EXPECT_EQ(said(output, array({0, -1})), "f1: target[1] is -1; labels of 3 classes must be 0 to 2");
  EXPECT_EQ(said(output, array({0.5, 1.0}, float64)), "f1: target[0] is 0.5; labels of 3 classes must be 0 to 2");
  EXPECT_EQ(said(output, array({kNone, 1.0}, float64)), "f1: target[0] is nan; labels of 3 classes must be 0 to 2");
  EXPECT_EQ(said(output, array({0, 1, 2})), "f1: output is (2, 3) and target is (3,); target must be (2,) labels or (2, 3) one-hot rows");
  EXPECT_EQ(said(output, array({{0, 1, 1}, {1, 0, 0}})),
            "f1: target[0, 2] is 1 beside another that is not 0; rows of targets must be one-hot, all 0 but a 1");
  EXPECT_EQ(said(output, array({{0, 0, 0}, {1, 0, 0}})),
            "f1: target[0, 0] to its last are 0; rows of targets must be one-hot, all 0 but a 1");
  EXPECT_EQ(said(array({{0.0, kNone}}, float64), array({0})), "f1: output[0, 1] is nan; outputs must be numbers");
  EXPECT_EQ(said(array({1.0, kNone}, float64), array({0, 1})), "f1: output[1] is nan; outputs must be numbers");
  EXPECT_EQ(said(output, array({0, 1}), {.outputs = metrics::Outputs::probabilities}),
            "f1: output[0, 2] is 2; probabilities must be from 0 to 1");
  EXPECT_EQ(said(output / 2, array({0, 1}), {.outputs = metrics::Outputs::probabilities}),
            "f1: the probabilities of sample 0 add up to 1.5; they must add up to 1");
  EXPECT_EQ(said(output, array({0, 1}), {.weights = array({1.0}, float64)}),
            "f1: weights is (1,) and there are 2 samples; there must be one weight a sample");
  EXPECT_EQ(said(output, array({0, 1}), {.weights = array({1.0, -1.0}, float64)}),
            "f1: weights[1] is -1; weights must be finite and not negative");
  EXPECT_EQ(said(output, array({0, 1}), {.weights = array({0.0, 0.0}, float64)}), "f1: all weights are 0; one must be above 0");
  EXPECT_EQ(said(output, array({0, 1}), {.average = Average::binary}),
            "f1: the average is binary and there are 3 classes; of more than 2 it is macro, micro or weighted");
  EXPECT_EQ(said(zeros({0, 3}), zeros({0}, int64)), "f1: there are no samples; there must be one");
  EXPECT_EQ(error_of([&] { metrics::roc_curve(output, array({0, 1})); }), "roc_curve: there are 3 classes; the curve is of two");
}

}  // namespace
}  // namespace gradus
