// Two kernels over the examples of a batch, a few examples at a time: what lies between them stays in cache.
#pragma once

#include <vector>

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// A pair of kernels prepared for some number of examples: the first writes what the second reads as its input 0.
struct KernelPair {
  KernelPtr first{}, second{};
};

struct TiledSpec {
  int64_t batch = 0, tile = 0;                       ///< examples, in all and at a time
  KernelPair whole{}, rest{};                        ///< for a tile, and for the last, shorter one (null where there is none)
  std::vector<int64_t> input_steps{}, output_steps{};  ///< bytes of an example of each input of the first and output of the second; 0: no batch
  int64_t middle_bytes = 0;                          ///< of a tile of what lies between
};

/// Pointers: the first one's inputs, then the second one's outputs. Neither kernel may fail.
KernelPtr prepare_tiled(TiledSpec spec);

}  // namespace gradus::cpu
