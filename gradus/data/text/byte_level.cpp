// Regular expressions by hand: an alternative is tried where its first character allows it, in the order in which they stand.
#include "gradus/data/text/byte_level.hpp"

#include <array>

#include "gradus/data/text/unicode.hpp"
#include "gradus/data/text/utf8.hpp"

namespace gradus::data {

namespace {

constexpr bool is_visible(int byte) { return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE; }

struct ByteTable {
  std::array<char16_t, 256> characters{};
  std::array<int16_t, 512> bytes{};
};

constexpr ByteTable make_table() {
  ByteTable table;
  table.bytes.fill(-1);
  char16_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const char16_t c = is_visible(byte) ? static_cast<char16_t>(byte) : next++;
    table.characters[static_cast<size_t>(byte)] = c;
    table.bytes[c] = static_cast<int16_t>(byte);
  }
  return table;
}
constexpr ByteTable kTable = make_table();

enum class Class : uint8_t { space, letter, number, other };

Class class_of(char32_t c) {
  if (c < 0x80) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return Class::letter;
    if (c >= '0' && c <= '9') return Class::number;
    return is_space(c) ? Class::space : Class::other;
  }
  const uint8_t classes = character_classes(c);
  if (classes & kLetter) return Class::letter;
  if (classes & kNumber) return Class::number;
  return is_space(c) ? Class::space : Class::other;
}

struct Read {
  char32_t c;
  Class kind;
  size_t end;
};
Read read(std::string_view text, size_t at) {
  const char32_t c = next_code_point(text, at);
  return {c, class_of(c), at};
}

// End of the characters of one class from `at` on.
size_t run_end(std::string_view text, size_t at, Class kind) {
  while (at < text.size()) {
    const Read next = read(text, at);
    if (next.kind != kind) break;
    at = next.end;
  }
  return at;
}

// Length of 's, 't, 're, 've, 'm, 'll or 'd behind an apostrophe at `at`; 0 if there is none.
size_t contraction(std::string_view text, size_t at, bool folds_case) {
  const auto letter = [&](size_t i) -> char {
    if (at + i >= text.size()) return '\0';
    const char c = text[at + i];
    return folds_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const char first = letter(1), second = letter(2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if (second == 'e' && (first == 'r' || first == 'v')) return 3;
  if (first == 'l' && second == 'l') return 3;
  // Without regard to case, a long s is an s.
  if (folds_case && text.substr(at + 1).starts_with("\xC5\xBF")) return 3;
  return 0;
}

// \s+(?!\S)|\s+: spaces before a word leave their last one to it.
size_t spaces_end(std::string_view text, size_t at) {
  const size_t end = run_end(text, at, Class::space);
  if (end == text.size()) return end;
  size_t last = end;
  code_point_before(text, last);
  return last > at ? last : end;
}

}  // namespace

char32_t character_of_byte(uint8_t byte) { return kTable.characters[byte]; }
int byte_of_character(char32_t c) { return c < kTable.bytes.size() ? kTable.bytes[c] : -1; }

size_t gpt2_word_end(std::string_view text, size_t at) {
  if (text[at] == '\'') {
    if (const size_t length = contraction(text, at, false)) return at + length;
  }
  const Read first = read(text, at);
  if (first.kind != Class::space) return run_end(text, first.end, first.kind);
  if (first.c == ' ' && first.end < text.size()) {
    const Read next = read(text, first.end);
    if (next.kind != Class::space) return run_end(text, next.end, next.kind);
  }
  return spaces_end(text, at);
}

size_t gpt4_word_end(std::string_view text, size_t at, int most_digits) {
  if (text[at] == '\'') {
    if (const size_t length = contraction(text, at, true)) return at + length;
  }
  const Read first = read(text, at);
  const bool is_line_end = first.c == '\r' || first.c == '\n';
  if (first.kind == Class::letter) return run_end(text, first.end, Class::letter);
  const bool has_next = first.end < text.size();
  if (!is_line_end && first.kind != Class::number && has_next && read(text, first.end).kind == Class::letter) {
    return run_end(text, first.end, Class::letter);
  }
  if (first.kind == Class::number) {
    size_t end = first.end;
    for (int i = 1; i < most_digits && end < text.size(); ++i) {
      const Read next = read(text, end);
      if (next.kind != Class::number) break;
      end = next.end;
    }
    return end;
  }
  const bool is_space_before_other = first.c == ' ' && has_next && read(text, first.end).kind == Class::other;
  if (first.kind == Class::other || is_space_before_other) {
    size_t end = run_end(text, first.end, Class::other);
    while (end < text.size() && (text[end] == '\r' || text[end] == '\n')) ++end;
    return end;
  }
  // \s*[\r\n]+ goes to the last line end of the spaces.
  const size_t end = run_end(text, at, Class::space), line_end = text.substr(0, end).find_last_of("\r\n");
  if (line_end != std::string_view::npos && line_end >= at) return line_end + 1;
  return spaces_end(text, at);
}

}  // namespace gradus::data
