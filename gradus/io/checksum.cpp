// CRC-32 by zlib.
#include "gradus/io/checksum.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdio>

#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"

namespace gradus::io {

using namespace core;

namespace {

constexpr std::string_view kChecksumKey = "checksum";

// CRC-32 (ISO 3309, as in gzip and PNG) of everything that the file says, as "crc32:0123abcd": texts with their lengths, so that none can
// pass into the next.
std::string checksum_of(const std::vector<NamedArray>& arrays, const std::map<std::string, std::string>& metadata) {
  uLong crc = crc32(0, nullptr, 0);
  const auto add = [&](const void* data, int64_t bytes) {
    const auto* at = static_cast<const Bytef*>(data);
    for (; bytes > 0; bytes -= 1 << 30, at += 1 << 30) crc = crc32(crc, at, static_cast<uInt>(std::min<int64_t>(bytes, 1 << 30)));
  };
  const auto add_text = [&](const std::string& text) {
    const std::string length = concat(text.size(), ":");
    add(length.data(), static_cast<int64_t>(length.size()));
    add(text.data(), static_cast<int64_t>(text.size()));
  };
  for (const auto& [key, text] : metadata) {
    if (key == kChecksumKey) continue;
    add_text(key);
    add_text(text);
  }
  for (const NamedArray& entry : arrays) {
    add_text(entry.name);
    add_text(concat(entry.array.dtype(), " ", entry.array.shape()));
    add(row_major_data(entry.array), entry.array.size() * entry.array.dtype().size());
  }
  char text[16];
  std::snprintf(text, sizeof text, "crc32:%08lx", static_cast<unsigned long>(crc));
  return text;
}

}  // namespace

void add_checksum(const std::vector<NamedArray>& arrays, std::map<std::string, std::string>& metadata) {
  std::vector<Array> values;
  for (const NamedArray& entry : arrays) values.push_back(entry.array);
  evaluate(values);
  metadata[std::string(kChecksumKey)] = checksum_of(arrays, metadata);
}

void check_checksum(const Safetensors& file, const std::string& path, bool is_needed) {
  const auto at = file.metadata.find(std::string(kChecksumKey));
  if (at == file.metadata.end()) {
    if (is_needed) fail_io(path, "has no checksum; the file is damaged");
    return;
  }
  const std::string found = checksum_of(file.arrays, file.metadata);
  if (at->second != found) {
    fail_io(path, "its checksum is ", at->second, ", its content gives ", found,
            "; the file is damaged, or was changed by another program: that would have to take \"checksum\" out of the metadata");
  }
}

}  // namespace gradus::io
