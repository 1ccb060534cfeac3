// Vector mathematics for float and double: exponentials, logarithms and what follows from them. Included once a target.
//
// Errors are below 2 units in the last place but where noted; NaN, infinities, zeros and subnormal numbers are as in libm. Polynomials are
// minimax (Remez) fits unless a source is named. Nothing relies on fused multiply-add being exact.
#if defined(GRADUS_CPU_MATH_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_CPU_MATH_INL_HPP
#undef GRADUS_CPU_MATH_INL_HPP
#else
#define GRADUS_CPU_MATH_INL_HPP
#endif

#include <hwy/highway.h>

#include <limits>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
inline constexpr bool is_single = std::is_same_v<hn::TFromD<D>, float>;
template <class D>
HWY_INLINE hn::Vec<D> constant(D d, double value) {
  return hn::Set(d, static_cast<hn::TFromD<D>>(value));
}
template <class D>
HWY_INLINE hn::Vec<D> not_a_number(D d) {
  return hn::Set(d, std::numeric_limits<hn::TFromD<D>>::quiet_NaN());
}

// c0 + c1 x + c2 x^2 + ...
template <class D, class V>
HWY_INLINE V horner(D d, V, double c0) {
  return constant(d, c0);
}
template <class D, class V, class... C>
HWY_INLINE V horner(D d, V x, double c0, C... c) {
  return hn::MulAdd(horner(d, x, c...), x, constant(d, c0));
}

// Calls scalar(x) for the lanes in `mask` and puts the results in their places.
template <class D, class V, class F>
HWY_INLINE V fix_lanes(D d, hn::Mask<D> mask, V x, V y, F scalar) {
  if (HWY_LIKELY(hn::AllFalse(d, mask))) return y;
  using T = hn::TFromD<D>;
  alignas(64) T xs[64 / sizeof(T)], ys[64 / sizeof(T)];
  hn::StoreU(x, d, xs);
  for (size_t i = 0; i < hn::Lanes(d); ++i) ys[i] = scalar(xs[i]);
  return hn::IfThenElse(mask, hn::LoadU(d, ys), y);
}

// A function of doubles on floats: computed in double, rounded once.
template <class F>
struct ViaDouble {
  template <class D, class... V>
  HWY_INLINE hn::Vec<D> operator()(D d, V... x) const {
    if constexpr (is_single<D>) {
      const hn::Half<D> half;
      const hn::Repartition<double, D> wide;
      const F f{};
      return hn::Combine(d, hn::DemoteTo(half, f(wide, hn::PromoteTo(wide, hn::UpperHalf(half, x))...)),
                         hn::DemoteTo(half, f(wide, hn::PromoteTo(wide, hn::LowerHalf(half, x))...)));
    } else {
      return F{}(d, x...);
    }
  }
};

// Adding it leaves the nearest whole number in the low bits of the sum.
template <class D>
HWY_INLINE hn::Vec<D> rounder(D d) {
  return constant(d, is_single<D> ? 12582912.0 : 6755399441055744.0);
}
// 2^n for whole n from -126 to 127 (floats), -1022 to 1023 (doubles); one lower gives 0.
template <class D, class V>
HWY_INLINE V power_of_two(D d, V n) {
  constexpr double bias = is_single<D> ? 127 : 1023;
  constexpr int bits = is_single<D> ? 23 : 52;
  const hn::RebindToUnsigned<D> du;
  const V shifted = hn::Add(n, constant(d, (is_single<D> ? 12582912.0 : 6755399441055744.0) + bias));
  return hn::BitCast(d, hn::ShiftLeft<bits>(hn::BitCast(du, shifted)));
}

// x = n log 2 + r with |r| <= log(2) / 2.
template <class V>
struct Reduced {
  V n, r;
};
template <class D, class V>
HWY_INLINE Reduced<V> reduce_by_log2(D d, V x) {
  constexpr double high = is_single<D> ? 0.693359375 : 6.93147180369123816490e-01;  // few bits: n times it is exact
  constexpr double low = is_single<D> ? -2.12194440e-4 : 1.90821492927058770002e-10;
  const V n = hn::Sub(hn::MulAdd(x, constant(d, 1.44269504088896340736), rounder(d)), rounder(d));
  return {n, hn::NegMulAdd(n, constant(d, low), hn::NegMulAdd(n, constant(d, high), x))};
}
// e^r for |r| <= log(2) / 2.
template <class D, class V>
HWY_INLINE V exp_of_reduced(D d, V r) {
  V p;
  if constexpr (is_single<D>) {
    p = horner(d, r, 0.49999994, 0.166665211, 0.041668389, 0.00836871658, 0.00138145976);
  } else {
    p = horner(d, r, 0.500000000000001, 0.16666666666666674, 0.041666666666521988, 0.0083333333333222067, 0.0013888888947820891,
               0.00019841269886590999, 2.4801487326012337e-05, 2.7557242336680357e-06, 2.7632655759332031e-07, 2.5110049895858716e-08);
  }
  return hn::Add(constant(d, 1), hn::MulAdd(hn::Mul(r, r), p, r));
}
// y 2^n for |n| up to twice the exponent range, in two steps so that subnormal results round once.
template <class D, class V>
HWY_INLINE V scale(D d, V y, V n) {
  const V half = hn::Round(hn::Mul(n, constant(d, 0.5)));
  return hn::Mul(hn::Mul(y, power_of_two(d, half)), power_of_two(d, hn::Sub(n, half)));
}
// x limited to [low, high]. NaN stays: x86 gives the second operand of Min and Max where one is NaN, NEON gives NaN.
template <class D, class V>
HWY_INLINE V limit(D d, V x, double low, double high) {
  return hn::Min(constant(d, high), hn::Max(constant(d, low), x));
}

template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  const V limited = is_single<D> ? limit(d, x, -104, 89) : limit(d, x, -746, 710);
  const Reduced<V> reduced = reduce_by_log2(d, limited);
  return scale(d, exp_of_reduced(d, reduced.r), reduced.n);
}
template <class D, class V>
HWY_INLINE V exp2(D d, V x) {
  const V limited = is_single<D> ? limit(d, x, -151, 129) : limit(d, x, -1076, 1025);
  const V n = hn::Round(limited);
  return scale(d, exp_of_reduced(d, hn::Mul(hn::Sub(limited, n), constant(d, 0.69314718055994530942))), n);
}

// e^r - 1 for |r| <= log(2) / 2, accurate at 0.
template <class D, class V>
HWY_INLINE V expm1_of_reduced(D d, V r) {
  V p;
  if constexpr (is_single<D>) {
    p = horner(d, r, 0.5, 0.166666672, 0.0416662395, 0.00833328627, 0.00139485928, 0.000199075846);
  } else {
    p = horner(d, r, 0.5, 0.16666666666666677, 0.041666666666666512, 0.0083333333333216915, 0.001388888888896237, 0.00019841269885966219,
               2.4801587172540053e-05, 2.7557244373861299e-06, 2.7557402641283006e-07, 2.5108979003528415e-08, 2.0875330443628723e-09);
  }
  return hn::MulAdd(hn::Mul(r, r), p, r);
}
template <class D, class V>
HWY_INLINE V expm1(D d, V x) {
  const V limited = is_single<D> ? limit(d, x, -18, 89) : limit(d, x, -40, 710);
  const Reduced<V> reduced = reduce_by_log2(d, limited);
  // 2 (s p + (s - 1/2)) with s = 2^(n-1): n = 1024 stays in range.
  const V s = power_of_two(d, hn::Sub(reduced.n, constant(d, 1)));
  const V half = hn::MulAdd(s, expm1_of_reduced(d, reduced.r), hn::Sub(s, constant(d, 0.5)));
  return hn::CopySignToAbs(hn::Abs(hn::Add(half, half)), x);
}
// e^x - 1 for x <= 0.
template <class D, class V>
HWY_INLINE V expm1_of_negative(D d, V x) {
  const Reduced<V> reduced = reduce_by_log2(d, hn::Max(constant(d, is_single<D> ? -18 : -40), x));
  const V s = power_of_two(d, reduced.n);
  return hn::MulAdd(s, expm1_of_reduced(d, reduced.r), hn::Sub(s, constant(d, 1)));
}

// x = 2^e (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), for positive finite x.
template <class V>
struct Split {
  V e, f;
};
template <class D, class V>
HWY_INLINE Split<V> split_exponent(D d, V x) {
  const hn::RebindToUnsigned<D> du;
  using U = hn::TFromD<decltype(du)>;
  constexpr int bits = is_single<D> ? 23 : 52;
  const auto one = is_single<D> ? static_cast<U>(0x3f800000u) : static_cast<U>(0x3ff0000000000000u);
  const auto root = is_single<D> ? static_cast<U>(0x3f3504f3u) : static_cast<U>(0x3fe6a09e667f3bcdu);
  const auto is_small = hn::Lt(x, constant(d, is_single<D> ? 0x1p-126 : 0x1p-1022));
  const V normal = hn::IfThenElse(is_small, hn::Mul(x, constant(d, is_single<D> ? 0x1p25 : 0x1p54)), x);
  const auto shifted = hn::Add(hn::BitCast(du, normal), hn::Set(du, static_cast<U>(one - root)));
  const auto mantissa = hn::Add(hn::And(shifted, hn::Set(du, (U{1} << bits) - 1)), hn::Set(du, root));
  // The exponent as a number: its bits below those of 2^23 or 2^52.
  const double base = is_single<D> ? 0x1p23 : 0x1p52, bias = is_single<D> ? 127 : 1023;
  const auto whole = hn::Or(hn::ShiftRight<bits>(shifted), hn::BitCast(du, constant(d, base)));
  const V biased = hn::Sub(hn::BitCast(d, whole), constant(d, base + bias));
  const V e = hn::Sub(biased, hn::IfThenElseZero(is_small, constant(d, is_single<D> ? 25 : 54)));
  return {e, hn::Sub(hn::BitCast(d, mantissa), constant(d, 1))};
}
// log(1 + f) - (f - f^2/2) for 1 + f in [sqrt(1/2), sqrt(2)), after fdlibm's e_log.c: s (f^2/2 + R) with s = f / (2 + f).
template <class D, class V>
HWY_INLINE V log_rest(D d, V f, V half_square) {
  const V s = hn::Div(f, hn::Add(f, constant(d, 2))), z = hn::Mul(s, s);
  V r;
  if constexpr (is_single<D>) {
    r = horner(d, z, 0xaaaaaa.0p-24, 0xccce13.0p-25, 0x91e9ee.0p-25, 0xf89e26.0p-26);
  } else {
    r = horner(d, z, 6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
               1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01);
  }
  return hn::Mul(s, hn::MulAdd(z, r, half_square));
}
// e log 2 + log(1 + f) + c.
template <class D, class V>
HWY_INLINE V log_of_split(D d, Split<V> x, V c) {
  constexpr double high = is_single<D> ? 6.9313812256e-01 : 6.93147180369123816490e-01;
  constexpr double low = is_single<D> ? 9.0580006145e-06 : 1.90821492927058770002e-10;
  const V half_square = hn::Mul(constant(d, 0.5), hn::Mul(x.f, x.f));
  const V small = hn::Add(log_rest(d, x.f, half_square), hn::MulAdd(x.e, constant(d, low), c));
  return hn::MulAdd(x.e, constant(d, high), hn::Sub(x.f, hn::Sub(half_square, small)));
}
// What a logarithm gives for x = 0, below, infinity and NaN.
template <class D, class V>
HWY_INLINE V log_edges(D d, V x, V y) {
  y = hn::IfThenElse(hn::Lt(x, hn::Inf(d)), y, x);  // infinity and NaN stay
  y = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), not_a_number(d), y);
  return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(hn::Inf(d)), y);
}
template <class D, class V>
HWY_INLINE V log(D d, V x) {
  return log_edges(d, x, log_of_split(d, split_exponent(d, x), hn::Zero(d)));
}
template <class D, class V>
HWY_INLINE V log1p(D d, V x) {
  const V one = constant(d, 1), u = hn::Add(one, x);
  Split<V> split = split_exponent(d, u);
  const auto is_near = hn::Eq(split.e, hn::Zero(d));
  split.f = hn::IfThenElse(is_near, x, split.f);  // x itself where 1 + x would only lose digits
  const V lost = hn::IfThenElse(hn::Ge(x, one), hn::Sub(one, hn::Sub(u, x)), hn::Sub(x, hn::Sub(u, one)));
  const V c = hn::IfThenZeroElse(is_near, hn::Div(lost, u));
  const V y = log_of_split(d, split, c);
  return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, hn::IfThenElse(hn::Eq(x, hn::Inf(d)), x, log_edges(d, u, y)));
}
// log(1 + t) for 0 <= t <= 1: 2 atanh(s), s = t / (2 + t).
template <class D, class V>
HWY_INLINE V log1p_of_unit(D d, V t) {
  const V s = hn::Div(t, hn::Add(t, constant(d, 2))), z = hn::Mul(s, s);
  V p;
  if constexpr (is_single<D>) {
    p = horner(d, z, 1, 0.333331555, 0.200125575, 0.13978833, 0.140957728);
  } else {
    p = horner(d, z, 1, 0.33333333333333065, 0.20000000000096471, 0.14285714272311767, 0.11111112064704305, 0.090908695977081844,
               0.076933237826356624, 0.066499746208604688, 0.060567105858982069, 0.041553604542488319, 0.085344973415783246);
  }
  return hn::Mul(hn::Add(s, s), p);
}
// Logarithms to other bases, doubles only: log(1 + f) is split in two, so that whole powers of the base come out exact (after fdlibm and
// musl).
template <class D, class V>
HWY_INLINE V log_to_base(D d, V x, double inverse_high, double inverse_low, double unit_high, double unit_low) {
  const hn::RebindToUnsigned<D> du;
  const Split<V> split = split_exponent(d, x);
  const V half_square = hn::Mul(constant(d, 0.5), hn::Mul(split.f, split.f));
  const V high = hn::BitCast(d, hn::And(hn::BitCast(du, hn::Sub(split.f, half_square)), hn::Set(du, 0xffffffff00000000u)));
  const V low = hn::Add(hn::Sub(hn::Sub(split.f, high), half_square), log_rest(d, split.f, half_square));
  const V unit = hn::Mul(split.e, constant(d, unit_high)), main = hn::Mul(high, constant(d, inverse_high));
  V rest = hn::Add(hn::Mul(hn::Add(low, high), constant(d, inverse_low)), hn::Mul(low, constant(d, inverse_high)));
  rest = hn::MulAdd(split.e, constant(d, unit_low), rest);
  const V sum = hn::Add(unit, main);
  rest = hn::Add(rest, hn::Add(hn::Sub(unit, sum), main));
  return log_edges(d, x, hn::Add(sum, rest));
}
struct Log2 {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return log_to_base(d, x, 1.44269504072144627571e+00, 1.67517131648865118353e-10, 1, 0);
  }
};
struct Log10 {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return log_to_base(d, x, 4.34294481878168880939e-01, 2.50829467116452752298e-11, 3.01029995663611771306e-01,
                       3.69423907715893078616e-13);
  }
};

// Floats, where multiply-add is fused: 2 n d / (d^2 + n^2) with n / d near tanh(x/2), a quotient of polynomials: n = x p, d = 2 p + x^2 q.
// Near 1 only the square of the error in n / d is left. The factor common to n and d keeps the leading bits of d and d^2 set for small x,
// where a rounding then costs least. For every float the error is below 3 units and the result at most 1. Elsewhere tanh |x| = -t / (t +
// 2), t = e^(-2|x|) - 1.
template <class D, class V>
HWY_INLINE V tanh(D d, V x) {
  if constexpr (is_single<D> && HWY_NATIVE_FMA) {
    const V limited = limit(d, x, -8.9, 8.9), z = hn::Mul(limited, limited);  // beyond: 1
    const V p = horner(d, z, 0.927652001, 0.0276061837, 0.000105701722);
    const V q = horner(d, z, 0.154608592, 0.00202429388, 2.26845714e-06);
    const V denominator = hn::MulAdd(q, z, hn::Add(p, p)), numerator = hn::Mul(limited, p);
    const V squares = hn::MulAdd(denominator, denominator, hn::Mul(numerator, numerator));
    return hn::Div(hn::Mul(hn::Add(numerator, numerator), denominator), squares);
  }
  const V t = expm1_of_negative(d, hn::Mul(hn::Abs(x), constant(d, -2)));
  return hn::CopySignToAbs(hn::Abs(hn::Div(t, hn::Add(t, constant(d, 2)))), x);
}
// With e = e^-|x|: 1 / (1 + e), or e / (1 + e) for negative x.
template <class D, class V>
HWY_INLINE V sigmoid(D d, V x) {
  const V e = exp(d, hn::Neg(hn::Abs(x))), one = constant(d, 1);
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
}
template <class D, class V>
HWY_INLINE V softplus(D d, V x) {
  const V rest = log1p_of_unit(d, exp(d, hn::Neg(hn::Abs(x))));
  return hn::Add(hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x), rest);
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
