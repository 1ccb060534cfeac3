// Winograd's algorithm where it is safe: images with a pixel far above their others are computed by plain sums. Private to cpu/.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// What a guarded kernel looks at: float32 images in the first `inspected` inputs, `images` in each, of sizes[i] elements in input i.
struct Images {
  int inspected = 1;
  int64_t images = 0;
  int64_t sizes[2] = {};
};

/// Runs `fast`; then, where images of input 0 have outliers, `plain` on each of these alone: input 0 and the output move to it, out_size
/// being the size of one result. With out_size 0 one outlier is enough for `plain` to compute all, instead.
///
/// An outlier is an infinity, NaN, or a number more than 256 times the mean size of its image: Winograd's algorithm spreads the rounding
/// errors of a large number over its tile, also to results that do not depend on it. What is found depends on the image alone.
KernelPtr guarded_kernel(KernelPtr fast, KernelPtr plain, const Images& images, int outputs_at, int64_t out_size);

/// Weights packed by `pack` (`bytes` bytes), followed by the place of the weights themselves, which plain kernels read.
KernelPtr pack_with_origin(KernelPtr pack, int64_t bytes);
int64_t bytes_with_origin(int64_t bytes);
/// `plain` on weights at input 1 that were packed so.
KernelPtr from_origin(KernelPtr plain, int64_t bytes);

/// Whether an image of n numbers has an outlier. For tests.
bool has_outlier(const float* image, int64_t n);

}  // namespace gradus::cpu
