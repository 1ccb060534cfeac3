// Metrics: (output, target) to one number that is watched over a data set but not differentiated.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/base/refuse.hpp"
#include "gradus/graph/array.hpp"
#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

// Outputs are logits (what losses take). Each returns the mean over the examples, of rank 0.

/// Share of examples that are classified rightly, by the shapes:
///     output (..., classes), target integers (...) or (..., 1)   the largest logit is the label
///     output (..., classes), target (..., classes)               the largest logit is where the target is largest
///     output (N,) or (..., 1), target of that size                binary: logit > 0 is class 1; the target is at least 0.5 for class 1
Array accuracy(const Array& output, const Array& target);
/// Each element by itself: logit > 0 against target >= 0.5; for several labels an example. Output and target have the same size.
Array binary_accuracy(const Array& output, const Array& target);
Array mean_absolute_error(const Array& output, const Array& target);
Array mean_squared_error(const Array& output, const Array& target);

/// Share of the tokens that are predicted rightly, of those whose label is not -100: output (..., classes) logits, target integers (...).
/// 0 where no label counts. Over batches fit and evaluate weigh it by the tokens that count.
Array token_accuracy(const Array& output, const Array& target);
/// e^loss of a mean cross-entropy in nats a token, as fit and evaluate give it: as many equally likely tokens would be as hard to guess.
double perplexity(double mean_loss);

struct MetricKind;
class Accumulator;

/// Scores of whole sets, such as metrics::f1 and metrics::r2.
using ClassScore = double (*)(const Array& output, const Array& target, const ClassOptions& options);
using NumberScore = double (*)(const Array& output, const Array& target, const NumberOptions& options);

/// What fit and evaluate measure beside the loss: one of the means above, a score of a whole set, or a function of one's own with a name:
///   .metrics = {metrics::accuracy, metrics::f1, {"bias", [](auto& o, auto& y) { return mean(o - y); }}}
/// Means are taken over the batches. Scores of sets are exact, whatever the batches; over a training epoch they are of the outputs as each
/// batch was learnt, and are told when it ends.
class Metric {
 public:
  Metric(Array (*function)(const Array&, const Array&));  // NOLINT: implicit on purpose
  /// A score of a set, of the library's only: classification.hpp, curves.hpp, regression.hpp. Labels of -100 do not count.
  Metric(ClassScore score);   // NOLINT: the same
  Metric(NumberScore score);  // NOLINT: the same
  /// `divisor` gives what the mean that `function` gives divides by, where that is not the examples.
  Metric(std::string name, std::function<Array(const Array&, const Array&)> function,
         std::function<Array(const Array&, const Array&)> divisor = {})
      : name_(std::move(name)), function_(std::move(function)), divisor_(std::move(divisor)) {}
  Metric(int) = delete;
  Metric(std::nullptr_t) = delete;
  template <::gradus::core::Text T>
  Metric(const T&) {  // NOLINT: refused
    static_assert(::gradus::core::never<T>,
                  "a metric is a function: metrics::accuracy, not its name; metrics::Metric::from_name takes a name");
  }

  /// Of a batch; of a score of a set, of that set, evaluated.
  Array operator()(const Array& output, const Array& target) const { return function_(output, target); }
  /// What the mean divides by, by which means of batches are weighed, of rank 0; an empty Array where that is the examples.
  Array divisor(const Array& output, const Array& target) const;
  /// "accuracy"; "metric" for a function that the library does not know.
  const std::string& name() const { return name_; }
  /// The library's metric of that name ("top_5" for top_k(5), "f1_macro" for f1 averaged so); throws for an unknown one, naming the
  /// nearest.
  static Metric from_name(std::string_view name);
  /// Null for one that is not the library's.
  const MetricKind* kind() const { return kind_; }
  /// Whether it is a score of a whole set, no mean over batches.
  bool is_of_set() const;
  /// Of a score of a set: what takes it up batch by batch. Throws for others.
  Accumulator accumulator() const;

 private:
  friend Metric top_k(int64_t k);
  Metric(std::string_view name, const MetricKind& kind);
  std::string name_ = "metric";
  std::function<Array(const Array&, const Array&)> function_, divisor_;
  const MetricKind* kind_ = nullptr;
};

/// Share of examples whose label is among the k largest logits; output (..., classes), target integers (...). Of equal logits the first
/// counts as the larger; a label that is none of the classes, or whose logit is NaN, is not among them. Named "top_k" with k's value.
Metric top_k(int64_t k);

}  // namespace gradus::metrics
