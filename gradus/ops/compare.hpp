// Comparisons, logic, bits, tests of floats, and selection by condition: element-wise, with broadcasting.
#pragma once

#include "gradus/graph/array.hpp"

namespace gradus {

/// Comparisons give bool arrays; anything compared with NaN is false, but for !=. Operands broadcast and meet in one dtype. An `if` takes
/// one bool and no array: array_equal(a, b), all(a == b).item<bool>().
///
///   array({1, 2, 3}) >= array({3, 2, 1})   // [False  True  True]
Array equal(const Array& x, const Array& y);
Array not_equal(const Array& x, const Array& y);
Array less(const Array& x, const Array& y);
Array less_equal(const Array& x, const Array& y);
Array greater(const Array& x, const Array& y);
Array greater_equal(const Array& x, const Array& y);
Array operator==(const Array& x, const Array& y);
Array operator!=(const Array& x, const Array& y);
Array operator<(const Array& x, const Array& y);
Array operator<=(const Array& x, const Array& y);
Array operator>(const Array& x, const Array& y);
Array operator>=(const Array& x, const Array& y);

/// Logic: whatever is not zero is true, NaN too; bool results.
Array logical_and(const Array& x, const Array& y);
Array logical_or(const Array& x, const Array& y);
Array logical_xor(const Array& x, const Array& y);
Array logical_not(const Array& x);

/// Bits of integers, and logic of bools; floats are an error, and so are bools that are shifted. Shifts by the width or more give 0 (or -1
/// for negative x shifted right).
Array bitwise_and(const Array& x, const Array& y);
Array bitwise_or(const Array& x, const Array& y);
Array bitwise_xor(const Array& x, const Array& y);
Array bitwise_not(const Array& x);
Array left_shift(const Array& x, const Array& y);
Array right_shift(const Array& x, const Array& y);

/// Bitwise; for bool arrays logical. Write the parentheses: (a > 0) & (b > 0).
Array operator&(const Array& x, const Array& y);
Array operator|(const Array& x, const Array& y);
/// logical_not.
Array operator!(const Array& x);
Array operator&&(const Array&, const Array&) = delete;  // no short circuit is possible: write (a) & (b)
Array operator||(const Array&, const Array&) = delete;  // write (a) | (b)
Array operator^(const Array&, const Array&) = delete;   // power is pow(x, y), exclusive or is logical_xor(x, y)

/// Tests, with bool results: whether x is NaN, is infinite, is neither, and whether its sign bit is set (of -0.0 and negative numbers).
/// Integers are finite.
Array isnan(const Array& x);
Array isinf(const Array& x);
Array isfinite(const Array& x);
Array signbit(const Array& x);

/// x where the condition (bool, broadcasting) is true, y elsewhere. The gradient of a value not selected is 0, also where it is inf or NaN.
Array where(const Array& condition, const Array& x, const Array& y);
/// x with NaN replaced by `nan`, infinities by the dtype's largest and smallest number or by the given ones.
Array nan_to_num(const Array& x);
Array nan_to_num(const Array& x, double nan);
Array nan_to_num(const Array& x, double nan, double positive_infinity, double negative_infinity);

}  // namespace gradus
