// The [optimizer] and [schedule] parts of recipes. Schedules are written in epochs, so that they hold for any batch size.
#include <cmath>

#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/optim/optim.hpp"

namespace gradus::cli {

namespace {

using MakeSchedule = std::function<optim::Schedule(const RunLength&)>;
using MakeOptimizer = std::function<optim::Optimizer(optim::Schedule)>;

constexpr NumberRange kShare{.low = 0, .high = 1};
constexpr NumberRange kMean{.low = 0, .high = 1, .excludes_high = true};  // what a running mean keeps
constexpr NumberRange kNotNegative{.low = 0};

// ---- schedules: `rate` is the optimiser's learning_rate ----

MakeSchedule read_constant(const Section&, double rate) {
  return [=](const RunLength&) { return optim::Schedule(rate); };
}

MakeSchedule read_cosine(const Section& section, double rate) {
  const double last = section.number("final_rate", 0, kNotNegative);
  return [=](const RunLength& length) { return optim::cosine(rate, {.steps = length.steps(), .final_rate = last}); };
}

MakeSchedule read_linear(const Section& section, double rate) {
  const double last = section.number("final_rate", 0, kNotNegative);
  return [=](const RunLength& length) { return optim::linear(rate, last, length.steps()); };
}

MakeSchedule read_polynomial(const Section& section, double rate) {
  const double power = section.number("power", 1, kNotNegative);
  return [=](const RunLength& length) { return optim::polynomial(rate, length.steps(), power); };
}

MakeSchedule read_exponential(const Section& section, double rate) {
  const double factor = section.number("factor", 0.9, kShare), every = section.number("every", 1, {.low = 1e-3});
  return [=](const RunLength& length) { return optim::exponential(rate, factor, std::max<int64_t>(1, length.steps_of(every))); };
}

MakeSchedule read_step(const Section& section, double rate) {
  const double factor = section.number("factor", 0.1, kShare), every = section.number("every", 10, {.low = 1e-3});
  return [=](const RunLength& length) { return optim::step(rate, factor, std::max<int64_t>(1, length.steps_of(every))); };
}

MakeSchedule read_milestones(const Section& section, double rate) {
  const double factor = section.number("factor", 0.1, kShare);
  const std::vector<double> epochs = section.numbers("epochs", {});
  section.require_entries("epochs", "a list of epochs, for example [6, 8]");
  return [=](const RunLength& length) {
    std::vector<int64_t> steps;
    for (const double epoch : epochs) steps.push_back(length.steps_of(epoch));
    return optim::milestones(rate, factor, steps);
  };
}

MakeSchedule read_one_cycle(const Section& section, double rate) {
  optim::OneCycleOptions options;
  options.rising = section.number("rising", options.rising, kShare);
  options.initial_divisor = section.number("initial_divisor", options.initial_divisor, {.low = 1});
  options.final_divisor = section.number("final_divisor", options.final_divisor, {.low = 1});
  return [=](const RunLength& length) mutable {
    options.steps = length.steps();
    return optim::one_cycle(rate, options);
  };
}

struct ScheduleKind {
  const char* name;
  MakeSchedule (*read)(const Section& section, double rate);
};
constexpr ScheduleKind kSchedules[] = {{"constant", read_constant},       {"cosine", read_cosine}, {"linear", read_linear},
                                       {"polynomial", read_polynomial},   {"step", read_step},     {"exponential", read_exponential},
                                       {"milestones", read_milestones},   {"one_cycle", read_one_cycle}};

MakeSchedule read_schedule(const Section& section, double rate) {
  std::vector<std::string> names;
  for (const ScheduleKind& kind : kSchedules) names.push_back(kind.name);
  const std::string chosen = section.choice("name", names, "constant");
  MakeSchedule make;
  for (const ScheduleKind& kind : kSchedules) {
    if (chosen == kind.name) make = kind.read(section, rate);
  }
  const double warmup = section.number("warmup", 0, kNotNegative);
  section.finish();
  if (warmup == 0) return make;
  return [=](const RunLength& length) {
    const int64_t steps = std::min(length.steps_of(warmup), length.steps() - 1);
    if (steps < 1) return make(length);
    // What follows the warm-up is fitted into the rest of the run.
    const RunLength rest{.epochs = 1, .steps_per_epoch = length.steps() - steps};
    const bool is_fitted = chosen == "cosine" || chosen == "linear" || chosen == "polynomial" || chosen == "one_cycle";
    return optim::warmup(steps, make(is_fitted ? rest : length));
  };
}

// ---- optimisers ----

MakeOptimizer read_sgd(const Section& section) {
  optim::SGDOptions options;
  options.momentum = section.number("momentum", options.momentum, kShare);
  options.nesterov = section.flag("nesterov", options.nesterov);
  options.weight_decay = section.number("weight_decay", options.weight_decay, kNotNegative);
  options.dampening = section.number("dampening", options.dampening, kShare);
  return [=](optim::Schedule rate) { return optim::SGD(std::move(rate), options); };
}

// The options that the Adam family shares.
template <class Options>
void read_moments(const Section& section, Options& options) {
  options.beta_1 = section.number("beta_1", options.beta_1, kMean);
  options.beta_2 = section.number("beta_2", options.beta_2, kMean);
  options.epsilon = section.number("epsilon", options.epsilon, kNotNegative);
  options.weight_decay = section.number("weight_decay", options.weight_decay, kNotNegative);
  if constexpr (requires { options.amsgrad; }) options.amsgrad = section.flag("amsgrad", options.amsgrad);
  if constexpr (requires { options.momentum_decay; }) options.momentum_decay = section.number("momentum_decay", options.momentum_decay, kNotNegative);
}
template <class Kind, class Options>
MakeOptimizer read_adaptive(const Section& section) {
  Options options;
  read_moments(section, options);
  return [=](optim::Schedule rate) { return Kind(std::move(rate), options); };
}

MakeOptimizer read_rmsprop(const Section& section) {
  optim::RMSpropOptions options;
  options.rho = section.number("rho", options.rho, kMean);
  options.epsilon = section.number("epsilon", options.epsilon, kNotNegative);
  options.momentum = section.number("momentum", options.momentum, kShare);
  options.weight_decay = section.number("weight_decay", options.weight_decay, kNotNegative);
  options.centered = section.flag("centered", options.centered);
  return [=](optim::Schedule rate) { return optim::RMSprop(std::move(rate), options); };
}

MakeOptimizer read_adagrad(const Section& section) {
  optim::AdagradOptions options;
  options.initial_accumulator = section.number("initial_accumulator", options.initial_accumulator, kNotNegative);
  options.epsilon = section.number("epsilon", options.epsilon, kNotNegative);
  options.rate_decay = section.number("rate_decay", options.rate_decay, kNotNegative);
  options.weight_decay = section.number("weight_decay", options.weight_decay, kNotNegative);
  return [=](optim::Schedule rate) { return optim::Adagrad(std::move(rate), options); };
}

MakeOptimizer read_adadelta(const Section& section) {
  optim::AdadeltaOptions options;
  options.rho = section.number("rho", options.rho, kMean);
  options.epsilon = section.number("epsilon", options.epsilon, kNotNegative);
  options.weight_decay = section.number("weight_decay", options.weight_decay, kNotNegative);
  return [=](optim::Schedule rate) { return optim::Adadelta(std::move(rate), options); };
}

MakeOptimizer read_rprop(const Section& section) {
  optim::RpropOptions options;
  options.shrink = section.number("shrink", options.shrink, kShare);
  options.grow = section.number("grow", options.grow, {.low = 1});
  options.smallest_step = section.number("smallest_step", options.smallest_step, kNotNegative);
  options.largest_step = section.number("largest_step", options.largest_step, kNotNegative);
  return [=](optim::Schedule rate) { return optim::Rprop(std::move(rate), options); };
}

struct OptimizerKind {
  const char* name;
  double learning_rate;
  MakeOptimizer (*read)(const Section& section);
};
constexpr OptimizerKind kOptimizers[] = {
    {"sgd", 1e-2, read_sgd},
    {"adam", 1e-3, read_adaptive<optim::Adam, optim::AdamOptions>},
    {"adamw", 1e-3, read_adaptive<optim::AdamW, optim::AdamWOptions>},
    {"adamax", 1e-3, read_adaptive<optim::Adamax, optim::AdamaxOptions>},
    {"nadam", 1e-3, read_adaptive<optim::Nadam, optim::NadamOptions>},
    {"radam", 1e-3, read_adaptive<optim::RAdam, optim::RAdamOptions>},
    {"rmsprop", 1e-3, read_rmsprop},
    {"adagrad", 1e-3, read_adagrad},
    {"adadelta", 1.0, read_adadelta},
    {"rprop", 1e-2, read_rprop},
};

}  // namespace

std::function<optim::Optimizer(const RunLength&)> read_optimizer(const Section& optimizer, const Section& schedule) {
  std::vector<std::string> names;
  for (const OptimizerKind& kind : kOptimizers) names.push_back(kind.name);
  const std::string chosen = optimizer.choice("name", names, "adam");
  double rate = 0;
  MakeOptimizer make;
  for (const OptimizerKind& kind : kOptimizers) {
    if (chosen != kind.name) continue;
    rate = optimizer.number("learning_rate", kind.learning_rate, kNotNegative);
    make = kind.read(optimizer);
  }
  optimizer.finish();
  const MakeSchedule make_schedule = read_schedule(schedule, rate);
  return [=](const RunLength& length) { return make(make_schedule(length)); };
}

}  // namespace gradus::cli
