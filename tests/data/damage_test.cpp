// Damaged IDX files, plain and gzipped, tokenizers and files of facts.
#include <zlib.h>

#include "gradus/data/idx.hpp"
#include "gradus/data/triples.hpp"
#include "gradus/data/text/tokenizer_file.hpp"
#include "gradus/data/text/tokenizer_training.hpp"
#include "gradus/graph/array.hpp"
#include "tests/damage.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::TemporaryFolder;

constexpr uint32_t kCopies = 1500;
constexpr int64_t kBuffers = 1 << 18;  // of the stream and of messages

std::string idx_file(char code, int element_bytes) {
  std::string bytes{0, 0, code, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6};
  for (int i = 0; i < 4 * 5 * 6 * element_bytes; ++i) bytes += static_cast<char>(37 * i);
  return bytes;
}

std::string gzipped(const std::string& content) {
  const TemporaryFolder folder;
  const gzFile file = gzopen((folder / "a.gz").c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
  return testing::read_text(folder / "a.gz");
}

// int8 is widened to int32: the content and four times as much.
void expect_careful_reading(const TemporaryFolder& folder, const std::string& file, const std::string& what) {
  testing::write_text(folder / "a.idx", file);
  testing::expect_careful([&] { data::read_idx(folder / "a.idx"); }, 8 * static_cast<int64_t>(file.size()) + kBuffers, what);
}

TEST(DamagedIdx, ThrowsOrLoads) {
  const TemporaryFolder folder;
  const std::string files[] = {idx_file(8, 1), idx_file(9, 1), idx_file(11, 2), idx_file(13, 4), idx_file(14, 8)};
  for (uint32_t seed = 0; seed < kCopies; ++seed) {
    std::string file = files[seed % std::size(files)];
    // Every other time only the header, where damage matters most.
    if (seed % 2) file = testing::damaged(file.substr(0, 16), seed) + file.substr(16);
    else file = testing::damaged(file, seed);
    expect_careful_reading(folder, file, concat("seed ", seed));
  }
}

TEST(DamagedIdx, ThrowsOrLoadsWhenGzipped) {
  const TemporaryFolder folder;
  const std::string plain = idx_file(8, 1), file = gzipped(plain);
  for (uint32_t seed = 0; seed < kCopies; ++seed) {
    expect_careful_reading(folder, testing::damaged(file, seed), concat("seed ", seed));
    if (seed % 5 == 0)
      expect_careful_reading(folder, gzipped(testing::damaged(plain.substr(0, 16), seed) + plain.substr(16)),
                             concat("content, seed ", seed));
  }
}

// A megabyte of noise after a header that announces 800 MB: as much as a gzip file of that size could hold.
TEST(DamagedIdx, AGzipThatAnnouncesFarMoreThanItHoldsTakesNoMoreMemoryThanItHolds) {
  const TemporaryFolder folder;
  std::string content{0, 0, 8, 1, 0x30, 0, 0, 0};
  std::mt19937 random(1);
  for (int i = 0; i < 1 << 20; ++i) content += static_cast<char>(random());
  expect_careful_reading(folder, gzipped(content), "announced");
}

// Each damaged copy loads or throws Error, in memory in proportion to the file; one that loads encodes and decodes.
TEST(DamagedTokenizer, ThrowsOrLoads) {
  const TemporaryFolder folder;
  const std::vector<std::string> texts{"the cat sat on the mat", "深度学习 naïve"};
  std::vector<std::string> files;
  for (const char* kind : {"character", "word", "plain_byte_pair", "word_piece"}) {
    data::save_tokenizer(data::train_tokenizer(data::tokenizer_kind(kind), texts, {.vocabulary_size = 40}), folder / "t.json");
    files.push_back(testing::read_text(folder / "t.json"));
  }
  int loaded = 0;
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    const std::string& whole = files[seed % files.size()];
    const std::string file = seed % 3 ? testing::damaged(whole, seed) : testing::with_odd_number(whole, seed);
    testing::write_text(folder / "t.json", file);
    testing::expect_careful(
        [&] {
          const data::Tokenizer tokenizer = data::load_tokenizer(folder / "t.json");
          ++loaded;
          tokenizer.decode(tokenizer.encode("the cat 深x"));
        },
        200 * static_cast<int64_t>(file.size()) + (1 << 20), concat("seed ", seed));
  }
  EXPECT_GT(loaded, 300);
}

// ---- memory is bounded by what is needed ----

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

// A gzip of a header and so many zeros.
void write_zeros(const std::string& path, const std::string& header, int64_t zeros) {
  const gzFile file = gzopen(path.c_str(), "wb1");
  gzwrite(file, header.data(), static_cast<unsigned>(header.size()));
  const std::string piece(1 << 20, '\0');
  for (int64_t left = zeros; left > 0; left -= 1 << 20)
    gzwrite(file, piece.data(), static_cast<unsigned>(std::min<int64_t>(left, 1 << 20)));
  gzclose(file);
}

TEST(Idx, ALimitBoundsTheMemoryOfLargeFiles) {
  const TemporaryFolder folder;
  const std::string header = bytes({0, 0, 13, 2, 0, 0, 64, 0, 0, 0, 4, 0});  // 16384 x 1024 floats: 64 MiB
  testing::write_text(folder / "a.idx", header);
  std::filesystem::resize_file(folder / "a.idx", 12 + (int64_t{1} << 26));
  write_zeros(folder / "a.gz", header, int64_t{1} << 26);
  for (const char* name : {"a.idx", "a.gz"}) {
    testing::expect_careful([&] { EXPECT_EQ(data::read_idx(folder / name, {.limit = 2}).size(), 2048); }, 1 << 20, name);
  }
}

TEST(Idx, AGzipThatHoldsMoreThanItAnnouncesTakesNoMemory) {
  const TemporaryFolder folder;
  write_zeros(folder / "a.gz", bytes({0, 0, 8, 1, 0, 0, 0, 9}), int64_t{1} << 26);
  testing::expect_careful(
      [&] {
        EXPECT_NE(testing::error_of([&] { data::read_idx(folder / "a.gz"); }).find("there is content after its announced end at byte 17"),
                  std::string::npos);
      },
      1 << 20, "a.gz");
}

TEST(Idx, NarrowIntegersAreWidenedPieceByPiece) {
  const TemporaryFolder folder;
  std::string content = bytes({0, 0, 9, 1, 0, 32, 0, 0});  // 2^21 signed bytes
  for (int i = 0; i < 1 << 21; ++i) content += static_cast<char>(i % 251);
  testing::write_text(folder / "a.idx", content);
  Array values;
  testing::expect_careful([&] { values = data::read_idx(folder / "a.idx"); }, (4 << 21) + (1 << 20), "a.idx");
  const std::vector<int> numbers = values.to_vector<int>();
  for (int i = 0; i < 1 << 21; ++i) ASSERT_EQ(numbers[static_cast<size_t>(i)], static_cast<int8_t>(i % 251));
}

TEST(Triples, DamagedFilesAreReadOrRefused) {
  const TemporaryFolder folder;
  const std::string good = "a\tr\tb\nb\tr\ta\nc\ts\tb\n";
  for (uint32_t seed = 0; seed < 300; ++seed) {
    testing::write_text(folder / "train.txt", testing::damaged(good, seed));
    testing::expect_careful([&] { data::read_graph(folder.path()); }, 1 << 20, concat("seed ", seed));
  }
}

}  // namespace
}  // namespace gradus
