// Images: files of all kinds, orientation, sizes, damage, data sets.
#include "gradus/data/image.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <numeric>

#include "gradus/data/image_file.hpp"
#include "gradus/io/png.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/shape.hpp"
#include "tests/damage.hpp"
#include "tests/data/image_files.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus::data {
namespace {

using core::concat;
using testing::damaged;
using testing::error_of;
using testing::png;
using testing::without_path;
using testing::write_text;

std::vector<uint8_t> bytes_of(const Array& image) { return image.to_vector<uint8_t>(); }

// Colours that differ from pixel to pixel, smoothly.
std::vector<uint8_t> ramp(int64_t height, int64_t width, int64_t channels) {
  std::vector<uint8_t> out;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < channels; ++c) out.push_back(static_cast<uint8_t>((y * 11 + x * 5 + c * 70) % 256));
    }
  }
  return out;
}

class Image : public ::testing::Test {
 protected:
  void SetUp() override {
#if !defined(GRADUS_HAS_PNG) || !defined(GRADUS_HAS_JPEG)
    GTEST_SKIP() << "Gradus is built without libpng or libjpeg";
#endif
  }
  std::string file(const std::string& bytes, const std::string& name = "a") {
    write_text(folder_ / name, bytes);
    return folder_ / name;
  }
  std::string error(const std::string& bytes, const ImageOptions& options = {}) {
    const std::string path = file(bytes);
    return without_path(error_of([&] { read_image(path, options); }), path);
  }
  testing::TemporaryFolder folder_{};
};

TEST_F(Image, PngOfOneToFourChannelsIsReadAsItIs) {
  for (const int64_t channels : {1, 3, 4}) {
    const std::vector<uint8_t> want = ramp(5, 7, channels);
    const Array got = read_image(file(io::encode_png(want, 5, 7, channels)));
    EXPECT_EQ(got.shape(), (Shape{5, 7, channels}));
    EXPECT_EQ(got.dtype(), uint8);
    EXPECT_EQ(bytes_of(got), want) << channels;
  }
}

TEST_F(Image, ChannelsAreMadeAsAskedFor) {
  const std::string rgba = io::encode_png(std::vector<uint8_t>{200, 100, 50, 255, 200, 100, 50, 0, 200, 100, 50, 51}, 1, 3, 4);
  EXPECT_EQ(bytes_of(read_image(file(rgba), {.channels = 3})), (std::vector<uint8_t>{200, 100, 50, 255, 255, 255, 244, 224, 214}))
      << "over white";
  EXPECT_EQ(bytes_of(read_image(file(rgba), {.channels = 3, .background = 0})), (std::vector<uint8_t>{200, 100, 50, 0, 0, 0, 40, 20, 10}));
  EXPECT_EQ(bytes_of(read_image(file(rgba), {.channels = 1})), (std::vector<uint8_t>{124, 255, 229}));
  const std::string grey = io::encode_png(std::vector<uint8_t>{7, 9}, 1, 2, 1);
  EXPECT_EQ(bytes_of(read_image(file(grey), {.channels = 3})), (std::vector<uint8_t>{7, 7, 7, 9, 9, 9}));
  EXPECT_EQ(bytes_of(read_image(file(grey), {.channels = 4})), (std::vector<uint8_t>{7, 7, 7, 255, 9, 9, 9, 255}));
  EXPECT_EQ(error_of([&] { read_image(file(grey), {.channels = 2}); }), "read_image: channels is 2; it must be 1, 3 or 4");
}

TEST_F(Image, PngOfOtherDepthsPaletteAndInterlace) {
  EXPECT_EQ(bytes_of(read_image(
                file(png({.width = 3, .height = 1, .bits = 16, .colour = 0}, std::string("\0\0\x7f\xff\xff\xff\x80", 7).substr(0, 6))))),
            (std::vector<uint8_t>{0, 127, 255}))
      << "32767 / 257 = 127.498";
  EXPECT_EQ(bytes_of(read_image(file(png({.width = 4, .height = 1, .bits = 1, .colour = 0}, "\xa0")))),
            (std::vector<uint8_t>{255, 0, 255, 0}));
  EXPECT_EQ(bytes_of(read_image(file(png({.width = 4, .height = 1, .bits = 2, .colour = 0}, "\x1b")))),
            (std::vector<uint8_t>{0, 85, 170, 255}));
  const std::string palette = testing::png_chunk("PLTE", std::string("\1\2\3\4\5\6", 6)),
                    transparency = testing::png_chunk("tRNS", std::string("\0", 1));
  EXPECT_EQ(bytes_of(read_image(file(png({.width = 2, .height = 1, .bits = 8, .colour = 3, .before = palette}, std::string("\1\0", 2))))),
            (std::vector<uint8_t>{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(bytes_of(read_image(
                file(png({.width = 2, .height = 1, .bits = 8, .colour = 3, .before = palette + transparency}, std::string("\1\0", 2))))),
            (std::vector<uint8_t>{4, 5, 6, 255, 1, 2, 3, 0}));
  EXPECT_EQ(bytes_of(read_image(file(png({.width = 1, .height = 1, .bits = 8, .colour = 4}, "\x09\x80")))),
            (std::vector<uint8_t>{9, 9, 9, 128}))
      << "grey and alpha";
  // Adam7 of 2 x 2: pass 1 has (0, 0), pass 6 (0, 1), pass 7 the second row, each row behind its filter.
  EXPECT_EQ(bytes_of(read_image(
                file(png({.width = 2, .height = 2, .bits = 8, .colour = 0, .is_interlaced = true}, std::string("\0\1\0\2\0\3\4", 7))))),
            (std::vector<uint8_t>{1, 2, 3, 4}));
}

TEST_F(Image, AnImageIsTurnedAsItsOrientationSays) {
  // The image 1 2 3 / 4 5 6 as it is to be seen.
  const std::vector<std::vector<uint8_t>> wanted{{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
                                                 {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  for (size_t turn = 1; turn <= 8; ++turn) {
    for (const bool is_little : {true, false}) {
      const std::string exif = testing::png_chunk("eXIf", testing::exif(static_cast<char>(turn), is_little));
      const Array got =
          read_image(file(png({.width = 3, .height = 2, .bits = 8, .colour = 0, .before = exif}, std::string("\1\2\3\0\4\5\6", 7))));
      EXPECT_EQ(got.shape(), turn < 5 ? (Shape{2, 3, 1}) : (Shape{3, 2, 1}));
      EXPECT_EQ(bytes_of(got), wanted[turn - 1]) << turn;
    }
  }
  EXPECT_EQ(exif_orientation(""), 1);
  EXPECT_EQ(exif_orientation(testing::exif(9, true)), 1) << "there are eight";
  EXPECT_EQ(exif_orientation(std::string("II*\0\xff\xff\xff\xff", 8)), 1) << "a directory beyond the end";
}

TEST_F(Image, JpegIsNearWhatWasWritten) {
  std::vector<uint8_t> want;  // without a step
  for (int i = 0; i < 24 * 40 * 3; ++i) want.push_back(static_cast<uint8_t>(i / 120 * 4 + i / 3 % 40 * 3 + i % 3 * 10));
  for (const bool is_progressive : {false, true}) {
    const Array got = read_image(file(testing::jpeg(want, 24, 40, {.is_progressive = is_progressive})));
    ASSERT_EQ(got.shape(), (Shape{24, 40, 3}));
    const std::vector<uint8_t> bytes = bytes_of(got);
    int64_t off = 0;
    for (size_t i = 0; i < want.size(); ++i) off += std::abs(int{bytes[i]} - int{want[i]}) <= 12;
    EXPECT_GT(off, static_cast<int64_t>(want.size()) * 9 / 10);
  }
  const Array grey = read_image(file(testing::jpeg(std::vector<uint8_t>(64, 77), 8, 8, {.colours = 1})));
  EXPECT_EQ(grey.shape(), (Shape{8, 8, 1}));
  EXPECT_EQ(bytes_of(grey), std::vector<uint8_t>(64, 77));
  const Array turned = read_image(file(testing::jpeg(ramp(8, 16, 3), 8, 16, {.orientation = 6})));
  EXPECT_EQ(turned.shape(), (Shape{16, 8, 3}));
}

TEST_F(Image, CmykIsReadAsAdobeWritesIt) {
  std::vector<uint8_t> inks;
  for (int i = 0; i < 64; ++i) inks.insert(inks.end(), {200, 100, 255, 128});  // 255: no ink
  const std::vector<uint8_t> got = bytes_of(read_image(file(testing::jpeg(inks, 8, 8, {.colours = 4, .quality = 100}))));
  ASSERT_EQ(got.size(), 64u * 3);
  EXPECT_NEAR(got[0], 200 * 128 / 255, 2);
  EXPECT_NEAR(got[1], 100 * 128 / 255, 2);
  EXPECT_NEAR(got[2], 128, 2);
}

TEST_F(Image, WhatIsNoWholeImageIsRefused) {
  const std::string good = io::encode_png(ramp(9, 9, 3), 9, 9, 3);
  EXPECT_EQ(error(""), "PATH: the file is empty; a PNG or JPEG file is expected");
  EXPECT_EQ(error("GIF89a"), "PATH: the file is no image; a PNG or JPEG file is expected");
  EXPECT_EQ(error(good.substr(0, 60)), "PATH: the PNG file is cut short: it ends after 60 bytes");
  std::string flipped = good;
  flipped[45] = static_cast<char>(flipped[45] ^ 1);
  EXPECT_EQ(error(flipped).rfind("PATH: the PNG file is damaged: ", 0), 0u) << error(flipped);
  const std::string photo = testing::jpeg(ramp(64, 64, 3), 64, 64);
  EXPECT_EQ(error(photo.substr(0, photo.size() / 2)),
            concat("PATH: the JPEG file is cut short: it ends after ", photo.size() / 2, " bytes"));
  EXPECT_EQ(error(photo.substr(0, photo.size() - 2)), "") << "only the mark of the end is missing";
  const std::string progressive = testing::jpeg(ramp(64, 64, 3), 64, 64, {.is_progressive = true});
  EXPECT_NE(error(progressive.substr(0, progressive.size() - 40)).find("cut short"), std::string::npos);
  EXPECT_NE(error_of([&] { read_image(folder_ / "nothing.png"); }).find("nothing.png"), std::string::npos);
}

TEST_F(Image, TooManyPixelsAreRefusedBeforeAnythingIsAllocated) {
  const std::string huge = png({.width = 30'000, .height = 30'000, .bits = 8, .colour = 2}, "");
  EXPECT_EQ(error(huge), "PATH: the image is 30000 x 30000, which is more than 100000000 pixels, the most that are read");
  testing::expect_careful([&] { read_image(file(huge)); }, 1 << 20, "huge");
  EXPECT_NE(error(png({.width = 9'000, .height = 9'000, .bits = 8, .colour = 2}, "")).find("cannot hold"), std::string::npos)
      << "a bomb: few bytes that say they are many";
  testing::expect_careful([&] { read_image(file(png({.width = 9'000, .height = 9'000, .bits = 8, .colour = 2}, ""))); }, 1 << 20, "bomb");
  std::string tall = testing::jpeg(ramp(8, 8, 3), 8, 8);
  const size_t frame = tall.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  tall.replace(frame + 5, 4, "\x75\x30\x75\x30");
  EXPECT_EQ(error(tall), "PATH: the image is 30000 x 30000, which is more than 100000000 pixels, the most that are read");
  EXPECT_EQ(error(io::encode_png(ramp(9, 9, 3), 9, 9, 3), {.most_pixels = 80}),
            "PATH: the image is 9 x 9, which is more than 80 pixels, the most that are read");
}

TEST_F(Image, DamagedFilesAreReadOrRefused) {
  const std::vector<std::string> good{
      io::encode_png(ramp(9, 9, 4), 9, 9, 4), testing::jpeg(ramp(16, 16, 3), 16, 16, {.orientation = 5}),
      testing::jpeg(ramp(16, 16, 3), 16, 16, {.is_progressive = true}),
      png({.width = 2, .height = 2, .bits = 8, .colour = 0, .is_interlaced = true}, std::string("\0\1\0\2\0\3\4", 7))};
  for (size_t i = 0; i < good.size(); ++i) {
    for (uint32_t seed = 0; seed < 150; ++seed) {
      const std::string path = file(damaged(good[i], seed));
      testing::expect_careful([&] { read_image(path, {.channels = 3, .most_pixels = 1 << 20}); }, 64 << 20,
                              concat("file ", i, " seed ", seed));
    }
  }
}

// Made with Pillow 13: Image.fromarray(x).resize((w, h), Image.BILINEAR) of ramp(5, 7, 1), and ImageOps.fit and pad.
TEST_F(Image, SizesAreThoseOfPillow) {
  const std::vector<uint8_t> source = ramp(5, 7, 1);
  const Array image = array(std::vector<uint8_t>(source), {5, 7, 1});
  const auto resized = [&](int64_t height, int64_t width, Fit fit) { return bytes_of(resize_image(image, height, width, {.fit = fit})); };
  EXPECT_EQ(resized(2, 3, Fit::stretch), (std::vector<uint8_t>{15, 26, 37, 37, 48, 59}));
  EXPECT_EQ(resized(7, 4, Fit::stretch), (std::vector<uint8_t>{3,  10, 20, 27, 9,  16, 26, 33, 17, 24, 34, 41, 25, 32,
                                                               42, 49, 33, 40, 50, 57, 41, 48, 58, 65, 47, 54, 64, 71}));
  EXPECT_EQ(resized(3, 3, Fit::crop), (std::vector<uint8_t>{11, 20, 29, 28, 37, 46, 45, 54, 63}));
  EXPECT_EQ(resized(4, 4, Fit::pad), (std::vector<uint8_t>{8, 15, 25, 32, 25, 32, 42, 49, 42, 49, 59, 66, 0, 0, 0, 0}));
  EXPECT_EQ(resized(5, 7, Fit::crop), source) << "its own size";
}

TEST_F(Image, TransparentPixelsLendNoColour) {
  const Array image = array(std::vector<uint8_t>{255, 0, 0, 255, 0, 255, 0, 0}, {1, 2, 4});
  EXPECT_EQ(bytes_of(resize_image(image, 1, 1)), (std::vector<uint8_t>{255, 0, 0, 128}));
}

TEST_F(Image, SizesThatAreNoneAreRefused) {
  const Array image = zeros({2, 2, 3}, uint8);
  EXPECT_EQ(error_of([&] { resize_image(image, 0, 2); }), "resize_image: the size is 0 x 2; each side must be 1 to 1048576");
  EXPECT_EQ(error_of([&] { resize_image(zeros({2, 2, 2}, uint8), 2, 2); }), "resize_image: channels is 2; it must be 1, 3 or 4");
  EXPECT_EQ(error_of([&] {
              resize_image(zeros({2, 2, 3}), 2, 2);
            }),
            "resize_image: the image is (2, 2, 3) of float32; it must be (H, W, C) uint8");
}

TEST_F(Image, AFolderIsADataSet) {
  for (const char* label : {"dog", "cat"}) {
    std::filesystem::create_directory(folder_ / label);
    for (int i = 0; i < 3; ++i) {
      const auto value = static_cast<uint8_t>(10 * i + (label[0] == 'c' ? 100 : 0));
      file(io::encode_png(std::vector<uint8_t>(12, value), 2, 2, 3), concat(label, "/", i, ".png"));
    }
  }
  const Dataset set = image_folder(folder_.path());
  EXPECT_EQ(set.class_names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(set.stored_x().shape(), (Shape{6, 2, 2, 3}));
  EXPECT_TRUE(set.is_from_bytes());
  EXPECT_EQ(set.y.to_vector<int64_t>(), (std::vector<int64_t>{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(bytes_of(set.stored_x())[2 * 12], 120);
  EXPECT_EQ(image_folder(folder_.path(), {.height = 3, .width = 4, .channels = 1}).x.shape(), (Shape{6, 3, 4, 1}));
  file(io::encode_png(std::vector<uint8_t>(27, 1), 3, 3, 3), "dog/z.png");
  EXPECT_EQ(without_path(error_of([&] { image_folder(folder_.path()); }), folder_.path()),
            "PATH/dog/z.png: the image is 3 x 3, the first one 2 x 2; give a size that all get");
}

TEST_F(Image, ATableOfPathsIsADataSet) {
  file(io::encode_png(std::vector<uint8_t>(12, 1), 2, 2, 3), "a.png");
  file(io::encode_png(std::vector<uint8_t>(12, 2), 2, 2, 3), "b.png");
  const Table table({Column::text(
                         "file",
                         [] {
                           Texts t;
                           t.add("b.png");
                           t.add("a.png");
                           return t;
                         }(),
                         ColumnType::image),
                     Column::numeric("age", {3, 4})});
  const Dataset set = image_set(table, {.folder = folder_.path()});
  EXPECT_EQ(set.y.to_vector<float>(), (std::vector<float>{3, 4}));
  EXPECT_EQ(set.y.shape(), (Shape{2, 1}));
  EXPECT_EQ(bytes_of(set.stored_x())[0], 2);
  EXPECT_EQ(error_of([&] { image_set(table.select({"age"})); }),
            "image_set: none of the 1 columns is of images: paths that end in .png, .jpg or .jpeg");
  EXPECT_EQ(error_of([&] {
              image_set(table.with(Column::numeric("size", {1, 2})));
            }),
            "image_set: there are 2 columns beside the images; name the one that is the target");
  EXPECT_EQ(error_of([&] {
              image_set(table.with(Column::numeric("age", {std::nan(""), 2})));
            }),
            "image_set: row 0 has no \"age\", the target; drop it or fill it in");
}

}  // namespace
}  // namespace gradus::data
