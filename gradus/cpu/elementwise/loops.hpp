// Element-wise functions on contiguous tiles: one constant a function. What a fused program (program.hpp) is made of.
#pragma once

#include <cstdint>
#include <string_view>

#include "gradus/array/dtype.hpp"

namespace gradus::cpu {

/// Computes out[i] = f(a[i], b[i], c[i]) for 0 <= i < n on contiguous memory; operands beyond the function's count are ignored. Bit k of
/// `repeated` set: operand k is one value, stored kRepeatBytes / sizeof(value) times. `out` may be an operand (not a shifted one).
/// An element's bits depend on its operands only: not on n, position or alignment.
using TileLoop = void (*)(const void* a, const void* b, const void* c, void* out, int64_t n, unsigned repeated);

/// Bytes that a repeated operand fills: the widest vector.
inline constexpr int64_t kRepeatBytes = 64;

enum class OutputKind : uint8_t { same, boolean };

/// One element-wise function: a literal, one row of a table.
struct ElementwiseFunction {
  std::string_view name;
  int inputs = 1;
  OutputKind output = OutputKind::same;
  TileLoop (*find_float)(DType dtype) = nullptr;    ///< for float32 and float64
  TileLoop (*find_integer)(DType dtype) = nullptr;  ///< for bool and the integers
  unsigned bool_inputs = 0;                         ///< bit k set: operand k is bool, whatever the dtype
  int cost = 1;                                     ///< time of an element beside that of add: decides how work is shared out

  /// The loop for operands of `dtype`; null where the function has none. float16 and bfloat16 have none: they compute in float32.
  TileLoop find(DType dtype) const {
    if (dtype.is_float()) return dtype.size() >= 4 && find_float ? find_float(dtype) : nullptr;
    return find_integer ? find_integer(dtype) : nullptr;
  }
  constexpr DType output_dtype(DType dtype) const { return output == OutputKind::boolean ? bool_ : dtype; }
  constexpr bool is_bool_input(int input) const { return bool_inputs >> input & 1; }
};

/// The dtype that a value of `dtype` has while it is computed with: float32 for the 16-bit floats.
constexpr DType compute_dtype(DType dtype) { return dtype.is_16_bit() ? float32 : dtype; }

/// Converts a tile: every pair of dtypes, by the rule of base/convert.hpp.
TileLoop find_cast(DType from, DType to);
/// Marks an op as a cast: it has no loops of its own; programs write it as an instruction without function.
extern const ElementwiseFunction cast_function;
/// Converts to the nearest float16 or bfloat16 and keeps the result as float32.
TileLoop find_rounding(DType from, DType to);

/// One pass for two instructions: second(first(a, b), c), or second(c, first(a, b)) where not `is_left`, with both roundings. For float32 and
/// float64, each of the two add, subtract or multiply; null for all others.
TileLoop find_pair(const ElementwiseFunction& first, const ElementwiseFunction& second, DType dtype, bool is_left);

// Arithmetic: every dtype but where noted. Integers wrap around; bool adds as "or" and multiplies as "and".
extern const ElementwiseFunction add_function, subtract_function, multiply_function, negative_function, abs_function, sign_function,
    square_function, maximum_function, minimum_function;                                         // maximum, minimum: NaN wins
extern const ElementwiseFunction divide_function, reciprocal_function;                           // floats
extern const ElementwiseFunction floor_divide_function, remainder_function, fmod_function;       // integers by zero give 0
extern const ElementwiseFunction fmax_function, fmin_function;                                   // a number wins over NaN
extern const ElementwiseFunction copysign_function;                                              // floats
extern const ElementwiseFunction floor_function, ceil_function, round_function, trunc_function;  // round: half to even
/// x^y. Integers: by squaring, wrapping; a negative exponent gives 0, but for x = 1 and -1.
extern const ElementwiseFunction power_function;
/// x^n for floats by repeated squaring; n is a repeated operand with an integer value.
extern const ElementwiseFunction integer_power_function;
/// min(max(x, lo), hi); NaN in any operand wins.
extern const ElementwiseFunction clip_function;

// Comparisons and tests: bool results.
extern const ElementwiseFunction equal_function, not_equal_function, less_function, less_equal_function, greater_function,
    greater_equal_function;
extern const ElementwiseFunction logical_and_function, logical_or_function, logical_xor_function, logical_not_function;  // nonzero is true
extern const ElementwiseFunction isnan_function, isinf_function, isfinite_function, signbit_function;

// Bits: bool and integers; shifts: integers, by an amount beyond the width gives 0 (or -1).
extern const ElementwiseFunction bitwise_and_function, bitwise_or_function, bitwise_xor_function, bitwise_not_function;
extern const ElementwiseFunction left_shift_function, right_shift_function;

/// Operands (condition: bool, x, y).
extern const ElementwiseFunction where_function;

// Mathematics: floats.
extern const ElementwiseFunction exp_function, expm1_function, exp2_function, log_function, log1p_function, log2_function, log10_function;
extern const ElementwiseFunction sqrt_function, rsqrt_function, cbrt_function, hypot_function, log_cosh_function;
/// pow(x, 0.5) and pow(x, -0.5) as IEEE 754 has them: -0 and -infinity count as 0 and infinity.
extern const ElementwiseFunction half_power_function, inverse_half_power_function;
extern const ElementwiseFunction sin_function, cos_function, tan_function, asin_function, acos_function, atan_function, atan2_function;
extern const ElementwiseFunction sinh_function, cosh_function, tanh_function, asinh_function, acosh_function, atanh_function;
extern const ElementwiseFunction erf_function, erfc_function, erfinv_function, lgamma_function, digamma_function;
/// polygamma(n, x), the n-th derivative of digamma; the order n is the first operand.
extern const ElementwiseFunction polygamma_function;
extern const ElementwiseFunction logaddexp_function, xlogy_function, xlog1py_function;  // xlogy(0, y) is 0 but for y NaN

// Activations: floats.
extern const ElementwiseFunction relu_function, gate_function;  // gate: a where b > 0, else 0
extern const ElementwiseFunction sigmoid_function, softplus_function, silu_function, gelu_function, gelu_slope_function,
    normal_cdf_function, softsign_function;
extern const ElementwiseFunction leaky_relu_function, elu_function;  // operands (x, slope or alpha)

}  // namespace gradus::cpu
