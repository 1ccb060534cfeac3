// Tokenizers: text to numbers and back.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/base/datum.hpp"

namespace gradus::data {

/// Bytes begin .. end-1 of a text.
struct TextSpan {
  int64_t begin = 0, end = 0;
  friend bool operator==(const TextSpan&, const TextSpan&) = default;
};

/// The tokens of a text, or of a pair of texts.
struct Encoding {
  std::vector<int64_t> ids{};
  std::vector<TextSpan> offsets{};  ///< where in its text each token stands; (0, 0) for special tokens that were put around it
  std::vector<int64_t> types{};     ///< 0; in the second text of a pair as the tokenizer says, 1 for BERT
};

/// What encode adds and leaves out.
struct EncodeOptions {
  bool special_tokens = true;  ///< put around the text what the tokenizer says: [CLS] ... [SEP]
  int64_t most = 0;  ///< so many tokens, the ones around included; the text is cut off at its end, of a pair the longer one. 0: all
};
/// What decode leaves out.
struct DecodeOptions {
  bool special_tokens = false;  ///< keep the texts of special tokens
};

/// Text to ids and back: normalisation, words, tokens, and special tokens around them. A value that is cheap to copy; all copies are equal
/// for ever. From a file (tokenizer_file.hpp), trained on texts (tokenizer_training.hpp), or from a model file (ModelInfo::tokenizer).
///
///   data::Tokenizer tokenizer = data::load_tokenizer("tokenizer.json");
///   std::vector<int64_t> ids = tokenizer.encode("Hello, world!");
///   std::string text = tokenizer.decode(ids);
///
/// Texts must be UTF-8: `encode: byte 3 (0xff) is not UTF-8; ...`. Many threads may use one tokenizer.
class Tokenizer {
 public:
  /// None: its use is an error.
  Tokenizer() = default;
  bool exists() const { return parts_ != nullptr; }

  /// The ids of a text. A special token that stands in the text is itself. A character that there is no token for, where none stands for
  /// unknown ones, is an error that names its place.
  std::vector<int64_t> encode(std::string_view text, EncodeOptions options = {}) const;
  /// The same with the place of each token.
  Encoding encode_with_offsets(std::string_view text, EncodeOptions options = {}) const;
  /// Two texts in one row, as the tokenizer says: [CLS] ... [SEP] ... [SEP].
  Encoding encode_pair(std::string_view first, std::string_view second, EncodeOptions options = {}) const;
  /// Of each text, on all threads.
  std::vector<std::vector<int64_t>> encode_all(std::span<const std::string> texts, EncodeOptions options = {}) const;

  /// The text of ids; bytes that are no UTF-8 become U+FFFD. Throws naming position and value of an id that is none.
  std::string decode(std::span<const int64_t> ids, DecodeOptions options = {}) const;
  std::vector<std::string> decode_all(std::span<const std::vector<int64_t>> rows, DecodeOptions options = {}) const;

  /// Number of ids, added tokens included: ids are 0 to vocabulary_size() - 1.
  int64_t vocabulary_size() const;
  /// The token of an id as the vocabulary writes it: "Ġworld", "##ing". Throws for an id that is none.
  const std::string& token(int64_t id) const;
  /// The id of a token; throws for one that is not there, naming the nearest.
  int64_t id(std::string_view token) const;
  std::optional<int64_t> find(std::string_view token) const;
  /// Whether decode leaves it out.
  bool is_special(int64_t id) const;
  /// What stands for unknown words or characters; nothing where there is no such token.
  std::optional<int64_t> unknown() const;

  /// The same with special tokens; those that the vocabulary has keep their ids, others get the next ones.
  Tokenizer with_special_tokens(std::initializer_list<std::string_view> tokens) const;
  Tokenizer with_special_tokens(std::span<const std::string> tokens) const;
  /// The same, whose encode puts these tokens before and behind each text; "" for none. They must be there.
  ///
  ///   tokenizer.with_special_tokens({"<s>", "</s>"}).with_ends("<s>", "</s>").encode("a")   // <s> a </s>
  Tokenizer with_ends(std::string_view before, std::string_view behind) const;

  /// As plain data, in the form of a tokenizer.json; and back. `place` is for messages. Throws for data that are no tokenizer, naming
  /// where.
  core::Datum to_datum() const;
  static Tokenizer from_datum(const core::Datum& datum, std::string_view place = "tokenizer");

  /// What it is made of; for the library.
  struct Parts;
  explicit Tokenizer(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  const Parts& parts(std::string_view op) const;

 private:
  std::shared_ptr<const Parts> parts_;
};

/// Decoding token by token, for text that is being generated: the bytes of a character may be spread over tokens.
///
///   data::TokenStream stream(tokenizer);
///   for (int64_t id : ids) std::cout << stream.push(id) << std::flush;
///   std::cout << stream.finish();
class TokenStream {
 public:
  explicit TokenStream(Tokenizer tokenizer, DecodeOptions options = {});
  /// What the next token makes readable; "" while a character is not complete.
  std::string push(int64_t id);
  /// What is left; the stream begins anew.
  std::string finish();

 private:
  std::string text(size_t end) const;

  Tokenizer tokenizer_;
  DecodeOptions options_;
  std::vector<int64_t> ids_;  // those that were read last, which say how the next ones look, and those that wait
  size_t read_ = 0;
};

}  // namespace gradus::data
