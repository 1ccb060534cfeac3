// gradus train: runs a recipe and leaves a run folder.
#include <cmath>
#include <csignal>
#include <cstdio>

#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/examination.hpp"
#include "gradus/cli/folds.hpp"
#include "gradus/cli/model_card.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/cli/run_report.hpp"
#include "gradus/cli/table_model.hpp"
#include "gradus/cli/table_report.hpp"
#include "gradus/cli/training.hpp"
#include "gradus/io/model_file.hpp"
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
  TableArguments what{};  // the recipe, or a table
  std::string run_folder{}, resumed{}, seed{};
  std::vector<std::string> assignments{};
  int64_t folds = 0;
  bool is_quiet = false, may_replace = false;
};

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

// Prints them. strict: stops.
std::vector<train::Finding> told(std::vector<train::Finding> findings, train::Doctor doctor, bool is_quiet) {
  if (!is_quiet || doctor == train::Doctor::strict) train::print(findings);
  if (doctor == train::Doctor::strict && !findings.empty())
    fail("train.doctor", "is strict, and the doctor found ", findings.size(), findings.size() == 1 ? " mistake" : " mistakes");
  return findings;
}

train::History fit(const Recipe& recipe, const DataParts& data, nn::Model& model, const RunFolder& folder,
                   std::shared_ptr<train::Callback> saver, const TrainArguments& arguments) {
  train::FitOptions options = fit_options(recipe, data);
  options.callbacks = {std::move(saver)};
  if (recipe.train.tensorboard) options.callbacks.push_back(std::make_shared<train::TensorBoard>(folder.tensorboard()));
  for (const train::NamedCallback& callback : recipe.train.callbacks) options.callbacks.push_back(callback.make(folder.path));
  options.verbose = !arguments.is_quiet;
  options.checkpoint = {.folder = folder.checkpoints(), .steps = recipe.train.checkpoint_steps, .minutes = recipe.train.checkpoint_minutes};
  if (!arguments.resumed.empty() && has_checkpoint(folder)) options.resume_from = folder.checkpoints();
  options.doctor = recipe.train.doctor == train::Doctor::automatic ? train::Doctor::warn : recipe.train.doctor;
  if (options.doctor != train::Doctor::off) options.findings = told(data_findings(data), recipe.train.doctor, arguments.is_quiet);
  return fit_recipe(recipe, data, model, std::move(options));
}

train::History solve(const Recipe& recipe, const DataParts& data, nn::Model& model, Saver& saver, bool is_quiet) {
  saver.on_begin({.epochs = 1, .steps_per_epoch = 1, .examples = data.train.size(), .batch_size = data.train.size()});
  std::vector<train::Finding> findings;
  if (recipe.train.doctor != train::Doctor::off) findings = told(all_findings(recipe, data, model), recipe.train.doctor, is_quiet);
  auto [history, fit] = solve_recipe(recipe, data, model);
  history.findings = std::move(findings);
  const train::Logs& logs = history.epochs[0].logs;
  saver.on_step({.logs = logs});
  saver.on_epoch(history.epochs[0]);
  if (!is_quiet) {
    std::printf("solved: %s, penalty %s, %s %.1e (asked for: %.1e), %lld iterations; %s\n", fit.kind.c_str(),
                core::to_text(fit.alpha).c_str(), fit.certificate.name.c_str(), fit.certificate.value, fit.certificate.tolerance,
                static_cast<long long>(fit.iterations), train::to_text(logs).c_str());
    std::fflush(stdout);
    print_notes(fit.notes);
  }
  return std::move(history);
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
    file::write_atomically(folder.report(),
                           train::to_html(make_report({recipe, data, model, history, test.output, test.logs, test.summary})));
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
  if (!file::is_same_file(arguments.what.table, RunFolder{arguments.run_folder}.recipe())) return;
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

Recipe recipe_of(const TrainArguments& arguments, const RunFolder& folder) {
  if (!arguments.resumed.empty()) return read_recipe(folder.recipe(), arguments.assignments);
  TableArguments what = arguments.what;
  what.compares = true;
  return read_recipe(read_document(what, arguments.assignments));
}

void print_folds(const train::CrossValidation& scores) {
  const size_t count = scores.folds.size();
  std::printf("cross-validation, mean and deviation of %zu folds:\n", count);
  const train::ReportTable table = folds_table(scores);
  for (size_t i = 1; i < table.header.size(); ++i)
    std::printf("  %s: %s \u00b1 %s\n", table.header[i].c_str(), table.rows[count][i].c_str(), table.rows[count + 1][i].c_str());
  std::fflush(stdout);
}

std::optional<train::CrossValidation> cross_validated(const Recipe& recipe, const RunFolder& folder, const TrainArguments& arguments) {
  if (arguments.folds == 0) return {};
  try {
    const FoldedData parts = recipe.data.folds(inputs_of(recipe.start), arguments.folds);
    const OnFold told = [&](int64_t fold, const train::Logs& scores) {
      if (!arguments.is_quiet)
        std::printf("fold %lld of %lld: %s\n", static_cast<long long>(fold), static_cast<long long>(parts.count),
                    train::to_text(scores).c_str());
      std::fflush(stdout);
    };
    train::CrossValidation scores = cross_validate(recipe, parts, told);
    print_folds(scores);
    random::seed(recipe.seed);  // the run itself is what it would be without folds
    return scores;
  } catch (...) {
    remove_if_empty(folder);
    throw;
  }
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
  if (recipe.has_search && !arguments.is_quiet)
    print_notes({"the recipe has a part [search], which is for `gradus search`; training leaves it out"});
  const std::optional<train::CrossValidation> folds = cross_validated(recipe, folder, arguments);
  const train::History history = train_and_save(recipe, data, model, folder, arguments);
  if (folds) file::write_atomically(folder.folds(), folds_csv(*folds));
  const Tested test = tested(recipe, data, model);
  const RunResult result{recipe, data, model, history, test.output, test.logs, test.summary, folds ? &*folds : nullptr};
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
  command.positional("RECIPE", arguments->what.table, "TOML file; or a table (CSV and the like, JSON lines, SQLite), with --target");
  command.option("--target", "COLUMN", arguments->what.target,
                 "Of a table: the column to be foretold, by its name, or its place from 1 (-1: the last)");
  command.option("--test", "FILE", arguments->what.test, "Of a table: a file of rows for testing (default: a fifth of the rows)");
  command.option("--task", "TASK", arguments->what.task, "Of a table: classification or regression (default: by the target)");
  command.option("--write-recipe", "FILE", arguments->what.written,
                 "Of a table: write the recipe that is chosen for it, to be read and changed");
  command.option("--folds", {2, 1000}, arguments->folds,
                 "Also train a model on all training samples but one part, for each of so many parts: cross-validation");
  command.option("--seed", "N", arguments->seed, "Of all that is random: the split, the order, the first parameters");
  command.option("--set", "KEY=VALUE", arguments->assignments, "Change a key: train.epochs=3, model.layers[0].units=64");
  command.option("--run-dir", "DIR", arguments->run_folder, "Folder for the results (default: runs/NAME-TIME)");
  command.flag("--replace", arguments->may_replace, "Replace the run that is in the folder already");
  command.option("--resume", "DIR", arguments->resumed, "Go on with the run of this folder from its last checkpoint, bit for bit");
  command.excludes("--resume",
                   {"RECIPE", "--set", "--run-dir", "--replace", "--target", "--test", "--task", "--write-recipe", "--seed", "--folds"});
  command.flag("--quiet", arguments->is_quiet, "Print the results only");
  command.footer(R"(
Ctrl-C stops after the step in work, saves the model and writes the report; a second one stops at once. A run that was stopped, or killed, goes on
with --resume.

  gradus train people.csv --target income --write-recipe people.toml
  gradus train recipes/mlp_fashion.toml --set train.epochs=2 --set optimizer.learning_rate=0.01
  gradus train people.csv --target income --folds 5
  gradus train recipes/mlp_fashion.toml --set 'model.layers[1].units=512' --run-dir runs/wide
  gradus train --resume runs/wide)");
  command.runs([arguments] {
    if (arguments->what.table.empty() && arguments->resumed.empty()) fail_missing("RECIPE");
    if (!arguments->seed.empty()) arguments->assignments.push_back("seed=" + arguments->seed);
    arguments->what.is_quiet = arguments->is_quiet;
    run_train(*arguments);
  });
}

}  // namespace gradus::cli
