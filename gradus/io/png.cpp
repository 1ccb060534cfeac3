// PNG images (ISO/IEC 15948): signature, header, one zlib stream of rows, end.
#include "gradus/io/png.hpp"

#include <zlib.h>

#include <vector>

#include "gradus/base/error.hpp"

namespace gradus::io {

using namespace core;

namespace {

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string chunk(std::string_view type, std::string_view content) {
  const std::string body = std::string(type) + std::string(content);
  const auto check = static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())));
  return big_endian(static_cast<uint32_t>(content.size())) + body + big_endian(check);
}

std::string deflated(const std::string& rows) {
  uLongf size = compressBound(rows.size());
  std::string out(size, '\0');
  compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(rows.data()), rows.size(), Z_BEST_COMPRESSION);
  out.resize(size);
  return out;
}

}  // namespace

std::string encode_png(std::span<const uint8_t> pixels, int64_t height, int64_t width, int64_t channels) {
  if (channels != 1 && channels != 3 && channels != 4) fail("png", "channels is ", channels, "; it must be 1, 3 or 4");
  if (height < 1 || width < 1 || height > 1 << 15 || width > 1 << 15) {
    fail("png", "the image is ", height, " x ", width, "; each side must be 1 to 32768");
  }
  const int64_t row_bytes = width * channels;
  if (static_cast<int64_t>(pixels.size()) != height * row_bytes) {
    fail("png", "there are ", pixels.size(), " values; ", height, " x ", width, " x ", channels, " are needed");
  }
  std::string rows;
  for (int64_t row = 0; row < height; ++row) {
    rows += '\0';  // no filter
    rows.append(reinterpret_cast<const char*>(pixels.data() + row * row_bytes), static_cast<size_t>(row_bytes));
  }
  const char colour = channels == 1 ? 0 : channels == 3 ? 2 : 6;
  const std::string header = big_endian(static_cast<uint32_t>(width)) + big_endian(static_cast<uint32_t>(height)) +
                             std::string{8, colour, 0, 0, 0};  // 8 bits a channel, deflate, no interlace
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", deflated(rows)) + chunk("IEND", "");
}

std::string base64(std::string_view bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t j = 0; j < 3; ++j) word = word << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j) out += i + j <= bytes.size() ? digits[word >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::string png_data_uri(std::span<const uint8_t> pixels, int64_t height, int64_t width, int64_t channels) {
  return "data:image/png;base64," + base64(encode_png(pixels, height, width, channels));
}

}  // namespace gradus::io
