// Whether a call trains: dropout drops, batch norm takes the batch's statistics. It belongs to the call, not to the model.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gradus/graph/mode.hpp"
#include "gradus/graph/parts.hpp"
#include "gradus/ops/random.hpp"

namespace gradus::nn {

/// Calls of this thread are training calls while it lives. fit opens one around each step; evaluate, predict and plain calls are
/// inference, so no model has to be switched.
///
///   { nn::TrainingMode training; auto [value, grads] = value_and_grad<0>(objective)(model, x, y); }
class TrainingMode {
 public:
  /// On, or off within an outer one that is on.
  explicit TrainingMode(bool is_on = true);
  /// On, with dropout drawing from this key instead of the default generator: dropout number i of the scope from fold_in(key, i).
  explicit TrainingMode(const random::Key& dropout_key);
  ~TrainingMode();
  TrainingMode(const TrainingMode&) = delete;
  TrainingMode& operator=(const TrainingMode&) = delete;

  static bool is_on() { return is_training(); }
  /// The key of the next dropout in this thread.
  static random::Key next_dropout_key();

 private:
  uint64_t flags_before_;
  std::optional<random::Key> key_;
  int64_t drawn_ = 0;
  TrainingMode* outer_;
};

namespace detail {
/// What layers say that do something else in training: `layer` was called, in training or not.
///
/// Someone who writes the training loop by hand and forgets TrainingMode trains a model whose dropout never drops and whose statistics
/// never move, without an error. So a call outside of any TrainingMode, in a model that is being differentiated by its parameters, is
/// noted; and an optimiser that moves these parameters then warns, once a process, on standard error. nn::TrainingMode inference(false);
/// says that it is meant.
void note_call(const char* layer);
void warn_if_forgotten(const std::vector<Variable>& moved);
}  // namespace detail

}  // namespace gradus::nn
