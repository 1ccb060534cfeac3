// Scores of sets that do not fit in memory at once: batch by batch, exactly.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/metrics/class_scores.hpp"
#include "gradus/metrics/number_data.hpp"
#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

struct MetricKind;

/// One score of a set from its batches: the number that the function of that name gives of all outputs and targets at once, up to rounding
/// of the last bits, however the set was cut. Scores of predicted classes keep counts, those of probabilities and numbers keep sums;
/// roc_auc, pr_auc, ece and median_absolute_error keep every output, 8 bytes a number.
///
/// name     one of recipes: "f1", "f1_macro", "roc_auc", "rmse", "accuracy" ... (docs/recipes.md); throws for others, naming the nearest
/// options  of scores of classes; `weights` are given with each batch
///
///   metrics::Accumulator f1("f1");
///   f1.add(array({2.0, -1.0}), array({1, 0}));
///   f1.add(array({2.0, 1.0}), array({1, 0}));
///   f1.value()   // 0.8
class Accumulator {
 public:
  explicit Accumulator(std::string_view name, const ClassOptions& options = {});

  /// Throws what the score's function throws; then nothing was added.
  void add(const Array& output, const Array& target, const Array& weights = {});
  /// Takes up what another one of the same name and options has been given.
  void merge(const Accumulator& other);
  /// NaN of nothing. Throws where it is not defined: roc_auc without a sample of each class.
  double value() const;
  /// Samples so far.
  int64_t count() const { return count_; }
  const std::string& name() const { return name_; }

  /// All that was added, as numbers, for files; and back into one of the same name and options. Throws for what state() has not given.
  std::vector<double> state() const;
  void set_state(std::span<const double> state);

 private:
  void take(const Accumulator& batch);

  std::string name_;
  const MetricKind* kind_;
  ClassOptions options_;
  int64_t count_ = 0;
  std::optional<ConfusionMatrix> counts_{};
  detail::ProbabilitySums sums_{};
  std::vector<detail::Moments> moments_{};
  detail::ClassData kept_classes_{};
  detail::NumberData kept_numbers_{};
};

}  // namespace gradus::metrics
