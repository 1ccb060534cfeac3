// Integers wrap around (computed unsigned, where overflow is defined); bools are bytes 0 and 1.
#include "gradus/cpu/elementwise/integers.hpp"

#include <algorithm>

#include "gradus/cpu/elementwise/scalar.hpp"

namespace gradus::cpu {

namespace {

template <class T>
using Wide = std::make_unsigned_t<std::conditional_t<sizeof(T) < 4, int32_t, T>>;
template <class T>
constexpr T wrap(Wide<T> value) {
  return static_cast<T>(value);
}

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return wrap<T>(static_cast<Wide<T>>(a) + static_cast<Wide<T>>(b));
  }
};
struct Subtract {
  template <class T>
  T operator()(T a, T b) const {
    return wrap<T>(static_cast<Wide<T>>(a) - static_cast<Wide<T>>(b));
  }
};
struct Multiply {
  template <class T>
  T operator()(T a, T b) const {
    return wrap<T>(static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b));
  }
};
struct Negative {
  template <class T>
  T operator()(T a) const {
    return wrap<T>(Wide<T>{0} - static_cast<Wide<T>>(a));
  }
};
struct Abs {
  template <class T>
  T operator()(T a) const {
    return a < T{0} ? Negative{}(a) : a;
  }
};
struct Sign {
  template <class T>
  T operator()(T a) const {
    return static_cast<T>((a > T{0}) - (a < T{0}));
  }
};
struct Square {
  template <class T>
  T operator()(T a) const {
    return Multiply{}(a, a);
  }
};
struct Maximum {
  template <class T>
  T operator()(T a, T b) const {
    return std::max(a, b);
  }
};
struct Minimum {
  template <class T>
  T operator()(T a, T b) const {
    return std::min(a, b);
  }
};
struct Clip {
  template <class T>
  T operator()(T x, T low, T high) const {
    return std::min(std::max(x, low), high);
  }
};
// The smallest number over -1 does not fit: it wraps to itself.
struct Quotient {
  template <class T>
  T operator()(T a, T b) const {
    if (b == T{0}) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == T{-1}) return Negative{}(a);
    }
    return static_cast<T>(a / b);
  }
};
struct Fmod {
  template <class T>
  T operator()(T a, T b) const {
    if (b == T{0}) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == T{-1}) return 0;
    }
    return static_cast<T>(a % b);
  }
};
struct Remainder {  // has the sign of b
  template <class T>
  T operator()(T a, T b) const {
    const T rest = Fmod{}(a, b);
    return rest != T{0} && ((rest < T{0}) != (b < T{0})) ? static_cast<T>(rest + b) : rest;
  }
};
struct FloorDivide {  // towards minus infinity
  template <class T>
  T operator()(T a, T b) const {
    const T quotient = Quotient{}(a, b);
    return Remainder{}(a, b) != Fmod{}(a, b) ? static_cast<T>(quotient - T{1}) : quotient;
  }
};
struct Power {
  template <class T>
  T operator()(T base, T exponent) const {
    if (exponent < T{0}) {
      if (base == T{1}) return 1;
      if (base == static_cast<T>(-1)) return exponent % 2 == 0 ? T{1} : base;
      return 0;
    }
    T result = 1;
    for (auto left = static_cast<std::make_unsigned_t<T>>(exponent); left; left = static_cast<std::make_unsigned_t<T>>(left >> 1)) {
      if (left & 1) result = Multiply{}(result, base);
      base = Multiply{}(base, base);
    }
    return result;
  }
};
struct Same {
  template <class T>
  T operator()(T a) const {
    return a;
  }
};

struct Equal {
  template <class T>
  bool operator()(T a, T b) const {
    return a == b;
  }
};
struct NotEqual {
  template <class T>
  bool operator()(T a, T b) const {
    return a != b;
  }
};
struct Less {
  template <class T>
  bool operator()(T a, T b) const {
    return a < b;
  }
};
struct LessEqual {
  template <class T>
  bool operator()(T a, T b) const {
    return a <= b;
  }
};
struct Greater {
  template <class T>
  bool operator()(T a, T b) const {
    return a > b;
  }
};
struct GreaterEqual {
  template <class T>
  bool operator()(T a, T b) const {
    return a >= b;
  }
};
struct LogicalAnd {
  template <class T>
  bool operator()(T a, T b) const {
    return (a != T{0}) & (b != T{0});
  }
};
struct LogicalOr {
  template <class T>
  bool operator()(T a, T b) const {
    return (a != T{0}) | (b != T{0});
  }
};
struct LogicalXor {
  template <class T>
  bool operator()(T a, T b) const {
    return (a != T{0}) != (b != T{0});
  }
};
struct LogicalNot {
  template <class T>
  bool operator()(T a) const {
    return a == T{0};
  }
};
struct Always {
  template <class T>
  bool operator()(T) const {
    return true;
  }
};
struct Never {
  template <class T>
  bool operator()(T) const {
    return false;
  }
};
struct Signbit {
  template <class T>
  bool operator()(T a) const {
    return a < T{0};
  }
};

struct BitwiseAnd {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a & b);
  }
};
struct BitwiseOr {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a | b);
  }
};
struct BitwiseXor {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a ^ b);
  }
};
struct BitwiseNot {
  template <class T>
  T operator()(T a) const {
    return static_cast<T>(~a);
  }
};
template <class T>
bool is_shift(T amount) {
  return amount >= T{0} && amount < static_cast<T>(8 * sizeof(T));
}
struct LeftShift {
  template <class T>
  T operator()(T a, T b) const {
    return is_shift(b) ? wrap<T>(static_cast<Wide<T>>(a) << b) : T{0};
  }
};
struct RightShift {
  template <class T>
  T operator()(T a, T b) const {
    return is_shift(b) ? static_cast<T>(a >> b) : static_cast<T>(a < T{0} ? -1 : 0);
  }
};
struct Where {
  template <class T>
  T operator()(uint8_t condition, T x, T y) const {
    return condition ? x : y;
  }
};
struct Relu {
  template <class T>
  T operator()(T a) const {
    return std::max(a, T{0});
  }
};

// The loop of F for an integer dtype, with operands and output of that type (or output bool).
template <class F, int inputs, bool is_test = false>
TileLoop integer_loop(DType dtype) {
  const auto loop = []<class T>(T) -> TileLoop {
    using Out = std::conditional_t<is_test, uint8_t, T>;
    if constexpr (inputs == 1) return scalar_loop<F, Out, T>;
    else if constexpr (inputs == 2) return scalar_loop<F, Out, T, T>;
    else return scalar_loop<F, Out, T, T, T>;
  };
  if (dtype == uint8) return loop(uint8_t{});
  if (dtype == int32) return loop(int32_t{});
  return dtype == int64 ? loop(int64_t{}) : nullptr;
}
// The same; bools, which are bytes, by B.
template <class F, int inputs, class B = F, bool is_test = false>
TileLoop any_loop(DType dtype) {
  return dtype == bool_ ? integer_loop<B, inputs, is_test>(uint8) : integer_loop<F, inputs, is_test>(dtype);
}

}  // namespace

namespace integers {

TileLoop add(DType d) { return any_loop<Add, 2, BitwiseOr>(d); }
TileLoop subtract(DType d) { return integer_loop<Subtract, 2>(d); }
TileLoop multiply(DType d) { return any_loop<Multiply, 2, BitwiseAnd>(d); }
TileLoop negative(DType d) { return integer_loop<Negative, 1>(d); }
TileLoop abs(DType d) { return any_loop<Abs, 1>(d); }
TileLoop sign(DType d) { return any_loop<Sign, 1>(d); }
TileLoop square(DType d) { return any_loop<Square, 1>(d); }
TileLoop maximum(DType d) { return any_loop<Maximum, 2>(d); }
TileLoop minimum(DType d) { return any_loop<Minimum, 2>(d); }
TileLoop floor_divide(DType d) { return integer_loop<FloorDivide, 2>(d); }
TileLoop remainder(DType d) { return integer_loop<Remainder, 2>(d); }
TileLoop fmod(DType d) { return integer_loop<Fmod, 2>(d); }
TileLoop power(DType d) { return integer_loop<Power, 2>(d); }
TileLoop clip(DType d) { return any_loop<Clip, 3>(d); }
TileLoop same(DType d) { return any_loop<Same, 1>(d); }
TileLoop equal(DType d) { return any_loop<Equal, 2, Equal, true>(d); }
TileLoop not_equal(DType d) { return any_loop<NotEqual, 2, NotEqual, true>(d); }
TileLoop less(DType d) { return any_loop<Less, 2, Less, true>(d); }
TileLoop less_equal(DType d) { return any_loop<LessEqual, 2, LessEqual, true>(d); }
TileLoop greater(DType d) { return any_loop<Greater, 2, Greater, true>(d); }
TileLoop greater_equal(DType d) { return any_loop<GreaterEqual, 2, GreaterEqual, true>(d); }
TileLoop logical_and(DType d) { return any_loop<LogicalAnd, 2, LogicalAnd, true>(d); }
TileLoop logical_or(DType d) { return any_loop<LogicalOr, 2, LogicalOr, true>(d); }
TileLoop logical_xor(DType d) { return any_loop<LogicalXor, 2, LogicalXor, true>(d); }
TileLoop logical_not(DType d) { return any_loop<LogicalNot, 1, LogicalNot, true>(d); }
TileLoop always(DType d) { return any_loop<Always, 1, Always, true>(d); }
TileLoop never(DType d) { return any_loop<Never, 1, Never, true>(d); }
TileLoop signbit(DType d) { return any_loop<Signbit, 1, Signbit, true>(d); }
TileLoop bitwise_and(DType d) { return any_loop<BitwiseAnd, 2>(d); }
TileLoop bitwise_or(DType d) { return any_loop<BitwiseOr, 2>(d); }
TileLoop bitwise_xor(DType d) { return any_loop<BitwiseXor, 2>(d); }
TileLoop bitwise_not(DType d) { return any_loop<BitwiseNot, 1, LogicalNot>(d); }
TileLoop left_shift(DType d) { return integer_loop<LeftShift, 2>(d); }
TileLoop right_shift(DType d) { return integer_loop<RightShift, 2>(d); }
TileLoop relu(DType d) { return integer_loop<Relu, 1>(d); }
TileLoop where(DType d) {
  if (d.size() == 1) return scalar_loop<Where, uint8_t, uint8_t, uint8_t, uint8_t>;
  return d == int32 ? scalar_loop<Where, int32_t, uint8_t, int32_t, int32_t> : scalar_loop<Where, int64_t, uint8_t, int64_t, int64_t>;
}

}  // namespace integers

}  // namespace gradus::cpu
