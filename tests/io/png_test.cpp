// PNG: the bytes of a known image, and refusals.
#include "gradus/io/png.hpp"

#include <zlib.h>

#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

TEST(Png, Base64OfTheStandardsExamples) {  // RFC 4648, section 10
  EXPECT_EQ(io::base64(""), "");
  EXPECT_EQ(io::base64("f"), "Zg==");
  EXPECT_EQ(io::base64("fo"), "Zm8=");
  EXPECT_EQ(io::base64("foo"), "Zm9v");
  EXPECT_EQ(io::base64("foob"), "Zm9vYg==");
  EXPECT_EQ(io::base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(io::base64("foobar"), "Zm9vYmFy");
}

TEST(Png, HoldsItsPixels) {
  const uint8_t pixels[] = {1, 2, 3, 4, 5, 6};
  const std::string file = io::encode_png(pixels, 2, 3, 1);
  EXPECT_EQ(file.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(file.substr(12, 4), "IHDR");
  EXPECT_EQ(static_cast<int>(file[19]), 3);  // width
  EXPECT_EQ(static_cast<int>(file[23]), 2);  // height
  const size_t data = file.find("IDAT") + 4, end = file.find("IEND") - 8;
  unsigned char rows[16];
  uLongf size = sizeof rows;
  ASSERT_EQ(uncompress(rows, &size, reinterpret_cast<const Bytef*>(file.data() + data), end - data), Z_OK);
  EXPECT_EQ(std::vector<int>(rows, rows + size), (std::vector<int>{0, 1, 2, 3, 0, 4, 5, 6}));
}

TEST(Png, WrongSizesAreRefused) {
  const uint8_t pixels[] = {1, 2};
  EXPECT_EQ(testing::error_of([&] { io::encode_png(pixels, 1, 1, 2); }), "png: channels is 2; it must be 1, 3 or 4");
  EXPECT_EQ(testing::error_of([&] { io::encode_png(pixels, 1, 3, 1); }), "png: there are 2 values; 1 x 3 x 1 are needed");
  EXPECT_EQ(testing::error_of([&] { io::encode_png(pixels, 0, 3, 1); }), "png: the image is 0 x 3; each side must be 1 to 32768");
}

}  // namespace
}  // namespace gradus
