// What a trained model does on a set, in full: outputs, confusion, the samples worth looking at. For reports.
#pragma once

#include <string>
#include <vector>

#include "gradus/data/dataset.hpp"
#include "gradus/train/report.hpp"

namespace gradus::train {

/// A classifier's answers on a set.
struct Classification {
  std::vector<std::string> class_names{};
  std::vector<int64_t> truth{}, predicted{};  ///< labels, one a sample
  std::vector<double> probability{};          ///< of the predicted class

  double accuracy() const;
  Confusion confusion() const;
  /// Precision, recall, F1 and number of samples of each class.
  ReportTable class_table() const;
};

/// Softmax of one sample's logits; a single logit is that of the second of two classes.
std::vector<double> class_probabilities(const float* logits, int64_t count);

/// output: logits (N, classes), or (N, 1) or (N,) for two classes; set: its targets are integer labels (N,) or (N, 1).
Classification classify(const Array& output, const data::Dataset& set);
/// Whether the set's targets are labels that classify() takes with such an output.
bool is_classification(const Array& output, const data::Dataset& set);

/// Images to look at: `right` that were recognised, then `wrong` mistakes, the surest first. Empty unless x is (N, H, W, 1 or 3).
std::vector<SampleImage> sample_images(const data::Dataset& set, const Classification& answers, size_t right, size_t wrong);

}  // namespace gradus::train
