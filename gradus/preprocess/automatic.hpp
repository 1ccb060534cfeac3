// The steps that a table needs, found out from it.
#pragma once

#include <string>
#include <vector>

#include "gradus/preprocess/pipeline.hpp"

namespace gradus::preprocess {

/// What categories become.
enum class CategoryStyle : uint8_t { one_hot, codes };

/// Options of automatic_steps.
struct AutomaticOptions {
  CategoryStyle categories = CategoryStyle::one_hot;
};
/// Steps, and in words why: "column \"rownames\" counts the rows, and is left out".
struct AutomaticSteps {
  std::vector<Step> steps{};
  std::vector<std::string> reasons{};
};
/// Whether a column only numbers the rows: 0, 1, 2, ... or 1, 2, 3, ... in any order, with gaps where some of the rows are in another file;
/// with larger gaps if it is called id, index, number or the like. Of 10 rows at least.
///
///     preprocess::counts_rows(data::Column::numeric("n", {1, 2, 3, 4, 5, 6, 8, 9, 10, 12}))   // true
bool counts_rows(const data::Column& column);

/// Looks at the training table and chooses: columns that say nothing (constant, empty, numbers of rows, a different category in nearly
/// every row, images) are left out; dates become parts, texts terms, missing numbers the median with an indicator; numbers are
/// standardised; categories become columns of zeros and ones, or codes, rare ones together. `target` is the column that is to be foretold,
/// "" for none.
AutomaticSteps automatic_steps(const data::Table& table, const std::string& target, const AutomaticOptions& options = {});

}  // namespace gradus::preprocess
