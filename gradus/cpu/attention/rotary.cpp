// Rotary position embedding: one pass over rows.
#include "gradus/cpu/highway_targets.hpp"

#include "gradus/cpu/attention/rotary.hpp"

#include <algorithm>

#include "gradus/cpu/normalize/rows.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/attention/rotary.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/normalize/rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

template <class V>
struct Pair {
  V a, b;
};
template <class D, class V = hn::Vec<D>>
HWY_INLINE Pair<V> turned(Pair<V> x, V c, V s) {
  return {hn::Sub(hn::Mul(x.a, c), hn::Mul(x.b, s)), hn::Add(hn::Mul(x.a, s), hn::Mul(x.b, c))};
}

template <class T, class S = Compute<T>>
void turn_halves(const T* x, const S* cos, const S* sin, S sign, int64_t half, T* y) {
  const hn::ScalableTag<S> d;
  for_vectors(d, half, [&](auto part, int64_t i) HWY_ATTR {
    const auto s = hn::Mul(load(d, part, sin + i), hn::Set(d, sign));
    const auto out = turned<decltype(d)>({load(d, part, x + i), load(d, part, x + half + i)}, load(d, part, cos + i), s);
    store(d, part, y + i, out.a);
    store(d, part, y + half + i, out.b);
  });
}
// Of columns that do not follow each other; `next` is the way from an element to the other one of its pair.
template <class T, class S = Compute<T>>
void turn_scattered(const T* x, int64_t column, const S* cos, const S* sin, S sign, int64_t half, bool is_interleaved, T* y) {
  const int64_t step = is_interleaved ? 2 : 1, next = is_interleaved ? 1 : half;
  for (int64_t i = 0; i < half; ++i) {
    const int64_t at = i * step;
    const S a = static_cast<S>(x[at * column]), b = static_cast<S>(x[(at + next) * column]), s = sin[i] * sign;
    y[at] = T(a * cos[i] - b * s);
    y[at + next] = T(a * s + b * cos[i]);
  }
}

template <class T, class S = Compute<T>>
void turn_neighbours(const T* x, const S* cos, const S* sin, S sign, int64_t half, T* y) {
  const hn::ScalableTag<S> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  if constexpr (std::is_same_v<T, S>) {
    for (; i + lanes <= half; i += lanes) {
      Pair<hn::Vec<decltype(d)>> pair;
      hn::LoadInterleaved2(d, x + 2 * i, pair.a, pair.b);
      const auto out = turned<decltype(d)>(pair, hn::LoadU(d, cos + i), hn::Mul(hn::LoadU(d, sin + i), hn::Set(d, sign)));
      hn::StoreInterleaved2(out.a, out.b, d, y + 2 * i);
    }
  }
  turn_scattered(x + 2 * i, int64_t{1}, cos + i, sin + i, sign, half - i, true, y + 2 * i);
}

// Rows `begin` .. `end` - 1 in the order (example, row, head), in which each angle is read once.
template <class T>
void turn_rows(const Rotary& r, void* const* p, int64_t begin, int64_t end) {
  using S = Compute<T>;
  const int64_t half = r.width / 2;
  const S sign = r.is_inverse ? S(-1) : S(1);
  for (int64_t at = begin; at < end; ++at) {
    const int64_t head = at % r.heads, row = at / r.heads % r.rows, example = at / r.heads / r.rows;
    const T* x = static_cast<const T*>(p[0]) + example * r.x.example + head * r.x.head + row * r.x.row;
    T* y = static_cast<T*>(p[3]) + example * r.y.example + head * r.y.head + row * r.y.row;
    const int64_t angle = ((r.angles == 1 ? 0 : example) * r.rows + row) * half;
    const S *cos = static_cast<const S*>(p[1]) + angle, *sin = static_cast<const S*>(p[2]) + angle;
    if (r.x.column != 1) {
      turn_scattered(x, r.x.column, cos, sin, sign, half, r.is_interleaved, y);
      for (int64_t i = r.width; i < r.columns; ++i) y[i] = x[i * r.x.column];
      continue;
    }
    if (r.is_interleaved) turn_neighbours(x, cos, sin, sign, half, y);
    else turn_halves(x, cos, sin, sign, half, y);
    std::copy(x + r.width, x + r.columns, y + r.width);
  }
}

using RotaryLoop = void (*)(const Rotary&, void* const*, int64_t, int64_t);
RotaryLoop find_rotary(DType dtype) {
  if (dtype == float64) return turn_rows<double>;
  if (dtype == float16) return turn_rows<float16_t>;
  return dtype == bfloat16 ? turn_rows<bfloat16_t> : turn_rows<float>;
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_rotary);

KernelPtr prepare_rotary(const Rotary& rotary) {
  const auto loop = HWY_DYNAMIC_DISPATCH(find_rotary)(rotary.dtype);
  return make_kernel([=](void* const* p, void*) {
    for_rows(rotary.examples * rotary.rows * rotary.heads, rotary.columns,
             [&](int64_t begin, int64_t end) { loop(rotary, p, begin, end); });
    return Status{};
  });
}

}  // namespace gradus::cpu
#endif
