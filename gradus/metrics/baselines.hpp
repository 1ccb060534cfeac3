// What needs no model: predictions to show beside every result.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::metrics {

/// Made of training targets, and features; a value that is copied as such. Outputs are float64. Those of classes are logits, (N, 1) for two
/// and (N, C) for more, so that every score takes them as it takes a model's.
class Baseline {
 public:
  const std::string& name() const { return name_; }
  /// Outputs of so many rows, or steps behind the training series; throws for one that needs features.
  Array outputs(int64_t rows) const;
  /// Outputs of features (N, F); of others that of so many rows.
  Array outputs(const Array& x) const;
  bool needs_features() const { return features_ > 0; }

 private:
  friend Baseline majority_baseline(const Array& target, int64_t classes);
  friend Baseline prior_baseline(const Array& target, int64_t classes);
  friend Baseline mean_baseline(const Array& target);
  friend Baseline median_baseline(const Array& target);
  friend Baseline last_value_baseline(const Array& target);
  friend Baseline seasonal_baseline(const Array& target, int64_t season);
  friend Baseline linear_baseline(const Array& x, const Array& target, double ridge);
  Baseline(std::string name, std::vector<double> rows, int64_t columns)
      : name_(std::move(name)), rows_(std::move(rows)), columns_(columns) {}

  std::string name_;
  std::vector<double> rows_;  // given in turn; linear: intercepts, then a row of coefficients a feature
  int64_t columns_ = 1, features_ = 0;
};

// Targets of classes are labels 0 to classes - 1, or one-hot rows.

/// The commonest class, always, the first of equally common ones: its probability is 1 - 2^-52.
///
///   metrics::majority_baseline(array({0, 1, 1}), 2).outputs(5)   // (5, 1)
Baseline majority_baseline(const Array& target, int64_t classes);
/// The shares of the classes as probabilities; a class without a target counts as half a sample.
Baseline prior_baseline(const Array& target, int64_t classes);

// Targets of numbers are (N,) or (N, K), finite; outputs are (rows, K), or (rows, 1).

/// Their mean: the best constant for squared errors.
Baseline mean_baseline(const Array& target);
/// Their median: the best constant for absolute errors.
Baseline median_baseline(const Array& target);
/// The last one, for all steps that follow.
Baseline last_value_baseline(const Array& target);
/// The last `season` ones over and over; throws unless there are as many.
///
///   metrics::seasonal_baseline(array({1.0, 2.0, 3.0}), 2).outputs(3)   // (3, 1)
Baseline seasonal_baseline(const Array& target, int64_t season);
/// Least squares on the features x (N, F), each standardised, with an intercept; `ridge` times N is added to the squares of each, so that
/// columns that follow from others do no harm. Constant features count nothing. F at most 4,096.
///
///   metrics::linear_baseline(array({{0.0}, {1.0}, {2.0}}), array({1.0, 3.0, 5.0})).outputs(array({{3.0}}))   // (1, 1)
Baseline linear_baseline(const Array& x, const Array& target, double ridge = 1e-8);

}  // namespace gradus::metrics
