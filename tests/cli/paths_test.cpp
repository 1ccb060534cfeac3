// Paths in a recipe go from its folder, those of --set from the working folder; a run finds its files again from anywhere.
#include "tests/cli/idx_files.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::Outcome;
using testing::read_text;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_text;

constexpr const char* kRecipe = R"(# plain numbers
name = "zoo"

[data]
source = "idx"
train_x = "data/x.idx"
train_y = "data/y.idx"
test_x = "data/x.idx"
test_y = "data/y.idx"

[model]
layers = [{type = "Dense", units = 3}]

[loss]
name = "sparse_categorical_crossentropy"

[train]
epochs = 2
)";

// project/zoo.toml with project/data, and an empty folder elsewhere.
struct Project {
  TemporaryFolder folder{};
  explicit Project(const std::string& recipe = kRecipe) {
    for (const char* part : {"project", "project/data", "elsewhere"}) std::filesystem::create_directory(folder / part);
    testing::write_samples(folder / "project/data/x.idx", {{2, 1, 0}, {0, 3, 1}, {1, 0, 4}});
    testing::write_labels(folder / "project/data/y.idx", {0, 1, 2});
    write_text(folder / "project/zoo.toml", recipe);
  }
  Outcome run(const std::vector<std::string>& arguments, const std::string& from) const {
    return run_gradus(arguments, {.folder = folder / from});
  }
  std::string succeed(const std::vector<std::string>& arguments, const std::string& from) const {
    const Outcome outcome = run(arguments, from);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  }
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(Paths, GoFromTheFolderOfTheRecipe) {
  const Project project;
  project.succeed({"train", "../project/zoo.toml", "--quiet", "--run-dir", "run"}, "elsewhere");
  project.succeed({"summary", "zoo.toml"}, "project");
  project.succeed({"summary", project.folder / "project/zoo.toml"}, ".");
}

TEST(Paths, OfARunAreFoundFromAnyFolder) {
  const Project project;
  project.succeed({"train", "zoo.toml", "--quiet", "--run-dir", "../run"}, "project");
  const std::string recipe = read_text(project.folder / "run/recipe.toml");
  EXPECT_EQ(recipe.rfind("folder = ", 0), 0u) << recipe;
  EXPECT_EQ(recipe.substr(recipe.find('\n') + 1), kRecipe);
  const std::string loss = project.succeed({"evaluate", "../run"}, "elsewhere");
  EXPECT_EQ(project.succeed({"evaluate", "run/model.gradus"}, "."), loss);
  project.succeed({"train", "../run/recipe.toml", "--quiet", "--run-dir", "again"}, "elsewhere");
  EXPECT_EQ(read_text(project.folder / "elsewhere/again/recipe.toml"), recipe);
  EXPECT_EQ(read_text(project.folder / "elsewhere/again/model.gradus"), read_text(project.folder / "run/model.gradus"));
}

TEST(Paths, OfAKilledRunAreFoundByResumeFromAnotherFolder) {
  const Project project(replaced(kRecipe, "epochs = 2", "epochs = 60\ncheckpoint_steps = 1"));
  const auto is_there = [&] { return std::filesystem::exists(project.folder / "run/checkpoints/step-20.checkpoint"); };
  run_gradus({"train", "zoo.toml", "--quiet", "--run-dir", "../run"},
             {.folder = project.folder / "project", .interrupt_when = is_there, .signal = SIGKILL});
  project.succeed({"train", "--resume", "../run", "--quiet"}, "elsewhere");
}

TEST(Paths, OfSetGoFromTheWorkingFolder) {
  const Project project;
  testing::write_samples(project.folder / "elsewhere/other.idx", {{1, 1, 1}});
  testing::write_labels(project.folder / "elsewhere/labels.idx", {1});
  const std::vector<std::string> set = {"--set", "data.test_x=other.idx", "--set", "data.test_y=labels.idx"};
  std::vector<std::string> train = {"train", "../project/zoo.toml", "--quiet", "--run-dir", "../run"};
  train.insert(train.end(), set.begin(), set.end());
  project.succeed(train, "elsewhere");
  EXPECT_NE(project.succeed({"evaluate", "run"}, ".").find("test samples: 1\n"), std::string::npos);
  EXPECT_NE(project.succeed({"evaluate", "../run", "--train"}, "elsewhere").find("training samples: 3\n"), std::string::npos);
  EXPECT_EQ(project.run({"train", "zoo.toml", "--set", "data.test_x=other.idx"}, "project").err.rfind("gradus: other.idx: ", 0), 0u);
}

TEST(Paths, GoFromTheFolderThatTheRecipeNames) {
  const Project project("folder = \"../elsewhere\"\n" + std::string(kRecipe));
  EXPECT_EQ(project.run({"train", "zoo.toml"}, "project").err.rfind("gradus: ../elsewhere/data/x.idx: ", 0), 0u);
  std::filesystem::rename(project.folder / "project/data", project.folder / "elsewhere/data");
  project.succeed({"train", "project/zoo.toml", "--quiet", "--run-dir", "run"}, ".");
  project.succeed({"evaluate", "../run"}, "project");
  std::filesystem::rename(project.folder / "elsewhere", project.folder / "moved");
  EXPECT_NE(project.run({"evaluate", "run"}, ".").code, 0);
  project.succeed({"evaluate", "run", "--set", "folder=moved"}, ".");
}

TEST(Paths, ThatAreAbsoluteOrNotThereChangeNoRecipe) {
  const Project project;
  std::string text = kRecipe;
  for (size_t at = 0; (at = text.find("data/", at)) != std::string::npos; at += 1) {
    text.replace(at, 5, project.folder / "project/data/");
    at += project.folder.path().size() + 10;
  }
  write_text(project.folder / "project/zoo.toml", text);
  project.succeed({"train", "project/zoo.toml", "--quiet", "--run-dir", "run"}, ".");
  EXPECT_EQ(read_text(project.folder / "run/recipe.toml"), text);
}

TEST(Paths, WhatARecipeCannotHoldIsSaidBeforeTraining) {
  const Project project;
  std::filesystem::rename(project.folder / "project", project.folder / "pro\xffject");
  const Outcome outcome = project.run({"train", "pro\xffject/zoo.toml"}, ".");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("whose name is no UTF-8 text"), std::string::npos) << outcome.err;
  const Outcome set = project.run({"train", "pro\xffject/zoo.toml", "--set", "data.train_x=\xff.idx"}, ".");
  EXPECT_EQ(set.err, "gradus: --set data.train_x: the value is no UTF-8 text; a recipe cannot hold it\n");
}

TEST(Paths, OfTheModelThatTrainingStartsFromToo) {
  const Project project;
  project.succeed({"train", "zoo.toml", "--quiet", "--run-dir", "first"}, "project");
  write_text(project.folder / "project/next.toml", replaced(kRecipe, "[model]\n", "[model]\nweights = \"first\"\n"));
  project.succeed({"train", "../project/next.toml", "--quiet", "--run-dir", "second"}, "elsewhere");
  project.succeed({"train", "second/recipe.toml", "--quiet", "--run-dir", "third"}, "elsewhere");
  write_text(project.folder / "project/table.toml", replaced(kRecipe, "[model]\n", "[model]\nweights = {from = \"first\"}\n"));
  project.succeed({"train", "../project/table.toml", "--quiet", "--run-dir", "fourth"}, "elsewhere");
  project.succeed({"train", "../project/zoo.toml", "--quiet", "--run-dir", "fifth", "--set", "model.weights=second"}, "elsewhere");
  project.succeed({"train", "elsewhere/fifth/recipe.toml", "--quiet", "--run-dir", "sixth"}, ".");
}

TEST(Paths, ARunKeepsTheNameOfItsRecipe) {
  const Project project(replaced(kRecipe, "name = \"zoo\"\n", ""));
  project.succeed({"train", "project/zoo.toml", "--quiet", "--run-dir", "run"}, ".");
  EXPECT_NE(read_text(project.folder / "run/recipe.toml").find("name = 'zoo'"), std::string::npos) << read_text(project.folder / "run/recipe.toml");
  project.succeed({"report", "run"}, ".");
  EXPECT_NE(read_text(project.folder / "run/report.html").find("<title>zoo"), std::string::npos);
}

}  // namespace
}  // namespace gradus
