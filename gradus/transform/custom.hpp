// Derivatives of one's own, and none at all: custom_vjp, custom_jvp, stop_gradient.
//
//   auto clipped = custom_vjp([](const Array& x) { return x; },
//                             [](const Array& cotangent, const Array& y, const Array& x) { return clip(cotangent, -1, 1); });
//
// The function and its rule are recorded at each call. Only what they get as arguments is differentiated by: arrays that they capture are
// constants. Rules are differentiated like any other code, so that second derivatives follow from them.
#pragma once

#include "gradus/transform/recording.hpp"

namespace gradus {

/// x as a constant of differentiation.
Array stop_gradient(const Array& x);

namespace core {

/// The function of a custom derivative as recorded, and then its rule.
class CustomCall {
 public:
  CustomCall(TraceKind kind, std::vector<Array> inputs) : kind_(kind), inputs_(std::move(inputs)), recording_(std::in_place, kind) {}
  Recording& recording() { return *recording_; }
  /// Ends the function and begins the rule.
  void end_function(std::vector<Array> outputs);
  /// The stand-ins of the rule: changes of outputs (custom_vjp) or inputs (custom_jvp), outputs, inputs, in this order.
  Array change_of(const Array& x);
  Array rule_argument(const Array& x);
  /// The outputs of the op, for a rule that returned these changes.
  std::vector<Array> end_rule(std::vector<Array> changes);

 private:
  TraceKind kind_;
  std::vector<Array> inputs_, outputs_;
  std::optional<Recording> recording_, rule_;
  Closure function_;
};

/// A tuple of what stands for one argument, empty for things without arrays.
template <class A, class Replace>
auto change_like(A& argument, const Replace& replace) {
  constexpr ArgumentKind kind = kind_of<A>();
  if constexpr ((kind == ArgumentKind::array && !std::is_arithmetic_v<std::remove_cvref_t<A>>) || kind == ArgumentKind::tree) {
    return std::tuple(replaced(argument, replace));
  } else {
    return std::tuple<>();
  }
}
/// One array as itself, several as a std::array, other forms as they came. Braces keep the order.
template <class Replace, class... A>
auto changes_like(const Replace& replace, A&... arguments) {
  std::tuple<decltype(change_like(arguments, replace))...> each{change_like(arguments, replace)...};
  return packed(std::apply([](auto&... part) { return std::tuple_cat(std::move(part)...); }, each));
}

template <class F, class Rule, bool is_forward>
class Custom {
 public:
  Custom(F f, Rule rule) : f_(std::move(f)), rule_(std::move(rule)) {}
  template <class... A>
  auto operator()(A&&... arguments) const {
    CustomCall call(is_forward ? TraceKind::jvp : TraceKind::vjp, arrays_of(arguments...));
    const auto value = call_replaced(f_, [&](const Array& x) { return call.recording().add(x); }, arguments...);
    call.end_function(arrays_in(value));
    const auto symbol = [&](const Array& x) { return call.change_of(x); };
    const auto mark = [&](const Array& x) { return call.rule_argument(x); };
    const auto run_rule = [&](const auto& changes) {
      auto output = value;
      visit_arrays(output, [&](Array& x) { x = mark(x); });
      constexpr bool fits = std::is_invocable_v<const Rule&, decltype(changes), decltype(output)&, decltype(replaced(arguments, mark))...>;
      static_assert(fits, "the rule of a custom derivative takes the cotangent (or tangent), the output, and the inputs: (dy, y, x...)");
      if constexpr (fits) {
        const auto rule = [&](auto&... inside) { return rule_(changes, output, inside...); };
        return arrays_in(call_replaced(rule, mark, arguments...));
      } else {
        return std::vector<Array>();
      }
    };
    std::vector<Array> changes;
    if constexpr (is_forward) {
      changes = run_rule(changes_like(symbol, arguments...));
    } else {
      auto cotangent = value;
      visit_arrays(cotangent, [&](Array& x) { x = symbol(x); });
      changes = run_rule(cotangent);
    }
    return with_arrays(value, call.end_rule(std::move(changes)));
  }

 private:
  F f_;
  Rule rule_;
};

}  // namespace core

/// f with a reverse rule of its own: rule(cotangent, output, inputs...) returns the cotangent of the input, of several inputs a std::array
/// (or tuple) of them. Forward mode follows from it where the rule is linear in the cotangent.
template <class F, class Rule>
auto custom_vjp(F f, Rule rule) {
  return core::Custom<F, Rule, false>(std::move(f), std::move(rule));
}
/// f with a forward rule of its own: rule(tangent, output, inputs...) returns the tangent of the output; of several inputs `tangent` is a
/// std::array. Reverse mode follows from it where the rule is linear in the tangent.
template <class F, class Rule>
auto custom_jvp(F f, Rule rule) {
  return core::Custom<F, Rule, true>(std::move(f), std::move(rule));
}

}  // namespace gradus
