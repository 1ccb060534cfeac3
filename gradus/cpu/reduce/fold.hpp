// How elements are folded into the states of a reduction: one table of functions for each kind and dtype. For reduce*.cpp only.
#pragma once

#include <cstdint>

#include "gradus/array/dtype.hpp"

namespace gradus::cpu {

/// A rectangle of elements: state j takes x[j * output_stride + i * stride] for 0 <= i < count.
struct FoldTile {
  void* states = nullptr;
  const void* x = nullptr;
  int64_t outputs = 0, output_stride = 0;
  int64_t count = 0, stride = 0;
  int64_t first = 0;                  ///< position of i = 0 among the reduced elements
  const double* constants = nullptr;  ///< one an output: mean of squared_deviation (null: 0), maximum of exponentials
};

enum class FoldKind : uint8_t { sum, sum_in_double, squared_deviation, exponentials, prod, max, min, any, all, argmax, argmin };

/// State of argmax and argmin; at is -1 before the first element.
template <class V>
struct Position {
  V value;
  int64_t at;
  explicit operator int64_t() const { return at; }
};

/// What a state becomes at the end, v being the state as a number.
enum class Finish : uint8_t {
  value,          ///< v
  divided,        ///< v / divisor
  root,           ///< sqrt(v / divisor)
  log_plus,       ///< log(v) + constant
  finite_double,  ///< v if finite, else 0, as double
};

struct Fold {
  int64_t state_bytes = 0;
  void (*start)(void* states, int64_t outputs) = nullptr;
  void (*tile)(const FoldTile& tile) = nullptr;
  /// states[j] takes in others[j], which come later.
  void (*combine)(void* states, const void* others, int64_t outputs) = nullptr;
  /// out[j * stride] of dtype `out`.
  void (*finish)(const void* states, int64_t outputs, Finish finish, double divisor, const double* constants, DType out, void* to,
                 int64_t stride) = nullptr;
};

/// Works for every dtype (exponentials and squared_deviation: floats) and any strides.
Fold plain_fold(FoldKind kind, DType dtype);
/// The vector loop onto the same states for tiles with stride 1 or output_stride 1 (positions: stride 1); null where there is none.
void (*vector_tile(FoldKind kind, DType dtype))(const FoldTile& tile);

}  // namespace gradus::cpu
