// The argument that says which function follows a layer; also a layer of its own.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>

#include "gradus/base/datum.hpp"
#include "gradus/base/refuse.hpp"
#include "gradus/graph/array.hpp"
#include "gradus/graph/members.hpp"
#include "gradus/ops/activation.hpp"

namespace gradus::core {
class PartVisitor;
}

namespace gradus::nn {

/// An element-wise function (or softmax) after a layer: relu, tanh, gelu, a lambda; by default none. In Sequential a layer of its own:
/// nn::Activation(softmax).
///
/// The library's functions are saved in model files by name, those of nn::activation with their parameters; a lambda works everywhere but
/// there.
class Activation {
 public:
  Activation() = default;
  /// Picks the one-argument function out of an overload set: nn::Dense(64, tanh).
  Activation(Array (*function)(const Array&));  // NOLINT: implicit on purpose
  template <std::invocable<const Array&> F>
  requires(!std::same_as<std::remove_cvref_t<F>, Activation> && std::convertible_to<std::invoke_result_t<F&, const Array&>, Array>)
      Activation(F&& function)
      : function_(std::forward<F>(function)), name_("custom") {}  // NOLINT: implicit on purpose
  /// One of the library with parameters, as nn::activation makes it.
  Activation(std::string name, core::Datum::Table parameters, std::function<Array(const Array&)> function)
      : function_(std::move(function)), name_(std::move(name)), parameters_(std::move(parameters)) {}
  Activation(int) = delete;
  Activation(std::nullptr_t) = delete;
  template <::gradus::core::Text T>
  Activation(const T&) {  // NOLINT: refused
    static_assert(::gradus::core::never<T>, "an activation is a function, relu without quotes; nn::Activation::from_name takes a name");
  }

  Array forward(const Array& x) const { return function_ ? function_(x) : x; }
  Array operator()(const Array& x) const { return forward(x); }
  /// "relu"; "linear" for none; "custom" for a function that the library does not know.
  const std::string& name() const { return name_; }
  /// What is not at its default: {{"slope", 0.2}}.
  const core::Datum::Table& parameters() const { return parameters_; }
  bool is_linear() const { return !function_; }
  /// The library's function of that name; throws for an unknown one, naming the nearest.
  static Activation from_name(std::string_view name);

  // It is a module without parameters; its one field is the function.
  void visit_parts(core::PartVisitor& visitor, const std::string& path) const;
  static constexpr std::string_view field_names = "function";
  auto tied_fields() const { return core::members(*this); }

 private:
  std::function<Array(const Array&)> function_;
  std::string name_ = "linear";
  core::Datum::Table parameters_;
};

/// Functions with parameters, for layers: nn::Dense(64, nn::activation::leaky_relu(0.2)). What they compute stands in ops/activation.hpp.
namespace activation {

/// The functions of these names, element by element. alpha and beta are above 0, the bounds of the shrinks not negative; else they throw.
Activation leaky_relu(double slope = 0.01);
Activation elu(double alpha = 1.0);
Activation celu(double alpha = 1.0);
Activation gelu(GeluForm form = GeluForm::exact);
Activation softplus(double beta = 1.0, double threshold = 20.0);
Activation hardtanh(double low = -1.0, double high = 1.0);
Activation hardshrink(double bound = 0.5);
Activation softshrink(double bound = 0.5);
Activation threshold(double bound, double value);
/// Over one axis.
Activation softmax(int64_t axis = -1);
Activation log_softmax(int64_t axis = -1);

}  // namespace activation

}  // namespace gradus::nn
