// What a search has found, as text and as a page.
#pragma once

#include <string>

#include "gradus/cli/recipe_search.hpp"
#include "gradus/train/report.hpp"

namespace gradus::cli {

/// What was searched, and how.
struct SearchSummary {
  const std::string& name;  ///< of the recipe
  const RecipeSearch& search;
  const train::SearchResult& result;
  const std::string& best;  ///< text of the recipe with the best values
};
/// The best trials in a table; what failed, with the reasons.
std::string search_text(const SearchSummary& summary);
/// Best so far over the trials, the score over each key, all trials.
train::Report search_report(const SearchSummary& summary);

}  // namespace gradus::cli
