// Ops that rearrange elements without computing: reshape, transpose, slices, joining, splitting, repeating, padding.
// All keep the dtype and are differentiable.
#pragma once

#include <array>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus {

/// The same elements in row-major order under another shape; one size may be -1, "whatever is left".
///
///   reshape(arange(6), {2, -1})   // (2, 3)
Array reshape(const Array& x, const NewShape& shape);
/// One axis.
Array ravel(const Array& x);
Array flatten(const Array& x);
/// Axes start to end (both included) as one: (2, 3, 4, 5) from 1 to 2 is (2, 12, 5).
Array flatten(const Array& x, int64_t start, int64_t end = -1);
/// Without the axes of size 1, or without the named ones, which must have size 1.
Array squeeze(const Array& x);
Array squeeze(const Array& x, const Axes& axes);
/// With new axes of size 1 at these places of the result.
Array expand_dims(const Array& x, const Axes& axes);

/// Axes in reverse order.
///
///   transpose(zeros({2, 3, 4}))   // (4, 3, 2)
Array transpose(const Array& x);
/// Axis i of the result is axis axes[i] of x.
Array transpose(const Array& x, const Axes& axes);
/// The two axes change places.
Array swapaxes(const Array& x, int64_t axis1, int64_t axis2);
/// Axes `source` go to the places `destination`; the others keep their order.
Array moveaxis(const Array& x, const Axes& source, const Axes& destination);
/// x repeated along new leading axes and along axes of size 1, by NumPy's rule. Takes no memory.
Array broadcast_to(const Array& x, const Shape& shape);

/// x in row-major memory of its own: a copy. Nobody needs it for results; kernels ask for it by themselves.
Array contiguous(const Array& x);

/// Joined along an axis; the other sizes must be equal. Dtypes meet by promotion.
///
///   concatenate({array({1, 2}), array({3})})   // [1, 2, 3]
Array concatenate(const std::vector<Array>& arrays, int64_t axis = 0);
/// Joined along a new axis.
Array stack(const std::vector<Array>& arrays, int64_t axis = 0);
/// Along axis 1 (axis 0 for vectors), along axis 0 (vectors become rows), along axis 2, as columns.
Array hstack(const std::vector<Array>& arrays);
Array vstack(const std::vector<Array>& arrays);
Array dstack(const std::vector<Array>& arrays);
Array column_stack(const std::vector<Array>& arrays);

/// `count` equal parts along an axis; count must divide its size.
std::vector<Array> split(const Array& x, int64_t count, int64_t axis = 0);
/// auto [q, k, v] = split<3>(x, -1);
template <size_t N>
std::array<Array, N> split(const Array& x, int64_t axis = 0) {
  std::vector<Array> parts = split(x, static_cast<int64_t>(N), axis);
  std::array<Array, N> out;
  for (size_t i = 0; i < N; ++i) out[i] = std::move(parts[i]);
  return out;
}
/// Parts of the given sizes, whose sum must be the axis's size.
std::vector<Array> split_sizes(const Array& x, const std::vector<int64_t>& sizes, int64_t axis = 0);
/// Parts that end at the given positions (NumPy's split with a list): {2, 5} gives [:2], [2:5], [5:].
std::vector<Array> split_at(const Array& x, const std::vector<int64_t>& positions, int64_t axis = 0);
/// `count` parts whose sizes differ by at most one, the longer ones first.
std::vector<Array> array_split(const Array& x, int64_t count, int64_t axis = 0);
/// One array an element of the axis, without that axis.
std::vector<Array> unstack(const Array& x, int64_t axis = 0);

/// x repeated as a whole, counts[i] times along axis i (counted from the last, as in NumPy).
Array tile(const Array& x, const Axes& counts);
/// Each element (or each slice along an axis) repeated `count` times in place, or counts[i] times.
///
///   repeat(array({1, 2}), 2)   // [1, 1, 2, 2]
Array repeat(const Array& x, int64_t count);
Array repeat(const Array& x, int64_t count, int64_t axis);
Array repeat_each(const Array& x, const std::vector<int64_t>& counts, int64_t axis);
/// Reversed along all axes or the named ones. Takes no memory.
Array flip(const Array& x);
Array flip(const Array& x, const Axes& axes);
/// Shifted cyclically: the flattened array, or each named axis by its shift.
///
///   roll(array({1, 2, 3}), 1)   // [3, 1, 2]
Array roll(const Array& x, int64_t shift);
Array roll(const Array& x, const Axes& shifts, const Axes& axes);
/// Turned by 90 degrees k times, from axis1 towards axis2.
Array rot90(const Array& x, int64_t k = 1, int64_t axis1 = 0, int64_t axis2 = 1);

/// Elements before and after an axis.
struct PadWidth {
  template <core::Integer T>
  PadWidth(T both) : before(static_cast<int64_t>(both)), after(static_cast<int64_t>(both)) {}  // NOLINT: implicit on purpose
  PadWidth(core::Size before, core::Size after) : before(before.value()), after(after.value()) {}
  int64_t before, after;
};
/// NumPy's modes: reflect leaves out the edge, symmetric repeats it.
enum class PadMode { constant, edge, reflect, symmetric, wrap };
/// x with a border, one width an axis ({1, {0, 2}}), filled with zeros, with `value`, or from x by `mode`.
Array pad(const Array& x, const std::vector<PadWidth>& widths);
Array pad(const Array& x, const std::vector<PadWidth>& widths, const Array& value);
Array pad(const Array& x, const std::vector<PadWidth>& widths, PadMode mode);

/// Windows of `size` along an axis, every `step`: that axis counts the windows, and the last axis of the result runs within one.
Array sliding_windows(const Array& x, int64_t size, int64_t axis, int64_t step = 1);

/// The op behind indexing. Axis by axis: sizes[i] elements from starts[i], each steps[i] further (steps may be negative). Throws for a part
/// that does not lie inside x.
Array strided_slice(const Array& x, const core::Dims& starts, const core::Dims& sizes, const core::Dims& steps);
/// A copy of x in which that part is `value`, which must have the shape `sizes`.
Array slice_update(const Array& x, const Array& value, const core::Dims& starts, const core::Dims& steps);
/// Zeros of `shape` but for that part: the transpose of strided_slice.
Array slice_scatter(const Array& value, const Shape& shape, const core::Dims& starts, const core::Dims& steps);
/// A window of shape `sizes` whose corner is the integer array `starts`, one number an axis. The corner is an operand: moving it
/// makes no new plan. A window that does not lie inside x is an error when it is computed.
Array dynamic_slice(const Array& x, const Array& starts, const Shape& sizes);
/// A copy of x in which the window at `starts` is `value`.
Array dynamic_update_slice(const Array& x, const Array& value, const Array& starts);

}  // namespace gradus
