// Ids that may be unknown.
#include "gradus/models/checks.hpp"

#include "gradus/ops/compare.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"

namespace gradus::models::detail {

Array known_ids(const Array& column, int64_t first, int64_t last, int64_t otherwise) {
  Array is_known = (column >= first) & (column <= last);
  if (column.dtype().is_float()) is_known = is_known & (floor(column) == column);
  return where(is_known, column, otherwise).astype(int64);
}

}  // namespace gradus::models::detail
