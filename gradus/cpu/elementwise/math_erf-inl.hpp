// Vector mathematics of the normal distribution: erf, erfc and the distribution function, for float and double. Included once a target.
#if defined(GRADUS_CPU_MATH_ERF_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_CPU_MATH_ERF_INL_HPP
#undef GRADUS_CPU_MATH_ERF_INL_HPP
#else
#define GRADUS_CPU_MATH_ERF_INL_HPP
#endif

#include "gradus/cpu/elementwise/math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// e^(-factor a^2) for a >= 0 and factor 1 or 1/2: a is z plus a small rest, so that z^2 is exact.
template <class D, class V>
HWY_INLINE V gaussian(D d, V a, double factor) {
  const hn::RebindToUnsigned<D> du;
  using U = hn::TFromD<decltype(du)>;
  const auto upper = is_single<D> ? static_cast<U>(0xfffff000u) : static_cast<U>(0xfffffffff8000000u);
  const V z = hn::BitCast(d, hn::And(hn::BitCast(du, a), hn::Set(du, upper)));
  const V rest = hn::Mul(constant(d, -factor), hn::Mul(hn::Sub(a, z), hn::Add(a, z)));
  const V main = exp(d, hn::Mul(constant(d, -factor), hn::Mul(z, z)));
  const V series = horner(d, rest, 1, 0.5, 1.0 / 6, 1.0 / 24);  // (e^rest - 1) / rest
  return hn::MulAdd(main, hn::Mul(rest, series), main);
}
// e^(x^2) erfc(x) for x >= 0, exact enough up to where erfc vanishes: a polynomial in q = (x - k) / (x + k), over 1 + 2 x (after Shepherd
// and Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x", 1981).
template <class D, class V>
HWY_INLINE V scaled_erfc(D d, V x) {
  constexpr double k = is_single<D> ? 3 : 4;
  x = hn::Min(constant(d, is_single<D> ? 10.5 : 28), x);
  const V above = hn::Add(x, constant(d, k)), line = hn::MulAdd(constant(d, 2), x, constant(d, 1));
  const V inverse = hn::Div(constant(d, 1), hn::Mul(above, line));  // one division for both quotients
  const V q = hn::Mul(hn::Mul(hn::Sub(x, constant(d, k)), line), inverse);
  V p;
  if constexpr (is_single<D>) {
    p = horner(d, q, 1.25300801, -0.135621145, -0.0475624427, 0.12964648, -0.119270243, 0.0682957768, -0.0238015167, 0.00256394688,
               0.00200769817, -0.000767867081, -0.000264356815);
  } else {
    p = horner(d, q, 1.2329951186255526, -0.13962111684056253, 0.015379652102619622, 0.068097054254695324, -0.10103906603629773,
               0.093732834998256256, -0.066330365812360084, 0.037167515538977527, -0.016197734056208182, 0.0050319699648838931,
               -0.00075777329924103744, -0.00019925662551926727, 0.00015062172347103626, -2.439944226558629e-05, -1.122218301490548e-05,
               5.7101968513625577e-06, 2.9416182451851565e-07, -8.2596657104057423e-07, 7.4105308909578727e-08, 1.1033298147826577e-07,
               -1.746963717543943e-08, -1.4070577461531239e-08, 1.6772653383344742e-09, 1.1981328698503089e-09);
  }
  return hn::Mul(hn::Mul(p, above), inverse);
}
// erf(x) for |x| < 1.
template <class D, class V>
HWY_INLINE V erf_near_zero(D d, V x) {
  const V z = hn::Mul(x, x);
  if constexpr (is_single<D>) {
    return hn::Mul(x, horner(d, z, 1.12837911, -0.37612626, 0.112835854, -0.0268538129, 0.00518832775, -0.000801019371, 7.85386146e-05));
  } else {
    return hn::Mul(
        x, horner(d, z, 1.1283791670955126, -0.37612638903183748, 0.11283791670954857, -0.026866170645072893, 0.005223977624780861,
                  -0.0008548326978741861, 0.00012055331036886527, -1.4925593506564069e-05, 1.6460972811651435e-06, -1.6350025164710663e-07,
                  1.4657879449293239e-08, -1.13656644418779e-09, 5.9452591913100614e-11));
  }
}
template <class D, class V>
HWY_INLINE V erfc_of_positive(D d, V a) {
  const V limited = limit(d, a, 0, is_single<D> ? 11 : 28);
  return hn::Mul(scaled_erfc(d, a), gaussian(d, limited, 1));
}
template <class D, class V>
HWY_INLINE V erf(D d, V x) {
  const V a = hn::Abs(x);
  const V far = hn::CopySignToAbs(hn::Sub(constant(d, 1), erfc_of_positive(d, a)), x);
  return hn::IfThenElse(hn::Lt(a, constant(d, 1)), erf_near_zero(d, x), hn::IfThenElse(hn::IsNaN(x), x, far));
}
template <class D, class V>
HWY_INLINE V erfc(D d, V x) {
  const V a = hn::Abs(x), far = erfc_of_positive(d, a);
  const V y = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Sub(constant(d, 2), far), far);
  return hn::IfThenElse(hn::Lt(a, constant(d, 0.5)), hn::Sub(constant(d, 1), erf_near_zero(d, x)), hn::IfThenElse(hn::IsNaN(x), x, y));
}

// The normal distribution function, and e^(-x^2/2) on the way.
template <class V>
struct NormalParts {
  V cdf, gaussian;
};
template <class D, class V>
HWY_INLINE NormalParts<V> normal_parts(D d, V x) {
  const V a = limit(d, hn::Abs(x), 0, is_single<D> ? 15 : 39);
  const V bell = gaussian(d, a, 0.5);
  const V tail = hn::Mul(constant(d, 0.5), hn::Mul(scaled_erfc(d, hn::Mul(a, constant(d, 0.70710678118654752440))), bell));
  return {hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(constant(d, 1), tail)), bell};
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
