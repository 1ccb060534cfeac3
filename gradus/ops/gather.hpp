// The ops behind subscripts with index arrays. Not for users: take, embedding, index_add and a[...] call them.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::rule {

/// An integer array as an index; throws for other dtypes.
Array as_index(std::string_view op, const Array& index);
/// x (outer, selected..., inner) at index arrays of one shape I, one for each selected axis from `axis` on: (outer, I, inner).
Array gather_rows(const Array& x, const std::vector<Array>& index, int64_t axis, bool may_be_negative = true);
/// A copy of x with `source`, of gather_rows' shape, written or added at those places.
Array scatter_rows(const Array& x, const Array& source, const std::vector<Array>& index, int64_t axis, bool adds,
                   bool may_be_negative = true);

/// The same with one index array whose positions are inside of x: it can be written in place of x, since it cannot fail. Positions outside
/// are taken to the nearest inside.
Array write_rows(const Array& x, const Array& source, const Array& index, int64_t axis);

/// Whether x was recorded by the reverse of a gather: zeros but for some rows or elements (part_sums.hpp).
bool is_indexed_part(const Array& x);
/// whole (may be empty) + such parts.
Array sum_of_indexed_parts(Array whole, std::span<const Array> parts);
/// What such a part is made of: values and indices. And the sum of parts of its kind, whose values and indices are stacked along a first
/// axis.
std::vector<Array> parts_of_indexed(const Array& part);
Array sum_of_stacked(const Array& part, std::span<const Array> stacked);

}  // namespace gradus::rule
