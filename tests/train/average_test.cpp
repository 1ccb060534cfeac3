// The running mean of the parameters.
#include <gtest/gtest.h>

#include <cmath>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;

data::Dataset clouds() { return data::make_blobs(120, {.classes = 3, .spread = 1, .seed = 7}); }
nn::Sequential network() {
  random::seed(3);
  nn::Sequential model{nn::Dense(8, relu), nn::BatchNorm(), nn::Dense(3)};
  nn::build(model, {1, 2});
  return model;
}
train::FitOptions options() {
  return {.loss = loss::sparse_categorical_crossentropy, .optimizer = optim::Adam(1e-2), .epochs = 3, .verbose = false, .ema = 0.9};
}
std::vector<double> values(const nn::Sequential& model, bool of_states = false) {
  std::vector<double> all;
  for (const Variable& variable : variables(model)) {
    if (variable.is_trainable() == of_states) continue;
    const std::vector<double> own = variable.get().to_vector<double>();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

// The mean by hand, from the parameters after each step.
struct ByHand final : train::Callback {
  ByHand(const nn::Sequential& model, bool has_warmup) : model(model), has_warmup(has_warmup) {}
  bool on_step(const train::Progress&) override {
    const std::vector<double> now = values(model);
    const double t = ++steps, kept = has_warmup ? std::min(0.9, (1 + t) / (10 + t)) : 0.9;
    if (mean.empty()) mean = now;
    for (size_t i = 0; i < now.size(); ++i) mean[i] = kept * mean[i] + (1 - kept) * now[i];
    last = now;
    return false;
  }
  bool on_epoch(const train::Epoch&) override {
    shown = values(model);
    return false;
  }
  const nn::Sequential& model;
  bool has_warmup;
  int steps = 0;
  std::vector<double> mean, last, shown;
};

TEST(Average, IsWhatTheModelHasInTheEnd) {
  for (const bool has_warmup : {false, true}) {
    nn::Sequential model = network();
    train::FitOptions how = options();
    how.ema_warmup = has_warmup;
    const auto by_hand = std::make_shared<ByHand>(model, has_warmup);
    how.callbacks = {by_hand};
    train::fit(model, clouds(), how);
    const std::vector<double> is = values(model);
    double distance = 0;
    for (size_t i = 0; i < is.size(); ++i) {
      EXPECT_NEAR(is[i], by_hand->mean[i], 2e-6) << i;
      distance = std::max(distance, std::fabs(is[i] - by_hand->last[i]));
    }
    EXPECT_GT(distance, 1e-3) << "which is not the last one";
    EXPECT_EQ(by_hand->shown, is) << "callbacks see it after an epoch";
  }
}

TEST(Average, ChangesNothingOfTheTrainingItself) {
  nn::Sequential plain = network(), averaged = network();
  train::FitOptions without = options(), with = options();
  without.ema = 0;
  const auto a = std::make_shared<ByHand>(plain, false), b = std::make_shared<ByHand>(averaged, false);
  without.callbacks = {a};
  with.callbacks = {b};
  const train::History one = train::fit(plain, clouds(), without), two = train::fit(averaged, clouds(), with);
  EXPECT_EQ(a->last, b->last);
  EXPECT_EQ(one.series("loss"), two.series("loss"));
  EXPECT_EQ(values(plain, true), values(averaged, true)) << "running statistics are not averaged";
}

TEST(Average, IsWhatIsValidatedAndKeptAsTheBest) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.validation = clouds();
  how.epochs = 12;
  how.optimizer = optim::SGD(2.0);
  how.patience = 3;
  const train::History history = train::fit(model, clouds(), how);
  const int64_t kept = history.best_epoch ? history.best_epoch : history.epochs.back().number;
  if (history.best_epoch == 0) {  // else the running statistics are those of the best epoch too
    EXPECT_NEAR(train::evaluate(model, clouds(), {.loss = how.loss, .verbose = false})["loss"], history.last("val_loss"), 1e-6);
  }
  EXPECT_NEAR(train::evaluate(model, clouds(), {.loss = how.loss, .verbose = false})["loss"],
              history.epochs[static_cast<size_t>(kept - 1)].logs["val_loss"], 1e-6);
}

TEST(Average, IsInTheModelHoweverFitEnds) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  const auto by_hand = std::make_shared<ByHand>(model, false);
  struct Throws final : train::Callback {
    bool on_step(const train::Progress&) override {
      if (++steps == 6) throw std::runtime_error("enough");
      return false;
    }
    int steps = 0;
  };
  how.callbacks = {by_hand, std::make_shared<Throws>()};
  EXPECT_THROW(train::fit(model, clouds(), how), std::runtime_error);
  const std::vector<double> is = values(model);
  for (size_t i = 0; i < is.size(); ++i) EXPECT_NEAR(is[i], by_hand->mean[i], 2e-6) << i;
}

TEST(Average, Of16BitParametersLosesNoSteps) {
  random::seed(3);
  nn::Sequential model{nn::Dense(3)};
  nn::build(model, {1, 2});
  nn::cast(model, bfloat16);
  data::Dataset set = clouds();
  set.x = set.x.astype(bfloat16);
  train::FitOptions how = options();
  how.ema = 0.999;
  how.epochs = 30;
  how.optimizer = optim::SGD(0.1);
  const std::vector<double> before = values(model);
  train::fit(model, set, how);
  EXPECT_NE(values(model), before) << "a thousandth of a step would be rounded away";
}

TEST(Average, NumbersThatMakeNoSenseAreRefused) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.ema = 1;
  EXPECT_EQ(error_of([&] { train::fit(model, clouds(), how); }), "fit: ema is 1; it must be at least 0 and below 1");
  how.ema = 0;
  how.ema_warmup = true;
  EXPECT_EQ(error_of([&] { train::fit(model, clouds(), how); }),
            "fit: ema_warmup is true and ema is 0; give the decay, for example .ema = 0.999");
}

}  // namespace
}  // namespace gradus
