// Softmax: rows in contiguous memory, or columns side by side when the axis is not the last.
#include "gradus/cpu/normalize/softmax.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/normalize/rows.hpp"

#ifndef GRADUS_CPU_SOFTMAX_CHUNK
#define GRADUS_CPU_SOFTMAX_CHUNK
namespace gradus::cpu {
// What a call works on: the array is (outer, n, inner); slices begin .. end-1 of outer, columns first .. last-1 of inner.
struct SoftmaxChunk {
  int64_t begin, end, n, inner, first, last;
};
inline constexpr int64_t kColumns = 256;
}  // namespace gradus::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/normalize/softmax.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/normalize/rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// Exponentials wait in a buffer that stays in L1: y is touched once.
template <class T>
HWY_INLINE void softmax_row(const T* x, T* y, int64_t n) {
  using C = Compute<T>;
  const Tag<T> d;
  alignas(64) C buffer[4096];
  const auto largest = hn::Set(d, max_of_row(d, x, n));
  const auto exponential = [&](auto part, int64_t i) HWY_ATTR { return exp_lanes(d, hn::Sub(load(d, part, x + i), largest)); };
  if (n <= 4096) {
    const double sum = sum_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR {
      const auto e = exponential(part, i);
      store(d, part, buffer + i, e);
      return e;
    });
    const auto scale = hn::Set(d, static_cast<C>(1.0 / sum));
    for_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR { store(d, part, y + i, hn::Mul(load(d, part, buffer + i), scale)); });
  } else {
    const auto scale = hn::Set(d, static_cast<C>(1.0 / sum_vectors(d, n, exponential)));
    for_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR { store(d, part, y + i, hn::Mul(exponential(part, i), scale)); });
  }
}

template <class T>
HWY_INLINE void log_softmax_row(const T* x, T* y, int64_t n) {
  const Tag<T> d;
  const auto largest = hn::Set(d, max_of_row(d, x, n));
  const double sum = sum_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR { return exp_lanes(d, hn::Sub(load(d, part, x + i), largest)); });
  const auto log_sum = hn::Set(d, static_cast<Compute<T>>(std::log(sum)));
  for_vectors(d, n,
              [&](auto part, int64_t i) HWY_ATTR { store(d, part, y + i, hn::Sub(hn::Sub(load(d, part, x + i), largest), log_sum)); });
}

template <class T, bool is_log>
HWY_INLINE void backward_row(const T* y, const T* dy, T* dx, int64_t n) {
  const Tag<T> d;
  const double total = sum_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR {
    const auto slope = load(d, part, dy + i);
    if constexpr (is_log) return slope;
    else return hn::Mul(slope, load(d, part, y + i));
  });
  const auto sum = hn::Set(d, static_cast<Compute<T>>(total));
  for_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR {
    const auto slope = load(d, part, dy + i), value = load(d, part, y + i);
    if constexpr (is_log) store(d, part, dx + i, hn::Sub(slope, hn::Mul(exp_lanes<false>(d, value), sum)));
    else store(d, part, dx + i, hn::Mul(value, hn::Sub(slope, sum)));
  });
}

// Columns: n rows, `stride` apart, of at most kColumns neighbours. Rows are walked in order, as memory likes it; what belongs to a column
// waits in L1. Sums gather 64 rows before they meet the total, so that long columns keep their accuracy.
template <class T, class F>
HWY_INLINE void sum_columns(Compute<T>* totals, int64_t columns, int64_t n, F f) {
  const Tag<T> d;
  alignas(64) Compute<T> block[kColumns];
  for_vectors(d, columns, [&](auto part, int64_t j) HWY_ATTR { store(d, part, totals + j, hn::Zero(d)); });
  for (int64_t begin = 0; begin < n; begin += 64) {
    for_vectors(d, columns, [&](auto part, int64_t j) HWY_ATTR { store(d, part, block + j, hn::Zero(d)); });
    for (int64_t i = begin; i < std::min(n, begin + 64); ++i) {
      for_vectors(d, columns,
                  [&](auto part, int64_t j) HWY_ATTR { store(d, part, block + j, hn::Add(load(d, part, block + j), f(part, i, j))); });
    }
    for_vectors(d, columns, [&](auto part, int64_t j) HWY_ATTR {
      store(d, part, totals + j, hn::Add(load(d, part, totals + j), load(d, part, block + j)));
    });
  }
}
template <class T, bool is_log>
HWY_INLINE void softmax_columns(const T* x, T* y, int64_t n, int64_t stride, int64_t columns) {
  using C = Compute<T>;
  const Tag<T> d;
  alignas(64) C largest[kColumns], sums[kColumns];
  std::fill_n(largest, columns, -kInfinity<C>);
  for (int64_t i = 0; i < n; ++i) {
    for_vectors(d, columns, [&](auto part, int64_t j) HWY_ATTR {
      store(d, part, largest + j, hn::Max(load(d, part, x + i * stride + j), load(d, part, largest + j)));
    });
  }
  const auto exponential = [&](auto part, int64_t i, int64_t j)
                               HWY_ATTR { return exp_lanes(d, hn::Sub(load(d, part, x + i * stride + j), load(d, part, largest + j))); };
  sum_columns<T>(sums, columns, n, [&](auto part, int64_t i, int64_t j) HWY_ATTR {
    const auto e = exponential(part, i, j);
    if constexpr (!is_log && sizeof(T) >= 4) store(d, part, y + i * stride + j, e);
    return e;
  });
  for (int64_t j = 0; j < columns; ++j) sums[j] = is_log ? std::log(sums[j]) : 1 / sums[j];
  for (int64_t i = 0; i < n; ++i) {
    for_vectors(d, columns, [&](auto part, int64_t j) HWY_ATTR {
      T* const to = y + i * stride + j;
      const auto sum = load(d, part, sums + j);
      if constexpr (is_log) store(d, part, to, hn::Sub(hn::Sub(load(d, part, x + i * stride + j), load(d, part, largest + j)), sum));
      else if constexpr (sizeof(T) < 4) store(d, part, to, hn::Mul(exponential(part, i, j), sum));
      else store(d, part, to, hn::Mul(load(d, part, to), sum));
    });
  }
}
template <class T, bool is_log>
HWY_INLINE void backward_columns(const T* y, const T* dy, T* dx, int64_t n, int64_t stride, int64_t columns) {
  const Tag<T> d;
  alignas(64) Compute<T> sums[kColumns];
  sum_columns<T>(sums, columns, n, [&](auto part, int64_t i, int64_t j) HWY_ATTR {
    const auto slope = load(d, part, dy + i * stride + j);
    if constexpr (is_log) return slope;
    else return hn::Mul(slope, load(d, part, y + i * stride + j));
  });
  for (int64_t i = 0; i < n; ++i) {
    for_vectors(d, columns, [&](auto part, int64_t j) HWY_ATTR {
      const auto slope = load(d, part, dy + i * stride + j), value = load(d, part, y + i * stride + j), sum = load(d, part, sums + j);
      if constexpr (is_log) store(d, part, dx + i * stride + j, hn::Sub(slope, hn::Mul(exp_lanes<false>(d, value), sum)));
      else store(d, part, dx + i * stride + j, hn::Mul(value, hn::Sub(slope, sum)));
    });
  }
}

}  // namespace

template <class T, bool is_log, bool is_backward>
void run_softmax(void* const* p, const SoftmaxChunk& chunk) {  // p: x, y or y, dy, dx
  const T* a = static_cast<const T*>(p[0]);
  const T* b = static_cast<const T*>(p[1]);
  T* out = static_cast<T*>(p[is_backward ? 2 : 1]);
  const int64_t n = chunk.n, inner = chunk.inner;
  for (int64_t i = chunk.begin; i < chunk.end; ++i) {
    const int64_t at = i * n * inner + chunk.first;
    if (inner == 1) {
      if constexpr (is_backward) backward_row<T, is_log>(a + at, b + at, out + at, n);
      else if constexpr (is_log) log_softmax_row(a + at, out + at, n);
      else softmax_row(a + at, out + at, n);
    } else {
      if constexpr (is_backward) backward_columns<T, is_log>(a + at, b + at, out + at, n, inner, chunk.last - chunk.first);
      else softmax_columns<T, is_log>(a + at, out + at, n, inner, chunk.last - chunk.first);
    }
  }
}

using SoftmaxLoop = void (*)(void* const*, const SoftmaxChunk&);
template <class T>
SoftmaxLoop find_loop(bool is_log, bool is_backward) {
  if (is_backward) return is_log ? run_softmax<T, true, true> : run_softmax<T, false, true>;
  return is_log ? run_softmax<T, true, false> : run_softmax<T, false, false>;
}
SoftmaxLoop find_softmax(DType dtype, bool is_log, bool is_backward) {
  if (dtype == float64) return find_loop<double>(is_log, is_backward);
  if (dtype == float16) return find_loop<float16_t>(is_log, is_backward);
  if (dtype == bfloat16) return find_loop<bfloat16_t>(is_log, is_backward);
  return find_loop<float>(is_log, is_backward);
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_softmax);

namespace {

KernelPtr prepare(const Layout& layout, int64_t axis, bool is_log, bool is_backward) {
  const auto loop = HWY_DYNAMIC_DISPATCH(find_softmax)(layout.dtype, is_log, is_backward);
  int64_t outer = 1, inner = 1;
  for (int64_t a = 0; a < axis; ++a) outer *= layout.shape[a];
  for (int64_t a = axis + 1; a < layout.rank(); ++a) inner *= layout.shape[a];
  const int64_t n = layout.rank() ? layout.shape[axis] : 1;
  if (layout.size() == 0) outer = 0;
  return make_kernel([=](void* const* p, void*) {
    if (inner == 1) {
      for_rows(outer, n, [&](int64_t begin, int64_t end) { loop(p, {begin, end, n, 1, 0, 1}); });
    } else {
      const int64_t blocks = (inner + kColumns - 1) / kColumns;
      for_rows(outer * blocks, n * std::min(inner, kColumns), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t slice = i / blocks, first = i % blocks * kColumns;
          loop(p, {slice, slice + 1, n, inner, first, std::min(inner, first + kColumns)});
        }
      });
    }
    return Status{};
  });
}

}  // namespace

KernelPtr prepare_softmax(const Layout& layout, int64_t axis, bool is_log) { return prepare(layout, axis, is_log, false); }
KernelPtr prepare_softmax_backward(const Layout& layout, int64_t axis, bool is_log) { return prepare(layout, axis, is_log, true); }

}  // namespace gradus::cpu
#endif
