// Outputs and targets of a classifier, read and checked: what all its scores are computed from. Not for users.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "gradus/metrics/options.hpp"

namespace gradus::metrics::detail {

/// How much each sample counts; empty: 1 each.
using Weights = std::span<const double>;
inline double weight_of(Weights weights, size_t i) { return weights.empty() ? 1.0 : weights[i]; }
double sum_of(Weights weights, size_t count);
/// Weights of so many samples.
struct WeightsOf {
  std::vector<double>& weights;
  size_t count;
};
/// Where one of the two has none, they are 1.
void append_weights(WeightsOf to, Weights others, size_t count);

/// Scores of one column from the largest down: samples of equal scores stand together.
struct Ranking {
  std::vector<int32_t> order{};   ///< positions of samples
  std::vector<int32_t> labels{};  ///< theirs, in that order
  std::vector<int32_t> ends{};    ///< behind the last of each run of equal scores
};
Ranking ranking_of(std::span<const double> scores);

struct ClassData {
  int64_t classes = 2;
  bool is_binary = true;   ///< one score a sample, that of class 1
  bool are_logits = true;  ///< scores are the logit of class 1, or logarithms of probabilities of the classes; else probabilities
  std::vector<int32_t> labels{}, predicted{};
  std::vector<double> scores{};  ///< (N,) or (N, classes); empty where nobody asked for them
  std::vector<double> weights{};
  std::vector<Ranking> rankings{};  ///< one a column of scores, after rank()

  size_t size() const { return labels.size(); }
  size_t columns() const { return is_binary ? 1 : static_cast<size_t>(classes); }
  double score(size_t i, size_t column) const { return scores[i * columns() + column]; }
  std::vector<double> column(size_t k) const;
  double probability(size_t i, int64_t k) const;
  /// Probabilities that are given are kept `edge` away from 0 and 1 for it.
  double log_probability(size_t i, int64_t k) const;
  double edge = 2.220446049250313e-16;

  std::vector<double> losses{}, squares{};  ///< what each sample gives to log loss and Brier score, after weigh()

  void rank();
  void weigh();
  /// Computed, whether or not weigh() was called.
  double log_loss(size_t i) const { return -log_probability(i, labels[i]); }
  double brier(size_t i) const;
  void append(const ClassData& other);
};

/// Whether scores are needed beside predicted classes.
enum class Reading : uint8_t { predictions, scores };
/// Throws, as `place`, for shapes that do not fit, labels that are none, NaN, probabilities that are none, weights that are none.
ClassData read_classes(std::string_view place, const Array& output, const Array& target, const ClassOptions& options, Reading reading);

/// `count` weights; throws for others. Empty where there are none.
std::vector<double> read_weights(std::string_view place, const Array& weights, int64_t count);
double sigmoid(double logit);
/// log(1 + e^x), without overflow.
double softplus(double x);

}  // namespace gradus::metrics::detail
