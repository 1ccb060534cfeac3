// What image files of all formats share: sizes, orientation, channels.
#include "gradus/data/image_file.hpp"

#include <algorithm>
#include <utility>

#include "gradus/base/error.hpp"

namespace gradus::data {

using namespace core;

void check_size(const ImageContent& content, int64_t height, int64_t width, int64_t densest) {
  if (height < 1 || width < 1) fail_io(content.path, "the image is ", height, " x ", width, "; both sides must be at least 1");
  if (height > content.most_pixels / width)
    fail_io(content.path, "the image is ", height, " x ", width, ", which is more than ", content.most_pixels,
            " pixels, the most that are read");
  const auto bytes = static_cast<int64_t>(content.bytes.size());
  if (height * width / densest > bytes)
    fail_io(content.path, "the image is said to be ", height, " x ", width, ", which the file's ", bytes,
            " bytes cannot hold; it is cut short");
}

int exif_orientation(std::string_view tiff) {
  const bool is_little = tiff.starts_with("II"), is_big = tiff.starts_with("MM");
  if (!is_little && !is_big) return 1;
  const auto number = [&](size_t at, size_t count) -> size_t {
    if (at > tiff.size() || tiff.size() - at < count) return 0;
    size_t out = 0;
    for (size_t i = 0; i < count; ++i) out = out << 8 | static_cast<unsigned char>(tiff[at + (is_little ? count - 1 - i : i)]);
    return out;
  };
  constexpr size_t kOrientation = 0x0112, kShort = 3, kEntry = 12;
  const size_t directory = number(4, 4), entries = number(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t at = directory + 2 + i * kEntry;
    if (at + kEntry > tiff.size()) break;
    if (number(at, 2) != kOrientation) continue;
    const size_t value = number(at + 8, 2);
    return number(at + 2, 2) == kShort && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Pixels upright(Pixels pixels) {
  const int turn = std::exchange(pixels.orientation, 1);
  if (turn <= 1 || turn > 8) return pixels;
  // 2 is mirrored left to right, 4 top to bottom, 3 both; 5 to 8 have rows and columns exchanged beside.
  const bool is_transposed = turn >= 5;
  const bool flips_rows = turn == 3 || turn == 4 || turn == 7 || turn == 8,
             flips_columns = turn == 2 || turn == 3 || turn == 6 || turn == 7;
  Pixels out{pixels.height, pixels.width, pixels.channels, std::vector<uint8_t>(pixels.bytes.size())};
  if (is_transposed) std::swap(out.height, out.width);
  uint8_t* to = out.bytes.data();
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x, to += out.channels) {
      const int64_t v = flips_rows ? out.height - 1 - y : y, u = flips_columns ? out.width - 1 - x : x;
      const int64_t row = is_transposed ? u : v, column = is_transposed ? v : u;
      std::copy_n(pixels.bytes.data() + (row * pixels.width + column) * pixels.channels, out.channels, to);
    }
  }
  return out;
}

namespace {

uint8_t over(uint8_t value, uint8_t alpha, uint8_t background) {
  return static_cast<uint8_t>((value * alpha + background * (255 - alpha) + 127) / 255);
}
// ITU-R 601, in units of 2^-16.
uint8_t grey_of(int red, int green, int blue) {
  return static_cast<uint8_t>((red * 19595 + green * 38470 + blue * 7471 + (1 << 15)) >> 16);
}

}  // namespace

Pixels with_channels(Pixels pixels, int64_t channels, uint8_t background) {
  const int64_t from = pixels.channels;
  if (from == channels) return pixels;
  const int64_t count = pixels.height * pixels.width;
  Pixels out{pixels.height, pixels.width, channels, std::vector<uint8_t>(static_cast<size_t>(count * channels)), pixels.orientation};
  const uint8_t* at = pixels.bytes.data();
  uint8_t* to = out.bytes.data();
  for (int64_t i = 0; i < count; ++i, at += from, to += channels) {
    const uint8_t alpha = from == 2 || from == 4 ? at[from - 1] : 255;
    uint8_t rgb[3] = {at[0], at[from > 2 ? 1 : 0], at[from > 2 ? 2 : 0]};
    if (channels != 4 && alpha != 255) {
      for (uint8_t& value : rgb) value = over(value, alpha, background);
    }
    if (channels == 1) {
      to[0] = from > 2 ? grey_of(rgb[0], rgb[1], rgb[2]) : rgb[0];
      continue;
    }
    std::copy_n(rgb, 3, to);
    if (channels == 4) to[3] = alpha;
  }
  return out;
}

}  // namespace gradus::data
