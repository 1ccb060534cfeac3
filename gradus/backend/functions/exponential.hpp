// Exponentials, logarithms, hyperbolic functions: floats.
#pragma once

#include "gradus/backend/function.hpp"

namespace gradus::backend {

inline constexpr Function exp_function{"exp", 1};
inline constexpr Function expm1_function{"expm1", 1};
inline constexpr Function exp2_function{"exp2", 1};
inline constexpr Function log_function{"log", 1};
inline constexpr Function log1p_function{"log1p", 1};
inline constexpr Function log2_function{"log2", 1};
inline constexpr Function log10_function{"log10", 1};
inline constexpr Function sinh_function{"sinh", 1};
inline constexpr Function cosh_function{"cosh", 1};
inline constexpr Function tanh_function{"tanh", 1};
inline constexpr Function asinh_function{"asinh", 1};
inline constexpr Function acosh_function{"acosh", 1};
inline constexpr Function atanh_function{"atanh", 1};
inline constexpr Function log_cosh_function{"log_cosh", 1};
inline constexpr Function hypot_function{"hypot", 2};
inline constexpr Function logaddexp_function{"logaddexp", 2};
inline constexpr Function xlogy_function{"xlogy", 2};  // 0 for x = 0, but for y NaN
inline constexpr Function xlog1py_function{"xlog1py", 2};

}  // namespace gradus::backend
