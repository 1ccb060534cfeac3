// Tokenizers of all kinds against the `tokenizers` library (tokenizer_cases.py), and what that library does not have.
#include "gradus/data/text/tokenizer.hpp"

#include "gradus/base/json.hpp"
#include "gradus/data/text/tokenizer_file.hpp"
#include "gradus/data/text/utf8.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using Ids = std::vector<int64_t>;
using testing::error_of;

Datum parsed(const std::string& text) {
  return read_json(text, [](std::string_view problem, int64_t byte) { throw Error(Error::Kind::io, "json", concat(problem, " ", byte)); });
}
Datum cases() { return parsed(testing::read_text(GRADUS_SOURCE_DIR "/tests/data/tokenizer_cases.json")); }
const Datum::List& list(const Datum& datum) { return *datum.get_if<Datum::List>(); }
const std::string& text(const Datum& datum) { return *datum.get_if<std::string>(); }
Ids ids_of(const Datum& datum) {
  Ids out;
  for (const Datum& id : list(datum)) out.push_back(*id.get_if<int64_t>());
  return out;
}

TEST(Tokenizer, IdsOffsetsAndTextsAreThoseOfTheLibrary) {
  const Datum all = cases();
  for (const Datum& kind : list(all)) {
    const data::Tokenizer tokenizer = data::Tokenizer::from_datum(*kind.find("tokenizer"));
    for (const Datum& each : list(*kind.find("cases"))) {
      SCOPED_TRACE(concat(text(*kind.find("name")), ": ", to_text(*each.find("text"))));
      const std::string& given = text(*each.find("text"));
      const data::Encoding encoding = tokenizer.encode_with_offsets(given);
      EXPECT_EQ(encoding.ids, ids_of(*each.find("ids")));
      EXPECT_EQ(tokenizer.encode(given), encoding.ids);
      std::vector<Ids> offsets;
      for (const data::TextSpan& span : encoding.offsets) offsets.push_back({span.begin, span.end});
      std::vector<Ids> expected;
      for (const Datum& span : list(*each.find("offsets"))) expected.push_back(ids_of(span));
      // What becomes one character comes from all that it is made of; the library says from the first.
      const bool is_composed = given.find("\u0301") != std::string::npos;
      if (!is_composed) {
        EXPECT_EQ(offsets, expected);
      }
      EXPECT_EQ(tokenizer.decode(encoding.ids), text(*each.find("decoded")));
    }
    const data::Encoding pair = tokenizer.encode_pair("the cat", "sat on");
    EXPECT_EQ(pair.ids, ids_of(*kind.find("pair")->find("ids"))) << text(*kind.find("name"));
    EXPECT_EQ(pair.types, ids_of(*kind.find("pair")->find("types"))) << text(*kind.find("name"));
  }
}

TEST(Tokenizer, PlainDataAndFilesGiveTheSameOne) {
  const testing::TemporaryFolder folder;
  const Datum all = cases();
  for (const Datum& kind : list(all)) {
    const data::Tokenizer tokenizer = data::Tokenizer::from_datum(*kind.find("tokenizer"));
    data::save_tokenizer(tokenizer, folder / "tokenizer.json");
    const data::Tokenizer copies[] = {data::Tokenizer::from_datum(tokenizer.to_datum()), data::load_tokenizer(folder.path())};
    for (const data::Tokenizer& copy : copies) {
      EXPECT_EQ(copy.to_datum(), tokenizer.to_datum());
      for (const Datum& each : list(*kind.find("cases"))) EXPECT_EQ(copy.encode(text(*each.find("text"))), ids_of(*each.find("ids")));
    }
  }
}

TEST(Tokenizer, ManyTextsAtOnceAreEachByItself) {
  const Datum all = cases();
  for (const Datum& kind : list(all)) {
    const data::Tokenizer tokenizer = data::Tokenizer::from_datum(*kind.find("tokenizer"));
    std::vector<std::string> texts;
    std::vector<Ids> expected;
    for (int round = 0; round < 60; ++round) {
      for (const Datum& each : list(*kind.find("cases"))) {
        texts.push_back(text(*each.find("text")));
        expected.push_back(ids_of(*each.find("ids")));
      }
    }
    EXPECT_EQ(tokenizer.encode_all(texts), expected);
    EXPECT_EQ(tokenizer.decode_all(expected).size(), texts.size());
  }
}

TEST(Tokenizer, AStreamGivesWhatDecodeGives) {
  const Datum all = cases();
  for (const Datum& kind : list(all)) {
    const data::Tokenizer tokenizer = data::Tokenizer::from_datum(*kind.find("tokenizer"));
    for (const Datum& each : list(*kind.find("cases"))) {
      data::TokenStream stream(tokenizer);
      std::string streamed;
      for (const int64_t id : ids_of(*each.find("ids"))) {
        const std::string piece = stream.push(id);
        EXPECT_EQ(data::invalid_utf8(piece), -1);
        streamed += piece;
      }
      streamed += stream.finish();
      EXPECT_EQ(streamed, text(*each.find("decoded"))) << text(*kind.find("name"));
    }
  }
}

// A tokenizer.json of byte pairs of the letters of "abc", with further members.
std::string byte_pairs(const std::string& more) {
  return R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "bc": 5}, "merges": [["b", "c"], ["a", "b"], "ab c"]})" +
         more + "}";
}
data::Tokenizer made(const std::string& json) { return data::Tokenizer::from_datum(parsed(json), "t.json"); }
std::string refused(const std::string& json) {
  return error_of([&] { made(json); });
}

TEST(Tokenizer, TheMergeThatStandsFirstComesFirst) {
  EXPECT_EQ(made(byte_pairs("")).encode("abc"), (Ids{0, 5}));
  EXPECT_EQ(made(byte_pairs("")).encode("aabcab"), (Ids{0, 0, 5, 3}));
}

// Long words are merged by another way than short ones.
TEST(Tokenizer, LongWordsAreMergedAsShortOnesAre) {
  const data::Tokenizer tokenizer = made(byte_pairs(""));
  std::string word;
  Ids expected;
  uint32_t state = 7;
  for (int i = 0; i < 5000; ++i) {
    state = state * 1664525 + 1013904223;
    const bool is_whole = state >> 31;
    word += is_whole ? "abc" : "ab";
    if (is_whole) expected.insert(expected.end(), {0, 5});
    else expected.push_back(3);
  }
  EXPECT_EQ(tokenizer.encode(word), expected);
}

TEST(Tokenizer, WhatIsUnknownIsAnErrorThatNamesItsPlace) {
  const data::Tokenizer tokenizer = made(byte_pairs(""));
  EXPECT_EQ(error_of([&] { tokenizer.encode("ab深c"); }),
            "encode: byte 2 begins \"深\", which is not in the vocabulary, and there is no token for what is unknown");
  EXPECT_EQ(error_of([&] {
              tokenizer.encode_all(std::vector<std::string>{"a", "bx"});
            }),
            "encode_all: text 1: byte 1 begins \"x\", which is not in the vocabulary, and there is no token for what is unknown");
  EXPECT_FALSE(tokenizer.unknown());
}

TEST(Tokenizer, BytesThatAreNoUtf8AreRefused) {
  const data::Tokenizer tokenizer = made(byte_pairs(""));
  EXPECT_EQ(error_of([&] { tokenizer.encode("ab\xC3"); }), "encode: byte 2 (0xc3) is not UTF-8; save the text as UTF-8");
}

TEST(Tokenizer, TokensAndIdsAreFound) {
  const data::Tokenizer tokenizer = made(byte_pairs(R"(, "added_tokens": [{"id": 6, "content": "<end>", "special": true}])"));
  EXPECT_EQ(tokenizer.vocabulary_size(), 7);
  EXPECT_EQ(tokenizer.id("abc"), 4);
  EXPECT_EQ(tokenizer.id("<end>"), 6);
  EXPECT_EQ(tokenizer.token(6), "<end>");
  EXPECT_TRUE(tokenizer.is_special(6));
  EXPECT_FALSE(tokenizer.is_special(5));
  EXPECT_FALSE(tokenizer.find("x"));
  EXPECT_EQ(error_of([&] { tokenizer.id("<ends>"); }), "id: there is no token \"<ends>\"; the nearest is \"<end>\"");
  EXPECT_EQ(error_of([&] { tokenizer.token(7); }), "token: id is 7; ids of this tokenizer are 0 to 6");
  EXPECT_EQ(error_of([&] { tokenizer.decode(Ids{0, -1}); }), "decode: id 1 is -1; ids of this tokenizer are 0 to 6");
  EXPECT_EQ(tokenizer.decode(Ids{0, 6}), "a");
  EXPECT_EQ(tokenizer.decode(Ids{0, 6}, {.special_tokens = true}), "a <end>");
}

TEST(Tokenizer, AnEmptyOneSaysSo) {
  const data::Tokenizer none;
  EXPECT_FALSE(none.exists());
  EXPECT_EQ(error_of([&] { none.encode("a"); }), "encode: this Tokenizer is empty; load or train one first");
  EXPECT_EQ(error_of([&] { none.vocabulary_size(); }), "vocabulary_size: this Tokenizer is empty; load or train one first");
}

TEST(Tokenizer, SpecialTokensAndEndsMayBeAdded) {
  const data::Tokenizer plain = made(byte_pairs(""));
  const data::Tokenizer tokenizer = plain.with_special_tokens({"<s>", "c", "</s>"}).with_ends("<s>", "</s>");
  EXPECT_EQ(tokenizer.encode("ab"), (Ids{6, 3, 7}));
  EXPECT_EQ(tokenizer.encode("ab", {.special_tokens = false}), (Ids{3}));
  EXPECT_EQ(tokenizer.encode("abc"), (Ids{6, 3, 2, 7}));  // c is found before words are cut
  EXPECT_TRUE(tokenizer.is_special(2));
  EXPECT_EQ(tokenizer.encode_pair("a", "b").ids, (Ids{6, 0, 7, 1, 7}));
  EXPECT_EQ(tokenizer.encode_pair("a", "b").types, (Ids{0, 0, 0, 1, 1}));
  EXPECT_EQ(plain.encode("ab"), (Ids{3}));
  EXPECT_EQ(plain.with_special_tokens({"<s>"}).with_ends("<s>", "").encode("a"), (Ids{6, 0}));
  EXPECT_NE(error_of([&] { plain.with_ends("<s>", ""); }).find("there is no token \"<s>\""), std::string::npos);
}

TEST(Tokenizer, LongTextsAreCutOffBetweenTheirEnds) {
  const data::Tokenizer tokenizer = made(byte_pairs("")).with_special_tokens({"<s>"}).with_ends("<s>", "<s>");
  EXPECT_EQ(tokenizer.encode("abab", {.most = 3}), (Ids{6, 3, 6}));
  EXPECT_EQ(tokenizer.encode("abab", {.most = 9}), (Ids{6, 3, 3, 6}));
  EXPECT_EQ(tokenizer.encode("abab", {.most = 2}), (Ids{6, 6}));
  EXPECT_EQ(tokenizer.encode_pair("aaaa", "b", {.most = 6}).ids, (Ids{6, 0, 0, 6, 1, 6}));
  // Two that are both too long share; the odd token is of the longer one, of equal ones of the second.
  EXPECT_EQ(tokenizer.encode_pair("aaaa", "bbb", {.most = 6}).ids, (Ids{6, 0, 0, 6, 1, 6}));
  EXPECT_EQ(tokenizer.encode_pair("aaa", "bbbb", {.most = 6}).ids, (Ids{6, 0, 6, 1, 1, 6}));
  EXPECT_EQ(tokenizer.encode_pair("aaa", "bbb", {.most = 6}).ids, (Ids{6, 0, 6, 1, 1, 6}));
  EXPECT_EQ(tokenizer.encode_pair("aaa", "bbb", {.most = 3}).ids, (Ids{6, 6, 6}));
  EXPECT_EQ(tokenizer.encode_with_offsets("abab", {.most = 3}).offsets.size(), 3u);
  EXPECT_EQ(error_of([&] { tokenizer.encode("a", {.most = 1}); }),
            "encode: most is 1, and 2 special tokens are put around a text; it must be at least that");
  EXPECT_EQ(error_of([&] { tokenizer.encode("a", {.most = -1}); }), "encode: most is -1; it must not be negative");
}

TEST(Tokenizer, WhatWeDoNotHaveIsRefusedByName) {
  EXPECT_EQ(refused(byte_pairs(R"(, "normalizer": {"type": "Precompiled", "precompiled_charsmap": ""})")),
            "t.json: normalizer: there is no normalizer \"Precompiled\" here; known are BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, "
            "Replace, "
            "Prepend, Strip, StripAccents, ByteLevel, Sequence");
  EXPECT_EQ(
      refused(byte_pairs(R"(, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "UnicodeScripts"}]})")),
      "t.json: pre_tokenizer.pretokenizers[0]: there is no pre_tokenizer \"UnicodeScripts\" here; known are BertPreTokenizer, ByteLevel, "
      "Whitespace, WhitespaceSplit, Metaspace, Digits, Punctuation, Split, CharDelimiterSplit, Sequence");
  EXPECT_EQ(
      refused(byte_pairs(R"(, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "x+"}, "behavior": "Isolated"})")),
      "t.json: pre_tokenizer.pattern: the regular expression \"x+\" is not known; known are those of GPT-2, Llama 3 and Qwen 2, and \\s+");
  EXPECT_EQ(refused(byte_pairs(R"(, "decoder": {"type": "CTC"})")),
            "t.json: decoder: there is no decoder \"CTC\" here; known are ByteLevel, WordPiece, Metaspace, BPEDecoder, ByteFallback, Fuse, "
            "Strip, "
            "Replace, Sequence");
  EXPECT_EQ(refused(R"({"model": {"type": "Morfessor"}})"),
            "t.json: model: there is no model \"Morfessor\" here; known are BPE, WordPiece, WordLevel, Unigram");
  EXPECT_EQ(refused(R"({"model": {"type": "BPE", "dropout": 0.1, "vocab": {}, "merges": []}})"),
            "t.json: model.dropout: it is 0.1; merges are never left out by chance here, so it must be null or 0");
}

TEST(Tokenizer, NormalizationDoesNotGrowWithoutBound) {
  const std::string much(1 << 20, 'a');
  const data::Tokenizer tokenizer =
      made(byte_pairs(R"(, "normalizer": {"type": "Replace", "pattern": {"String": "b"}, "content": ")" + much + R"("})"));
  EXPECT_EQ(error_of([&] { tokenizer.encode(std::string(1 << 12, 'b')); }),
            "encode: the tokenizer's steps make more than 17039360 bytes of a text; that is 16 MiB and 64 times its size");
}
// Each step may double what it gets, or more: it ends by a clear error, soon.
TEST(Tokenizer, ManyStepsMakeNoTextOfUnboundedLength) {
  const auto repeated = [](const std::string& step, int times) {
    std::string all = step;
    for (int i = 1; i < times; ++i) all += ", " + step;
    return all;
  };
  const std::string bytes = repeated(R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": false})", 40);
  for (const std::string& steps : {R"("pre_tokenizer": {"type": "Sequence", "pretokenizers": [)" + bytes + "]}",
                                   R"("normalizer": {"type": "Sequence", "normalizers": [)" + bytes + "]}"}) {
    const data::Tokenizer tokenizer = made(byte_pairs(", " + steps));
    EXPECT_NE(error_of([&] { tokenizer.encode_with_offsets("\u4e2d"); }).find("the tokenizer's steps make more than"), std::string::npos);
  }
  const std::string thousand(1000, 'a'), more = R"({"type": "Replace", "pattern": {"String": "a"}, "content": ")" + thousand + R"("})";
  const data::Tokenizer tokenizer = made(byte_pairs(R"(, "decoder": {"type": "Sequence", "decoders": [)" + repeated(more, 5) + "]}"));
  EXPECT_NE(error_of([&] { tokenizer.decode(Ids{0}); }).find("the tokenizer's decoder makes too many bytes"), std::string::npos);
}
// What the `tokenizers` library says.
TEST(Tokenizer, OffsetsOfReorderedMarksCoverTheText) {
  const data::Tokenizer tokenizer =
      made(R"({"model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}, "normalizer": {"type": "NFD"}})");
  for (const std::string marks : {"\u0301\u0323", "\u0301\u0323\u0327", "\u05c1\u05b8"}) {
    const data::Encoding encoding = tokenizer.encode_with_offsets(marks);
    ASSERT_EQ(encoding.offsets.size(), 1u);
    EXPECT_EQ(encoding.offsets[0].begin, 0);
    EXPECT_EQ(encoding.offsets[0].end, static_cast<int64_t>(marks.size()));
  }
}
TEST(Tokenizer, OffsetsOfAddedTokensLeaveOutTheSpacesTheyTook) {
  const data::Tokenizer tokenizer = made(byte_pairs(
      R"(, "added_tokens": [{"id": 6, "content": "<m>", "lstrip": true, "rstrip": true}], "post_processor": {"type": "ByteLevel", "trim_offsets": true})"));
  const data::Encoding encoding = tokenizer.encode_with_offsets("a <m>  b");
  ASSERT_EQ(encoding.ids[1], 6);
  EXPECT_EQ(encoding.offsets[1].begin, 2);
  EXPECT_EQ(encoding.offsets[1].end, 5);
}
TEST(Tokenizer, TypesAreTheTokenizersWithoutSpecialTokensToo) {
  const data::Tokenizer tokenizer =
      made(byte_pairs(R"(, "post_processor": {"type": "RobertaProcessing", "sep": ["a", 0], "cls": ["b", 1]})"));
  EXPECT_EQ(tokenizer.encode_pair("a", "b", {.special_tokens = false}).types, (Ids{0, 0}));
  EXPECT_EQ(tokenizer.encode_pair("a", "b", {.special_tokens = false}).ids, (Ids{0, 1}));
  EXPECT_EQ(made(byte_pairs("")).encode_pair("a", "b", {.special_tokens = false}).types, (Ids{0, 1}));
}
TEST(Tokenizer, BytesStandForACharacterIfAllOfItsOwnAreThere) {
  const data::Tokenizer tokenizer = made(
      R"({"model": {"type": "BPE", "vocab": {"[UNK]": 0, "<0xC3>": 1, "<0xA9>": 2}, "merges": [], "byte_fallback": true, "unk_token": "[UNK]"}})");
  EXPECT_EQ(tokenizer.encode("\u00e9"), (Ids{1, 2}));
  EXPECT_EQ(tokenizer.encode("\u00e8"), (Ids{0}));
}

TEST(Tokenizer, DamagedDataNameThePlace) {
  const auto model = [](const std::string& vocabulary, const std::string& merges) {
    return refused(R"({"model": {"type": "BPE", "vocab": )" + vocabulary + R"(, "merges": )" + merges + "}}");
  };
  EXPECT_EQ(refused("[]"), "t.json: expected a table, got []");
  EXPECT_EQ(refused("{}"), "t.json: there is no \"model\" in it; a tokenizer.json has one");
  EXPECT_EQ(model(R"({"a": 0, "b": 2})", "[]"),
            "t.json: model.vocab: the id of \"b\" is 2, and there are 2 tokens; ids must be 0 to 1, each once");
  EXPECT_EQ(model(R"({"a": 0, "b": 0})", "[]"), "t.json: model.vocab: \"a\" and \"b\" both have the id 0; each must have its own");
  EXPECT_EQ(model(R"({"a": 9223372036854775807})", "[]"),
            "t.json: model.vocab: the id of \"a\" is 9223372036854775807, and there are 1 tokens; ids must be 0 to 0, each once");
  EXPECT_EQ(model(R"({"a": -1})", "[]"),
            "t.json: model.vocab: the id of \"a\" is -1, and there are 1 tokens; ids must be 0 to 0, each once");
  EXPECT_EQ(model(R"({"a": "0"})", "[]"), "t.json: model.vocab: the id of \"a\" is \"0\"; ids must be integers");
  EXPECT_EQ(model("7", "[]"), "t.json: model.vocab: expected a table, got 7");
  EXPECT_EQ(model(R"(["a", "a"])", "[]"), "t.json: model.vocab: [1] is \"a\", which is token 0 too");
  EXPECT_EQ(model(R"({"a": 0})", R"({"a": 1})"), "t.json: model.merges: expected a list, got a table");
  EXPECT_EQ(model(R"({"a": 0, "b": 1})", R"(["a b"])"), "t.json: model.merges[0]: \"ab\" is not in the vocabulary");
  EXPECT_EQ(model(R"({"a": 0, "b": 1})", R"([["a", "x"]])"), "t.json: model.merges[0]: \"x\" is not in the vocabulary");
  EXPECT_EQ(model(R"({"a": 0})", R"(["a b c"])"), "t.json: model.merges[0]: expected two tokens with a space between them, got \"a b c\"");
  EXPECT_EQ(model(R"({"a": 0})", R"([["a"]])"), "t.json: model.merges[0]: expected two tokens, got [\"a\"]");
  EXPECT_EQ(model(R"({"a": 0, "": 1})", R"([["a", ""]])"),
            "t.json: model.merges[0]: it joins \"a\" and \"\"; both must have characters, or it would go round in a circle");
  const auto added = [](const std::string& tokens) { return refused(byte_pairs(R"(, "added_tokens": )" + tokens)); };
  EXPECT_EQ(added(R"([{"id": 8, "content": "x"}])"),
            "t.json: added_tokens: \"x\" has the id 8, and nothing has 6; ids must be 0 to N-1, without a gap");
  EXPECT_EQ(added(R"([{"id": 1, "content": "x"}])"),
            "t.json: added_tokens[0].id: 1 is said of \"x\", and of \"b\" in the vocabulary; each must have its own");
  EXPECT_EQ(added(R"([{"id": 1, "content": "a"}])"),
            "t.json: added_tokens[0].id: 1 is said of \"a\", which is token 0 of the vocabulary; they must be equal");
  EXPECT_EQ(added(R"([{"id": 6, "content": "x"}, {"id": 6, "content": "y"}])"),
            "t.json: added_tokens[1].id: 6 is said of \"y\" and of \"x\"; each must have its own");
  EXPECT_EQ(added(R"([{"id": 6, "content": ""}])"),
            "t.json: added_tokens[0].content: the text is empty; an added token must have characters");
  EXPECT_EQ(added(R"([{"id": 1e3, "content": "x"}])"), "t.json: added_tokens[0].id: expected an integer from 0 to 1073741824, got 1000");
  EXPECT_EQ(refused(byte_pairs(R"(, "post_processor": {"type": "BertProcessing", "sep": ["x", 99], "cls": ["y", 0]})")),
            "t.json: post_processor.sep[1]: there is no token 99; ids must be 0 to 5");
  EXPECT_EQ(refused(byte_pairs(
                R"(, "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}], "special_tokens": {}})")),
            "t.json: post_processor.single[0].SpecialToken.id: \"x\" is none of the special_tokens");
}

}  // namespace
}  // namespace gradus
