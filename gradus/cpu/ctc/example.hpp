// One example of CTC, as the loop of an instruction set gets it. Private to cpu/ctc/.
#pragma once

#include "gradus/cpu/ctc/ctc.hpp"

namespace gradus::cpu {

struct CtcExample {
  const void* logits = nullptr;
  const int64_t* labels = nullptr;
  int64_t steps = 0, label_count = 0;  ///< of this example
  int64_t all_steps = 0, classes = 0;  ///< of its logits
  Ctc options{};
  void *loss = nullptr, *slopes = nullptr;  ///< null: not wanted
};

/// Forward variables of a step, in elements: one state more than labels for labels, with one before them, and as many for blanks.
inline int64_t row_size(int64_t labels) { return 2 * (labels + 2); }
/// Scratch elements of an example: rows of forward variables, then what is of one step.
inline int64_t scratch_size(int64_t steps, int64_t labels) { return steps * row_size(labels) + 5 * (labels + 2); }

/// `sums`: two doubles a step.
using CtcLoop = void (*)(const CtcExample& example, void* scratch, double* sums);

}  // namespace gradus::cpu
