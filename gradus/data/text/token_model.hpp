// Models of tokens: what takes a word apart. Byte pairs, WordPiece, whole words, unigrams.
#pragma once

#include <memory>

#include "gradus/base/datum.hpp"
#include "gradus/data/text/vocabulary.hpp"

namespace gradus::data {

class Spec;

/// A token of a word, and the byte of the word where it ends.
struct TokenPiece {
  int32_t id = 0;
  uint32_t end = 0;
};

class TokenModel {
 public:
  explicit TokenModel(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
  virtual ~TokenModel() = default;
  TokenModel(const TokenModel&) = delete;
  TokenModel& operator=(const TokenModel&) = delete;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  /// Appends the tokens of a word that is not empty. False for a word, or a character of it, that the vocabulary has no token for and that
  /// no token for unknown ones stands for; then `out` is of no use.
  virtual bool tokenize(std::string_view word, std::vector<TokenPiece>& out) const = 0;
  /// As the "model" of a tokenizer file, but the vocabulary is a list of the tokens.
  virtual core::Datum to_datum() const = 0;
  /// The token for what is unknown; -1: none.
  virtual int32_t unknown() const = 0;

 private:
  Vocabulary vocabulary_;
};

/// Two tokens that become one.
struct Merge {
  int32_t left = 0, right = 0, merged = 0;
};
struct BytePairOptions {
  std::string unknown{};             ///< token; empty: none
  std::string continuing_prefix{};   ///< of tokens that do not begin a word
  std::string end_suffix{};          ///< of tokens that end one
  bool fuses_unknown = false;        ///< unknown characters that follow one another are one token
  bool falls_back_to_bytes = false;  ///< an unknown character becomes the tokens <0x00> .. <0xFF> of its bytes
  bool ignores_merges = false;       ///< a word that is a token is taken whole
};
/// The merges in the order in which they are tried.
std::unique_ptr<TokenModel> make_byte_pair_model(Vocabulary vocabulary, const std::vector<Merge>& merges, const BytePairOptions& options);
struct WordPieceOptions {
  std::string unknown = "[UNK]", continuing_prefix = "##";
  int64_t most_characters = 100;  ///< of a word; a longer one is unknown
};
std::unique_ptr<TokenModel> make_word_piece_model(Vocabulary vocabulary, const WordPieceOptions& options);
std::unique_ptr<TokenModel> make_word_level_model(Vocabulary vocabulary, const std::string& unknown);

/// What the "model" of a tokenizer file says: BPE, WordPiece, WordLevel or Unigram. Where it names no type, it is known by what it has.
std::unique_ptr<TokenModel> read_token_model(const Spec& spec);

/// A vocabulary from a table of ids by token, or a list of tokens. Ids must be 0 to N-1, each once.
Vocabulary read_vocabulary(const Spec& spec);
/// The same when both parts of a pair are known; `where` says of which merge, for messages.
Merge merge_of(const Vocabulary& vocabulary, std::string_view left, std::string_view right, const BytePairOptions& options,
               const Spec& where);

namespace detail {
std::unique_ptr<TokenModel> read_byte_pair_model(const Spec& spec);
std::unique_ptr<TokenModel> read_unigram_model(const Spec& spec);
/// The id of a token that a model names, -1 for ""; refuses one that is not in the vocabulary.
int32_t id_of_named(const Vocabulary& vocabulary, const std::string& token, const Spec& spec);
core::Datum list_of(const std::vector<std::string>& texts);
}  // namespace detail

}  // namespace gradus::data
