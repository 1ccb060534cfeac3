// Tables of odd and hostile sources: databases, JSON lines, compressed files, and text that no program should have written.
#include <gtest/gtest.h>
#include <iconv.h>
#include <zlib.h>

#include <cmath>
#include <fstream>
#include <random>
#ifdef GRADUS_HAS_SQLITE
#include <sqlite3.h>
#endif
#ifdef GRADUS_HAS_ZSTD
#include <zstd.h>
#endif

#include "gradus/base/file.hpp"
#include "gradus/data/table/read_table.hpp"
#include "tests/damage.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus::data {
namespace {

using testing::error_of;
using testing::read_text;
using testing::without_path;
using testing::write_text;

std::string cells(const Table& table) {
  std::string out;
  for (const Column& column : table.columns()) {
    out += column.name() + ":" + std::string(name_of(column.type()));
    for (int64_t row = 0; row < column.size(); ++row) out += "|" + column.cell(row);
    out += "\n";
  }
  return out;
}

class Sources : public ::testing::Test {
 protected:
  std::string file(const std::string& content, const std::string& name = "a.csv") {
    write_text(folder_ / name, content);
    return folder_ / name;
  }
  std::string error(const std::string& path, const TableOptions& options = {}) {
    return without_path(error_of([&] { read_table(path, options); }), path);
  }
  testing::TemporaryFolder folder_{};
};

#ifdef GRADUS_HAS_SQLITE

class Databases : public Sources {
 protected:
  Databases() { open(); }
  ~Databases() override { sqlite3_close(database_); }
  void open() { sqlite3_open(path_.c_str(), &database_); }
  void run(const std::string& text) {
    char* problem = nullptr;
    ASSERT_EQ(sqlite3_exec(database_, text.c_str(), nullptr, nullptr, &problem), SQLITE_OK) << problem;
  }
  const std::string path_ = folder_ / "a.db";
  sqlite3* database_ = nullptr;
};

TEST_F(Databases, TypesMissingValuesAndBytes) {
  run("create table t(n integer, x real, s text, b blob, m, d text);"
      "insert into t values (1, 0.5, 'red', x'00ff', 1, '2024-02-29'), (2, 1e300, 'blue', null, 'two', '2024-03-01'),"
      "(null, null, null, x'01', null, null), (9007199254740993, 2.0, 'a \"b\", c', null, 3, null);");
  const Table table = read_table(path_);
  EXPECT_EQ(cells(table),
            "n:categorical|1|2||9007199254740993\nx:numeric|0.5|1e+300||2\ns:categorical|red|blue||a \"b\", c\nb:numeric||||\n"
            "m:categorical|1|two||3\nd:date|2024-02-29|2024-03-01||\n");
  EXPECT_EQ(table.notes, (std::vector<std::string>{"column \"b\": 2 cells are bytes and taken as missing"}));
  EXPECT_EQ(cells(read_table(path_, {.types = {{"s", {}}}, .columns = {"x"}, .limit = 1})), "x:numeric|0.5\n");
}

TEST_F(Databases, TextsAndNamesThatAreNotUtf8AreRefused) {
  run("create table t(n, s text); insert into t values (1, 'good'), (2, cast(x'6dfc' as text));");
  EXPECT_EQ(
      error(path_),
      "PATH: row 2: column \"s\": the text \"m\\xfc\" is not UTF-8; write it again in UTF-8, or as bytes (BLOB), which are missing values");
  EXPECT_EQ(cells(read_table(path_, {.columns = {"n"}})), "n:numeric|1|2\n");
  run("create table u(\"a\xff\");");
  EXPECT_NE(error(path_, {.table = "u"}).find("the name of column 1 of \"u\" is not UTF-8"), std::string::npos);
}

TEST_F(Databases, RealNumbersAreNumbersHoweverLongTheyAre) {
  run("create table t(x real); insert into t values (12345678901234567000.0), (0.5), (9e999);");
  EXPECT_EQ(cells(read_table(path_)), "x:numeric|12345678901234567168|0.5|inf\n");
}

TEST_F(Databases, ATypeOfAColumnThatIsNotThereIsRefused) {
  run("create table t(age, s); insert into t values (1, 'x');");
  EXPECT_EQ(error(path_, {.types = {{"aeg", {}}}}), "PATH: there is no column \"aeg\" in \"t\"; did you mean \"age\"?");
}

TEST_F(Databases, OneOfSeveralTablesIsNamed) {
  run("create table gone(x); drop table gone;");
  EXPECT_EQ(error(path_), "PATH: the database has no table");
  run("create table ages(n); insert into ages values (1); create table \"odd \"\" name\"(x); insert into \"odd \"\" name\" values (5);"
      "create view older as select n + 1 as m from ages;");
  EXPECT_EQ(error(path_), "PATH: the database has 3 tables; name one of ages, odd \" name, older");
  EXPECT_EQ(error(path_, {.table = "age"}), "PATH: there is no table \"age\"; did you mean \"ages\"?");
  EXPECT_EQ(cells(read_table(path_, {.table = "odd \" name"})), "x:numeric|5\n");
  EXPECT_EQ(cells(read_table(path_, {.table = "older"})), "m:numeric|2\n");
  EXPECT_EQ(error(path_, {.columns = {"m"}, .table = "ages"}), "PATH: there is no column \"m\" in \"ages\"; did you mean \"n\"?")
      << "and no text";
  EXPECT_NE(error(path_, {.columns = {"m\" from ages; drop table ages; --"}, .table = "ages"}), "");
  EXPECT_EQ(cells(read_table(path_, {.table = "ages"})), "n:numeric|1\n") << "nothing was dropped";
}

TEST_F(Databases, ALockedOneIsSaidToBe) {
  run("create table t(n); insert into t values (1); begin exclusive;");
  EXPECT_EQ(error(path_), "PATH: the database is locked by another process; try again when it has finished");
  run("commit;");
  EXPECT_EQ(cells(read_table(path_)), "n:numeric|1\n");
}

TEST_F(Databases, WhatIsNoneIsRefused) {
  EXPECT_EQ(error(file(std::string("\x7f"
                                   "ELF\2\1\0\0",
                                   8),
                       "b.db"))
                .substr(0, 11),
            "PATH: is no");
  run("create table t(s);");
  run("insert into t select hex(randomblob(200)) from (with recursive c(n) as (select 1 union all select n + 1 from c where n < 500) "
      "select n from c);");
  sqlite3_close(database_);
  const std::string good = read_text(path_);
  ASSERT_GT(good.size(), 100'000u);
  write_text(path_, good.substr(0, 5000));
  EXPECT_EQ(error(path_), "PATH: cannot read the database: database disk image is malformed");
  std::string damaged = good;
  for (size_t at = 4096; at < damaged.size(); ++at) damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
  write_text(path_, damaged);
  EXPECT_NE(error(path_).find("malformed"), std::string::npos) << error(path_);
  for (uint32_t seed = 0; seed < 60; ++seed) {
    write_text(path_, testing::damaged(good, seed));
    testing::expect_careful([&] { read_table(path_); }, 64 << 20, core::concat("seed ", seed));
  }
  open();
}

TEST_F(Databases, AViewThatNeverEndsIsStopped) {
  run("create view forever as with recursive c(n) as (select 1 union all select n + 1 from c) select n from c where n < 0;"
      "create view endless as with recursive c(n) as (select 1 union all select n + 1 from c) select n from c;"
      "create view long as select printf('%.*c', 900000000, 'x') as s;");
  EXPECT_NE(error(path_, {.table = "forever"}).find("the view takes more than 3"), std::string::npos) << error(path_, {.table = "forever"});
  EXPECT_EQ(cells(read_table(path_, {.limit = 2, .table = "endless"})), "n:numeric|1|2\n");
  testing::expect_careful([&] { read_table(path_, {.table = "long"}); }, 256 << 20, "a cell of 900 MB");
}

#endif

TEST_F(Sources, JsonLinesOfManyMakes) {
  EXPECT_EQ(
      cells(read_table(file("{\"a\": 1, \"b\": {\"c\": \"x\"}}\n\n{\"b\": {\"c\": null, \"d\": [1, 2]}, \"a\": 2.5}\r\n{}\n", "a.jsonl"))),
      "a:numeric|1|2.5|\nb.c:categorical|x||\nb.d:categorical||[1,2]|\n");
  EXPECT_EQ(cells(read_table(file("{\"t\": true}\n{\"t\": false}", "a.ndjson"))), "t:categorical|true|false\n");
  EXPECT_EQ(error(file("{\"a\": 1}\n[1]\n", "a.jsonl")), "PATH:2: expected a JSON object, got [1]");
  EXPECT_NE(error(file("{\"a\": 1}\n{\"a\": \n", "a.jsonl")).find("PATH:2: the line "), std::string::npos);
  EXPECT_EQ(error(file("\n", "a.jsonl")), "PATH: the file is empty; a table has at least one line");
  EXPECT_EQ(error(file("{\"ages\": 1}\n", "a.jsonl"), {.columns = {"age"}}), "PATH: there is no key \"age\"; did you mean \"ages\"?");
  EXPECT_NE(error(file("{\"a\":" + std::string(200'000, '[') + "\n", "a.jsonl")), "") << "no overflow of the stack";
}

TEST_F(Sources, JsonNumbersThatNoTypeHoldsAreKept) {
  EXPECT_EQ(cells(read_table(file("{\"id\": 12345678901234567890}\n{\"id\":-12345678901234567891}\n{\"id\":5}", "a.jsonl"))),
            "id:categorical|12345678901234567890|-12345678901234567891|5\n");
  EXPECT_EQ(cells(read_table(file("{\"x\": 1e400, \"y\": [1, 1e999]}\n{\"x\": -1E+400}\n{\"x\": 1e-400}\n{\"x\": 0.5}\n", "a.jsonl"))),
            "x:numeric|inf|-inf|0|0.5\ny:categorical|[1,\"1e999\"]|||\n");
  EXPECT_EQ(cells(read_table(file("{\"x\": 12345678901234567000.0}\n{\"x\": 9223372036854775807}\n{\"x\": 1e17}\n", "a.jsonl"))),
            "x:categorical|12345678901234567168.0|9223372036854775807|1e+17\n");
  EXPECT_EQ(cells(read_table(file("{\"x\": 12345678901234567000.0}\n{\"x\": 1}\n", "a.jsonl"))), "x:numeric|12345678901234567168|1\n");
  EXPECT_EQ(cells(read_table(file("{\"a\\\"1e400\": \"b 1e400 \\\\\", \"c\": 1e400}\n", "a.jsonl"))),
            "a\"1e400:categorical|b 1e400 \\\nc:numeric|inf\n")
      << "in texts they stay as they are";
  for (const char* bad : {"{1e400: 2}", "{\"a\": 1e400x}", "{\"a\": 01234567890123456789012}", "{\"a\": -}", "{\"a\": 1e400 1e400}",
                          "{\"a\": 12345678901234567890.}", "{\"a\": \"1e400}"})
    EXPECT_EQ(error(file(bad, "a.jsonl")), "PATH:1: the line is not valid JSON") << bad;
}

TEST_F(Sources, JsonRowsKnowTheirLines) {
  const std::string path = file("{\"n\": 1}\n\n\n{\"n\": \"x\"}\n", "a.jsonl");
  EXPECT_EQ(error(path, {.types = {{"n", {}}}}), "PATH:4: column \"n\": expected a number, got \"x\"");
  const Table table = read_table(path, {.types = {{"n", {}}}, .misfit = Misfit::missing});
  EXPECT_EQ(table.notes,
            (std::vector<std::string>{"column \"n\": 1 cell is of another type and taken as missing, the first in line 4: \"x\""}));
  EXPECT_EQ(error(path, {.types = {{"nn", {}}}}), "PATH: there is no key \"nn\"; did you mean \"n\"?");
  EXPECT_EQ(error(file("{\"n\": 1}\n{\"n\": \"M\xfcller\"}\n", "a.jsonl")),
            "PATH:2: the line is not UTF-8; name the encoding of the file, here perhaps \"windows-1252\"");
}

TEST_F(Sources, JsonRowsOfNewKeysEachAreReadInBoundedMemory) {
  std::string rows;
  for (int i = 0; i < 9'999; ++i) rows += "{\"key" + std::to_string(i) + "\": " + std::to_string(i) + "}\n";
  const std::string path = file(rows, "a.jsonl");
  testing::expect_careful(
      [&] { EXPECT_NE(error(path).find("cells, almost all of them missing; name the columns that are wanted"), std::string::npos); },
      256 << 20, "9,999 keys");
  const Table table = read_table(path, {.columns = {"key7", "key2"}});
  EXPECT_EQ(table.names(), (std::vector<std::string>{"key7", "key2"}));
  EXPECT_EQ(table["key7"].numbers()[7], 7);
  EXPECT_EQ(table["key2"].missing(), 9'998);
  // Each leaf would have the whole of the long key in its name.
  std::string inner;
  for (int i = 0; i < 5'000; ++i) inner += (i ? ",\"" : "\"") + std::to_string(i) + "\": 1";
  const std::string deep = file("{\"" + std::string(1 << 20, 'k') + "\": {" + inner + "}}\n", "a.jsonl");
  testing::expect_careful([&] { EXPECT_NE(error(deep).find("longer than 4096 bytes"), std::string::npos); }, 64 << 20, "a long key");
}

TEST_F(Sources, CompressedFilesThatAreCutShortAreRefused) {
  std::string rows = "n,s\n";
  std::mt19937 random(7);
  for (int i = 0; i < 3000; ++i) rows += std::to_string(random() % 100'000) + ",w" + std::to_string(random() % 50) + "\n";
  const std::string gzip = folder_ / "a.csv.gz";
  gzFile out = gzopen(gzip.c_str(), "wb");
  gzwrite(out, rows.data(), static_cast<unsigned>(rows.size()));
  gzclose(out);
  const std::string whole = cells(read_table(file(rows)));
  EXPECT_EQ(cells(read_table(gzip)), whole);
  const std::string packed = read_text(gzip);
  for (const size_t cut : {packed.size() / 2, packed.size() - 4}) EXPECT_NE(error(file(packed.substr(0, cut), "b.csv.gz")), "") << cut;
#ifdef GRADUS_HAS_ZSTD
  std::string zstd(ZSTD_compressBound(rows.size()), '\0');
  zstd.resize(ZSTD_compress(zstd.data(), zstd.size(), rows.data(), rows.size(), 3));
  EXPECT_EQ(cells(read_table(file(zstd, "a.csv.zst"))), whole);
  for (const size_t cut : {zstd.size() / 2, zstd.size() - 1}) EXPECT_NE(error(file(zstd.substr(0, cut), "b.csv.zst")), "") << cut;
  std::string corrupt = zstd;
  corrupt[zstd.size() / 2] = static_cast<char>(corrupt[zstd.size() / 2] ^ 0xff);
  testing::expect_careful([&] { read_table(file(corrupt, "b.csv.zst")); }, 64 << 20, "corrupt zstd");
#endif
}

TEST_F(Sources, LatinAndChineseTextSaysWhichEncodingItMayBe) {
  EXPECT_EQ(error(file("name,n\nM\xfcller,1\n")),
            "PATH:2: byte 0xfc is not UTF-8; name the encoding of the file, here perhaps \"windows-1252\"");
  EXPECT_EQ(error(file("name,n\n\xd6\xd0\xb9\xfa,1\n")),
            "PATH:2: byte 0xd6 is not UTF-8; name the encoding of the file, here perhaps \"gb18030\"");
  EXPECT_EQ(cells(read_table(file("name,n\n\xd6\xd0\xb9\xfa,1\n"), {.encoding = "gb18030"})), "name:categorical|中国\nn:numeric|1\n");
  EXPECT_EQ(cells(read_table(file("name,n\nM\xfcller,1\n"), {.encoding = "latin1"})), "name:categorical|Müller\nn:numeric|1\n");
}

// `text` in another encoding, by the same iconv.
std::string encoded(const std::string& text, const char* encoding) {
  const iconv_t converter = iconv_open(encoding, "UTF-8");
  std::string in = text, out(4 * text.size() + 16, '\0');
  char *from = in.data(), *to = out.data();
  size_t from_left = in.size(), to_left = out.size();
  EXPECT_EQ(iconv(converter, &from, &from_left, &to, &to_left), 0u);
  iconv(converter, nullptr, nullptr, &to, &to_left);
  iconv_close(converter);
  out.resize(out.size() - to_left);
  return out;
}

TEST_F(Sources, FilesOfAnyEncodingAreReadToTheirEnd) {
  // Of lengths that make characters of two, three and four bytes lie across the end of a block.
  for (const int shift : {0, 1, 2, 3}) {
    std::string latin = "k,v\n" + std::string(static_cast<size_t>(shift), '0') + "1,1\n", wide = latin, lines;
    for (int i = 0; i < 120'000; ++i) {
      const std::string number = std::to_string(i);
      latin += "\u00e9\u00e9\u00e9" + std::to_string(i % 97) + "," + number + "\n";
      wide += "\u4e2d\u6587\u65e5" + std::to_string(i % 97) + "," + number + "\n";
      lines += "{\"k\": \"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\", \"v\": " + number + "}\n";
    }
    for (const char* encoding : {"latin1", "UTF-16LE", "UTF-32BE"}) {
      const Table table = read_table(file(encoded(latin, encoding)), {.encoding = encoding});
      ASSERT_EQ(table.rows(), 120'001) << encoding << " " << shift;
      EXPECT_EQ(table["k"].cell(120'000), "\u00e9\u00e9\u00e9" + std::to_string(119'999 % 97));
      EXPECT_EQ(table["v"].numbers()[120'000], 119'999);
    }
    for (const char* encoding : {"gb18030", "shift_jis", "UTF-16BE"}) {
      const Table table = read_table(file(encoded(wide, encoding)), {.encoding = encoding});
      ASSERT_EQ(table.rows(), 120'001) << encoding << " " << shift;
      EXPECT_EQ(table["v"].numbers()[120'000], 119'999);
    }
    ASSERT_EQ(read_table(file(encoded(lines, "latin1"), "a.jsonl"), {.encoding = "latin1"}).rows(), 120'000) << shift;
  }
}

TEST_F(Sources, ALetterThatAnEncodingHoldsBackAtTheEndIsRead) {
  // Of Vietnamese a base letter waits for its accent.
  EXPECT_EQ(cells(read_table(file("k,v\n1,a\n2,\xea"), {.encoding = "cp1258"})), "k:numeric|1|2\nv:categorical|a|\u00ea\n");
}

TEST_F(Sources, TheMarkTellsTheOrderOfBytesOfUtf16) {
  const std::string text = "name,v\nM\xFCller,1\n", want = "name:categorical|M\u00fcller\nv:numeric|1\n";
  const auto wide = [&](const std::string& mark, int width, bool is_big) {
    std::string out = mark;
    for (const char c : text) {
      const std::string zeros(static_cast<size_t>(width - 1), '\0');
      out += is_big ? zeros + c : c + zeros;
    }
    return out;
  };
  const std::string big = wide("\xFE\xFF", 2, true), little = wide("\xFF\xFE", 2, false);
  const std::string big32 = wide(std::string("\0\0\xFE\xFF", 4), 4, true), little32 = wide(std::string("\xFF\xFE\0\0", 4), 4, false);
  for (const char* encoding : {"", "utf-16", "UTF16"}) {
    EXPECT_EQ(cells(read_table(file(big), {.encoding = encoding})), want) << encoding;
    EXPECT_EQ(cells(read_table(file(little), {.encoding = encoding})), want) << encoding;
    EXPECT_EQ(cells(read_table(file(wide("", 2, true)), {.encoding = encoding})), want) << encoding;
    EXPECT_EQ(cells(read_table(file(wide("", 2, false)), {.encoding = encoding})), want) << encoding;
  }
  for (const char* encoding : {"", "utf-32"}) {
    EXPECT_EQ(cells(read_table(file(big32), {.encoding = encoding})), want) << encoding;
    EXPECT_EQ(cells(read_table(file(little32), {.encoding = encoding})), want) << encoding;
  }
  EXPECT_EQ(cells(read_table(file(big), {.encoding = "utf-16be"})), want);
  EXPECT_EQ(error(file(big), {.encoding = "utf-16le"}),
            "PATH: the encoding \"utf-16le\" is named, and the file begins with the mark of UTF-16BE; name that one, or none");
  EXPECT_EQ(error(file("\xEF\xBB\xBF"
                       "a,b\n1,2\n"),
                  {.encoding = "utf-16"}),
            "PATH: the encoding \"utf-16\" is named, and the file begins with the mark of UTF-8; name that one, or none");
  EXPECT_EQ(cells(read_table(file("\xFF\xFE,b\nx,1\n"), {.encoding = "windows-1251"})), "\u044f\u044e:categorical|x\nb:numeric|1\n")
      << "two letters";
}

TEST_F(Sources, AFileWithoutARecordSaysWhatIsWrong) {
  for (const Header header : {Header::detect, Header::names, Header::none}) {
    EXPECT_EQ(error(file("a,b\n1,2\n\"3,4\n5,6\n"), {.header = header}), "PATH:3: a quote that opens in this line is never closed");
    const auto open = [&] { TableReader reader(file("name,n\nM\xfcller,1\n"), {.header = header}); };
    EXPECT_NE(error_of(open).find("a.csv:2: byte 0xfc is not UTF-8"), std::string::npos);
  }
  EXPECT_EQ(error(file("#a\n\n#b\n"), {.comment = "#"}), "PATH: there are only comments and empty lines; a table has at least one line");
}

TEST_F(Sources, AVeryLongRowIsRefused) {
  const std::string path = file("a,b\n1," + std::string(100 << 20, 'x') + "\n2,y\n");
  EXPECT_EQ(error(path), "PATH:2: the record that begins here is longer than 64 MiB");
  const std::string open = file("a,b\n1,\"" + std::string(70 << 20, 'x') + "\n2,y\n");
  EXPECT_EQ(error(open),
            "PATH:2: the record that begins here is longer than 64 MiB; perhaps the quote that opens in line 2 is never closed");
}

TEST_F(Sources, ManyColumnsAreReadInBoundedMemory) {
  std::string head, row;
  for (int i = 0; i < 100'000; ++i) {
    head += (i ? ",c" : "c") + std::to_string(i);
    row += (i ? "," : "") + std::to_string(i % 10);
  }
  const std::string path = file(head + "\n" + row + "\n" + row + "\n");
  testing::expect_careful(
      [&] {
        const Table table = read_table(path);
        EXPECT_EQ(table.width(), 100'000);
        EXPECT_EQ(table.columns().back().numbers()[1], 9);
      },
      512 << 20, "100,000 columns");
  std::string words = "a";
  for (int i = 1; i < 20'000; ++i) words += i % 2 ? ",b" : ",a";
  testing::expect_careful([&] { read_table(file(words + "\n" + words + "\nc" + words.substr(1) + "\n"), {.header = Header::none}); },
                          128 << 20, "20,000 columns of words");
  const std::string million = file(std::string(1'000'000, ',') + "\n");
  EXPECT_EQ(error(million), "PATH:1: the line has more than 1000000 cells; no more are read");
  for (const char* separator : {",", " x", "\t"}) {
    std::string many;
    for (int i = 0; i < 10'000'000; ++i) many += separator;
    const std::string path = file(many + "\n");
    testing::expect_careful([&] { error(path); }, 256 << 20, "10,000,000 cells");
  }
  std::string same = "x";
  for (int i = 1; i < 50'000; ++i) same += ",x";
  const Table twice = read_table(file(same + "\n" + std::string(49'999, ',') + "1\n"), {.header = Header::names});
  EXPECT_EQ(twice.columns()[49'999].name(), "x_50000");
  EXPECT_LT(twice.notes[0].size(), 1000u) << "not every name is listed";
}

// One edit of a text that a table could be, and a few bytes more.
std::string mutated(std::string text, std::mt19937& random) {
  static const std::vector<std::string> pieces{"\"",
                                               "\"\"",
                                               ",",
                                               ";",
                                               "\t",
                                               "\n",
                                               "\r",
                                               "\r\n",
                                               std::string(1, '\0'),
                                               "\xff",
                                               "\xef\xbb\xbf",
                                               "\xe4",
                                               "#",
                                               "nan",
                                               "1e999",
                                               "-",
                                               "2024-02-30",
                                               " ",
                                               "0x1F",
                                               ",,,,,",
                                               "\"\n",
                                               "\xf0\x9f\x98\x80",
                                               std::string(300, '9')};
  const int edits = 1 + static_cast<int>(random() % 4);
  for (int i = 0; i < edits && !text.empty(); ++i) {
    const size_t at = random() % text.size();
    switch (random() % 4) {
      case 0:
        text.insert(at, pieces[random() % pieces.size()]);
        break;
      case 1:
        text.erase(at, 1 + random() % 5);
        break;
      case 2:
        text.replace(at, 1, pieces[random() % pieces.size()]);
        break;
      case 3:
        text[at] = static_cast<char>(random());
        break;
    }
  }
  return text;
}

TEST_F(Sources, DamagedTextIsReadOrRefused) {
  std::string wide = "\xff\xfe";
  for (const char c : std::string("a,b\n1,x\n2,y\n")) wide += std::string{c, '\0'};
  const std::vector<std::string> good{"age,name,when\n31,\"Ann, B\",2024-02-29\n,Bo,2024-03-01\n47.5,\"say \"\"hi\"\"\",\n",
                                      "a;b;c\r\n1,5;x;3\r\n2,5;y;4\r\n",
                                      "# made\na\tb\n1\t2\n3\t4\n",
                                      "1 2 3\n4 5 6\n7 8 9\n",
                                      "a,b\na,b\n1,2\n",
                                      wide,
                                      std::string(200, 'x'),
                                      ""};
  std::mt19937 random(3);
  for (int round = 0; round < 600; ++round) {
    std::string text = good[random() % good.size()];
    if (text.empty()) {
      for (int i = 0; i < 200; ++i) text += static_cast<char>(random());
    }
    const std::string path = file(mutated(text, random));
    TableOptions options;
    options.ragged = static_cast<Ragged>(random() % 3);
    options.misfit = static_cast<Misfit>(random() % 2);
    options.header = static_cast<Header>(random() % 3);
    testing::expect_careful([&] { read_table(path, options); }, 64 << 20, core::concat("round ", round));
    testing::expect_careful(
        [&] {
          TableReader reader(path, options);
          while (const std::optional<Table> piece = reader.next()) {
            for (const Column& column : piece->columns()) EXPECT_EQ(column.size(), piece->rows());
          }
        },
        64 << 20, core::concat("pieces of round ", round));
  }
}

}  // namespace
}  // namespace gradus::data
