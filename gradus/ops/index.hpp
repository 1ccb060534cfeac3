// Selecting and writing elements by position: a[...], take, gather, scatter, one_hot, embedding, nonzero.
//
// a[...] follows NumPy: numbers drop their axis, slices keep it, ellipsis stands for all axes not named, newaxis adds one; integer
// arrays broadcast together and pick elements; their axes stand where they were if side by side, else in front; a bool array is a mask
// over as many axes as it has (its positions are computed at the call). Negative positions count from the end; one out of range is
// an error, at once for numbers and when computed for arrays.
#pragma once

#include <vector>

#include "gradus/graph/array.hpp"
#include "gradus/graph/index.hpp"

namespace gradus {

/// x[indices] along `axis` (without one: of the flattened x): the shape of `indices` stands in place of the axis.
///
///   take(array({5, 6, 7}), array({2, 0}))   // [7, 5]
Array take(const Array& x, const Array& indices);
Array take(const Array& x, const Array& indices, int64_t axis);
/// out[..., j, ...] = x[..., index[..., j, ...], ...]; the other axes of index and x broadcast together.
Array take_along_axis(const Array& x, const Array& index, int64_t axis);
/// The same, as PyTorch has it: nothing broadcasts, index may be smaller than x on the other axes.
Array gather(const Array& x, const Array& index, int64_t axis);
/// A copy of x with src[...] written (or added) at the places that gather(x, index, axis) reads. src has the shape of index or
/// broadcasts to it. A place written twice keeps the last in row-major order; sums add up in row-major order.
Array scatter(const Array& x, const Array& index, const Array& src, int64_t axis);
Array scatter_add(const Array& x, const Array& index, const Array& src, int64_t axis);
/// A copy of x in which slice index[i] along `axis` is src's slice i, or has it added. index has rank 1.
Array index_copy(const Array& x, const Array& index, const Array& src, int64_t axis);
Array index_add(const Array& x, const Array& index, const Array& src, int64_t axis);

/// Row id of `table` (rows, width) for each id: (..., width). An id outside 0 .. rows-1 is an error when computed.
Array embedding(const Array& table, const Array& ids);
/// A last axis of size `classes`: 1 at the index, else 0. An index outside 0 .. classes-1 is an error when computed.
Array one_hot(const Array& indices, int64_t classes);
Array one_hot(const Array& indices, int64_t classes, DType dtype);

/// The positions of the elements that are not zero, in row-major order: one int64 vector an axis; as one array (count, rank). Evaluates x.
std::vector<Array> nonzero(const Array& x);
Array argwhere(const Array& x);

/// Where each value belongs in the sorted last axis of `sorted`: the number of elements below it (side left) or not above it (right).
/// `sorted` has rank 1, or the leading axes of `values`.
///
///   searchsorted(array({1, 3, 5}), array({3, 4}))   // [1, 2]
enum class Side { left, right };
Array searchsorted(const Array& sorted, const Array& values, Side side = Side::left);
/// Coordinates (..., rank) of flat positions in `shape`. One outside 0 .. size-1 is an error when computed.
Array unravel_index(const Array& indices, const Shape& shape);

}  // namespace gradus
