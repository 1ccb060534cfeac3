// Decoding of CTC outputs against all paths and all sequences.
#include <cmath>
#include <map>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;
using Labels = std::vector<int64_t>;

// The log-probability of every sequence, by all paths.
std::map<Labels, double> all_sequences(const Array& logits, int64_t steps, int64_t blank) {
  const int64_t classes = logits.shape(1);
  const std::vector<double> log_p = log_softmax(logits, 1).to_vector<double>();
  std::map<Labels, double> sums;
  Labels path(static_cast<size_t>(steps), 0);
  while (true) {
    double product = 0;
    Labels labels;
    for (size_t t = 0; t < path.size(); ++t) {
      product += log_p[t * static_cast<size_t>(classes) + static_cast<size_t>(path[t])];
      if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) labels.push_back(path[t]);
    }
    sums[labels] += std::exp(product);
    int64_t at = steps - 1;
    while (at >= 0 && ++path[static_cast<size_t>(at)] == classes) path[static_cast<size_t>(at--)] = 0;
    if (at < 0) break;
  }
  for (auto& [labels, sum] : sums) sum = std::log(sum);
  return sums;
}

TEST(CtcDecode, GreedyMergesRepetitionsAndDropsBlanks) {
  const Array path = array({{1, 1, 0, 1, 2, 2, 0, 0}, {0, 0, 2, 0, 1, 1, 1, 1}}), logits = one_hot(path, 3) * 5;
  const std::vector<nn::CtcSequence> found = nn::ctc_greedy(logits, {.input_lengths = array({8, 4})});
  EXPECT_EQ(found[0].labels, (Labels{1, 1, 2}));
  EXPECT_EQ(found[1].labels, (Labels{2}));
  EXPECT_NEAR(found[0].log_probability, 8 * std::log(std::exp(5) / (std::exp(5) + 2)), 1e-5);
  EXPECT_NEAR(found[1].log_probability, found[0].log_probability / 2, 1e-5);
  EXPECT_EQ(nn::ctc_greedy(logits, {.blank = 2})[0].labels, (Labels{1, 0, 1, 0}));
}

TEST(CtcDecode, ABeamThatHoldsEverythingIsExact) {
  random::seed(1);
  for (const int64_t blank : {0, 2}) {
    const Array logits = random::normal({2, 6, 3}, 0, 1.5, float64).eval();
    const auto found = nn::ctc_beam(logits, {.input_lengths = array({6, 5}), .blank = blank, .width = 1000, .best = 1000});
    for (int64_t n = 0; n < 2; ++n) {
      const std::map<Labels, double> wanted = all_sequences(logits[n], 6 - n, blank);
      const auto& sequences = found[static_cast<size_t>(n)];
      ASSERT_EQ(sequences.size(), wanted.size());
      double before = 0;
      for (const nn::CtcSequence& each : sequences) {
        EXPECT_NEAR(each.log_probability, wanted.at(each.labels), 1e-12);
        EXPECT_EQ(each.score, each.log_probability);
        EXPECT_LE(each.score, before);
        before = each.score;
      }
    }
  }
}

// Graves's example: the best path is blank, blank, but the label has more paths in all.
TEST(CtcDecode, TheBeamFindsWhatTheBestPathMisses) {
  const Array logits = log(array({{{0.6, 0.4}, {0.6, 0.4}}}));
  EXPECT_TRUE(nn::ctc_greedy(logits)[0].labels.empty());
  const auto found = nn::ctc_beam(logits, {.width = 2, .best = 2})[0];
  EXPECT_EQ(found[0].labels, (Labels{1}));
  EXPECT_NEAR(found[0].log_probability, std::log(0.64), 1e-6);
  EXPECT_NEAR(found[1].log_probability, std::log(0.36), 1e-6);
}

TEST(CtcDecode, ANarrowBeamKeepsTheLikeliestAndFewClassesAreTried) {
  random::seed(3);
  const Array logits = random::normal({4, 30, 12}, 0, 3).eval();
  const auto wide = nn::ctc_beam(logits, {.width = 200}), narrow = nn::ctc_beam(logits, {.width = 10}),
             few = nn::ctc_beam(logits, {.width = 10, .classes = 11}), two = nn::ctc_beam(logits, {.width = 10, .classes = 2});
  for (size_t n = 0; n < 4; ++n) {
    EXPECT_GE(wide[n][0].log_probability, narrow[n][0].log_probability - 1e-9);
    EXPECT_EQ(few[n][0].labels, narrow[n][0].labels) << "all labels but the blank are all";
    EXPECT_LE(two[n][0].log_probability, wide[n][0].log_probability + 1e-9);
    const Labels& labels = wide[n][0].labels;
    const double exact =
        ctc_loss(logits[slice(static_cast<int64_t>(n), static_cast<int64_t>(n) + 1)], reshape(array(labels), {1, -1})).item();
    EXPECT_NEAR(wide[n][0].log_probability, -exact, 0.3);
    EXPECT_LE(wide[n][0].log_probability, -exact + 1e-4) << "the alignments that were looked at are some of all";
  }
  EXPECT_EQ(nn::ctc_beam(logits, {.width = 1, .classes = 1}).size(), 4u);
}

TEST(CtcDecode, AScorerSeesEachPrefixOnceAndMovesTheChoice) {
  const Array logits = log(array({{{0.1, 0.5, 0.4}, {0.1, 0.4, 0.5}}}, float64));
  std::map<std::pair<Labels, int64_t>, int> asked;
  const auto no_two = [&](std::span<const int64_t> prefix, int64_t label) {
    ++asked[{Labels(prefix.begin(), prefix.end()), label}];
    return label == 2 ? -std::numeric_limits<double>::infinity() : -0.5;
  };
  const auto found = nn::ctc_beam(logits, {.width = 9, .best = 9, .scorer = no_two})[0];
  ASSERT_EQ(found.size(), 2u) << "nothing, and 1";
  EXPECT_EQ(found[0].labels, (Labels{1}));
  EXPECT_NEAR(found[0].log_probability, std::log(0.5 * 0.4 + 0.5 * 0.1 + 0.1 * 0.4), 1e-12);
  EXPECT_NEAR(found[0].score, found[0].log_probability - 0.5, 1e-12);
  for (const auto& [what, times] : asked) EXPECT_LE(times, 2);
}

TEST(CtcDecode, OfNoStepsIsNothingWithCertainty) {
  EXPECT_TRUE(nn::ctc_greedy(zeros({1, 0, 2}))[0].labels.empty());
  const auto found = nn::ctc_beam(zeros({2, 3, 2}), {.input_lengths = array({0, 3})});
  EXPECT_TRUE(found[0][0].labels.empty());
  EXPECT_EQ(found[0][0].log_probability, 0);
  EXPECT_TRUE(nn::ctc_beam(zeros({0, 3, 2})).empty());
}

TEST(CtcDecode, Errors) {
  Array bad = zeros({2, 3, 4});
  bad.set({1, 2, 0}, std::nan(""));
  EXPECT_EQ(error_of([&] { nn::ctc_greedy(bad); }),
            "ctc_greedy: logits of example 1 hold a nan or infinity at step 2; they must be numbers");
  EXPECT_NO_THROW(nn::ctc_greedy(bad, {.input_lengths = array({3, 2})}));
  const auto nan_score = [](std::span<const int64_t>, int64_t) { return std::nan(""); };
  EXPECT_EQ(error_of([&] {
              nn::ctc_beam(zeros({1, 1, 2}), {.scorer = nan_score});
            }),
            "ctc_beam: the scorer returned nan for label 1; it must be a number, or -infinity");
}

}  // namespace
}  // namespace gradus
