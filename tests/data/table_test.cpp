// Tables: reading of files of many makes, and what columns can do.
#include "gradus/data/table/table.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <fstream>

#include "gradus/base/error.hpp"
#include "gradus/data/table/read_table.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus::data {
namespace {

using testing::error_of;

// A file of this content as a table.
struct Read {
  testing::TemporaryFolder folder{};
  std::string path{};
  explicit Read(const std::string& content, const std::string& name = "a.csv") : path(folder / name) {
    std::ofstream(path, std::ios::binary) << content;
  }
  Table table(const TableOptions& options = {}) const { return read_table(path, options); }
  std::string error(const TableOptions& options = {}) const {
    const std::string text = testing::without_path(error_of([&] { read_table(path, options); }), folder.path());
    return text.starts_with("PATH/") ? text.substr(5) : text;
  }
};

std::string cells(const Table& table) {
  std::string out;
  for (const Column& column : table.columns()) {
    out += column.name() + ":" + std::string(name_of(column.type()));
    for (int64_t row = 0; row < column.size(); ++row) out += "|" + column.cell(row);
    out += "\n";
  }
  return out;
}
std::string read(const std::string& content, const TableOptions& options = {}) { return cells(Read(content).table(options)); }

TEST(Table, NamesAndTypesAreFoundOut) {
  EXPECT_EQ(read("age,name\n31,Ann\n,Bo\n47.5,\n"), "age:numeric|31||47.5\nname:categorical|Ann|Bo|\n");
  EXPECT_EQ(read("1,a\n2,b\n"), "column_1:numeric|1|2\ncolumn_2:categorical|a|b\n");
  EXPECT_EQ(read("x,y\n"), "x:numeric\ny:numeric\n") << "names, and no row";
}

TEST(Table, QuotesHoldSeparatorsLineEndsAndQuotes) {
  EXPECT_EQ(read("a,b\n\"x, y\",1\n\"two\nlines\",2\n\"say \"\"hi\"\"\",3\n \"q\" ,4\n5\" nail,5\n"),
            "a:categorical|x, y|two\nlines|say \"hi\"|q|5\" nail\nb:numeric|1|2|3|4|5\n");
}

TEST(Table, SeparatorsAndLineEndsAreFoundOut) {
  const std::string want = "a:numeric|1|3\nb:categorical|x|y\n";
  EXPECT_EQ(read("a;b\n1;x\n3;y\n"), want);
  EXPECT_EQ(read("a\tb\r\n1\tx\r\n3\ty\r\n"), want);
  EXPECT_EQ(read("a|b\r1|x\r3|y"), want);
  EXPECT_EQ(read("a   b\n  1 x\n3\t y  \n"), want);
  EXPECT_EQ(read("a;b\n1,5;x\n3;y\n"), "a:numeric|1.5|3\nb:categorical|x|y\n");
  EXPECT_EQ(read("1,5;2,25\n3,5;4,5\n"), "column_1:numeric|1.5|3.5\ncolumn_2:numeric|2.25|4.5\n");
  EXPECT_EQ(read("a,b,\n1,x,\n3,y,\n"), want) << "a separator at the end of every line ends no cell";
}

TEST(Table, ACommentIsLeftOutAndCounted) {
  Table table = Read("# made by a program\n1,a\n\n# more\n2,b\n").table();
  EXPECT_EQ(cells(table), "column_1:numeric|1|2\ncolumn_2:categorical|a|b\n");
  EXPECT_EQ(table.notes, (std::vector<std::string>{"the file has no line of names: its columns are called column_1 to column_2",
                                                   "1 empty line is left out", "2 comment lines are left out"}));
  EXPECT_EQ(read("#id,v\n1,2\n"), "id:numeric|1\nv:numeric|2\n") << "names behind a #";
}

TEST(Table, ALineOfNamesBehindAMarkIsNoComment) {
  const std::string want = "id:numeric|1|2|3\n";
  EXPECT_EQ(read("#id\n1\n2\n3\n"), want);
  EXPECT_EQ(read("# id\n\n1\n2\n3\n"), want);
  EXPECT_EQ(read("#x y\n1 2\n3 4\n"), "x:numeric|1|3\ny:numeric|2|4\n");
  EXPECT_EQ(read("# x y\n1 2\n3 4\n"), "column_1:numeric|1|3\ncolumn_2:numeric|2|4\n") << "split at blanks, the mark would be a cell";
  EXPECT_EQ(read("#id,name\n1,\"a, b\"\n"), "id:numeric|1\nname:categorical|a, b\n") << "a separator in quotes is none";
  EXPECT_EQ(read("#ff0000\n#00ff00\n#0000ff\n"), "ff0000:categorical|#00ff00|#0000ff\n") << "nothing else would be left";
  EXPECT_EQ(read("# two words\n1\n2\n"), "column_1:numeric|1|2\n");
  EXPECT_EQ(read("#one\n#two\n1\n2\n"), "column_1:numeric|1|2\n");
}

TEST(Table, TwoEqualLinesAreLookedThroughOnce) {
  std::string line = "0";
  for (int i = 1; i < 80'000; ++i) line += ",0";
  const Table table = Read(line + "\n" + line + "\n").table();
  EXPECT_EQ(table.width(), 80'000);
  EXPECT_EQ(table.rows(), 2);
}

TEST(Table, NamesOfNumbersStayWords) {
  EXPECT_EQ(read("zip,id,n\n01234,12345678901234567890,1\n98765,2,2\n"),
            "zip:categorical|01234|98765\nid:categorical|12345678901234567890|2\nn:numeric|1|2\n");
}

TEST(Table, MarksOfMissingValues) {
  EXPECT_EQ(read("a,b\n1,x\n?,NA\n-,n/a\nnan,y\n"), "a:numeric|1|||\nb:categorical|x|||y\n");
  EXPECT_EQ(read("a,b\n1,-\n2,x\n"), "a:numeric|1|2\nb:categorical|-|x\n") << "a dash among words is a word";
  EXPECT_EQ(read("a,b\n-,1\n-,2\nx,3\n"), "a:categorical|-|-|x\nb:numeric|1|2|3\n");
  EXPECT_EQ(read("a\nNA\nx\n", {.missing = {"x"}}), "a:categorical|NA|\n");
}

TEST(Table, NumbersOfAllMakes) {
  const Table table = Read("a\n1e3\n+2\n-.5\n5.\n1e400\n1e-400\ninf\n9007199254740993.0\n0.1\n").table();
  const std::vector<double> want{1000, 2, -0.5, 5, INFINITY, 0, INFINITY, 9007199254740992.0, 0.1};
  const auto got = table["a"].numbers();
  EXPECT_EQ(std::vector<double>(got.begin(), got.end()), want);
}

TEST(Table, ALongNumberIsRoundedToNearest) {
  for (const char* text : {"0.1234567890123456789", "123456789012345678.5", "2.2250738585072011e-308", "1.7976931348623157e308", "4.35",
                           "8.41e21", "9007199254740991", "0.000000000000000000000001234"}) {
    const Table table = Read(std::string("a\n") + text + "\n").table({.types = {{"a", {}}}});
    EXPECT_EQ(table["a"].numbers()[0], std::strtod(text, nullptr)) << text;
  }
}

TEST(Table, DatesAndHowTheyAreMeant) {
  EXPECT_EQ(read("d,e\n2024-02-29,3/4/2024\n2023-12-31T13:05:59,13/4/2024\n"),
            "d:date|2024-02-29|2023-12-31T13:05:59\ne:date|2024-04-03|2024-04-13\n")
      << "a 13 in front settles it for the column";
  Table table = Read("e\n3/4/2024\n5/6/2024\n").table();
  EXPECT_EQ(cells(table), "e:date|2024-03-04|2024-05-06\n");
  EXPECT_EQ(table.notes[0], "column \"e\": dates are read as month/day; date_order = \"day_first\" reads them the other way");
  EXPECT_EQ(read("e\n3/4/2024\n5/6/2024\n", {.date_order = DateOrder::day_first}), "e:date|2024-04-03|2024-06-05\n");
  EXPECT_EQ(read("e\n29 Feb 2024\n\"March 1, 2024\"\n2024年3月2日\n"), "e:date|2024-02-29|2024-03-01|2024-03-02\n");
  EXPECT_EQ(read("e\n2023-02-29\n"), "e:categorical|2023-02-29\n") << "no such day";
  EXPECT_EQ(read("e\n2024-01-01 10:00+02:00\n"), "e:date|2024-01-01T08:00:00\n");
}

TEST(Table, DatesOfBothOrdersAreWordsUnlessTheyAreSaidToBeDates) {
  const Read file("d\n13/4/2024\n4/13/2024\n3/4/2024\n");
  const Table words = file.table();
  EXPECT_EQ(cells(words), "d:categorical|13/4/2024|4/13/2024|3/4/2024\n");
  EXPECT_EQ(words.notes,
            (std::vector<std::string>{"column \"d\": \"13/4/2024\" begins with the day, \"4/13/2024\" with the month; they are "
                                      "read as words, and date_order reads them as dates"}));
  EXPECT_EQ(cells(file.table({.date_order = DateOrder::day_first})), "d:date|2024-04-13|2024-04-13|2024-04-03\n");
  const Table said = file.table({.types = {{"d", {ColumnType::date, {}, {}}}}});
  EXPECT_EQ(cells(said), "d:date|2024-04-13|2024-04-13|2024-03-04\n");
  EXPECT_EQ(said.notes.size(), 1u);
  EXPECT_EQ(read("d\n13/4/2024\n3/14/x\n"), "d:categorical|13/4/2024|3/14/x\n");
}

TEST(Table, AColumnOfDatesKnowsHowTheyWereMeant) {
  const auto order = [](const std::string& content, const TableOptions& options = {}) {
    return Read(content).table(options)["d"].take(std::vector<int64_t>{0}).date_order();
  };
  EXPECT_EQ(order("d\n13/4/2024\n3/4/2024\n"), DateOrder::day_first);
  EXPECT_EQ(order("d\n4/13/2024\n3/4/2024\n"), DateOrder::month_first);
  EXPECT_EQ(order("d\n3/4/2024\n"), DateOrder::month_first);
  EXPECT_EQ(order("d\n3/4/2024\n", {.date_order = DateOrder::day_first}), DateOrder::day_first);
  EXPECT_EQ(order("d\n2024-04-03\n"), std::nullopt);
  EXPECT_EQ(order("d\n3/3/2024\n"), std::nullopt);
  EXPECT_EQ(error_of([] { Column::numeric("x", {1}).date_order(); }), "column \"x\": it is numeric; it must be date");
}

TEST(Table, ACellThatIsNoDateIsNamedWithItsLine) {
  const Read file("d,n\n3/4/2024,1\n\n13/4/2024,2\nsoon,3\n14/4/2024,4\nsoon,5\n,6\n");
  TableOptions options{.types = {{"d", {ColumnType::date, {}, {}}}}};
  EXPECT_EQ(file.error(options), "a.csv:5: column \"d\": expected a date, got \"soon\"");
  options.misfit = Misfit::missing;
  const Table table = file.table(options);
  EXPECT_EQ(cells(table).substr(0, 43), "d:date|2024-04-03|2024-04-13||2024-04-14||\n");
  EXPECT_EQ(table.notes.back(), "column \"d\": 2 cells are of another type and taken as missing, the first in line 5: \"soon\"");
}

TEST(Table, MomentsAreWrittenRoundedToMicroseconds) {
  double moment = 0;
  const auto written = [&](const char* text) { return read_date(text, DateOrder::month_first, moment) ? date_text(moment) : "none"; };
  EXPECT_EQ(written("2024-02-29T13:05:59.0000002"), "2024-02-29T13:05:59");
  EXPECT_EQ(written("2024-02-29T13:05:59.9999998"), "2024-02-29T13:06:00");
  EXPECT_EQ(written("2024-02-29T23:59:59.9999998"), "2024-03-01");
  EXPECT_EQ(written("2024-02-29T13:05:59.999999"), "2024-02-29T13:05:59.999999");
  EXPECT_EQ(written("2024-02-29T13:05:59.250"), "2024-02-29T13:05:59.25");
  EXPECT_EQ(written("1969-12-31T23:59:59.75"), "1969-12-31T23:59:59.75");
  EXPECT_EQ(date_text(-0.0000001), "1970-01-01");
  EXPECT_EQ(date_text(-0.5), "1969-12-31T23:59:59.5");
}

TEST(Table, TextsAndImages) {
  std::string texts = "t,i,c\n";
  for (int i = 0; i < 30; ++i) {
    const std::string n = std::to_string(i);
    texts += "this is sentence number " + n + ",dir/" + n + ".JPG," + (i % 2 ? "a" : "b") + "\n";
  }
  const Table table = Read(texts).table();
  EXPECT_EQ(table["t"].type(), ColumnType::text);
  EXPECT_EQ(table["i"].type(), ColumnType::image);
  EXPECT_EQ(table["c"].type(), ColumnType::categorical);
}

TEST(Table, AWordFarBelowMakesAColumnOfNumbersOneOfWords) {
  // Far enough that it lies in another block, and the cells before it must be read again.
  std::string content = "a,b\n";
  for (int i = 0; i < 300000; ++i) content += "0.5,1\n";
  content += "word,2\n";
  const Table table = Read(content).table();
  EXPECT_EQ(table["a"].type(), ColumnType::categorical);
  EXPECT_EQ(table["a"].categories(), (std::vector<std::string>{"0.5", "word"}));
  EXPECT_EQ(table["a"].codes().back(), 1);
  EXPECT_EQ(table["a"].codes()[0], 0);
  EXPECT_EQ(table["b"].numbers().back(), 2);
  EXPECT_EQ(table.rows(), 300001);
}

TEST(Table, EncodingsBecomeUtf8) {
  const std::string want = "name:categorical|Müller\nv:numeric|1\n";
  EXPECT_EQ(read("\xEF\xBB\xBFname,v\nM\xC3\xBCller,1\n"), want);
  EXPECT_EQ(read("name,v\nM\xFCller,1\n", {.encoding = "latin1"}), want);
  std::string wide = "\xFF\xFE";
  for (const char c : std::string("name,v\nM\xFCller,1\n")) wide += std::string{c, '\0'};
  EXPECT_EQ(read(wide), want);
  EXPECT_EQ(read("\xD0\xD5\xC3\xFB,v\n\xCD\xF5,1\n", {.encoding = "gb18030"}), "姓名:categorical|王\nv:numeric|1\n");
}

TEST(Table, CompressedFilesAreReadAsTheyAre) {
  const Read file("", "a.csv.gz");
  gzFile out = gzopen(file.path.c_str(), "wb");
  gzputs(out, "a,b\n1,x\n");
  gzclose(out);
  EXPECT_EQ(cells(file.table()), "a:numeric|1\nb:categorical|x\n");
}

TEST(Table, BadFilesAreRefusedWithTheirLine) {
  EXPECT_EQ(Read("").error(), "a.csv: the file is empty; a table has at least one line");
  EXPECT_EQ(Read("a,b\n1,2\n3\n").error(),
            "a.csv:3: the line has 1 cell, the first one 2; they must be equal, or ragged be \"skip\" or \"pad\"");
  EXPECT_EQ(Read("a,b\n1,2\n\"3,4\n5,6\n").error(), "a.csv:3: a quote that opens in this line is never closed");
  EXPECT_EQ(Read("a,b\n1,\"2\"x\n").error(), "a.csv:2: \"x\" follows a closing quote; a cell ends there, and a quote in it is doubled");
  EXPECT_EQ(Read("a,b\n1,\xFF\n").error(), "a.csv:2: byte 0xff is not UTF-8; name the encoding of the file, here perhaps \"windows-1252\"");
  EXPECT_EQ(Read(std::string("a,b\n1,\0\n", 8)).error(),
            "a.csv:2: there is a zero byte in the line; a text file has none (an encoding of two bytes a character must be named)");
  EXPECT_EQ(Read("a,b\n1,2\nx,3\n").error({.types = {{"a", {}}}}), "a.csv:3: column \"a\": expected a number, got \"x\"");
  EXPECT_EQ(Read("age,b\n1,2\n").error({.columns = {"aeg"}}), "a.csv: there is no column \"aeg\"; did you mean \"age\"?");
  EXPECT_EQ(
      Read("a,b\n1,2\n").error({.encoding = "klingon"}),
      "a.csv: the encoding \"klingon\" is not known; others are utf-8, utf-16, latin1, windows-1252, gb18030, big5, shift_jis, euc-kr");
  EXPECT_NE(Read("a,b\n1,2\n").error({.separator = "ab"}).find("must be one character"), std::string::npos);
}

TEST(Table, RaggedLinesAndMisfitsHaveADefinedTreatment) {
  const Read file("a,b\n1,2\n3\n4,5,6\n7,x\n");
  const Table skipped = file.table({.ragged = Ragged::skip});
  EXPECT_EQ(skipped.rows(), 2);
  EXPECT_EQ(skipped.notes, (std::vector<std::string>{"2 ragged lines are left out, the first is line 3"}));
  const Table padded = file.table({.types = {{"b", {}}}, .ragged = Ragged::pad, .misfit = Misfit::missing});
  EXPECT_EQ(cells(padded), "a:numeric|1|3|7\nb:numeric|2||\n");
  EXPECT_EQ(padded.notes.back(), "column \"b\": 1 cell is of another type and taken as missing, the first in line 5: \"x\"");
}

TEST(Table, NamesThatStandTwiceAndALineOfNamesAgain) {
  const Table table = Read("a,a\n1,2\na,a\n3,4\n").table();
  EXPECT_EQ(table.names(), (std::vector<std::string>{"a", "a_2"}));
  EXPECT_EQ(table.rows(), 2);
  const Table again = Read("a,b\n1,2\na,b\n3,4\n").table();
  EXPECT_EQ(cells(again), "a:numeric|1|3\nb:numeric|2|4\n");
  EXPECT_EQ(again.notes, (std::vector<std::string>{"1 further line of names is left out"}));
}

TEST(Table, OrdinalColumnsKeepTheirOrder) {
  const Table table = Read("size\nL\nS\nM\n").table({.types = {{"size", {ColumnType::ordinal, {"S", "M", "L"}, {}}}}});
  EXPECT_EQ(std::vector<int32_t>(table["size"].codes().begin(), table["size"].codes().end()), (std::vector<int32_t>{2, 0, 1}));
}

TEST(Table, PiecesAreTheWholeFile) {
  std::string content = "n,w\n";
  for (int i = 0; i < 200000; ++i) content += std::to_string(i) + ",w" + std::to_string(i % 7) + "\n";
  const Read file(content);
  TableReader reader(file.path);
  int64_t rows = 0, pieces = 0;
  while (const std::optional<Table> piece = reader.next()) {
    ASSERT_EQ((*piece)["n"].numbers()[0], static_cast<double>(rows));
    EXPECT_EQ((*piece)["w"].cell(1), "w" + std::to_string((rows + 1) % 7));
    EXPECT_EQ(reader.line(0), rows + 2);
    rows += piece->rows();
    ++pieces;
  }
  EXPECT_EQ(rows, 200000);
  EXPECT_GT(pieces, 1);
}

TEST(Table, PiecesOfColumnsOfMostlyDifferentWordsAreTheWholeFile) {
  std::string content = "id,v\n";
  for (int i = 0; i < 250'000; ++i) content += "a" + std::to_string(1'000'000 + i) + "," + std::to_string(i % 5) + "\n";
  const Read file(content);
  TableReader reader(file.path);
  int64_t rows = 0, pieces = 0;
  while (const std::optional<Table> piece = reader.next()) {
    const Column& id = (*piece)["id"];
    EXPECT_EQ(id.type(), ColumnType::categorical);
    for (const int64_t row : {int64_t{0}, piece->rows() - 1}) EXPECT_EQ(id.cell(row), "a" + std::to_string(1'000'000 + rows + row));
    EXPECT_EQ(static_cast<int64_t>(id.categories().size()), piece->rows());
    rows += piece->rows();
    ++pieces;
  }
  EXPECT_EQ(rows, 250'000);
  EXPECT_GT(pieces, 2);
}

TEST(Table, WhatIsWrongFurtherDownComesWithItsPiece) {
  // The next piece is read while one is built: what is in it must not show before its turn.
  std::string content = "n,w\n";
  for (int i = 0; i < 250'000; ++i) content += std::to_string(1'000'000 + i) + (i == 200'000 ? ",w\n\n" : ",w\n");
  const Read file(content + "1,\"2\"x\n");
  TableReader reader(file.path);
  int64_t rows = 0;
  std::string problem;
  while (problem.empty()) {
    const int64_t before = rows;
    problem = error_of([&] { rows += reader.next()->rows(); });
    if (rows == before) break;
    EXPECT_EQ(reader.line(0), before + 2 + (before > 200'000));
    EXPECT_EQ(reader.notes().size(), rows > 200'000 ? 1u : 0u) << rows;
  }
  EXPECT_GT(rows, 200'001);
  EXPECT_EQ(testing::without_path(problem, file.folder.path()),
            "PATH/a.csv:250003: \"x\" follows a closing quote; a cell ends there, and a quote in it is doubled");
}

TEST(Table, RowsKnowTheirLinesBehindARepeatedLineOfNames) {
  const Read file("a,b\n1,x\na,b\n\n2,y\na,b\na,b\n3,z\n4,w\n");
  TableReader reader(file.path);
  const std::optional<Table> piece = reader.next();
  ASSERT_EQ(piece->rows(), 4);
  std::vector<int64_t> lines;
  for (int64_t row = 0; row < 4; ++row) lines.push_back(reader.line(row));
  EXPECT_EQ(lines, (std::vector<int64_t>{2, 5, 8, 9}));
  EXPECT_EQ(cells(file.table({.limit = 3})), "a:numeric|1|2|3\nb:categorical|x|y|z\n") << "a line that is left out is no row";
}

TEST(Table, JsonLinesAreColumnsByTheirKeys) {
  const Read file("{\"a\": 1, \"b\": {\"c\": \"x\"}}\n\n{\"a\": null, \"d\": true}\n", "a.jsonl");
  EXPECT_EQ(cells(file.table()), "a:numeric|1|\nb.c:categorical|x|\nd:categorical||true\n");
  EXPECT_EQ(Read("{\"a\": 1}\n[1]\n", "a.jsonl").error(), "a.jsonl:2: expected a JSON object, got [1]");
  EXPECT_EQ(Read("{\"a\": \n", "a.jsonl").error(), "a.jsonl:1: the line is not valid JSON");
}

TEST(Table, AFolderOfImagesIsATableOfPaths) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"cat", "dog"}) {
    std::filesystem::create_directory(folder / name);
    std::ofstream(folder / name + "/1.png") << "x";
  }
  std::ofstream(folder / "readme.txt") << "x";
  const Table table = read_table(folder.path());
  EXPECT_EQ(table["label"].cell(1), "dog");
  EXPECT_EQ(table.notes[0], "1 file is no image in a folder, and left out");
}

TEST(Table, MostlyDifferentWordsAreCodedInTheOrderOfTheirBytes) {
  std::string content = "w,n\n";
  std::vector<std::string> words;
  for (int i = 0; i < 30'000; ++i) {
    const int mixed = i * 7919 % 30'000;
    words.push_back(i % 100 == 7   ? ""
                    : i % 100 == 8 ? "same as others"
                                   : (mixed % 3 ? "common beginning " : "\u00e4") + std::to_string(mixed));
    content += words.back() + "," + std::to_string(i) + "\n";
  }
  const Column got = Read(content).table()["w"], want = Column::categorical("w", words);
  EXPECT_EQ(got.categories(), want.categories());
  EXPECT_TRUE(std::equal(got.codes().begin(), got.codes().end(), want.codes().begin(), want.codes().end()));
}

TEST(Table, SelectsAndTakes) {
  const Table table({Column::numeric("a", {1, 2, 3}), Column::categorical("b", {"x", "", "y"})});
  EXPECT_EQ(cells(table.select({"b"}).take(std::vector<int64_t>{2, 1})), "b:categorical|y|\n");
  EXPECT_EQ(cells(table.without({"b"}).rows(1, 3)), "a:numeric|2|3\n");
  EXPECT_EQ(error_of([&] { table["aa"]; }), "Table: there is no column \"aa\"; did you mean \"a\"?");
  EXPECT_EQ(error_of([] {
              Table({Column::numeric("a", {1}), Column::numeric("b", {})});
            }),
            "Table: column \"b\" has 0 rows, \"a\" has 1; they must be equal");
  EXPECT_EQ(cells(Table({Column::numeric("a", {10, 9, 10}).as(ColumnType::ordinal)})), "a:ordinal|10|9|10\n");
  EXPECT_EQ(Table({Column::numeric("a", {10, 9, 10}).as(ColumnType::ordinal)})["a"].codes()[0], 1) << "9 comes before 10";
}

TEST(Table, StratifiedPartsHaveTheSameProportions) {
  std::vector<std::string> labels;
  for (int i = 0; i < 100; ++i) labels.push_back(i < 70 ? "a" : i < 95 ? "b" : "c");
  const Table table({Column::categorical("y", labels)});
  const auto [test, train] = split(table, 0.2, 3, {.stratify = "y"});
  const auto count = [](const Table& part, int32_t code) {
    const auto codes = part["y"].codes();
    return std::count(codes.begin(), codes.end(), code);
  };
  EXPECT_EQ(test.rows(), 20);
  EXPECT_EQ(count(test, 0), 14);
  EXPECT_EQ(count(test, 1), 5);
  EXPECT_EQ(count(test, 2), 1);
  const std::vector<int64_t> of = folds(table, 5, 1, {.stratify = "y"});
  for (int64_t k = 0; k < 5; ++k) {
    int64_t a = 0;
    for (size_t i = 0; i < 70; ++i) a += of[i] == k;
    EXPECT_EQ(a, 14);
    EXPECT_EQ(std::count(of.begin(), of.end(), k), 20);
  }
}

TEST(Table, GroupsStayTogetherAndTimesInOrder) {
  std::vector<double> group, time;
  for (int i = 0; i < 60; ++i) {
    group.push_back(i % 12);
    time.push_back((i * 37) % 60);
  }
  const Table table({Column::numeric("g", group), Column::numeric("t", time)});
  const auto [test, train] = split(table, 0.25, 1, {.group = "g"});
  EXPECT_EQ(test.rows(), 15);
  for (const double g : test["g"].numbers())
    for (const double other : train["g"].numbers()) EXPECT_NE(g, other);
  const auto [late, early] = split(table, 0.25, 1, {.time = "t"});
  EXPECT_EQ(late["t"].numbers()[0], 45);
  EXPECT_EQ(early["t"].numbers().back(), 44);
  EXPECT_EQ(error_of([&] { split(table, 0.2, 0, {.stratify = "g", .time = "t"}); }),
            "split: more than one of stratify, group and time is given; name one");
}

}  // namespace
}  // namespace gradus::data
