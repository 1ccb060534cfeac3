// Training of recipes.
#include "gradus/cli/training.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/automatic_recipe.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/exact_solver.hpp"
#include "gradus/cli/rules_file.hpp"
#include "gradus/io/model_file.hpp"
#include "gradus/nn/loss_kinds.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/train/evaluation.hpp"

namespace gradus::cli {

namespace {

// Labels of classes that have no names get their numbers as names.
std::vector<std::string> class_names_of(const Recipe& recipe, const data::Dataset& set) {
  constexpr int64_t most = 10'000;
  const loss::LossKind* kind = loss::loss_kinds().find(recipe.loss.name());
  const bool are_labels = kind && kind->aim != loss::Aim::numbers && set.y.dtype().is_integer() &&
                          (set.y.rank() == 1 || (set.y.rank() == 2 && set.y.shape(1) == 1));
  if (!set.class_names.empty() || !are_labels || set.size() == 0) return set.class_names;
  std::vector<std::string> names;
  const int64_t last = max(set.y).item<int64_t>();
  if (min(set.y).item<int64_t>() < 0 || last >= most) return {};
  for (int64_t i = 0; i <= last; ++i) names.push_back(to_text(i));
  return names;
}

preprocess::Task task_of(const std::string& name) {
  preprocess::Task task = preprocess::Task::automatic;
  if (name.empty()) return task;
  const std::vector<std::string> names(enum_names(task).begin(), enum_names(task).end());
  const auto at = std::find(names.begin(), names.end(), name) - names.begin();
  if (at == std::ssize(names)) fail("--task", "\"", name, "\" is no task", instead_of(name, names));
  return static_cast<preprocess::Task>(at);
}

}  // namespace

bool is_table(const TableArguments& arguments) { return is_table_path(arguments.table) || !arguments.target.empty(); }

Document document_for_table(const TableArguments& arguments, const std::string& more) {
  if (arguments.target.empty()) fail(arguments.table, "is a table; name the column that is to be foretold with --target COLUMN");
  const auto say = [&](const std::string& what) {
    if (arguments.is_quiet) return;
    std::printf("comparing: %s\n", what.c_str());
    std::fflush(stdout);
  };
  const AutomaticRecipe made = automatic_recipe({.table = arguments.table,
                                                 .target = arguments.target,
                                                 .test = arguments.test,
                                                 .task = task_of(arguments.task),
                                                 .assignments = arguments.assignments,
                                                 .compares = arguments.compares,
                                                 .on_begin = say});
  if (!arguments.is_quiet) {
    for (const std::string& reason : made.reasons) std::printf("chosen: %s\n", printable(reason).c_str());
    std::fflush(stdout);
  }
  if (!arguments.written.empty()) {
    // Paths in a recipe go from its own folder.
    file::write_atomically(arguments.written, made.text(std::filesystem::absolute(arguments.written).parent_path().string()) + more);
    if (!arguments.is_quiet) std::printf("recipe: %s\n", printable(arguments.written).c_str());
  }
  return Document("recipe of " + arguments.table, made.text("") + more);
}

Document read_document(const TableArguments& arguments, const std::vector<std::string>& assignments, const std::string& more) {
  if (!is_table(arguments)) {
    for (const auto& [name, value] :
         {std::pair("--test", &arguments.test), std::pair("--task", &arguments.task), std::pair("--write-recipe", &arguments.written)}) {
      if (!value->empty()) fail(name, "is for a table and its --target; a recipe says it itself");
    }
  }
  TableArguments changed = arguments;
  changed.assignments = assignments;
  Document document = is_table(arguments) ? document_for_table(changed, more) : Document(arguments.table);
  for (const std::string& assignment : assignments) document.set(assignment);
  return document;
}

nn::Model model_of(const Recipe& recipe, const data::Dataset& set) {
  nn::ModelInfo info = io::info_of(set);
  info.class_names = class_names_of(recipe, set);
  info.name = recipe.name;
  info.description = recipe.description;
  info.extra[kRecipeText] = recipe.text;
  return nn::Model(nn::Layer(model_for(recipe, set)), std::move(info));
}

nn::ModelInfo inputs_of(const Start& start, const RunFolder* resumed) {
  nn::ModelInfo from, info;
  if (resumed && file::exists(resumed->model())) from = io::load(resumed->model()).info;
  else if (!start.from.empty()) from = load_model(start.from).info;
  info.tokenizer = std::move(from.tokenizer);
  info.pipeline = std::move(from.pipeline);
  return info;
}

void start_from(const Start& start, nn::Model& model, const data::Dataset& set, bool is_quiet) {
  if (start.from.empty()) return;
  Dims sizes = set.x.shape().dims();
  sizes[0] = 1;
  nn::build(model, Shape(sizes), set.x.dtype());
  const io::LoadReport report = io::load(model, model_path(start.from), start.options);
  if (is_quiet) return;
  std::fputs(io::to_text(report).c_str(), stdout);
  std::fflush(stdout);
}

train::Rules rules_of(const Recipe& recipe, const DataParts& data, const nn::Model& model) {
  return read_rules(recipe.train.rules, rule_names(recipe, data.train, model.info.class_names));
}

optim::RunLength run_length(const Recipe& recipe, const data::Dataset& set) {
  const int64_t batches = (set.size() - 1) / recipe.train.batch_size + 1;
  return {.epochs = recipe.train.epochs, .steps_per_epoch = (batches - 1) / recipe.train.accumulate + 1};
}

train::FitOptions fit_options(const Recipe& recipe, const DataParts& data) {
  return {.loss = recipe.loss,
          .optimizer = recipe.make_optimizer(run_length(recipe, data.train)),
          .metrics = recipe.train.metrics,
          .epochs = recipe.train.epochs,
          .batch_size = recipe.train.batch_size,
          .validation = data.validation,
          .shuffle = recipe.train.shuffle,
          .seed = static_cast<uint64_t>(recipe.seed),
          .patience = recipe.train.patience,
          .clip_norm = recipe.train.clip_norm,
          .interrupts = true,
          .accumulate = recipe.train.accumulate,
          .class_weight = recipe.train.class_weight,
          .ema = recipe.train.ema,
          .ema_warmup = recipe.train.ema_warmup,
          .freeze = recipe.train.freeze,
          .precision = recipe.train.precision,
          .privacy = recipe.train.privacy,
          .doctor = train::Doctor::off};
}

train::History fit_recipe(const Recipe& recipe, const DataParts& data, nn::Model& model, train::FitOptions options) {
  if (recipe.train.rules.empty()) return train::fit(model, data.train, std::move(options));
  train::detail::check_loss(options, data.train);
  const train::RuleObjective objective{recipe.loss, rules_of(recipe, data, model), recipe.train.metrics};
  return train::fit(model, objective, data.train, std::move(options));
}

Solution solve_recipe(const Recipe& recipe, const DataParts& data, nn::Model& model) {
  const auto start = std::chrono::steady_clock::now();
  Solution out;
  out.fit = solve_exactly(recipe, data.train, model);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const train::EvaluateOptions options{.loss = recipe.loss, .metrics = test_metrics(recipe, data.train), .verbose = false};
  train::Logs logs = train::evaluate(model, data.train, options);
  if (data.validation.size() > 0) {
    for (const auto& [name, value] : train::evaluate(model, data.validation, options)) logs.set("val_" + name, value);
  }
  out.history.epochs.push_back(
      {.logs = logs, .seconds = seconds, .examples_per_second = static_cast<double>(data.train.size()) / seconds, .steps = 1});
  out.history.steps = 1;
  out.history.seconds = seconds;
  return out;
}

}  // namespace gradus::cli
