// What the doctor is given by the command line: the columns of tables, and test samples.
#pragma once

#include <vector>

#include "gradus/cli/recipe.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/train/finding.hpp"

namespace gradus::cli {

/// Of a table's columns before any preprocessing, and of copies of training samples among the test samples: what fit does not see.
std::vector<train::Finding> data_findings(const DataParts& data);
/// All that can be said before the first step: of the recipe's data, loss, metrics, optimiser, and the model, which is built.
std::vector<train::Finding> all_findings(const Recipe& recipe, const DataParts& data, const nn::Model& model);
/// The first findings, and those of the second that are of something else.
std::vector<train::Finding> joined(std::vector<train::Finding> first, const std::vector<train::Finding>& second);

}  // namespace gradus::cli
