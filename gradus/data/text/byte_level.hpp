// Bytes as characters that can be seen: GPT-2's way to have a token for each byte in vocabularies of text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gradus::data {

/// Visible bytes of Latin-1 stand for themselves; the others, in order, for U+0100 and on: a space is Ġ, a line feed Ċ.
char32_t character_of_byte(uint8_t byte);
/// The byte that a character stands for; -1 for other characters.
int byte_of_character(char32_t c);

/// End of the word of GPT-2 that begins at `at`, below the size of the text. Its regular expression:
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t gpt2_word_end(std::string_view text, size_t at);
/// Of Llama 3 (and, with most_digits 1, of Qwen 2), whose numbers have at most so many digits:
///     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t gpt4_word_end(std::string_view text, size_t at, int most_digits);

}  // namespace gradus::data
