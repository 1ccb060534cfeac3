// What steps of categories share: how often each occurs, and where it is among those of training. Not for users.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/preprocess/frame.hpp"

namespace gradus::preprocess {

/// Rows of each category of a categorical or ordinal column.
std::vector<int64_t> counts_of(const data::Column& column);
/// Where each category of the column is among the known ones; -1 for those that are none.
std::vector<int64_t> places_among(const data::Column& column, const std::vector<std::string>& known);
/// Counts the rows whose category is none of the known ones, as treated by `what`.
void count_unknown(const data::Column& column, const std::vector<int64_t>& places, std::string_view what, Treatments& treatments);

}  // namespace gradus::preprocess
