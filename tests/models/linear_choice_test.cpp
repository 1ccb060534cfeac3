// Paths over alpha and its choice by cross-validation.
#include "gradus/models/linear_choice.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus::models {
namespace {

using testing::error_of;

// 80 rows of 6 columns, of which three count.
struct Sample {
  Array x, y, label;
};
Sample sample(double noise) {
  const Array x = random::normal(random::key(1), {80, 6}, 0, 1, float64).eval();
  const Array y =
      (matmul(x, array({2.0, -1.0, 0.0, 0.0, 0.5, 0.0})) + noise * random::normal(random::key(2), {80}, 0, 1, float64) + 3).eval();
  return {x, y, (y > 3).astype(int64).eval()};
}

TEST(ElasticNetPath, is_the_single_fits) {
  const Sample s = sample(1);
  const ElasticNetPath path = elastic_net_path(s.x, s.y, {.count = 7, .ratio = 1e-2}, {.l1_ratio = 0.7});
  ASSERT_EQ(path.coefficients.shape(), (Shape{7, 6}));
  ASSERT_EQ(path.alphas.size(), 7u);
  EXPECT_NEAR(path.alphas.back() / path.alphas.front(), 1e-2, 1e-15);
  for (size_t i = 0; i < 7; ++i) {
    const LinearFit fit = fit_elastic_net(s.x, s.y, {.alpha = path.alphas[i], .l1_ratio = 0.7});
    const auto at = static_cast<int64_t>(i);
    EXPECT_TRUE(allclose(path.coefficients[at], fit.coefficients, {.relative = 1e-8, .absolute = 1e-9})) << i;
    EXPECT_NEAR(path.intercepts[at].item(), fit.intercept.item(), 1e-9);
    EXPECT_LE(path.gaps[i], 1e-13);
  }
  EXPECT_LT(max(abs(path.coefficients[0])).item(), 1e-14) << "the largest alpha is where all are 0";
  EXPECT_GT(max(abs(path.coefficients[1])).item(), 0);
  const Array both = stack({s.y, -s.y}, 1);
  const ElasticNetPath two = elastic_net_path(s.x, both, {.alphas = {0.01, 0.1}});
  ASSERT_EQ(two.coefficients.shape(), (Shape{2, 6, 2}));
  EXPECT_EQ(two.alphas[0], 0.1) << "the largest first";
  EXPECT_TRUE(
      allclose(two.coefficients[{slice(), slice(), 0}], -two.coefficients[{slice(), slice(), 1}], {.relative = 1e-12, .absolute = 1e-14}));
}

// Mean squared error on every fold by fits of the rest, by hand.
TEST(ChooseRidge, measures_rows_that_were_held_out) {
  const Sample s = sample(1);
  const ChoiceOptions choice{.alphas = {1.0, 100.0}, .folds = 80};  // each row by itself, so that the order does not count
  const AlphaChoice out = choose_ridge(s.x, s.y, choice);
  ASSERT_EQ(out.alphas, (std::vector<double>{100, 1}));
  for (size_t a = 0; a < 2; ++a) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < 80; ++i) {
      const Array rest = concatenate({arange(i), arange(i + 1, 80)}, 0);
      const LinearFit fit = fit_ridge(take(s.x, rest, 0), take(s.y, rest, 0), {.alpha = out.alphas[a]});
      const double error = fit.predict(s.x[slice(i, i + 1)]).to_vector<double>()[0] - s.y[i].item();
      sum += error * error / 80;
      squares += std::pow(error, 4) / 80;
    }
    EXPECT_NEAR(out.errors[a], sum, 1e-10);
    EXPECT_NEAR(out.deviations[a], std::sqrt((squares - sum * sum) / 79), 1e-10) << "the standard error of the mean";
  }
  EXPECT_EQ(out.alpha, 1);
  EXPECT_TRUE(array_equal(out.fit.coefficients, fit_ridge(s.x, s.y, {.alpha = 1}).coefficients));
}

TEST(Choices, take_more_penalty_for_more_noise) {
  const Sample clean = sample(0.01), noisy = sample(20);
  EXPECT_LT(choose_ridge(clean.x, clean.y).alpha, choose_ridge(noisy.x, noisy.y).alpha);
  EXPECT_LT(choose_elastic_net(clean.x, clean.y, {}, {.l1_ratio = 1}).alpha,
            choose_elastic_net(noisy.x, noisy.y, {}, {.l1_ratio = 1}).alpha);
  EXPECT_LT(choose_logistic(clean.x, clean.label).alpha, choose_logistic(noisy.x, noisy.label).alpha);
  const AlphaChoice softmax = choose_softmax(clean.x, clean.label);
  EXPECT_EQ(softmax.fit.coefficients.shape(), (Shape{6, 2}));
  EXPECT_EQ(softmax.errors.size(), 11u);
  EXPECT_TRUE(softmax.fit.certificate.is_met());
}
TEST(Choices, measure_log_loss) {
  // Folds of a coin that x knows nothing of: the more penalty, the nearer to log 2.
  const Array x = random::normal(random::key(3), {200, 3}, 0, 1, float64),
              y = (arange(200) - 2 * floor(arange(200).astype(float64) / 2)).astype(int64).eval();
  const AlphaChoice out = choose_logistic(x, y, {.alphas = {1e9}});
  EXPECT_NEAR(out.errors[0], std::log(2.0), 1e-6);
  EXPECT_NEAR(choose_softmax(x, y, {.alphas = {1e9}}).errors[0], std::log(2.0), 1e-6);
}
TEST(Choices, take_the_simplest_within_one_standard_error) {
  const Sample s = sample(3);
  const AlphaChoice best = choose_elastic_net(s.x, s.y, {}, {.l1_ratio = 1}),
                    simple = choose_elastic_net(s.x, s.y, {.takes_simplest = true}, {.l1_ratio = 1});
  EXPECT_GT(simple.alpha, best.alpha);
  const auto least = static_cast<size_t>(std::min_element(best.errors.begin(), best.errors.end()) - best.errors.begin());
  const auto chosen = static_cast<size_t>(std::find(simple.alphas.begin(), simple.alphas.end(), simple.alpha) - simple.alphas.begin());
  EXPECT_LE(simple.errors[chosen], simple.errors[least] + simple.deviations[least]);
  EXPECT_GT(simple.errors[chosen - 1], simple.errors[least] + simple.deviations[least]);
}
TEST(Choices, depend_on_the_seed_only) {
  const Sample s = sample(3);
  EXPECT_EQ(choose_ridge(s.x, s.y, {.seed = 4}).errors, choose_ridge(s.x, s.y, {.seed = 4}).errors);
  EXPECT_NE(choose_ridge(s.x, s.y, {.seed = 4}).errors, choose_ridge(s.x, s.y, {.seed = 5}).errors);
}
TEST(Choices, count_rows_by_their_weights) {
  // Rows of weight 0 are there for no fit and no error.
  const Sample s = sample(1);
  const Array weights = where(arange(80) < 60, 1.0, 0.0).astype(float64).eval();
  const Array wrong = where(arange(80) < 60, s.y, 1e6).eval();
  EXPECT_LT(choose_ridge(s.x, wrong, {.alphas = {1.0}}, {.weights = weights}).errors[0], 3);
}
// Held out, it would be unknown to what is left.
TEST(Choices, keep_the_only_row_of_a_class) {
  const Array x = array({{1.0}, {1.2}, {2.0}, {2.2}, {9.0}}, float64), y = array({0, 0, 1, 1, 2});
  const AlphaChoice found = choose_softmax(x, y, {.folds = 2});
  EXPECT_EQ(found.fit.coefficients.shape(), (Shape{1, 3}));
  for (const double error : found.errors) EXPECT_TRUE(std::isfinite(error));
}

TEST(Choices, refuse_what_cannot_be_held_out) {
  const Sample s = sample(1);
  EXPECT_NE(error_of([&] { choose_ridge(s.x, s.y, {.folds = 1}); }).find("folds is 1, there are 80 rows; folds must be from 2 to that"),
            std::string::npos);
  EXPECT_THROW(choose_ridge(s.x, s.y, {.folds = 81}), Error);
  EXPECT_THROW(choose_ridge(s.x, s.y, {.alphas = {-1.0}}), Error);
  EXPECT_NE(error_of([] {
              choose_softmax(array({{1.0}, {2.0}, {3.0}}), array({0, 1, 2}), {.folds = 2});
            }).find("only 0 rows are of a class of two rows or more, and folds is 2"),
            std::string::npos);
  EXPECT_THROW(elastic_net_path(s.x, s.y, {.count = 0}), Error);
  EXPECT_THROW(elastic_net_path(s.x, s.y, {.ratio = 0}), Error);
}

}  // namespace
}  // namespace gradus::models
