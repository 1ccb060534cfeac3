// Computations that are cut into parts for the threads. The cut follows from shapes only. Private to cpu/.
#pragma once

#include <vector>

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// A kernel for one thread, and how many bytes after the first of the whole each of its operands begins. An operand that is null stays
/// null.
struct Part {
  KernelPtr kernel{};
  std::vector<int64_t> offsets{};
};

/// Runs the parts on all threads, in any order, each with scratch memory of its own. Of several that fail the first counts; positions are
/// the parts'.
KernelPtr prepare_parts(std::vector<Part> parts);

/// A kernel that reads inputs in layouts of its own: `packing` says how these are made. They are made in each run, in scratch memory;
/// whoever keeps the copies beside the inputs finds `packing` in the kernel. `operands`: inputs and outputs.
KernelPtr prepare_packed(Packing packing, size_t operands);

}  // namespace gradus::cpu
