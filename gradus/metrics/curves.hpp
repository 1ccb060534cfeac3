// Curves of a classifier over all its thresholds, and the areas below them.
#pragma once

#include <vector>

#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

/// Point i is where samples of a score of thresholds[i] or more are taken for class 1; the first takes none, and its threshold is infinite.
/// Thresholds are outputs, as they were given: logits or probabilities. Points that lie on the line between their neighbours are left out.
struct RocCurve {
  std::vector<double> false_positive_rate{}, true_positive_rate{}, thresholds{};
};

/// Point i is where samples of a score of thresholds[i] or more are taken for class 1; thresholds rise, recall falls. One more point ends
/// the curve: precision 1, recall 0. Recall is 1 throughout where nothing is of class 1.
struct PrecisionRecallCurve {
  std::vector<double> precision{}, recall{}, thresholds{};
};

/// The receiver operating characteristic of two classes (Fawcett 2006). Throws where a class has no sample.
///
///   metrics::roc_curve(array({2.0, 1.0, -1.0}), array({1, 0, 1})).thresholds.size()   // 4
RocCurve roc_curve(const Array& output, const Array& target, const ClassOptions& options = {});

/// The area below it: how probably a sample of class 1 scores higher than one of class 0, ties counting a half. Of more classes the mean
/// over each against the rest, or over all pairs; `average` weighted: each by how often it occurs. Throws where a class has no sample;
/// one_vs_one takes no weights.
///
///   metrics::roc_auc(array({2.0, 1.0, -1.0}), array({1, 1, 0}))   // 1
double roc_auc(const Array& output, const Array& target, const ClassOptions& options = {});

/// Precision against recall of two classes.
PrecisionRecallCurve precision_recall_curve(const Array& output, const Array& target, const ClassOptions& options = {});

/// The area below it by steps, without interpolation: average precision, PR-AUC; 0 where nothing is of class 1. Of more classes the mean
/// over each against the rest.
///
///   metrics::pr_auc(array({2.0, 1.0, -1.0}), array({1, 0, 0}))   // 1
double pr_auc(const Array& output, const Array& target, const ClassOptions& options = {});

}  // namespace gradus::metrics
