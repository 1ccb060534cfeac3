// Private training: clipped gradients of single samples, noise, random batches, epsilon.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>

#include "gradus/gradus.hpp"
#include "gradus/train/membership.hpp"
#include "gradus/train/private_training.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using testing::TemporaryFolder;

constexpr double kNoNoise = 1e-12;

// Epsilon is no matter where a test wants no noise: delta only has to be one.
train::FitOptions quiet(train::PrivacyOptions privacy, int64_t batch_size) {
  return {.loss = loss::sparse_categorical_crossentropy,
          .optimizer = optim::SGD(1.0),
          .batch_size = batch_size,
          .verbose = false,
          .privacy = std::move(privacy)};
}

template <class M>
std::vector<Array> values(const M& model) {
  std::vector<Array> all;
  for (const Variable& variable : parameters(model)) all.push_back(variable.get());
  return all;
}
bool same_bits(const std::vector<Array>& a, const std::vector<Array>& b) {
  bool same = a.size() == b.size();
  for (size_t i = 0; same && i < a.size(); ++i) same = array_equal(a[i], b[i]);
  return same;
}

// What one step on all samples must do, sample by sample.
template <class M>
std::vector<Array> step_by_hand(M model, const data::Dataset& set, double clip) {
  const nn::TrainingMode training;
  std::vector<Array> sums;
  for (int64_t i = 0; i < set.size(); ++i) {
    const data::Dataset one = data::subset(set, i, i + 1);
    auto [value, grads] = value_and_grad([&](const auto& m) {
      const Array output = m(one.x);
      return one.weights.exists() ? loss::Loss(loss::sparse_categorical_crossentropy)(output, one.y, one.weights)
                                  : loss::sparse_categorical_crossentropy(output, one.y);
    })(model);
    double square = 0;
    for (const auto& [path, grad] : grads) square += sum(grad * grad).item();
    const double factor = std::min(1.0, clip / std::sqrt(square));
    size_t at = 0;
    for (const auto& [path, grad] : grads) {
      if (at == sums.size()) sums.push_back(zeros(grad.shape(), grad.dtype()));
      sums[at] = sums[at] + factor * grad;
      ++at;
    }
  }
  std::vector<Array> moved = values(model);
  for (size_t i = 0; i < moved.size(); ++i) moved[i] = moved[i] - sums[i] / static_cast<double>(set.size());
  return moved;
}

template <class M>
void expect_step_as_by_hand(M model, const data::Dataset& set, double clip, train::FitOptions options) {
  const std::vector<Array> want = step_by_hand(model, set, clip);
  train::fit(model, set, std::move(options));
  const std::vector<Array> have = values(model);
  ASSERT_EQ(have.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_TRUE(allclose(have[i], want[i], {.relative = 1e-4, .absolute = 2e-6})) << i;
}

data::Dataset vectors(int64_t count, int64_t width, int64_t classes) {
  random::seed(5);
  return data::Dataset(random::normal({count, width}, 0, 3), random::integers({count}, 0, classes));
}

TEST(Private, StepIsTheMeanOfClippedGradients) {
  const data::Dataset set = vectors(11, 6, 3);
  for (const double clip : {0.05, 1.0, 1e4}) {
    random::seed(2);
    nn::Sequential model{nn::Dense(9, tanh), nn::LayerNorm(), nn::Dense(3)};
    nn::build(model, {1, 6});
    expect_step_as_by_hand(model, set, clip, quiet({.noise_multiplier = kNoNoise, .clip_norm = clip, .delta = 1e-5}, 11));
  }
}

TEST(Private, MicroBatchesChangeNothingButRounding) {
  const data::Dataset set = vectors(29, 6, 3);
  for (const int64_t size : {1, 2, 8, 28, 29, 1000}) {
    random::seed(2);
    nn::Sequential model{nn::Dense(9, relu), nn::Dense(3)};
    nn::build(model, {1, 6});
    expect_step_as_by_hand(model, set, 0.5,
                           quiet({.noise_multiplier = kNoNoise, .clip_norm = 0.5, .delta = 1e-5, .micro_batch = size}, 29));
  }
}

TEST(Private, StepsOfImagesSequencesAndWords) {
  random::seed(4);
  const data::Dataset images(random::normal({6, 7, 7, 2}), random::integers({6}, 0, 3));
  nn::Sequential conv{nn::Conv2D(4, 3, relu), nn::MaxPooling2D(2), nn::Flatten(), nn::Dense(3)};
  nn::build(conv, {1, 7, 7, 2});
  expect_step_as_by_hand(conv, images, 0.3, quiet({.noise_multiplier = kNoNoise, .clip_norm = 0.3, .delta = 1e-5}, 6));

  // 5 steps of 40 numbers to 60: the gradient is known by its factors, which are smaller; to 4 it is not.
  const data::Dataset sequences(random::normal({6, 5, 40}), random::integers({6}, 0, 3));
  nn::Sequential recurrent{nn::Dense(60, tanh), nn::Dense(4), nn::LSTM(6), nn::Dense(3)};
  nn::build(recurrent, {1, 5, 40});
  expect_step_as_by_hand(recurrent, sequences, 0.4, quiet({.noise_multiplier = kNoNoise, .clip_norm = 0.4, .delta = 1e-5}, 6));

  const data::Dataset words(random::integers({6, 5}, 0, 12), random::integers({6}, 0, 3));
  nn::Sequential embedded{nn::Embedding(12, 4), nn::Flatten(), nn::Dense(3)};
  nn::build(embedded, {1, 5}, int64);
  expect_step_as_by_hand(embedded, words, 0.4, quiet({.noise_multiplier = kNoNoise, .clip_norm = 0.4, .delta = 1e-5}, 6));
}

TEST(Private, WeightsMultiplyBeforeGradientsAreClipped) {
  const data::Dataset set = data::weighted(vectors(5, 6, 3), array({0.0, 1.0, 2.0, 100.0, 0.5}));
  nn::Sequential model{nn::Dense(3)};
  nn::build(model, {1, 6});
  expect_step_as_by_hand(model, set, 1.0, quiet({.noise_multiplier = kNoNoise, .delta = 1e-5}, 5));
}

TEST(Private, NoiseHasItsDeviationAndItsSeed) {
  // The gradient of a loss that does not depend on the model is 0: steps are noise alone.
  const data::Dataset set = vectors(64, 4, 3);
  const auto objective = [](const auto& model, const data::Batch& batch) { return mean(model(batch.x)) * 0; };
  const auto moved = [&](uint64_t seed, bool is_secret) {
    random::seed(1);
    nn::Sequential model{nn::Dense(5000, {.use_bias = false})};
    nn::build(model, {1, 4});
    const Array before = values(model)[0];
    train::FitOptions options = quiet({.noise_multiplier = 1.5, .clip_norm = 2, .delta = 1e-5, .secret_seed = is_secret}, 16);
    options.epochs = 1;
    options.seed = seed;
    const train::History history = train::fit(model, objective, set, options);
    EXPECT_EQ(history.steps, 4);
    EXPECT_EQ(history.privacy->has_secret_seed, is_secret);
    return Array((values(model)[0] - before).eval());
  };
  const Array noise = moved(0, false);
  const double want = 1.5 * 2 / 16 * 2;  // four steps: twice the deviation of one
  EXPECT_NEAR(mean(noise).item(), 0, 4 * want / std::sqrt(20000.0));
  EXPECT_NEAR(std::sqrt(mean(noise * noise).item()), want, 0.03 * want);
  EXPECT_TRUE(array_equal(noise, moved(0, false)));
  EXPECT_FALSE(allclose(noise, moved(1, false)));
  EXPECT_FALSE(allclose(moved(0, true), moved(0, true)));
}

TEST(Private, SamplesAreDrawnEachByItself) {
  const data::Dataset set = vectors(400, 2, 2);
  const train::FitOptions options = quiet({.noise_multiplier = 1, .delta = 1e-5}, 30);
  const train::detail::PrivateTraining training(options, set);
  std::vector<double> times(400);
  std::set<size_t> sizes;
  double sum = 0, square = 0;
  constexpr int64_t kSteps = 4000;
  for (int64_t step = 0; step < kSteps; ++step) {
    const std::vector<int64_t> positions = training.sample(step);
    for (size_t i = 0; i < positions.size(); ++i) {
      ASSERT_TRUE(positions[i] >= 0 && positions[i] < 400 && (i == 0 || positions[i] > positions[i - 1]));
      ++times[static_cast<size_t>(positions[i])];
    }
    const auto size = static_cast<double>(positions.size());
    sizes.insert(positions.size());
    sum += size;
    square += size * size;
  }
  const double q = 30.0 / 400, mean = sum / kSteps;
  EXPECT_NEAR(mean, 30, 0.35);
  EXPECT_NEAR(square / kSteps - mean * mean, 400 * q * (1 - q), 2);  // binomial
  for (const double each : times) EXPECT_NEAR(each / kSteps, q, 5 * std::sqrt(q * (1 - q) / kSteps));
  const train::detail::PrivateTraining whole(quiet({.noise_multiplier = 1, .delta = 1e-5}, 1000), set);
  EXPECT_EQ(whole.sample(3).size(), 400u);
  EXPECT_EQ(training.sample(7), training.sample(7));
  EXPECT_NE(training.sample(7), training.sample(8));
}

TEST(Private, EmptyBatchesAreStepsOfNoise) {
  const data::Dataset set = vectors(3, 4, 2);
  nn::Sequential model{nn::Dense(2)};
  train::FitOptions options = quiet({.noise_multiplier = 1, .delta = 1e-5}, 1);
  options.epochs = 20;
  options.metrics = {metrics::accuracy};
  const train::History history = train::fit(model, set, options);
  EXPECT_EQ(history.steps, 60);
  EXPECT_EQ(history.privacy->steps, 60);
  EXPECT_EQ(history.epochs.size(), 20u);
  EXPECT_NEAR(history.privacy->epsilon, train::epsilon_of({1, 1.0 / 3, 60}, 1e-5), 1e-12);
  EXPECT_EQ(history.last("epsilon"), history.privacy->epsilon);
  EXPECT_LT(history.epochs[0].logs["epsilon"], history.last("epsilon"));
}

struct Slope {
  Parameter w{};
  Array forward(const Array& x) const { return x * w({1}, nn::init::ones()); }
  GRADUS_PARTS(w)
};

TEST(Private, GradientsThatAreNotFiniteCountAsNone) {
  // d sqrt(w x) / dw at x = 0 is 0 times infinity, at x = 1 it is 1 / 2.
  const data::Dataset set(array({{0.0}, {1.0}, {0.0}, {1.0}}));
  const auto objective = [](const Slope& model, const data::Batch& batch) { return mean(sqrt(model(batch.x))); };
  Slope model;
  train::fit(model, objective, set, quiet({.noise_multiplier = kNoNoise, .delta = 1e-5}, 4));
  EXPECT_NEAR(model.w.get().item(), 1 - 2 * 0.5 / 4, 1e-6);
}

TEST(Private, TargetEpsilonIsKept) {
  const data::Dataset set = vectors(200, 4, 2);
  nn::Sequential model{nn::Dense(2)};
  train::FitOptions options = quiet({.delta = 1e-4, .target_epsilon = 2}, 20);
  options.epochs = 3;
  const train::History first = train::fit(model, set, options);
  EXPECT_LE(first.privacy->epsilon, 2);
  EXPECT_GT(first.privacy->epsilon, 1.99);
  // What was spent before counts.
  options.privacy.target_epsilon = 3;
  options.privacy_spent = first.privacy->accountant;
  const train::History second = train::fit(model, set, options);
  EXPECT_LE(second.privacy->epsilon, 3);
  EXPECT_GT(second.privacy->epsilon, 2.98);
  EXPECT_EQ(second.privacy->steps, 30);
  EXPECT_EQ(second.privacy->accountant.parts().size(), 2u);
}

TEST(Private, LearnsAndKeepsLossesOfAllSamplesApart) {
  const data::Dataset set = data::make_blobs(600, {.classes = 3, .spread = 0.6, .seed = 7});
  random::seed(3);
  nn::Sequential model{nn::Dense(16, relu), nn::Dropout(0.1), nn::Dense(3)};
  train::FitOptions options = quiet({.noise_multiplier = 0.8, .delta = 1e-4}, 60);
  options.optimizer = optim::Adam(0.02);
  options.metrics = {metrics::accuracy};
  options.epochs = 15;
  options.ema = 0.9;
  const train::History history = train::fit(model, set, options);
  EXPECT_GT(history.last("accuracy"), 0.9);
  EXPECT_GT(train::evaluate(model, set, {.metrics = {metrics::accuracy}, .verbose = false})["accuracy"], 0.9);
  options.precision = train::mixed_bfloat16;
  nn::Sequential rounded{nn::Dense(16, relu), nn::Dense(3)};
  EXPECT_GT(train::fit(rounded, set, options).last("accuracy"), 0.9);
}

struct StopAfter final : train::Callback {
  explicit StopAfter(int64_t steps) : left(steps) {}
  bool on_step(const train::Progress&) override { return --left == 0; }
  int64_t left;
};

TEST(Private, GoesOnBitForBit) {
  const data::Dataset set = data::make_blobs(100, {.classes = 3, .spread = 1, .seed = 7});
  const auto run = [&](const std::string& folder, int64_t stop, bool goes_on, bool is_secret) {
    random::seed(3);
    nn::Sequential model{nn::Dense(8, relu), nn::Dropout(0.3), nn::Dense(3)};
    train::FitOptions options = quiet({.noise_multiplier = 1, .delta = 1e-4, .secret_seed = is_secret}, 30);
    options.optimizer = optim::Adam(0.01);
    options.epochs = 3;
    options.callbacks = {std::make_shared<StopAfter>(stop)};
    if (!folder.empty()) options.checkpoint = {.folder = folder, .steps = 1, .minutes = 0};
    if (goes_on) options.resume_from = folder;
    const train::History history = train::fit(model, set, options);
    return std::pair(values(model), history.privacy->epsilon);
  };
  const auto [whole, epsilon] = run("", -1, false, false);
  for (const int64_t stop : {1, 4, 7, 11}) {
    const TemporaryFolder folder;
    const double so_far = run(folder / "c", stop, false, false).second;
    EXPECT_LT(so_far, epsilon);
    const auto [resumed, same_epsilon] = run(folder / "c", -1, true, false);
    EXPECT_TRUE(same_bits(whole, resumed)) << stop;
    EXPECT_EQ(epsilon, same_epsilon);
  }
  const TemporaryFolder folder;
  run(folder / "c", 5, false, false);
  EXPECT_NE(error_of([&] { run(folder / "c", -1, true, true); }).find("its privacy is "), std::string::npos);
}

TEST(Private, BitsDoNotDependOnThreads) {
  const data::Dataset set = vectors(300, 20, 3);
  std::vector<std::vector<Array>> results;
  const int before = threads();
  for (const int count : {1, 2}) {
    set_threads(count);
    random::seed(3);
    nn::Sequential model{nn::Dense(300, relu), nn::Dense(3)};
    train::fit(model, set, quiet({.noise_multiplier = 1, .delta = 1e-4}, 150));
    results.push_back(values(model));
  }
  set_threads(before);
  EXPECT_TRUE(same_bits(results[0], results[1]));
}

TEST(Private, TakesAllLossesAndMetricsOfTheLibrary) {
  random::seed(3);
  const Array x = random::normal({30, 4}), labels = random::integers({30}, 0, 3), rows = one_hot(labels, 3).astype(float32);
  const Array yes = random::integers({30}, 0, 2), numbers = random::normal({30});
  const auto logs = [&](loss::Loss loss, const Array& y, std::vector<metrics::Metric> metrics, int64_t outputs) {
    nn::Sequential model{nn::Dense(outputs)};
    train::FitOptions options = quiet({.noise_multiplier = 1, .delta = 1e-3}, 10);
    options.loss = std::move(loss);
    options.metrics = std::move(metrics);
    options.validation = data::Dataset(x, y);
    const train::History history = train::fit(model, data::Dataset(x, y), options);
    for (const auto& [name, value] : history.epochs[0].logs) EXPECT_TRUE(std::isfinite(value)) << name;
    return history.epochs[0].logs;
  };
  logs(loss::sparse_categorical_crossentropy, labels, {metrics::accuracy, metrics::top_k(2)}, 3);
  logs(loss::categorical_crossentropy, rows, {metrics::accuracy}, 3);
  logs(loss::mean_squared_error, rows, {metrics::accuracy, metrics::mean_absolute_error}, 3);
  logs(loss::binary_crossentropy, yes, {metrics::accuracy}, 1);
  logs(loss::mean_squared_error, numbers, {metrics::mean_absolute_error}, 1);
  logs([](const Array& out, const Array& y) { return mean(square(out - y)); }, rows, {}, 3);
}

TEST(Private, Float64ModelsStaySo) {
  const data::Dataset set(random::normal({8, 3}).astype(float64), random::integers({8}, 0, 2));
  nn::Sequential model{nn::Dense(2)};
  nn::build(model, {1, 3}, float64);
  train::fit(model, set, quiet({.noise_multiplier = 1, .delta = 1e-3}, 4));
  for (const Array& value : values(model)) EXPECT_EQ(value.dtype(), float64);
}

TEST(Private, RefusesWhatEpsilonDoesNotCount) {
  const data::Dataset set = vectors(20, 4, 2);
  const auto error = [&](auto change) {
    return error_of([&] {
      nn::Sequential model{nn::Dense(2)};
      train::FitOptions options = quiet({.noise_multiplier = 1, .delta = 1e-3}, 5);
      change(options);
      train::fit(model, set, options);
    });
  };
  using Options = train::FitOptions;
  EXPECT_EQ(error([](Options& o) { o.accumulate = 2; }),
            "privacy: accumulate is 2; private steps are cut by privacy.micro_batch to fit in memory: give the whole step as batch_size");
  EXPECT_EQ(error([](Options& o) { o.class_weight = train::balanced; }),
            "privacy: balanced class weights are made of all samples, which epsilon does not count; give weights as numbers");
  EXPECT_EQ(error([](Options& o) { o.patience = 2; }),
            "privacy: patience is 2, and the loss is measured on the samples that privacy is for; give .validation");
  EXPECT_EQ(error([](Options& o) { o.optimizer = optim::SGD(optim::plateau(0.1)); }),
            "privacy: the learning rate waits on a plateau, and the loss is measured on the samples that privacy is for; give .validation");
  EXPECT_EQ(error([](Options& o) { o.privacy.delta = 0; }),
            "privacy: delta is 0; it must be above 0 and below 1 / samples\n  hint: for 20 samples .delta = 0.005");
  EXPECT_EQ(error([](Options& o) { o.privacy.delta = 0.05; }),
            "privacy: delta is 0.05, and there are 20 samples; it must be below 1 / samples: a model that shows one of them keeps to more");
  EXPECT_EQ(error([](Options& o) { o.privacy.target_epsilon = 1; }),
            "privacy: noise_multiplier is 1 and target_epsilon 1; give one, the other follows from it");
  EXPECT_EQ(error([](Options& o) { o.privacy.clip_norm = 0; }), "privacy: clip_norm is 0; it must be above 0");
  EXPECT_EQ(error([](Options& o) { o.privacy.noise_multiplier = -1; }), "privacy: noise_multiplier is -1; it must not be negative");
  nn::Sequential model{nn::Dense(4), nn::BatchNorm(), nn::Dense(2)};
  EXPECT_EQ(
      error_of([&] { train::fit(model, set, quiet({.noise_multiplier = 1, .delta = 1e-3}, 5)); }),
      "privacy: the model keeps \"1.running_mean\", statistics of batches, in which samples mix, so that no single one can be hidden; "
      "nn::LayerNorm does without them, in place of BatchNorm");
}

TEST(Private, ModelFilesSayTheirEpsilon) {
  const data::Dataset set = vectors(50, 4, 2);
  nn::Sequential model{nn::Dense(2)};
  const train::History history = train::fit(model, set, quiet({.noise_multiplier = 1.1, .clip_norm = 0.7, .delta = 1e-3}, 5));
  const TemporaryFolder folder;
  nn::ModelInfo info = io::info_of(set);
  EXPECT_FALSE(train::privacy_of(info).has_value());
  train::note_privacy(info, *history.privacy);
  io::save(model, folder / "m.gradus", info);
  const train::PrivacyReport report = train::privacy_of(io::load(folder / "m.gradus").info).value();
  EXPECT_EQ(report.epsilon, history.privacy->epsilon);
  EXPECT_EQ(report.delta, 1e-3);
  EXPECT_EQ(report.noise_multiplier, 1.1);
  EXPECT_EQ(report.clip_norm, 0.7);
  EXPECT_EQ(report.sampling_rate, 0.1);
  EXPECT_EQ(report.steps, 10);
  EXPECT_FALSE(report.has_secret_seed);
  EXPECT_EQ(report.accountant.epsilon(1e-3), report.epsilon);
  EXPECT_NE(train::to_text(report).find("0.001)-differentially private: 10 steps, each sample in one with probability 0.1"),
            std::string::npos);
  for (const char* damaged : {"{", "{}", "[]", "3", R"({"epsilon": "much"})"}) {
    info.extra["privacy"] = damaged;
    EXPECT_NE(error_of([&] { train::privacy_of(info); }), "") << damaged;
  }
}

// ---- membership inference ----

TEST(Membership, RatesOfAnAttackOnAFewScores) {
  // Of 12 pairs a member is above in 10 and level in 2; it beats a share of 1, 1, 3/4 of the others, which are beaten by 1, 1, 5/6, 5/6.
  const std::vector<double> members = {5, 4, 1}, others = {0, 0.5, 1, 1};
  const train::MembershipAttack attack = train::membership_attack("mine", members, others);
  EXPECT_NEAR(attack.auc, 11.0 / 12, 1e-12);
  const double margin = 1.959963984540054 * std::sqrt(1.0 / 48 / 3 + 1.0 / 108 / 4);  // DeLong: variances of these shares
  EXPECT_NEAR(attack.auc_low, 11.0 / 12 - margin, 1e-12);
  EXPECT_EQ(attack.auc_high, 1);
  EXPECT_NEAR(attack.tpr_at_1_percent, 2.0 / 3, 1e-12);
  EXPECT_NEAR(attack.advantage, 2.0 / 3, 1e-12);
  EXPECT_EQ(train::membership_attack("", std::vector<double>{1, 1}, std::vector<double>{1, 1}).auc, 0.5);
  EXPECT_EQ(train::membership_attack("", std::vector<double>{1, 1}, std::vector<double>{1, 1}).advantage, 0);
  EXPECT_EQ(train::membership_attack("", std::vector<double>{0}, std::vector<double>{1}).auc, 0);
  EXPECT_EQ(error_of([] { train::membership_attack("", std::vector<double>{}, std::vector<double>{1}); }),
            "membership_inference: there are no members; each side needs samples");
  EXPECT_EQ(error_of([] {
              train::membership_attack("", std::vector<double>{1}, std::vector<double>{1, NAN});
            }),
            "membership_inference: the score of others[1] is nan; scores must be numbers");
}

TEST(Membership, AnOverfittedModelGivesItsSamplesAwayAndAPrivateOneDoesNot) {
  random::seed(9);
  const Array x = random::normal({400, 30}), y = random::integers({400}, 0, 2);  // nothing but noise to learn
  const data::Dataset all(x, y), members = data::subset(all, 0, 100), others = data::subset(all, 100, 400);
  const auto trained = [&](train::PrivacyOptions privacy, const data::Dataset& set) {
    random::seed(1);
    nn::Sequential model{nn::Dense(64, relu), nn::Dense(2)};
    train::FitOptions options = quiet(privacy, 20);
    options.optimizer = optim::Adam(0.01);
    options.epochs = 40;
    train::fit(model, set, options);
    return model;
  };
  const nn::Sequential model = trained({}, members), hidden = trained({.delta = 1e-3, .target_epsilon = 1}, members);
  const train::MembershipReport open = train::membership_inference(model, members, others);
  EXPECT_EQ(open.members, 100);
  EXPECT_EQ(open.others, 300);
  EXPECT_GT(open.attacks.at(0).auc, 0.9);
  EXPECT_GT(open.attacks.at(0).auc_low, 0.85);
  EXPECT_NE(open.verdict.find("gives its training samples away by its loss"), std::string::npos) << open.verdict;
  const train::MembershipReport kept = train::membership_inference(hidden, members, others);
  EXPECT_LT(kept.attacks.at(0).auc, 0.65);
  const nn::Sequential reference = trained({}, data::Dataset(random::normal({100, 30}), random::integers({100}, 0, 2)));
  const train::MembershipReport calibrated = train::membership_inference(model, reference, members, others);
  ASSERT_EQ(calibrated.attacks.size(), 2u);
  EXPECT_GT(calibrated.attacks[1].auc_low, 0.6);
  EXPECT_NE(train::to_text(calibrated).find("calibrated loss: AUC 0."), std::string::npos);
  const train::MembershipReport none = train::membership_inference(model, data::subset(others, 0, 150), data::subset(others, 150, 300));
  EXPECT_NE(none.verdict.find("no better than guessing"), std::string::npos) << none.verdict;
}

}  // namespace

}  // namespace gradus
