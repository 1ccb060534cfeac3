// Loops over tiles for vector functions: F{}(d, vectors...) on full vectors, the tail through the same code. Included once a target.
#if defined(GRADUS_CPU_ELEMENTWISE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_CPU_ELEMENTWISE_INL_HPP
#undef GRADUS_CPU_ELEMENTWISE_INL_HPP
#else
#define GRADUS_CPU_ELEMENTWISE_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstring>
#include <utility>

#include "gradus/cpu/elementwise/loops.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
using Unsigned = hn::RebindToUnsigned<D>;

// The first `count` lanes from memory that may end there; the others are 0.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_part(D d, const T* from, size_t count) {
#if HWY_TARGET <= HWY_AVX3
  return hn::MaskedLoad(hn::FirstN(d, count), d, from);
#else
  alignas(64) T lanes[64 / sizeof(T)] = {};
  std::memcpy(lanes, from, count * sizeof(T));
  return hn::LoadU(d, lanes);
#endif
}
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_part(D d, T* to, size_t count, hn::Vec<D> value) {
#if HWY_TARGET <= HWY_AVX3
  hn::BlendedStore(value, hn::FirstN(d, count), d, to);
#else
  alignas(64) T lanes[64 / sizeof(T)];
  hn::StoreU(value, d, lanes);
  std::memcpy(to, lanes, count * sizeof(T));
#endif
}

// Bools are bytes, 0 or 1: as many as D has lanes.
template <class D>
using Bytes = hn::Rebind<uint8_t, D>;
template <class D>
HWY_INLINE hn::Mask<D> mask_from_bytes(D d, hn::Vec<Bytes<D>> bytes) {
  const Unsigned<D> du;
  if constexpr (sizeof(hn::TFromD<D>) == 8) {
    const hn::Rebind<uint32_t, D> half;
    return hn::RebindMask(d, hn::Ne(hn::PromoteTo(du, hn::PromoteTo(half, bytes)), hn::Zero(du)));
  } else {
    return hn::RebindMask(d, hn::Ne(hn::PromoteTo(du, bytes), hn::Zero(du)));
  }
}
template <class D>
HWY_INLINE hn::Vec<Bytes<D>> bytes_from_mask(D, hn::Mask<D> mask) {
  const Unsigned<D> du;
  return hn::TruncateTo(Bytes<D>(), hn::IfThenElseZero(hn::RebindMask(du, mask), hn::Set(du, 1)));
}

// How an operand is read: as T, or as a mask from bools.
template <class T>
struct Values {
  template <class D>
  static HWY_INLINE hn::Vec<D> read(D d, const void* from, size_t at) {
    return hn::LoadU(d, static_cast<const T*>(from) + at);
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> read_part(D d, const void* from, size_t at, size_t count) {
    return load_part(d, static_cast<const T*>(from) + at, count);
  }
};
struct Flags {
  template <class D>
  static HWY_INLINE hn::Mask<D> read(D d, const void* from, size_t at) {
    return mask_from_bytes(d, hn::LoadU(Bytes<D>(), static_cast<const uint8_t*>(from) + at));
  }
  template <class D>
  static HWY_INLINE hn::Mask<D> read_part(D d, const void* from, size_t at, size_t count) {
    return mask_from_bytes(d, load_part(Bytes<D>(), static_cast<const uint8_t*>(from) + at, count));
  }
};

template <class D>
HWY_INLINE void write(D d, void* to, size_t at, hn::Vec<D> value) {
  hn::StoreU(value, d, static_cast<hn::TFromD<D>*>(to) + at);
}
template <class D>
HWY_INLINE void write_part(D d, void* to, size_t at, size_t count, hn::Vec<D> value) {
  store_part(d, static_cast<hn::TFromD<D>*>(to) + at, count, value);
}
template <class D>
HWY_INLINE void write(D d, void* to, size_t at, hn::Mask<D> value) {
  hn::StoreU(bytes_from_mask(d, value), Bytes<D>(), static_cast<uint8_t*>(to) + at);
}
template <class D>
HWY_INLINE void write_part(D d, void* to, size_t at, size_t count, hn::Mask<D> value) {
  store_part(Bytes<D>(), static_cast<uint8_t*>(to) + at, count, bytes_from_mask(d, value));
}

template <class F, class T, class... Readers, size_t... K>
HWY_INLINE void run_tile(std::index_sequence<K...>, const void* const* from, void* to, size_t n, unsigned repeated) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const size_t moving[] = {(repeated >> K & 1 ? size_t{0} : ~size_t{0})...};  // a repeated operand stays where it is
  const F f{};
  size_t at = 0;
  for (; at + lanes <= n; at += lanes) write(d, to, at, f(d, Readers::read(d, from[K], at & moving[K])...));
  if (at < n) write_part(d, to, at, n - at, f(d, Readers::read_part(d, from[K], at & moving[K], n - at)...));
}
template <class F, class T, class... Readers>
void tile_loop(const void* a, const void* b, const void* c, void* out, int64_t n, unsigned repeated) {
  const void* const from[] = {a, b, c};
  run_tile<F, T, Readers...>(std::index_sequence_for<Readers...>(), from, out, static_cast<size_t>(n), repeated);
}

template <class F>
TileLoop unary_loop(DType dtype) {
  return dtype == float32 ? tile_loop<F, float, Values<float>> : tile_loop<F, double, Values<double>>;
}
template <class F>
TileLoop binary_loop(DType dtype) {
  return dtype == float32 ? tile_loop<F, float, Values<float>, Values<float>> : tile_loop<F, double, Values<double>, Values<double>>;
}
template <class F>
TileLoop ternary_loop(DType dtype) {
  return dtype == float32 ? tile_loop<F, float, Values<float>, Values<float>, Values<float>>
                          : tile_loop<F, double, Values<double>, Values<double>, Values<double>>;
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

// A file of functions lists them once, as GRADUS_ROWS(ROW) with one ROW(name, loop for floats, finder for integers) each.
// GRADUS_ROWS(GRADUS_FIND_LOOP) stands in the target's namespace; under HWY_ONCE, in gradus::cpu, come GRADUS_ROWS(GRADUS_FIND_FLOAT) and
// the table: {GRADUS_ROWS(GRADUS_TABLE_ROW)}.
#define GRADUS_FIND_LOOP(name, loop, integer) \
  TileLoop find_##name(DType dtype) { return loop(dtype); }
#define GRADUS_FIND_FLOAT(name, loop, integer) \
  HWY_EXPORT(find_##name);                     \
  static TileLoop find_float_##name(DType dtype) { return HWY_DYNAMIC_DISPATCH(find_##name)(dtype); }
#define GRADUS_TABLE_ROW(name, loop, integer) {&backend::name##_function, find_float_##name, integer, kCost},

#endif  // include guard
