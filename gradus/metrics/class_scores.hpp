// Scores of classes from what was read once, for any weights of the samples: a resample is weights too. Not for users.
#pragma once

#include "gradus/metrics/calibration.hpp"
#include "gradus/metrics/class_data.hpp"
#include "gradus/metrics/confusion.hpp"
#include "gradus/metrics/sum.hpp"

namespace gradus::metrics::detail {

ConfusionMatrix confusion_of(const ClassData& data, Weights weights);

/// Sums of what each sample gives to scores of probabilities.
struct ProbabilitySums {
  double weight = 0;
  Sum log_loss{}, brier{};
  void add(const ClassData& data, size_t i, double of_sample);
  void merge(const ProbabilitySums& other);
};
ProbabilitySums probability_sums_of(const ClassData& data, Weights weights);

/// These need data.rank(). NaN where it is not defined.
double roc_auc_of(const ClassData& data, Weights weights, Average average);
double average_precision_of(const ClassData& data, Weights weights, Average average);
/// Of class `positive` by column `column`, against class `negative`, or all others where that is -1.
double pair_auc(const ClassData& data, Weights weights, size_t column, int32_t positive, int32_t negative = -1);

/// Throws naming the first class without a sample.
void check_every_class(std::string_view place, const ClassData& data);

double ece_of(const ClassData& data, Weights weights, const CalibrationOptions& options);

}  // namespace gradus::metrics::detail
