// Linear models of recipes, solved exactly instead of trained.
#pragma once

#include "gradus/cli/recipe.hpp"
#include "gradus/models/linear.hpp"

namespace gradus::cli {

/// Name of a text among those of a model's file: the standard errors of a linear model, those of the intercepts first, then row after row
/// of its kernel.
inline constexpr const char* kErrorsText = "standard_errors";

/// The optimum of the recipe's one Dense layer on the training samples, set in the model; with the penalty of the recipe, or one chosen by
/// cross-validation. Its standard errors, if it has some, go into the model's texts. Throws, naming train.solver, for another model or
/// loss.
models::LinearFit solve_exactly(const Recipe& recipe, const data::Dataset& set, nn::Model& model);

}  // namespace gradus::cli
