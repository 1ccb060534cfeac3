// Layer norm and root-mean-square norm over rows in contiguous memory.
#include "gradus/cpu/normalize/layer_norm.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/base/round_up.hpp"
#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/normalize/rows.hpp"

#ifndef GRADUS_CPU_LAYER_NORM_SUMS
#define GRADUS_CPU_LAYER_NORM_SUMS
namespace gradus::cpu {
// Column sums of a chunk of rows: n for dweight, then n for dbias. Up to 64 rows wait in `recent`, which has the type computed in.
struct NormSums {
  void* recent = nullptr;
  double* total = nullptr;
};
}  // namespace gradus::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/normalize/layer_norm.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/normalize/rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// xhat = (x - mean) * scale + shift: the mean as a number of the row's type, and what it lacks.
template <class C>
struct Statistics {
  C mean, scale, shift;
};

// Whether a variance may have lost digits, or everything, because its squares left the range of numbers.
template <class C>
HWY_INLINE bool is_out_of_range(double var) {
  return !(var > (sizeof(C) == 4 ? 1e-30 : 1e-280) && var <= static_cast<double>(std::numeric_limits<C>::max()));
}

// The same of rows with large or small numbers: relative to the largest.
template <class T>
HWY_NOINLINE Statistics<Compute<T>> statistics_in_range(const T* x, int64_t n, const RowNorm& options) {
  using C = Compute<T>;
  const auto at = [&](int64_t i) { return static_cast<double>(static_cast<C>(x[i])); };
  const double count = static_cast<double>(n);
  double largest = 0, mean = 0, squares = 0;
  for (int64_t i = 0; i < n; ++i) largest = std::fabs(at(i)) > largest ? std::fabs(at(i)) : largest;
  const double unit = largest > 0 && std::isfinite(largest) ? largest : 1;
  if (options.is_centered) {
    for (int64_t i = 0; i < n; ++i) mean += at(i) / unit;
    mean /= count;
  }
  for (int64_t i = 0; i < n; ++i) squares += (at(i) / unit - mean) * (at(i) / unit - mean);
  const double scale = 1 / std::hypot(unit * std::sqrt(squares / count), std::sqrt(options.eps));
  const C rounded = static_cast<C>(mean * unit);
  return {rounded, static_cast<C>(scale), static_cast<C>((static_cast<double>(rounded) - mean * unit) * scale)};
}

template <class T>
HWY_INLINE Statistics<Compute<T>> row_statistics(const T* x, int64_t n, const RowNorm& options) {
  using C = Compute<T>;
  const Tag<T> d;
  const double count = static_cast<double>(n);
  if (!options.is_centered) {
    const double squares = sum_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR {
      const auto v = load(d, part, x + i);
      return hn::Mul(v, v);
    });
    const double spread = squares / count + options.eps;
    if (HWY_UNLIKELY(is_out_of_range<C>(spread))) return statistics_in_range(x, n, options);
    return {0, static_cast<C>(1 / std::sqrt(spread)), 0};
  }
  const C mean = static_cast<C>(sum_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR { return load(d, part, x + i); }) / count);
  const auto center = hn::Set(d, mean);
  double rest, squares;  // sum(x - mean), which rounding of the mean leaves, and sum((x - mean)^2)
  sum_two(d, n, rest, squares, [&](auto part, int64_t i, auto& a, auto& b) HWY_ATTR {
    const auto v = fill_rest(d, part, hn::Sub(load(d, part, x + i), center), hn::Zero(d));
    a = hn::Add(a, v);
    b = hn::MulAdd(v, v, b);
  });
  const double delta = rest / count, var = squares / count - delta * delta;
  const double spread = (var < 0 ? 0 : var) + options.eps;
  if (HWY_UNLIKELY(is_out_of_range<C>(spread))) return statistics_in_range(x, n, options);
  const double scale = 1 / std::sqrt(spread);
  return {mean, static_cast<C>(scale), static_cast<C>(-delta * scale)};
}

template <class T, class P>
HWY_INLINE hn::Vec<Tag<T>> normalized(P part, const T* x, const Statistics<Compute<T>>& s) {
  const Tag<T> d;
  return hn::MulAdd(hn::Sub(load(d, part, x), hn::Set(d, s.mean)), hn::Set(d, s.scale), hn::Set(d, s.shift));
}

template <class T, class Y>
void forward_row(const T* x, const T* weight, const T* bias, Y* y, int64_t n, const RowNorm& options) {
  const Tag<T> d;
  const auto s = row_statistics(x, n, options);
  if (weight && bias) {
    for_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR {
      store(d, part, y + i, hn::MulAdd(normalized(part, x + i, s), load(d, part, weight + i), load(d, part, bias + i)));
    });
  } else {
    for_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR {
      auto v = normalized(part, x + i, s);
      if (weight) v = hn::Mul(v, load(d, part, weight + i));
      if (bias) v = hn::Add(v, load(d, part, bias + i));
      store(d, part, y + i, v);
    });
  }
}

// dx of a row, and its share of the column sums.
template <class T>
void backward_row(const T* x, const T* dy, const T* weight, T* dx, Compute<T>* recent, int64_t n, const RowNorm& options) {
  using C = Compute<T>;
  const Tag<T> d;
  const auto s = row_statistics(x, n, options);
  const auto slope = [&](auto part, int64_t i) HWY_ATTR {
    const auto g = load(d, part, dy + i);
    return weight ? hn::Mul(g, load(d, part, weight + i)) : g;
  };
  if (recent) {  // before dx, which may be x or dy
    for_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR {
      const auto g = load(d, part, dy + i);
      store(d, part, recent + i, hn::MulAdd(g, normalized(part, x + i, s), load(d, part, recent + i)));
      store(d, part, recent + n + i, hn::Add(g, load(d, part, recent + n + i)));
    });
  }
  if (dx) {
    double sum, product;
    sum_two(d, n, sum, product, [&](auto part, int64_t i, auto& a, auto& b) HWY_ATTR {
      const auto g = slope(part, i);  // 0 in the lanes beyond a part
      a = hn::Add(a, g);
      b = hn::MulAdd(g, normalized(part, x + i, s), b);
    });
    const double scale = static_cast<double>(s.scale), count = static_cast<double>(n);
    const auto factor = hn::Set(d, s.scale), mean = hn::Set(d, static_cast<C>(options.is_centered ? scale * sum / count : 0)),
               along = hn::Set(d, static_cast<C>(scale * product / count));
    for_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR {
      const auto v = hn::NegMulAdd(normalized(part, x + i, s), along, hn::MulSub(slope(part, i), factor, mean));
      store(d, part, dx + i, v);
    });
  }
}

template <class T, class Y = T>
void forward_rows(void* const* p, int64_t begin, int64_t end, int64_t n, const RowNorm& options, const NormSums&) {
  const T* weight = options.has_weight ? static_cast<const T*>(p[1]) : nullptr;
  const T* bias = options.has_bias ? static_cast<const T*>(p[options.has_weight ? 2 : 1]) : nullptr;
  Y* y = static_cast<Y*>(p[1 + options.has_weight + options.has_bias]);
  for (int64_t row = begin; row < end; ++row) forward_row(static_cast<const T*>(p[0]) + row * n, weight, bias, y + row * n, n, options);
}
template <class T>
void backward_rows(void* const* p, int64_t begin, int64_t end, int64_t n, const RowNorm& options, const NormSums& sums) {
  using C = Compute<T>;
  const T* weight = options.has_weight ? static_cast<const T*>(p[2]) : nullptr;
  T* dx = static_cast<T*>(p[2 + options.has_weight]);
  C* recent = static_cast<C*>(sums.recent);
  const hn::ScalableTag<double> d;
  if (recent) std::fill_n(sums.total, 2 * n, 0.0);
  for (int64_t first = begin; first < end; first += 64) {
    if (recent) std::fill_n(recent, 2 * n, C{0});
    for (int64_t row = first; row < std::min(end, first + 64); ++row) {
      const int64_t at = row * n;
      backward_row(static_cast<const T*>(p[0]) + at, static_cast<const T*>(p[1]) + at, weight, dx ? dx + at : nullptr, recent, n, options);
    }
    if (!recent) continue;
    for_vectors(d, 2 * n, [&](auto part, int64_t i) HWY_ATTR {
      store(d, part, sums.total + i, hn::Add(load(d, part, sums.total + i), load(d, part, recent + i)));
    });
  }
}

}  // namespace

using NormLoop = void (*)(void* const*, int64_t, int64_t, int64_t, const RowNorm&, const NormSums&);
NormLoop find_row_norm(DType dtype, bool is_backward, bool is_rounded) {
  if (is_rounded) return forward_rows<float, bfloat16_t>;
  if (dtype == float64) return is_backward ? backward_rows<double> : forward_rows<double>;
  if (dtype == float16) return is_backward ? backward_rows<float16_t> : forward_rows<float16_t>;
  if (dtype == bfloat16) return is_backward ? backward_rows<bfloat16_t> : forward_rows<bfloat16_t>;
  return is_backward ? backward_rows<float> : forward_rows<float>;
}
void add_doubles(double* to, const double* from, int64_t n) {
  const hn::ScalableTag<double> d;
  for_vectors(d, n,
              [&](auto part, int64_t i) HWY_ATTR { store(d, part, to + i, hn::Add(load(d, part, to + i), load(d, part, from + i))); });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_row_norm);
HWY_EXPORT(add_doubles);

namespace {

void write_sums(const double* from, DType dtype, void* to, int64_t n) {
  if (!to) return;
  visit_dtype(dtype, [&]<class T>(T) {
    for (int64_t i = 0; i < n; ++i) {
      if constexpr (std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>) static_cast<T*>(to)[i] = T(static_cast<float>(from[i]));
      else static_cast<T*>(to)[i] = static_cast<T>(from[i]);
    }
  });
}

}  // namespace

KernelPtr prepare_row_norm(DType dtype, int64_t rows, int64_t n, const RowNorm& options) {
  const auto loop = HWY_DYNAMIC_DISPATCH(find_row_norm)(dtype, false, options.is_rounded);
  return make_kernel([=](void* const* p, void*) {
    for_rows(rows, n, [&](int64_t begin, int64_t end) { loop(p, begin, end, n, options, {}); });
    return Status{};
  });
}

KernelPtr prepare_row_norm_backward(DType dtype, int64_t rows, int64_t n, const RowNorm& options) {
  const auto loop = HWY_DYNAMIC_DISPATCH(find_row_norm)(dtype, true, false);
  // At most 32 chunks, of 8 rows or more: each keeps its own column sums.
  const int64_t chunk = std::max({rows_per_chunk(rows, n), (rows + 31) / 32, int64_t{8}});
  const int64_t chunks = std::max<int64_t>(1, (rows + chunk - 1) / chunk);
  const bool has_sums = options.has_weight || options.has_bias;
  const int64_t bytes = has_sums ? round_up(2 * n * 8) : 0;  // of one set of sums
  return make_kernel(
      [=](void* const* p, void* scratch) {
        const int first = 3 + options.has_weight;  // of dweight, dbias
        void* const dweight = options.has_weight ? p[first] : nullptr;
        void* const dbias = options.has_bias ? p[first + options.has_weight] : nullptr;
        const bool is_summed = dweight || dbias;
        const auto sums_of = [&](int64_t i) {
          char* at = static_cast<char*>(scratch) + 2 * bytes * i;
          return is_summed ? NormSums{at, reinterpret_cast<double*>(at + bytes)} : NormSums{};
        };
        parallel_for(chunks, [&](int64_t i) { loop(p, i * chunk, std::min(rows, (i + 1) * chunk), n, options, sums_of(i)); });
        if (!is_summed) return Status{};
        double* const total = sums_of(0).total;
        for (int64_t i = 1; i < chunks; ++i) HWY_DYNAMIC_DISPATCH(add_doubles)(total, sums_of(i).total, 2 * n);
        write_sums(total, dtype, dweight, n);
        write_sums(total + n, dtype, dbias, n);
        return Status{};
      },
      2 * bytes * chunks);
}

}  // namespace gradus::cpu
#endif
