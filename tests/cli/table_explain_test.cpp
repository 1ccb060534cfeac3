// gradus explain on tables and images; gradus evaluate --group; gradus show of linear models of tables.
#include <filesystem>

#include "gradus/io/png.hpp"
#include "tests/cli/tables.hpp"

namespace gradus {
namespace {

using testing::Aim;
using testing::changed;
using testing::contains;
using testing::Outcome;
using testing::people_lines;
using testing::read_text;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::text_of;
using testing::TrainedPeople;
using testing::write_text;

const TrainedPeople& two() { return TrainedPeople::of(Aim::two_classes); }

TEST(TableExplain, SaysWhatEachColumnBrings) {
  const Outcome outcome = two().run({"explain", "run", "people.csv", "--row", "3", "-o", "page.html"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind("row 3: probability of low 0.", 0), 0u) << outcome.out;
  for (const char* feature : {"  hours 27 ", "  age 44 ", "  job cook ", "  joined 2012-11-15 "})
    EXPECT_TRUE(contains(outcome.out, feature)) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "against 100 training rows\n"));
  const std::string page = read_text(two() / "page.html");
  EXPECT_TRUE(contains(page, "class=\"bars\""));
  EXPECT_TRUE(contains(page, "joined 2012-11-15"));
  // The bars add up to the answer less the average.
  double sum = 0;
  for (size_t at = outcome.out.find("\n  "); at != std::string::npos; at = outcome.out.find("\n  ", at + 1)) {
    const std::string line = outcome.out.substr(at + 1, outcome.out.find('\n', at + 1) - at - 1);
    sum += std::stod(line.substr(line.find_last_of(' ')));
  }
  const double answer = std::stod(outcome.out.substr(26)), average = std::stod(outcome.out.substr(outcome.out.find("average ") + 8));
  EXPECT_NEAR(sum, answer - average, 2e-3) << outcome.out;
}

TEST(TableExplain, ASingleLogitIsThatOfTheSecondClass) {
  const Outcome trained = two().run({"train", "people.csv", "--target", "income", "--run-dir", "single", "--replace", "--quiet", "--set",
                                     "model.layers=[{type = \"Dense\", units = 1}]", "--set", "loss.name=binary_crossentropy"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const Outcome single = two().run({"explain", "single", "people.csv", "--row", "2"}),
                pair = two().run({"explain", "run", "people.csv", "--row", "2"});
  EXPECT_EQ(pair.out.rfind("row 2: probability of high 0.9", 0), 0u) << pair.out;
  EXPECT_EQ(single.out.rfind("row 2: probability of low 0.0", 0), 0u) << single.out;
  const Outcome shown = two().run({"show", "single"});
  EXPECT_TRUE(contains(shown.out, "logit of low\n")) << shown.out;
  const Outcome otherwise = two().run({"explain", "single", "people.csv", "--row", "2", "--counterfactual"});
  EXPECT_EQ(otherwise.out.rfind("row 2: high, 9", 0), 0u) << otherwise.out << otherwise.err;
  EXPECT_TRUE(contains(two().run({"evaluate", "single", "people.csv", "--group", "job"}).out, "gap of accuracy: ")) << "rates of one logit";
}

TEST(TableExplain, CountsWhatIsOddInTheRowsThatAreExplainedOnce) {
  two().write("odd.csv", {"age,hours,job,joined", "30,20,pilot,2015-01-01", "31,21,pilot,2015-01-01"});
  const Outcome outcome = two().run({"explain", "run", "odd.csv"});
  EXPECT_EQ(outcome.err, "note: column \"job\": 1 value (\"pilot\") is of no known category, and taken as none of them\n");
  EXPECT_EQ(two().run({"explain", "run", "odd.csv", "--row", "3"}).err, "gradus: odd.csv: has 2 rows; --row is 3\n");
}

TEST(TableExplain, CounterfactualsChangeTheAnswerWhenTheyAreMade) {
  const Outcome outcome = two().run({"explain", "run", "people.csv", "--row", "3", "--counterfactual", "-o", "page.html"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind("row 3: low, ", 0), 0u) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "  held as they are: joined (a date)\n")) << outcome.out;
  EXPECT_TRUE(contains(read_text(two() / "page.html"), "would be"));
  // "  high, 52.9 %, if hours 36 in place of 27": made, the table's row is answered so.
  const size_t at = outcome.out.find(" %, if hours ");
  ASSERT_NE(at, std::string::npos) << outcome.out;
  const std::string hours = outcome.out.substr(at + 13, outcome.out.find(' ', at + 13) - at - 13);
  EXPECT_EQ(std::stod(hours), std::round(std::stod(hours))) << "all hours are whole numbers";
  const std::string percent = outcome.out.substr(outcome.out.rfind("high, ", at), at + 2 - outcome.out.rfind("high, ", at));
  std::vector<std::string> lines = people_lines(3);
  std::vector<std::string> cells = testing::cells_of(lines[3]);
  cells[1] = hours;
  two().write("made.csv", {lines[0], testing::line_of(cells)});
  const Outcome made = two().run({"predict", "run", "made.csv", "--top", "1"});
  EXPECT_EQ(made.out, "made.csv[0]: high " + percent.substr(6) + "\n") << outcome.out;
}

TEST(TableExplain, CounterfactualsKeepWhatIsFixedAndComeToWhatIsWanted) {
  const Outcome fixed = two().run({"explain", "run", "people.csv", "--row", "3", "--counterfactual", "--fixed", "hours", "--fixed", "job"});
  EXPECT_TRUE(contains(fixed.out, "if age ")) << fixed.out;
  EXPECT_FALSE(contains(fixed.out, "hours ") && contains(fixed.out, "hours 2")) << fixed.out;
  EXPECT_TRUE(contains(fixed.out, "held as they are: hours (asked for), job (asked for), joined (a date)\n")) << fixed.out;
  const Outcome all = two().run({"explain", "run", "people.csv", "--row", "4", "--counterfactual", "--fixed", "hours", "--fixed", "job"});
  EXPECT_TRUE(contains(all.out, "  none found: no column may change\n")) << all.out << "age is missing in row 4";
  EXPECT_TRUE(contains(all.out, "age (missing)")) << all.out;
  EXPECT_EQ(two().run({"explain", "run", "people.csv", "--counterfactual", "--fixed", "hour"}).err,
            "gradus: table_counterfactuals: the model takes no column \"hour\" that could be fixed; did you mean \"hours\"?\n");
  EXPECT_EQ(two().run({"explain", "run", "people.csv", "--counterfactual", "--to", "lw"}).err,
            "gradus: --to: there is no class \"lw\"; did you mean low?\n");
  EXPECT_EQ(two().run({"explain", "run", "people.csv", "--to", "low"}).code, 2);
  const Outcome three =
      TrainedPeople::of(Aim::three_classes).run({"explain", "run", "people.csv", "--row", "2", "--counterfactual", "--to", "low"});
  EXPECT_TRUE(contains(three.out, "\n  low, ")) << three.out << three.err;
  EXPECT_FALSE(contains(three.out, "\n  middle, ")) << three.out;
}

TEST(TableExplain, CounterfactualsOfNumbersCrossABound) {
  const TrainedPeople& number = TrainedPeople::of(Aim::number);
  const Outcome plain = number.run({"explain", "run", "people.csv", "--row", "3", "--counterfactual"});
  EXPECT_EQ(plain.err, "gradus: --to: the model foretells numbers: name the number that income is to cross, got \"\"\n");
  const Outcome rise = number.run({"explain", "run", "people.csv", "--row", "3", "--counterfactual", "--to", "1000"});
  ASSERT_EQ(rise.code, 0) << rise.err;
  const double before = std::stod(rise.out.substr(rise.out.find("income ") + 7));
  size_t answers = 0;
  for (size_t at = rise.out.find("\n  income "); at != std::string::npos; at = rise.out.find("\n  income ", at + 1), ++answers) {
    const double after = std::stod(rise.out.substr(at + 10));
    EXPECT_NE(before > 1000, after > 1000) << rise.out;
  }
  EXPECT_GT(answers, 0u) << rise.out;
}

TEST(TableExplain, ImportanceIsOfAllRows) {
  const Outcome outcome = two().run({"explain", "run", "people.csv", "--importance", "--repeats", "5", "-o", "page.html"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind("accuracy on 200 rows: 0.", 0), 0u) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "mean and deviation of 5 shuffles:\n")) << outcome.out;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 5) << outcome.out;
  const std::string page = read_text(two() / "page.html");
  EXPECT_TRUE(contains(page, "whisker")) << "intervals";
  two().write("blind.csv", changed(people_lines(20), [](size_t, auto& cells) { cells.pop_back(); }));
  EXPECT_EQ(two().run({"explain", "run", "blind.csv", "--importance"}).err,
            "gradus: blind.csv: there is no column \"income\", the target; predict needs none\n");
  const Outcome number = TrainedPeople::of(Aim::number).run({"explain", "run", "people.csv", "--importance"});
  EXPECT_EQ(number.out.rfind("root mean squared error on 200 rows: ", 0), 0u) << number.out << number.err;
}

TEST(TableExplain, ThePageIsNotWrittenOverTheTable) {
  const std::string before = read_text(two() / "people.csv");
  EXPECT_EQ(two().run({"explain", "run", "people.csv", "-o", "people.csv"}).err,
            "gradus: people.csv: the page would be written over what is read; name another file\n");
  EXPECT_EQ(read_text(two() / "people.csv"), before);
}

// ---- groups

// People with a group that the model does not take: f and m are drawn alike, x is small.
std::vector<std::string> grouped(const std::vector<std::string>& lines) {
  return changed(lines, [](size_t i, auto& cells) { cells.push_back(i == 0 ? "sex" : i % 20 == 7 ? "x" : i % 2 ? "f" : "m"); });
}

TEST(TableGroups, RatesAndGapsOfClasses) {
  two().write("grouped.csv", grouped(people_lines(200)));
  const Outcome outcome = two().run({"evaluate", "run", "grouped.csv", "--group", "sex", "--favourable", "high"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "\ngroups of sex\nfavourable: high; rates with 95 % intervals\n")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "\nx *      10  ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "* fewer than 30 rows: rates of such a group say little\n")) << outcome.out;
  for (const char* gap :
       {"gap of what is said (demographic parity): 0.", "gap of true positives (equal opportunity): 0.", "gap of accuracy: 0."})
    EXPECT_TRUE(contains(outcome.out, gap)) << outcome.out;
  // What the rates must be, by the table itself: f and m.
  const std::vector<std::string> lines = grouped(people_lines(200));
  double high = 0, all = 0;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> cells = testing::cells_of(lines[i]);
    if (cells[5] == "f") ++all, high += cells[4] == "high";
  }
  char expected[32];
  std::snprintf(expected, sizeof expected, "%.4g (", high / all);
  const size_t row = outcome.out.find("\nf ");
  ASSERT_NE(row, std::string::npos) << outcome.out;
  EXPECT_TRUE(contains(outcome.out.substr(row, 60), expected)) << outcome.out << expected;
  const Outcome last = two().run({"evaluate", "run", "grouped.csv", "--group", "sex"});
  EXPECT_TRUE(contains(last.out, "favourable: low;")) << last.out;
}

TEST(TableGroups, OfTestRowsOfNumbersAndOfQuarters) {
  const Outcome own = two().run({"evaluate", "run", "--group", "job"});
  EXPECT_TRUE(contains(own.out, "\ngroups of job\n")) << own.out << own.err;
  EXPECT_TRUE(contains(own.out, "\n(missing) * ")) << own.out;
  const Outcome quarters = two().run({"evaluate", "run", "people.csv", "--group", "hours"});
  EXPECT_TRUE(contains(quarters.out, "\n10 to ")) << quarters.out << quarters.err;
  const TrainedPeople& number = TrainedPeople::of(Aim::number);
  number.write("grouped.csv", grouped(people_lines(200, Aim::number)));
  const Outcome numbers = number.run({"evaluate", "run", "grouped.csv", "--group", "sex"});
  EXPECT_TRUE(contains(numbers.out, "rmse is largest for ")) << numbers.out << numbers.err;
  const Outcome three =
      TrainedPeople::of(Aim::three_classes).run({"evaluate", "run", "people.csv", "--group", "job", "--favourable", "middle"});
  EXPECT_TRUE(contains(three.out, "favourable: middle;")) << three.out << three.err;
}

TEST(TableGroups, AGroupWithoutPositivesIsSaidToHaveNoRate) {
  two().write("one_sided.csv", changed(people_lines(200), [](size_t i, auto& cells) {
                cells.push_back(i == 0 ? "team" : cells[4] == "low" && i % 3 == 0 ? "z" : "a");
              }));
  const Outcome outcome = two().run({"evaluate", "run", "one_sided.csv", "--group", "team", "--favourable", "high"});
  EXPECT_TRUE(contains(outcome.out, "- nothing to share: such a group counts in no gap of that rate\n")) << outcome.out << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "gap of true positives (equal opportunity): -\n")) << outcome.out;
}

TEST(TableGroups, WhatAreNoGroups) {
  two().write("grouped.csv", changed(people_lines(100), [](size_t i, auto& cells) {
                cells.push_back(i == 0 ? "one" : "same");
                cells.push_back(i == 0 ? "name" : "n" + std::to_string(i));
              }));
  EXPECT_EQ(two().run({"evaluate", "run", "grouped.csv", "--group", "one"}).err,
            "note: column \"name\" is none that the model takes\n"
            "gradus: --group: column \"one\" has one value only; there are no groups to compare\n");
  EXPECT_TRUE(contains(two().run({"evaluate", "run", "grouped.csv", "--group", "name"}).err,
                       "gradus: --group: column \"name\" has 100 different values; groups are at most 50\n"));
  EXPECT_EQ(two().run({"evaluate", "run", "grouped.csv", "--group", "nam"}).err,
            "gradus: grouped.csv: there is no column \"nam\"; did you mean \"name\"?\n");
  EXPECT_TRUE(contains(two().run({"evaluate", "run", "people.csv", "--group", "job", "--favourable", "hgh"}).err,
                       "gradus: --favourable: there is no class \"hgh\"; did you mean high?\n"));
  EXPECT_EQ(two().run({"evaluate", "run", "--favourable", "high"}).code, 2);
}

// ---- show

TEST(TableShow, CoefficientsHaveNamesErrorsAndTheOrderOfTheirSizes) {
  const Outcome outcome = two().run({"show", "run"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "log-odds of low against high\n  feature ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "\n  (intercept) ")) << outcome.out;
  double last = 1e9;
  int count = 0;
  double hours = 0, hours_a_unit = 0;
  for (size_t at = outcome.out.find('\n', outcome.out.find("  feature ")); outcome.out.compare(at + 1, 2, "  ") == 0;
       at = outcome.out.find('\n', at + 1)) {
    const std::string line = outcome.out.substr(at + 1, outcome.out.find('\n', at + 1) - at - 1);
    if (line.starts_with("  (intercept)")) break;
    char name[40];
    double value = 0, error = 0, z = 0, a_unit = 0;
    ASSERT_EQ(std::sscanf(line.c_str(), " %39[^+-]%lf %lf %lf %lf", name, &value, &error, &z, &a_unit), 5) << line;
    EXPECT_LE(std::fabs(value), last) << outcome.out;
    EXPECT_NEAR(z, value / error, 0.02 * std::fabs(z) + 0.02) << line;
    last = std::fabs(value);
    ++count;
    if (std::string(name).starts_with("hours")) hours = value, hours_a_unit = a_unit;
  }
  EXPECT_EQ(count, 12) << outcome.out;
  // In the table's units: divided by the deviation of hours, about 12.
  EXPECT_LT(hours, 0);
  EXPECT_NEAR(hours / hours_a_unit, 12, 1) << outcome.out;
}

TEST(TableShow, OfModelsOfNumbersAndWithoutErrors) {
  const TrainedPeople& number = TrainedPeople::of(Aim::number);
  const std::vector<std::string> linear{"--set", "model.layers=[{type = \"Dense\", units = 1}]", "--replace", "--quiet"};
  std::vector<std::string> arguments{"train", "people.csv", "--target", "income", "--run-dir", "linear"};
  arguments.insert(arguments.end(), linear.begin(), linear.end());
  std::vector<std::string> exact = arguments;
  exact.insert(exact.end(),
               {"--set", "train.solver=exact", "--set", "preprocess.steps=[\"DateParts\", \"Impute\", \"Standardise\", \"OneHot\"]"});
  ASSERT_EQ(number.run(exact).code, 0) << number.run(exact).err;
  const Outcome solved = number.run({"show", "linear"});
  EXPECT_TRUE(contains(solved.out, "\nincome\n  feature ")) << solved.out;
  EXPECT_TRUE(contains(solved.out, "  z  ")) << solved.out;
  // The table was made with 10 for each hour.
  const size_t at = solved.out.find("  hours ");
  ASSERT_NE(at, std::string::npos);
  const std::string line = solved.out.substr(at, solved.out.find('\n', at) - at);
  EXPECT_NEAR(std::stod(line.substr(line.find_last_of(' '))), 10, 1.5) << solved.out;
  exact.insert(exact.end(), {"--set", "train.solver=gradient", "--set", "train.epochs=1"});
  ASSERT_EQ(number.run(exact).code, 0) << number.run(exact).err;
  const Outcome trained = number.run({"show", "linear"});
  EXPECT_TRUE(contains(trained.out, "\nincome\n  feature ")) << trained.out;
  EXPECT_FALSE(contains(trained.out, "standard error")) << trained.out;
}

// ---- images

TEST(ImageExplain, ThePageShowsWhereTheModelLooks) {
  const TemporaryFolder folder;
  for (const char* label : {"left", "right"}) {
    std::filesystem::create_directories(folder / ("images/" + std::string(label)));
    for (int i = 0; i < 12; ++i) {
      std::vector<uint8_t> pixels(12 * 12, static_cast<uint8_t>(20 + i));
      for (int y = 3; y < 9; ++y)
        for (int x = 1; x < 5; ++x) pixels[static_cast<size_t>(y * 12 + (label[0] == 'l' ? x : 11 - x))] = 220;
      write_text(folder / ("images/" + std::string(label) + "/" + std::to_string(i) + ".png"), io::encode_png(pixels, 12, 12, 1));
    }
  }
  const auto train = [&](const std::string& layers, const std::string& run) {
    write_text(folder / "r.toml",
               "[data]\nsource = \"images\"\npath = \"images\"\nchannels = 1\nsize = [12, 12]\ntest = 0.25\n[model]\nlayers = [" + layers +
                   "]\n[loss]\nname = \"sparse_categorical_crossentropy\"\n[optimizer]\nname = \"adam\"\n"
                   "learning_rate = 0.02\n[train]\nepochs = 8\nmetrics = [\"accuracy\"]\n");
    const Outcome outcome = run_gradus({"train", "r.toml", "--run-dir", run, "--quiet"}, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  };
  train("{type = \"Conv2D\", filters = 4, kernel_size = 3, activation = \"relu\"}, {type = \"Flatten\"}, {type = \"Dense\", units = 2}",
        "cnn");
  const Outcome outcome = run_gradus({"explain", "cnn", "images/left/3.png", "-o", "page.html"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "sample 1: left, ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "; the values add up to it within ")) << outcome.out;
  const std::string page = read_text(folder / "page.html");
  for (const char* part : {"integrated gradients", "Grad-CAM", "occlusion", "as the model takes it", "looks at the layer conv2d"})
    EXPECT_TRUE(contains(page, part)) << part;
  size_t pictures = 0;
  for (size_t at = page.find("<img"); at != std::string::npos; at = page.find("<img", at + 1)) ++pictures;
  EXPECT_EQ(pictures, 4u);
  train("{type = \"Flatten\"}, {type = \"Dense\", units = 2}", "dense");
  ASSERT_EQ(run_gradus({"explain", "dense", "images/left/3.png", "-o", "page.html"}, {.folder = folder.path()}).code, 0);
  const std::string plain = read_text(folder / "page.html");
  EXPECT_FALSE(contains(plain, "<figcaption>Grad-CAM")) << "there is no convolution";
  EXPECT_TRUE(contains(plain, "occlusion"));
  EXPECT_EQ(run_gradus({"explain", "cnn", "images/left/3.png", "--importance"}, {.folder = folder.path()}).err,
            "gradus: --importance: is of models of tables, and cnn is none\n");
  write_text(folder / "cut.png", read_text(folder / "images/left/3.png").substr(0, 60));
  EXPECT_TRUE(
      contains(run_gradus({"explain", "cnn", "cut.png"}, {.folder = folder.path()}).err, "gradus: cut.png: the PNG file is cut short"));
}

}  // namespace
}  // namespace gradus
