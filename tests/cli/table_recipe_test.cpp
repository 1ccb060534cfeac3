// Recipes whose source is a table: their keys, the steps of [preprocess], rules by the table's names, and how files are read for the model.
#include "tests/cli/tables.hpp"

namespace gradus {
namespace {

using testing::contains;
using testing::Outcome;
using testing::people_lines;
using testing::read_text;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::text_of;
using testing::write_text;

constexpr const char* kRecipe = R"(seed = 1
[data]
source = "table"
path = "people.csv"
target = "income"
[preprocess]
steps = ["DateParts", "Impute", "Standardise", "OneHot"]
[model]
layers = [{type = "Dense", units = 8, activation = "relu"}, {type = "Dense", units = 2}]
[loss]
name = "sparse_categorical_crossentropy"
[optimizer]
name = "adam"
learning_rate = 0.02
[train]
epochs = 2
metrics = ["accuracy"]
)";

class Recipe {
 public:
  explicit Recipe(const std::vector<std::string>& lines = people_lines(150)) {
    write_text(folder_ / "people.csv", text_of(lines));
    write_text(folder_ / "r.toml", kRecipe);
  }
  void replace(const std::string& from, const std::string& to) const {
    std::string text = read_text(folder_ / "r.toml");
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write_text(folder_ / "r.toml", text.replace(at, from.size(), to));
  }
  void write(const std::string& name, const std::string& text) const { write_text(folder_ / name, text); }
  std::string card() const { return read_text(folder_ / "run/card.md"); }
  Outcome gradus(const std::vector<std::string>& arguments) const { return run_gradus(arguments, {.folder = folder_.path()}); }
  Outcome train(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"train", "r.toml", "--run-dir", "run", "--replace"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return gradus(arguments);
  }

 private:
  TemporaryFolder folder_;
};

// What is said of a recipe with one text in place of another.
std::string error_with(const std::string& from, const std::string& to) {
  const Recipe recipe;
  recipe.replace(from, to);
  const Outcome outcome = recipe.train();
  EXPECT_EQ(outcome.code, 1) << outcome.out;
  return outcome.err;
}

TEST(TableRecipe, Trains) {
  const Recipe recipe;
  const Outcome outcome = recipe.train();
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "\nroc_auc ")) << outcome.out;
}

TEST(TableRecipe, WrongKeysAreNamedWithTheNearest) {
  EXPECT_EQ(error_with("target = ", "traget = "), "gradus: r.toml:5: data.traget: unknown key; did you mean \"target\"?\n");
  EXPECT_EQ(error_with("target = \"income\"\n", ""), "gradus: r.toml:2: data.target: is missing; it must be a text in quotes\n");
  EXPECT_EQ(error_with("\"income\"", "\"incom\""),
            "gradus: people.csv: there is no column \"incom\" to be the target; did you mean \"income\"?\n");
  EXPECT_EQ(error_with("path = \"people.csv\"", "path = \"poeple.csv\""), "gradus: poeple.csv: no such file or folder\n");
  EXPECT_EQ(error_with("target = \"income\"", "target = \"income\"\ntypes = {job = \"categoric\"}"),
            "gradus: r.toml:6: data.types: \"categoric\" is unknown; did you mean \"categorical\"?\n");
  EXPECT_EQ(error_with("target = \"income\"", "target = \"income\"\ntypes = {jobb = \"categorical\"}"),
            "gradus: people.csv: there is no column \"jobb\"; did you mean \"job\"?\n");
  EXPECT_EQ(error_with("target = \"income\"", "target = \"income\"\ntask = \"regresion\""),
            "gradus: r.toml:6: data.task: \"regresion\" is unknown; did you mean \"regression\"?\n");
  EXPECT_EQ(error_with("target = \"income\"", "target = \"income\"\ntest = 1.5"),
            "gradus: r.toml:6: data.test: expected a number from 0 to 1, got 1.5\n");
  EXPECT_EQ(error_with("target = \"income\"", "target = \"income\"\ngroup = \"team\""),
            "gradus: people.csv: there is no column \"team\"; there are age, hours, job, joined, income\n");
  EXPECT_EQ(error_with("target = \"income\"", "target = \"income\"\ngroup = \"job\"\ntime = \"joined\""),
            "gradus: people.csv: more than one of stratify, group and time is given; name one\n");
}

TEST(TableRecipe, WrongStepsAreNamedWithTheirPlace) {
  EXPECT_EQ(error_with("\"Standardise\"", "\"Standardize\""),
            "gradus: r.toml:7: preprocess.steps[2].type: \"Standardize\" is unknown; did you mean \"Standardise\"?\n");
  EXPECT_EQ(error_with("\"Impute\"", "{type = \"Impute\", fil = \"mean\"}"),
            "gradus: r.toml:7: preprocess.steps[1].fil: unknown key; did you mean \"fill\"?\n");
  EXPECT_EQ(error_with("\"Impute\"", "{type = \"Impute\", fill = \"maen\"}"),
            "gradus: r.toml:7: preprocess.steps[1].fill: \"maen\" is unknown; did you mean \"mean\"?\n");
  EXPECT_EQ(error_with("\"OneHot\"", "{type = \"OneHot\", columns = [\"jobs\"]}"),
            "gradus: OneHot: there is no column \"jobs\"; did you mean \"job\"?\n");
  EXPECT_TRUE(contains(error_with("\"OneHot\"", "{columns = [\"job\"]}"),
                       "gradus: r.toml:7: preprocess.steps[3].type: is missing; it must be one of Clip, "));
  EXPECT_EQ(error_with("\"OneHot\"", "{type = \"Standardise\", columns = [\"job\"]}"),
            "gradus: Standardise: column \"job\" is categorical; it must be numeric\n");
  EXPECT_EQ(error_with("\"DateParts\", ", ""),
            "gradus: people.csv: column \"joined\" is date after all steps; a model takes numbers, for example by the step DateParts()\n");
  EXPECT_TRUE(
      contains(error_with("\"Impute\", ", ""), " is nan after all steps; missing values are filled in by a step, for example Impute()\n"));
  EXPECT_EQ(error_with("steps = [", "step = ["), "gradus: r.toml:7: preprocess.step: unknown key; did you mean \"steps\"?\n");
  EXPECT_EQ(error_with("steps = [\"DateParts\", \"Impute\", \"Standardise\", \"OneHot\"]", "steps = \"Standardise\""),
            "gradus: r.toml:7: preprocess.steps: expected a list of steps, for example [{type = \"Standardise\"}], got \"Standardise\"\n");
}

TEST(TableRecipe, ReadsLaterFilesAsItsOwn) {
  // -1 is missing, ages have decimal commas, columns are apart by semicolons.
  std::vector<std::string> lines = people_lines(100);
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::vector<std::string> cells = testing::cells_of(lines[i]);
    const std::string age = i == 0 ? cells[0] : cells[0].empty() ? "-1" : cells[0] + ",5";
    lines[i] = age + ";" + cells[1] + ";" + cells[2] + ";" + cells[3] + ";" + cells[4];
  }
  const Recipe recipe(lines);
  recipe.replace("target = \"income\"", "target = \"income\"\nmissing = [\"-1\"]\ndecimal = \",\"");
  const Outcome trained = recipe.train();
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_TRUE(contains(recipe.card(), "| age | numeric | 21.5 to 68.5 | 6 |")) << recipe.card();
  recipe.write("a.csv", "age;hours;job;joined\n;20;cook;2015-01-01\n");
  recipe.write("b.csv", "age;hours;job;joined\n-1;20;cook;2015-01-01\n");
  const auto answer = [&](const std::string& file) {
    const Outcome outcome = recipe.gradus({"predict", "run", file});
    EXPECT_EQ(outcome.err.find("beyond the range"), std::string::npos) << outcome.err;
    return outcome.out.substr(std::min(outcome.out.size(), size_t{6}));
  };
  EXPECT_EQ(answer("a.csv"), answer("b.csv"));
}

TEST(TableRecipe, DatesAreReadInTheOrderThatTrainingFound) {
  // 13/04/2010 settles for all that the day stands first; of a file with 3/4/2010 alone nothing would.
  const auto day_first = testing::changed(people_lines(100), [](size_t i, auto& cells) {
    if (i > 0) cells[3] = cells[3].substr(8, 2) + "/" + cells[3].substr(5, 2) + "/" + cells[3].substr(0, 4);
  });
  const Recipe recipe(day_first);
  ASSERT_EQ(recipe.train().code, 0);
  const auto answer = [&](const std::string& date, const std::string& more) {
    recipe.write("x.csv", "age,hours,job,joined\n30,20,cook," + date + "\n" + more);
    const Outcome outcome = recipe.gradus({"predict", "run", "x.csv", "--limit", "1", "--csv"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  };
  const std::string settled = answer("03/12/2015", "30,20,cook,28/12/2015\n");
  EXPECT_EQ(answer("03/12/2015", ""), settled);
  EXPECT_NE(answer("12/03/2015", ""), settled);
}

TEST(TableRecipe, TheNamesThatItGivesHoldForLaterFiles) {
  std::vector<std::string> lines = people_lines(100);
  const std::string header = lines[0];
  lines.erase(lines.begin());
  const Recipe recipe(lines);
  recipe.replace("target = \"income\"", "target = \"income\"\nnames = [\"age\", \"hours\", \"job\", \"joined\", \"income\"]");
  ASSERT_EQ(recipe.train().code, 0);
  recipe.write("bare.csv", text_of({lines[1], lines[2]}));
  recipe.write("named.csv", text_of({header, lines[1], lines[2]}));
  const Outcome bare = recipe.gradus({"predict", "run", "bare.csv", "--csv"}),
                named = recipe.gradus({"predict", "run", "named.csv", "--csv"});
  ASSERT_EQ(bare.code, 0) << bare.err;
  EXPECT_TRUE(contains(bare.out, "\nbare.csv,0,")) << bare.out;
  const auto first_row = [](const std::string& out) {
    return out.substr(out.find("csv,0"), out.find('\n', out.find("csv,0")) - out.find("csv,0"));
  };
  EXPECT_EQ(first_row(bare.out), first_row(named.out));
}

// ---- rules

// The line that tells of a rule, from "broken by" on.
double share_broken(const std::string& out, const std::string& rule) {
  const size_t at = out.find(rule + ": broken by ");
  EXPECT_NE(at, std::string::npos) << out;
  return at == std::string::npos ? -1 : std::stod(out.substr(out.find('(', at + rule.size()) + 1));
}

TEST(TableRules, ReduceWhatTheyForbid) {
  const Recipe recipe;
  recipe.write("rules.toml", "[[rule]]\ntext = 'if hours < 30 and job = nurse then low'\nweight = 0\n");
  const std::vector<std::string> with_rules{"--set", "train.rules=rules.toml", "--set", "train.epochs=60", "--quiet"};
  const Outcome without = recipe.train(with_rules);
  ASSERT_EQ(without.code, 0) << without.err;
  const double before = share_broken(without.out, "if hours < 30 and job = nurse then low");
  EXPECT_GT(before, 0) << without.out;
  recipe.write("rules.toml", "[[rule]]\ntext = 'if hours < 30 and job = nurse then low'\nweight = 20\n");
  const Outcome with = recipe.train(with_rules);
  ASSERT_EQ(with.code, 0) << with.err;
  EXPECT_LT(share_broken(with.out, "if hours < 30 and job = nurse then low"), before) << with.out;
}

TEST(TableRules, ThresholdsAreInTheTablesUnits) {
  // How many test rows a premise applies to is seen without any training.
  const std::vector<std::string> lines = people_lines(150);
  const Recipe recipe(lines);
  recipe.write("test.csv", text_of(lines));
  recipe.replace("target = \"income\"", "target = \"income\"\ntest_path = \"test.csv\"");
  const auto applies = [&](const std::string& premise) {
    recipe.write("rules.toml", "[[rule]]\ntext = '" + premise + " -> low'\n");
    const Outcome outcome =
        recipe.train({"--set", "train.rules=rules.toml", "--set", "train.epochs=1", "--quiet", "--set", "train.doctor=off"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    const size_t at = outcome.out.find("applies to ");
    return at == std::string::npos ? -1 : std::stoi(outcome.out.substr(at + 11));
  };
  const auto count = [&](const std::function<bool(const std::vector<std::string>&)>& holds) {
    int all = 0;
    for (size_t i = 1; i < lines.size(); ++i) all += holds(testing::cells_of(lines[i]));
    return all;
  };
  const auto hours = [](const auto& cells) { return std::stoi(cells[1]); };
  EXPECT_EQ(applies("hours < 30"), count([&](const auto& cells) { return hours(cells) < 30; }));
  EXPECT_EQ(applies("hours <= 30"), count([&](const auto& cells) { return hours(cells) <= 30; }));
  EXPECT_EQ(applies("hours = 30"), count([&](const auto& cells) { return hours(cells) == 30; }));
  EXPECT_EQ(applies("job = nurse"), count([](const auto& cells) { return cells[2] == "nurse"; }));
  EXPECT_EQ(applies("\"job=nurse\""), count([](const auto& cells) { return cells[2] == "nurse"; }));
  EXPECT_EQ(applies("job != nurse and hours > 20"), count([&](const auto& cells) { return cells[2] != "nurse" && hours(cells) > 20; }));
}

TEST(TableRules, OfNumbersAreInTheTargetsUnit) {
  const Recipe recipe(people_lines(150, testing::Aim::number));
  recipe.replace("units = 2}", "units = 1}");
  recipe.replace("sparse_categorical_crossentropy", "mean_squared_error");
  recipe.replace("metrics = [\"accuracy\"]\n", "");
  recipe.write("rules.toml", "[[rule]]\ntext = 'income >= 10 * hours'\n[[rule]]\ntext = 'income < 100000'\n");
  const Outcome outcome = recipe.train({"--set", "train.rules=rules.toml", "--set", "train.epochs=20", "--quiet"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(share_broken(outcome.out, "income < 100000"), 0) << outcome.out;
  EXPECT_LT(share_broken(outcome.out, "income >= 10 * hours"), 5) << outcome.out;
}

TEST(TableRules, NamesThatAreNone) {
  const Recipe recipe;
  const auto error = [&](const std::string& rule) {
    recipe.write("rules.toml", "[[rule]]\ntext = '" + rule + "'\n");
    return recipe.train({"--set", "train.rules=rules.toml"}).err;
  };
  const std::string start = "gradus: rules.toml:2: rule[0].text: ";
  EXPECT_EQ(error("hour < 3 -> low"), start + "\"hour < 3 -> low\", column 1: there is no input or output \"hour\"; did you mean hours?\n");
  EXPECT_EQ(
      error("job = pilot -> low"),
      start +
          "\"job = pilot -> low\", column 7: \"job\" has no value \"pilot\" that the model sees by itself; there are clerk, cook, nurse\n");
  EXPECT_EQ(error("job -> low"), start + "\"job -> low\", column 1: \"job\" is a column of categories; compare it: job = clerk\n");
  EXPECT_EQ(error("job < nurse -> low"),
            start + "\"job < nurse -> low\", column 5: the values of \"job\" have no order; compare them by = or !=\n");
  recipe.replace("\"Standardise\"", "\"Power\"");
  EXPECT_EQ(
      error("hours < 3 -> low"),
      start +
          "\"hours < 3 -> low\", column 1: \"hours\" is changed by the step Power, otherwise than by a line, so that its number in the "
          "table is not known\n");
}

}  // namespace
}  // namespace gradus
