// From text to ids: added tokens, normalisation, words, tokens of each word, special tokens around.
#include "gradus/data/text/tokenizer.hpp"

#include <algorithm>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/data/text/spec_internal.hpp"
#include "gradus/data/text/tokenizer_parts_internal.hpp"
#include "gradus/data/text/word_cache.hpp"

namespace gradus::data {

using namespace core;

Tokenizer::Parts::Parts(std::shared_ptr<const TokenModel> token_model, TokenizerSteps said, std::vector<AddedToken> added_tokens,
                        std::string_view place)
    : model(std::move(token_model)), steps(std::move(said)) {
  if (steps.normalizer.exists()) normalize = read_normalizer({steps.normalizer, place, "normalizer"});
  if (steps.pre_tokenizer.exists()) cut = read_pre_tokenizer({steps.pre_tokenizer, place, "pre_tokenizer"});
  if (steps.decoder.exists()) decode = read_decoder({steps.decoder, place, "decoder"});
  added = AddedTokens(std::move(added_tokens), normalize);
  size = model->vocabulary().size();
  for (const AddedToken& token : added.all()) size = std::max(size, int64_t{token.id} + 1);
  if (steps.post_processor.exists()) post = read_post_processor({steps.post_processor, place, "post_processor"}, size);
}

std::vector<AddedToken> special_tokens(const Vocabulary& vocabulary, std::vector<AddedToken> tokens,
                                       std::span<const std::string> contents) {
  int32_t next = vocabulary.size();
  for (const AddedToken& token : tokens) next = std::max(next, token.id + 1);
  for (const std::string& content : contents) {
    if (content.empty()) fail("tokenizer", "a special token is empty; it must have characters");
    check_utf8("tokenizer", content);
    const auto known = std::find_if(tokens.begin(), tokens.end(), [&](const AddedToken& token) { return token.content == content; });
    if (known != tokens.end()) {
      known->is_special = true;
      continue;
    }
    const int32_t id = vocabulary.find(content);
    tokens.push_back({.id = id >= 0 ? id : next++, .content = content});
    tokens.back().is_special = true;
  }
  return tokens;
}

namespace {

const std::string& token_of(const Tokenizer::Parts& parts, int64_t id) {
  if (const AddedToken* added = parts.added.find(id)) return added->text;
  return parts.model->vocabulary().token(static_cast<int32_t>(id));
}

// The tokens of one text, without those around it.
struct Row {
  std::vector<int64_t> ids;
  std::vector<TextSpan> offsets;  // only where they are asked for
};

class Encoder {
 public:
  explicit Encoder(const Tokenizer::Parts& parts) : parts_(parts) {}

  Row encode(std::string_view text, bool has_offsets) {
    check_utf8("encode", text);
    Row row;
    if (!append(text, has_offsets, row)) fail_unknown(text);
    if (has_offsets && parts_.post.trims_offsets) trim(text, row);
    return row;
  }

 private:
  void add_token(int64_t id, TextSpan origin, bool has_offsets, Row& row) {
    row.ids.push_back(id);
    if (has_offsets) row.offsets.push_back(origin);
  }

  // False where there is no token for something; `failed_` says where, if offsets are kept.
  bool append(std::string_view text, bool has_offsets, Row& row) {
    bool is_well = true;
    parts_.added.in_raw().split(text, [&](size_t begin, size_t end, const AddedToken* token) {
      const auto offset = static_cast<int64_t>(begin);
      if (token) add_token(token->id, {offset, static_cast<int64_t>(end)}, has_offsets, row);
      else if (is_well) is_well = append_plain(AlignedText(text.substr(begin, end - begin), has_offsets, offset), begin == 0, row);
    });
    return is_well;
  }

  bool append_plain(AlignedText text, bool is_at_start, Row& row) {
    if (parts_.normalize) parts_.normalize(text);
    if (parts_.added.in_normalized().empty()) return append_words(Words(std::move(text), is_at_start), row);
    bool is_well = true;
    parts_.added.in_normalized().split(text.text(), [&](size_t begin, size_t end, const AddedToken* token) {
      if (token) add_token(token->id, text.origin(begin, end), text.is_tracked(), row);
      else if (is_well) is_well = append_words(Words(text.part(begin, end), is_at_start && begin == 0), row);
    });
    return is_well;
  }

  bool append_words(Words words, Row& row) {
    if (words.text.size() > std::numeric_limits<uint32_t>::max())
      fail("encode", "the text has ", words.text.size(), " bytes; give at most 4 GiB at once");
    if (parts_.cut) parts_.cut(words);
    for (const Words::Range& range : words.ranges) {
      const std::span<const TokenPiece>* pieces = cache_.tokens(*parts_.model, words.word(range));
      if (!pieces) {
        failed_ = words.text.origin(range.begin, range.end);
        return false;
      }
      size_t begin = range.begin;
      for (const TokenPiece& piece : *pieces) {
        row.ids.push_back(piece.id);
        const size_t end = range.begin + piece.end;
        if (words.text.is_tracked()) row.offsets.push_back(words.text.origin(begin, end));
        begin = end;
      }
    }
    return true;
  }

  [[noreturn]] void fail_unknown(std::string_view text) {
    Row again;
    append(text, true, again);
    // In a word, of which the model tells no more: its first character that has no token of its own.
    auto begin = static_cast<size_t>(failed_.begin), end = begin;
    for (size_t next = begin; next < static_cast<size_t>(failed_.end);) {
      const size_t at = next;
      next_code_point(text, next);
      begin = at;
      end = next;
      Row alone;
      if (!append(text.substr(at, next - at), false, alone)) break;
    }
    fail("encode", "byte ", begin, " begins \"", printable(text.substr(begin, end - begin)),
         "\", which is not in the vocabulary, and there is no token for what is unknown");
  }

  // As many characters less at both ends as the token has spaces there; of an added token, which may have taken spaces beside it, as many
  // as the text has.
  void trim(std::string_view text, Row& row) {
    constexpr char32_t kSpace = U'Ġ';
    const auto is_gap = [](char32_t c) { return c == kSpace || is_space(c); };
    for (size_t i = 0; i < row.ids.size(); ++i) {
      auto begin = static_cast<size_t>(row.offsets[i].begin), end = static_cast<size_t>(row.offsets[i].end);
      const std::string_view token =
          parts_.added.find(row.ids[i]) ? text.substr(begin, end - begin) : std::string_view(token_of(parts_, row.ids[i]));
      bool is_added = i == 0 && begin == 0 && parts_.post.has_added_space;
      for (size_t at = 0; at < token.size() && is_gap(next_code_point(token, at)); is_added = false) {
        if (!is_added && begin < end) next_code_point(text, begin);
      }
      for (size_t at = token.size(); at > 0 && end > begin && is_gap(code_point_before(token, at));) code_point_before(text, end);
      row.offsets[i] = {static_cast<int64_t>(begin), static_cast<int64_t>(end)};
    }
  }

  const Tokenizer::Parts& parts_;
  WordCache cache_;
  TextSpan failed_{};
};

int64_t count_added(const std::vector<TemplatePart>& parts) {
  int64_t count = 0;
  for (const TemplatePart& part : parts) count += static_cast<int64_t>(part.ids.size());
  return count;
}

// Cuts rows at their ends until they have `most` tokens together: of two the longer one, down to the other's length, then both. As the
// `tokenizers` library, which leaves an odd token to the one that was longer, of equal ones to the second.
void cut_rows(std::span<Row> rows, int64_t most) {
  const auto size_of = [&](size_t row) { return static_cast<int64_t>(rows[row].ids.size()); };
  if (rows.size() == 1) {
    rows[0].ids.resize(static_cast<size_t>(std::min(size_of(0), most)));
  } else if (size_of(0) + size_of(1) > most) {
    const size_t longer = size_of(0) > size_of(1) ? 0 : 1;
    const int64_t shorter = std::min(size_of(1 - longer), most / 2);
    rows[1 - longer].ids.resize(static_cast<size_t>(shorter));
    rows[longer].ids.resize(static_cast<size_t>(most - shorter));
  }
  for (Row& row : rows) row.offsets.resize(std::min(row.offsets.size(), row.ids.size()));
}

Encoding put_around(const Tokenizer::Parts& parts, std::span<Row> rows, const EncodeOptions& options, bool has_offsets) {
  const std::vector<TemplatePart>& row_parts = rows.size() == 1 ? parts.post.single : parts.post.pair;
  if (options.most < 0) fail("encode", "most is ", options.most, "; it must not be negative");
  if (options.most > 0) {
    const int64_t around = options.special_tokens ? count_added(row_parts) : 0;
    if (options.most < around)
      fail("encode", "most is ", options.most, ", and ", around, " special tokens are put around a text; it must be at least that");
    cut_rows(rows, options.most - around);
  }
  Encoding out;
  for (const TemplatePart& part : row_parts) {
    if (part.sequence < 0 && !options.special_tokens) continue;
    if (part.sequence < 0) {
      out.ids.insert(out.ids.end(), part.ids.begin(), part.ids.end());
      if (has_offsets) out.offsets.resize(out.ids.size());
    } else {
      const Row& row = rows[static_cast<size_t>(part.sequence)];
      out.ids.insert(out.ids.end(), row.ids.begin(), row.ids.end());
      out.offsets.insert(out.offsets.end(), row.offsets.begin(), row.offsets.end());
    }
    if (has_offsets) out.types.resize(out.ids.size(), part.type);
  }
  return out;
}

}  // namespace

const Tokenizer::Parts& Tokenizer::parts(std::string_view op) const {
  if (!parts_) fail(op, "this Tokenizer is empty; load or train one first");
  return *parts_;
}

std::vector<int64_t> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  Row row = Encoder(parts("encode")).encode(text, false);
  return put_around(*parts_, {&row, 1}, options, false).ids;
}

Encoding Tokenizer::encode_with_offsets(std::string_view text, EncodeOptions options) const {
  Row row = Encoder(parts("encode")).encode(text, true);
  return put_around(*parts_, {&row, 1}, options, true);
}

Encoding Tokenizer::encode_pair(std::string_view first, std::string_view second, EncodeOptions options) const {
  Encoder encoder(parts("encode_pair"));
  Row rows[] = {encoder.encode(first, true), encoder.encode(second, true)};
  return put_around(*parts_, rows, options, true);
}

std::vector<std::vector<int64_t>> Tokenizer::encode_all(std::span<const std::string> texts, EncodeOptions options) const {
  constexpr size_t kChunk = 256;
  const Parts& own = parts("encode_all");
  std::vector<std::vector<int64_t>> out(texts.size());
  parallel_for(static_cast<int64_t>((texts.size() + kChunk - 1) / kChunk), [&](int64_t chunk) {
    Encoder encoder(own);
    const size_t begin = static_cast<size_t>(chunk) * kChunk, end = std::min(texts.size(), begin + kChunk);
    for (size_t i = begin; i < end; ++i) {
      try {
        Row row = encoder.encode(texts[i], false);
        out[i] = put_around(own, {&row, 1}, options, false).ids;
      } catch (const Error& error) {
        fail(concat("encode_all: text ", i), error.problem());
      }
    }
  });
  return out;
}

std::string Tokenizer::decode(std::span<const int64_t> ids, DecodeOptions options) const {
  const Parts& own = parts("decode");
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= own.size) fail("decode", "id ", i, " is ", ids[i], "; ids of this tokenizer are 0 to ", own.size - 1);
    if (!options.special_tokens && is_special(ids[i])) continue;
    tokens.push_back(token(ids[i]));
  }
  if (tokens.empty()) return {};
  if (!own.decode) return join(tokens, " ");
  size_t bytes = 0;
  for (const std::string& each : tokens) bytes += each.size();
  own.decode(tokens, most_bytes_of(bytes));
  return join(tokens, "");
}

std::vector<std::string> Tokenizer::decode_all(std::span<const std::vector<int64_t>> rows, DecodeOptions options) const {
  std::vector<std::string> out(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) out[i] = decode(rows[i], options);
  return out;
}

int64_t Tokenizer::vocabulary_size() const { return parts("vocabulary_size").size; }

const std::string& Tokenizer::token(int64_t id) const {
  const Parts& own = parts("token");
  if (id < 0 || id >= own.size) fail("token", "id is ", id, "; ids of this tokenizer are 0 to ", own.size - 1);
  return token_of(own, id);
}

std::optional<int64_t> Tokenizer::find(std::string_view token) const {
  const Parts& own = parts("find");
  if (const AddedToken* added = own.added.find(token)) return added->id;
  const int32_t id = own.model->vocabulary().find(token);
  return id < 0 ? std::nullopt : std::optional<int64_t>(id);
}

int64_t Tokenizer::id(std::string_view token) const {
  if (const auto found = find(token)) return *found;
  std::vector<std::string> known = parts_->model->vocabulary().tokens();
  for (const AddedToken& each : parts_->added.all()) known.push_back(each.content);
  const std::string near = nearest(token, known);
  fail("id", "there is no token ", Datum(std::string(token)), near.empty() ? "" : concat("; the nearest is ", Datum(near)));
}

bool Tokenizer::is_special(int64_t id) const {
  const AddedToken* token = parts("is_special").added.find(id);
  return token && token->is_special;
}

std::optional<int64_t> Tokenizer::unknown() const {
  const int32_t id = parts("unknown").model->unknown();
  return id < 0 ? std::nullopt : std::optional<int64_t>(id);
}

Tokenizer Tokenizer::with_special_tokens(std::span<const std::string> tokens) const {
  const Parts& own = parts("with_special_tokens");
  return Tokenizer(
      std::make_shared<Parts>(own.model, own.steps, data::special_tokens(own.model->vocabulary(), own.added.all(), tokens), "tokenizer"));
}

Tokenizer Tokenizer::with_special_tokens(std::initializer_list<std::string_view> tokens) const {
  const std::vector<std::string> texts(tokens.begin(), tokens.end());
  return with_special_tokens(texts);
}

Tokenizer Tokenizer::with_ends(std::string_view before, std::string_view behind) const {
  const Parts& own = parts("with_ends");
  Datum::List single, pair;
  Datum::Table special;
  const auto add_special = [&](std::string_view token, int64_t type) {
    if (token.empty()) return;
    Datum part = Datum::Table{{"SpecialToken", Datum::Table{{"id", token}, {"type_id", type}}}};
    if (type == 0) single.push_back(part);
    pair.push_back(std::move(part));
    if (core::find(special, token)) return;
    special.emplace_back(token, Datum::Table{{"id", token}, {"ids", Datum::List{id(token)}}, {"tokens", Datum::List{token}}});
  };
  const auto text = [](std::string_view name, int64_t type) {
    return Datum(Datum::Table{{"Sequence", Datum::Table{{"id", name}, {"type_id", type}}}});
  };
  add_special(before, 0);
  single.push_back(text("A", 0));
  pair.push_back(text("A", 0));
  add_special(behind, 0);
  pair.push_back(text("B", 1));
  add_special(behind, 1);
  TokenizerSteps steps = own.steps;
  steps.post_processor = Datum::Table{{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
  return Tokenizer(std::make_shared<Parts>(own.model, std::move(steps), own.added.all(), "tokenizer"));
}

Datum Tokenizer::to_datum() const {
  const Parts& own = parts("to_datum");
  return Datum::Table{{"version", "1.0"},
                      {"truncation", Datum()},
                      {"padding", Datum()},
                      {"added_tokens", added_tokens_datum(own.added)},
                      {"normalizer", own.steps.normalizer},
                      {"pre_tokenizer", own.steps.pre_tokenizer},
                      {"post_processor", own.steps.post_processor},
                      {"decoder", own.steps.decoder},
                      {"model", own.model->to_datum()}};
}

Tokenizer Tokenizer::from_datum(const Datum& datum, std::string_view place) {
  const Spec all(datum, place, "");
  all.table();
  const Spec model = all["model"];
  if (!model.exists()) all.fail("there is no \"model\" in it; a tokenizer.json has one");
  std::shared_ptr<const TokenModel> read = read_token_model(model);
  std::vector<AddedToken> added = read_added_tokens(all["added_tokens"], read->vocabulary());
  return Tokenizer(std::make_shared<Parts>(
      std::move(read),
      TokenizerSteps{all["normalizer"].value(), all["pre_tokenizer"].value(), all["post_processor"].value(), all["decoder"].value()},
      std::move(added), place));
}

TokenStream::TokenStream(Tokenizer tokenizer, DecodeOptions options) : tokenizer_(std::move(tokenizer)), options_(options) {
  tokenizer_.parts("TokenStream");
}

std::string TokenStream::text(size_t end) const { return tokenizer_.decode(std::span(ids_).first(end), options_); }

namespace {

// What is new. Of a decoder that looks ahead the old may read otherwise now: then from a character on, as far as both are the same in
// bytes.
std::string behind(const std::string& before, const std::string& now) {
  size_t at = before.size();
  while (at < now.size() && (static_cast<uint8_t>(now[at]) & 0xC0) == 0x80) ++at;
  return now.substr(at);
}

}  // namespace

std::string TokenStream::push(int64_t id) {
  constexpr size_t kMostWaiting = 16;  // no character has more bytes than four; what waits longer is broken
  ids_.push_back(id);
  std::string before, now;
  try {
    before = text(read_);
    now = text(ids_.size());
  } catch (...) {
    ids_.pop_back();
    throw;
  }
  const bool is_open = now.ends_with("\xEF\xBF\xBD") && ids_.size() - read_ < kMostWaiting;
  if (is_open || now.size() <= before.size()) return {};
  ids_.erase(ids_.begin(), ids_.begin() + static_cast<int64_t>(read_));
  read_ = ids_.size();
  return behind(before, now);
}

std::string TokenStream::finish() {
  const std::string before = text(read_), now = text(ids_.size());
  ids_.clear();
  read_ = 0;
  return now.size() > before.size() ? behind(before, now) : std::string();
}

}  // namespace gradus::data
