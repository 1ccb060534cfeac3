// Random bits in vectors, and what they are turned into.
#include "gradus/cpu/highway_targets.hpp"

#include "gradus/cpu/random/random.hpp"

#include <cmath>
#include <vector>

#include "gradus/base/convert.hpp"
#include "gradus/base/parallel.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/random/random.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef GRADUS_CPU_RANDOM_ONCE
#define GRADUS_CPU_RANDOM_ONCE
namespace gradus::cpu {
namespace {

constexpr int64_t kTile = 1024;  // elements whose words lie in L1 at once; a multiple of 4 times the widest vector
constexpr int64_t kChunk = 16 * kTile;

// Wichura's PPND7 and PPND16 (Applied Statistics 37, 1988, algorithm AS 241): quotients of polynomials, lowest power first. `far` is
// for probabilities below e^-25, which 32 bits cannot give.
template <class T>
struct Quantile;
template <>
struct Quantile<float> {
  static constexpr float central[] = {3.3871327179f, 50.434271938f, 159.29113202f, 59.109374720f},
                         central_below[] = {1.0f, 17.895169469f, 78.757757664f, 67.187563600f},
                         tail[] = {1.4234372777f, 2.7568153900f, 1.3067284816f, 0.17023821103f},
                         tail_below[] = {1.0f, 0.73700164250f, 0.12021132975f};
  static constexpr float log_odd[] = {0.66666662693f, 0.40000972152f, 0.28498786688f, 0.24279078841f};
  static constexpr float ln2_high = 6.9313812256e-01f, ln2_low = 9.0580006145e-06f;
};
template <>
struct Quantile<double> {
  static constexpr double central[] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                       1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                       3.3430575583588128105e+4, 2.5090809287301226727e+3},
                          central_below[] = {1.0,
                                             4.2313330701600911252e+1,
                                             6.8718700749205790830e+2,
                                             5.3941960214247511077e+3,
                                             2.1213794301586595867e+4,
                                             3.9307895800092710610e+4,
                                             2.8729085735721942674e+4,
                                             5.2264952788528545610e+3},
                          tail[] = {1.42343711074968357734e0,  4.63033784615654529590e0,  5.76949722146069140550e0,
                                    3.64784832476320460504e0,  1.27045825245236838258e0,  2.41780725177450611770e-1,
                                    2.27238449892691845833e-2, 7.74545014278341407640e-4},
                          tail_below[] = {1.0,
                                          2.05319162663775882187e0,
                                          1.67638483018380384940e0,
                                          6.89767334985100004550e-1,
                                          1.48103976427480074590e-1,
                                          1.51986665636164571966e-2,
                                          5.47593808499534494600e-4,
                                          1.05075007164441684324e-9},
                          far[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                   2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                   2.71155556874348757815e-5, 2.01033439929228813265e-7},
                          far_below[] = {1.0,
                                         5.99832206555887937690e-1,
                                         1.36929880922735805310e-1,
                                         1.48753612908506148525e-2,
                                         7.86869131145613259100e-4,
                                         1.84631831751005468180e-5,
                                         1.42151175831644588870e-7,
                                         2.04426310338993978564e-15};
  static constexpr double log_odd[] = {6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
                                       2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
                                       1.479819860511658591e-01};
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
};

}  // namespace
}  // namespace gradus::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Words 4 * block .. 4 * (block + kTile / 4) - 1 of a stream. A counter's word stands in the lower half of a 64-bit lane; what the
// upper half holds does not matter, since multiplication reads the lower halves.
void fill_words(uint64_t block, RandomStream stream, uint64_t key, uint32_t* out) {
  const hn::ScalableTag<uint64_t> d;
  const hn::Repartition<uint32_t, decltype(d)> d32;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto times = [&](hn::Vec<decltype(d)> a, hn::Vec<decltype(d)> b) { return hn::MulEven(hn::BitCast(d32, a), hn::BitCast(d32, b)); };
  const auto m0 = hn::Set(d, 0xD2511F53u), m1 = hn::Set(d, 0xCD9E8D57u), low_half = hn::Set(d, 0xFFFFFFFFu);
  for (int64_t i = 0; i < kTile / 4; i += lanes) {
    const auto counter = hn::Iota(d, block + static_cast<uint64_t>(i));
    auto c0 = counter, c1 = hn::ShiftRight<32>(counter), c2 = hn::Set(d, static_cast<uint64_t>(stream)), c3 = hn::Zero(d);
    uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      const auto p0 = times(c0, m0), p1 = times(c2, m1);
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1), hn::Set(d, k0));
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3), hn::Set(d, k1));
      c1 = p1;
      c3 = p0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    const auto first = hn::Or(hn::And(c0, low_half), hn::ShiftLeft<32>(c1)), second = hn::Or(hn::And(c2, low_half), hn::ShiftLeft<32>(c3));
    hn::StoreInterleaved2(first, second, d, reinterpret_cast<uint64_t*>(out + 4 * i));
  }
}

template <class D, class V = hn::Vec<D>, size_t N>
HWY_INLINE V polynomial(D d, V x, const hn::TFromD<D> (&c)[N]) {  // not fused: all targets must agree
  V sum = hn::Set(d, c[N - 1]);
  for (size_t i = N - 1; i-- > 0;) sum = hn::Add(hn::Mul(sum, x), hn::Set(d, c[i]));
  return sum;
}

// log x for normal x > 0, as in fdlibm: x = 2^k (1 + f), s = f / (2 + f), log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V logarithm(D d, V x) {
  using T = hn::TFromD<D>;
  using Q = Quantile<T>;
  const hn::RebindToSigned<D> di;
  constexpr int kMantissa = sizeof(T) == 4 ? 23 : 52;
  using I = hn::TFromD<decltype(di)>;
  constexpr I kOne = sizeof(T) == 4 ? I{0x3f800000} : static_cast<I>(0x3ff0000000000000);
  constexpr I kRootHalf = sizeof(T) == 4 ? I{0x3f3504f3} : static_cast<I>(0x3fe6a09e667f3bcd);
  constexpr I kMask = (I{1} << kMantissa) - 1;
  const auto bits = hn::Add(hn::BitCast(di, x), hn::Set(di, kOne - kRootHalf));
  const auto exponent = hn::Sub(hn::ShiftRight<kMantissa>(bits), hn::Set(di, kOne >> kMantissa));
  const auto k = hn::ConvertTo(d, exponent);
  const V f = hn::Sub(hn::BitCast(d, hn::Add(hn::And(bits, hn::Set(di, kMask)), hn::Set(di, kRootHalf))), hn::Set(d, T(1)));
  const V s = hn::Div(f, hn::Add(f, hn::Set(d, T(2)))), z = hn::Mul(s, s);
  const V r = hn::Mul(z, polynomial(d, z, Q::log_odd)), half_square = hn::Mul(hn::Mul(f, f), hn::Set(d, T(0.5)));
  const V low = hn::Add(hn::Mul(s, hn::Add(half_square, r)), hn::Mul(k, hn::Set(d, Q::ln2_low)));
  return hn::Add(hn::Add(hn::Sub(low, half_square), f), hn::Mul(k, hn::Set(d, Q::ln2_high)));
}

// The normal quantile of 0.5 + q, where tail = 0.5 - |q| > 0 is given exactly.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V normal_quantile(D d, V q, V tail) {
  using T = hn::TFromD<D>;
  using Q = Quantile<T>;
  const V square = hn::Sub(hn::Set(d, T(0.180625)), hn::Mul(q, q));
  const V central = hn::Mul(q, hn::Div(polynomial(d, square, Q::central), polynomial(d, square, Q::central_below)));
  const auto is_central = hn::Le(hn::Abs(q), hn::Set(d, T(0.425)));
  const V root = hn::Sqrt(hn::Neg(logarithm(d, tail)));
  V r = hn::Sub(root, hn::Set(d, T(1.6)));
  V size = hn::Div(polynomial(d, r, Q::tail), polynomial(d, r, Q::tail_below));
  if constexpr (sizeof(T) == 8) {
    const auto is_far = hn::Gt(root, hn::Set(d, T(5)));
    if (HWY_UNLIKELY(!hn::AllFalse(d, is_far))) {
      r = hn::Sub(root, hn::Set(d, T(5)));
      size = hn::IfThenElse(is_far, hn::Div(polynomial(d, r, Q::far), polynomial(d, r, Q::far_below)), size);
    }
  }
  return hn::IfThenElse(is_central, central, hn::CopySign(size, q));
}

void uniform_float(const uint32_t* words, float* out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::RebindToUnsigned<decltype(d)> du;
  for (int64_t i = 0; i < kTile; i += static_cast<int64_t>(hn::Lanes(d))) {
    const auto n = hn::BitCast(di, hn::ShiftRight<8>(hn::LoadU(du, words + i)));
    hn::StoreU(hn::Mul(hn::ConvertTo(d, n), hn::Set(d, 0x1p-24f)), d, out + i);
  }
}

// (s + 0.5) / 2^32 is the distance from 1/2 of the number whose bits are the word.
void normal_float(const uint32_t* words, float* out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto half = hn::Set(d, 0.5f), unit = hn::Set(d, 0x1p-32f);
  for (int64_t i = 0; i < kTile; i += static_cast<int64_t>(hn::Lanes(d))) {
    const auto word = hn::LoadU(di, reinterpret_cast<const int32_t*>(words) + i);
    const auto s = hn::Xor(word, hn::Set(di, INT32_MIN));
    const auto magnitude = hn::Xor(s, hn::BroadcastSignBit(s));  // s or -s - 1
    const auto beyond = hn::Sub(hn::Set(di, INT32_MAX), magnitude);
    const auto distance = hn::Mul(hn::Add(hn::ConvertTo(d, magnitude), half), unit);
    const auto tail = hn::Mul(hn::Add(hn::ConvertTo(d, beyond), half), unit);
    const auto q = hn::CopySignToAbs(distance, hn::BitCast(d, s));
    hn::StoreU(normal_quantile(d, q, tail), d, out + i);
  }
}

template <class DU>
HWY_INLINE hn::Vec<DU> join_words(DU du, const uint32_t* upper, const uint32_t* lower) {
  const hn::Rebind<uint32_t, DU> d32;
  return hn::Or(hn::ShiftLeft<32>(hn::PromoteTo(du, hn::LoadU(d32, upper))), hn::PromoteTo(du, hn::LoadU(d32, lower)));
}

// An integer below 2^53 as a double: the halves are put behind known exponents, since not every target converts 64-bit integers.
template <class D, class VU>
HWY_INLINE hn::Vec<D> to_double(D d, VU n) {
  const hn::RebindToUnsigned<D> du;
  const auto low = hn::BitCast(d, hn::Or(hn::And(n, hn::Set(du, 0xFFFFFFFFu)), hn::Set(du, 0x4330000000000000u)));   // 2^52 + low
  const auto high = hn::BitCast(d, hn::Or(hn::ShiftRight<32>(n), hn::Set(du, 0x4530000000000000u)));                // 2^84 + 2^32 high
  return hn::Add(hn::Sub(high, hn::Set(d, 0x1p84)), hn::Sub(low, hn::Set(d, 0x1p52)));
}

void uniform_double(const uint32_t* upper, const uint32_t* lower, double* out) {
  const hn::ScalableTag<double> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  for (int64_t i = 0; i < kTile; i += static_cast<int64_t>(hn::Lanes(d))) {
    const auto n = hn::ShiftRight<11>(join_words(du, upper + i, lower + i));
    hn::StoreU(hn::Mul(to_double(d, n), hn::Set(d, 0x1p-53)), d, out + i);
  }
}

// n of 52 bits: 0.5 + q = (n + 0.5) / 2^52; q = (2 n + 1 - 2^52) / 2^53 and the tail (2^52 - |2 n + 1 - 2^52|) / 2^53 are exact.
void normal_double(const uint32_t* upper, const uint32_t* lower, double* out) {
  const hn::ScalableTag<double> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const auto unit = hn::Set(d, 0x1p-53), middle = hn::Set(d, 0x1p52);
  for (int64_t i = 0; i < kTile; i += static_cast<int64_t>(hn::Lanes(d))) {
    const auto odd = hn::Or(hn::ShiftLeft<1>(hn::ShiftRight<12>(join_words(du, upper + i, lower + i))), hn::Set(du, 1));
    const auto q = hn::Sub(to_double(d, odd), middle);
    hn::StoreU(normal_quantile(d, hn::Mul(q, unit), hn::Mul(hn::Sub(middle, hn::Abs(q)), unit)), d, out + i);
  }
}

// u = (2 n + 1) / 2^53 of 52 bits n; the quantile of below + u span, of which the nearer tail is computed without cancellation.
void truncated_double(const uint32_t* upper, const uint32_t* lower, const NormalInterval& interval, double* out) {
  const hn::ScalableTag<double> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const auto unit = hn::Set(d, 0x1p-53), whole = hn::Set(d, 0x1p53), half = hn::Set(d, 0.5), span = hn::Set(d, interval.span);
  for (int64_t i = 0; i < kTile; i += static_cast<int64_t>(hn::Lanes(d))) {
    const auto odd = to_double(d, hn::Or(hn::ShiftLeft<1>(hn::ShiftRight<12>(join_words(du, upper + i, lower + i))), hn::Set(du, 1)));
    const auto below = hn::Add(hn::Set(d, interval.below), hn::Mul(hn::Mul(odd, unit), span));
    const auto above = hn::Add(hn::Set(d, interval.above), hn::Mul(hn::Mul(hn::Sub(whole, odd), unit), span));
    const auto tail = hn::Min(hn::Min(below, above), half);
    const auto q = hn::Sub(half, tail);
    hn::StoreU(normal_quantile(d, hn::IfThenElse(hn::Lt(below, above), hn::Neg(q), q), tail), d, out + i);
  }
}

template <class T, class D>
HWY_INLINE hn::Vec<D> keep(D d, const uint32_t* words, uint32_t threshold, hn::Vec<D> x) {
  const hn::RebindToUnsigned<D> du;
  if constexpr (sizeof(T) == 4) {
    return hn::IfThenZeroElse(hn::RebindMask(d, hn::Lt(hn::LoadU(du, words), hn::Set(du, threshold))), x);
  } else {
    const hn::Rebind<uint32_t, D> d32;
    const auto wide = hn::PromoteTo(du, hn::LoadU(d32, words));
    return hn::IfThenZeroElse(hn::RebindMask(d, hn::Lt(wide, hn::Set(du, uint64_t{threshold}))), x);
  }
}

template <class T>
void drop_tile(const uint32_t* words, uint32_t threshold, T scale, const T* x, T* out, int64_t count) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(keep<T>(d, words + i, threshold, hn::Mul(hn::LoadU(d, x + i), hn::Set(d, scale))), d, out + i);
  }
  for (; i < count; ++i) out[i] = words[i] >= threshold ? x[i] * scale : T(0);
}
void drop_float(const uint32_t* words, uint32_t threshold, float scale, const float* x, float* out, int64_t count) {
  drop_tile(words, threshold, scale, x, out, count);
}
void drop_double(const uint32_t* words, uint32_t threshold, double scale, const double* x, double* out, int64_t count) {
  drop_tile(words, threshold, scale, x, out, count);
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(fill_words);
HWY_EXPORT(uniform_float);
HWY_EXPORT(normal_float);
HWY_EXPORT(uniform_double);
HWY_EXPORT(normal_double);
HWY_EXPORT(truncated_double);
HWY_EXPORT(drop_float);
HWY_EXPORT(drop_double);

namespace {

// Calls body(key number, first element, count) for tiles of every key's draw; a tile starts at a multiple of kTile.
template <class Body>
void for_tiles(int64_t keys, int64_t elements, Body&& body) {
  if (keys == 0 || elements == 0) return;
  const int64_t chunks_a_key = (elements + kChunk - 1) / kChunk, keys_a_chunk = std::max<int64_t>(1, kChunk / elements);
  const int64_t groups = (keys + keys_a_chunk - 1) / keys_a_chunk;
  parallel_for(groups * chunks_a_key, [&](int64_t chunk) {
    const int64_t begin = chunk % chunks_a_key * kChunk, end = std::min(elements, begin + kChunk);
    const int64_t first_key = chunk / chunks_a_key * keys_a_chunk, last_key = std::min(keys, first_key + keys_a_chunk);
    for (int64_t key = first_key; key < last_key; ++key) {
      for (int64_t at = begin; at < end; at += kTile) body(key, at, std::min(kTile, end - at));
    }
  });
}

void words_at(int64_t element, RandomStream stream, int64_t key, uint32_t* out) {
  HWY_DYNAMIC_DISPATCH(fill_words)(static_cast<uint64_t>(element) / 4, stream, static_cast<uint64_t>(key), out);
}

int64_t elements_a_key(const Layout& keys, const Layout& out) { return keys.size() ? out.size() / keys.size() : 0; }

// A kernel that makes whole tiles; the last one of a row goes through a buffer. make(key, first element, out) writes kTile elements.
template <class T, class Make>
KernelPtr draw_kernel(const Layout& keys, const Layout& out, Make make) {
  return make_kernel([=, key_count = keys.size(), elements = elements_a_key(keys, out)](void* const* p, void*) {
    const auto* key = static_cast<const int64_t*>(p[0]);
    T* to = static_cast<T*>(p[1]);
    for_tiles(key_count, elements, [&](int64_t k, int64_t at, int64_t count) {
      if (count == kTile) return make(key[k], at, to + k * elements + at);
      alignas(64) T tile[kTile];
      make(key[k], at, tile);
      std::copy_n(tile, count, to + k * elements + at);
    });
    return Status{};
  });
}

// u >= 0 rounded down: the bits that T does not hold go.
template <class T>
T cut(float u) {
  if (std::is_same_v<T, float16_t> && u < 0x1p-14f) return T(u);  // a multiple of the least float16
  constexpr uint32_t kKept = std::is_same_v<T, float16_t> ? 0xffffe000u : 0xffff0000u;
  return T(std::bit_cast<float>(std::bit_cast<uint32_t>(u) & kKept));
}

template <class T>
KernelPtr draw_16_bit(const Layout& keys, const Layout& out, bool is_normal) {
  return draw_kernel<T>(keys, out, [=](int64_t key, int64_t at, T* to) {
    alignas(64) uint32_t words[kTile];
    words_at(at, RandomStream::upper, key, words);
    if (is_normal) {
      alignas(64) float values[kTile];
      HWY_DYNAMIC_DISPATCH(normal_float)(words, values);
      for (int64_t i = 0; i < kTile; ++i) to[i] = T(values[i]);
    } else {
      for (int64_t i = 0; i < kTile; ++i) to[i] = cut<T>(static_cast<float>(words[i] >> 8) * 0x1p-24f);
    }
  });
}

KernelPtr draw_float(const Layout& keys, const Layout& out, bool is_normal) {
  if (out.dtype == float16) return draw_16_bit<float16_t>(keys, out, is_normal);
  if (out.dtype == bfloat16) return draw_16_bit<bfloat16_t>(keys, out, is_normal);
  if (out.dtype == float32) {
    return draw_kernel<float>(keys, out, [=](int64_t key, int64_t at, float* to) {
      alignas(64) uint32_t words[kTile];
      words_at(at, RandomStream::upper, key, words);
      if (is_normal) HWY_DYNAMIC_DISPATCH(normal_float)(words, to);
      else HWY_DYNAMIC_DISPATCH(uniform_float)(words, to);
    });
  }
  return draw_kernel<double>(keys, out, [=](int64_t key, int64_t at, double* to) {
    alignas(64) uint32_t upper[kTile], lower[kTile];
    words_at(at, RandomStream::upper, key, upper);
    words_at(at, RandomStream::lower, key, lower);
    if (is_normal) HWY_DYNAMIC_DISPATCH(normal_double)(upper, lower, to);
    else HWY_DYNAMIC_DISPATCH(uniform_double)(upper, lower, to);
  });
}

__extension__ using Wide = unsigned __int128;

uint64_t scaled(uint64_t bits, uint64_t range) {
  return range ? static_cast<uint64_t>(static_cast<Wide>(bits) * range >> 64) : bits;
}

template <class T>
KernelPtr draw_integers(const Layout& keys, const Layout& out, int64_t low, uint64_t range) {
  return draw_kernel<T>(keys, out, [=](int64_t key, int64_t at, T* to) {
    alignas(64) uint32_t upper[kTile], lower[kTile];
    words_at(at, RandomStream::upper, key, upper);
    words_at(at, RandomStream::lower, key, lower);
    for (int64_t i = 0; i < kTile; ++i) {
      to[i] = static_cast<T>(static_cast<uint64_t>(low) + scaled(uint64_t{upper[i]} << 32 | lower[i], range));
    }
  });
}

// Fisher and Yates: from the last place down, exchange with a place at or before it.
void shuffle_numbers(int64_t* out, int64_t count, int64_t key) {
  for (int64_t i = 0; i < count; ++i) out[i] = i;
  alignas(64) uint32_t upper[kTile], lower[kTile];
  for (int64_t i = count - 1, drawn = 0; i > 0; --i, ++drawn) {
    if (drawn % kTile == 0) {
      words_at(drawn, RandomStream::upper, key, upper);
      words_at(drawn, RandomStream::lower, key, lower);
    }
    const uint64_t bits = uint64_t{upper[drawn % kTile]} << 32 | lower[drawn % kTile];
    std::swap(out[i], out[scaled(bits, static_cast<uint64_t>(i) + 1)]);
  }
}

}  // namespace

KernelPtr uniform(const Layout& keys, const Layout& out) { return draw_float(keys, out, false); }
KernelPtr normal(const Layout& keys, const Layout& out) { return draw_float(keys, out, true); }

NormalInterval normal_interval(double low, double high) {
  const auto tail = [](double x) { return std::erfc(x / std::sqrt(2.0)) / 2; };  // beyond x
  const double below = tail(-low), above = tail(high);
  return {below, low >= 0 ? tail(low) - above : high <= 0 ? tail(-high) - below : 1 - below - above, above};
}

KernelPtr truncated_normal(const Layout& keys, const Layout& out, double low, double high) {
  return visit_dtype(out.dtype, [&]<class T>(T) -> KernelPtr {
    if constexpr (std::is_integral_v<T>) {
      return nullptr;
    } else {
      return draw_kernel<T>(keys, out, [=, interval = normal_interval(low, high)](int64_t key, int64_t at, T* to) {
        alignas(64) uint32_t upper[kTile], lower[kTile];
        alignas(64) double values[kTile];
        words_at(at, RandomStream::upper, key, upper);
        words_at(at, RandomStream::lower, key, lower);
        HWY_DYNAMIC_DISPATCH(truncated_double)(upper, lower, interval, values);
        const T least = rounded_up<T>(low), most = rounded_down<T>(high);
        for (int64_t i = 0; i < kTile; ++i) {
          const T value = convert<T>(values[i]);
          to[i] = value < least ? least : value > most ? most : value;
        }
      });
    }
  });
}

KernelPtr integers(const Layout& keys, const Layout& out, int64_t low, uint64_t range) {
  if (out.dtype == uint8) return draw_integers<uint8_t>(keys, out, low, range);
  if (out.dtype == int32) return draw_integers<int32_t>(keys, out, low, range);
  return draw_integers<int64_t>(keys, out, low, range);
}

KernelPtr permutation(const Layout& keys, const Layout& out) {
  return make_kernel([key_count = keys.size(), count = elements_a_key(keys, out)](void* const* p, void*) {
    parallel_for(key_count,
                 [&](int64_t k) { shuffle_numbers(static_cast<int64_t*>(p[1]) + k * count, count, static_cast<const int64_t*>(p[0])[k]); });
    return Status{};
  });
}

namespace {

// The place in `keys` of each element of the leading axes of x.
std::vector<int64_t> key_places(const Layout& x, const Layout& keys) {
  std::vector<int64_t> places{0};
  for (int64_t axis = 0; axis < keys.rank(); ++axis) {
    std::vector<int64_t> next;
    for (const int64_t place : places) {
      for (int64_t i = 0; i < x.shape[axis]; ++i) next.push_back(place * keys.shape[axis] + (keys.shape[axis] == 1 ? 0 : i));
    }
    places = std::move(next);
  }
  return places;
}

struct Drop {
  std::vector<int64_t> places;
  int64_t elements;  // for each key
  double rate;
  uint32_t threshold;

  template <class Tile>
  void run(const void* keys, Tile&& tile) const {
    for_tiles(static_cast<int64_t>(places.size()), elements, [&](int64_t k, int64_t at, int64_t count) {
      alignas(64) uint32_t words[kTile];
      words_at(at, RandomStream::upper, static_cast<const int64_t*>(keys)[places[static_cast<size_t>(k)]], words);
      tile(words, k * elements + at, count);
    });
  }
};

template <class T>
void drop_16_bit(const uint32_t* words, uint32_t threshold, float scale, const T* x, T* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = words[i] >= threshold ? T(static_cast<float>(x[i]) * scale) : T(0.0f);
}

}  // namespace

KernelPtr dropout(const Layout& x, const Layout& keys, double rate) {
  Drop drop{key_places(x, keys), 0, rate, static_cast<uint32_t>(std::min(std::ceil(rate * 0x1p32), 0x1p32 - 1))};
  if (!drop.places.empty()) drop.elements = x.size() / static_cast<int64_t>(drop.places.size());
  const double scale = 1 / (1 - rate);
  return make_kernel([drop = std::move(drop), scale, dtype = x.dtype](void* const* p, void*) {
    const auto threshold = drop.threshold;
    const auto narrow = static_cast<float>(scale);
    drop.run(p[1], [&](const uint32_t* words, int64_t at, int64_t count) {
      visit_dtype(dtype, [&]<class T>(T) {
        const T* from = static_cast<const T*>(p[0]) + at;
        T* to = static_cast<T*>(p[2]) + at;
        if constexpr (std::is_same_v<T, float>) HWY_DYNAMIC_DISPATCH(drop_float)(words, threshold, narrow, from, to, count);
        else if constexpr (std::is_same_v<T, double>) HWY_DYNAMIC_DISPATCH(drop_double)(words, threshold, scale, from, to, count);
        else if constexpr (sizeof(T) == 2) drop_16_bit(words, threshold, narrow, from, to, count);
      });
    });
    return Status{};
  });
}

KernelPtr fold_in(const Layout& keys) {
  return make_kernel([count = keys.size()](void* const* p, void*) {
    for (int64_t i = 0; i < count; ++i) {
      static_cast<int64_t*>(p[2])[i] = fold_in(static_cast<const int64_t*>(p[0])[i], static_cast<const int64_t*>(p[1])[i]);
    }
    return Status{};
  });
}

}  // namespace gradus::cpu
#endif
