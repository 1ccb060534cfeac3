// Cross-entropy of logits, one number an example, fused with the softmax or sigmoid. Losses with reductions are in nn/loss.hpp.
#pragma once

#include "gradus/graph/array.hpp"

namespace gradus {

/// Options of softmax_cross_entropy.
struct CrossEntropyOptions {
  double label_smoothing = 0;   ///< in [0, 1): the share of the target that is spread evenly over all classes
  int64_t ignore_label = -100;  ///< examples with this label have loss 0 and no gradient
};
/// -log softmax(logits)[label], of floats.
///
/// logits  (..., classes)
/// labels  (...), integers; a label outside 0 .. classes-1 that is not ignore_label is an error when computed
/// returns (...)
///
///   mean(softmax_cross_entropy(logits, labels))
Array softmax_cross_entropy(const Array& logits, const Array& labels);
Array softmax_cross_entropy(const Array& logits, const Array& labels, CrossEntropyOptions options);
/// -sum target log softmax(logits) over the last axis; targets: probabilities, of the shape of logits.
Array softmax_cross_entropy_with_probabilities(const Array& logits, const Array& targets);

/// -target log sigmoid(x) - (1 - target) log(1 - sigmoid(x)), element by element; targets from 0 to 1 broadcast with the logits.
Array sigmoid_cross_entropy(const Array& logits, const Array& targets);

}  // namespace gradus
