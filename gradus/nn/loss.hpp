// Losses: (output, target) to one number. Those on classes take logits (no softmax or sigmoid before them), stable by construction.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gradus/base/refuse.hpp"
#include "gradus/graph/array.hpp"
#include "gradus/graph/field_names.hpp"

namespace gradus::loss {

/// What becomes of the losses of the single elements or examples.
enum class Reduction { mean, sum, none };
std::span<const std::string_view> enum_names(Reduction);

/// Every loss takes (output, target), in that order (Keras has the reverse), and without options returns the mean, of rank 0.
/// Output and target must have the same shape unless said otherwise.
struct LossOptions {
  Reduction reduction = Reduction::mean;
  GRADUS_OPTIONS(reduction)
};

/// (output - target)^2, of each element.
///
///   loss::mean_squared_error(array({1.0, 3.0}), array({1.0, 1.0}))   // 2.0
Array mean_squared_error(const Array& output, const Array& target);
Array mean_squared_error(const Array& output, const Array& target, LossOptions options);
/// |output - target|
Array mean_absolute_error(const Array& output, const Array& target);
Array mean_absolute_error(const Array& output, const Array& target, LossOptions options);

/// Options of huber. delta is above 0.
struct HuberOptions {
  double delta = 1.0;
  Reduction reduction = Reduction::mean;
  GRADUS_OPTIONS(delta, reduction)
};
/// e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2), with e = output - target (Huber 1964).
Array huber(const Array& output, const Array& target);
Array huber(const Array& output, const Array& target, HuberOptions options);
/// log(cosh(output - target))
Array log_cosh(const Array& output, const Array& target);
Array log_cosh(const Array& output, const Array& target, LossOptions options);

/// Options of binary_crossentropy. label_smoothing is at least 0 and below 1.
struct BinaryCrossentropyOptions {
  double label_smoothing = 0.0;  ///< targets move to target (1 - s) + s / 2
  Reduction reduction = Reduction::mean;
  GRADUS_OPTIONS(label_smoothing, reduction)
};
/// -t log p - (1 - t) log(1 - p) with p = sigmoid(output); targets between 0 and 1 (or bool).
Array binary_crossentropy(const Array& output, const Array& target);
Array binary_crossentropy(const Array& output, const Array& target, BinaryCrossentropyOptions options);

/// Options of categorical_crossentropy and sparse_categorical_crossentropy. label_smoothing is at least 0 and below 1.
struct CrossentropyOptions {
  double label_smoothing = 0.0;           ///< targets move to target (1 - s) + s / classes
  Array class_weights{};                  ///< (classes,): the weight of each class; the mean divides by the weights of the labels
  std::optional<int64_t> ignore_label = -100;  ///< examples with this label count for nothing (sparse only); {}: every label counts
  Reduction reduction = Reduction::mean;
  GRADUS_OPTIONS(label_smoothing, class_weights, ignore_label, reduction)
};
/// -sum_k t_k log p_k with p = softmax of output's last axis; target: probabilities, or one-hot. One value an example.
Array categorical_crossentropy(const Array& output, const Array& target);
Array categorical_crossentropy(const Array& output, const Array& target, CrossentropyOptions options);
/// -log p_label; output (..., classes), target integers of shape (...) or (..., 1) in [0, classes).
Array sparse_categorical_crossentropy(const Array& output, const Array& target);
Array sparse_categorical_crossentropy(const Array& output, const Array& target, CrossentropyOptions options);

/// sum_k t_k (log t_k - log p_k), the Kullback-Leibler divergence of target from p = softmax of output's last axis; one value an example.
Array kl_divergence(const Array& output, const Array& target);
Array kl_divergence(const Array& output, const Array& target, LossOptions options);
/// max(0, 1 - t output), with targets -1 and 1; and its square.
Array hinge(const Array& output, const Array& target);
Array hinge(const Array& output, const Array& target, LossOptions options);
Array squared_hinge(const Array& output, const Array& target);
Array squared_hinge(const Array& output, const Array& target, LossOptions options);
/// exp(output) - t output: the Poisson likelihood of counts, output being the logarithm of the rate.
Array poisson(const Array& output, const Array& target);
Array poisson(const Array& output, const Array& target, LossOptions options);

/// Options of ctc.
struct CtcLossOptions {
  Array input_lengths{};   ///< (N,), integers: the steps of each example; empty: all
  Array target_lengths{};  ///< (N,), integers: the labels of each example; empty: those before the first that is below 0
  int64_t blank = 0;       ///< the class that stands for no label
  bool zero_infinity = false;  ///< the loss is 0, not infinity, where no alignment fits
  Reduction reduction = Reduction::mean;
};
/// -log of the probability of a label sequence whose alignment is not known (connectionist temporal classification); output (N, T, classes)
/// logits, target (N, S) integers, short ones padded with -1. One value an example; the mean is that of each loss over its number of labels
/// (at least 1), as PyTorch's. See ctc_loss in ops/ctc.hpp, and docs/ctc.md.
///
///   loss::ctc(zeros({2, 3, 4}), array({{1, 2}, {3, -1}}))
Array ctc(const Array& output, const Array& target);
Array ctc(const Array& output, const Array& target, CtcLossOptions options);

/// Any of these, or a function of one's own: .loss = loss::mean_squared_error, or a lambda (output, target) -> Array of rank 0.
class Loss {
 public:
  Loss() = default;
  Loss(Array (*function)(const Array&, const Array&));  // NOLINT: implicit on purpose
  template <std::invocable<const Array&, const Array&> F>
  requires(!std::same_as<std::remove_cvref_t<F>, Loss> && std::convertible_to<std::invoke_result_t<F&, const Array&, const Array&>, Array>)
      Loss(F&& function)
      : function_(std::forward<F>(function)), name_("custom") {}  // NOLINT: implicit on purpose
  Loss(int) = delete;
  Loss(std::nullptr_t) = delete;
  using Function = std::function<Array(const Array& output, const Array& target)>;
  using Weighted = std::function<Array(const Array& output, const Array& target, const Array& weights)>;
  /// One with a name of its own, for messages and reports; and what it is where examples have weights, (N,), if it takes any.
  Loss(std::string name, Function function, Weighted weighted = {})
      : function_(std::move(function)), weighted_(std::move(weighted)), name_(std::move(name)) {}
  template <::gradus::core::Text T>
  Loss(const T&) {  // NOLINT: refused
    static_assert(::gradus::core::never<T>,
                  "a loss is a function: loss::mean_squared_error, not its name; loss::Loss::from_name takes a name");
  }

  Array operator()(const Array& output, const Array& target) const;
  /// The same where the examples have weights, (N,), N the first size of output. With l the losses of the single elements and n what their
  /// mean is divided by (how many there are; without those of an ignored label): sum(w l) / n, and sum(w l) for Reduction::sum.
  Array operator()(const Array& output, const Array& target, const Array& weights) const;
  /// What its mean divides by, of rank 0, where that is not the number of examples: labels to ignore do not count. Empty elsewhere.
  Array divisor(const Array& output, const Array& target) const { return divisor_ ? divisor_(output, target) : Array(); }
  /// Whether it is known to be a sum over the examples, not a mean.
  bool is_sum() const { return is_sum_; }
  /// Whether it can be called with weights: a loss of the library, or one that was made with a Weighted.
  bool takes_weights() const { return static_cast<bool>(weighted_); }
  bool exists() const { return static_cast<bool>(function_); }
  /// "mean_squared_error"; "custom" for a function that the library does not know.
  const std::string& name() const { return name_; }
  /// The library's loss of that name; throws for an unknown one, naming the nearest.
  static Loss from_name(std::string_view name);

 private:
  friend class LossReader;
  Function function_;
  Weighted weighted_;
  Function divisor_;
  bool is_sum_ = false;
  std::string name_;
};

}  // namespace gradus::loss
