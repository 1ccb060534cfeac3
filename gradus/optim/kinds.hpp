// Optimisers and schedules by name, with their options as fields: for recipes, files and the reference of keys. Not for users.
#pragma once

#include <functional>

#include "gradus/base/named.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/optim/optimizer.hpp"

namespace gradus::optim {

using MakeOptimizer = std::function<Optimizer(Schedule)>;
struct OptimizerKind {
  std::string_view name{}, text{};
  double learning_rate = 0;  ///< where none is given
  Described (*options)() = nullptr;
  /// Reads the options; `others` are keys that the caller has read.
  MakeOptimizer (*read)(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others) = nullptr;
};
const Named<OptimizerKind>& optimizer_kinds();

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
  Described (*options)() = nullptr;
  MakeSchedule (*read)(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others) = nullptr;
};
const Named<ScheduleKind>& schedule_kinds();

}  // namespace gradus::optim
