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
  optim::CommonOptions common{.learning_rate = kind.learning_rate};
  const optim::MakeOptimizer make =
      optimizer.read_fields([&](const Datum::Table& given, FieldReading& reading, std::span<const std::string> known) {
        std::vector<std::string> others(known.begin(), known.end());
        for (const FieldRow& row : fields_of(common)) others.push_back(row.name);
        optim::MakeOptimizer made = kind.read(given, reading, others);
        assign_fields(fields_of(common), &common, given, reading, known);
        if (!common.groups.empty()) made(0.0).with_groups(common.groups);  // checks what it does not take
        return made;
      });
  const optim::MakeSchedule make_schedule = read_schedule(schedule);
  return [=](const optim::RunLength& length) {
    optim::Optimizer made = make(make_schedule(common.learning_rate, length));
    std::vector<optim::ParameterGroup> groups = common.groups;
    for (optim::ParameterGroup& group : groups) {
      if (group.learning_rate) group.learning_rate = make_schedule((*group.learning_rate)(0), length);
    }
    return groups.empty() ? made : made.with_groups(std::move(groups));
  };
}

}  // namespace gradus::cli
