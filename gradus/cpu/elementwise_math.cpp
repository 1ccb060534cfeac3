// Mathematical functions.
#include <cmath>
#include <limits>

#include "gradus/cpu/elementwise_integers.hpp"
#include "gradus/cpu/elementwise_scalar.hpp"

namespace gradus::cpu {

namespace {

template <class F, int inputs>
TileLoop float_loop(DType dtype) {
  const auto loop = []<class T>(T) -> TileLoop {
    if constexpr (inputs == 1) return scalar_loop<F, T, T>;
    else if constexpr (inputs == 2) return scalar_loop<F, T, T, T>;
    else return scalar_loop<F, T, T, T, T>;
  };
  return dtype == float32 ? loop(float{}) : loop(double{});
}

double digamma(double x) {
  if (x == 0) return -std::copysign(std::numeric_limits<double>::infinity(), x);
  if (x < 0) {
    if (x == std::floor(x)) return std::numeric_limits<double>::quiet_NaN();
    return digamma(1 - x) - M_PI / std::tan(M_PI * std::fmod(x, 1.0));
  }
  double result = 0;
  for (; x < 10; ++x) result -= 1 / x;
  const double y = 1 / (x * x);
  return result + std::log(x) - 0.5 / x -
         y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132 - y * (691.0 / 32760 - y / 12))))));
}
double hurwitz_zeta(double s, double q) {
  static const double a[] = {12.0,
                             -720.0,
                             30240.0,
                             -1209600.0,
                             47900160.0,
                             -1.8924375803183791606e9,
                             7.47242496e10,
                             -2.950130727918164224e12,
                             1.1646782814350067249e14,
                             -4.5979787224074726105e15,
                             1.8152105401943546773e17,
                             -7.1661652561756670113e18};
  double sum = std::pow(q, -s), b = 0, x = q;
  for (int i = 0; i < 9 || x <= 9; ++i) {
    x += 1;
    b = std::pow(x, -s);
    sum += b;
    if (std::fabs(b) < 1e-17 * std::fabs(sum)) return sum;
  }
  sum += b * x / (s - 1) - 0.5 * b;
  double factor = 1, k = 0;
  for (const double term : a) {
    factor *= s + k;
    b /= x;
    const double t = factor * b / term;
    sum += t;
    if (std::fabs(t) < 1e-17 * std::fabs(sum)) break;
    k += 1;
    factor *= s + k;
    b /= x;
    k += 1;
  }
  return sum;
}
double polygamma(double n, double x) {
  if (n == 0) return digamma(x);
  if (n == 1 && x < 0.5) {
    if (x == std::floor(x)) return std::numeric_limits<double>::infinity();
    const double s = M_PI / std::sin(M_PI * x);
    return s * s - polygamma(1, 1 - x);
  }
  const double sign = std::fmod(n, 2) == 0 ? -1 : 1;
  return sign * std::tgamma(n + 1) * hurwitz_zeta(n + 1, x);
}
double erfinv(double y) {
  if (!(std::fabs(y) < 1)) return std::fabs(y) == 1 ? std::copysign(std::numeric_limits<double>::infinity(), y) : std::nan("");
  const double w = -std::log((1 - y) * (1 + y));
  double x = std::copysign(std::sqrt(std::sqrt(std::pow(4.33 + w / -2.0 * -1, 2) - -w / 0.147 * -1) - 4.33), y);
  if (!std::isfinite(x)) x = y;
  for (int i = 0; i < 60; ++i) {
    const double error = std::fabs(y) > 0.5 ? std::copysign(1 - std::fabs(y) - std::erfc(std::fabs(x)), y) * 1 : std::erf(x) - y;
    const double step = error / (M_2_SQRTPI * std::exp(-x * x));
    const double change = step / (1 + x * step);
    x -= change;
    if (std::fabs(change) <= 1e-16 * std::fabs(x)) break;
  }
  return x;
}

#define GRADUS_UNARY(Name, expression) \
  struct Name {                        \
    template <class T>                 \
    T operator()(T x) const {          \
      return expression;               \
    }                                  \
  };
#define GRADUS_BINARY(Name, expression) \
  struct Name {                         \
    template <class T>                  \
    T operator()(T x, T y) const {      \
      return expression;                \
    }                                   \
  };
GRADUS_UNARY(Exp, std::exp(x))
GRADUS_UNARY(Expm1, std::expm1(x))
GRADUS_UNARY(Exp2, std::exp2(x))
GRADUS_UNARY(Log, std::log(x))
GRADUS_UNARY(Log1p, std::log1p(x))
GRADUS_UNARY(Log2, std::log2(x))
GRADUS_UNARY(Log10, std::log10(x))
GRADUS_UNARY(Cbrt, std::cbrt(x))
GRADUS_BINARY(Hypot, std::hypot(x, y))
GRADUS_UNARY(Sin, std::sin(x))
GRADUS_UNARY(Cos, std::cos(x))
GRADUS_UNARY(Tan, std::tan(x))
GRADUS_UNARY(Asin, std::asin(x))
GRADUS_UNARY(Acos, std::acos(x))
GRADUS_UNARY(Atan, std::atan(x))
GRADUS_BINARY(Atan2, std::atan2(x, y))
GRADUS_UNARY(Sinh, std::sinh(x))
GRADUS_UNARY(Cosh, std::cosh(x))
GRADUS_UNARY(Tanh, std::tanh(x))
GRADUS_UNARY(Asinh, std::asinh(x))
GRADUS_UNARY(Acosh, std::acosh(x))
GRADUS_UNARY(Atanh, std::atanh(x))
GRADUS_UNARY(Erf, std::erf(x))
GRADUS_UNARY(Erfc, std::erfc(x))
GRADUS_UNARY(Erfinv, static_cast<T>(erfinv(x)))
GRADUS_UNARY(Lgamma, std::lgamma(x))
GRADUS_UNARY(Digamma, static_cast<T>(digamma(x)))
GRADUS_BINARY(Polygamma, static_cast<T>(polygamma(x, y)))
GRADUS_BINARY(Power, std::pow(x, y))
GRADUS_BINARY(Fmod, std::fmod(x, y))
struct Remainder {
  template <class T>
  T operator()(T x, T y) const {
    const T rest = std::fmod(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
  }
};
struct FloorDivide {
  template <class T>
  T operator()(T x, T y) const {
    if (y == 0) return x / y;
    const T rest = std::fmod(x, y);
    T quotient = (x - rest) / y;
    if (rest != 0 && (rest < 0) != (y < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(T{0}, x / y);
    const T whole = std::floor(quotient);
    return quotient - whole > T{0.5} ? whole + 1 : whole;
  }
};
struct Logaddexp {
  template <class T>
  T operator()(T x, T y) const {
    if (x == y) return x + T{M_LN2};
    return std::isnan(x) || std::isnan(y) ? x + y : std::fmax(x, y) + std::log1p(std::exp(-std::fabs(x - y)));
  }
};
GRADUS_BINARY(Xlogy, x == 0 && !std::isnan(y) ? T{0} : x * std::log(y))
GRADUS_BINARY(Xlog1py, x == 0 && !std::isnan(y) ? T{0} : x * std::log1p(y))
GRADUS_UNARY(Sigmoid, x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)))
GRADUS_UNARY(Softplus, x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)))
GRADUS_UNARY(Silu, x / (1 + std::exp(-x)))
GRADUS_UNARY(NormalCdf, T{0.5} * std::erfc(-x * T{M_SQRT1_2}))
GRADUS_UNARY(Gelu, x*(T{0.5} * std::erfc(-x * T{M_SQRT1_2})))
GRADUS_UNARY(GeluSlope,
             T{0.5} * std::erfc(-x * T{M_SQRT1_2}) + (std::isinf(x) ? T{0} : x * T{0.39894228040143267794} * std::exp(-x * x / 2)))
GRADUS_BINARY(Elu, x > 0 ? x : y * std::expm1(x))

}  // namespace

#define GRADUS_ROW(name, Name, inputs) \
  constinit const ElementwiseFunction name##_function{#name, inputs, OutputKind::same, float_loop<Name, inputs>};
GRADUS_ROW(exp, Exp, 1)
GRADUS_ROW(expm1, Expm1, 1)
GRADUS_ROW(exp2, Exp2, 1)
GRADUS_ROW(log, Log, 1)
GRADUS_ROW(log1p, Log1p, 1)
GRADUS_ROW(log2, Log2, 1)
GRADUS_ROW(log10, Log10, 1)
GRADUS_ROW(cbrt, Cbrt, 1)
GRADUS_ROW(hypot, Hypot, 2)
GRADUS_ROW(sin, Sin, 1)
GRADUS_ROW(cos, Cos, 1)
GRADUS_ROW(tan, Tan, 1)
GRADUS_ROW(asin, Asin, 1)
GRADUS_ROW(acos, Acos, 1)
GRADUS_ROW(atan, Atan, 1)
GRADUS_ROW(atan2, Atan2, 2)
GRADUS_ROW(sinh, Sinh, 1)
GRADUS_ROW(cosh, Cosh, 1)
GRADUS_ROW(tanh, Tanh, 1)
GRADUS_ROW(asinh, Asinh, 1)
GRADUS_ROW(acosh, Acosh, 1)
GRADUS_ROW(atanh, Atanh, 1)
GRADUS_ROW(erf, Erf, 1)
GRADUS_ROW(erfc, Erfc, 1)
GRADUS_ROW(erfinv, Erfinv, 1)
GRADUS_ROW(lgamma, Lgamma, 1)
GRADUS_ROW(digamma, Digamma, 1)
GRADUS_ROW(polygamma, Polygamma, 2)
GRADUS_ROW(logaddexp, Logaddexp, 2)
GRADUS_ROW(xlogy, Xlogy, 2)
GRADUS_ROW(xlog1py, Xlog1py, 2)
GRADUS_ROW(sigmoid, Sigmoid, 1)
GRADUS_ROW(softplus, Softplus, 1)
GRADUS_ROW(silu, Silu, 1)
GRADUS_ROW(gelu, Gelu, 1)
GRADUS_ROW(gelu_slope, GeluSlope, 1)
GRADUS_ROW(normal_cdf, NormalCdf, 1)
GRADUS_ROW(elu, Elu, 2)
constinit const ElementwiseFunction power_function{"power", 2, OutputKind::same, float_loop<Power, 2>, integers::power};
constinit const ElementwiseFunction fmod_function{"fmod", 2, OutputKind::same, float_loop<Fmod, 2>, integers::fmod};
constinit const ElementwiseFunction remainder_function{"remainder", 2, OutputKind::same, float_loop<Remainder, 2>, integers::remainder};
constinit const ElementwiseFunction floor_divide_function{"floor_divide", 2, OutputKind::same, float_loop<FloorDivide, 2>,
                                                          integers::floor_divide};

}  // namespace gradus::cpu
