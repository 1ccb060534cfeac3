// Counts and sums over the samples of a classifier.
#include "gradus/metrics/class_scores.hpp"

#include <utility>

namespace gradus::metrics::detail {

ConfusionMatrix confusion_of(const ClassData& data, Weights weights) {
  std::vector<double> counts(static_cast<size_t>(data.classes * data.classes));
  const auto classes = static_cast<size_t>(data.classes);
  for (size_t i = 0; i < data.size(); ++i)
    counts[static_cast<size_t>(data.labels[i]) * classes + static_cast<size_t>(data.predicted[i])] += weight_of(weights, i);
  return ConfusionMatrix(data.classes, std::move(counts));
}

void ProbabilitySums::add(const ClassData& data, size_t i, double of_sample) {
  if (of_sample == 0) return;
  weight += of_sample;
  const bool is_known = !data.losses.empty();
  log_loss.add(of_sample * (is_known ? data.losses[i] : data.log_loss(i)));
  brier.add(of_sample * (is_known ? data.squares[i] : data.brier(i)));
}

void ProbabilitySums::merge(const ProbabilitySums& other) {
  weight += other.weight;
  log_loss.add(other.log_loss);
  brier.add(other.brier);
}

ProbabilitySums probability_sums_of(const ClassData& data, Weights weights) {
  ProbabilitySums sums;
  for (size_t i = 0; i < data.size(); ++i) sums.add(data, i, weight_of(weights, i));
  return sums;
}

}  // namespace gradus::metrics::detail
