// ROUGE against Google's rouge_score; error rates.
#include <gtest/gtest.h>

#include "gradus/gradus.hpp"
#include "tests/metrics/references.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

namespace ref = references;
using testing::error_of;
using Texts = std::vector<std::string>;

std::vector<double> numbers(const metrics::RougeScores& scores) {
  std::vector<double> out;
  for (const metrics::RougeScore& each : {scores.rouge1, scores.rouge2, scores.rougeL, scores.rougeLsum})
    out.insert(out.end(), {each.precision, each.recall, each.f1});
  return out;
}
void expect_near(const std::vector<double>& found, const std::vector<double>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 1e-12) << i;
}

TEST(Rouge, IsGoogles) {
  const Texts found{"The cat sat on the mat.", "a b c d\ne f g a\n\nh", "--"};
  const Texts wanted{"the Cat was on a mat, on the floor", "a c b d\nf e a g h\na a", "words"};
  expect_near(numbers(metrics::rouge(Texts{found[0]}, Texts{wanted[0]})), ref::rouge_plain);
  expect_near(numbers(metrics::rouge(Texts{found[1]}, Texts{wanted[1]})), ref::rouge_lines);
  expect_near(numbers(metrics::rouge(Texts{found[2]}, Texts{wanted[2]})), ref::rouge_none);
  std::vector<double> mean = ref::rouge_plain;
  for (size_t i = 0; i < mean.size(); ++i) mean[i] = (mean[i] + ref::rouge_lines[i] + ref::rouge_none[i]) / 3;
  expect_near(numbers(metrics::rouge(found, wanted)), mean);
}

TEST(Rouge, TakesTheBestReferenceForEachKind) {
  const std::vector<Texts> references{{"x y z", "a b q", "b c a"}};
  const auto scores = metrics::rouge(Texts{"a b c"}, references);
  EXPECT_EQ(scores.rouge1.f1, 1);
  EXPECT_EQ(scores.rouge2.f1, 0.5);
  EXPECT_NEAR(scores.rougeL.f1, 2.0 / 3, 1e-12);
}

// rouge_score has no words for them, and gives 0 of equal texts.
TEST(Rouge, OfOtherScriptsTakesCharactersOrWords) {
  const Texts same{"猫 坐在垫子上"}, other{"猫坐在椅上"};
  EXPECT_EQ(metrics::rouge(same, same).rouge1.f1, 0);
  EXPECT_EQ(metrics::rouge(same, same, metrics::RougeWords::characters).rougeLsum.f1, 1);
  EXPECT_NEAR(metrics::rouge(other, same, metrics::RougeWords::characters).rouge1.recall, 4.0 / 6, 1e-12);
  EXPECT_EQ(metrics::rouge(Texts{"Ä b"}, Texts{"Ä c"}, metrics::RougeWords::white_space).rouge1.f1, 0.5);
}

TEST(Rouge, RefusesWhatIsNone) {
  EXPECT_EQ(error_of([] { metrics::rouge(Texts{"a"}, Texts{}); }), "rouge: there are 1 texts and 0 references; they must be equally many");
  EXPECT_EQ(error_of([] { metrics::rouge(Texts{}, Texts{}); }), "rouge: there are no texts; there must be one");
  EXPECT_EQ(error_of([] { metrics::rouge(Texts{"a"}, std::vector<Texts>{{}}); }), "rouge: text 0 has no reference; each must have one");
  EXPECT_NE(error_of([] { metrics::rouge(Texts{"\xff"}, Texts{"a"}); }).find("rouge: text 0: byte 0 (0xff) is not UTF-8"),
            std::string::npos);
}

TEST(ErrorRates, CountWhatWasDone) {
  const auto rate = metrics::word_error_rate(Texts{"the bat sat  on on mat", "a"}, Texts{"the cat sat on the mat today", ""});
  EXPECT_EQ(rate.substitutions, 2);
  EXPECT_EQ(rate.deletions, 1);
  EXPECT_EQ(rate.insertions, 1);
  EXPECT_EQ(rate.hits, 4);
  EXPECT_EQ(rate.wanted, 7);
  EXPECT_NEAR(rate.rate, 4.0 / 7, 1e-12);
}

TEST(ErrorRates, OfCharactersCountThemNotBytes) {
  const auto rate = metrics::character_error_rate(Texts{"naïve "}, Texts{"naive"});
  EXPECT_EQ(rate.substitutions, 1);
  EXPECT_EQ(rate.insertions, 1);
  EXPECT_EQ(rate.rate, 0.4);
}

// One deletion and one insertion, or two replacements: replacements are counted.
TEST(ErrorRates, PreferReplacements) {
  const auto rate = metrics::word_error_rate(Texts{"a b"}, Texts{"b a"});
  EXPECT_EQ(rate.substitutions, 2);
  EXPECT_EQ(rate.deletions + rate.insertions, 0);
}

TEST(ErrorRates, OfNothingWanted) {
  EXPECT_EQ(metrics::word_error_rate(Texts{" "}, Texts{""}).rate, 0);
  EXPECT_EQ(metrics::word_error_rate(Texts{"a"}, Texts{""}).rate, HUGE_VAL);
  EXPECT_EQ(error_of([] { metrics::word_error_rate(Texts{"a"}, Texts{}); }),
            "word_error_rate: there are 1 texts and 0 references; they must be equally many");
}

}  // namespace
}  // namespace gradus
