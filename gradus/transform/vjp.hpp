// vjp and jvp: products of a cotangent or a tangent with the derivative of any function; Hessian-vector products.
//
//   auto [y, dy] = jvp(f, x, v);                              // dy = J v
//   auto [p, dp] = jvp(h, args(x, y), args(vx, vy));          // several arguments stand in args(...)
//   auto [z, pullback] = vjp(f, x);                           // pullback(u) = J^T u, as often as you like
//   Array hv = hvp(f, x, v);                                  // of a scalar function: H v, without H
#pragma once

#include "gradus/transform/grad.hpp"

namespace gradus {

namespace core {

/// J^T: from cotangents in the form of the function's result to gradients in the form of its arguments.
template <class R, class G>
class Pullback {
 public:
  Pullback(PullbackCore core, G prototype) : core_(std::move(core)), prototype_(std::move(prototype)) {}
  G operator()(const R& cotangent) const { return with_arrays(prototype_, core_(arrays_in(cotangent))); }

 private:
  PullbackCore core_;
  G prototype_;
};

template <size_t I, class A, class T>
void collect_tangent(const Differentiation& d, const A&, const T& tangent, std::vector<Array>& out) {
  constexpr ArgumentKind kind = kind_of<A>();
  if constexpr (kind == ArgumentKind::array) out.push_back(tangent);
  else if constexpr (kind == ArgumentKind::module) d.collect_named(tangent, I, out);
  else collect_arrays(tangent, out);
}

template <class F, class... A, class... T, size_t... All>
auto jvp_of(std::string_view name, const F& f, const std::tuple<A&...>& given, const std::tuple<T...>& tangents,
            std::index_sequence<All...> all) {
  constexpr bool has_all = sizeof...(A) == sizeof...(T);
  static_assert(has_all, "jvp takes one tangent for each argument");
  if constexpr (has_all && can_differentiate<F, std::index_sequence<All...>, A...>()) {
    Differentiation d(TraceKind::jvp, name, true);
    auto value = trace_call(d, f, all, given);
    std::vector<Array> flat;
    (collect_tangent<All>(d, std::get<All>(given), std::get<All>(tangents), flat), ...);
    auto tangent = with_arrays(value, d.push_forward(flat, arrays_in(value)));
    d.commit();
    return std::pair(std::move(value), std::move(tangent));
  } else {
    return std::pair<Array, Array>();
  }
}
template <class F, class... A, size_t... All>
auto vjp_of(const F& f, const std::tuple<A&...>& given, std::index_sequence<All...> all) {
  if constexpr (can_differentiate<F, std::index_sequence<All...>, A...>()) {
    Differentiation d(TraceKind::vjp, "vjp", true);
    auto value = trace_call(d, f, all, given);
    const std::vector<Array> outputs = arrays_in(value);
    PullbackCore core(d, outputs);
    auto prototype = derivatives(d, d.zero_gradients(), all, given);
    d.commit();
    using Map = Pullback<decltype(value), decltype(prototype)>;
    return std::pair(std::move(value), Map(std::move(core), std::move(prototype)));
  } else {
    return std::pair(Array(), [](const Array& cotangent) { return cotangent; });
  }
}

/// The arguments in a tuple as references.
template <class Tuple>
auto references_to(Tuple& values) {
  return std::apply([](auto&... value) { return std::tie(value...); }, values);
}

template <class F, class X, class V>
auto jvp_named(std::string_view name, const F& f, X&& x, V&& v) {
  auto primals = as_tuple(std::forward<X>(x));
  const auto tangents = as_tuple(std::forward<V>(v));
  const auto given = references_to(primals);
  return jvp_of(name, f, given, tangents, std::make_index_sequence<std::tuple_size_v<decltype(primals)>>());
}

}  // namespace core

/// The pair of f(x) and J(x) v. x and v are one value each, or args(...) of several; the tangent of a module is Gradients (parameters that
/// it does not name have tangent zero).
template <class F, class X, class V>
auto jvp(const F& f, X&& x, V&& v) {
  return core::jvp_named("jvp", f, std::forward<X>(x), std::forward<V>(v));
}
std::pair<Array, Array> jvp(core::FunctionOfOne f, const Array& x, const Array& v);

/// The pair of f(x) and the function u -> J(x)^T u, whose argument has the form of f(x) and whose result that of the derivatives of grad.
template <class F, class X>
auto vjp(const F& f, X&& x) {
  auto primals = core::as_tuple(std::forward<X>(x));
  return core::vjp_of(f, core::references_to(primals), std::make_index_sequence<std::tuple_size_v<decltype(primals)>>());
}
std::pair<Array, core::Pullback<Array, Array>> vjp(core::FunctionOfOne f, const Array& x);

/// H(x) v for a scalar function: forward mode over reverse mode, at a small multiple of the cost of f.
template <class F, class X, class V>
auto hvp(const F& f, X&& x, V&& v) {
  return core::jvp_named("hvp", core::Grad<std::decay_t<F>>(f, "hvp"), std::forward<X>(x), std::forward<V>(v)).second;
}
Array hvp(core::FunctionOfOne f, const Array& x, const Array& v);

}  // namespace gradus
