// UTF-8 by code point, as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gradus::data {

/// Offset of the first byte that is not UTF-8; -1 if there is none. Plain ASCII is passed over by eight bytes at a time.
int64_t invalid_utf8(std::string_view text);
/// Throws `place: byte 17 (0xff) is not UTF-8; ...` with the offset of the first wrong byte.
void check_utf8(std::string_view place, std::string_view text);
/// The same of a file, with the line in the place: `notes.txt:3: byte 17 (0xff) of the file is not UTF-8; ...`.
void check_utf8_file(const std::string& path, std::string_view text);

/// The code point that begins at `at`, which moves behind it. The text must be UTF-8.
char32_t next_code_point(std::string_view text, size_t& at);
/// The code point that ends before `end`, which moves to its first byte. The text must be UTF-8 and `end` above 0.
char32_t code_point_before(std::string_view text, size_t& end);
void append_code_point(std::string& text, char32_t code_point);
/// Number of code points. The text must be UTF-8.
int64_t count_code_points(std::string_view text);

/// UTF-8 whatever the bytes are: each longest beginning of a character that breaks off, and each byte that begins none, becomes U+FFFD.
std::string replace_invalid_utf8(std::string_view bytes);
/// Bytes at the end that may yet become a character when more follow: 0 to 3.
size_t unfinished_utf8(std::string_view bytes);

}  // namespace gradus::data
