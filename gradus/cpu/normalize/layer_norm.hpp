// Normalisation of rows: layer norm and root-mean-square norm, forward and backward.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

struct RowNorm {
  double eps = 1e-5;
  bool is_centered = true;  ///< layer norm; false: root mean square
  bool has_weight = false, has_bias = false;
  bool is_rounded = false;  ///< forward, of float32: y is bfloat16
};

/// x (rows, n), [weight (n)], [bias (n)] -> y (rows, n), all contiguous and of one float dtype (but for is_rounded).
///   y = (x - mean) / sqrt(var + eps) * weight + bias, or x / sqrt(mean(x^2) + eps) * weight + bias
/// Two passes in cache, the second corrected: a large mean costs no digits.
KernelPtr prepare_row_norm(DType dtype, int64_t rows, int64_t n, const RowNorm& options);

/// x, dy, [weight] -> dx, [dweight (n)], [dbias (n)]; the statistics are computed afresh, in cache. Any output may be unneeded; dx may be
/// written over x or dy.
///   g = dy weight;  dx = (g - mean(g) - xhat mean(g xhat)) / sqrt(var + eps), without mean(g) where not centered
KernelPtr prepare_row_norm_backward(DType dtype, int64_t rows, int64_t n, const RowNorm& options);

}  // namespace gradus::cpu
