// Rotary position embedding.
#pragma once

#include "gradus/cpu/attention/attention.hpp"

namespace gradus::cpu {

/// x, cos, sin -> y: pairs of the first `width` elements of each row turned, the others copied. cos and sin (examples or 1, rows, width /
/// 2), contiguous and in the dtype that is computed in.
struct Rotary {
  DType dtype{};
  int64_t examples = 0, heads = 0, rows = 0, columns = 0, width = 0;
  AttentionSteps x{}, y{};
  int64_t angles = 1;           ///< examples of cos and sin
  bool is_interleaved = false;  ///< pairs are neighbours; else one from each half
  bool is_inverse = false;      ///< turned back
};
KernelPtr prepare_rotary(const Rotary& rotary);

}  // namespace gradus::cpu
