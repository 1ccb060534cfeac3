// gradus show: what small models have learned can be read; large ones are told by their numbers; what is not finite is seen.
#include <cmath>

#include "gradus/gradus.hpp"
#include "tests/cli/subprocess.hpp"

namespace gradus {
namespace {

using testing::Outcome;
using testing::run_gradus;
using testing::TemporaryFolder;

// What is shown of a model whose parameters are `values`, in order.
std::string shown(const nn::Sequential& model, const Shape& input, const std::vector<Array>& values, nn::ModelInfo info = {},
                  const std::vector<std::string>& more = {}) {
  const TemporaryFolder folder;
  nn::build(model, input);
  size_t at = 0;
  for (const Variable& variable : variables(model)) {
    if (at < values.size()) variable.set(values[at++].astype(variable.get().dtype()).eval());
  }
  io::save(model, folder / "m", std::move(info));
  std::vector<std::string> arguments = {"show", folder / "m"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Outcome outcome = run_gradus(arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return outcome.out;
}

TEST(Show, LinearRegressionIsAnEquation) {
  EXPECT_EQ(shown(nn::Sequential{nn::Dense(1)}, {1, 2}, {array({{3.01}, {-1.99}}), array({0.5})},
                  {.name = "line", .description = "a line", .input_shape = {2}}),
            "line: a line\ninput (2,) float32\n\ny = 3.01 x1 - 1.99 x2 + 0.5\n\n0.kernel (2, 1) float32\n   3.01\n  -1.99\n\n0.bias (1,) "
            "float32\n  0.5\n");
}

TEST(Show, SignsAndWhatIsMissing) {
  const std::string out = shown(nn::Sequential{nn::Dense(1, {.use_bias = false})}, {1, 3}, {array({{-1.0}, {0.0}, {1e-7}})});
  EXPECT_NE(out.find("\ny = -1 x1 + 0 x2 + 1e-07 x3\n"), std::string::npos) << out;
  EXPECT_EQ(out.find("bias"), std::string::npos);
}

TEST(Show, LogisticRegressionHasALogitForEachClass) {
  const std::vector<std::string> names = {"low", "hi\x1bgh"};
  const std::string two = shown(nn::Sequential{nn::Dense(2)}, {1, 1}, {array({{1.0, -2.0}}), array({0.0, 0.25})}, {.class_names = names});
  EXPECT_NE(two.find("logit of low = 1 x1 + 0\nlogit of hi\\x1bgh = -2 x1 + 0.25\n"), std::string::npos) << two;
  const std::string one = shown(nn::Sequential{nn::Dense(1)}, {1, 1}, {array({{4.0}}), array({-1.0})}, {.class_names = names});
  EXPECT_NE(one.find("logit of hi\\x1bgh = 4 x1 - 1\n"), std::string::npos) << one;
  const std::string no_names = shown(nn::Sequential{nn::Dense(2, sigmoid)}, {1, 1}, {array({{1.0, -2.0}}), array({0.0, 0.25})});
  EXPECT_NE(no_names.find("y1 = sigmoid(1 x1 + 0)\ny2 = sigmoid(-2 x1 + 0.25)\n"), std::string::npos) << no_names;
}

TEST(Show, DeeperNetworksHaveNoEquationButMatrices) {
  const std::string out = shown(nn::Sequential{nn::Dense(2, relu), nn::Dense(1)}, {1, 2}, {array({{1.5, -2.0}, {0.0, 10.0}})});
  EXPECT_EQ(out.find("x1"), std::string::npos);
  EXPECT_NE(out.find("0.kernel (2, 2) float32\n  1.5   -2\n    0   10\n"), std::string::npos) << out;
  EXPECT_EQ(shown(nn::Sequential{nn::Dense(1), nn::Activation(exp)}, {1, 1}, {}).find("x1"), std::string::npos);
}

TEST(Show, LargeArraysAreToldByStatistics) {
  const std::string out = shown(nn::Sequential{nn::Dense(2), nn::Dense(1)}, {1, 60}, {concatenate({ones({30, 2}), full({30, 2}, 3)})});
  EXPECT_NE(out.find("0.kernel (60, 2) float32: mean 2, deviation 1, from 1 to 3\n"), std::string::npos) << out;
  EXPECT_EQ(out.find("0.kernel (60, 2) float32\n"), std::string::npos);
  const std::string whole = shown(nn::Sequential{nn::Dense(2), nn::Dense(1)}, {1, 60}, {}, {}, {"--most", "120"});
  EXPECT_NE(whole.find("0.kernel (60, 2) float32\n"), std::string::npos) << whole;
}

TEST(Show, WhatIsNotFiniteIsSeen) {
  const double nan = std::nan("");
  const std::string small = shown(nn::Sequential{nn::Dense(1)}, {1, 2}, {array({{nan}, {-INFINITY}}), array({1.0})});
  EXPECT_NE(small.find("y = nan x1 - inf x2 + 1\n"), std::string::npos) << small;
  EXPECT_NE(small.find("   nan\n  -inf\n"), std::string::npos) << small;
  Array kernel = ones({200, 1});
  kernel.set({0, 0}, nan);
  kernel.set({1, 0}, INFINITY);
  const std::string large = shown(nn::Sequential{nn::Dense(1)}, {1, 200}, {kernel});
  EXPECT_NE(large.find("mean 1, deviation 0, from 1 to 1, 1 nan, 1 infinite\n"), std::string::npos) << large;
  EXPECT_NE(shown(nn::Sequential{nn::Dense(1)}, {1, 200}, {full({200, 1}, nan)}).find("0.kernel (200, 1) float32: 200 nan\n"),
            std::string::npos);
}

TEST(Show, PreprocessingIsSaid) {
  const std::string out = shown(nn::Sequential{nn::Dense(1)}, {1, 2}, {},
                                {.input_shape = {2}, .preprocessing = nn::Preprocessing{.mean = {10, -1}, .deviation = {2}}});
  EXPECT_NE(out.find("x is (given - mean) / deviation; mean 10, -1; deviation 2\n"), std::string::npos) << out;
}

TEST(Show, ModelsWithoutParametersAndConvolutions) {
  EXPECT_EQ(shown(nn::Sequential{nn::Flatten()}, {1, 2}, {}, {.input_shape = {2}}), "input (2,) float32\n");
  const std::string out = shown(nn::Sequential{nn::Conv2D(1, 2)}, {1, 4, 4, 1}, {array({1.0, 2.0, 3.0, 4.0}, {2, 2, 1, 1})});
  EXPECT_NE(out.find("0.kernel (2, 2, 1, 1) float32: mean 2.5, deviation 1.11803, from 1 to 4\n[[[[1.]]"), std::string::npos) << out;
  EXPECT_NE(run_gradus({"show", "nowhere"}).err.find("nowhere: no such file or folder"), std::string::npos);
}

}  // namespace
}  // namespace gradus
