// The [optimizer] and [schedule] parts of recipes. Which there are, and which keys they have, they say themselves.
#include "gradus/cli/keys.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/optim/kinds.hpp"

namespace gradus::cli {

namespace {

struct Warmup {
  double warmup = 0;
  GRADUS_OPTIONS(warmup)
};
std::span<const FieldNote> Warmup::field_notes() {
  static constexpr FieldNote notes[] = {{"warmup", "epochs in which the rate first rises from 0", range::not_negative}};
  return notes;
}

optim::MakeSchedule read_schedule(const Section& section) {
  const optim::ScheduleKind& kind = section.choice("name", optim::schedule_kinds(), "constant");
  const double warmup = section.assigned(Warmup{}).warmup;
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
  const auto common = optimizer.assigned(optim::CommonOptions{.learning_rate = kind.learning_rate});
  const optim::MakeOptimizer make =
      optimizer.read_fields([&](const Datum::Table& given, FieldReading& reading, std::span<const std::string> known) {
        optim::MakeOptimizer made = kind.read(given, reading, known);
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

std::vector<KeyGroup> optimizer_keys() {
  std::vector<KeyGroup> groups{{"", "for every optimiser", described<optim::CommonOptions>()}};
  for (const optim::OptimizerKind& kind : optim::optimizer_kinds()) {
    groups.push_back({std::string(kind.name), concat(kind.text, "; learning_rate ", kind.learning_rate), kind.options()});
  }
  return groups;
}
std::vector<KeyGroup> schedule_keys() {
  std::vector<KeyGroup> groups{{"", "for every schedule", described<Warmup>()}};
  for (const optim::ScheduleKind& kind : optim::schedule_kinds())
    groups.push_back({std::string(kind.name), std::string(kind.text), kind.options()});
  return groups;
}

}  // namespace gradus::cli
