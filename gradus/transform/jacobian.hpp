// Whole derivatives of array functions: jacobian by rows (reverse mode) or by columns (forward mode), hessian.
//
//   Array j = jacobian(f)(x);            // (shape of f(x), shape of x)
//   Array h = hessian(g)(x);             // (shape of x, shape of x), for a scalar function g
//   auto [jx, jy] = jacobian(h)(x, y);   // several arguments: a std::array; choose them as for grad: jacobian<0>(h)(x, y)
#pragma once

#include "gradus/transform/grad.hpp"

namespace gradus {

namespace core {

/// Results of several arrays give their form to the derivatives: std::array<Array, 2> gives std::array<G, 2>.
template <class R, class Each>
auto for_each_array(const R& value, const Each& each) {
  using G = decltype(each(size_t{0}));
  if constexpr (std::same_as<R, Array>) {
    return each(size_t{0});
  } else if constexpr (is_vector<R>) {
    std::vector<G> out;
    for (size_t k = 0; k < value.size(); ++k) out.push_back(each(k));
    return out;
  } else {
    return [&]<size_t... K>(std::index_sequence<K...>) {
      static_assert((std::same_as<std::tuple_element_t<K, R>, Array> && ...),
                    "jacobian takes functions that return an Array, or a tuple, array or vector of them");
      return std::array<G, sizeof...(K)>{each(K)...};
    }(std::make_index_sequence<std::tuple_size_v<R>>());
  }
}

template <class F, bool by_columns, size_t... I>
class Jacobian {
 public:
  /// `name`: what the user called, in messages.
  explicit Jacobian(F f, std::string_view name) : f_(std::move(f)), name_(name) {}
  template <class... A>
  auto operator()(A&&... arguments) const {
    const std::tuple<A&...> given(arguments...);
    const auto chosen = chosen_of(std::index_sequence<I...>(), given);
    if constexpr (can_differentiate<F, std::remove_const_t<decltype(chosen)>, A...>()) {
      Differentiation d(TraceKind::grad, name_, sizeof...(I) != 0);
      const auto value = trace_call(d, f_, chosen, given);
      const std::vector<std::vector<Array>> blocks = d.jacobians(arrays_in(value), by_columns);
      d.commit();
      return for_each_array(value, [&](size_t k) { return derivatives(d, blocks[k], chosen, given); });
    } else {
      return Array();
    }
  }

 private:
  F f_;
  std::string_view name_;
};

}  // namespace core

/// All partial derivatives, one reverse pass for all rows together: for functions with fewer outputs than inputs.
template <size_t... I, class F>
auto jacobian(F f) {
  return core::Jacobian<F, false, I...>(std::move(f), "jacobian");
}
/// The same, one forward pass for all columns together: for functions with fewer inputs than outputs.
template <size_t... I, class F>
auto jacobian_forward(F f) {
  return core::Jacobian<F, true, I...>(std::move(f), "jacobian_forward");
}
/// Second derivatives of a scalar function: forward mode over reverse mode. For several arguments a std::array of rows of blocks.
template <size_t... I, class F>
auto hessian(F f) {
  using Slope = core::Grad<F, I...>;
  return core::Jacobian<Slope, true, I...>(Slope(std::move(f), "hessian"), "hessian");
}
inline auto jacobian(core::FunctionOfOne f) { return jacobian<>(f.pointer()); }
inline auto jacobian_forward(core::FunctionOfOne f) { return jacobian_forward<>(f.pointer()); }
inline auto hessian(core::FunctionOfOne f) { return hessian<>(f.pointer()); }

}  // namespace gradus
