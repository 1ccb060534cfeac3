// Recipes for tables.
#include "gradus/cli/automatic_recipe.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/held_out.hpp"
#include "gradus/cli/recipe_table.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/cli/table_model.hpp"
#include "gradus/cli/toml_text.hpp"
#include "gradus/preprocess/automatic.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

using namespace core;
using data::Column;
using data::Table;

namespace {

constexpr int64_t kFewRows = 1000, kManyNumbers = 32;
// What comparing models costs stays below some seconds.
constexpr int64_t kLeastCompared = 20, kMostCompared = 5000, kMostCells = 2'000'000;
constexpr double kWorthIt = 1.01;  // times the best loss a simpler model may have

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
  int64_t rows = 0, classes = 0, numbers = 0, codes = 0, categories = 0;
  int64_t outputs() const { return is_class ? classes : 1; }
  int64_t cells() const { return rows * (numbers + categories) * outputs(); }  // of a linear model's columns
};

struct ModelChoice {
  std::string what{}, layers{}, optimizer{}, train{};
  bool is_linear = false;  // and takes categories as columns of zeros and ones
};

// Linear models are solved, whatever [optimizer] says.
ModelChoice linear_model(const Facts& facts) {
  ModelChoice out{.what = "a linear model, fitted exactly, its penalty chosen by cross-validation", .is_linear = true};
  out.layers = concat("  {type = \"Dense\", units = ", facts.outputs(), "},\n");
  out.optimizer = "name = \"adamw\"\nlearning_rate = 0.01\n";
  out.train = "solver = \"exact\"\n";
  return out;
}

struct Training {
  double rate;
  int64_t epochs;
};
ModelChoice network(const Facts& facts, std::string what, std::string layer, const Training& training) {
  ModelChoice out{.what = std::move(what), .layers = concat("  {", layer, "},\n")};
  out.optimizer =
      concat("name = \"adamw\"\nlearning_rate = ", training.rate,
             "\nweight_decay = 0.01\n\n[schedule]\nname = \"cosine\"\nwarmup = ", 0.05 * static_cast<double>(training.epochs), "\n");
  out.train = concat("epochs = ", training.epochs, "\nbatch_size = ", std::clamp<int64_t>(facts.rows / 32, 16, 256), "\n");
  return out;
}

int64_t epochs_for(int64_t rows) { return rows < 2000 ? 200 : rows < 5000 ? 60 : rows < 20000 ? 30 : 8; }

ModelChoice perceptron(const Facts& facts, const char* dropout, bool has_waves, int64_t epochs) {
  const bool waves = has_waves && facts.numbers > 0;
  return network(facts,
                 concat("a network of two hidden layers", waves ? ", numbers also as waves of them" : "",
                        facts.codes > 0 ? ", categories as embeddings" : "", ", ", epochs, " epochs"),
                 concat("type = \"TableMLP\", outputs = ", facts.outputs(), ", hidden = [256, 128], dropout = ", dropout,
                        waves ? ", frequencies = 16, frequency_scale = 0.3" : ""),
                 {0.002, epochs});
}
ModelChoice residual_network(const Facts& facts) {
  const int64_t epochs = facts.rows < 5000 ? 80 : 20;
  return network(facts, concat("a residual network, since there are many numbers, ", epochs, " epochs"),
                 concat("type = \"TableResNet\", outputs = ", facts.outputs(), ", width = 128, blocks = 2, dropout = 0.2"),
                 {0.001, epochs});
}

// What suits a table of this size.
ModelChoice usual_model(const Facts& facts) {
  if (facts.rows < (facts.is_class ? kFewRows : kLeastCompared)) return linear_model(facts);
  if (facts.numbers > kManyNumbers) return residual_network(facts);
  return perceptron(facts, facts.rows > 20000 || facts.codes > 0 ? "0.3" : "0.1", true, epochs_for(facts.rows));
}
// What may suit a small table better, the simplest first.
std::vector<ModelChoice> models_to_compare(const Facts& facts) {
  const int64_t epochs = epochs_for(facts.rows), few = epochs / 4;
  if (facts.numbers > kManyNumbers)
    return {linear_model(facts), perceptron(facts, "0.1", false, few), perceptron(facts, "0.3", false, epochs), residual_network(facts)};
  return {linear_model(facts), perceptron(facts, "0.1", false, few), perceptron(facts, "0.3", true, few),
          perceptron(facts, facts.codes > 0 ? "0.3" : "0.1", true, epochs)};
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
  const std::vector<int64_t> sizes = pipeline.code_sizes();
  facts.codes = static_cast<int64_t>(sizes.size());
  facts.categories = std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
  facts.numbers = static_cast<int64_t>(pipeline.features().size()) - facts.codes;
  return facts;
}

std::string located(const std::string& path, const std::string& folder) {
  return folder.empty() ? path : std::filesystem::proximate(std::filesystem::absolute(path), folder).string();
}

// What a recipe says beside its steps and its model.
struct Frame {
  const AutomaticRecipeOptions& options;
  std::string target;
  Facts facts;
};

// The lines of the recipe.
std::string recipe_text(const Frame& frame, const std::vector<preprocess::Step>& steps, const ModelChoice& model,
                        const std::vector<std::string>& reasons, const std::string& folder) {
  const AutomaticRecipeOptions& options = frame.options;
  std::string out = "# Chosen by gradus train for this table; every line may be changed.\n";
  for (const std::string& reason : reasons) out += concat("# - ", printable(reason), "\n");
  const std::string name = std::filesystem::path(options.table).stem().string();
  out += concat("\nname = ", toml_text(printable(name)),
                "\nseed = 0\n\n[data]\nsource = \"table\"\npath = ", toml_text(located(options.table, folder)),
                "\ntarget = ", toml_text(frame.target), "\n");
  if (!options.test.empty()) out += concat("test_path = ", toml_text(located(options.test, folder)), "\n");
  // Decided by all rows: those for training might be few enough to say something else.
  out += concat("task = \"", frame.facts.is_class ? "classification" : "regression", "\"\n");
  out += "\n[preprocess]\nsteps = [\n";
  for (const preprocess::Step& step : steps) out += concat("  ", step_text(step), ",\n");
  return out + concat("]\n\n[model]\nlayers = [\n", model.layers, "]\n\n[loss]\nname = \"",
                      frame.facts.is_class ? "sparse_categorical_crossentropy" : "mean_squared_error", "\"\n\n[optimizer]\n",
                      model.optimizer, "\n[train]\n", model.train, frame.facts.is_class ? "metrics = [\"accuracy\"]\n" : "");
}

// Steps for linear models and for networks.
struct StepChoices {
  preprocess::AutomaticSteps linear, network;
  const preprocess::AutomaticSteps& operator()(const ModelChoice& model) const { return model.is_linear ? linear : network; }
};

// Whether --set leaves the model to the comparison.
bool are_about_data(const std::vector<std::string>& assignments) {
  return std::all_of(assignments.begin(), assignments.end(), [](const std::string& assignment) {
    return assignment.starts_with("seed") || assignment.starts_with("data.") || assignment.starts_with("name");
  });
}
bool can_compare(const Frame& frame) {
  const Facts& facts = frame.facts;
  return frame.options.compares && facts.rows >= kLeastCompared && facts.rows < kMostCompared && facts.cells() <= kMostCells &&
         are_about_data(frame.options.assignments);
}

std::string four_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

// The model of the least loss on held-out rows, or a simpler one that comes near; `why` says how it came to be.
ModelChoice compared(const Frame& frame, const StepChoices& steps, std::string& why) {
  std::vector<ModelChoice> models = models_to_compare(frame.facts);
  const int64_t rows = frame.facts.rows, parts = rows < 300 ? 5 : rows < kFewRows ? 3 : 4, measured = rows < kFewRows ? parts : 1;
  if (frame.options.on_begin) frame.options.on_begin(concat(models.size(), " models on training rows that are held out"));
  std::vector<Recipe> recipes;
  for (const ModelChoice& model : models) {
    Document document("recipe of " + frame.options.table, recipe_text(frame, steps(model).steps, model, {}, ""));
    for (const std::string& assignment : frame.options.assignments) document.set(assignment);
    recipes.push_back(read_recipe(document));
  }
  const std::vector<double> losses = held_out_losses(recipes, parts, measured);
  const double best = *std::min_element(losses.begin(), losses.end());
  if (!std::isfinite(best)) return usual_model(frame.facts);
  const auto chosen = std::find_if(losses.begin(), losses.end(), [&](double loss) { return loss <= best * kWorthIt; }) - losses.begin();
  why = concat("its loss on training rows that were held out is ", four_digits(losses[static_cast<size_t>(chosen)]), "; of the others:");
  for (size_t i = 0; i < models.size(); ++i) {
    if (static_cast<int64_t>(i) != chosen) why += concat(" ", four_digits(losses[i]), " (", models[i].what, "),");
  }
  why.pop_back();
  return models[static_cast<size_t>(chosen)];
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
  const preprocess::TargetOptions how{.task = options.task, .scale = preprocess::TargetScale::automatic};
  preprocess::target_of(table[target], how);  // throws for a column that is no target
  // Linear models take categories as columns, networks as codes for embeddings.
  const StepChoices steps{preprocess::automatic_steps(table, target, {.categories = preprocess::CategoryStyle::one_hot}),
                          preprocess::automatic_steps(table, target, {.categories = preprocess::CategoryStyle::codes})};
  const Frame frame{options, target, facts_of(table, target, options, steps.network.steps)};
  std::string why;
  const ModelChoice model = can_compare(frame) ? compared(frame, steps, why) : usual_model(frame.facts);
  AutomaticRecipe out;
  out.reasons.push_back(frame.facts.is_class
                            ? concat("target \"", target, "\": ", frame.facts.classes, " classes")
                            : concat("target \"", target, "\": a number",
                                     frame.facts.is_log ? ", learnt as its logarithm, since it lies far to one side" : ""));
  const std::vector<std::string>& of_steps = steps(model).reasons;
  out.reasons.insert(out.reasons.end(), of_steps.begin(), of_steps.end());
  out.reasons.push_back(model.what);
  if (!why.empty()) out.reasons.push_back(why);
  out.text = [options, target, facts = frame.facts, chosen = steps(model).steps, model, reasons = out.reasons](const std::string& folder) {
    return recipe_text({options, target, facts}, chosen, model, reasons, folder);
  };
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
