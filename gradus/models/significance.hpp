// Tails and quantiles of the normal and of Student's distribution, for tables of coefficients. Private to models/.
#pragma once

namespace gradus::models::detail {

/// The probability of a statistic at least that far from 0, of Student's distribution with so many degrees of freedom; 0: the normal one.
double two_sided(double statistic, double degrees_of_freedom);
/// The statistic whose two_sided is `share`, above 0 and at most 1.
double two_sided_quantile(double share, double degrees_of_freedom);

}  // namespace gradus::models::detail
