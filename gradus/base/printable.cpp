// Escapes.
#include "gradus/base/printable.hpp"

#include <charconv>
#include <cstdint>
#include <cstdio>

#include "gradus/base/text.hpp"

namespace gradus::core {

namespace {

// Bytes of the character that starts the text; 0 if it is no UTF-8. Only as strict as terminals need: overlong forms are refused.
size_t utf8_length(std::string_view text, uint32_t& code) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  code = length == 1 ? first : first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  return is_overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : length;
}

bool is_obeyed(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

std::string escape(const char* format, uint32_t code) {
  char text[16];
  std::snprintf(text, sizeof text, format, code);
  return text;
}

}  // namespace

std::string printable(std::string_view text, size_t limit) {
  std::string out;
  size_t at = 0;
  while (at < text.size() && at < limit) {
    uint32_t code = 0;
    const size_t length = utf8_length(text.substr(at), code);
    if (length == 0) out += escape("\\x%02x", static_cast<unsigned char>(text[at]));
    else if (!is_obeyed(code)) out += text.substr(at, length);
    else if (code == '\n') out += "\\n";
    else if (code == '\t') out += "\\t";
    else out += escape(code < 0x100 ? "\\x%02x" : "\\u%04x", code);
    at += length ? length : 1;
  }
  if (at < text.size()) out += "... (" + std::to_string(text.size()) + " bytes)";
  return out;
}

bool is_utf8(std::string_view text) {
  uint32_t code = 0;
  while (!text.empty()) {
    const size_t length = utf8_length(text, code);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\n\r") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string csv_text_cell(std::string_view text) {
  const bool may_be_formula = !text.empty() && std::string_view("=+-@\t\r\n").find(text[0]) != std::string_view::npos;
  double ignored;
  const auto end = may_be_formula ? std::from_chars(text.data() + (text[0] == '+'), text.data() + text.size(), ignored).ptr : nullptr;
  const bool is_number = may_be_formula && end == text.data() + text.size() && text.size() > 1;
  return csv_cell(may_be_formula && !is_number ? concat("'", text) : std::string(text));
}

}  // namespace gradus::core
