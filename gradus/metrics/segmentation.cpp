// Scores of regions.
#include "gradus/metrics/segmentation.hpp"

#include <limits>

#include "gradus/metrics/classification.hpp"

namespace gradus::metrics {

SegmentationScores segmentation(const Array& output, const Array& target, const ClassOptions& options) {
  const ConfusionMatrix matrix = confusion_matrix(output, target, options);
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  SegmentationScores scores;
  for (const ClassRates& rates : matrix.per_class(kNone)) {
    scores.iou.push_back(rates.iou);
    scores.dice.push_back(rates.f1);
  }
  if (options.ignore && *options.ignore >= 0 && *options.ignore < matrix.classes()) {
    const auto ignored = static_cast<size_t>(*options.ignore);
    scores.iou[ignored] = scores.dice[ignored] = kNone;
  }
  scores.mean_iou = matrix.iou({Average::macro, kNone, options.ignore});
  scores.mean_dice = matrix.f1({Average::macro, kNone, options.ignore});
  scores.pixel_accuracy = matrix.accuracy();
  return scores;
}

}  // namespace gradus::metrics
