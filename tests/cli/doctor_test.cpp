// gradus doctor, and the doctor in gradus train: no findings on healthy tables, exit codes, runs, recipes.
#include "tests/cli/clouds.hpp"

namespace gradus {
namespace {

using testing::kCloudsRecipe;
using testing::Outcome;
using testing::read_text;
using testing::recipe_with;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_text;

// A table of 200 rows: two numbers, a category, and classes that neither tells by itself; with more cells behind each row.
std::string people(const std::string& names, const std::function<std::string(int row, bool is_rich)>& more) {
  std::string text = "age,hours,region" + names + ",rich\n";
  for (int row = 0; row < 200; ++row) {
    const int age = 20 + row * 37 % 50, hours = 10 + row * 29 % 41;
    const bool is_rich = age + hours + row * 13 % 30 > 85;
    text += std::to_string(age) + "," + std::to_string(hours) + "," + "nesw"[row % 4] + more(row, is_rich) + "," +
            (is_rich ? "yes" : "no") + "\n";
  }
  return text;
}

struct HealthyTable {
  std::string file{}, target{}, test{};
};
class Healthy : public ::testing::TestWithParam<HealthyTable> {};
TEST_P(Healthy, HasNoFinding) {
  const std::string folder = std::string(GRADUS_SOURCE_DIR) + "/../shared/data/tabular/";
  const HealthyTable& table = GetParam();
  if (!std::filesystem::exists(folder + table.file)) GTEST_SKIP() << folder << " is not there";
  std::vector<std::string> arguments{"doctor", folder + table.file, "--target", table.target};
  if (!table.test.empty()) arguments.insert(arguments.end(), {"--test", folder + table.test});
  const Outcome outcome = run_gradus(arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, folder + table.file + ": no findings\n");
}
INSTANTIATE_TEST_SUITE_P(Tables, Healthy,
                         ::testing::Values(HealthyTable{"iris.csv", "Species"}, HealthyTable{"breast_cancer.csv", "diagnosis"},
                                           HealthyTable{"heart_disease.csv", "HeartDisease"},
                                           HealthyTable{"adult-train.csv", "-1", "adult-test.csv"}, HealthyTable{"ames.csv", "Sale_Price"},
                                           HealthyTable{"concrete.csv", "compressive_strength"},
                                           HealthyTable{"optdigits.tra", "-1", "optdigits.tes"}),
                         [](const auto& info) { return info.param.file.substr(0, info.param.file.find_first_of(".-_")); });

TEST(Doctor, SaysNothingOfAHealthyTable) {
  const TemporaryFolder folder;
  write_text(folder / "people.csv", people("", [](int, bool) { return ""; }));
  const Outcome outcome = run_gradus({"doctor", "people.csv", "--target", "rich"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "people.csv: no findings\n");
  const Outcome trained = run_gradus({"train", "people.csv", "--target", "rich", "--run-dir", "run"}, {.folder = folder.path()});
  EXPECT_EQ(trained.code, 0) << trained.err;
  EXPECT_EQ(trained.err.find("doctor:"), std::string::npos) << trained.err;
  const Outcome of_run = run_gradus({"doctor", "run"}, {.folder = folder.path()});
  EXPECT_EQ(of_run.code, 0) << of_run.err;
  EXPECT_EQ(of_run.out, "run: no findings\n");
}

TEST(Doctor, NamesALeakAndAConstantColumn) {
  const TemporaryFolder folder;
  write_text(folder / "people.csv", people(",country,tax_class", [](int row, bool is_rich) {
               return std::string(",de,") + (is_rich ? "c" : row % 2 ? "a" : "b");
             }));
  const Outcome outcome = run_gradus({"doctor", "people.csv", "--target", "rich"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, R"(doctor: column "country": has the same value in all 160 rows
  why: it tells the model nothing, and what another value means was never learnt
  remedy: preprocess::Drop({"country"}) as a step of the pipeline (recipe: {type = "Drop", columns = ["country"]} in preprocess.steps)
doctor: column "tax_class": tells the target by itself: it leaves 0.0 % of the errors that the commonest class makes, the next best column 57.1 %
  why: such a column is mostly made of the target, or known only after it: tests look excellent, and new rows lack it
  remedy: preprocess::Drop({"tax_class"}) as a step of the pipeline (recipe: {type = "Drop", columns = ["tax_class"]} in preprocess.steps)
)");
  EXPECT_NE(outcome.err.find("gradus: people.csv: 2 findings, 1 of them serious\n"), std::string::npos) << outcome.err;
  const Outcome trained = run_gradus({"train", "people.csv", "--target", "rich", "--run-dir", "run"}, {.folder = folder.path()});
  EXPECT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.err.find("doctor: column \"tax_class\": tells the target by itself"), std::string::npos) << trained.err;
  EXPECT_EQ(trained.err.find("\033"), std::string::npos);
  EXPECT_NE(read_text(folder / "run/report.html").find("Findings of the doctor"), std::string::npos);
  const Outcome strict = run_gradus({"train", "people.csv", "--target", "rich", "--set", "train.doctor=\"strict\"", "--run-dir", "strict"},
                                    {.folder = folder.path()});
  EXPECT_EQ(strict.code, 1);
  EXPECT_NE(strict.err.find("gradus: train.doctor: is strict, and the doctor found 2 mistakes"), std::string::npos) << strict.err;
  const Outcome off = run_gradus({"train", "people.csv", "--target", "rich", "--set", "train.doctor=\"off\"", "--run-dir", "off"},
                                 {.folder = folder.path()});
  EXPECT_EQ(off.code, 0) << off.err;
  EXPECT_EQ(off.err.find("doctor:"), std::string::npos) << off.err;
}

TEST(Doctor, LooksAtRecipesAndRuns) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  const Outcome healthy = run_gradus({"doctor", "my.toml"}, {.folder = folder.path()});
  EXPECT_EQ(healthy.out, "my.toml: no findings\n") << healthy.err;
  const Outcome hot =
      run_gradus({"doctor", "my.toml", "--set", "optimizer.learning_rate=0.5", "--set", "optimizer.name=adam"}, {.folder = folder.path()});
  EXPECT_EQ(hot.code, 1);
  EXPECT_NE(hot.out.find("doctor: optimizer: adam's learning rate is 0.5, 500 times as large as its usual 0.001\n"), std::string::npos)
      << hot.out << hot.err;
}

TEST(Doctor, RefusesWhatItCannotLookAt) {
  const TemporaryFolder folder;
  write_text(folder / "people.csv", people("", [](int, bool) { return ""; }));
  EXPECT_EQ(run_gradus({"doctor", "people.csv"}, {.folder = folder.path()}).err,
            "gradus: people.csv: is a table; name the column that is to be foretold with --target COLUMN\n");
  EXPECT_EQ(run_gradus({"doctor"}, {.folder = folder.path()}).code, 2);
  EXPECT_EQ(run_gradus({"doctor", "none.toml"}, {.folder = folder.path()}).code, 1);
}

}  // namespace
}  // namespace gradus
