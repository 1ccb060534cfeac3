// Trigonometric functions and their inverses. Floats are computed in double; of sine and cosine only the reduction.
#include <cmath>

#include "gradus/backend/functions/trigonometric.hpp"
#include "gradus/cpu/elementwise/loops.hpp"
#include "gradus/cpu/highway_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/elementwise/trigonometric.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/elementwise/loops-inl.hpp"
#include "gradus/cpu/elementwise/math-inl.hpp"

// clang-format off
#define GRADUS_ROWS(ROW)                          \
  ROW(sin, unary_loop<Sin>, nullptr)              \
  ROW(cos, unary_loop<Cos>, nullptr)              \
  ROW(tan, unary_loop<ViaDouble<Tan>>, nullptr)   \
  ROW(asin, unary_loop<ViaDouble<Asin>>, nullptr) \
  ROW(acos, unary_loop<ViaDouble<Acos>>, nullptr) \
  ROW(atan, unary_loop<ViaDouble<Atan>>, nullptr) \
  ROW(atan2, binary_loop<ViaDouble<Atan2>>, nullptr)
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

constexpr double kPi = 3.14159265358979323846, kHalfPi = 1.57079632679489661923, kHalfPiLow = 6.12323399573676603587e-17;
constexpr double kLargestReduced = 0x1p20;  // larger angles go to libm, lane by lane

// x = n pi/2 + (r + tail), |r| <= pi/4: pi/2 in three pieces of 33 bits, whose multiples are exact (after fdlibm's e_rem_pio2.c).
template <class V>
struct Quadrant {
  V n, r, tail;
};
template <class D, class V>
HWY_INLINE Quadrant<V> reduce_angle_of_float(D d, V x) {
  const V n = hn::Round(hn::Mul(x, constant(d, 0.63661977236758134308)));
  const V first = hn::Sub(x, hn::Mul(n, constant(d, 1.57079632673412561417e+00)));
  return {n, hn::Sub(first, hn::Mul(n, constant(d, 6.07710050650619224932e-11))), hn::Zero(d)};
}
template <class D, class V>
HWY_INLINE Quadrant<V> reduce_angle(D d, V x) {
  if constexpr (is_single<D>) {  // in double, whose 53 bits leave no tail that a float could see
    const hn::Half<D> half;
    const hn::Repartition<double, D> wide;
    const auto low = reduce_angle_of_float(wide, hn::PromoteTo(wide, hn::LowerHalf(half, x)));
    const auto high = reduce_angle_of_float(wide, hn::PromoteTo(wide, hn::UpperHalf(half, x)));
    return {hn::Combine(d, hn::DemoteTo(half, high.n), hn::DemoteTo(half, low.n)),
            hn::Combine(d, hn::DemoteTo(half, high.r), hn::DemoteTo(half, low.r)), hn::Zero(d)};
  } else {
    const V n = hn::Round(hn::Mul(x, constant(d, 0.63661977236758134308)));
    const V first = hn::Sub(x, hn::Mul(n, constant(d, 1.57079632673412561417e+00)));
    const V second = hn::Mul(n, constant(d, 6.07710050630396597660e-11)), r1 = hn::Sub(first, second);
    const V lost = hn::Sub(hn::Sub(first, r1), second);
    const V third = hn::Sub(hn::Mul(n, constant(d, 2.02226624879595063154e-21)), lost), r = hn::Sub(r1, third);
    return {n, r, hn::Sub(hn::Sub(r1, r), third)};
  }
}
// Polynomials of fdlibm's k_sin.c and k_cos.c; for floats those of Cephes.
template <class D, class V>
HWY_INLINE V sin_of_reduced(D d, V x, V tail) {
  const V z = hn::Mul(x, x), v = hn::Mul(z, x);
  if constexpr (is_single<D>) return hn::MulAdd(v, horner(d, z, -1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4), x);
  const V r = horner(d, z, 8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06, -2.50507602534068634195e-08,
                     1.58969099521155010221e-10);
  const V inner = hn::Sub(hn::Mul(z, hn::Sub(hn::Mul(constant(d, 0.5), tail), hn::Mul(v, r))), tail);
  return hn::Sub(x, hn::Sub(inner, hn::Mul(v, constant(d, -1.66666666666666324348e-01))));
}
template <class D, class V>
HWY_INLINE V cos_of_reduced(D d, V x, V tail) {
  const V z = hn::Mul(x, x), half = hn::Mul(constant(d, 0.5), z), one = constant(d, 1), w = hn::Sub(one, half);
  if constexpr (is_single<D>) {
    const V r = horner(d, z, 4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5);
    return hn::MulAdd(hn::Mul(z, z), r, w);
  }
  const V r = hn::Mul(z, horner(d, z, 4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
                                -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11));
  return hn::Add(w, hn::Add(hn::Sub(hn::Sub(one, w), half), hn::Sub(hn::Mul(z, r), hn::Mul(x, tail))));
}
template <class D, class V>
HWY_INLINE hn::Mask<D> is_large_angle(D d, V x) {
  return hn::Gt(hn::Abs(x), constant(d, kLargestReduced));
}
// The sine of (n + shift) pi/2 + r.
template <class D, class V>
HWY_INLINE V sin_in_quadrant(D d, const Quadrant<V>& q, double shift) {
  const V n = hn::Add(q.n, constant(d, shift)), half = hn::Mul(constant(d, 0.5), n), quarter = hn::Mul(constant(d, 0.25), n);
  const auto is_odd = hn::Ne(hn::Floor(half), half);
  // n mod 4 is 2 or 3: negative.
  const auto is_negative = hn::Ge(hn::Sub(quarter, hn::Floor(quarter)), constant(d, 0.5));
  const V y = hn::IfThenElse(is_odd, cos_of_reduced(d, q.r, q.tail), sin_of_reduced(d, q.r, q.tail));
  return hn::IfThenElse(is_negative, hn::Neg(y), y);
}
template <double (*F)(double)>
struct InDouble {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(F(static_cast<double>(x)));
  }
};
struct Sin {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, sin_in_quadrant(d, reduce_angle(d, x), 0));
    return fix_lanes(d, is_large_angle(d, x), x, y, InDouble<std::sin>());
  }
};
struct Cos {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V y = sin_in_quadrant(d, reduce_angle(d, x), 1);
    return fix_lanes(d, is_large_angle(d, x), x, y, InDouble<std::cos>());
  }
};
struct Tan {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const Quadrant<V> q = reduce_angle(d, x);
    const V half = hn::Mul(constant(d, 0.5), q.n), sine = sin_of_reduced(d, q.r, q.tail), cosine = cos_of_reduced(d, q.r, q.tail);
    const auto is_odd = hn::Ne(hn::Floor(half), half);
    const V y = hn::Div(hn::IfThenElse(is_odd, hn::Neg(cosine), sine), hn::IfThenElse(is_odd, sine, cosine));
    return fix_lanes(d, is_large_angle(d, x), x, hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, y), InDouble<std::tan>());
  }
};

// (asin(s) - s) / s for z = s^2 <= 1/4: the rational function of fdlibm's e_asin.c.
template <class D, class V>
HWY_INLINE V asin_rest(D d, V z) {
  const V p = hn::Mul(z, horner(d, z, 1.66666666666666657415e-01, -3.25565818622400915405e-01, 2.01212532134862925881e-01,
                                -4.00555345006794114027e-02, 7.91534994289814532176e-04, 3.47933107596021167570e-05));
  const V q =
      horner(d, z, 1, -2.40339491173441421878e+00, 2.02094576023350569471e+00, -6.88283971605453293030e-01, 7.70381505559019352791e-02);
  return hn::Div(p, q);
}
// Near 1 both go by asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2)).
struct Asin {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x), half = constant(d, 0.5);
    const auto is_near = hn::Lt(a, half);
    const V z = hn::IfThenElse(is_near, hn::Mul(a, a), hn::Mul(half, hn::Sub(constant(d, 1), a)));
    const V s = hn::IfThenElse(is_near, a, hn::Sqrt(z)), t = hn::MulAdd(s, asin_rest(d, z), s);
    const V far = hn::Sub(constant(d, kHalfPi), hn::Sub(hn::Add(t, t), constant(d, kHalfPiLow)));
    return hn::CopySign(hn::IfThenElse(is_near, t, far), x);
  }
};
struct Acos {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x), half = constant(d, 0.5);
    const auto is_near = hn::Lt(a, half);
    const V z = hn::IfThenElse(is_near, hn::Mul(x, x), hn::Mul(half, hn::Sub(constant(d, 1), a)));
    const V s = hn::IfThenElse(is_near, x, hn::Sqrt(z)), rest = hn::Mul(s, asin_rest(d, z)), t = hn::Add(s, rest);
    const V near = hn::Sub(constant(d, kHalfPi), hn::Sub(s, hn::Sub(constant(d, kHalfPiLow), rest)));
    const V behind = hn::Sub(constant(d, kPi), hn::Sub(hn::Add(t, t), constant(d, 2 * kHalfPiLow)));
    return hn::IfThenElse(is_near, near, hn::IfThenElse(hn::Lt(x, hn::Zero(d)), behind, hn::Add(t, t)));
  }
};

// atan(t) for 0 <= t <= 1; above tan(pi/8) as pi/4 + atan((t - 1) / (t + 1)).
template <class D, class V>
HWY_INLINE V atan_of_unit(D d, V t) {
  const V one = constant(d, 1);
  const auto is_far = hn::Gt(t, constant(d, 0.41421356237309504880));
  const V r = hn::IfThenElse(is_far, hn::Div(hn::Sub(t, one), hn::Add(t, one)), t), z = hn::Mul(r, r);
  const V p = horner(d, z, -0.33333333333333132, 0.19999999999943738, -0.1428571427950828, 0.11111110756919521, -0.09090897134684929,
                     0.076920508401926241, -0.066630116835051989, 0.058472962818211599, -0.050369146262837242, 0.038009659885114434,
                     -0.017852381745774241);
  const V y = hn::MulAdd(hn::Mul(r, z), p, r);
  return hn::IfThenElse(is_far, hn::Add(constant(d, 0.5 * kHalfPi), hn::Add(y, constant(d, 0.5 * kHalfPiLow))), y);
}
struct Atan {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x), one = constant(d, 1);
    const auto is_beyond = hn::Gt(a, one);
    const V y = atan_of_unit(d, hn::IfThenElse(is_beyond, hn::Div(one, a), a));
    return hn::CopySign(hn::IfThenElse(is_beyond, hn::Sub(constant(d, kHalfPi), hn::Sub(y, constant(d, kHalfPiLow))), y), x);
  }
};
struct Atan2 {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V x) const {
    const V a = hn::Abs(y), b = hn::Abs(x), larger = hn::Max(a, b), smaller = hn::Min(a, b);
    // 0 / 0 is 0 here, infinity / infinity is 1.
    V ratio = hn::IfThenElse(hn::Eq(smaller, larger), constant(d, 1), hn::Div(smaller, larger));
    ratio = hn::IfThenZeroElse(hn::Eq(larger, hn::Zero(d)), ratio);
    V angle = atan_of_unit(d, ratio);
    angle = hn::IfThenElse(hn::Gt(a, b), hn::Sub(constant(d, kHalfPi), hn::Sub(angle, constant(d, kHalfPiLow))), angle);
    const auto is_left = hn::Lt(hn::CopySign(constant(d, 1), x), hn::Zero(d));
    angle = hn::IfThenElse(is_left, hn::Sub(constant(d, kPi), hn::Sub(angle, constant(d, 2 * kHalfPiLow))), angle);
    return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::IsNaN(y)), not_a_number(d), hn::CopySign(angle, y));
  }
};

GRADUS_ROWS(GRADUS_FIND_LOOP)

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

static constexpr int kCost = 20;

GRADUS_ROWS(GRADUS_FIND_FLOAT)

std::span<const FunctionLoops> trigonometric_loops() {
  static constexpr FunctionLoops rows[] = {
    GRADUS_ROWS(GRADUS_TABLE_ROW)
  };
  return rows;
}

}  // namespace gradus::cpu
#endif  // HWY_ONCE
