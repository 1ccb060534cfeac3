// What characters are: classes, lower case, normal forms. As the `tokenizers` library has them, by which the files of tokenizers were
// made: its classes come from several versions of Unicode, BERT's from 8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gradus::data {

/// Bits of classes(c).
enum CharacterClass : uint8_t {
  kLetter = 1,       ///< \p{L}
  kNumber = 2,       ///< \p{N}
  kWord = 4,         ///< \w: letters, marks, decimal digits, connectors
  kPunctuation = 8,  ///< as BERT has it: also $, +, <, =, >, ^, `, |, ~ of ASCII
  kControl = 16,     ///< what BERT's cleaning removes: control and format characters, private use, NUL, U+FFFD
  kNonspacing = 32,  ///< marks that BERT strips from their letters
  kCombining = 64,   ///< marks that StripAccents strips: spacing and enclosing ones too
  kDigit = 128,      ///< \p{N} as Digits has it
};
uint8_t character_classes(char32_t c);
inline bool is_any(char32_t c, uint8_t classes) { return (character_classes(c) & classes) != 0; }
/// White_Space.
constexpr bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 0x9 && c <= 0xD);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}
/// Ideographs as BERT's authors list them.
constexpr bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) ||
         (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/// Calls add(character) for each character of the lower case of one, without its neighbours: a final sigma stays a common one.
template <class Add>
void lower_case(char32_t c, const Add& add);

/// The normal forms of Unicode Standard Annex 15.
enum class NormalForm : uint8_t { nfc, nfd, nfkc, nfkd };
/// `text` must be UTF-8.
///
/// The two code points e, U+0301 become the one U+00E9 by nfc.
std::string normal_form(std::string_view text, NormalForm form);

namespace detail {
/// The characters that one becomes; empty: itself.
std::u32string_view lower_of(char32_t c);
/// Of one character, by itself; empty: itself.
std::u32string_view decomposition_of(char32_t c, bool is_compatible, char32_t (&hangul)[3]);
uint8_t combining_class(char32_t c);
/// The character that two become; 0: none.
char32_t composition_of(char32_t first, char32_t second);
}  // namespace detail

template <class Add>
void lower_case(char32_t c, const Add& add) {
  if (c < 0x80) {
    add(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    return;
  }
  const std::u32string_view lower = detail::lower_of(c);
  if (lower.empty()) add(c);
  for (const char32_t each : lower) add(each);
}

}  // namespace gradus::data
