// Arithmetic, rounding, extrema: every dtype but where noted. Integers wrap around; bool adds as "or" and multiplies as "and".
#pragma once

#include "gradus/backend/function.hpp"

namespace gradus::backend {

inline constexpr Function add_function{"add", 2};
inline constexpr Function subtract_function{"subtract", 2};
inline constexpr Function multiply_function{"multiply", 2};
inline constexpr Function negative_function{"negative", 1};
inline constexpr Function abs_function{"abs", 1};
inline constexpr Function sign_function{"sign", 1};
inline constexpr Function square_function{"square", 1};
inline constexpr Function maximum_function{"maximum", 2};  // NaN wins
inline constexpr Function minimum_function{"minimum", 2};
inline constexpr Function divide_function{"divide", 2};  // floats
inline constexpr Function reciprocal_function{"reciprocal", 1};
inline constexpr Function floor_divide_function{"floor_divide", 2};  // integers by zero give 0
inline constexpr Function remainder_function{"remainder", 2};
inline constexpr Function fmod_function{"fmod", 2};
inline constexpr Function fmax_function{"fmax", 2};  // a number wins over NaN
inline constexpr Function fmin_function{"fmin", 2};
inline constexpr Function copysign_function{"copysign", 2};  // floats
inline constexpr Function floor_function{"floor", 1};
inline constexpr Function ceil_function{"ceil", 1};
inline constexpr Function round_function{"round", 1};  // half to even
inline constexpr Function trunc_function{"trunc", 1};
inline constexpr Function power_function{"power", 2};  // integers: by squaring, wrapping; a negative exponent gives 0, but for x = 1 and -1
inline constexpr Function integer_power_function{"integer_power",
                                                 2};  // x^n for floats by repeated squaring; n is a repeated operand with an integer value
inline constexpr Function clip_function{"clip", 3};  // min(max(x, lo), hi); NaN in any operand wins
inline constexpr Function sqrt_function{"sqrt", 1};  // floats
inline constexpr Function rsqrt_function{"rsqrt", 1};
inline constexpr Function half_power_function{
    "half_power", 1};  // pow(x, 0.5) and, below, pow(x, -0.5) as IEEE 754 has them: -0 and -infinity count as 0 and infinity
inline constexpr Function inverse_half_power_function{"inverse_half_power", 1};

}  // namespace gradus::backend
