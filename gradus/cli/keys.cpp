// The reference of recipe keys, made from what the options themselves say; and the command that shows it.
#include "gradus/cli/keys.hpp"

#include <algorithm>
#include <cstdio>

#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/nn/activation_kinds.hpp"
#include "gradus/nn/factory.hpp"
#include "gradus/nn/initializer_kinds.hpp"
#include "gradus/nn/loss_kinds.hpp"
#include "gradus/optim/kinds.hpp"
#include "gradus/train/callback_kinds.hpp"
#include "gradus/metrics/metric_kinds.hpp"

namespace gradus::cli {

namespace {

// One of each kind, made once and for ever, as all defaults are.
const std::vector<nn::Layer>& layers_of_all_kinds() {
  static const std::vector<nn::Layer>& layers = *[] {
    auto* all = new std::vector<nn::Layer>;
    for (const nn::LayerKind& kind : nn::layer_kinds()) all->push_back(kind.make());
    return all;
  }();
  return layers;
}

// As a recipe has it.
std::string toml(const Datum& value) {
  if (const Datum::Table* table = value.get_if<Datum::Table>()) {
    std::string out;
    for (const auto& [name, entry] : *table) out += concat(out.empty() ? "" : ", ", name, " = ", toml(entry));
    return "{" + out + "}";
  }
  if (const Datum::List* list = value.get_if<Datum::List>()) {
    std::string out;
    for (const Datum& entry : *list) out += (out.empty() ? "" : ", ") + toml(entry);
    return "[" + out + "]";
  }
  return to_text(value);
}

struct KeyLine {
  std::string name, value, text;
};
KeyLine line_of(const FieldRow& row, const void* defaults) {
  FieldWriting writing;
  const std::string expected = row.expected_of(defaults);
  return {row.name, row.note.is_required ? "(needed)" : toml(row.write(defaults, writing)),
          row.note.text.empty() ? expected : concat(row.note.text, " (", expected, ")")};
}

const KeyPart& part_of(const std::vector<KeyPart>& parts, const std::string& name) {
  std::vector<std::string> names;
  for (const KeyPart& part : parts) {
    if (part.name == name) return part;
    names.push_back(part.name);
  }
  fail("keys", "recipes have no part ", name, instead_of(name, names));
}

std::string text_of(const KeyPart& part, const std::string& only) {
  std::string out = only.empty() ? concat("[", part.name, "]  ", part.text, "\n") : std::string();
  bool is_found = only.empty();
  std::vector<std::string> names;
  for (const KeyGroup& group : part.groups) {
    if (!group.name.empty()) names.push_back(group.name);
    if (!only.empty() && group.name != only && (group.alias.empty() || group.alias != only)) continue;
    is_found = true;
    if (!group.name.empty()) out += concat("\n  ", part.chosen_by, " = \"", group.name, "\"   ", group.text, "\n");
    size_t width = 0;
    std::vector<KeyLine> lines;
    for (const FieldRow& row : *group.keys.fields) {
      lines.push_back(line_of(row, group.keys.defaults));
      width = std::max(width, lines.back().name.size() + lines.back().value.size());
    }
    for (const KeyLine& line : lines) {
      const size_t used = line.name.size() + line.value.size();
      out += concat("    ", line.name, " = ", line.value, std::string(width - used + 3, ' '), line.text, "\n");
    }
  }
  if (is_found) return out;
  fail("keys", "[", part.name, "] has no ", only, instead_of(only, names));
}

// A cell of a table must not hold its border.
std::string cell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.replace(at, 1, "\\|");
  return text;
}

}  // namespace

std::vector<KeyPart> recipe_keys() {
  std::vector<KeyPart> parts;
  parts.push_back({"recipe", "keys at the top, before any part", "", root_keys()});
  parts.push_back(
      {"data", "where the samples come from and how they are divided; files are found from the recipe's folder", "source", data_keys()});
  parts.push_back({"preprocess", "of a table: steps = [...], each a table with its type, or its name alone", "type", preprocess_keys()});
  KeyPart layers{"model", "layers = [...], each a table with its type", "type", model_keys()};
  size_t number = 0;
  for (const nn::LayerKind& kind : nn::layer_kinds()) {
    const nn::Layer& layer = layers_of_all_kinds()[number++];
    layers.groups.push_back({std::string(kind.name), std::string(kind.text), {&layer.fields(), layer.module()}});
  }
  parts.push_back(std::move(layers));
  parts.push_back({"weights", "of the model, where model.weights is a table", "", weights_keys()});
  KeyPart activations{"activation", "of a layer: a name, or a table with name and parameters", "name", {}};
  for (const nn::ActivationKind& kind : nn::activation_kinds())
    activations.groups.push_back({std::string(kind.name), std::string(kind.text), kind.parameters()});
  parts.push_back(std::move(activations));
  KeyPart initializers{"initializer", "of a layer: a name, or a table with name and parameters", "name", {}};
  for (const nn::InitializerKind& kind : nn::initializer_kinds())
    initializers.groups.push_back({std::string(kind.name), std::string(kind.text), kind.parameters(), std::string(kind.alias)});
  parts.push_back(std::move(initializers));
  KeyPart losses{"loss", "what training makes small", "name", {}};
  for (const loss::LossKind& kind : loss::loss_kinds())
    losses.groups.push_back({std::string(kind.name), std::string(kind.text), kind.options(), std::string(kind.alias)});
  parts.push_back(std::move(losses));
  parts.push_back({"optimizer", "how parameters move", "name", optimizer_keys()});
  parts.push_back({"group",
                   "of the optimizer: groups = [...], each a table; a parameter belongs to the first that names it",
                   "",
                   {{"", "", described<optim::ParameterGroup>()}}});
  parts.push_back({"schedule", "how the rate changes; times are epochs", "name", schedule_keys()});
  parts.push_back({"train", "how long, and what is watched", "", train_keys()});
  KeyPart metrics{"metrics", "train.metrics = [...], a list of names", "a name", {}};
  for (const metrics::MetricKind& kind : metrics::metric_kinds())
    metrics.groups.push_back({std::string(kind.name), std::string(kind.text), described<NoFields>(), std::string(kind.alias)});
  parts.push_back(std::move(metrics));
  KeyPart callbacks{"callbacks", "train.callbacks = [...], a list of names or tables", "name", {}};
  for (const train::CallbackKind& kind : train::callback_kinds())
    callbacks.groups.push_back({std::string(kind.name), std::string(kind.text), kind.options()});
  parts.push_back(std::move(callbacks));
  parts.push_back({"search", "what `gradus search` tries, see docs/search.md; training leaves it out", "a distribution", search_keys()});
  return parts;
}

std::string keys_text(const std::string& part, const std::string& group) {
  const std::vector<KeyPart> parts = recipe_keys();
  if (!part.empty()) return text_of(part_of(parts, part), group);
  std::string out;
  for (const KeyPart& each : parts) out += (out.empty() ? "" : "\n") + text_of(each, "");
  return out;
}

std::string keys_markdown() {
  std::string out =
      "# Keys of recipes\n\n`gradus keys` prints these tables, `gradus keys optimizer` one part, `gradus keys optimizer adam` one group.\n";
  for (const KeyPart& part : recipe_keys()) {
    out += concat("\n## ", part.name, "\n\n", part.text, "\n");
    for (const KeyGroup& group : part.groups) {
      if (!group.name.empty()) out += concat("\n**", group.name, "**: ", cell(group.text), "\n");
      else if (!group.text.empty()) out += concat("\n", group.text, "\n");
      if (group.keys.fields->empty()) continue;
      out += "\n| key | default | |\n|---|---|---|\n";
      for (const FieldRow& row : *group.keys.fields) {
        const KeyLine line = line_of(row, group.keys.defaults);
        out += concat("| `", line.name, "` | ", row.note.is_required ? "needed" : "`" + cell(line.value) + "`", " | ", cell(line.text),
                      " |\n");
      }
    }
  }
  return out;
}

void add_keys(CLI::App& app) {
  struct Options {
    std::string part, group;
    bool is_markdown = false;
  };
  const auto options = std::make_shared<Options>();
  Command command(app, "keys", "Show the keys that recipes may have, with their defaults");
  command.positional("part", options->part, "A part of recipes: optimizer, loss, model, ...");
  command.positional("group", options->group, "One of that part: adam, huber, Dense, ...");
  command.flag("--markdown", options->is_markdown, "All of them as docs/recipes.md has them");
  command.runs([options] {
    const std::string text = options->is_markdown ? keys_markdown() : keys_text(options->part, options->group);
    std::fwrite(text.data(), 1, text.size(), stdout);
  });
}

}  // namespace gradus::cli
