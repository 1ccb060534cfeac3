// Order along the last axis. NaN comes last; of equal elements the first one comes first.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// Positions (int64) of the first `count` elements in increasing (or decreasing) order; x is contiguous.
KernelPtr argsort(const Layout& x, int64_t count, bool descending);
/// The number of elements of a sorted row that come before each value (from_right: or equal it), int64. `sorted` has rank 1 or a row
/// for each row of `values`. Inputs sorted, values, of one dtype.
KernelPtr searchsorted(const Layout& sorted, const Layout& values, bool from_right);

}  // namespace gradus::cpu
