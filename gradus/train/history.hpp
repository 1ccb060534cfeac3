// What training tells: numbers by name, epoch by epoch, and observers that hear of them while it runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gradus/base/datum.hpp"
#include "gradus/train/finding.hpp"
#include "gradus/train/precision.hpp"
#include "gradus/train/privacy.hpp"

namespace gradus::train {

/// Named numbers in a fixed order: loss, the metrics, then the same of the validation set with "val_" before the name.
class Logs {
 public:
  using Entry = std::pair<std::string, double>;

  /// The number of that name; throws for an unknown one, naming the nearest.
  double operator[](std::string_view name) const;
  bool contains(std::string_view name) const;
  /// Replaces the number of that name, or appends it.
  void set(std::string_view name, double value);
  size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  std::vector<Entry> entries_;
};
/// Whether a number of this name is the better the larger it is, as far as names tell: a word of it, of "val_F1_macro" say, is accuracy,
/// top, f1, auc, r2 or the like. Of all others less is better.
bool is_gain(std::string name);
/// "loss 0.3121, accuracy 0.8912"
std::string to_text(const Logs& logs);

/// One pass over the training set.
struct Epoch {
  int64_t number = 1;  ///< 1 is the first
  Logs logs{};
  double learning_rate = 0;  ///< in force at its end
  double seconds = 0;        ///< training alone, without validation
  double examples_per_second = 0;
  int64_t steps = 0;  ///< steps made since the start of fit
};

/// What fit returns: the epochs that it finished, and how it ended.
struct History {
  std::vector<Epoch> epochs{};
  bool is_interrupted = false;    ///< a signal or a callback stopped it: the model is as of the last finished step
  bool is_stopped_early = false;  ///< no progress for `patience` epochs
  int64_t best_epoch = 0;         ///< whose parameters the model has, if `restore_best` put them back; else 0
  int64_t steps = 0;
  double seconds = 0;                      ///< all of fit
  std::optional<PrivacyReport> privacy{};  ///< of a private run; its epochs log "epsilon"
  std::vector<Finding> findings{};         ///< of the doctor, see FitOptions::doctor; not in checkpoints

  /// The last epoch's number of that name; throws for an unknown one, and where no epoch was finished.
  double last(std::string_view name) const;
  /// All epochs' numbers of that name, NaN where an epoch has none.
  std::vector<double> series(std::string_view name) const;
};
/// Header and one line an epoch: epoch,steps,learning_rate,seconds,loss,...
std::string to_csv(const History& history);

/// What is fixed when training begins.
struct Run {
  int64_t epochs = 0, steps_per_epoch = 0, examples = 0, batch_size = 0;
  History so_far{};  ///< of a run that is resumed: what was there before
  Precision precision = Precision::float32;
  std::string privacy{};  ///< of a private run: its noise and what it is for
};
/// What is known after a step; `logs` are the means over the epoch so far.
struct Progress {
  int64_t epoch = 1;  ///< 1 is the first
  int64_t step = 0;   ///< finished steps of this epoch
  int64_t steps_per_epoch = 0;
  double seconds = 0;  ///< since the epoch began
  double examples_per_second = 0;
  const Logs& logs;
  double seconds_left = -1;  ///< of all of fit, as the steps and validations so far foretell it; -1: not known yet
  int64_t peak_bytes = 0;    ///< the most that arrays have taken so far: after the second step, what the rest will take
};

/// Hears of a training run. Called in the thread that called fit.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_begin(const Run& /*run*/) {}
  /// After each step. Return true to stop training.
  virtual bool on_step(const Progress& /*progress*/) { return false; }
  /// After each epoch and its validation. Return true to stop training.
  virtual bool on_epoch(const Epoch& /*epoch*/) { return false; }
  virtual void on_end(const History& /*history*/) {}

  /// What it knows, for checkpoints; and back, before on_begin, when a run is resumed.
  virtual core::Datum::Table state() const { return {}; }
  virtual void set_state(const core::Datum::Table& /*state*/) {}
};

}  // namespace gradus::train
