// Recipes measured against each other on training samples that they were not trained on.
#pragma once

#include <cstdint>
#include <vector>

#include "gradus/cli/recipe.hpp"

namespace gradus::cli {

/// The training samples are divided into `parts`, of which the first `measured` are held out in turn; the mean loss of each recipe on them.
/// Test samples are not touched. The recipes are of the same data. A recipe whose loss is half as large again as the best after some parts is
/// given up; infinity for one that cannot be trained on them.
std::vector<double> held_out_losses(const std::vector<Recipe>& recipes, int64_t parts, int64_t measured);

}  // namespace gradus::cli
