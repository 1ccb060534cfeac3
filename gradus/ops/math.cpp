// Mathematical functions of floats: rows of op definitions, each with its slope, and the functions that record them.
#include <cmath>

#include "gradus/backend/functions/activation.hpp"
#include "gradus/backend/functions/arithmetic.hpp"
#include "gradus/backend/functions/exponential.hpp"
#include "gradus/backend/functions/special.hpp"
#include "gradus/backend/functions/trigonometric.hpp"
#include "gradus/base/error.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"

namespace gradus {

using namespace core;

namespace {

using namespace rows;

// The float dtype of a result.
DType float_dtype(const Array& x) { return x.dtype().is_float() ? x.dtype() : float32; }
DType float_dtype(const Array& x, const Array& y) { return float_dtype(x + y); }

constexpr double kLn2 = 0.69314718055994530942, kLn10 = 2.30258509299404568402, kPi = 3.14159265358979323846;
constexpr double kTwoOverSqrtPi = 1.12837916709551257390, kOneOverSqrt2Pi = 0.39894228040143267794;

// One row: f of x with its slope, where x is the operand and y the result.
constexpr OpDef unary(std::string_view name, const backend::Function& function, SlopeRule slope) {
  return floating(name, x_any, function, slopes(slope));
}
constexpr OpDef binary(std::string_view name, const backend::Function& function, SlopeRule slope) {
  return floating(name, x_y_any, function, slopes(slope));
}
const Array& x(const RecordedCall& call) { return call[0]; }
const Array& y(const RecordedCall& call) { return call.outputs[0]; }

constinit const OpDef exp_op = unary("exp", backend::exp_function, [](const RecordedCall& call, int) { return y(call); });
// Not y + 1, which has few digits left for negative x.
constinit const OpDef expm1_op = unary("expm1", backend::expm1_function, [](const RecordedCall& call, int) { return exp(x(call)); });
constinit const OpDef exp2_op = unary("exp2", backend::exp2_function, [](const RecordedCall& call, int) { return kLn2 * y(call); });
constinit const OpDef log_op = unary("log", backend::log_function, [](const RecordedCall& call, int) { return reciprocal(x(call)); });
constinit const OpDef log1p_op =
    unary("log1p", backend::log1p_function, [](const RecordedCall& call, int) { return reciprocal(x(call) + 1); });
constinit const OpDef log2_op = unary("log2", backend::log2_function, [](const RecordedCall& call, int) { return (1 / kLn2) / x(call); });
constinit const OpDef log10_op =
    unary("log10", backend::log10_function, [](const RecordedCall& call, int) { return (1 / kLn10) / x(call); });
constinit const OpDef sqrt_op = unary("sqrt", backend::sqrt_function, [](const RecordedCall& call, int) { return 0.5 / y(call); });
// y = x^(-1/2)  =>  dy/dx = -1/2 y^3
constinit const OpDef rsqrt_op =
    unary("rsqrt", backend::rsqrt_function, [](const RecordedCall& call, int) { return -0.5 * y(call) * square(y(call)); });
// y = x^(1/3)  =>  dy/dx = 1 / (3 y^2)
constinit const OpDef cbrt_op =
    unary("cbrt", backend::cbrt_function, [](const RecordedCall& call, int) { return (1.0 / 3) / square(y(call)); });
// a / b, 0 where b is 0.
Array ratio_or_zero(const Array& a, const Array& b) {
  const Array is_zero = b == 0;
  return where(is_zero, 0, a / where(is_zero, 1, b));
}
// z = sqrt(x^2 + y^2)  =>  dz/dx = x / z, dz/dy = y / z; 0 where z = 0, and the sign of an infinite x
constinit const OpDef hypot_op = binary("hypot", backend::hypot_function, [](const RecordedCall& call, int input) {
  const Array& own = call[static_cast<size_t>(input)];
  return where(isinf(own), sign(own), ratio_or_zero(own, y(call)));
});

constinit const OpDef sin_op = unary("sin", backend::sin_function, [](const RecordedCall& call, int) { return cos(x(call)); });
constinit const OpDef cos_op = unary("cos", backend::cos_function, [](const RecordedCall& call, int) { return -sin(x(call)); });
constinit const OpDef tan_op = unary("tan", backend::tan_function, [](const RecordedCall& call, int) { return 1 + square(y(call)); });
// (1 - x)(1 + x) keeps the digits that 1 - x^2 loses near 1.
constinit const OpDef asin_op =
    unary("asin", backend::asin_function, [](const RecordedCall& call, int) { return rsqrt((1 - x(call)) * (1 + x(call))); });
constinit const OpDef acos_op =
    unary("acos", backend::acos_function, [](const RecordedCall& call, int) { return -rsqrt((1 - x(call)) * (1 + x(call))); });
// 1 + x^2 leaves the range of numbers long before its root does: hypot(1, x).
constinit const OpDef atan_op =
    unary("atan", backend::atan_function, [](const RecordedCall& call, int) { return square(reciprocal(hypot(x(call), 1))); });
// z = atan2(y, x), r = hypot(x, y)  =>  dz/dy = x / r / r, dz/dx = -y / r / r; 0 where r is 0 or infinite
constexpr Input atan2_inputs[] = {{"y", any_dtype}, {"x", any_dtype}};
constinit const OpDef atan2_op = floating("atan2", atan2_inputs, backend::atan2_function, slopes([](const RecordedCall& call, int input) {
                                            const Array distance = hypot(call[0], call[1]), is_far = isinf(distance);
                                            const Array other = where(is_far, 0, input == 0 ? call[1] : -call[0]),
                                                        r = where(is_far, 1, distance);
                                            return ratio_or_zero(ratio_or_zero(other, r), r);
                                          }));
constinit const OpDef sinh_op = unary("sinh", backend::sinh_function, [](const RecordedCall& call, int) { return cosh(x(call)); });
constinit const OpDef cosh_op = unary("cosh", backend::cosh_function, [](const RecordedCall& call, int) { return sinh(x(call)); });
constinit const OpDef tanh_op = unary("tanh", backend::tanh_function, [](const RecordedCall& call, int) { return 1 - square(y(call)); });
constinit const OpDef asinh_op =
    unary("asinh", backend::asinh_function, [](const RecordedCall& call, int) { return reciprocal(hypot(x(call), 1)); });
constinit const OpDef acosh_op =
    unary("acosh", backend::acosh_function, [](const RecordedCall& call, int) { return rsqrt(x(call) - 1) * rsqrt(x(call) + 1); });
constinit const OpDef atanh_op =
    unary("atanh", backend::atanh_function, [](const RecordedCall& call, int) { return reciprocal((1 - x(call)) * (1 + x(call))); });

// e^(-x^2 c). Beyond 40 it is 0 in every dtype, and so are its derivatives, in which infinity would meet 0.
Array bell(const Array& x, double c) { return exp(-c * square(clip(x, -40, 40))); }
constinit const OpDef erf_op =
    unary("erf", backend::erf_function, [](const RecordedCall& call, int) { return kTwoOverSqrtPi * bell(x(call), 1); });
constinit const OpDef erfc_op =
    unary("erfc", backend::erfc_function, [](const RecordedCall& call, int) { return -kTwoOverSqrtPi * bell(x(call), 1); });
constinit const OpDef erfinv_op =
    unary("erfinv", backend::erfinv_function, [](const RecordedCall& call, int) { return (1 / kTwoOverSqrtPi) * exp(square(y(call))); });
constinit const OpDef normal_cdf_op = unary("normal_cdf", backend::normal_cdf_function,
                                            [](const RecordedCall& call, int) { return kOneOverSqrt2Pi * bell(x(call), 0.5); });
constinit const OpDef lgamma_op = unary("lgamma", backend::lgamma_function, [](const RecordedCall& call, int) { return digamma(x(call)); });
constinit const OpDef digamma_op =
    unary("digamma", backend::digamma_function, [](const RecordedCall& call, int) { return polygamma(1, x(call)); });
// polygamma(n, x) is the n-th derivative of digamma; n is a parameter, and a number operand of the kernel.
struct PolygammaArgs {
  int64_t n = 1;
  GRADUS_FIELDS(n)
};
constexpr Input polygamma_inputs[] = {{"n", any_dtype}, {"x", any_dtype}};
constinit const OpDef polygamma_op =
    with_args(floating("polygamma", polygamma_inputs, backend::polygamma_function,
                       slopes([](const RecordedCall& call, int) { return polygamma(call.as<PolygammaArgs>().n + 1, call[1]); })),
              args_of<PolygammaArgs>);

// z = log(e^x + e^y)  =>  dz/dx = sigmoid(x - y), dz/dy = sigmoid(y - x). Of two infinities +, each has one half; of two -, 0, as in
// logsumexp.
constinit const OpDef logaddexp_op = binary("logaddexp", backend::logaddexp_function, [](const RecordedCall& call, int input) {
  const Array &own = call[static_cast<size_t>(input)], &other = call[static_cast<size_t>(1 - input)];
  return sigmoid(where((own == other) & isinf(own), minimum(own, 0), own - other));
});
// a / b, of 0 and 0 too: 0.
Array ratio_of_zeros(const Array& a, const Array& b) { return a / where((a == 0) & (b == 0), 1, b); }
// z = x log y  =>  dz/dx = log y, 0 where x = 0 and y <= 0; dz/dy = x / y, 0 where both are 0
constinit const OpDef xlogy_op = binary("xlogy", backend::xlogy_function, [](const RecordedCall& call, int input) {
  if (input == 1) return ratio_of_zeros(call[0], call[1]);
  return log(where((call[0] == 0) & (call[1] <= 0), 1, call[1]));
});
// z = x log(1 + y)  =>  dz/dx = log(1 + y), 0 where x = 0 and y <= -1; dz/dy = x / (1 + y), 0 where both are 0
constinit const OpDef xlog1py_op = binary("xlog1py", backend::xlog1py_function, [](const RecordedCall& call, int input) {
  if (input == 1) return ratio_of_zeros(call[0], 1 + call[1]);
  return log1p(where((call[0] == 0) & (call[1] <= -1), 0, call[1]));
});

}  // namespace

Array exp(const Array& x) { return apply(exp_op, {x}); }
Array expm1(const Array& x) { return apply(expm1_op, {x}); }
Array exp2(const Array& x) { return apply(exp2_op, {x}); }
Array log(const Array& x) { return apply(log_op, {x}); }
Array log1p(const Array& x) { return apply(log1p_op, {x}); }
Array log2(const Array& x) { return apply(log2_op, {x}); }
Array log10(const Array& x) { return apply(log10_op, {x}); }
Array sqrt(const Array& x) { return apply(sqrt_op, {x}); }
Array rsqrt(const Array& x) { return apply(rsqrt_op, {x}); }
Array cbrt(const Array& x) { return apply(cbrt_op, {x}); }
Array hypot(const Array& x, const Array& y) { return apply(hypot_op, {x, y}); }
Array logaddexp(const Array& x, const Array& y) { return apply(logaddexp_op, {x, y}); }
Array logaddexp2(const Array& x, const Array& y) {
  const Array sum = (1 / kLn2) * logaddexp(kLn2 * widened(x), kLn2 * widened(y));
  return sum.astype(float_dtype(x, y));
}
Array xlogy(const Array& x, const Array& y) { return apply(xlogy_op, {x, y}); }
Array xlog1py(const Array& x, const Array& y) { return apply(xlog1py_op, {x, y}); }
Array sin(const Array& x) { return apply(sin_op, {x}); }
Array cos(const Array& x) { return apply(cos_op, {x}); }
Array tan(const Array& x) { return apply(tan_op, {x}); }
Array asin(const Array& x) { return apply(asin_op, {x}); }
Array acos(const Array& x) { return apply(acos_op, {x}); }
Array atan(const Array& x) { return apply(atan_op, {x}); }
Array atan2(const Array& y, const Array& x) { return apply(atan2_op, {y, x}); }
Array sinh(const Array& x) { return apply(sinh_op, {x}); }
Array cosh(const Array& x) { return apply(cosh_op, {x}); }
Array tanh(const Array& x) { return apply(tanh_op, {x}); }
Array asinh(const Array& x) { return apply(asinh_op, {x}); }
Array acosh(const Array& x) { return apply(acosh_op, {x}); }
Array atanh(const Array& x) { return apply(atanh_op, {x}); }
Array deg2rad(const Array& x) { return (kPi / 180) * x; }
Array rad2deg(const Array& x) { return (180 / kPi) * x; }
// sin(pi x) / (pi x), the sine of what is left of x beside whole periods. Near 0, where derivatives of the quotient cancel, the series of
// sin(a) / a: sum over k of (-a^2)^k / (2k + 1)!.
Array sinc(const Array& x) {
  const Array wide = widened(x), is_near = abs(wide) < 0.3, far = where(is_near, 1, wide);
  const Array squared = square(kPi * where(is_near, wide, 0));
  Array series = 1.0 / (21 * 20);
  for (int64_t k = 9; k > 0; --k) series = (1 - series * squared) / static_cast<double>(2 * k * (2 * k + 1));
  return where(is_near, 1 - series * squared, sin(kPi * (far - 2 * round(0.5 * far))) / (kPi * far)).astype(float_dtype(x));
}
Array erf(const Array& x) { return apply(erf_op, {x}); }
Array erfc(const Array& x) { return apply(erfc_op, {x}); }
Array erfinv(const Array& x) { return apply(erfinv_op, {x}); }
Array lgamma(const Array& x) { return apply(lgamma_op, {x}); }
Array digamma(const Array& x) { return apply(digamma_op, {x}); }
Array polygamma(int64_t n, const Array& x) {
  if (n < 0) fail("polygamma", "n is ", n, "; it must be 0 or more");
  return n == 0 ? digamma(x) : apply(polygamma_op, {n, x}, PolygammaArgs{n});
}
Array normal_cdf(const Array& x) { return apply(normal_cdf_op, {x}); }
// Near 1/2, where the logarithms cancel, 2 atanh(2 x - 1).
Array logit(const Array& x) {
  const Array wide = widened(x), is_middle = abs(wide - 0.5) < 0.25;
  const Array near = 2 * atanh(2 * where(is_middle, wide, 0.5) - 1), outer = where(is_middle, 0.25, wide);
  return where(is_middle, near, log(outer) - log1p(-outer)).astype(float_dtype(x));
}

std::span<const OpDef* const> rule::math_ops() {
  static constexpr const OpDef* all[] = {&exp_op,     &expm1_op,     &exp2_op,       &log_op,       &log1p_op, &log2_op,   &log10_op,
                                         &sqrt_op,    &rsqrt_op,     &cbrt_op,       &hypot_op,     &sin_op,   &cos_op,    &tan_op,
                                         &asin_op,    &acos_op,      &atan_op,       &atan2_op,     &sinh_op,  &cosh_op,   &tanh_op,
                                         &asinh_op,   &acosh_op,     &atanh_op,      &erf_op,       &erfc_op,  &erfinv_op, &lgamma_op,
                                         &digamma_op, &polygamma_op, &normal_cdf_op, &logaddexp_op, &xlogy_op, &xlog1py_op};
  return all;
}

}  // namespace gradus
