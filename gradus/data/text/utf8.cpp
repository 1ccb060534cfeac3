// Checking by the table of well-formed byte sequences (Unicode, table 3-7).
#include "gradus/data/text/utf8.hpp"

#include <algorithm>
#include <cstring>

#include "gradus/base/error.hpp"

namespace gradus::data {

using namespace core;

namespace {

struct Form {
  int length = 0;                   // 0: no byte that begins a character
  uint8_t low = 0x80, high = 0xBF;  // of the second byte
};

constexpr Form form_of(uint8_t first) {
  if (first < 0x80) return {1};
  if (first < 0xC2) return {0};  // a later byte, or an overlong form
  if (first < 0xE0) return {2};
  if (first < 0xF0) return {3, static_cast<uint8_t>(first == 0xE0 ? 0xA0 : 0x80), static_cast<uint8_t>(first == 0xED ? 0x9F : 0xBF)};
  if (first < 0xF5) return {4, static_cast<uint8_t>(first == 0xF0 ? 0x90 : 0x80), static_cast<uint8_t>(first == 0xF4 ? 0x8F : 0xBF)};
  return {0};
}

struct Scan {
  size_t length = 0;                      // bytes that belong together, at least 1
  bool is_whole = false, is_cut = false;  // a character; the beginning of one that the end of the text cuts off
};

Scan scan(std::string_view text, size_t at) {
  const Form form = form_of(static_cast<uint8_t>(text[at]));
  if (form.length == 0) return {1};
  size_t length = 1;
  while (length < static_cast<size_t>(form.length)) {
    if (at + length == text.size()) return {length, false, true};
    const auto byte = static_cast<uint8_t>(text[at + length]);
    if (byte < (length == 1 ? form.low : 0x80) || byte > (length == 1 ? form.high : 0xBF)) return {length};
    ++length;
  }
  return {length, true};
}

std::string hexadecimal(uint8_t byte) {
  constexpr char digits[] = "0123456789abcdef";
  return std::string("0x") + digits[byte >> 4] + digits[byte & 15];
}

constexpr std::string_view kRule = "save the text as UTF-8";

}  // namespace

int64_t invalid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    uint64_t eight;
    if (at + sizeof(eight) <= text.size()) {
      std::memcpy(&eight, text.data() + at, sizeof(eight));
      if ((eight & 0x8080808080808080u) == 0) {
        at += sizeof(eight);
        continue;
      }
    }
    const Scan found = scan(text, at);
    if (!found.is_whole) return static_cast<int64_t>(at);
    at += found.length;
  }
  return -1;
}

void check_utf8(std::string_view place, std::string_view text) {
  const int64_t at = invalid_utf8(text);
  if (at >= 0) fail(place, "byte ", at, " (", hexadecimal(static_cast<uint8_t>(text[static_cast<size_t>(at)])), ") is not UTF-8; ", kRule);
}

void check_utf8_file(const std::string& path, std::string_view text) {
  const int64_t at = invalid_utf8(text);
  if (at < 0) return;
  const auto line = 1 + std::count(text.begin(), text.begin() + at, '\n');
  fail_io(concat(path, ":", line), "byte ", at, " (", hexadecimal(static_cast<uint8_t>(text[static_cast<size_t>(at)])),
          ") of the file is not UTF-8; ", kRule);
}

char32_t next_code_point(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<uint8_t>(text[at + i])); };
  const char32_t first = byte(0);
  char32_t code_point;
  if (first < 0x80) {
    code_point = first;
    at += 1;
  } else if (first < 0xE0) {
    code_point = (first & 0x1F) << 6 | (byte(1) & 0x3F);
    at += 2;
  } else if (first < 0xF0) {
    code_point = (first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    at += 3;
  } else {
    code_point = (first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    at += 4;
  }
  return code_point;
}

char32_t code_point_before(std::string_view text, size_t& end) {
  --end;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  size_t at = end;
  return next_code_point(text, at);
}

void append_code_point(std::string& text, char32_t c) {
  const auto add = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) {
    add(c);
  } else if (c < 0x800) {
    add(0xC0 | c >> 6);
    add(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    add(0xE0 | c >> 12);
    add(0x80 | (c >> 6 & 0x3F));
    add(0x80 | (c & 0x3F));
  } else {
    add(0xF0 | c >> 18);
    add(0x80 | (c >> 12 & 0x3F));
    add(0x80 | (c >> 6 & 0x3F));
    add(0x80 | (c & 0x3F));
  }
}

int64_t count_code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return (static_cast<uint8_t>(byte) & 0xC0) != 0x80; });
}

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const Scan found = scan(bytes, at);
    if (found.is_whole) out += bytes.substr(at, found.length);
    else out += "\xEF\xBF\xBD";
    at += found.length;
  }
  return out;
}

size_t unfinished_utf8(std::string_view bytes) {
  for (size_t count = 1; count <= std::min<size_t>(3, bytes.size()); ++count) {
    if (scan(bytes, bytes.size() - count).is_cut) return count;
  }
  return 0;
}

}  // namespace gradus::data
