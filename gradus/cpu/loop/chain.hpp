// Kernels over the examples of a batch, one after another on a block of examples at a time: threads meet once, and what lies between two
// kernels stays in the cache of the thread that made it.
#pragma once

#include "gradus/backend/chain.hpp"
#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// Most pointers that a chain may have.
inline constexpr size_t kMostChainPointers = 64;

/// Weights that links would rather have in layouts of their own are packed once, for all blocks.
KernelPtr prepare_chain(const backend::ChainSpec& spec);

}  // namespace gradus::cpu
