// Pixels of image files, one file a format. Not for users: read_image takes them all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data {

/// Rows of pixels from the top: height x width x channels bytes. Channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
struct Pixels {
  int64_t height = 0, width = 0, channels = 0;
  std::vector<uint8_t> bytes{};
  int orientation = 1;  ///< of EXIF: 1 to 8, as it is to be turned
};

/// The content of a file, and how large an image it may hold.
struct ImageContent {
  const std::string& path;
  std::string_view bytes;
  int64_t most_pixels = 0;
};

inline bool is_png(std::string_view head) { return head.starts_with("\x89PNG\r\n\x1a\n"); }
inline bool is_jpeg(std::string_view head) { return head.starts_with("\xff\xd8\xff"); }
Pixels read_png(const ImageContent& content);
Pixels read_jpeg(const ImageContent& content);

/// Throws where an image of these sides is larger than it may be, or `densest` pixels a byte could not fill it.
void check_size(const ImageContent& content, int64_t height, int64_t width, int64_t densest);
/// The orientation that EXIF data (a TIFF header and what follows) tells; 1 where it tells none.
int exif_orientation(std::string_view tiff);

/// `pixels` turned as its orientation says, which is 1 then.
Pixels upright(Pixels pixels);
/// With 1, 3 or 4 channels; alpha that goes shows `background`.
Pixels with_channels(Pixels pixels, int64_t channels, uint8_t background);

/// The part of an image that a resized one shows, in pixels of the image: [top, bottom) x [left, right).
struct Window {
  double top = 0, bottom = 0, left = 0, right = 0;
};
/// That part, height x width. See resize_image; of 1, 3 or 4 channels.
Pixels resampled(const Pixels& pixels, const Window& window, int64_t height, int64_t width);

}  // namespace gradus::data
