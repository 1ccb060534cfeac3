// What the command line says of a training that fails: in the words of the recipe.
#include <gtest/gtest.h>

#include "tests/cli/clouds.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

namespace {

using testing::kCloudsRecipe;
using testing::Outcome;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_text;

TEST(FailedTraining, AHintNamesKeysOfTheRecipe) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  const Outcome outcome = run_gradus(
      {"train", "my.toml", "--quiet", "--run-dir", "run", "--set", "optimizer.name=sgd", "--set", "optimizer.learning_rate=1e38"},
      {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find(
                "hint: a smaller optimizer.learning_rate, train.clip_norm = 1, or inputs without nan; GRADUS_CHECK_NAN=1 names the op"),
            std::string::npos)
      << outcome.err;
}

}  // namespace

}  // namespace gradus
