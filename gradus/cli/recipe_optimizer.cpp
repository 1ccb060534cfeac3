// The [optimizer] and [schedule] parts of recipes. Which there are, and which keys they have, they say themselves.
#include "gradus/cli/keys.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/optim/kinds.hpp"

namespace gradus::cli {

namespace {

struct LearningRate {
  double learning_rate = 0;
  GRADUS_OPTIONS(learning_rate)
};
std::span<const FieldNote> LearningRate::field_notes() {
  static constexpr FieldNote notes[] = {
      {"learning_rate", "the length of a step; the default is that of each optimiser", range::not_negative}};
  return notes;
}
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
  const double rate = optimizer.assigned(LearningRate{kind.learning_rate}).learning_rate;
  const optim::MakeOptimizer make = optimizer.read_fields(kind.read);
  const optim::MakeSchedule make_schedule = read_schedule(schedule);
  return [=](const optim::RunLength& length) { return make(make_schedule(rate, length)); };
}

std::vector<KeyGroup> optimizer_keys() {
  std::vector<KeyGroup> groups{{"", "for every optimiser", described<LearningRate>()}};
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
