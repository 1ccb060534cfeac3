// grad and value_and_grad: derivatives of scalar functions, as functions.
//
// A derivative is a graph of ops like any other, so that grad(grad(f)), vmap(grad(f)) and hessian(f) work without more ado. Only what
// the function gets through its chosen arguments is differentiated by; arrays that it captures are constants, also the very same ones.
//
//   auto f = [](const Array& x) { return sum(pow(x, 3)); };
//   Array g = grad(f)(x);                                                       // 3 x^2
//   auto [value, grads] = value_and_grad(objective)(w, b);                      // grads: std::array<Array, 2>
//   auto [value, grads] = value_and_grad<0>(objective)(model, batch.x, batch.y) // grads: Gradients, by parameter path
//
// The function returns a float scalar, or a tuple whose first array is one (the others are handed through). Numbers in angle brackets
// choose the arguments; without them all are. One chosen array gives an Array, several a std::array, a module Gradients, a vector of arrays
// a vector, mixtures a tuple. What the function writes to running statistics is kept, once, when it has succeeded.
#pragma once

#include "gradus/transform/differentiation.hpp"

namespace gradus {

namespace core {

template <class F, size_t... I>
class ValueAndGrad {
 public:
  /// `name`: what the user called, in messages.
  explicit ValueAndGrad(F f, std::string_view name = "grad") : f_(std::move(f)), name_(name) {}
  template <class... A>
  auto operator()(A&&... arguments) const {
    const std::tuple<A&...> given(arguments...);
    const auto chosen = chosen_of(std::index_sequence<I...>(), given);
    if constexpr (can_differentiate<F, std::remove_const_t<decltype(chosen)>, A...>()) {
      Differentiation d(TraceKind::grad, name_, sizeof...(I) != 0);
      auto value = trace_call(d, f_, chosen, given);
      const std::vector<Array> gradients = d.gradients(arrays_in(value));
      d.commit();
      return std::pair(std::move(value), derivatives(d, gradients, chosen, given));
    } else {
      return std::pair<Array, Array>();
    }
  }

 private:
  F f_;
  std::string_view name_;
};

template <class F, size_t... I>
class Grad {
 public:
  explicit Grad(F f, std::string_view name = "grad") : f_(std::move(f), name) {}
  template <class... A>
  auto operator()(A&&... arguments) const {
    return f_(std::forward<A>(arguments)...).second;
  }

 private:
  ValueAndGrad<F, I...> f_;
};

}  // namespace core

/// A function that returns the pair of f's result and its gradients.
template <size_t... I, class F>
auto value_and_grad(F f) {
  return core::ValueAndGrad<F, I...>(std::move(f));
}
/// A function that returns f's gradients.
///
///   grad([](const Array& v) { return sum(v * v); })(array({1.0, 2.0}))   // [2., 4.]
template <size_t... I, class F>
auto grad(F f) {
  return core::Grad<F, I...>(std::move(f));
}
// These pick the function out of overloads: grad(tanh).
inline auto value_and_grad(core::FunctionOfOne f) { return core::ValueAndGrad<Array (*)(const Array&)>(f.pointer()); }
inline auto grad(core::FunctionOfOne f) { return core::Grad<Array (*)(const Array&)>(f.pointer()); }

}  // namespace gradus
