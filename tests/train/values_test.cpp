// Metrics, probabilities, early stopping and logs against numbers computed by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradus/gradus.hpp"
#include "gradus/train/evaluation.hpp"
#include "gradus/train/progress.hpp"

namespace gradus {

using namespace core;
namespace {

// ---- metrics ----

TEST(Metrics, TopKCountsLabelsAmongTheKLargest) {
  // Places of the labels among the logits: 1, 2, 3, 4.
  const Array output = array({{4.0, 3.0, 2.0, 1.0}, {3.0, 4.0, 2.0, 1.0}, {2.0, 4.0, 3.0, 1.0}, {1.0, 4.0, 3.0, 2.0}}),
              target = zeros({4}, int64);
  for (int k = 1; k <= 4; ++k) {
    EXPECT_FLOAT_EQ(metrics::top_k(k)(output, target).item<float>(), 0.25f * static_cast<float>(k));
    EXPECT_EQ(metrics::top_k(k).name(), concat("top_", k));
    EXPECT_FLOAT_EQ(metrics::Metric::from_name(concat("top_", k))(output, target).item<float>(), 0.25f * static_cast<float>(k));
  }
}

// A model that gives all classes the same, or NaN, is not right about all of them.
TEST(Metrics, TopKTakesEqualLogitsInOrderAndNoNan) {
  const auto share = [](int64_t k, const Array& output, const Array& target) { return metrics::top_k(k)(output, target).item<float>(); };
  const Array labels = array({0, 1, 2, 0});
  EXPECT_FLOAT_EQ(share(1, zeros({4, 3}), labels), metrics::accuracy(zeros({4, 3}), labels).item<float>());
  EXPECT_FLOAT_EQ(share(1, zeros({4, 3}), labels), 0.5f);
  EXPECT_FLOAT_EQ(share(2, zeros({4, 3}), labels), 0.75f);
  EXPECT_FLOAT_EQ(share(5, zeros({4, 3}), labels), 1);
  const double nan = std::nan("");
  EXPECT_FLOAT_EQ(share(2, full({4, 3}, nan), labels), 0);
  EXPECT_FLOAT_EQ(share(5, full({4, 3}, nan), labels), 0);
  EXPECT_FLOAT_EQ(share(1, array({{nan, 2.0, 1.0}, {0.0, 2.0, 1.0}}), array({1, 1})), 0.5f);
  EXPECT_FLOAT_EQ(share(2, array({{nan, 2.0, 1.0}, {0.0, 2.0, 1.0}}), array({1, 1})), 1);
  EXPECT_FLOAT_EQ(share(2, array({{-1.0, -2.0, -3.0}, {-1.0, -2.0, -3.0}}), array({-100, 3})), 0);  // of none of the classes
}

TEST(Metrics, AccuracyByTheShapes) {
  const Array output = array({{2.0, 1.0, 0.0}, {0.0, 1.0, 2.0}, {1.0, 3.0, 2.0}, {5.0, 0.0, 1.0}});
  EXPECT_FLOAT_EQ(metrics::accuracy(output, array({0, 2, 2, 1})).item<float>(), 0.5f);
  EXPECT_FLOAT_EQ(metrics::accuracy(output, array({{0}, {2}, {1}, {1}})).item<float>(), 0.75f);
  EXPECT_FLOAT_EQ(metrics::accuracy(output, array({{0, 0, 1}, {0, 0, 1}, {1, 0, 0}, {0, 1, 0}})).item<float>(), 0.25f);
  EXPECT_FLOAT_EQ(metrics::accuracy(array({{-1.0}, {2.0}, {0.0}, {3.0}}), array({{0}, {1}, {1}, {0}})).item<float>(), 0.5f);
  EXPECT_FLOAT_EQ(metrics::binary_accuracy(array({{-1.0, 2.0}, {1.0, -2.0}}), array({{0.0, 1.0}, {0.0, 0.0}})).item<float>(), 0.75f);
}

TEST(Metrics, ErrorsAreMeans) {
  const Array output = array({{1.0}, {2.0}, {4.0}}), target = array({{0.0}, {4.0}, {4.0}});
  EXPECT_FLOAT_EQ(metrics::mean_absolute_error(output, target).item<float>(), 1.0f);
  EXPECT_FLOAT_EQ(metrics::mean_squared_error(output, target).item<float>(), 5.0f / 3);
}

// Rows are what the examples are, columns what the model said.
TEST(Metrics, ConfusionMatrixHasTheTruthInItsRows) {
  const Array output = array({{2.0, 1.0, 0.0}, {0.0, 1.0, 2.0}, {1.0, 3.0, 2.0}, {5.0, 0.0, 1.0}});  // said 0, 2, 1, 0
  EXPECT_EQ(metrics::confusion_matrix(output, array({0, 1, 1, 2})).counts(), (std::vector<double>{1, 0, 0, 0, 1, 1, 1, 0, 0}));
  EXPECT_EQ(metrics::confusion_matrix(array({-1.0, 2.0, 3.0}), array({0, 0, 1})).counts(), (std::vector<double>{1, 1, 0, 1}));
}

TEST(Evaluation, ConfusionHasTheTruthInItsRows) {
  const data::Dataset set(zeros({4, 1}), array({0, 1, 1, 2}), {.class_names = {"a", "b", "c"}});
  const train::Classification answers = train::classify(array({{2.0, 1.0, 0.0}, {0.0, 1.0, 2.0}, {1.0, 3.0, 2.0}, {5.0, 0.0, 1.0}}), set);
  EXPECT_EQ(answers.predicted, (std::vector<int64_t>{0, 2, 1, 0}));
  EXPECT_EQ(answers.confusion().counts, (std::vector<int64_t>{1, 0, 0, 0, 1, 1, 1, 0, 0}));
  EXPECT_EQ(answers.class_table().rows[0], (std::vector<std::string>{"a", "0.500", "1.000", "0.667", "1"}));
  EXPECT_EQ(answers.class_table().rows[1], (std::vector<std::string>{"b", "1.000", "0.500", "0.667", "2"}));
  EXPECT_EQ(answers.class_table().rows[2], (std::vector<std::string>{"c", "0.000", "0.000", "0.000", "1"}));
}

TEST(Evaluation, ProbabilitiesAreASoftmaxThatDoesNotOverflow) {
  const auto expect = [](std::vector<float> logits, const std::vector<double>& wanted) {
    const std::vector<double> found = train::class_probabilities(logits.data(), static_cast<int64_t>(logits.size()));
    ASSERT_EQ(found.size(), wanted.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 1e-12) << i;
  };
  const double e = std::exp(1.0);
  expect({1, 2, 3}, {1 / (1 + e + e * e), e / (1 + e + e * e), e * e / (1 + e + e * e)});
  expect({1000, 999}, {e / (1 + e), 1 / (1 + e)});
  expect({-1000, -999}, {1 / (1 + e), e / (1 + e)});
  expect({3e38f, 0, -3e38f}, {1, 0, 0});
  expect({1000}, {0, 1});
  expect({-1000}, {1, 0});
  expect({1}, {1 / (1 + e), e / (1 + e)});
}

TEST(Evaluation, MistakesComeTheSurestFirst) {
  const data::Dataset set(reshape(arange(4 * 4), {4, 2, 2, 1}).astype(float32) / 16, array({1, 1, 1, 0}), {.class_names = {"a", "b"}});
  const train::Classification answers = train::classify(array({{1.0, 0.0}, {3.0, 0.0}, {2.0, 0.0}, {1.0, 0.0}}), set);
  const std::vector<train::SampleImage> images = train::sample_images(set, answers, 5, 2);
  ASSERT_EQ(images.size(), 3u);
  EXPECT_TRUE(images[0].is_right);
  EXPECT_NEAR(images[1].probability, 1 / (1 + std::exp(-3.0)), 1e-9);
  EXPECT_NEAR(images[2].probability, 1 / (1 + std::exp(-2.0)), 1e-9);
  EXPECT_EQ(images[1].truth, "b");
  EXPECT_EQ(images[1].prediction, "a");
  EXPECT_EQ(images[1].pixels, (std::vector<uint8_t>{64, 80, 96, 112}));  // round(255 k / 16), k = 4 .. 7
}

// ---- early stopping ----

// Fits with a metric of that name that takes the given values epoch by epoch; parameters after each epoch come back as well.
struct Watched {
  train::History history;
  std::vector<float> last;
  std::vector<std::vector<float>> after_epoch;
};
Watched watch(const std::string& name, const std::vector<double>& values, int64_t patience, std::optional<bool> more_is_better = {}) {
  struct Count final : train::Callback {
    explicit Count(std::function<void()> function) : call(std::move(function)) {}
    bool on_step(const train::Progress&) override {
      call();
      return false;
    }
    std::function<void()> call;
  };
  nn::Sequential model{nn::Dense(1)};
  nn::build(model, {1, 1});
  const auto weights = [&] { return variables(model)[0].get().to_vector<float>(); };
  size_t epoch = 0;
  Watched out;
  train::FitOptions options{
      .loss = loss::mean_squared_error, .optimizer = optim::SGD(0.01), .epochs = static_cast<int64_t>(values.size()), .batch_size = 100};
  options.metrics = {{name, [&](const Array&, const Array&) { return array(values[epoch]); }}};
  options.patience = patience;
  options.monitor = name;
  options.more_is_better = more_is_better;
  options.verbose = false;
  options.callbacks = {std::make_shared<Count>([&] {
    ++epoch;
    out.after_epoch.push_back(weights());
  })};
  out.history = train::fit(model, data::make_linear(20), options);
  out.last = weights();
  return out;
}

TEST(EarlyStopping, MoreIsBetterForAccuraciesAndTheLikeAndLessForTheRest) {
  const std::vector<double> values = {0.3, 0.6, 0.5, 0.2, 0.4, 0.7};
  for (const char* name : {"accuracy", "binary_accuracy", "my_accuracy", "top_3", "F1_macro", "auc", "r2", "mean_iou"}) {
    const Watched found = watch(name, values, 3);
    EXPECT_EQ(found.history.epochs.size(), 5u) << name;  // 0.6 in epoch 2, none above it in three more
    EXPECT_EQ(found.history.best_epoch, 2) << name;
    EXPECT_TRUE(found.history.is_stopped_early);
    EXPECT_EQ(found.last, found.after_epoch[1]) << name;
    EXPECT_NE(found.last, found.after_epoch[4]) << name;
  }
  for (const char* name : {"my_error", "accuracy_loss", "recalled", "f12"}) {
    const Watched found = watch(name, values, 1);
    EXPECT_EQ(found.history.epochs.size(), 2u) << name;
    EXPECT_EQ(found.history.best_epoch, 1) << name;
    EXPECT_EQ(found.last, found.after_epoch[0]) << name;
  }
}

TEST(EarlyStopping, WhatIsBetterCanBeSaid) {
  EXPECT_EQ(watch("elbo", {1, 2, 3}, 1, true).history.best_epoch, 0);  // it ran to its end: the last epoch is the best
  EXPECT_EQ(watch("elbo", {1, 2, 3}, 1).history.best_epoch, 1);
  EXPECT_EQ(watch("accuracy", {3, 2, 1}, 1, false).history.epochs.size(), 3u);
}

TEST(EarlyStopping, EachProgressStartsThePatienceAnew) {
  const Watched found = watch("my_error", {5, 6, 4, 5, 3, 4, 5}, 2);
  EXPECT_EQ(found.history.epochs.size(), 7u);
  EXPECT_EQ(found.history.best_epoch, 5);
  EXPECT_FALSE(found.history.is_stopped_early);  // patience ran out with the last epoch: nothing was left out
  EXPECT_EQ(found.last, found.after_epoch[4]);
  EXPECT_EQ(watch("my_error", {5, 5, 5, 5}, 2).history.epochs.size(), 3u);  // the same again is no progress
  const Watched last_is_best = watch("my_error", {5, 4, 3}, 2);
  EXPECT_EQ(last_is_best.history.best_epoch, 0);
  EXPECT_EQ(last_is_best.last, last_is_best.after_epoch[2]);
}

TEST(EarlyStopping, NanIsNeverTheBest) {
  const double nan = std::nan("");
  const Watched first = watch("my_error", {nan, 5, 4, 5}, 3);
  EXPECT_EQ(first.history.epochs.size(), 4u);
  EXPECT_EQ(first.history.best_epoch, 3);
  EXPECT_EQ(first.last, first.after_epoch[2]);
  const Watched later = watch("accuracy", {0.5, nan, 0.6, nan, nan}, 2);
  EXPECT_EQ(later.history.best_epoch, 3);
  EXPECT_EQ(later.last, later.after_epoch[2]);
  const Watched never = watch("my_error", {nan, nan, nan}, 2);
  EXPECT_EQ(never.history.epochs.size(), 2u);
  EXPECT_EQ(never.history.best_epoch, 0);
  EXPECT_EQ(never.last, never.after_epoch[1]);
}

// ---- logs ----

TEST(History, CsvHoldsEveryNumberUnderItsName) {
  train::History history;
  train::Epoch epoch{.number = 1, .learning_rate = 0.25, .seconds = 1.5, .steps = 10};
  epoch.logs.set("loss", 0.5);
  history.epochs.push_back(epoch);
  epoch = {.number = 2, .learning_rate = 0.125, .seconds = 2, .steps = 20};
  epoch.logs.set("loss", 0.25);
  epoch.logs.set("a,\"b\"", 0.75);
  history.epochs.push_back(epoch);
  EXPECT_EQ(train::to_csv(history), "epoch,steps,learning_rate,seconds,loss,\"a,\"\"b\"\"\"\n1,10,0.25,1.5,0.5,\n2,20,0.125,2,0.25,0.75\n");
  EXPECT_EQ(history.last("loss"), 0.25);
  EXPECT_EQ(history.series("loss"), (std::vector<double>{0.5, 0.25}));
}

TEST(History, TextEscapesTheNamesOfMetrics) {
  train::Logs logs;
  logs.set("a\x1b[31m", 0.5);
  EXPECT_EQ(to_text(logs), "a\\x1b[31m 0.5000");
}

TEST(Fit, EpochsTellRateStepsAndExamples) {
  nn::Sequential model{nn::Dense(1)};
  std::vector<int64_t> steps;
  std::vector<double> rates;
  struct Notes final : train::Callback {
    Notes(std::vector<int64_t>& seen_steps) : seen(seen_steps) {}
    bool on_step(const train::Progress& progress) override {
      EXPECT_EQ(progress.steps_per_epoch, 3);
      EXPECT_GT(progress.examples_per_second, 0);
      seen.push_back(10 * progress.epoch + progress.step);
      return false;
    }
    std::vector<int64_t>& seen;
  };
  train::FitOptions options{.loss = loss::mean_squared_error,
                            .optimizer = optim::SGD([](int64_t step) { return 1.0 / static_cast<double>(step + 10); }),
                            .epochs = 2,
                            .batch_size = 4};
  options.verbose = false;
  options.callbacks = {std::make_shared<Notes>(steps)};
  const train::History history = train::fit(model, data::make_linear(10), options);
  EXPECT_EQ(steps, (std::vector<int64_t>{11, 12, 13, 21, 22, 23}));
  EXPECT_EQ(history.epochs[0].steps, 3);
  EXPECT_EQ(history.epochs[1].steps, 6);
  EXPECT_NEAR(history.epochs[0].learning_rate, 1.0 / 13, 1e-9);
  EXPECT_NEAR(history.epochs[1].learning_rate, 1.0 / 16, 1e-9);
  for (const train::Epoch& epoch : history.epochs) EXPECT_NEAR(epoch.examples_per_second * epoch.seconds, 10, 0.5);
}

// Without shuffling and with one example a batch, SGD by hand.
TEST(Fit, TakesTheStepsThatPlainCodeTakes) {
  const std::vector<float> x = {1, 2, -1, 0.5f}, y = {3, 1, 2, -1};
  nn::Sequential model{nn::Dense(1)};
  nn::build(model, {1, 1});
  for (const Variable& variable : variables(model)) variable.set(zeros(variable.get().shape()).eval());
  train::FitOptions options{.loss = loss::mean_squared_error, .optimizer = optim::SGD(0.1), .epochs = 2, .batch_size = 1};
  options.shuffle = false;
  options.verbose = false;
  options.clip_value = 0.8;
  const train::History history = train::fit(model, data::Dataset(array(x, {4, 1}), array(y, {4, 1})), options);
  double w = 0, b = 0;
  std::vector<double> losses;
  for (int epoch = 0; epoch < 2; ++epoch) {
    double total = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double error = w * x[i] + b - y[i];
      total += error * error;
      w -= 0.1 * std::clamp(2 * error * x[i], -0.8, 0.8);
      b -= 0.1 * std::clamp(2 * error, -0.8, 0.8);
    }
    losses.push_back(total / 4);
  }
  for (const Variable& variable : variables(model))
    EXPECT_NEAR(variable.get().to_vector<float>()[0], variable.get().rank() == 2 ? w : b, 1e-6);
  EXPECT_NEAR(history.series("loss")[0], losses[0], 1e-5);
  EXPECT_NEAR(history.series("loss")[1], losses[1], 1e-5);
}

TEST(Progress, TheTimeThatIsLeftIsThatOfTheStepsThatAreLeft) {
  train::Logs logs;
  logs.set("loss", 1);
  const auto left = [&](int64_t epochs, int64_t epoch, int64_t step, double seconds) {
    const std::string text = train::bar_text({.epochs = epochs, .steps_per_epoch = 10}, {epoch, step, 10, seconds, 5, logs}, 200);
    return text.substr(text.rfind(", ") + 2);
  };
  EXPECT_EQ(left(1, 1, 1, 1), "0:09 left");  // a second a step
  EXPECT_EQ(left(1, 1, 9, 18), "0:02 left");
  EXPECT_EQ(left(1, 1, 10, 20), "0:00 left");
  EXPECT_EQ(left(4, 1, 5, 30), "3:30 left");  // 30 s of this epoch, 3 of 60 s
  EXPECT_EQ(left(4, 4, 5, 30), "0:30 left");
}

}  // namespace
}  // namespace gradus
