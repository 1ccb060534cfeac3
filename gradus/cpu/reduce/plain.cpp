// Folds as plain loops over any strides, for every kind and dtype.
#include <cmath>
#include <limits>
#include <type_traits>

#include "gradus/cpu/reduce/fold.hpp"

namespace gradus::cpu {

namespace {

template <class T>
inline constexpr bool is_float = std::is_floating_point_v<T> || std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>;
template <class T>
inline constexpr bool is_16_bit_float = std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>;
// Sums and products: wide enough for any number of terms.
template <class T>
using Wide = std::conditional_t<is_float<T>, double, int64_t>;
template <class T>
using Compared = std::conditional_t<is_16_bit_float<T>, float, std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>>;

template <class V>
bool is_nan(V value) {
  if constexpr (std::is_floating_point_v<V>) return value != value;
  else return false;
}

// Integers wrap around.
template <class T>
struct Sum {
  using State = Wide<T>;
  static constexpr State neutral = 0;
  static void add(State& s, T x, int64_t, double) {
    if constexpr (is_float<T>) s += static_cast<double>(x);
    else s = static_cast<int64_t>(static_cast<uint64_t>(s) + static_cast<uint64_t>(x));
  }
  static void combine(State& s, State other) {
    if constexpr (is_float<T>) s += other;
    else s = static_cast<int64_t>(static_cast<uint64_t>(s) + static_cast<uint64_t>(other));
  }
};
template <class T>
struct SumInDouble : Sum<double> {
  static void add(double& s, T x, int64_t, double) { s += static_cast<double>(x); }
};
template <class T>
struct SquaredDeviation : Sum<double> {
  static void add(double& s, T x, int64_t, double mean) {
    const double d = static_cast<double>(x) - mean;
    s += d * d;
  }
};
template <class T>
struct Exponentials : Sum<double> {
  static void add(double& s, T x, int64_t, double largest) { s += std::exp(static_cast<double>(x) - largest); }
};
template <class T>
struct Prod {
  using State = Wide<T>;
  static constexpr State neutral = 1;
  static void add(State& s, T x, int64_t, double) { combine(s, static_cast<State>(x)); }
  static void combine(State& s, State other) {
    if constexpr (is_float<T>) s *= other;
    else s = static_cast<int64_t>(static_cast<uint64_t>(s) * static_cast<uint64_t>(other));
  }
};
template <class T, bool is_max>
struct Extreme {
  using State = Compared<T>;
  static constexpr State lowest() {
    using L = std::numeric_limits<State>;
    if constexpr (std::is_floating_point_v<State>) return is_max ? -L::infinity() : L::infinity();
    else if constexpr (std::is_same_v<T, bool>) return is_max ? 0 : 1;
    else return is_max ? L::lowest() : L::max();
  }
  static constexpr State neutral = lowest();
  static void add(State& s, T x, int64_t, double) { combine(s, static_cast<State>(x)); }
  static void combine(State& s, State x) {
    if ((is_max ? x > s : x < s) || is_nan(x)) s = x;
  }
};
template <class T, bool is_any>
struct Truth {
  using State = uint8_t;
  static constexpr State neutral = !is_any;
  static void add(State& s, T x, int64_t, double) { combine(s, static_cast<Compared<T>>(x) != 0); }
  static void combine(State& s, State x) { s = is_any ? s | x : s & x; }
};
template <class T, bool is_max>
struct ExtremePosition {
  using State = Position<Compared<T>>;
  static constexpr State neutral{0, -1};
  static void add(State& s, T x, int64_t at, double) { combine(s, {static_cast<Compared<T>>(x), at}); }
  static void combine(State& s, State x) {
    if (x.at < 0) return;
    if (s.at < 0 || (is_max ? x.value > s.value : x.value < s.value) || (is_nan(x.value) && !is_nan(s.value))) s = x;
  }
};

template <class F, class T>
void plain_tile(const FoldTile& t) {
  auto* states = static_cast<typename F::State*>(t.states);
  const T* x = static_cast<const T*>(t.x);
  const auto constant = [&](int64_t j) { return t.constants ? t.constants[j] : 0.0; };
  if (std::abs(t.output_stride) < std::abs(t.stride)) {  // along memory
    for (int64_t i = 0; i < t.count; ++i, x += t.stride) {
      for (int64_t j = 0; j < t.outputs; ++j) F::add(states[j], x[j * t.output_stride], t.first + i, constant(j));
    }
    return;
  }
  for (int64_t j = 0; j < t.outputs; ++j, x += t.output_stride) {
    typename F::State state = states[j];
    const double c = constant(j);
    for (int64_t i = 0; i < t.count; ++i) F::add(state, x[i * t.stride], t.first + i, c);
    states[j] = state;
  }
}

template <class F>
void start(void* states, int64_t outputs) {
  for (int64_t j = 0; j < outputs; ++j) static_cast<typename F::State*>(states)[j] = F::neutral;
}
template <class F>
void combine(void* states, const void* others, int64_t outputs) {
  using State = typename F::State;
  for (int64_t j = 0; j < outputs; ++j) F::combine(static_cast<State*>(states)[j], static_cast<const State*>(others)[j]);
}

template <class Out, class V>
Out to_output(V value) {
  if constexpr (is_16_bit_float<Out>) return Out(static_cast<float>(value));
  else return static_cast<Out>(value);
}
template <class State, class Out>
void finish_into(const State* states, int64_t outputs, Finish finish, double divisor, const double* constants, Out* to, int64_t stride) {
  for (int64_t j = 0; j < outputs; ++j, to += stride) {
    if constexpr (std::is_class_v<State>) {
      *to = to_output<Out>(static_cast<int64_t>(states[j]));
    } else if (finish == Finish::value) {
      *to = to_output<Out>(states[j]);
    } else {
      const double value = static_cast<double>(states[j]);
      if (finish == Finish::divided) *to = to_output<Out>(value / divisor);
      else if (finish == Finish::root) *to = to_output<Out>(std::sqrt(value / divisor));
      else if (finish == Finish::log_plus) *to = to_output<Out>(std::log(value) + constants[j]);
      else *to = to_output<Out>(std::isfinite(value) ? value : 0.0);
    }
  }
}
// The dtypes that a state of this type may end in.
template <class State>
void finish_states(const void* states, int64_t outputs, Finish finish, double divisor, const double* constants, DType out, void* to,
                   int64_t stride) {
  visit_dtype(out, [&]<class Out>(Out) {
    constexpr bool fits = std::is_class_v<State>           ? std::is_same_v<Out, int64_t>
                          : std::is_same_v<State, double>  ? is_float<Out>
                          : std::is_same_v<State, int64_t> ? std::is_same_v<Out, int64_t> || is_float<Out>
                          : std::is_same_v<State, float>   ? is_float<Out>
                          : std::is_same_v<State, uint8_t> ? std::is_same_v<Out, bool> || std::is_same_v<Out, uint8_t>
                                                           : std::is_same_v<Out, State>;
    if constexpr (fits) {
      finish_into(static_cast<const State*>(states), outputs, finish, divisor, constants, static_cast<Out*>(to), stride);
    }
  });
}

template <class F, class T>
Fold make_fold() {
  using State = typename F::State;
  return {sizeof(State), start<F>, plain_tile<F, T>, combine<F>, finish_states<State>};
}

}  // namespace

Fold plain_fold(FoldKind kind, DType dtype) {
  return visit_dtype(dtype, [&]<class T>(T) -> Fold {
    switch (kind) {
      case FoldKind::sum:
        return make_fold<Sum<T>, T>();
      case FoldKind::sum_in_double:
        return make_fold<SumInDouble<T>, T>();
      case FoldKind::squared_deviation:
        if constexpr (is_float<T>) return make_fold<SquaredDeviation<T>, T>();
        else break;
      case FoldKind::exponentials:
        if constexpr (is_float<T>) return make_fold<Exponentials<T>, T>();
        else break;
      case FoldKind::prod:
        return make_fold<Prod<T>, T>();
      case FoldKind::max:
        return make_fold<Extreme<T, true>, T>();
      case FoldKind::min:
        return make_fold<Extreme<T, false>, T>();
      case FoldKind::any:
        return make_fold<Truth<T, true>, T>();
      case FoldKind::all:
        return make_fold<Truth<T, false>, T>();
      case FoldKind::argmax:
        return make_fold<ExtremePosition<T, true>, T>();
      case FoldKind::argmin:
        return make_fold<ExtremePosition<T, false>, T>();
    }
    return {};
  });
}

}  // namespace gradus::cpu
