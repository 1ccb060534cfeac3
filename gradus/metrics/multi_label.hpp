// Scores of several yes-or-no answers a sample.
#pragma once

#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

/// How the answers of samples and labels become one number.
enum class LabelAverage : uint8_t {
  samples,  ///< mean over the samples
  macro,    ///< mean over the labels
  micro,    ///< of the counts of all together
  weighted  ///< mean over the labels, each as often as it is 1
};

/// Options of scores of several answers. Outputs (N, L) are a logit, or a probability, each; targets (N, L) are 0 and 1.
struct LabelOptions {
  Outputs outputs = Outputs::logits;
  Array weights{};  ///< (N,): as those of ClassOptions
  LabelAverage average = LabelAverage::samples;
  double zero_division = 0;  ///< where neither target nor prediction has a 1
  double threshold = 0.5;
};

/// Share of answers that are wrong.
///
///   metrics::hamming_loss(array({{1.0, -1.0}, {1.0, 1.0}}), array({{1, 0}, {0, 1}}))   // 0.25
double hamming_loss(const Array& output, const Array& target, const LabelOptions& options = {});
/// Share of samples whose answers are all right.
double subset_accuracy(const Array& output, const Array& target, const LabelOptions& options = {});
/// Common 1s over all 1s of target and prediction.
double jaccard(const Array& output, const Array& target, const LabelOptions& options = {});
/// Harmonic mean of precision and recall.
double label_f1(const Array& output, const Array& target, const LabelOptions& options = {});

}  // namespace gradus::metrics
