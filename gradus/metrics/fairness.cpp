// Rates and errors by group.
#include "gradus/metrics/fairness.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "gradus/base/error.hpp"
#include "gradus/metrics/class_data.hpp"
#include "gradus/metrics/distributions.hpp"
#include "gradus/metrics/number_data.hpp"

namespace gradus::metrics {

using namespace core;

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<int64_t> read_groups(std::string_view place, const Array& groups, size_t count) {
  if (groups.size() != static_cast<int64_t>(count) || !groups.dtype().is_integer())
    fail(place, "groups is ", groups.shape(), " ", groups.dtype(), "; it must be an integer for each of the ", count, " samples");
  return groups.to_vector<int64_t>();
}

struct Counts {
  double hits = 0, false_alarms = 0, misses = 0, rest = 0;
};

GroupRates rates_of(int64_t group, const Counts& c, double confidence) {
  const auto share = [&](double part, double whole) {
    return whole > 0 ? wilson(std::min(part, whole), whole, confidence) : Bounds{kNone, kNone, kNone};
  };
  const double positives = c.hits + c.misses, negatives = c.false_alarms + c.rest, all = positives + negatives;
  return {.group = group,
          .count = all,
          .base_rate = share(positives, all),
          .selection_rate = share(c.hits + c.false_alarms, all),
          .true_positive_rate = share(c.hits, positives),
          .false_positive_rate = share(c.false_alarms, negatives),
          .false_negative_rate = share(c.misses, positives),
          .positive_predictive_value = share(c.hits, c.hits + c.false_alarms),
          .accuracy = share(c.hits + c.rest, all)};
}

// Largest less smallest.
Bounds gap_of(const std::vector<GroupRates>& groups, Bounds GroupRates::*rate) {
  const Bounds *least = nullptr, *most = nullptr;
  for (const GroupRates& group : groups) {
    const Bounds& each = group.*rate;
    if (std::isnan(each.value)) continue;
    if (!least || each.value < least->value) least = &each;
    if (!most || each.value > most->value) most = &each;
  }
  if (!least || std::count_if(groups.begin(), groups.end(), [&](const GroupRates& g) { return !std::isnan((g.*rate).value); }) < 2)
    return {kNone, kNone, kNone};
  const double gap = most->value - least->value;
  return {gap, std::max(-1.0, gap - std::hypot(most->value - most->lower, least->upper - least->value)),
          std::min(1.0, gap + std::hypot(most->upper - most->value, least->value - least->lower))};
}

struct Range {
  double least = kNone, most = kNone;
  int64_t count = 0;
  double difference() const { return count > 1 ? most - least : kNone; }
};
Range range_of(const std::vector<GroupRates>& groups, Bounds GroupRates::*rate) {
  Range range;
  for (const GroupRates& group : groups) {
    const double value = (group.*rate).value;
    if (std::isnan(value)) continue;
    range.least = range.count == 0 ? value : std::min(range.least, value);
    range.most = range.count == 0 ? value : std::max(range.most, value);
    ++range.count;
  }
  return range;
}

}  // namespace

Fairness fairness(const Array& output, const Array& target, const Array& groups, const FairnessOptions& options) {
  if (options.classes.ignore) fail("fairness", "ignore is ", *options.classes.ignore, "; leave such samples out before, with their groups");
  const detail::ClassData data = detail::read_classes("fairness", output, target, options.classes, detail::Reading::predictions);
  if (!data.is_binary) fail("fairness", "there are ", data.classes, " classes; rates of groups are of two");
  const std::vector<int64_t> of_sample = read_groups("fairness", groups, data.size());
  std::map<int64_t, Counts> counts;
  for (size_t i = 0; i < data.size(); ++i) {
    Counts& c = counts[of_sample[i]];
    const bool is_positive = data.labels[i] == 1, is_selected = data.predicted[i] == 1;
    (is_positive ? is_selected ? c.hits : c.misses : is_selected ? c.false_alarms : c.rest) += detail::weight_of(data.weights, i);
  }
  Fairness out;
  for (const auto& [group, c] : counts) out.groups.push_back(rates_of(group, c, options.confidence));
  const Range selected = range_of(out.groups, &GroupRates::selection_rate);
  out.demographic_parity_difference = selected.difference();
  out.demographic_parity_ratio = selected.count < 2 || selected.most == 0 ? kNone : selected.least / selected.most;
  out.equal_opportunity_difference = range_of(out.groups, &GroupRates::true_positive_rate).difference();
  out.equalised_odds_difference =
      std::fmax(out.equal_opportunity_difference, range_of(out.groups, &GroupRates::false_positive_rate).difference());
  out.selection_gap = gap_of(out.groups, &GroupRates::selection_rate);
  out.true_positive_gap = gap_of(out.groups, &GroupRates::true_positive_rate);
  out.false_positive_gap = gap_of(out.groups, &GroupRates::false_positive_rate);
  out.accuracy_gap = gap_of(out.groups, &GroupRates::accuracy);
  out.accuracy_difference = range_of(out.groups, &GroupRates::accuracy).difference();
  return out;
}

std::vector<GroupErrors> group_errors(const Array& output, const Array& target, const Array& groups, double confidence) {
  if (!(confidence > 0 && confidence < 1)) fail("group_errors", "confidence is ", confidence, "; it must be between 0 and 1");
  const detail::NumberData data = detail::read_numbers("group_errors", output, target, {});
  if (data.columns != 1) fail("group_errors", "output is ", output.shape(), "; it must be (N,) or (N, 1)");
  const std::vector<int64_t> of_sample = read_groups("group_errors", groups, data.rows);
  struct Sums {
    detail::Moments moments{};
    detail::Sum outputs{};
  };
  std::map<int64_t, Sums> sums;
  for (size_t i = 0; i < data.rows; ++i) {
    Sums& of_group = sums[of_sample[i]];
    of_group.moments.add(data.output[i], data.target[i], 1, false);
    of_group.outputs.add(data.output[i]);
  }
  std::vector<GroupErrors> out;
  for (const auto& [group, of_group] : sums) {
    const detail::Moments& m = of_group.moments;
    const double mean = -m.error_mean, error = m.count > 1 ? std::sqrt(m.error_squares / (m.count - 1) / m.count) : kNone;
    const double half = m.count > 1 ? detail::student_quantile((1 + confidence) / 2, m.count - 1) * error : kNone;
    out.push_back({.group = group,
                   .count = static_cast<int64_t>(m.count),
                   .mean_target = m.target_mean,
                   .mean_output = of_group.outputs.value() / m.count,
                   .mean_error = {mean, mean - half, mean + half},
                   .mae = m.absolute.value() / m.count,
                   .rmse = std::sqrt(m.squared.value() / m.count)});
  }
  return out;
}

}  // namespace gradus::metrics
