// The ops behind subscripts with index arrays. Not for users: take, embedding, index_add and a[...] call them.
#pragma once

#include <string_view>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus {

/// An integer array as an index; throws for other dtypes.
Array as_index(std::string_view op, const Array& index);
/// x (outer, selected..., inner) at index arrays of one shape I, one for each selected axis from `axis` on: (outer, I, inner).
Array gather_rows(const Array& x, const std::vector<Array>& index, int64_t axis, bool may_be_negative = true);
/// A copy of x with `source`, of gather_rows' shape, written or added at those places.
Array scatter_rows(const Array& x, const Array& source, const std::vector<Array>& index, int64_t axis, bool adds, bool may_be_negative = true);

}  // namespace gradus
