// Normal, beta, binomial and Student distributions.
#include "gradus/metrics/distributions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace gradus::metrics::detail {

double normal_cdf(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

namespace {

double normal_density(double z) { return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi); }

// The point of an increasing distribution function over [low, high], by bisection to neighbouring doubles.
template <class Cdf>
double inverse(Cdf cdf, double p, double low, double high) {
  for (int i = 0; i < 2000; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (cdf(middle) < p ? low : high) = middle;
  }
  return low + (high - low) / 2;
}

// Lentz's continued fraction of the incomplete beta function (Numerical Recipes 6.4; DLMF 8.17.22).
double beta_fraction(double x, double a, double b) {
  constexpr double kTiny = 1e-300;
  const auto kept = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / kept(1 - (a + b) * x / (a + 1)), h = d;
  for (int m = 1; m < 100000; ++m) {
    const double n = m;
    const double even = n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n)),
                 odd = -(a + n) * (a + b + n) * x / ((a + 2 * n) * (a + 2 * n + 1));
    for (const double term : {even, odd}) {
      d = 1 / kept(1 + term * d);
      c = kept(1 + term / c);
      h *= d * c;
    }
    if (std::abs(d * c - 1) < 1e-16) break;
  }
  return h;
}

}  // namespace

double normal_quantile(double p) {
  if (p <= 0) return -std::numeric_limits<double>::infinity();
  if (p >= 1) return std::numeric_limits<double>::infinity();
  if (p == 0.5) return 0;
  if (p > 0.5) return -normal_quantile(1 - p);
  double z = -std::sqrt(-2 * std::log(p)) * 0.8;
  // Newton on log cdf, which is concave: it comes from one side, without overshooting.
  for (int i = 0; i < 60; ++i) {
    const double cdf = normal_cdf(z), step = (std::log(cdf) - std::log(p)) * cdf / normal_density(z);
    z -= step;
    if (std::abs(step) <= 1e-15 * std::max(1.0, std::abs(z))) break;
  }
  return z;
}

double beta_cdf(double x, double a, double b) {
  if (std::isnan(x)) return x;
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front = std::exp(a * std::log(x) + b * std::log1p(-x) + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a : 1 - front * beta_fraction(1 - x, b, a) / b;
}
double beta_quantile(double p, double a, double b) {
  return inverse([&](double x) { return beta_cdf(x, a, b); }, p, 0, 1);
}

double binomial_cdf(int64_t k, int64_t n, double p) {
  if (k < 0) return 0;
  if (k >= n) return 1;
  return beta_cdf(1 - p, static_cast<double>(n - k), static_cast<double>(k) + 1);
}

// P(|T| >= t) = I_x(v / 2, 1 / 2) = 1 - I_y(1 / 2, v / 2) at x = v / (v + t^2), y = t^2 / (v + t^2): by the smaller of the two.
double student_two_sided(double t, double degrees) {
  if (std::isinf(t)) return 0;
  const double square = t * t, all = degrees + square;
  return square < degrees ? 1 - beta_cdf(square / all, 0.5, degrees / 2) : beta_cdf(degrees / all, degrees / 2, 0.5);
}
double student_quantile(double p, double degrees) {
  const double tail = 2 * std::min(p, 1 - p), sign = p < 0.5 ? -1 : 1;
  if (tail > 0.5) {
    const double y = beta_quantile(std::abs(2 * p - 1), 0.5, degrees / 2);
    return sign * std::sqrt(degrees * y / (1 - y));
  }
  const double x = beta_quantile(tail, degrees / 2, 0.5);
  return sign * (x <= 0 ? std::numeric_limits<double>::infinity() : std::sqrt(degrees * (1 - x) / x));
}

double chi_squared_tail(double x) { return std::erfc(std::sqrt(x / 2)); }

}  // namespace gradus::metrics::detail
