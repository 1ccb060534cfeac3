// ROC and precision-recall curves from scores that are sorted once.
#include "gradus/metrics/curves.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/metrics/class_scores.hpp"

namespace gradus::metrics {

using namespace core;

namespace detail {

namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

// Calls visit(positives, negatives, position of one of them) with the weights of each run of equal scores, from the largest score down.
template <class Visit>
void for_runs(const ClassData& data, Weights weights, size_t column, int32_t positive, int32_t negative, Visit visit) {
  const Ranking& ranking = data.rankings[column];
  size_t i = 0;
  for (const int32_t end : ranking.ends) {
    double positives = 0, negatives = 0;
    for (; i < static_cast<size_t>(end); ++i) {
      const int32_t label = ranking.labels[i];
      const double weight = weight_of(weights, static_cast<size_t>(ranking.order[i]));
      if (label == positive) positives += weight;
      else if (negative < 0 || label == negative) negatives += weight;
    }
    if (positives + negatives > 0) visit(positives, negatives, static_cast<size_t>(ranking.order[i - 1]));
  }
}

double pair_average_precision(const ClassData& data, Weights weights, size_t column, int32_t positive) {
  double hits = 0, taken = 0, area = 0;
  for_runs(data, weights, column, positive, -1, [&](double positives, double negatives, size_t) {
    hits += positives;
    taken += positives + negatives;
    area += positives * (hits / taken);
  });
  return hits > 0 ? area / hits : taken > 0 ? 0 : kUndefined;
}

std::vector<double> supports(const ClassData& data, Weights weights) {
  std::vector<double> out(static_cast<size_t>(data.classes));
  for (size_t i = 0; i < data.size(); ++i) out[static_cast<size_t>(data.labels[i])] += weight_of(weights, i);
  return out;
}

// Mean of area(class) over the classes. Micro: all answers together, which need scores that compare across classes.
template <class Area>
double mean_over_classes(const ClassData& data, Weights weights, Average average, Area area) {
  const std::vector<double> support = supports(data, weights);
  double sum = 0, total = 0;
  for (size_t k = 0; k < support.size(); ++k) {
    const double weight = average == Average::weighted ? support[k] : 1;
    if (weight == 0) continue;
    sum += weight * area(k);
    total += weight;
  }
  return sum / total;
}

}  // namespace

double pair_auc(const ClassData& data, Weights weights, size_t column, int32_t positive, int32_t negative) {
  double hits = 0, alarms = 0, area = 0;
  for_runs(data, weights, column, positive, negative, [&](double positives, double negatives, size_t) {
    area += negatives * (hits + positives / 2);
    hits += positives;
    alarms += negatives;
  });
  return hits > 0 && alarms > 0 ? area / (hits * alarms) : kUndefined;
}

double roc_auc_of(const ClassData& data, Weights weights, Average average) {
  if (data.is_binary) return pair_auc(data, weights, 0, 1);
  return mean_over_classes(data, weights, average, [&](size_t k) { return pair_auc(data, weights, k, static_cast<int32_t>(k)); });
}

double average_precision_of(const ClassData& data, Weights weights, Average average) {
  if (data.is_binary) return pair_average_precision(data, weights, 0, 1);
  return mean_over_classes(data, weights, average,
                           [&](size_t k) { return pair_average_precision(data, weights, k, static_cast<int32_t>(k)); });
}

namespace {

ClassData ranked(std::string_view place, const Array& output, const Array& target, const ClassOptions& options) {
  ClassData data = read_classes(place, output, target, options, Reading::scores);
  if (options.average == Average::micro || (options.average == Average::binary && !data.is_binary))
    fail(place, "the average is ", options.average == Average::micro ? "micro" : "binary", "; areas of ", data.classes,
         " classes are averaged macro or weighted");
  data.rank();
  return data;
}

void check_two(std::string_view place, const ClassData& data) {
  if (!data.is_binary) fail(place, "there are ", data.classes, " classes; the curve is of two");
}

double one_vs_one(const ClassData& data, Average average) {
  const std::vector<double> support = supports(data, {});
  double sum = 0, total = 0;
  for (size_t a = 0; a < support.size(); ++a) {
    for (size_t b = a + 1; b < support.size(); ++b) {
      const auto first = static_cast<int32_t>(a), second = static_cast<int32_t>(b);
      const double weight = average == Average::weighted ? support[a] + support[b] : 1;
      sum += weight * (pair_auc(data, {}, a, first, second) + pair_auc(data, {}, b, second, first)) / 2;
      total += weight;
    }
  }
  return sum / total;
}

}  // namespace

void check_every_class(std::string_view place, const ClassData& data) {
  const std::vector<double> support = supports(data, data.weights);
  for (size_t k = 0; k < support.size(); ++k) {
    if (support[k] > 0) continue;
    fail(place, "none of the ", data.size(), " targets", data.weights.empty() ? "" : " of weight above 0", " is of class ", k,
         "; each class must have a sample");
  }
}

}  // namespace detail

using detail::ClassData;

RocCurve roc_curve(const Array& output, const Array& target, const ClassOptions& options) {
  const ClassData data = detail::ranked("roc_curve", output, target, options);
  detail::check_two("roc_curve", data);
  detail::check_every_class("roc_curve", data);
  std::vector<double> alarms, hits, thresholds;
  double alarm = 0, hit = 0;
  detail::for_runs(data, data.weights, 0, 1, -1, [&](double positives, double negatives, size_t sample) {
    alarms.push_back(alarm += negatives);
    hits.push_back(hit += positives);
    thresholds.push_back(data.scores[sample]);
  });
  RocCurve curve{{0}, {0}, {std::numeric_limits<double>::infinity()}};
  for (size_t i = 0; i < alarms.size(); ++i) {
    const bool is_inside = i > 0 && i + 1 < alarms.size();
    const bool is_straight =
        is_inside && alarms[i + 1] - alarms[i] == alarms[i] - alarms[i - 1] && hits[i + 1] - hits[i] == hits[i] - hits[i - 1];
    if (is_straight) continue;
    curve.false_positive_rate.push_back(alarms[i] / alarm);
    curve.true_positive_rate.push_back(hits[i] / hit);
    curve.thresholds.push_back(thresholds[i]);
  }
  return curve;
}

double roc_auc(const Array& output, const Array& target, const ClassOptions& options) {
  const ClassData data = detail::ranked("roc_auc", output, target, options);
  detail::check_every_class("roc_auc", data);
  if (data.is_binary || options.multi_class == MultiClass::one_vs_rest) return detail::roc_auc_of(data, data.weights, options.average);
  if (!data.weights.empty()) fail("roc_auc", "there are weights, and pairs of classes take none; one_vs_rest does");
  return detail::one_vs_one(data, options.average);
}

PrecisionRecallCurve precision_recall_curve(const Array& output, const Array& target, const ClassOptions& options) {
  const ClassData data = detail::ranked("precision_recall_curve", output, target, options);
  detail::check_two("precision_recall_curve", data);
  PrecisionRecallCurve curve{{1}, {0}, {}};
  double hits = 0, taken = 0;
  detail::for_runs(data, data.weights, 0, 1, -1, [&](double positives, double negatives, size_t sample) {
    hits += positives;
    taken += positives + negatives;
    curve.precision.push_back(hits / taken);
    curve.recall.push_back(hits);
    curve.thresholds.push_back(data.scores[sample]);
  });
  for (size_t i = 1; i < curve.recall.size(); ++i) curve.recall[i] = hits > 0 ? curve.recall[i] / hits : 1;
  for (std::vector<double>* values : {&curve.precision, &curve.recall, &curve.thresholds}) std::reverse(values->begin(), values->end());
  return curve;
}

double pr_auc(const Array& output, const Array& target, const ClassOptions& options) {
  const ClassData data = detail::ranked("pr_auc", output, target, options);
  if (data.size() == 0) fail("pr_auc", "there are no samples; there must be one");
  return detail::average_precision_of(data, data.weights, options.average);
}

}  // namespace gradus::metrics
