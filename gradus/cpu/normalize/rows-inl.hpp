// Vector pieces for kernels that walk along rows: loads and stores that convert, the exponential, sums and maxima of a row.
// Included once a target.
#if defined(GRADUS_CPU_ROWS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_CPU_ROWS_INL_HPP
#undef GRADUS_CPU_ROWS_INL_HPP
#else
#define GRADUS_CPU_ROWS_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstring>
#include <limits>
#include <type_traits>

#include "gradus/base/half.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// What an element is computed in: 16-bit floats in float.
template <class T>
using Compute = std::conditional_t<std::is_same_v<T, double>, double, float>;
template <class T>
using Tag = hn::ScalableTag<Compute<T>>;

template <class T>
inline constexpr T kInfinity = std::numeric_limits<T>::infinity();

// Full vectors and the last, shorter one of a row go through the same code: Whole has all lanes, Part the first `count`.
struct Whole {
  static constexpr bool is_whole = true;
};
struct Part {
  static constexpr bool is_whole = false;
  size_t count;
};

template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_plain(D d, Whole, const T* from) {
  return hn::LoadU(d, from);
}
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_plain(D d, Part part, const T* from) {  // the other lanes are 0
#if HWY_TARGET <= HWY_AVX3
  return hn::MaskedLoad(hn::FirstN(d, part.count), d, from);
#else
  alignas(64) T lanes[64 / sizeof(T)] = {};
  std::memcpy(lanes, from, part.count * sizeof(T));
  return hn::LoadU(d, lanes);
#endif
}
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_plain(D d, Whole, T* to, hn::Vec<D> value) {
  hn::StoreU(value, d, to);
}
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_plain(D d, Part part, T* to, hn::Vec<D> value) {
#if HWY_TARGET <= HWY_AVX3
  hn::BlendedStore(value, hn::FirstN(d, part.count), d, to);
#else
  alignas(64) T lanes[64 / sizeof(T)];
  hn::StoreU(value, d, lanes);
  std::memcpy(to, lanes, part.count * sizeof(T));
#endif
}

// Elements of T as lanes of D: float lanes from float or a 16-bit float, double lanes from any of the four.
template <class D, class P, class T>
HWY_INLINE hn::Vec<D> load(D d, P part, const T* from) {
  using Lane = hn::TFromD<D>;
  if constexpr (std::is_same_v<T, Lane>) {
    return load_plain(d, part, from);
  } else if constexpr (std::is_same_v<Lane, double>) {
    const hn::Rebind<float, D> df;
    return hn::PromoteTo(d, load(df, part, from));
  } else if constexpr (std::is_same_v<T, bfloat16_t>) {
    const hn::Rebind<uint16_t, D> d16;
    const hn::Rebind<uint32_t, D> d32;
    const auto bits = load_plain(d16, part, reinterpret_cast<const uint16_t*>(from));
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, bits)));
  } else {
    static_assert(std::is_same_v<T, float16_t>);
#if HWY_TARGET <= HWY_AVX2
    const hn::Rebind<uint16_t, D> d16;
    const hn::Rebind<hwy::float16_t, D> dh;
    return hn::PromoteTo(d, hn::BitCast(dh, load_plain(d16, part, reinterpret_cast<const uint16_t*>(from))));
#else
    alignas(64) float lanes[16] = {};
    size_t count = hn::Lanes(d);
    if constexpr (!P::is_whole) count = part.count;
    for (size_t i = 0; i < count; ++i) lanes[i] = from[i];
    return hn::LoadU(d, lanes);
#endif
  }
}
template <class D, class P, class T>
HWY_INLINE void store(D d, P part, T* to, hn::Vec<D> value) {
  using Lane = hn::TFromD<D>;
  if constexpr (std::is_same_v<T, Lane>) {
    store_plain(d, part, to, value);
  } else if constexpr (std::is_same_v<T, bfloat16_t>) {  // the rounding of bfloat16_t(float)
    const hn::Rebind<uint16_t, D> d16;
    const hn::Rebind<uint32_t, D> d32;
    const auto word = hn::BitCast(d32, value);
    const auto odd = hn::And(hn::ShiftRight<16>(word), hn::Set(d32, 1u));
    const auto rounded = hn::ShiftRight<16>(hn::Add(word, hn::Add(odd, hn::Set(d32, 0x7fffu))));
    const auto nan = hn::Or(hn::ShiftRight<16>(word), hn::Set(d32, 0x40u));
    const auto bits = hn::IfThenElse(hn::RebindMask(d32, hn::IsNaN(value)), nan, rounded);
    store_plain(d16, part, reinterpret_cast<uint16_t*>(to), hn::TruncateTo(d16, bits));
  } else {
    static_assert(std::is_same_v<T, float16_t>);
#if HWY_TARGET <= HWY_AVX2
    const hn::Rebind<uint16_t, D> d16;
    const hn::Rebind<hwy::float16_t, D> dh;
    store_plain(d16, part, reinterpret_cast<uint16_t*>(to), hn::BitCast(d16, hn::DemoteTo(dh, value)));
#else
    alignas(64) float lanes[16];
    hn::StoreU(value, d, lanes);
    size_t count = hn::Lanes(d);
    if constexpr (!P::is_whole) count = part.count;
    for (size_t i = 0; i < count; ++i) to[i] = float16_t(lanes[i]);
#endif
  }
}

// Lanes beyond a part become `fill`.
template <class D>
HWY_INLINE hn::Vec<D> fill_rest(D, Whole, hn::Vec<D> value, hn::Vec<D>) {
  return value;
}
template <class D>
HWY_INLINE hn::Vec<D> fill_rest(D d, Part part, hn::Vec<D> value, hn::Vec<D> fill) {
  return hn::IfThenElse(hn::FirstN(d, part.count), value, fill);
}

// Calls f(part, i) for the vectors that cover 0 .. n-1.
template <class D, class F>
HWY_INLINE void for_vectors(D d, int64_t n, F f) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(Whole{}, i);
  if (i < n) f(Part{static_cast<size_t>(n - i)}, i);
}

// f(part, i) over 0 .. n-1, added. Four accumulators; blocks of 4096 terms meet in double, so that long rows keep their accuracy.
template <class D, class F>
HWY_INLINE double sum_vectors(D d, int64_t n, F f) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += 4096) {
    const int64_t end = n - begin < 4096 ? n : begin + 4096;
    auto a = hn::Zero(d), b = a, c = a, e = a;
    int64_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      a = hn::Add(a, f(Whole{}, i));
      b = hn::Add(b, f(Whole{}, i + lanes));
      c = hn::Add(c, f(Whole{}, i + 2 * lanes));
      e = hn::Add(e, f(Whole{}, i + 3 * lanes));
    }
    for (; i + lanes <= end; i += lanes) a = hn::Add(a, f(Whole{}, i));
    if (i < end) {
      const Part part{static_cast<size_t>(end - i)};
      b = hn::Add(b, fill_rest(d, part, f(part, i), hn::Zero(d)));
    }
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e)))));
  }
  return total;
}
// Two sums over one walk: f(part, i, first, second) adds to both; what it adds for lanes beyond a part must be 0.
template <class D, class F>
HWY_INLINE void sum_two(D d, int64_t n, double& first, double& second, F f) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  first = second = 0;
  for (int64_t begin = 0; begin < n; begin += 4096) {
    const int64_t end = n - begin < 4096 ? n : begin + 4096;
    auto a = hn::Zero(d), b = a, c = a, e = a;
    int64_t i = begin;
    for (; i + 2 * lanes <= end; i += 2 * lanes) {
      f(Whole{}, i, a, b);
      f(Whole{}, i + lanes, c, e);
    }
    for (; i + lanes <= end; i += lanes) f(Whole{}, i, a, b);
    if (i < end) f(Part{static_cast<size_t>(end - i)}, i, c, e);
    first += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(a, c))));
    second += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(b, e))));
  }
}

// Largest number of a row, NaN passed over; -infinity of none.
template <class D, class T>
HWY_INLINE hn::TFromD<D> max_of_row(D d, const T* x, int64_t n) {
  using C = hn::TFromD<D>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto low = hn::Set(d, -kInfinity<C>);
  auto a = low, b = low, c = low, e = low;
  int64_t i = 0;
  // Max gives its second operand where one is NaN on x86, and NaN on ARM: the sum of exponentials is NaN in both cases.
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = hn::Max(load(d, Whole{}, x + i), a);
    b = hn::Max(load(d, Whole{}, x + i + lanes), b);
    c = hn::Max(load(d, Whole{}, x + i + 2 * lanes), c);
    e = hn::Max(load(d, Whole{}, x + i + 3 * lanes), e);
  }
  for (; i + lanes <= n; i += lanes) a = hn::Max(load(d, Whole{}, x + i), a);
  if (i < n) {
    const Part part{static_cast<size_t>(n - i)};
    b = hn::Max(fill_rest(d, part, load(d, part, x + i), low), b);
  }
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(hn::Max(a, b), hn::Max(c, e))));
}

#undef GRADUS_ROWS_HAS_FMA
#if HWY_TARGET <= HWY_AVX2 || defined(__aarch64__)
#define GRADUS_ROWS_HAS_FMA 1
#else
#define GRADUS_ROWS_HAS_FMA 0
#endif

// e^x = 2^k e^r with |r| <= ln(2)/2; (e^r - 1)/r by the polynomial that interpolates it at Chebyshev nodes: 2 units in the last place.
// Below -87 (-708 for doubles) the result is 0, above 88.4 (709) infinity; NaN stays NaN. Not positive: the caller promises x <= 0.
template <bool is_nonpositive, class D>
HWY_INLINE hn::Vec<D> exp_float(D d, hn::Vec<D> x) {
  const hn::Rebind<int32_t, D> di;
  x = hn::Max(hn::Set(d, -88.0f), x);  // in this order: NaN comes through
  if constexpr (!is_nonpositive) x = hn::Min(hn::Set(d, 89.0f), x);
  const auto magic = hn::Set(d, 12582912.0f + 127.0f);  // 1.5 * 2^23 + bias: the low bits become k + 127
  const auto t = hn::MulAdd(x, hn::Set(d, 1.44269504088896341f), magic);
  const auto k = hn::Sub(t, magic);
#if GRADUS_ROWS_HAS_FMA
  const auto r = hn::NegMulAdd(k, hn::Set(d, 0.69314718055994531f), x);
#else
  const auto r = hn::NegMulAdd(k, hn::Set(d, -2.12194440e-4f), hn::NegMulAdd(k, hn::Set(d, 0.693359375f), x));
#endif
  auto p = hn::MulAdd(hn::Set(d, 0.0013933649996309251f), r, hn::Set(d, 0.008369155667697397f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.041666464925285904f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.1666650519575811f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.500000001346581f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  return hn::Mul(p, hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, t))));
}
template <bool is_nonpositive, class D>
HWY_INLINE hn::Vec<D> exp_double(D d, hn::Vec<D> x) {
  const hn::Rebind<int64_t, D> di;
  x = hn::Max(hn::Set(d, -709.0), x);
  if constexpr (!is_nonpositive) x = hn::Min(hn::Set(d, 710.0), x);
  const auto magic = hn::Set(d, 6755399441055744.0 + 1023.0);
  const auto t = hn::MulAdd(x, hn::Set(d, 1.4426950408889634), magic);
  const auto k = hn::Sub(t, magic);
  const auto r = hn::NegMulAdd(k, hn::Set(d, 1.90821492927058770002e-10), hn::NegMulAdd(k, hn::Set(d, 6.93147180369123816490e-01), x));
  constexpr double c[] = {2.5105217004720745e-08,
                          2.7626371065696354e-07,
                          2.7557255400206422e-06,
                          2.480150431378554e-05,
                          0.00019841269874820627,
                          0.001388888893251478,
                          0.008333333333326136,
                          0.041666666666573066,
                          0.1666666666666667,
                          0.5000000000000006,
                          1.0,
                          1.0};
  auto p = hn::Set(d, c[0]);
  for (int i = 1; i < 12; ++i) p = hn::MulAdd(p, r, hn::Set(d, c[i]));
  return hn::Mul(p, hn::BitCast(d, hn::ShiftLeft<52>(hn::BitCast(di, t))));
}
template <bool is_nonpositive = true, class D>
HWY_INLINE hn::Vec<D> exp_lanes(D d, hn::Vec<D> x) {
  if constexpr (std::is_same_v<hn::TFromD<D>, double>) return exp_double<is_nonpositive>(d, x);
  else return exp_float<is_nonpositive>(d, x);
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
