// How the columns of a table go together. Not for users: describe() does it all.
#pragma once

#include "gradus/data/table/describe.hpp"

namespace gradus::data {

/// Fills in relations, related and related_rows of a description whose columns are done, and notes what was left out.
void relate(const Table& table, const DescribeOptions& options, Description& description);

}  // namespace gradus::data
