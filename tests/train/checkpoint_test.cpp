// A run that is gone on with from a checkpoint ends with the same bits as one that was never stopped.
#include "gradus/train/checkpoint.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using testing::TemporaryFolder;

data::Dataset clouds() { return data::make_blobs(230, {.classes = 3, .spread = 1, .seed = 7}); }

// Dropout draws, batch norm has statistics, the last batch is smaller, the rate changes from step to step.
nn::Sequential network() {
  random::seed(3);
  return nn::Sequential{nn::Dense(16, relu), nn::BatchNorm(), nn::Dropout(0.3), nn::Dense(3)};
}
train::FitOptions options(const std::string& folder) {
  return {.loss = loss::sparse_categorical_crossentropy,
          .optimizer = optim::Nadam(optim::cosine(1e-2, {.steps = 40})),
          .metrics = {metrics::accuracy, metrics::f1, metrics::roc_auc, metrics::log_loss},
          .epochs = 5,
          .validation_fraction = 0.2,
          .patience = 4,
          .clip_norm = 1,
          .verbose = false,
          .checkpoint = {.folder = folder, .steps = 1, .minutes = 0}};
}

struct StopAfter final : train::Callback {
  explicit StopAfter(int64_t steps) : left(steps) {}
  void on_begin(const train::Run& run) override { begun = run.so_far.steps; }
  bool on_step(const train::Progress&) override { return --left == 0; }
  Datum::Table state() const override { return {{"left", left}}; }
  void set_state(const Datum::Table& state) override { restored = *find(state, "left"); }
  int64_t left, begun = -1;
  Datum restored{};
};

std::vector<double> numbers(const nn::Sequential& model, const train::History& history) {
  std::vector<double> all;
  for (const Variable& variable : variables(model)) {
    const std::vector<double> values = variable.get().to_vector<double>();
    all.insert(all.end(), values.begin(), values.end());
  }
  for (const train::Epoch& epoch : history.epochs) {
    all.push_back(static_cast<double>(epoch.number));
    all.push_back(epoch.learning_rate);
    for (const auto& [name, value] : epoch.logs) all.push_back(value);
  }
  return all;
}
bool are_same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

TEST(Checkpoint, GoesOnBitForBitFromAnyStep) {
  nn::Sequential whole = network();
  const TemporaryFolder unused;
  train::FitOptions plain = options(unused / "c");
  plain.callbacks = {std::make_shared<StopAfter>(-1)};
  const train::History history = train::fit(whole, clouds(), plain);
  const std::vector<double> want = numbers(whole, history);
  ASSERT_EQ(history.steps, 30);
  for (const int64_t stop : {1, 2, 5, 6, 7, 17, 24, 29, 30}) {
    const TemporaryFolder folder;
    {
      nn::Sequential model = network();
      train::FitOptions first = options(folder / "c");
      first.callbacks = {std::make_shared<StopAfter>(stop)};
      train::fit(model, clouds(), first);
    }
    nn::Sequential model = network();
    random::seed(99);  // what is drawn before does not count
    train::FitOptions second = options(folder / "c");
    second.resume_from = folder / "c";
    const auto callback = std::make_shared<StopAfter>(-1);
    second.callbacks = {callback};
    const train::History resumed = train::fit(model, clouds(), second);
    EXPECT_TRUE(are_same_bits(numbers(model, resumed), want)) << "stopped after step " << stop;
    EXPECT_EQ(resumed.steps, 30);
    EXPECT_EQ(resumed.epochs.size(), history.epochs.size());
    EXPECT_EQ(callback->begun, stop);
    EXPECT_EQ(callback->restored, Datum(int64_t{0})) << "callbacks get back what they knew";
  }
}

// Batches that are added up, a mean of the parameters, weights, groups, a frozen layer and a rate that falls: all is in it.
TEST(Checkpoint, GoesOnBitForBitWithAllThatARunMayHave) {
  const auto all_of = [](const std::string& folder) {
    train::FitOptions how = options(folder);
    how.optimizer = optim::AdamW(optim::warmup(5, optim::plateau(2e-2, {.factor = 0.3, .patience = 0, .threshold = 0.5})))
                        .with_groups({{.parameters = {"**.bias"}, .rate_factor = 0.5, .weight_decay = 0.0},
                                      {.parameters = {"3.*"}, .learning_rate = 3e-3}});
    how.batch_size = 8;
    how.patience = 5;
    how.accumulate = 3;
    how.class_weight = train::balanced;
    how.ema = 0.9;
    how.ema_warmup = true;
    how.freeze = {"0.bias"};
    return how;
  };
  nn::Sequential whole = network();
  const TemporaryFolder unused;
  const train::History history = train::fit(whole, clouds(), all_of(unused / "c"));
  const std::vector<double> want = numbers(whole, history);
  EXPECT_LT(history.epochs.back().learning_rate, 2e-2) << "the rate has fallen";
  ASSERT_EQ(history.steps, 40);
  for (const int64_t stop : {1, 7, 8, 9, 22, 39, 40}) {
    const TemporaryFolder folder;
    {
      nn::Sequential model = network();
      train::FitOptions first = all_of(folder / "c");
      first.callbacks = {std::make_shared<StopAfter>(stop)};
      train::fit(model, clouds(), first);
    }
    nn::Sequential model = network();
    train::FitOptions second = all_of(folder / "c");
    second.resume_from = folder / "c";
    second.callbacks = {std::make_shared<StopAfter>(-1)};
    EXPECT_TRUE(are_same_bits(numbers(model, train::fit(model, clouds(), second)), want)) << "stopped after step " << stop;
  }
}

TEST(Checkpoint, OneThatHasEndedStaysAsItIs) {
  const TemporaryFolder folder;
  nn::Sequential model = network();
  const train::History history = train::fit(model, clouds(), options(folder / "c"));
  const std::vector<double> want = numbers(model, history);
  nn::Sequential again = network();
  train::FitOptions more = options(folder / "c");
  more.resume_from = folder / "c";
  EXPECT_TRUE(are_same_bits(numbers(again, train::fit(again, clouds(), more)), want));
  more = options(folder / "c");
  more.resume_from = folder / "c";
  more.epochs = 6;
  more.patience = 0;
  EXPECT_EQ(train::fit(again, clouds(), more).epochs.size(), 6u) << "a run may be made longer";
}

TEST(Checkpoint, WhatAKilledProcessLeftUnfinishedGoes) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "c");
  for (const char* name : {"c/step-3.checkpoint.77-12.part", "c/step-notes.part", "c/mine.77-12.part"})
    testing::write_text(folder / name, "");
  nn::Sequential model = network();
  train::fit(model, clouds(), options(folder / "c"));
  EXPECT_FALSE(std::filesystem::exists(folder / "c/step-3.checkpoint.77-12.part"));
  EXPECT_TRUE(std::filesystem::exists(folder / "c/step-notes.part"));
  EXPECT_TRUE(std::filesystem::exists(folder / "c/mine.77-12.part"));
}

TEST(Checkpoint, OnlyTheNewestAreKept) {
  const TemporaryFolder folder;
  nn::Sequential model = network();
  train::FitOptions kept = options(folder / "c");
  kept.checkpoint.keep = 3;
  train::fit(model, clouds(), kept);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "c"), std::filesystem::directory_iterator()), 3);
  EXPECT_TRUE(std::filesystem::exists(folder / "c/step-30.checkpoint"));
  EXPECT_FALSE(std::filesystem::exists(folder / "c/step-27.checkpoint"));
}

class BadCheckpoint : public ::testing::Test {
 protected:
  BadCheckpoint() {
    nn::Sequential model = network();
    train::FitOptions two = options(folder_ / "c");
    two.callbacks = {std::make_shared<StopAfter>(10)};
    train::fit(model, clouds(), two);
  }
  std::string resume(const std::function<void(train::FitOptions&)>& change = {}, nn::Sequential model = network()) {
    train::FitOptions second = options(folder_ / "c");
    second.resume_from = folder_ / "c";
    second.callbacks = {std::make_shared<StopAfter>(-1)};
    if (change) change(second);
    std::string text = error_of([&] { train::fit(model, clouds(), second); });
    for (size_t at; (at = text.find(folder_.path())) != std::string::npos;) text.replace(at, folder_.path().size(), "F");
    return text;
  }
  std::string newest() const { return folder_ / "c/step-10.checkpoint"; }
  const TemporaryFolder folder_;
};

TEST_F(BadCheckpoint, OfAnotherRunSaysWhatDiffers) {
  EXPECT_EQ(resume(), "");
  EXPECT_EQ(resume([](train::FitOptions& o) {
              o.batch_size = 16;
            }).rfind("F/c/step-30.checkpoint: is of another run: its batch_size is 32, here it is 16", 0),
            0u);
  EXPECT_NE(resume([](train::FitOptions& o) { o.seed = 1; }).find("its seed is 0, here it is 1"), std::string::npos);
  EXPECT_NE(resume([](train::FitOptions& o) { o.optimizer = optim::SGD(0.1); }).find("its optimizer is \"nadam with m, v\", here it is \"sgd\""),
            std::string::npos);
  EXPECT_NE(resume({}, nn::Sequential{nn::Dense(4, relu), nn::Dense(3)}).find("its parameters is"), std::string::npos);
  EXPECT_NE(resume([](train::FitOptions& o) { o.callbacks.clear(); }).find("its callbacks is 1, here it is 0"), std::string::npos);
  EXPECT_NE(resume([](train::FitOptions& o) { o.accumulate = 2; }).find("its accumulate is 1, here it is 2"), std::string::npos);
  EXPECT_NE(resume([](train::FitOptions& o) { o.ema = 0.5; }).find("its ema is 0, here it is 0.5"), std::string::npos);
  EXPECT_NE(
      resume([](train::FitOptions& o) { o.class_weight = train::balanced; }).find("its class_weight is \"\", here it is \"balanced\""),
      std::string::npos);
  EXPECT_NE(resume([](train::FitOptions& o) { o.freeze = {"0.bias"}; }).find("its not trained is"), std::string::npos);
  EXPECT_NE(
      resume([](train::FitOptions& o) { o.optimizer = o.optimizer.with_groups({{.parameters = {"**.bias"}}}); }).find("its groups is"),
      std::string::npos);
}

TEST_F(BadCheckpoint, ThatIsCutOrChangedIsSaidAndTheOlderOneNamed) {
  const std::string whole = testing::read_text(newest());
  ASSERT_GT(whole.size(), 1000u);
  for (const size_t size : {size_t{0}, size_t{7}, whole.size() / 2, whole.size() - 1}) {
    testing::write_text(newest(), whole.substr(0, size));
    const std::string text = resume();
    EXPECT_EQ(text.rfind("F/c/step-10.checkpoint: ", 0), 0u) << text;
    EXPECT_NE(text.find("training does not start over by itself; an older checkpoint is F/c/step-9.checkpoint"), std::string::npos) << text;
  }
  for (const size_t at : {whole.size() - 5, whole.size() / 2, whole.find("rate_factor") + 14}) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    testing::write_text(newest(), flipped);
    EXPECT_NE(resume(), "") << at;
  }
  // Wherever it is: in a length, a name, the numbers of the host, an array.
  for (size_t at = 0; at < whole.size(); at += whole.size() / 150) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    testing::write_text(newest(), flipped);
    EXPECT_EQ(resume().rfind("F/c/step-10.checkpoint: ", 0), 0u) << at;
  }
  testing::write_text(newest(), whole);
  EXPECT_EQ(resume([&](train::FitOptions& o) { o.resume_from = folder_ / "c/step-9.checkpoint"; }), "");
}

TEST_F(BadCheckpoint, OfAnotherVersionIsSaid) {
  std::string other = testing::read_text(newest());
  const std::string version = "\"version\":\"5\"";
  ASSERT_NE(other.find(version), std::string::npos);
  other[other.find(version) + version.size() - 2] = '7';
  testing::write_text(newest(), other);
  EXPECT_EQ(resume().rfind("F/c/step-10.checkpoint: has version \"7\", this program reads 5", 0), 0u) << resume();
}

TEST_F(BadCheckpoint, ThatIsNoneIsSaid) {
  EXPECT_EQ(resume([&](train::FitOptions& o) { o.resume_from = folder_ / "none"; }).rfind("F/none: ", 0), 0u);
  std::filesystem::create_directory(folder_ / "empty");
  EXPECT_EQ(resume([&](train::FitOptions& o) { o.resume_from = folder_ / "empty"; }), "F/empty: holds no checkpoint (step-N.checkpoint)");
  nn::Sequential model = network();
  nn::build(model, {1, 2});
  io::save(model, folder_ / "m.gradus");
  EXPECT_EQ(resume([&](train::FitOptions& o) { o.resume_from = folder_ / "m.gradus"; }).rfind("F/m.gradus: is no checkpoint of Gradus", 0),
            0u);
  EXPECT_EQ(resume([](train::FitOptions& o) { o.checkpoint.keep = 0; }), "fit: checkpoint.keep is 0; it must be at least 1");
}

TEST_F(BadCheckpoint, OfARunThatIsStillInWorkIsRefused) {
  std::string second;
  struct Second final : train::Callback {
    explicit Second(std::function<void()> function) : run(std::move(function)) {}
    bool on_step(const train::Progress&) override {
      run();
      return true;
    }
    std::function<void()> run;
  };
  train::FitOptions first = options(folder_ / "d");
  first.callbacks = {std::make_shared<Second>([&] {
    second = resume([&](train::FitOptions& o) { o.checkpoint.folder = o.resume_from = folder_ / "d"; });
  })};
  nn::Sequential model = network();
  train::fit(model, clouds(), first);
  EXPECT_EQ(second, "F/d: another run is writing its checkpoints there; two cannot go on with one run");
}

TEST(Checkpoint, ARunDoesNotBeginBesideThoseOfAnother) {
  const TemporaryFolder folder;
  nn::Sequential model = network();
  train::fit(model, clouds(), options(folder / "c"));
  nn::Sequential other = network();
  const std::string text = error_of([&] { train::fit(other, clouds(), options(folder / "c")); });
  EXPECT_NE(text.find("holds checkpoints of an earlier run"), std::string::npos) << text;
  EXPECT_FALSE(nn::is_built(other));
}

TEST(Checkpoint, WhatAnOlderOneLeavesBehindIsSetAside) {
  const TemporaryFolder folder;
  nn::Sequential model = network();
  train::FitOptions first = options(folder / "c");
  first.checkpoint.keep = 30;
  train::fit(model, clouds(), first);
  train::FitOptions second = options(folder / "c");
  second.resume_from = folder / "c/step-7.checkpoint";
  second.callbacks = {std::make_shared<StopAfter>(2)};
  nn::Sequential again = network();
  first.callbacks = second.callbacks;
  EXPECT_NE(error_of([&] { train::fit(again, clouds(), second); }).find("its callbacks is 0, here it is 1"), std::string::npos)
      << error_of([&] { train::fit(again, clouds(), second); });
  second.callbacks = {};
  second.epochs = 2;
  second.checkpoint.keep = 30;
  train::fit(again, clouds(), second);
  EXPECT_TRUE(std::filesystem::exists(folder / "c/step-12.checkpoint")) << "the newest of the run that went on";
  EXPECT_TRUE(std::filesystem::exists(folder / "c/step-7.checkpoint")) << "the one it went on from";
  EXPECT_FALSE(std::filesystem::exists(folder / "c/step-13.checkpoint"));
  EXPECT_TRUE(std::filesystem::exists(folder / "c/step-30.checkpoint.left"));
}

TEST(Checkpoint, IsOfAnOptimiserThatKeepsTheSame) {
  const TemporaryFolder folder;
  train::FitOptions how = options(folder / "c");
  how.optimizer = optim::RMSprop(1e-3, {.centered = true});
  how.epochs = 1;
  nn::Sequential model = network();
  train::fit(model, clouds(), how);
  how.optimizer = optim::RMSprop(1e-3, {.momentum = 0.9});
  how.resume_from = folder / "c";
  const std::string text = error_of([&] { train::fit(model, clouds(), how); });
  EXPECT_NE(text.find("its optimizer is \"rmsprop with variance, mean\", here it is \"rmsprop with v, momentum\""), std::string::npos) << text;
}

TEST(Checkpoint, TheTimeOfEarlierSessionsCounts) {
  const TemporaryFolder folder;
  struct Slow final : train::Callback {
    explicit Slow(int64_t steps) : left(steps) {}
    bool on_step(const train::Progress&) override {
      const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
      while (std::chrono::steady_clock::now() < until) {
      }
      return --left == 0;
    }
    int64_t left;
  };
  train::FitOptions how = options(folder / "c");
  how.epochs = 1;
  how.callbacks = {std::make_shared<Slow>(3)};
  nn::Sequential model = network();
  train::fit(model, clouds(), how);
  how.resume_from = folder / "c";
  how.callbacks = {std::make_shared<Slow>(-1)};
  const train::History history = train::fit(model, clouds(), how);
  EXPECT_GE(history.seconds, 0.12);  // six steps in two sessions
  ASSERT_EQ(history.epochs.size(), 1u);
  EXPECT_GE(history.epochs[0].seconds, 0.12);
}

}  // namespace
}  // namespace gradus
