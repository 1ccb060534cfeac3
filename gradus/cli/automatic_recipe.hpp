// A recipe for a table: task, preprocessing, model and training chosen by what is in it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gradus/preprocess/pipeline.hpp"

namespace gradus::cli {

struct AutomaticRecipeOptions {
  std::string table{}, target{}, test{};  ///< files, and the column
  preprocess::Task task = preprocess::Task::automatic;
  std::vector<std::string> assignments{};  ///< of --set, which hold for the models that are compared too
  /// Whether models are compared on held-out training rows, where the table is small enough and no assignment is about the model; else it is
  /// chosen by the size of the table.
  bool compares = true;
  std::function<void(const std::string&)> on_begin{};  ///< called before that takes its time, with what is to be done
};
/// A recipe as TOML, and the reasons for what it says, which stand in it as comments too.
struct AutomaticRecipe {
  /// The text; paths in it go from `folder`, or are as they were given.
  std::function<std::string(const std::string& folder)> text{};
  std::vector<std::string> reasons{};
};
/// Reads the table. Throws for a target that is not there.
AutomaticRecipe automatic_recipe(const AutomaticRecipeOptions& options);

/// Whether what is to be trained is a table and no recipe, by the end of its name.
bool is_table_path(const std::string& path);

}  // namespace gradus::cli
