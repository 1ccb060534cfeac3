// The register tile of a matrix product: rows x vectors of accumulators. Included once a target.
#if defined(GRADUS_CPU_GEMM_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_CPU_GEMM_INL_HPP
#undef GRADUS_CPU_GEMM_INL_HPP
#else
#define GRADUS_CPU_GEMM_INL_HPP
#endif

#include <cstring>

#include <hwy/highway.h>

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
template <class D, class S = hn::TFromD<D>>
HWY_INLINE void store_first(D d, S* to, int64_t count, hn::Vec<D> value) {
#if HWY_TARGET <= HWY_AVX2
  hn::BlendedStore(value, hn::FirstN(d, static_cast<size_t>(count)), d, to);
#else
  HWY_ALIGN S lanes[HWY_LANES(S)];
  hn::Store(value, d, lanes);
  std::memcpy(to, lanes, static_cast<size_t>(count) * sizeof(S));
#endif
}

// c (+)= a b for `rows` <= kRows rows and `columns` columns, kVectors vectors wide. With kIsPadded, a has unit row stride and b is padded to whole
// vectors; else both are read where they lie.
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

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
