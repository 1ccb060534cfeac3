// Texts from files.
#include "gradus/data/text/text_files.hpp"

#include <zlib.h>

#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;
using testing::TemporaryFolder;
using testing::without_path;
using testing::write_text;
using Texts = std::vector<std::string>;

class TextFile {
 public:
  explicit TextFile(const std::string& content) { write_text(path(), content); }
  std::string path() const { return folder_ / "a.txt"; }
  template <class Read>
  std::string error(Read read) const {
    return without_path(error_of([&] { read(path()); }), path());
  }

 private:
  TemporaryFolder folder_;
};

TEST(TextFiles, LinesLoseTheirEndsAndEmptyOnesAreLeftOut) {
  const TextFile file("\xEF\xBB\xBFone\r\n\n \u3000\ntwo\nthree");
  EXPECT_EQ(data::read_lines(file.path()), (Texts{"one", "two", "three"}));
  EXPECT_EQ(data::read_lines(file.path(), true), (Texts{"one", "", " \u3000", "two", "three"}));
  EXPECT_EQ(data::read_text(file.path()), "one\n\n \u3000\ntwo\nthree");
}

TEST(TextFiles, LinesOfATextThatIsThereAreThoseOfAFile) {
  EXPECT_EQ(data::split_lines("standard input", "\xEF\xBB\xBFone\r\n\ntwo", true), (Texts{"one", "", "two"}));
  EXPECT_TRUE(data::split_lines("standard input", "", true).empty());
}

// In time proportional to its length.
TEST(TextFiles, LongTextsOfOtherLineEndsAreRead) {
  std::string given, expected;
  for (int i = 0; i < 400'000; ++i) {
    given += "a line of text\r\n";
    expected += "a line of text\n";
  }
  EXPECT_TRUE(data::read_text(TextFile(given + "\r\r\n\r").path()) == expected + "\r\n\r");
}

TEST(TextFiles, ParagraphsStandBetweenEmptyLines) {
  EXPECT_EQ(data::read_paragraphs(TextFile("a\nb\n\n \nc\n").path()), (Texts{"a\nb", "c"}));
}

TEST(TextFiles, EmptyOnesAreErrors) {
  for (const std::string content : {"", "\xEF\xBB\xBF"}) {
    EXPECT_EQ(TextFile(content).error([](const std::string& path) { data::read_text(path); }), "PATH: there is no text in it");
  }
  for (const std::string content : {"", "\n\n", " \n"}) {
    const TextFile file(content);
    EXPECT_EQ(file.error([](const std::string& path) { data::read_lines(path); }), "PATH: there is no text in it");
    EXPECT_EQ(file.error([](const std::string& path) { data::read_paragraphs(path); }), "PATH: there is no text in it");
    EXPECT_EQ(file.error([](const std::string& path) { data::read_tsv(path, 1); }), "PATH: there is no text in it");
  }
}

TEST(TextFiles, WrongBytesAreNamedWithLineAndOffset) {
  EXPECT_EQ(TextFile("ab\nc\xE9\n").error([](const std::string& path) { data::read_lines(path); }),
            "PATH:2: byte 4 (0xe9) of the file is not UTF-8; save the text as UTF-8");
}

TEST(TextFiles, TabsSeparateCells) {
  const TextFile file("a\tb\tc\r\n\n深\t\t\n");
  EXPECT_EQ(data::read_tsv(file.path(), 2), (std::vector<Texts>{{"a", "b"}, {"深", ""}}));
  EXPECT_EQ(TextFile("a\tb\n\nc\n").error([](const std::string& path) { data::read_tsv(path, 2); }),
            "PATH:3: the line has 1 cells; 2 are needed, separated by tabs");
}

TEST(TextFiles, PairsStandInEqualLines) {
  const TextFile first("a\n\nc\n"), second("x\ny\nz\n"), third("x\n");
  EXPECT_EQ(data::read_pairs(first.path(), second.path()), (std::vector<std::pair<std::string, std::string>>{{"a", "x"}, {"c", "z"}}));
  EXPECT_NE(error_of([&] { data::read_pairs(first.path(), third.path()); }).find("it has 1 lines, "), std::string::npos);
}

TEST(TextFiles, GzipIsInflated) {
  const TemporaryFolder folder;
  const gzFile file = gzopen((folder / "a.gz").c_str(), "wb");
  gzwrite(file, "x\ny\n", 4);
  gzclose(file);
  EXPECT_EQ(data::read_lines(folder / "a.gz"), (Texts{"x", "y"}));
}

TEST(TextFiles, WorksAreTheirLines) {
  EXPECT_EQ(data::read_works(TextFile(R"([{"title": "t", "paragraphs": ["床前明月光", "疑是地上霜"]}, {"content": ["a"]}])").path()),
            (Texts{"床前明月光\n疑是地上霜", "a"}));
  const auto said = [](const std::string& content) {
    return TextFile(content).error([](const std::string& path) { data::read_works(path); });
  };
  EXPECT_EQ(said(R"([{"content": ["a", 3]}])"), "PATH: [0].content[1]: expected a text, got 3");
  EXPECT_EQ(said(R"([{"title": "x"}])"), "PATH: [0]: it has neither paragraphs nor content");
  EXPECT_EQ(said("[7]"), "PATH: [0]: expected a table, got 7");
  EXPECT_EQ(said("{}"), "PATH: expected a list, got a table");
  EXPECT_EQ(said("[{]"), "PATH: byte 2 is not as JSON has it; the file is cut off, damaged, or no JSON");
}

TEST(TextFiles, RealOnesAreRead) {
  const std::string folder = GRADUS_SOURCE_DIR "/../shared/data/text/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "needs " << folder;
  EXPECT_EQ(data::read_text(folder + "tinyshakespeare.txt").size(), 1115394u);
  EXPECT_EQ(data::read_tsv(folder + "translation/cmn.txt", 2).size(), 20133u);
  EXPECT_EQ(data::read_tsv(folder + "sms.tsv", 2).size(), 4827u + 747u);
  EXPECT_EQ(data::read_pairs(folder + "translation/multi30k.train.en.gz", folder + "translation/multi30k.train.de.gz").size(), 29000u);
  for (const char* name : {"lunyu", "shijing", "唐诗三百首", "宋词三百首"})
    EXPECT_GT(data::read_works(folder + "chinese/" + name + ".json").size(), 15u) << name;
}

}  // namespace
}  // namespace gradus
