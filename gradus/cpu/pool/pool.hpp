// Pooling, channels last: maxima and averages over windows, and their transposes.
#pragma once

#include <vector>

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// The windows of one spatial axis. Window o has the positions begin[o] + k * step for first[o] <= k < last[o] (those inside the image).
struct PoolAxis {
  int64_t in = 1, kernel = 1, step = 1;  ///< kernel: the most taps that a window has
  std::vector<int64_t> begin{0}, first{0}, last{1};
  std::vector<int64_t> count{1};  ///< what an average divides by, along this axis

  int64_t out() const { return static_cast<int64_t>(begin.size()); }
  /// Whether no position is in two windows.
  bool is_disjoint() const;
};

/// x (batch, in..., channels), y (batch, out..., channels), with three spatial axes (fewer: axes of size 1 in front).
struct PoolShape {
  int64_t batch = 0, channels = 0;
  PoolAxis axes[3];
  int64_t divisor = 0;  ///< what an average divides by everywhere; 0: the counts of the axes

  int64_t in_size() const { return axes[0].in * axes[1].in * axes[2].in; }
  int64_t out_size() const { return axes[0].out() * axes[1].out() * axes[2].out(); }
  int64_t taps() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }
  /// The dtype in which taps are kept: uint8 where 255 taps are enough.
  DType tap_dtype() const { return taps() <= 255 ? uint8 : int32; }
};

/// Input x; outputs y and (where wanted) the tap, row-major in the kernel, at which each maximum was first found. NaN wins. An empty window
/// gives the least value and the tap taps(), which is none. Every dtype but bool.
KernelPtr prepare_max_pool(DType dtype, const PoolShape& shape, bool wants_taps);
/// y = x at the taps (0 where there is none). Inputs x, taps; output y.
KernelPtr prepare_pool_take(DType dtype, const PoolShape& shape);
/// Its transpose in x: dx = sum of dy over the windows that took from it. Inputs dy, taps; output dx.
KernelPtr prepare_pool_put(DType dtype, const PoolShape& shape);
/// Mean over each window. Floats. Input x; output y.
KernelPtr prepare_average_pool(DType dtype, const PoolShape& shape);
/// Its transpose. Input dy; output dx.
KernelPtr prepare_average_pool_gradient(DType dtype, const PoolShape& shape);

}  // namespace gradus::cpu
