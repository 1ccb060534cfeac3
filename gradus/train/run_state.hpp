// The state of a run, as checkpoints hold it.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "gradus/base/datum.hpp"
#include "gradus/graph/parts.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/optim/optimizer.hpp"
#include "gradus/train/checkpoint.hpp"
#include "gradus/train/history.hpp"

namespace gradus::train::detail {

using namespace core;

/// A number that batches give, on the way to its mean: means of batches times their weights, and the weights.
struct Total {
  std::string name{};
  double sum = 0, weight = 0;
};

/// What a private run goes on with.
struct PrivateState {
  std::vector<PrivateSteps> spent{};
  int64_t seed = 0;  ///< of batches and noise
};

/// A score of a set, on the way to its value: metrics::Accumulator::state.
struct ScoreState {
  std::string name{};
  std::vector<double> numbers{};
};

/// What fit knows between two steps.
struct RunState {
  int64_t epoch = 1, step = 0;       ///< the epoch in work, from 1, and how many of its steps are done
  std::vector<Total> totals{};       ///< of the epoch so far
  std::vector<ScoreState> scores{};  ///< the same
  double examples = 0;               ///< that it has had
  double seconds = 0;                ///< that it has taken
  History history{};
  int64_t best_epoch = 0;
  double best_value = 0;
  std::vector<Array> best{};  ///< of the variables, empty where there is none
  std::vector<Array> variables{};
  int64_t mean_steps = 0;      ///< steps of the running mean of the parameters
  std::vector<Array> means{};  ///< of the variables, empty where there is none
  optim::OptimizerState optimizer{};
  optim::Plateau::State plateau{};
  random::GeneratorState generator{};
  PrivateState privacy{};
  std::vector<Datum::Table> callbacks{};
};
/// What a checkpoint must agree with: {"batch_size", 32}, {"seed", 0} ...; and the variables, by path.
struct RunIdentity {
  Datum::Table facts{};
  std::vector<Variable> variables{};
};

/// Writes folder/step-N.checkpoint atomically, and removes all but the newest `keep`.
void save_checkpoint(const CheckpointOptions& options, const RunIdentity& run, const RunState& state);
/// The newest checkpoint of a folder, or the one that is named. Throws if there is none, if it is damaged, and if it is of another run.
RunState load_checkpoint(const std::string& path, const RunIdentity& run);

/// Renames those of a folder that are later than a step, so that a run that goes on from there does not take up what it has left behind.
void set_aside_later(const std::string& folder, int64_t step);

/// When the next one is due.
class CheckpointClock {
 public:
  explicit CheckpointClock(const CheckpointOptions& options) : options_(options) {}
  bool is_due(int64_t step) const;
  void note(int64_t step);

 private:
  using Clock = std::chrono::steady_clock;
  const CheckpointOptions& options_;
  int64_t last_step_ = 0;
  Clock::time_point last_ = Clock::now();
};

}  // namespace gradus::train::detail
