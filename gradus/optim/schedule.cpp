// Learning-rate schedules as closed formulas of the step number.
#include "gradus/optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gradus/base/error.hpp"
#include "gradus/optim/checks.hpp"

namespace gradus::optim {

using namespace core;

namespace {

void check_steps(const char* name, int64_t steps, const char* option = "steps") {
  if (steps < 1) fail(name, option, " is ", steps, "; it must be at least 1");
}
void check_above_zero(const char* name, const char* option, double value) {
  if (!(value > 0)) fail(name, option, " is ", value, "; it must be above 0");
  check_finite(name, option, value);
}

// From `first` at share 0 to `last` at share 1.
double along_cosine(double first, double last, double share) {
  return last + (first - last) * (1 + std::cos(std::numbers::pi * share)) / 2;
}
double along_line(double first, double last, double share) { return first + (last - first) * share; }

}  // namespace

Schedule::Schedule(double rate) : constant_(rate) {
  if (!(rate >= 0) || !std::isfinite(rate)) fail("learning rate", "it is ", rate, "; it must be finite and not negative");
}

double Schedule::operator()(int64_t step) const {
  if (!rate_of_) return constant_;
  const double rate = rate_of_(step);
  if (!(rate >= 0) || !std::isfinite(rate))
    fail("learning rate", "the schedule gives ", rate, " at step ", step, "; it must be finite and not negative");
  return rate;
}

Schedule Schedule::scaled(double factor) const {
  check_not_negative("scaled", "factor", factor);
  Schedule out([same = *this, factor](int64_t step) { return factor * same(step); });
  out.plateau_ = plateau_;
  return out;
}

Schedule cosine(double rate, CosineOptions options) {
  check_not_negative("cosine", "rate", rate);
  check_not_negative("cosine", "final_rate", options.final_rate);
  check_steps("cosine", options.steps);
  if (options.warmup < 0 || options.warmup >= options.steps) {
    fail("cosine", "warmup is ", options.warmup, ", steps is ", options.steps, "; warmup must be at least 0 and below steps");
  }
  return [rate, options](int64_t step) {
    if (step < options.warmup) return rate * static_cast<double>(step + 1) / static_cast<double>(options.warmup);
    const double share = static_cast<double>(step - options.warmup) / static_cast<double>(options.steps - options.warmup);
    return along_cosine(rate, options.final_rate, options.swings_back ? share : std::min(share, 1.0));
  };
}

Schedule cosine_restarts(double rate, CosineRestartsOptions options) {
  check_not_negative("cosine_restarts", "rate", rate);
  check_not_negative("cosine_restarts", "final_rate", options.final_rate);
  check_steps("cosine_restarts", options.period, "period");
  if (!(options.multiplier >= 1)) fail("cosine_restarts", "multiplier is ", options.multiplier, "; it must be at least 1");
  check_finite("cosine_restarts", "multiplier", options.multiplier);
  return [rate, options](int64_t step) {
    double period = static_cast<double>(options.period), start = 0;
    if (options.multiplier == 1) {
      start = period * std::floor(static_cast<double>(step) / period);
    } else {
      while (static_cast<double>(step) >= start + period) {
        start += period;
        period *= options.multiplier;
      }
    }
    return along_cosine(rate, options.final_rate, (static_cast<double>(step) - start) / period);
  };
}

Schedule exponential(double rate, double factor, int64_t every) {
  check_not_negative("exponential", "rate", rate);
  check_not_negative("exponential", "factor", factor);
  check_steps("exponential", every, "every");
  return [=](int64_t step) { return rate * std::pow(factor, static_cast<double>(step) / static_cast<double>(every)); };
}

Schedule step(double rate, double factor, int64_t every) {
  check_not_negative("step", "rate", rate);
  check_not_negative("step", "factor", factor);
  check_steps("step", every, "every");
  return [=](int64_t step) { return rate * std::pow(factor, static_cast<double>(step / every)); };
}

Schedule milestones(double rate, double factor, std::vector<int64_t> milestones) {
  check_not_negative("milestones", "rate", rate);
  check_not_negative("milestones", "factor", factor);
  std::sort(milestones.begin(), milestones.end());
  return [=](int64_t step) {
    const auto passed = std::upper_bound(milestones.begin(), milestones.end(), step) - milestones.begin();
    return rate * std::pow(factor, static_cast<double>(passed));
  };
}

Schedule linear(double first, double last, int64_t steps) {
  check_not_negative("linear", "first", first);
  check_not_negative("linear", "last", last);
  check_steps("linear", steps);
  return [=](int64_t step) { return along_line(first, last, std::min(1.0, static_cast<double>(step) / static_cast<double>(steps))); };
}

Schedule polynomial(double rate, int64_t steps, double power) {
  check_not_negative("polynomial", "rate", rate);
  check_not_negative("polynomial", "power", power);
  check_steps("polynomial", steps);
  return [=](int64_t step) { return rate * std::pow(std::max(0.0, 1 - static_cast<double>(step) / static_cast<double>(steps)), power); };
}

Schedule inverse_time(double rate, double decay) {
  check_not_negative("inverse_time", "rate", rate);
  check_not_negative("inverse_time", "decay", decay);
  return [=](int64_t step) { return rate / (1 + decay * static_cast<double>(step)); };
}

Schedule warmup(int64_t steps, Schedule after, double first_factor) {
  check_not_negative("warmup", "first_factor", first_factor);
  check_steps("warmup", steps);
  const Schedule out([=](int64_t step) {
    if (step >= steps) return after(step - steps);
    return after(0) * along_line(first_factor, 1, static_cast<double>(step) / static_cast<double>(steps));
  });
  return after.on_plateau() ? out.with_plateau(*after.on_plateau()) : out;
}

namespace {
// A plateau watches a run, not a part of it.
void refuse_plateaus(std::string_view name, const std::vector<Schedule>& parts) {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].on_plateau())
      fail(name, "schedule ", i, " has a plateau, which counts for all of a run; give it to the whole: .with_plateau(...)");
  }
}
}  // namespace

Schedule sequence(std::vector<Schedule> schedules, std::vector<int64_t> starts) {
  if (schedules.size() != starts.size() + 1) {
    fail("sequence", "there are ", schedules.size(), " schedules and ", starts.size(), " starts; all schedules but the first need one");
  }
  if (!std::is_sorted(starts.begin(), starts.end()))
    fail("sequence", "the starts are ", std::span<const int64_t>(starts), "; no schedule may start before the one before it");
  refuse_plateaus("sequence", schedules);
  return [=](int64_t step) {
    const auto i = static_cast<size_t>(std::upper_bound(starts.begin(), starts.end(), step) - starts.begin());
    return schedules[i](i == 0 ? step : step - starts[i - 1]);
  };
}

Schedule chained(double rate, std::vector<Schedule> factors) {
  check_not_negative("chained", "rate", rate);
  refuse_plateaus("chained", factors);
  return [=](int64_t step) {
    double product = rate;
    for (const Schedule& factor : factors) product *= factor(step);
    return product;
  };
}

Schedule cyclic(double low, double high, CyclicOptions options) {
  check_not_negative("cyclic", "low", low);
  check_not_negative("cyclic", "high", high);
  if (low > high) fail("cyclic", "low is ", low, " and high ", high, "; low must not be above high");
  check_steps("cyclic", options.rising_steps, "rising_steps");
  if (options.falling_steps == 0) options.falling_steps = options.rising_steps;
  check_steps("cyclic", options.falling_steps, "falling_steps");
  check_not_negative("cyclic", "peak_factor", options.peak_factor);
  check_not_negative("cyclic", "step_factor", options.step_factor);
  return [=](int64_t step) {
    const int64_t length = options.rising_steps + options.falling_steps, cycle = step / length, at = step % length;
    const double share = at <= options.rising_steps ? static_cast<double>(at) / static_cast<double>(options.rising_steps)
                                                    : static_cast<double>(length - at) / static_cast<double>(options.falling_steps);
    const double height =
        std::pow(options.peak_factor, static_cast<double>(cycle)) * std::pow(options.step_factor, static_cast<double>(step));
    return low + (high - low) * share * height;
  };
}

Schedule one_cycle(double max_rate, OneCycleOptions options) {
  check_not_negative("one_cycle", "max_rate", max_rate);
  check_above_zero("one_cycle", "initial_divisor", options.initial_divisor);
  check_above_zero("one_cycle", "final_divisor", options.final_divisor);
  check_steps("one_cycle", options.steps);
  if (!(options.rising > 0 && options.rising < 1)) fail("one_cycle", "rising is ", options.rising, "; it must lie between 0 and 1");
  if (options.has_three_phases && options.rising > 0.5)
    fail("one_cycle", "rising is ", options.rising, "; with three phases, of which two are as long, it must be at most 0.5");
  return [max_rate, options](int64_t step) {
    const double first = max_rate / options.initial_divisor, last = first / options.final_divisor, end = static_cast<double>(options.steps);
    const double top = options.rising * end - 1, back = options.has_three_phases ? 2 * options.rising * end - 2 : top;
    const double now = std::min(static_cast<double>(step), end - 1);
    const auto along = options.is_cosine ? along_cosine : along_line;
    if (now <= top) return along(first, max_rate, top > 0 ? now / top : 1);
    if (now <= back) return along(max_rate, first, (now - top) / (back - top));
    return options.has_three_phases ? along(first, last, (now - back) / (end - 1 - back))
                                    : along(max_rate, last, (now - top) / (end - 1 - top));
  };
}

Schedule Schedule::with_plateau(const PlateauOptions& options) const {
  const Plateau checked(options);
  Schedule out = *this;
  out.plateau_ = std::make_shared<const PlateauOptions>(options);
  return out;
}
Schedule plateau(double rate, const PlateauOptions& options) { return Schedule(rate).with_plateau(options); }

Plateau::Plateau(PlateauOptions options) : options_(options) {
  if (!(options.factor > 0 && options.factor < 1)) fail("plateau", "factor is ", options.factor, "; it must lie between 0 and 1");
  if (options.patience < 0 || options.cooldown < 0) {
    fail("plateau", "patience is ", options.patience, " and cooldown ", options.cooldown, "; they must not be negative");
  }
  check_not_negative("plateau", "threshold", options.threshold);
  check_part("plateau", "smallest_factor", options.smallest_factor);
}

bool Plateau::note(double value) {
  const bool has_size = std::isfinite(state_.best);
  const double margin = !has_size ? 0 : options_.is_relative ? options_.threshold * std::fabs(state_.best) : options_.threshold;
  const bool is_beyond = options_.more_is_better ? value > state_.best + margin : value < state_.best - margin;
  if (!std::isnan(value) && (!state_.has_best || is_beyond)) {
    state_.best = value;
    state_.has_best = true;
    state_.waited = 0;
  } else {
    ++state_.waited;
  }
  if (state_.cooling > 0) {
    --state_.cooling;
    state_.waited = 0;
  }
  if (state_.waited <= options_.patience) return false;
  state_.cooling = options_.cooldown;
  state_.waited = 0;
  const double lowered = std::max(state_.factor * options_.factor, options_.smallest_factor);
  const bool is_lowered = lowered < state_.factor;
  state_.factor = lowered;
  return is_lowered;
}

}  // namespace gradus::optim
