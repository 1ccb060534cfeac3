// How a recipe is trained, for the commands that do it: train, search, find-rate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/cli/recipe.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/models/linear.hpp"
#include "gradus/train/fit.hpp"
#include "gradus/train/rules.hpp"

namespace gradus::cli {

/// What the command line says of a table, in place of a recipe.
struct TableArguments {
  std::string table{}, target{}, test{}, task{};
  std::string written{};  ///< file that the recipe is written to; "": none
  bool is_quiet = false;
  bool compares = false;                   ///< whether models are compared for it, where it is small; see AutomaticRecipeOptions
  std::vector<std::string> assignments{};  ///< of --set, by which those are changed too
};
/// Whether what is to be trained is a table.
bool is_table(const TableArguments& arguments);
/// The recipe that is chosen for a table, whose choices are printed. `more` stands below it.
Document document_for_table(const TableArguments& arguments, const std::string& more = "");
/// The recipe in a file, or for a table, with the changes of --set. Throws for options that are for tables where there is none.
Document read_document(const TableArguments& arguments, const std::vector<std::string>& assignments, const std::string& more = "");

/// The recipe's model for these samples, without parameters.
nn::Model model_of(const Recipe& recipe, const data::Dataset& set);

/// How texts and tables become numbers where parameters are there already, which belong to tokens and features: as for the run that goes on
/// (`resumed`), or for the model that training starts from.
nn::ModelInfo inputs_of(const Start& start, const RunFolder* resumed = nullptr);
/// The parameters of an earlier model, if the recipe starts from one.
void start_from(const Start& start, nn::Model& model, const data::Dataset& set, bool is_quiet);

/// The rules of train.rules; none where it is empty.
train::Rules rules_of(const Recipe& recipe, const DataParts& data, const nn::Model& model);

/// Steps of the recipe's optimiser in all its epochs.
optim::RunLength run_length(const Recipe& recipe, const data::Dataset& set);
/// What the recipe says of training; callbacks, checkpoints and what is printed are left to the command.
train::FitOptions fit_options(const Recipe& recipe, const DataParts& data);
/// Trains by gradients, with the recipe's rules if it has some.
train::History fit_recipe(const Recipe& recipe, const DataParts& data, nn::Model& model, train::FitOptions options);

/// A linear model's optimum in place of training: a history of one epoch.
struct Solution {
  train::History history{};
  models::LinearFit fit{};
};
Solution solve_recipe(const Recipe& recipe, const DataParts& data, nn::Model& model);

}  // namespace gradus::cli
