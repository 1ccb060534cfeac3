// What an explanation explains: one number a row of what a model gives.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gradus/base/refuse.hpp"
#include "gradus/graph/array.hpp"

namespace gradus::explain {

/// A model as explanations call it: whatever takes one Array (N, ...) and gives one of (N, outputs), (N, 1) or (N,), each row by itself: an
/// nn::Layer, nn::Sequential or nn::Model, a module of one's own, a function, a lambda. It is only referred to, for the length of a call,
/// and called as inference: dropout does not drop, batch norm takes its running statistics.
///
///   explain::saliency([](const Array& rows) { return mean(rows, {1, 2, 3}); }, images).values   // (4, 28, 28, 1)
class Function {
 public:
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, Function> && std::is_class_v<std::remove_cvref_t<F>> &&
           std::is_invocable_r_v<Array, F&, const Array&>) Function(F&& model)  // NOLINT: implicit on purpose
      : model_(const_cast<void*>(static_cast<const void*>(std::addressof(model)))),
        call_([](const Function& self, const Array& x) -> Array { return (*static_cast<std::remove_reference_t<F>*>(self.model_))(x); }) {}
  /// Picks the one-argument function out of an overload set.
  Function(Array (*function)(const Array&))  // NOLINT: implicit on purpose
      : function_(function), call_([](const Function& self, const Array& x) { return self.function_(x); }) {}
  Array operator()(const Array& x) const { return call_(*this, x); }

 private:
  void* model_ = nullptr;
  Array (*function_)(const Array&) = nullptr;
  Array (*call_)(const Function& self, const Array& x);
};

/// In which units the explained number is: as the model gives it (logits, of which differences add up best); as the probability of the
/// class, softmax over the outputs or sigmoid of a single one; or as its logarithm.
enum class Scale { output, probability, log_probability };
std::span<const std::string_view> enum_names(Scale);

/// The type of `largest`.
struct Largest {};
/// Each row's own largest output, chosen once, at the rows that are explained.
inline constexpr Largest largest{};

/// Which number of a model's output is explained: an output's index, one for each row, each row's largest, or a function of one's own.
/// With one output, that is the one.
///
///   explain::Target one = 3;
///   explain::Target each = array({3, 1, 4});
///   explain::Target margin = [](const Array& output) { return output[{slice(), 0}] - output[{slice(), 1}]; };
class Target {
 public:
  Target() = default;
  Target(Largest) {}  // NOLINT: implicit on purpose
  template <core::Integer T>
  Target(T index) : has_index_(true), index_(static_cast<int64_t>(index)) {}  // NOLINT: implicit on purpose
  /// Integers (N,): of row n, output labels[n].
  Target(const Array& labels) : labels_(labels) {}  // NOLINT: implicit on purpose
  /// (N, outputs) to (N,) or (N, 1), each row by itself.
  template <std::invocable<const Array&> F>
  requires(!std::same_as<std::remove_cvref_t<F>, Target> && !std::same_as<std::remove_cvref_t<F>, Array> &&
           std::convertible_to<std::invoke_result_t<F&, const Array&>, Array>) Target(F&& function)
      : function_(std::forward<F>(function)) {}  // NOLINT: implicit on purpose
  template <::gradus::core::Text T>
  Target(const T&) {  // NOLINT: refused
    static_assert(::gradus::core::never<T>, "a target is the index of an output, not a class name");
  }

  bool has_index() const { return has_index_; }
  int64_t index() const { return index_; }
  const Array& labels() const { return labels_; }
  const std::function<Array(const Array&)>& function() const { return function_; }

 private:
  bool has_index_ = false;
  int64_t index_ = 0;
  Array labels_{};
  std::function<Array(const Array&)> function_{};
};

/// How much each number of the input counts for the explained one.
struct Attribution {
  Array values{};                 ///< of x's shape
  Array output{};                 ///< (N,) float64: the explained number at x
  std::vector<int64_t> labels{};  ///< which output it is, one a row; empty where the target is a function
};

}  // namespace gradus::explain
