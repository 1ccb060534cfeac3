// Trigonometric functions: floats.
#pragma once

#include "gradus/backend/function.hpp"

namespace gradus::backend {

inline constexpr Function sin_function{"sin", 1};
inline constexpr Function cos_function{"cos", 1};
inline constexpr Function tan_function{"tan", 1};
inline constexpr Function asin_function{"asin", 1};
inline constexpr Function acos_function{"acos", 1};
inline constexpr Function atan_function{"atan", 1};
inline constexpr Function atan2_function{"atan2", 2};

}  // namespace gradus::backend
