// Integer and bool forms of the element-wise functions, in plain C++; each returns null for a dtype it does not serve.
#pragma once

#include "gradus/cpu/elementwise/loops.hpp"

namespace gradus::cpu::integers {

TileLoop add(DType), subtract(DType), multiply(DType), negative(DType), abs(DType), sign(DType), square(DType);
TileLoop maximum(DType), minimum(DType), floor_divide(DType), remainder(DType), fmod(DType), power(DType), clip(DType);
TileLoop same(DType);  // floor, ceil, round, trunc: what they are already
TileLoop equal(DType), not_equal(DType), less(DType), less_equal(DType), greater(DType), greater_equal(DType);
TileLoop logical_and(DType), logical_or(DType), logical_xor(DType), logical_not(DType);
TileLoop always(DType), never(DType), signbit(DType);  // isfinite; isnan, isinf
TileLoop bitwise_and(DType), bitwise_or(DType), bitwise_xor(DType), bitwise_not(DType), left_shift(DType), right_shift(DType);
TileLoop where(DType), relu(DType);

}  // namespace gradus::cpu::integers
