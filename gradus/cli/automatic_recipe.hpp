// A recipe for a table: task, preprocessing, model and training chosen by what is in it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/preprocess/pipeline.hpp"

namespace gradus::cli {

struct AutomaticRecipeOptions {
  std::string table{}, target{}, test{};  ///< files, and the column
  std::string folder{};                   ///< from which the recipe's paths go; "": as they are
  preprocess::Task task = preprocess::Task::automatic;
};
/// The recipe as TOML, and the reasons for what it says, which stand in it as comments too.
struct AutomaticRecipe {
  std::string text{};
  std::vector<std::string> reasons{};
};
/// Reads the table. Throws for a target that is not there.
AutomaticRecipe automatic_recipe(const AutomaticRecipeOptions& options);

/// Whether what is to be trained is a table and no recipe, by the end of its name.
bool is_table_path(const std::string& path);

}  // namespace gradus::cli
