// Damaged IDX files, plain and gzipped.
#include <zlib.h>

#include "gradus/data/idx.hpp"
#include "gradus/graph/array.hpp"
#include "tests/damage.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
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
    if (seed % 5 == 0) expect_careful_reading(folder, gzipped(testing::damaged(plain.substr(0, 16), seed) + plain.substr(16)), concat("content, seed ", seed));
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

}  // namespace
}  // namespace gradus
