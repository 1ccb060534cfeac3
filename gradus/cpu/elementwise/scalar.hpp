// Loops over tiles for plain C++ functions: integers, bools, and rare float functions.
#pragma once

#include <type_traits>
#include <utility>

#include "gradus/cpu/elementwise/loops.hpp"

namespace gradus::cpu {

template <class F, class Out, class... In, size_t... K>
void run_scalar_tile(std::index_sequence<K...>, const void* const* from, void* to, int64_t n, unsigned repeated) {
  const int64_t moving[] = {(repeated >> K & 1 ? int64_t{0} : ~int64_t{0})...};
  Out* out = static_cast<Out*>(to);
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<Out>(F{}(static_cast<const In*>(from[K])[i & moving[K]]...));
}
/// out[i] = F{}(a[i], ...) with operands of types In.
template <class F, class Out, class... In>
void scalar_loop(const void* a, const void* b, const void* c, void* out, int64_t n, unsigned repeated) {
  const void* const from[] = {a, b, c};
  run_scalar_tile<F, Out, In...>(std::index_sequence_for<In...>(), from, out, n, repeated);
}

}  // namespace gradus::cpu
