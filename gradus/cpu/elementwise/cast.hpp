// The conversions that are worth vector code; cast.cpp has them all in plain C++.
#pragma once

#include "gradus/cpu/elementwise/loops.hpp"

namespace gradus::cpu {

/// From float64 or int64 to float32, cut, with the last bit set where something was cut off: what is later rounded to 16 bits is rounded
/// once.
TileLoop find_cast_to_odd(DType from);
/// Null where there is none.
TileLoop find_vector_cast(DType from, DType to);
/// From float32.
TileLoop find_vector_rounding(DType to);

}  // namespace gradus::cpu
