// Which model gradus train takes for a small table, and what stands beside its scores.
#include <cmath>
#include <random>
#include <sstream>

#include "tests/cli/subprocess.hpp"

namespace gradus {
namespace {

using testing::Outcome;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_text;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// 160 rows of which two columns say whether they are within a circle, or on one side of a line that noise blurs.
std::string points(bool are_in_circle) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> place(-1, 1);
  std::ostringstream out("a,b,c,y\n", std::ios::ate);
  for (int i = 0; i < 160; ++i) {
    const double a = place(random), b = place(random), c = place(random);
    const double noise = place(random) + place(random);
    const bool is_yes = are_in_circle ? a * a + b * b < 0.6 : 2 * (a - b) + noise > 0;
    out << a << ',' << b << ',' << c << ',' << (is_yes ? "yes" : "no") << '\n';
  }
  return out.str();
}
double score(const Outcome& outcome, const std::string& name, int column) {
  const size_t at = outcome.out.find("\n" + name + " ");
  if (at == std::string::npos) return std::nan("");
  std::istringstream line(outcome.out.substr(at + 1 + name.size()));
  double value = 0;
  for (int i = 0; i < column; ++i) line >> value;
  return value;
}

TEST(ModelChoice, TakesANetworkWhereALineWillNotDo) {
  const TemporaryFolder folder;
  write_text(folder / "circle.csv", points(true));
  const Outcome outcome = run_gradus({"train", "circle.csv", "--target", "y", "--run-dir", "run"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(holds(outcome.out, "comparing: 4 models on training rows that are held out\n")) << outcome.out;
  EXPECT_TRUE(holds(outcome.out, "chosen: a network of two hidden layers")) << outcome.out;
  EXPECT_GT(score(outcome, "accuracy", 1), 0.8) << outcome.out;
  EXPECT_LT(score(outcome, "accuracy", 5), 0.8) << "a linear model on the same rows\n" << outcome.out;
  EXPECT_TRUE(holds(testing::read_text(folder / "run/recipe.toml"), "# - its loss on training rows that were held out is "));
}

TEST(ModelChoice, TakesTheLineWhereItWillDo) {
  const TemporaryFolder folder;
  write_text(folder / "line.csv", points(false));
  const Outcome outcome = run_gradus({"train", "line.csv", "--target", "y", "--run-dir", "run"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(holds(outcome.out, "chosen: a linear model, fitted exactly")) << outcome.out;
  EXPECT_GT(score(outcome, "accuracy", 1), 0.7) << outcome.out;
  EXPECT_FALSE(holds(outcome.out, "linear\naccuracy")) << "it is no baseline of itself";
}

TEST(ModelChoice, IsLeftToWhoSetsIt) {
  const TemporaryFolder folder;
  write_text(folder / "circle.csv", points(true));
  const Outcome outcome = run_gradus({"train", "circle.csv", "--target", "y", "--run-dir", "run", "--set", "train.metrics=[\"accuracy\"]"},
                                     {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_FALSE(holds(outcome.out, "comparing:")) << outcome.out;
}

// A class of one row: no part can hold it out, and no model can be measured on it.
TEST(ModelChoice, IsNotLedAstrayByARareClass) {
  const TemporaryFolder folder;
  write_text(folder / "line.csv", points(false) + "0.5,0.5,0.5,rare\n");
  const Outcome outcome = run_gradus({"train", "line.csv", "--target", "y", "--run-dir", "run", "--folds", "3"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(holds(outcome.out, "chosen: a linear model, fitted exactly")) << outcome.out;
  EXPECT_FALSE(holds(outcome.out, "inf")) << outcome.out;
}

// Of a handful of rows there is a report too.
TEST(ModelChoice, OfVeryFewRows) {
  const TemporaryFolder folder;
  for (const int rows : {4, 5, 6, 7, 9, 20, 21}) {
    std::string numbers = "x,y\n", classes = numbers;
    for (int i = 0; i < rows; ++i) {
      numbers += std::to_string(i * 7 % 10) + "," + std::to_string(i * 3 % 11 + 0.5 * (i % 2)) + "\n";
      classes += std::to_string(i * 7 % 10) + "," + (i % 2 ? "a" : "b") + "\n";
    }
    for (const auto& [name, text] : {std::pair("numbers", numbers), std::pair("classes", classes)}) {
      write_text(folder / "t.csv", text);
      const Outcome outcome =
          run_gradus({"train", "t.csv", "--target", "y", "--run-dir", "run", "--replace", "--quiet"}, {.folder = folder.path()});
      EXPECT_LE(outcome.code, 1) << name << rows << outcome.err;  // an error, or a run, and never a crash
      if (rows > 5) {
        EXPECT_EQ(outcome.code, 0) << name << rows << outcome.err;
      }
    }
  }
}

// The test rows must not have a say in the choice: other test labels, the same recipe but for the path.
TEST(ModelChoice, DoesNotLookAtTestRows) {
  const TemporaryFolder folder;
  write_text(folder / "circle.csv", points(true));
  std::string lies = points(true);
  for (size_t at = 0; (at = lies.find("yes", at)) != std::string::npos;) lies.replace(at, 3, "no");
  write_text(folder / "honest.csv", points(true));
  write_text(folder / "lies.csv", lies);
  std::vector<std::string> models;
  for (const char* test : {"honest.csv", "lies.csv"}) {
    ASSERT_EQ(run_gradus({"train", "circle.csv", "--target", "y", "--test", test, "--run-dir", test + std::string(".run"), "--quiet"},
                         {.folder = folder.path()})
                  .code,
              0);
    std::string recipe = testing::read_text(folder / (std::string(test) + ".run/recipe.toml"));
    models.push_back(recipe.substr(0, recipe.find("test_path")));
  }
  EXPECT_EQ(models[0], models[1]);
}

}  // namespace
}  // namespace gradus
