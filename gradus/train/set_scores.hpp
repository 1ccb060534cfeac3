// Scores of an epoch, or a set, that are no means of what batches give. Not for users.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/base/text.hpp"
#include "gradus/metrics/accumulator.hpp"
#include "gradus/train/fit.hpp"
#include "gradus/train/run_state.hpp"

namespace gradus::train::detail {

/// Takes up outputs and targets batch by batch. Those of a step that may still be undone are held until it is made.
class SetScores {
 public:
  void hold(const Measured& measured) {
    if (!measured.of_set.empty()) held_.push_back({measured.of_set, measured.output, measured.target});
  }
  void drop() { held_.clear(); }
  void take() {
    for (const Held& batch : std::exchange(held_, {})) {
      for (const metrics::Metric& metric : batch.of_set) score(metric).add(batch.output, batch.target);
    }
  }
  /// Each under its name behind `prefix`.
  void write(Logs& logs, std::string_view prefix = "") const {
    for (const metrics::Accumulator& score : scores_) logs.set(core::concat(prefix, score.name()), value_of(score, prefix));
  }
  std::vector<ScoreState> states() const {
    std::vector<ScoreState> all;
    for (const metrics::Accumulator& score : scores_) all.push_back({score.name(), score.state()});
    return all;
  }
  /// Those of an epoch that is gone on with.
  void go_on(const std::vector<ScoreState>& states) {
    for (const ScoreState& state : states) score(metrics::Metric::from_name(state.name)).set_state(state.numbers);
  }

 private:
  struct Held {
    std::vector<metrics::Metric> of_set;
    Array output, target;
  };
  // A score may be undefined of the validation set alone.
  static double value_of(const metrics::Accumulator& score, std::string_view prefix) {
    try {
      return score.value();
    } catch (const Error& error) {
      if (prefix.empty()) throw;
      throw Error(error).with_hint("these are the targets of the validation set");
    }
  }
  metrics::Accumulator& score(const metrics::Metric& metric) {
    for (metrics::Accumulator& score : scores_) {
      if (score.name() == metric.name()) return score;
    }
    return scores_.emplace_back(metric.accumulator());
  }

  std::vector<metrics::Accumulator> scores_;
  std::vector<Held> held_;
};

}  // namespace gradus::train::detail
