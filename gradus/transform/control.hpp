// Loops and branches as ops: scan, cond, while_loop. Their functions are recorded once, as closed graphs; they differentiate, batch and compose
// like other ops. Inside no value exists: item() and printing are errors.
#pragma once

#include "gradus/transform/recording.hpp"

namespace gradus {

struct ScanOptions {
  bool reverse = false;  ///< from the last step to the first; ys stay in the order of xs
};

namespace detail {

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
  struct Draws;
  std::vector<Array> init_, xs_, symbols_, outputs_;
  ScanOptions options_;
  int64_t length_ = 0;
  size_t next_ = 0;
  std::optional<Recording> recording_;
  std::unique_ptr<Draws> draws_;
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
  struct Draws;
  std::vector<Array> init_, symbols_, outputs_;
  size_t next_ = 0;
  std::optional<Recording> recording_;
  std::unique_ptr<Draws> draws_;
  Closure condition_;
};

/// The branches of cond as recorded.
struct CondBranches {
  Closure yes, no;
};
std::vector<Array> apply_cond(const Array& predicate, const std::vector<Array>& arguments, CondBranches branches);

/// One branch: what it returns, and its graph.
template <class F, class... A>
auto record_branch(Closure& closure, const F& f, A&... arguments) {
  Recording recording(TraceKind::cond);
  auto value = call_replaced(f, [&](const Array& x) { return recording.add_symbol(x.aval()); }, arguments...);
  closure = recording.close(arrays_in(value));
  recording.refuse_writes();
  return value;
}

}  // namespace detail

/// A loop over axis 0 of xs that carries a state:  carry, ys[t] = f(carry, xs[t]).  Returns the pair of the last carry and the stacked ys. Carry,
/// xs and y may be arrays, or tuples or vectors of them; f returns a pair or tuple {carry, y}, the carry of the same shapes and dtypes as
/// before. Reverse mode keeps the carries and computes each step again.
///
///   auto [total, sums] = scan([](const Array& sum, const Array& x) { Array next = sum + x; return std::pair{next, next}; }, Array(0.0), xs);
template <class F, class C, class X>
auto scan(const F& f, const C& init, const X& xs, ScanOptions options = {}) {
  using detail::Returned;
  const Returned<C> first(init);
  const Returned<X> elements(xs);
  detail::ScanCall call(detail::arrays_in(first), detail::arrays_in(elements), options);
  const auto record = [&] {
    call.begin();
    Returned<C> carry = first;
    Returned<X> x = elements;
    detail::visit_arrays(carry, [&](Array& array) { array = call.next_symbol(); });
    detail::visit_arrays(x, [&](Array& array) { array = call.next_symbol(); });
    auto [next, y] = f(std::as_const(carry), std::as_const(x));
    return std::pair(Returned<decltype(next)>(std::move(next)), Returned<decltype(y)>(std::move(y)));
  };
  auto result = record();
  if (!call.end(detail::arrays_in(result.first), detail::arrays_in(result.second))) {
    result = record();
    call.end(detail::arrays_in(result.first), detail::arrays_in(result.second));
  }
  return detail::with_arrays(std::move(result), call.outputs());
}

/// yes(arguments...) if the predicate (a bool scalar) is true, else no(arguments...); only one is computed. Both return the same shapes
/// and dtypes. Under vmap with a batched predicate both are computed and selected from.
template <class Yes, class No, class... A>
auto cond(const Array& predicate, const Yes& yes, const No& no, A&&... arguments) {
  const std::vector<Array> inputs = detail::arrays_of(arguments...);
  detail::CondBranches branches;
  auto value = detail::record_branch(branches.yes, yes, arguments...);
  using Other = decltype(detail::record_branch(branches.no, no, arguments...));
  static_assert(std::same_as<decltype(value), Other>, "the two functions of cond return the same type");
  detail::record_branch(branches.no, no, arguments...);
  return detail::with_arrays(std::move(value), detail::apply_cond(predicate, inputs, std::move(branches)));
}

/// carry = body(carry) as long as condition(carry), a bool scalar, is true. Returns the last carry. Forward mode only: the number of steps is
/// not known when the loop is recorded, so that nothing can be kept for a reverse pass.
template <class Condition, class Body, class C>
auto while_loop(const Condition& condition, const Body& body, const C& init) {
  using State = detail::Returned<C>;
  const State first(init);
  detail::WhileCall call(detail::arrays_in(first));
  const auto symbols = [&] {
    State carry = first;
    detail::visit_arrays(carry, [&](Array& array) { array = call.next_symbol(); });
    return carry;
  };
  const auto record = [&] {
    call.begin();
    call.end_condition(condition(symbols()));
    return State(body(symbols()));
  };
  State result = record();
  if (!call.end_body(detail::arrays_in(result))) {
    result = record();
    call.end_body(detail::arrays_in(result));
  }
  return detail::with_arrays(std::move(result), call.outputs());
}

}  // namespace gradus
