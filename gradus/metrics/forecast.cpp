// Scores of forecasts.
#include "gradus/metrics/forecast.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/metrics/number_data.hpp"
#include "gradus/metrics/regression.hpp"

namespace gradus::metrics {

using namespace core;

namespace {

// Of each column the mean of term(value - value of a season ago).
template <class Term>
std::vector<double> naive_errors(std::string_view place, const Array& history, int64_t season, Term term) {
  const detail::NumberData data = detail::read_numbers(place, history, history, {});
  const auto steps = static_cast<int64_t>(data.rows);
  if (season < 1 || season >= steps)
    fail(place, "season is ", season, " and the history has ", steps, " steps; it must be 1 to ", steps - 1);
  std::vector<double> sums(data.columns);
  for (size_t i = static_cast<size_t>(season) * data.columns; i < data.target.size(); ++i)
    sums[i % data.columns] +=
        term(data.target[i] - data.target[i - static_cast<size_t>(season) * data.columns]) / static_cast<double>(steps - season);
  for (const double sum : sums) {
    if (sum == 0) fail(place, "the history repeats itself every ", season, " steps; the naive forecast of it must have an error");
  }
  return sums;
}

template <class Term>
std::vector<double> scaled_errors(std::string_view place, const Array& output, const Array& target, const std::vector<double>& scales,
                                  Term term) {
  const detail::NumberData data = detail::read_numbers(place, output, target, {});
  if (data.rows == 0) fail(place, "output is ", output.shape(), "; there must be a step");
  if (data.columns != scales.size())
    fail(place, "output has ", data.columns, " columns and the history ", scales.size(), "; they must be equal");
  std::vector<double> sums(data.columns);
  for (size_t i = 0; i < data.output.size(); ++i)
    sums[i % data.columns] += term(data.target[i] - data.output[i]) / static_cast<double>(data.rows);
  for (size_t k = 0; k < sums.size(); ++k) sums[k] /= scales[k];
  return sums;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

struct Ends {
  std::vector<double> lower{}, upper{};
};
Ends read_ends(std::string_view place, const Array& lower, const Array& upper) {
  const detail::NumberData data = detail::read_numbers(place, lower, upper, {});
  if (data.output.empty()) fail(place, "lower is ", lower.shape(), "; there must be an interval");
  for (size_t i = 0; i < data.output.size(); ++i) {
    if (data.output[i] > data.target[i])
      fail(place, "interval ", i, " is from ", data.output[i], " to ", data.target[i], "; lower must not be above upper");
  }
  return {data.output, data.target};
}
std::vector<double> read_target(std::string_view place, const Array& lower, const Array& target) {
  return detail::read_numbers(place, lower, target, {}).target;
}
void check_alpha(std::string_view place, double alpha) {
  if (!(alpha > 0 && alpha < 1)) fail(place, "alpha is ", alpha, "; it must be between 0 and 1");
}

}  // namespace

double mase(const Array& output, const Array& target, const Array& history, int64_t season) {
  const auto size = [](double error) { return std::abs(error); };
  return mean(scaled_errors("mase", output, target, naive_errors("mase", history, season, size), size));
}
double rmsse(const Array& output, const Array& target, const Array& history, int64_t season) {
  const auto square = [](double error) { return error * error; };
  std::vector<double> ratios = scaled_errors("rmsse", output, target, naive_errors("rmsse", history, season, square), square);
  for (double& ratio : ratios) ratio = std::sqrt(ratio);
  return mean(ratios);
}

double interval_coverage(const Array& lower, const Array& upper, const Array& target) {
  const Ends ends = read_ends("interval_coverage", lower, upper);
  const std::vector<double> targets = read_target("interval_coverage", lower, target);
  double inside = 0;
  for (size_t i = 0; i < targets.size(); ++i) inside += targets[i] >= ends.lower[i] && targets[i] <= ends.upper[i];
  return inside / static_cast<double>(targets.size());
}
double interval_width(const Array& lower, const Array& upper) {
  const Ends ends = read_ends("interval_width", lower, upper);
  double sum = 0;
  for (size_t i = 0; i < ends.lower.size(); ++i) sum += ends.upper[i] - ends.lower[i];
  return sum / static_cast<double>(ends.lower.size());
}
double interval_score(const Array& lower, const Array& upper, const Array& target, double alpha) {
  check_alpha("interval_score", alpha);
  const Ends ends = read_ends("interval_score", lower, upper);
  const std::vector<double> targets = read_target("interval_score", lower, target);
  double sum = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const double outside = std::max({0.0, ends.lower[i] - targets[i], targets[i] - ends.upper[i]});
    sum += ends.upper[i] - ends.lower[i] + 2 / alpha * outside;
  }
  return sum / static_cast<double>(targets.size());
}
double weighted_interval_score(const Array& median, const std::vector<ForecastInterval>& intervals, const Array& target) {
  double sum = mae(median, target) / 2;
  for (const ForecastInterval& interval : intervals) {
    check_alpha("weighted_interval_score", interval.alpha);
    sum += interval.alpha / 2 * interval_score(interval.lower, interval.upper, target, interval.alpha);
  }
  return sum / (static_cast<double>(intervals.size()) + 0.5);
}

}  // namespace gradus::metrics
