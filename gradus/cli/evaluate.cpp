// gradus evaluate: loss and metrics of a trained model on test data.
#include <algorithm>
#include <cstdio>

#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/group_report.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/cli/run_report.hpp"
#include "gradus/cli/samples.hpp"
#include "gradus/cli/table_model.hpp"
#include "gradus/cli/table_report.hpp"
#include "gradus/train/evaluation.hpp"
#include "gradus/train/fit.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

namespace {

struct EvaluateArguments {
  std::string model{}, file{}, recipe{};
  std::string group{}, favourable{};  // of tables
  std::vector<std::string> assignments{};
  int64_t batch_size = 128;
  bool uses_training_data = false, has_classes = false;
};

// The recipe that the model was trained by, unless another one is named: it says which data, loss and metrics.
Recipe recipe_for(const EvaluateArguments& arguments, const nn::Model& model) {
  if (!arguments.recipe.empty()) return read_recipe(arguments.recipe, arguments.assignments);
  if (!model.info.extra.contains(kRecipeText)) {
    fail(arguments.model, "the file holds no recipe that would say which data to use; name one with --data RECIPE");
  }
  return read_recipe_of(model.info, arguments.model, arguments.assignments);
}

// The data must be what the model was trained on: an error of its first layer would name neither.
void check_samples(const EvaluateArguments& arguments, const nn::ModelInfo& info, const data::Dataset& set) {
  if (info.input_shape.empty()) return;
  const Shape wanted(info.input_shape), given(std::span<const int64_t>(set.x.shape().begin() + 1, set.x.shape().end()));
  // Sequences are as long as the longest of their set.
  const int64_t from = set.x_lengths.empty() ? 0 : 1;
  const bool fits = given.rank() == wanted.rank() &&
                    std::equal(given.begin() + std::min(from, given.rank()), given.end(), wanted.begin() + std::min(from, wanted.rank()));
  if (!fits) fail(arguments.model, "the data holds samples of ", given, "; the model takes samples of ", wanted);
}

// Precision, recall and F1 of each class.
void print_classes(const EvaluateArguments& arguments, const nn::Model& model, const data::Dataset& set) {
  const Array output = train::predict(model, set, {.batch_size = arguments.batch_size});
  if (!train::is_classification(output, set)) fail(arguments.model, "--classes needs integer labels, one a sample");
  const train::ReportTable table = train::classify(output, set).class_table();
  std::vector<std::vector<std::string>> rows = table.rows;
  for (auto& row : rows) row[0] = core::printable(row[0]);
  rows.insert(rows.begin(), table.header);
  size_t widest = 0;
  for (const auto& row : rows) widest = std::max(widest, row[0].size());
  std::puts("");
  for (const auto& row : rows) {
    std::printf("%-*s", static_cast<int>(widest), row[0].c_str());
    for (size_t i = 1; i < row.size(); ++i) std::printf("  %9s", row[i].c_str());
    std::puts("");
  }
}

// What is evaluated; the table that it comes from, if it does.
struct Evaluated {
  data::Dataset set{};
  data::Table table{};
};

// The rows of a file of the user's, with their targets.
Evaluated rows_of(const EvaluateArguments& arguments, const nn::Model& model) {
  const TableModel tables = table_model(model.info, arguments.model);
  if (!tables.pipeline.is_fitted())
    fail(arguments.model, "the model takes no tables; its data are those of its recipe, or of --data RECIPE");
  const std::vector<std::string> others = arguments.group.empty() ? std::vector<std::string>() : std::vector<std::string>{arguments.group};
  LabelledRows rows = read_labelled(arguments.file, tables, others);
  print_notes(rows.notes);
  return {std::move(rows.set), std::move(rows.table)};
}

// The samples of the recipe, prepared as those of training were.
Evaluated recipe_set(const EvaluateArguments& arguments, const nn::Model& model, const Recipe& recipe, const char* what) {
  const DataParts data = recipe.data.load(model.info);
  const data::Dataset& set = arguments.uses_training_data ? data.train : data.test;
  if (set.size() == 0) fail(arguments.model, "the recipe has no ", what, " samples");
  check_samples(arguments, model.info, set);
  if (set.pipeline) return {set, arguments.uses_training_data ? data.train_table : data.test_table};
  return {as_trained(arguments.model, model.info, set), {}};
}

void run_evaluate(const EvaluateArguments& arguments) {
  const nn::Model model = load_model(arguments.model);
  const Recipe recipe = recipe_for(arguments, model);
  const char* what = !arguments.file.empty() ? "file" : arguments.uses_training_data ? "training" : "test";
  const Evaluated evaluated = arguments.file.empty() ? recipe_set(arguments, model, recipe, what) : rows_of(arguments, model);
  const data::Dataset& set = evaluated.set;
  if (!arguments.group.empty() && !set.pipeline) fail("--group", "is a column of a table, and ", arguments.model, " takes none");
  const std::vector<metrics::Metric> metrics = test_metrics(recipe, set);
  const train::Logs logs =
      train::evaluate(model, set, {.loss = recipe.loss, .metrics = metrics, .batch_size = arguments.batch_size, .verbose = false});
  std::printf("%s samples: %s\n", what, train::with_commas(set.size()).c_str());
  for (const auto& [name, value] : logs) std::printf("%s %s: %s\n", what, name.c_str(), metric_text(name, value).c_str());
  if (set.pipeline) {
    const Array output = train::predict(model, set, {.batch_size = arguments.batch_size});
    const preprocess::Pipeline pipeline = preprocess::pipeline_of(model.info);
    std::fputs(summary_text(table_summary(pipeline, output, set, {})).c_str(), stdout);
    if (!arguments.group.empty())
      std::fputs(group_text(pipeline, output, set, evaluated.table[arguments.group], arguments.favourable, "--group").c_str(), stdout);
  }
  if (arguments.has_classes) print_classes(arguments, model, set);
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto arguments = std::make_shared<EvaluateArguments>();
  Command command(app, "evaluate", "Loss and metrics of a trained model on its test data");
  command.positional("MODEL", arguments->model, "Run folder or model file", Need::required);
  command.positional("FILE", arguments->file, "Rows with their targets, for a model of tables (default: the test data of its recipe)");
  command.option("--data", "RECIPE", arguments->recipe, "Recipe whose data, loss and metrics to use (default: the model's own)");
  command.option("--set", "KEY=VALUE", arguments->assignments, "Change a key of the recipe, for example data.folder=DIR");
  command.flag("--train", arguments->uses_training_data, "On the training data instead");
  command.flag("--classes", arguments->has_classes, "Precision, recall and F1 of each class as well");
  command.option("--group", "COLUMN", arguments->group,
                 "Of tables: rates and errors of each value of a column as well, and the gaps between them");
  command.option("--favourable", "CLASS", arguments->favourable, "The class that is good to be given, for --group (default: the last one)");
  command.needs("--favourable", "--group");
  command.option("--batch-size", {1, int64_t{1} << 24}, arguments->batch_size, "Samples at a time (default: 128)");
  command.footer(R"(
  gradus evaluate runs/NAME-TIME --classes
  gradus evaluate runs/NAME-TIME people.csv --group sex --favourable yes
  gradus evaluate model.gradus --data recipes/mlp_fashion.toml --set data.folder=DIR)");
  command.runs([arguments] { run_evaluate(*arguments); });
}

}  // namespace gradus::cli
