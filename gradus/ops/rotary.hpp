// Rotary position embedding: pairs of features turned by angles that grow with the position, so that products of q and k depend on
// distances.
#pragma once

#include "gradus/graph/array.hpp"

namespace gradus {

/// Which pairs of features are turned, and by how much.
struct RotaryOptions {
  double base = 10000;  ///< pair i of `width` / 2 turns by base^(-2 i / width) a position
  Array frequencies{};  ///< (width / 2,): those to turn by instead, say of a stretched context; differentiable
  int64_t width = 0;    ///< only the first so many features are turned, an even number; 0: all
  /// Pairs are neighbours (x0, x1), (x2, x3), ... (Su et al. 2021, GPT-J) instead of (x0, x[w/2]), (x1, x[w/2 + 1]), ... (GPT-NeoX, Llama).
  /// Weights trained in one convention do not fit the other.
  bool interleaved = false;
  bool time_first = false;  ///< x is (..., T, heads, d) instead of (..., heads, T, d)
};

/// x with the pairs of features of each row turned: (a, b) -> (a cos t - b sin t, a sin t + b cos t) with the angle t = position *
/// frequency, computed in float64 (Su et al. 2021). Rows keep their lengths.
///
/// x          (..., heads, T, d) or (T, d), floats
/// positions  integers: (T,), or (..., T) with a row for each example (the axes before the heads); or one number, the position of the
///            first row, which the others follow. 0, 1, 2, ... if not given. They are operands: when they move from step to step, no new
///            plan is made
///
///   rotary(q)   rotary(q, steps, {.time_first = true})   // with a key-value cache of `steps` rows
Array rotary(const Array& x);
Array rotary(const Array& x, const RotaryOptions& options);
Array rotary(const Array& x, const Array& positions);
Array rotary(const Array& x, const Array& positions, const RotaryOptions& options);

}  // namespace gradus
