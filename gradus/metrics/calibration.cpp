// Reliability curves.
#include "gradus/metrics/calibration.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/metrics/class_scores.hpp"

namespace gradus::metrics {

using namespace core;

namespace detail {

namespace {

struct Sure {
  double probability;
  bool is_right;
};
Sure sureness(const ClassData& data, size_t i) {
  if (data.is_binary) return {data.probability(i, 1), data.labels[i] == 1};
  return {data.probability(i, data.predicted[i]), data.labels[i] == data.predicted[i]};
}

// numpy.percentile's default: linear between the two nearest of the sorted values, from the nearer one.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(place), high = std::min(low + 1, sorted.size() - 1);
  const double t = place - static_cast<double>(low), step = sorted[high] - sorted[low];
  return t < 0.5 ? sorted[low] + step * t : sorted[high] - step * (1 - t);
}

// What separates the bins: one less than there are.
std::vector<double> edges_of(const ClassData& data, const CalibrationOptions& options) {
  std::vector<double> sorted, edges;
  if (options.bins == Bins::quantile) {
    for (size_t i = 0; i < data.size(); ++i) sorted.push_back(sureness(data, i).probability);
    std::sort(sorted.begin(), sorted.end());
  }
  for (int64_t k = 1; k < options.count; ++k) {
    const auto count = static_cast<double>(options.count), at = static_cast<double>(k);
    edges.push_back(options.bins == Bins::quantile ? quantile(sorted, at * (1 / count)) : at * (1 / count));
  }
  return edges;
}

void check(const CalibrationOptions& options) {
  if (options.count < 1 || options.count > 1'000'000)
    fail("calibration", "the count of bins is ", options.count, "; it must be 1 to 1,000,000");
}

std::vector<CalibrationBin> curve_of(const ClassData& data, Weights weights, const CalibrationOptions& options) {
  if (data.size() == 0) return {};
  const std::vector<double> edges = edges_of(data, options);
  std::vector<CalibrationBin> bins(edges.size() + 1);
  for (size_t i = 0; i < data.size(); ++i) {
    const double weight = weight_of(weights, i);
    const Sure sure = sureness(data, i);
    CalibrationBin& bin = bins[static_cast<size_t>(std::lower_bound(edges.begin(), edges.end(), sure.probability) - edges.begin())];
    bin.predicted += weight * sure.probability;
    bin.observed += sure.is_right ? weight : 0;
    bin.weight += weight;
  }
  std::erase_if(bins, [](const CalibrationBin& bin) { return bin.weight == 0; });
  for (CalibrationBin& bin : bins) {
    bin.predicted /= bin.weight;
    bin.observed /= bin.weight;
  }
  return bins;
}

}  // namespace

double ece_of(const ClassData& data, Weights weights, const CalibrationOptions& options) {
  Sum distance, total;
  for (const CalibrationBin& bin : curve_of(data, weights, options)) {
    distance.add(bin.weight * std::abs(bin.observed - bin.predicted));
    total.add(bin.weight);
  }
  return distance.value() / total.value();
}

}  // namespace detail

std::vector<CalibrationBin> calibration_curve(const Array& output, const Array& target, const CalibrationOptions& bins,
                                              const ClassOptions& options) {
  detail::check(bins);
  const detail::ClassData data = detail::read_classes("calibration_curve", output, target, options, detail::Reading::scores);
  return detail::curve_of(data, data.weights, bins);
}

double expected_calibration_error(const Array& output, const Array& target, const CalibrationOptions& bins, const ClassOptions& options) {
  detail::check(bins);
  const detail::ClassData data = detail::read_classes("expected_calibration_error", output, target, options, detail::Reading::scores);
  return detail::ece_of(data, data.weights, bins);
}

}  // namespace gradus::metrics
