// Outputs and targets read once for several scores, which are then computed for any weights of the samples. Not for users.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gradus/metrics/class_data.hpp"
#include "gradus/metrics/metric_kinds.hpp"
#include "gradus/metrics/number_data.hpp"

namespace gradus::metrics::detail {

class SetData {
 public:
  /// Throws for names of none, and what reading throws. Scores of classes and of numbers do not go together.
  SetData(std::string_view place, const std::vector<std::string>& names, const Array& output, const Array& target,
          const ClassOptions& options);

  size_t size() const { return is_of_classes_ ? classes_.size() : numbers_.size(); }
  bool is_of_classes() const { return is_of_classes_; }
  /// The samples' own weights; empty: all 1.
  Weights weights() const { return is_of_classes_ ? classes_.weights : numbers_.weights; }
  const ClassData& classes() const { return classes_; }
  const NumberData& numbers() const { return numbers_; }
  const std::vector<std::string>& names() const { return names_; }

  /// One a name; NaN where it is not defined.
  std::vector<double> values(Weights weights) const;
  /// Throws where a score is not defined of all samples.
  void check() const;
  /// The samples of one set, some exchanged for those of another.
  SetData mixed(const SetData& other, const std::vector<bool>& takes_other) const;

 private:
  void rank();

  std::string place_;
  std::vector<std::string> names_;
  std::vector<NamedAverage> kinds_;
  Averaging averaging_{};
  bool is_of_classes_ = true, needs_counts_ = false, needs_sums_ = false, needs_ranks_ = false, needs_moments_ = false, needs_logs_ = false;
  ClassData classes_;
  NumberData numbers_;
};

}  // namespace gradus::metrics::detail
