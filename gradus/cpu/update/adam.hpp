// One step of Adam as one pass over memory.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

struct AdamRates {
  double beta_1 = 0.9, beta_2 = 0.999;
};

/// p, g, m, v (n elements each, float32 or float64), then three doubles: rate, epsilon, keep -> new p, m, v, which may lie over the old
/// ones.
///   m = beta_1 m + (1 - beta_1) g;  v = beta_2 v + (1 - beta_2) g^2;  p = keep p - rate m / (sqrt(v) + epsilon)
KernelPtr prepare_adam(DType dtype, int64_t n, const AdamRates& rates);

}  // namespace gradus::cpu
