// The reference of recipe keys.
#include "gradus/base/file.hpp"
#include "tests/cli/clouds.hpp"

namespace gradus {
namespace {

using testing::run_gradus;

TEST(Keys, AreThoseOfThePageInDocs) {
  EXPECT_EQ(run_gradus({"keys", "--markdown"}).out, file::read_all(std::string(GRADUS_SOURCE_DIR) + "/docs/recipes.md", 1 << 20))
      << "build/gradus keys --markdown > docs/recipes.md";
}

TEST(Keys, OfOnePartOrOneOfIt) {
  const std::string all = run_gradus({"keys"}).out, optimizer = run_gradus({"keys", "optimizer"}).out,
                    adam = run_gradus({"keys", "optimizer", "adam"}).out;
  EXPECT_NE(all.find("[schedule]"), std::string::npos);
  EXPECT_NE(all.find("Conv2D"), std::string::npos);
  EXPECT_NE(optimizer.find("learning_rate"), std::string::npos);
  EXPECT_NE(optimizer.find("name = \"rmsprop\""), std::string::npos);
  EXPECT_NE(adam.find("beta_1 = 0.9"), std::string::npos);
  EXPECT_NE(adam.find("a number from 0 to below 1"), std::string::npos);
  EXPECT_EQ(adam.find("rmsprop"), std::string::npos);
}

TEST(Keys, AreFoundByTheirOtherNamesToo) {
  EXPECT_NE(run_gradus({"keys", "initializer", "xavier_uniform"}).out.find("glorot_uniform"), std::string::npos);
  EXPECT_NE(run_gradus({"keys", "loss", "mse"}).out.find("mean_squared_error"), std::string::npos);
  EXPECT_NE(run_gradus({"keys", "metrics", "mae"}).out.find("mean_absolute_error"), std::string::npos);
  EXPECT_NE(run_gradus({"keys", "callbacks", "csv"}).out.find("epochs.csv"), std::string::npos);
}

TEST(Keys, WhatThereIsNotIsAnsweredWithTheNearest) {
  EXPECT_EQ(run_gradus({"keys", "optimiser"}).err, "gradus: keys: recipes have no part optimiser; did you mean optimizer?\n");
  EXPECT_EQ(run_gradus({"keys", "optimizer", "adm"}).err, "gradus: keys: [optimizer] has no adm; did you mean adam?\n");
}

// Each default is what a recipe would get: said, it changes nothing.
TEST(Keys, EveryLossOptimiserAndScheduleCanBeTrained) {
  const testing::TemporaryFolder folder;
  testing::write_text(folder / "my.toml", testing::kCloudsRecipe);
  for (const char* name : {"sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "radam", "rprop", "asgd"}) {
    const auto outcome = run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run", "--replace", "--set", "train.epochs=1", "--set",
                                     std::string("optimizer.name=") + name},
                                    {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 0) << name << ": " << outcome.err;
  }
  for (const char* name :
       {"constant", "cosine", "linear", "polynomial", "step", "exponential", "one_cycle", "cosine_restarts", "inverse_time", "cyclic"}) {
    const auto outcome = run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run", "--replace", "--set", "train.epochs=2", "--set",
                                     std::string("schedule.name=") + name},
                                    {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 0) << name << ": " << outcome.err;
  }
}

}  // namespace
}  // namespace gradus
