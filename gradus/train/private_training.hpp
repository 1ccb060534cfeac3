// The steps of a private run: which samples, their clipped gradients, the noise. Not for users; see privacy.hpp.
#pragma once

#include <vector>

#include "gradus/train/fit.hpp"
#include "gradus/train/privacy.hpp"
#include "gradus/train/run_state.hpp"

namespace gradus::train::detail {

/// One private run. Draws depend on its seed and the number of the step only, so that a run that goes on repeats them.
class PrivateTraining {
 public:
  /// Checks the options for this set, and finds the noise for target_epsilon.
  PrivateTraining(const FitOptions& options, const data::Dataset& set);

  /// Throws for variables that hold statistics of batches, and decides how many samples' gradients are made at once.
  void begin(const std::vector<Variable>& variables);
  /// The positions of the samples of a step, each drawn with the sampling rate; in order.
  std::vector<int64_t> sample(int64_t step) const;

  /// These samples, and copies of the first behind them so that batches of micro_batch() have few sizes: each makes plans of its own.
  data::Dataset drawn(std::vector<int64_t> positions) const;
  int64_t micro_batch() const { return micro_batch_; }

  /// The sum of the clipped gradients of a batch's first `count` samples, and the means of what is measured.
  std::pair<Measured, Gradients> differentiate(Task& task, const data::Batch& batch, int64_t count) const;
  /// The noisy gradient of step `step`, of the sum over all its samples; without one, of noise alone.
  Gradients noisy(const Gradients& sums, const std::vector<Variable>& variables, int64_t step) const;

  /// Counts a step that was made.
  void note_step();
  double epsilon() const { return accountant_.epsilon(delta_); }
  PrivacyReport report() const;
  /// What runs must agree in to be the same, for checkpoints.
  std::string text() const;
  PrivateState state() const { return {accountant_.parts(), seed_}; }
  void go_on(const PrivateState& state, int64_t steps);

 private:
  const data::Dataset& set_;
  double noise_multiplier_, clip_norm_, delta_, sampling_rate_, expected_size_;
  int64_t micro_batch_, seed_, steps_ = 0;
  bool has_secret_seed_;
  PrivacyAccountant accountant_;
};

}  // namespace gradus::train::detail
