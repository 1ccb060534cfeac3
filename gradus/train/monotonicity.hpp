// Monotone dependence on inputs: a penalty that asks for it, and a check that counts where it fails. A network that has it by construction
// is models::MonotoneMLP.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gradus/train/fit.hpp"

namespace gradus::train {

/// Of each column of x (N, columns): 1 an output must not fall with it, -1 must not rise, 0 free.
using Directions = std::vector<int64_t>;

namespace detail {
void check_directions(const Array& x, const Directions& directions);
/// sum over columns of the mean over samples of max(0, -direction slope).
Array wrong_slopes(const Array& slopes, const Directions& directions);
}  // namespace detail

/// What is wrong with the slopes of the sum of a model's outputs at the samples x: 0 where all have their directions. To be added to a
/// loss. It holds at the samples, not between and beyond them.
///
///   const auto objective = [](const auto& model, const data::Batch& batch) {
///     return loss::mean_squared_error(model(batch.x), batch.y) + 10 * train::monotonicity_penalty(model, batch.x, {1, 0});
///   };
template <class M>
Array monotonicity_penalty(const M& model, const Array& x, const Directions& directions) {
  detail::check_directions(x, directions);
  return detail::wrong_slopes(grad([&](const Array& inputs) { return sum(model(inputs)); })(x), directions);
}

/// What monotonicity_check finds for one column.
struct MonotonicityCount {
  int64_t column = 0;
  int64_t steps = 0;     ///< from one place of the grid to the next, over all samples and outputs
  int64_t violated = 0;  ///< of them: against the direction by more than rounding
  double worst = 0;      ///< the largest of these
};
/// "column 0: 3 of 1,900 steps fall, the worst by 0.02".
std::string to_text(const std::vector<MonotonicityCount>& counts);

namespace detail {
std::vector<MonotonicityCount> check_monotonicity(const std::function<Array(const Array&)>& model, const Array& x,
                                                  const Directions& directions, int64_t points);
}  // namespace detail

/// Moves each column that has a direction over `points` places from its least to its largest number in x, for every sample, and counts
/// where an output goes the wrong way. A test on a grid: none is no proof.
template <class M>
std::vector<MonotonicityCount> monotonicity_check(const M& model, const Array& x, const Directions& directions, int64_t points = 20) {
  if constexpr (detail::must_take_one_array<M>())
    return detail::check_monotonicity([&](const Array& inputs) -> Array { return model(inputs); }, x, directions, points);
  else return {};
}

}  // namespace gradus::train
