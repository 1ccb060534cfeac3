// Recipes for tables.
#include "gradus/cli/automatic_recipe.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/recipe_table.hpp"
#include "gradus/cli/table_model.hpp"
#include "gradus/cli/toml_text.hpp"
#include "gradus/preprocess/automatic.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

using namespace core;
using data::Column;
using data::Table;

namespace {

constexpr int64_t kFewRows = 1000;

// A step with what differs from its defaults.
std::string step_line(const preprocess::Step& step) {
  const Datum given = step.to_datum();
  FieldReading reading;
  const Datum plain = preprocess::Step::from_datum(Datum(Datum::Table{{"type", step.name()}}), reading).to_datum();
  Datum::Table out;
  for (const auto& [name, value] : *given.get_if<Datum::Table>()) {
    const Datum* usual = plain.find(name);
    if (name == "type" || (name != "state" && (!usual || !(*usual == value)))) out.emplace_back(name, value);
  }
  return toml(Datum(std::move(out)));
}
// Of a required option the default cannot be made.
std::string step_text(const preprocess::Step& step) {
  const std::string_view name = step.name();
  const bool needs_columns = name == preprocess::Drop::kName || name == preprocess::Keep::kName || name == preprocess::MarkMissing::kName;
  return needs_columns ? toml(step.to_datum()) : step_line(step);
}

// What is known of the table before any model.
struct Facts {
  bool is_class = false, is_log = false;  // of the target
  int64_t rows = 0, classes = 0, numbers = 0, codes = 0;
};

struct ModelChoice {
  std::string layers, loss, optimizer, train, why;
};

int64_t epochs_for(int64_t rows) { return rows < 2000 ? 200 : rows < 5000 ? 60 : rows < 20000 ? 30 : 8; }

ModelChoice choose_model(const Facts& facts) {
  ModelChoice out;
  const int64_t outputs = !facts.is_class ? 1 : facts.classes;
  out.loss = facts.is_class ? "sparse_categorical_crossentropy" : "mean_squared_error";
  const int64_t batch = std::clamp<int64_t>(facts.rows / 32, 16, 256);
  if (facts.is_class && facts.rows < kFewRows) {
    out.layers = concat("  {type = \"Dense\", units = ", outputs, "},\n");
    out.optimizer = "name = \"adamw\"\nlearning_rate = 0.01\n";
    out.train = concat("solver = \"exact\"\nmetrics = [\"accuracy\"]\n");
    out.why =
        concat("with ", train::with_commas(facts.rows), " rows a linear model, fitted exactly; its penalty is chosen by cross-validation");
    return out;
  }
  const bool is_narrow = facts.numbers <= 32;
  if (is_narrow) {
    out.layers = concat("  {type = \"TableMLP\", outputs = ", outputs,
                        ", hidden = [256, 128], dropout = ", facts.rows > 20000 || facts.codes > 0 ? "0.3" : "0.1",
                        facts.numbers > 0 ? ", frequencies = 16, frequency_scale = 0.3" : "", "},\n");
    out.why = "a network of two hidden layers, numbers also as waves of them, categories as embeddings";
  } else {
    out.layers = concat("  {type = \"TableResNet\", outputs = ", outputs, ", width = 128, blocks = 2, dropout = 0.2},\n");
    out.why = "a residual network, since there are many numbers";
  }
  const int64_t epochs = is_narrow ? epochs_for(facts.rows) : facts.rows < 5000 ? 80 : 20;
  out.optimizer = concat("name = \"adamw\"\nlearning_rate = ", is_narrow ? "0.002" : "0.001",
                         "\nweight_decay = 0.01\n\n[schedule]\nname = \"cosine\"\nwarmup = ", 0.05 * static_cast<double>(epochs), "\n");
  out.train = concat("epochs = ", epochs, "\nbatch_size = ", batch, "\n", facts.is_class ? "metrics = [\"accuracy\"]\n" : "");
  return out;
}

Facts facts_of(const Table& table, const std::string& target, const AutomaticRecipeOptions& options,
               const std::vector<preprocess::Step>& steps) {
  const preprocess::TargetOptions how{.task = options.task, .scale = preprocess::TargetScale::automatic};
  preprocess::Pipeline pipeline(steps);
  pipeline.fit(table, target, how);
  Facts facts{.rows = table.rows()};
  facts.is_class = pipeline.target().is_class();
  facts.is_log = pipeline.target().is_log;
  facts.classes = static_cast<int64_t>(pipeline.target().class_names.size());
  facts.codes = static_cast<int64_t>(pipeline.code_sizes().size());
  facts.numbers = static_cast<int64_t>(pipeline.features().size()) - facts.codes;
  return facts;
}

std::string located(const std::string& path, const std::string& folder) {
  return folder.empty() ? path : std::filesystem::proximate(std::filesystem::absolute(path), folder).string();
}

// The lines of the recipe.
std::string recipe_text(const AutomaticRecipeOptions& options, const std::string& target, const std::vector<preprocess::Step>& steps,
                        const ModelChoice& model, const std::vector<std::string>& reasons) {
  std::string out = "# Chosen by gradus train for this table; every line may be changed.\n";
  for (const std::string& reason : reasons) out += concat("# - ", printable(reason), "\n");
  const std::string name = std::filesystem::path(options.table).stem().string();
  out += concat("\nname = ", toml_text(printable(name)),
                "\nseed = 0\n\n[data]\nsource = \"table\"\npath = ", toml_text(located(options.table, options.folder)),
                "\ntarget = ", toml_text(target), "\n");
  if (!options.test.empty()) out += concat("test_path = ", toml_text(located(options.test, options.folder)), "\n");
  if (options.task != preprocess::Task::automatic)
    out += concat("task = \"", enum_names(options.task)[static_cast<size_t>(options.task)], "\"\n");
  out += "\n[preprocess]\nsteps = [\n";
  for (const preprocess::Step& step : steps) out += concat("  ", step_text(step), ",\n");
  out += concat("]\n\n[model]\nlayers = [\n", model.layers, "]\n\n[loss]\nname = \"", model.loss, "\"\n\n[optimizer]\n", model.optimizer,
                "\n[train]\n", model.train);
  return out;
}

}  // namespace

bool is_table_path(const std::string& path) {
  std::filesystem::path name(path);
  if (name.extension() == ".gz" || name.extension() == ".zst") name = name.stem();
  static constexpr std::string_view ends[] = {".csv",    ".tsv", ".tab",    ".txt",     ".data", ".dat",  ".jsonl",
                                              ".ndjson", ".db",  ".sqlite", ".sqlite3", ".test", ".train"};
  return std::find(std::begin(ends), std::end(ends), name.extension().string()) != std::end(ends);
}

namespace {

AutomaticRecipe recipe_of(const AutomaticRecipeOptions& options, const Table& table, const std::string& target) {
  AutomaticRecipe out;
  const bool is_small = table.rows() < kFewRows;
  const preprocess::Target seen = preprocess::target_of(table[target], {.task = options.task, .scale = preprocess::TargetScale::automatic});
  // Linear models take categories as columns, networks as codes for embeddings.
  const auto style = seen.is_class() && is_small ? preprocess::CategoryStyle::one_hot : preprocess::CategoryStyle::codes;
  preprocess::AutomaticSteps steps = preprocess::automatic_steps(table, target, {.categories = style});
  const Facts facts = facts_of(table, target, options, steps.steps);
  const ModelChoice model = choose_model(facts);
  out.reasons = std::move(steps.reasons);
  out.reasons.insert(out.reasons.begin(), facts.is_class
                                              ? concat("target \"", target, "\": ", facts.classes, " classes")
                                              : concat("target \"", target, "\": a number",
                                                       facts.is_log ? ", learnt as its logarithm, since it lies far to one side" : ""));
  out.reasons.push_back(model.why);
  out.text = recipe_text(options, target, steps.steps, model, out.reasons);
  return out;
}

}  // namespace

AutomaticRecipe automatic_recipe(const AutomaticRecipeOptions& options) {
  const Table all = data::read_table(options.table);
  const std::string target = target_name(options.target, all.names(), options.table);
  std::vector<std::string> told_when_loaded;
  const Table table = with_target(all, target, options.table, told_when_loaded);
  return of_file(options.table, [&] { return recipe_of(options, table, target); });
}

}  // namespace gradus::cli
