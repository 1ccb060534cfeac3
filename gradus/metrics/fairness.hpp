// Whether a model treats groups of people alike: rates of each group, and the gaps between them (Hardt, Price and Srebro 2016; Barocas,
// Hardt and Narayanan).
#pragma once

#include <string>
#include <vector>

#include "gradus/metrics/options.hpp"
#include "gradus/metrics/proportion.hpp"

namespace gradus::metrics {

/// Of one group, each share with its Wilson interval; NaN where there is nothing to share. Class 1 is the favourable one.
struct GroupRates {
  int64_t group = 0;
  double count = 0;              ///< samples, or their weight
  Bounds base_rate{};            ///< are of class 1
  Bounds selection_rate{};       ///< are predicted as class 1
  Bounds true_positive_rate{};   ///< of class 1, are predicted so
  Bounds false_positive_rate{};  ///< of class 0, are predicted as class 1
  Bounds false_negative_rate{};
  Bounds positive_predictive_value{};  ///< of those predicted as class 1, are so
  Bounds accuracy{};
};

/// Options of fairness.
struct FairnessOptions {
  double confidence = 0.95;
  ClassOptions classes{};
};

/// Groups in rising order, and the largest gaps between any two of them; rates that are NaN do not count, of fewer than two gaps are NaN.
/// Gaps with bounds: Newcombe's interval of the difference of the largest and the smallest rate, from their Wilson intervals (1998, method
/// 10). It knows nothing of the choice of the two among many groups: of more than two a gap is larger than chance alone would have it.
struct Fairness {
  std::vector<GroupRates> groups{};
  Bounds selection_gap{}, true_positive_gap{}, false_positive_gap{}, accuracy_gap{};
  double demographic_parity_difference = 0;  ///< of selection rates, largest - smallest
  double demographic_parity_ratio = 1;       ///< smallest / largest; the four-fifths rule asks for 0.8
  double equal_opportunity_difference = 0;   ///< of true positive rates
  double equalised_odds_difference = 0;      ///< the larger gap of true positive and false positive rates
  double accuracy_difference = 0;
};

/// Of a classifier of two classes. groups (N,) integers.
///
///   metrics::fairness(array({1.0, -1.0, 1.0, 1.0}), array({1, 0, 1, 0}), array({0, 0, 1, 1})).demographic_parity_difference   // 0.5
Fairness fairness(const Array& output, const Array& target, const Array& groups, const FairnessOptions& options = {});

/// Of predicted numbers: means over one group; `mean_error` of output - target with Student's interval, NaN of a single sample.
struct GroupErrors {
  int64_t group = 0;
  int64_t count = 0;
  double mean_target = 0, mean_output = 0;
  Bounds mean_error{};
  double mae = 0, rmse = 0;
};
/// Groups in rising order. Outputs and targets (N,) or (N, 1).
std::vector<GroupErrors> group_errors(const Array& output, const Array& target, const Array& groups, double confidence = 0.95);

}  // namespace gradus::metrics
