// What several networks of the catalogue ask of their options and inputs. Not for users.
#pragma once

#include <cstdint>
#include <string_view>

#include "gradus/base/error.hpp"
#include "gradus/graph/array.hpp"

namespace gradus::models::detail {

/// Throws for ids that are not (batch, time).
inline void check_ids(std::string_view op, const Array& ids) {
  if (ids.rank() != 2) core::fail(op, "ids are ", ids.shape(), " of rank ", ids.rank(), "; they must be (batch, time)");
}
/// Throws for heads that do not share the width evenly.
inline void check_heads(std::string_view model, int64_t width, int64_t heads) {
  if (width % heads) core::fail(model, "width is ", width, ", heads is ", heads, "; heads must divide the width");
}

/// Ids of a column as int64: those from `first` to `last`, and `otherwise` for what is none of these (a fraction, NaN). No derivative goes
/// through.
Array known_ids(const Array& column, int64_t first, int64_t last, int64_t otherwise);

}  // namespace gradus::models::detail
