// gradus train on tables, and what is done with the run: evaluate, compare, doctor, data describe.
#include <filesystem>

#include "tests/cli/tables.hpp"

namespace gradus {
namespace {

using testing::Aim;
using testing::contains;
using testing::Outcome;
using testing::people;
using testing::read_text;
using testing::TemporaryFolder;
using testing::TrainedPeople;
using testing::write_text;

// A folder with people.csv of its own.
class Folder {
 public:
  explicit Folder(Aim aim = Aim::two_classes, int rows = 200) { write_text(folder_ / "people.csv", people(rows, aim)); }
  Outcome train(const std::string& run, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"train", "people.csv", "--target", "income", "--run-dir", run};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return gradus(arguments);
  }
  Outcome gradus(const std::vector<std::string>& arguments) const { return testing::run_gradus(arguments, {.folder = folder_.path()}); }
  std::string operator/(const std::string& name) const { return folder_ / name; }

 private:
  TemporaryFolder folder_;
};

// The line "accuracy ..." of a table of scores.
std::string score_line(const std::string& out, const std::string& score) {
  const size_t at = out.find("\n" + score + " ");
  return at == std::string::npos ? "" : out.substr(at + 1, out.find('\n', at + 1) - at - 1);
}

TEST(TableTrain, ShowsWhatItChoosesAndLeavesARunFolder) {
  const Folder folder;
  const Outcome outcome = folder.train("run");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind("comparing: 4 models on training rows that are held out\nchosen: target \"income\": 2 classes\n"
                              "chosen: a linear model, fitted exactly",
                              0),
            0u)
      << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "people: 160 training samples, run folder run\n")) << outcome.out;
  for (const char* file : {"model.gradus", "recipe.toml", "metrics.csv", "report.html", "card.md", "card.html"})
    EXPECT_GT(std::filesystem::file_size(folder / (std::string("run/") + file)), 50u) << file;
  const std::string card = read_text(folder / "run/card.md");
  EXPECT_TRUE(contains(card, "160 samples for training, 40 for testing, seed 0")) << card;
  EXPECT_TRUE(contains(card, "| age | numeric | 20 to 69 | ")) << card;
  EXPECT_TRUE(contains(card, "target: income, 2 classes")) << card;
  EXPECT_TRUE(contains(read_text(folder / "run/report.html"), "permutation importance"));
}

TEST(TableTrain, ThreeClassesAndNumbersAreLearnt) {
  const Outcome& three = TrainedPeople::of(Aim::three_classes).outcome;
  EXPECT_TRUE(contains(three.out, "\nkappa ")) << three.out;
  const Outcome& number = TrainedPeople::of(Aim::number).outcome;
  const std::string line = score_line(number.out, "r2");
  ASSERT_NE(line, "") << number.out;
  EXPECT_GT(std::stod(line.substr(2)), 0.3) << number.out;
}

TEST(TableTrain, TheWrittenRecipeIsTheSameTrainingAndCanBeEdited) {
  const Folder folder;
  std::filesystem::create_directories(folder / "recipes");
  const Outcome direct = folder.train("direct", {"--write-recipe", "recipes/people.toml"});
  ASSERT_EQ(direct.code, 0) << direct.err;
  EXPECT_TRUE(contains(direct.out, "recipe: recipes/people.toml\n")) << direct.out;
  std::string recipe = read_text(folder / "recipes/people.toml");
  EXPECT_TRUE(contains(recipe, "path = \"../people.csv\"")) << recipe;
  EXPECT_TRUE(contains(recipe, "# - target \"income\": 2 classes\n")) << recipe;
  const Outcome by_recipe = folder.gradus({"train", "recipes/people.toml", "--run-dir", "by_recipe"});
  ASSERT_EQ(by_recipe.code, 0) << by_recipe.err;
  EXPECT_EQ(score_line(by_recipe.out, "log_loss"), score_line(direct.out, "log_loss"));
  ASSERT_NE(score_line(direct.out, "log_loss"), "");
  // Edited: fewer steps, another solver.
  const size_t at = recipe.find("solver = \"exact\"");
  ASSERT_NE(at, std::string::npos);
  recipe.replace(at, 16, "epochs = 3");
  recipe.replace(recipe.find("  {type = \"DateParts\"},"), 23, "  {type = \"Drop\", columns = [\"joined\"]},");
  write_text(folder / "recipes/people.toml", recipe);
  const Outcome edited = folder.gradus({"train", "recipes/people.toml", "--run-dir", "edited"});
  ASSERT_EQ(edited.code, 0) << edited.err;
  EXPECT_TRUE(contains(read_text(folder / "edited/metrics.csv"), "\n3,")) << read_text(folder / "edited/metrics.csv");
  EXPECT_FALSE(contains(read_text(folder / "edited/card.md"), "| joined |"));
}

TEST(TableTrain, SeedsGiveTheSameBitsOrAnotherSplit) {
  const Folder folder(Aim::number, 120);
  const std::vector<std::string> few{"--quiet", "--set", "train.epochs=2"};
  const auto trained = [&](const std::string& run, const std::string& seed) {
    std::vector<std::string> more = few;
    more.insert(more.end(), {"--seed", seed});
    const Outcome outcome = folder.train(run, more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    const Outcome predicted = folder.gradus({"predict", run, "people.csv", "--csv"});
    return std::pair(score_line(outcome.out, "rmse"), predicted.out);
  };
  const auto first = trained("a", "5"), again = trained("b", "5"), other = trained("c", "6");
  EXPECT_EQ(first, again);
  EXPECT_NE(first.first, other.first);
  EXPECT_NE(first.second, other.second);
  EXPECT_TRUE(contains(folder.train("d", {"--seed", "five"}).err, "seed: expected an integer of at least 0, got \"five\""));
}

TEST(TableTrain, ATestFileIsForTestingOnly) {
  const Folder folder;
  write_text(folder / "test.csv", people(50));
  const Outcome outcome = folder.train("run", {"--test", "test.csv"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "people: 200 training samples")) << outcome.out;
  EXPECT_TRUE(contains(read_text(folder / "run/card.md"), "200 samples for training, 50 for testing"));
  // Its copies of training rows are told.
  EXPECT_TRUE(contains(outcome.err, "doctor: ")) << outcome.err;
  write_text(folder / "other.csv", people(50, Aim::three_classes));
  const Outcome other = folder.train("other", {"--test", "other.csv"});
  EXPECT_EQ(other.code, 0) << other.err;
  EXPECT_TRUE(contains(other.err, "note: test rows: 18 rows are of classes that no training row has (\"middle\", ...) and are left out\n")) << other.err;
  const auto lines =
      testing::changed(testing::people_lines(50), [](size_t, std::vector<std::string>& cells) { cells.erase(cells.begin() + 1); });
  write_text(folder / "narrow.csv", testing::text_of(lines));
  EXPECT_EQ(folder.train("narrow", {"--test", "narrow.csv"}).err,
            "gradus: narrow.csv: the table has no column \"hours\", which training had\n");
  const auto blind = testing::changed(testing::people_lines(50), [](size_t, std::vector<std::string>& cells) { cells.pop_back(); });
  write_text(folder / "blind.csv", testing::text_of(blind));
  EXPECT_EQ(folder.train("blind", {"--test", "blind.csv"}).err, "gradus: blind.csv: there is no column \"income\", the target\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "blind"));
}

TEST(TableTrain, TheTaskMayBeSaid) {
  const Folder folder(Aim::two_classes, 100);
  auto lines = testing::changed(testing::people_lines(100), [](size_t i, std::vector<std::string>& cells) {
    if (i > 0) cells[4] = cells[4] == "high" ? "1" : "0";
  });
  write_text(folder / "people.csv", testing::text_of(lines));
  const Outcome classes = folder.train("classes");
  EXPECT_TRUE(contains(classes.out, "chosen: target \"income\": 2 classes")) << classes.err;
  const Outcome numbers = folder.train("numbers", {"--task", "regression", "--set", "train.epochs=2"});
  EXPECT_EQ(numbers.code, 0) << numbers.err;
  EXPECT_TRUE(contains(numbers.out, "chosen: target \"income\": a number")) << numbers.out;
  EXPECT_TRUE(contains(numbers.out, "\nrmse ")) << numbers.out;
  EXPECT_EQ(folder.train("none", {"--task", "clasification"}).err,
            "gradus: --task: \"clasification\" is no task; did you mean classification?\n");
  write_text(folder / "people.csv", people(100));
  EXPECT_EQ(folder.train("words", {"--task", "regression"}).err,
            "gradus: people.csv: the target \"income\" is categorical; regression is of numbers\n");
}

TEST(TableTrain, TheTargetIsNamedOrCounted) {
  const Folder folder(Aim::two_classes, 60);
  EXPECT_EQ(folder.gradus({"train", "people.csv"}).err,
            "gradus: people.csv: is a table; name the column that is to be foretold with --target COLUMN\n");
  EXPECT_EQ(folder.gradus({"train", "people.csv", "--target", "incme"}).err,
            "gradus: people.csv: there is no column \"incme\" to be the target; did you mean \"income\"?\n");
  EXPECT_EQ(folder.gradus({"train", "people.csv", "--target", "7"}).err,
            "gradus: people.csv: there is no column \"7\" to be the target; there are age, hours, job, joined, income\n");
  const Outcome last = folder.gradus({"train", "people.csv", "--target", "-1", "--run-dir", "last"});
  const Outcome fifth = folder.gradus({"train", "people.csv", "--target", "5", "--run-dir", "fifth"});
  EXPECT_EQ(last.code, 0) << last.err;
  EXPECT_EQ(score_line(last.out, "accuracy"), score_line(fifth.out, "accuracy"));
  EXPECT_TRUE(contains(last.out, "chosen: target \"income\"")) << last.out;
}

TEST(TableEvaluate, OfTheTestRowsAndOfAFile) {
  const TrainedPeople& two = TrainedPeople::of(Aim::two_classes);
  const Outcome own = two.run({"evaluate", "run"});
  EXPECT_EQ(own.code, 0) << own.err;
  EXPECT_TRUE(contains(own.out, "test samples: 40\n")) << own.out;
  EXPECT_EQ(score_line(own.out, "roc_auc").substr(0, 30), score_line(two.outcome.out, "roc_auc").substr(0, 30));
  const Outcome file = two.run({"evaluate", "run", "people.csv", "--classes"});
  EXPECT_TRUE(contains(file.out, "file samples: 200\n")) << file.out << file.err;
  EXPECT_TRUE(contains(file.out, "\nhigh  ")) << file.out;
  const Outcome number = TrainedPeople::of(Aim::number).run({"evaluate", "run", "people.csv"});
  EXPECT_TRUE(contains(number.out, "mean_absolute_error")) << number.out << number.err;
}

TEST(TableEvaluate, TheFileMustHaveTargets) {
  const TrainedPeople& two = TrainedPeople::of(Aim::two_classes);
  const auto lines = testing::people_lines(20);
  two.write("blind.csv", testing::changed(lines, [](size_t, std::vector<std::string>& cells) { cells.pop_back(); }));
  EXPECT_EQ(two.run({"evaluate", "run", "blind.csv"}).err,
            "gradus: blind.csv: there is no column \"income\", the target; predict needs none\n");
  two.write("some.csv", testing::changed(lines, [](size_t i, std::vector<std::string>& cells) {
              if (i % 5 == 1) cells[4].clear();
            }));
  const Outcome some = two.run({"evaluate", "run", "some.csv"});
  EXPECT_EQ(some.code, 0) << some.err;
  EXPECT_TRUE(contains(some.out, "file samples: 16\n")) << some.out;
  EXPECT_TRUE(contains(some.err, "note: 4 rows have no target \"income\" and are left out\n")) << some.err;
  two.write("none.csv", testing::changed(lines, [](size_t i, std::vector<std::string>& cells) {
              if (i > 0) cells[4].clear();
            }));
  EXPECT_EQ(two.run({"evaluate", "run", "none.csv"}).err,
            "gradus: none.csv: no row has a target: column \"income\" has no value in 20 rows\n");
  two.write("header.csv", {lines[0]});
  EXPECT_EQ(two.run({"evaluate", "run", "header.csv"}).err, "gradus: header.csv: there are no rows\n");
  two.write("three.csv", testing::people_lines(20, Aim::three_classes));
  EXPECT_EQ(two.run({"evaluate", "run", "three.csv"}).err,
            "note: 7 rows are of classes that no training row has (\"middle\", ...) and are left out\n");
  const TrainedPeople& number = TrainedPeople::of(Aim::number);
  number.write("words.csv", lines);
  EXPECT_EQ(number.run({"evaluate", "run", "words.csv"}).err,
            "gradus: words.csv: no row has a target: column \"income\" has no value in 20 rows\n");
}

TEST(TableCompare, TheSameRunTwiceDiffersByNothing) {
  const TrainedPeople& two = TrainedPeople::of(Aim::two_classes);
  const Outcome outcome = two.run({"compare", "run", "run"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind("on 40 rows: A is run, B is run\n", 0), 0u) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "+0 (+0 to +0)  p = 1\n")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "McNemar's test of the accuracies: p = 1; the difference may be chance\n")) << outcome.out;
  const Outcome number = TrainedPeople::of(Aim::number).run({"compare", "run", "run", "people.csv"});
  EXPECT_EQ(number.out.rfind("on 200 rows", 0), 0u) << number.out << number.err;
  EXPECT_TRUE(contains(number.out, "\nrmse ")) << number.out;
}

TEST(TableCompare, OfDifferentModelsNeedsTheSameRows) {
  const TrainedPeople& two = TrainedPeople::of(Aim::two_classes);
  ASSERT_EQ(two.run({"train", "people.csv", "--target", "income", "--seed", "1", "--run-dir", "other", "--replace", "--quiet"}).code, 0);
  EXPECT_EQ(two.run({"compare", "run", "other"}).err,
            "gradus: compare: the two models are tested on different rows; name a FILE of rows for both\n");
  const Outcome same_rows = two.run({"compare", "run", "other", "people.csv"});
  EXPECT_EQ(same_rows.code, 0) << same_rows.err;
  EXPECT_EQ(same_rows.out.rfind("on 200 rows", 0), 0u) << same_rows.out;
  const TrainedPeople &three = TrainedPeople::of(Aim::three_classes), &number = TrainedPeople::of(Aim::number);
  EXPECT_EQ(two.run({"compare", "run", three / "run"}).err,
            "gradus: compare: the two models have different classes: high, low, and high, low, middle\n");
  EXPECT_EQ(two.run({"compare", number / "run", "run"}).err,
            "gradus: compare: the two models have different classes: none, but a number, and high, low\n");
  EXPECT_EQ(two.run({"compare", "run", "nowhere"}).err, "gradus: nowhere: no such file or folder\n");
}

TEST(TableDoctor, LooksAtTheFileWithItsTarget) {
  const Folder folder;
  const Outcome healthy = folder.gradus({"doctor", "people.csv", "--target", "income"});
  EXPECT_EQ(healthy.code, 0) << healthy.err;
  EXPECT_EQ(healthy.out, "people.csv: no findings\n");
  write_text(folder / "header.csv", "age,income\n");
  EXPECT_EQ(folder.gradus({"doctor", "header.csv", "--target", "income"}).err, "gradus: header.csv: there are no rows\n");
}

TEST(TableDescribe, InTheTerminalAndAsAPage) {
  const Folder folder;
  const Outcome outcome = folder.gradus({"data", "describe", "people.csv", "--target", "income", "--html", "page.html"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind("people.csv: 200 rows, 5 columns, 0 duplicate rows\n", 0), 0u) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "age     numeric      12 (6.0 %) missing")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "joined  date         0 missing")) << outcome.out;
  const std::string page = read_text(folder / "page.html");
  EXPECT_TRUE(contains(page, "<svg"));
  EXPECT_TRUE(contains(page, "joined"));
}

}  // namespace
}  // namespace gradus
