// fit on generated data: it learns, stops, restores, goes on, and loses nothing when a step cannot be made.
#include "gradus/train/fit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <limits>

#include "gradus/array/buffer.hpp"
#include "gradus/gradus.hpp"
#include "gradus/train/interrupt.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using Floats = std::vector<float>;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

data::Dataset clouds(int64_t samples = 240) { return data::make_blobs(samples, {.classes = 3, .spread = 1, .seed = 7}); }
nn::Sequential network() {
  random::seed(3);
  return nn::Sequential{nn::Dense(16, nn::Activation::from_name("tanh")), nn::BatchNorm(), nn::Dense(3)};
}
train::FitOptions options() {
  return {.loss = loss::sparse_categorical_crossentropy,
          .optimizer = optim::Adam(1e-2),
          .metrics = {metrics::accuracy},
          .epochs = 3,
          .verbose = false};
}
std::vector<Floats> values(const nn::Sequential& model) {
  std::vector<Floats> all;
  for (const Variable& variable : variables(model)) {
    if (variable.exists() && variable.get().dtype().is_float()) all.push_back(variable.get().to_vector<float>());
  }
  return all;
}
bool all_finite(const std::vector<Floats>& arrays) {
  for (const Floats& array : arrays) {
    for (const float value : array) {
      if (!std::isfinite(value)) return false;
    }
  }
  return true;
}

// A callback from a function that is asked after each step.
struct OnStep final : train::Callback {
  explicit OnStep(std::function<bool(const train::Progress&)> function) : ask(std::move(function)) {}
  bool on_step(const train::Progress& progress) override { return ask(progress); }
  std::function<bool(const train::Progress&)> ask;
};

// ---- what it does ----

// Two classes by one output: labels are (N,), outputs (N, 1).
TEST(Fit, LearnsTwoClassesByOneOutput) {
  const data::Dataset set = data::make_moons(400, {.noise = 0.1});
  ASSERT_EQ(set.y.rank(), 1);
  random::seed(1);
  nn::Sequential model{nn::Dense(32, relu), nn::Dense(1)};
  const train::History history = train::fit(
      model, set,
      {.loss = loss::binary_crossentropy, .optimizer = optim::Adam(0.02), .metrics = {metrics::accuracy}, .epochs = 30, .verbose = false});
  EXPECT_GT(history.last("accuracy"), 0.98);
  EXPECT_NEAR(train::evaluate(model, set, {.verbose = false})["accuracy"], history.last("accuracy"), 0.02);
}

TEST(Fit, LearnsLinearRegression) {
  const data::Dataset set = data::make_linear(400, {.weights = {3, -2}, .bias = 0.5, .noise = 0});
  nn::Sequential model{nn::Dense(1)};
  train::fit(model, set,
             {.loss = loss::mean_squared_error, .optimizer = optim::SGD(0.1, {.momentum = 0.9}), .epochs = 40, .verbose = false});
  const std::vector<Floats> found = values(model);
  EXPECT_NEAR(found[0][0], 3, 1e-2);
  EXPECT_NEAR(found[0][1], -2, 1e-2);
  EXPECT_NEAR(found[1][0], 0.5, 1e-2);
}

TEST(Fit, HistoryHoldsEachEpoch) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.batch_size = 50;
  how.validation = clouds(60);
  const train::History history = train::fit(model, clouds(), how);
  ASSERT_EQ(history.epochs.size(), 3u);
  EXPECT_EQ(history.steps, 15);
  EXPECT_EQ(history.epochs[1].number, 2);
  EXPECT_EQ(history.epochs[1].steps, 10);
  for (const char* name : {"loss", "accuracy", "val_loss", "val_accuracy"}) EXPECT_TRUE(history.epochs[2].logs.contains(name)) << name;
  EXPECT_LT(history.last("loss"), history.series("loss")[0]);
  EXPECT_FALSE(history.is_interrupted || history.is_stopped_early);
}

TEST(Fit, ReportsTheMeanOverTheExamplesOfAnEpoch) {
  // A rate of 0 leaves the model as it is: the mean over batches of 64, 64, 64 and 48 must be that of all samples at once.
  nn::Sequential model{nn::Dense(3)};
  train::FitOptions how = options();
  how.optimizer = optim::SGD(0.0);
  how.epochs = 1;
  how.batch_size = 64;
  const train::History history = train::fit(model, clouds(), how);
  const train::Logs all = train::evaluate(model, clouds(), {.loss = how.loss, .metrics = how.metrics, .verbose = false});
  EXPECT_NEAR(history.last("loss"), all["loss"], 1e-5);
  EXPECT_NEAR(history.last("accuracy"), all["accuracy"], 1e-6);
}

TEST(Evaluate, MeasuresWhatSuitsOutputAndTarget) {
  const auto logs_of = [](int64_t outputs, const Array& target) {
    nn::Sequential model{nn::Dense(outputs, {.use_bias = false})};
    nn::build(model, Shape{1, 2});
    for (const Variable& variable : variables(model)) variable.set(zeros(variable.get().shape()));
    return train::evaluate(model, data::Dataset(ones({4, 2}), target), {.verbose = false});
  };
  const train::Logs numbers = logs_of(1, array({1.0, 2.0, 3.0, 4.0})[{slice(), newaxis}]);
  EXPECT_NEAR(numbers["loss"], 7.5, 1e-6);
  EXPECT_NEAR(numbers["mean_absolute_error"], 2.5, 1e-6);
  EXPECT_FALSE(numbers.contains("accuracy"));
  const train::Logs halves = logs_of(1, array({0, 1, 0, 0})[{slice(), newaxis}]);
  EXPECT_NEAR(halves["loss"], std::log(2.0), 1e-6);
  EXPECT_TRUE(halves.contains("accuracy"));
  const train::Logs labels = logs_of(3, array({0, 1, 2, 0})), rows = logs_of(3, one_hot(array({0, 1, 2, 0}), 3).astype(int32));
  for (const train::Logs& logs : {labels, rows}) {
    EXPECT_NEAR(logs["loss"], std::log(3.0), 1e-6);
    EXPECT_NEAR(logs["accuracy"], 0.5, 1e-6);
  }
}

TEST(Fit, TheSameSeedGivesTheSameBits) {
  std::vector<Floats> found[2];
  for (auto& each : found) {
    nn::Sequential model = network();
    train::fit(model, clouds(), options());
    each = values(model);
  }
  EXPECT_EQ(found[0], found[1]);
}

TEST(Fit, HoldsOutTheAskedFraction) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.validation_fraction = 0.25;
  how.batch_size = 1000;
  how.epochs = 1;
  int64_t examples = 0;
  struct Begin final : train::Callback {
    explicit Begin(int64_t& count) : examples(count) {}
    void on_begin(const train::Run& run) override { examples = run.examples; }
    int64_t& examples;
  };
  how.callbacks = {std::make_shared<Begin>(examples)};
  const train::History history = train::fit(model, clouds(), how);
  EXPECT_EQ(examples, 180);
  EXPECT_TRUE(history.epochs[0].logs.contains("val_loss"));
}

// ---- stopping ----

TEST(Fit, StopsWhenPatienceRunsOut) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.optimizer = optim::SGD(0.0);  // no progress at all
  how.shuffle = false;
  how.batch_size = 1000;
  how.epochs = 50;
  how.patience = 3;
  const train::History history = train::fit(model, clouds(), how);
  EXPECT_TRUE(history.is_stopped_early);
  EXPECT_EQ(history.epochs.size(), 4u);
}

TEST(Fit, RestoresTheBestEpoch) {
  // The rate is far too large from epoch 3 on: the best one is behind us when patience runs out.
  nn::Sequential model{nn::Dense(1)};
  const data::Dataset set = data::make_linear(64, {.weights = {3}});
  std::vector<std::vector<Floats>> after_epoch;
  train::FitOptions how{.loss = loss::mean_squared_error,
                        .optimizer = optim::SGD([](int64_t step) { return step < 2 ? 0.3 : 1.5; }),
                        .epochs = 20,
                        .batch_size = 64,
                        .patience = 2,
                        .verbose = false};
  how.callbacks = {std::make_shared<OnStep>([&](const train::Progress&) {
    after_epoch.push_back(values(model));
    return false;
  })};
  const train::History history = train::fit(model, set, how);
  EXPECT_TRUE(history.is_stopped_early);
  ASSERT_GT(history.best_epoch, 0);
  ASSERT_LT(history.best_epoch, static_cast<int64_t>(history.epochs.size()));
  EXPECT_EQ(values(model), after_epoch[static_cast<size_t>(history.best_epoch - 1)]);
  const std::vector<double> losses = history.series("loss");
  EXPECT_EQ(losses[static_cast<size_t>(history.best_epoch - 1)], *std::min_element(losses.begin(), losses.end()));
}

TEST(Fit, KeepsTheLastEpochIfNotAskedToRestore) {
  nn::Sequential model{nn::Dense(1)};
  std::vector<Floats> last;
  train::FitOptions how{.loss = loss::mean_squared_error,
                        .optimizer = optim::SGD(1.5),
                        .epochs = 20,
                        .batch_size = 64,
                        .patience = 2,
                        .restore_best = false,
                        .verbose = false};
  how.callbacks = {std::make_shared<OnStep>([&](const train::Progress&) {
    last = values(model);
    return false;
  })};
  const train::History history = train::fit(model, data::make_linear(64), how);
  EXPECT_TRUE(history.is_stopped_early);
  EXPECT_EQ(history.best_epoch, 0);
  EXPECT_EQ(values(model), last);
}

TEST(Fit, AnUnknownMonitorIsNamedWithThoseThereAre) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.patience = 1;
  how.monitor = "accuracies";
  EXPECT_EQ(error_of([&] { train::fit(model, clouds(), how); }),
            "fit: monitor is \"accuracies\", which no epoch reports; it must be one of loss, accuracy");
}

TEST(Fit, ACallbackStopsIt) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.callbacks = {std::make_shared<OnStep>([](const train::Progress& progress) { return progress.step == 3; })};
  const train::History history = train::fit(model, clouds(), how);
  EXPECT_TRUE(history.is_interrupted);
  EXPECT_EQ(history.steps, 3);
  EXPECT_TRUE(history.epochs.empty());
}

TEST(Fit, CtrlCStopsItAfterTheStepInWork) {
  const auto before = std::signal(SIGINT, SIG_DFL);  // a shell starts what runs in the background with it ignored
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.interrupts = true;
  std::vector<Floats> after_step;
  how.callbacks = {std::make_shared<OnStep>([&](const train::Progress& progress) {
    after_step = values(model);
    if (progress.step == 2) std::raise(SIGINT);
    return false;
  })};
  const train::History history = train::fit(model, clouds(), how);
  EXPECT_TRUE(history.is_interrupted);
  EXPECT_EQ(history.steps, 2);
  EXPECT_EQ(values(model), after_step);
  std::signal(SIGINT, before);
}

// ---- going on ----

TEST(Fit, GoesOnFromAnOptimizerBitForBit) {
  train::FitOptions how = options();
  how.shuffle = false;
  how.epochs = 4;
  nn::Sequential whole = network();
  train::fit(whole, clouds(), how);

  nn::Sequential halves = network();
  optim::Optimizer optimizer = optim::Adam(1e-2);
  how.epochs = 2;
  how.resume = &optimizer;
  train::fit(halves, clouds(), how);
  EXPECT_EQ(optimizer.steps(), 16);
  train::fit(halves, clouds(), how);
  EXPECT_EQ(optimizer.steps(), 32);
  EXPECT_EQ(values(whole), values(halves));
}

TEST(Fit, LeavesTheGivenOptimizerAsItWas) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  train::fit(model, clouds(), how);
  EXPECT_EQ(how.optimizer.steps(), 0);
}

// ---- a step that cannot be made ----

// After `good` steps the model is saved by value; then the step fails with `message`, and nothing of it is left.
void expect_nothing_lost(const data::Dataset& set, train::FitOptions how, int64_t good, const std::string& message) {
  nn::Sequential model = network();
  std::vector<Floats> after_step;
  how.callbacks.push_back(std::make_shared<OnStep>([&](const train::Progress&) {
    after_step = values(model);
    return false;
  }));
  optim::Optimizer optimizer = how.optimizer;
  how.resume = &optimizer;
  const std::string error = error_of([&] { train::fit(model, set, how); });
  EXPECT_NE(error.find(message), std::string::npos) << error;
  EXPECT_EQ(optimizer.steps(), good);
  EXPECT_EQ(values(model), after_step);
  EXPECT_TRUE(all_finite(values(model)));
}

TEST(Fit, ANanAmongTheInputsCostsNothingAndIsNamed) {
  std::vector<float> x(240 * 2, 0.5f);
  x[2 * 100 + 1] = kNan;
  const data::Dataset set(array(x, {240, 2}), clouds().y, {.class_names = {"a", "b", "c"}});
  train::FitOptions how = options();
  how.shuffle = false;
  expect_nothing_lost(set, how, 3,
                      "fit: the loss is nan at step 4 of 8 in epoch 1; it must be finite\n  hint: x[100, 1] is nan in the data set");
}

TEST(Fit, ALossThatOverflowsCostsNothing) {
  train::FitOptions how = options();
  how.optimizer = optim::SGD(1e30);
  nn::Sequential model = network();
  const std::string error = error_of([&] { train::fit(model, clouds(), how); });
  EXPECT_EQ(error.rfind("fit: the loss is ", 0), 0u) << error;
  EXPECT_NE(error.find("hint: a smaller learning rate"), std::string::npos) << error;
  EXPECT_TRUE(all_finite(values(model)));
}

TEST(Fit, ALossMayBeNanIfAskedFor) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.optimizer = optim::SGD(1e30);
  how.stop_on_nan = false;
  EXPECT_EQ(error_of([&] { train::fit(model, clouds(), how); }), "");
}

TEST(Fit, ALabelOutOfRangeCostsNothingAndIsNamed) {
  std::vector<int64_t> y(240, 1);
  y[100] = 3;
  y[200] = -7;
  const data::Dataset set(clouds().x, array(y, {240}));
  train::FitOptions how = options();
  how.shuffle = false;
  expect_nothing_lost(set, how, 3, "the labels of the data set go from -7 (y[200]) to 3 (y[100])");
}

TEST(Fit, OutOfMemoryInMidStepCostsNothing) {
  nn::Sequential model = network();
  std::vector<Floats> after_step;
  train::FitOptions how = options();
  const int64_t limit = memory_limit();
  how.callbacks = {std::make_shared<OnStep>([&](const train::Progress& progress) {
    after_step = values(model);
    if (progress.step == 2) {
      clear_memory_cache();
      set_memory_limit(1);  // nothing more
    }
    return false;
  })};
  std::string error;
  Error::Kind kind = Error::Kind::bug;
  try {
    train::fit(model, clouds(), how);
  } catch (const Error& caught) {
    kind = caught.kind();
    error = caught.what();
  }
  set_memory_limit(limit);
  EXPECT_EQ(kind, Error::Kind::memory) << error;
  EXPECT_NE(error.find("bytes"), std::string::npos) << error;
  EXPECT_EQ(values(model), after_step);
}

// ---- wrong calls ----

TEST(Fit, WrongOptionsAreNamed) {
  nn::Sequential model = network();
  const auto message = [&](auto change) {
    train::FitOptions how = options();
    change(how);
    return error_of([&] { train::fit(model, clouds(), how); });
  };
  EXPECT_EQ(message([](auto& how) { how.batch_size = 0; }), "fit: batch_size is 0; it must be at least 1");
  EXPECT_EQ(message([](auto& how) { how.epochs = -1; }), "fit: epochs is -1; it must be at least 0");
  EXPECT_EQ(message([](auto& how) { how.patience = -2; }), "fit: patience is -2; it must be at least 0");
  EXPECT_EQ(message([](auto& how) { how.validation_fraction = 1; }), "fit: validation_fraction is 1; it must be at least 0 and below 1");
  EXPECT_EQ(message([](auto& how) { how.clip_norm = -1; }),
            "fit: clip_norm is -1 and clip_value 0; they must not be negative (0: no clipping)");
  EXPECT_EQ(message([](auto& how) { how.loss = {}; }), "fit: no loss is given; for example .loss = loss::sparse_categorical_crossentropy");
}

TEST(Fit, DataThatDoesNotServeIsRefused) {
  nn::Sequential model = network();
  EXPECT_EQ(error_of([&] {
              train::fit(model, data::Dataset(zeros({0, 2}), zeros({0}).astype(int64)), options());
            }),
            "fit: the data set is empty");
  EXPECT_NE(error_of([&] {
              train::fit(model, data::Dataset(zeros({4, 2})), options());
            }).find("fit: the data set has no targets"),
            std::string::npos);
  EXPECT_EQ(error_of([&] { train::predict(model, zeros({0, 2})); }), "predict: there are no inputs");
  EXPECT_EQ(error_of([&] {
              train::evaluate(model, data::Dataset(zeros({0, 2}), zeros({0}).astype(int64)), {.loss = options().loss, .verbose = false});
            }),
            "evaluate: the data set is empty");
}

TEST(Fit, NoEpochsLeaveTheModelUnbuilt) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.epochs = 0;
  const train::History history = train::fit(model, clouds(), how);
  EXPECT_EQ(history.steps, 0);
  EXPECT_EQ(error_of([&] { history.last("loss"); }), "history: no epoch was finished");
}

TEST(Fit, NumbersOfOneNameAreRefused) {
  const auto said = [](std::vector<metrics::Metric> metrics) {
    nn::Sequential model = network();
    train::FitOptions how = options();
    how.metrics = std::move(metrics);
    const std::string by_fit = error_of([&] { train::fit(model, clouds(), how); });
    EXPECT_EQ(error_of([&] { train::evaluate(model, clouds(), {.loss = how.loss, .metrics = how.metrics, .verbose = false}); }), by_fit);
    return by_fit;
  };
  const auto size = [](const Array& output, const Array&) { return mean(abs(output)); };
  const std::string rest = "; each needs a name of its own, for example metrics::Metric(\"my_";
  EXPECT_EQ(said({metrics::accuracy, metrics::accuracy}), "fit: two of the numbers to log are called \"accuracy\"" + rest + "accuracy\", function)");
  EXPECT_EQ(said({metrics::Metric("loss", size)}), "fit: two of the numbers to log are called \"loss\"" + rest + "loss\", function)");
  EXPECT_EQ(said({metrics::Metric("a", size), metrics::Metric("b", size)}), "");
  nn::Sequential model = network();
  const auto objective = [](const auto& m, const data::Batch& batch) {
    const Array total = mean(square(m(batch.x)));
    return train::Terms{{"loss", total}, {"decay", total}};
  };
  EXPECT_NE(error_of([&] { train::fit(model, objective, clouds(), options()); }).find("called \"loss\""), std::string::npos);
}

TEST(Fit, AHeldOutShareLeavesSomethingOnBothSides) {
  for (const auto& [count, share] : std::vector<std::pair<int64_t, double>>{{1, 0.5}, {2, 0.9}, {10, 0.97}}) {
    nn::Sequential model = network();
    train::FitOptions how = options();
    how.validation = {};
    how.validation_fraction = share;
    const data::Dataset set(ones({count, 2}), zeros({count}).astype(int64));
    const std::string text = error_of([&] { train::fit(model, set, how); });
    EXPECT_NE(text.find(concat("of ", count, " examples, which leaves 0 to train on and ", count, " to validate on")), std::string::npos) << text;
  }
}

TEST(Fit, ACallbackThatStopsAtTheEndOfAnEpochLeavesItsValidationWhole) {
  struct Stop final : train::Callback {
    bool on_step(const train::Progress& progress) override { return progress.step == progress.steps_per_epoch; }
  };
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.epochs = 3;
  how.validation = clouds();
  how.batch_size = 16;
  how.callbacks = {std::make_shared<Stop>()};
  const train::History history = train::fit(model, clouds(), how);
  ASSERT_EQ(history.epochs.size(), 1u);
  EXPECT_NEAR(history.last("val_loss"), train::evaluate(model, clouds(), {.loss = how.loss, .verbose = false})["loss"], 1e-6);
}

TEST(Fit, ANullCallbackIsRefused) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.callbacks = {nullptr};
  EXPECT_EQ(error_of([&] { train::fit(model, clouds(), how); }),
            "fit: callbacks[0] is null; for example std::make_shared<train::CsvLogger>(\"epochs.csv\")");
}

TEST(Fit, TheRangeOfLabelsIsNoHintOfOtherErrors) {
  nn::Sequential model = network();
  train::FitOptions how = options();
  how.optimizer = optim::Adam(0.1).with_groups({{.parameters = {"**.bais"}, .rate_factor = 0.5}});
  const std::string text = error_of([&] { train::fit(model, clouds(), how); });
  EXPECT_NE(text.find("matches no parameter"), std::string::npos) << text;
  EXPECT_EQ(text.find("the labels of the data set"), std::string::npos) << text;
}

}  // namespace
}  // namespace gradus
