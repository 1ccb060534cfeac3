// Counting, and what each kind is made of.
#include "gradus/data/text/tokenizer_training.hpp"

#include <algorithm>
#include <map>

#include "gradus/base/error.hpp"
#include "gradus/base/named.hpp"
#include "gradus/data/text/byte_level.hpp"
#include "gradus/data/text/byte_pair_training.hpp"
#include "gradus/data/text/spec_internal.hpp"
#include "gradus/data/text/tokenizer_parts_internal.hpp"

namespace gradus::data {

using namespace core;

namespace {

using Specials = std::vector<std::string>;

struct Training {
  std::span<const std::string> texts;
  TokenizerOptions options;
  Specials special{};
  std::string unknown{};  // "": none
};

// Steps of which only the name is said.
Datum step(std::string_view type) { return Datum::Table{{"type", type}}; }
Datum lowercase(const Training& training) { return training.options.lowercase ? step("Lowercase") : Datum(); }

// How often each word is in the texts, after the steps.
WordCounts count_words(const Training& training, const TokenizerSteps& steps) {
  const Normalizer normalize =
      steps.normalizer.exists() ? read_normalizer({steps.normalizer, "train_tokenizer", "normalizer"}) : Normalizer();
  const PreTokenizer cut =
      steps.pre_tokenizer.exists() ? read_pre_tokenizer({steps.pre_tokenizer, "train_tokenizer", "pre_tokenizer"}) : PreTokenizer();
  WordCounts out;
  for (size_t i = 0; i < training.texts.size(); ++i) {
    check_utf8(concat("train_tokenizer: text ", i), training.texts[i]);
    AlignedText text(training.texts[i], false);
    if (normalize) normalize(text);
    Words words(std::move(text));
    if (cut) cut(words);
    for (const Words::Range& range : words.ranges) {
      const auto id = static_cast<size_t>(out.words.add(words.word(range)));
      if (id == out.counts.size()) out.counts.push_back(0);
      ++out.counts[id];
    }
  }
  return out;
}

// The characters of words by code point: those that are frequent enough, and of them the most frequent `most`.
std::vector<char32_t> alphabet_of(const WordCounts& words, int64_t least_count, int64_t most) {
  std::map<char32_t, int64_t> counts;
  for (int32_t i = 0; i < words.words.size(); ++i) {
    const std::string& word = words.words.token(i);
    for (size_t at = 0; at < word.size();) counts[next_code_point(word, at)] += words.counts[static_cast<size_t>(i)];
  }
  std::vector<std::pair<char32_t, int64_t>> kept;
  for (const auto& [c, count] : counts) {
    if (count >= least_count) kept.emplace_back(c, count);
  }
  if (static_cast<int64_t>(kept.size()) > most) {
    std::stable_sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    kept.resize(static_cast<size_t>(std::max<int64_t>(most, 0)));
  }
  std::vector<char32_t> out;
  for (const auto& [c, count] : kept) out.push_back(c);
  std::sort(out.begin(), out.end());
  return out;
}

Tokenizer assemble(const Training& training, std::shared_ptr<const TokenModel> model, TokenizerSteps steps) {
  std::vector<AddedToken> added = special_tokens(model->vocabulary(), {}, training.special);
  return Tokenizer(std::make_shared<Tokenizer::Parts>(std::move(model), std::move(steps), std::move(added), "train_tokenizer"));
}

Vocabulary vocabulary_of(const Specials& special) {
  Vocabulary out;
  for (const std::string& token : special) out.add(token);
  return out;
}

int64_t room_of(const Training& training) { return training.options.vocabulary_size - static_cast<int64_t>(training.special.size()); }

Tokenizer train_characters(const Training& training) {
  const TokenizerSteps steps{.normalizer = lowercase(training), .pre_tokenizer = {}, .post_processor = {}, .decoder = step("Fuse")};
  Vocabulary vocabulary = vocabulary_of(training.special);
  std::string text;
  for (const char32_t c : alphabet_of(count_words(training, steps), training.options.least_count, room_of(training))) {
    text.clear();
    append_code_point(text, c);
    vocabulary.add(text);
  }
  return assemble(training, make_byte_pair_model(std::move(vocabulary), {}, {.unknown = training.unknown}), steps);
}

Tokenizer train_words(const Training& training) {
  const TokenizerSteps steps{.normalizer = lowercase(training), .pre_tokenizer = step("Whitespace"), .post_processor = {}, .decoder = {}};
  const WordCounts words = count_words(training, steps);
  std::vector<int32_t> order;
  for (int32_t i = 0; i < words.words.size(); ++i) {
    if (words.counts[static_cast<size_t>(i)] >= training.options.least_count) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    const int64_t count_a = words.counts[static_cast<size_t>(a)], count_b = words.counts[static_cast<size_t>(b)];
    return count_a != count_b ? count_a > count_b : words.words.token(a) < words.words.token(b);
  });
  Vocabulary vocabulary = vocabulary_of(training.special);
  for (const int32_t word : order) {
    if (vocabulary.size() >= training.options.vocabulary_size) break;
    vocabulary.add(words.words.token(word));
  }
  return assemble(training, make_word_level_model(std::move(vocabulary), training.unknown), steps);
}

Tokenizer train_byte_level(const Training& training) {
  if (room_of(training) < 256) {
    fail("train_tokenizer", "vocabulary_size is ", training.options.vocabulary_size, "; it must be at least ",
         256 + training.special.size(), ", for 256 bytes and ", training.special.size(), " special tokens");
  }
  const Datum byte_level = Datum::Table{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", true}};
  const TokenizerSteps steps{.normalizer = lowercase(training), .pre_tokenizer = byte_level, .post_processor = {}, .decoder = byte_level};
  std::vector<char32_t> alphabet;
  for (int byte = 0; byte < 256; ++byte) alphabet.push_back(character_of_byte(static_cast<uint8_t>(byte)));
  std::sort(alphabet.begin(), alphabet.end());
  Vocabulary vocabulary = vocabulary_of(training.special);
  const std::vector<Merge> merges = train_byte_pairs(count_words(training, steps), alphabet, vocabulary,
                                                     {training.options.vocabulary_size, training.options.least_count});
  return assemble(training, make_byte_pair_model(std::move(vocabulary), merges, {}), steps);
}

Tokenizer train_plain(const Training& training) {
  const Datum metaspace = Datum::Table{{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "always"}, {"split", true}};
  const TokenizerSteps steps{.normalizer = lowercase(training), .pre_tokenizer = metaspace, .post_processor = {}, .decoder = metaspace};
  const WordCounts words = count_words(training, steps);
  Vocabulary vocabulary = vocabulary_of(training.special);
  const std::vector<Merge> merges = train_byte_pairs(words, alphabet_of(words, training.options.least_count, room_of(training)), vocabulary,
                                                     {training.options.vocabulary_size, training.options.least_count});
  return assemble(training, make_byte_pair_model(std::move(vocabulary), merges, {.unknown = training.unknown}), steps);
}

Tokenizer train_word_pieces(const Training& training) {
  if (training.unknown.empty())
    fail("train_tokenizer", "special_tokens has no [UNK]; word pieces need it for words that cannot be put together");
  const bool lowers = training.options.lowercase;
  const TokenizerSteps steps{.normalizer = Datum::Table{{"type", "BertNormalizer"},
                                                        {"clean_text", true},
                                                        {"handle_chinese_chars", true},
                                                        {"strip_accents", Datum()},
                                                        {"lowercase", lowers}},
                             .pre_tokenizer = step("BertPreTokenizer"),
                             .post_processor = {},
                             .decoder = Datum::Table{{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}};
  const WordCounts words = count_words(training, steps);
  Vocabulary vocabulary = vocabulary_of(training.special);
  // A character may need two tokens: one that begins a word, one that goes on.
  train_byte_pairs(words, alphabet_of(words, training.options.least_count, room_of(training) / 2), vocabulary,
                   {training.options.vocabulary_size, training.options.least_count, "##"});
  Tokenizer out = assemble(training, make_word_piece_model(std::move(vocabulary), {.unknown = training.unknown}), steps);
  return out.find("[CLS]") && out.find("[SEP]") ? out.with_ends("[CLS]", "[SEP]") : out;
}

struct Kind {
  std::string_view name;
  TokenizerKind kind;
  Tokenizer (*train)(const Training& training);
};
constexpr Kind kRows[] = {{"character", TokenizerKind::character, train_characters},
                          {"word", TokenizerKind::word, train_words},
                          {"byte_pair", TokenizerKind::byte_pair, train_byte_level},
                          {"plain_byte_pair", TokenizerKind::plain_byte_pair, train_plain},
                          {"word_piece", TokenizerKind::word_piece, train_word_pieces}};
constexpr Named<Kind> kKinds("tokenizer", kRows);

}  // namespace

TokenizerKind tokenizer_kind(std::string_view name) { return kKinds[name].kind; }

Tokenizer train_tokenizer(TokenizerKind kind, std::span<const std::string> texts, TokenizerOptions options) {
  if (options.vocabulary_size < 1) fail("train_tokenizer", "vocabulary_size is ", options.vocabulary_size, "; it must be at least 1");
  if (options.least_count < 1) fail("train_tokenizer", "least_count is ", options.least_count, "; it must be at least 1");
  Training training{.texts = texts, .options = options};
  if (options.special_tokens) training.special = *options.special_tokens;
  else if (kind == TokenizerKind::word_piece) training.special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  else training.special = {"<pad>", "<unk>", "<s>", "</s>"};
  if (room_of(training) < 1) {
    fail("train_tokenizer", "vocabulary_size is ", options.vocabulary_size, ", and there are ", training.special.size(),
         " special tokens; it must be larger");
  }
  for (const std::string& token : training.special) {
    if (training.unknown.empty() && (token == "<unk>" || token == "[UNK]")) training.unknown = token;
    if (std::count(training.special.begin(), training.special.end(), token) > 1)
      fail("train_tokenizer", "special_tokens has ", Datum(token), " twice");
  }
  return kKinds.find_if([&](const Kind& row) { return row.kind == kind; })->train(training);
}

}  // namespace gradus::data
