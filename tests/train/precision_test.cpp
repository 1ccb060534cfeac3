// fit in mixed precision: near float32, float32 masters, bit for bit from a checkpoint.
#include "gradus/train/precision.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "gradus/gradus.hpp"
#include "gradus/plan/backend.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

data::Dataset blobs() { return data::make_blobs(640, {.classes = 4, .spread = 3, .seed = 7}); }

// Images of a bright bar, whose direction is the class.
data::Dataset bars() {
  const int64_t count = 256, size = 10;
  std::vector<float> pixels(static_cast<size_t>(count * size * size));
  std::vector<int64_t> labels;
  const std::vector<float> noise = random::normal(random::key(3), {count, size, size}).to_vector<float>();
  for (int64_t i = 0; i < count; ++i) {
    labels.push_back(i % 2);
    for (int64_t r = 0; r < size; ++r) {
      for (int64_t c = 0; c < size; ++c) {
        const auto at = static_cast<size_t>((i * size + r) * size + c);
        pixels[at] = 0.8f * noise[at] + ((i % 2 ? r : c) == i / 2 % size ? 1.5f : 0.0f);
      }
    }
  }
  return data::Dataset(array(pixels, {count, size, size, 1}), array(labels));
}

nn::Sequential perceptron() {
  random::seed(3);
  return nn::Sequential{nn::Dense(64, relu), nn::LayerNorm(), nn::Dense(32, gelu), nn::Dense(4)};
}
nn::Sequential network() {
  random::seed(3);
  return nn::Sequential{nn::Conv2D(8, 3), nn::BatchNorm(), nn::Activation(relu), nn::MaxPooling2D(2), nn::Conv2D(16, 3, relu),
                        nn::GlobalAveragePooling2D(), nn::Dense(2)};
}
train::FitOptions options(train::Precision precision, int64_t epochs) {
  return {.loss = loss::sparse_categorical_crossentropy,
          .optimizer = optim::Adam(2e-3),
          .epochs = epochs,
          .batch_size = 32,
          .verbose = false,
          .precision = precision};
}

// The mean loss of the last epochs, whose batches differ from epoch to epoch.
template <class M>
double last_loss(M model, const data::Dataset& set, train::FitOptions how) {
  const train::History history = train::fit(model, set, std::move(how));
  double sum = 0;
  for (size_t i = history.epochs.size() - 3; i < history.epochs.size(); ++i) sum += history.epochs[i].logs["loss"];
  return sum / 3;
}

TEST(MixedFit, ReachesTheLossOfFloat32) {
  const data::Dataset points = blobs(), images = bars();
  const double mlp = last_loss(perceptron(), points, options(train::Precision::float32, 15)),
               mixed_mlp = last_loss(perceptron(), points, options(train::mixed_bfloat16, 15));
  EXPECT_LT(mlp, 0.9);
  EXPECT_NEAR(mixed_mlp / mlp, 1, 0.02) << mlp << " " << mixed_mlp;
  EXPECT_NE(mixed_mlp, mlp) << "nothing was rounded";
  const double cnn = last_loss(network(), images, options(train::Precision::float32, 25)),
               mixed_cnn = last_loss(network(), images, options(train::mixed_bfloat16, 25));
  EXPECT_LT(cnn, 0.6);
  EXPECT_NEAR(mixed_cnn / cnn, 1, 0.02) << cnn << " " << mixed_cnn;
}

TEST(MixedFit, WithMeansAccumulationAndClippingKeepsFloat32) {
  nn::Sequential model = perceptron();
  train::FitOptions how = options(train::mixed_bfloat16, 2);
  how.accumulate = 3;
  how.ema = 0.9;
  how.clip_norm = 1;
  how.clip_value = 0.5;
  train::fit(model, blobs(), how);
  for (const Variable& variable : variables(model)) EXPECT_EQ(variable.get().dtype(), float32) << variable.path;
  EXPECT_FALSE(nn::MixedPrecision::is_on());
}

TEST(MixedFit, ValidatesInFloat32) {
  nn::Sequential model = perceptron();
  train::FitOptions how = options(train::mixed_bfloat16, 2);
  how.validation = blobs();
  const train::History history = train::fit(model, blobs(), how);
  const train::Logs logs =
      train::evaluate(model, how.validation, {.loss = loss::sparse_categorical_crossentropy, .batch_size = 32, .verbose = false});
  EXPECT_EQ(history.epochs.back().logs["val_loss"], logs["loss"]);
}

TEST(MixedFit, GoesOnBitForBit) {
  const TemporaryFolder folder;
  const auto train_to = [&](int64_t epochs, bool is_resumed) {
    nn::Sequential model = perceptron();
    train::FitOptions how = options(train::mixed_bfloat16, epochs);
    how.checkpoint = {.folder = folder.path() + "/c"};
    if (is_resumed) how.resume_from = how.checkpoint.folder;
    train::fit(model, blobs(), how);
    std::vector<double> all;
    for (const Variable& variable : variables(model)) {
      for (const double value : variable.get().to_vector<double>()) all.push_back(value);
    }
    return all;
  };
  train_to(2, false);
  const std::vector<double> resumed = train_to(4, true);
  nn::Sequential model = perceptron();
  train::fit(model, blobs(), options(train::mixed_bfloat16, 4));
  std::vector<double> whole;
  for (const Variable& variable : variables(model)) {
    for (const double value : variable.get().to_vector<double>()) whole.push_back(value);
  }
  EXPECT_EQ(resumed, whole);
  nn::Sequential other = perceptron();
  train::FitOptions how = options(train::Precision::float32, 5);
  how.resume_from = folder.path() + "/c";
  EXPECT_NE(error_of([&] { train::fit(other, blobs(), how); }).find("its precision is \"mixed_bfloat16\", here it is \"float32\""),
            std::string::npos);
}

TEST(MixedFit, SaysWhatTheProcessorHas) {
  EXPECT_EQ(train::to_text(train::Precision::float32), "float32");
  const std::string text = train::to_text(train::mixed_bfloat16);
  EXPECT_EQ(text, "mixed_bfloat16: products in bfloat16 (" + std::string(plan::current_backend().bfloat16_unit()) + "), all else in float32");
  ::testing::internal::CaptureStdout();
  nn::Sequential model = perceptron();
  train::FitOptions how = options(train::mixed_bfloat16, 1);
  how.verbose = true;
  train::fit(model, blobs(), how);
  EXPECT_EQ(::testing::internal::GetCapturedStdout().rfind("precision " + text + "\n", 0), 0u);
}

}  // namespace
}  // namespace gradus
