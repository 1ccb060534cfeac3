// WordPiece and whole words; reading of what all models have. Byte pairs: byte_pair_model.cpp; unigrams: unigram_model.cpp.
#include "gradus/data/text/token_model.hpp"

#include <algorithm>

#include "gradus/data/text/spec_internal.hpp"

namespace gradus::data {

using namespace core;

namespace {

// Greedy: the longest token that the word begins with, then the longest of the rest with the prefix in front (Wu and others, "Google's
// Neural Machine Translation System", 2016; BERT's form of it).
class WordPieceModel final : public TokenModel {
 public:
  WordPieceModel(Vocabulary vocabulary, const WordPieceOptions& options)
      : TokenModel(std::move(vocabulary)), options_(options), unknown_(this->vocabulary().find(options.unknown)) {}

  bool tokenize(std::string_view word, std::vector<TokenPiece>& out) const override {
    const size_t before = out.size();
    if (static_cast<int64_t>(word.size()) > options_.most_characters && count_code_points(word) > options_.most_characters)
      return add_unknown(word, out);
    std::string piece;
    for (size_t begin = 0; begin < word.size();) {
      piece.assign(begin > 0 ? options_.continuing_prefix : "");
      const size_t prefix = piece.size();
      size_t end = std::min(word.size(), begin + (vocabulary().longest() > prefix ? vocabulary().longest() - prefix : 0));
      while (end > begin && end < word.size() && is_inside(word, end)) --end;
      piece += word.substr(begin, end - begin);
      int32_t id = -1;
      while (end > begin && (id = vocabulary().find(piece)) < 0) {
        do --end;
        while (end > begin && is_inside(word, end));
        piece.resize(prefix + end - begin);
      }
      if (id < 0) {
        out.resize(before);
        return add_unknown(word, out);
      }
      out.push_back({id, static_cast<uint32_t>(end)});
      begin = end;
    }
    return true;
  }
  Datum to_datum() const override {
    return Datum::Table{{"type", "WordPiece"},
                        {"unk_token", options_.unknown},
                        {"continuing_subword_prefix", options_.continuing_prefix},
                        {"max_input_chars_per_word", options_.most_characters},
                        {"vocab", detail::list_of(vocabulary().tokens())}};
  }
  int32_t unknown() const override { return unknown_; }

 private:
  static bool is_inside(std::string_view word, size_t at) { return (static_cast<uint8_t>(word[at]) & 0xC0) == 0x80; }
  bool add_unknown(std::string_view word, std::vector<TokenPiece>& out) const {
    out.push_back({unknown_, static_cast<uint32_t>(word.size())});
    return unknown_ >= 0;
  }

  WordPieceOptions options_;
  int32_t unknown_;
};

class WordLevelModel final : public TokenModel {
 public:
  WordLevelModel(Vocabulary vocabulary, const std::string& unknown)
      : TokenModel(std::move(vocabulary)), unknown_text_(unknown), unknown_(this->vocabulary().find(unknown)) {}

  bool tokenize(std::string_view word, std::vector<TokenPiece>& out) const override {
    const int32_t id = vocabulary().find(word);
    out.push_back({id < 0 ? unknown_ : id, static_cast<uint32_t>(word.size())});
    return out.back().id >= 0;
  }
  Datum to_datum() const override {
    return Datum::Table{{"type", "WordLevel"}, {"vocab", detail::list_of(vocabulary().tokens())}, {"unk_token", unknown_text_}};
  }
  int32_t unknown() const override { return unknown_; }

 private:
  std::string unknown_text_;
  int32_t unknown_;
};

std::unique_ptr<TokenModel> read_word_piece(const Spec& spec) {
  WordPieceOptions options{.unknown = spec["unk_token"].text_or("[UNK]"),
                           .continuing_prefix = spec["continuing_subword_prefix"].text_or("##")};
  const Spec most = spec["max_input_chars_per_word"];
  if (most.exists()) options.most_characters = most.integer(0, int64_t{1} << 31);
  Vocabulary vocabulary = read_vocabulary(spec["vocab"]);
  detail::id_of_named(vocabulary, options.unknown, spec["unk_token"]);
  return make_word_piece_model(std::move(vocabulary), options);
}

std::unique_ptr<TokenModel> read_word_level(const Spec& spec) {
  return make_word_level_model(read_vocabulary(spec["vocab"]), spec["unk_token"].text_or("<unk>"));
}

struct Kind {
  std::string_view name;
  std::unique_ptr<TokenModel> (*read)(const Spec& spec);
};
constexpr Kind kKinds[] = {{"BPE", detail::read_byte_pair_model},
                           {"WordPiece", read_word_piece},
                           {"WordLevel", read_word_level},
                           {"Unigram", detail::read_unigram_model}};

}  // namespace

std::unique_ptr<TokenModel> make_word_piece_model(Vocabulary vocabulary, const WordPieceOptions& options) {
  return std::make_unique<WordPieceModel>(std::move(vocabulary), options);
}
std::unique_ptr<TokenModel> make_word_level_model(Vocabulary vocabulary, const std::string& unknown) {
  return std::make_unique<WordLevelModel>(std::move(vocabulary), unknown);
}

int32_t detail::id_of_named(const Vocabulary& vocabulary, const std::string& token, const Spec& spec) {
  if (token.empty()) return -1;
  const int32_t id = vocabulary.find(token);
  if (id < 0) spec.fail("\"", token, "\" is not in the vocabulary");
  return id;
}

Datum detail::list_of(const std::vector<std::string>& texts) {
  Datum::List list;
  list.reserve(texts.size());
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

namespace {

std::string name_of(std::string_view token) { return to_text(Datum(std::string(token))); }

void check_token(const Spec& spec, std::string_view token, int64_t id) {
  if (const int64_t at = invalid_utf8(token); at >= 0) spec.fail("byte ", at, " of token ", id, " is not UTF-8");
}

Vocabulary vocabulary_of_list(const Spec& spec, const Datum::List& list) {
  Vocabulary out;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string* token = list[i].get_if<std::string>();
    if (!token) spec.fail("[", i, "] is ", list[i], "; tokens must be texts");
    check_token(spec, *token, static_cast<int64_t>(i));
    if (out.add(*token) != static_cast<int32_t>(i))
      spec.fail("[", i, "] is ", name_of(*token), ", which is token ", out.find(*token), " too");
  }
  return out;
}

}  // namespace

Vocabulary read_vocabulary(const Spec& spec) {
  constexpr size_t kMost = size_t{1} << 24;
  if (const auto* list = spec.value().get_if<Datum::List>()) {
    if (list->size() > kMost) spec.fail("there are ", list->size(), " tokens; at most ", kMost, " are read");
    return vocabulary_of_list(spec, *list);
  }
  const Datum::Table& table = spec.table();
  const auto count = static_cast<int64_t>(table.size());
  if (table.size() > kMost) spec.fail("there are ", count, " tokens; at most ", kMost, " are read");
  std::vector<const std::string*> by_id(table.size());
  for (const auto& [token, value] : table) {
    const int64_t* id = value.get_if<int64_t>();
    if (!id) spec.fail("the id of ", name_of(token), " is ", value, "; ids must be integers");
    if (*id < 0 || *id >= count)
      spec.fail("the id of ", name_of(token), " is ", *id, ", and there are ", count, " tokens; ids must be 0 to ", count - 1,
                ", each once");
    const std::string*& place = by_id[static_cast<size_t>(*id)];
    if (place) spec.fail(name_of(*place), " and ", name_of(token), " both have the id ", *id, "; each must have its own");
    check_token(spec, token, *id);
    place = &token;
  }
  Vocabulary out;
  for (const std::string* token : by_id) out.add(*token);
  return out;
}

std::unique_ptr<TokenModel> read_token_model(const Spec& spec) {
  if (spec["type"].exists()) return kind_of(spec, kKinds, "model").read(spec);
  // Files of old versions name no type.
  spec.table();
  if (spec["merges"].exists()) return detail::read_byte_pair_model(spec);
  if (spec["continuing_subword_prefix"].exists() || spec["max_input_chars_per_word"].exists()) return read_word_piece(spec);
  if (spec["unk_id"].exists()) return detail::read_unigram_model(spec);
  spec.fail("it names no type; known are BPE, WordPiece, WordLevel, Unigram");
}

}  // namespace gradus::data
