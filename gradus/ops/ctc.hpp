// Connectionist temporal classification (Graves et al. 2006): the loss of label sequences whose alignment is not known. The loss with a
// reduction is in nn/loss.hpp, decoding in nn/ctc_decode.hpp; docs/ctc.md has the mathematics.
#pragma once

#include "gradus/graph/array.hpp"

namespace gradus {

/// Options of ctc_loss.
struct CtcOptions {
  Array input_lengths{};   ///< (N,), integers from 0 to T: the steps of each example; empty: T
  Array target_lengths{};  ///< (N,), integers from 0 to S: the labels of each example; empty: S
  int64_t blank = 0;       ///< the class that stands for no label
  bool zero_infinity =
      false;  ///< the loss is 0, not infinity, where no alignment fits: fewer steps than labels and the blanks between equal ones
};
/// -log of the probability that softmax(logits) gives to the targets: the sum over all alignments, which are the targets with labels
/// repeated and blanks put between, one class a step.
///
/// logits  (N, T, classes), floats; no softmax before them
/// targets (N, S), integers: classes other than the blank. What lies beyond a target's length is not looked at
/// returns (N,). Where no alignment fits the loss is infinity and the gradient 0; a NaN in the logits of an example makes all of it NaN
///
/// Lengths and labels out of range, and labels that are the blank, are errors when computed. The second derivative unrolls the T steps.
///
///   ctc_loss(zeros({1, 3, 2}), array({{1}}))   // log(8 / 6): six of the eight paths of three steps are the label 1
Array ctc_loss(const Array& logits, const Array& targets);
Array ctc_loss(const Array& logits, const Array& targets, CtcOptions options);

}  // namespace gradus
