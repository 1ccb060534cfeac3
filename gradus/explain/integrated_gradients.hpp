// Integrated gradients, with the gap that the numbers of a finite sum leave.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "gradus/explain/target.hpp"

namespace gradus::explain {

/// How the integral along the path is summed: at the nodes of Gauss and Legendre, exact for polynomials of degree 2 steps - 1, or at evenly
/// spaced points, the ends with half weight.
enum class PathRule { gauss_legendre, trapezoid };
std::span<const std::string_view> enum_names(PathRule);

/// Options of integrated_gradients.
struct IntegratedGradientsOptions {
  Target target = largest;
  Scale scale = Scale::output;
  Array baseline{};   ///< where the path begins, broadcast to a sample; empty: zeros
  Array baselines{};  ///< (B, ...): several, over which the values are averaged; instead of `baseline`
  PathRule rule = PathRule::gauss_legendre;
  int64_t steps = 32;         ///< gradients a path to begin with; doubled until the gap is small. At least 1, of the trapezoid rule 2
  double tolerance = 0.005;   ///< of the gap, as a part of f(x) - f(baseline)
  int64_t most_steps = 4096;  ///< gradients a path at most; `steps` to do with no more than these
  int64_t batch_size = 256;   ///< gradients a call of the model
};

/// What integrated_gradients gives. The values of a row add up to output - base + gap.
struct IntegratedGradients : Attribution {
  Array base{};                  ///< (N,) float64: the explained number at the baseline, the mean over several
  Array gap{};                   ///< (N,) float64: sum of the values - (output - base)
  Array relative_gap{};          ///< (N,) float64: |gap| / |output - base|; 0 where the gap is 0
  std::vector<int64_t> steps{};  ///< gradients a path, the most of the row's
  bool is_complete = true;       ///< whether every path met the tolerance, or came down to rounding
};

/// (x - b) times the mean of the gradient on the straight line from the baseline b to x (Sundararajan, Taly, Yan 2017). Complete: the
/// values add up to f(x) - f(b), up to the gap that is reported.
///
/// x  (N, ...) floats
///
///   nn::Sequential net{nn::Dense(8, tanh), nn::Dense(3)};
///   const auto found = explain::integrated_gradients(net, x[{slice(), 0, 0}], {.target = 2});
///   found.relative_gap   // (4,)
IntegratedGradients integrated_gradients(Function model, const Array& x, const IntegratedGradientsOptions& options = {});

/// Nodes in (0, 1) and weights, with sum 1, of the rule with so many points.
struct PathPoints {
  std::vector<double> at{}, weights{};
};
PathPoints path_points(PathRule rule, int64_t steps);

}  // namespace gradus::explain
