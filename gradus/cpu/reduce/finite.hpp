// A check that passes values on.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// y = x for `count` elements; fails at the first one that is not finite. Pointers: x, y (which may be null, or x).
KernelPtr prepare_finite(DType dtype, int64_t count);

}  // namespace gradus::cpu
