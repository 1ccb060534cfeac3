// Bits of bools and integers. Shifts: of integers; by an amount beyond the width they give 0 (or -1).
#pragma once

#include "gradus/backend/function.hpp"

namespace gradus::backend {

inline constexpr Function bitwise_and_function{"bitwise_and", 2};
inline constexpr Function bitwise_or_function{"bitwise_or", 2};
inline constexpr Function bitwise_xor_function{"bitwise_xor", 2};
inline constexpr Function bitwise_not_function{"bitwise_not", 1};
inline constexpr Function left_shift_function{"left_shift", 2};
inline constexpr Function right_shift_function{"right_shift", 2};

}  // namespace gradus::backend
