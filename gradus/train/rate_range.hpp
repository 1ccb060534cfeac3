// The learning-rate range test: which rates are worth trying, by one short run over all of them.
#pragma once

#include <string>
#include <vector>

#include "gradus/train/chart.hpp"
#include "gradus/train/fit.hpp"

namespace gradus::train {

/// Options of learning_rate_range.
struct RateRangeOptions {
  loss::Loss loss{};                           ///< needed unless an objective is given
  optim::Optimizer optimizer = optim::Adam();  ///< a copy of it is stepped; its own rates do not count
  double low = 1e-6, high = 10;                ///< above 0
  int64_t steps = 200;                         ///< at least 10; the set is gone through again where it has fewer batches
  int64_t batch_size = 32;
  double smoothing = 0.9;  ///< share of the smoothed loss that stays in each step, from 0 to below 1
  double divergence =
      4.0;  ///< the test ends where the smoothed loss is above its first and so many times its least, or a loss is not finite
  double clip_norm = 0.0;  ///< as for fit
  bool shuffle = true;
  uint64_t seed = 0;  ///< of the order of examples
};

/// What the test has found: loss i was measured before the step with rate i, so after those with all rates before it.
struct RateRange {
  std::vector<double> rates{}, losses{};
  std::vector<double> smoothed{};  ///< s_i / (1 - b^(i+1)), s_i = b s_(i-1) + (1 - b) loss_i: the mean of the losses, weighted by age
  bool has_diverged = false;
  /// The rate at which the loss falls fastest per order of magnitude of the rate; 0 where it falls by less than a hundredth anywhere.
  double steepest = 0;
  /// A tenth of the rate at which the smoothed loss is least, a cautious upper end; 0 as above.
  double safe = 0;
  /// What to use: the smaller of the two.
  double suggestion() const { return steepest < safe ? steepest : safe; }
};
/// "learning rate 0.0032: the loss falls fastest there; it is least at 0.05 and grows beyond 0.4".
std::string to_text(const RateRange& range);
/// The losses over the rates, with what is suggested.
Chart to_chart(const RateRange& range);

namespace detail {
RateRange learning_rate_range(Task& task, const data::Dataset& set, const RateRangeOptions& options);
/// Steepest and safe of a test, from its rates and losses.
void suggest(RateRange& range, double smoothing);
}  // namespace detail

/// Trains with a rate that grows from `low` to `high`, by the same factor in each step, and watches the loss (Smith, "Cyclical learning
/// rates for training neural networks", 2017). Afterwards the model is as it was; one whose parameters were not made yet has those that it
/// would have started training with.
///
///   const train::RateRange found = train::learning_rate_range(model, set, {.loss = loss::mean_squared_error, .steps = 50});
///   found.suggestion();
template <class M>
RateRange learning_rate_range(M& model, const data::Dataset& set, RateRangeOptions options) {
  if constexpr (detail::must_take_one_array<M>()) {
    detail::check_loss({.loss = options.loss}, set);
    const detail::LossObjective objective{options.loss, {}};
    detail::ObjectiveTask<M, detail::LossObjective> task(model, objective);
    return detail::learning_rate_range(task, set, options);
  } else {
    return {};
  }
}
/// The same with an objective of one's own, as fit takes it.
template <class M, class F>
RateRange learning_rate_range(M& model, const F& objective, const data::Dataset& set, RateRangeOptions options) {
  detail::ObjectiveTask<M, F> task(model, objective);
  return detail::learning_rate_range(task, set, options);
}

}  // namespace gradus::train
