// Recipes that are wrong: each message names file, line and key.
#include "tests/cli/clouds.hpp"

namespace gradus {
namespace {

using testing::kCloudsRecipe;
using testing::Outcome;
using testing::recipe_with;
using testing::run_gradus;
using testing::TemporaryFolder;

// Message of `gradus train` for a recipe.
std::string recipe_error(const std::string& text, const std::vector<std::string>& more = {}) {
  const TemporaryFolder folder;
  testing::write_text(folder / "my.toml", text);
  std::vector<std::string> arguments = {"train", "my.toml", "--quiet"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Outcome outcome = run_gradus(arguments, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_FALSE(std::filesystem::exists(folder / "runs"));
  return outcome.err;
}

TEST(Recipe, UnknownKeysAreNamedWithTheNearest) {
  EXPECT_EQ(recipe_error(recipe_with("epochs = 4", "epoch = 4")),
            "gradus: my.toml:24: train.epoch: unknown key; did you mean \"epochs\"?\n");
  EXPECT_EQ(recipe_error(recipe_with("activation = \"tanh\"", "activaton = \"tanh\"")),
            "gradus: my.toml:12: model.layers[0].activaton: unknown key; did you mean \"activation\"?\n");
  EXPECT_EQ(recipe_error(recipe_with("seed = 3", "sede = 3")), "gradus: my.toml:2: sede: unknown key; did you mean \"seed\"?\n");
}

TEST(Recipe, AMisspeltKeyIsNamedRatherThanTheMissingOne) {
  EXPECT_EQ(recipe_error(recipe_with("[data]", "[dat]")), "gradus: my.toml:4: dat: unknown key; did you mean \"data\"?\n");
  EXPECT_EQ(recipe_error(recipe_with("source = ", "souce = ")), "gradus: my.toml:5: data.souce: unknown key; did you mean \"source\"?\n");
  EXPECT_EQ(recipe_error(recipe_with("units = 8", "unit = 8")),
            "gradus: my.toml:12: model.layers[0].unit: unknown key; did you mean \"units\"?\n");
}

TEST(Recipe, WrongTypesAreNamedWithTheirPlace) {
  EXPECT_EQ(recipe_error(recipe_with("epochs = 4", "epochs = \"four\"")),
            "gradus: my.toml:24: train.epochs: expected an integer from 1 to 1000000, got \"four\"\n");
  EXPECT_EQ(recipe_error(recipe_with("epochs = 4", "epochs = 0")),
            "gradus: my.toml:24: train.epochs: expected an integer from 1 to 1000000, got 0\n");
  EXPECT_EQ(recipe_error(recipe_with("units = 8", "units = 8.5")),
            "gradus: my.toml:12: model.layers[0].units: expected a positive integer, got 8.5\n");
  EXPECT_EQ(recipe_error(recipe_with("type = \"Dense\", units = 8, activation = \"tanh\"",
                                     "type = \"Conv2D\", filters = 8, kernel_size = \"three\"")),
            "gradus: my.toml:12: model.layers[0].kernel_size: expected a positive integer or [height, width], got \"three\"\n");
  EXPECT_EQ(recipe_error(recipe_with("learning_rate = 0.05", "learning_rate = -1")),
            "gradus: my.toml:21: optimizer.learning_rate: expected a number of at least 0, got -1\n");
  EXPECT_EQ(recipe_error(recipe_with("metrics = [\"accuracy\"]", "metrics = \"accuracy\"")),
            "gradus: my.toml:25: train.metrics: expected a list of texts, got \"accuracy\"\n");
}

TEST(Recipe, UnknownNamesAreAnsweredWithTheNearest) {
  EXPECT_EQ(recipe_error(recipe_with("type = \"Dense\", units = 8", "type = \"Dence\", units = 8")),
            "gradus: my.toml:12: model.layers[0].type: \"Dence\" is unknown; did you mean \"Dense\"?\n");
  EXPECT_EQ(recipe_error(recipe_with("\"adam\"", "\"adm\"")),
            "gradus: my.toml:20: optimizer.name: \"adm\" is unknown; did you mean \"adam\"?\n");
  EXPECT_EQ(recipe_error(recipe_with("\"blobs\"", "\"blob\"")),
            "gradus: my.toml:5: data.source: \"blob\" is unknown; did you mean \"blobs\"?\n");
}

TEST(Recipe, MissingKeysAreNamed) {
  EXPECT_EQ(recipe_error(recipe_with("name = \"sparse_categorical_crossentropy\"", "")),
            "gradus: my.toml:16: loss.name: is missing; it must be a text in quotes\n");
  EXPECT_EQ(recipe_error(recipe_with("type = \"Dense\", units = 8, ", "type = \"Dense\", ")),
            "gradus: my.toml:12: model.layers[0].units: is missing; it must be a positive integer\n");
  EXPECT_EQ(recipe_error(kCloudsRecipe, {"--set", "model.layers=[]"}),
            "gradus: --set model.layers: is empty; it must be a list of layers, for example [{type = \"Dense\", units = 10}]\n");
}

TEST(Recipe, WhatIsNoTomlIsNamedWithLineAndColumn) {
  const std::string message = recipe_error(recipe_with("seed = 3", "seed = = 3"));
  EXPECT_EQ(message.rfind("gradus: my.toml:2:8: ", 0), 0u) << message;
}

TEST(Recipe, SetIsCheckedAsTheRecipeIs) {
  EXPECT_EQ(recipe_error(kCloudsRecipe, {"--set", "train.epoch=3"}), "gradus: --set train.epoch: unknown key; did you mean \"epochs\"?\n");
  EXPECT_EQ(recipe_error(kCloudsRecipe, {"--set", "train.epochs=many"}),
            "gradus: --set train.epochs: expected an integer from 1 to 1000000, got \"many\"\n");
  EXPECT_EQ(recipe_error(kCloudsRecipe, {"--set", "model.layers[7].units=3"}),
            "gradus: --set model.layers[7].units: the list has 2 entries; [7] is none of them\n");
  EXPECT_EQ(recipe_error(kCloudsRecipe, {"--set", "epochs"}), "gradus: --set epochs: expected key=value, for example train.epochs=3\n");
  EXPECT_EQ(recipe_error(kCloudsRecipe, {"--set", "seed.x=3"}), "gradus: --set seed.x: what stands before x is 3, not a table\n");
}

TEST(Recipe, ValuesOutOfRangeAreNamed) {
  const auto message = [](const std::string& assignment) { return recipe_error(kCloudsRecipe, {"--set", assignment}); };
  EXPECT_EQ(message("model.layers[0].units=0"), "gradus: --set model.layers[0].units: expected a positive integer, got 0\n");
  EXPECT_EQ(message("optimizer.learning_rate=inf"), "gradus: --set optimizer.learning_rate: expected a number of at least 0, got inf\n");
  EXPECT_EQ(message("optimizer.learning_rate=nan"), "gradus: --set optimizer.learning_rate: expected a number of at least 0, got nan\n");
  EXPECT_EQ(message("data.samples=99999999999"), "gradus: --set data.samples: expected an integer from 2 to 100000000, got 99999999999\n");
  EXPECT_EQ(message("train.epochs=1000001"), "gradus: --set train.epochs: expected an integer from 1 to 1000000, got 1000001\n");
  EXPECT_EQ(message("data.test=1.5"), "gradus: --set data.test: expected a number from 0 to 1, got 1.5\n");
  EXPECT_EQ(message("data.validation=1.01"), "gradus: --set data.validation: expected a number from 0 to 1, got 1.01\n");
  EXPECT_EQ(message("optimizer.beta_1=1.5").rfind("gradus: --set optimizer.beta_1: expected a number from 0 to ", 0), 0u);
  EXPECT_EQ(message("seed=-1"), "gradus: --set seed: expected an integer of at least 0, got -1\n");
  EXPECT_EQ(message("data=3"), "gradus: --set data: expected a table, got 3\n");
  EXPECT_EQ(message("model.layers=[3]"), "gradus: --set model.layers[0]: expected a table, got 3\n");
  EXPECT_EQ(message("train.metrics=accuracy"), "gradus: --set train.metrics: expected a list of texts, got \"accuracy\"\n");
  EXPECT_EQ(message("data.test=1"), "gradus: data: there are no training samples left; make test and validation smaller\n");
  EXPECT_EQ(message("a..b=1"), "gradus: --set a..b: expected a path like model.layers[2].units before =\n");
  EXPECT_EQ(message("trian.epochs=3"), "gradus: my.toml: trian: unknown key; did you mean \"train\"?\n");
}

// Editors put a byte order mark and CR LF into files: what is wrong is still found where it is.
TEST(Recipe, MayHaveAByteOrderMarkAndAnyLineEnds) {
  std::string text = recipe_with("epochs = 4", "epochs = 0"), with_returns;
  for (const char c : text) with_returns += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const std::string want = "gradus: my.toml:24: train.epochs: expected an integer from 1 to 1000000, got 0\n";
  EXPECT_EQ(recipe_error("\xEF\xBB\xBF" + text), want);
  EXPECT_EQ(recipe_error(with_returns), want);
}

TEST(Recipe, ALossThatDoesNotFitTheTargetsLeavesNoRun) {
  EXPECT_NE(recipe_error(kCloudsRecipe, {"--set", "loss.name=mean_squared_error", "--set", "train.metrics=[]"})
                .find("mean_squared_error: output is (32, 3)"),
            std::string::npos);
  EXPECT_NE(recipe_error(kCloudsRecipe, {"--set", "model.layers[0].units=9000000000000000000"}).find("no machine holds such an array"),
            std::string::npos);
  EXPECT_NE(recipe_error(kCloudsRecipe, {"--set", "model.layers[0].units=900000000000"}).find("out of memory"), std::string::npos);
}

TEST(Recipe, MissingDataNamesThePackage) {
  const TemporaryFolder empty;
  const std::string message = recipe_error(
      recipe_with("source = \"blobs\"\nsamples = 300\nclasses = 3", "source = \"fashion_mnist\"\nfolder = \"" + empty.path() + "\""));
  EXPECT_NE(message.find("install the Debian package dataset-fashion-mnist"), std::string::npos) << message;
}

TEST(Recipe, ThoseThatAreShippedAreRight) {
  for (const auto& entry : std::filesystem::directory_iterator(std::string(GRADUS_SOURCE_DIR) + "/recipes")) {
    const Outcome outcome = run_gradus({"summary", entry.path().string()});
    // Some take data that the user brings: all is right but that.
    const bool lacks_data = testing::read_text(entry.path()).find("which you bring") != std::string::npos;
    if (lacks_data) EXPECT_NE(outcome.err.find("no such file"), std::string::npos) << outcome.err;
    else EXPECT_EQ(outcome.code, 0) << outcome.err;
  }
}

// What the options of the library describe can be said in recipes.
TEST(Recipe, ParametersOfActivationsInitialisersLossesAndSchedules) {
  const auto with = [](const std::string& assignment) { return recipe_error(kCloudsRecipe, {"--set", assignment}); };
  EXPECT_EQ(with("model.layers[0].activation={name = \"leaky_relu\", slop = 0.2}"),
            "gradus: --set model.layers[0].activation.slop: unknown key; did you mean \"slope\"?\n");
  EXPECT_EQ(with("model.layers[0].kernel_initializer=he_norml")
                .rfind("gradus: --set model.layers[0].kernel_initializer: there is none called \"he_norml\"", 0),
            0u);
  EXPECT_EQ(with("loss={name = \"huber\", delta = 0}"), "gradus: --set loss.delta: expected a number above 0, got 0\n");
  EXPECT_EQ(with("loss={name = \"mse\", delta = 1}"), "gradus: --set loss.delta: unknown key; known here: name, reduction\n");
  EXPECT_EQ(with("optimizer={name = \"sgd\", nesterov = true}"),
            "gradus: --set optimizer: sgd: nesterov with momentum 0 and dampening 0; it needs a momentum and no dampening\n");
  EXPECT_EQ(with("schedule={name = \"milestones\"}"),
            "gradus: --set schedule.epochs: is missing; it must be a list of epochs, for example [6, 8]\n");
  EXPECT_EQ(with("model.layers[0].strides=2"),
            "gradus: --set model.layers[0].strides: unknown key; known here: type, units, use_bias, activation, kernel_initializer, "
            "bias_initializer\n");
}

}  // namespace
}  // namespace gradus
