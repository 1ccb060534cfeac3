// The likelihood of classes under a linear model: value, gradient, Hessian. Private to models/.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "gradus/models/linear_data.hpp"

namespace gradus::models::detail {

/// -sum_i weight_i log p_i(y_i) of rows [1, x_i] (without intercept x_i) times w (P, K): K = 1, the logit of class 1 of two, or K classes.
class LogisticProblem {
 public:
  LogisticProblem(std::string_view op, const Array& x, const Array& y, const LogisticOptions& options, bool is_softmax);

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }  ///< P, with the intercept's, which is the first
  int64_t outputs() const { return outputs_; }  ///< K
  int64_t classes() const { return classes_; }
  int64_t size() const { return columns_ * outputs_; }
  bool has_intercept() const { return has_intercept_; }
  double total_weight() const { return total_weight_; }
  int64_t counted_rows() const { return counted_rows_; }
  const Array& design() const { return design_; }  ///< (N, P)
  /// The root of the mean square of a column of it; 1 of zeros.
  double scale(int64_t column) const { return scales_[static_cast<size_t>(column)]; }
  std::span<const int64_t> labels() const { return labels_; }
  std::span<const double> weights() const { return weights_; }

  /// design w, (N, K); the loss there; and design' (p - y) weighted, (P, K).
  std::vector<double> logits(std::span<const double> w) const;
  double loss(std::span<const double> logits) const;
  std::vector<double> gradient(std::span<const double> logits) const;
  /// The second derivatives by the numbers of w at `chosen` (ascending), (chosen, chosen).
  std::vector<double> hessian(std::span<const double> logits, std::span<const int64_t> chosen) const;
  /// Of each row how far the logit of its class is above the others' largest: where all are above 0, a plane separates the classes.
  std::vector<double> margins(std::span<const double> logits) const;

 private:
  int64_t rows_ = 0, columns_ = 0, outputs_ = 0, classes_ = 0, counted_rows_ = 0;
  bool has_intercept_ = true;
  double total_weight_ = 0;
  Array design_{}, transposed_{};
  std::vector<int64_t> labels_{};
  std::vector<double> weights_{}, scales_{};
};

}  // namespace gradus::models::detail
