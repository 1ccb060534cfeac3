// The keys of recipes, as the structs that they fill describe them.
#pragma once

#include <string>
#include <vector>

#include "gradus/graph/fields.hpp"

namespace gradus::cli {

/// Keys that go together: those of one optimiser, say; without a name those that the whole part has.
struct KeyGroup {
  std::string name{}, text{};
  Described keys{};
  std::string alias{};  ///< it is found by this name too
};
/// A part of a recipe: [optimizer]. `chosen_by` is the key that names the group.
struct KeyPart {
  std::string name{}, text{}, chosen_by{};
  std::vector<KeyGroup> groups{};
};
std::vector<KeyPart> recipe_keys();
/// The groups of the keys at the top, and of parts of which the reader describes more than a table of things by name does.
std::vector<KeyGroup> root_keys();
std::vector<KeyGroup> data_keys();
std::vector<KeyGroup> preprocess_keys();
std::vector<KeyGroup> model_keys();
std::vector<KeyGroup> weights_keys();
std::vector<KeyGroup> optimizer_keys();
std::vector<KeyGroup> schedule_keys();
std::vector<KeyGroup> train_keys();
std::vector<KeyGroup> search_keys();

/// One part, or all, as plain text; with `group` only that. Throws for a name that there is not.
std::string keys_text(const std::string& part, const std::string& group);
/// The reference of all keys in Markdown: docs/recipes.md.
std::string keys_markdown();

}  // namespace gradus::cli
