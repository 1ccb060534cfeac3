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

// The checksum of a chunk is that of its type and its content: of IEND, which has none, it is AE 42 60 82 (ISO/IEC 15948, annex D).
TEST(Png, ChecksumsCoverTypeAndContent) {
  const uint8_t pixels[] = {1, 2, 3, 4, 5, 6};
  const std::string file = io::encode_png(pixels, 1, 2, 3);
  EXPECT_EQ(file.substr(file.size() - 12), std::string("\0\0\0\0IEND\xAE\x42\x60\x82", 12));
  const auto word = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(file[at + i]);
    return value;
  };
  size_t chunks = 0;
  for (size_t at = 8; at < file.size(); at += 12 + word(at), ++chunks) {
    const size_t length = word(at);
    const uLong want = crc32(0, reinterpret_cast<const Bytef*>(file.data() + at + 4), static_cast<uInt>(length + 4));
    EXPECT_EQ(word(at + 8 + length), want) << file.substr(at + 4, 4);
  }
  EXPECT_EQ(chunks, 3u);
  EXPECT_EQ(word(16), 2u);                                            // width
  EXPECT_EQ(word(20), 1u);                                            // height
  EXPECT_EQ(file.substr(24, 5), std::string("\x08\x02\0\0\0", 5));  // 8 bits, colour, deflate, no filter method, no interlace
}

TEST(Png, WrongSizesAreRefused) {
  const uint8_t pixels[] = {1, 2};
  EXPECT_EQ(testing::error_of([&] { io::encode_png(pixels, 1, 1, 2); }), "png: channels is 2; it must be 1, 3 or 4");
  EXPECT_EQ(testing::error_of([&] { io::encode_png(pixels, 1, 3, 1); }), "png: there are 2 values; 1 x 3 x 1 are needed");
  EXPECT_EQ(testing::error_of([&] { io::encode_png(pixels, 0, 3, 1); }), "png: the image is 0 x 3; each side must be 1 to 32768");
}

}  // namespace
}  // namespace gradus
