// From which probability on a sample is taken for class 1: what each choice gives, and which is best.
#pragma once

#include <vector>

#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

/// What a threshold gives: class 1 is predicted where its probability is above it. Shares of nothing are the zero_division of the options.
struct ThresholdRow {
  double threshold = 0;  ///< a probability
  double true_positives = 0, false_positives = 0, true_negatives = 0, false_negatives = 0;
  double precision = 0, recall = 0, specificity = 0, f = 0;
  double youden = 0;  ///< recall + specificity - 1 (Youden 1950)
  double cost = 0;    ///< mean cost of a sample
};

/// What is meant by best: beta of the F score, and what mistakes cost.
struct ThresholdOptions {
  double beta = 1;
  double false_positive_cost = 1, false_negative_cost = 1;
};

/// One row a threshold, in the order given; by default 0.05, 0.1, ... 0.95. Of two classes.
///
///   metrics::threshold_table(array({0.9, 0.2}), array({1, 0}), {0.5, 0.95}, {}, {.outputs = metrics::Outputs::probabilities})[0].f   // 1
std::vector<ThresholdRow> threshold_table(const Array& output, const Array& target, const std::vector<double>& thresholds = {},
                                          const ThresholdOptions& wanted = {}, const ClassOptions& options = {});

/// What best_threshold looks for.
enum class BestBy : uint8_t { f_beta, youden, cost };
/// The threshold with the largest F score or Youden's J, or the least cost, among all that split the samples differently: 0, the middles
/// between neighbouring probabilities, and 1. Of equal ones the one nearest to 0.5. Chosen on the set that it is measured on, it looks
/// better than it is: choose on validation data.
///
///   metrics::best_threshold(array({-2.0, -1.0}), array({0, 1}), metrics::BestBy::youden).recall   // 1
ThresholdRow best_threshold(const Array& output, const Array& target, BestBy by = BestBy::f_beta, const ThresholdOptions& wanted = {},
                            const ClassOptions& options = {});

}  // namespace gradus::metrics
