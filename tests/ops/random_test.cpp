#include "gradus/ops/random.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "gradus/base/error.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/plan/counters.hpp"

namespace gradus {

using namespace core;
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
  EXPECT_EQ(error_of([&] { random::uniform({2}, 0, 1, int32); }),
            "uniform: dtype is int32; it must be a float's (random::integers draws integers)");
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

// ---- ends, in every dtype

constexpr DType kFloats[] = {float16, bfloat16, float32, float64};
double ulp_of_one(DType dtype) { return dtype == float16 ? 0x1p-10 : dtype == bfloat16 ? 0x1p-7 : dtype == float32 ? 0x1p-23 : 0x1p-52; }
std::map<double, int> counts(const Array& x) {
  std::map<double, int> out;
  for (const double value : values(x)) ++out[value];
  return out;
}

TEST(uniform, never_reaches_high) {
  struct Interval {
    double low, high;
  };
  for (const DType dtype : kFloats) {
    for (const auto [low, high] : {Interval{1, 2}, {10, 11}, {-2, -1}, {-1, 1}, {0, 3}, {-3, 0}, {100, 101.5}, {-0.5, 1e-3}}) {
      for (const bool are_arrays : {false, true}) {
        const Array from = are_arrays ? array({low}, float64) : Array(low), to = are_arrays ? array({high}, float64) : Array(high);
        const Array u = random::uniform(random::key(1), {30000}, from, to, dtype);
        const std::vector<double> held = values(array({low, high}, float64).astype(dtype));
        for (const double value : values(u)) {
          ASSERT_TRUE(value >= held[0] && value < held[1]) << value << " in [" << low << ", " << high << ") " << dtype.name() << are_arrays;
        }
      }
    }
  }
  EXPECT_FALSE(any(random::uniform(random::key(1), {1 << 24}, 10.0, 11.0) >= 11).item<bool>());
}

TEST(uniform, numbers_of_a_short_interval_come_equally_often) {
  for (const DType dtype : kFloats) {
    const double ulp = ulp_of_one(dtype);
    for (const double low : {1.0, -1 - 4 * ulp, 1 + 3 * ulp}) {
      for (const bool are_arrays : {false, true}) {
        const double high = low + 4 * ulp;
        const std::map<double, int> found =
            counts(are_arrays ? random::uniform(random::key(3), {40000}, array({low}, float64), array({high}, float64), dtype)
                              : random::uniform(random::key(3), {40000}, low, high, dtype));
        ASSERT_EQ(found.size(), 4u) << dtype.name() << low;
        for (const auto& [value, count] : found) EXPECT_NEAR(count, 10000, 450) << value << dtype.name() << are_arrays;
      }
    }
    EXPECT_EQ(counts(random::uniform({100}, 1, 1 + ulp, dtype)).size(), 1u);  // one number: 1
  }
  for (const auto& [value, count] : counts(random::uniform(random::key(3), {1 << 20}, 1, 2, float16)))
    EXPECT_NEAR(count, 1024, 160) << value;
  for (const auto& [value, count] : counts(random::uniform(random::key(3), {1 << 20}, 1, 2, bfloat16)))
    EXPECT_NEAR(count, 8192, 450) << value;
}

TEST(uniform, spans_whose_width_overflows_are_drawn_whole) {
  for (const DType dtype : kFloats) {
    const double most = dtype == float16 ? 65504 : dtype == float64 ? std::numeric_limits<double>::max() : 0x1.fep127;
    for (const bool are_arrays : {false, true}) {
      const Array u = are_arrays ? random::uniform(random::key(3), {20000}, array({-most}, float64), array({most}, float64), dtype)
                                 : random::uniform(random::key(3), {20000}, -most, most, dtype);
      double mean = 0, least = 0, largest = 0;
      for (const double value : values(u)) {
        mean += value / most / 20000;
        least = std::min(least, value / most);
        largest = std::max(largest, value / most);
      }
      EXPECT_NEAR(mean, 0, 0.02) << dtype.name() << are_arrays;
      EXPECT_TRUE(least >= -1 && least < -0.99 && largest > 0.99 && largest < 1) << dtype.name() << are_arrays << least << largest;
    }
  }
}

TEST(uniform, checks_its_ends) {
  EXPECT_EQ(values(random::uniform({2}, 0.5, 0.5)), (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(values(random::uniform({2}, array({0.5}), array({0.5}))), (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(error_of([] { random::uniform({2}, 2, 1); }), "uniform: low is 2, high is 1; low must not be above high");
  EXPECT_EQ(error_of([] { random::uniform({2}, 0, 1e6, float16); }), "uniform: high is 1e+06, which is no finite number of float16");
  EXPECT_EQ(error_of([] { random::uniform({2}, std::nan(""), 1); }), "uniform: low is nan, which is no finite number of float32");
  EXPECT_EQ(error_of([] { random::normal({2}, 0, -1); }), "normal: deviation is -1; it must not be negative");
  EXPECT_EQ(error_of([] { random::normal({2}, 0, std::numeric_limits<double>::infinity()); }),
            "normal: deviation is inf, which is no finite number of float32");
}

TEST(draws, have_the_dtype_that_is_asked_for) {
  for (const DType dtype : kFloats) {
    for (const DType other : kFloats) {
      for (const Array& parameter : {array({0.5}, other), array({0.5}, other)[0], Array(0.5), array({1}, int64), array({true})[0]}) {
        EXPECT_EQ(random::uniform({2}, parameter, 2, dtype).dtype(), dtype);
        EXPECT_EQ(random::uniform({2}, -1, parameter, dtype).dtype(), dtype);
        EXPECT_EQ(random::normal({2}, parameter, 1, dtype).dtype(), dtype);
        EXPECT_EQ(random::normal({2}, 0, parameter, dtype).dtype(), dtype);
        EXPECT_FALSE(random::normal({2}, parameter, parameter, dtype).is_weak());
      }
    }
    EXPECT_EQ(random::truncated_normal({2}, -1, 1, dtype).dtype(), dtype);
    EXPECT_EQ(random::uniform({2}, 0, 1, dtype).dtype(), dtype);
  }
  for (const DType dtype : {uint8, int32, int64}) EXPECT_EQ(random::integers({2}, 0, 2, dtype).dtype(), dtype);
}

TEST(normal, is_finite_in_every_dtype) {
  for (const DType dtype : kFloats) {
    for (const double z : values(random::normal(random::key(9), {1 << 20}, 0, 1, dtype))) ASSERT_LT(std::abs(z), 8.3);
  }
}

TEST(integers, reach_both_ends_of_their_dtype) {
  EXPECT_EQ(counts(random::integers(random::key(1), {25600}, 0, 256, uint8)).size(), 256u);
  const std::vector<double> wide = values(random::integers(random::key(1), {20000}, INT64_MIN, INT64_MAX));
  EXPECT_LT(*std::min_element(wide.begin(), wide.end()), -0.99 * 0x1p63);
  EXPECT_GT(*std::max_element(wide.begin(), wide.end()), 0.99 * 0x1p63);
  const std::vector<double> narrow = values(random::integers(random::key(1), {20000}, INT32_MIN, int64_t{INT32_MAX} + 1, int32));
  EXPECT_LT(*std::min_element(narrow.begin(), narrow.end()), -0.99 * 0x1p31);
  EXPECT_GT(*std::max_element(narrow.begin(), narrow.end()), 0.99 * 0x1p31);
}

TEST(bernoulli, tells_small_probabilities_apart) {
  EXPECT_NEAR(values(sum(random::bernoulli(random::key(1), {1 << 22}, 1e-5)))[0], 42, 25);
  EXPECT_EQ(values(sum(random::bernoulli(random::key(1), {1 << 20}, 1e-12)))[0], 0);
  EXPECT_EQ(values(sum(random::bernoulli(random::key(1), {1 << 20}, array({1e-12}))))[0], 0);
  EXPECT_EQ(values(random::bernoulli({3}, 0)), (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(values(random::bernoulli({2}, array({0.0, 1.0}))), (std::vector<double>{0, 1}));
}

// The share of draws below each tenth of the interval's probability.
TEST(truncated_normal, follows_its_distribution_in_the_tails) {
  struct Interval {
    double low, high;
  };
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto tail = [](double x) { return std::erfc(x / std::sqrt(2.0)) / 2; };
  for (const auto [low, high] : {Interval{4, 5}, {-5, -4}, {8, 9}, {-1, 3}, {-inf, inf}, {-inf, -20}, {30, inf}, {1, 1.001}}) {
    const bool is_right = low >= 0;
    const auto share_below = [&, low = low, high = high](double x) {  // named: Clang 14 captures no structured bindings
      if (is_right) return (tail(low) - tail(x)) / (tail(low) - tail(high));
      return (tail(-x) - tail(-low)) / (tail(-high) - tail(-low));
    };
    for (const DType dtype : {float32, float64}) {
      std::vector<int> tenths(10);
      for (const double z : values(random::truncated_normal(random::key(4), {50000}, low, high, dtype))) {
        ASSERT_TRUE(z >= low && z <= high) << z;
        ++tenths[static_cast<size_t>(std::clamp(share_below(z) * 10, 0.0, 9.5))];
      }
      for (const int count : tenths) EXPECT_NEAR(count, 5000, 350) << low << " to " << high << " " << dtype.name();
    }
  }
}

TEST(truncated_normal, stays_within_its_bounds_in_every_dtype) {
  for (const DType dtype : kFloats) {
    for (const double z : values(random::truncated_normal(random::key(2), {20000}, -0.1, 0.1, dtype)))
      ASSERT_LE(std::abs(z), 0.1) << dtype.name();
  }
  EXPECT_EQ(error_of([] { random::truncated_normal({2}, 1.0001, 1.0002, float16); }),
            "truncated_normal: between 1.0001 and 1.0002 lies no number of float16");
  EXPECT_EQ(error_of([] { random::truncated_normal({2}, 40, 41); }),
            "truncated_normal: between 40 and 41 lies too little probability to draw from");
}

// Each order of four comes equally often: chi square of 23 degrees of freedom, beyond 60 with probability 4e-5.
TEST(permutation, gives_every_order_equally_often) {
  std::map<std::vector<double>, int> orders, shuffled;
  const Array x = arange(4);
  for (int seed = 0; seed < 4800; ++seed) {
    ++orders[values(random::permutation(random::key(seed), 4))];
    ++shuffled[values(random::shuffle(random::key(-seed), x))];
  }
  for (const auto& found : {orders, shuffled}) {
    ASSERT_EQ(found.size(), 24u);
    double square = 0;
    for (const auto& [order, count] : found) square += (count - 200) * (count - 200) / 200.0;
    EXPECT_LT(square, 60);
  }
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
