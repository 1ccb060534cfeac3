// Optimisers and schedules by name, with their options as fields: for recipes, files and the reference of keys. Not for users.
#pragma once

#include <functional>

#include "gradus/base/named.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/optim/optimizer.hpp"

namespace gradus::optim {

/// What every optimiser of a recipe has.
struct CommonOptions {
  double learning_rate = 0;  ///< each kind has a default of its own
  std::vector<ParameterGroup> groups{};
  GRADUS_OPTIONS(learning_rate, groups)
};

using MakeOptimizer = std::function<Optimizer(Schedule)>;
struct OptimizerKind {
  std::string_view name{}, text{};
  double learning_rate = 0;  ///< where none is given
  core::Described (*options)() = nullptr;
  /// Reads the options; `others` are keys that the caller has read.
  MakeOptimizer (*read)(const core::Datum::Table& given, core::FieldReading& reading, std::span<const std::string> others) = nullptr;
};
const core::Named<OptimizerKind>& optimizer_kinds();

/// How long training takes, known once the data is loaded: schedules of recipes are written in epochs.
struct RunLength {
  int64_t epochs = 1, steps_per_epoch = 1;
  int64_t steps() const { return epochs * steps_per_epoch; }
  /// Steps in that many epochs, rounded.
  int64_t steps_of(double count) const;
};
using MakeSchedule = std::function<Schedule(double rate, const RunLength&)>;
struct ScheduleKind {
  std::string_view name{}, text{};
  bool fills_run = false;  ///< it ends where the run ends: after a warm-up it is given what is left
  core::Described (*options)() = nullptr;
  MakeSchedule (*read)(const core::Datum::Table& given, core::FieldReading& reading, std::span<const std::string> others) = nullptr;
};
const core::Named<ScheduleKind>& schedule_kinds();

}  // namespace gradus::optim

namespace gradus::core {
/// A number: the same rate throughout.
template <>
struct FieldType<std::optional<optim::Schedule>> {
  static std::string expected(const FieldNote& note, const std::optional<optim::Schedule>&) {
    return FieldType<std::optional<double>>::expected(note, {});
  }
  static Datum write(const std::optional<optim::Schedule>& value, FieldWriting&) { return value ? Datum((*value)(0)) : Datum("none"); }
  static bool read(std::optional<optim::Schedule>& value, const Datum& given, const FieldNote& note, FieldReading& reading);
};
template <>
struct FieldType<std::vector<optim::ParameterGroup>> {
  static std::string expected(const FieldNote&, const std::vector<optim::ParameterGroup>&) { return "a list of tables"; }
  static Datum write(const std::vector<optim::ParameterGroup>& value, FieldWriting& writing);
  static bool read(std::vector<optim::ParameterGroup>& value, const Datum& given, const FieldNote& note, FieldReading& reading);
};
}  // namespace gradus::core
