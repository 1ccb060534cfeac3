// Conversions between floats, and from bools and small integers to float32, on vectors.
#include "gradus/cpu/elementwise/cast.hpp"
#include "gradus/cpu/highway_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/elementwise/cast_vector.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/elementwise/loops-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

using Floats = hn::ScalableTag<float>;
using Doubles = hn::ScalableTag<double>;
template <class T, class D>
using As = hn::Rebind<T, D>;  // as many lanes of T as D has

// Each conversion names the tags of its two sides, with the same number of lanes.
struct FloatToDouble {
  using Out = Doubles;
  using In = As<float, Out>;
  HWY_INLINE hn::Vec<Out> operator()(hn::Vec<In> x) const { return hn::PromoteTo(Out(), x); }
};
struct DoubleToFloat {
  using In = Doubles;
  using Out = As<float, In>;
  HWY_INLINE hn::Vec<Out> operator()(hn::Vec<In> x) const { return hn::DemoteTo(Out(), x); }
};
struct ByteToFloat {
  using Out = Floats;
  using In = As<uint8_t, Out>;
  HWY_INLINE hn::Vec<Out> operator()(hn::Vec<In> x) const { return hn::ConvertTo(Out(), hn::PromoteTo(As<int32_t, Out>(), x)); }
};
struct IntToFloat {
  using Out = Floats;
  using In = As<int32_t, Out>;
  HWY_INLINE hn::Vec<Out> operator()(hn::Vec<In> x) const { return hn::ConvertTo(Out(), x); }
};
struct BfloatToFloat {
  using Out = Floats;
  using In = As<uint16_t, Out>;
  HWY_INLINE hn::Vec<Out> operator()(hn::Vec<In> x) const {
    return hn::BitCast(Out(), hn::ShiftLeft<16>(hn::PromoteTo(As<uint32_t, Out>(), x)));
  }
};
// Rounded to the upper 16 bits, half to even; NaN stays one (base/half.hpp has the same in plain C++).
HWY_INLINE hn::Vec<As<uint32_t, Floats>> upper_bits(hn::Vec<Floats> x) {
  const As<uint32_t, Floats> du;
  const auto bits = hn::BitCast(du, x), upper = hn::ShiftRight<16>(bits);
  const auto is_nan = hn::RebindMask(du, hn::IsNaN(x));
  const auto rounded = hn::Add(bits, hn::Add(hn::Set(du, 0x7fff), hn::And(upper, hn::Set(du, 1))));
  return hn::IfThenElse(is_nan, hn::Or(upper, hn::Set(du, 0x40)), hn::ShiftRight<16>(rounded));
}
struct FloatToBfloat {
  using In = Floats;
  using Out = As<uint16_t, In>;
  HWY_INLINE hn::Vec<Out> operator()(hn::Vec<In> x) const { return hn::TruncateTo(Out(), upper_bits(x)); }
};
struct RoundToBfloat {
  using In = Floats;
  using Out = Floats;
  HWY_INLINE hn::Vec<Out> operator()(hn::Vec<In> x) const { return hn::BitCast(Out(), hn::ShiftLeft<16>(upper_bits(x))); }
};
// float16 has instructions from AVX2 on; without them plain code is as good.
#if HWY_TARGET <= HWY_AVX2 || HWY_TARGET == HWY_NEON
struct HalfToFloat {
  using Out = Floats;
  using In = As<hwy::float16_t, Out>;
  HWY_INLINE hn::Vec<Out> operator()(hn::Vec<In> x) const { return hn::PromoteTo(Out(), x); }
};
struct FloatToHalf {
  using In = Floats;
  using Out = As<hwy::float16_t, In>;
  HWY_INLINE hn::Vec<Out> operator()(hn::Vec<In> x) const { return hn::DemoteTo(Out(), x); }
};
struct RoundToHalf {
  using In = Floats;
  using Out = Floats;
  HWY_INLINE hn::Vec<Out> operator()(hn::Vec<In> x) const { return HalfToFloat{}(FloatToHalf{}(x)); }
};
#endif

template <class F>
void cast_loop(const void* a, const void*, const void*, void* out, int64_t n, unsigned repeated) {
  const typename F::In from{};
  const typename F::Out into{};
  using In = hn::TFromD<typename F::In>;
  using Out = hn::TFromD<typename F::Out>;
  const size_t lanes = hn::Lanes(into), count = static_cast<size_t>(n), moving = repeated & 1 ? size_t{0} : ~size_t{0};
  const In* x = static_cast<const In*>(a);
  Out* y = static_cast<Out*>(out);
  size_t at = 0;
  for (; at + lanes <= count; at += lanes) hn::StoreU(F{}(hn::LoadU(from, x + (at & moving))), into, y + at);
  if (at == count) return;
  // The tail goes through whole vectors in memory: 16-bit lanes have no masked loads everywhere.
  alignas(64) In xs[64 / sizeof(In)] = {};
  alignas(64) Out ys[64 / sizeof(Out)];
  std::memcpy(xs, x + (at & moving), (count - at) * sizeof(In));
  hn::StoreU(F{}(hn::LoadU(from, xs)), into, ys);
  std::memcpy(y + at, ys, (count - at) * sizeof(Out));
}

TileLoop find_cast_loop(DType from, DType to) {
  if (to == float32) {
    if (from == float64) return cast_loop<DoubleToFloat>;
    if (from.size() == 1) return cast_loop<ByteToFloat>;
    if (from == int32) return cast_loop<IntToFloat>;
    if (from == bfloat16) return cast_loop<BfloatToFloat>;
  }
  if (from == float32 && to == float64) return cast_loop<FloatToDouble>;
  if (from == float32 && to == bfloat16) return cast_loop<FloatToBfloat>;
#if HWY_TARGET <= HWY_AVX2 || HWY_TARGET == HWY_NEON
  if (from == float16 && to == float32) return cast_loop<HalfToFloat>;
  if (from == float32 && to == float16) return cast_loop<FloatToHalf>;
#endif
  return nullptr;
}
TileLoop find_rounding_loop(DType to) {
  if (to == bfloat16) return cast_loop<RoundToBfloat>;
#if HWY_TARGET <= HWY_AVX2 || HWY_TARGET == HWY_NEON
  return cast_loop<RoundToHalf>;
#else
  return nullptr;
#endif
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_cast_loop);
HWY_EXPORT(find_rounding_loop);
TileLoop find_vector_cast(DType from, DType to) { return HWY_DYNAMIC_DISPATCH(find_cast_loop)(from, to); }
TileLoop find_vector_rounding(DType to) { return HWY_DYNAMIC_DISPATCH(find_rounding_loop)(to); }

}  // namespace gradus::cpu
#endif  // HWY_ONCE
