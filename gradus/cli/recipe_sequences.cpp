// Texts and series as samples.
#include "gradus/cli/recipe_sequences.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

#include "gradus/base/error.hpp"
#include "gradus/base/named.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/data/numbers.hpp"
#include "gradus/data/text/sequences.hpp"
#include "gradus/data/text/text_files.hpp"
#include "gradus/data/text/tokenizer_file.hpp"
#include "gradus/data/text/tokenizer_training.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/io/model_file.hpp"
#include "gradus/models/bert.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/random.hpp"

namespace gradus::cli {

namespace {

// A model's own; or one that is trained, or read where the text is the path of a file or folder.
data::Tokenizer tokenizer_for(const Loading& loading, const std::string& said, const std::string& located, int64_t vocabulary_size,
                              std::span<const std::string> texts) {
  if (loading.tokenizer.exists()) return loading.tokenizer;
  const bool is_path = said.find_first_of("./") != std::string::npos;
  if (is_path && said.ends_with(".gradus")) return tokenizer_in(io::load(located).info, located);
  if (is_path) return data::load_tokenizer(located);
  return data::train_tokenizer(data::tokenizer_kind(said), texts, {.vocabulary_size = vocabulary_size});
}
void check_tokenizer(const std::string& said) {
  if (said.find_first_of("./") == std::string::npos) data::tokenizer_kind(said);
}
constexpr FieldNote kTokenizer{
    "tokenizer",
    "what tokens are: character, word, byte_pair, plain_byte_pair, word_piece; or the path of a tokenizer.json, or of "
    "a model file whose own it is"},
    kVocabulary{"vocabulary_size", "most tokens of a tokenizer that is trained", {.low = 1, .high = 10'000'000}};

// A file as it is, or the works that a JSON file holds, an empty line between them.
std::string whole_text(const std::string& path) {
  if (!path.ends_with(".json")) return data::read_text(path);
  std::string all;
  for (const std::string& work : data::read_works(path)) all += (all.empty() ? "" : "\n\n") + work;
  return all + "\n";
}

// What stands for a hidden token; a tokenizer that has none gets one.
std::pair<data::Tokenizer, int64_t> with_mask(const data::Tokenizer& tokenizer) {
  for (const std::string_view name : {"[MASK]", "<mask>"}) {
    if (const auto id = tokenizer.find(name)) return {tokenizer, *id};
  }
  const data::Tokenizer with = tokenizer.with_special_tokens({"<mask>"});
  return {with, with.id("<mask>")};
}

// The same windows, some of whose tokens are hidden and to be guessed.
data::Dataset masked_set(const data::Dataset& windows, double share, int64_t mask) {
  models::MaskingOptions options{.mask = mask, .vocabulary = windows.tokenizer.vocabulary_size(), .special = {}, .rate = share};
  for (int64_t id = 0; id < options.vocabulary; ++id) {
    if (windows.tokenizer.is_special(id)) options.special.push_back(id);
  }
  const models::Masked hidden = models::hide_tokens(windows.x, options);
  data::Dataset set(hidden.ids.eval(), hidden.labels);
  set.tokenizer = windows.tokenizer;
  return set;
}

}  // namespace

Source Text::source(const Section& section, uint64_t seed) const {
  check_tokenizer(tokenizer);
  const auto load = [own = *this, file = section.located("path", path), tokens = section.located("tokenizer", tokenizer),
                     seed](const Loading& loading) {
    const std::string all = whole_text(file);
    // The end of the text is for testing; the tokenizer does not see it.
    auto cut = static_cast<size_t>(static_cast<double>(all.size()) * (1 - own.test));
    while (cut > 0 && cut < all.size() && (static_cast<uint8_t>(all[cut]) & 0xC0) == 0x80) --cut;
    const std::string parts[] = {all.substr(0, cut), all.substr(cut)};
    data::Tokenizer made = tokenizer_for(loading, own.tokenizer, tokens, own.vocabulary_size, std::span(parts).first(1));
    int64_t mask = 0;
    if (own.masked > 0) {
      std::tie(made, mask) = with_mask(made);
      random::seed(static_cast<int64_t>(seed));  // of what is hidden
    }
    const auto windows = [&](const char* part, const std::string& text, int64_t stride) {
      const std::vector<int64_t> ids = made.encode(text, {.special_tokens = false});
      if (std::ssize(ids) <= own.context) {
        fail_io(file, "its ", part, " part has ", ids.size(), " tokens; a sample takes ", own.context + 1,
                ": data.context and the one that follows");
      }
      data::Dataset set = data::language_model_set(ids, {.context = own.context, .stride = stride});
      set.tokenizer = made;
      if (own.masked > 0) set = masked_set(set, own.masked, mask);
      set.name = "text";
      return set;
    };
    data::Dataset train = windows("training", parts[0], own.stride);  // first: what is wrong with it is said first
    return Sets(std::move(train), own.test > 0 ? windows("test", parts[1], 0) : data::Dataset());
  };
  return {load, std::nullopt};  // how many tokens there are only the text says
}
std::span<const FieldNote> Text::field_notes() {
  static constexpr FieldNote notes[] = {
      {"path", "of the file; of a .json file its works, see docs/text.md", {}, true},
      kTokenizer,
      kVocabulary,
      {"context", "tokens of a sample; targets are the tokens that follow", {.low = 1, .high = 1'000'000}},
      {"stride", "tokens from the beginning of a training sample to that of the next; 0: context", range::not_negative},
      {"masked", "share of tokens that are hidden and to be guessed, for BERT; 0: the tokens that follow are", range::part},
      {"test", "share of the text, its end, that is for testing", range::part}};
  return notes;
}

Source LabelledText::source(const Section& section, uint64_t seed) const {
  check_tokenizer(tokenizer);
  const auto load = [own = *this, file = section.located("path", path), tokens = section.located("tokenizer", tokenizer),
                     seed](const Loading& loading) {
    std::vector<std::string> labels, texts;
    for (auto& row : data::read_tsv(file, std::max(own.label_column, own.text_column) + 1)) {
      labels.push_back(row[static_cast<size_t>(own.label_column)]);
      texts.push_back(row[static_cast<size_t>(own.text_column)]);
    }
    // The tokenizer does not see what is for testing; the parts are those of data::split.
    const auto [held_out, rest] = data::split(data::Dataset(arange(std::ssize(texts))), own.test, seed);
    std::vector<std::string> seen;
    for (const int64_t row : rest.x.to_vector<int64_t>()) seen.push_back(texts[static_cast<size_t>(row)]);
    const data::Tokenizer made = tokenizer_for(loading, own.tokenizer, tokens, own.vocabulary_size, seen);
    data::Dataset all =
        data::classification_set(texts, labels, made, {.most = own.most, .is_bucketed = false, .class_names = loading.class_names});
    all.name = "labelled_text";
    auto [tested, trained] = data::split(all, own.test, seed);
    return Sets(std::move(trained), std::move(tested));
  };
  return {load, std::nullopt};
}
std::span<const FieldNote> LabelledText::field_notes() {
  static constexpr FieldNote notes[] = {{"path", "of a file of lines whose cells are separated by tabs", {}, true},
                                        kTokenizer,
                                        kVocabulary,
                                        {"label_column", "number of the cell that names the class, from 0", {.low = 0, .high = 1000}},
                                        {"text_column", "number of the cell that is the text", {.low = 0, .high = 1000}},
                                        {"most", "tokens of a text; longer ones are cut off. 0: all", range::not_negative},
                                        kTest};
  return notes;
}

namespace {

TextPairs read_pairs(const std::string& path, const std::string& target_path, const Translation& own) {
  if (!target_path.empty()) return data::read_pairs(path, target_path);
  TextPairs pairs;
  for (auto& row : data::read_tsv(path, std::max(own.source_column, own.target_column) + 1)) {
    pairs.emplace_back(row[static_cast<size_t>(own.source_column)], row[static_cast<size_t>(own.target_column)]);
  }
  return pairs;
}

// For training and for testing: all translations of a source are on one side.
std::pair<TextPairs, TextPairs> divided_by_source(TextPairs pairs, double test, uint64_t seed) {
  std::map<std::string, size_t> numbers;
  for (const auto& [source, target] : pairs) numbers.emplace(source, numbers.size());
  const auto count = static_cast<int64_t>(numbers.size());
  std::vector<bool> is_held_out(numbers.size());
  const auto held_out = static_cast<size_t>(std::llround(test * static_cast<double>(count)));
  const std::vector<int64_t> order = data::permutation(count, seed);
  for (size_t i = 0; i < held_out; ++i) is_held_out[static_cast<size_t>(order[i])] = true;
  std::pair<TextPairs, TextPairs> parts;
  for (auto& pair : pairs) {
    TextPairs& part = is_held_out[numbers[pair.first]] ? parts.second : parts.first;
    part.push_back(std::move(pair));
  }
  return parts;
}

}  // namespace

Source Translation::source(const Section& section, uint64_t seed) const {
  check_tokenizer(tokenizer);
  if (!test_target_path.empty() && (test_path.empty() || target_path.empty())) {
    throw FieldError("test_target_path", "it goes with test_path and target_path, and one of them is missing");
  }
  if (!test_path.empty() && test_target_path.empty() && !target_path.empty()) {
    throw FieldError("test_target_path", "is missing; sources and translations are in two files, so those of test_path must be too");
  }
  const auto at = [&](std::string_view key, const std::string& file) { return file.empty() ? file : section.located(key, file); };
  const auto read = [own = *this, seed,
                     files = std::array{at("path", path), at("target_path", target_path), at("test_path", test_path),
                                        at("test_target_path", test_target_path)}]() -> std::pair<TextPairs, TextPairs> {
    TextPairs train = read_pairs(files[0], files[1], own);
    if (files[2].empty()) return divided_by_source(std::move(train), own.test, seed);
    return {std::move(train), read_pairs(files[2], files[3], own)};
  };
  const auto load = [own = *this, read, tokens = section.located("tokenizer", tokenizer)](const Loading& loading) {
    const auto [train, held_out] = read();
    std::vector<std::string> texts;
    for (const auto& [source, target] : train) texts.insert(texts.end(), {source, target});
    const data::Tokenizer made =
        tokenizer_for(loading, own.tokenizer, tokens, own.vocabulary_size, texts).with_special_tokens({"<s>", "</s>"});
    const auto set_of = [&](const TextPairs& pairs) {
      data::Dataset set = data::translation_set(pairs, made, made, {.most = own.most, .joins = true});
      set.name = "translation";
      return set;
    };
    data::Dataset training = set_of(train);
    return Sets(std::move(training), held_out.empty() ? data::Dataset() : set_of(held_out));
  };
  return {load, std::nullopt, [read] { return read().second; }};
}
std::span<const FieldNote> Translation::field_notes() {
  static constexpr FieldNote notes[] = {
      {"path", "of a file of lines whose cells are separated by tabs, or, with target_path, of the sources, a line each", {}, true},
      {"target_path", "of the translations, a line each"},
      {"test_path", "of the test samples, as path; by default a share of the sources of path"},
      {"test_target_path", "of their translations, as target_path"},
      kTokenizer,
      kVocabulary,
      {"source_column", "number of the cell that is the source, from 0", {.low = 0, .high = 1000}},
      {"target_column", "number of the cell that is the translation", {.low = 0, .high = 1000}},
      {"most", "tokens of a source and of a translation; longer pairs are left out", {.low = 1, .high = 100'000}},
      kTest};
  return notes;
}

Source Series::source(const Section& section, uint64_t) const {
  const auto load = [own = *this, file = section.located("path", path)](const Loading&) {
    const data::Numbers numbers = data::read_numbers(file);
    const auto named = std::find(numbers.columns.begin(), numbers.columns.end(), own.column);
    if (!own.column.empty() && named == numbers.columns.end()) {
      const std::string near = nearest(own.column, numbers.columns);
      fail_io(file, "there is no column \"", own.column, "\"; there are ", join(numbers.columns),
              near.empty() ? "" : concat("; did you mean ", near, "?"));
    }
    const int64_t rows = numbers.values.shape(0),
                  column = own.column.empty() ? numbers.values.shape(1) - 1 : named - numbers.columns.begin();
    const Array series = numbers.values[{slice(), column}].eval();
    // Windows of the test part begin so early that its first row is the first that is forecast.
    const auto cut = static_cast<int64_t>(static_cast<double>(rows) * (1 - own.test));
    const auto windows = [&](int64_t begin, int64_t end) {
      data::Dataset set = data::series_set(series[slice(begin, end)].eval(), {.steps = own.steps, .horizon = own.horizon, .column = 0});
      set.name = "series";
      return set;
    };
    data::Dataset train = windows(0, cut);
    return Sets(std::move(train), cut < rows ? windows(std::max<int64_t>(0, cut - own.steps), rows) : data::Dataset());
  };
  return {load, Shape{steps, 1}};
}
std::span<const FieldNote> Series::field_notes() {
  static constexpr FieldNote notes[] = {{"path", "of a CSV file whose cells are numbers", {}, true},
                                        {"column", "name of the series; by default the last one"},
                                        {"steps", "rows that are seen", {.low = 1, .high = 1'000'000}},
                                        {"horizon", "rows that are forecast", {.low = 1, .high = 1'000'000}},
                                        {"test", "share of the rows, the last ones, that is for testing", range::part}};
  return notes;
}

}  // namespace gradus::cli
