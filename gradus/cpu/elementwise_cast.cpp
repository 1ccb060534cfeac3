// Conversions of tiles between every pair of dtypes.
#include "gradus/cpu/elementwise_cast.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "gradus/cpu/elementwise_scalar.hpp"

namespace gradus::cpu {

namespace {

template <class T>
constexpr bool is_half = std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>;

// Floats to integers: truncated; what does not fit saturates, NaN is 0.
template <class To, class From>
To truncate(From value) {
  using Limits = std::numeric_limits<To>;
  constexpr From bound = static_cast<From>(uint64_t{1} << (8 * sizeof(To) - 1));  // exact in every float type
  if (!(value < bound)) return std::isnan(value) ? To{0} : Limits::max();
  return value < -bound ? Limits::min() : static_cast<To>(value);
}

template <class To>
struct Cast {
  template <class From>
  To operator()(From value) const {
    if constexpr (is_half<From>) {
      return Cast<To>{}(static_cast<float>(value));
    } else if constexpr (is_half<To>) {
      // A double rounded to float first would be rounded twice: round to odd keeps the second rounding right.
      if constexpr (std::is_same_v<From, double>) return To(round_to_odd(value));
      else if constexpr (std::is_integral_v<From> && sizeof(From) > 2) return Cast<To>{}(static_cast<double>(value));
      else return To(static_cast<float>(value));
    } else if constexpr (std::is_same_v<To, bool>) {
      return value != From{0};
    } else if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, uint8_t>) {
      return static_cast<uint8_t>(truncate<int32_t>(value));
    } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
      return truncate<To>(value);
    } else {
      return static_cast<To>(value);
    }
  }

 private:
  static float round_to_odd(double value) {
    const float nearest = static_cast<float>(value);
    const double back = nearest;
    if (back == value || std::isnan(value) || std::isinf(nearest)) return nearest;
    const float toward_zero = std::fabs(back) > std::fabs(value) ? std::nextafter(nearest, 0.0f) : nearest;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(toward_zero) | 1u);
  }
};

template <class Half>
struct RoundTo {
  template <class From>
  float operator()(From value) const {
    return static_cast<float>(Cast<Half>{}(value));
  }
};

template <class T>
void copy_loop(const void* a, const void*, const void*, void* out, int64_t n, unsigned repeated) {
  const T* from = static_cast<const T*>(a);
  if (repeated & 1) std::fill_n(static_cast<T*>(out), n, *from);
  else if (n > 0) std::memmove(out, from, static_cast<size_t>(n) * sizeof(T));
}

}  // namespace

TileLoop find_cast(DType from, DType to) {
  if (const TileLoop loop = find_vector_cast(from, to)) return loop;
  if (from == to) {
    return visit_dtype(from, []<class T>(T) -> TileLoop { return copy_loop<T>; });
  }
  return visit_dtype(
      from, [&]<class From>(From) { return visit_dtype(to, []<class To>(To) -> TileLoop { return scalar_loop<Cast<To>, To, From>; }); });
}

TileLoop find_rounding(DType from, DType to) {
  if (from == float32) {
    if (const TileLoop loop = find_vector_rounding(to)) return loop;
  }
  return visit_dtype(from, [&]<class From>(From) -> TileLoop {
    return to == float16 ? scalar_loop<RoundTo<float16_t>, float, From> : scalar_loop<RoundTo<bfloat16_t>, float, From>;
  });
}

constinit const ElementwiseFunction cast_function{.name = "cast"};

}  // namespace gradus::cpu
