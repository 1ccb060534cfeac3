// Cross-entropy of logits with integer labels, fused with the softmax.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

struct CrossEntropy {
  double smoothing = 0;          ///< share of the target that is spread evenly over all classes
  int64_t ignored_label = -100;  ///< rows with this label have loss 0 and gradient 0
};

/// logits (rows, n), labels (rows) -> loss (rows), lse (rows), all contiguous; `logits` is the first's layout, its last axis the classes,
/// `labels` int32 or int64. lse is log sum_j e^(x_j), float32 for 16-bit logits.
///   loss = lse - (1 - smoothing) x[label] - smoothing mean(x)
/// A label below 0 or from n on that is not the ignored one ends the run with its position and value. Either output may be unneeded.
KernelPtr prepare_cross_entropy(const Layout& logits, DType labels, const CrossEntropy& options);

/// logits, labels, lse, dloss (rows; as loss) -> dlogits, which may be written over logits. Bad labels count as ignored.
///   dx_j = dloss (e^(x_j - lse) - (1 - smoothing) [j = label] - smoothing / n)
KernelPtr prepare_cross_entropy_backward(const Layout& logits, DType labels, const CrossEntropy& options);

}  // namespace gradus::cpu
