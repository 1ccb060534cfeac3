// Batch normalisation of channels-last arrays with the statistics of the batch, forward and backward.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

struct BatchNorm {
  double eps = 1e-5;
  bool has_weight = false, has_bias = false;
};

/// x (rows, channels), [weight (channels)], [bias (channels)] -> y (rows, channels), mean (channels), var (channels), all contiguous; mean
/// and var (biased) are float32 for 16-bit x. Outputs may be unneeded.
///   y = (x - mean) / sqrt(var + eps) * weight + bias
/// Mean and squared deviations of blocks in cache, joined in double (Chan, Golub, LeVeque 1979): x comes from memory twice.
KernelPtr prepare_batch_norm(DType dtype, int64_t rows, int64_t channels, const BatchNorm& options);

/// x, mean, var, dy, dmean, dvar, [weight] -> dx, dweight, dbias (the last two always exist, in x's dtype; any may be unneeded).
///   with c = x - mean, r = 1 / sqrt(var + eps):
///   dx = weight r (dy - mean(dy) - c r^2 mean(dy c)) + (dmean + 2 c dvar) / rows;  dweight = r sum(dy c);  dbias = sum(dy)
KernelPtr prepare_batch_norm_backward(DType dtype, int64_t rows, int64_t channels, const BatchNorm& options);

}  // namespace gradus::cpu
