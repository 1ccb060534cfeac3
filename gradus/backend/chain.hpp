// Several kernels as one: over the examples of a batch, or side by side in one loop.
#pragma once

#include <vector>

#include "gradus/backend/kernel.hpp"

namespace gradus::backend {

/// Where a link finds an operand: at a pointer of the run, or in the block's own memory; neither: null.
struct ChainOperand {
  int pointer = -1;
  int64_t step = 0;   ///< bytes from an example to the next; 0: the whole for all examples
  int64_t own = -1;   ///< place in the block's own memory
};

/// One kernel of a chain, prepared for the examples of a block and of the last, shorter one (null where there is none). It cannot report a
/// bad value.
struct ChainLink {
  KernelPtr whole{}, rest{};
  std::vector<ChainOperand> operands{};  ///< inputs, then outputs
};

struct ChainSpec {
  int64_t batch = 0, block = 0;  ///< examples, in all and in a block
  int64_t own_bytes = 0;         ///< of a block's own memory
  size_t pointers = 0;           ///< of the run
  std::vector<ChainLink> links{};
};

/// One of several loops that become one, and how many pointers it takes.
struct BundledLoop {
  KernelPtr kernel{};  ///< with loop_chunks > 0
  int64_t operands = 0;
};

}  // namespace gradus::backend
