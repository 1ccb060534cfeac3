// Element-wise arithmetic and mathematics, with NumPy's names and broadcasting. Comparisons, logic and where are in compare.hpp,
// activations in activation.hpp.
//
// Dtypes: operands meet in one dtype (array/dtype.hpp has the table); numbers are weak. Functions "of floats" take integers and bools as
// float32. float16 and bfloat16 compute in float32 and round once.
#pragma once

#include "gradus/graph/array.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/compare.hpp"

namespace gradus {

/// x + y, x - y, x y. Integers wrap around; bools add as "or" and multiply as "and", and cannot be subtracted or negated.
///
///   add(array({1, 2}), array({{10}, {20}}))   // (2, 2)
Array add(const Array& x, const Array& y);
Array subtract(const Array& x, const Array& y);
Array multiply(const Array& x, const Array& y);
/// x / y of floats: integers divide to float32.
///
///   divide(array({1, 3}), 2)   // [0.5, 1.5]
Array divide(const Array& x, const Array& y);
/// -x.
Array negative(const Array& x);
/// floor(x / y); integers by zero give 0. No bools. The derivative is 0.
Array floor_divide(const Array& x, const Array& y);
/// x - floor_divide(x, y) * y, with the sign of y (Python's %); fmod has the sign of x (C's). No bools.
///
///   fmod(array({7, 8}), 3)   remainder(array({-7, -8}), 3)   // [2, 1]
Array remainder(const Array& x, const Array& y);
Array fmod(const Array& x, const Array& y);
/// add, subtract, multiply, divide, negative.
Array operator+(const Array& x, const Array& y);
Array operator-(const Array& x, const Array& y);
Array operator*(const Array& x, const Array& y);
Array operator/(const Array& x, const Array& y);
Array operator-(const Array& x);
/// These rebind x to a new array; copies of x keep the old value.
Array& operator+=(Array& x, const Array& y);
Array& operator-=(Array& x, const Array& y);
Array& operator*=(Array& x, const Array& y);
Array& operator/=(Array& x, const Array& y);

/// x^y. A literal exponent records the simplest op that does it: pow(x, 2) is square(x), pow(x, -1) is reciprocal(x). Special
/// values are those of IEEE 754, for literals as for arrays: pow(NaN, 0) is 1, pow(-infinity, 0.5) infinity. Integers to a negative literal
/// power are an error. The derivative in y is x^y log x, taken as 0 at x = 0.
Array pow(const Array& x, const Array& y);
Array power(const Array& x, const Array& y);
/// x^2 and |x| in the dtype of x: integers wrap around. The slope of abs is 0 at 0.
Array square(const Array& x);
Array abs(const Array& x);
/// -1, 0 or 1; NaN for NaN. The slope is 0.
Array sign(const Array& x);
/// 1 / x of floats.
Array reciprocal(const Array& x);
/// The larger or smaller one; NaN if one is NaN (maximum, minimum) or the other one (fmax, fmin). Equal ones share the gradient.
Array maximum(const Array& x, const Array& y);
Array minimum(const Array& x, const Array& y);
Array fmax(const Array& x, const Array& y);
Array fmin(const Array& x, const Array& y);
/// min(max(x, low), high). The gradient passes where low <= x <= high.
///
///   clip(array({1, 5, 9}), 2, 8)   // [2, 5, 8]
Array clip(const Array& x, const Array& low, const Array& high);
/// |x| with the sign of y, of floats.
Array copysign(const Array& x, const Array& y);
/// To whole numbers: down, up, to nearest (half to even), towards zero. Their slope is 0.
Array floor(const Array& x);
Array ceil(const Array& x);
Array round(const Array& x);
Array trunc(const Array& x);
/// x - trunc(x).
Array frac(const Array& x);
/// x + t (y - x).
Array lerp(const Array& x, const Array& y, const Array& t);
/// (x - y)^2.
Array squared_difference(const Array& x, const Array& y);

/// e^x, e^x - 1, 2^x; the logarithms of x to base e, of 1 + x to base e, of x to the bases 2 and 10; x^(1/2), x^(-1/2), x^(1/3). Of floats.
/// expm1 and log1p keep their digits near 0. Logarithms and square roots of negative numbers are NaN, the logarithm of 0 is -infinity.
///
///   log2(array({4, 8}))   sqrt(array({4, 9}))   // [2., 3.]
Array exp(const Array& x);
Array expm1(const Array& x);
Array exp2(const Array& x);
Array log(const Array& x);
Array log1p(const Array& x);
Array log2(const Array& x);
Array log10(const Array& x);
Array sqrt(const Array& x);
Array rsqrt(const Array& x);
Array cbrt(const Array& x);
/// sqrt(x^2 + y^2) without overflow on the way.
Array hypot(const Array& x, const Array& y);
/// log(e^x + e^y), log2(2^x + 2^y).
Array logaddexp(const Array& x, const Array& y);
Array logaddexp2(const Array& x, const Array& y);
/// x log(y), x log(1 + y); 0 where x is 0 and y is not NaN.
Array xlogy(const Array& x, const Array& y);
Array xlog1py(const Array& x, const Array& y);

/// Sine, cosine, tangent and their inverses, in radians; of floats. asin and acos are NaN outside [-1, 1].
Array sin(const Array& x);
Array cos(const Array& x);
Array tan(const Array& x);
Array asin(const Array& x);
Array acos(const Array& x);
Array atan(const Array& x);
/// The angle of the point (x, y) in [-pi, pi]; note the order of arguments. The derivatives are 0 at the origin.
Array atan2(const Array& y, const Array& x);
/// Hyperbolic sine, cosine, tangent and their inverses; of floats. acosh is NaN below 1, atanh outside [-1, 1].
Array sinh(const Array& x);
Array cosh(const Array& x);
Array tanh(const Array& x);
Array asinh(const Array& x);
Array acosh(const Array& x);
Array atanh(const Array& x);
/// Degrees to radians and back.
Array deg2rad(const Array& x);
Array rad2deg(const Array& x);
/// sin(pi x) / (pi x), 1 at 0.
Array sinc(const Array& x);

/// The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x; 1 - erf(x), accurate where that is small; and the inverse
/// of erf, on (-1, 1). Of floats.
Array erf(const Array& x);
Array erfc(const Array& x);
Array erfinv(const Array& x);
/// log |Gamma(x)|, its derivative, and the n-th derivative of that, n >= 0.
Array lgamma(const Array& x);
Array digamma(const Array& x);
Array polygamma(int64_t n, const Array& x);
/// Distribution function of the standard normal, accurate in both tails. Of floats.
Array normal_cdf(const Array& x);
/// log(x / (1 - x)), the inverse of sigmoid. Of floats.
Array logit(const Array& x);

/// x summed over the axes along which `shape` broadcasts to x's shape: the cotangent of an input that was broadcast.
Array unbroadcast(const Array& x, const Shape& shape);

}  // namespace gradus
