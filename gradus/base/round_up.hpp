// Rounding sizes up.
#pragma once

#include <cstdint>

namespace gradus::core {

/// The least multiple of `step` that is not below `size`; of 64 bytes, a cache line, for what lies beside other things in one buffer.
constexpr int64_t round_up(int64_t size, int64_t step = 64) { return (size + step - 1) / step * step; }

/// a / b, upwards; a >= 0, b > 0.
constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace gradus::core
