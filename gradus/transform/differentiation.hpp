// One call of a function under grad, vjp or jvp: what it is differentiated by, the trace it runs in, and what comes out. Behind the thin
// templates of grad.hpp and vjp.hpp.
#pragma once

#include <memory>

#include "gradus/graph/trace.hpp"
#include "gradus/transform/build.hpp"
#include "gradus/transform/tree.hpp"

namespace gradus::core {

class RecordingScope;

/// Arguments are registered, then open() begins the trace and marks them; after the call of the function the derivatives are asked for,
/// and commit() keeps what was written to cells. The destructor ends the trace and puts Array members of modules back.
class Differentiation {
 public:
  /// `name`: what the user called, in messages; `is_chosen`: arguments are named by number.
  Differentiation(TraceKind kind, std::string_view name, bool is_chosen);
  ~Differentiation();
  Differentiation(const Differentiation&) = delete;
  Differentiation& operator=(const Differentiation&) = delete;

  void add_array(const Array& x, size_t argument);
  /// A model; differentiated by its parameters, or only built and evaluated with the rest.
  void add_module(std::vector<Variable> variables, size_t argument, bool is_differentiated);
  /// An array that is not differentiated by.
  void add_constant(const Array& x);
  /// `plain_call` calls the function as it is: once, never evaluated, if a model has parameters without values.
  void open(FunctionTag function, FunctionRef<void()> plain_call);
  /// What the function is to see in place of the next array argument.
  const Array& next_mark();

  /// Gradients of the scalar outputs[0], one for each array and parameter registered.
  std::vector<Array> gradients(const std::vector<Array>& outputs) const;
  /// The cotangents of all registered, for one cotangent an output.
  std::vector<Array> pull_back(const std::vector<Array>& outputs, const std::vector<Array>& cotangents) const;
  /// The tangents of the outputs, for one tangent an array or parameter registered.
  std::vector<Array> push_forward(const std::vector<Array>& tangents, const std::vector<Array>& outputs) const;
  /// jacobians(...)[k][i]: (shape of output k, shape of i), by rows (reverse mode) or by columns (forward mode).
  std::vector<std::vector<Array>> jacobians(const std::vector<Array>& outputs, bool by_columns) const;
  /// Zeros in the shape of each array and parameter registered.
  std::vector<Array> zero_gradients() const;
  void commit();

  /// The entries of `values` that belong to a model, from `next` on, by path.
  Gradients named(const std::vector<Array>& values, size_t& next, size_t argument) const;
  /// Tangents by path, in the order of the model's parameters; zeros (empty) where there is none.
  void collect_named(const Gradients& tangents, size_t argument, std::vector<Array>& out) const;

 private:
  struct Leaf {
    Variable variable;  // of a model; without cell and member for an array argument
    Array value, mark;
    size_t argument;
    bool is_module() const { return variable.cell || variable.member; }
  };
  bool is_missing(FunctionTag function) const;
  void build(FunctionTag function, FunctionRef<void()> plain_call);
  void mark(Leaf& leaf);
  void check_reached(const std::vector<Array>& gradients) const;
  std::vector<Array> marks() const;

  TraceKind kind_;
  std::string_view name_;
  bool is_chosen_;
  std::vector<Leaf> leaves_;
  std::vector<Variable> states_;  // variables of models that are not differentiated by
  std::vector<Array> constants_;
  size_t next_ = 0;
  std::unique_ptr<RecordingScope> scope_;
};

/// A linear map from cotangents to gradients that outlives its trace: the transposed graph, closed over what it needs of the forward pass.
class PullbackCore {
 public:
  PullbackCore(const Differentiation& differentiation, const std::vector<Array>& outputs);
  std::vector<Array> operator()(const std::vector<Array>& cotangents) const;

 private:
  std::vector<Aval> avals_;  // of the outputs
  SubgraphPtr graph_;        // float cotangents, then what was captured
  std::vector<Array> captured_;
};

// ---- what the templates share ----

template <size_t I, class A>
void register_argument(Differentiation& d, bool is_differentiated, A& argument) {
  constexpr ArgumentKind kind = kind_of<A>();
  if constexpr (kind == ArgumentKind::module) {
    d.add_module(variables(argument), I, is_differentiated);
  } else if constexpr (kind == ArgumentKind::array) {
    if (is_differentiated) d.add_array(argument, I);
    else if constexpr (!std::is_arithmetic_v<std::remove_cvref_t<A>>) d.add_constant(argument);
  } else if constexpr (kind == ArgumentKind::tree) {
    visit_arrays(std::as_const(argument), [&](const Array& x) { is_differentiated ? d.add_array(x, I) : d.add_constant(x); });
  }
}

template <size_t I, size_t... Chosen>
constexpr bool is_chosen(std::index_sequence<Chosen...>) {
  return ((I == Chosen) || ...);
}

/// Registers the chosen arguments in the order in which they were chosen, then the others.
template <size_t... Chosen, class... A, size_t... All>
void register_arguments(Differentiation& d, std::index_sequence<Chosen...> chosen, std::index_sequence<All...>,
                        const std::tuple<A&...>& given) {
  (register_argument<Chosen>(d, true, std::get<Chosen>(given)), ...);
  const auto add_other = [&]<size_t I>(std::index_sequence<I>) {
    if constexpr (!is_chosen<I>(chosen)) register_argument<I>(d, false, std::get<I>(given));
  };
  (add_other(std::index_sequence<All>()), ...);
}

/// What the function gets for an argument: marked arrays for chosen ones, the thing itself for models and all others.
template <bool is_marked, class A>
decltype(auto) stand_in(A& argument) {
  constexpr ArgumentKind kind = kind_of<A>();
  if constexpr (is_marked && kind == ArgumentKind::array) return Array(argument);
  else if constexpr (is_marked && kind == ArgumentKind::tree) return std::remove_const_t<A>(argument);
  else return (argument);
}
template <bool is_marked, class A>
using StandIn = decltype(stand_in<is_marked>(std::declval<A&>()));

template <class A>
void put_marks(Differentiation& d, A& inside) {
  if constexpr (kind_of<A>() == ArgumentKind::array || kind_of<A>() == ArgumentKind::tree) {
    visit_arrays(inside, [&](Array& x) { x = d.next_mark(); });
  }
}

/// The arguments in the form in which the function gets them.
template <size_t... Chosen, class... A, size_t... All>
auto stand_ins(std::index_sequence<Chosen...> chosen, std::index_sequence<All...>, const std::tuple<A&...>& given) {
  return std::tuple<StandIn<is_chosen<All>(chosen), A>...>(stand_in<is_chosen<All>(chosen)>(std::get<All>(given))...);
}

/// Whether F, called with these arguments, has a derivative by the chosen ones; if not, the compiler says why, once.
template <class F, class Chosen, class... A>
constexpr bool can_differentiate() {
  return []<size_t... I, size_t... All>(std::index_sequence<I...>, std::index_sequence<All...>) {
    constexpr bool exist = ((I < sizeof...(A)) && ...);
    static_assert(exist, "an argument is chosen by a number that is too large; they count from 0");
    if constexpr (exist) {
      constexpr bool fit = ((kind_of<std::tuple_element_t<I, std::tuple<A...>>>() != ArgumentKind::other) && ...);
      static_assert(fit,
                    "only arrays and modules can be differentiated by: a struct becomes a module by GRADUS_PARTS(...) at its end; other "
                    "arguments are left out by number, for example grad<0>(f)");
      // One after the other: Clang compiles the function, errors and all, for the right side of an && too.
      if constexpr (fit) {
        using Inside = std::tuple<StandIn<is_chosen<All>(Chosen()), A>...>;
        if constexpr (must_take<F, Inside>()) {
          using R = decltype(std::apply(std::declval<const F&>(), std::declval<Inside&>()));
          constexpr bool is_number = std::is_arithmetic_v<std::remove_cvref_t<R>>;
          static_assert(!is_number, "the function returns a C++ number, which has no derivative: it must return the Array, without item()");
          return !is_number && check_returned<R>();
        }
      }
    }
    return false;
  }(Chosen(), std::index_sequence_for<A...>());
}

/// Calls the function with marks in place of the chosen arguments.
template <class F, size_t... Chosen, class... A, size_t... All>
auto call_marked(Differentiation& d, const F& f, std::index_sequence<Chosen...> chosen, std::index_sequence<All...> all,
                 const std::tuple<A&...>& given) {
  auto inside = stand_ins(chosen, all, given);
  (put_marks(d, std::get<Chosen>(inside)), ...);
  return Returned<decltype(std::apply(f, inside))>(std::apply(f, inside));
}

/// Registers, opens, calls: all that comes before the derivative. Returns what the function returned.
template <class F, class Chosen, class... A>
auto trace_call(Differentiation& d, const F& f, Chosen chosen, const std::tuple<A&...>& given) {
  constexpr std::index_sequence_for<A...> all;
  register_arguments(d, chosen, all, given);
  d.open(&tag_of_function<F>, [&] {
    auto plain = stand_ins(chosen, all, given);
    std::apply(f, plain);
  });
  return call_marked(d, f, chosen, all, given);
}

/// The derivative by one argument, in that argument's form.
template <size_t I, class A>
auto derivative_by(const Differentiation& d, const std::vector<Array>& values, size_t& next, A& argument) {
  constexpr ArgumentKind kind = kind_of<A>();
  if constexpr (kind == ArgumentKind::array) {
    return values[next++];
  } else if constexpr (kind == ArgumentKind::module) {
    return d.named(values, next, I);
  } else {
    auto out = std::remove_const_t<A>(argument);
    replace_arrays(out, values, next);
    return out;
  }
}

template <size_t... Chosen, class... A>
auto derivatives(const Differentiation& d, const std::vector<Array>& values, std::index_sequence<Chosen...>,
                 const std::tuple<A&...>& given) {
  size_t next = 0;
  using Parts = std::tuple<decltype(derivative_by<Chosen>(d, values, next, std::get<Chosen>(given)))...>;
  return packed(Parts{derivative_by<Chosen>(d, values, next, std::get<Chosen>(given))...});
}

/// The chosen numbers, or all.
template <size_t... I, class... A>
auto chosen_of(std::index_sequence<I...>, const std::tuple<A&...>&) {
  if constexpr (sizeof...(I) == 0) return std::index_sequence_for<A...>();
  else return std::index_sequence<I...>();
}

}  // namespace gradus::core
