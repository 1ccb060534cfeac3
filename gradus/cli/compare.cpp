// gradus compare: whether one of two trained models is better, on the same rows.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/cli/table_model.hpp"
#include "gradus/metrics/comparison.hpp"
#include "gradus/train/evaluation.hpp"
#include "gradus/train/fit.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

namespace {

struct CompareArguments {
  std::string first{}, second{}, file{};
};

// A model's outputs on rows with targets, in the target's own unit.
struct Answers {
  Array output{}, target{};
  std::vector<std::string> class_names{};
};

Answers answers_of(const std::string& path, const std::string& file) {
  const nn::Model model = load_model(path);
  const TableModel tables = table_model(model.info, path);
  const preprocess::Pipeline& pipeline = tables.pipeline;
  data::Dataset set;
  if (file.empty()) {
    set = read_recipe_of(model.info, path).data.load(model.info).test;
  } else {
    if (!pipeline.is_fitted()) fail(path, "the model takes no tables; without FILE models are compared on the test data of their recipes");
    set = read_labelled(file, tables).set;
  }
  if (set.size() == 0 || !set.has_targets()) fail(path, "there are no test samples with targets");
  const Array output = train::predict(model, set);
  if (!pipeline.is_fitted()) return {output, set.y, set.class_names};
  return {pipeline.restored(output), pipeline.restored(set.y), set.class_names};
}

std::string classes_text(const Answers& answers) {
  constexpr size_t most = 10;
  std::vector<std::string> names = answers.class_names;
  if (names.empty()) return "none, but a number";
  const bool are_more = names.size() > most;
  names.resize(std::min(names.size(), most));
  return printable(core::join(names), 400) + (are_more ? ", ..." : "");
}

void print(const metrics::Comparison& found) {
  std::printf("%-20s %10.4g %10.4g  %+.4g (%+.4g to %+.4g)  p = %.3g\n", found.name.c_str(), found.first, found.second, found.difference,
              found.lower, found.upper, found.p_value);
}

void run_compare(const CompareArguments& arguments) {
  const Answers first = answers_of(arguments.first, arguments.file), second = answers_of(arguments.second, arguments.file);
  if (first.class_names != second.class_names)
    fail("compare", "the two models have different classes: ", classes_text(first), ", and ", classes_text(second));
  if (first.target.shape() != second.target.shape() || first.target.to_vector<double>() != second.target.to_vector<double>())
    fail("compare", "the two models are tested on different rows; name a FILE of rows for both");
  std::printf("on %s rows: A is %s, B is %s\n", train::with_commas(first.target.shape(0)).c_str(), printable(arguments.first).c_str(),
              printable(arguments.second).c_str());
  std::printf("%-20s %10s %10s  %s\n", "score", "A", "B", "A - B (95 % interval)");
  const size_t classes = first.class_names.size();
  if (classes == 0) {
    for (const metrics::Comparison& each :
         metrics::paired_bootstrap({"rmse", "mean_absolute_error", "r2"}, first.output, second.output, first.target))
      print(each);
    return;
  }
  const std::vector<std::string> names = classes == 2 ? std::vector<std::string>{"accuracy", "balanced_accuracy", "roc_auc", "log_loss"}
                                                      : std::vector<std::string>{"accuracy", "balanced_accuracy", "log_loss"};
  for (const metrics::Comparison& each : metrics::paired_bootstrap(names, first.output, second.output, first.target)) print(each);
  const metrics::Comparison test = metrics::mcnemar(first.output, second.output, first.target);
  std::printf("McNemar's test of the accuracies: p = %.3g; %s\n", test.p_value,
              test.p_value < 0.05 ? concat("such a difference is no chance: ", test.difference > 0 ? "A" : "B", " is better").c_str()
                                  : "the difference may be chance");
}

}  // namespace

void add_compare(CLI::App& app) {
  auto arguments = std::make_shared<CompareArguments>();
  Command command(app, "compare", "Whether one of two trained models is better, or the difference is chance");
  command.positional("A", arguments->first, "Run folder or model file", Need::required);
  command.positional("B", arguments->second, "Run folder or model file", Need::required);
  command.positional("FILE", arguments->file, "Rows with their targets (default: the test data of their recipes, which must be the same)");
  command.footer(R"(
Both models answer the same rows; the interval of the difference is of a paired bootstrap, the test of accuracies McNemar's.

  gradus compare runs/linear runs/network
  gradus compare runs/linear runs/network new-rows.csv)");
  command.runs([arguments] { run_compare(*arguments); });
}

}  // namespace gradus::cli
