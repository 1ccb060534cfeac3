// Layers one by one.
#include "gradus/graph/index.hpp"
#include "gradus/nn/nn.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/transform/grad.hpp"
#include "tests/golden_cases.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using nlohmann::json;
using testing::error_of;

std::vector<double> doubles(const Array& x) { return x.to_vector<double>(); }

TEST(Layers, DenseIsAnAffineMapAndAnActivation) {
  nn::Dense layer(2, relu);
  layer.kernel = Parameter(array({{1.0, -1.0}, {2.0, 0.5}}));
  layer.bias = Parameter(array({0.5, -10.0}));
  EXPECT_EQ(doubles(layer(array({{1.0, 2.0}}))), (std::vector<double>{5.5, 0}));
  EXPECT_EQ(doubles(layer(array({1, 2}))), (std::vector<double>{5.5, 0}));
  nn::Dense without(2, {.use_bias = false});
  without(ones({1, 3}));
  EXPECT_FALSE(without.bias.has_value());
}

TEST(Layers, ConvolutionsAndPoolsHaveKerasShapes) {
  const Array x = ones({2, 9, 8, 4});
  EXPECT_EQ(nn::Conv2D(6, 3, relu)(x).shape(), (Shape{2, 7, 6, 6}));
  EXPECT_EQ(nn::Conv2D(6, {3, 5}, {.strides = 2, .padding = same})(x).shape(), (Shape{2, 5, 4, 6}));
  EXPECT_EQ(nn::Conv2D(8, 3, {.padding = 1, .groups = 2})(x).shape(), (Shape{2, 9, 8, 8}));
  EXPECT_EQ(nn::Conv1D(6, 3)(ones({2, 9, 4})).shape(), (Shape{2, 7, 6}));
  EXPECT_EQ(nn::MaxPooling2D(2)(x).shape(), (Shape{2, 4, 4, 4}));
  EXPECT_EQ(nn::AveragePooling2D(3, {.strides = 1, .padding = same})(x).shape(), (Shape{2, 9, 8, 4}));
  EXPECT_EQ(nn::GlobalAveragePooling2D()(x).shape(), (Shape{2, 4}));
  EXPECT_EQ(nn::Flatten()(x).shape(), (Shape{2, 9 * 8 * 4}));
  EXPECT_EQ(error_of([&] { nn::Conv2D(6, 3, {.groups = 3})(x); }),
            "conv2d: groups is 3, x has 4 channels, filters is 6; groups must divide both\n  in: Conv2D (3x3, ? -> 6, 3 groups)");
}

TEST(Layers, BatchNormMovesItsStatisticsOncePerTrainingCall) {
  nn::BatchNorm norm({.momentum = 0.9, .epsilon = 0});
  const Array x = array({{1.0, 10.0}, {3.0, 10.0}, {5.0, 40.0}});
  {
    const nn::TrainingMode training;
    auto [value, grads] = value_and_grad([&](const auto& m) { return sum(m(x)); })(norm);
    EXPECT_EQ(grads.size(), 2u);
  }
  EXPECT_NEAR(doubles(norm.running_mean)[0], 0.9 * 0 + 0.1 * 3, 1e-6);
  EXPECT_NEAR(doubles(norm.running_mean)[1], 0.1 * 20, 1e-5);
  EXPECT_NEAR(doubles(norm.running_variance)[0], 0.9 * 1 + 0.1 * 4, 1e-5);  // unbiased: (4 + 0 + 4) / 2
  const std::vector<double> before = doubles(norm.running_mean);
  const Array y = norm(x);  // inference
  EXPECT_EQ(doubles(norm.running_mean), before);
  EXPECT_NEAR(doubles(y)[0], (1 - 0.3) / std::sqrt(1.3), 1e-5);
}

TEST(Layers, LayerNormNormalisesEachExample) {
  const std::vector<double> y = doubles(nn::LayerNorm({.epsilon = 0})(array({{1.0, 3.0}, {5.0, 5.5}})));
  EXPECT_NEAR(y[0], -1, 1e-6);
  EXPECT_NEAR(y[3], 1, 1e-6);
}

TEST(Layers, EmbeddingTakesRows) {
  nn::Embedding tokens(10, 4);
  EXPECT_EQ(tokens(array({{1, 2, 3}})).shape(), (Shape{1, 3, 4}));
  EXPECT_EQ(tokens.table().shape(), (Shape{10, 4}));
  EXPECT_EQ(doubles(tokens(array({7}))), doubles(tokens.table()[7]));
}

TEST(Layers, DropoutDropsInTrainingOnlyAndAfreshEachTime) {
  const nn::Dropout layer(0.5);
  const Array x = ones({1000});
  EXPECT_EQ(doubles(layer(x)), doubles(x));
  const nn::TrainingMode training;
  const std::vector<double> once = doubles(layer(x)), twice = doubles(layer(x));
  EXPECT_NE(once, twice);
  for (const double value : once) EXPECT_TRUE(value == 0 || value == 2);
  const auto with_key = [&] {
    const nn::TrainingMode keyed(random::key(5));
    return doubles(layer(x));
  };
  EXPECT_EQ(with_key(), with_key());
  {
    const nn::TrainingMode off(false);
    EXPECT_EQ(doubles(layer(x)), doubles(x));
  }
}

TEST(Layers, ResidualAddsItsShortcut) {
  const nn::Residual identity{nn::Layer(nn::Sequential{nn::Activation(relu)}), {.activation = relu}};
  EXPECT_EQ(doubles(identity(array({{1.0, -2.0}}))), (std::vector<double>{2, 0}));
  const nn::Residual wrong{nn::Layer(nn::Dense(3))};
  EXPECT_EQ(error_of([&] {
              wrong(ones({1, 2}));
            }),
            "residual: the body gives (1, 3) and the shortcut (1, 2); they must be equal\n  in: Residual");
}

TEST(Layers, ActivationKnowsTheLibrarysFunctionsByName) {
  EXPECT_EQ(nn::Activation(tanh).name(), "tanh");
  EXPECT_EQ(nn::Activation(softmax).name(), "softmax");
  EXPECT_EQ(nn::Activation([](const Array& x) { return leaky_relu(x, 0.2); }).name(), "custom");
  EXPECT_EQ(nn::Activation().name(), "linear");
  EXPECT_EQ(doubles(nn::Activation::from_name("relu")(array({-1.0, 2.0}))), (std::vector<double>{0, 2}));
}

// Golden weights are (out, in, k...), ours (k..., in, out).
Shape ours(const std::vector<int64_t>& golden) {
  std::vector<int64_t> shape(golden.begin() + 2, golden.end());
  shape.push_back(golden[1]);
  shape.push_back(golden[0]);
  return Shape(shape);
}
double deviation(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  const double mean = sum / static_cast<double>(values.size());
  return std::sqrt(squares / static_cast<double>(values.size()) - mean * mean);
}

TEST(Initializers, HaveGoldenFansBoundsAndDeviations) {
  const testing::GoldenGroup group("init");
  if (group.empty()) GTEST_SKIP() << "no golden files";
  random::seed(1);
  int run = 0;
  for (const json& one : group.cases) {
    const std::string op = one["op"];
    if (one["attrs"]["shape"].size() < 2) continue;
    const Shape shape = ours(one["attrs"]["shape"]);
    const auto number = [&](const char* name) { return group.tensor(one, "outputs", name).item(); };
    const auto draw = [&](const nn::Initializer& init) { return init(shape, float64).to_vector<double>(); };
    const auto in_bound = [&](const std::vector<double>& values, double bound) {
      double most = 0;
      for (const double value : values) most = std::max(most, std::fabs(value));
      EXPECT_LE(most, bound) << one["id"];
      if (values.size() > 500) {
        EXPECT_GE(most, 0.97 * bound) << one["id"];
      }
    };
    if (op == "fans") {
      EXPECT_EQ(nn::fans_of(shape).in, number("fan_in"));
      EXPECT_EQ(nn::fans_of(shape).out, number("fan_out"));
    } else if (op == "xavier_uniform") {
      in_bound(draw(nn::init::glorot_uniform(one["attrs"]["gain"])), number("bound"));
    } else if (op == "xavier_normal") {
      const std::vector<double> values = draw(nn::init::glorot_normal(one["attrs"]["gain"]));
      if (values.size() > 500) {
        EXPECT_NEAR(deviation(values) / number("std"), 1, 0.12) << one["id"];
      }
    } else if (op == "kaiming" && one["attrs"]["mode"] == "fan_in") {
      const double gain = number("std") * std::sqrt(nn::fans_of(shape).in);
      in_bound(draw(nn::init::he_uniform(gain)), number("bound"));
      if (one["attrs"]["nonlinearity"] == "relu") {
        EXPECT_NEAR(gain, std::sqrt(2), 1e-9);
      }
    } else {
      continue;
    }
    ++run;
  }
  EXPECT_GT(run, 20);
}

}  // namespace
}  // namespace gradus
