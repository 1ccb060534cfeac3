// The part [search] of recipes: which keys are tried with which values, and how. Only `gradus search` reads it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/train/history.hpp"
#include "gradus/train/search.hpp"

namespace gradus::cli {

/// automatic: hyperband where training is long enough for it.
enum class SearchBy : uint8_t { automatic, random, hyperband };
std::span<const std::string_view> enum_names(SearchBy);

struct SearchKeys {
  SearchBy method = SearchBy::automatic;
  int64_t trials = 0;
  std::string metric = "val_loss";
  int64_t min_epochs = 1, reduction = 3, folds = 0, seed = 0;
  GRADUS_OPTIONS(method, trials, metric, min_epochs, reduction, folds, seed)
};

struct RecipeSearch {
  SearchKeys keys{};
  train::SearchSpace space{};
  std::vector<std::string> places{};  ///< of what is searched, for messages
  bool is_hyperband = false;
  /// Of the metric, without "val_".
  std::string score() const { return keys.metric.starts_with("val_") ? keys.metric.substr(4) : keys.metric; }
  bool more_is_better() const { return train::is_gain("val_" + score()); }
  /// Whether other values make other samples, so that they cannot be loaded once for all trials.
  bool changes_data() const;
};

/// Share of the training samples that is held out where the recipe says nothing of validation.
inline constexpr double kSearchValidation = 0.2;

/// Reads and checks [search]: every value that a key may take is read as the recipe's. What is wrong is an error that names file, line and
/// key. `recipe` is that of the document. Adds data.validation to the document where trials need it.
RecipeSearch read_search(Document& document, const Recipe& recipe);

/// The document with the values of a trial, without [search].
Document with_values(const Document& document, const Datum::Table& values);

/// A part [search] that suits the recipe which is chosen for a table.
std::string automatic_search(const std::string& recipe_text);

}  // namespace gradus::cli
