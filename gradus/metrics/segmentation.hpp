// How well regions of pictures are found: shares of pixels, from the confusion matrix of all of them.
#pragma once

#include <vector>

#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

/// Of each class and over them. A class that is neither in targets nor in predictions is NaN, and counts in no mean.
struct SegmentationScores {
  std::vector<double> iou{};   ///< intersection over union
  std::vector<double> dice{};  ///< 2 intersection / (target + prediction)
  double mean_iou = 0, mean_dice = 0, pixel_accuracy = 0;
};

/// Of outputs (N, H, W, C), or (N, H, W, 1) for two classes, and targets (N, H, W). `ignore` leaves pixels out, of the label 255 say, or of
/// the background, 0, which then is in no mean. Counts are over all pictures together; of a set in parts: ConfusionMatrix, or
/// Accumulator("iou_macro").
///
///   metrics::segmentation(zeros({1, 2, 2, 3}), zeros({1, 2, 2}, int64)).mean_iou   // 1
SegmentationScores segmentation(const Array& output, const Array& target, const ClassOptions& options = {});

}  // namespace gradus::metrics
