// Functions recorded as closed graphs, for ops that hold one: checkpoint, custom derivatives, scan, cond, while_loop.
#pragma once

#include <memory>

#include "gradus/graph/closure.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/transform/tree.hpp"

namespace gradus::core {

class RecordingScope;

/// The trace of one function. Its arguments are replaced by what add() gives; close() makes the graph.
class Recording {
 public:
  explicit Recording(TraceKind kind);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /// A fresh node with the value of x, which may be asked for inside.
  Array add(const Array& x);
  /// A symbol without value.
  Array add_symbol(const Aval& aval);
  /// A symbol that was made elsewhere.
  void add_parameter(const Array& symbol) { parameters_.push_back(symbol); }
  /// Until close() or end_draws(), draws inside come from this key, an int64 array.
  void draw_from(const Array& key);
  void end_draws();
  /// The graph of `outputs` as a function of what was added, in order, and of what it captured. What was assigned to cells inside becomes
  /// further outputs. Ends the trace.
  Closure close(std::vector<Array> outputs);
  /// After close: the number of outputs that belong to cells; assigns them, in the enclosing trace.
  size_t written_count() const { return cells_written_.size(); }
  void write_back(std::span<const Array> values) const;
  /// Throws if something was assigned to a cell inside: the function runs any number of times.
  void refuse_writes() const;

 private:
  TraceKind kind_;
  std::unique_ptr<RecordingScope> scope_;
  std::vector<Array> parameters_;
  std::vector<CellPtr> cells_written_;
};

/// `argument` with each of its arrays replaced; models, numbers and other things as they are.
template <class A, class Replace>
decltype(auto) replaced(A& argument, const Replace& replace) {
  constexpr ArgumentKind kind = kind_of<A>();
  if constexpr (kind == ArgumentKind::array && !std::is_arithmetic_v<std::remove_cvref_t<A>>) {
    return replace(Array(argument));
  } else if constexpr (kind == ArgumentKind::tree) {
    auto out = std::remove_const_t<A>(argument);
    visit_arrays(out, [&](Array& x) { x = replace(x); });
    return out;
  } else {
    return (argument);
  }
}

/// f(arguments...) with their arrays replaced, in order.
template <class F, class Replace, class... A>
auto call_replaced(const F& f, const Replace& replace, A&... arguments) {
  using Inside = std::tuple<decltype(replaced(arguments, replace))...>;
  if constexpr (must_take<F, Inside>()) {
    Inside inside{replaced(arguments, replace)...};
    using R = decltype(std::apply(f, inside));
    if constexpr (check_returned<R>()) return Returned<R>(std::apply(f, inside));
    else return Array();
  } else {
    return Array();
  }
}

/// The arrays of the arguments that call_replaced replaces, in order.
template <class... A>
std::vector<Array> arrays_of(A&... arguments) {
  std::vector<Array> out;
  const auto collect = [&](const Array& x) {
    out.push_back(x);
    return x;
  };
  (void(replaced(arguments, collect)), ...);
  return out;
}

}  // namespace gradus::core
