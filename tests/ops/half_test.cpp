// Functions of 16-bit floats against the same in float64 at the same points: values, slopes in both modes, and slopes of slopes, rounded
// once.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "gradus/gradus.hpp"

namespace {

using namespace gradus;

using Unary = std::function<Array(const Array&)>;
struct Row {
  const char* name;
  Array (*f)(const Array&);
  double low, high;
};
Array number(const Array& x, double value) { return full_like(x, value); }  // exact in 16 bits
// The first of two results.
Array first(const Array& y) { return y[{ellipsis, 0}]; }
Array beside_a_quarter(const Array& x) { return stack({x, number(x, 0.25)}, -1); }

#define CALL(f, low, high) {#f, [](const Array& x) { return f(x); }, low, high}
#define EXPRESSION(e, low, high) {#e, [](const Array& x) { return e; }, low, high}
const Row kRows[] = {CALL(exp, -12, 8),
                     CALL(expm1, -12, 8),
                     CALL(exp2, -12, 12),
                     CALL(log, 0.01, 60),
                     CALL(log1p, -0.9, 60),
                     CALL(log2, 0.01, 60),
                     CALL(log10, 0.01, 60),
                     CALL(sqrt, 0.01, 60),
                     CALL(rsqrt, 0.1, 60),
                     CALL(cbrt, -60, -0.1),
                     CALL(sin, -7, 7),
                     CALL(cos, -7, 7),
                     CALL(tan, -1.4, 1.4),
                     CALL(asin, -0.99, 0.99),
                     CALL(acos, -0.99, 0.99),
                     CALL(atan, -30, 30),
                     CALL(sinh, -8, 8),
                     CALL(cosh, -8, 8),
                     CALL(tanh, -5, 5),
                     CALL(asinh, -30, 30),
                     CALL(acosh, 1.01, 30),
                     CALL(atanh, -0.99, 0.99),
                     CALL(deg2rad, -300, 300),
                     CALL(rad2deg, -3, 3),
                     CALL(sinc, -3, 3),
                     CALL(erf, -3, 3),
                     CALL(erfc, -3, 3),
                     CALL(erfinv, -0.99, 0.99),
                     CALL(lgamma, 0.1, 20),
                     CALL(digamma, 0.1, 20),
                     EXPRESSION(polygamma(1, x), 0.2, 20),
                     CALL(normal_cdf, -4, 4),
                     CALL(logit, 0.01, 0.99),
                     CALL(relu, -8, 8),
                     CALL(relu6, -8, 8),
                     CALL(leaky_relu, -8, 8),
                     CALL(elu, -8, 8),
                     EXPRESSION(elu(x, 0.3), -8, 8),
                     CALL(celu, -8, 8),
                     EXPRESSION(celu(x, 0.7), -8, 8),
                     CALL(selu, -8, 8),
                     CALL(gelu, -5, 5),
                     EXPRESSION(gelu(x, GeluForm::tanh), -5, 5),
                     CALL(sigmoid, -9, 9),
                     CALL(log_sigmoid, -9, 9),
                     CALL(silu, -9, 9),
                     CALL(mish, -9, 9),
                     CALL(softplus, -9, 9),
                     EXPRESSION(softplus(x, 2, 20), -5, 5),
                     CALL(softsign, -30, 30),
                     CALL(hardsigmoid, -5, 5),
                     CALL(hardswish, -5, 5),
                     CALL(tanhshrink, -5, 5),
                     CALL(hardshrink, -3, 3),
                     CALL(softshrink, -3, 3),
                     CALL(square, -100, 100),
                     CALL(abs, -9, 9),
                     CALL(reciprocal, 0.1, 30),
                     EXPRESSION(pow(x, 3), -30, 30),
                     EXPRESSION(pow(x, 2.5), 0.1, 30),
                     EXPRESSION(pow(x, 0.5), 0.1, 30),
                     EXPRESSION(pow(x, -0.5), 0.1, 30),
                     EXPRESSION(pow(x, -1.5), 0.2, 30),
                     EXPRESSION(power(x, x), 0.2, 4),
                     EXPRESSION(power(number(x, 2), x), -5, 5),
                     EXPRESSION(hypot(x, 3), -30, 30),
                     EXPRESSION(logaddexp(x, 1), -9, 9),
                     EXPRESSION(logaddexp2(x, 1), -9, 9),
                     EXPRESSION(xlogy(x, x), 0.1, 9),
                     EXPRESSION(xlog1py(x, x), 0.1, 9),
                     EXPRESSION(atan2(x, 2), -9, 9),
                     EXPRESSION(atan2(number(x, 2), x), -9, 9),
                     EXPRESSION(3 / x, 0.2, 30),
                     EXPRESSION(x / 7, -30, 30),
                     EXPRESSION(lerp(x, 3, 0.3), -3, 3),
                     EXPRESSION(squared_difference(x, number(x, 2)), -30, 30),
                     EXPRESSION(remainder(x, number(x, 1.75)), 0.1, 9),
                     EXPRESSION(fmod(number(x, 9), x), 1.1, 4),
                     EXPRESSION(logsumexp(beside_a_quarter(x), -1), -9, 9),
                     EXPRESSION(first(softmax(beside_a_quarter(x))), -9, 9),
                     EXPRESSION(first(log_softmax(beside_a_quarter(x))), -9, 9),
                     EXPRESSION(first(softmin(beside_a_quarter(x))), -9, 9),
                     EXPRESSION(sigmoid_cross_entropy(x, number(x, 0.25)), -9, 9)};
#undef CALL
#undef EXPRESSION

// Half of the distance between the numbers of the dtype around x, twice.
double rounding(double x, DType dtype) {
  const int digits = dtype == float16 ? 11 : 8, least = dtype == float16 ? -24 : -133;
  int exponent = 0;
  std::frexp(x, &exponent);
  return std::ldexp(1, x == 0 ? least : std::max(exponent - digits, least));
}

Array slope_of(const Unary& f, const Array& x) { return grad([&](const Array& v) { return sum(f(v)); })(x); }
Array forward_slope_of(const Unary& f, const Array& x) { return jvp(f, x, ones_like(x)).second; }
Array second_slope_of(const Unary& f, const Array& x) {
  return slope_of([&](const Array& v) { return slope_of(f, v); }, x);
}

void expect_roundings(const Array& got, const Array& want, const Array& x, const char* name, const char* what) {
  const std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>(), at = x.to_vector<double>();
  const double largest = got.dtype() == float16 ? 6e4 : 3e38;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])) || std::fabs(b[i]) > largest) continue;
    // What float32 loses where terms near 1 cancel counts as nothing.
    ASSERT_LE(std::fabs(a[i] - b[i]), 2 * rounding(b[i], got.dtype()) + 2e-5)
        << what << " of " << name << " in " << to_text(got.dtype()) << " at " << at[i] << ": " << a[i] << ", want " << b[i];
  }
}

TEST(Half, values_and_derivatives_of_functions_are_rounded_once) {
  for (const DType dtype : {float16, bfloat16}) {
    for (const Row& row : kRows) {
      const Array x = linspace(row.low, row.high, 501).astype(dtype).eval(), wide = x.astype(float64).eval();
      expect_roundings(row.f(x), row.f(wide), x, row.name, "the value");
      expect_roundings(slope_of(row.f, x), slope_of(row.f, wide), x, row.name, "the slope");
      expect_roundings(forward_slope_of(row.f, x), forward_slope_of(row.f, wide), x, row.name, "the forward slope");
      expect_roundings(second_slope_of(row.f, x), second_slope_of(row.f, wide), x, row.name, "the slope of the slope");
    }
  }
}

// d tanh at 4 is 0.0013; of the rounded result, 0.9995, 0.001 would be left.
TEST(Half, slopes_are_not_taken_from_the_rounded_result) {
  const double want = 1 / std::pow(std::cosh(4.0), 2);
  EXPECT_NEAR(slope_of([](const Array& v) { return tanh(v); }, full({1}, 4, float16)).item(), want, 2e-6);
  const double share = 1 / (1 + std::exp(-6.0));
  EXPECT_NEAR(slope_of([](const Array& v) { return sigmoid(v); }, full({1}, 6, bfloat16)).item(), share * (1 - share), 2e-5);
  EXPECT_NEAR(slope_of([](const Array& v) { return elu(v); }, full({1}, -6, bfloat16)).item(), std::exp(-6.0), 2e-5);
  const Array logits = array({0.0, -20.25}).astype(bfloat16);  // log_softmax is rounded to -20.25, softmax of 0 to 1
  const Array slope = slope_of([](const Array& v) { return log_softmax(v)[0]; }, logits);
  EXPECT_NEAR(slope.to_vector<double>()[1] / -std::exp(-20.25), 1, 8e-3);
}

}  // namespace
