// BLEU against sacreBLEU 2.6.
#include "gradus/metrics/bleu.hpp"

#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using metrics::BleuScore;
using metrics::BleuWords;
using testing::error_of;
using Texts = std::vector<std::string>;

const Texts kSentences{"A man is playing a guitar.",
                       "The cat sat on the mat, didn't it?",
                       "It costs $1,000.50 (or 3.14%)!",
                       "&quot;x&quot; &amp; y &lt;z&gt;",
                       "one-two 3-4 end-",
                       "我喜欢学习深度学习。",
                       "he said “no” … 10,000 times",
                       " spaces   here ",
                       "short",
                       "Zwei Männer stehen am Herd."};
const Texts kReferences{"A man plays the guitar.",
                        "The cat sat on the mat - didn't it?",
                        "It cost $1,000.50, or 3.14%.",
                        "\"x\" & y <z>",
                        "one - two 3 - 4 end",
                        "我很喜欢深度学习。",
                        "he said \"no\" ... 10,000 times",
                        "spaces here",
                        "a much longer reference than this",
                        "Zwei Männer stehen am Herd und bereiten Essen zu."};

void expect_score(BleuWords words, double score, const std::array<double, 4>& precisions, double penalty, int64_t length,
                  int64_t reference_length) {
  const BleuScore got = metrics::bleu(kSentences, kReferences, {.words = words});
  EXPECT_NEAR(got.score, score, 1e-10);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(got.precisions[i], precisions[i], 1e-10);
  EXPECT_NEAR(got.brevity_penalty, penalty, 1e-14);
  EXPECT_EQ(got.length, length);
  EXPECT_EQ(got.reference_length, reference_length);
}

TEST(Bleu, ScoresAreThoseOfSacreBleu) {
  expect_score(BleuWords::v13a, 39.56313308438789, {75.0, 60.869565217391305, 42.10526315789474, 32.25806451612903}, 0.7928328533799701, 56,
               69);
  expect_score(BleuWords::zh, 29.362110457941128, {61.03896103896104, 38.80597014925373, 22.413793103448278, 14.0}, 1, 77, 77);
  expect_score(BleuWords::characters, 59.64461923866386, {78.49462365591398, 67.04545454545455, 61.44578313253012, 56.41025641025641},
               0.9126545395424093, 186, 203);
  expect_score(BleuWords::none, 22.09135352993689, {53.65853658536585, 38.70967741935484, 21.73913043478261, 18.75}, 0.728277464581102, 41,
               54);
}

TEST(Bleu, WordsAreThoseOfSacreBleu) {
  EXPECT_EQ(metrics::bleu_words(kSentences[2]), "It costs $ 1,000.50 ( or 3.14 % ) !");
  EXPECT_EQ(metrics::bleu_words(kSentences[3]), "\" x \" & y < z >");
  EXPECT_EQ(metrics::bleu_words(kSentences[4]), "one-two 3 - 4 end-");
  EXPECT_EQ(metrics::bleu_words(kSentences[5]), "我喜欢学习深度学习。");
  EXPECT_EQ(metrics::bleu_words(kSentences[5], {.words = BleuWords::zh}), "我 喜 欢 学 习 深 度 学 习 。");
  EXPECT_EQ(metrics::bleu_words(kSentences[6], {.words = BleuWords::zh}), "he said “ no ” … 10,000 times");
  EXPECT_EQ(metrics::bleu_words("a-\nb\nc<skipped>d"), "ab cd");
  EXPECT_EQ(metrics::bleu_words("ÀB\u00A0c\x1C"
                                "d",
                                {.lowercase = true}),
            "àb c d");
  EXPECT_EQ(metrics::bleu_words("ΟΔΟΣ ΣΑΣ Σ ΑΣ'Β 1Σ ΑΣ1 ΑΣ\u0301", {.lowercase = true}), "οδος σας σ ασ'β 1σ ας1 ας\u0301");  // str.lower
}

double of(const std::string& sentence, const std::string& reference, metrics::BleuOptions options = {}) {
  return metrics::bleu(Texts{sentence}, Texts{reference}, options).score;
}

TEST(Bleu, OrdersWithoutMatchesAreSmoothed) {
  EXPECT_NEAR(of("a b c d e", "a b x y e"), 23.643540225079384, 1e-10);
  EXPECT_EQ(of("x", "y"), 0);
  EXPECT_EQ(of("the cat", "the cat sat"), 0);
  EXPECT_NEAR(of("the cat", "the cat sat", {.effective_order = true}), 60.653065971263366, 1e-10);
  EXPECT_NEAR(of("The Cat Sat Down", "the cat sat down", {.lowercase = true}), 100, 1e-10);
}

TEST(Bleu, EmptySentencesScoreNothing) {
  EXPECT_EQ(of("", "a b"), 0);
  EXPECT_EQ(of("", ""), 0);
  EXPECT_EQ(metrics::bleu(Texts{}, Texts{}).score, 0);
  EXPECT_EQ(metrics::bleu(Texts{""}, Texts{"a b"}).brevity_penalty, 0);
}

// The nearest reference in length counts, the shorter of two; matches may come from any.
TEST(Bleu, SeveralReferencesMayFit) {
  const std::vector<Texts> references{{"a b c d x", "a c d"}, {"e f g", "e f g h i j k"}};
  const BleuScore score = metrics::bleu(Texts{"a b c d", "e f g h i"}, references);
  EXPECT_EQ(score.length, 9);
  EXPECT_EQ(score.reference_length, 3 + 3);
  EXPECT_NEAR(score.score, 100, 1e-10);
}

TEST(Bleu, WhatDoesNotFitIsRefused) {
  EXPECT_EQ(error_of([] { metrics::bleu(Texts{"a"}, Texts{}); }),
            "bleu: there are 1 sentences and 0 references; they must be equally many");
  EXPECT_EQ(error_of([] { metrics::bleu(Texts{"a"}, std::vector<Texts>{{}}); }), "bleu: sentence 0 has no reference; each must have one");
  EXPECT_EQ(error_of([] {
              metrics::bleu(Texts{"a", "\xFF"}, Texts{"a", "b"});
            }),
            "bleu: sentence 1: byte 0 (0xff) is not UTF-8; save the text as UTF-8");
}

}  // namespace
}  // namespace gradus
