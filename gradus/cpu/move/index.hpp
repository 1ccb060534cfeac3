// Moving elements by positions held in integer arrays. Positions are checked before anything is written; the first bad one in
// row-major order is reported. Results do not depend on the number of threads.
#pragma once

#include <span>
#include <vector>

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// What happens at the places written: set keeps the last in row-major order, add sums in row-major order.
enum class Scatter : uint8_t { set, add };

/// Which axes the index arrays select on.
struct Selection {
  int64_t axis = 0, count = 1;  ///< axes axis .. axis + count - 1, one index array each
  bool may_be_negative = true;  ///< negative positions count from the end
  bool is_clamped = false;      ///< positions outside are taken to the nearest inside, and nothing can fail
};

/// out = x[..., i1, i2, ...]: outer axes, the indices' shape, inner axes. Inputs x (contiguous), indices (int32 or int64, contiguous,
/// one shape).
KernelPtr gather(const Layout& x, std::span<const Layout> indices, Selection selection);
/// x (any strides) with `source` (contiguous, of gather's output shape) written to the places that gather reads. Inputs x, source,
/// indices. Writes over x where output and x are one.
KernelPtr scatter(const Layout& x, std::span<const Layout> indices, Selection selection, Scatter mode);

/// out[..., j, ...] = x[..., index[..., j, ...], ...]; on the other axes index may be smaller than x. Inputs x, index, contiguous.
KernelPtr gather_along(const Layout& x, const Layout& index, int64_t axis);
/// x (any strides) with `source` (contiguous, of index's shape) written to the places that gather_along reads. Inputs x, index, source.
KernelPtr scatter_along(const Layout& x, const Layout& index, int64_t axis, Scatter mode);

/// Of the rows that index arrays select on axes of these sizes, and of the elements that gather_along reads in an array of `shape`: whether
/// no later position selects the same one. Inputs: the indices; output bool, of their shape.
KernelPtr last_rows(const Shape& sizes, std::span<const Layout> indices, bool may_be_negative);
KernelPtr last_along(const Shape& shape, const Layout& index, int64_t axis);

/// Rows of `classes` elements, 1 at the index and 0 elsewhere.
KernelPtr one_hot(const Layout& index, const Layout& out);

/// The coordinates in `shape` of row-major positions, a row of the int64 output for each. Input: positions, contiguous.
KernelPtr unravel_index(const Layout& positions, const Shape& shape);

/// Row-major positions of the elements that are not zero (NaN is not zero).
std::vector<int64_t> nonzero(const void* data, DType dtype, int64_t count);

}  // namespace gradus::cpu
