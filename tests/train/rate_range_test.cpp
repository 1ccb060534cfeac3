// The learning-rate range test on losses whose limit is known.
#include "gradus/train/rate_range.hpp"

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;

struct Bowl {
  nn::Parameter w{};
  Array forward(const Array& x) const {
    return x * w({1}, [](const Shape& shape) { return full(shape, 3.0f); });
  }
  GRADUS_PARTS(w)
};

// L/2 w^2: steps of SGD with a rate below 2/L make it smaller, above larger.
constexpr double kL = 4;
const auto bowl = [](const auto& model, const data::Batch& batch) { return kL / 2 * mean(square(model(batch.x))); };
data::Dataset ones_set(int64_t count) { return data::Dataset(ones({count, 1})); }
train::RateRangeOptions by_sgd(double low, double high) {
  return {.optimizer = optim::SGD(1.0), .low = low, .high = high, .steps = 300, .batch_size = 8};
}

TEST(RateRange, OfAQuadraticTurnsAtTwoOverItsCurvature) {
  Bowl model;
  const train::RateRange range = train::learning_rate_range(model, bowl, ones_set(8), by_sgd(1e-3, 10));
  ASSERT_EQ(range.rates.size(), range.losses.size());
  ASSERT_EQ(range.rates.size(), range.smoothed.size());
  EXPECT_NEAR(range.rates[0], 1e-3, 1e-12);
  for (size_t i = 0; i + 1 < range.rates.size(); ++i) {
    EXPECT_NEAR(range.rates[i + 1] / range.rates[i], std::pow(1e4, 1.0 / 299), 1e-9);
    // Loss i + 1 is after the step with rate i.
    if (range.losses[i] < 1e-30) continue;
    if (range.rates[i] < 2 / kL * 0.99) {
      EXPECT_LE(range.losses[i + 1], range.losses[i]) << range.rates[i];
    } else if (range.rates[i] > 2 / kL * 1.01) {
      EXPECT_GT(range.losses[i + 1], range.losses[i]) << range.rates[i];
    }
  }
  EXPECT_TRUE(range.has_diverged);
  EXPECT_GT(range.rates.back(), 2 / kL);
  EXPECT_LT(range.rates.back(), 10.0);
  EXPECT_GT(range.suggestion(), 0);
  EXPECT_LT(range.steepest, 2 / kL);
  EXPECT_LT(range.safe, 2 / kL);
  EXPECT_NE(train::to_text(range).find("diverges beyond"), std::string::npos) << train::to_text(range);
}

TEST(RateRange, SmoothedLossesAreWeightedMeans) {
  Bowl model;
  train::RateRangeOptions options = by_sgd(1e-3, 0.1);
  options.smoothing = 0.5;
  const train::RateRange range = train::learning_rate_range(model, bowl, ones_set(8), options);
  EXPECT_EQ(range.smoothed[0], range.losses[0]);
  EXPECT_NEAR(range.smoothed[2], (range.losses[0] * 0.25 + range.losses[1] * 0.5 + range.losses[2]) / 1.75, 1e-6);
  EXPECT_FALSE(range.has_diverged);
  EXPECT_EQ(range.rates.size(), 300u);
  EXPECT_NEAR(range.rates.back(), 0.1, 1e-9);
}

TEST(RateRange, LeavesTheModelAsItWas) {
  const data::Dataset set = data::make_blobs(60, {.classes = 3, .seed = 1});
  const auto trained = [&](bool tests_first) {
    random::seed(3);
    nn::Sequential net{nn::Dense(8, relu), nn::BatchNorm(), nn::Dropout(0.3), nn::Dense(3)};
    optim::Adam adam(0.01);
    if (tests_first) {
      const train::RateRange range =
          train::learning_rate_range(net, set, {.loss = loss::sparse_categorical_crossentropy, .optimizer = adam, .steps = 40});
      EXPECT_EQ(range.rates.size(), 40u);
      EXPECT_EQ(adam.steps(), 0);
    }
    return train::fit(net, set, {.loss = loss::sparse_categorical_crossentropy, .optimizer = adam, .epochs = 2, .verbose = false})
        .last("loss");
  };
  EXPECT_EQ(trained(true), trained(false));
}

// A curve of the kind that peers were deceived by: noise at its very beginning, and a rise at its end.
TEST(RateRange, SuggestsTheSteepestDescentAndNoSpike) {
  train::RateRange range;
  double running = 0, weight = 1;
  for (int64_t i = 0; i < 200; ++i) {
    const double decade = -6 + 7.0 * static_cast<double>(i) / 199;
    double loss = 2.3 - 1.5 / (1 + std::exp(-6 * (decade + 3))) + 3 / (1 + std::exp(-6 * (decade - 0.2)));  // falls at 1e-3, rises at 1.6
    if (i == 2) loss += 2;
    range.rates.push_back(std::pow(10, decade));
    range.losses.push_back(loss);
    running = 0.9 * running + 0.1 * loss;
    weight *= 0.9;
    range.smoothed.push_back(running / (1 - weight));
  }
  train::detail::suggest(range, 0.9);
  EXPECT_GT(range.steepest, 1e-3 / 1.5);  // within the lag of the smoothed loss, a factor of 2
  EXPECT_LT(range.steepest, 1e-3 * 1.5);
  EXPECT_LT(range.safe, 0.16);
  EXPECT_EQ(range.suggestion(), std::min(range.steepest, range.safe));
  const std::string svg = train::to_svg(train::to_chart(range));
  EXPECT_NE(svg.find(">0.001<"), std::string::npos) << svg;
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(RateRange, SaysWhereNothingCanBeTold) {
  train::RateRange flat;
  for (int64_t i = 0; i < 100; ++i) {
    flat.rates.push_back(std::pow(1.1, static_cast<double>(i)));
    flat.losses.push_back(1);
    flat.smoothed.push_back(1);
  }
  train::detail::suggest(flat, 0.9);
  EXPECT_EQ(flat.steepest, 0);
  EXPECT_EQ(train::to_text(flat).find("no learning rate can be told"), 0u);
}

TEST(RateRange, WrongCallsAreRefused) {
  Bowl model;
  const auto said = [&](const train::RateRangeOptions& options) {
    return error_of([&] { train::learning_rate_range(model, bowl, ones_set(8), options); });
  };
  EXPECT_EQ(said({.low = 0}), "learning_rate_range: low is 0 and high 10; it must be 0 < low < high, both finite");
  EXPECT_EQ(said({.low = 1, .high = 0.1}), "learning_rate_range: low is 1 and high 0.1; it must be 0 < low < high, both finite");
  EXPECT_EQ(said({.steps = 3}), "learning_rate_range: steps is 3; it must be from 10 to 10^6");
  EXPECT_EQ(said({.batch_size = 0}), "learning_rate_range: batch_size is 0; it must be at least 1");
  EXPECT_EQ(said({.smoothing = 1}), "learning_rate_range: smoothing is 1; it must be at least 0 and below 1");
  EXPECT_EQ(said({.divergence = 1}), "learning_rate_range: divergence is 1; it must be above 1");
  EXPECT_EQ(error_of([&] { train::learning_rate_range(model, ones_set(8), {}); }).find("fit: no loss is given"), 0u);
}

}  // namespace
}  // namespace gradus
