// gradus train and what follows it: run folders, what is kept when something goes wrong, exit codes.
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "gradus/cli/run_folder.hpp"
#include "tests/cli/clouds.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::kCloudsRecipe;
using testing::Outcome;
using testing::read_text;
using testing::recipe_with;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_text;

TEST(Train, LeavesAWholeRunFolder) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  const Outcome outcome = run_gradus({"train", "my.toml", "--run-dir", "run"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("epoch 4/4: loss "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("\ntest accuracy: "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("\nreport: run/report.html\n"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("\nsamples per second: "), std::string::npos) << outcome.out;
  EXPECT_EQ(read_text(folder / "run/recipe.toml"), kCloudsRecipe);
  const std::string metrics = read_text(folder / "run/metrics.csv");
  EXPECT_EQ(metrics.rfind("epoch,steps,learning_rate,seconds", 0), 0u) << metrics;
  EXPECT_EQ(std::count(metrics.begin(), metrics.end(), '\n'), 5);
  const std::string report = read_text(folder / "run/report.html");
  EXPECT_NE(report.find("Confusion matrix"), std::string::npos);
  EXPECT_EQ(report.find("<script"), std::string::npos);
}

TEST(Train, ItsModelEvaluatesAsTheRunSaid) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  const Outcome trained = run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()});
  ASSERT_EQ(trained.code, 0) << trained.err;
  for (const char* model : {"run", "run/model.gradus"}) {
    const Outcome evaluated = run_gradus({"evaluate", model}, {.folder = folder.path()});
    EXPECT_EQ(evaluated.code, 0) << evaluated.err;
    const size_t accuracy = evaluated.out.find("test accuracy: ");
    ASSERT_NE(accuracy, std::string::npos);
    EXPECT_NE(trained.out.find(evaluated.out.substr(accuracy)), std::string::npos) << trained.out << evaluated.out;
  }
}

TEST(Train, ItsModelPredictsAndIsSummarised) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()}).code, 0);
  write_text(folder / "points.csv", "a,b\n0,1\n-3,5\n");
  const Outcome predicted = run_gradus({"predict", "run", "points.csv", "--top", "1"}, {.folder = folder.path()});
  EXPECT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_EQ(predicted.out.rfind("points.csv[0]: class ", 0), 0u) << predicted.out;
  EXPECT_NE(predicted.out.find("\npoints.csv[1]: class "), std::string::npos) << predicted.out;
  write_text(folder / "wide.csv", "1,2,3\n");
  const Outcome wide = run_gradus({"predict", "run", "wide.csv"}, {.folder = folder.path()});
  EXPECT_EQ(wide.code, 1);
  EXPECT_EQ(wide.err, "gradus: wide.csv: holds (1, 3); the model takes samples of (2,)\n");

  for (const char* what : {"run", "my.toml"}) {
    const Outcome summary = run_gradus({"summary", what}, {.folder = folder.path()});
    EXPECT_EQ(summary.code, 0) << summary.err;
    EXPECT_NE(summary.out.find("51"), std::string::npos) << summary.out;  // 2 x 8 + 8 + 8 x 3 + 3 parameters
  }
}

TEST(Train, TheSameSeedGivesTheSameModel) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  for (const char* run : {"a", "b"})
    EXPECT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", run}, {.folder = folder.path()}).code, 0);
  EXPECT_EQ(read_text(folder / "a/model.gradus"), read_text(folder / "b/model.gradus"));
  EXPECT_FALSE(read_text(folder / "a/model.gradus").empty());
}

TEST(Train, SetChangesTheRecipeAndItsCopy) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  const Outcome outcome = run_gradus({"train", "my.toml", "--run-dir", "run", "--set", "train.epochs=2", "--set", "optimizer.name=sgd",
                                      "--set", "model.layers[0].units=5"},
                                     {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("epoch 2/2"), std::string::npos);
  const Outcome again = run_gradus({"train", "run/recipe.toml", "--quiet", "--run-dir", "again"}, {.folder = folder.path()});
  ASSERT_EQ(again.code, 0) << again.err;
  const Outcome one = run_gradus({"evaluate", "run"}, {.folder = folder.path()}),
                two = run_gradus({"evaluate", "again"}, {.folder = folder.path()});
  EXPECT_EQ(one.out, two.out);
}

TEST(Train, QuietPrintsResultsOnly) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  const Outcome outcome = run_gradus({"train", "my.toml", "--quiet"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 4) << outcome.out;
  EXPECT_NE(outcome.out.find("report: runs/clouds-"), std::string::npos) << outcome.out;
}

TEST(Train, AModelThatDoesNotFitTheDataNamesTheLayer) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe_with("{type = \"Dense\", units = 3},", "{type = \"Conv2D\", filters = 3, kernel_size = 3},"));
  const Outcome outcome = run_gradus({"train", "my.toml", "--quiet"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("conv2d"), std::string::npos) << outcome.err;
}

TEST(Train, ALossThatIsNotFiniteStops) {
  const TemporaryFolder folder;
  // Cross-entropy grows with the logits, not with their squares: it overflows at a rate near the largest float only.
  write_text(folder / "my.toml", recipe_with("name = \"adam\"\nlearning_rate = 0.05", "name = \"sgd\"\nlearning_rate = 1e38"));
  const Outcome outcome = run_gradus({"train", "my.toml", "--quiet"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 1) << outcome.out;
  EXPECT_EQ(outcome.err.rfind("gradus: fit: the loss is ", 0), 0u) << outcome.err;
  EXPECT_NE(outcome.err.find("; the model as of step "), std::string::npos) << outcome.err;
}

TEST(Train, TwoClassesByOneOutput) {
  const TemporaryFolder folder;
  testing::write_text(folder / "my.toml", R"([data]
source = "moons"
samples = 600
[model]
layers = [{type = "Dense", units = 16, activation = "relu"}, {type = "Dense", units = 1}]
[loss]
name = "binary_crossentropy"
[optimizer]
learning_rate = 0.02
[train]
epochs = 30
metrics = ["accuracy"]
)");
  const Outcome trained = run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const size_t at = trained.out.find("test accuracy: ");
  ASSERT_NE(at, std::string::npos) << trained.out;
  EXPECT_GT(std::atof(trained.out.c_str() + at + 15), 80) << trained.out;
  EXPECT_EQ(run_gradus({"evaluate", "run", "--classes"}, {.folder = folder.path()}).code, 0);
}

TEST(Train, CtrlCSavesTheLastFinishedStepAndLeavesTheReport) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe_with("epochs = 4", "epochs = 1000000"));
  const auto has_epochs = [&] { return std::filesystem::exists(folder / "run/metrics.csv"); };
  for (const auto& [signal, code] : {std::pair(SIGINT, 130), std::pair(SIGTERM, 143), std::pair(SIGHUP, 129)}) {
    std::filesystem::remove_all(folder / "run");
    const Outcome outcome =
        run_gradus({"train", "my.toml", "--run-dir", "run"}, {.folder = folder.path(), .before_exec = [] { std::signal(SIGHUP, SIG_DFL); },
                                                              .interrupt_when = has_epochs, .signal = signal});
    EXPECT_EQ(outcome.code, code);
    EXPECT_EQ(outcome.err.rfind("gradus: interrupted: the model as of step ", 0), 0u) << outcome.err;
    EXPECT_EQ(outcome.err.find("hint"), std::string::npos) << outcome.err;
    EXPECT_EQ(run_gradus({"evaluate", "run"}, {.folder = folder.path()}).code, 0);
    const std::string step = outcome.err.substr(42, outcome.err.find(',') - 42), report = read_text(folder / "run/report.html");
    EXPECT_NE(report.find("(interrupted after step " + step + ")"), std::string::npos) << step;
    EXPECT_NE(report.find("Confusion matrix"), std::string::npos);
    EXPECT_EQ(read_text(folder / "run/metrics.csv").rfind("epoch,steps,", 0), 0u);
  }
}

TEST(Train, CtrlCBeforeTheFirstEpochHasEndedLeavesTheTableOfEpochsToo) {
  using Clock = std::chrono::steady_clock;
  const TemporaryFolder folder;
  std::string recipe = recipe_with("samples = 300", "samples = 300000");
  write_text(folder / "my.toml", recipe + "batch_size = 1\n");
  Clock::time_point begin{};  // of the run, as far as its folder tells
  const auto is_under_way = [&] {
    if (begin == Clock::time_point() && std::filesystem::exists(folder / "run")) begin = Clock::now();
    return begin != Clock::time_point() && Clock::now() - begin > std::chrono::milliseconds(1500);
  };
  const Outcome outcome = run_gradus({"train", "my.toml", "--run-dir", "run"}, {.folder = folder.path(), .interrupt_when = is_under_way});
  EXPECT_EQ(outcome.code, 130) << outcome.out << outcome.err;
  // Stopped before its first step, on a slow machine, it leaves nothing.
  const bool has_model = std::filesystem::exists(folder / "run/model.gradus");
  EXPECT_EQ(std::filesystem::exists(folder / "run/metrics.csv"), has_model) << outcome.err;
  if (has_model) { EXPECT_EQ(read_text(folder / "run/metrics.csv").rfind("epoch,steps,", 0), 0u); }
}

TEST(Train, AnotherSignalWhileStoppingEndsAtOnce) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe_with("epochs = 4", "epochs = 1000000"));
  const auto has_epochs = [&] { return std::filesystem::exists(folder / "run/metrics.csv"); };
  const Outcome outcome = run_gradus({"train", "my.toml", "--run-dir", "run"},
                                     {.folder = folder.path(), .interrupt_when = has_epochs, .signal = SIGINT, .next_signal = SIGTERM});
  EXPECT_TRUE(outcome.code == 128 + SIGINT || outcome.code == 128 + SIGTERM) << outcome.code;
  EXPECT_EQ(outcome.err, "");
  EXPECT_FALSE(std::filesystem::exists(folder / "run/report.html"));
}

TEST(Train, AHangUpThatIsIgnoredStaysSo) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe_with("epochs = 4", "epochs = 60"));
  const auto has_epochs = [&] { return std::filesystem::exists(folder / "run/metrics.csv"); };
  const Outcome outcome = run_gradus(
      {"train", "my.toml", "--run-dir", "run"},
      {.folder = folder.path(), .before_exec = [] { std::signal(SIGHUP, SIG_IGN); }, .interrupt_when = has_epochs, .signal = SIGHUP});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("epoch 60/60: "), std::string::npos) << outcome.out;
}

// ---- run folders ----

// gradus ARGUMENTS[i]... for all i at once.
std::vector<Outcome> run_all(const std::vector<std::vector<std::string>>& arguments, const std::string& folder) {
  std::vector<Outcome> outcomes(arguments.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < arguments.size(); ++i)
    threads.emplace_back([&, i] { outcomes[i] = run_gradus(arguments[i], {.folder = folder}); });
  for (std::thread& thread : threads) thread.join();
  return outcomes;
}

// All files of the folder are of one run, the one that printed `out` and had this seed.
void expect_whole(const TemporaryFolder& folder, const std::string& run, const std::string& out, size_t seed) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder / run)) names.insert(entry.path().filename());
  EXPECT_EQ(names, (std::set<std::string>{"card.html", "card.md", "metrics.csv", "model.gradus", "recipe.toml", "report.html"})) << run;
  EXPECT_NE(read_text(folder / (run + "/recipe.toml")).find(concat("\nseed = ", seed, "\n")), std::string::npos) << run;
  EXPECT_NE(read_text(folder / (run + "/report.html")).find(concat("\nseed = ", seed, "\n")), std::string::npos) << run;
  const Outcome evaluated = run_gradus({"evaluate", run}, {.folder = folder.path()});
  EXPECT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_NE(out.find(evaluated.out.substr(evaluated.out.find("test loss: "))), std::string::npos) << out << evaluated.out;
}

TEST(RunFolder, RunsThatStartAtOnceEachGetTheirOwn) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe_with("metrics = [\"accuracy\"]", "metrics = []"));
  std::vector<std::vector<std::string>> all;
  for (size_t seed = 1; seed <= 8; ++seed) all.push_back({"train", "my.toml", "--quiet", "--set", concat("seed=", seed)});
  const std::vector<Outcome> outcomes = run_all(all, folder.path());
  std::set<std::string> runs;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_EQ(outcomes[i].code, 0) << outcomes[i].err;
    const size_t at = outcomes[i].out.find("report: ") + 8;
    const std::string run = outcomes[i].out.substr(at, outcomes[i].out.find("/report.html") - at);
    runs.insert(run);
    expect_whole(folder, run, outcomes[i].out, i + 1);
  }
  EXPECT_EQ(runs.size(), 8u);
}

TEST(RunFolder, OfRunsThatAskForTheSameFolderOneGetsIt) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe_with("metrics = [\"accuracy\"]", "metrics = []"));
  for (const bool may_replace : {false, true}) {
    std::vector<std::vector<std::string>> all;
    for (size_t seed = 1; seed <= 8; ++seed)
      all.push_back({"train", "my.toml", "--quiet", "--run-dir", "run", "--set", concat("seed=", seed)});
    for (auto& arguments : all) {
      if (may_replace) arguments.push_back("--replace");
    }
    const std::vector<Outcome> outcomes = run_all(all, folder.path());
    int whole = 0;
    for (size_t i = 0; i < outcomes.size(); ++i) {
      if (outcomes[i].code == 0) {
        if (++whole == 1 && !may_replace) expect_whole(folder, "run", outcomes[i].out, i + 1);
        continue;
      }
      const bool is_busy = outcomes[i].err == "gradus: run: another run is writing into the folder; name another one\n";
      const bool is_late =
          outcomes[i].err == "gradus: run: the folder holds a run already; name another one, or replace the run with --replace\n";
      EXPECT_TRUE(is_busy || (is_late && !may_replace)) << outcomes[i].err;
    }
    EXPECT_TRUE(whole == 1 || (whole > 1 && may_replace)) << whole;
  }
}

TEST(RunFolder, ThreadsThatAskAtOnceEachGetTheirOwn) {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  std::vector<cli::RunFolder> made(16);
  std::vector<std::thread> threads;
  for (cli::RunFolder& each : made) threads.emplace_back([&] { each = cli::make_run_folder("", "name", false); });
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> paths;
  for (const cli::RunFolder& each : made) paths.insert(each.path);
  EXPECT_EQ(paths.size(), 16u);
  EXPECT_EQ(testing::error_of([&] { cli::make_run_folder(made[3].path, "", true); }),
            made[3].path + ": another run is writing into the folder; name another one");
  std::filesystem::current_path(before);
}

TEST(RunFolder, AReplacedRunStaysUntilTheNewOneHasMadeAStep) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run/"}, {.folder = folder.path()}).code, 0);
  const std::string model = read_text(folder / "run/model.gradus");
  const Outcome failed = run_gradus(
      {"train", "my.toml", "--quiet", "--run-dir", "run", "--replace", "--set", "loss.name=mean_squared_error"}, {.folder = folder.path()});
  EXPECT_EQ(failed.code, 1);
  EXPECT_EQ(read_text(folder / "run/recipe.toml"), kCloudsRecipe);
  EXPECT_EQ(read_text(folder / "run/model.gradus"), model);
  EXPECT_TRUE(std::filesystem::exists(folder / "run/report.html"));
}

TEST(RunFolder, TheRecipeThatIsReadIsNotWrittenOver) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "mine");
  write_text(folder / "mine/recipe.toml", kCloudsRecipe);
  const Outcome outcome =
      run_gradus({"train", "mine/recipe.toml", "--quiet", "--run-dir", "./mine", "--set", "seed=4"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "gradus: ./mine: its recipe.toml is the recipe to be trained, and --set changes it; name another folder\n");
  EXPECT_EQ(read_text(folder / "mine/recipe.toml"), kCloudsRecipe);
  EXPECT_EQ(run_gradus({"train", "mine/recipe.toml", "--quiet", "--run-dir", "mine"}, {.folder = folder.path()}).code, 0);
}

TEST(Train, ARunIsReplacedOnlyIfAskedFor) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  const std::vector<std::string> arguments = {"train", "my.toml", "--quiet", "--run-dir", "run"};
  ASSERT_EQ(run_gradus(arguments, {.folder = folder.path()}).code, 0);
  const std::string model = read_text(folder / "run/model.gradus");
  std::vector<std::string> other = arguments;
  other.insert(other.end(), {"--set", "seed=4"});
  const Outcome refused = run_gradus(other, {.folder = folder.path()});
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.err, "gradus: run: the folder holds a run already; name another one, or replace the run with --replace\n");
  EXPECT_EQ(read_text(folder / "run/model.gradus"), model);
  EXPECT_EQ(read_text(folder / "run/recipe.toml"), kCloudsRecipe);
  other.push_back("--replace");
  EXPECT_EQ(run_gradus(other, {.folder = folder.path()}).code, 0);
  EXPECT_NE(read_text(folder / "run/model.gradus"), model);
}

TEST(Train, AReaderThatGoesAwayDoesNotStopIt) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  const auto closed_pipe = [] {
    int ends[2];
    if (::pipe(ends) != 0) ::_exit(125);
    ::close(ends[0]);
    ::dup2(ends[1], 1);
  };
  const Outcome outcome = run_gradus({"train", "my.toml", "--run-dir", "run"}, {.folder = folder.path(), .before_exec = closed_pipe});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "gradus: standard output: cannot be written: Broken pipe\n");
  EXPECT_TRUE(std::filesystem::exists(folder / "run/report.html"));
}

TEST(Predict, WritesCsvToAFileOrToStandardOutput) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()}).code, 0);
  write_text(folder / "points.csv", "a,b\n0,1\n-3,5\n");
  const Outcome printed = run_gradus({"predict", "run", "points.csv", "--csv"}, {.folder = folder.path()});
  EXPECT_EQ(printed.code, 0) << printed.err;
  EXPECT_EQ(printed.out.rfind("file,sample,class,probability,class 0,class 1,class 2\npoints.csv,0,class ", 0), 0u) << printed.out;
  EXPECT_EQ(std::count(printed.out.begin(), printed.out.end(), '\n'), 3);
  const Outcome written = run_gradus({"predict", "run", "points.csv", "-o", "out.csv"}, {.folder = folder.path()});
  EXPECT_EQ(written.code, 0) << written.err;
  EXPECT_EQ(written.out, "");
  EXPECT_EQ(read_text(folder / "out.csv"), printed.out);
}

TEST(Predict, InputsThatAreNoneAreNamed) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()}).code, 0);
  write_text(folder / "gap.csv", "1,2\n3,\n");
  write_text(folder / "word.csv", "1,2\n3,four\n");
  write_text(folder / "ragged.csv", "1,2\n3\n");
  write_text(folder / "empty.csv", "");
  const std::string header("\x00\x00\x08\x03\x00\x00\x00\x02\x00\x00\x00\x20\x00\x00\x00\x20", 16);
  write_text(folder / "images.idx", header + std::string(2 * 32 * 32, 'x'));
  write_text(folder / "short.idx", header + "x");
  const auto message = [&](const std::string& file) {
    const Outcome outcome = run_gradus({"predict", "run", file}, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  EXPECT_EQ(message("gap.csv"), "gradus: gap.csv: x[1, 1] is nan; inputs must be finite numbers\n");
  EXPECT_EQ(message("word.csv"), "gradus: word.csv:2: column 2: expected a number, got \"four\"\n");
  EXPECT_EQ(message("ragged.csv"), "gradus: ragged.csv:2: the line has 1 cells, the first one 2; they must be equal\n");
  EXPECT_EQ(message("empty.csv"), "gradus: empty.csv: there are no numbers in it\n");
  EXPECT_EQ(message("images.idx"), "gradus: images.idx: holds (2, 32, 32); the model takes samples of (2,)\n");
  EXPECT_EQ(message("short.idx"),
            "gradus: short.idx: truncated: its sizes (2, 32, 32) announce 2048 bytes, the file cannot hold more than 1\n");
  EXPECT_EQ(message("."), "gradus: .: is a folder; a file is needed\n");
}

TEST(Predict, RowsAreSamplesAlsoWhereTheirNumbersWouldMakeOne) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);  // samples of two numbers
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()}).code, 0);
  write_text(folder / "column.csv", "1\n2\n");
  write_text(folder / "row.csv", "1,2\n");
  write_text(folder / "flat.idx", std::string("\x00\x00\x08\x01\x00\x00\x00\x02\x01\x02", 10));
  const Outcome column = run_gradus({"predict", "run", "column.csv"}, {.folder = folder.path()});
  EXPECT_EQ(column.code, 1);
  EXPECT_EQ(column.err, "gradus: column.csv: holds (2, 1); the model takes samples of (2,)\n");
  for (const char* name : {"row.csv", "flat.idx"}) {
    const Outcome one = run_gradus({"predict", "run", name}, {.folder = folder.path()});
    EXPECT_EQ(one.code, 0) << one.err;
    EXPECT_EQ(one.out.rfind(std::string(name) + "[0]: ", 0), 0u) << one.out;
  }
}

TEST(Predict, AFullDiskBehindStandardOutputIsAnError) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()}).code, 0);
  write_text(folder / "points.csv", "0,1\n");
  const auto full = [] { ::dup2(::open("/dev/full", O_WRONLY), 1); };
  const Outcome outcome = run_gradus({"predict", "run", "points.csv"}, {.folder = folder.path(), .before_exec = full});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "gradus: standard output: cannot be written: No space left on device\n");
}

TEST(Train, NoSpaceIsAnErrorAndLeavesNoHalfFile) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  const auto limit = [] {
    const rlimit small{1000, 1000};  // room for recipe and metrics, not for the model
    ::setrlimit(RLIMIT_FSIZE, &small);
  };
  const Outcome outcome = run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path(), .before_exec = limit});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("model.gradus: cannot be written: "), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("bytes are needed"), std::string::npos) << outcome.err;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "run")) EXPECT_NE(entry.path().extension(), ".part");
}

TEST(Train, AFolderThatCannotBeMadeIsNamed) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  const Outcome outcome = run_gradus({"train", "my.toml", "--quiet", "--run-dir", "my.toml"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "gradus: my.toml: is a file; a folder is needed\n");
}

// ---- a host that gives less than usual ----

TEST(Train, AHostThatRefusesThreadsGetsTheSameModelFromOne) {
  const TemporaryFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  write_text(folder / "my.toml", kCloudsRecipe);
  const auto one_process = [] {
    ::setenv("OMP_NUM_THREADS", "4", 1);
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // looking for leaks starts a thread
    const rlimit one{1, 1};
    if (::setrlimit(RLIMIT_NPROC, &one) != 0) ::_exit(125);
    if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(125);  // the limit does not hold for root
  };
  const Outcome refused =
      run_gradus({"train", "my.toml", "--quiet", "--run-dir", "refused"}, {.folder = folder.path(), .before_exec = one_process});
  if (refused.code == 127 || refused.code == 125) GTEST_SKIP() << "the built program is not open to another user";
  EXPECT_EQ(refused.code, 0) << refused.err;
  EXPECT_EQ(refused.err, "");
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "usual"}, {.folder = folder.path()}).code, 0);
  EXPECT_EQ(read_text(folder / "refused/model.gradus"), read_text(folder / "usual/model.gradus"));
  EXPECT_EQ(run_gradus({"evaluate", "refused"}, {.folder = folder.path(), .before_exec = one_process}).code, 0);
}

TEST(Train, WhatIsNotFollowedOfANumberOfThreadsIsSaid) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  const std::pair<const char*, const char*> cases[] = {{"0", "(OMP_NUM_THREADS is '0', which is no number from 1 up)"},
                                                       {"abc", "(OMP_NUM_THREADS is 'abc', which is no number from 1 up)"},
                                                       {"\x1b[31m", "(OMP_NUM_THREADS is '\\x1b[31m', which is no number from 1 up)"},
                                                       {"100000", " threads (OMP_NUM_THREADS is '100000')"},
                                                       {"2,4", "2 threads, oneDNN"}};
  for (const auto& [count, said] : cases) {
    const Outcome outcome = run_gradus({"train", "my.toml", "--quiet", "--replace", "--run-dir", "run"},
                                       {.folder = folder.path(), .before_exec = [text = count] {
                                          ::setenv("OMP_NUM_THREADS", text, 1);
                                          ::setenv("GRADUS_VERBOSE", "1", 1);
                                        }});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE(outcome.err.find(said), std::string::npos) << outcome.err;
  }
}

TEST(Train, OddNumbersOfThreadsAreNoErrors) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  for (const char* count : {"0", "abc", "1e9", "-3", "1000000000", "99999999999999999999", ""}) {
    const Outcome outcome = run_gradus({"train", "my.toml", "--quiet", "--replace", "--run-dir", "run"},
                                       {.folder = folder.path(), .before_exec = [count] { ::setenv("OMP_NUM_THREADS", count, 1); }});
    EXPECT_EQ(outcome.code, 0) << count << outcome.err;
  }
}

TEST(Train, AFullDiskIsAnErrorOfEachFile) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  for (const std::string file : {"recipe.toml", "metrics.csv", "model.gradus", "report.html"}) {
    const std::string run = "run-" + file;
    std::filesystem::create_directory(folder / run);
    // What is there already is removed at the first step; a folder in its place is not.
    std::filesystem::create_directories(folder / (run + "/" + file + "/x"));
    const Outcome outcome = run_gradus({"train", "my.toml", "--quiet", "--replace", "--run-dir", run}, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.err.rfind("gradus: " + run + "/" + file + ": is a folder; a file is needed", 0), 0u) << outcome.err;
  }
  const auto full = [] { ::dup2(::open("/dev/full", O_WRONLY), 1); };
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()}).code, 0);
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"evaluate", "run", "--classes"},
                                                    {"summary", "run"},
                                                    {"summary", "my.toml"},
                                                    {"train", "my.toml", "--quiet"},
                                                    {"train", "my.toml"}}) {
    const Outcome outcome = run_gradus(arguments, {.folder = folder.path(), .before_exec = full});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.err, "gradus: standard output: cannot be written: No space left on device\n");
  }
  write_text(folder / "points.csv", "0,1\n");
  const Outcome outcome = run_gradus({"predict", "run", "points.csv", "-o", "/dev/full"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err.rfind("gradus: /dev/full: cannot be written: no space left on the disk; ", 0), 0u) << outcome.err;
}

TEST(Predict, PipesAndDevicesAreNotWaitedFor) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()}).code, 0);
  for (const char* name : {"pipe", "pipe.csv", "pipe.toml"}) ASSERT_EQ(::mkfifo((folder / name).c_str(), 0600), 0);
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"predict", "run", "pipe"},
                                                    {"predict", "run", "pipe.csv"},
                                                    {"predict", "pipe", "my.toml"},
                                                    {"evaluate", "pipe"},
                                                    {"evaluate", "run", "--data", "pipe.toml"},
                                                    {"train", "pipe.toml"},
                                                    {"summary", "pipe.toml"},
                                                    {"summary", "pipe"},
                                                    {"summary", "/dev/zero"}}) {
    const Outcome outcome = run_gradus(arguments, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE(outcome.err.find(": is not a regular file\n"), std::string::npos) << outcome.err;
  }
}

TEST(Predict, TheOutputMayNotBeWhatIsRead) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()}).code, 0);
  write_text(folder / "points.csv", "0,1\n");
  write_text(folder / "more.csv", "0,1\n");
  std::filesystem::create_symlink("points.csv", folder / "link.csv");
  const std::string model = read_text(folder / "run/model.gradus");
  for (const auto& [output, input] : {std::pair("points.csv", "points.csv"), std::pair("./link.csv", "points.csv"),
                                      std::pair("more.csv", "more.csv"), std::pair("run/model.gradus", "run/model.gradus")}) {
    const Outcome outcome = run_gradus({"predict", "run", "points.csv", "more.csv", "-o", output}, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.err, concat("gradus: ", output, ": the output is the same file as ", input, ", which is read; name another one\n"));
  }
  EXPECT_EQ(read_text(folder / "points.csv"), "0,1\n");
  EXPECT_EQ(read_text(folder / "run/model.gradus"), model);
}

}  // namespace
}  // namespace gradus
