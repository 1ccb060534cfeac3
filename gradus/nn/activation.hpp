// The argument that says which function follows a layer; also a layer of its own.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "gradus/base/refuse.hpp"
#include "gradus/graph/array.hpp"

namespace gradus {
class PartVisitor;
}

namespace gradus::nn {

class FieldVisitor;

/// An element-wise function (or softmax) after a layer: relu, tanh, gelu, a lambda; by default none. In Sequential a layer of its own:
/// nn::Activation(softmax).
///
/// The library's functions are saved in model files by name; a lambda works everywhere but there.
class Activation {
 public:
  Activation() = default;
  /// Picks the one-argument function out of an overload set: nn::Dense(64, tanh).
  Activation(Array (*function)(const Array&));  // NOLINT: implicit on purpose
  template <std::invocable<const Array&> F>
  requires(!std::same_as<std::remove_cvref_t<F>, Activation> && std::convertible_to<std::invoke_result_t<F&, const Array&>, Array>)
      Activation(F&& function)
      : function_(std::forward<F>(function)), name_("custom") {}  // NOLINT: implicit on purpose
  Activation(int) = delete;
  Activation(std::nullptr_t) = delete;
  template <::gradus::detail::Text T>
  Activation(const T&) {  // NOLINT: refused
    static_assert(::gradus::detail::never<T>, "an activation is a function, relu without quotes; nn::Activation::from_name takes a name");
  }

  Array forward(const Array& x) const { return function_ ? function_(x) : x; }
  Array operator()(const Array& x) const { return forward(x); }
  /// "relu"; "linear" for none; "custom" for a function that the library does not know.
  const std::string& name() const { return name_; }
  bool is_linear() const { return !function_; }
  /// The library's function of that name; throws for an unknown one, naming the nearest.
  static Activation from_name(std::string_view name);

  // It is a module without parameters; its one field is the function's name.
  void visit_parts(PartVisitor& visitor, const std::string& path) const;
  void visit_fields(FieldVisitor& visitor);

 private:
  std::function<Array(const Array&)> function_;
  std::string name_ = "linear";
};

}  // namespace gradus::nn
