// Exponentials, logarithms, powers and hyperbolic functions.
#include <cmath>

#include "gradus/backend/functions/arithmetic.hpp"
#include "gradus/backend/functions/exponential.hpp"
#include "gradus/cpu/elementwise/loops.hpp"
#include "gradus/cpu/elementwise/integers.hpp"
#include "gradus/cpu/highway_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/elementwise/exponential.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/elementwise/loops-inl.hpp"
#include "gradus/cpu/elementwise/math-inl.hpp"

// clang-format off
#define GRADUS_ROWS(ROW)                             \
  ROW(exp, unary_loop<Exp>, nullptr)                 \
  ROW(expm1, unary_loop<Expm1>, nullptr)             \
  ROW(exp2, unary_loop<Exp2>, nullptr)               \
  ROW(log, unary_loop<Log>, nullptr)                 \
  ROW(log1p, unary_loop<Log1p>, nullptr)             \
  ROW(log2, unary_loop<ViaDouble<Log2>>, nullptr)    \
  ROW(log10, unary_loop<ViaDouble<Log10>>, nullptr)  \
  ROW(sinh, unary_loop<ViaDouble<Sinh>>, nullptr)    \
  ROW(cosh, unary_loop<ViaDouble<Cosh>>, nullptr)    \
  ROW(tanh, unary_loop<Tanh>, nullptr)               \
  ROW(asinh, unary_loop<ViaDouble<Asinh>>, nullptr)  \
  ROW(acosh, unary_loop<ViaDouble<Acosh>>, nullptr)  \
  ROW(atanh, unary_loop<ViaDouble<Atanh>>, nullptr)  \
  ROW(hypot, binary_loop<ViaDouble<Hypot>>, nullptr) \
  ROW(log_cosh, unary_loop<LogCosh>, nullptr)        \
  ROW(logaddexp, binary_loop<Logaddexp>, nullptr)    \
  ROW(xlogy, binary_loop<Xlogy>, nullptr)            \
  ROW(xlog1py, binary_loop<Xlog1py>, nullptr)        \
  ROW(power, binary_loop<Power>, integers::power)
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

struct Exp {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return exp(d, x);
  }
};
struct Expm1 {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return expm1(d, x);
  }
};
struct Exp2 {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return exp2(d, x);
  }
};
struct Log {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return log(d, x);
  }
};
struct Log1p {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return log1p(d, x);
  }
};
struct Tanh {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return tanh(d, x);
  }
};
// Beyond 20 the other exponential is lost in rounding; e^(x/2) squared does not overflow early.
template <class D, class V>
HWY_INLINE V half_exp(D d, V x) {
  const V root = exp(d, hn::Mul(constant(d, 0.5), x));
  return hn::Mul(hn::Mul(constant(d, 0.5), root), root);
}
struct Sinh {  // with t = e^|x| - 1: (t + t / (t + 1)) / 2
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x), t = expm1(d, a);
    const V near = hn::Mul(constant(d, 0.5), hn::Add(t, hn::Div(t, hn::Add(t, constant(d, 1)))));
    return hn::CopySign(hn::IfThenElse(hn::Gt(a, constant(d, 20)), half_exp(d, a), near), x);
  }
};
struct Cosh {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x), t = exp(d, a), half = constant(d, 0.5);
    return hn::IfThenElse(hn::Gt(a, constant(d, 20)), half_exp(d, a), hn::MulAdd(half, t, hn::Div(half, t)));
  }
};
constexpr double kLn2 = 0.69314718055994530942;
struct Asinh {  // log1p(|x| + x^2 / (1 + sqrt(1 + x^2))), for large |x| log(2 |x|)
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x), one = constant(d, 1), squared = hn::Mul(a, a);
    const auto is_large = hn::Gt(a, constant(d, 0x1p28));
    const V near = log1p(d, hn::Add(a, hn::Div(squared, hn::Add(one, hn::Sqrt(hn::Add(one, squared))))));
    return hn::CopySign(hn::IfThenElse(is_large, hn::Add(log(d, a), constant(d, kLn2)), near), x);
  }
};
struct Acosh {  // with t = x - 1: log1p(t + sqrt(2 t + t^2))
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V t = hn::Sub(x, constant(d, 1));
    const V near = log1p(d, hn::Add(t, hn::Sqrt(hn::MulAdd(t, t, hn::Add(t, t)))));
    const V y = hn::IfThenElse(hn::Gt(x, constant(d, 0x1p28)), hn::Add(log(d, x), constant(d, kLn2)), near);
    return hn::IfThenElse(hn::Lt(t, hn::Zero(d)), not_a_number(d), y);
  }
};
struct Atanh {  // log1p(2 |x| / (1 - |x|)) / 2
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x);
    const V y = log1p(d, hn::Div(hn::Add(a, a), hn::Sub(constant(d, 1), a)));
    return hn::CopySign(hn::Mul(constant(d, 0.5), y), x);
  }
};
struct LogCosh {  // with a = |x|, t = e^a - 1: cosh a - 1 = t^2 / (2 (1 + t)); far from 0: a + log(1 + e^-2a) - log 2
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x), one = constant(d, 1), t = expm1(d, hn::Min(a, one));
    const V near = log1p(d, hn::Div(hn::Mul(t, t), hn::Mul(constant(d, 2), hn::Add(one, t))));
    const V far = hn::Add(hn::Sub(a, constant(d, kLn2)), log1p_of_unit(d, exp(d, hn::Mul(constant(d, -2), a))));
    return hn::IfThenElse(hn::Lt(a, one), near, far);
  }
};
struct Hypot {  // the larger times sqrt(1 + ratio^2); infinite if one is, even beside NaN
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    const V a = hn::Abs(x), b = hn::Abs(y), larger = hn::Max(a, b), ratio = hn::Div(hn::Min(a, b), larger);
    const V length = hn::Mul(larger, hn::Sqrt(hn::MulAdd(ratio, ratio, constant(d, 1))));
    const V finite = hn::IfThenElse(hn::Eq(hn::Add(a, b), hn::Zero(d)), hn::Zero(d), length);
    const V known = hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::IsNaN(y)), not_a_number(d), finite);
    return hn::IfThenElse(hn::Or(hn::Eq(a, hn::Inf(d)), hn::Eq(b, hn::Inf(d))), hn::Inf(d), known);
  }
};
struct Logaddexp {  // max + log(1 + e^-|x - y|); equal infinities have no difference
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    const V gap = hn::IfThenZeroElse(hn::Eq(x, y), hn::Abs(hn::Sub(x, y)));
    const V larger = hn::IfThenElse(hn::Gt(x, y), x, y);
    return hn::Add(larger, log1p_of_unit(d, exp(d, hn::Neg(gap))));
  }
};
struct Xlogy {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    const auto is_zero = hn::AndNot(hn::IsNaN(y), hn::Eq(x, hn::Zero(d)));
    return hn::IfThenZeroElse(is_zero, hn::Mul(x, log(d, y)));
  }
};
struct Xlog1py {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    const auto is_zero = hn::AndNot(hn::IsNaN(y), hn::Eq(x, hn::Zero(d)));
    return hn::IfThenZeroElse(is_zero, hn::Mul(x, log1p(d, y)));
  }
};
// |x|^y as 2^(y log2 |x|) in double, which is more than a float needs; doubles by libm.
struct FloatPower {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    const V a = hn::Abs(x), one = constant(d, 1), zero = hn::Zero(d);
    V power = exp2(d, hn::Mul(y, Log2{}(d, a)));
    const auto is_one = hn::Or(hn::Eq(y, zero), hn::AndNot(hn::IsNaN(y), hn::Eq(a, one)));
    power = hn::IfThenElse(is_one, one, power);
    const V half = hn::Mul(constant(d, 0.5), y);
    const auto is_whole = hn::Eq(hn::Trunc(y), y), is_odd = hn::AndNot(hn::Eq(hn::Trunc(half), half), is_whole);
    const V sign = hn::IfThenElse(is_odd, hn::CopySign(one, x), one);
    const auto has_no_value = hn::AndNot(is_whole, hn::And(hn::Lt(x, zero), hn::Lt(a, hn::Inf(d))));
    const V signed_power = hn::IfThenElse(has_no_value, not_a_number(d), hn::Mul(sign, power));
    return hn::IfThenElse(hn::Eq(x, one), one, signed_power);
  }
};
struct Power {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    if constexpr (is_single<D>) {
      return ViaDouble<FloatPower>{}(d, x, y);
    } else {
      alignas(64) double xs[8], ys[8];
      hn::StoreU(x, d, xs);
      hn::StoreU(y, d, ys);
      for (size_t i = 0; i < hn::Lanes(d); ++i) xs[i] = std::pow(xs[i], ys[i]);
      return hn::LoadU(d, xs);
    }
  }
};

GRADUS_ROWS(GRADUS_FIND_LOOP)

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

static constexpr int kCost = 6;

GRADUS_ROWS(GRADUS_FIND_FLOAT)

std::span<const FunctionLoops> exponential_loops() {
  static constexpr FunctionLoops rows[] = {
    GRADUS_ROWS(GRADUS_TABLE_ROW)
  };
  return rows;
}

}  // namespace gradus::cpu
#endif  // HWY_ONCE
