// The forms of files.
#include "gradus/data/text/tokenizer_file.hpp"

#include <filesystem>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/json.hpp"
#include "gradus/data/text/spec_internal.hpp"
#include "gradus/data/text/tokenizer_parts_internal.hpp"
#include "gradus/nn/model.hpp"

namespace gradus::data {

using namespace core;

namespace {

Datum read_json_file(const std::string& path) {
  const std::string text = file::read_all(path);
  check_utf8_file(path, text);
  return read_json(text, [&](std::string_view problem, int64_t byte) {
    if (problem == "is not valid JSON") fail_io(path, "byte ", byte, " is not as JSON has it; the file is cut off, damaged, or no JSON");
    fail_io(path, "it ", problem);
  });
}

// Calls each(line, number) for the lines of a file, without their ends.
template <class Each>
void each_line(std::string_view text, const Each& each) {
  int64_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    each(line, number);
    at = end + 1;
  }
}

Tokenizer read_bert_vocabulary(const std::string& path) {
  const std::string text = file::read_all(path);
  check_utf8_file(path, text);
  Vocabulary vocabulary;
  each_line(text, [&](std::string_view line, int64_t number) {
    if (vocabulary.add(line) != number - 1)
      fail_io(concat(path, ":", number), "token ", Datum(std::string(line)), " stands in line ", vocabulary.find(line) + 1, " too");
  });
  std::vector<std::string> special;
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
    if (vocabulary.find(token) < 0) fail_io(path, "there is no ", token, " in it; a vocabulary of BERT has one token a line");
    special.emplace_back(token);
  }
  std::shared_ptr<const TokenModel> model = make_word_piece_model(std::move(vocabulary), {});
  const TokenizerSteps steps{.normalizer = Datum::Table{{"type", "BertNormalizer"}},
                             .pre_tokenizer = Datum::Table{{"type", "BertPreTokenizer"}},
                             .post_processor = {},
                             .decoder = Datum::Table{{"type", "WordPiece"}}};
  std::vector<AddedToken> added = special_tokens(model->vocabulary(), {}, special);
  return Tokenizer(std::make_shared<Tokenizer::Parts>(std::move(model), steps, std::move(added), path)).with_ends("[CLS]", "[SEP]");
}

std::vector<Merge> read_merges(const std::string& path, const Vocabulary& vocabulary) {
  const std::string text = file::read_all(path);
  check_utf8_file(path, text);
  std::vector<Merge> merges;
  each_line(text, [&](std::string_view line, int64_t number) {
    if (line.empty() || (number == 1 && line.starts_with("#version"))) return;
    const Datum whole{std::string(line)};
    const Spec spec(whole, path, concat("line ", number));
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
      spec.fail_type("two tokens with a space between them");
    merges.push_back(merge_of(vocabulary, line.substr(0, space), line.substr(space + 1), {}, spec));
  });
  return merges;
}

// Lists of tokens are our own form: others know only tables of ids.
Datum as_others_know(Datum datum) {
  Datum::Table table = *datum.get_if<Datum::Table>();
  for (auto& [name, value] : table) {
    if (name != "model") continue;
    Datum::Table model = *value.get_if<Datum::Table>();
    for (auto& [key, entry] : model) {
      const Datum::List* tokens = key == "vocab" && model[0].second != Datum("Unigram") ? entry.get_if<Datum::List>() : nullptr;
      if (!tokens) continue;
      Datum::Table ids;
      for (size_t id = 0; id < tokens->size(); ++id) ids.emplace_back(*(*tokens)[id].get_if<std::string>(), static_cast<int64_t>(id));
      entry = std::move(ids);
    }
    value = std::move(model);
  }
  return table;
}

}  // namespace

Tokenizer load_tokenizer(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    const auto file = [&](const char* name) { return (fs::path(path) / name).string(); };
    const auto has = [&](const char* name) { return fs::exists(file(name), ignored); };
    if (has("tokenizer.json")) return load_tokenizer(file("tokenizer.json"));
    if (has("encoder.json") && has("vocab.bpe")) return load_tokenizer(file("encoder.json"), file("vocab.bpe"));
    if (has("vocab.json") && has("merges.txt")) return load_tokenizer(file("vocab.json"), file("merges.txt"));
    if (has("vocab.txt")) return load_tokenizer(file("vocab.txt"));
    fail_io(path,
            "there is no tokenizer in the folder; it must hold tokenizer.json, encoder.json and vocab.bpe, vocab.json and merges.txt, or "
            "vocab.txt");
  }
  if (path.ends_with(".txt")) return read_bert_vocabulary(path);
  return Tokenizer::from_datum(read_json_file(path), path);
}

Tokenizer load_tokenizer(const std::string& vocabulary_path, const std::string& merges_path) {
  const Datum tokens = read_json_file(vocabulary_path);
  Vocabulary vocabulary = read_vocabulary({tokens, vocabulary_path, ""});
  const std::vector<Merge> merges = read_merges(merges_path, vocabulary);
  std::vector<std::string> special;
  if (vocabulary.find("<|endoftext|>") >= 0) special.emplace_back("<|endoftext|>");
  std::shared_ptr<const TokenModel> model = make_byte_pair_model(std::move(vocabulary), merges, {});
  const Datum byte_level = Datum::Table{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", true}};
  const TokenizerSteps steps{.normalizer = {}, .pre_tokenizer = byte_level, .post_processor = byte_level, .decoder = byte_level};
  std::vector<AddedToken> added = special_tokens(model->vocabulary(), {}, special);
  return Tokenizer(std::make_shared<Tokenizer::Parts>(std::move(model), steps, std::move(added), vocabulary_path));
}

void save_tokenizer(const Tokenizer& tokenizer, const std::string& path) {
  file::write_atomically(path, write_json(as_others_know(tokenizer.to_datum())));
}

Tokenizer tokenizer_of(const nn::ModelInfo& info) {
  if (!info.tokenizer.exists()) fail("tokenizer_of", "this model has no tokenizer; it was not saved with one");
  return Tokenizer::from_datum(info.tokenizer);
}

}  // namespace gradus::data
