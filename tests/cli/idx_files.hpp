// IDX files of a few samples, for recipes that read them.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/cli/subprocess.hpp"

namespace gradus::testing {

using Rows = std::vector<std::vector<float>>;

inline std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8), static_cast<char>(value)};
}
/// Floats, (rows, columns).
inline void write_samples(const std::string& path, const Rows& rows) {
  std::string out =
      std::string("\0\0\x0d\x02", 4) + big_endian(static_cast<uint32_t>(rows.size())) + big_endian(static_cast<uint32_t>(rows[0].size()));
  for (const auto& row : rows) {
    for (const float value : row) out += big_endian(std::bit_cast<uint32_t>(value));
  }
  write_text(path, out);
}
/// Bytes, one a label.
inline void write_labels(const std::string& path, const std::vector<int>& labels) {
  std::string out = std::string("\0\0\x08\x01", 4) + big_endian(static_cast<uint32_t>(labels.size()));
  for (const int label : labels) out += static_cast<char>(label);
  write_text(path, out);
}
/// Bytes, (images, side, side).
inline void write_images(const std::string& path, int side, const std::vector<std::vector<int>>& images) {
  std::string out = std::string("\0\0\x08\x03", 4) + big_endian(static_cast<uint32_t>(images.size()));
  for (int axis = 0; axis < 2; ++axis) out += big_endian(static_cast<uint32_t>(side));
  for (const auto& image : images) {
    for (const int pixel : image) out += static_cast<char>(pixel);
  }
  write_text(path, out);
}

}  // namespace gradus::testing
