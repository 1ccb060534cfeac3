// Functions that are rarely the time of a program: one element after the other, in double where libm has no such function.
#include <math.h>

#include <cmath>
#include <limits>

#include "gradus/backend/functions/arithmetic.hpp"
#include "gradus/backend/functions/special.hpp"
#include "gradus/cpu/elementwise/integers.hpp"
#include "gradus/cpu/elementwise/scalar.hpp"

namespace gradus::cpu {

namespace {

constexpr double kPi = 3.14159265358979323846, kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// log Gamma'. Recurrence up to 10, then the asymptotic series log x - 1/(2x) - sum B_2k / (2k x^2k); reflection for negative x.
double digamma(double x) {
  if (x == 0) return std::copysign(kInfinity, -x);
  if (x < 0) return x == std::floor(x) ? kNan : digamma(1 - x) - kPi / std::tan(kPi * std::fmod(x, 1.0));
  double result = 0;
  for (; x < 10; ++x) result -= 1 / x;
  const double y = 1 / (x * x);
  const double series =
      y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132 - y * (691.0 / 32760 - y * (1.0 / 12)))))));
  return result + std::log(x) - 0.5 / x - series;
}

// sum over k >= 0 of (q + k)^-s for s > 1, by Euler and Maclaurin's formula from the tenth term on (as in Cephes).
double hurwitz_zeta(double s, double q) {
  constexpr double terms[] = {// (2k)! / B_2k
                              12.0,
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
  constexpr double negligible = 1e-17;
  double sum = std::pow(q, -s), term = 0, x = q;
  for (int i = 0; i < 9 || x <= 9; ++i) {
    x += 1;
    term = std::pow(x, -s);
    sum += term;
    if (std::fabs(term) < negligible * std::fabs(sum)) return sum;
  }
  sum += term * x / (s - 1) - 0.5 * term;
  double factor = 1, k = 0;
  for (const double divisor : terms) {
    factor *= s + k;
    term /= x;
    const double correction = factor * term / divisor;
    sum += correction;
    if (std::fabs(correction) < negligible * std::fabs(sum)) break;
    k += 1;
    factor *= s + k;
    term /= x;
    k += 1;
  }
  return sum;
}

double polygamma(double n, double x) {
  if (n == 0) return digamma(x);
  if (x <= 0 && x == std::floor(x)) return std::fmod(n, 2) == 0 ? kNan : kInfinity;
  if (n == 1 && x < 0.5) {
    const double sine = std::sin(kPi * std::fmod(x, 1.0));
    return kPi * kPi / (sine * sine) - polygamma(1, 1 - x);
  }
  return (std::fmod(n, 2) == 0 ? -1 : 1) * std::tgamma(n + 1) * hurwitz_zeta(n + 1, x);
}

// A first guess (Winitzki), then Halley's steps on erf, or on erfc where y is near 1.
double erfinv(double y) {
  const double a = std::fabs(y);
  if (!(a < 1)) return a == 1 ? std::copysign(kInfinity, y) : kNan;
  if (a == 0) return y;
  const double log_term = std::log1p(-a * a), b = 2 / (kPi * 0.147) + 0.5 * log_term;
  double x = std::sqrt(std::sqrt(b * b - log_term / 0.147) - b);
  for (int step = 0; step < 3; ++step) {
    const double error = a < 0.5 ? std::erf(x) - a : (1 - a) - std::erfc(x);
    const double newton = error / (1.12837916709551257390 * std::exp(-x * x));
    x -= newton / (1 + x * newton);
  }
  return std::copysign(x, y);
}

// libm's lgamma writes the sign to a global variable, which threads may not share.
double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}
float log_gamma(float x) {
  int sign = 0;
  return ::lgammaf_r(x, &sign);
}

struct Cbrt {
  template <class T>
  T operator()(T x) const {
    return std::cbrt(x);
  }
};
struct Erfinv {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(erfinv(x));
  }
};
struct Lgamma {
  template <class T>
  T operator()(T x) const {
    return log_gamma(x);
  }
};
struct Digamma {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(digamma(x));
  }
};
struct Polygamma {
  template <class T>
  T operator()(T n, T x) const {
    return static_cast<T>(polygamma(n, x));
  }
};
struct Fmod {
  template <class T>
  T operator()(T x, T y) const {
    return std::fmod(x, y);
  }
};
struct Remainder {
  template <class T>
  T operator()(T x, T y) const {
    const T rest = std::fmod(x, y);
    if (rest == 0) return std::copysign(rest, y);
    return (rest < 0) != (y < 0) ? rest + y : rest;
  }
};
struct FloorDivide {  // as Python: the quotient that belongs to the remainder
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

template <class F, int inputs>
TileLoop float_loop(DType dtype) {
  if constexpr (inputs == 1) return dtype == float32 ? scalar_loop<F, float, float> : scalar_loop<F, double, double>;
  else return dtype == float32 ? scalar_loop<F, float, float, float> : scalar_loop<F, double, double, double>;
}
template <class F, int inputs>
constexpr FunctionLoops row(const Function& function, TileLoop (*find_integer)(DType) = nullptr) {
  return {&function, float_loop<F, inputs>, find_integer, 300};
}

}  // namespace

std::span<const FunctionLoops> special_loops() {
  static constexpr FunctionLoops rows[] = {row<Cbrt, 1>(backend::cbrt_function),
                                           row<Erfinv, 1>(backend::erfinv_function),
                                           row<Lgamma, 1>(backend::lgamma_function),
                                           row<Digamma, 1>(backend::digamma_function),
                                           row<Polygamma, 2>(backend::polygamma_function),
                                           row<Fmod, 2>(backend::fmod_function, integers::fmod),
                                           row<Remainder, 2>(backend::remainder_function, integers::remainder),
                                           row<FloorDivide, 2>(backend::floor_divide_function, integers::floor_divide)};
  return rows;
}

}  // namespace gradus::cpu
