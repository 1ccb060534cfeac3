// Kernels that touch a part of an array, and say so to the counters.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// make_kernel for one of these.
template <class Run>
KernelPtr make_partial_kernel(PartialBytes bytes, Run run, int64_t scratch_bytes = 0, bool may_fail = false) {
  auto kernel = make_kernel(std::move(run), scratch_bytes, may_fail);
  kernel->partial = bytes;
  return kernel;
}

}  // namespace gradus::cpu
