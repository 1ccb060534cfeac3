// Files: gunzipping, bounds, and writing that leaves the old file whole.
#include "gradus/base/file.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <zlib.h>

#include <csignal>

#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using testing::read_text;
using testing::TemporaryFolder;
using testing::without_path;
using testing::write_text;

std::string gzipped(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(File, PlainAndGzipGiveTheSameContent) {
  const TemporaryFolder folder;
  std::string content;
  for (int i = 0; i < 100000; ++i) content += std::to_string(i * 7919 % 1000);
  write_text(folder / "plain", content);
  write_text(folder / "packed", gzipped(content));
  EXPECT_EQ(file::read_all(folder / "plain"), content);
  EXPECT_EQ(file::read_all(folder / "packed"), content);
}

TEST(File, AnEmptyFileIsEmpty) {
  const TemporaryFolder folder;
  write_text(folder / "empty", "");
  EXPECT_EQ(file::read_all(folder / "empty"), "");
  write_text(folder / "packed", gzipped(""));
  EXPECT_EQ(file::read_all(folder / "packed"), "");
}

TEST(File, GzipMembersFollowOneAnother) {
  const TemporaryFolder folder;
  write_text(folder / "two", gzipped("one ") + gzipped("two"));
  EXPECT_EQ(file::read_all(folder / "two"), "one two");
}

TEST(File, EveryTruncationOfAGzipFileIsAnError) {
  const TemporaryFolder folder;
  const std::string whole = gzipped("the quick brown fox jumps over the lazy dog, again and again and again");
  for (size_t length = 2; length < whole.size(); ++length) {
    write_text(folder / "cut", whole.substr(0, length));
    EXPECT_NE(error_of([&] { file::read_all(folder / "cut"); }).find("truncated gzip data"), std::string::npos) << length;
  }
}

TEST(File, AFlippedBitInAGzipFileIsAnError) {
  const TemporaryFolder folder;
  std::string content;
  for (int i = 0; i < 2000; ++i) content += std::to_string(i);
  const std::string whole = gzipped(content);
  for (size_t at = 10; at < whole.size(); at += 37) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    write_text(folder / "damaged", damaged);
    EXPECT_NE(error_of([&] { file::read_all(folder / "damaged"); }), "") << at;
  }
}

TEST(File, StrayBytesAfterGzipAreAnError) {
  const TemporaryFolder folder;
  write_text(folder / "stray", gzipped("content") + "xyz");
  EXPECT_EQ(without_path(error_of([&] { file::read_all(folder / "stray"); }), folder / "stray"),
            "PATH: corrupt gzip data: 3 stray bytes after the end");
}

TEST(File, ASmallGzipOfMuchContentStopsAtTheLimit) {
  const TemporaryFolder folder;
  write_text(folder / "bomb", gzipped(std::string(20'000'000, 'a')));
  EXPECT_EQ(without_path(error_of([&] { file::read_all(folder / "bomb", 1'000'000); }), folder / "bomb"),
            "PATH: is larger than 1000000 bytes, the most that is read of such a file");
}

TEST(File, MissingFilesAndFoldersAreNamed) {
  const TemporaryFolder folder;
  EXPECT_EQ(without_path(error_of([&] { file::read_all(folder / "none"); }), folder.path()), "PATH/none: no such file or folder");
  EXPECT_EQ(without_path(error_of([&] { file::read_all(folder.path()); }), folder.path()), "PATH: is a folder; a file is needed");
}

TEST(File, WritingReplacesAndKeepsTheMode) {
  const TemporaryFolder folder;
  write_text(folder / "a", "old");
  ::chmod((folder / "a").c_str(), 0640);
  file::write_atomically(folder / "a", "new content");
  EXPECT_EQ(read_text(folder / "a"), "new content");
  EXPECT_EQ(folder.count(), 1);
  struct stat facts {};
  ::stat((folder / "a").c_str(), &facts);
  EXPECT_EQ(facts.st_mode & 0777, 0640u);
}

TEST(File, WritingThroughALinkKeepsTheLink) {
  const TemporaryFolder folder;
  write_text(folder / "real", "old");
  std::filesystem::create_symlink("real", folder / "link");
  file::write_atomically(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_text(folder / "real"), "new");
}

TEST(File, AFailedWriteLeavesTheOldFileAndNothingBeside) {
  const TemporaryFolder folder;
  write_text(folder / "a", "old");
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  rlimit small = limit;
  small.rlim_cur = 1000;
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = error_of([&] { file::write_atomically(folder / "a", std::string(5000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, before);
  EXPECT_EQ(without_path(message, folder / "a"),
            "PATH: cannot be written: the file would be larger than this process may write; 5000 bytes are needed");
  EXPECT_EQ(read_text(folder / "a"), "old");
  EXPECT_EQ(folder.count(), 1);
}

TEST(File, AFullDiskIsNamedWithTheBytesThatAreNeeded) {
  if (!file::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  const std::string message = error_of([] { file::write_atomically("/dev/full", std::string(5000, 'x')); });
  EXPECT_EQ(message.rfind("/dev/full: cannot be written: no space left on the disk; 5000 bytes are needed", 0), 0u) << message;
}

TEST(File, AMissingFolderIsAnError) {
  const TemporaryFolder folder;
  EXPECT_EQ(without_path(error_of([&] { file::write_atomically(folder / "none/a", "x"); }), folder.path()),
            "PATH/none/a: cannot be written: no such file or folder");
}

// In a container the next process often has the number of the one that was killed.
TEST(File, WhatAKilledProcessOfTheSameNumberLeftIsNotInTheWay) {
  const testing::TemporaryFolder folder;
  for (int number = 0; number < 2000; ++number) {
    if (number % 2) testing::write_text(concat(folder / "a", ".", static_cast<int64_t>(::getpid()), "-", number, ".part"), "");
  }
  for (int i = 0; i < 3; ++i) file::write_atomically(folder / "a", "whole");
  EXPECT_EQ(testing::read_text(folder / "a"), "whole");
  file::remove_unfinished(folder.path(), "a.");
  EXPECT_EQ(folder.count(), 1);
}

}  // namespace
}  // namespace gradus
