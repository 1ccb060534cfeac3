// Calls of modules, and what can be asked of any of them: build, freeze, find a parameter. Modules themselves: graph/parts.hpp.
#pragma once

#include <exception>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/graph/parameter.hpp"
#include "gradus/graph/parts.hpp"
#include "gradus/graph/path.hpp"

namespace gradus::nn {

using gradus::parameters;
using gradus::variables;

namespace detail {

/// The name of a type without its namespaces: "Dense", "Residual<Dense>".
template <class T>
constexpr std::string_view raw_type_name() {
  const std::string_view text = __PRETTY_FUNCTION__;  // "... [with T = gradus::nn::Dense; ...]" or "... [T = gradus::nn::Dense]"
  const size_t begin = text.find("T = ") + 4, end = text.find_first_of(";]", begin);
  return text.substr(begin, end - begin);
}
std::string short_type_name(std::string_view raw);
template <class T>
const std::string& type_name() {
  static const std::string* name = new std::string(short_type_name(raw_type_name<T>()));
  return *name;
}
/// A distinct address for each type.
template <class T>
inline constexpr char type_tag = 0;

/// A child of a module: where it is and of which type.
struct Child {
  const void* address;
  const char* tag;
};

template <class T>
bool find_child(std::string& name, const T& part, const Child& child) {
  if (static_cast<const void*>(&part) == child.address && &type_tag<T> == child.tag) return true;
  if constexpr (Module<T> || ::gradus::detail::HoldsCell<T> || ::gradus::detail::IsField<T>) return false;
  else if constexpr (::gradus::detail::IsRange<T>) {
    size_t index = 0;
    for (const auto& member : part) {
      std::string below;
      if (find_child(below, member, child)) {
        name = concat(index, below.empty() ? "" : ".", below);
        return true;
      }
      ++index;
    }
  }
  return false;
}
/// The name under which GRADUS_PARTS of `module` names the child; "" if it does not.
template <class M>
std::string child_name(const void* module, const Child& child) {
  std::string found;
  if constexpr (HasParts<M>) {
    const auto parts = static_cast<const M*>(module)->parts();
    std::apply(
        [&](const auto&... member) {
          size_t index = 0;
          const auto look = [&](const auto& one) {
            std::string below;
            if (find_child(below, one, child)) {
              found = ::gradus::detail::name_at(parts.names, index);
              if (!below.empty()) found += "." + below;
              return true;
            }
            ++index;
            return false;
          };
          (look(member) || ...);
        },
        parts.values);
  }
  return found;
}
template <class M>
std::string describe(const void* module) {
  if constexpr (requires(const M& m) {
                  { m.describe() } -> std::convertible_to<std::string>;
                })
    return static_cast<const M*>(module)->describe();
  else return {};
}
template <class M>
std::vector<Variable> variables_of(const void* module) {
  return variables(*static_cast<const M*>(module));
}

/// What the frame of a call needs to know of a module's type.
struct ModuleType {
  const std::string& name;
  const char* tag;
  std::string (*child_name)(const void* module, const Child& child);
  std::string (*describe)(const void* module);
  std::vector<Variable> (*variables)(const void* module);
};
template <class M>
const ModuleType& module_type() {
  static const ModuleType* type = new ModuleType{type_name<M>(), &type_tag<M>, child_name<M>, describe<M>, variables_of<M>};
  return *type;
}

/// The name that the next call of this thread goes by; set by containers, which know it better than the compiler.
class NameScope {
 public:
  explicit NameScope(std::string_view name);
  ~NameScope();
  NameScope(const NameScope&) = delete;
  NameScope& operator=(const NameScope&) = delete;
};
/// The name of a type-erased child, as the module that is being called names it; "" outside of any.
std::string name_of_child(const Child& child);

/// A call of a module, as long as it runs: its place in the path of errors and nodes, and in a summary.
class CallScope {
 public:
  CallScope(const void* module, const ModuleType& type);
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

  /// Whether no other call of a module is open in this thread.
  static bool is_outermost();
  /// The variables of the outermost module that is being called in this thread; none outside of any.
  static std::vector<Variable> outermost_variables();
  /// Notes the result for an open summary.
  void returned(const Array& result);
  template <class T>
  void returned(const T&) {}
  /// Gives an error that has no path yet the path of this call.
  static void locate(Error& error);

 private:
  friend std::string name_of_child(const Child& child);
  const void* module_;
  const ModuleType& type_;
  CallScope* outer_;
  int32_t row_ = -1;  // of the open summary
  std::optional<PathScope> path_;
};

/// One call of a module while a model was recorded.
struct CallRow {
  int depth = 0;
  std::string name;     ///< "dense_1"; the type's name for the outermost
  std::string type;     ///< "Dense"
  std::string details;  ///< "784 -> 128"
  std::string path;     ///< the nodes of the call carry it
  std::optional<Shape> output;
  std::vector<Variable> variables;
};

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

/// A forward that takes these arguments of a const module; HasMutableForward: of one that is not const only.
template <class M, class... A>
concept HasForward = requires(const M& module) { module.forward(std::declval<A>()...); };
template <class M, class... A>
concept HasMutableForward = !HasForward<M, A...> && requires(M& module) { module.forward(std::declval<A>()...); };

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
      fail("build", "the model was given ", sizeof...(I), " inputs, which its forward does not take");
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
      fail("build", "the model was given ", inputs.size(), " inputs; build takes 1 to 4");
  }
}

}  // namespace detail

template <class M, class... A>
auto call(const M& module, A&&... arguments) -> detail::Forwarded<M, A&&...> {
  // A call changes no member: running statistics are nn::State, which a const forward may set.
  constexpr bool is_const = detail::HasForward<M, A&&...>;
  static_assert(is_const, "forward must be const: Array forward(const Array& x) const");
  if constexpr (is_const) {
    detail::CallScope scope(&module, detail::module_type<M>());
    try {
      decltype(auto) result = module.forward(static_cast<A&&>(arguments)...);
      scope.returned(result);
      return result;
    } catch (Error& error) {
      scope.locate(error);
      throw;
    }
  } else {
    return const_cast<M&>(module).forward(static_cast<A&&>(arguments)...);
  }
}

/// Makes the parameters of a model as a call with inputs of these shapes and dtypes would, without computing anything:
/// nn::build(m, {{{1, 8}, int64}, {{1, 4}}}).
template <class M>
void build(const M& model, const std::vector<detail::InputSpec>& inputs) {
  if constexpr (::gradus::detail::must_be_module<M>()) {
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
void build(const M& model, std::initializer_list<std::initializer_list<Size>> shapes, DType dtype = float32) {
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
std::vector<CellPtr> set_trainable(const std::vector<Variable>& all, const std::vector<std::string>& patterns, bool is_on);
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
