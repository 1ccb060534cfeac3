// Activations and the error function.
#include "gradus/backend/functions/activation.hpp"
#include "gradus/backend/functions/special.hpp"
#include "gradus/cpu/elementwise/loops.hpp"
#include "gradus/cpu/highway_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/elementwise/activation.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/elementwise/loops-inl.hpp"
#include "gradus/cpu/elementwise/math_erf-inl.hpp"

// clang-format off
#define GRADUS_ROWS(ROW)                          \
  ROW(sigmoid, unary_loop<Sigmoid>, nullptr)      \
  ROW(softplus, unary_loop<Softplus>, nullptr)    \
  ROW(silu, unary_loop<Silu>, nullptr)            \
  ROW(elu, binary_loop<Elu>, nullptr)             \
  ROW(gelu, unary_loop<Gelu>, nullptr)            \
  ROW(gelu_slope, unary_loop<GeluSlope>, nullptr) \
  ROW(normal_cdf, unary_loop<NormalCdf>, nullptr) \
  ROW(erf, unary_loop<Erf>, nullptr)              \
  ROW(erfc, unary_loop<Erfc>, nullptr)
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

struct Sigmoid {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return sigmoid(d, x);
  }
};
struct Softplus {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return softplus(d, x);
  }
};
struct Silu {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Mul(x, sigmoid(d, x));
  }
};
struct Elu {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V alpha) const {
    const V below = hn::Mul(alpha, expm1_of_negative(d, hn::Neg(hn::Abs(x))));
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, below);
  }
};
struct NormalCdf {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return normal_parts(d, x).cdf;
  }
};
struct Gelu {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Mul(x, normal_parts(d, x).cdf);
  }
};
struct GeluSlope {  // Phi(x) + x phi(x)
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const NormalParts<V> parts = normal_parts(d, x);
    const V density = hn::Mul(constant(d, 0.39894228040143267794), parts.gaussian);
    return hn::MulAdd(limit(d, x, -40, 40), density, parts.cdf);  // infinity times 0 would be NaN
  }
};
struct Erf {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return erf(d, x);
  }
};
struct Erfc {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return erfc(d, x);
  }
};

GRADUS_ROWS(GRADUS_FIND_LOOP)

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

static constexpr int kCost = 8;

GRADUS_ROWS(GRADUS_FIND_FLOAT)

std::span<const FunctionLoops> activation_loops() {
  static constexpr FunctionLoops rows[] = {
    GRADUS_ROWS(GRADUS_TABLE_ROW)
  };
  return rows;
}

}  // namespace gradus::cpu
#endif  // HWY_ONCE
