// gradus find-rate: the learning-rate range test of a recipe.
#include <csignal>
#include <cstdio>

#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/table_model.hpp"
#include "gradus/cli/training.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/train/rate_range.hpp"
#include "gradus/train/report.hpp"

namespace gradus::cli {

namespace {

struct RateArguments {
  TableArguments what{};
  std::string seed{}, out = "rate.html";
  std::vector<std::string> assignments{};
  double low = 1e-6, high = 10;
  int64_t steps = 200;
};

std::string digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return value == 0 ? "none" : text;
}

train::Report report_of(const Recipe& recipe, const train::RateRange& range) {
  train::Report report{.title = recipe.name, .subtitle = "A learning-rate range test of Gradus: " + train::to_text(range)};
  report.headlines = {{"learning rate", digits(range.suggestion())},
                      {"loss falls fastest at", digits(range.steepest)},
                      {"a tenth of where it is least", digits(range.safe)}};
  report.charts.push_back(train::to_chart(range));
  report.recipe = recipe.text;
  return report;
}

void run_find_rate(const RateArguments& arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  const Recipe recipe = read_recipe(read_document(arguments.what, arguments.assignments));
  if (recipe.train.solver == Solver::exact) fail("train.solver", "is exact, which has no learning rate to be found");
  const DataParts data = recipe.data.load(inputs_of(recipe.start));
  print_notes(data.notes);
  random::seed(recipe.seed);
  nn::Model model = model_of(recipe, data.train);
  start_from(recipe.start, model, data.train, true);
  const train::RateRangeOptions options{.loss = recipe.loss,
                                        .optimizer = recipe.make_optimizer(run_length(recipe, data.train)),
                                        .low = arguments.low,
                                        .high = arguments.high,
                                        .steps = arguments.steps,
                                        .batch_size = recipe.train.batch_size,
                                        .clip_norm = recipe.train.clip_norm,
                                        .shuffle = recipe.train.shuffle,
                                        .seed = static_cast<uint64_t>(recipe.seed)};
  const data::Dataset set = recipe.train.class_weight.exists() ? recipe.train.class_weight.applied_to(data.train) : data.train;
  const train::RateRange range = train::learning_rate_range(model, set, options);
  file::write_atomically(arguments.out, train::to_html(report_of(recipe, range)));
  std::printf("%s\npicture: %s\n", train::to_text(range).c_str(), printable(arguments.out).c_str());
}

}  // namespace

void add_find_rate(CLI::App& app) {
  auto arguments = std::make_shared<RateArguments>();
  Command command(app, "find-rate", "Which learning rate suits a recipe: a short run over all of them, with its picture");
  command.positional("RECIPE", arguments->what.table, "TOML file; or a table, with --target", Need::required);
  command.option("--target", "COLUMN", arguments->what.target,
                 "Of a table: the column to be foretold, by its name, or its place from 1 (-1: the last)");
  command.option("--low", arguments->low, "Rate of the first step (default: 1e-6)");
  command.option("--high", arguments->high, "Rate of the last step (default: 10)");
  command.option("--steps", {10, 1'000'000}, arguments->steps, "Steps from one to the other, each by the same factor (default: 200)");
  command.option("-o,--output", "FILE", arguments->out, "Page with the picture (default: rate.html)");
  command.option("--seed", "N", arguments->seed, "Of all that is random: the order, the first parameters");
  command.option("--set", "KEY=VALUE", arguments->assignments, "Change a key of the recipe");
  command.footer(R"(
Trains with a rate that grows from step to step until the loss diverges, and tells where it falls fastest. Nothing is kept of the model.

  gradus find-rate recipes/mlp_fashion.toml
  gradus find-rate people.csv --target income -o rate.html)");
  command.runs([arguments] {
    if (!arguments->seed.empty()) arguments->assignments.push_back("seed=" + arguments->seed);
    run_find_rate(*arguments);
  });
}

}  // namespace gradus::cli
