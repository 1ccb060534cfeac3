// Quadratic objectives with an L1 penalty. Private to models/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gradus::models::detail {

/// w'Hw / 2 - q'w + sum_j penalty_j |w_j|.
struct QuadraticL1 {
  std::span<const double> h{};  ///< (P, P), symmetric, positive semidefinite
  std::span<const double> q{}, penalties{};
};
/// How far w is from the optimum: the largest of |q - Hw|_j - penalty_j (at w_j = 0) and |(q - Hw)_j - penalty_j sign w_j|.
double kkt_residual(std::span<const double> negative_gradient, std::span<const double> w, std::span<const double> penalties);
/// Moves w until its kkt_residual is at most `tolerance`, or rounding ends it, by coordinate descent; as soon as the same coefficients stay
/// nonzero their equations are solved at once. Returns how many passes it took, at most `passes`.
int64_t minimise(const QuadraticL1& objective, std::span<double> w, double tolerance, int64_t passes);

}  // namespace gradus::models::detail
