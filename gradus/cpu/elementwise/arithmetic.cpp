// Arithmetic, rounding, maxima: vector loops for floats; the integer forms are in integers.cpp.
#include <type_traits>

#include "gradus/backend/functions/activation.hpp"
#include "gradus/backend/functions/arithmetic.hpp"
#include "gradus/cpu/elementwise/loops.hpp"
#include "gradus/cpu/elementwise/integers.hpp"
#include "gradus/cpu/highway_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/elementwise/arithmetic.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/elementwise/loops-inl.hpp"

#define GRADUS_ROWS(ROW)                                         \
  ROW(add, binary_loop<Add>, integers::add)                      \
  ROW(subtract, binary_loop<Subtract>, integers::subtract)       \
  ROW(multiply, binary_loop<Multiply>, integers::multiply)       \
  ROW(divide, binary_loop<Divide>, nullptr)                      \
  ROW(negative, unary_loop<Negative>, integers::negative)        \
  ROW(abs, unary_loop<Abs>, integers::abs)                       \
  ROW(sign, unary_loop<Sign>, integers::sign)                    \
  ROW(square, unary_loop<Square>, integers::square)              \
  ROW(reciprocal, unary_loop<Reciprocal>, nullptr)               \
  ROW(sqrt, unary_loop<Sqrt>, nullptr)                           \
  ROW(rsqrt, unary_loop<Rsqrt>, nullptr)                         \
  ROW(half_power, unary_loop<HalfPower>, nullptr)                \
  ROW(inverse_half_power, unary_loop<InverseHalfPower>, nullptr) \
  ROW(maximum, binary_loop<Maximum>, integers::maximum)          \
  ROW(minimum, binary_loop<Minimum>, integers::minimum)          \
  ROW(fmax, binary_loop<Fmax>, integers::maximum)                \
  ROW(fmin, binary_loop<Fmin>, integers::minimum)                \
  ROW(clip, ternary_loop<Clip>, integers::clip)                  \
  ROW(copysign, binary_loop<CopySign>, nullptr)                  \
  ROW(floor, unary_loop<Floor>, integers::same)                  \
  ROW(ceil, unary_loop<Ceil>, integers::same)                    \
  ROW(round, unary_loop<Round>, integers::same)                  \
  ROW(trunc, unary_loop<Trunc>, integers::same)                  \
  ROW(integer_power, binary_loop<IntegerPower>, integers::power) \
  ROW(relu, unary_loop<Relu>, integers::relu)                    \
  ROW(gate, binary_loop<Gate>, nullptr)                          \
  ROW(leaky_relu, binary_loop<LeakyRelu>, nullptr)               \
  ROW(softsign, unary_loop<Softsign>, nullptr)

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

struct Add {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Add(a, b);
  }
};
struct Subtract {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Sub(a, b);
  }
};
struct Multiply {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Mul(a, b);
  }
};
struct Divide {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Div(a, b);
  }
};
struct Negative {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a) const {
    return hn::Neg(a);
  }
};
struct Abs {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a) const {
    return hn::Abs(a);
  }
};
struct Sign {  // zeros and NaN are their own sign
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a) const {
    return hn::IfThenElse(hn::Gt(hn::Abs(a), hn::Zero(d)), hn::CopySign(hn::Set(d, 1), a), a);
  }
};
struct Square {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a) const {
    return hn::Mul(a, a);
  }
};
struct Reciprocal {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a) const {
    return hn::Div(hn::Set(d, 1), a);
  }
};
struct Sqrt {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a) const {
    return hn::Sqrt(a);
  }
};
struct Rsqrt {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a) const {
    return hn::Div(hn::Set(d, 1), hn::Sqrt(a));
  }
};
struct HalfPower {  // pow(x, 1/2): of -0 and -infinity as of 0 and infinity
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a) const {
    const auto is_special = hn::Or(hn::Eq(a, hn::Zero(d)), hn::Eq(a, hn::Neg(hn::Inf(d))));
    return hn::Sqrt(hn::IfThenElse(is_special, hn::Abs(a), a));
  }
};
struct InverseHalfPower {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a) const {
    return hn::Div(hn::Set(d, 1), HalfPower{}(d, a));
  }
};
// x86 gives the second operand where one is NaN, NEON gives NaN: both are brought to the same rule here.
struct Maximum {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::IsNaN(a), a, hn::Max(a, b));
  }
};
struct Minimum {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::IsNaN(a), a, hn::Min(a, b));
  }
};
struct Fmax {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::IsNaN(b), a, hn::IfThenElse(hn::IsNaN(a), b, hn::Max(a, b)));
  }
};
struct Fmin {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::IsNaN(b), a, hn::IfThenElse(hn::IsNaN(a), b, hn::Min(a, b)));
  }
};
struct Clip {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V low, V high) const {
    return Minimum{}(d, Maximum{}(d, x, low), high);
  }
};
struct CopySign {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::CopySign(a, b);
  }
};
struct Floor {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a) const {
    return hn::Floor(a);
  }
};
struct Ceil {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a) const {
    return hn::Ceil(a);
  }
};
struct Round {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a) const {
    return hn::Round(a);
  }
};
struct Trunc {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a) const {
    return hn::Trunc(a);
  }
};
struct IntegerPower {  // all lanes of n are equal
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V n) const {
    const auto exponent = static_cast<int64_t>(hn::GetLane(n));
    V result = hn::Set(d, 1);
    for (uint64_t left = static_cast<uint64_t>(exponent < 0 ? -exponent : exponent); left; left >>= 1) {
      if (left & 1) result = hn::Mul(result, x);
      x = hn::Mul(x, x);
    }
    return exponent < 0 ? hn::Div(hn::Set(d, 1), result) : result;
  }
};
struct Relu {  // NaN stays
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a) const {
    return hn::IfThenZeroElse(hn::Lt(a, hn::Zero(d)), a);
  }
};
struct Gate {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    return hn::IfThenElseZero(hn::Gt(b, hn::Zero(d)), a);
  }
};
struct LeakyRelu {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V slope) const {
    return hn::IfThenElse(hn::Gt(a, hn::Zero(d)), a, hn::Mul(a, slope));
  }
};
struct Softsign {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a) const {
    return hn::Div(a, hn::Add(hn::Set(d, 1), hn::Abs(a)));
  }
};

GRADUS_ROWS(GRADUS_FIND_LOOP)

// Two roundings, as one loop after the other.
template <class First, class Second, bool kIsLeft>
struct Pair {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b, V c) const {
    const V middle = First{}(d, a, b);
    return kIsLeft ? Second{}(d, middle, c) : Second{}(d, c, middle);
  }
};
// Of two NaNs the processor keeps the first, and compilers exchange the operands of sums and products so that the one from memory, here c,
// comes second. The bits of `c + middle` would be those of `middle + c`: only differences have a form with c first.
template <class First, class Second>
TileLoop pair_of(DType dtype, bool is_left) {
  if (is_left) return ternary_loop<Pair<First, Second, true>>(dtype);
  if constexpr (std::is_same_v<Second, Subtract>) return ternary_loop<Pair<First, Second, false>>(dtype);
  return nullptr;
}
template <class First>
TileLoop pair_from(const Function* second, DType dtype, bool is_left) {
  if (second == &backend::add_function) return pair_of<First, Add>(dtype, is_left);
  if (second == &backend::subtract_function) return pair_of<First, Subtract>(dtype, is_left);
  return second == &backend::multiply_function ? pair_of<First, Multiply>(dtype, is_left) : nullptr;
}
TileLoop find_pair_loop(const Function* first, const Function* second, DType dtype, bool is_left) {
  if (first == &backend::add_function) return pair_from<Add>(second, dtype, is_left);
  if (first == &backend::subtract_function) return pair_from<Subtract>(second, dtype, is_left);
  return first == &backend::multiply_function ? pair_from<Multiply>(second, dtype, is_left) : nullptr;
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

static constexpr int kCost = 1;

GRADUS_ROWS(GRADUS_FIND_FLOAT)

std::span<const FunctionLoops> arithmetic_loops() {
  static constexpr FunctionLoops rows[] = {
    GRADUS_ROWS(GRADUS_TABLE_ROW)
  };
  return rows;
}

HWY_EXPORT(find_pair_loop);
TileLoop find_pair(const Function& first, const Function& second, DType dtype, bool is_left) {
  if (dtype != float32 && dtype != float64) return nullptr;
  return HWY_DYNAMIC_DISPATCH(find_pair_loop)(&first, &second, dtype, is_left);
}

}  // namespace gradus::cpu
#endif  // HWY_ONCE
