// Metrics that make no sense beside a loss are refused, naming those that do.
#include <gtest/gtest.h>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;

// What fit and evaluate say of a metric; both must say the same.
std::string said(int64_t outputs, const Array& y, loss::Loss loss, metrics::Metric metric) {
  const data::Dataset set(ones({4, 2}), y);
  nn::Sequential model{nn::Dense(outputs)};
  const std::string by_fit = error_of([&] { train::fit(model, set, {.loss = loss, .metrics = {metric}, .verbose = false}); });
  const std::string by_evaluate = error_of([&] { train::evaluate(model, set, {.loss = loss, .metrics = {metric}, .verbose = false}); });
  EXPECT_EQ(by_fit, by_evaluate);
  return by_fit;
}
const Array kLabels = array({0, 1, 1, 0}), kNumbers = array({{1.5}, {2.0}, {0.0}, {1.0}}),
            kTwoNumbers = array({{1.5, 0.0}, {2.0, 1.0}, {0.0, 3.0}, {1.0, 1.0}});

TEST(Misfit, OfClassesForNumbers) {
  const std::string want =
      "measures classes or yes-or-no answers, and mean_squared_error trains numbers; metrics of those are mean_absolute_error, "
      "mean_squared_error, rmse, r2, explained_variance, mape, smape, max_error, mean_squared_log_error, median_absolute_error";
  EXPECT_EQ(said(1, kNumbers, loss::mean_squared_error, metrics::accuracy), "accuracy: " + want);
  EXPECT_EQ(said(2, kTwoNumbers, loss::mean_squared_error, metrics::accuracy), "accuracy: " + want);
  EXPECT_NE(said(1, kNumbers, loss::huber, metrics::binary_accuracy)
                .find("binary_accuracy: measures yes-or-no answers, and huber trains numbers"),
            std::string::npos);
  EXPECT_NE(said(2, kTwoNumbers, loss::mean_squared_error, metrics::top_k(2)), "");
  // The squared errors of labels are numbers as well: a model of 0 to 1 has its boundary at a half, the accuracy of a logit at 0.
  EXPECT_NE(said(1, kLabels, loss::mean_squared_error, metrics::accuracy), "");
}

TEST(Misfit, OfNumbersForClasses) {
  EXPECT_EQ(
      said(2, kLabels, loss::sparse_categorical_crossentropy, metrics::mean_squared_error),
      "mean_squared_error: measures numbers, and sparse_categorical_crossentropy trains classes; metrics of those are accuracy, top_5, "
      "token_accuracy, balanced_accuracy, precision, recall, f1, specificity, iou, mcc, kappa, linear_kappa, quadratic_kappa, roc_auc, "
      "pr_auc, "
      "log_loss, brier, ece");
  EXPECT_NE(said(1, kLabels, loss::binary_crossentropy, metrics::mean_absolute_error), "");
  EXPECT_EQ(
      said(1, kLabels, loss::binary_crossentropy, metrics::top_k(1)),
      "top_1: measures classes, and binary_crossentropy trains yes-or-no answers; metrics of those are accuracy, binary_accuracy, "
      "balanced_accuracy, precision, recall, f1, specificity, iou, mcc, kappa, linear_kappa, quadratic_kappa, roc_auc, pr_auc, log_loss, "
      "brier, ece");
  EXPECT_NE(said(2, one_hot(kLabels, 2), loss::categorical_crossentropy, metrics::binary_accuracy), "");
}

TEST(Misfit, OfOneClassForSeveralLabels) {
  const Array several = array({{1.0, 1.0, 0.0}, {0.0, 0.0, 0.0}, {1.0, 0.0, 1.0}, {0.0, 0.0, 1.0}});
  EXPECT_EQ(said(3, several, loss::binary_crossentropy, metrics::accuracy),
            "accuracy: measures one class a sample, and the targets (4, 3) of binary_crossentropy are not one-hot; for several answers a "
            "sample there is "
            "binary_accuracy");
  EXPECT_EQ(said(3, several, loss::binary_crossentropy, metrics::binary_accuracy), "");
}

TEST(Misfit, WhatFitsIsMeasured) {
  EXPECT_EQ(said(1, kNumbers, loss::mean_squared_error, metrics::mean_absolute_error), "");
  EXPECT_EQ(said(1, kLabels, loss::binary_crossentropy, metrics::accuracy), "");
  EXPECT_EQ(said(1, kLabels, loss::binary_crossentropy, metrics::binary_accuracy), "");
  for (const Array& answers : {kLabels == 1, kLabels.astype(float32), kLabels.astype(uint8)})
    EXPECT_EQ(said(1, answers, loss::binary_crossentropy, metrics::accuracy), "");
  EXPECT_EQ(said(2, kLabels, loss::sparse_categorical_crossentropy, metrics::top_k(1)), "");
  EXPECT_EQ(said(2, one_hot(kLabels, 2), loss::categorical_crossentropy, metrics::accuracy), "");
  // An answer for each class, or the squared errors of one-hot rows, tell classes.
  EXPECT_EQ(said(2, one_hot(kLabels, 2), loss::binary_crossentropy, metrics::accuracy), "");
  EXPECT_EQ(said(2, one_hot(kLabels, 2), loss::mean_squared_error, metrics::accuracy), "");
}

TEST(Misfit, OfWhatIsOnesOwnNothingIsKnown) {
  EXPECT_EQ(
      said(1, kNumbers, loss::mean_squared_error, {"accuracy", [](const Array& o, const Array& y) { return mean(abs(o - y) < 0.1); }}), "");
  EXPECT_EQ(said(
                1, kNumbers, [](const Array& o, const Array& y) { return mean(square(o - y)); }, metrics::accuracy),
            "");
}

TEST(Misfit, RanksOfOneClassAreNone) {
  EXPECT_EQ(error_of([] {
              metrics::top_k(5)(zeros({4, 1}), kLabels);
            }),
            "top_5: output is (4, 1), one logit a sample; it takes a logit for each class");
}

TEST(Misfit, OneOutputForTheLossOfManyIsNamed) {
  EXPECT_EQ(said(1, kLabels, loss::sparse_categorical_crossentropy, metrics::accuracy),
            "fit: the model gives (4, 1), one number a sample, and sparse_categorical_crossentropy takes a logit for each class; one for "
            "both of two "
            "classes is trained by binary_crossentropy");
}

}  // namespace
}  // namespace gradus
