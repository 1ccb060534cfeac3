// vmap: a function of one example as a function of a batch, without a loop.
//
//   Array ys = vmap(f)(xs);                                                       // f of each xs[i], stacked
//   Gradients per_sample = vmap(grad<0>(objective), {whole, 0, 0})(model, xs, ys);  // a gradient for each example
//
// Each op is replaced by its rule for batches: a product of vectors becomes one of matrices. Results have the batch as their axis 0.
// Arrays that the function captures are the same for all examples. No value exists inside: item() and printing are errors.
#pragma once

#include <initializer_list>
#include <memory>

#include "gradus/graph/trace.hpp"
#include "gradus/transform/tree.hpp"

namespace gradus {

/// Which axis of an argument counts the examples, or `whole`: the argument is handed to every example as it is.
class BatchAxis {
 public:
  template <core::Integer T>
  constexpr BatchAxis(T axis) : axis_(static_cast<int64_t>(axis)) {}  // NOLINT: implicit on purpose
  BatchAxis(bool) = delete;
  /// `whole`.
  static constexpr BatchAxis none() {
    BatchAxis axis(0);
    axis.is_whole_ = true;
    return axis;
  }
  constexpr int64_t axis() const { return axis_; }
  constexpr bool is_whole() const { return is_whole_; }

 private:
  int64_t axis_;
  bool is_whole_ = false;
};
inline constexpr BatchAxis whole = BatchAxis::none();

/// What draws without a key do under vmap: an error, one draw for all examples, or a draw of its own for each.
enum class Randomness { error, same, different };

/// Options of vmap.
struct VmapOptions {
  Randomness randomness = Randomness::error;
};

namespace core {

class RecordingScope;

/// One call of a function under vmap.
class Batching {
 public:
  Batching(std::vector<BatchAxis> axes, VmapOptions options, size_t arguments);
  ~Batching();
  Batching(const Batching&) = delete;
  Batching& operator=(const Batching&) = delete;

  /// The axis of an argument; models are whole unless the caller says otherwise.
  BatchAxis axis_of(size_t argument, bool is_module) const;
  void add_array(const Array& x, size_t argument);
  void add_module(const std::vector<Variable>& variables, size_t argument);
  /// Begins the trace; symbols for one example take the place of what was added.
  void open();
  const Array& next_symbol() { return handed_out_[next_++]; }
  /// The results for all examples.
  std::vector<Array> batched(const std::vector<Array>& outputs);

 private:
  void add(const Array& x, size_t argument, const std::string& path);
  std::vector<BatchAxis> axes_;
  VmapOptions options_;
  std::vector<Array> values_, symbols_, handed_out_;
  std::vector<Variable> variables_;  // those of batched models; null ones for arrays
  int64_t batch_size_ = -1;
  size_t batch_size_from_ = 0, next_ = 0;
  std::unique_ptr<RecordingScope> scope_;
};

template <size_t I, class A>
void register_batch(Batching& batching, A& argument) {
  constexpr ArgumentKind kind = kind_of<A>();
  const BatchAxis axis = batching.axis_of(I, kind == ArgumentKind::module || kind == ArgumentKind::other);
  if (axis.is_whole()) return;
  if constexpr (kind == ArgumentKind::module) batching.add_module(variables(argument), I);
  else if constexpr (kind == ArgumentKind::array) batching.add_array(argument, I);
  else visit_arrays(std::as_const(argument), [&](const Array& x) { batching.add_array(x, I); });
}

template <size_t I, class A>
decltype(auto) example_of(Batching& batching, A& argument) {
  constexpr ArgumentKind kind = kind_of<A>();
  if constexpr (kind == ArgumentKind::array) {
    if constexpr (std::is_arithmetic_v<std::remove_cvref_t<A>>) return (argument);
    else return batching.axis_of(I, false).is_whole() ? Array(argument) : batching.next_symbol();
  } else if constexpr (kind == ArgumentKind::tree) {
    auto out = std::remove_const_t<A>(argument);
    if (!batching.axis_of(I, false).is_whole()) visit_arrays(out, [&](Array& x) { x = batching.next_symbol(); });
    return out;
  } else {
    return (argument);
  }
}

template <class F>
class Vmap {
 public:
  Vmap(F f, std::vector<BatchAxis> axes, VmapOptions options) : f_(std::move(f)), axes_(std::move(axes)), options_(options) {}
  template <class... A>
  auto operator()(A&&... arguments) const {
    return run(std::index_sequence_for<A...>(), arguments...);
  }

 private:
  template <size_t... I, class... A>
  auto run(std::index_sequence<I...>, A&... arguments) const {
    Batching batching(axes_, options_, sizeof...(A));
    (register_batch<I>(batching, arguments), ...);
    batching.open();
    using Inside = std::tuple<decltype(example_of<I>(batching, arguments))...>;
    if constexpr (must_take<F, Inside>()) {
      Inside inside{example_of<I>(batching, arguments)...};
      using R = decltype(std::apply(f_, inside));
      if constexpr (check_returned<R>()) {
        const Returned<R> value(std::apply(f_, inside));
        return with_arrays(value, batching.batched(arrays_in(value)));
      } else {
        return Array();
      }
    } else {
      return Array();
    }
  }

  F f_;
  std::vector<BatchAxis> axes_;
  VmapOptions options_;
};

}  // namespace core

/// f over axis 0 of each argument; models are handed on whole.
template <class F>
auto vmap(F f) {
  return core::Vmap<F>(std::move(f), {}, {});
}
/// f over the given axis of each argument, counted from the end if negative. A model with axis 0 has a value of each parameter for each
/// example (an ensemble).
template <class F>
auto vmap(F f, std::initializer_list<BatchAxis> axes, VmapOptions options = {}) {
  return core::Vmap<F>(std::move(f), axes, options);
}
template <class F>
auto vmap(F f, VmapOptions options) {
  return core::Vmap<F>(std::move(f), {}, options);
}
inline auto vmap(core::FunctionOfOne f) { return core::Vmap<Array (*)(const Array&)>(f.pointer(), {}, {}); }

}  // namespace gradus
