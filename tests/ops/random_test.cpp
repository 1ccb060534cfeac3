#include "gradus/ops/random.hpp"

#include <gtest/gtest.h>

#include <set>

#include "gradus/base/error.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/plan/counters.hpp"

namespace gradus {
namespace {

std::vector<double> values(const Array& x) { return x.to_vector<double>(); }
std::string error_of(auto&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(keys, give_the_same_numbers_again) {
  const random::Key key = random::key(42);
  EXPECT_EQ(values(random::normal(key, {100})), values(random::normal(key, {10, 10})));
  EXPECT_NE(values(random::normal(key, {100})), values(random::normal(random::key(43), {100})));
  auto [a, b] = random::split<2>(key);
  EXPECT_NE(values(random::uniform(a, {100})), values(random::uniform(b, {100})));
  EXPECT_EQ(values(random::uniform(a, {5})), values(random::uniform(random::fold_in(key, 0), {5})));
  EXPECT_EQ(values(random::uniform(random::split(key, 3)[2], {5})), values(random::uniform(random::fold_in(key, 2), {5})));
}

TEST(keys, in_a_batch_draw_as_they_do_alone) {
  const random::Key keys = random::fold_in(random::key(1), arange(3));
  const Array all = random::normal(keys, {4, 5});
  EXPECT_EQ(all.shape(), Shape({3, 4, 5}));
  EXPECT_EQ(values(all[1]), values(random::normal(random::fold_in(random::key(1), 1), {4, 5})));
}

TEST(draws, depend_on_position_and_not_on_shape_or_dtype) {
  const random::Key key = random::key(7);
  const std::vector<double> single = values(random::uniform(key, {1000})), twice = values(random::uniform(key, {1000}, 0, 1, float64));
  for (size_t i = 0; i < 1000; ++i) {
    ASSERT_LE(single[i], twice[i]);
    ASSERT_LT(twice[i] - single[i], 0x1p-24);
  }
  EXPECT_EQ(values(random::uniform(key, {10})), std::vector<double>(single.begin(), single.begin() + 10));
}

TEST(default_generator, repeats_after_seeding) {
  random::seed(5);
  const std::vector<double> first = values(random::normal({10})), second = values(random::normal({10}));
  EXPECT_NE(first, second);
  const random::GeneratorState middle = random::state();
  const std::vector<double> third = values(random::uniform({3}));
  random::seed(5);
  EXPECT_EQ(values(random::normal({10})), first);
  EXPECT_EQ(values(random::normal({10})), second);
  random::set_state(middle);
  EXPECT_EQ(values(random::uniform({3})), third);
}

TEST(default_generator, makes_one_plan_for_many_draws) {
  (random::normal({8}) * 2).eval();
  const int64_t before = counters().plans_made;
  for (int i = 0; i < 20; ++i) (random::normal({8}) * 2).eval();
  EXPECT_EQ(counters().plans_made, before);
}

TEST(draws, take_parameters_that_broadcast) {
  const random::Key key = random::key(3);
  const std::vector<double> z = values(random::normal(key, {2, 3}, 0, 1, float64));
  const std::vector<double> scaled = values(random::normal(key, {2, 3}, array({1.0, 2.0, 3.0}, float64), 2, float64));
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(scaled[i], z[i] * 2 + static_cast<double>(i % 3 + 1));
  EXPECT_EQ(random::uniform({3}, 0, 1, float16).dtype(), float16);
  EXPECT_EQ(error_of([&] { random::normal(key, {2}, zeros({3}), 1); }),
            "normal: shapes (3,) and (2,) do not broadcast: 3 meets 2 on axis -1; sizes must be equal or 1, counted from the last axis");
  EXPECT_NE(error_of([&] { random::normal(key, {2}, zeros({4, 2}), 1); }), "no error");
  EXPECT_EQ(error_of([&] { random::uniform({2}, 0, 1, int32); }), "uniform: dtype is int32; it must be a float's (random::integers draws integers)");
}

TEST(integers, stay_in_range) {
  const std::vector<double> got = values(random::integers({1000}, -3, 4));
  EXPECT_EQ(std::set<double>(got.begin(), got.end()).size(), 7u);
  EXPECT_EQ(*std::min_element(got.begin(), got.end()), -3);
  EXPECT_EQ(*std::max_element(got.begin(), got.end()), 3);
  EXPECT_NO_THROW(random::integers({2}, INT64_MIN, INT64_MAX).eval());
  EXPECT_EQ(error_of([] { random::integers({2}, 3, 3); }), "integers: low is 3, high is 3; low must be less");
  EXPECT_NE(error_of([] { random::integers({2}, 0, 300, uint8); }), "no error");
}

TEST(permutation, and_shuffle_keep_every_element) {
  const std::vector<double> got = values(random::permutation(100));
  EXPECT_EQ(std::set<double>(got.begin(), got.end()).size(), 100u);
  const std::vector<double> rows = values(random::shuffle(reshape(arange(20), {10, 2})));
  for (size_t i = 0; i < 20; i += 2) EXPECT_EQ(rows[i] + 1, rows[i + 1]);
  EXPECT_EQ(random::permutation(0).size(), 0);
  EXPECT_NE(error_of([] { random::permutation(-1); }), "no error");
}

TEST(bernoulli, draws_with_its_probability) {
  double count = 0;
  for (const double value : values(random::bernoulli(random::key(1), {100000}, 0.3))) count += value;
  EXPECT_NEAR(count, 30000, 600);
  EXPECT_EQ(random::bernoulli({3}, 1).dtype(), bool_);
  EXPECT_EQ(values(random::bernoulli({3}, 1)), (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(error_of([] { random::bernoulli({3}, -0.1); }), "bernoulli: probability is -0.1; it must lie between 0 and 1");
}

TEST(truncated_normal, stays_between_its_bounds) {
  double square = 0;
  for (const double z : values(random::truncated_normal(random::key(2), {50000}))) {
    ASSERT_TRUE(z >= -2 && z <= 2);
    square += z * z / 50000;
  }
  EXPECT_NEAR(square, 0.7737, 0.02);  // the variance of a standard normal cut at 2
  EXPECT_NE(error_of([] { random::truncated_normal({2}, 1, 1); }), "no error");
}

TEST(dropout, keeps_the_mean_and_checks_its_rate) {
  const Array x = ones({100000});
  double sum = 0;
  for (const double value : values(dropout(x, 0.2, random::key(1)))) sum += value;
  EXPECT_NEAR(sum / 100000, 1, 0.01);
  EXPECT_EQ(values(dropout(x, 0)), values(x));
  EXPECT_EQ(values(dropout(x, 1)), std::vector<double>(100000, 0));
  EXPECT_NE(values(dropout(x, 0.5)), values(dropout(x, 0.5)));
  EXPECT_EQ(error_of([&] { dropout(x, 1.5); }), "dropout: rate is 1.5; it must lie between 0 and 1");
  EXPECT_NE(error_of([&] { dropout(arange(3), 0.5); }), "no error");
}

TEST(draws, may_be_empty) {
  EXPECT_EQ(random::normal({0, 3}).to_vector<float>().size(), 0u);
  EXPECT_EQ(dropout(zeros({0}), 0.5).size(), 0);
}

}  // namespace
}  // namespace gradus
