// Scores of whole sets by name.
#include <algorithm>

#include "gradus/metrics/classification.hpp"
#include "gradus/metrics/curves.hpp"
#include "gradus/metrics/metric_kinds.hpp"
#include "gradus/metrics/regression.hpp"

namespace gradus::metrics {

using namespace core;

namespace {

using detail::ClassData;
using detail::Moments;
using detail::ProbabilitySums;
using detail::Weights;

enum class Takes { average, nothing };

constexpr MetricKind counted(std::string_view name, std::string_view alias, std::string_view text,
                             double (*score)(const ConfusionMatrix&, const Averaging&), ClassScore function, Takes takes) {
  return {.name = name,
          .alias = alias,
          .text = text,
          .measures_classes = true,
          .measures_answers = true,
          .is_gain = true,
          .set = {.of_counts = score, .of_classes_function = function, .takes_average = takes == Takes::average}};
}
constexpr MetricKind summed(std::string_view name, std::string_view text, double (*score)(const ProbabilitySums&), ClassScore function) {
  return {.name = name,
          .text = text,
          .measures_classes = true,
          .measures_answers = true,
          .set = {.of_sums = score, .of_classes_function = function}};
}
constexpr MetricKind of_numbers(std::string_view name, std::string_view alias, std::string_view text, double (*score)(const Moments&),
                                NumberScore function, bool is_gain = false) {
  return {.name = name,
          .alias = alias,
          .text = text,
          .measures_numbers = true,
          .is_gain = is_gain,
          .set = {.of_moments = score, .of_numbers_function = function}};
}

constexpr MetricKind kKinds[] = {
    counted(
        "balanced_accuracy", "", "mean recall of the classes",
        [](const ConfusionMatrix& m, const Averaging&) { return m.balanced_accuracy(); }, balanced_accuracy, Takes::nothing),
    counted(
        "precision", "",
        "share of what is predicted as a class that is of it; precision_macro, _micro, _weighted say how classes are averaged",
        [](const ConfusionMatrix& m, const Averaging& how) { return m.precision(how); }, precision, Takes::average),
    counted(
        "recall", "sensitivity", "share of what is of a class that is predicted as it; recall_macro, _micro, _weighted",
        [](const ConfusionMatrix& m, const Averaging& how) { return m.recall(how); }, recall, Takes::average),
    counted(
        "f1", "dice", "harmonic mean of precision and recall; f1_macro, _micro, _weighted",
        [](const ConfusionMatrix& m, const Averaging& how) { return m.f1(how); }, f1, Takes::average),
    counted(
        "specificity", "", "share of what is not of a class that is not predicted as it; specificity_macro, _micro, _weighted",
        [](const ConfusionMatrix& m, const Averaging& how) { return m.specificity(how); }, specificity, Takes::average),
    counted(
        "iou", "jaccard", "intersection over union of targets and predictions; iou_macro, _micro, _weighted",
        [](const ConfusionMatrix& m, const Averaging& how) { return m.iou(how); }, nullptr, Takes::average),
    counted(
        "mcc", "", "Matthews' correlation of targets and predictions", [](const ConfusionMatrix& m, const Averaging&) { return m.mcc(); },
        mcc, Takes::nothing),
    counted(
        "kappa", "", "Cohen's kappa: agreement beyond chance", [](const ConfusionMatrix& m, const Averaging&) { return m.kappa(); }, kappa,
        Takes::nothing),
    counted(
        "linear_kappa", "", "kappa of ordered classes, mistakes by their distance",
        [](const ConfusionMatrix& m, const Averaging&) { return m.kappa(KappaWeights::linear); }, nullptr, Takes::nothing),
    counted(
        "quadratic_kappa", "", "kappa of ordered classes, mistakes by the square of their distance",
        [](const ConfusionMatrix& m, const Averaging&) { return m.kappa(KappaWeights::quadratic); }, nullptr, Takes::nothing),
    {.name = "roc_auc",
     .alias = "auc",
     .text = "area under the ROC curve; keeps all outputs; roc_auc_macro, _weighted",
     .measures_classes = true,
     .measures_answers = true,
     .is_gain = true,
     .set = {.of_scores = detail::roc_auc_of, .of_classes_function = roc_auc, .needs_every_class = true, .takes_average = true}},
    {.name = "pr_auc",
     .alias = "average_precision",
     .text = "area under the precision-recall curve; keeps all outputs; pr_auc_macro, _weighted",
     .measures_classes = true,
     .measures_answers = true,
     .is_gain = true,
     .set = {.of_scores = detail::average_precision_of, .of_classes_function = pr_auc, .takes_average = true}},
    summed(
        "log_loss", "cross-entropy of the probabilities, in nats", [](const ProbabilitySums& s) { return s.log_loss.value() / s.weight; },
        log_loss),
    summed(
        "brier", "mean squared error of the probabilities", [](const ProbabilitySums& s) { return s.brier.value() / s.weight; }, brier),
    {.name = "ece",
     .text = "expected calibration error, ten bins; keeps all outputs",
     .measures_classes = true,
     .measures_answers = true,
     .set = {.of_scores = [](const ClassData& data, Weights weights, Average) { return detail::ece_of(data, weights, {}); },
             .of_classes_function = ece}},
    of_numbers("rmse", "root_mean_squared_error", "root of the mean squared error", detail::rmse_of, rmse),
    of_numbers("r2", "", "share of the targets' variance that is explained", detail::r2_of, r2, true),
    of_numbers("explained_variance", "", "the same without the mean error", detail::explained_variance_of, explained_variance, true),
    of_numbers("mape", "", "mean of |error| / |target|", detail::mape_of, mape),
    of_numbers("smape", "", "mean of 2 |error| / (|target| + |output|)", detail::smape_of, smape),
    of_numbers("max_error", "", "largest |error|", detail::max_error_of, max_error),
    of_numbers("mean_squared_log_error", "msle", "squares of the errors of log(1 + number)", detail::mean_squared_log_error_of,
               mean_squared_log_error),
    {.name = "median_absolute_error",
     .text = "median of |error|; keeps all outputs",
     .measures_numbers = true,
     .set = {.of_numbers = detail::median_absolute_error_of, .of_numbers_function = median_absolute_error}},
};

}  // namespace

std::span<const MetricKind> set_kinds() { return kKinds; }

NamedAverage named_average(std::string_view name) {
  constexpr std::pair<std::string_view, Average> endings[] = {
      {"_macro", Average::macro}, {"_micro", Average::micro}, {"_weighted", Average::weighted}};
  for (const auto& [ending, average] : endings) {
    if (!name.ends_with(ending)) continue;
    const MetricKind* kind = metric_kinds().find(name.substr(0, name.size() - ending.size()));
    const bool fits = kind && kind->set.takes_average && !(kind->set.of_scores && average == Average::micro);
    return fits ? NamedAverage{kind, average} : NamedAverage{};
  }
  return {metric_kinds().find(name), Average::automatic};
}

}  // namespace gradus::metrics
