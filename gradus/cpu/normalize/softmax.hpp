// Softmax and its logarithm along one axis, forward and backward.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// x -> y, both contiguous `layout` (floats): y_i = e^(x_i - max) / sum_j e^(x_j - max), or with is_log its logarithm.
/// A slice that holds NaN or +infinity, or only -infinity, gives NaN.
KernelPtr prepare_softmax(const Layout& layout, int64_t axis, bool is_log);

/// y, dy -> dx, all contiguous `layout`: dx = y (dy - sum(y dy)); with is_log dx = dy - e^y sum(dy).
KernelPtr prepare_softmax_backward(const Layout& layout, int64_t axis, bool is_log);

}  // namespace gradus::cpu
