// Folds with vector instructions: sums in double lanes, maxima and minima, sums of exponentials, along unit strides.
#include <algorithm>

#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/reduce/fold.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/reduce/vector.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/normalize/rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// Terms in double lanes: double additions keep up with memory, and 10^6 float terms lose no digit.
struct Term {
  template <class D, class V>
  static HWY_INLINE V of(D, V x, V) {
    return x;
  }
};
struct SquaredDeviation {
  template <class D, class V>
  static HWY_INLINE V of(D, V x, V mean) {
    const V d = hn::Sub(x, mean);
    return hn::Mul(d, d);
  }
};

template <class F, class T>
HWY_INLINE void add_row(const FoldTile& t, int64_t j) {
  const hn::ScalableTag<double> d;
  const T* x = static_cast<const T*>(t.x) + j * t.output_stride;
  const auto c = hn::Set(d, t.constants ? t.constants[j] : 0.0);
  static_cast<double*>(t.states)[j] +=
      sum_vectors(d, t.count, [&](auto part, int64_t i) HWY_ATTR { return F::of(d, load(d, part, x + i), c); });
}
// Four rows at a time onto the states, so that these are loaded and stored once for four.
template <class F, class T>
HWY_INLINE void add_columns(const FoldTile& t) {
  const hn::ScalableTag<double> d;
  const T* x = static_cast<const T*>(t.x);
  double* states = static_cast<double*>(t.states);
  const auto constant = [&](auto part, int64_t j) HWY_ATTR { return t.constants ? load(d, part, t.constants + j) : hn::Zero(d); };
  int64_t i = 0;
  for (; i + 4 <= t.count; i += 4, x += 4 * t.stride) {
    for_vectors(d, t.outputs, [&](auto part, int64_t j) HWY_ATTR {
      const auto c = constant(part, j);
      const auto a = hn::Add(F::of(d, load(d, part, x + j), c), F::of(d, load(d, part, x + t.stride + j), c));
      const auto b = hn::Add(F::of(d, load(d, part, x + 2 * t.stride + j), c), F::of(d, load(d, part, x + 3 * t.stride + j), c));
      store(d, part, states + j, hn::Add(load(d, part, states + j), hn::Add(a, b)));
    });
  }
  for (; i < t.count; ++i, x += t.stride) {
    for_vectors(d, t.outputs, [&](auto part, int64_t j) HWY_ATTR {
      store(d, part, states + j, hn::Add(load(d, part, states + j), F::of(d, load(d, part, x + j), constant(part, j))));
    });
  }
}
template <class F, class T>
void add_tile(const FoldTile& t) {
  if (t.stride == 1) {
    for (int64_t j = 0; j < t.outputs; ++j) add_row<F, T>(t, j);
  } else {
    add_columns<F, T>(t);
  }
}

// The larger or smaller; NaN wins and stays.
template <bool is_max>
struct Extreme {
  template <class D, class V>
  static HWY_INLINE V of(D, V s, V x) {
    const auto better = is_max ? hn::Gt(x, s) : hn::Lt(x, s);
    return hn::IfThenElse(hn::Or(better, hn::IsNaN(x)), x, s);
  }
};
template <bool is_max, class T>
HWY_INLINE T extreme_of_row(const T* x, int64_t n) {
  using F = Extreme<is_max>;
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto neutral = hn::Set(d, is_max ? -kInfinity<T> : kInfinity<T>);
  auto a = neutral, b = a, c = a, e = a;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = F::of(d, a, hn::LoadU(d, x + i));
    b = F::of(d, b, hn::LoadU(d, x + i + lanes));
    c = F::of(d, c, hn::LoadU(d, x + i + 2 * lanes));
    e = F::of(d, e, hn::LoadU(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) a = F::of(d, a, hn::LoadU(d, x + i));
  if (i < n) {
    const Part part{static_cast<size_t>(n - i)};
    b = F::of(d, b, fill_rest(d, part, load(d, part, x + i), neutral));
  }
  const auto all = F::of(d, F::of(d, a, b), F::of(d, c, e));
  if (!hn::AllFalse(d, hn::IsNaN(all))) return std::numeric_limits<T>::quiet_NaN();
  return hn::GetLane(is_max ? hn::MaxOfLanes(d, all) : hn::MinOfLanes(d, all));
}
// Rows: the extreme, then the first place that holds it (or NaN).
template <bool is_max, class T>
void position_tile(const FoldTile& t) {
  const hn::ScalableTag<T> d;
  if (t.count == 0) return;
  for (int64_t j = 0; j < t.outputs; ++j) {
    const T* x = static_cast<const T*>(t.x) + j * t.output_stride;
    Position<T>& state = static_cast<Position<T>*>(t.states)[j];
    const T value = extreme_of_row<is_max>(x, t.count);
    const bool is_better = is_max ? value > state.value : value < state.value;
    if (state.at >= 0 && !is_better && !(value != value && state.value == state.value)) continue;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    const auto wanted = hn::Set(d, value);
    int64_t i = 0;
    for (; i + lanes <= t.count; i += lanes) {
      const auto v = hn::LoadU(d, x + i);
      if (!hn::AllFalse(d, hn::Or(hn::Eq(v, wanted), hn::IsNaN(v)))) break;
    }
    while (x[i] != value && x[i] == x[i]) ++i;
    state = {value, t.first + i};
  }
}
template <bool is_max, class T>
void extreme_tile(const FoldTile& t) {
  using F = Extreme<is_max>;
  const T* x = static_cast<const T*>(t.x);
  T* states = static_cast<T*>(t.states);
  if (t.stride == 1) {
    for (int64_t j = 0; j < t.outputs; ++j) {
      const T value = extreme_of_row<is_max>(x + j * t.output_stride, t.count);
      if ((is_max ? value > states[j] : value < states[j]) || value != value) states[j] = value;
    }
    return;
  }
  const hn::ScalableTag<T> d;
  int64_t i = 0;
  for (; i + 2 <= t.count; i += 2, x += 2 * t.stride) {
    for_vectors(d, t.outputs, [&](auto part, int64_t j) HWY_ATTR {
      const auto first = F::of(d, load(d, part, states + j), load(d, part, x + j));
      store(d, part, states + j, F::of(d, first, load(d, part, x + t.stride + j)));
    });
  }
  for (; i < t.count; ++i, x += t.stride) {
    for_vectors(d, t.outputs, [&](auto part, int64_t j) HWY_ATTR {
      store(d, part, states + j, F::of(d, load(d, part, states + j), load(d, part, x + j)));
    });
  }
}

// Sums of e^(x - largest), rows and columns; columns add 16 rows in float before they go to double.
template <class T>
HWY_INLINE void exponentials_of_columns(const FoldTile& t) {
  const Tag<T> d;
  using C = Compute<T>;
  const T* x = static_cast<const T*>(t.x);
  double* states = static_cast<double*>(t.states);
  for (int64_t i = 0; i < t.count; i += 16) {
    const int64_t rows = std::min<int64_t>(16, t.count - i);
    for_vectors(d, t.outputs, [&](auto part, int64_t j) HWY_ATTR {
      alignas(64) C lanes[64 / sizeof(C)] = {};
      const int64_t width = std::min<int64_t>(static_cast<int64_t>(hn::Lanes(d)), t.outputs - j);
      for (int64_t l = 0; l < width; ++l) lanes[l] = static_cast<C>(t.constants[j + l]);
      const auto largest = load(d, part, static_cast<const C*>(lanes));
      auto sum = hn::Zero(d);
      for (int64_t r = 0; r < rows; ++r) {
        sum = hn::Add(sum, exp_lanes<false>(d, hn::Sub(load(d, part, x + (i + r) * t.stride + j), largest)));
      }
      hn::Store(sum, d, lanes);
      for (int64_t l = 0; l < width; ++l) states[j + l] += static_cast<double>(lanes[l]);
    });
  }
}
template <class T>
void exponentials_tile(const FoldTile& t) {
  if (t.stride != 1) return exponentials_of_columns<T>(t);
  const Tag<T> d;
  for (int64_t j = 0; j < t.outputs; ++j) {
    const T* x = static_cast<const T*>(t.x) + j * t.output_stride;
    const auto largest = hn::Set(d, static_cast<Compute<T>>(t.constants[j]));
    static_cast<double*>(t.states)[j] +=
        sum_vectors(d, t.count, [&](auto part, int64_t i) HWY_ATTR { return exp_lanes<false>(d, hn::Sub(load(d, part, x + i), largest)); });
  }
}

template <class T>
void (*find_tile(FoldKind kind))(const FoldTile&) {
  switch (kind) {
    case FoldKind::sum:
      return add_tile<Term, T>;
    case FoldKind::squared_deviation:
      return add_tile<SquaredDeviation, T>;
    case FoldKind::exponentials:
      return exponentials_tile<T>;
    default:
      break;
  }
  if constexpr (sizeof(T) >= 4) {
    if (kind == FoldKind::max) return extreme_tile<true, T>;
    if (kind == FoldKind::min) return extreme_tile<false, T>;
    if (kind == FoldKind::argmax) return position_tile<true, T>;
    if (kind == FoldKind::argmin) return position_tile<false, T>;
  }
  return nullptr;
}

}  // namespace

using TileFunction = void (*)(const FoldTile&);
TileFunction find_reduce_tile(FoldKind kind, DType dtype) {
  if (dtype == float32) return find_tile<float>(kind);
  if (dtype == float64) return find_tile<double>(kind);
  if (dtype == float16) return find_tile<float16_t>(kind);
  if (dtype == bfloat16) return find_tile<bfloat16_t>(kind);
  return nullptr;
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_reduce_tile);
void (*vector_tile(FoldKind kind, DType dtype))(const FoldTile&) { return HWY_DYNAMIC_DISPATCH(find_reduce_tile)(kind, dtype); }

}  // namespace gradus::cpu
#endif
