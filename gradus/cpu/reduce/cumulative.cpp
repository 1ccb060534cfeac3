// Running totals: plain loops, with the states of up to 256 neighbouring columns side by side.
#include "gradus/cpu/reduce/cumulative.hpp"

#include <cmath>
#include <limits>
#include <type_traits>

#include "gradus/cpu/normalize/rows.hpp"

namespace gradus::cpu {

namespace {

constexpr int64_t kColumns = 256;

template <class T>
inline constexpr bool is_16_bit_float = std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>;
template <class T>
inline constexpr bool is_float = std::is_floating_point_v<T> || is_16_bit_float<T>;

// Each has a state, what it becomes with one more element, and what is stored of it. Integers wrap around.
template <class T>
struct Sum {
  using State = std::conditional_t<is_float<T>, double, uint64_t>;
  using Out = std::conditional_t<is_float<T>, T, int64_t>;
  static constexpr State start = 0;
  static void add(State& s, T x, int64_t) { s += static_cast<State>(x); }
  static auto value(State s) {
    if constexpr (is_float<T>) return s;
    else return static_cast<int64_t>(s);
  }
};
template <class T>
struct Prod : Sum<T> {
  using State = typename Sum<T>::State;
  static constexpr State start = 1;
  static void add(State& s, T x, int64_t) { s *= static_cast<State>(x); }
};
// log(scale) + largest; scale is the sum of e^(x - largest).
template <class T>
struct LogSumExp {
  struct State {
    double largest, scale;
  };
  using Out = T;
  static constexpr State start{-std::numeric_limits<double>::infinity(), 0};
  static void add(State& s, T element, int64_t) {
    const double x = static_cast<double>(element);
    if (x <= s.largest) {
      if (s.largest != std::numeric_limits<double>::infinity() && s.largest != x) s.scale += std::exp(x - s.largest);
      else if (s.largest == x && std::isfinite(x)) s.scale += 1;
    } else {  // also NaN, which stays
      if (s.largest == s.largest) s = {x, std::isfinite(x) ? s.scale * std::exp(s.largest - x) + 1 : 1};
    }
  }
  static double value(const State& s) { return s.scale == 0 ? s.largest : s.largest + std::log(s.scale); }
};
template <class T, bool is_max>
struct Position {
  using Value = std::conditional_t<is_16_bit_float<T>, float, T>;
  struct State {
    Value value;
    int64_t at;
  };
  using Out = int64_t;
  static constexpr State start{Value{}, -1};
  static void add(State& s, T element, int64_t at) {
    const Value x = static_cast<Value>(element);
    if (s.at >= 0 && s.value != s.value) return;
    if (s.at < 0 || (is_max ? x >= s.value : x <= s.value) || x != x) s = {x, at};
  }
  static int64_t value(const State& s) { return s.at; }
};

template <class Out, class V>
Out to_output(V value) {
  if constexpr (is_16_bit_float<Out>) return Out(static_cast<float>(value));
  else return static_cast<Out>(value);
}

// Columns first .. last-1 of one (n, inner) slice.
template <class F, class T>
void cumulate_columns(const T* x, typename F::Out* out, int64_t n, int64_t inner, int64_t first, int64_t last, bool is_reverse) {
  typename F::State states[kColumns];
  for (int64_t j = 0; j < last - first; ++j) states[j] = F::start;
  for (int64_t k = 0; k < n; ++k) {
    const int64_t i = is_reverse ? n - 1 - k : k, at = i * inner + first;
    for (int64_t j = 0; j < last - first; ++j) {
      F::add(states[j], x[at + j], i);
      out[at + j] = to_output<typename F::Out>(F::value(states[j]));
    }
  }
}

template <class T>
void recur_columns(const T* a, const T* b, T* out, int64_t n, int64_t inner, int64_t first, int64_t last, bool is_reverse,
                   bool is_shifted) {
  double states[kColumns] = {};
  for (int64_t k = 0; k < n; ++k) {
    const int64_t i = is_reverse ? n - 1 - k : k, at = i * inner + first;
    const int64_t factor = at + (is_shifted ? (is_reverse ? inner : -inner) : 0);
    for (int64_t j = 0; j < last - first; ++j) {
      const double come = k == 0 ? 0 : static_cast<double>(a[factor + j]) * states[j];
      states[j] = come + static_cast<double>(b[at + j]);
      out[at + j] = to_output<T>(states[j]);
    }
  }
}

// The axis as n rows of `inner` columns, `outer` times; body(offset, first, last) on some columns of one of them.
struct AlongColumns {
  int64_t outer = 1, inner = 1, n;

  AlongColumns(const Shape& shape, int64_t axis) : n(shape[axis]) {
    for (int64_t a = 0; a < axis; ++a) outer *= shape[a];
    for (int64_t a = axis + 1; a < shape.rank(); ++a) inner *= shape[a];
  }
  template <class Body>
  void run(const Body& body) const {
    const int64_t blocks = (inner + kColumns - 1) / kColumns;
    for_rows(outer * blocks, n * std::min(inner, kColumns), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t first = i % blocks * kColumns;
        body(i / blocks * n * inner, first, std::min(inner, first + kColumns));
      }
    });
  }
};

template <class F, class T>
KernelPtr prepare(const Layout& in, int64_t axis, bool is_reverse) {
  return make_kernel([columns = AlongColumns(in.shape, axis), is_reverse](void* const* p, void*) {
    columns.run([&](int64_t at, int64_t first, int64_t last) {
      cumulate_columns<F>(static_cast<const T*>(p[0]) + at, static_cast<typename F::Out*>(p[1]) + at, columns.n, columns.inner, first, last,
                      is_reverse);
    });
    return Status{};
  });
}

}  // namespace

KernelPtr prepare_cumulative(const Layout& in, CumulativeKind kind, int64_t axis, bool is_reverse) {
  return visit_dtype(in.dtype, [&]<class T>(T) -> KernelPtr {
    switch (kind) {
      case CumulativeKind::sum:
        return prepare<Sum<T>, T>(in, axis, is_reverse);
      case CumulativeKind::prod:
        return prepare<Prod<T>, T>(in, axis, is_reverse);
      case CumulativeKind::logsumexp:
        if constexpr (is_float<T>) return prepare<LogSumExp<T>, T>(in, axis, is_reverse);
        else break;
      case CumulativeKind::argmax:
        return prepare<Position<T, true>, T>(in, axis, is_reverse);
      case CumulativeKind::argmin:
        return prepare<Position<T, false>, T>(in, axis, is_reverse);
    }
    return nullptr;
  });
}

KernelPtr prepare_recurrence(const Layout& in, int64_t axis, bool is_reverse, bool is_shifted) {
  return visit_dtype(in.dtype, [&]<class T>(T) -> KernelPtr {
    if constexpr (is_float<T>) {
      return make_kernel([columns = AlongColumns(in.shape, axis), is_reverse, is_shifted](void* const* p, void*) {
        columns.run([&](int64_t at, int64_t first, int64_t last) {
          recur_columns(static_cast<const T*>(p[0]) + at, static_cast<const T*>(p[1]) + at, static_cast<T*>(p[2]) + at, columns.n,
                        columns.inner, first, last, is_reverse, is_shifted);
        });
        return Status{};
      });
    } else {
      return nullptr;
    }
  });
}

}  // namespace gradus::cpu
