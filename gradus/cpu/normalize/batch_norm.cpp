// Batch norm over (rows, channels). Few channels are widened: `group` rows in a row are one wide row, whose columns meet at the end.
#include "gradus/cpu/normalize/batch_norm.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/base/round_up.hpp"
#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/normalize/rows.hpp"

#ifndef GRADUS_CPU_BATCH_NORM_CHUNK
#define GRADUS_CPU_BATCH_NORM_CHUNK
namespace gradus::cpu {
// Column sums in double over some rows: mean and squared deviations, or sum(dy) and sum(dy (x - mean)).
struct ColumnSums {
  double *first, *second;
  double count;
};
// Working space of a chunk: two rows in the type computed in, and as many in double.
struct ColumnSpace {
  void *a, *b, *center;
  double *block_first, *block_second;
};
// (pointers, begin, end, channels, group, sums, space): rows begin .. end-1.
using ColumnLoop = void (*)(void* const*, int64_t, int64_t, int64_t, int64_t, ColumnSums&, const ColumnSpace&);
struct BatchNormLoops {
  ColumnLoop statistics, slopes;
  void (*join)(ColumnSums&, const double*, const double*, double, int64_t);
  void (*scale)(const void* x, const void* columns, int64_t pitch, void* y, int64_t rows, int64_t width);
  void (*slope)(const void* x, const void* dy, const void* columns, int64_t pitch, void* dx, int64_t rows, int64_t width, bool is_scaled);
};
}  // namespace gradus::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/normalize/batch_norm.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/normalize/rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// mean and M2 of both together: d = mean_b - mean_a;  mean = mean_a + d n_b / n;  M2 = M2_a + M2_b + d^2 n_a n_b / n
void join(ColumnSums& to, const double* mean, const double* squares, double count, int64_t width) {
  if (count == 0) return;
  const hn::ScalableTag<double> d;
  const double both = to.count + count;
  const auto share = hn::Set(d, count / both), weight = hn::Set(d, to.count * count / both);
  for_vectors(d, width, [&](auto part, int64_t j) HWY_ATTR {
    const auto a = load(d, part, to.first + j), delta = hn::Sub(load(d, part, mean + j), a);
    store(d, part, to.first + j, hn::MulAdd(delta, share, a));
    const auto sum = hn::Add(load(d, part, to.second + j), load(d, part, squares + j));
    store(d, part, to.second + j, hn::MulAdd(hn::Mul(delta, delta), weight, sum));
  });
  to.count = both;
}

// f(part, row, j, a, b) adds an element's share to two accumulators; four rows at a time onto a[j], b[j].
template <class C, class F>
HWY_INLINE void sum_rows(C* a, C* b, int64_t rows, int64_t width, F f) {
  const Tag<C> d;
  std::fill_n(a, width, C{0});
  std::fill_n(b, width, C{0});
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    for_vectors(d, width, [&](auto part, int64_t j) HWY_ATTR {
      auto first = load(d, part, a + j), second = load(d, part, b + j), third = hn::Zero(d), fourth = third;
      f(part, i, j, first, second);
      f(part, i + 1, j, third, fourth);
      f(part, i + 2, j, first, second);
      f(part, i + 3, j, third, fourth);
      store(d, part, a + j, hn::Add(first, third));
      store(d, part, b + j, hn::Add(second, fourth));
    });
  }
  for (; i < rows; ++i) {
    for_vectors(d, width, [&](auto part, int64_t j) HWY_ATTR {
      auto first = load(d, part, a + j), second = load(d, part, b + j);
      f(part, i, j, first, second);
      store(d, part, a + j, first);
      store(d, part, b + j, second);
    });
  }
}

// Statistics of rows of `width` elements, joined to `sums`: blocks that stay in L2, each by two passes.
template <class T>
void add_statistics(const T* x, int64_t rows, int64_t width, ColumnSums& sums, const ColumnSpace& space) {
  using C = Compute<T>;
  const Tag<C> d;
  if (width == 0) return;
  C *a = static_cast<C*>(space.a), *b = static_cast<C*>(space.b), *center = static_cast<C*>(space.center);
  const int64_t block = std::clamp<int64_t>(65536 / width, 4, 256);
  for (int64_t first = 0; first < rows; first += block, x += block * width) {
    const int64_t n = std::min(block, rows - first);
    const double count = static_cast<double>(n);
    sum_rows(a, b, n, width,
             [&](auto part, int64_t i, int64_t j, auto& sum, auto&) HWY_ATTR { sum = hn::Add(sum, load(d, part, x + i * width + j)); });
    const auto inverse = hn::Set(d, static_cast<C>(1 / count));
    for_vectors(d, width, [&](auto part, int64_t j) HWY_ATTR { store(d, part, center + j, hn::Mul(load(d, part, a + j), inverse)); });
    sum_rows(a, b, n, width, [&](auto part, int64_t i, int64_t j, auto& sum, auto& squares) HWY_ATTR {
      const auto v = hn::Sub(load(d, part, x + i * width + j), load(d, part, center + j));
      sum = hn::Add(sum, v);
      squares = hn::MulAdd(v, v, squares);
    });
    const hn::ScalableTag<double> dd;
    const auto share = hn::Set(dd, 1 / count);
    for_vectors(dd, width, [&](auto part, int64_t j) HWY_ATTR {  // what rounding of the center left
      const auto rest = load(dd, part, a + j), shift = hn::Mul(rest, share);
      store(dd, part, space.block_first + j, hn::Add(load(dd, part, center + j), shift));
      const auto squares = hn::NegMulAdd(rest, shift, load(dd, part, b + j));
      // Not below 0, but NaN comes through.
      store(dd, part, space.block_second + j, hn::IfThenElse(hn::Lt(squares, hn::Zero(dd)), hn::Zero(dd), squares));
    });
    join(sums, space.block_first, space.block_second, count, width);
  }
}

template <class T>
void chunk_statistics(void* const* p, int64_t begin, int64_t end, int64_t channels, int64_t group, ColumnSums& out,
                      const ColumnSpace& space) {
  const T* x = static_cast<const T*>(p[0]) + begin * channels;
  const int64_t wide_rows = (end - begin) / group, width = group * channels;
  std::fill_n(out.first, width, 0.0);
  std::fill_n(out.second, width, 0.0);
  out.count = 0;
  add_statistics(x, wide_rows, width, out, space);
  const double count = out.count;
  for (int64_t g = 1; g < group; ++g) join(out, out.first + g * channels, out.second + g * channels, count, channels);
  add_statistics(x + wide_rows * width, end - begin - wide_rows * group, channels, out, space);
}

template <class T>
void add_slopes(const T* x, const T* dy, const Compute<T>* mean, int64_t rows, int64_t width, ColumnSums& sums, const ColumnSpace& space) {
  using C = Compute<T>;
  const Tag<C> d;
  const hn::ScalableTag<double> dd;
  C *a = static_cast<C*>(space.a), *b = static_cast<C*>(space.b);
  for (int64_t first = 0; first < rows; first += 64, x += 64 * width, dy += 64 * width) {
    sum_rows(a, b, std::min<int64_t>(64, rows - first), width, [&](auto part, int64_t i, int64_t j, auto& sum, auto& product) HWY_ATTR {
      const auto g = load(d, part, dy + i * width + j);
      sum = hn::Add(sum, g);
      product = hn::MulAdd(g, hn::Sub(load(d, part, x + i * width + j), load(d, part, mean + j)), product);
    });
    for_vectors(dd, width, [&](auto part, int64_t j) HWY_ATTR {
      store(dd, part, sums.first + j, hn::Add(load(dd, part, sums.first + j), load(dd, part, a + j)));
      store(dd, part, sums.second + j, hn::Add(load(dd, part, sums.second + j), load(dd, part, b + j)));
    });
  }
}
template <class T>  // p: x, mean, var, dy
void chunk_slopes(void* const* p, int64_t begin, int64_t end, int64_t channels, int64_t group, ColumnSums& out, const ColumnSpace& space) {
  using C = Compute<T>;
  const T *x = static_cast<const T*>(p[0]) + begin * channels, *dy = static_cast<const T*>(p[3]) + begin * channels;
  C* const mean = static_cast<C*>(space.center);
  const int64_t wide_rows = (end - begin) / group, width = group * channels;
  for (int64_t g = 0; g < group; ++g) std::copy_n(static_cast<const C*>(p[1]), channels, mean + g * channels);
  std::fill_n(out.first, width, 0.0);
  std::fill_n(out.second, width, 0.0);
  add_slopes(x, dy, mean, wide_rows, width, out, space);
  for (int64_t g = 1; g < group; ++g) {
    for (int64_t j = 0; j < channels; ++j) {
      out.first[j] += out.first[g * channels + j];
      out.second[j] += out.second[g * channels + j];
    }
  }
  add_slopes(x + wide_rows * width, dy + wide_rows * width, mean, end - begin - wide_rows * group, channels, out, space);
}

// y = (x - center) * scale + shift; the three stand `pitch` apart in `columns`.
template <class T>
void scale_rows(const void* from, const void* columns, int64_t pitch, void* to, int64_t rows, int64_t width) {
  using C = Compute<T>;
  const Tag<T> d;
  const C *center = static_cast<const C*>(columns), *scale = center + pitch, *shift = scale + pitch;
  const T* x = static_cast<const T*>(from);
  T* y = static_cast<T*>(to);
  for (int64_t i = 0; i < rows; ++i, x += width, y += width) {
    for_vectors(d, width, [&](auto part, int64_t j) HWY_ATTR {
      store(d, part, y + j,
            hn::MulAdd(hn::Sub(load(d, part, x + j), load(d, part, center + j)), load(d, part, scale + j), load(d, part, shift + j)));
    });
  }
}
// dx = dy * a + (x - center) * b + c; where b could leave the range of numbers, (x - center) * scale * b.
template <class T, bool is_scaled>
void slope_rows_of(const void* from, const void* slopes, const void* columns, int64_t pitch, void* to, int64_t rows, int64_t width) {
  using C = Compute<T>;
  const Tag<T> d;
  const C *center = static_cast<const C*>(columns), *a = center + pitch, *b = a + pitch, *c = b + pitch, *scale = c + pitch;
  const T *x = static_cast<const T*>(from), *dy = static_cast<const T*>(slopes);
  T* dx = static_cast<T*>(to);
  for (int64_t i = 0; i < rows; ++i, x += width, dy += width, dx += width) {
    for_vectors(d, width, [&](auto part, int64_t j) HWY_ATTR {
      auto centered = hn::Sub(load(d, part, x + j), load(d, part, center + j));
      if constexpr (is_scaled) centered = hn::Mul(centered, load(d, part, scale + j));
      const auto along = hn::MulAdd(centered, load(d, part, b + j), load(d, part, c + j));
      store(d, part, dx + j, hn::MulAdd(load(d, part, dy + j), load(d, part, a + j), along));
    });
  }
}
template <class T>
void slope_rows(const void* x, const void* dy, const void* columns, int64_t pitch, void* dx, int64_t rows, int64_t width, bool is_scaled) {
  if (is_scaled) slope_rows_of<T, true>(x, dy, columns, pitch, dx, rows, width);
  else slope_rows_of<T, false>(x, dy, columns, pitch, dx, rows, width);
}

}  // namespace

template <class T>
BatchNormLoops loops_of() {
  return {chunk_statistics<T>, chunk_slopes<T>, join, scale_rows<T>, slope_rows<T>};
}
BatchNormLoops find_batch_norm(DType dtype) {
  if (dtype == float64) return loops_of<double>();
  if (dtype == float16) return loops_of<float16_t>();
  if (dtype == bfloat16) return loops_of<bfloat16_t>();
  return loops_of<float>();
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_batch_norm);

namespace {

// How rows are split, and where the working space of each chunk lies.
struct Split {
  int64_t rows, channels, group, chunk, chunks;
  int64_t width() const { return group * channels; }
  int64_t row_bytes() const { return round_up(width() * 8); }
  int64_t chunk_bytes() const { return 7 * row_bytes(); }
  char* row(void* scratch, int64_t chunk_index, int64_t row) const {
    return static_cast<char*>(scratch) + chunk_index * chunk_bytes() + row * row_bytes();
  }
  ColumnSums sums(void* scratch, int64_t i) const {
    return {reinterpret_cast<double*>(row(scratch, i, 0)), reinterpret_cast<double*>(row(scratch, i, 1)), 0};
  }
  ColumnSpace space(void* scratch, int64_t i) const {
    return {row(scratch, i, 4), row(scratch, i, 5), row(scratch, i, 6), reinterpret_cast<double*>(row(scratch, i, 2)),
            reinterpret_cast<double*>(row(scratch, i, 3))};
  }
  double rows_in(int64_t i) const { return static_cast<double>(std::min(rows, (i + 1) * chunk) - std::min(rows, i * chunk)); }
  // The constants of the last pass, behind the chunks: up to five rows.
  void* columns(void* scratch) const { return static_cast<char*>(scratch) + chunks * chunk_bytes(); }
  int64_t scratch_bytes() const { return chunks * chunk_bytes() + 5 * row_bytes(); }
};
Split split(int64_t rows, int64_t channels) {
  Split s{rows, channels, 1, 1, 1};
  s.group = std::max<int64_t>(1, 128 / std::max<int64_t>(1, channels));
  s.chunk = std::max({rows_per_chunk(rows, channels), (rows + 31) / 32, int64_t{8}});
  s.chunk = (s.chunk + s.group - 1) / s.group * s.group;
  s.chunks = std::max<int64_t>(1, (rows + s.chunk - 1) / s.chunk);
  return s;
}

double element(const void* values, DType dtype, int64_t i) {
  return visit_dtype(dtype, [&]<class T>(T) { return static_cast<double>(static_cast<const T*>(values)[i]); });
}
void set_element(void* values, DType dtype, int64_t i, double value) {
  if (!values) return;
  visit_dtype(dtype, [&]<class T>(T) {
    if constexpr (sizeof(T) == 2) static_cast<T*>(values)[i] = T(static_cast<float>(value));
    else static_cast<T*>(values)[i] = static_cast<T>(value);
  });
}
DType wide_dtype(DType dtype) { return dtype == float64 ? float64 : float32; }

// Fills row `k` of the constants of the last pass, one group after the other.
void set_column(const Split& s, void* scratch, DType dtype, int64_t k, int64_t channel, double value) {
  for (int64_t g = 0; g < s.group; ++g) set_element(s.columns(scratch), wide_dtype(dtype), k * s.width() + g * s.channels + channel, value);
}

// Calls body(first element, rows, width) for the wide rows of each chunk, and for what is left at the end as one shorter row.
template <class Body>
void for_wide_rows(const Split& s, Body body) {
  parallel_for(s.chunks, [&](int64_t i) {
    const int64_t begin = std::min(s.rows, i * s.chunk), rows = std::min(s.rows, (i + 1) * s.chunk) - begin;
    body(begin * s.channels, rows / s.group, s.width());
    const int64_t rest = rows % s.group;
    if (rest) body((begin + rows - rest) * s.channels, int64_t{1}, rest * s.channels);
  });
}

struct Statistics {
  double mean, var, factor;  // factor: 1 / sqrt(var + eps)
};
// Whether a variance may have lost digits, or everything, because its squares left the range of numbers.
bool is_out_of_range(DType dtype, double var) {
  const bool is_double = dtype == float64;
  return !(var > (is_double ? 1e-280 : 1e-30) &&
           var <= (is_double ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max()));
}
// Of one channel with large or small numbers: relative to the largest.
Statistics statistics_in_range(const void* x, DType dtype, int64_t rows, int64_t channels, int64_t channel, double eps) {
  const auto at = [&](int64_t row) { return element(x, dtype, row * channels + channel); };
  const double count = static_cast<double>(rows);
  double largest = 0, mean = 0, squares = 0;
  for (int64_t i = 0; i < rows; ++i) largest = std::fabs(at(i)) > largest ? std::fabs(at(i)) : largest;
  const double unit = largest > 0 && std::isfinite(largest) ? largest : 1;
  for (int64_t i = 0; i < rows; ++i) mean += at(i) / unit;
  mean /= count;
  for (int64_t i = 0; i < rows; ++i) squares += (at(i) / unit - mean) * (at(i) / unit - mean);
  const double deviation = unit * std::sqrt(squares / count);
  return {mean * unit, deviation * deviation, 1 / std::hypot(deviation, std::sqrt(eps))};
}
Statistics statistics_of(const ColumnSums& sums, const void* x, DType dtype, int64_t channels, int64_t channel, double eps) {
  if (sums.count == 0) return {std::nan(""), std::nan(""), std::nan("")};
  const double var = sums.second[channel] / sums.count;
  if (is_out_of_range(dtype, var + eps)) return statistics_in_range(x, dtype, static_cast<int64_t>(sums.count), channels, channel, eps);
  return {sums.first[channel], var, 1 / std::sqrt(var + eps)};
}

}  // namespace

KernelPtr prepare_batch_norm(DType dtype, int64_t rows, int64_t channels, const BatchNorm& options) {
  const BatchNormLoops loops = HWY_DYNAMIC_DISPATCH(find_batch_norm)(dtype);
  const Split s = split(rows, channels);
  return make_kernel(
      [=](void* const* p, void* scratch) {
        const void* const weight = options.has_weight ? p[1] : nullptr;
        const void* const bias = options.has_bias ? p[1 + options.has_weight] : nullptr;
        void* const* out = p + 1 + options.has_weight + options.has_bias;
        parallel_for(s.chunks, [&](int64_t i) {
          ColumnSums sums = s.sums(scratch, i);
          loops.statistics(p, std::min(rows, i * s.chunk), std::min(rows, (i + 1) * s.chunk), channels, s.group, sums, s.space(scratch, i));
        });
        ColumnSums all = s.sums(scratch, 0);
        all.count = s.rows_in(0);
        for (int64_t i = 1; i < s.chunks; ++i) loops.join(all, s.sums(scratch, i).first, s.sums(scratch, i).second, s.rows_in(i), channels);
        for (int64_t j = 0; j < channels; ++j) {
          const Statistics of = statistics_of(all, p[0], dtype, channels, j, options.eps);
          set_element(out[1], wide_dtype(dtype), j, of.mean);
          set_element(out[2], wide_dtype(dtype), j, of.var);
          const double scale = (weight ? element(weight, dtype, j) : 1) * of.factor;
          const double center = dtype == float64 ? of.mean : static_cast<double>(static_cast<float>(of.mean));
          set_column(s, scratch, dtype, 0, j, center);
          set_column(s, scratch, dtype, 1, j, scale);
          set_column(s, scratch, dtype, 2, j, (center - of.mean) * scale + (bias ? element(bias, dtype, j) : 0));
        }
        if (!out[0]) return Status{};
        for_wide_rows(s, [&](int64_t at, int64_t count, int64_t width) {
          at *= dtype.size();
          loops.scale(static_cast<const char*>(p[0]) + at, s.columns(scratch), s.width(), static_cast<char*>(out[0]) + at, count, width);
        });
        return Status{};
      },
      s.scratch_bytes());
}

KernelPtr prepare_batch_norm_backward(DType dtype, int64_t rows, int64_t channels, const BatchNorm& options) {
  const BatchNormLoops loops = HWY_DYNAMIC_DISPATCH(find_batch_norm)(dtype);
  const Split s = split(rows, channels);
  return make_kernel(
      [=](void* const* p, void* scratch) {
        const DType wide = wide_dtype(dtype);
        const void* const weight = options.has_weight ? p[6] : nullptr;
        void* const* out = p + 6 + options.has_weight;
        parallel_for(s.chunks, [&](int64_t i) {
          ColumnSums sums = s.sums(scratch, i);
          loops.slopes(p, std::min(rows, i * s.chunk), std::min(rows, (i + 1) * s.chunk), channels, s.group, sums, s.space(scratch, i));
        });
        const ColumnSums all = s.sums(scratch, 0);
        for (int64_t i = 1; i < s.chunks; ++i) {
          const ColumnSums other = s.sums(scratch, i);
          for (int64_t j = 0; j < channels; ++j) all.first[j] += other.first[j], all.second[j] += other.second[j];
        }
        const double count = static_cast<double>(rows);
        bool is_scaled = false;
        for (int64_t j = 0; j < channels; ++j) is_scaled |= is_out_of_range(dtype, element(p[2], wide, j) + options.eps);
        for (int64_t j = 0; j < channels; ++j) {
          const double spread = element(p[2], wide, j) + options.eps, w = weight ? element(weight, dtype, j) : 1;
          const bool is_lost = rows > 0 && is_out_of_range(dtype, spread);
          const double r = is_lost ? statistics_in_range(p[0], dtype, rows, channels, j, options.eps).factor : 1 / std::sqrt(spread);
          const double dmean = element(p[4], wide, j), dvar = element(p[5], wide, j);
          set_column(s, scratch, dtype, 0, j, element(p[1], wide, j));
          set_column(s, scratch, dtype, 1, j, w * r);
          if (is_scaled) {
            set_column(s, scratch, dtype, 2, j, (2 * dvar / r - w * r * (r * all.second[j])) / count);
            set_column(s, scratch, dtype, 4, j, r);
          } else {
            set_column(s, scratch, dtype, 2, j, (2 * dvar - w * r * r * r * all.second[j]) / count);
          }
          set_column(s, scratch, dtype, 3, j, (dmean - w * r * all.first[j]) / count);
          set_element(out[1], dtype, j, r * all.second[j]);
          set_element(out[2], dtype, j, all.first[j]);
        }
        if (!out[0]) return Status{};
        for_wide_rows(s, [&](int64_t at, int64_t n, int64_t width) {
          at *= dtype.size();
          loops.slope(static_cast<const char*>(p[0]) + at, static_cast<const char*>(p[3]) + at, s.columns(scratch), s.width(),
                      static_cast<char*>(out[0]) + at, n, width, is_scaled);
        });
        return Status{};
      },
      s.scratch_bytes());
}

}  // namespace gradus::cpu
#endif
