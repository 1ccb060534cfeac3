// gradus train: runs a recipe and leaves a run folder.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/automatic_recipe.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/exact_solver.hpp"
#include "gradus/cli/examination.hpp"
#include "gradus/cli/model_card.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/rules_file.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/cli/run_report.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/cli/table_model.hpp"
#include "gradus/cli/table_report.hpp"
#include "gradus/io/model_file.hpp"
#include "gradus/nn/loss_kinds.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/train/evaluation.hpp"
#include "gradus/train/fit.hpp"
#include "gradus/train/interrupt.hpp"
#include "gradus/train/progress.hpp"
#include "gradus/train/tensorboard.hpp"

namespace gradus::cli {

namespace {

struct TrainArguments {
  std::string recipe{}, run_folder{}, resumed{};
  std::string target{}, test{}, task{}, seed{}, written{};  // of tables; the seed of recipes too
  std::vector<std::string> assignments{};
  bool is_quiet = false, may_replace = false;
};

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

nn::Model model_of(const Recipe& recipe, const data::Dataset& set) {
  nn::ModelInfo info = io::info_of(set);
  info.class_names = class_names_of(recipe, set);
  info.name = recipe.name;
  info.description = recipe.description;
  info.extra[kRecipeText] = recipe.text;
  return nn::Model(nn::Layer(model_for(recipe, set)), std::move(info));
}

// Writes the model, unless a parameter is not finite: gradients may overflow where the loss did not.
void save_finite(const nn::Model& model, const RunFolder& folder) {
  for (const Variable& variable : variables(model)) {
    if (!variable.exists() || !variable.get().dtype().is_float()) continue;
    if (all(isfinite(variable.get())).item<bool>()) continue;
    fail("train", "parameter \"", variable.path, "\" holds nan or infinity; such a model is not saved");
  }
  io::save(model, folder.model());
}

bool has_checkpoint(const RunFolder& folder) { return train::has_checkpoint(folder.checkpoints()); }

// How texts and tables become numbers where parameters are there already, which belong to tokens and features: as for the run that goes on
// (`resumed`), or for the model that training starts from.
nn::ModelInfo inputs_of(const Start& start, const RunFolder* resumed) {
  nn::ModelInfo from, info;
  if (resumed && file::exists(resumed->model())) from = io::load(resumed->model()).info;
  else if (!start.from.empty()) from = load_model(start.from).info;
  info.tokenizer = std::move(from.tokenizer);
  info.pipeline = std::move(from.pipeline);
  return info;
}

// The parameters of an earlier model, if the recipe starts from one.
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

// Prints them. strict: stops.
std::vector<train::Finding> told(std::vector<train::Finding> findings, train::Doctor doctor, bool is_quiet) {
  if (!is_quiet || doctor == train::Doctor::strict) train::print(findings);
  if (doctor == train::Doctor::strict && !findings.empty()) fail("train.doctor", "is strict, and the doctor found ", findings.size(), findings.size() == 1 ? " mistake" : " mistakes");
  return findings;
}

train::History fit(const Recipe& recipe, const DataParts& data, nn::Model& model, const RunFolder& folder,
                   std::shared_ptr<train::Callback> saver, const TrainArguments& arguments) {
  const int64_t batch_size = recipe.train.batch_size, batches = (data.train.size() - 1) / batch_size + 1;
  const optim::RunLength length{.epochs = recipe.train.epochs, .steps_per_epoch = (batches - 1) / recipe.train.accumulate + 1};
  std::vector<std::shared_ptr<train::Callback>> callbacks{std::move(saver)};
  if (recipe.train.tensorboard) callbacks.push_back(std::make_shared<train::TensorBoard>(folder.tensorboard()));
  for (const train::NamedCallback& callback : recipe.train.callbacks) callbacks.push_back(callback.make(folder.path));
  train::FitOptions options{
      .loss = recipe.loss,
      .optimizer = recipe.make_optimizer(length),
      .metrics = recipe.train.metrics,
      .epochs = recipe.train.epochs,
      .batch_size = batch_size,
      .validation = data.validation,
      .shuffle = recipe.train.shuffle,
      .seed = static_cast<uint64_t>(recipe.seed),
      .patience = recipe.train.patience,
      .clip_norm = recipe.train.clip_norm,
      .callbacks = std::move(callbacks),
      .verbose = !arguments.is_quiet,
      .checkpoint = {.folder = folder.checkpoints(), .steps = recipe.train.checkpoint_steps, .minutes = recipe.train.checkpoint_minutes},
      .resume_from = arguments.resumed.empty() || !has_checkpoint(folder) ? std::string() : folder.checkpoints(),
      .interrupts = true,
      .accumulate = recipe.train.accumulate,
      .class_weight = recipe.train.class_weight,
      .ema = recipe.train.ema,
      .ema_warmup = recipe.train.ema_warmup,
      .freeze = recipe.train.freeze,
      .precision = recipe.train.precision,
      .privacy = recipe.train.privacy,
      .doctor = recipe.train.doctor == train::Doctor::automatic ? train::Doctor::warn : recipe.train.doctor};
  if (options.doctor != train::Doctor::off) options.findings = told(data_findings(data), recipe.train.doctor, arguments.is_quiet);
  if (recipe.train.rules.empty()) return train::fit(model, data.train, std::move(options));
  train::detail::check_loss(options, data.train);
  const train::RuleObjective objective{recipe.loss, rules_of(recipe, data, model), recipe.train.metrics};
  return train::fit(model, objective, data.train, std::move(options));
}

// A linear model's optimum in place of training: a history of one epoch.
train::History solve(const Recipe& recipe, const DataParts& data, nn::Model& model, Saver& saver, bool is_quiet) {
  const auto start = std::chrono::steady_clock::now();
  train::History history;
  const train::Run run{.epochs = 1, .steps_per_epoch = 1, .examples = data.train.size(), .batch_size = data.train.size()};
  saver.on_begin(run);
  if (recipe.train.doctor != train::Doctor::off) history.findings = told(all_findings(recipe, data, model), recipe.train.doctor, is_quiet);
  const models::LinearFit fit = solve_exactly(recipe, data.train, model);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const train::EvaluateOptions options{.loss = recipe.loss, .metrics = test_metrics(recipe, data.train), .verbose = false};
  train::Logs logs = train::evaluate(model, data.train, options);
  if (data.validation.size() > 0) {
    for (const auto& [name, value] : train::evaluate(model, data.validation, options)) logs.set("val_" + name, value);
  }
  saver.on_step({.logs = logs});
  history.epochs.push_back({.logs = logs, .seconds = seconds, .examples_per_second = static_cast<double>(data.train.size()) / seconds, .steps = 1});
  history.steps = 1;
  history.seconds = seconds;
  saver.on_epoch(history.epochs[0]);
  if (!is_quiet) {
    std::printf("solved: %s, penalty %s, %s %.1e (asked for: %.1e), %lld iterations; %s\n", fit.kind.c_str(), core::to_text(fit.alpha).c_str(),
                fit.certificate.name.c_str(), fit.certificate.value, fit.certificate.tolerance, static_cast<long long>(fit.iterations),
                train::to_text(logs).c_str());
    std::fflush(stdout);
    print_notes(fit.notes);
  }
  return history;
}

// An error in mid-training: the model is as of the last finished step, and kept; what is not worth keeping replaces nothing.
[[noreturn]] void stop_failed(Error error, const RunFolder& folder, const nn::Model& model, int64_t steps) {
  // The options of fit are keys of the recipe here.
  if (error.hint() == train::detail::not_finite_hint) {
    std::move(error).with_hint(
        "a smaller optimizer.learning_rate, train.clip_norm = 1, or inputs without nan; GRADUS_CHECK_NAN=1 names the op");
  }
  if (steps == 0) {
    remove_if_empty(folder);
    throw error;
  }
  const std::string said = error.hint().empty() ? "" : error.hint() + "; ";
  try {
    save_finite(model, folder);
  } catch (const Error& refused) {
    throw Error(error).with_hint(said + (file::exists(folder.model())
                                             ? "an earlier state of the model is in " + folder.model()
                                             : concat("the model could not be saved: ", refused.place(), ": ", refused.problem())));
  }
  throw Error(error).with_hint(concat(said, "the model as of step ", steps, ", the last that finished, is in ", folder.model()));
}

// Ctrl-C: what is there is kept, the model first; another signal ends the process at once.
[[noreturn]] void stop_interrupted(const Recipe& recipe, const DataParts& data, const train::History& history, const RunFolder& folder,
                                   const nn::Model& model) {
  if (history.steps == 0) {
    remove_if_empty(folder);
    throw Error(Error::Kind::interrupted, "interrupted", "no step was finished; there is nothing to save");
  }
  save_finite(model, folder);
  Error error(Error::Kind::interrupted, "interrupted",
              concat("the model as of step ", history.steps, ", the last that finished, is in ", folder.model()));
  try {
    file::write_atomically(folder.metrics(), train::to_csv(history));
    const Tested test = tested(recipe, data, model);
    file::write_atomically(folder.report(), train::to_html(make_report({recipe, data, model, history, test.output, test.logs, test.summary})));
  } catch (const Error& failed) {
    throw std::move(error).with_hint(concat("the report could not be written: ", failed.place(), ": ", failed.problem()));
  }
  throw error;
}

void print_results(const RunResult& result, const RunFolder& folder) {
  for (const auto& [name, value] : result.test_logs) {
    if (name != "accuracy") std::printf("test %s: %s\n", name.c_str(), metric_text(name, value).c_str());
  }
  if (result.test_logs.contains("accuracy"))
    std::printf("test accuracy: %s\n", metric_text("accuracy", result.test_logs["accuracy"]).c_str());
  if (result.summary) std::fputs(summary_text(*result.summary).c_str(), stdout);
  std::printf("report: %s\n", printable(folder.report()).c_str());
  const char* what = result.data.train.x.rank() == 4 ? "images" : "samples";
  std::printf("%s per second: %s\n", what,
              train::with_commas(std::llround(training_rate(result.history, result.data.train.size()))).c_str());
}

// The recipe with its changes would be written over the one that was read.
void refuse_own_recipe(const TrainArguments& arguments) {
  if (arguments.may_replace || arguments.assignments.empty() || arguments.run_folder.empty()) return;
  if (!file::is_same_file(arguments.recipe, RunFolder{arguments.run_folder}.recipe())) return;
  fail_io(arguments.run_folder, "its recipe.toml is the recipe to be trained, and --set changes it; name another folder");
}

// When it returns, the model is saved.
train::History train_and_save(const Recipe& recipe, const DataParts& data, nn::Model& model, const RunFolder& folder,
                              const TrainArguments& arguments) {
  const auto saver = std::make_shared<Saver>(folder, recipe.text, [&] { save_finite(model, folder); });
  train::History history;
  try {
    if (arguments.resumed.empty() || !has_checkpoint(folder)) start_from(recipe.start, model, data.train, arguments.is_quiet);
    history = recipe.train.solver == Solver::exact ? solve(recipe, data, model, *saver, arguments.is_quiet)
                                                   : fit(recipe, data, model, folder, saver, arguments);
  } catch (const Error& error) {
    stop_failed(error, folder, model, saver->steps());
  }
  if (history.privacy) train::note_privacy(model.info, *history.privacy);
  if (history.is_interrupted) stop_interrupted(recipe, data, history, folder, model);
  save_finite(model, folder);
  file::write_atomically(folder.metrics(), train::to_csv(history));
  remove_checkpoints(folder);
  return history;
}

preprocess::Task task_of(const std::string& name) {
  preprocess::Task task = preprocess::Task::automatic;
  if (name.empty()) return task;
  const std::vector<std::string> names(enum_names(task).begin(), enum_names(task).end());
  const auto at = std::find(names.begin(), names.end(), name) - names.begin();
  if (at == std::ssize(names)) fail("--task", "\"", name, "\" is no task", instead_of(name, names));
  return static_cast<preprocess::Task>(at);
}

// The recipe that a table needs.
Recipe recipe_for_table(const TrainArguments& arguments) {
  if (arguments.target.empty()) fail(arguments.recipe, "is a table; name the column that is to be foretold with --target COLUMN");
  // Paths in a recipe go from its own folder.
  const auto automatic = [&](const std::string& folder) {
    return automatic_recipe({.table = arguments.recipe, .target = arguments.target, .test = arguments.test, .folder = folder, .task = task_of(arguments.task)});
  };
  const AutomaticRecipe made = automatic("");
  if (!arguments.is_quiet) {
    for (const std::string& reason : made.reasons) std::printf("chosen: %s\n", printable(reason).c_str());
    std::fflush(stdout);
  }
  if (!arguments.written.empty()) {
    file::write_atomically(arguments.written, automatic(std::filesystem::absolute(arguments.written).parent_path().string()).text);
    if (!arguments.is_quiet) std::printf("recipe: %s\n", printable(arguments.written).c_str());
  }
  Document document("recipe of " + arguments.recipe, made.text);
  for (const std::string& assignment : arguments.assignments) document.set(assignment);
  return read_recipe(document);
}

Recipe recipe_of(const TrainArguments& arguments, const RunFolder& folder) {
  if (!arguments.resumed.empty()) return read_recipe(folder.recipe(), arguments.assignments);
  if (is_table_path(arguments.recipe) || !arguments.target.empty()) return recipe_for_table(arguments);
  for (const auto& [name, value] : {std::pair("--test", &arguments.test), std::pair("--task", &arguments.task), std::pair("--write-recipe", &arguments.written)}) {
    if (!value->empty()) fail(name, "is for a table and its --target; a recipe says it itself");
  }
  return read_recipe(arguments.recipe, arguments.assignments);
}

void run_train(const TrainArguments& arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // A reader that goes away does not end the training.
  const bool goes_on = !arguments.resumed.empty();
  // The folder is held before its recipe is read: no other run changes it then.
  RunFolder folder = goes_on ? open_run_folder(arguments.resumed) : RunFolder{};
  const Recipe recipe = recipe_of(arguments, folder);
  const DataParts data = recipe.data.load(inputs_of(recipe.start, goes_on ? &folder : nullptr));
  // From the folder on, the first signal ends nothing: training stops between two steps, what comes after it is finished.
  const train::InterruptScope interrupts;
  refuse_own_recipe(arguments);
  if (!goes_on) folder = make_run_folder(arguments.run_folder, recipe.name, arguments.may_replace);
  random::seed(recipe.seed);
  nn::Model model = model_of(recipe, data.train);
  if (!arguments.is_quiet) {
    if (goes_on && !has_checkpoint(folder)) std::printf("no checkpoint had been written; training starts from the beginning, as it did\n");
    std::printf("%s: %s training samples, run folder %s\n", recipe.name.c_str(), train::with_commas(data.train.size()).c_str(),
                printable(folder.path).c_str());
    print_notes(data.notes);
  }
  const train::History history = train_and_save(recipe, data, model, folder, arguments);
  const Tested test = tested(recipe, data, model);
  const RunResult result{recipe, data, model, history, test.output, test.logs, test.summary};
  file::write_atomically(folder.report(), train::to_html(make_report(result)));
  const ModelCard card = model_card(result);
  file::write_atomically(folder.card("md"), to_markdown(card));
  file::write_atomically(folder.card("html"), to_html(card));
  print_results(result, folder);
  if (!recipe.train.rules.empty() && data.test.size() > 0)
    std::printf("rules on the test data:\n%s", train::to_text(train::rule_counts(model, rules_of(recipe, data, model), data.test)).c_str());
}

}  // namespace

void add_train(CLI::App& app) {
  auto arguments = std::make_shared<TrainArguments>();
  Command command(app, "train", "Train the model of a recipe, or one for a table; writes model, metrics and report to a run folder");
  command.positional("RECIPE", arguments->recipe, "TOML file; or a table (CSV and the like, JSON lines, SQLite), with --target");
  command.option("--target", "COLUMN", arguments->target, "Of a table: the column to be foretold, by its name, or its place from 1 (-1: the last)");
  command.option("--test", "FILE", arguments->test, "Of a table: a file of rows for testing (default: a fifth of the rows)");
  command.option("--task", "TASK", arguments->task, "Of a table: classification or regression (default: by the target)");
  command.option("--write-recipe", "FILE", arguments->written, "Of a table: write the recipe that is chosen for it, to be read and changed");
  command.option("--seed", "N", arguments->seed, "Of all that is random: the split, the order, the first parameters");
  command.option("--set", "KEY=VALUE", arguments->assignments, "Change a key: train.epochs=3, model.layers[0].units=64");
  command.option("--run-dir", "DIR", arguments->run_folder, "Folder for the results (default: runs/NAME-TIME)");
  command.flag("--replace", arguments->may_replace, "Replace the run that is in the folder already");
  command.option("--resume", "DIR", arguments->resumed, "Go on with the run of this folder from its last checkpoint, bit for bit");
  command.excludes("--resume", {"RECIPE", "--set", "--run-dir", "--replace", "--target", "--test", "--task", "--write-recipe", "--seed"});
  command.flag("--quiet", arguments->is_quiet, "Print the results only");
  command.footer(R"(
Ctrl-C stops after the step in work, saves the model and writes the report; a second one stops at once. A run that was stopped, or killed, goes on
with --resume.

  gradus train people.csv --target income --write-recipe people.toml
  gradus train recipes/mlp_fashion.toml --set train.epochs=2 --set optimizer.learning_rate=0.01
  gradus train recipes/mlp_fashion.toml --set 'model.layers[1].units=512' --run-dir runs/wide
  gradus train --resume runs/wide)");
  command.runs([arguments] {
    if (arguments->recipe.empty() && arguments->resumed.empty()) fail_missing("RECIPE");
    if (!arguments->seed.empty()) arguments->assignments.push_back("seed=" + arguments->seed);
    run_train(*arguments);
  });
}

}  // namespace gradus::cli
