// Conversions of tiles between every pair of dtypes.
#include "gradus/cpu/elementwise/cast.hpp"

#include <algorithm>
#include <cstring>

#include "gradus/base/convert.hpp"
#include "gradus/cpu/elementwise/scalar.hpp"

namespace gradus::cpu {

namespace {

template <class To>
struct Cast {
  template <class From>
  To operator()(From value) const {
    return convert<To>(value);
  }
};

template <class Half>
struct RoundTo {
  template <class From>
  float operator()(From value) const {
    return static_cast<float>(convert<Half>(value));
  }
};

struct CastToOdd {
  template <class From>
  float operator()(From value) const {
    return gradus::core::rounded_to_odd(static_cast<double>(value));
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

TileLoop find_cast_to_odd(DType from) {
  return from == float64 ? scalar_loop<CastToOdd, float, double> : scalar_loop<CastToOdd, float, int64_t>;
}

TileLoop find_rounding(DType from, DType to) {
  if (from == float32) {
    if (const TileLoop loop = find_vector_rounding(to)) return loop;
  }
  return visit_dtype(from, [&]<class From>(From) -> TileLoop {
    return to == float16 ? scalar_loop<RoundTo<float16_t>, float, From> : scalar_loop<RoundTo<bfloat16_t>, float, From>;
  });
}

}  // namespace gradus::cpu
