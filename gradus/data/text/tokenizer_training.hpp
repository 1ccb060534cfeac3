// Tokenizers made from texts.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/data/text/tokenizer.hpp"

namespace gradus::data {

/// What tokens are.
enum class TokenizerKind : uint8_t {
  character,        ///< code points
  word,             ///< words, and each run of punctuation: what stands between spaces is cut where letters and digits end
  byte_pair,        ///< byte pairs as GPT-2's: of the bytes of words with the space before them; no text is unknown
  plain_byte_pair,  ///< byte pairs of characters, spaces written as U+2581
  word_piece,       ///< BERT's: pieces that go on in a word begin with ##
};
/// The kind of that name ("byte_pair"); throws for others, naming the nearest.
TokenizerKind tokenizer_kind(std::string_view name);

/// How a tokenizer is trained. vocabulary_size and least_count are at least 1.
struct TokenizerOptions {
  int64_t vocabulary_size = 8000;  ///< at most so many tokens, special ones included
  int64_t least_count = 1;         ///< characters, words or pairs that are rarer become no token
  bool lowercase = false;          ///< texts become lower case first (word_piece: and lose their accents)
  /// Ids 0, 1, ... By default <pad>, <unk>, <s>, </s>; of word_piece [PAD], [UNK], [CLS], [SEP], [MASK]. <unk> or [UNK] stands for what is
  /// unknown; without it that is an error (byte_pair knows everything).
  std::optional<std::vector<std::string>> special_tokens{};
};

/// Trains a tokenizer: the same texts give the same one, in any order. Characters take ids by code point and words by how often they occur;
/// of pairs that are equally frequent the one of smaller ids, first the left, is merged first. If there is no room for all characters, the
/// most frequent are kept (of equals the smaller code points). Word pieces are found as byte pairs are.
///
///   data::Tokenizer tokenizer = data::train_tokenizer(data::TokenizerKind::byte_pair, texts, {.vocabulary_size = 1000});
Tokenizer train_tokenizer(TokenizerKind kind, std::span<const std::string> texts, TokenizerOptions options = {});

}  // namespace gradus::data
