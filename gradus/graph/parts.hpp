// What a module is: a plain struct that names its data members once, with GRADUS_PARTS; and walks over what it names.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "gradus/base/refuse.hpp"
#include "gradus/graph/args.hpp"
#include "gradus/graph/array.hpp"
#include "gradus/graph/cell.hpp"
#include "gradus/graph/members.hpp"

namespace gradus::core {

/// The members that GRADUS_PARTS names: their names, as written, and references to them.
template <class... T>
struct Parts {
  std::string_view names;  ///< "norm, attention, mlp"
  Members<T...> values;
};

/// Receives what lies at the ends of a module: cells (Parameter, State), Array members, and hyper-parameters.
class PartVisitor {
 public:
  virtual ~PartVisitor() = default;
  /// A Parameter or State. A shared cell comes once for each place it stands in.
  virtual void on_cell(const std::string& path, const CellPtr& cell) = 0;
  /// An Array member; it may be rebound through the reference.
  virtual void on_array(const std::string& path, Array& array) = 0;
  /// A number, bool, enum, text or shape.
  virtual void on_value(const std::string& /*path*/, const FieldValue& /*value*/) {}
};

/// A type with parts(): made by GRADUS_PARTS, or written by hand to return Parts.
template <class T>
concept HasParts = requires(const T& value) {
  value.parts().names;
  value.parts().values;
};
/// A type that walks its own content, because the compiler cannot see it (type-erased layers, containers of layers): it has
/// `void visit_parts(PartVisitor& visitor, const std::string& path) const`, which calls visit_part for each member.
template <class T>
concept VisitsParts = requires(const T& value, PartVisitor& visitor, const std::string& path) { value.visit_parts(visitor, path); };
}  // namespace gradus::core

namespace gradus {

/// What transforms, optimisers and files take as a model.
template <class T>
concept Module = core::HasParts<std::remove_cvref_t<T>> || core::VisitsParts<std::remove_cvref_t<T>>;

}  // namespace gradus

namespace gradus::core {

/// Whether T is a module; if not, the compiler says what it lacks. Functions that take models ask this first.
template <class T>
constexpr bool must_be_module() {
  constexpr bool is_module = Module<T>;
  static_assert(is_module,
                "this type is no module: a struct becomes one by GRADUS_PARTS(...) at its end, which names all its data members");
  return is_module;
}
/// "encoder" and "norm" as "encoder.norm".
std::string join_path(const std::string& path, std::string_view name);

/// A handle on a cell: Parameter, State.
template <class T>
concept HoldsCell = requires(const T& value) {
  { value.cell() } -> std::convertible_to<const CellPtr&>;
};
template <class T>
concept Dereferenced = requires(const T& value) {
  static_cast<bool>(value);
  *value;
} && !std::is_arithmetic_v<T> && !std::is_pointer_v<T>;
template <class T>
concept IsRange = requires(const T& value) {
  value.begin();
  value.end();
};
template <class T>
concept IsTuple = requires { std::tuple_size<T>::value; };
template <class T>
concept IsField = std::is_arithmetic_v<T> || std::is_enum_v<T> || std::convertible_to<const T&, std::string> || std::same_as<T, DType> ||
                  std::convertible_to<const T&, std::span<const int64_t>>;

template <class T>
FieldValue part_value(const T& value) {
  if constexpr (std::is_floating_point_v<T>) return static_cast<double>(value);
  else if constexpr (std::convertible_to<const T&, std::string>) return std::string(value);
  else return field_value(value);
}

/// Walks one member: ends are reported to the visitor; modules, vectors, arrays, tuples, optionals and smart pointers are entered; of
/// options the numbers and names are reported; what is none of these (a function, say) is passed over.
template <class T>
void visit_part(PartVisitor& visitor, const std::string& path, const T& part) {
  if constexpr (std::same_as<T, Array>) {
    // A module that is passed as const is still rebound while a transform runs, and put back after it.
    visitor.on_array(path, const_cast<Array&>(part));
  } else if constexpr (HoldsCell<T>) {
    if (part.cell()->is_used) visitor.on_cell(path, part.cell());
  } else if constexpr (VisitsParts<T>) {
    part.visit_parts(visitor, path);
  } else if constexpr (HasParts<T>) {
    const auto parts = part.parts();
    parts.values.apply([&](const auto&... member) {
      size_t index = 0;
      (visit_part(visitor, join_path(path, name_at(parts.names, index++)), member), ...);
    });
  } else if constexpr (IsField<T>) {
    visitor.on_value(path, part_value(part));
  } else if constexpr (requires { T::field_names; part.tied_fields(); }) {
    part.tied_fields().apply([&](const auto&... member) {
      size_t index = 0;
      const auto visit = [&]<class Option>(const Option& option) {
        const std::string below = join_path(path, name_at(T::field_names, index++));
        if constexpr (IsField<Option>) visitor.on_value(below, part_value(option));
      };
      (visit(member), ...);
    });
  } else if constexpr (IsRange<T>) {
    size_t index = 0;
    for (const auto& member : part) visit_part(visitor, join_path(path, std::to_string(index++)), member);
  } else if constexpr (IsTuple<T>) {
    std::apply(
        [&](const auto&... member) {
          size_t index = 0;
          (visit_part(visitor, join_path(path, std::to_string(index++)), member), ...);
        },
        part);
  } else if constexpr (Dereferenced<T>) {
    if (part) visit_part(visitor, path, *part);
  }
}

}  // namespace gradus::core

namespace gradus {

/// One variable of a module: a cell or an Array member, with its path ("blocks.0.norm.gain").
struct Variable {
  std::string path{};
  core::CellPtr cell{};     ///< null for an Array member
  Array* member = nullptr;  ///< the Array member; null for a cell

  bool exists() const { return cell ? cell->has_value() : member->exists(); }
  /// Whether it gets gradients: a parameter that is not frozen, or an Array member of float dtype.
  bool is_trainable() const;
  /// The value; throws for a cell without one. set() assigns it.
  const Array& get() const { return cell ? cell->get() : *member; }
  void set(Array value) const;
};

namespace core {
class VariableCollector final : public PartVisitor {
 public:
  void on_cell(const std::string& path, const CellPtr& cell) override;
  void on_array(const std::string& path, Array& array) override;
  std::vector<Variable> variables;
};
}  // namespace core

/// All variables of a module in the order of their parts, each once however often it is shared.
template <class M>
std::vector<Variable> variables(const M& module) {
  core::VariableCollector collector;
  if constexpr (core::must_be_module<M>()) visit_part(collector, "", module);
  return std::move(collector.variables);
}
/// The variables that get gradients; has_value may still be false.
template <class M>
std::vector<Variable> parameters(const M& module) {
  std::vector<Variable> all = variables(module);
  std::erase_if(all, [](const Variable& variable) { return !variable.is_trainable(); });
  return all;
}

/// Arrays by path, in the order of the module's parts: what a derivative by a module's parameters is.
///
///   auto [value, grads] = value_and_grad<0>(objective)(model, x, y);
///   for (const auto& [path, gradient] : grads) ...
///   Array slope = grads["encoder.kernel"];
class Gradients {
 public:
  using Entry = std::pair<std::string, Array>;

  Gradients() = default;
  explicit Gradients(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  /// The array of a path; throws for an unknown one, naming the nearest.
  const Array& operator[](std::string_view path) const;
  Array& operator[](std::string_view path);
  bool contains(std::string_view path) const;
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  auto begin() { return entries_.begin(); }
  auto end() { return entries_.end(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

  /// f(array) for each, under the same paths.
  template <class F>
  Gradients map(const F& f) const {
    Gradients out = *this;
    for (auto& entry : out.entries_) entry.second = f(entry.second);
    return out;
  }
  /// f(array, other's array) for each; the paths must be the same.
  template <class F>
  Gradients zip(const Gradients& other, const F& f) const {
    check_same_paths(other);
    Gradients out = *this;
    for (size_t i = 0; i < entries_.size(); ++i) out.entries_[i].second = f(entries_[i].second, other.entries_[i].second);
    return out;
  }

 private:
  void check_same_paths(const Gradients& other) const;
  std::vector<Entry> entries_;
};

namespace core {

/// Bytes of a struct of these members in this order, without a base.
template <class Tied>
constexpr size_t packed_size() {
  size_t end = 0, alignment = 1;
  [&]<class... T>(std::type_identity<Members<T...>>) {
    ((end = (end + alignof(T) - 1) / alignof(T) * alignof(T) + sizeof(T), alignment = alignof(T) > alignment ? alignof(T) : alignment),
     ...);
  }(std::type_identity<Tied>());
  end = (end + alignment - 1) / alignment * alignment;
  return end == 0 ? 1 : end;
}

template <class... T>
Parts<T...> make_parts(std::string_view names, Members<T...> values) {
  return {names, values};
}

}  // namespace core

namespace nn {
namespace detail {
/// What forward returns, be it const or not; call refuses one that is not.
template <class M, class... A>
using Forwarded = decltype(std::declval<M&>().forward(std::declval<A>()...));
}  // namespace detail
/// module.forward(arguments...), with what every call of a module needs around it (paths of errors); defined in graph/call.hpp.
template <class M, class... A>
auto call(const M& module, A&&... arguments) -> detail::Forwarded<M, A&&...>;
}  // namespace nn

}  // namespace gradus

/// Stands at the end of a module and names all its data members in order of declaration. Makes parts(), by which parameters are found,
/// and operator(), which calls forward. The struct must not be local to a function (it gets a member template).
#define GRADUS_PARTS(...)                                                                                         \
  auto parts() const {                                                                                            \
    static_assert(::gradus::core::packed_size<decltype(::gradus::core::members(__VA_ARGS__))>() == sizeof(*this), \
                  "GRADUS_PARTS must name every data member, in order of declaration");                           \
    return ::gradus::core::make_parts(#__VA_ARGS__, ::gradus::core::members(__VA_ARGS__));                        \
  }                                                                                                               \
  template <class... GradusArguments>                                                                             \
  auto operator()(GradusArguments&&... arguments)                                                                 \
      const->decltype(::gradus::nn::call(*this, static_cast<GradusArguments&&>(arguments)...)) {                  \
    return ::gradus::nn::call(*this, static_cast<GradusArguments&&>(arguments)...);                               \
  }
