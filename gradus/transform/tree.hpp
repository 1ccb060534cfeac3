// Values that hold arrays: what functions under a transform take and return. Walks over their arrays, always in the same order.
#pragma once

#include <array>
#include <tuple>
#include <vector>

#include "gradus/graph/parts.hpp"

namespace gradus::core {

/// A value that wraps one array, such as random::Key.
template <class T>
concept WrapsArray = requires(const T& value) {
  { value.array() } -> std::convertible_to<const Array&>;
  { T::from_array(value.array()) } -> std::same_as<T>;
};
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

/// Calls f(Array&) for each array in `value`: an Array, a Key, pairs, tuples, std::array, std::vector, Gradients, and structs with
/// GRADUS_PARTS of these. Other members are passed over. With a const value f must not change the array.
template <class T, class F>
void visit_arrays(T& value, const F& f) {
  using V = std::remove_const_t<T>;
  if constexpr (std::same_as<V, Array>) {
    f(value);
  } else if constexpr (std::is_base_of_v<Array, V> || std::is_arithmetic_v<V>) {
  } else if constexpr (WrapsArray<V>) {
    Array array = value.array();
    f(array);
    if constexpr (!std::is_const_v<T>) value = V::from_array(array);
  } else if constexpr (std::same_as<V, Gradients>) {
    for (auto& entry : value) f(entry.second);
  } else if constexpr (HasParts<V>) {
    const auto parts = value.parts();
    parts.values.apply([&](auto&... member) {
      (visit_arrays(const_cast<std::remove_const_t<std::remove_reference_t<decltype(member)>>&>(member), f), ...);
    });
  } else if constexpr (IsTuple<V>) {
    std::apply([&](auto&... member) { (visit_arrays(member, f), ...); }, value);
  } else if constexpr (is_vector<V>) {
    for (auto& member : value) visit_arrays(member, f);
  }
}

/// The arrays in `value`, in order.
template <class T>
void collect_arrays(const T& value, std::vector<Array>& out) {
  visit_arrays(value, [&](const Array& array) { out.push_back(array); });
}
template <class T>
std::vector<Array> arrays_in(const T& value) {
  std::vector<Array> out;
  collect_arrays(value, out);
  return out;
}
/// `value` with its arrays replaced by arrays[next], arrays[next + 1], ...
template <class T>
void replace_arrays(T& value, const std::vector<Array>& arrays, size_t& next) {
  visit_arrays(value, [&](Array& array) { array = arrays[next++]; });
}
template <class T>
T with_arrays(T value, const std::vector<Array>& arrays) {
  size_t next = 0;
  replace_arrays(value, arrays, next);
  return value;
}

/// Whether a type can hold arrays that transforms see.
template <class T>
inline constexpr bool is_tree = std::same_as<T, Array> || WrapsArray<T> || std::same_as<T, Gradients>;
template <class T>
inline constexpr bool is_tree<std::vector<T>> = is_tree<T>;
template <class T, size_t N>
inline constexpr bool is_tree<std::array<T, N>> = is_tree<T>;
template <class... T>
inline constexpr bool is_tree<std::tuple<T...>> = (is_tree<T> || ...);
template <class A, class B>
inline constexpr bool is_tree<std::pair<A, B>> = is_tree<A> || is_tree<B>;

/// What an argument of a transformed function is: a model, a value of arrays, something that is an array (numbers and parameters too), or
/// none of these, which is handed on as it is.
enum class ArgumentKind { module, tree, array, other };
template <class T>
constexpr ArgumentKind kind_of() {
  using V = std::remove_cvref_t<T>;
  if constexpr (is_tree<V> && !std::same_as<V, Array>) return ArgumentKind::tree;
  else if constexpr (std::convertible_to<const V&, Array>) return ArgumentKind::array;
  else if constexpr (Module<V>) return ArgumentKind::module;
  else return ArgumentKind::other;
}

/// What a function returned, as a value that can be kept: an Array for whatever converts to one.
template <class R>
using Returned = std::conditional_t<kind_of<R>() == ArgumentKind::array, Array, std::remove_cvref_t<R>>;

/// Whether a transform can take what a function returned; if not, the compiler says why.
template <class R>
constexpr bool check_returned() {
  if constexpr (std::is_void_v<R>) {
    static_assert(never<R>, "a function under a transform returns something: an Array, or a tuple, pair, std::array or vector of them");
    return false;
  } else {
    constexpr bool fits = kind_of<R>() == ArgumentKind::array || kind_of<R>() == ArgumentKind::tree || HasParts<std::remove_cvref_t<R>>;
    static_assert(fits, "a function under a transform returns an Array, or a tuple, pair, std::array or vector of them");
    return fits;
  }
}

/// Whether F can be called with the elements of a tuple (as lvalues); if not, the compiler says so.
template <class F, class Tuple>
constexpr bool must_take() {
  constexpr bool fits = []<class... A>(std::type_identity<std::tuple<A...>>) {
    return std::is_member_pointer_v<F> || requires(const F& f, std::add_lvalue_reference_t<A>... arguments) { f(arguments...); };
  }(std::type_identity<Tuple>());
  static_assert(fits, "the function under a transform does not take these arguments: grad(f)(x, y) calls f(x, y)");
  return fits;
}

/// Picks the function of one array out of an overload set: grad(tanh). It is no bare pointer, since a generic lambda that is asked whether
/// it converts to one is compiled with an Array for its argument, which may be no Array.
class FunctionOfOne {
 public:
  using Pointer = Array (*)(const Array&);
  FunctionOfOne(Pointer function) : function_(function) {}  // NOLINT: implicit on purpose
  Pointer pointer() const { return function_; }

 private:
  Pointer function_;
};

/// One thing as itself, arrays as a std::array, mixtures as a tuple.
template <class... G>
auto packed(std::tuple<G...> parts) {
  if constexpr (sizeof...(G) == 1) {
    return std::get<0>(std::move(parts));
  } else if constexpr ((std::same_as<G, Array> && ...)) {
    return std::apply([](auto&&... array) { return std::array<Array, sizeof...(G)>{std::move(array)...}; }, std::move(parts));
  } else {
    return parts;
  }
}

}  // namespace gradus::core

namespace gradus {

/// Several arguments, where a transform takes them as one: jvp(f, args(x, y), args(vx, vy)).
template <class... A>
struct Arguments {
  std::tuple<A...> values;
};
template <class... A>
Arguments<A...> args(A&&... arguments) {
  return {std::tuple<A...>(std::forward<A>(arguments)...)};
}

namespace core {
template <class T>
inline constexpr bool is_arguments = false;
template <class... A>
inline constexpr bool is_arguments<Arguments<A...>> = true;
/// One argument, or those of args(...), as a tuple of references or values.
template <class T>
auto as_tuple(T&& value) {
  if constexpr (is_arguments<std::remove_cvref_t<T>>) return std::forward<T>(value).values;
  else return std::tuple<T>(std::forward<T>(value));
}
}  // namespace core

}  // namespace gradus
