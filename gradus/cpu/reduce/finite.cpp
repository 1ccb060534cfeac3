#include "gradus/cpu/reduce/finite.hpp"

#include <cmath>

namespace gradus::cpu {

KernelPtr prepare_finite(DType dtype, int64_t count) {
  return visit_dtype(dtype, [&]<class T>(T) -> KernelPtr {
    return make_kernel(
        [count](void* const* pointers, void*) {
          const T* x = static_cast<const T*>(pointers[0]);
          T* y = static_cast<T*>(pointers[1]);
          for (int64_t i = 0; i < count; ++i) {
            const auto value = static_cast<double>(x[i]);
            if (!std::isfinite(value)) return Status{false, "not finite: element {} is {}", i, value, 0};
            if (y) y[i] = x[i];
          }
          return Status{};
        },
        0, true);
  });
}

}  // namespace gradus::cpu
