// One element or number to another type: the one rule that astype, item, to_vector, creators and kernels follow.
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "gradus/base/half.hpp"

namespace gradus::core {

template <class T>
inline constexpr bool is_half = std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>;

// Toward zero; beyond the ends of To its ends, NaN is 0.
template <class To, class From>
To saturated(From value) {
  using Limits = std::numeric_limits<To>;
  constexpr From above = static_cast<From>(uint64_t{1} << (Limits::digits - 1)) * 2;  // exact in every float type
  if (!(value < above)) return std::isnan(value) ? To{0} : Limits::max();
  if constexpr (std::is_signed_v<To>) return value < -above ? Limits::min() : static_cast<To>(value);
  else return value > From{-1} ? static_cast<To>(value) : To{0};
}

// A float between whose rounding to 16 bits and that of `value` there is no difference: cut, its last bit set where something was cut off.
inline float rounded_to_odd(double value) {
  const float nearest = static_cast<float>(value);
  const double back = nearest;
  if (back == value || std::isnan(value) || std::isinf(nearest)) return nearest;
  const float toward_zero = std::fabs(back) > std::fabs(value) ? std::nextafter(nearest, 0.0f) : nearest;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(toward_zero) | 1u);
}

/// `value` as a To. To a float: the nearest one, half to even, rounded once. A float to an integer: toward zero; what does not fit becomes
/// the nearest end of the range, NaN becomes 0. An integer to a narrower one keeps its low bits. Anything to bool: whether it is not zero.
template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<To, From>) return value;
  else if constexpr (is_half<From>) return convert<To>(static_cast<float>(value));
  else if constexpr (std::is_same_v<To, bool>) return value != From{0};
  else if constexpr (is_half<To>) {
    if constexpr (std::is_same_v<From, double>) return To(rounded_to_odd(value));
    else if constexpr (std::is_integral_v<From> && sizeof(From) > 4) {
      // A double holds 53 bits: of larger numbers the low 12 bits become one, which says whether any was set.
      const bool is_large = value > (From{1} << 53) || value < -(From{1} << 53);
      const From held = is_large ? (value & ~From{0xfff}) | (From{(value & From{0xfff}) != 0} << 12) : value;
      return To(rounded_to_odd(static_cast<double>(held)));
    } else if constexpr (std::is_integral_v<From> && sizeof(From) > 2) return To(rounded_to_odd(static_cast<double>(value)));
    else return To(static_cast<float>(value));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) return saturated<To>(value);
  else return static_cast<To>(value);
}

/// The largest float below a finite x.
template <class T>
T next_below(T x) {
  if constexpr (is_half<T>) {
    const int bits = x.bits & 0x7fff;
    if (bits == 0) x.bits = 0x8001;
    else x.bits = static_cast<uint16_t>(x.bits & 0x8000 ? x.bits + 1 : x.bits - 1);
    return x;
  } else {
    return std::nextafter(x, -std::numeric_limits<T>::infinity());
  }
}
/// The largest float that is not above x, and the least that is not below it.
template <class T>
T rounded_down(double x) {
  const T near = convert<T>(x);
  return static_cast<double>(near) > x ? next_below(near) : near;
}
template <class T>
T rounded_up(double x) {
  return convert<T>(-static_cast<double>(rounded_down<T>(-x)));
}

}  // namespace gradus::core
