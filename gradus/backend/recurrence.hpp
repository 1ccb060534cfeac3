// What the kernels of recurrent layers are prepared for.
#pragma once

#include <cstdint>

#include "gradus/array/dtype.hpp"

namespace gradus::backend {

/// One layer in one direction. N sequences of T steps; a state of H numbers each. A step at or past the length of its sequence leaves the
/// state as it is and has the output 0.
struct Recurrence {
  DType dtype = float32;  ///< float32 or float64
  int64_t batch = 0, steps = 0, units = 0;
  int64_t features = 0;         ///< of x; backward kernels need none
  bool is_reversed = false;     ///< from the last step to the first
  bool is_relu = false;         ///< relu in the place of tanh
  bool has_lengths = false;     ///< (N), int64
  bool resets_after = true;     ///< GRU: the reset gate is applied to the product, not to the state before it
  bool has_bias = false;        ///< added to the product of x
  bool has_state_bias = false;  ///< GRU: added to the product of the state
  // Cotangents that a backward kernel gets; the others are zero.
  bool has_dys = false, has_dh = false, has_dc = false;
};

}  // namespace gradus::backend
