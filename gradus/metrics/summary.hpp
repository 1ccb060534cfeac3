// The table that stands at the head of a report: the scores that suit a task, with intervals, beside those of a baseline.
#pragma once

#include <string>
#include <vector>

#include "gradus/metrics/bootstrap.hpp"
#include "gradus/metrics/confusion.hpp"

namespace gradus::metrics {

/// What a model is for.
enum class Task : uint8_t {
  automatic,  ///< integer and bool targets are classes, two where the output has no more than two numbers a sample; others are numbers
  binary,
  multi_class,
  regression
};

/// What a model is to be compared with: outputs for the same samples, logits or numbers.
struct SummaryBaseline {
  std::string name{};
  Array output{};
};

/// Options of summary.
struct SummaryOptions {
  Task task = Task::automatic;
  std::vector<std::string> class_names{};    ///< of classes 0, 1, ...; their numbers where there are fewer
  Array train_target{};                      ///< what the first baseline is made of: the prior of classes, the mean of numbers. Empty: none
  std::vector<SummaryBaseline> baselines{};  ///< others
  bool has_intervals = true;
  BootstrapOptions bootstrap{};  ///< resamples, confidence, seed, groups; `classes` of it says how outputs are read
};

/// A score: NaN where there is no bound.
struct SummaryRow {
  std::string name{}, text{};  ///< as recipes call it; what it is
  double value = 0, lower = 0, upper = 0;
  bool is_gain = false;             ///< the more the better
  std::string interval{};           ///< how the bounds were found: "Wilson", "bootstrap", or ""
  std::vector<double> baselines{};  ///< of each baseline
};
/// One class of a classifier.
struct SummaryClass {
  std::string name{};
  ClassRates rates{};
};
/// What summary gives.
struct Summary {
  Task task = Task::regression;
  int64_t samples = 0;
  double confidence = 0.95;
  std::vector<std::string> baselines{};  ///< their names: "prior" or "mean", and those that were given
  std::vector<SummaryRow> rows{};
  std::vector<SummaryClass> classes{};
  std::vector<std::string> notes{};  ///< what is not in the table, and why
  /// The row of that name; throws for others, naming the nearest.
  const SummaryRow& operator[](std::string_view name) const;
};

/// Two classes: accuracy, balanced accuracy, precision, recall, F1, ROC-AUC, PR-AUC, log loss, Brier, ECE, MCC. More: the same averaged
/// over the classes, and kappa. Numbers: MAE, RMSE, R2, median absolute error, explained variance, MAPE, largest error. A score that is not
/// defined is left out and noted. Bounds of accuracy, and of precision and recall of two classes, are Wilson's where samples neither weigh
/// nor stand in groups: the bootstrap knows no doubt where nothing went wrong. All others are of one bootstrap; the largest error has none.
///
///   metrics::summary(array({1.0, -1.0, 2.0, 0.5}), array({1, 0, 1, 0}), {.train_target = array({0, 1, 1})})["accuracy"].value   // 0.75
Summary summary(const Array& output, const Array& target, const SummaryOptions& options = {});

}  // namespace gradus::metrics
