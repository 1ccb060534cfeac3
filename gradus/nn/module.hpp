// What can be asked of any module: build, freeze, find a parameter. Modules themselves: graph/parts.hpp; their calls: graph/call.hpp.
#pragma once

#include <exception>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/graph/call.hpp"
#include "gradus/graph/parameter.hpp"
#include "gradus/graph/parts.hpp"
#include "gradus/graph/path.hpp"

namespace gradus::nn {

using gradus::parameters;
using gradus::variables;

namespace detail {

struct InputSpec {
  Shape shape{};
  DType dtype = float32;
};

/// A call of a model that was recorded and not evaluated.
struct Recorded {
  std::vector<CallRow> rows;
  std::vector<Array> outputs;  ///< what the model returned, if it was one Array
};
/// Calls `model` with placeholders, which makes the parameters it still lacks; everything else is put back: other cells, and the default
/// generator but for the stream of initialisers.
Recorded record(const std::vector<InputSpec>& inputs, const std::function<Array(const std::vector<Array>&)>& model);

/// Calls a module with as many arrays as there are.
template <class M>
Array call_with(const M& module, const std::vector<Array>& inputs) {
  const auto with = [&]<size_t... I>(std::index_sequence<I...>)->Array {
    constexpr bool is_callable = requires { module.forward(inputs[I]...); };
    if constexpr (is_callable) {
      if constexpr (std::convertible_to<decltype(module.forward(inputs[I]...)), Array>) return call(module, inputs[I]...);
      else call(module, inputs[I]...);
      return Array();
    } else {
      core::fail("build", "the model was given ", sizeof...(I), " inputs, which its forward does not take");
    }
  };
  switch (inputs.size()) {
    case 1:
      return with(std::make_index_sequence<1>());
    case 2:
      return with(std::make_index_sequence<2>());
    case 3:
      return with(std::make_index_sequence<3>());
    case 4:
      return with(std::make_index_sequence<4>());
    default:
      core::fail("build", "the model was given ", inputs.size(), " inputs; build takes 1 to 4");
  }
}

}  // namespace detail

/// Makes the parameters of a model as a call with inputs of these shapes and dtypes would, without computing anything:
/// nn::build(m, {{{1, 8}, int64}, {{1, 4}}}).
template <class M>
void build(const M& model, const std::vector<detail::InputSpec>& inputs) {
  if constexpr (::gradus::core::must_be_module<M>()) {
    detail::record(inputs, [&](const std::vector<Array>& arrays) { return detail::call_with(model, arrays); });
  }
}
/// The same for a model of one input: nn::build(model, {1, 28, 28, 1}). With a float dtype the parameters get that dtype (float32
/// otherwise); with an integer dtype (ids for an Embedding) float32.
template <class M>
void build(const M& model, const Shape& shape, DType dtype = float32) {
  nn::build(model, std::vector<detail::InputSpec>{{shape, dtype}});
}
/// The same for a model of several inputs of one dtype: nn::build(m, {{1, 8}, {1, 4}}).
template <class M>
void build(const M& model, std::initializer_list<std::initializer_list<core::Size>> shapes, DType dtype = float32) {
  std::vector<detail::InputSpec> inputs;
  for (const auto& shape : shapes) inputs.push_back({Shape(shape), dtype});
  nn::build(model, inputs);
}
/// Whether all variables have values.
template <class M>
bool is_built(const M& model) {
  for (const Variable& variable : variables(model)) {
    if (!variable.exists()) return false;
  }
  return true;
}

namespace detail {
const Variable& find_variable(const std::vector<Variable>& all, std::string_view path);
void set_trainable(const std::vector<Variable>& all, bool is_on);
/// Of those that a pattern stands for. Returns what it changed. Throws for a pattern that stands for none, and for a plain array.
std::vector<core::CellPtr> set_trainable(const std::vector<Variable>& all, const std::vector<std::string>& patterns, bool is_on);
int64_t count_elements(const std::vector<Variable>& all);
void cast(const std::vector<Variable>& all, DType dtype);
}  // namespace detail

/// The variable (parameter or state) of a path, for example "0.kernel"; throws for an unknown one, naming the nearest.
template <class M>
Variable parameter(const M& model, std::string_view path) {
  return detail::find_variable(variables(model), path);
}
/// Freezes all parameters of a model or layer: no gradient, no update. Running statistics go on.
template <class M>
void freeze(const M& model) {
  detail::set_trainable(variables(model), false);
}
template <class M>
void unfreeze(const M& model) {
  detail::set_trainable(variables(model), true);
}
/// The same for the parameters whose paths one of the patterns stands for (base/path_pattern.hpp): nn::freeze(model, {"encoder.**",
/// "*.bias"}). Throws for a pattern that stands for no parameter, naming the nearest path.
template <class M>
void freeze(const M& model, std::initializer_list<std::string_view> patterns) {
  detail::set_trainable(variables(model), std::vector<std::string>(patterns.begin(), patterns.end()), false);
}
template <class M>
void unfreeze(const M& model, std::initializer_list<std::string_view> patterns) {
  detail::set_trainable(variables(model), std::vector<std::string>(patterns.begin(), patterns.end()), true);
}
/// Number of trained numbers, shared ones counted once; a module that has not been built has none.
template <class M>
int64_t count_parameters(const M& model) {
  return detail::count_elements(parameters(model));
}
/// Converts all float parameters and states to a dtype.
template <class M>
void cast(const M& model, DType dtype) {
  detail::cast(variables(model), dtype);
}

}  // namespace gradus::nn
