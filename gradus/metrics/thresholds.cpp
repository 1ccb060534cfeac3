// Thresholds: counts above each of them, from probabilities that are sorted once.
#include "gradus/metrics/thresholds.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/metrics/class_scores.hpp"

namespace gradus::metrics {

using namespace core;

namespace {

// Distinct probabilities from the largest down, with the weights of both classes from the first to each.
struct Steps {
  std::vector<double> probabilities{}, positives{}, negatives{};
};

Steps steps_of(std::string_view place, const Array& output, const Array& target, const ClassOptions& options) {
  detail::ClassData data = detail::read_classes(place, output, target, options, detail::Reading::scores);
  if (!data.is_binary) fail(place, "there are ", data.classes, " classes; a threshold is of two");
  if (data.size() == 0) fail(place, "there are no samples; there must be one");
  for (size_t i = 0; i < data.size(); ++i) data.scores[i] = data.probability(i, 1);
  const detail::Ranking ranking = detail::ranking_of(data.scores);
  Steps steps;
  double positives = 0, negatives = 0;
  size_t i = 0;
  for (const int32_t end : ranking.ends) {
    for (; i < static_cast<size_t>(end); ++i) {
      const auto sample = static_cast<size_t>(ranking.order[i]);
      (data.labels[sample] == 1 ? positives : negatives) += detail::weight_of(data.weights, sample);
    }
    steps.probabilities.push_back(data.scores[static_cast<size_t>(ranking.order[i - 1])]);
    steps.positives.push_back(positives);
    steps.negatives.push_back(negatives);
  }
  return steps;
}

// `taken`: how many of the steps lie above the threshold.
ThresholdRow row_of(const Steps& steps, double threshold, size_t taken, const ThresholdOptions& wanted, double zero_division) {
  const double positives = steps.positives.back(), negatives = steps.negatives.back(), square = wanted.beta * wanted.beta;
  ThresholdRow row{.threshold = threshold};
  row.true_positives = taken > 0 ? steps.positives[taken - 1] : 0;
  row.false_positives = taken > 0 ? steps.negatives[taken - 1] : 0;
  row.false_negatives = positives - row.true_positives;
  row.true_negatives = negatives - row.false_positives;
  const auto share = [&](double part, double whole) { return whole == 0 ? zero_division : part / whole; };
  row.precision = share(row.true_positives, row.true_positives + row.false_positives);
  row.recall = share(row.true_positives, positives);
  row.specificity = share(row.true_negatives, negatives);
  const double hits = (1 + square) * row.true_positives;
  row.f = share(hits, hits + square * row.false_negatives + row.false_positives);
  row.youden = row.recall + row.specificity - 1;
  row.cost =
      (wanted.false_positive_cost * row.false_positives + wanted.false_negative_cost * row.false_negatives) / (positives + negatives);
  return row;
}

void check(std::string_view place, const ThresholdOptions& wanted) {
  for (const double number : {wanted.beta, wanted.false_positive_cost, wanted.false_negative_cost}) {
    if (!(number >= 0) || std::isinf(number))
      fail(place, "beta is ", wanted.beta, " and the costs are ", wanted.false_positive_cost, " and ", wanted.false_negative_cost,
           "; they must be finite and not negative");
  }
}

}  // namespace

std::vector<ThresholdRow> threshold_table(const Array& output, const Array& target, const std::vector<double>& thresholds,
                                          const ThresholdOptions& wanted, const ClassOptions& options) {
  check("threshold_table", wanted);
  const Steps steps = steps_of("threshold_table", output, target, options);
  std::vector<double> asked = thresholds;
  if (asked.empty()) {
    for (int twentieth = 1; twentieth < 20; ++twentieth) asked.push_back(twentieth / 20.0);
  }
  std::vector<ThresholdRow> rows;
  for (const double threshold : asked) {
    if (!(threshold >= 0 && threshold <= 1))
      fail("threshold_table", "a threshold is ", threshold, "; they are probabilities and must be from 0 to 1");
    const auto first =
        std::partition_point(steps.probabilities.begin(), steps.probabilities.end(), [&](double p) { return p > threshold; });
    rows.push_back(row_of(steps, threshold, static_cast<size_t>(first - steps.probabilities.begin()), wanted, options.zero_division));
  }
  return rows;
}

ThresholdRow best_threshold(const Array& output, const Array& target, BestBy by, const ThresholdOptions& wanted,
                            const ClassOptions& options) {
  check("best_threshold", wanted);
  const Steps steps = steps_of("best_threshold", output, target, options);
  const auto worth = [&](const ThresholdRow& row) { return by == BestBy::cost ? -row.cost : by == BestBy::youden ? row.youden : row.f; };
  const std::vector<double>& p = steps.probabilities;
  ThresholdRow best;
  for (size_t taken = 0; taken <= p.size(); ++taken) {
    // Between two numbers that are neighbours as doubles the lower one still splits them.
    const double middle = taken == 0 ? 1 : taken == p.size() ? 0 : p[taken] + (p[taken - 1] - p[taken]) / 2;
    const double threshold = taken > 0 && taken < p.size() && middle >= p[taken - 1] ? p[taken] : middle;
    if (taken == p.size() && p.back() == 0) break;  // no threshold takes a probability of 0
    const ThresholdRow row = row_of(steps, threshold, taken, wanted, options.zero_division);
    const bool is_nearer = worth(row) == worth(best) && std::abs(threshold - 0.5) < std::abs(best.threshold - 0.5);
    if (taken == 0 || worth(row) > worth(best) || is_nearer) best = row;
  }
  return best;
}

}  // namespace gradus::metrics
