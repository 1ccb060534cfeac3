// gradus train --resume after kill -9: the same bits as a run that nobody disturbed.
#include <filesystem>

#include "tests/cli/clouds.hpp"

namespace gradus {
namespace {

using testing::kCloudsRecipe;
using testing::Outcome;
using testing::read_text;
using testing::run_gradus;
using testing::TemporaryFolder;

std::string recipe() {
  std::string text = kCloudsRecipe;
  const std::string layers = "{type = \"Dense\", units = 8, activation = \"tanh\"},", epochs = "epochs = 4";
  text.replace(text.find(layers), layers.size(),
               "{type = \"Dense\", units = 64, activation = \"tanh\"}, {type = \"BatchNorm\"}, {type = \"Dropout\", rate = 0.2},");
  text.replace(text.find(epochs), epochs.size(), "epochs = 40\ncheckpoint_steps = 3");
  return text;
}

// Of that step or a later one.
bool holds_checkpoint(const std::string& checkpoints, int steps) {
  std::error_code ignored;
  for (std::filesystem::directory_iterator at(checkpoints, ignored), end; !ignored && at != end; at.increment(ignored)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with("step-") && name.ends_with(".checkpoint") && std::atoi(name.c_str() + 5) >= steps) return true;
  }
  return false;
}

TEST(Resume, AfterAKillTheRunEndsAsItWouldHave) {
  const TemporaryFolder folder;
  testing::write_text(folder / "my.toml", recipe());
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "whole"}, {.folder = folder.path()}).code, 0);
  const std::string want = read_text(folder / "whole/model.gradus");
  for (const int steps : {3, 60, 150}) {
    const std::string run = "killed-" + std::to_string(steps);
    const auto is_there = [&] { return holds_checkpoint(folder / (run + "/checkpoints"), steps); };
    const Outcome killed = run_gradus({"train", "my.toml", "--quiet", "--run-dir", run},
                                      {.folder = folder.path(), .interrupt_when = is_there, .signal = SIGKILL});
    ASSERT_EQ(killed.code, 128 + SIGKILL);
    const Outcome resumed = run_gradus({"train", "--resume", run, "--quiet"}, {.folder = folder.path()});
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(read_text(folder / (run + "/model.gradus")) == want, true) << "killed after step " << steps;
    // Times differ; all else of the table of epochs is the same.
    const std::string table = read_text(folder / (run + "/metrics.csv"));
    EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 41) << table;
  }
}

TEST(Resume, AKilledRunIsReplacedOnlyWhenAsked) {
  const TemporaryFolder folder;
  testing::write_text(folder / "my.toml", recipe());
  const auto is_there = [&] { return holds_checkpoint(folder / "run/checkpoints", 1); };
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"},
                       {.folder = folder.path(), .interrupt_when = is_there, .signal = SIGKILL})
                .code,
            128 + SIGKILL);
  const Outcome refused = run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("holds a run that was interrupted; go on with it by --resume"), std::string::npos) << refused.err;
  const Outcome replaced = run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run", "--replace"}, {.folder = folder.path()});
  EXPECT_EQ(replaced.code, 0) << replaced.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "run/report.html"));
}

TEST(Resume, WhatCannotBeGoneOnWithIsSaid) {
  const TemporaryFolder folder;
  testing::write_text(folder / "my.toml", kCloudsRecipe);
  const auto message = [&](const std::vector<std::string>& arguments) { return run_gradus(arguments, {.folder = folder.path()}).err; };
  EXPECT_EQ(message({"train", "--resume", "nowhere"}),
            "gradus: nowhere: is no run folder; --resume takes the folder that `gradus train` has made\n");
  std::filesystem::create_directory(folder / "empty");
  EXPECT_EQ(message({"train", "--resume", "empty"}),
            "gradus: empty: holds no recipe.toml; no step of the run was finished, or it is no run folder\n");
  EXPECT_NE(message({"train", "my.toml", "--resume", "empty"}).find("excludes"), std::string::npos);
  EXPECT_NE(message({"train", "--resume", "empty", "--set", "seed=1"}).find("excludes"), std::string::npos);
  EXPECT_NE(message({"train"}).find("RECIPE is required"), std::string::npos);
}

}  // namespace
}  // namespace gradus
