// Comparisons, logic, tests and selection: vector loops for floats; the integer forms are in integers.cpp.
#include "gradus/backend/functions/bits.hpp"
#include "gradus/backend/functions/compare.hpp"
#include "gradus/cpu/elementwise/loops.hpp"
#include "gradus/cpu/elementwise/integers.hpp"
#include "gradus/cpu/highway_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/elementwise/compare.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/elementwise/loops-inl.hpp"

#define GRADUS_ROWS(ROW)                                                 \
  ROW(equal, binary_loop<Equal>, integers::equal)                        \
  ROW(not_equal, binary_loop<NotEqual>, integers::not_equal)             \
  ROW(less, binary_loop<Less>, integers::less)                           \
  ROW(less_equal, binary_loop<LessEqual>, integers::less_equal)          \
  ROW(greater, binary_loop<Greater>, integers::greater)                  \
  ROW(greater_equal, binary_loop<GreaterEqual>, integers::greater_equal) \
  ROW(logical_and, binary_loop<LogicalAnd>, integers::logical_and)       \
  ROW(logical_or, binary_loop<LogicalOr>, integers::logical_or)          \
  ROW(logical_xor, binary_loop<LogicalXor>, integers::logical_xor)       \
  ROW(logical_not, unary_loop<LogicalNot>, integers::logical_not)        \
  ROW(isnan, unary_loop<IsNan>, integers::never)                         \
  ROW(isinf, unary_loop<IsInf>, integers::never)                         \
  ROW(isfinite, unary_loop<IsFinite>, integers::always)                  \
  ROW(signbit, unary_loop<Signbit>, integers::signbit)

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// hn::Ne differs between targets where an operand is NaN; NaN is unequal to everything, and true.
template <class D, class V>
HWY_INLINE hn::Mask<D> is_true(D d, V a) {
  return hn::Not(hn::Eq(a, hn::Zero(d)));
}

struct Equal {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D, V a, V b) const {
    return hn::Eq(a, b);
  }
};
struct NotEqual {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D, V a, V b) const {
    return hn::Not(hn::Eq(a, b));
  }
};
struct Less {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D, V a, V b) const {
    return hn::Lt(a, b);
  }
};
struct LessEqual {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D, V a, V b) const {
    return hn::Le(a, b);
  }
};
struct Greater {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D, V a, V b) const {
    return hn::Gt(a, b);
  }
};
struct GreaterEqual {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D, V a, V b) const {
    return hn::Ge(a, b);
  }
};
struct LogicalAnd {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D d, V a, V b) const {
    return hn::And(is_true(d, a), is_true(d, b));
  }
};
struct LogicalOr {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D d, V a, V b) const {
    return hn::Or(is_true(d, a), is_true(d, b));
  }
};
struct LogicalXor {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D d, V a, V b) const {
    return hn::Xor(is_true(d, a), is_true(d, b));
  }
};
struct LogicalNot {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D d, V a) const {
    return hn::Eq(a, hn::Zero(d));
  }
};
struct IsNan {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D, V a) const {
    return hn::IsNaN(a);
  }
};
struct IsInf {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D d, V a) const {
    return hn::Eq(hn::Abs(a), hn::Inf(d));
  }
};
struct IsFinite {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D d, V a) const {
    return hn::Lt(hn::Abs(a), hn::Inf(d));
  }
};
struct Signbit {
  template <class D, class V>
  HWY_INLINE hn::Mask<D> operator()(D d, V a) const {
    const hn::RebindToSigned<D> di;
    return hn::RebindMask(d, hn::Lt(hn::BitCast(di, a), hn::Zero(di)));
  }
};
struct Where {
  template <class D, class M, class V>
  HWY_INLINE V operator()(D, M condition, V x, V y) const {
    return hn::IfThenElse(condition, x, y);
  }
};

GRADUS_ROWS(GRADUS_FIND_LOOP)
TileLoop find_where(DType dtype) {
  return dtype == float32 ? tile_loop<Where, float, Flags, Values<float>, Values<float>>
                          : tile_loop<Where, double, Flags, Values<double>, Values<double>>;
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

static constexpr int kCost = 1;

GRADUS_ROWS(GRADUS_FIND_FLOAT)
HWY_EXPORT(find_where);
static TileLoop find_float_where(DType dtype) { return HWY_DYNAMIC_DISPATCH(find_where)(dtype); }


std::span<const FunctionLoops> compare_loops() {
  static constexpr FunctionLoops rows[] = {
    GRADUS_ROWS(GRADUS_TABLE_ROW)
    {&backend::where_function, find_float_where, integers::where, 1},
    {&backend::bitwise_and_function, nullptr, integers::bitwise_and},
    {&backend::bitwise_or_function, nullptr, integers::bitwise_or},
    {&backend::bitwise_xor_function, nullptr, integers::bitwise_xor},
    {&backend::bitwise_not_function, nullptr, integers::bitwise_not},
    {&backend::left_shift_function, nullptr, integers::left_shift},
    {&backend::right_shift_function, nullptr, integers::right_shift}
  };
  return rows;
}


}  // namespace gradus::cpu
#endif  // HWY_ONCE
