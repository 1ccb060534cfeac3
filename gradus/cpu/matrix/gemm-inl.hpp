// Parts of matrix products: the register tile (rows x vectors of accumulators), products on operands where they lie, transposes, epilogues.
// Included once a target.
#if defined(GRADUS_CPU_GEMM_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_CPU_GEMM_INL_HPP
#undef GRADUS_CPU_GEMM_INL_HPP
#else
#define GRADUS_CPU_GEMM_INL_HPP
#endif

#include <algorithm>
#include <cstring>

#include <hwy/highway.h>

#include "gradus/cpu/elementwise/loops.hpp"

#ifndef GRADUS_UNROLL
#if defined(__clang__)
#define GRADUS_UNROLL _Pragma("unroll")
#else
#define GRADUS_UNROLL _Pragma("GCC unroll 32")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Rows of the largest tile: with two vectors a row, its accumulators, two vectors of b and one of a fit in the registers.
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2
inline constexpr int kTileRows = 6;
#else
inline constexpr int kTileRows = 12;
#endif

template <class S>
inline constexpr int64_t kLanes = static_cast<int64_t>(HWY_LANES(S));

// The first `count` lanes from memory that may end there; the others are 0.
template <class D, class S = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_first(D d, const S* from, int64_t count) {
#if HWY_TARGET <= HWY_AVX2
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(count)), d, from);
#else
  HWY_ALIGN S lanes[HWY_LANES(S)] = {};
  std::memcpy(lanes, from, static_cast<size_t>(count) * sizeof(S));
  return hn::Load(d, lanes);
#endif
}
// The lower `count` lanes, in pieces of powers of two.
template <class D, class S = hn::TFromD<D>>
HWY_INLINE void store_pieces(D, S* to, int64_t count, hn::Vec<D> value) {
  if constexpr (hn::MaxLanes(D()) == 1) {
    if (count) *to = hn::GetLane(value);
  } else {
    const hn::Half<D> half;
    constexpr auto size = static_cast<int64_t>(hn::MaxLanes(hn::Half<D>()));
    hn::Vec<hn::Half<D>> rest = hn::LowerHalf(half, value);
    if (count & size) {
      hn::StoreU(rest, half, to);
      to += size;
      rest = hn::UpperHalf(half, value);
    }
    store_pieces(half, to, count & (size - 1), rest);
  }
}
template <class D, class S = hn::TFromD<D>>
HWY_INLINE void store_first(D d, S* to, int64_t count, hn::Vec<D> value) {
#if HWY_TARGET <= HWY_AVX3
  hn::BlendedStore(value, hn::FirstN(d, static_cast<size_t>(count)), d, to);
#else  // AVX2's masked stores take up to 40 steps
  store_pieces(d, to, count, value);
#endif
}

// c (+)= a b for `rows` <= kRows rows and `columns` columns, kVectors vectors wide. With kIsPadded, a has unit row stride and b is padded
// to whole vectors; else both are read where they lie.
template <int kRows, int kVectors, bool kIsPadded, class S>
HWY_NOINLINE void multiply_tile(const S* HWY_RESTRICT a, int64_t a_row, int64_t a_column, const S* HWY_RESTRICT b, int64_t b_row,
                                int64_t depth, bool is_first, S* HWY_RESTRICT c, int64_t c_row, int64_t rows, int64_t columns) {
  const hn::ScalableTag<S> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int64_t lanes = kLanes<S>;
  const int64_t last = columns - (kVectors - 1) * lanes;
  const bool is_whole = last == lanes;
  V sums[kRows][kVectors];
  GRADUS_UNROLL
  for (int r = 0; r < kRows; ++r) {
    GRADUS_UNROLL
    for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::Zero(d);
  }
  if (kIsPadded || is_whole) {
    for (int64_t p = 0; p < depth; ++p, a += a_column, b += b_row) {
      V row[kVectors];
      GRADUS_UNROLL
      for (int v = 0; v < kVectors; ++v) row[v] = hn::LoadU(d, b + v * lanes);
      GRADUS_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const V factor = hn::Set(d, a[kIsPadded ? r : r * a_row]);
        GRADUS_UNROLL
        for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(factor, row[v], sums[r][v]);
      }
    }
  } else {
    for (int64_t p = 0; p < depth; ++p, a += a_column, b += b_row) {
      V row[kVectors];
      GRADUS_UNROLL
      for (int v = 0; v + 1 < kVectors; ++v) row[v] = hn::LoadU(d, b + v * lanes);
      row[kVectors - 1] = load_first(d, b + (kVectors - 1) * lanes, last);
      GRADUS_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const V factor = hn::Set(d, a[r * a_row]);
        GRADUS_UNROLL
        for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(factor, row[v], sums[r][v]);
      }
    }
  }
  GRADUS_UNROLL
  for (int r = 0; r < kRows; ++r) {
    if (kIsPadded && r >= rows) break;
    S* to = c + r * c_row;
    GRADUS_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      if (v + 1 < kVectors || is_whole) {
        if (!is_first) sums[r][v] = hn::Add(sums[r][v], hn::LoadU(d, to + v * lanes));
        hn::StoreU(sums[r][v], d, to + v * lanes);
      } else {
        if (!is_first) sums[r][v] = hn::Add(sums[r][v], load_first(d, to + v * lanes, last));
        store_first(d, to + v * lanes, last, sums[r][v]);
      }
    }
  }
}

template <int kRows, class S>
void direct_rows(const S* a, int64_t a_row, int64_t a_column, const S* b, int64_t b_row, int64_t k, S* c, int64_t c_row, int64_t columns,
                 bool is_first = true) {
  constexpr int64_t lanes = kLanes<S>;
  constexpr int kWide = kRows <= 2 ? 4 : 2;
  int64_t j = 0;
  for (; j + (kWide - 1) * lanes < columns; j += kWide * lanes) {
    multiply_tile<kRows, kWide, false>(a, a_row, a_column, b + j, b_row, k, is_first, c + j, c_row, kRows,
                                       std::min(columns - j, kWide * lanes));
  }
  if (kWide == 4 && columns - j > lanes) {
    multiply_tile<kRows, 2, false>(a, a_row, a_column, b + j, b_row, k, is_first, c + j, c_row, kRows, std::min(columns - j, 2 * lanes));
    j += 2 * lanes;
  }
  if (j < columns) {
    multiply_tile<kRows, 1, false>(a, a_row, a_column, b + j, b_row, k, is_first, c + j, c_row, kRows, std::min(columns - j, lanes));
  }
}

// c (+)= a b by register tiles on a and b where they lie; rows of b have unit stride.
template <class S>
void multiply_direct(const S* a, int64_t a_row, int64_t a_column, const S* b, int64_t b_row, int64_t k, S* c, int64_t c_row, int64_t rows,
                     int64_t columns, bool is_first = true) {
  if (rows <= 3 && k * b_row > 1 << 16) {  // a few rows of a large b at a time: whole pages are read in order
    const auto direct = rows == 1 ? direct_rows<1, S> : rows == 2 ? direct_rows<2, S> : direct_rows<3, S>;
    for (int64_t p = 0; p < k; p += 16) {
      direct(a + p * a_column, a_row, a_column, b + p * b_row, b_row, std::min<int64_t>(16, k - p), c, c_row, columns, is_first && p == 0);
    }
    return;
  }
  constexpr int kMost = kTileRows == 12 ? 8 : 6;
  int64_t i = 0;
  for (; i + kMost <= rows; i += kMost)
    direct_rows<kMost>(a + i * a_row, a_row, a_column, b, b_row, k, c + i * c_row, c_row, columns, is_first);
  for (; i + 4 <= rows; i += 4) direct_rows<4>(a + i * a_row, a_row, a_column, b, b_row, k, c + i * c_row, c_row, columns, is_first);
  if (i + 3 == rows) return direct_rows<3>(a + i * a_row, a_row, a_column, b, b_row, k, c + i * c_row, c_row, columns, is_first);
  for (; i + 2 <= rows; i += 2) direct_rows<2>(a + i * a_row, a_row, a_column, b, b_row, k, c + i * c_row, c_row, columns, is_first);
  if (i < rows) direct_rows<1>(a + i * a_row, a_row, a_column, b, b_row, k, c + i * c_row, c_row, columns, is_first);
}

// to[j * to_row + i] = from[i * from_row + j], rows x columns, through 4 x 4 (2 x 2) transposes in registers.
template <class S>
void transpose(const S* HWY_RESTRICT from, int64_t from_row, int64_t rows, int64_t columns, S* HWY_RESTRICT to, int64_t to_row) {
  constexpr int64_t side = 16 / static_cast<int64_t>(sizeof(S));
  const hn::FixedTag<S, static_cast<size_t>(side)> d;
  int64_t i = 0;
  for (; i + side <= rows; i += side) {
    const S* in = from + i * from_row;
    S* out = to + i;
    int64_t j = 0;
    for (; j + side <= columns; j += side) {
      if constexpr (side == 4) {
        const auto r0 = hn::LoadU(d, in + j), r1 = hn::LoadU(d, in + from_row + j), r2 = hn::LoadU(d, in + 2 * from_row + j),
                   r3 = hn::LoadU(d, in + 3 * from_row + j);
        const auto t0 = hn::InterleaveLower(d, r0, r2), t1 = hn::InterleaveLower(d, r1, r3), t2 = hn::InterleaveUpper(d, r0, r2),
                   t3 = hn::InterleaveUpper(d, r1, r3);
        hn::StoreU(hn::InterleaveLower(d, t0, t1), d, out + j * to_row);
        hn::StoreU(hn::InterleaveUpper(d, t0, t1), d, out + (j + 1) * to_row);
        hn::StoreU(hn::InterleaveLower(d, t2, t3), d, out + (j + 2) * to_row);
        hn::StoreU(hn::InterleaveUpper(d, t2, t3), d, out + (j + 3) * to_row);
      } else {
        const auto r0 = hn::LoadU(d, in + j), r1 = hn::LoadU(d, in + from_row + j);
        hn::StoreU(hn::InterleaveLower(d, r0, r1), d, out + j * to_row);
        hn::StoreU(hn::InterleaveUpper(d, r0, r1), d, out + (j + 1) * to_row);
      }
    }
    for (; j < columns; ++j) {
      for (int64_t r = 0; r < side; ++r) out[j * to_row + r] = in[r * from_row + j];
    }
  }
  for (; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) to[j * to_row + i] = from[i * from_row + j];
  }
}

// bias and activation on a block of the output, still in cache; the activation by the loop of the element-wise op, so with its bits.
template <class S, class B>
void finish(S* c, int64_t c_row, int64_t rows, int64_t columns, const B* bias, TileLoop activation) {
  if (!bias && !activation) return;
  const hn::ScalableTag<S> d;
  constexpr int64_t lanes = kLanes<S>;
  for (int64_t r = 0; r < rows; ++r, c += c_row) {
    int64_t j = bias ? 0 : columns;
    if constexpr (std::is_same_v<S, B>) {
      for (; j + lanes <= columns; j += lanes) hn::StoreU(hn::Add(hn::LoadU(d, c + j), hn::LoadU(d, bias + j)), d, c + j);
    }
    for (; j < columns; ++j) c[j] += static_cast<S>(bias[j]);
    if (activation) activation(c, nullptr, nullptr, c, columns, 0);
  }
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
