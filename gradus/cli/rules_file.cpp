// rules.toml.
#include "gradus/cli/rules_file.hpp"

#include <cmath>

#include "gradus/cli/section.hpp"

namespace gradus::cli {

using namespace core;

namespace {

constexpr int64_t kMostNames = 10'000;

std::vector<std::string> numbered(const char* letter, int64_t count) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < std::min(count, kMostNames); ++i) names.push_back(concat(letter, i));
  return names;
}

double unit_of(const preprocess::Target& target) {
  if (!target.exists()) return 1;
  return target.is_log ? std::exp(target.mean) * std::expm1(target.deviation) : target.deviation;
}

}  // namespace

train::RuleNames rule_names(const Recipe& recipe, const data::Dataset& set, const std::vector<std::string>& class_names) {
  train::RuleNames names;
  if (set.pipeline) names = train::rule_names(preprocess::Pipeline::from_datum(*set.pipeline, "data"));
  else if (set.x.rank() == 2) names.inputs = numbered("x", set.x.shape(1));
  const std::string& loss = recipe.loss.name();
  if (loss == "sparse_categorical_crossentropy" || loss == "categorical_crossentropy") names.kind = train::RuleOutputs::classes;
  else if (loss == "binary_crossentropy") names.kind = train::RuleOutputs::labels;
  else names.kind = train::RuleOutputs::numbers;
  if (set.pipeline && names.kind == train::RuleOutputs::numbers) return names;
  const int64_t width = set.y.rank() < 2 ? 1 : set.y.shape(1);
  const bool is_one_of_two = names.kind == train::RuleOutputs::labels && width == 1 && class_names.size() == 2;
  if (is_one_of_two) names.outputs = {class_names[1]};
  else names.outputs = class_names.empty() ? numbered("y", width) : class_names;
  return names;
}

train::Rules read_rules(const std::string& path, train::RuleNames names) {
  const Document document(path);
  const Section root(document);
  const auto logics = enum_names(train::RuleLogic{});
  const std::string logic = root.choice("logic", {logics.begin(), logics.end()}, "product");
  names.logic = logic == "product" ? train::RuleLogic::product : train::RuleLogic::lukasiewicz;
  root.require_entries("rule", "tables [[rule]] with a text each");
  std::vector<train::RuleText> rules;
  for (const toml::node& entry : *root.find("rule")->as_array()) {
    const toml::table* table = entry.as_table();
    if (!table) root.fail_at("rule", "each must be a table with a text");
    const Section section(document, *table, concat("rule[", rules.size(), "]"), entry.source());
    if (!section.has("text")) section.fail_missing("text", "a rule in quotes");
    // Of a target of numbers a miss is measured in its own unit, of which one may be little or much.
    rules.push_back(section.assigned(train::RuleText{.scale = unit_of(names.target)}));
    section.finish();
    try {
      train::Rules({rules.back()}, names);
    } catch (const Error& error) {
      section.fail_at("text", error.problem());
    }
  }
  root.finish();
  return train::Rules(rules, std::move(names));
}

}  // namespace gradus::cli
