// compile: a function recorded once for each signature of its arguments, and then only run.
//
//   auto step = compile([&](const Array& x, const Array& y) {
//     auto [value, grads] = value_and_grad<0>(objective)(model, x, y);
//     optimizer.step(model, grads);
//     return value;
//   }, model, optimizer);
//   Array value = step(batch.x, batch.y);
//
// What changes from call to call stands behind the function: models, optimisers, plain Arrays. They are inputs of each run, and what the
// function assigns to them is an output. The default random generator is state without being named. Everything else that the function uses
// (captured arrays, C++ numbers, bools) is a constant of the recording; using a variable that is not in the state is an error. A new
// recording is made for new dtypes or shapes of the arguments, other lengths of their lists, another training mode, and other
// hyper-parameters of the state or of models among the arguments. No value exists while the function is recorded: item() and printing are
// errors.
#pragma once

#include "gradus/base/function_ref.hpp"
#include "gradus/graph/parameter.hpp"
#include "gradus/transform/build.hpp"
#include "gradus/transform/recording.hpp"

namespace gradus {

namespace core {

/// The recordings of one compiled function.
class CompileCache;
std::shared_ptr<CompileCache> make_compile_cache();
int64_t recordings_of(const CompileCache& cache);

/// One call of a compiled function.
class CompileCall {
 public:
  using VisitState = FunctionRef<void(PartVisitor&)>;
  CompileCall(CompileCache& cache, VisitState visit_state);
  ~CompileCall();
  CompileCall(const CompileCall&) = delete;
  CompileCall& operator=(const CompileCall&) = delete;

  void add_array(const Array& x);
  /// A model that is an argument: its plain arrays are inputs.
  void add_module(const std::vector<Variable>& variables);
  /// The form of an argument that holds several things: how long its lists are, and all that it holds besides arrays.
  void add_form(VisitState visit_parts);
  /// Something that the recording depends on.
  void add_key(uint64_t word) { words_.push_back(word); }
  /// Whether there is a recording for what was added.
  bool find(FunctionTag function);
  /// Makes first values where they are missing, and begins the recording.
  void begin(FunctionTag function, FunctionRef<void()> plain_call);
  const Array& next_symbol();
  /// Ends it; `prototype` is what the function returned.
  void end(const std::vector<Array>& results, std::shared_ptr<void> prototype);
  const void* prototype() const;
  /// Runs it on the arguments and the state; assigns the state; returns the results.
  std::vector<Array> run();

 private:
  struct Impl;
  CompileCache& cache_;
  VisitState visit_state_;
  std::vector<Array> arrays_;
  std::vector<uint64_t> words_;
  std::unique_ptr<Impl> impl_;
};

template <class T>
concept CompileState = Module<T> || std::same_as<std::remove_const_t<T>, Array> || HoldsCell<T>;

/// Numbers are handed to the function as arrays, so that their values are inputs; bools and enums are part of the signature.
template <class A>
inline constexpr bool is_number_argument = Number<std::remove_cvref_t<A>> && !std::same_as<std::remove_cvref_t<A>, bool>;
template <class A>
inline constexpr bool is_key_argument = std::same_as<std::remove_cvref_t<A>, bool> || std::is_enum_v<std::remove_cvref_t<A>>;
template <class A>
decltype(auto) as_input(A& argument) {
  if constexpr (is_number_argument<A>) return Array(argument);
  else return (argument);
}

template <class A>
void add_argument(CompileCall& call, A& argument) {
  constexpr ArgumentKind kind = kind_of<A>();
  if constexpr (is_key_argument<A>) {
    call.add_key(static_cast<uint64_t>(argument));
  } else if constexpr (kind == ArgumentKind::module) {
    call.add_module(variables(argument));
    call.add_form([&](PartVisitor& visitor) { visit_part(visitor, "", argument); });
  } else {
    static_assert(kind != ArgumentKind::other, "a compiled function takes arrays, tuples or vectors of them, numbers and modules");
    (void)replaced(argument, [&](const Array& x) {
      call.add_array(x);
      return x;
    });
    if constexpr (kind == ArgumentKind::tree) call.add_form([&](PartVisitor& visitor) { visit_part(visitor, "", argument); });
  }
}

template <class F, class... S>
class Compiled {
 public:
  explicit Compiled(F f, S&... state) : f_(std::move(f)), state_(state...), cache_(make_compile_cache()) {}

  template <class... A>
  auto operator()(A&&... arguments) const {
    return run(as_input(arguments)...);
  }
  /// How often the function has been recorded.
  int64_t recordings() const { return recordings_of(*cache_); }

 private:
  template <class... A>
  auto run(A&&... arguments) const {
    // Inside another transform a compiled function is the function itself.
    const auto same = [](const Array& x) { return x; };
    if (is_tracing()) return call_replaced(f_, same, arguments...);
    // Named, since the call keeps a reference to it.
    const auto visit_state = [this](PartVisitor& visitor) {
      std::apply([&](auto&... state) { (visit_part(visitor, "", state), ...); }, state_);
    };
    CompileCall call(*cache_, visit_state);
    (add_argument(call, arguments), ...);
    using R = decltype(call_replaced(f_, same, arguments...));
    if (!call.find(&tag_of_function<R(A...)>)) {
      call.begin(&tag_of_function<F>, [&] { f_(arguments...); });
      auto value = std::make_shared<R>(call_replaced(f_, [&](const Array&) { return call.next_symbol(); }, arguments...));
      const std::vector<Array> results = arrays_in(*value);
      call.end(results, std::move(value));
    }
    // The prototype is copied before the run: it has the form of the result and arrays without values.
    R result = *static_cast<const R*>(call.prototype());
    return with_arrays(std::move(result), call.run());
  }

  F f_;
  std::tuple<S&...> state_;
  std::shared_ptr<CompileCache> cache_;
};

}  // namespace core

/// f as a function that is recorded once for each signature. The state must outlive it: variables, not temporaries, and not const. One
/// thread calls it at a time.
template <class F, class... S>
auto compile(F f, S&... state) {
  constexpr bool is_variable = (!std::is_const_v<S> && ...);
  static_assert(is_variable, "compile assigns to the state behind its function: it must not be const");
  constexpr bool is_state = (core::CompileState<S> && ...);
  static_assert(
      is_state,
      "the state of compile is an Array, Parameter, module or optimiser; a struct becomes a module by GRADUS_PARTS(...) at its end");
  if constexpr (is_variable && is_state) return core::Compiled<F, S...>(std::move(f), state...);
  else return f;
}
inline auto compile(core::FunctionOfOne f) { return core::Compiled<Array (*)(const Array&)>(f.pointer()); }

}  // namespace gradus
