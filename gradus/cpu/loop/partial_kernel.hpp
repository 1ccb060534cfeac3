// Kernels that touch a part of an array, and say so to the counters.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// Bytes that a run moves where it is not all of inputs and outputs; -1: all.
struct PartialBytes {
  int64_t first_input = -1;  ///< read of the first input
  int64_t in_place = -1;     ///< read and written altogether, where the output lies over the first input: of kernels that change a part of it
};

class PartialKernel : public Kernel {
 public:
  PartialBytes bytes;
};

/// make_kernel for one of these.
template <class Run>
KernelPtr make_partial_kernel(PartialBytes bytes, Run run, int64_t scratch_bytes = 0, bool may_fail = false) {
  struct Made final : PartialKernel {
    explicit Made(Run body) : body(std::move(body)) {}
    Status run(void* const* pointers, void* scratch) const override { return body(pointers, scratch); }
    Run body;
  };
  auto kernel = std::make_shared<Made>(std::move(run));
  kernel->bytes = bytes;
  kernel->scratch_bytes = scratch_bytes;
  kernel->may_fail = may_fail;
  return kernel;
}

}  // namespace gradus::cpu
