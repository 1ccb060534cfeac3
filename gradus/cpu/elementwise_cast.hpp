// The conversions that are worth vector code; elementwise_cast.cpp has them all in plain C++.
#pragma once

#include "gradus/cpu/elementwise.hpp"

namespace gradus::cpu {

/// Null where there is none.
TileLoop find_vector_cast(DType from, DType to);
/// From float32.
TileLoop find_vector_rounding(DType to);

}  // namespace gradus::cpu
