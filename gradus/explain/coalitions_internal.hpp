// The worth of sets of features, shared by all ways to Shapley values. Not for users.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gradus/explain/explained_internal.hpp"
#include "gradus/explain/features.hpp"

namespace gradus::explain::detail {

/// Rows of which some features come from x and the others from the background.
class Coalitions {
 public:
  Coalitions(const Explained& explained, const Array& x, const Array& background, std::vector<Feature> features);

  int64_t features() const { return static_cast<int64_t>(features_.size()); }
  int64_t background_rows() const { return background_.shape(0); }
  std::vector<std::string> names() const;

  /// The explained number for row `row` of x at points 0 .. count-1, each a set of features and a background row: fill(point, is_known)
  /// writes which of its features are x's, one byte each, and returns the number of its background row.
  using Fill = core::FunctionRef<int64_t(int64_t point, uint8_t* is_known)>;
  std::vector<double> values(int64_t row, int64_t count, Fill fill) const;
  /// Worth of `count` sets: means over the background.
  using FillSet = core::FunctionRef<void(int64_t set, uint8_t* is_known)>;
  std::vector<double> worths(int64_t row, int64_t count, FillSet fill) const;

  int64_t evaluations() const { return evaluations_; }

 private:
  const Explained& explained_;
  Shape sample_;
  Array x_, background_;  // (rows, columns)
  std::vector<Feature> features_;
  mutable int64_t evaluations_ = 0;
};

}  // namespace gradus::explain::detail
