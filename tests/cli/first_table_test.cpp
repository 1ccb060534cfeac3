// The commands of docs/first_table.md, in their order, on the table that comes with Gradus.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "tests/cli/subprocess.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::Outcome;
using testing::read_text;
using testing::run_gradus;
using testing::TemporaryFolder;

// Words between blanks; quotes keep them together.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words(1);
  bool is_quoted = false;
  for (const char c : line) {
    if (c == '\'') is_quoted = !is_quoted;
    else if (c != ' ' || is_quoted) words.back() += c;
    else if (!words.back().empty()) words.emplace_back();
  }
  return words;
}

TEST(FirstTable, TheCommandsOfThePageRun) {
  const TemporaryFolder folder;
  const std::string source = GRADUS_SOURCE_DIR;
  std::filesystem::copy_file(source + "/examples/data/rides.csv", folder / "rides.csv");
  std::istringstream page(read_text(source + "/docs/first_table.md"));
  int commands = 0;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("gradus ")) continue;
    ++commands;
    const Outcome outcome = run_gradus(words_of(line.substr(7)), {.folder = folder.path()});
    ASSERT_EQ(outcome.code, 0) << line << "\n" << outcome.err;
    if (line.find(" doctor ") != std::string::npos) {
      EXPECT_NE(outcome.out.find("no findings"), std::string::npos) << outcome.out;
    }
  }
  EXPECT_GE(commands, 9);
  const std::string said = read_text(folder / "said.csv");
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 732);
  for (const char* file : {"rides.html", "first/report.html", "first/card.md", "first/card.html", "rides.toml", "folds/folds.csv"})
    EXPECT_TRUE(std::filesystem::exists(folder / file)) << file;
}

}  // namespace
}  // namespace gradus
