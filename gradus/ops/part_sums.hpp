// Sums of arrays that are zero outside a part: what the reverse of slices and of picking by index makes. However many there are, their sum
// is one buffer, written once. Not for users: derivative rules, a[...].add and the reverse walk call them.
#pragma once

#include <span>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::rule {

/// x with `value` added in the window that strided_slice(x, starts, value.shape(), steps) reads.
Array add_window(const Array& x, const Array& value, const Dims& starts, const Dims& steps);

/// Whether x was recorded as zeros but for a part (slice_scatter, the reverse of take, gather and dynamic_slice).
bool is_part(const Array& x);
/// whole + the parts, arrays of one shape and dtype for which is_part holds. `whole` may be empty. Costs as much as the parts and one array
/// of the result's size, not an array of that size for each part. 16-bit floats are summed in float32 and rounded once; beside a `whole` of
/// a wider dtype not at all: then the sum is float32.
Array sum_of_parts(const Array& whole, std::span<const Array> parts);

}  // namespace gradus::rule
