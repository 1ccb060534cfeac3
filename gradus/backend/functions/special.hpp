// Special functions: floats.
#pragma once

#include "gradus/backend/function.hpp"

namespace gradus::backend {

inline constexpr Function cbrt_function{"cbrt", 1};
inline constexpr Function erf_function{"erf", 1};
inline constexpr Function erfc_function{"erfc", 1};
inline constexpr Function erfinv_function{"erfinv", 1};
inline constexpr Function lgamma_function{"lgamma", 1};
inline constexpr Function digamma_function{"digamma", 1};
inline constexpr Function polygamma_function{"polygamma",
                                             2};  // polygamma(n, x), the n-th derivative of digamma; the order n is the first operand

}  // namespace gradus::backend
