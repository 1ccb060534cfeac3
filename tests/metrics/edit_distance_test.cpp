// Edit distances.
#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using Labels = std::vector<int64_t>;

Labels letters(const std::string& word) { return Labels(word.begin(), word.end()); }
int64_t between(const std::string& a, const std::string& b) { return metrics::edit_distance(letters(a), letters(b)); }

TEST(EditDistance, CountsInsertionsRemovalsAndReplacements) {
  EXPECT_EQ(between("kitten", "sitting"), 3);
  EXPECT_EQ(between("sitting", "kitten"), 3);
  EXPECT_EQ(between("", "abc"), 3);
  EXPECT_EQ(between("abc", ""), 3);
  EXPECT_EQ(between("", ""), 0);
  EXPECT_EQ(between("abc", "abc"), 0);
  EXPECT_EQ(between("abcd", "bcda"), 2);
  EXPECT_EQ(between("intention", "execution"), 5);
}

TEST(EditDistance, TheErrorRateIsOverTheLabelsOfAllExamples) {
  const std::vector<Labels> found{{1, 2, 3}, {}}, wanted{{1, 3}, {4, 4}};
  EXPECT_DOUBLE_EQ(metrics::label_error_rate(found, wanted), 3.0 / 4);
  const std::vector<nn::CtcSequence> decoded{{.labels = {1, 2, 3}}, {}};
  EXPECT_DOUBLE_EQ(metrics::label_error_rate(decoded, array({{1, 3, -1}, {4, 4, -1}})), 3.0 / 4);
}

TEST(EditDistance, TheErrorRateOfNoLabels) {
  const std::vector<Labels> nothing{{}}, something{{1}};
  EXPECT_EQ(metrics::label_error_rate(nothing, nothing), 0);
  EXPECT_EQ(metrics::label_error_rate(something, nothing), std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace gradus
