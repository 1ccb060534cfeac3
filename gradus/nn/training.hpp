// Whether a call trains: dropout drops, batch norm takes the batch's statistics. It belongs to the call, not to the model.
#pragma once

#include <cstdint>
#include <optional>

#include "gradus/graph/mode.hpp"
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

}  // namespace gradus::nn
