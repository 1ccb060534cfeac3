// Trained tokenizers: what is merged, what comes first, and that nothing else matters.
#include "gradus/data/text/tokenizer_training.hpp"

#include <algorithm>

#include "gradus/data/text/tokenizer_file.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using data::TokenizerKind;
using Ids = std::vector<int64_t>;
using Texts = std::vector<std::string>;
using testing::error_of;

const Texts kTexts{"the cat sat on the mat and the dog sat on the log", "naïve café, déjà vu: it's 1,000 or 42!", "深度学习 的 数学基础",
                   "the theory of the thing"};
constexpr TokenizerKind kKinds[] = {TokenizerKind::character, TokenizerKind::word, TokenizerKind::byte_pair, TokenizerKind::plain_byte_pair,
                                    TokenizerKind::word_piece};

Texts tokens_of(const data::Tokenizer& tokenizer, int64_t begin, int64_t end) {
  Texts out;
  for (int64_t id = begin; id < std::min(end, tokenizer.vocabulary_size()); ++id) out.push_back(tokenizer.token(id));
  return out;
}

TEST(TrainTokenizer, CharactersTakeIdsByCodePoint) {
  const data::Tokenizer tokenizer = data::train_tokenizer(TokenizerKind::character, Texts{"cab", "深a\n"});
  EXPECT_EQ(tokens_of(tokenizer, 0, 99), (Texts{"<pad>", "<unk>", "<s>", "</s>", "\n", "a", "b", "c", "深"}));
  EXPECT_EQ(tokenizer.encode("a深x\n"), (Ids{5, 8, 1, 4}));
  EXPECT_EQ(tokenizer.decode(Ids{7, 5, 6, 8, 4}), "cab深\n");
  const data::Tokenizer few =
      data::train_tokenizer(TokenizerKind::character, Texts{"aab bbc"}, {.vocabulary_size = 3, .special_tokens = Texts{"<unk>"}});
  EXPECT_EQ(tokens_of(few, 0, 99), (Texts{"<unk>", "a", "b"}));
  const data::Tokenizer often =
      data::train_tokenizer(TokenizerKind::character, Texts{"aabbc"}, {.least_count = 2, .special_tokens = Texts{}});
  EXPECT_EQ(tokens_of(often, 0, 99), (Texts{"a", "b"}));
  EXPECT_NE(error_of([&] { often.encode("abc"); }).find("byte 2 begins \"c\""), std::string::npos);
}

TEST(TrainTokenizer, WordsTakeIdsByHowOftenTheyOccur) {
  const data::Tokenizer tokenizer =
      data::train_tokenizer(TokenizerKind::word, Texts{"b a, b", "A b!"}, {.lowercase = true, .special_tokens = Texts{"<unk>"}});
  EXPECT_EQ(tokens_of(tokenizer, 0, 99), (Texts{"<unk>", "b", "a", "!", ","}));
  EXPECT_EQ(tokenizer.encode("B, c"), (Ids{1, 4, 0}));
  EXPECT_EQ(tokenizer.decode(Ids{1, 4, 2}), "b , a");
  EXPECT_EQ(data::train_tokenizer(TokenizerKind::word, Texts{"b a, b", "A b!"}, {.vocabulary_size = 5}).vocabulary_size(), 5);
}

// low lower lowest: counts of pairs are l o 3, o w 3, w e 2, ...; of equal ones that of the smaller ids is merged first.
TEST(TrainTokenizer, ThePairThatIsMostFrequentIsMergedFirst) {
  const data::Tokenizer tokenizer =
      data::train_tokenizer(TokenizerKind::plain_byte_pair, Texts{"low lower lowest"}, {.special_tokens = Texts{"<unk>"}});
  // (l, o), (o, w) and (▁, l) occur three times; then (▁, lo) and (lo, w), and ▁ has the smaller id.
  EXPECT_EQ(tokens_of(tokenizer, 0, 9), (Texts{"<unk>", "e", "l", "o", "r", "s", "t", "w", "▁"}));
  EXPECT_EQ(tokens_of(tokenizer, 9, 13), (Texts{"lo", "▁lo", "▁low", "▁lowe"}));
  const data::Tokenizer rarer = data::train_tokenizer(TokenizerKind::plain_byte_pair, Texts{"low lower lowest"},
                                                      {.least_count = 3, .special_tokens = Texts{"<unk>"}});
  // Characters that occur less than three times are unknown, and no pair goes across one.
  EXPECT_EQ(tokens_of(rarer, 0, 99), (Texts{"<unk>", "l", "o", "w", "▁", "lo", "▁lo", "▁low"}));
  EXPECT_EQ(rarer.encode("lower"), (Ids{7, 0, 0}));
}

TEST(TrainTokenizer, ARunOfOneCharacterIsMergedFromTheLeft) {
  const data::Tokenizer tokenizer =
      data::train_tokenizer(TokenizerKind::byte_pair, Texts{"aaaaa aaa"}, {.vocabulary_size = 257, .special_tokens = Texts{}});
  EXPECT_EQ(tokenizer.token(256), "aa");
  EXPECT_EQ(tokenizer.encode("aaaaa"), (Ids{256, 256, tokenizer.id("a")}));
}

TEST(TrainTokenizer, BytePairsKnowEveryText) {
  const data::Tokenizer tokenizer = data::train_tokenizer(TokenizerKind::byte_pair, kTexts, {.vocabulary_size = 300});
  EXPECT_EQ(tokenizer.vocabulary_size(), 300);
  for (const std::string text : {"", " ", "the café", "한국어 😀\n\t\x01", "</s> x"}) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text), {.special_tokens = true}), text);
  }
  EXPECT_FALSE(tokenizer.unknown());
  EXPECT_EQ(error_of([] { data::train_tokenizer(TokenizerKind::byte_pair, kTexts, {.vocabulary_size = 259}); }),
            "train_tokenizer: vocabulary_size is 259; it must be at least 260, for 256 bytes and 4 special tokens");
}

TEST(TrainTokenizer, WordPiecesGoOnWithTwoSigns) {
  const data::Tokenizer tokenizer = data::train_tokenizer(TokenizerKind::word_piece, Texts{"Höher höher hoch"}, {.lowercase = true});
  EXPECT_EQ(tokens_of(tokenizer, 0, 99),
            (Texts{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "c",    "e",     "h",     "o",    "r",   "##c",
                   "##e",   "##h",   "##o",   "##r",   "ho",     "##er", "##her", "hoher", "##ch", "hoch"}));
  EXPECT_EQ(tokenizer.encode("HÖHER hocher"), (Ids{2, 18, 20, 16, 3}));
  EXPECT_EQ(tokenizer.encode("x"), (Ids{2, 1, 3}));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("hoher, hocher")), "hoher hocher");
}

TEST(TrainTokenizer, TheOrderOfTextsDoesNotMatter) {
  Texts reversed = kTexts;
  std::reverse(reversed.begin(), reversed.end());
  for (const TokenizerKind kind : kKinds) {
    const data::TokenizerOptions options{.vocabulary_size = 290};
    EXPECT_EQ(data::train_tokenizer(kind, kTexts, options).to_datum(), data::train_tokenizer(kind, reversed, options).to_datum());
  }
}

TEST(TrainTokenizer, VocabulariesStayWithinTheirSize) {
  for (const TokenizerKind kind : kKinds) {
    for (const int64_t size : {12, 40, 270}) {
      if (kind == TokenizerKind::byte_pair && size < 260) continue;
      const data::Tokenizer tokenizer = data::train_tokenizer(kind, kTexts, {.vocabulary_size = size});
      EXPECT_LE(tokenizer.vocabulary_size(), size);
      for (const std::string& text : kTexts) EXPECT_FALSE(tokenizer.encode(text).empty());
    }
  }
}

TEST(TrainTokenizer, NoTextsMakeATokenizerOfSpecialTokens) {
  for (const TokenizerKind kind : kKinds) {
    const data::Tokenizer tokenizer = data::train_tokenizer(kind, Texts{});
    EXPECT_EQ(tokenizer.vocabulary_size(), kind == TokenizerKind::byte_pair ? 260 : kind == TokenizerKind::word_piece ? 5 : 4);
  }
}

TEST(TrainTokenizer, WrongOptionsAreRefused) {
  const auto said = [](const data::TokenizerOptions& options, TokenizerKind kind = TokenizerKind::word) {
    return error_of([&] { data::train_tokenizer(kind, kTexts, options); });
  };
  EXPECT_EQ(said({.vocabulary_size = 0}), "train_tokenizer: vocabulary_size is 0; it must be at least 1");
  EXPECT_EQ(said({.least_count = 0}), "train_tokenizer: least_count is 0; it must be at least 1");
  EXPECT_EQ(said({.vocabulary_size = 4}), "train_tokenizer: vocabulary_size is 4, and there are 4 special tokens; it must be larger");
  EXPECT_EQ(said({.special_tokens = Texts{"a", "a"}}), "train_tokenizer: special_tokens has \"a\" twice");
  EXPECT_EQ(said({.special_tokens = Texts{""}}), "tokenizer: a special token is empty; it must have characters");
  EXPECT_EQ(said({.special_tokens = Texts{}}, TokenizerKind::word_piece),
            "train_tokenizer: special_tokens has no [UNK]; word pieces need it for words that cannot be put together");
  EXPECT_EQ(error_of([] {
              data::train_tokenizer(TokenizerKind::word, Texts{"a", "b\xFF"});
            }),
            "train_tokenizer: text 1: byte 1 (0xff) is not UTF-8; save the text as UTF-8");
  EXPECT_EQ(error_of([] { data::tokenizer_kind("byte_pairs"); }),
            "tokenizer: there is none called \"byte_pairs\"; known are character, word, byte_pair, plain_byte_pair, word_piece; did you "
            "mean byte_pair?");
}

}  // namespace
}  // namespace gradus
