// Activations and initialisers with parameters: what they compute, and that files and recipes keep them.
#include <gtest/gtest.h>

#include "gradus/gradus.hpp"
#include "gradus/nn/fields.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using testing::TemporaryFolder;

std::vector<double> values(const Array& x) { return x.to_vector<double>(); }

TEST(Activations, WithParametersComputeWhatTheFunctionsDo) {
  const Array x = array({-2.0, -0.25, 0.0, 0.75, 30.0});
  EXPECT_EQ(values(nn::activation::leaky_relu(0.2)(x)), values(leaky_relu(x, 0.2)));
  EXPECT_EQ(values(nn::activation::elu(1.5)(x)), values(elu(x, 1.5)));
  EXPECT_EQ(values(nn::activation::celu(1.5)(x)), values(celu(x, 1.5)));
  EXPECT_EQ(values(nn::activation::gelu(GeluForm::tanh)(x)), values(gelu(x, GeluForm::tanh)));
  EXPECT_EQ(values(nn::activation::softplus(2, 10)(x)), values(softplus(x, 2, 10)));
  EXPECT_EQ(values(nn::activation::hardtanh(-0.5, 2)(x)), values(hardtanh(x, -0.5, 2)));
  EXPECT_EQ(values(nn::activation::hardshrink(1)(x)), values(hardshrink(x, 1)));
  EXPECT_EQ(values(nn::activation::softshrink(1)(x)), values(softshrink(x, 1)));
  EXPECT_EQ(values(nn::activation::threshold(0.5, 7)(x)), values(threshold(x, 0.5, 7)));
  EXPECT_EQ(values(nn::activation::softmax(0)(x)), values(softmax(x, 0)));
  EXPECT_EQ(values(nn::activation::log_softmax(0)(x)), values(log_softmax(x, 0)));
}

TEST(Activations, WithDefaultsArePlain) {
  EXPECT_TRUE(nn::activation::leaky_relu().parameters().empty());
  EXPECT_EQ(nn::activation::leaky_relu().name(), "leaky_relu");
  EXPECT_EQ(nn::activation::leaky_relu(0.2).name(), "leaky_relu");
  EXPECT_EQ(nn::activation::leaky_relu(0.2).parameters(), (Datum::Table{{"slope", 0.2}}));
}

TEST(Activations, WithParametersAreSavedAndLoaded) {
  const TemporaryFolder folder;
  nn::Sequential model{nn::Dense(4, nn::activation::leaky_relu(0.25)), nn::Activation(nn::activation::softplus(2)), nn::Dense(2, relu)};
  const Array x = random::normal(random::key(1), {3, 5});
  const std::vector<double> want = values(model(x));
  io::save(model, folder / "m.gradus");
  const nn::Model loaded = io::load(folder / "m.gradus");
  EXPECT_EQ(values(loaded(x)), want);
  const auto* sequential = loaded.layer().as<nn::Sequential>();
  ASSERT_TRUE(sequential);
  EXPECT_EQ((*sequential)[0].as<nn::Dense>()->activation.parameters(), (Datum::Table{{"slope", 0.25}}));
  EXPECT_EQ((*sequential)[2].as<nn::Dense>()->activation.name(), "relu");
}

TEST(Activations, MistakesInParametersAreNamed) {
  const auto mistake = [](const Datum& given) {
    return error_of([&] {
      nn::Activation activation;
      FieldReading reading;
      if (!FieldType<nn::Activation>::read(activation, given, {}, reading)) fail("x", "neither text nor table");
    });
  };
  EXPECT_EQ(mistake(3), "x: neither text nor table");
  EXPECT_EQ(mistake(Datum::Table{{"name", "leaky_relu"}, {"slop", 0.1}}), "slop: unknown key; did you mean \"slope\"?");
  EXPECT_EQ(mistake(Datum::Table{{"name", "elu"}, {"alpha", -1}}), "alpha: expected a number above 0, got -1");
  EXPECT_EQ(mistake(Datum::Table{{"name", "leaky_rely"}}), "name: \"leaky_rely\" is unknown; did you mean \"leaky_relu\"?");
  EXPECT_EQ(mistake("threshold"), "bound: is missing; it must be a number");
  EXPECT_EQ(mistake("relu"), "");
}

TEST(Initializers, OrthogonalOnesKeepLengths) {
  for (const Shape& shape : {Shape{200, 300}, Shape{300, 200}, Shape{3, 3, 8, 40}, Shape{1, 7}}) {
    const Array w = nn::init::orthogonal(2)(shape, float64), flat = reshape(w, {-1, w.shape(-1)});
    const bool has_rows = flat.shape(0) <= flat.shape(1);
    const Array product = has_rows ? matmul(flat, transpose(flat)) : matmul(transpose(flat), flat);
    EXPECT_LT(max(abs(product - 4 * eye(product.shape(0)))).item(), 1e-12) << to_text(shape);
  }
  EXPECT_EQ(nn::init::orthogonal()({4, 5}, float32).dtype(), float32);
  EXPECT_EQ(error_of([] { nn::init::orthogonal()({4}, float32); }), "orthogonal: the parameter is (4,); it must have at least 2 axes");
}

TEST(Initializers, DiracPassesChannelsThrough) {
  nn::Sequential model{nn::Conv2D(4, 3, {.padding = same, .use_bias = false, .kernel_initializer = nn::init::dirac()})};
  const Array x = random::normal(random::key(1), {2, 6, 5, 4});
  EXPECT_EQ(values(model(x)), values(x));
  EXPECT_EQ(error_of([] {
              nn::init::dirac(3)({3, 3, 4, 4}, float32);
            }),
            "dirac: groups is 3 and there are 4 filters; groups must divide them");
}

// As PyTorch starts a linear layer: kernel and bias up to 1 / sqrt(inputs).
TEST(Initializers, ABiasMayFollowTheFansOfItsKernel) {
  nn::Sequential model{nn::Dense(500, {.kernel_initializer = nn::init::torch_uniform(), .bias_initializer = nn::init::torch_uniform()})};
  nn::build(model, {1, 16});
  for (const Variable& each : parameters(model)) {
    const double largest = max(abs(each.get())).item();
    EXPECT_LE(largest, 0.25) << each.path;
    EXPECT_GT(largest, 0.24) << each.path;
  }
}

TEST(Initializers, VariancesAreThoseOfTheirFans) {
  using namespace nn::init;
  const Shape shape{400, 300};
  for (const Distribution distribution : {Distribution::uniform, Distribution::normal, Distribution::truncated_normal}) {
    for (const auto& [mode, fan] : {std::pair(FanMode::in, 400.0), {FanMode::out, 300.0}, {FanMode::mean, 350.0}}) {
      const Array w = variance_scaling({.scale = 3, .fan = mode, .distribution = distribution})(shape, float64);
      EXPECT_NEAR(mean(square(w)).item(), 3 / fan, 0.02 * 3 / fan);
    }
  }
  EXPECT_EQ(error_of([] { variance_scaling({.scale = -1}); }), "variance_scaling: scale is -1; it must not be negative");
}

}  // namespace
}  // namespace gradus
