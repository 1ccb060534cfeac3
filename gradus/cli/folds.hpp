// Models of a recipe that are trained aside, for the scores that they come to: trials of a search, folds of a cross-validation.
#pragma once

#include <functional>
#include <string>

#include "gradus/cli/recipe.hpp"
#include "gradus/train/cross_validation.hpp"
#include "gradus/train/report.hpp"

namespace gradus::cli {

/// How one is trained.
struct AttemptOptions {
  int64_t epochs = 0;    ///< 0: the recipe's. The schedule is that of the recipe's epochs all the same
  std::string folder{};  ///< of checkpoints, from which it goes on; "": none
};
struct Attempt {
  nn::Model model;
  train::History history{};
};
/// Trains without a word: as `gradus train` does, to the same bits, but for callbacks and the doctor. Throws an Error of kind interrupted
/// when a signal stopped it; it can be gone on with then.
Attempt attempt(const Recipe& recipe, const DataParts& data, const AttemptOptions& options = {});

/// Loss and metrics on the test samples of the parts.
train::Logs fold_scores(const Recipe& recipe, const DataParts& parts, const nn::Model& model);
/// Called after each fold, from 1.
using OnFold = std::function<void(int64_t fold, const train::Logs& scores)>;
/// Trains a model for each fold. Of tables there are further scores, in the unit of the target.
train::CrossValidation cross_validate(const Recipe& recipe, const FoldedData& data, const OnFold& on_fold);

/// A row a fold, the mean and the deviation; as a file and in a report.
std::string folds_csv(const train::CrossValidation& scores);
train::ReportTable folds_table(const train::CrossValidation& scores);

}  // namespace gradus::cli
