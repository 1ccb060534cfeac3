// gradus search: tries values of the keys of a recipe, and writes the recipe with the best.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/folds.hpp"
#include "gradus/cli/recipe_search.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/cli/search_report.hpp"
#include "gradus/cli/table_model.hpp"
#include "gradus/cli/training.hpp"
#include "gradus/train/interrupt.hpp"
#include "gradus/train/search_log.hpp"

namespace gradus::cli {

namespace {

struct SearchArguments {
  TableArguments what{};  // the recipe, or a table
  std::string run_folder{}, resumed{}, trials{}, seed{};
  std::vector<std::string> assignments{};
  bool is_quiet = false, may_replace = false;
};

// The files of a search.
struct SearchFolder {
  std::string path{};
  std::string recipe() const { return path + "/recipe.toml"; }
  std::string log() const { return path + "/" + train::detail::kTrialsFile; }
  std::string report() const { return path + "/search.html"; }
  std::string best() const { return path + "/best.toml"; }
};

// Trains what a trial asks for. Samples are loaded once where no value changes them.
class RecipeTrials {
 public:
  RecipeTrials(const Document& document, const RecipeSearch& search) : document_(document), search_(search) {}

  train::TrialScore operator()(const train::Trial& trial) {
    const Recipe recipe = recipe_of(trial);
    const int64_t epochs = search_.is_hyperband ? trial.epochs : 0;
    if (search_.keys.folds == 0) return score_of(attempt(recipe, parts(recipe), {epochs, trial.folder}).history);
    const FoldedData& data = folded(recipe);
    std::vector<double> scores;
    for (int64_t fold = 0; fold < data.count; ++fold) {
      const DataParts& parts = fold_parts(data, fold);
      const Attempt made = attempt(recipe, parts, {epochs, concat(trial.folder, "/fold-", fold + 1)});
      scores.push_back(fold_scores(recipe, parts, made.model)[search_.score()]);
    }
    const auto [mean, deviation] = train::mean_and_deviation(scores);
    return {mean, deviation};
  }

 private:
  Recipe recipe_of(const train::Trial& trial) const {
    try {
      return read_recipe(with_values(document_, trial.values));
    } catch (const Error& error) {
      constexpr std::string_view set = "--set ";
      throw Error(error.kind(), error.place().starts_with(set) ? error.place().substr(set.size()) : error.place(), error.problem());
    }
  }

  // Of the model that training leaves: the last epoch's, or the best's where patience puts it back.
  double score_of(const train::History& history) const {
    if (history.epochs.empty()) fail("search", "no epoch was finished");
    const int64_t at = history.best_epoch > 0 ? history.best_epoch - 1 : static_cast<int64_t>(history.epochs.size()) - 1;
    return history.epochs[static_cast<size_t>(at)].logs["val_" + search_.score()];
  }

  const DataParts& parts(const Recipe& recipe) {
    if (!parts_ || search_.changes_data()) parts_ = recipe.data.load(inputs_of(recipe.start));
    return *parts_;
  }
  const FoldedData& folded(const Recipe& recipe) {
    if (!folded_ || search_.changes_data()) {
      folded_ = recipe.data.folds(inputs_of(recipe.start), search_.keys.folds);
      folds_.assign(static_cast<size_t>(folded_->count), std::nullopt);
    }
    return *folded_;
  }
  // Folds are kept while that costs little memory.
  const DataParts& fold_parts(const FoldedData& data, int64_t fold) {
    constexpr int64_t most_numbers = 50'000'000;
    std::optional<DataParts>& kept = folds_[static_cast<size_t>(fold)];
    if (!kept) {
      if (folds_[0] && folds_[0]->train.x.size() * data.count > most_numbers) {
        for (auto& each : folds_) each.reset();
      }
      kept = data.parts(fold);
    }
    return *kept;
  }

  const Document& document_;
  const RecipeSearch& search_;
  std::optional<DataParts> parts_{};
  std::optional<FoldedData> folded_{};
  std::vector<std::optional<DataParts>> folds_{};
};

void remove_search(const SearchFolder& folder) {
  if (!file::exists(folder.path)) return;
  const file::FolderLock lock(folder.path);
  if (!lock.is_held()) fail_io(folder.path, "another search is writing into the folder; it cannot be replaced");
  std::error_code ignored;
  for (const std::string& part : {folder.log(), folder.report(), folder.best(), folder.recipe()}) std::filesystem::remove(part, ignored);
  for (std::filesystem::directory_iterator at(folder.path, ignored), end; !ignored && at != end; at.increment(ignored)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with("trial-") && name.find_first_not_of("0123456789", 6) == std::string::npos)
      std::filesystem::remove_all(at->path(), ignored);
  }
}

// The folder for a search of this recipe: one that was begun with the same recipe is gone on with.
SearchFolder open_folder(const SearchArguments& arguments, const Recipe& recipe) {
  if (arguments.run_folder.empty()) return {make_run_folder("", recipe.name + "-search", false).path};
  const SearchFolder folder{arguments.run_folder};
  if (file::exists(RunFolder{folder.path}.model())) fail_io(folder.path, "holds a training run; name another folder for the search");
  if (file::exists(folder.path) && !file::is_folder(folder.path)) fail_io(folder.path, "is a file; a folder is needed");
  if (arguments.may_replace) remove_search(folder);
  if (file::exists(folder.log()) && file::exists(folder.recipe()) && file::read_all(folder.recipe()) != recipe.text)
    fail_io(folder.path,
            "holds a search of another recipe; name another folder, replace it with --replace, or go on with it: gradus search --resume ",
            folder.path);
  file::make_folder(folder.path);
  return folder;
}

Document document_of(const SearchArguments& arguments) {
  if (!arguments.resumed.empty()) {
    const SearchFolder folder{arguments.resumed};
    if (!file::exists(folder.log()) || !file::exists(folder.recipe()))
      fail_io(folder.path, "holds no search; --resume takes the folder that `gradus search` has made");
    Document document(folder.recipe());
    for (const std::string& assignment : arguments.assignments) document.set(assignment);
    return document;
  }
  if (!is_table(arguments.what)) return read_document(arguments.what, arguments.assignments);
  TableArguments quiet = arguments.what;
  quiet.is_quiet = true;
  quiet.written.clear();
  return read_document(arguments.what, arguments.assignments, automatic_search(document_for_table(quiet).text("table")));
}

train::SearchOptions options_of(const Recipe& recipe, const RecipeSearch& search, const SearchFolder& folder, bool is_quiet) {
  return {.method = search.is_hyperband ? train::SearchMethod::hyperband : train::SearchMethod::random,
          .trials = search.keys.trials,
          .epochs = recipe.train.solver == Solver::exact ? 1 : recipe.train.epochs,
          .min_epochs = search.keys.min_epochs,
          .reduction = search.keys.reduction,
          .more_is_better = search.more_is_better(),
          .seed = static_cast<uint64_t>(search.keys.seed),
          .folder = folder.path,
          .about = concat(search.keys.metric, ", folds ", search.keys.folds, ", seed ", recipe.seed),
          .interrupts = true,
          .verbose = !is_quiet};
}

[[noreturn]] void stop_interrupted(const train::SearchResult& result, const SearchFolder& folder) {
  const auto done =
      std::count_if(result.trials.begin(), result.trials.end(), [](const auto& each) { return each.state != train::TrialState::measured; });
  throw Error(Error::Kind::interrupted, "interrupted",
              concat("after ", done, done == 1 ? " trial" : " trials", "; gradus search --resume ", folder.path, " goes on"));
}

// The recipe with the best values. What its text says of where it comes from hangs on the folder.
std::string best_text(const Document& document, const RecipeSearch& search, const train::TrialResult& best) {
  const std::string text = read_recipe(with_values(document, best.values)).text;
  return concat("# The best of a search: trial ", best.number, ", ", search.keys.metric, " ", best.score, "\n",
                text.starts_with("# ") ? text.substr(text.find('\n') + 1) : text);
}

void print_how_to_train(const Recipe& recipe, const RecipeSearch& search, const SearchFolder& folder) {
  const std::string best = printable(folder.best());
  std::printf("report: %s\nbest: %s\n", printable(folder.report()).c_str(), best.c_str());
  const std::string folds = search.keys.folds > 0 ? concat(" --folds ", search.keys.folds) : std::string();
  std::printf("it trains with: gradus train %s%s\n", best.c_str(), folds.c_str());
  if (recipe.train.privacy.exists())
    print_notes(
        {"each trial is a private run on the same samples; what they spend adds up, and choosing by their scores is not covered by "
         "epsilon"});
}

void run_search(const SearchArguments& arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // A reader that goes away does not end the search.
  Document document = document_of(arguments);
  const Recipe asked = read_recipe(document);
  const bool is_validated = document.root()["data"]["validation"].is_value();
  const RecipeSearch search = read_search(document, asked);
  if (!arguments.is_quiet && search.keys.folds == 0 && !is_validated)
    print_notes({concat("a share of the training samples is held out to choose by: data.validation = ", kSearchValidation)});
  const train::InterruptScope interrupts;
  const SearchFolder folder = arguments.resumed.empty() ? open_folder(arguments, asked) : SearchFolder{arguments.resumed};
  if (!arguments.is_quiet) {
    std::printf("%s: searching %zu keys %s, folder %s\n", asked.name.c_str(), search.space.size(),
                search.is_hyperband ? "by Hyperband" : "at random", printable(folder.path).c_str());
    std::fflush(stdout);
  }
  RecipeTrials trials(document, search);
  const auto objective = [&](const train::Trial& trial) { return trials(trial); };
  train::SearchOptions options = options_of(asked, search, folder, arguments.is_quiet);
  options.begun = [&] { file::write_atomically(folder.recipe(), asked.text); };
  const train::SearchResult result = train::search(search.space, objective, options);
  if (result.is_interrupted) stop_interrupted(result, folder);
  const std::string best = best_text(document, search, result.best());
  file::write_atomically(folder.best(), best);
  const SearchSummary summary{asked.name, search, result, best};
  file::write_atomically(folder.report(), train::to_html(search_report(summary)));
  std::fputs(search_text(summary).c_str(), stdout);
  print_how_to_train(asked, search, folder);
}

}  // namespace

void add_search(CLI::App& app) {
  auto arguments = std::make_shared<SearchArguments>();
  Command command(app, "search", "Try values of a recipe's keys, and write the recipe with the best of them");
  command.positional("RECIPE", arguments->what.table, "TOML file with a part [search]; or a table, with --target");
  command.option("--target", "COLUMN", arguments->what.target,
                 "Of a table: the column to be foretold, by its name, or its place from 1 (-1: the last)");
  command.option("--test", "FILE", arguments->what.test, "Of a table: a file of rows for testing (default: a fifth of the rows)");
  command.option("--task", "TASK", arguments->what.task, "Of a table: classification or regression (default: by the target)");
  command.option("--write-recipe", "FILE", arguments->what.written,
                 "Of a table: write the recipe that is chosen for it, with its [search]");
  command.option("--trials", "N", arguments->trials, "How many combinations are tried: search.trials");
  command.option("--seed", "N", arguments->seed, "Of all that is random in training; search.seed is that of the values");
  command.option("--set", "KEY=VALUE", arguments->assignments, "Change a key: search.method=random, train.epochs=27");
  command.option("--run-dir", "DIR", arguments->run_folder,
                 "Folder for log and results (default: runs/NAME-search-TIME); a search that was begun there goes on");
  command.flag("--replace", arguments->may_replace, "Replace the search that is in the folder already");
  command.option("--resume", "DIR", arguments->resumed,
                 "Go on with the search of this folder; with --trials longer than it was, at random");
  command.excludes("--resume", {"RECIPE", "--set", "--run-dir", "--replace", "--target", "--test", "--task", "--write-recipe", "--seed"});
  command.flag("--quiet", arguments->is_quiet, "Print the results only");
  command.footer(R"(
A recipe says what is tried in its part [search]: keys of its own, and where their values are drawn from.

  [search]
  optimizer.learning_rate = {log_uniform = [1e-4, 1e-1]}
  "model.layers[0].units" = {log_int_uniform = [16, 256]}
  train.batch_size = {choice = [32, 64, 128]}

Trials are compared on a share of the training samples that is held out, or by folds = 5; the test samples are never looked at. Each trial is a line of
trials.jsonl; a search that was stopped, or killed, goes on with --resume. A trial that fails is noted, and ends nothing. See `gradus keys search`.

  gradus search recipe.toml --trials 30
  gradus search people.csv --target income
  gradus search --resume runs/NAME-search-TIME
  gradus train runs/NAME-search-TIME/best.toml)");
  command.runs([arguments] {
    if (arguments->what.table.empty() && arguments->resumed.empty()) fail_missing("RECIPE");
    if (!arguments->seed.empty()) arguments->assignments.push_back("seed=" + arguments->seed);
    if (!arguments->trials.empty()) arguments->assignments.push_back("search.trials=" + arguments->trials);
    arguments->what.is_quiet = arguments->is_quiet;
    run_search(*arguments);
  });
}

}  // namespace gradus::cli
