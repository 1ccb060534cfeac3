// Loops and branches as ops: scan, cond, while_loop. Their functions are recorded once, as closed graphs; they differentiate, batch and
// compose like other ops. Inside no value exists: item() and printing are errors.
#pragma once

#include <optional>

#include "gradus/transform/recording.hpp"

namespace gradus {

/// Options of scan.
struct ScanOptions {
  bool reverse = false;  ///< from the last step to the first; ys stay in the order of xs
};

namespace core {

/// One call of scan: f is recorded for one step, once more if a number among the first carries has to take another dtype.
class ScanCall {
 public:
  ScanCall(std::vector<Array> init, std::vector<Array> xs, ScanOptions options);
  ~ScanCall();
  ScanCall(const ScanCall&) = delete;
  ScanCall& operator=(const ScanCall&) = delete;

  void begin();
  const Array& next_symbol() { return symbols_[next_++]; }
  /// False if the step has to be recorded again.
  bool end(const std::vector<Array>& carries, const std::vector<Array>& ys);
  /// Last carries, then stacked ys.
  std::vector<Array> outputs() const { return outputs_; }

 private:
  std::vector<Array> init_, xs_, symbols_, outputs_;
  ScanOptions options_;
  int64_t length_ = 0;
  size_t next_ = 0;
  std::optional<Recording> recording_;
  Array key_;  // of the draws of a step
};

/// One call of while_loop, in the same manner.
class WhileCall {
 public:
  explicit WhileCall(std::vector<Array> init);
  ~WhileCall();
  WhileCall(const WhileCall&) = delete;
  WhileCall& operator=(const WhileCall&) = delete;

  void begin();
  const Array& next_symbol() { return symbols_[next_++]; }
  void end_condition(const Array& condition);
  bool end_body(const std::vector<Array>& carries);
  std::vector<Array> outputs() const { return outputs_; }

 private:
  std::vector<Array> init_, symbols_, outputs_;
  size_t next_ = 0;
  std::optional<Recording> recording_;
  Array key_, count_;  // the draws of a step are of key_ and its number
  Closure condition_;
};

/// The branches of cond as recorded.
struct CondBranches {
  Closure yes, no;
};
std::vector<Array> apply_cond(const Array& predicate, const std::vector<Array>& arguments, CondBranches branches);

/// What one step of a scan returns.
template <class F, class C, class X>
using ScanStep = std::invoke_result_t<const F&, const Returned<C>&, const Returned<X>&>;
/// Whether F is the function of a scan with these carries and elements; if not, the compiler says why.
template <class F, class C, class X>
constexpr bool must_be_scan_step() {
  constexpr bool takes = std::is_invocable_v<const F&, const Returned<C>&, const Returned<X>&>;
  static_assert(takes, "the function of scan takes the carry and one x: [](const Array& carry, const Array& x) { ... }");
  if constexpr (takes) {
    constexpr bool is_pair = [] {
      if constexpr (IsTuple<std::remove_cvref_t<ScanStep<F, C, X>>>) return std::tuple_size_v<std::remove_cvref_t<ScanStep<F, C, X>>> == 2;
      else return false;
    }();
    static_assert(is_pair, "the function of scan returns two things, the next carry and the y of this step: return std::pair{next, y};");
    return is_pair;
  } else {
    return false;
  }
}

/// Whether these are the functions of a while_loop that carries a State; if not, the compiler says why.
template <class Condition, class Body, class State>
constexpr bool must_be_loop() {
  constexpr bool take_carry = std::is_invocable_v<const Condition&, State> && std::is_invocable_v<const Body&, State>;
  static_assert(take_carry, "the condition and the body of while_loop take the carry");
  if constexpr (take_carry) {
    constexpr bool gives_condition = std::convertible_to<std::invoke_result_t<const Condition&, State>, Array>;
    static_assert(gives_condition, "the condition of while_loop returns a bool Array of rank 0");
    constexpr bool gives_carry = std::constructible_from<State, std::invoke_result_t<const Body&, State>>;
    static_assert(gives_carry, "the body of while_loop returns the next carry, of the type of the first");
    return gives_condition && gives_carry;
  } else {
    return false;
  }
}

/// One branch: what it returns, and its graph.
template <class F, class... A>
auto record_branch(Closure& closure, const F& f, A&... arguments) {
  Recording recording(TraceKind::cond);
  auto value = call_replaced(f, [&](const Array& x) { return recording.add_symbol(x.aval()); }, arguments...);
  closure = recording.close(arrays_in(value));
  recording.refuse_writes();
  return value;
}

}  // namespace core

/// A loop over axis 0 of xs that carries a state:  carry, ys[t] = f(carry, xs[t]).  Returns the pair of the last carry and the stacked ys.
/// Carry, xs and y may be arrays, or tuples or vectors of them; f returns a pair or tuple {carry, y}, the carry of the same shapes and
/// dtypes as before. Reverse mode keeps the carries and computes each step again.
///
///   auto [total, sums] = scan([](const Array& sum, const Array& x) { Array next = sum + x; return std::pair{next, next}; }, Array(0.0),
///   xs);
template <class F, class C, class X>
auto scan(const F& f, const C& init, const X& xs, ScanOptions options = {}) {
  using core::Returned;
  if constexpr (!core::must_be_scan_step<F, C, X>()) {
    return std::pair<core::Returned<C>, Array>(init, Array());
  } else {
    const core::Returned<C> first(init);
    const core::Returned<X> elements(xs);
    core::ScanCall call(core::arrays_in(first), core::arrays_in(elements), options);
    const auto record = [&] {
      call.begin();
      core::Returned<C> carry = first;
      core::Returned<X> x = elements;
      core::visit_arrays(carry, [&](Array& array) { array = call.next_symbol(); });
      core::visit_arrays(x, [&](Array& array) { array = call.next_symbol(); });
      auto [next, y] = f(std::as_const(carry), std::as_const(x));
      return std::pair(core::Returned<decltype(next)>(std::move(next)), core::Returned<decltype(y)>(std::move(y)));
    };
    auto result = record();
    if (!call.end(core::arrays_in(result.first), core::arrays_in(result.second))) {
      result = record();
      call.end(core::arrays_in(result.first), core::arrays_in(result.second));
    }
    return core::with_arrays(std::move(result), call.outputs());
  }
}

/// yes(arguments...) if the predicate (a bool scalar) is true, else no(arguments...); only one is computed. Both return the same shapes
/// and dtypes. Under vmap with a batched predicate both are computed and selected from.
template <class Yes, class No, class... A>
auto cond(const Array& predicate, const Yes& yes, const No& no, A&&... arguments) {
  constexpr bool are_functions = std::is_invocable_v<const Yes&, A&...> && std::is_invocable_v<const No&, A&...>;
  static_assert(are_functions,
                "cond takes two functions and their arguments: cond(p, [](const Array& x) { ... }, [](const Array& x) { ... }, x); "
                "where(p, a, b) chooses between arrays");
  if constexpr (are_functions) {
    const std::vector<Array> inputs = core::arrays_of(arguments...);
    core::CondBranches branches;
    auto value = core::record_branch(branches.yes, yes, arguments...);
    using Other = decltype(core::record_branch(branches.no, no, arguments...));
    constexpr bool is_same = std::same_as<decltype(value), Other>;
    static_assert(is_same, "the two functions of cond return the same type");
    core::record_branch(branches.no, no, arguments...);
    return core::with_arrays(std::move(value), core::apply_cond(predicate, inputs, std::move(branches)));
  } else {
    return Array();
  }
}

/// carry = body(carry) as long as condition(carry), a bool scalar, is true. Returns the last carry. Forward mode only: the number of steps
/// is not known when the loop is recorded, so that nothing can be kept for a reverse pass.
template <class Condition, class Body, class C>
auto while_loop(const Condition& condition, const Body& body, const C& init) {
  using State = core::Returned<C>;
  const State first(init);
  if constexpr (core::must_be_loop<Condition, Body, State>()) {
    core::WhileCall call(core::arrays_in(first));
    const auto symbols = [&] {
      State carry = first;
      core::visit_arrays(carry, [&](Array& array) { array = call.next_symbol(); });
      return carry;
    };
    const auto record = [&] {
      call.begin();
      call.end_condition(condition(symbols()));
      return State(body(symbols()));
    };
    State result = record();
    if (!call.end_body(core::arrays_in(result))) {
      result = record();
      call.end_body(core::arrays_in(result));
    }
    return core::with_arrays(std::move(result), call.outputs());
  } else {
    return first;
  }
}

}  // namespace gradus
