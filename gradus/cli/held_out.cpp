// Recipes against each other.
#include "gradus/cli/held_out.hpp"

#include <cmath>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/cli/folds.hpp"

namespace gradus::cli {

namespace {

double held_out_loss(const Recipe& recipe, int64_t parts, int64_t measured) {
  const FoldedData folds = recipe.data.folds(nn::ModelInfo(), parts);
  double sum = 0;
  for (int64_t fold = 0; fold < measured; ++fold) {
    const DataParts data = folds.parts(fold);
    sum += fold_scores(recipe, data, attempt(recipe, data).model)["loss"];
  }
  return std::isfinite(sum) ? sum / static_cast<double>(measured) : std::numeric_limits<double>::infinity();
}

}  // namespace

std::vector<double> held_out_losses(const std::vector<Recipe>& recipes, int64_t parts, int64_t measured) {
  std::vector<double> losses;
  for (const Recipe& recipe : recipes) {
    try {
      losses.push_back(held_out_loss(recipe, parts, measured));
    } catch (const Error& error) {
      if (error.kind() == Error::Kind::interrupted) throw;
      losses.push_back(std::numeric_limits<double>::infinity());
    }
  }
  return losses;
}

}  // namespace gradus::cli
