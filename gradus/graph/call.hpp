// Calls of modules: what stands around every forward, so that errors, nodes and summaries know where they are. Modules: graph/parts.hpp.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/base/text.hpp"
#include "gradus/graph/parameter.hpp"
#include "gradus/graph/parts.hpp"
#include "gradus/graph/path.hpp"

namespace gradus::nn {

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
  if constexpr (Module<T> || ::gradus::core::HoldsCell<T> || ::gradus::core::IsField<T>) return false;
  else if constexpr (::gradus::core::IsRange<T>) {
    size_t index = 0;
    for (const auto& member : part) {
      std::string below;
      if (find_child(below, member, child)) {
        name = core::concat(index, below.empty() ? "" : ".", below);
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
  if constexpr (core::HasParts<M>) {
    const auto parts = static_cast<const M*>(module)->parts();
    parts.values.apply([&](const auto&... member) {
      size_t index = 0;
      const auto look = [&](const auto& one) {
        std::string below;
        if (find_child(below, one, child)) {
          found = ::gradus::core::name_at(parts.names, index);
          if (!below.empty()) found += "." + below;
          return true;
        }
        ++index;
        return false;
      };
      (look(member) || ...);
    });
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
  /// Lets an open ResultScope change the result.
  void change(Array& result) const;
  /// Notes the result for an open summary.
  void returned(const Array& result);
  template <class T>
  void returned(const T&) {}
  /// Where an argument's sequences have lengths (below), so have those of a result with as many sequences and positions.
  template <class... A>
  static void pass_lengths(const Array& result, const A&... arguments) {
    (pass_lengths_of(result, arguments), ...);
  }
  template <class T, class... A>
  static void pass_lengths(const T&, const A&...) {}
  /// How many positions of each sequence of x (N, T, ...) are no padding, (N,), as a layer of the outermost call has noted; an empty Array
  /// where none has.
  static Array lengths_of(const Array& x);
  static void note_lengths(const Array& x, Array lengths);
  /// Gives an error that has no path yet the path of this call.
  static void locate(Error& error);

 private:
  friend std::string name_of_child(const Child& child);
  static void pass_lengths_of(const Array& result, const Array& argument);
  template <class T>
  static void pass_lengths_of(const Array&, const T&) {}
  const void* module_;
  const ModuleType& type_;
  CallScope* outer_;
  std::string name_;
  int32_t row_ = -1;  // of the open summary
  std::optional<core::PathScope> path_;
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
/// Notes the calls of this thread as long as it lives.
class RowScope {
 public:
  explicit RowScope(std::vector<CallRow>* rows);
  ~RowScope();
  RowScope(const RowScope&) = delete;
  RowScope& operator=(const RowScope&) = delete;

 private:
  std::vector<CallRow>* before_;
};

/// A forward that takes these arguments of a const module; HasMutableForward: of one that is not const only.
template <class M, class... A>
concept HasForward = requires(const M& module) {
  module.forward(std::declval<A>()...);
};
template <class M, class... A>
concept HasMutableForward = !HasForward<M, A...> && requires(M & module) {
  module.forward(std::declval<A>()...);
};

}  // namespace detail

/// A call of a module that returns one Array.
struct LayerCall {
  std::string_view name{};   ///< "conv2d_1"; the type's name for the outermost
  std::string_view type{};   ///< "Conv2D"
  std::string_view place{};  ///< "Sequential > conv2d_1 (Conv2D, 3x3, 32 -> 64)", as errors say it
};
/// While it is open in a thread, what each module that is called there gives goes through `change`, inner modules first, and what that
/// returns, of the same shape, goes on in its place: how a layer inside a model is looked at, replaced, or differentiated by. Works inside
/// transforms. An inner scope closes the outer one off.
///
///   nn::Sequential net{nn::Dense(4, relu), nn::Dense(2)};
///   const nn::ResultScope scope([](const nn::LayerCall& call, const Array& h) { return call.name == "dense" ? h * 0.5 : h; });
///   net(ones({1, 3}));
class ResultScope {
 public:
  using Change = std::function<Array(const LayerCall& call, const Array& result)>;
  explicit ResultScope(Change change);
  ~ResultScope();
  ResultScope(const ResultScope&) = delete;
  ResultScope& operator=(const ResultScope&) = delete;

 private:
  friend class detail::CallScope;
  Change change_;
  ResultScope* outer_;
};

/// Declared in graph/parts.hpp. A forward that is not const is refused by the compiler.
template <class M, class... A>
auto call(const M& module, A&&... arguments) -> detail::Forwarded<M, A&&...> {
  // A call changes no member: running statistics are nn::State, which a const forward may set.
  constexpr bool is_const = detail::HasForward<M, A&&...>;
  static_assert(is_const, "forward must be const: Array forward(const Array& x) const");
  if constexpr (is_const) {
    detail::CallScope scope(&module, detail::module_type<M>());
    try {
      decltype(auto) result = module.forward(static_cast<A&&>(arguments)...);
      if constexpr (std::same_as<decltype(result), Array>) scope.change(result);
      scope.returned(result);
      scope.pass_lengths(result, arguments...);
      return result;
    } catch (Error& error) {
      scope.locate(error);
      throw;
    }
  } else {
    return const_cast<M&>(module).forward(static_cast<A&&>(arguments)...);
  }
}

}  // namespace gradus::nn
