// Image files for tests: PNG files chunk by chunk, and JPEG files by libjpeg.
#pragma once

#ifdef GRADUS_HAS_JPEG
#include <jpeglib.h>
#endif
#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::testing {

inline std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8), static_cast<char>(value)};
}
inline std::string png_chunk(const std::string& type, const std::string& content) {
  const std::string body = type + content;
  const auto check = static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())));
  return big_endian(static_cast<uint32_t>(content.size())) + body + big_endian(check);
}

struct PngStyle {
  uint32_t width = 1, height = 1;
  int bits = 8, colour = 2;  ///< 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
  bool is_interlaced = false;
  std::string before{};  ///< chunks before the pixels
};
/// A PNG file; `rows` are its bytes behind the filter of the first row, with a filter in front of each other.
inline std::string png(const PngStyle& style, const std::string& rows) {
  const std::string filtered = style.is_interlaced ? rows : std::string(1, '\0') + rows;
  uLongf size = compressBound(filtered.size());
  std::string deflated(size, '\0');
  compress(reinterpret_cast<Bytef*>(deflated.data()), &size, reinterpret_cast<const Bytef*>(filtered.data()), filtered.size());
  deflated.resize(size);
  const std::string header = big_endian(style.width) + big_endian(style.height) + static_cast<char>(style.bits) +
                             static_cast<char>(style.colour) + std::string(2, '\0') + static_cast<char>(style.is_interlaced);
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) + style.before + png_chunk("IDAT", deflated) + png_chunk("IEND", "");
}

/// EXIF data that says nothing but an orientation.
inline std::string exif(char orientation, bool is_little) {
  const std::string zeros(4, '\0');
  if (is_little) return std::string("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18) + orientation + std::string(3, '\0') + zeros;
  return std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19) + orientation + std::string(2, '\0') + zeros;
}

struct JpegStyle {
  int colours = 3;  ///< 1 grey, 3 RGB, 4 CMYK as Adobe has it
  bool is_progressive = false;
  char orientation = 0;  ///< 0: no EXIF data
  int quality = 90;
};
#ifdef GRADUS_HAS_JPEG
inline std::string jpeg(const std::vector<uint8_t>& pixels, unsigned height, unsigned width, const JpegStyle& style = {}) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = width;
  info.image_height = height;
  info.input_components = style.colours;
  info.in_color_space = style.colours == 1 ? JCS_GRAYSCALE : style.colours == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, style.quality, TRUE);
  if (style.is_progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (style.orientation) {
    const std::string marker = std::string("Exif\0\0", 6) + exif(style.orientation, true);
    jpeg_write_marker(&info, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(marker.data()), static_cast<unsigned>(marker.size()));
  }
  while (info.next_scanline < height) {
    auto* row = const_cast<JSAMPLE*>(pixels.data()) + size_t{info.next_scanline} * width * static_cast<unsigned>(style.colours);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string out(reinterpret_cast<const char*>(bytes), size);
  jpeg_destroy_compress(&info);
  std::free(bytes);
  return out;
}
#else
inline std::string jpeg(const std::vector<uint8_t>&, unsigned, unsigned, const JpegStyle& = {}) { return {}; }
#endif

}  // namespace gradus::testing
