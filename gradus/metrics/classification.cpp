// Scores of a classifier on a whole set.
#include "gradus/metrics/classification.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/metrics/class_scores.hpp"

namespace gradus::metrics {

using namespace core;

using detail::ClassData;
using detail::Reading;

namespace {

ClassData some(std::string_view place, const Array& output, const Array& target, const ClassOptions& options, Reading reading) {
  ClassData data = detail::read_classes(place, output, target, options, reading);
  if (data.size() == 0) fail(place, "there are no samples", options.ignore ? " but ignored ones" : "", "; there must be one");
  return data;
}
ConfusionMatrix counts(std::string_view place, const Array& output, const Array& target, const ClassOptions& options) {
  const ClassData data = some(place, output, target, options, Reading::predictions);
  const bool is_binary = options.average == Average::binary && !data.is_binary;
  if (is_binary)
    fail(place, "the average is binary and there are ", data.classes, " classes; of more than 2 it is macro, micro or weighted");
  return detail::confusion_of(data, data.weights);
}
Averaging averaging(const ClassOptions& options) { return {options.average, options.zero_division, options.ignore}; }

}  // namespace

ConfusionMatrix confusion_matrix(const Array& output, const Array& target, const ClassOptions& options) {
  const ClassData data = detail::read_classes("confusion_matrix", output, target, options, Reading::predictions);
  return detail::confusion_of(data, data.weights);
}

double balanced_accuracy(const Array& output, const Array& target, const ClassOptions& options) {
  return counts("balanced_accuracy", output, target, options).balanced_accuracy();
}
double precision(const Array& output, const Array& target, const ClassOptions& options) {
  return counts("precision", output, target, options).precision(averaging(options));
}
double recall(const Array& output, const Array& target, const ClassOptions& options) {
  return counts("recall", output, target, options).recall(averaging(options));
}
double f1(const Array& output, const Array& target, const ClassOptions& options) {
  return counts("f1", output, target, options).f1(averaging(options));
}
double f_beta(const Array& output, const Array& target, double beta, const ClassOptions& options) {
  return counts("f_beta", output, target, options).f_beta(beta, averaging(options));
}
double specificity(const Array& output, const Array& target, const ClassOptions& options) {
  return counts("specificity", output, target, options).specificity(averaging(options));
}
double mcc(const Array& output, const Array& target, const ClassOptions& options) { return counts("mcc", output, target, options).mcc(); }
double kappa(const Array& output, const Array& target, const ClassOptions& options) {
  return kappa(output, target, KappaWeights::none, options);
}
double kappa(const Array& output, const Array& target, KappaWeights weights, const ClassOptions& options) {
  return counts("kappa", output, target, options).kappa(weights);
}

double log_loss(const Array& output, const Array& target, const ClassOptions& options) {
  const ClassData data = some("log_loss", output, target, options, Reading::scores);
  const detail::ProbabilitySums sums = detail::probability_sums_of(data, data.weights);
  return sums.log_loss.value() / sums.weight;
}
double brier(const Array& output, const Array& target, const ClassOptions& options) {
  const ClassData data = some("brier", output, target, options, Reading::scores);
  const detail::ProbabilitySums sums = detail::probability_sums_of(data, data.weights);
  return sums.brier.value() / sums.weight;
}
double ece(const Array& output, const Array& target, const ClassOptions& options) {
  const ClassData data = some("ece", output, target, options, Reading::scores);
  return detail::ece_of(data, data.weights, {});
}

double top_k_accuracy(const Array& output, const Array& target, int64_t k, const ClassOptions& options) {
  if (k < 1) fail("top_k_accuracy", "k is ", k, "; it must be at least 1");
  const ClassData data = some("top_k_accuracy", output, target, options, Reading::scores);
  double hits = 0;
  for (size_t i = 0; i < data.size(); ++i) {
    const int32_t label = data.labels[i];
    int64_t ahead = 0;
    if (data.is_binary) {
      ahead = data.predicted[i] != label;
    } else {
      const double own = data.score(i, static_cast<size_t>(label));
      for (int32_t other = 0; other < data.classes; ++other) {
        const double score = data.score(i, static_cast<size_t>(other));
        ahead += score > own || (score == own && other < label);
      }
    }
    if (ahead < k) hits += detail::weight_of(data.weights, i);
  }
  return hits / detail::sum_of(data.weights, data.size());
}

}  // namespace gradus::metrics
