// The [model] part of recipes: layers by type, which say themselves which fields they have; and the file to start from.
#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/cli/keys.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/preprocess/pipeline.hpp"

namespace gradus::core {

/// A path, or a table with it as `from`.
template <>
struct FieldType<cli::Start> {
  static std::string expected(const FieldNote&, const cli::Start&) { return "a text in quotes, or a table"; }
  static Datum write(const cli::Start& value, FieldWriting&) { return value.from; }
  static bool read(cli::Start& value, const Datum& given, const FieldNote&, FieldReading& reading);
};

}  // namespace gradus::core

namespace gradus::cli {

namespace {

struct ModelKeys {
  Start weights{};
  GRADUS_OPTIONS(weights)
};
std::span<const FieldNote> ModelKeys::field_notes() {
  static constexpr FieldNote notes[] = {{"weights", "a model file or run folder whose parameters training starts from, see weights"}};
  return notes;
}

struct StartKeys {
  std::string from{};
  GRADUS_OPTIONS(from)
};
std::span<const FieldNote> StartKeys::field_notes() {
  static constexpr FieldNote notes[] = {{"from", "a model file or a run folder", {}, true}};
  return notes;
}

}  // namespace

namespace {

constexpr std::string_view kVocabularies[] = {"vocabulary", "source_vocabulary", "target_vocabulary"}, kOfTables[] = {"outputs", "categories"};
bool is_among(std::span<const std::string_view> names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

// Fields that the data settle, and for which nothing is given.
std::vector<DataField> left_to_data(const nn::Sequential& model, const Datum::Table& given) {
  std::vector<DataField> out;
  const Datum* layers = find(given, "layers");
  const Datum::List* list = layers ? layers->get_if<Datum::List>() : nullptr;
  for (size_t i = 0; list && i < model.size(); ++i) {
    const bool is_for_tables = model[i].type().starts_with("Table");
    for (const FieldRow& row : model[i].fields()) {
      const bool is_settled = is_among(kVocabularies, row.name) || (is_for_tables && is_among(kOfTables, row.name));
      if (is_settled && !(*list)[i].find(row.name)) out.push_back({i, row.name});
    }
  }
  return out;
}

// What the samples say of such a field.
Datum settled(const DataField& field, const data::Dataset& set) {
  if (is_among(kOfTables, field.name)) {
    const preprocess::Pipeline pipeline = set.pipeline ? preprocess::Pipeline::from_datum(*set.pipeline, "data") : preprocess::Pipeline();
    if (field.name == "outputs") return static_cast<int64_t>(std::max<size_t>(set.class_names.size(), 1));
    FieldWriting writing;
    return FieldType<std::vector<int64_t>>::write(pipeline.code_sizes(), writing);
  }
  if (!set.tokenizer.exists())
    fail(concat("model.layers[", field.layer, "].", field.name), "is missing; it must be said, since the data has no tokenizer");
  return set.tokenizer.vocabulary_size();
}

}  // namespace

void read_model(const Section& section, Recipe& recipe) {
  section.require_entries("layers", "a list of layers, for example [{type = \"Dense\", units = 10}]");
  nn::Sequential& model = recipe.model;
  ModelKeys keys;
  section.read_fields([&](const Datum::Table& given, FieldReading& reading, std::span<const std::string>) {
    static const std::string own[] = {"layers"}, others[] = {"weights"};
    assign_fields(fields_of(keys), &keys, given, reading, own);
    read_fields(fields_of(model), &model, given, reading, others);
    model.check();
    recipe.by_data = left_to_data(model, given);
  });
  const bool is_table = section.find("weights") && section.find("weights")->is_table();
  keys.weights.from = section.located(is_table ? "weights.from" : "weights", keys.weights.from);
  recipe.start = std::move(keys.weights);
}

nn::Sequential model_for(const Recipe& recipe, const data::Dataset& set) {
  nn::Sequential model = recipe.model;
  for (size_t i = 0; i < model.size(); ++i) {
    Datum::Table fields;
    for (const DataField& field : recipe.by_data) {
      if (field.layer == i) fields.emplace_back(field.name, settled(field, set));
    }
    FieldReading reading;
    if (!fields.empty()) model[i].read(fields, reading, {});
  }
  return model;
}

std::vector<KeyGroup> model_keys() { return {{"", "beside the layers", described<ModelKeys>()}}; }
std::vector<KeyGroup> weights_keys() { return {{"", "", described<StartKeys>()}, {"", "", described<io::LoadOptions>()}}; }

}  // namespace gradus::cli

namespace gradus::core {

bool FieldType<cli::Start>::read(cli::Start& value, const Datum& given, const FieldNote&, FieldReading& reading) {
  if (const std::string* path = given.get_if<std::string>()) {
    value = {.from = *path};
    return true;
  }
  const Datum::Table* table = given.get_if<Datum::Table>();
  if (!table) return false;
  cli::StartKeys keys;
  static const std::string own[] = {"from"};
  std::vector<std::string> others;
  for (const FieldRow& row : fields_of(value.options)) others.push_back(row.name);
  assign_fields(fields_of(keys), &keys, *table, reading, others);
  read_fields(fields_of(value.options), &value.options, *table, reading, own);
  value.from = keys.from;
  return true;
}

}  // namespace gradus::core
