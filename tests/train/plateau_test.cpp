// The rate falls where training stands still.
#include <gtest/gtest.h>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;

data::Dataset clouds() { return data::make_blobs(60, {.classes = 3, .spread = 1, .seed = 7}); }
train::History run(const optim::Optimizer& optimizer, const std::function<void(train::FitOptions&)>& change = {}) {
  random::seed(3);
  nn::Sequential model{nn::Dense(3)};
  train::FitOptions how{.loss = loss::sparse_categorical_crossentropy, .optimizer = optimizer, .epochs = 9, .verbose = false};
  if (change) change(how);
  return train::fit(model, clouds(), how);
}
std::vector<double> rates(const train::History& history) {
  std::vector<double> all;
  for (const train::Epoch& epoch : history.epochs) all.push_back(epoch.learning_rate);
  return all;
}

TEST(Plateau, WithoutProgressTheRateFallsInFit) {
  // Nothing is progress that is smaller than the threshold. The rate of an epoch is that at its end, before it falls.
  const optim::Schedule still = optim::plateau(0.01, {.factor = 0.5, .patience = 2, .threshold = 1e9, .is_relative = false});
  EXPECT_EQ(rates(run(optim::SGD(still))), (std::vector<double>{0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.005, 0.0025, 0.0025}));
}

TEST(Plateau, WithProgressItStays) {
  const std::vector<double> all = rates(run(optim::SGD(optim::plateau(0.01, {.factor = 0.5, .patience = 0, .threshold = 0}))));
  EXPECT_EQ(all, std::vector<double>(9, 0.01));
}

TEST(Plateau, WatchesWhatFitMonitors) {
  const optim::Schedule strict = optim::plateau(0.01, {.factor = 0.5, .patience = 0, .threshold = 0});
  const auto by_accuracy = [](train::FitOptions& how) {
    how.metrics = {metrics::accuracy};
    how.monitor = "accuracy";
  };
  const train::History history = run(optim::SGD(strict), by_accuracy);
  double best = -1, rate = 0.01;
  for (const train::Epoch& epoch : history.epochs) {
    EXPECT_EQ(epoch.learning_rate, rate) << epoch.number << ": more is better for accuracy";
    if (epoch.logs["accuracy"] > best) best = epoch.logs["accuracy"];
    else rate /= 2;
  }
  EXPECT_EQ(error_of([&] { run(optim::SGD(strict), [](train::FitOptions& how) { how.monitor = "val_loss"; }); }),
            "fit: monitor is \"val_loss\", which no epoch reports; it must be one of loss");
}

TEST(Plateau, BehindAWarmupAndScaledStillLowers) {
  const optim::Schedule still = optim::plateau(0.01, {.factor = 0.5, .patience = 0, .threshold = 1e9, .is_relative = false});
  EXPECT_EQ(rates(run(optim::SGD(optim::warmup(2, still))))[2], 0.005);
  EXPECT_EQ(rates(run(optim::SGD(still.scaled(2))))[2], 0.01);
}

TEST(Plateau, OptionsThatMakeNoSenseAreRefused) {
  EXPECT_EQ(error_of([] { optim::plateau(0.1, {.factor = 1}); }), "plateau: factor is 1; it must lie between 0 and 1");
  EXPECT_EQ(error_of([] { optim::plateau(-0.1); }), "learning rate: it is -0.1; it must be finite and not negative");
}

}  // namespace
}  // namespace gradus
