// Several batches make one step: the gradient is that of all their examples, and memory stays that of one batch.
#include <gtest/gtest.h>

#include "gradus/array/buffer.hpp"
#include "gradus/gradus.hpp"
#include "gradus/nn/loss_kinds.hpp"
#include "gradus/train/interrupt.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using testing::TemporaryFolder;

data::Dataset clouds(int64_t samples) { return data::make_blobs(samples, {.classes = 3, .spread = 1, .seed = 7}); }
nn::Sequential network() {
  random::seed(3);
  nn::Sequential model{nn::Dense(16, nn::Activation::from_name("tanh")), nn::Dense(3)};
  nn::build(model, {1, 2});
  return model;
}
nn::Sequential network_with_state() {
  random::seed(3);
  return nn::Sequential{nn::Dense(16, relu), nn::BatchNorm(), nn::Dropout(0.3), nn::Dense(3)};
}
std::vector<float> values(const nn::Sequential& model) {
  std::vector<float> all;
  for (const Variable& variable : variables(model)) {
    const std::vector<float> own = variable.get().to_vector<float>();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}
void expect_near(const std::vector<float>& a, const std::vector<float>& b, float tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], tolerance) << i;
}

struct OnStep final : train::Callback {
  explicit OnStep(std::function<bool(const train::Progress&)> function) : ask(std::move(function)) {}
  bool on_step(const train::Progress& progress) override { return ask(progress); }
  std::function<bool(const train::Progress&)> ask;
};

train::FitOptions options(int64_t batch_size, int64_t accumulate) {
  return {.loss = loss::sparse_categorical_crossentropy,
          .optimizer = optim::SGD(0.1, {.momentum = 0.9}),
          .metrics = {metrics::accuracy},
          .epochs = 3,
          .batch_size = batch_size,
          .verbose = false,
          .accumulate = accumulate};
}

// 233 examples: in each epoch the last step has four batches, of which the last has 3 examples.
TEST(Accumulate, IsOneLargeBatchUpToRounding) {
  nn::Sequential large = network(), small = network();
  const train::History one = train::fit(large, clouds(233), options(40, 1)), parts = train::fit(small, clouds(233), options(10, 4));
  expect_near(values(small), values(large), 2e-5f);
  EXPECT_EQ(one.steps, 18);
  EXPECT_EQ(parts.steps, 18);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(parts.epochs[i].logs["loss"], one.epochs[i].logs["loss"], 1e-5);
    EXPECT_NEAR(parts.epochs[i].logs["accuracy"], one.epochs[i].logs["accuracy"], 1e-6);
  }
}

TEST(Accumulate, ClipsTheWholeGradient) {
  nn::Sequential large = network(), small = network();
  train::FitOptions one = options(40, 1), parts = options(8, 5);
  for (train::FitOptions* each : {&one, &parts}) {
    each->clip_norm = 0.05;
    each->clip_value = 0.02;
  }
  train::fit(large, clouds(233), one);
  train::fit(small, clouds(233), parts);
  expect_near(values(small), values(large), 2e-5f);
}

TEST(Accumulate, WeighsExamplesAsOneLargeBatchDoes) {
  nn::Sequential large = network(), small = network();
  train::FitOptions one = options(40, 1), parts = options(10, 4);
  one.class_weight = parts.class_weight = {{0, 3.0}, {2, 0.5}};
  train::fit(large, clouds(233), one);
  train::fit(small, clouds(233), parts);
  expect_near(values(small), values(large), 2e-5f);
}

// Batches differ in how many labels count: a mean of their means would not be the mean of all.
TEST(Accumulate, OfLabelsToIgnoreCountsThoseThatCount) {
  data::Dataset set = clouds(120);
  set.y = where((arange(120) < 70) & (set.y != 1), -100, set.y).eval();
  for (const char* reduction : {"mean", "sum"}) {
    FieldReading reading;
    nn::Sequential large = network(), small = network();
    train::FitOptions one = options(40, 1), parts = options(10, 4);
    for (train::FitOptions* each : {&one, &parts}) {
      each->loss = loss::loss_kinds()["sparse_categorical_crossentropy"].read(
          {{"reduction", reduction}, {"class_weights", Datum::List{1, 2, 0.5}}}, reading, {});
      each->optimizer = optim::SGD(0.01);
      each->metrics.clear();
      each->shuffle = false;
    }
    train::fit(large, set, one);
    train::fit(small, set, parts);
    expect_near(values(small), values(large), 2e-5f);
  }
}

TEST(Accumulate, OverTheWholeEpochIsAFullBatch) {
  nn::Sequential large = network(), small = network();
  train::fit(large, clouds(100), options(100, 1));
  EXPECT_EQ(train::fit(small, clouds(100), options(7, 1000)).steps, 3);
  expect_near(values(small), values(large), 2e-5f);
}

// What is held does not grow with the number of batches in a step, nor does the number of plans.
TEST(Accumulate, MemoryStaysFlatOver4096Batches) {
  const data::Dataset set = clouds(4096);
  const auto peak_of = [&](int64_t accumulate) {
    nn::Sequential model = network();
    train::FitOptions how = options(1, accumulate);
    how.epochs = 1;
    how.metrics.clear();
    how.optimizer = optim::Adam(1e-3);
    reset_peak_memory();
    const int64_t before = memory_use().live;
    train::fit(model, set, how);
    return memory_use().peak - before;
  };
  peak_of(4);  // what is made once
  const int64_t four = peak_of(4);
  const Counters before = counters();
  const int64_t all = peak_of(4096);
  EXPECT_LE(all, four + 4096) << "bytes";
  EXPECT_LE(counters().plans_made - before.plans_made, 8);
}

TEST(Accumulate, ARequestToStopGivesUpTheStepInWork) {
  const auto run = [&](const std::string& folder, int64_t stop_at, bool resumes, nn::Sequential& model) {
    int64_t calls = 0;
    const auto objective = [&](const auto& m, const data::Batch& batch) {
      if (++calls == stop_at) train::InterruptScope::request();
      return loss::sparse_categorical_crossentropy(m(batch.x), batch.y);
    };
    train::FitOptions how = options(10, 4);
    how.interrupts = true;
    if (!folder.empty()) how.checkpoint = {.folder = folder, .steps = 100, .minutes = 0};
    if (resumes) how.resume_from = folder;
    return train::fit(model, objective, clouds(233), how);
  };
  nn::Sequential whole = network_with_state();
  run("", -1, false, whole);
  const TemporaryFolder folder;
  nn::Sequential model = network_with_state();
  const train::History history = run(folder.path(), 8, false, model);  // one call builds the model; the third batch of the second step
  EXPECT_TRUE(history.is_interrupted);
  EXPECT_EQ(history.steps, 1);
  nn::Sequential first = network_with_state();
  train::FitOptions one = options(10, 4);
  one.callbacks = {std::make_shared<OnStep>([](const train::Progress&) { return true; })};
  train::fit(first, clouds(233), one);
  EXPECT_EQ(values(model), values(first)) << "parameters and running statistics are those after the first step";
  nn::Sequential again = network_with_state();
  EXPECT_EQ(run(folder.path(), -1, true, again).steps, 18);
  EXPECT_EQ(values(again), values(whole));
}

TEST(Accumulate, AStepThatFailsInTheMiddleHasNotHappened) {
  data::Dataset set = clouds(120);
  set.x = set.x.astype(float32);
  set.x.set({65, 0}, std::numeric_limits<float>::quiet_NaN());  // of 20 a batch and 2 a step: the second batch of the second step
  train::FitOptions how = options(20, 2);
  how.shuffle = false;
  nn::Sequential model = network_with_state();
  const std::string text = error_of([&] { train::fit(model, set, how); });
  EXPECT_EQ(text.rfind("fit: the loss is nan at step 2 of 3 in epoch 1; it must be finite", 0), 0u) << text;
  how.callbacks = {std::make_shared<OnStep>([](const train::Progress&) { return true; })};
  nn::Sequential first = network_with_state();
  train::fit(first, set, how);
  EXPECT_EQ(values(model), values(first));
}

TEST(Accumulate, NumbersThatMakeNoSenseAreRefused) {
  nn::Sequential model = network();
  EXPECT_EQ(error_of([&] { train::fit(model, clouds(20), options(10, 0)); }), "fit: accumulate is 0; it must be at least 1");
  EXPECT_EQ(error_of([&] {
              train::fit(model, clouds(20), options(10, int64_t{1} << 62));
            }).rfind("fit: accumulate is 4611686018427387904 and", 0),
            0u);
}

// The first batch of two has no label that counts.
data::Dataset partly_ignored() { return data::Dataset(clouds(8).x, array({-100, -100, 1, 2, 0, -100, 1, 1})); }

TEST(Accumulate, ABatchWithoutALabelThatCountsCountsNothing) {
  const auto trained = [](int64_t batch_size, int64_t accumulate) {
    nn::Sequential model = network();
    train::FitOptions how = options(batch_size, accumulate);
    how.shuffle = false;
    how.epochs = 1;
    const train::History history = train::fit(model, partly_ignored(), how);
    EXPECT_TRUE(std::isfinite(history.last("loss")));
    return std::pair(values(model), history.last("loss"));
  };
  const auto [whole, loss] = trained(8, 1);
  const auto [parts, parts_loss] = trained(2, 4);
  expect_near(parts, whole, 1e-5f);
  EXPECT_NEAR(parts_loss, loss, 1e-5);
  nn::Sequential model = network();
  const data::Dataset none(clouds(8).x, full({8}, -100).astype(int64));
  EXPECT_NE(error_of([&] { train::fit(model, none, options(2, 4)); }).find("the targets there are all labels that it leaves out"),
            std::string::npos);
}

TEST(Evaluate, TheLossIsThatOfTheSetWhateverTheBatches) {
  const nn::Sequential model = network();
  const data::Dataset set = partly_ignored();
  FieldReading reading;
  const loss::Loss weighted =
      loss::loss_kinds()["sparse_categorical_crossentropy"].read({{"class_weights", Datum::List{1.0, 5.0, 0.25}}}, reading, {});
  for (const loss::Loss& loss : {loss::Loss(loss::sparse_categorical_crossentropy), weighted}) {
    const double want = loss(model(set.x), set.y).item();
    for (const int64_t size : {1, 2, 3, 5, 8, 100}) {
      EXPECT_NEAR(train::evaluate(model, set, {.loss = loss, .batch_size = size, .verbose = false})["loss"], want, 1e-5) << size;
    }
  }
}

}  // namespace
}  // namespace gradus
