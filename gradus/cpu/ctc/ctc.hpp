// Connectionist temporal classification: the likelihood of a label sequence under all its alignments, with its gradient.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

struct Ctc {
  int64_t blank = 0;
  bool zero_infinity = false;  ///< the loss of a sequence that no alignment fits is 0, not infinity
};

/// logits (N, T, C), targets (N, S), input_lengths (N), target_lengths (N) -> loss (N), slopes (N, T, C), all contiguous. `logits` is the
/// first's layout; the integers are int64, `labels` is S; slopes, d loss / d logits, are float32 for 16-bit logits and may be unneeded.
///   loss = -log sum over alignments of prod_t softmax(logits_t)[alignment_t]
/// Slopes are 0 from an input's length on, and where no alignment fits. A length above T or S, a label that is no class, or is the blank,
/// ends the run with its position and value.
KernelPtr prepare_ctc(const Layout& logits, int64_t labels, const Ctc& options);

}  // namespace gradus::cpu
