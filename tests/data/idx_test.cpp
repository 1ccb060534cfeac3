// IDX files: all element types, and files that lie. Fashion-MNIST where it is installed.
#include "gradus/data/idx.hpp"

#include <zlib.h>

#include <cstdlib>

#include "gradus/data/fashion_mnist.hpp"
#include "gradus/graph/index.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::TemporaryFolder;

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}
std::string read_error(const std::string& content) {
  const TemporaryFolder folder;
  testing::write_text(folder / "a.idx", content);
  return testing::without_path(testing::error_of([&] { data::read_idx(folder / "a.idx"); }), folder / "a.idx");
}
Array read(const std::string& content) {
  const TemporaryFolder folder;
  testing::write_text(folder / "a.idx", content);
  return data::read_idx(folder / "a.idx");
}

TEST(Idx, EveryElementTypeIsRead) {
  const Array unsigned_bytes = read(bytes({0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 255}));
  EXPECT_EQ(unsigned_bytes.dtype(), uint8);
  EXPECT_EQ(unsigned_bytes.shape(), (Shape{1, 2}));
  EXPECT_EQ(unsigned_bytes.to_vector<int>(), (std::vector<int>{7, 255}));
  EXPECT_EQ(read(bytes({0, 0, 9, 1, 0, 0, 0, 2, 1, 255})).to_vector<int>(), (std::vector<int>{1, -1}));
  EXPECT_EQ(read(bytes({0, 0, 11, 1, 0, 0, 0, 2, 1, 0, 255, 254})).to_vector<int>(), (std::vector<int>{256, -2}));
  EXPECT_EQ(read(bytes({0, 0, 12, 1, 0, 0, 0, 1, 255, 255, 255, 253})).to_vector<int>(), (std::vector<int>{-3}));
  EXPECT_EQ(read(bytes({0, 0, 13, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0})).to_vector<float>(), (std::vector<float>{1.5f}));
  EXPECT_EQ(read(bytes({0, 0, 14, 1, 0, 0, 0, 1, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0})).to_vector<double>(), (std::vector<double>{-1.5}));
  EXPECT_EQ(read(bytes({0, 0, 8, 1, 0, 0, 0, 0})).size(), 0);
}

TEST(Idx, FilesThatLieAreRefused) {
  EXPECT_EQ(read_error(""), "PATH: truncated: the content ends at byte 0, 4 more bytes are needed");
  EXPECT_EQ(read_error("abcdefgh"), "PATH: not an IDX file: it must start with two zero bytes");
  EXPECT_EQ(read_error(bytes({0, 0, 7, 1, 0, 0, 0, 0})), "PATH: not an IDX file: its type byte is 7; it must be 8, 9, 11, 12, 13 or 14");
  EXPECT_EQ(read_error(bytes({0, 0, 8, 0})), "PATH: not an IDX file: its rank is 0; it must be 1 or more");
  EXPECT_EQ(read_error(bytes({0, 0, 8, 3, 0, 0})), "PATH: truncated: the content ends at byte 6, 2 more bytes are needed");
  EXPECT_EQ(read_error(bytes({0, 0, 8, 1, 0, 0, 0, 5, 1, 2})),
            "PATH: truncated: its sizes (5,) announce 5 bytes, the file cannot hold more than 2");
  EXPECT_EQ(read_error(bytes({0, 0, 8, 1, 0, 0, 0, 1, 1, 2})), "PATH: there is content after its announced end at byte 9");
}

TEST(Idx, HugeSizesAllocateNothing) {
  EXPECT_NE(read_error(bytes({0, 0, 14, 2, 127, 255, 255, 255, 0, 0, 127, 255})), "");
  EXPECT_NE(read_error(bytes({0, 0, 14, 4, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})), "");
}

TEST(Idx, AGzipThatCannotHoldItsSizesAllocatesNothing) {
  const TemporaryFolder folder;
  const std::string content = bytes({0, 0, 8, 1, 127, 255, 255, 255, 1});
  gzFile file = gzopen((folder / "a.gz").c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
  EXPECT_NE(testing::error_of([&] { data::read_idx(folder / "a.gz"); }).find("truncated: its sizes (2147483647,) announce"),
            std::string::npos);
}

TEST(Idx, ALimitReadsTheFirstSamplesOnly) {
  const TemporaryFolder folder;
  testing::write_text(folder / "a.idx", bytes({0, 0, 11, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6}));
  const auto first = [&](int64_t limit) { return data::read_idx(folder / "a.idx", {.limit = limit}); };
  EXPECT_EQ(first(2).shape(), (Shape{2, 2}));
  EXPECT_EQ(first(2).to_vector<int>(), (std::vector<int>{1, 2, 3, 4}));
  for (const int64_t limit : {0, 3, 4}) EXPECT_EQ(first(limit).to_vector<int>(), (std::vector<int>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(data::idx_shape(folder / "a.idx"), (Shape{3, 2}));
  EXPECT_EQ(testing::error_of([&] { first(-1); }), "read_idx: limit is -1; it must be at least 0 (0: all samples)");
}

TEST(FashionMnist, MissingDataNamesThePackage) {
  const TemporaryFolder folder;
  EXPECT_EQ(testing::without_path(testing::error_of([&] { data::fashion_mnist(folder.path()); }), folder.path()),
            "fashion_mnist: there is no train-images-idx3-ubyte.gz in PATH; install the Debian package dataset-fashion-mnist, or let "
            "GRADUS_DATA name the folder that fashion-mnist is in");
}

TEST(FashionMnist, LabelsOutOfRangeAreRefused) {
  const TemporaryFolder folder;
  std::string image = bytes({0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28}) + std::string(784, '\1');
  for (const char* name : {"train", "t10k"}) {
    testing::write_text(folder / (std::string(name) + "-images-idx3-ubyte"), image);
    testing::write_text(folder / (std::string(name) + "-labels-idx1-ubyte"), bytes({0, 0, 8, 1, 0, 0, 0, 1, 12}));
  }
  EXPECT_EQ(testing::error_of([&] { data::fashion_mnist(folder.path()); }), "dataset: y[0] is 12; labels of 10 classes must be 0 to 9");
}

TEST(FashionMnist, IsReadWholeWhereItIsInstalled) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const auto [train, test] = data::fashion_mnist("/usr/share/datasets/fashion-mnist");
  EXPECT_EQ(train.x.shape(), (Shape{60000, 28, 28, 1}));
  EXPECT_EQ(test.x.shape(), (Shape{10000, 28, 28, 1}));
  EXPECT_EQ(train.x.dtype(), float32);
  EXPECT_EQ(train.y.dtype(), int64);
  EXPECT_EQ(test.class_names[static_cast<size_t>(test.y.to_vector<int64_t>()[0])], "Ankle boot");
}

}  // namespace
}  // namespace gradus
