// Recommenders: networks of pairs, alternating least squares, negatives, recommendations, ranking.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <set>

#include "gradus/gradus.hpp"
#include "gradus/models/models.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus::models {
namespace {

using testing::error_of;

constexpr int64_t kUsers = 40, kItems = 30;

// Ratings 3 + b_u + c_i + p_u . q_i of rank 2, of which every fourth pair is held out.
struct Ratings {
  Interactions seen, held_out;
};
Ratings low_rank() {
  const auto draw = [](int key, int64_t count) { return random::normal(random::key(key), {count, 2}, 0, 1, float64); };
  const Array table = 3 + draw(1, kUsers)[{slice(), slice(0, 1)}] + transpose(draw(2, kItems)[{slice(), slice(0, 1)}]) +
                      matmul(draw(3, kUsers), transpose(draw(4, kItems)));
  const std::vector<double> ratings = table.to_vector<double>();
  std::vector<int64_t> users[2], items[2];
  std::vector<double> values[2];
  for (int64_t u = 0; u < kUsers; ++u) {
    for (int64_t i = 0; i < kItems; ++i) {
      const size_t part = (u * 7 + i * 5) % 4 == 0;
      users[part].push_back(u);
      items[part].push_back(i);
      values[part].push_back(ratings[static_cast<size_t>(u * kItems + i)]);
    }
  }
  return {{array(users[0]), array(items[0]), array(values[0])}, {array(users[1]), array(items[1]), array(values[1])}};
}
// Users of two kinds; each kind clicks items of its own half, two thirds of them, in an order of his own.
Interactions clicks() {
  std::vector<int64_t> users, items;
  for (int64_t u = 0; u < kUsers; ++u) {
    for (int64_t k = 0; k < kItems; ++k) {
      const int64_t i = (7 * k + 11 * u) % kItems;
      if (i % 2 == u % 2 && (u * u * 31 + i * i * 17 + 5 * u * i) % 97 % 3 != 0) {
        users.push_back(u);
        items.push_back(i);
      }
    }
  }
  return {array(users), array(items), Array()};
}
double rmse(const MatrixFactorisation& model, const Interactions& pairs) {
  return std::sqrt(train::evaluate(model, pairs.to_dataset(), {.loss = loss::mean_squared_error, .verbose = false})["loss"]);
}

TEST(FitAls, finds_ratings_of_low_rank_that_it_has_not_seen) {
  const Ratings ratings = low_rank();
  const AlsFit fit = fit_als(ratings.seen, {.width = 2, .alpha = 1e-5, .iterations = 60});
  EXPECT_LT(rmse(fit.model, ratings.seen), 0.01);
  EXPECT_LT(rmse(fit.model, ratings.held_out), 0.02);
  EXPECT_GT(rmse(fit_als(ratings.seen, {.width = 2, .alpha = 1, .iterations = 20}).model, ratings.held_out), 0.5) << "much penalty";
  for (size_t i = 1; i < fit.objective.size(); ++i) EXPECT_LE(fit.objective[i], fit.objective[i - 1] * (1 + 1e-10)) << i;
}
TEST(FitAls, is_ridge_regression_of_each_user_given_the_items) {
  // One iteration from the first item vectors, of one user: what fit_ridge gives for his ratings less the mean.
  const Interactions one{array({0, 0, 0, 0}), array({0, 1, 2, 3}), array({1.0, 4.0, 2.0, 5.0})};
  const AlsFit fit = fit_als(one, {.width = 2, .alpha = 0.5, .iterations = 1, .use_bias = false, .seed = 9});
  const Array items = random::normal(random::key(9), {4, 2}, 0, 1 / std::sqrt(2.0), float64);
  const LinearFit ridge = fit_ridge(items, array({1.0, 4.0, 2.0, 5.0}) - 3.0, {.alpha = 0.5 * 4, .use_intercept = false});
  EXPECT_TRUE(allclose(fit.model.user_vectors.get()[0], ridge.coefficients.astype(float32), {.relative = 1e-5, .absolute = 1e-6}));
  EXPECT_EQ(fit.model.options.mean, 3);
}
TEST(FitAls, weighs_implicit_values_by_confidence) {
  // The same by ridge regression with weights: every item counts, with 1 where there is no value.
  const Interactions one{array({0, 0, 1}), array({0, 2, 1}), array({2.0, 0.5, 1.0})};
  const AlsFit fit = fit_als(one, {.width = 2, .alpha = 0.3, .iterations = 1, .is_implicit = true, .confidence = 10, .seed = 4});
  const Array items = random::normal(random::key(4), {3, 2}, 0, 1 / std::sqrt(2.0), float64);
  const LinearFit ridge =
      fit_ridge(items, array({1.0, 0.0, 1.0}), {.alpha = 0.3, .use_intercept = false, .weights = array({21.0, 1.0, 6.0})});
  EXPECT_TRUE(allclose(fit.model.user_vectors.get()[0], ridge.coefficients.astype(float32), {.relative = 1e-5, .absolute = 1e-6}));
}
TEST(FitAls, recommends_what_alike_users_clicked) {
  const LeftOut split = leave_last_out(clicks());
  const AlsFit fit = fit_als(split.rest, {.users = kUsers, .items = kItems, .width = 2, .alpha = 1, .iterations = 10, .is_implicit = true});
  for (size_t i = 1; i < fit.objective.size(); ++i) EXPECT_LE(fit.objective[i], fit.objective[i - 1] * (1 + 1e-10)) << i;
  const Array best = recommend(fit.model, arange(kUsers), {.count = 3, .seen = split.rest}).items;
  const std::vector<int64_t> items = best.to_vector<int64_t>();
  for (size_t k = 0; k < items.size(); ++k) EXPECT_EQ(items[k] % 2, static_cast<int64_t>(k / 3) % 2) << "of the user's own half";
  const RankingScores scores = rank_left_out(fit.model, split.last, {.count = 6, .seen = split.rest});
  EXPECT_EQ(scores.users, kUsers);
  EXPECT_GT(scores.hit_rate, 0.9);
  // Nobody's user is the mean of all.
  const Array nobody = fit.model.user_vectors.get();
  EXPECT_TRUE(allclose(nobody[kUsers], mean(nobody[slice(0, kUsers)], 0), {.relative = 1e-4, .absolute = 1e-5}));
}
TEST(FitAls, depends_on_the_seed_only) {
  const Interactions data = low_rank().seen;
  const auto run = [&](uint64_t seed) { return fit_als(data, {.width = 3, .iterations = 3, .seed = seed}).model.user_vectors.get(); };
  const int before = threads();
  set_threads(1);
  const Array one = run(1);
  set_threads(2);
  EXPECT_TRUE(array_equal(run(1), one));
  set_threads(before);
  EXPECT_FALSE(array_equal(run(2), one));
}
TEST(FitAls, counts_doubled_pairs_twice) {
  // Explicit: two ratings of a pair are two terms. Implicit: their values add up.
  const Interactions twice{array({0, 0, 0}), array({0, 0, 1}), array({2.0, 2.0, 3.0})};
  const Interactions sum{array({0, 0}), array({0, 1}), array({4.0, 3.0})};
  const AlsOptions options{.width = 2, .iterations = 2, .is_implicit = true};
  EXPECT_TRUE(array_equal(fit_als(twice, options).model.user_vectors.get(), fit_als(sum, options).model.user_vectors.get()));
  EXPECT_FALSE(array_equal(fit_als(twice, {.width = 2, .iterations = 2}).model.user_vectors.get(),
                           fit_als(sum, {.width = 2, .iterations = 2}).model.user_vectors.get()));
}
TEST(FitAls, refuses_what_are_no_interactions) {
  const Array two = array({0, 1});
  const auto refusal = [](const auto& call) { return error_of(call); };
  EXPECT_NE(refusal([&] {
              fit_als({two, array({0, -1}), Array()});
            }).find("fit_als: items[1] is -1; ids must be whole numbers from 0"),
            std::string::npos);
  EXPECT_NE(refusal([&] {
              fit_als({two, two, Array()}, {.users = 1});
            }).find("users[1] is 1; ids must be whole numbers from 0 to 0"),
            std::string::npos);
  EXPECT_THROW(fit_als({array({0.0, 0.5}), two, Array()}), Error);
  EXPECT_THROW(fit_als({array({0.0, std::nan("")}), two, Array()}), Error);
  EXPECT_THROW(fit_als({two, array({0, 1, 2}), Array()}), Error);
  EXPECT_THROW(fit_als({two, two, array({1.0})}), Error);
  EXPECT_THROW(fit_als({two, two, array({1.0, std::nan("")})}), Error);
  EXPECT_THROW(fit_als({}), Error);
  EXPECT_THROW(fit_als({two, two, Array()}, {.width = 0}), Error);
  EXPECT_THROW(fit_als({two, two, Array()}, {.alpha = 0}), Error);
  EXPECT_NE(refusal([&] {
              fit_als({two, two, array({1.0, -1.0})}, {.is_implicit = true});
            }).find("implicit values must not be negative"),
            std::string::npos);
  // An id that asks for more memory than there is.
  EXPECT_THROW(fit_als({array({int64_t{0}, (int64_t{1} << 31) - 1}), two, Array()}, {.width = 4096}), Error);
}

// ---- networks

TEST(Recommenders, know_users_and_items_that_nobody_knows) {
  const auto check = [](const auto& model) {
    const double nan = std::nan("");
    const Array nobody = model(array({{4.0, 1.0}})).eval();
    for (const double strange : {-1.0, 7.0, 1e30, 0.5, nan}) EXPECT_TRUE(array_equal(model(array({{strange, 1.0}})), nobody)) << strange;
    EXPECT_TRUE(array_equal(model(array({{int64_t{1} << 40, int64_t{1}}})), nobody));
    const Array scores = model.scores(array({2, 99}));
    ASSERT_EQ(scores.shape(), (Shape{2, 3}));
    for (int64_t item = 0; item < 3; ++item) {
      EXPECT_NEAR((scores[{0, item}].item()), (model(array({{int64_t{2}, item}})).item()), 1e-5);
      EXPECT_NEAR((scores[{1, item}].item()), (model(array({{int64_t{4}, item}})).item()), 1e-5);
    }
    EXPECT_NE(error_of([&] { model(zeros({2, 3})); }).find("pairs are (2, 3); they must be (N, 2)"), std::string::npos);
    EXPECT_THROW(model.scores(zeros({2, 2})), Error);
    const std::string path = ::testing::TempDir() + "recommender.gradus";
    io::save(model, path);
    EXPECT_TRUE(array_equal(io::load(path)(array({{1, 2}})), model(array({{1, 2}}))));
    std::remove(path.c_str());
  };
  const MatrixFactorisation factors({.users = 4, .items = 3, .width = 2, .mean = 3.5});
  check(factors);
  EXPECT_EQ(factors(array({{9, 9}})).item(), 3.5) << "the mean, before anything is learnt";
  check(MatrixFactorisation({.users = 4, .items = 3, .width = 2, .use_bias = false}));
  check(TwoTower({.users = 4, .items = 3, .width = 4, .hidden = {5, 2}}));
  check(NeuMF({.users = 4, .items = 3, .width = 2, .deep_width = 3, .hidden = {4}}));
}
TEST(Recommenders, learn_ratings_of_low_rank) {
  const Ratings ratings = low_rank();
  random::seed(2);
  MatrixFactorisation model({.users = kUsers, .items = kItems, .width = 2, .mean = mean(ratings.seen.values).item()});
  const double before = rmse(model, ratings.held_out);
  train::fit(model, ratings.seen.to_dataset(),
             {.loss = loss::mean_squared_error, .optimizer = optim::Adam(2e-2), .epochs = 60, .batch_size = 64, .verbose = false});
  EXPECT_GT(before, 1.5);
  EXPECT_LT(rmse(model, ratings.held_out), 0.3);
}
template <class M>
double hits_after_clicks(M model) {
  const LeftOut split = leave_last_out(clicks());
  random::seed(5);
  optim::Adam optimizer(1e-2);
  for (uint64_t epoch = 0; epoch < 15; ++epoch) {
    train::fit(model, sample_negatives(split.rest, {.count = 3, .items = kItems, .seed = epoch}),
               {.loss = loss::binary_crossentropy, .epochs = 1, .batch_size = 64, .verbose = false, .resume = &optimizer});
  }
  return rank_left_out(model, split.last, {.count = 6, .seen = split.rest}).hit_rate;
}
TEST(Recommenders, learn_clicks_beside_sampled_negatives) {
  EXPECT_GT(hits_after_clicks(MatrixFactorisation({.users = kUsers, .items = kItems, .width = 4})), 0.9);
  EXPECT_GT(hits_after_clicks(TwoTower({.users = kUsers, .items = kItems, .width = 8, .hidden = {16, 8}})), 0.9);
  EXPECT_GT(hits_after_clicks(NeuMF({.users = kUsers, .items = kItems, .width = 4, .deep_width = 4, .hidden = {8}})), 0.9);
}
TEST(Recommenders, learn_the_order_of_pairs) {
  const LeftOut split = leave_last_out(clicks());
  random::seed(6);
  MatrixFactorisation model({.users = kUsers, .items = kItems, .width = 4});
  train::fit(model, [](const auto& m, const data::Batch& batch) { return bpr_loss(m, batch.x); },
             sample_triples(split.rest, {.count = 8, .items = kItems}),
             {.optimizer = optim::Adam(1e-2), .epochs = 8, .batch_size = 64, .verbose = false});
  EXPECT_GT(rank_left_out(model, split.last, {.count = 6, .seen = split.rest}).hit_rate, 0.9);
  // -log sigmoid(a - b), by hand.
  const auto scores = [](const Array& pairs) { return pairs[{slice(), slice(1, 2)}].astype(float32); };
  EXPECT_NEAR(bpr_loss(scores, array({{0, 3, 1}, {0, 1, 1}})).item(), (std::log1p(std::exp(-2.0)) + std::log(2.0)) / 2, 1e-6);
  EXPECT_THROW(bpr_loss(scores, zeros({2, 2})), Error);
}

// ---- examples, recommendations, ranking

TEST(SampleNegatives, draws_items_that_the_user_lacks) {
  const Interactions data{array({0, 0, 1, 2, 2, 2}), array({0, 2, 1, 0, 1, 2}), Array()};
  const data::Dataset set = sample_negatives(data, {.count = 50, .items = 4});
  const std::vector<int64_t> rows = set.x.to_vector<int64_t>();
  const std::vector<float> targets = set.y.to_vector<float>();
  ASSERT_EQ(set.y.shape(), (Shape{6 * 51, 1}));
  std::set<std::pair<int64_t, int64_t>> positive{{0, 0}, {0, 2}, {1, 1}, {2, 0}, {2, 1}, {2, 2}}, negative;
  for (size_t i = 0; i < targets.size(); ++i) {
    const std::pair pair(rows[2 * i], rows[2 * i + 1]);
    EXPECT_EQ(positive.contains(pair), targets[i] == 1);
    if (targets[i] == 0) negative.insert(pair);
  }
  EXPECT_EQ(negative.size(), 12 - positive.size()) << "all that there are";
  EXPECT_TRUE(array_equal(sample_negatives(data, {.items = 4, .seed = 1}).x, sample_negatives(data, {.items = 4, .seed = 1}).x));
  EXPECT_FALSE(array_equal(sample_negatives(data, {.items = 4, .seed = 1}).x, sample_negatives(data, {.items = 4, .seed = 2}).x));
  // A user who has everything.
  EXPECT_EQ(sample_negatives({array({0, 0}), array({0, 1}), Array()}).size(), 2);
  EXPECT_THROW(sample_triples({array({0, 0}), array({0, 1}), Array()}), Error);
  EXPECT_THROW(sample_negatives(data, {.count = 0}), Error);
  EXPECT_EQ(sample_triples(data, {.count = 2, .items = 4}).x.shape(), (Shape{12, 3}));
}

// A model with scores of its own.
struct Fixed {
  Array table;
  Array scores(const Array& users) const { return take(table, users, 0); }
};
TEST(Recommend, gives_the_best_unseen_items_in_order) {
  const double nan = std::nan("");
  const Fixed model{array({{0.5, 2.0, nan, 2.0, 1.0}, {5.0, 4.0, 3.0, 2.0, 1.0}})};
  const Recommended all = recommend(model, array({0, 1}), {.count = 6});
  EXPECT_TRUE(array_equal(all.items, array({{1, 3, 4, 0, 2, -1}, {0, 1, 2, 3, 4, -1}})));
  EXPECT_TRUE(std::isinf((all.scores[{0, 5}].item())));
  EXPECT_EQ((all.scores[{0, 0}].item()), 2);
  const Recommended unseen = recommend(model, array({1, 0}), {.count = 2, .seen = {array({1, 1, 0}), array({0, 2, 1}), Array()}});
  EXPECT_TRUE(array_equal(unseen.items, array({{1, 3}, {3, 4}})));
  EXPECT_THROW(recommend(model, array({0}), {.count = 0}), Error);
  EXPECT_THROW(recommend(model, array({0, 1}), {.count = int64_t{1} << 45}), Error);
  EXPECT_THROW(recommend(model, zeros({1, 1}, int64)), Error);
  EXPECT_THROW(recommend(ScoreFunction([](const Array&) { return zeros({3}); }), array({0})), Error);
}
TEST(RankLeftOut, counts_places) {
  const Fixed model{array({{0.1, 0.9, 0.5, 0.7}, {0.4, 0.3, 0.2, 0.1}, {1.0, 1.0, 1.0, 1.0}})};
  const Interactions last{array({0, 1, 2}), array({2, 0, 3}), Array()};
  // Places 3, 1, and 4 of 4 equals.
  const RankingScores scores = rank_left_out(model, last, {.count = 3});
  EXPECT_NEAR(scores.hit_rate, 2.0 / 3, 1e-15);
  EXPECT_NEAR(scores.ndcg, (0.5 + 1) / 3, 1e-15);
  EXPECT_NEAR(scores.reciprocal_rank, (1.0 / 3 + 1 + 0.25) / 3, 1e-15);
  // What the user has does not compete: item 1 of user 0.
  EXPECT_NEAR(rank_left_out(model, last, {.count = 2, .seen = {array({0}), array({1}), Array()}}).hit_rate, 2.0 / 3, 1e-15);
  // Nor does an item that the model does not know.
  EXPECT_EQ(rank_left_out(model, last, {.count = 3, .seen = {array({0, 1, 2}), array({9, 9, 9}), Array()}, .negatives = 3}).reciprocal_rank,
            scores.reciprocal_rank);
  // Drawn competitors: with as many as there are it is the same.
  EXPECT_EQ(rank_left_out(model, last, {.count = 3, .negatives = 3}).reciprocal_rank, scores.reciprocal_rank);
  EXPECT_GE(rank_left_out(model, last, {.count = 3, .negatives = 1}).reciprocal_rank, scores.reciprocal_rank);
  EXPECT_NE(error_of([&] {
              rank_left_out(model, {array({0}), array({7}), Array()});
            }).find("item 7 was left out, the model has 4"),
            std::string::npos);
}
TEST(RankLeftOut, draws_competitors_evenly) {
  // Item 0 beats half of 200 others: of 9 drawn it is first with probability about 2^-9, and its mean place is 1 + 9 / 2.
  std::vector<double> scores(201);
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = i == 0 ? 0.5 : i % 2 == 0;
  const Fixed model{broadcast_to(array(scores), {400, 201})};
  const Interactions last{arange(400), zeros({400}, int64), Array()};
  double places = 0;
  for (int64_t place = 1; place <= 10; ++place)
    places += static_cast<double>(place) * (rank_left_out(model, last, {.count = place, .negatives = 9}).hit_rate -
                                            (place > 1 ? rank_left_out(model, last, {.count = place - 1, .negatives = 9}).hit_rate : 0));
  EXPECT_NEAR(places, 5.5, 0.3);
}
TEST(LeaveLastOut, takes_the_last_of_each_user_who_has_two) {
  const LeftOut split = leave_last_out({array({0, 1, 0, 2, 0, 2}), array({5, 6, 7, 8, 9, 4}), array({1.0, 2.0, 3.0, 4.0, 5.0, 6.0})});
  EXPECT_TRUE(array_equal(split.last.users, array({0, 2})));
  EXPECT_TRUE(array_equal(split.last.items, array({9, 4})));
  EXPECT_TRUE(array_equal(split.last.values, array({5.0, 6.0})));
  EXPECT_TRUE(array_equal(split.rest.items, array({5, 6, 7, 8})));
}

}  // namespace
}  // namespace gradus::models
