// The normal and Student's distribution.
#include "gradus/models/significance.hpp"

#include <cmath>
#include <initializer_list>
#include <limits>
#include <numbers>

namespace gradus::models::detail {

namespace {

// log gamma(a + 1/2) - log gamma(a): by Stirling's series for large a, where the difference of two logarithms would lose digits, and by
// gamma(a + 1) = a gamma(a) from there down.
double log_gamma_step(double a) {
  double below = 0;
  for (; a < 20; a += 1) below += std::log(a / (a + 0.5));
  const auto tail = [](double x) {
    const double y = 1 / (x * x);
    return (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y / 1188)))) / x;
  };
  const double b = a + 0.5;
  return below + a * std::log1p(0.5 / a) - 0.5 + 0.5 * std::log(a) + tail(b) - tail(a);
}

// The continued fraction of the regularised incomplete beta function I_x(a, b), by Lentz's method (Abramowitz and Stegun 26.5.8).
double beta_fraction(double a, double b, double x) {
  constexpr double tiny = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  if (std::fabs(d) < tiny) d = tiny;
  d = 1 / d;
  double value = d;
  for (int m = 1; m < 10000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                 odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    for (const double term : {even, odd}) {
      d = 1 + term * d;
      if (std::fabs(d) < tiny) d = tiny;
      c = 1 + term / c;
      if (std::fabs(c) < tiny) c = tiny;
      d = 1 / d;
      value *= c * d;
    }
    if (std::fabs(c * d - 1) < 1e-16) break;
  }
  return value;
}

// I_x(n / 2, 1 / 2) at x = n / (n + t^2).
double student_tails(double t, double n) {
  if (t == 0) return 1;
  const double a = n / 2, ratio = t * t / n, x = 1 / (1 + ratio), y = ratio / (1 + ratio);
  const double front = std::exp(log_gamma_step(a) - 0.5 * std::log(std::numbers::pi) - a * std::log1p(ratio) + 0.5 * std::log(y));
  if (x < (a + 1) / (a + 2.5)) return front * beta_fraction(a, 0.5, x) / a;
  return 1 - front * beta_fraction(0.5, a, y) / 0.5;
}

}  // namespace

double two_sided(double statistic, double degrees_of_freedom) {
  if (std::isnan(statistic)) return statistic;
  const double t = std::fabs(statistic);
  if (std::isinf(t)) return 0;
  return degrees_of_freedom > 0 ? student_tails(t, degrees_of_freedom) : std::erfc(t / std::numbers::sqrt2);
}

double two_sided_quantile(double share, double degrees_of_freedom) {
  double low = 0, high = 1;
  while (two_sided(high, degrees_of_freedom) > share && high < 1e300) low = high, high *= 2;
  for (int i = 0; i < 200 && high - low > std::numeric_limits<double>::epsilon() * high; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle == low || middle == high) break;
    (two_sided(middle, degrees_of_freedom) > share ? low : high) = middle;
  }
  return high;
}

}  // namespace gradus::models::detail
