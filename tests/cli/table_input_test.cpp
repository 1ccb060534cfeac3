// Tables that are not as they should be: for training, and for models that are trained.
#include <filesystem>

#include "tests/cli/tables.hpp"

#ifdef GRADUS_HAS_SQLITE
#include <sqlite3.h>
#endif

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

// What predict says of lines, as CSV without the column of the file's name.
struct Answers {
  int code = 0;
  std::string rows{}, err{};
};
Answers answers(Aim aim, const std::vector<std::string>& lines) {
  const TrainedPeople& model = TrainedPeople::of(aim);
  model.write("x.csv", lines);
  const Outcome outcome = model.run({"predict", "run", "x.csv", "-o", "out.csv"});
  Answers found{outcome.code, outcome.code == 0 ? read_text(model / "out.csv") : "", outcome.err};
  std::filesystem::remove(model / "out.csv");
  return found;
}

TEST(TablePredict, ColumnsGoByNameInAnyOrder) {
  for (const Aim aim : {Aim::two_classes, Aim::three_classes, Aim::number}) {
    const std::vector<std::string> lines = people_lines(12, aim);
    const Answers plain = answers(aim, lines);
    ASSERT_EQ(plain.code, 0) << plain.err;
    EXPECT_EQ(plain.err, "") << "the target of a file is none of the model's business";
    EXPECT_EQ(std::count(plain.rows.begin(), plain.rows.end(), '\n'), 13);
    EXPECT_EQ(plain.rows.rfind(aim == Aim::number ? "file,sample,income\n" : "file,sample,class,probability,high,low", 0), 0u)
        << plain.rows;
    const Answers turned = answers(aim, changed(lines, [](size_t, auto& cells) { std::reverse(cells.begin(), cells.end()); }));
    EXPECT_EQ(turned.rows, plain.rows);
    const Answers blind = answers(aim, changed(lines, [](size_t, auto& cells) { cells.pop_back(); }));
    EXPECT_EQ(blind.rows, plain.rows);
    const Answers more = answers(aim, changed(lines, [](size_t i, auto& cells) { cells.insert(cells.begin(), i ? "7" : "lucky number"); }));
    EXPECT_EQ(more.rows, plain.rows);
    EXPECT_EQ(more.err, "note: column \"lucky number\" is none that the model takes\n");
  }
}

TEST(TablePredict, NumbersAreInTheTargetsOwnUnit) {
  const Answers found = answers(Aim::number, people_lines(3, Aim::number));
  const size_t at = found.rows.find("x.csv,0,");
  ASSERT_NE(at, std::string::npos) << found.rows;
  const double income = std::stod(found.rows.substr(at + 8));
  EXPECT_GT(income, 200);
  EXPECT_LT(income, 1700);
}

TEST(TablePredict, ColumnsThatAreMissingRenamedOrDoubledAreNamed) {
  const std::vector<std::string> lines = people_lines(5);
  EXPECT_EQ(answers(Aim::two_classes, changed(lines, [](size_t, auto& cells) { cells.erase(cells.begin() + 1); })).err,
            "gradus: x.csv: there is no column \"hours\", which the model takes; there are \"age\", \"job\", \"joined\", \"income\"\n");
  EXPECT_EQ(answers(Aim::two_classes, changed(lines, [](size_t i, auto& cells) { cells[1] = i ? cells[1] : "hour"; })).err,
            "gradus: x.csv: there is no column \"hours\", which the model takes; is it \"hour\", renamed?\n");
  EXPECT_EQ(answers(Aim::two_classes, changed(lines, [](size_t, auto& cells) { cells.push_back(cells[1]); })).err,
            "gradus: x.csv: the column \"hours\", which the model takes, stands there twice; which one is meant?\n");
}

TEST(TablePredict, UnknownCategoriesAndMissingCellsAreCounted) {
  const Answers found = answers(Aim::two_classes, {"age,hours,job,joined", "30,20,pilot,2015-01-01", ",20,,2015-01-01",
                                                   "old,20,cook,2015-99-01", "990,20,astronaut,2015-01-01"});
  EXPECT_EQ(found.code, 0);
  EXPECT_EQ(found.err,
            "note: column \"age\": 1 cell is of another type and taken as missing, the first in line 4: \"old\"\n"
            "note: column \"joined\": 1 cell is of another type and taken as missing, the first in line 4: \"2015-99-01\"\n"
            "note: column \"age\": 1 value (\"990\") is beyond the range of training, 20 to 69\n"
            "note: column \"job\": 2 values (\"astronaut\") are of no known category, and taken as none of them\n");
  EXPECT_EQ(std::count(found.rows.begin(), found.rows.end(), '\n'), 5) << found.rows;
}

TEST(TablePredict, FilesWithoutRows) {
  EXPECT_EQ(answers(Aim::two_classes, {}).err, "gradus: x.csv: the file is empty; a table has at least one line\n");
  const Answers header = answers(Aim::two_classes, {people_lines(1)[0]});
  EXPECT_EQ(header.rows, "file,sample,class,probability,high,low\n");
  EXPECT_EQ(header.err, "note: x.csv has no rows\n");
  EXPECT_EQ(answers(Aim::number, {people_lines(1)[0]}).rows, "file,sample,income\n");
}

TEST(TablePredict, MayWriteToTheStandardOutput) {
  const TrainedPeople& model = TrainedPeople::of(Aim::number);
  model.write("x.csv", people_lines(3, Aim::number));
  const Outcome outcome = model.run({"predict", "run", "x.csv", "-o", "-"});
  EXPECT_EQ(outcome.out, model.run({"predict", "run", "x.csv", "--csv"}).out);
  EXPECT_EQ(outcome.out.rfind("file,sample,income\nx.csv,0,", 0), 0u) << outcome.out;
}

TEST(TablePredict, PieceByPieceGivesTheSameAsAtOnce) {
  // Some megabytes: several pieces.
  const std::vector<std::string> once = people_lines(200);
  std::vector<std::string> many{once[0]};
  for (int copy = 0; copy < 300; ++copy) many.insert(many.end(), once.begin() + 1, once.end());
  const Answers short_file = answers(Aim::two_classes, once), long_file = answers(Aim::two_classes, many);
  ASSERT_EQ(long_file.code, 0) << long_file.err;
  std::vector<std::string> expected, found;
  for (auto& [rows, out] : {std::pair(&short_file.rows, &expected), std::pair(&long_file.rows, &found)}) {
    size_t line = 0;
    for (size_t at = 0; at < rows->size(); ++line) {
      const size_t end = rows->find('\n', at);
      std::vector<std::string> cells = testing::cells_of(rows->substr(at, end - at));
      if (line > 0) cells.erase(cells.begin(), cells.begin() + 2);
      out->push_back(testing::line_of(cells));
      at = end + 1;
    }
  }
  ASSERT_EQ(found.size(), 60001u);
  for (size_t i = 1; i < found.size(); ++i) ASSERT_EQ(found[i], expected[1 + (i - 1) % 200]) << i;
  const TrainedPeople& model = TrainedPeople::of(Aim::two_classes);
  model.write("many.csv", many);
  const Outcome limited = model.run({"predict", "run", "many.csv", "--csv", "--limit", "50001"});
  EXPECT_EQ(std::count(limited.out.begin(), limited.out.end(), '\n'), 50002);
}

TEST(TablePredict, NothingOfTheOutputRunsInASpreadsheet) {
  const TemporaryFolder folder;
  const std::vector<std::string> names{"=1+1", "@SUM(A1)", "+cmd|x", "-2+3", "plain"};
  std::vector<std::string> lines = changed(people_lines(150), [&](size_t i, auto& cells) {
    if (i > 0) cells[4] = names[(i * 7) % names.size()];
  });
  write_text(folder / "=t.csv", text_of(lines));
  ASSERT_EQ(run_gradus({"train", "=t.csv", "--target", "income", "--run-dir", "run", "--quiet"}, {.folder = folder.path()}).code, 0);
  const Outcome outcome = run_gradus({"predict", "run", "=t.csv", "--csv"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::vector<std::string> cells(1);
  for (const char c : outcome.out) {
    if (c == ',' || c == '\n') cells.emplace_back();
    else cells.back() += c;
  }
  for (const std::string& cell : cells) EXPECT_FALSE(!cell.empty() && std::string("=+-@\t\r").find(cell[0]) != std::string::npos) << cell;
  EXPECT_TRUE(contains(outcome.out, "'=1+1")) << outcome.out.substr(0, 300);
  EXPECT_TRUE(contains(outcome.out, "\n'=t.csv,0,")) << outcome.out.substr(0, 300);
}

// ---- training

// What train says of lines.
Outcome trained(const std::string& text, std::vector<std::string> more = {}, const std::string& name = "x.csv") {
  const TemporaryFolder folder;
  write_text(folder / name, text);
  std::vector<std::string> arguments{"train", name, "--target", "income", "--run-dir", "run"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  Outcome outcome = run_gradus(arguments, {.folder = folder.path()});
  if (outcome.code != 0) {
    EXPECT_FALSE(std::filesystem::exists(folder / "run")) << outcome.err;
  }
  return outcome;
}

TEST(TableInput, RaggedLinesAreNamed) {
  std::vector<std::string> lines = people_lines(40);
  lines[3] += ",9";
  const std::string rule = "; they must be equal, or ragged be \"skip\" or \"pad\"\n";
  EXPECT_EQ(trained(text_of(lines)).err, "gradus: x.csv:4: the line has 6 cells, the first one 5" + rule);
  lines[3] = "20,10,clerk";
  EXPECT_EQ(trained(text_of(lines)).err, "gradus: x.csv:4: the line has 3 cells, the first one 5" + rule);
  EXPECT_EQ(answers(Aim::two_classes, lines).err, "gradus: x.csv:4: the line has 3 cells, the first one 5" + rule);
}

TEST(TableInput, BytesOfAnotherEncodingAreNamed) {
  std::vector<std::string> lines = people_lines(40);
  lines[5] =
      "20,10,k\xf6"
      "ch,2010-01-01,low";
  const std::string rule = "byte 0xf6 is not UTF-8; name the encoding of the file, here perhaps \"windows-1252\"\n";
  EXPECT_EQ(trained(text_of(lines)).err, "gradus: x.csv:6: " + rule);
  EXPECT_EQ(answers(Aim::two_classes, lines).err, "gradus: x.csv:6: " + rule);
  lines[5] = std::string("20,1\0000,cook,2010-01-01,low", 26);
  const std::string zero = "there is a zero byte in the line; a text file has none (an encoding of two bytes a character must be named)\n";
  EXPECT_EQ(trained(text_of(lines)).err, "gradus: x.csv:6: " + zero);
  EXPECT_EQ(answers(Aim::two_classes, lines).err, "gradus: x.csv:6: " + zero);
}

TEST(TableInput, TargetsThatTeachNothing) {
  const std::vector<std::string> lines = people_lines(40);
  const auto with_target = [&](const std::function<std::string(size_t, std::string)>& target) {
    return text_of(changed(lines, [&](size_t i, auto& cells) {
      if (i > 0) cells[4] = target(i, cells[4]);
    }));
  };
  EXPECT_EQ(trained(with_target([](size_t, auto) { return "low"; })).err,
            "gradus: x.csv: the target \"income\" has one class only, \"low\"; there is nothing to tell apart\n");
  EXPECT_EQ(trained(with_target([](size_t, auto) { return ""; })).err,
            "gradus: x.csv: no row has a target: column \"income\" has no value in 40 rows\n");
  EXPECT_EQ(trained(with_target([](size_t, auto) { return "4.25"; })).err,
            "gradus: x.csv: the target \"income\" is 4.25 in all rows; there is nothing to learn\n");
  EXPECT_EQ(trained(lines[0] + "\n").err, "gradus: x.csv: there are no rows\n");
  const Outcome some = trained(with_target([](size_t i, auto cell) { return i % 4 == 0 ? "" : cell; }));
  EXPECT_EQ(some.code, 0) << some.err;
  EXPECT_TRUE(contains(some.err, "note: 10 rows have no target \"income\" and are left out\n")) << some.err;
}

TEST(TableInput, NumbersThatAreNoneInTheTargetAreLeftOut) {
  const auto lines = changed(people_lines(60, Aim::number), [](size_t i, auto& cells) {
    if (i == 7) cells[4] = "nan";
    if (i == 9) cells[4] = "inf";
    if (i == 11) cells[4] = "";
  });
  const Outcome outcome = trained(text_of(lines), {"--set", "train.epochs=1"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "note: 3 rows have no target \"income\" and are left out\n")) << outcome.err;
}

TEST(TableInput, ColumnsWithoutValuesAreLeftOut) {
  const auto lines = changed(people_lines(60), [](size_t i, auto& cells) {
    if (i > 0) cells[1].clear();
  });
  const Outcome outcome = trained(text_of(lines));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "chosen: column \"hours\" has no value, and is left out\n")) << outcome.out;
  const auto nothing = changed(people_lines(60), [](size_t i, auto& cells) {
    for (size_t c = 0; i > 0 && c < 4; ++c) cells[c].clear();
  });
  EXPECT_TRUE(contains(trained(text_of(nothing)).err, "gradus: x.csv: no column of the table says anything about \"income\"; "))
      << trained(text_of(nothing)).err;
}

TEST(TableInput, NamesThatStandThereTwice) {
  std::vector<std::string> lines = people_lines(60);
  lines.insert(lines.begin() + 30, lines[0]);
  const Outcome again = trained(text_of(lines));
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(contains(again.err, "note: 1 further line of names is left out\n")) << again.err;
  lines = people_lines(60);
  lines[0] = "age,age,job,joined,income";
  const Outcome doubled = trained(text_of(lines));
  EXPECT_EQ(doubled.code, 0) << doubled.err;
  EXPECT_TRUE(contains(doubled.err, "note: names that stand twice: \"age\" (column 2) is called age_2\n")) << doubled.err;
}

TEST(TableInput, WhatIsNoDatabase) {
  const std::string problem = "is no SQLite database: it does not begin as one; a table of text has another ending, such as .csv\n";
  EXPECT_EQ(trained(text_of(people_lines(60)), {}, "x.db").err, "gradus: x.db: " + problem);
  EXPECT_EQ(trained("not a database at all", {}, "x.sqlite").err, "gradus: x.sqlite: " + problem);
  EXPECT_EQ(trained("", {}, "x.db").err, "gradus: x.db: the file is empty; a table has at least one line\n");
  EXPECT_TRUE(contains(trained(std::string("SQLite format 3\0", 16) + std::string(200, 'x'), {}, "x.db").err,
                       "gradus: x.db: cannot read the database: "));
}

#ifdef GRADUS_HAS_SQLITE
TEST(TableInput, DatabasesThatAreReadOrLocked) {
  const TemporaryFolder folder;
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((folder / "x.db").c_str(), &database), SQLITE_OK);
  std::string sql = "create table people(age real, hours real, job text, joined text, income text);";
  const std::vector<std::string> lines = people_lines(60);
  for (size_t i = 1; i < lines.size(); ++i) {
    sql += "insert into people values(";
    const std::vector<std::string> cells = testing::cells_of(lines[i]);
    for (size_t c = 0; c < cells.size(); ++c) sql += (c ? "," : "") + (cells[c].empty() ? std::string("null") : "'" + cells[c] + "'");
    sql += ");";
  }
  ASSERT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  const auto run = [&](const std::vector<std::string>& arguments) { return run_gradus(arguments, {.folder = folder.path()}); };
  const Outcome open = run({"train", "x.db", "--target", "income", "--run-dir", "run"});
  EXPECT_EQ(open.code, 0) << open.err;
  EXPECT_EQ(run({"predict", "run", "x.db", "--limit", "2"}).code, 0);
  ASSERT_EQ(sqlite3_exec(database, "begin exclusive", nullptr, nullptr, nullptr), SQLITE_OK);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"train", "x.db", "--target", "income", "--run-dir", "other"}, {"predict", "run", "x.db"}}) {
    EXPECT_EQ(run(arguments).err, "gradus: x.db: the database is locked by another process; try again when it has finished\n");
  }
  sqlite3_close(database);
}
#endif

}  // namespace
}  // namespace gradus
