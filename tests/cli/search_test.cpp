// gradus search, train --folds, find-rate: end to end on small data.
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "gradus/base/file.hpp"
#include "tests/cli/clouds.hpp"

namespace gradus {
namespace {

using testing::kCloudsRecipe;
using testing::Outcome;
using testing::read_text;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_text;

constexpr const char* kSearch = R"(
[search]
optimizer.learning_rate = {log_uniform = [1e-3, 1e-1]}
"model.layers[0].units" = {log_int_uniform = [2, 64]}
)";
std::string recipe(const std::string& search = kSearch, int epochs = 9) {
  return testing::recipe_with("epochs = 4", "epochs = " + std::to_string(epochs)) + search;
}

std::vector<nlohmann::json> log_of(const std::string& folder) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(read_text(folder + "/trials.jsonl"));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}
// All but the times.
std::string told(const std::string& folder) {
  std::string out;
  for (nlohmann::json line : log_of(folder)) {
    line.erase("seconds");
    out += line.dump() + "\n";
  }
  return out;
}
// The last line's number in a column of metrics.csv.
double last_of(const std::string& path, const std::string& column) {
  std::istringstream text(read_text(path));
  std::string head, line, last;
  std::getline(text, head);
  while (std::getline(text, line)) last = line;
  std::istringstream names(head), values(last);
  for (std::string name, value; std::getline(names, name, ',') && std::getline(values, value, ',');) {
    if (name == column) return std::stod(value);
  }
  ADD_FAILURE() << "no " << column << " in " << path;
  return 0;
}

TEST(SearchCommand, TheBestRecipeComesToTheScoreOfItsTrial) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe());
  const Outcome outcome = run_gradus({"search", "my.toml", "--run-dir", "s"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("clouds: searching 2 keys by Hyperband, folder s\n"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("best of 17 trials:\n"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("it trains with: gradus train s/best.toml\n"), std::string::npos);
  double best = 1e9;
  int64_t whole = 0;
  for (const nlohmann::json& line : log_of(folder / "s")) {
    if (line.contains("state") && line["state"] == "finished") best = std::min(best, line["score"].get<double>()), ++whole;
  }
  EXPECT_EQ(whole, 5);
  ASSERT_EQ(run_gradus({"train", "s/best.toml", "--quiet", "--run-dir", "t"}, {.folder = folder.path()}).code, 0);
  EXPECT_EQ(last_of(folder / "t/metrics.csv", "val_loss"), best);
  EXPECT_EQ(read_text(folder / "s/best.toml").find("[search]"), std::string::npos);
  const std::string page = read_text(folder / "s/search.html");
  EXPECT_NE(page.find("Best so far"), std::string::npos);
  EXPECT_NE(page.find("val_loss by optimizer.learning_rate"), std::string::npos);
  // Checkpoints of trials are gone.
  for (const auto& each : std::filesystem::directory_iterator(folder / "s")) EXPECT_FALSE(each.is_directory()) << each.path();
}

TEST(SearchCommand, AfterAKillItEndsAsItWouldHave) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe());
  ASSERT_EQ(run_gradus({"search", "my.toml", "--quiet", "--run-dir", "whole"}, {.folder = folder.path()}).code, 0);
  const std::string want = told(folder / "whole"), best = read_text(folder / "whole/best.toml");
  for (const int lines : {2, 10, 20}) {
    const std::string run = "killed-" + std::to_string(lines);
    const auto is_there = [&] {
      const std::string text = read_text(folder / (run + "/trials.jsonl"));
      return std::count(text.begin(), text.end(), '\n') >= lines;
    };
    const Outcome killed = run_gradus({"search", "my.toml", "--quiet", "--run-dir", run},
                                      {.folder = folder.path(), .interrupt_when = is_there, .signal = SIGKILL});
    ASSERT_EQ(killed.code, 128 + SIGKILL) << lines;
    // A line that was being written.
    if (lines == 10) write_text(folder / (run + "/trials.jsonl"), read_text(folder / (run + "/trials.jsonl")) + "{\"trial\":4,\"sta");
    const std::vector<std::string> again =
        lines == 2 ? std::vector<std::string>{"search", "my.toml", "--run-dir", run} : std::vector<std::string>{"search", "--resume", run};
    const Outcome resumed = run_gradus(again, {.folder = folder.path()});
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_NE(resumed.out.find("going on with the search in " + run), std::string::npos) << resumed.out;
    EXPECT_EQ(told(folder / run), want) << lines;
    EXPECT_EQ(read_text(folder / (run + "/best.toml")), best);
  }
}

TEST(SearchCommand, CtrlCStopsAndSaysHowItGoesOn) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe());
  const auto is_begun = [&] { return std::filesystem::exists(folder / "s/trial-9"); };
  const Outcome outcome =
      run_gradus({"search", "my.toml", "--quiet", "--run-dir", "s"}, {.folder = folder.path(), .interrupt_when = is_begun});
  ASSERT_EQ(outcome.code, 130) << outcome.err << outcome.out;
  EXPECT_NE(outcome.err.find("; gradus search --resume s goes on"), std::string::npos) << outcome.err;
  EXPECT_EQ(run_gradus({"search", "--resume", "s", "--quiet"}, {.folder = folder.path()}).code, 0);
  ASSERT_EQ(run_gradus({"search", "my.toml", "--quiet", "--run-dir", "whole"}, {.folder = folder.path()}).code, 0);
  EXPECT_EQ(told(folder / "s"), told(folder / "whole"));
}

TEST(SearchCommand, TrialsThatFailAreToldAndEndNothing) {
  const TemporaryFolder folder;
  // momentum is a key of sgd only; a rate of 3e38 makes the loss infinite.
  write_text(folder / "my.toml", recipe("[search]\nmethod = \"random\"\ntrials = 8\noptimizer.name = {choice = [\"sgd\", \"adam\"]}\n"
                                        "optimizer.momentum = {uniform = [0, 0.9]}\noptimizer.learning_rate = {choice = [0.01, 3e38]}\n",
                                        2));
  const Outcome outcome = run_gradus({"search", "my.toml", "--run-dir", "s"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find(" failed: optimizer.momentum: unknown key"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("failed: fit: the loss is"), std::string::npos) << outcome.out;
  EXPECT_NE(read_text(folder / "s/search.html").find("Trials that failed"), std::string::npos);
  write_text(folder / "none.toml",
             recipe("[search]\nmethod = \"random\"\ntrials = 2\noptimizer.learning_rate = {uniform = [2e38, 3e38]}\n", 2));
  const Outcome none = run_gradus({"search", "none.toml", "--run-dir", "n"}, {.folder = folder.path()});
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(none.err.find("gradus: search: all 2 trials failed; the first: fit: the loss is"), 0u) << none.err;
}

TEST(SearchCommand, MistakesNameFileLineAndKey) {
  const TemporaryFolder folder;
  const auto said = [&](const std::string& lines, const std::string& from = "", const std::string& to = "") {
    std::string text = recipe("\n[search]\n" + lines + "\n");
    if (!from.empty()) text.replace(text.find(from), from.size(), to);
    write_text(folder / "my.toml", text);
    const Outcome outcome = run_gradus({"search", "my.toml", "--run-dir", "s"}, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 1) << lines;
    EXPECT_FALSE(std::filesystem::exists(folder / "s")) << lines;
    return outcome.err;
  };
  EXPECT_EQ(said("optimizer.learning_rat = {uniform = [0.1, 1]}"),
            "gradus: my.toml:28: search.optimizer.learning_rat: unknown key; did you mean \"learning_rate\"?\n");
  EXPECT_EQ(said("optimizer.learning_rate = {uniform = [1, 0.1]}"),
            "gradus: my.toml:28: search.optimizer.learning_rate: uniform: the lower bound 1 is above the upper one, 0.1\n");
  EXPECT_EQ(said("optimizer.learning_rate = {log_uniform = [0, 0.1]}"),
            "gradus: my.toml:28: search.optimizer.learning_rate: log_uniform: the lower bound is 0, which has no logarithm; it must be "
            "above 0\n");
  EXPECT_EQ(said("optimizer.name = {choice = []}"),
            "gradus: my.toml:28: search.optimizer.name: choice: the list is empty; it must hold the values to choose from\n");
  EXPECT_EQ(said("optimizer.name = {choice = [\"adam\", \"adm\"]}").find("gradus: my.toml:28: search.optimizer.name: with \"adm\": "), 0u);
  EXPECT_EQ(said("train.epochs = {choice = [1, \"many\"]}"),
            "gradus: my.toml:28: search.train.epochs: with \"many\": expected an integer from 1 to 1000000, got \"many\"\n");
  EXPECT_EQ(said("train.batch_size = {uniform = [1, 8]}")
                .find("gradus: my.toml:28: search.train.batch_size: with 3.59: expected a positive integer"),
            0u);
  EXPECT_EQ(said("trails = 8"), "gradus: my.toml:28: search.trails: unknown key; did you mean \"trials\"?\n");
  EXPECT_EQ(said("trials = -1"), "gradus: my.toml:28: search.trials: expected an integer from 0 to 1000000, got -1\n");
  EXPECT_EQ(said("trials = 3"),
            "gradus: my.toml:27: search: names no key of the recipe to be tried; for example optimizer.learning_rate = {log_uniform = "
            "[1e-4, 1e-1]}\n");
  EXPECT_EQ(said("optimizer.learning_rate = 0.1"),
            "gradus: my.toml:28: search.optimizer.learning_rate: expected a distribution, for example {log_uniform = [1e-4, 1e-1]} or "
            "{choice = [16, 32]}, got 0.1\n");
  EXPECT_EQ(said("optimizer.learning_rate = {log_unifrm = [1, 2]}"),
            "gradus: my.toml:28: search.optimizer.learning_rate: there is no distribution \"log_unifrm\"; did you mean \"log_uniform\"?\n");
  EXPECT_EQ(said("\"model.layers[9].units\" = {int_uniform = [1, 4]}"),
            "gradus: my.toml:28: search.model.layers[9].units: with 1: the list has 2 entries; [9] is none of them\n");
  EXPECT_EQ(said("optimizer.learning_rate = {uniform = [0, 1]}\nmetric = \"val_acuracy\""),
            "gradus: my.toml:29: search.metric: \"val_acuracy\" is not measured; did you mean \"val_accuracy\"?\n");
  EXPECT_EQ(said("data.test = {uniform = [0.1, 0.4]}"),
            "gradus: my.toml:28: search.data.test: decides what trials are measured on or by; their scores could not be compared\n");
  EXPECT_EQ(said("loss.label_smoothing = {uniform = [0, 0.2]}"),
            "gradus: my.toml:28: search.loss.label_smoothing: changes the loss, by which trials would be compared; name another metric "
            "than val_loss\n");
  EXPECT_EQ(said("optimizer.learning_rate = {uniform = [0, 1]}\n\"optimizer.learning_rate\" = {uniform = [0, 1]}"),
            "gradus: my.toml:29: search.optimizer.learning_rate: stands there twice\n");
  EXPECT_EQ(said("train.epochs = {choice = [2, 3]}\nmethod = \"hyperband\""),
            "gradus: my.toml:29: search.method: is \"hyperband\", which settles the epochs itself; train.epochs and train.solver cannot be "
            "searched then\n");
  EXPECT_EQ(said("optimizer.learning_rate = {uniform = [0, 1]}\nmethod = \"hyperband\"\nmin_epochs = 12"),
            "gradus: my.toml:30: search.min_epochs: is 12, and train.epochs 9; it must not be more\n");
  EXPECT_EQ(said("optimizer.learning_rate = {uniform = [0, 1]}\nreduction = 2", "epochs = 9\n", "epochs = 1000000\n"),
            "gradus: my.toml:29: search.reduction: is 2, min_epochs 1 and train.epochs 1000000, by which Hyperband makes 1111429 trials; "
            "there may be 1000000: say how many in trials, or make reduction or min_epochs larger\n");
  EXPECT_EQ(said("optimizer.learning_rate = {uniform = [0, 1]}\nfolds = 1"),
            "gradus: my.toml:29: search.folds: is 1; it must be 0, or at least 2\n");
  EXPECT_NE(said("optimizer.learning_rate = {uniform = [0, 1]}", "validation = 0.2", "validation = \"test\"")
                .find("data.validation: is \"test\", and a search chooses by it"),
            std::string::npos);
  write_text(folder / "my.toml", kCloudsRecipe);
  EXPECT_EQ(run_gradus({"search", "my.toml"}, {.folder = folder.path()}).err,
            "gradus: my.toml: there is no part [search], which says what is to be tried; for example optimizer.learning_rate = "
            "{log_uniform = [1e-4, 1e-1]}\n");
  EXPECT_EQ(run_gradus({"search", "--resume", "nowhere"}, {.folder = folder.path()}).err,
            "gradus: nowhere: holds no search; --resume takes the folder that `gradus search` has made\n");
  EXPECT_EQ(run_gradus({"search"}).code, 2);
}

TEST(SearchCommand, AFolderHoldsOneSearch) {
  const TemporaryFolder folder;
  const std::string few = std::string(kSearch) + "trials = 3\nmethod = \"random\"\n";
  write_text(folder / "my.toml", recipe(few, 1));
  const auto run = [&](std::vector<std::string> arguments) { return run_gradus(arguments, {.folder = folder.path()}); };
  ASSERT_EQ(run({"search", "my.toml", "--run-dir", "s"}).code, 0);
  const Outcome other = run({"search", "my.toml", "--run-dir", "s", "--set", "seed=5"});
  EXPECT_EQ(other.err,
            "gradus: s: holds a search of another recipe; name another folder, replace it with --replace, or go on with it: gradus search "
            "--resume s\n");
  const std::string before = told(folder / "s");
  ASSERT_EQ(run({"search", "--resume", "s", "--trials", "5"}).code, 0);
  const std::string longer = told(folder / "s");
  EXPECT_EQ(longer.find(before), 0u);
  EXPECT_EQ(log_of(folder / "s").size(), 6u);
  ASSERT_EQ(run({"search", "my.toml", "--run-dir", "s", "--set", "seed=5", "--replace"}).code, 0);
  EXPECT_EQ(log_of(folder / "s").size(), 4u);
  ASSERT_EQ(run({"train", "my.toml", "--quiet", "--run-dir", "t"}).code, 0);
  EXPECT_EQ(run({"search", "my.toml", "--run-dir", "t", "--replace"}).err,
            "gradus: t: holds a training run; name another folder for the search\n");
}

TEST(SearchCommand, WhatIsRefusedLeavesTheFolderAsItIs) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe(std::string(kSearch) + "trials = 4\n"));
  const auto run = [&](std::vector<std::string> arguments) { return run_gradus(arguments, {.folder = folder.path()}); };
  ASSERT_EQ(run({"search", "my.toml", "--run-dir", "s"}).code, 0);
  const std::string kept = read_text(folder / "s/recipe.toml"), log = told(folder / "s");
  EXPECT_EQ(run({"search", "--resume", "s", "--trials", "60"}).err,
            "gradus: s/trials.jsonl:1: is the log of another search: trials was 4, and is 60; name another folder, or the same options\n");
  EXPECT_EQ(read_text(folder / "s/recipe.toml"), kept);
  for (const std::vector<std::string>& again :
       {std::vector<std::string>{"search", "--resume", "s"}, {"search", "my.toml", "--run-dir", "s"}}) {
    const Outcome outcome = run(again);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  }
  // Nor does one that another is writing into become longer, or go away.
  const file::FolderLock lock(folder / "s");
  for (const char* how : {"--resume", "--run-dir"}) {
    std::vector<std::string> arguments{"search", how, "s"};
    if (how == std::string("--run-dir")) arguments.insert(arguments.end(), {"my.toml", "--replace"});
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.err.find("gradus: s: another search is writing into the folder; "), 0u) << outcome.err;
  }
  EXPECT_EQ(told(folder / "s"), log);
  EXPECT_EQ(read_text(folder / "s/recipe.toml"), kept);
}

TEST(SearchCommand, WhatIsMeasuredIsNotTried) {
  const TemporaryFolder folder;
  write_text(folder / "t.csv", "x,size,y\n1,2,3\n2,3,5\n3,4,8\n4,4,9\n5,1,7\n6,2,9\n");
  const auto said = [&](const std::string& line) {
    write_text(folder / "my.toml",
               "[data]\nsource = \"table\"\npath = \"t.csv\"\ntarget = \"y\"\n[model]\nlayers = [{type = \"Dense\", units = 1}]\n"
               "[loss]\nname = \"mean_squared_error\"\n[train]\nepochs = 2\n[search]\ntrials = 2\n" +
                   line + "\n");
    const Outcome outcome = run_gradus({"search", "my.toml", "--run-dir", "s"}, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 1) << line;
    EXPECT_FALSE(std::filesystem::exists(folder / "s")) << line;
    return outcome.err;
  };
  const std::string fixed = ": decides what trials are measured on or by; their scores could not be compared\n";
  for (const auto& [key, values] : std::map<std::string, std::string>{{"data.table", R"(["", "a"])"},
                                                                      {"data.types", R"([{x = "numeric"}, {x = "categorical"}])"},
                                                                      {"data.types.y", R"(["numeric"])"},
                                                                      {"data.missing", R"([["?"], ["9"]])"},
                                                                      {"data.names", R"([["x", "size", "y"], ["y", "x", "size"]])"},
                                                                      {"data.ragged", R"(["skip", "pad"])"},
                                                                      {"data.header", R"(["names", "none"])"},
                                                                      {"data.decimal", R"([".", ","])"},
                                                                      {"data.encoding", R"(["utf-8", "latin1"])"},
                                                                      {"data.separator", R"([",", ";"])"},
                                                                      {"data.comment", R"(["", "#"])"},
                                                                      {"data.size", "[32, 64]"},  // of images; a table has none
                                                                      {"data", R"([{source = "table", path = "t.csv", target = "x"}])"},
                                                                      {"train.metrics", R"([["mean_absolute_error"]])"}})
    EXPECT_EQ(said(key + " = {choice = " + values + "}"), "gradus: my.toml:13: search." + key + fixed);
  EXPECT_EQ(
      said("train = {choice = [{epochs = 3}, {epochs = 4}]}"),
      "gradus: my.toml:13: search.train: holds train.metrics, which decides what trials are measured on or by; name the keys below it "
      "that are to be tried\n");
  for (const char* line : {"search.trials = {choice = [2, 3]}", "search.trials = 5", "search = {choice = [{trials = 3}]}"})
    EXPECT_NE(
        said(line).find(": is of the search itself, and cannot be tried; options of the search stand in [search] under their own names, "
                        "as trials = 30\n"),
        std::string::npos)
        << said(line);
}

// How a text is shown to the model is not which texts there are.
TEST(SearchCommand, HowSamplesAreShownIsTried) {
  const TemporaryFolder folder;
  std::string lines;
  for (int i = 0; i < 20; ++i) lines += "ham\tsee you soon\nspam\twin money now\n";
  write_text(folder / "a.tsv", lines);
  write_text(
      folder / "my.toml",
      "[data]\nsource = \"labelled_text\"\npath = \"a.tsv\"\nvalidation = 0.2\n[model]\nlayers = [{type = \"Embedding\", count = 20, "
      "width = 4}, {type = \"Flatten\"}, {type = \"Dense\", units = 2}]\n[loss]\nname = \"sparse_categorical_crossentropy\"\n[train]\n"
      "epochs = 2\n[search]\ntrials = 4\ndata.most = {choice = [1, 2]}\ndata.tokenizer = {choice = [\"word\", \"character\"]}\n");
  const Outcome outcome = run_gradus({"search", "my.toml", "--run-dir", "s"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::set<double> scores;
  for (const nlohmann::json& line : log_of(folder / "s")) {
    if (line.contains("score")) scores.insert(line["score"].get<double>());
  }
  EXPECT_EQ(scores.size(), 4u) << outcome.out;  // each was trained on samples of its own
}

TEST(SearchCommand, TrainingLeavesItOutAndSaysSo) {
  const TemporaryFolder folder;
  write_text(folder / "plain.toml", recipe("", 2));
  write_text(folder / "my.toml", recipe(kSearch, 2));
  ASSERT_EQ(run_gradus({"train", "plain.toml", "--quiet", "--run-dir", "a"}, {.folder = folder.path()}).code, 0);
  const Outcome outcome = run_gradus({"train", "my.toml", "--run-dir", "b"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("note: the recipe has a part [search], which is for `gradus search`; training leaves it out\n"),
            std::string::npos)
      << outcome.err;
  EXPECT_EQ(last_of(folder / "a/metrics.csv", "val_loss"), last_of(folder / "b/metrics.csv", "val_loss"));
}

TEST(SearchCommand, WithoutValidationAShareIsHeldOut) {
  const TemporaryFolder folder;
  std::string text = recipe(std::string(kSearch) + "trials = 2\nmethod = \"random\"\n", 2);
  text.replace(text.find("validation = 0.2\n"), 17, "");
  write_text(folder / "my.toml", text);
  const Outcome outcome = run_gradus({"search", "my.toml", "--run-dir", "s"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("data.validation = 0.2"), std::string::npos) << outcome.err;
  ASSERT_EQ(run_gradus({"train", "s/best.toml", "--quiet", "--run-dir", "t"}, {.folder = folder.path()}).code, 0);
  const auto log = log_of(folder / "s");
  EXPECT_EQ(last_of(folder / "t/metrics.csv", "val_loss"), std::min(log[1]["score"].get<double>(), log[2]["score"].get<double>()));
}

// ---- tables ----

std::string rows(int64_t from, int64_t to, bool is_right = true) {
  std::string out = "x,size,kind,y\n";
  for (int64_t i = from; i < to; ++i) {
    const int64_t x = i * 37 % 101, size = i * 53 % 29;
    const bool y = 3 * x + 7 * size + i * 17 % 60 > 280;
    out += std::to_string(x) + "," + (i % 13 == 0 ? "" : std::to_string(size)) + "," + (i % 3 ? "a" : "b") + "," +
           (y == is_right ? "yes" : "no") + "\n";
  }
  return out;
}

TEST(SearchCommand, OfATableNeedsNoRecipe) {
  const TemporaryFolder folder;
  write_text(folder / "t.csv", rows(0, 150));
  const Outcome outcome = run_gradus({"search", "t.csv", "--target", "y", "--trials", "4", "--run-dir", "s", "--write-recipe", "w.toml"},
                                     {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("it trains with: gradus train s/best.toml --folds 5\n"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find(" \u00b1 "), std::string::npos) << outcome.out;
  EXPECT_NE(read_text(folder / "w.toml").find("[search]\nfolds = 5\ntrain.penalty = {log_uniform"), std::string::npos);
  EXPECT_EQ(run_gradus({"search", "w.toml", "--trials", "2", "--quiet", "--run-dir", "again"}, {.folder = folder.path()}).code, 0);
  // The folds of a search are those of train --folds.
  double best = 1e9, deviation = 0;
  for (const nlohmann::json& line : log_of(folder / "s")) {
    if (line.contains("score") && line["score"].get<double>() < best) best = line["score"], deviation = line["deviation"];
  }
  ASSERT_EQ(run_gradus({"train", "s/best.toml", "--folds", "5", "--quiet", "--run-dir", "t"}, {.folder = folder.path()}).code, 0);
  const std::string folds = read_text(folder / "t/folds.csv");
  EXPECT_EQ(folds.find("fold,loss,accuracy,"), 0u) << folds;
  EXPECT_NE(folds.find("\nmean," + core::to_text(best) + ","), std::string::npos) << folds;
  EXPECT_NE(folds.find("\ndeviation," + core::to_text(deviation) + ","), std::string::npos) << folds;
}

TEST(SearchCommand, NeverLooksAtTheTestRows) {
  const TemporaryFolder folder;
  write_text(folder / "t.csv", rows(0, 150));
  write_text(folder / "right.csv", rows(150, 200));
  write_text(folder / "wrong.csv", rows(150, 200, false));
  for (const char* test : {"right", "wrong"}) {
    const Outcome outcome =
        run_gradus({"search", "t.csv", "--target", "y", "--test", std::string(test) + ".csv", "--trials", "3", "--run-dir", test},
                   {.folder = folder.path()});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
  }
  EXPECT_EQ(told(folder / "right"), told(folder / "wrong"));
}

TEST(SearchCommand, ANetworkForATableIsSearchedByHyperband) {
  const TemporaryFolder folder;
  write_text(folder / "t.csv", rows(0, 1200));
  const Outcome outcome = run_gradus({"search", "t.csv", "--target", "x", "--task", "regression", "--trials", "4", "--set",
                                      "train.epochs=9", "--set", "schedule.warmup=0.5", "--run-dir", "s"},
                                     {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("searching 4 keys by Hyperband"), std::string::npos) << outcome.out;
  ASSERT_EQ(run_gradus({"train", "s/best.toml", "--quiet", "--run-dir", "t"}, {.folder = folder.path()}).code, 0);
  double best = 1e9;
  for (const nlohmann::json& line : log_of(folder / "s")) {
    if (line.contains("state") && line["state"] == "finished") best = std::min(best, line["score"].get<double>());
  }
  EXPECT_EQ(last_of(folder / "t/metrics.csv", "val_loss"), best);  // with a schedule over all epochs, through rungs
}

// ---- folds ----

TEST(Folds, AreTrainedBesideTheRunAndChangeNothingOfIt) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe("", 2));
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "plain"}, {.folder = folder.path()}).code, 0);
  const Outcome outcome = run_gradus({"train", "my.toml", "--folds", "4", "--run-dir", "folded"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("fold 4 of 4: loss "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("cross-validation, mean and deviation of 4 folds:\n  loss: "), std::string::npos) << outcome.out;
  EXPECT_EQ(read_text(folder / "plain/model.gradus") == read_text(folder / "folded/model.gradus"), true);
  EXPECT_NE(read_text(folder / "folded/report.html").find("Cross-validation"), std::string::npos);
  const std::string csv = read_text(folder / "folded/folds.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 7) << csv;
  // A run that replaces it has none.
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "folded", "--replace"}, {.folder = folder.path()}).code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder / "folded/folds.csv"));
  EXPECT_EQ(run_gradus({"train", "my.toml", "--folds", "1"}, {.folder = folder.path()}).code, 2);
  EXPECT_NE(run_gradus({"train", "my.toml", "--folds", "999", "--run-dir", "x"}, {.folder = folder.path()})
                .err.find("folds is 999; it must be from 2 to the number of samples, 240"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "x"));
}

TEST(Folds, RowsWithoutATargetAreLeftOutAndCounted) {
  const TemporaryFolder folder;
  std::string text = "x,y\n";
  for (int i = 0; i < 60; ++i) text += std::to_string(i * 7 % 11) + "," + (i % 9 == 4 ? "" : i * 7 % 11 > 5 ? "yes" : "no") + "\n";
  write_text(folder / "t.csv", text);
  const Outcome outcome = run_gradus({"train", "t.csv", "--target", "y", "--folds", "4", "--run-dir", "s"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;  // also where such rows lie among those for testing
  EXPECT_NE(outcome.err.find("note: 7 rows have no target \"y\" and are left out\n"), std::string::npos) << outcome.err;
  write_text(folder / "rare.csv", "x,y\n1,a\n2,b\n3,a\n4,b\n5,c\n6,a\n7,b\n8,a\n9,b\n10,a\n");
  write_text(folder / "test.csv", "x,y\n1,a\n2,b\n");
  const Outcome rare =
      run_gradus({"train", "rare.csv", "--target", "y", "--test", "test.csv", "--folds", "2", "--run-dir", "r"}, {.folder = folder.path()});
  EXPECT_EQ(rare.code, 0) << rare.err;  // a model that has not seen the only "c" is not measured on it
}

TEST(Folds, OfSamplesThatOverlapAreRefused) {
  const TemporaryFolder folder;
  std::string numbers = "n\n";
  for (int i = 0; i < 80; ++i) numbers += std::to_string(i % 7) + "\n";
  write_text(folder / "n.csv", numbers);
  write_text(
      folder / "my.toml",
      "[data]\nsource = \"series\"\npath = \"n.csv\"\nsteps = 6\n[model]\nlayers = [{type = \"Flatten\"}, {type = \"Dense\", units = 1}]\n"
      "[loss]\nname = \"mean_squared_error\"\n[train]\nepochs = 1\n");
  const Outcome outcome = run_gradus({"train", "my.toml", "--folds", "3", "--run-dir", "s"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "gradus: data.source: is \"series\", whose samples overlap; folds of them would hold the same numbers\n");
}

TEST(Folds, ByTimeAreForetoldByEarlierOnes) {
  const TemporaryFolder folder;
  std::string text = "day,x,y\n";
  for (int i = 0; i < 60; ++i)
    text += std::to_string(60 - i) + "," + std::to_string(i * 7 % 11) + "," + std::to_string(i * 7 % 11 * 2.5 + i) + "\n";
  write_text(folder / "t.csv", text);
  const Outcome outcome = run_gradus({"train", "t.csv", "--target", "y", "--set", "data.time=day", "--set", "train.epochs=1", "--set",
                                      "schedule.warmup=0", "--folds", "4", "--run-dir", "s"},
                                     {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("fold 3 of 3: "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("  rmse: "), std::string::npos) << outcome.out;
}

// ---- rates ----

TEST(FindRate, SaysARateAndDrawsIt) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe("", 2));
  const Outcome outcome = run_gradus({"find-rate", "my.toml", "-o", "r.html"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.find("learning rate 0."), 0u) << outcome.out;
  EXPECT_NE(outcome.out.find("\npicture: r.html\n"), std::string::npos) << outcome.out;
  EXPECT_NE(read_text(folder / "r.html").find("Loss while the learning rate grows"), std::string::npos);
  EXPECT_EQ(run_gradus({"find-rate", "my.toml", "--low", "2", "--high", "1"}, {.folder = folder.path()}).err,
            "gradus: learning_rate_range: low is 2 and high 1; it must be 0 < low < high, both finite\n");
  EXPECT_EQ(run_gradus({"find-rate", "my.toml", "--set", "train.solver=exact"}, {.folder = folder.path()}).err,
            "gradus: train.solver: is exact, which has no learning rate to be found\n");
  EXPECT_EQ(run_gradus({"find-rate"}).code, 2);
}

}  // namespace
}  // namespace gradus
