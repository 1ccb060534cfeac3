// How the functions of backend/functions are computed: loops over contiguous tiles, what a fused program (program.hpp) is made of.
#pragma once

#include <cstdint>
#include <span>

#include "gradus/array/dtype.hpp"
#include "gradus/backend/function.hpp"

namespace gradus::cpu {

using backend::Function;

/// Computes out[i] = f(a[i], b[i], c[i]) for 0 <= i < n on contiguous memory; operands beyond the function's count are ignored. Bit k of
/// `repeated` set: operand k is one value, stored kRepeatBytes / sizeof(value) times. `out` may be an operand (not a shifted one).
/// An element's bits depend on its operands only: not on n, position or alignment.
using TileLoop = void (*)(const void* a, const void* b, const void* c, void* out, int64_t n, unsigned repeated);

/// Bytes that a repeated operand fills: the widest vector.
inline constexpr int64_t kRepeatBytes = 64;

/// The loops of one function: a literal, one row of a table.
struct FunctionLoops {
  const Function* function = nullptr;
  TileLoop (*find_float)(DType dtype) = nullptr;    ///< for float32 and float64
  TileLoop (*find_integer)(DType dtype) = nullptr;  ///< for bool and the integers
  int cost = 1;                                     ///< time of an element beside that of add: decides how work is shared out

  /// The loop for operands of `dtype`; null where the function has none. float16 and bfloat16 have none: they compute in float32.
  TileLoop find(DType dtype) const {
    if (dtype.is_float()) return dtype.size() >= 4 && find_float ? find_float(dtype) : nullptr;
    return find_integer ? find_integer(dtype) : nullptr;
  }
};
/// The row of a function; a bug if no table has it.
const FunctionLoops& loops_of(const Function& function);
inline TileLoop find_loop(const Function& function, DType dtype) { return loops_of(function).find(dtype); }

// The tables, one a file.
std::span<const FunctionLoops> arithmetic_loops();
std::span<const FunctionLoops> compare_loops();
std::span<const FunctionLoops> exponential_loops();
std::span<const FunctionLoops> trigonometric_loops();
std::span<const FunctionLoops> special_loops();
std::span<const FunctionLoops> activation_loops();

/// The dtype that a value of `dtype` has while it is computed with: float32 for the 16-bit floats.
constexpr DType compute_dtype(DType dtype) { return dtype.is_16_bit() ? float32 : dtype; }

/// Converts a tile: every pair of dtypes, by the rule of base/convert.hpp.
TileLoop find_cast(DType from, DType to);
/// Converts to the nearest float16 or bfloat16 and keeps the result as float32.
TileLoop find_rounding(DType from, DType to);

/// One pass for two instructions: second(first(a, b), c), or second(c, first(a, b)) where not `is_left`, with both roundings. For float32
/// and float64, each of the two add, subtract or multiply; null for all others.
TileLoop find_pair(const Function& first, const Function& second, DType dtype, bool is_left);

}  // namespace gradus::cpu
