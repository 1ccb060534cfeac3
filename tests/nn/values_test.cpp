// Layers, losses and initialisers against numbers worked out by hand.
#include <cmath>
#include <numbers>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using Doubles = std::vector<double>;

Doubles doubles(const Array& x) { return x.to_vector<double>(); }
void expect_near(const Array& x, const Doubles& want, double tolerance = 1e-5) {
  const Doubles got = doubles(x);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], tolerance * (1 + std::abs(want[i]))) << i;
}

// ---- normalisation ----

TEST(BatchNorm, OfOneDTypeGivesItInTrainingAndInference) {
  for (const DType dtype : {float16, bfloat16, float32, float64}) {
    const nn::BatchNorm norm, plain({.center = false, .scale = false});
    const nn::ParameterDType scope(dtype);
    const Array x = ones({2, 3}, dtype);
    for (const bool is_training : {true, false, true}) {
      const nn::TrainingMode mode(is_training);
      EXPECT_EQ(to_text(norm(x).dtype()), to_text(dtype)) << is_training;
      EXPECT_EQ(to_text(plain(x).dtype()), to_text(dtype)) << is_training;
    }
  }
}

// One example has no variance of its own: the unbiased estimate would be 0 / 0.
TEST(BatchNorm, OfOneExampleKeepsFiniteStatistics) {
  nn::BatchNorm norm({.momentum = 0.75, .epsilon = 1e-3});
  const nn::TrainingMode training;
  expect_near(norm(array({{2.0, -4.0}})), {0, 0});
  expect_near(norm.running_mean, {0.5, -1});
  expect_near(norm.running_variance, {0.75, 0.75});
}

TEST(BatchNorm, CountsEveryPlaceOfAnImage) {
  nn::BatchNorm norm({.momentum = 0.5, .epsilon = 0});
  const Array x = reshape(array({1.0, 10.0, 3.0, 10.0, 5.0, 10.0, 7.0, 30.0}), {1, 2, 2, 2});
  const nn::TrainingMode training;
  const double a = 1 / std::sqrt(5), b = 1 / std::sqrt(3);  // mean 4, variance 5; mean 15, variance 75
  expect_near(norm(x), {-3 * a, -b, -a, -b, a, -b, 3 * a, 3 * b});
  expect_near(norm.running_mean, {2, 7.5});
  expect_near(norm.running_variance, {0.5 + 0.5 * 20.0 / 3, 0.5 + 0.5 * 100});  // unbiased: four places, so 4/3
}

TEST(BatchNorm, ScalesAndShiftsInBothModes) {
  nn::BatchNorm norm({.epsilon = 0.5});
  norm(zeros({1, 2}));  // makes its parameters
  norm.weight = Parameter(array({2.0, 3.0}));
  norm.bias = Parameter(array({10.0, 20.0}));
  norm.running_mean.set(array({1.0, 2.0}));
  norm.running_variance.set(array({3.5, 8.5}));
  expect_near(norm(array({{3.0, 5.0}})), {10 + 2 * 2 / 2.0, 20 + 3 * 3 / 3.0});
  const nn::TrainingMode training;
  expect_near(norm(array({{0.0, 1.0}, {2.0, 1.0}})), {10 - 2 / std::sqrt(1.5), 20, 10 + 2 / std::sqrt(1.5), 20});
  nn::BatchNorm plain({.center = false, .scale = false});
  plain(ones({2, 3}));
  EXPECT_FALSE(plain.weight.has_value() || plain.bias.has_value());
}

TEST(LayerNorm, ScalesAndShiftsItsLastAxis) {
  nn::LayerNorm norm({.epsilon = 0.25});
  norm(zeros({1, 2}));
  norm.weight = Parameter(array({2.0, 3.0}));
  norm.bias = Parameter(array({1.0, -1.0}));
  const double s = 1 / std::sqrt(1.25), t = 2 / std::sqrt(4.25);  // variances 1 and 4
  expect_near(norm(reshape(array({0.0, 2.0, 5.0, 1.0}), {1, 2, 2})), {1 - 2 * s, -1 + 3 * s, 1 + 2 * t, -1 - 3 * t});
}

// ---- convolutions and pools ----

TEST(Conv2D, AddsItsBiasBeforeTheActivation) {
  nn::Conv2D layer(2, 2, relu, {.strides = {1, 2}});
  // kernel (2, 2, 1, 2): the first filter takes the upper left, the second the lower right minus the upper right
  layer.kernel = Parameter(reshape(array({1.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0}), {2, 2, 1, 2}));
  layer.bias = Parameter(array({-2.0, 0.5}));
  const Array x = reshape(array({1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 11.0, 0.0, 0.0, 0.0, 0.0}), {1, 3, 4, 1});
  const Array y = layer(x);
  EXPECT_EQ(y.shape(), (Shape{1, 2, 2, 2}));
  expect_near(y, {0, 4.5, 1, 7.5, 3, 0, 5, 0});
}

TEST(Conv2D, DilatesAndPadsAsAsked) {
  nn::Conv2D layer(1, {1, 2}, {.padding = same, .dilation = {1, 2}, .use_bias = false});
  layer.kernel = Parameter(reshape(array({1.0, 10.0}), {1, 2, 1, 1}));
  // taps two apart; one zero on either side
  expect_near(layer(reshape(array({1.0, 2.0, 3.0, 4.0}), {1, 1, 4, 1})), {20, 31, 42, 3});
  EXPECT_FALSE(layer.bias.has_value());
}

TEST(Conv1D, SlidesOverTime) {
  nn::Conv1D layer(1, 2, {.strides = 2, .padding = 1});
  layer.kernel = Parameter(reshape(array({1.0, 10.0}), {2, 1, 1}));
  layer.bias = Parameter(array({0.5}));
  expect_near(layer(reshape(array({1.0, 2.0, 3.0, 4.0}), {1, 4, 1})), {10.5, 32.5, 4.5});
  nn::Conv1D groups(2, 1, {.groups = 2, .use_bias = false});
  groups.kernel = Parameter(reshape(array({2.0, 3.0}), {1, 1, 2}));
  expect_near(groups(reshape(array({1.0, 10.0, 4.0, 5.0}), {1, 2, 2})), {2, 30, 8, 15});
}

TEST(Pools, TakeTheLargestTheMeanAndTheWhole) {
  const Array x = reshape(array({1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, -9.0}), {1, 3, 3, 1});
  expect_near(nn::MaxPooling2D(2)(x), {5});
  expect_near(nn::MaxPooling2D(2, {.strides = 1})(x), {5, 6, 8, 8});
  expect_near(nn::MaxPooling2D({1, 3}, {.strides = 1})(x), {3, 6, 8});
  expect_near(nn::AveragePooling2D(2, {.strides = 1})(x), {3, 4, 6, 2.5});
  expect_near(nn::AveragePooling2D({3, 1})(x), {4, 5, 0});
  expect_near(nn::GlobalAveragePooling2D()(x), {3});
  expect_near(nn::MaxPooling2D(2, {.strides = 2, .padding = same})(-x), {-1, -3, -7, 9});  // padding never wins
}

TEST(Embedding, GivesTheRowOfEachId) {
  nn::Embedding layer(3, 2, {.initializer = nn::Initializer([](const Shape& shape) { return reshape(arange(6).astype(float32), shape); })});
  expect_near(layer(array({{2, 0}, {1, 2}})), {4, 5, 0, 1, 2, 3, 4, 5});
}

TEST(Dropout, KeepsItsShareAndTheMean) {
  const nn::Dropout layer(0.2);
  const nn::TrainingMode training(random::key(11));
  const int64_t n = 40000;
  int64_t kept = 0;
  for (const double value : doubles(layer(full({n}, 3.0)))) {
    if (value != 0) {
      EXPECT_NEAR(value, 3 / 0.8, 1e-6);
      ++kept;
    }
  }
  EXPECT_NEAR(static_cast<double>(kept) / n, 0.8, 5 * std::sqrt(0.16 / n));
}

// ---- losses: (output, target) -> value by the formula ----

TEST(Loss, ReducesAsAsked) {
  const Array output = array({1.0, 4.0, 2.0}), target = array({3.0, 3.5, 2.0});
  expect_near(loss::mean_squared_error(output, target), {4.25 / 3});
  expect_near(loss::mean_squared_error(output, target, {loss::Reduction::sum}), {4.25});
  expect_near(loss::mean_squared_error(output, target, {loss::Reduction::none}), {4, 0.25, 0});
  expect_near(loss::mean_absolute_error(output, target, {loss::Reduction::none}), {2, 0.5, 0});
  expect_near(loss::huber(output, target, {.delta = 1, .reduction = loss::Reduction::none}), {1.5, 0.125, 0});
  expect_near(loss::huber(output, target, {.delta = 0.25, .reduction = loss::Reduction::none}), {0.25 * 1.875, 0.25 * 0.375, 0});
  expect_near(loss::log_cosh(output, target, {loss::Reduction::none}), {std::log(std::cosh(2)), std::log(std::cosh(0.5)), 0});
  expect_near(loss::hinge(output, array({1.0, -1.0, 0.25}), {loss::Reduction::none}), {0, 5, 0.5});
  expect_near(loss::squared_hinge(output, array({1, -1, 0}), {loss::Reduction::none}), {0, 25, 1});
  expect_near(loss::poisson(output, target, {loss::Reduction::none}), {std::exp(1) - 3, std::exp(4) - 14, std::exp(2) - 4});
}

TEST(Loss, OfTwoClasses) {
  const double a = std::log1p(std::exp(-2.0)), b = std::log1p(std::exp(1.0));  // -log sigmoid(2), -log sigmoid(-1)
  const Array output = array({2.0, -1.0});
  expect_near(loss::binary_crossentropy(output, array({1, 1}), {.reduction = loss::Reduction::none}), {a, b});
  expect_near(loss::binary_crossentropy(output, array({true, false})), {(a + b - 1) / 2});
  // smoothing 0.2 makes the targets 0.9 and 0.1
  expect_near(loss::binary_crossentropy(output, array({1, 0}), {.label_smoothing = 0.2, .reduction = loss::Reduction::none}),
              {a + 0.1 * 2, b - 1 + 0.1 * 1});
}

TEST(Loss, OfManyClassesWithWeightsSmoothingAndLabelsToIgnore) {
  // logits log 1, log 2, log 5: probabilities 1/8, 2/8, 5/8
  const Array output = log(array({{1.0, 2.0, 5.0}, {5.0, 1.0, 2.0}, {2.0, 5.0, 1.0}}));
  const Array labels = array({0, 2, 1}), weights = array({1.0, 2.0, 4.0});
  const double p1 = std::log(8.0), p2 = std::log(4.0), p5 = std::log(1.6);
  const auto none = loss::Reduction::none;
  expect_near(loss::sparse_categorical_crossentropy(output, labels, {.reduction = none}), {p1, p2, p5});
  expect_near(loss::sparse_categorical_crossentropy(output, labels, {.class_weights = weights, .reduction = none}), {p1, 4 * p2, 2 * p5});
  expect_near(loss::sparse_categorical_crossentropy(output, labels, {.class_weights = weights}), {(p1 + 4 * p2 + 2 * p5) / 7});
  expect_near(loss::sparse_categorical_crossentropy(output, array({0, 7, 1}), {.ignore_label = 7}), {(p1 + p5) / 2});
  expect_near(loss::sparse_categorical_crossentropy(output, array({0, 7, 1}), {.class_weights = weights, .ignore_label = 7}),
              {(p1 + 2 * p5) / 3});
  const double all = p1 + p2 + p5;
  expect_near(loss::sparse_categorical_crossentropy(output, labels, {.label_smoothing = 0.3, .reduction = none}),
              {0.7 * p1 + 0.1 * all, 0.7 * p2 + 0.1 * all, 0.7 * p5 + 0.1 * all});
  expect_near(
      loss::sparse_categorical_crossentropy(output, labels, {.label_smoothing = 0.3, .class_weights = weights, .reduction = none}),
      {0.7 * p1 + 0.1 * (p1 + 2 * p2 + 4 * p5), 0.7 * 4 * p2 + 0.1 * (p5 + 2 * p1 + 4 * p2), 0.7 * 2 * p5 + 0.1 * (p2 + 2 * p5 + 4 * p1)});
  const Array target = array({{0.5, 0.5, 0.0}, {0.0, 0.0, 1.0}, {0.25, 0.5, 0.25}});
  expect_near(loss::categorical_crossentropy(output, target, {.reduction = none}), {(p1 + p2) / 2, p2, p2 / 4 + p5 / 2 + p1 / 4});
  expect_near(loss::categorical_crossentropy(output, target, {.class_weights = weights, .reduction = none}),
              {p1 / 2 + p2, 4 * p2, p2 / 4 + p5 + p1});
  expect_near(loss::kl_divergence(output, target, {none}),
              {(p1 + p2) / 2 - std::numbers::ln2, p2, p2 / 4 + p5 / 2 + p1 / 4 - 1.5 * std::numbers::ln2});
}

TEST(Loss, EveryNameGivesTheLossOfThatName) {
  for (const char* name :
       {"mean_squared_error", "mean_absolute_error", "huber", "log_cosh", "binary_crossentropy", "categorical_crossentropy",
        "sparse_categorical_crossentropy", "kl_divergence", "hinge", "squared_hinge", "poisson"}) {
    EXPECT_EQ(loss::Loss::from_name(name).name(), name);
  }
}

// ---- initialisers ----

struct Moments {
  double mean = 0, deviation = 0, least = 0, most = 0;
};
Moments moments_of(const Doubles& values) {
  Moments m{0, 0, values[0], values[0]};
  for (const double v : values) {
    m.mean += v / static_cast<double>(values.size());
    m.least = std::min(m.least, v);
    m.most = std::max(m.most, v);
  }
  for (const double v : values) m.deviation += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  m.deviation = std::sqrt(m.deviation);
  return m;
}

TEST(Initializers, HaveTheMomentsAndTheShapeOfTheirDistribution) {
  const Shape shape{3, 3, 40, 160};  // 57,600 numbers; fans 360 and 1,440
  struct Row {
    const char* name;
    nn::Initializer init;
    double mean, deviation;
    double reach;  // in deviations; 0 for the normal ones, whose tails go on
  };
  const double uniform = std::sqrt(3), cut = 2 / 0.8796256610342398;
  const Row rows[] = {
      {"glorot_uniform", nn::init::glorot_uniform(), 0, std::sqrt(2.0 / 1800), uniform},
      {"glorot_normal", nn::init::glorot_normal(), 0, std::sqrt(2.0 / 1800), 0},
      {"glorot_uniform", nn::init::glorot_uniform(3), 0, 3 * std::sqrt(2.0 / 1800), uniform},
      {"he_uniform", nn::init::he_uniform(), 0, std::sqrt(2.0 / 360), uniform},
      {"he_normal", nn::init::he_normal(), 0, std::sqrt(2.0 / 360), 0},
      {"he_normal", nn::init::he_normal(1), 0, std::sqrt(1.0 / 360), 0},
      {"lecun_uniform", nn::init::lecun_uniform(), 0, std::sqrt(1.0 / 360), uniform},
      {"lecun_normal", nn::init::lecun_normal(), 0, std::sqrt(1.0 / 360), 0},
      {"random_uniform", nn::init::random_uniform(), 0, 0.05 / uniform, uniform},
      {"random_uniform", nn::init::random_uniform(1, 4), 2.5, 1.5 / uniform, uniform},
      {"random_normal", nn::init::random_normal(), 0, 0.05, 0},
      {"random_normal", nn::init::random_normal(0.5, -2), -2, 0.5, 0},
      {"truncated_normal", nn::init::truncated_normal(), 0, 0.05 * 0.8796256610342398, cut},
      {"truncated_normal", nn::init::truncated_normal(0.5, 3), 3, 0.5 * 0.8796256610342398, cut},
  };
  random::seed(4);
  for (const Row& row : rows) {
    EXPECT_EQ(row.init.name(), row.name);
    const Moments m = moments_of(row.init(shape, float64).to_vector<double>());
    const double error = row.deviation / std::sqrt(57600);
    EXPECT_NEAR(m.mean, row.mean, 5 * error) << row.name;
    EXPECT_NEAR(m.deviation, row.deviation, 5 * error) << row.name;
    const double low = (row.mean - m.least) / row.deviation, high = (m.most - row.mean) / row.deviation;
    if (row.reach > 0) {
      EXPECT_LE(std::max(low, high), row.reach * (1 + 1e-9)) << row.name;
      EXPECT_GE(std::min(low, high), row.reach * 0.99) << row.name;
    } else {
      EXPECT_GE(std::min(low, high), 3.2) << row.name;
      EXPECT_LE(std::max(low, high), 6) << row.name;
    }
  }
}

TEST(Initializers, OfNamesAreThoseOfTheFunctions) {
  const Shape shape{30, 20};
  for (const char* name : {"glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "zeros", "ones",
                           "random_uniform", "random_normal", "truncated_normal"}) {
    EXPECT_EQ(nn::init::from_name(name).name(), name);
    for (const DType dtype : {float16, bfloat16, float32, float64}) {
      const Array value = nn::init::from_name(name)(shape, dtype);
      EXPECT_EQ(value.dtype(), dtype);
      EXPECT_EQ(value.shape(), shape);
    }
  }
  EXPECT_EQ(nn::init::from_name("xavier_uniform").name(), "glorot_uniform");
  EXPECT_EQ(nn::init::from_name("kaiming_normal").name(), "he_normal");
  expect_near(nn::init::zeros()(Shape{2}), {0, 0});
  expect_near(nn::init::ones()(Shape{2}), {1, 1});
  expect_near(nn::init::constant(-2.5)(Shape{2}), {-2.5, -2.5});
  EXPECT_EQ(nn::init::ones()(Shape{2}).dtype(), float32);
  {
    const nn::ParameterDType wide(float64);
    EXPECT_EQ(nn::init::ones()(Shape{2}).dtype(), float64);
  }
  EXPECT_EQ(nn::ParameterDType::current(), float32);
}

// Of every layer that has parameters: built, summarised or called, they are of the scope's dtype.
TEST(Initializers, OfModelsBuiltInAScopeHaveItsDType) {
  const auto image_model = [] {
    return nn::Sequential{nn::Conv2D(4, 3), nn::BatchNorm(),    nn::Residual(nn::Sequential{nn::Conv2D(4, 1), nn::BatchNorm()}),
                          nn::Flatten(),    nn::Dense(3, relu), nn::LayerNorm(),
                          nn::Dropout(0.1), nn::Dense(2)};
  };
  const auto row_model = [] { return nn::Sequential{nn::Conv1D(4, 3), nn::LayerNorm()}; };
  const auto token_model = [] { return nn::Sequential{nn::Embedding(5, 4), nn::Dense(2)}; };
  const auto expect_dtype = [](const nn::Sequential& model, DType dtype) {
    int64_t count = 0;
    for (const Variable& variable : variables(model)) {
      if (!variable.is_trainable()) continue;
      EXPECT_EQ(to_text(variable.get().dtype()), to_text(dtype)) << variable.path;
      ++count;
    }
    EXPECT_GE(count, 3);
  };
  for (const DType dtype : {float16, bfloat16, float64, float32}) {
    const nn::Sequential image = image_model(), row = row_model(), tokens = token_model(), summarised = image_model(),
                         called = image_model();
    {
      const nn::ParameterDType scope(dtype);
      nn::build(image, Shape{1, 6, 6, 2});
      nn::build(row, Shape{1, 8, 2});
      nn::build(tokens, Shape{1, 3}, int64);
      nn::summary(summarised, Shape{1, 6, 6, 2});
      called(zeros({1, 6, 6, 2}, dtype));
    }
    for (const nn::Sequential* model : {&image, &row, &tokens, &summarised, &called}) expect_dtype(*model, dtype);
    const nn::Sequential outside = image_model();
    nn::build(outside, Shape{1, 6, 6, 2}, dtype);
    expect_dtype(outside, dtype);
  }
}

TEST(Initializers, FansAreInputsAndOutputsOfOneUnit) {
  const auto fans = [](const Shape& shape) { return std::pair(nn::fans_of(shape).in, nn::fans_of(shape).out); };
  EXPECT_EQ(fans({5}), (std::pair{5.0, 5.0}));
  EXPECT_EQ(fans({5, 7}), (std::pair{5.0, 7.0}));
  EXPECT_EQ(fans({3, 5, 7}), (std::pair{15.0, 21.0}));
  EXPECT_EQ(fans({2, 3, 5, 7}), (std::pair{30.0, 42.0}));
}

}  // namespace
}  // namespace gradus
