// What a long run may ask for, by recipe; two that want the same run; kill -9 at any time.
#include <cmath>
#include <filesystem>

#include "gradus/io/model_file.hpp"
#include "gradus/nn/module.hpp"
#include "tests/cli/clouds.hpp"

namespace gradus {
namespace {

using testing::Outcome;
using testing::read_text;
using testing::recipe_with;
using testing::run_gradus;
using testing::TemporaryFolder;

// With all that may be asked for.
std::string whole_recipe(int epochs) {
  std::string text = recipe_with("epochs = 4", "epochs = " + std::to_string(epochs) + R"(
batch_size = 16
accumulate = 4
checkpoint_steps = 1
class_weight = "balanced"
ema = 0.9
ema_warmup = true
tensorboard = true
)");
  const std::string rate = "learning_rate = 0.05";
  return text.replace(text.find(rate), rate.size(), rate + R"(
groups = [{parameters = ["**.bias"], rate_factor = 0.5}, {parameters = ["1.kernel"], learning_rate = 0.01}]

[schedule]
name = "plateau"
patience = 1
factor = 0.5)");
}

TEST(Night, ARecipeMayAskForAllOfIt) {
  const TemporaryFolder folder;
  testing::write_text(folder / "my.toml", whole_recipe(3));
  const Outcome outcome = run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "run/tensorboard/train"));
  EXPECT_TRUE(std::filesystem::exists(folder / "run/tensorboard/validation"));
  // 192 samples, 12 batches of 16, 3 steps of 4.
  EXPECT_NE(read_text(folder / "run/metrics.csv").find("\n1,3,"), std::string::npos) << read_text(folder / "run/metrics.csv");
  const auto events = [&] {
    return std::distance(std::filesystem::directory_iterator(folder / "run/tensorboard/train"), std::filesystem::directory_iterator());
  };
  EXPECT_EQ(events(), 1);
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run", "--replace"}, {.folder = folder.path()}).code, 0);
  EXPECT_EQ(events(), 1) << "curves of a run that is replaced go with it";
}

TEST(Night, CallbacksAreNamedWithTheirOptions) {
  const TemporaryFolder folder;
  testing::write_text(folder / "my.toml", recipe_with("epochs = 4",
                                                      "epochs = 2\ncallbacks = [\"csv\", {name = \"csv\", path = \"again.csv\"}, "
                                                      "{name = \"tensorboard\", folder = \"curves\"}]"));
  const Outcome outcome = run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(read_text(folder / "run/epochs.csv"), read_text(folder / "run/again.csv"));
  const std::string rows = read_text(folder / "run/epochs.csv");
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 3) << rows;
  EXPECT_TRUE(std::filesystem::exists(folder / "run/curves/train"));
  const auto message = [&](const std::string& given) {
    return run_gradus({"train", "my.toml", "--quiet", "--run-dir", "other", "--set", "train.callbacks=" + given}, {.folder = folder.path()})
        .err;
  };
  EXPECT_NE(message("[\"cvs\"]").find("there is none called \"cvs\"; known are csv, tensorboard; did you mean csv?"),
            std::string::npos)
      << message("[\"cvs\"]");
  EXPECT_NE(message("[{name = \"csv\", file = \"a.csv\"}]").find("file"), std::string::npos);
  EXPECT_NE(message("[{name = \"csv\", path = \"model.gradus\"}]").find("must end in .csv"), std::string::npos)
      << message("[{name = \"csv\", path = \"model.gradus\"}]");
  EXPECT_NE(message("3").find("a list of names or tables"), std::string::npos) << message("3");
}

TEST(Night, WhatIsWrongIsSaidWithItsPlace) {
  const TemporaryFolder folder;
  testing::write_text(folder / "my.toml", testing::kCloudsRecipe);
  const auto message = [&](const std::string& set) {
    return run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run", "--set", set}, {.folder = folder.path()}).err;
  };
  EXPECT_EQ(message("train.accumulate=0"), "gradus: --set train.accumulate: expected a positive integer, got 0\n");
  EXPECT_EQ(message("train.ema=1.0"), "gradus: --set train.ema: expected a number from 0 to below 1, got 1\n");
  EXPECT_EQ(message("train.class_weight=\"balance\"")
                .rfind("gradus: --set train.class_weight: expected \"balanced\", or a table of numbers by class name or label, got", 0),
            0u);
  EXPECT_EQ(message("train.class_weight={0=-1.0}"), "gradus: --set train.class_weight.0: expected a number of at least 0, got -1\n");
  EXPECT_EQ(message("train.class_weight={7=1}"), "gradus: class_weight: there is no class 7; the data set has 3 classes, 0 to 2\n");
  EXPECT_EQ(message("train.freeze=[\"2.**\"]").rfind("gradus: freeze: the pattern \"2.**\" matches no parameter; ", 0), 0u);
  EXPECT_EQ(message("optimizer.groups=[{parameters=[\"**.bias\"], weight_decay=-1}]"),
            "gradus: --set optimizer.groups[0].weight_decay: expected a number of at least 0, or \"none\", got -1\n");
  EXPECT_EQ(message("optimizer.groups=[{parameter=[\"**.bias\"]}]")
                .rfind("gradus: --set optimizer.groups[0].parameter: unknown key; did you mean \"parameters\"?", 0),
            0u);
  EXPECT_EQ(message("optimizer.groups=[{parameters=[\"bais\"]}]").rfind("gradus: adam: the group \"bais\" matches no parameter; ", 0), 0u);
  EXPECT_EQ(message("model.weights={only=[\"0.**\"]}").rfind("gradus: --set model.weights.from: is missing", 0), 0u);
  EXPECT_EQ(message("model.weights=\"nowhere.gradus\"").rfind("gradus: nowhere.gradus: ", 0), 0u);
  EXPECT_FALSE(std::filesystem::exists(folder / "run")) << "nothing is left of what came to nothing";
}

TEST(Night, TrainingMayStartFromAnotherModel) {
  const TemporaryFolder folder;
  testing::write_text(folder / "my.toml", testing::kCloudsRecipe);
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "old"}, {.folder = folder.path()}).code, 0);
  const Outcome outcome = run_gradus({"train", "my.toml", "--run-dir", "new", "--set", "model.weights={from=\"old\", except=[\"1.**\"]}",
                                      "--set", "train.freeze=[\"0.**\"]"},
                                     {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("old/model.gradus: 2 parameters loaded\n  left out      1.kernel\n  left out      1.bias\n"),
            std::string::npos)
      << outcome.out;
  const nn::Model before = io::load(folder / "old/model.gradus"), after = io::load(folder / "new/model.gradus");
  EXPECT_EQ(nn::parameter(before, "0.kernel").get().to_vector<float>(), nn::parameter(after, "0.kernel").get().to_vector<float>());
  EXPECT_NE(nn::parameter(before, "1.kernel").get().to_vector<float>(), nn::parameter(after, "1.kernel").get().to_vector<float>());
}

// The newest step of which a run has a checkpoint.
int newest_step(const std::string& run) {
  int newest = 0;
  std::error_code ignored;
  for (std::filesystem::directory_iterator at(run + "/checkpoints", ignored), end; !ignored && at != end; at.increment(ignored)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with("step-") && name.ends_with(".checkpoint")) newest = std::max(newest, std::atoi(name.c_str() + 5));
  }
  return newest;
}

TEST(Night, KilledWhereverItIsTheRunEndsAsItWouldHave) {
  const TemporaryFolder folder;
  testing::write_text(folder / "my.toml", whole_recipe(40));
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "whole"}, {.folder = folder.path()}).code, 0);
  const std::string run = folder / "killed";
  Outcome last = run_gradus({"train", "my.toml", "--quiet", "--run-dir", "killed"},
                            {.folder = folder.path(), .interrupt_when = [&] { return newest_step(run) >= 10; }, .signal = SIGKILL});
  for (int kills = 1; kills < 4 && last.code == 128 + SIGKILL; ++kills) {
    const int from = newest_step(run);
    last = run_gradus({"train", "--resume", "killed", "--quiet"},
                      {.folder = folder.path(), .interrupt_when = [&] { return newest_step(run) >= from + 11; }, .signal = SIGKILL});
  }
  if (last.code == 128 + SIGKILL) {
    for (const char* name : {"/model.gradus.1-2.part", "/checkpoints/step-3.checkpoint.1-2.part"})
      testing::write_text(run + name, "left by a kill");
    last = run_gradus({"train", "--resume", "killed", "--quiet"}, {.folder = folder.path()});
  }
  ASSERT_EQ(last.code, 0) << last.err;
  EXPECT_EQ(read_text(folder / "killed/model.gradus") == read_text(folder / "whole/model.gradus"), true);
  EXPECT_FALSE(std::filesystem::exists(run + "/model.gradus.1-2.part"));
  EXPECT_FALSE(std::filesystem::exists(run + "/checkpoints"));
}

// A run that is in work is held by its process, and by nobody once that is dead.
TEST(Night, OfTwoThatGoOnWithARunTheSecondIsRefused) {
  const TemporaryFolder folder;
  testing::write_text(folder / "my.toml", whole_recipe(100'000));
  std::string second;
  const std::string run = folder / "run";
  const auto try_second = [&] {
    if (newest_step(run) < 3) return false;
    second = run_gradus({"train", "--resume", "run", "--quiet"}, {.folder = folder.path()}).err;
    return true;
  };
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"},
                       {.folder = folder.path(), .interrupt_when = try_second, .signal = SIGKILL})
                .code,
            128 + SIGKILL);
  EXPECT_EQ(second, "gradus: run: another run is writing into the folder; two cannot go on with one run\n");
  const int from = newest_step(run);
  const Outcome third = run_gradus({"train", "--resume", "run", "--quiet"},
                                   {.folder = folder.path(), .interrupt_when = [&] { return newest_step(run) > from; }});
  EXPECT_EQ(third.code, 130) << third.err;
}

}  // namespace
}  // namespace gradus
