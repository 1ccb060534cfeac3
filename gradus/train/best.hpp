// What fit watches, and the best epoch by it. Not for users.
#pragma once

#include <string>
#include <vector>

#include "gradus/train/fit.hpp"
#include "gradus/train/run_state.hpp"

namespace gradus::train::detail {

/// The number that tells how training goes.
struct Monitor {
  std::string name;
  bool more_is_better;

  explicit Monitor(const FitOptions& options);
  /// Throws if the epoch does not report it.
  double of(const Epoch& epoch) const;
};

/// Remembers the best epoch by the monitored number.
class Best {
 public:
  Best(bool more_is_better, int64_t patience) : more_is_better_(more_is_better), patience_(patience) {}

  /// Notes an epoch; true if patience has run out.
  bool note(const Epoch& epoch, double value, const std::vector<Variable>& variables, bool keeps_values);
  int64_t epoch() const { return epoch_; }
  void save(RunState& state) const;
  void go_on(const RunState& state);
  void restore(const std::vector<Variable>& variables) const;

 private:
  bool more_is_better_;
  int64_t patience_, epoch_ = 0;
  double value_ = 0;
  std::vector<Array> values_;
};

}  // namespace gradus::train::detail
