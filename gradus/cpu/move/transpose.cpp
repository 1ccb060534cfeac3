// Transposition of blocks in vector registers.
#include "gradus/cpu/highway_targets.hpp"

#include "gradus/cpu/move/copy.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/move/transpose.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// One vector of the 16-byte pieces at from, from + step, from + 2 step, ...
template <class D>
HWY_INLINE hn::Vec<D> load_pieces(D d, const hn::TFromD<D>* from, int64_t step) {
  if constexpr (hn::MaxLanes(D()) * sizeof(hn::TFromD<D>) <= 16) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    constexpr int64_t kPieces = hn::MaxLanes(D()) * sizeof(hn::TFromD<D>) / 32;
    return hn::Combine(d, load_pieces(half, from + kPieces * step, step), load_pieces(half, from, step));
  }
}

// All rows that fill a vector times the columns that fill 16 bytes: perfect shuffles until the columns lie in the lanes.
template <class T, bool kStream>
HWY_INLINE void transpose_square(const T* in, int64_t in_stride, T* out, int64_t out_stride) {
  constexpr int64_t kColumns = 16 / sizeof(T);
  const hn::ScalableTag<T> d;
  hn::Vec<decltype(d)> v[kColumns], w[kColumns];
  for (int64_t k = 0; k < kColumns; ++k) v[k] = load_pieces(d, in + k * in_stride, kColumns * in_stride);
  for (int64_t width = kColumns; width > 1; width /= 2) {
    for (int64_t k = 0; k < kColumns / 2; ++k) {
      w[2 * k] = hn::InterleaveLower(d, v[k], v[k + kColumns / 2]);
      w[2 * k + 1] = hn::InterleaveUpper(d, v[k], v[k + kColumns / 2]);
    }
    for (int64_t k = 0; k < kColumns; ++k) v[k] = w[k];
  }
  for (int64_t k = 0; k < kColumns; ++k) {
    if constexpr (kStream) hn::Stream(v[k], d, out + k * out_stride);
    else hn::StoreU(v[k], d, out + k * out_stride);
  }
}

template <class T, bool kStream>
void transpose_whole(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows, int64_t columns) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  // Rows of blocks that are a cache line wide, so that each line is read and written once.
  for (int64_t r = 0; r < rows; r += lanes) {
    for (int64_t c = 0; c < columns; c += 16 / sizeof(T)) {
      transpose_square<T, kStream>(in + r * in_stride + c, in_stride, out + c * out_stride + r, out_stride);
    }
  }
}

template <class T>
void transpose_typed(const detail::TransposedBlock& block) {
  const T* in = static_cast<const T*>(block.in);
  T* out = static_cast<T*>(block.out);
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>())), wide = 16 / sizeof(T);
  const int64_t rows = block.rows / lanes * lanes, columns = block.columns / wide * wide;
  const auto is_aligned = [&](int64_t elements) { return elements * static_cast<int64_t>(sizeof(T)) % 64 == 0; };
  if (block.stream && is_aligned(block.out_stride) && reinterpret_cast<uintptr_t>(out) % 64 == 0) {
    transpose_whole<T, true>(in, block.in_stride, out, block.out_stride, rows, columns);
  } else {
    transpose_whole<T, false>(in, block.in_stride, out, block.out_stride, rows, columns);
  }
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t r = rows; r < block.rows; ++r) out[c * block.out_stride + r] = in[r * block.in_stride + c];
  }
  for (int64_t c = columns; c < block.columns; ++c) {
    for (int64_t r = 0; r < block.rows; ++r) out[c * block.out_stride + r] = in[r * block.in_stride + c];
  }
}

void transpose_any(const detail::TransposedBlock& block, int64_t element) {
  switch (element) {
    case 1: return transpose_typed<uint8_t>(block);
    case 2: return transpose_typed<uint16_t>(block);
    case 4: return transpose_typed<uint32_t>(block);
    default: return transpose_typed<uint64_t>(block);
  }
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {
HWY_EXPORT(transpose_any);
void detail::transpose_block(const TransposedBlock& block, int64_t element) { HWY_DYNAMIC_DISPATCH(transpose_any)(block, element); }
}  // namespace gradus::cpu
#endif
