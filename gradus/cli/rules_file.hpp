// Rules of a recipe: rules.toml, and what the names in it stand for.
#pragma once

#include "gradus/cli/recipe.hpp"
#include "gradus/train/rules.hpp"

namespace gradus::cli {

/// What rules may speak of: the classes, or outputs y0, y1, ...; and inputs x0, x1, ... where samples are rows of numbers, of tables the
/// columns by their names, and the target.
train::RuleNames rule_names(const Recipe& recipe, const data::Dataset& set, const std::vector<std::string>& class_names);
/// Reads `logic` and the tables of `[[rule]]`: text, weight, scale (by default 1, of a table's number about its deviation). Throws naming
/// the file and the rule.
train::Rules read_rules(const std::string& path, train::RuleNames names);

}  // namespace gradus::cli
