// Activations: floats.
#pragma once

#include "gradus/backend/function.hpp"

namespace gradus::backend {

inline constexpr Function relu_function{"relu", 1};
inline constexpr Function gate_function{"gate", 2};  // a where b > 0, else 0
inline constexpr Function sigmoid_function{"sigmoid", 1};
inline constexpr Function softplus_function{"softplus", 1};
inline constexpr Function silu_function{"silu", 1};
inline constexpr Function gelu_function{"gelu", 1};
inline constexpr Function gelu_slope_function{"gelu_slope", 1};
inline constexpr Function normal_cdf_function{"normal_cdf", 1};
inline constexpr Function softsign_function{"softsign", 1};
inline constexpr Function leaky_relu_function{"leaky_relu", 2};  // operands (x, slope)
inline constexpr Function elu_function{"elu", 2};  // operands (x, alpha)

}  // namespace gradus::backend
