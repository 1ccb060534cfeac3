// PNG images, written only: small pictures inside reports.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gradus::io {

/// The bytes of a PNG file. pixels: height x width x channels, row-major; channels 1 (grey), 3 (RGB) or 4 (RGBA).
std::string encode_png(std::span<const uint8_t> pixels, int64_t height, int64_t width, int64_t channels);
/// "data:image/png;base64,...": an image that stands inside a page.
std::string png_data_uri(std::span<const uint8_t> pixels, int64_t height, int64_t width, int64_t channels);
std::string base64(std::string_view bytes);

}  // namespace gradus::io
