// Calls, copies, sharing, building, freezing, paths of errors.
#include "gradus/graph/parameter.hpp"
#include "gradus/nn/nn.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/transform/grad.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;

// Modules of users are plain structs.
struct Mixer {
  nn::Dense wide{8, tanh}, narrow{4};
  Parameter gain{};
  Array forward(const Array& x) const { return narrow(wide(x)) * gain({4}, nn::init::ones()); }
  GRADUS_PARTS(wide, narrow, gain)
};
struct Pair {
  nn::Dense left{3}, right{3};
  Array forward(const Array& a, const Array& b) const { return left(a) + right(b); }
  GRADUS_PARTS(left, right)
};

struct Noisy {
  nn::Dense dense{2};
  Array forward(const Array& x) const { return dense(x + random::normal(x.shape())); }
  GRADUS_PARTS(dense)
};

namespace {

using testing::error_of;

std::vector<float> floats(const Array& x) { return x.to_vector<float>(); }

TEST(Module, ParametersAreMadeAtTheFirstCallAndFoundByPath) {
  const nn::Sequential model{nn::Dense(5, relu), Mixer{}, nn::Sequential{nn::Dense(2)}};
  EXPECT_FALSE(nn::is_built(model));
  EXPECT_EQ(model(ones({7, 3})).shape(), (Shape{7, 2}));
  std::vector<std::string> paths;
  for (const Variable& variable : nn::parameters(model)) paths.push_back(variable.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"0.kernel", "0.bias", "1.wide.kernel", "1.wide.bias", "1.narrow.kernel", "1.narrow.bias",
                                             "1.gain", "2.0.kernel", "2.0.bias"}));
  EXPECT_EQ(nn::parameter(model, "1.narrow.kernel").get().shape(), (Shape{8, 4}));
  EXPECT_EQ(nn::count_parameters(model), 3 * 5 + 5 + 5 * 8 + 8 + 8 * 4 + 4 + 4 + 4 * 2 + 2);
  EXPECT_EQ(error_of([&] { nn::parameter(model, "0.kernl"); }), "parameter: the model has none at \"0.kernl\"; the nearest is 0.kernel");
}

TEST(Module, BuildMakesParametersWithoutEvaluatingOrMovingTheGenerator) {
  nn::Sequential model{nn::Dense(5, relu), nn::Dropout(0.5), nn::BatchNorm(), nn::Dense(2)};
  random::seed(3);
  const auto before = random::state();
  const int64_t kernels = counters().kernels_run;
  nn::build(model, {1, 3});
  EXPECT_EQ(counters().kernels_run, kernels);
  EXPECT_EQ(random::state().counter, before.counter);
  EXPECT_TRUE(nn::is_built(model));
  EXPECT_EQ(nn::parameter(model, "0.kernel").get().shape(), (Shape{3, 5}));
  Pair pair;
  nn::build(pair, {{{1, 3}}, {{1, 4}}});
  EXPECT_EQ(nn::parameter(pair, "right.kernel").get().shape(), (Shape{4, 3}));
  nn::Dense doubles(2);
  nn::build(doubles, {1, 3}, float64);
  EXPECT_EQ(doubles.kernel.get().dtype(), float64);
  EXPECT_EQ(doubles(ones({1, 3}, float64)).dtype(), float64);
}

TEST(Module, SameSeedMakesSameFirstValues) {
  const auto make = [] {
    random::seed(11);
    nn::Dense layer(4);
    nn::build(layer, {1, 3});
    return floats(layer.kernel);
  };
  const std::vector<float> once = make();
  EXPECT_EQ(once, make());
  nn::Dense other(4);
  nn::build(other, {1, 3});
  EXPECT_NE(once, floats(other.kernel));
}

TEST(Module, ACopyIsASnapshot) {
  nn::Sequential model{nn::Dense(2), Mixer{}};
  const Array x = ones({1, 3});
  const std::vector<float> before = floats(model(x));
  const auto copy = model;
  const nn::Layer layer = model;
  for (const Variable& variable : nn::parameters(model)) variable.set(variable.get() + 1);
  EXPECT_NE(floats(model(x)), before);
  EXPECT_EQ(floats(copy(x)), before);
  EXPECT_EQ(floats(layer(x)), before);
  const nn::Sequential inner{nn::Dense(2)}, outer{inner};
  EXPECT_EQ(outer.size(), 1u);
}

TEST(Module, SharedPartsAreCountedOnceAndStayTiedInCopies) {
  auto tied = nn::share(nn::Dense(3, tanh));
  nn::Sequential model{tied, nn::LayerNorm(), tied};
  const Array x = ones({2, 3});
  model(x);
  EXPECT_EQ(nn::count_parameters(model), 3 * 3 + 3 + 6);
  EXPECT_EQ(nn::parameters(model)[0].cell, tied->kernel.cell());
  nn::Sequential copy = model;
  EXPECT_EQ(nn::count_parameters(copy), 3 * 3 + 3 + 6);
  EXPECT_NE(nn::parameters(copy)[0].cell, tied->kernel.cell());
  EXPECT_EQ(copy[0].as<nn::Dense>(), copy[2].as<nn::Dense>());
  nn::parameter(copy, "0.kernel").set(zeros({3, 3}));
  EXPECT_NE(floats(copy(x)), floats(model(x)));
}

TEST(Module, GradientsReachEveryParameterButFrozenOnes) {
  nn::Sequential model{nn::Dense(4, tanh), nn::Dense(1)};
  const Array x = random::normal({5, 3});
  const auto objective = [&](const auto& m) { return mean(square(m(x))); };
  auto [value, grads] = value_and_grad(objective)(model);
  EXPECT_EQ(grads.size(), 4u);
  EXPECT_EQ(grads["0.kernel"].shape(), (Shape{3, 4}));
  nn::freeze(model[0]);
  auto [again, fewer] = value_and_grad(objective)(model);
  EXPECT_EQ(fewer.size(), 2u);
  EXPECT_FALSE(fewer.contains("0.kernel"));
  nn::unfreeze(model);
  EXPECT_EQ(nn::parameters(model).size(), 4u);
}

TEST(Module, ErrorsNameThePlaceInTheModel) {
  const nn::Sequential model{nn::Dense(4, relu), nn::Dense(2)};
  model(ones({1, 785}));
  EXPECT_EQ(error_of([&] {
              model(ones({32, 784}));
            }),
            "matmul: a is (32, 784) and b is (785, 4): a's last size (784) and b's second to last (785) must be equal\n"
            "  in: Sequential > dense (Dense, 785 -> 4)");
  struct Local {};
  const nn::Sequential nested{Mixer{}};
  nested(ones({1, 3}));
  EXPECT_EQ(error_of([&] {
              nested(ones({1, 5}));
            }),
            "matmul: a is (1, 5) and b is (3, 8): a's last size (5) and b's second to last (3) must be equal\n"
            "  in: Sequential > mixer (Mixer) > wide (Dense, 3 -> 8)");
  EXPECT_EQ(error_of([&] {
              model(ones({1, 785}, float64));
            }),
            "dense: x has dtype float64 and the layer's parameters float32; they must be equal: x.astype(float32), or a model built with "
            "nn::build(model, shape, float64)\n  in: Sequential > dense (Dense, 785 -> 4)");
}

TEST(Module, BadHyperParametersAreErrors) {
  EXPECT_EQ(error_of([] { nn::Dense(0); }), "Dense: units is 0; it must be at least 1");
  EXPECT_EQ(error_of([] { nn::Dropout(1); }), "Dropout: rate is 1; it must be at least 0 and below 1");
  EXPECT_EQ(error_of([] { nn::Conv2D(8, 3, {.strides = 0}); }), "Conv2D: strides is 0; it must be at least 1");
  EXPECT_EQ(error_of([] { nn::Activation::from_name("rleu"); }).substr(0, 41), "activation: there is none called \"rleu\"; ");
  EXPECT_EQ(error_of([] { nn::make_layer("Dens"); }).substr(0, 37), "layer: there is no type \"Dens\"; known");
}

TEST(Module, SummaryCountsLayersParametersAndMultiplyAdds) {
  nn::Sequential model{nn::Conv2D(32, 3, relu), nn::MaxPooling2D(2), nn::Flatten(), nn::Dense(10)};
  const nn::Summary summary = nn::summarize(model, {1, 28, 28, 1});
  ASSERT_EQ(summary.rows.size(), 5u);
  EXPECT_EQ(summary.rows[1].name, "conv2d");
  EXPECT_EQ(summary.rows[1].output, (Shape{1, 26, 26, 32}));
  EXPECT_EQ(summary.rows[1].parameters, 320);
  EXPECT_EQ(summary.rows[1].multiply_adds, 26 * 26 * 32 * 9);
  EXPECT_EQ(summary.rows[4].parameters, 13 * 13 * 32 * 10 + 10);
  EXPECT_EQ(summary.trainable, 320 + 13 * 13 * 32 * 10 + 10);
  EXPECT_EQ(summary.multiply_adds, 26 * 26 * 32 * 9 + 13 * 13 * 32 * 10);
  const std::string text = nn::summary(model);
  EXPECT_NE(text.find("Dense (5408 -> 10)"), std::string::npos) << text;
  EXPECT_EQ(error_of([] { nn::summary(nn::Sequential{nn::Dense(1)}); }),
            "summary: the model has not been called, so its input is not known; give its shape: nn::summary(model, {1, 28, 28, 1})");
}

struct Hidden {};  // in a namespace without a name
template <class T>
struct Residual {};

std::string name_of_a_local_type(int, const std::string&) {
  struct Local {};
  return nn::detail::type_name<Local>();
}

TEST(Module, TypesAreNamedWithoutTheirNamespaces) {
  EXPECT_EQ(nn::detail::type_name<nn::Dense>(), "Dense");
  EXPECT_EQ(nn::detail::type_name<Hidden>(), "Hidden");
  EXPECT_EQ(nn::detail::type_name<Residual<nn::Dense>>(), "Residual<Dense>");
  EXPECT_EQ(nn::detail::type_name<Residual<Residual<Hidden>>>(), "Residual<Residual<Hidden>>");
  EXPECT_EQ(name_of_a_local_type(0, ""), "Local");
}

// ---- a model that is too large to be made ----

TEST(Module, AfterAModelThatIsTooLargeAllElseIsComputedAsBefore) {
  const auto computes = [] { return (ones({3}) + 1).to_vector<float>() == std::vector<float>{2, 2, 2}; };
  {
    nn::Dense large(1 << 20);
    EXPECT_THROW(
        {
          nn::build(large, {1, 1 << 20});  // 4 TiB
          large(ones({1, 1 << 20})).eval();
        },
        Error);
    EXPECT_TRUE(computes());  // the model is still there
    nn::Dense small(2);
    nn::build(small, {1, 3});
    EXPECT_EQ(small(ones({1, 3})).to_vector<float>().size(), 2u);
  }
  EXPECT_TRUE(computes());  // and gone
  nn::BatchNorm norm;
  const nn::TrainingMode training;
  EXPECT_EQ(norm(ones({4, 2})).to_vector<float>().size(), 8u);
}

TEST(Build, LeavesTheNumbersOfTheProgramAsTheyWere) {
  random::seed(5);
  const std::vector<float> want = random::normal({4}).to_vector<float>();
  random::seed(5);
  const Noisy model;
  nn::build(model, {1, 3});
  EXPECT_EQ(random::normal({4}).to_vector<float>(), want);
}

}  // namespace
}  // namespace gradus
