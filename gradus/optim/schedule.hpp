// Learning rates that change from step to step: plain functions of the step number, made by name.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gradus/base/refuse.hpp"

namespace gradus::optim {

struct PlateauOptions;

/// The learning rate of each step. Made from a number (constant) or from a function `double(int64_t step)`, whose first step is 0.
///
///   optim::Adam(1e-3)   optim::Adam(optim::cosine(1e-3, {.steps = 5000, .warmup = 200}))
///   optim::SGD([](int64_t step) { return 0.1 / (1 + step); })
class Schedule {
 public:
  Schedule(double rate);  // NOLINT: implicit on purpose
  template <::gradus::core::Text T>
  Schedule(const T&) {  // NOLINT: refused
    static_assert(::gradus::core::never<T>,
                  "a learning rate is a number or a schedule: optim::Adam(1e-3), optim::Adam(optim::cosine(1e-3, {.steps = 5000}))");
  }
  template <std::invocable<int64_t> F>
  requires(!std::same_as<std::remove_cvref_t<F>, Schedule> && std::convertible_to<std::invoke_result_t<F&, int64_t>, double>)
      Schedule(F&& rate_of)
      : rate_of_(std::forward<F>(rate_of)) {}  // NOLINT: implicit on purpose

  /// The rate in force during step `step` (0 is the first). Throws if it is negative or not finite.
  double operator()(int64_t step) const;
  /// The same rates, each times `factor`.
  Schedule scaled(double factor) const;

  /// How fit lowers the rate where training stands still; null: it does not. See plateau().
  const PlateauOptions* on_plateau() const { return plateau_.get(); }
  /// The same rates, lowered by fit on a plateau.
  Schedule with_plateau(const PlateauOptions& options) const;

 private:
  double constant_ = 0;
  std::function<double(int64_t)> rate_of_;
  std::shared_ptr<const PlateauOptions> plateau_;
};

/// Options of cosine. warmup is below steps.
struct CosineOptions {
  int64_t steps = 1000;  ///< steps of the whole schedule, warm-up included; the rate stays at `final_rate` after them
  int64_t warmup = 0;    ///< first steps, in which the rate rises in a straight line: rate (step + 1) / warmup
  double final_rate = 0.0;
  bool swings_back = false;  ///< after its end follow the cosine on, up to `rate` and down again, as PyTorch's CosineAnnealingLR does
};
/// Half a cosine from `rate` down to `final_rate` (Loshchilov and Hutter 2017), after an optional warm-up.
Schedule cosine(double rate, CosineOptions options = {});

/// Options of cosine_restarts. period and multiplier are at least 1.
struct CosineRestartsOptions {
  int64_t period = 1000;    ///< steps of the first period
  double multiplier = 1.0;  ///< each period is that many times as long as the one before
  double final_rate = 0.0;
};
/// Cosine periods that start again at `rate`.
Schedule cosine_restarts(double rate, CosineRestartsOptions options = {});

/// rate * factor^(step / every), the power taken at each step.
Schedule exponential(double rate, double factor, int64_t every = 1);
/// rate * factor^floor(step / every): constant between drops.
///
///   optim::step(0.1, 0.5, 10)(25)   // 0.025
Schedule step(double rate, double factor, int64_t every);
/// Multiplied by `factor` at each of the steps `milestones`.
Schedule milestones(double rate, double factor, std::vector<int64_t> milestones);
/// A straight line from `first` to `last` in `steps` steps, then `last`.
///
///   optim::linear(1, 0, 4)(1)   // 0.75
Schedule linear(double first, double last, int64_t steps);
/// rate * (1 - step / steps)^power, then 0.
Schedule polynomial(double rate, int64_t steps, double power = 1.0);
/// rate / (1 + decay * step).
Schedule inverse_time(double rate, double decay);
/// `after` with its steps counted from the end of a warm-up of `steps` steps that rises in a straight line from `first_factor` times to
/// the rate with which `after` starts.
Schedule warmup(int64_t steps, Schedule after, double first_factor = 0.0);
/// The schedules one after the other; schedule i + 1 starts, counting from 0, at step starts[i]. Throws unless all schedules but the first
/// have a start, in order.
Schedule sequence(std::vector<Schedule> schedules, std::vector<int64_t> starts);

/// The product of the factors times `rate`; each factor is a schedule whose rates are shares: constant, exponential(1, 0.9), warm-ups ...
Schedule chained(double rate, std::vector<Schedule> factors);

/// Options of cyclic. rising_steps is at least 1, the factors are not negative.
struct CyclicOptions {
  int64_t rising_steps = 2000;   ///< from `low` to `high`
  int64_t falling_steps = 0;     ///< and back; 0: as many
  double peak_factor = 1.0;      ///< each peak is that many times as high above `low` as the one before (0.5: triangular2)
  double step_factor = 1.0;      ///< what lies above `low` is multiplied by step_factor^step
};
/// Straight lines between `low` and `high`, over and over (Smith 2017).
Schedule cyclic(double low, double high, CyclicOptions options = {});

/// Options of one_cycle. rising lies between 0 and 1, the divisors are above 0. After `steps` steps the rate stays where it is.
struct OneCycleOptions {
  int64_t steps = 1000;
  double rising = 0.3;             ///< share of the steps in which the rate rises
  double initial_divisor = 25.0;   ///< the rate starts at max / initial_divisor
  double final_divisor = 10000.0;  ///< and ends at that over final_divisor
  bool is_cosine = true;           ///< cosine or straight lines
  bool has_three_phases = false;   ///< falls as it rose, then anneals
};
/// The one-cycle policy (Smith and Topin 2018): up to `max_rate` and down again.
Schedule one_cycle(double max_rate, OneCycleOptions options = {});

/// Options of plateau and Plateau. factor lies between 0 and 1.
struct PlateauOptions {
  double factor = 0.1;      ///< what the rate is multiplied by
  int64_t patience = 10;    ///< epochs without progress before that
  double threshold = 1e-4;  ///< progress smaller than this (of the best value, if relative) does not count
  bool is_relative = true;
  bool more_is_better = false;
  int64_t cooldown = 0;  ///< epochs after a reduction that do not count
  double smallest_factor = 0.0;
};
/// A rate that fit multiplies by `factor` after epochs without progress of what it monitors (FitOptions::monitor: the validation loss, or
/// the loss); what counts as progress, accuracy going up say, FitOptions says too. In a loop of one's own the rate stays: there is Plateau.
///
///   .optimizer = optim::Adam(optim::plateau(1e-3, {.factor = 0.5, .patience = 3}))
Schedule plateau(double rate, const PlateauOptions& options = {});

/// Lowers the rate when a number has stopped getting better: plateau.note(val_loss); optimizer.set_rate_factor(plateau.factor()).
class Plateau {
 public:
  /// All that changes.
  struct State {
    double factor = 1, best = 0;
    bool has_best = false;
    int64_t waited = 0, cooling = 0;
  };

  explicit Plateau(PlateauOptions options = {});
  /// Notes the number of an epoch; true if the factor was lowered.
  bool note(double value);
  double factor() const { return state_.factor; }
  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

 private:
  PlateauOptions options_;
  State state_{};
};

}  // namespace gradus::optim
