// The doctor while fit trains: what it says, and that it changes no bit of what is trained.
#include "gradus/train/watch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "gradus/gradus.hpp"
#include "gradus/train/doctor.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using train::Finding;

std::vector<std::vector<float>> values(const nn::Sequential& model) {
  std::vector<std::vector<float>> all;
  for (const Variable& variable : variables(model)) {
    if (variable.exists() && variable.get().dtype().is_float()) all.push_back(variable.get().to_vector<float>());
  }
  return all;
}
const Finding* found(const train::History& history, std::string_view kind) {
  for (const Finding& finding : history.findings) {
    if (finding.kind == kind) return &finding;
  }
  return nullptr;
}
std::string kinds_of(const train::History& history) {
  std::string all;
  for (const Finding& finding : history.findings) all += finding.kind + "; ";
  return all;
}
data::Dataset clouds(int64_t samples = 640) { return data::make_blobs(samples, {.classes = 3, .spread = 2, .seed = 7}); }
train::FitOptions quiet(train::Doctor doctor) {
  return {.loss = loss::sparse_categorical_crossentropy,
          .optimizer = optim::Adam(1e-2),
          .metrics = {metrics::accuracy},
          .epochs = 5,
          .verbose = false,
          .doctor = doctor};
}

// ---- it changes nothing

struct Made {
  const char* name;
  std::function<nn::Sequential()> model;
  std::function<data::Dataset()> set;
};
class Unchanged : public ::testing::TestWithParam<Made> {};
TEST_P(Unchanged, BitForBit) {
  for (const double weight_decay : {0.0, 0.01}) {
    std::vector<std::vector<float>> trained[2];
    std::vector<double> losses[2];
    random::GeneratorState after[2];
    for (const bool is_on : {false, true}) {
      random::seed(4);
      nn::Sequential model = GetParam().model();
      train::FitOptions options = quiet(is_on ? train::Doctor::warn : train::off);
      // Ten times the usual rate, so that the rate is tried; many steps, so that gradients are looked at.
      options.optimizer = optim::SGD(0.1, {.momentum = 0.5, .weight_decay = weight_decay});
      options.batch_size = 8;
      options.validation = data::subset(GetParam().set(), 0, 64);
      const train::History history = train::fit(model, GetParam().set(), options);
      trained[is_on] = values(model);
      losses[is_on] = history.series("loss");
      after[is_on] = random::state();
    }
    EXPECT_EQ(trained[0], trained[1]);
    EXPECT_EQ(losses[0], losses[1]);
    EXPECT_EQ(after[0].counter, after[1].counter);
  }
}
INSTANTIATE_TEST_SUITE_P(
    Models, Unchanged,
    ::testing::Values(
        Made{"dense",
             [] {
               return nn::Sequential{nn::Dense(16, relu), nn::BatchNorm(), nn::Dropout(0.2), nn::Dense(8, tanh), nn::Dense(3)};
             },
             [] { return clouds(); }},
        Made{"conv",
             [] {
               return nn::Sequential{nn::Conv2D(4, 3, relu), nn::MaxPooling2D(2), nn::Flatten(), nn::Dropout(0.1), nn::Dense(3)};
             },
             [] {
               return data::Dataset(random::normal(random::key(1), {160, 8, 8, 1}), random::integers(random::key(2), {160}, 0, 3));
             }},
        Made{"recurrent",
             [] {
               return nn::Sequential{nn::LSTM(6), nn::Dense(3)};
             },
             [] {
               return data::Dataset(random::normal(random::key(1), {160, 5, 2}), random::integers(random::key(2), {160}, 0, 3));
             }}),
    [](const auto& info) { return info.param.name; });

TEST(Watch, ObjectivesOfOnesOwnAreCalledNotOnceMore) {
  int64_t calls[2] = {0, 0};
  for (const bool is_on : {false, true}) {
    random::seed(1);
    nn::Sequential model{nn::Dense(8, relu), nn::Dense(3)};
    const auto objective = [&](const auto& m, const data::Batch& batch) {
      ++calls[is_on];
      return loss::sparse_categorical_crossentropy(m(batch.x), batch.y);
    };
    train::fit(model, objective, clouds(), quiet(is_on ? train::Doctor::warn : train::off));
  }
  EXPECT_EQ(calls[0], calls[1]);
}

TEST(Watch, SaysNothingOfASoundRun) {
  random::seed(1);
  nn::Sequential model{nn::Dense(32, relu), nn::Dense(16, relu), nn::Dense(3)};
  train::FitOptions options = quiet(train::Doctor::warn);
  options.epochs = 20;
  const auto [held_out, rest] = data::split(clouds(), 0.2, 1);
  options.validation = held_out;
  EXPECT_EQ(kinds_of(train::fit(model, rest, options)), "");
}

TEST(Watch, IsOffWhereFitIsQuiet) {
  random::seed(1);
  nn::Sequential model{nn::Dense(8, relu), nn::Dense(3, softmax), nn::Dense(3)};
  train::FitOptions options = quiet(train::Doctor::automatic);
  options.optimizer = optim::Adam(0.5);
  EXPECT_EQ(kinds_of(train::fit(model, clouds(), options)), "");
  options.doctor = train::Doctor::warn;
  EXPECT_EQ(kinds_of(train::fit(model, clouds(), options)).substr(0, 23), "learning rate too large");
}

TEST(Watch, PrintsOnceAndOnlyWhereFitIsVerbose) {
  random::seed(1);
  nn::Sequential model{nn::Dense(8, relu), nn::Dense(3)};
  train::FitOptions options = quiet(train::Doctor::warn);
  options.optimizer = optim::Adam(0.5);
  ::testing::internal::CaptureStderr();
  train::fit(model, clouds(), options);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  options.verbose = true;
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  const train::History history = train::fit(model, clouds(), options);
  ::testing::internal::GetCapturedStdout();
  std::string all;
  for (const Finding& finding : history.findings) all += to_text(finding);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), all);
  options.findings = history.findings;  // as a command line does that has said them
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(train::fit(model, clouds(), options).findings.size(), history.findings.size());
  ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Watch, StrictStopsBeforeTheFirstStep) {
  random::seed(1);
  nn::Sequential model{nn::Dense(8, relu), nn::Dense(3)};
  train::FitOptions options = quiet(train::Doctor::strict);
  options.optimizer = optim::Adam(0.5);
  const std::string said = error_of([&] { train::fit(model, clouds(), options); });
  EXPECT_EQ(said.rfind("fit: the doctor found 1 mistake: (1) optimizer: adam's learning rate is 0.5, 500 times as large as its usual "
                       "0.001, remedy: .optimizer = optim::Adam(0.001)",
                       0),
            0u)
      << said;
  EXPECT_NE(said.find("hint: .doctor = off trains all the same"), std::string::npos) << said;
  options.optimizer = optim::Adam(0.005);
  options.epochs = 1;
  EXPECT_EQ(error_of([&] { train::fit(model, clouds(), options); }), "");
}

// ---- what it sees

TEST(Watch, DeadUnits) {
  random::seed(1);
  nn::Sequential model{nn::Dense(32, relu), nn::Dense(3)};
  nn::build(model, {1, 2});
  for (const Variable& variable : variables(model)) {
    if (variable.path == "0.bias") variable.set(full({32}, -1e4f));
  }
  const train::History history = train::fit(model, clouds(), quiet(train::Doctor::warn));
  const Finding* dead = found(history, "dead units");
  ASSERT_TRUE(dead) << kinds_of(history);
  EXPECT_EQ(dead->what, "32 of 32 units are zero for all of 64 samples");
  EXPECT_EQ(dead->severity, train::Severity::serious);
  EXPECT_NE(dead->where.find("dense"), std::string::npos) << dead->where;
  EXPECT_FALSE(train::examine_trained(model, clouds()).empty());
}

TEST(Watch, VanishingGradients) {
  random::seed(1);
  nn::Sequential model;
  for (int i = 0; i < 12; ++i) model.add(nn::Dense(8, sigmoid));
  model.add(nn::Dense(3));
  train::FitOptions options = quiet(train::Doctor::warn);
  options.batch_size = 16;
  const train::History history = train::fit(model, clouds(), options);
  const Finding* vanishing = found(history, "vanishing gradients");
  ASSERT_TRUE(vanishing) << kinds_of(history);
  EXPECT_EQ(vanishing->where, "layer of \"0.kernel\"");
}

// A table's rows get gradients where a batch has them: most steps have none of some.
TEST(Watch, TablesOfEmbeddingsAreNoLayers) {
  random::seed(1);
  const Array ids = gradus::where(arange(640) < 638, 0, 1);
  const data::Dataset set(reshape(ids, {640, 1}).eval(), random::integers(random::key(2), {640}, 0, 3));
  nn::Sequential model{nn::Embedding(3, 4), nn::Flatten(), nn::Dense(3)};
  train::FitOptions options = quiet(train::Doctor::warn);
  options.epochs = 2;
  EXPECT_EQ(kinds_of(train::fit(model, set, options)), "");
}

TEST(Watch, ExplodingGradientsAndLosses) {
  random::seed(1);
  const data::Dataset set(random::normal(random::key(1), {640, 4}) * 1e4, random::normal(random::key(2), {640, 1}) * 1e4);
  nn::Sequential model{nn::Dense(8, relu), nn::Dense(1)};
  train::FitOptions options = quiet(train::Doctor::warn);
  options.loss = loss::mean_squared_error;
  options.metrics = {};
  options.optimizer = optim::Adam(1e-3);
  const train::History history = train::fit(model, set, options);
  EXPECT_TRUE(found(history, "exploding gradients")) << kinds_of(history);
  EXPECT_TRUE(found(history, "unscaled inputs"));
  EXPECT_TRUE(found(history, "unscaled target"));
}

TEST(Watch, ALossThatRunsAway) {
  random::seed(1);
  const data::Dataset set = data::make_linear(640, {.weights = {3, -2}, .bias = 0.5, .noise = 0.1});
  nn::Sequential model{nn::Dense(1)};
  train::FitOptions options = quiet(train::Doctor::warn);
  options.loss = loss::mean_squared_error;
  options.metrics = {};
  options.optimizer = optim::SGD(1.7);
  options.stop_on_nan = false;
  options.epochs = 1;
  const train::History history = train::fit(model, set, options);
  EXPECT_TRUE(found(history, "learning rate too large") || found(history, "loss explodes")) << kinds_of(history);
}

TEST(Watch, Standstill) {
  random::seed(1);
  const data::Dataset set = clouds();
  train::FitOptions options = quiet(train::Doctor::warn);
  options.epochs = 6;
  nn::Sequential model{nn::Dense(8, relu), nn::Dense(3)};
  train::fit(model, data::Dataset(random::normal(random::key(8), {640, 2}), set.y), options);
  options.optimizer = optim::Adam(1e-8);
  nn::Sequential slow{nn::Dense(8, relu), nn::Dense(3)};
  EXPECT_TRUE(found(train::fit(slow, set, options), "learning rate too small"));
}

TEST(Watch, Overfitting) {
  random::seed(1);
  const data::Dataset set(random::normal(random::key(1), {64, 20}), random::integers(random::key(2), {64}, 0, 2));
  train::FitOptions options = quiet(train::Doctor::warn);
  options.epochs = 60;
  options.validation = data::Dataset(random::normal(random::key(3), {64, 20}), random::integers(random::key(4), {64}, 0, 2));
  nn::Sequential model{nn::Dense(64, relu), nn::Dense(2)};
  const train::History history = train::fit(model, set, options);
  const Finding* overfitting = found(history, "overfitting");
  ASSERT_TRUE(overfitting) << kinds_of(history);
  EXPECT_EQ(overfitting->why, "since then the model learns the training samples by heart");
  options.patience = 100;
  nn::Sequential other{nn::Dense(64, relu), nn::Dense(2)};
  EXPECT_FALSE(found(train::fit(other, set, options), "overfitting"));
}

TEST(Watch, NamesTheOpOfTheFirstNan) {
  random::seed(1);
  nn::Sequential model{nn::Dense(8), nn::Activation([](const Array& x) { return log(x); }), nn::Dense(3)};
  const std::string said = error_of([&] { train::fit(model, clouds(), quiet(train::Doctor::automatic)); });
  EXPECT_EQ(
      said.rfind(
          "fit: the loss is nan at step 1 of 20 in epoch 1; it must be finite; the first nan is made by log\n  in: Sequential > activation",
          0),
      0u)
      << said;
  EXPECT_FALSE(is_check_nan());
  const std::string off = error_of([&] { train::fit(model, clouds(), quiet(train::off)); });
  EXPECT_EQ(off.find("the first nan"), std::string::npos) << off;
}

}  // namespace
}  // namespace gradus
