// Distribution functions that intervals and tests need. Not for users.
#pragma once

#include <cstdint>

namespace gradus::metrics::detail {

double normal_cdf(double z);
/// Inverse of normal_cdf, to rounding; -inf at 0, inf at 1.
double normal_quantile(double p);
/// Regularised incomplete beta function I_x(a, b), a and b above 0: the distribution function of Beta(a, b).
double beta_cdf(double x, double a, double b);
double beta_quantile(double p, double a, double b);
/// P(X <= k) of a binomial of n trials.
double binomial_cdf(int64_t k, int64_t n, double p);
/// P(|T| >= |t|), by degrees of freedom.
double student_two_sided(double t, double degrees);
double student_quantile(double p, double degrees);
/// P(X >= x) of chi squared with one degree of freedom.
double chi_squared_tail(double x);

}  // namespace gradus::metrics::detail
