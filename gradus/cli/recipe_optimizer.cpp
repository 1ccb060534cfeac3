// The [optimizer] and [schedule] parts of recipes. Which there are, and which keys they have, they say themselves.
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/optim/kinds.hpp"

namespace gradus::cli {

namespace {

optim::MakeSchedule read_schedule(const Section& section) {
  const optim::ScheduleKind& kind = section.choice("name", optim::schedule_kinds(), "constant");
  const double warmup = section.number("warmup", 0, range::not_negative);
  const optim::MakeSchedule make = section.read_fields(kind.read);
  if (warmup == 0) return make;
  return [make, warmup, fills_run = kind.fills_run](double rate, const optim::RunLength& length) {
    const int64_t steps = std::min(length.steps_of(warmup), length.steps() - 1);
    if (steps < 1) return make(rate, length);
    const optim::RunLength rest{.epochs = 1, .steps_per_epoch = length.steps() - steps};
    return optim::warmup(steps, make(rate, fills_run ? rest : length));
  };
}

}  // namespace

std::function<optim::Optimizer(const optim::RunLength&)> read_optimizer(const Section& optimizer, const Section& schedule) {
  const optim::OptimizerKind& kind = optimizer.choice("name", optim::optimizer_kinds(), "adam");
  const double rate = optimizer.number("learning_rate", kind.learning_rate, range::not_negative);
  const optim::MakeOptimizer make = optimizer.read_fields(kind.read);
  const optim::MakeSchedule make_schedule = read_schedule(schedule);
  return [=](const optim::RunLength& length) { return make(make_schedule(rate, length)); };
}

}  // namespace gradus::cli
