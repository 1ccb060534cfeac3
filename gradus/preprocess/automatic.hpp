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
/// Looks at the training table and chooses: columns that say nothing (constant, empty, numbers of rows, a different category in nearly
/// every row, images) are left out; dates become parts, texts terms, missing numbers the median with an indicator; numbers are
/// standardised; categories become columns of zeros and ones, or codes, rare ones together. `target` is the column that is to be foretold,
/// "" for none.
AutomaticSteps automatic_steps(const data::Table& table, const std::string& target, const AutomaticOptions& options = {});

}  // namespace gradus::preprocess
