// Weights of classes and of examples in fit.
#include <gtest/gtest.h>

#include <limits>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;
using Floats = std::vector<float>;

Floats weights_of(const train::ClassWeights& weights, const data::Dataset& set) {
  return weights.applied_to(set).weights.to_vector<float>();
}
data::Dataset labelled(const Array& y, std::vector<std::string> names = {}) {
  return data::Dataset(ones({y.shape(0), 2}), y, {.class_names = std::move(names)});
}

TEST(ClassWeights, BalancedOnesMakeAllClassesWeighTheSame) {
  // 6 / (3 * 3), 6 / (3 * 1), 6 / (3 * 2): as scikit-learn's compute_class_weight("balanced") has them.
  EXPECT_EQ(weights_of(train::balanced, labelled(array({0, 0, 0, 4, 7, 7}))), (Floats{2 / 3.f, 2 / 3.f, 2 / 3.f, 2, 1, 1}));
}

TEST(ClassWeights, ClassesThatAreNotNamedWeighOne) {
  EXPECT_EQ(weights_of({{1, 5.0}}, labelled(array({0, 1, 2}))), (Floats{1, 5, 1}));
  EXPECT_EQ(weights_of({{"b", 2.0}, {2, 0.0}}, labelled(array({0, 1, 2}), {"a", "b", "c"})), (Floats{1, 2, 0}));
}

TEST(ClassWeights, LabelsMayBeColumnsFloatsBoolsOrOneHotRows) {
  EXPECT_EQ(weights_of({{1, 5.0}}, labelled(array({{0}, {1}}))), (Floats{1, 5}));
  EXPECT_EQ(weights_of({{1, 5.0}}, labelled(array({0.0, 1.0}))), (Floats{1, 5}));
  EXPECT_EQ(weights_of({{1, 5.0}}, labelled(array({0, 1}) > 0)), (Floats{1, 5}));
  EXPECT_EQ(weights_of({{2, 5.0}}, labelled(array({{0, 0, 1}, {1, 0, 0}}))), (Floats{5, 1}));
}

TEST(ClassWeights, MultiplyTheWeightsOfTheExamples) {
  EXPECT_EQ(weights_of({{1, 5.0}}, data::weighted(labelled(array({0, 1, 1})), array({2.0, 3.0, 0.0}))), (Floats{2, 15, 0}));
}

TEST(ClassWeights, ThatMakeNoSenseAreRefused) {
  const data::Dataset plain = labelled(array({0, 1, 3})), named = labelled(array({0, 1, 1}), {"T-shirt", "Trouser"});
  const auto message = [](const train::ClassWeights& weights, const data::Dataset& set) {
    return error_of([&] { weights.applied_to(set); });
  };
  EXPECT_EQ(message({{1, -1.0}}, plain), "class_weight: the weight of class 1 is -1; it must be finite and not negative");
  EXPECT_EQ(message({{1, std::numeric_limits<double>::quiet_NaN()}}, plain),
            "class_weight: the weight of class 1 is nan; it must be finite and not negative");
  EXPECT_EQ(message({{1, std::numeric_limits<double>::infinity()}}, plain),
            "class_weight: the weight of class 1 is inf; it must be finite and not negative");
  EXPECT_EQ(message({{2, 1.0}}, plain), "class_weight: no training sample is of class 2; the labels go from 0 to 3");
  EXPECT_EQ(message({{2, 1.0}}, named), "class_weight: there is no class 2; the data set has 2 classes, 0 to 1");
  EXPECT_EQ(message({{"Trousers", 1.0}}, named), "class_weight: there is no class \"Trousers\"; the nearest is Trouser");
  EXPECT_EQ(message({{"Trouser", 1.0}}, plain),
            "class_weight: there is no class \"Trouser\"; the data set has no class names, only labels");
  EXPECT_EQ(message({{1, 1.0}, {"Trouser", 2.0}}, named), "class_weight: class \"Trouser\" is given two weights");
  EXPECT_EQ(message({{0, 1.0}}, labelled(array({0.0, 0.5}))), "class_weight: y[1] is 0.5; labels must be whole numbers from 0 on");
  EXPECT_EQ(message({{0, 1.0}}, labelled(array({0, -1}))), "class_weight: y[1] is -1; labels must be whole numbers from 0 on");
  EXPECT_EQ(message({{0, 1.0}}, labelled(array({{0, 1}, {1, 1}}))),
            "class_weight: y[1, 1] is 1; weights of classes need rows that are one-hot: one 1, else 0");
  EXPECT_EQ(message({{0, 1.0}}, labelled(zeros({2, 2})))
                .rfind("class_weight: y[0, 0] is 0; weights of classes need rows that are one-hot; this one", 0),
            0u);
  EXPECT_EQ(message({{0, 1.0}}, labelled(zeros({2, 2, 2}))).rfind("class_weight: y is (2, 2, 2); weights of classes need", 0), 0u);
  EXPECT_EQ(message(train::balanced, data::Dataset(ones({2, 2}))),
            "class_weight: the data set has no targets; weights of classes need labels");
}

// ---- in fit ----

data::Dataset clouds() { return data::make_blobs(60, {.classes = 3, .spread = 2, .seed = 7}); }
nn::Sequential network() {
  random::seed(3);
  nn::Sequential model{nn::Dense(3)};
  nn::build(model, {1, 2});
  return model;
}
train::FitOptions options(double rate) {
  return {.loss = loss::sparse_categorical_crossentropy, .optimizer = optim::SGD(rate), .epochs = 4, .batch_size = 1000, .verbose = false};
}
Floats kernel(const nn::Sequential& model) { return nn::parameter(model, "0.kernel").get().to_vector<float>(); }

// An example of weight 2 is two examples; the sum is over N, not over the weights.
TEST(Weights, CountAsOftenAsTheySay) {
  const data::Dataset set = clouds();
  std::vector<int64_t> positions;
  const std::vector<int64_t> labels = set.y.to_vector<int64_t>();
  for (int64_t i = 0; i < set.size(); ++i) positions.insert(positions.end(), static_cast<size_t>(labels[static_cast<size_t>(i)] + 1), i);
  nn::Sequential repeated = network(), weighted = network(), by_class = network();
  train::fit(repeated, data::subset(set, positions), options(0.1));
  const double rate = 0.1 * 60 / static_cast<double>(positions.size());
  train::fit(weighted, data::weighted(set, set.y + 1), options(rate));
  train::FitOptions classes = options(rate);
  classes.class_weight = {{1, 2.0}, {2, 3.0}};
  train::fit(by_class, set, classes);
  const Floats want = kernel(repeated), one = kernel(weighted), other = kernel(by_class);
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_NEAR(one[i], want[i], 1e-5);
    EXPECT_NEAR(other[i], want[i], 1e-5);
  }
}

TEST(Weights, ValidationHasThoseOfItsExamplesAndNoneOfClasses) {
  nn::Sequential model = network();
  train::FitOptions how = options(0);
  how.metrics = {metrics::accuracy};
  how.validation = data::weighted(clouds(), full({60}, 2));
  how.class_weight = {{0, 100.0}};
  const train::History history = train::fit(model, clouds(), how);
  const train::Logs plain =
      train::evaluate(model, clouds(), {.loss = loss::sparse_categorical_crossentropy, .metrics = {metrics::accuracy}, .verbose = false});
  EXPECT_NEAR(history.last("val_loss"), 2 * plain["loss"], 1e-5);
  EXPECT_NEAR(history.last("val_accuracy"), plain["accuracy"], 1e-9) << "metrics do not weigh";
  const Array losses = loss::sparse_categorical_crossentropy(model(clouds().x), clouds().y, {.reduction = loss::Reduction::none});
  EXPECT_NEAR(history.last("loss"), mean(where(clouds().y == 0, 100, 1) * losses).item(), 1e-4);
}

TEST(Weights, ThatCannotBeUsedAreRefusedBeforeTraining) {
  nn::Sequential model = network();
  train::FitOptions how = options(0.1);
  EXPECT_EQ(error_of([&] { train::fit(model, data::weighted(clouds(), zeros({60})), how); }),
            "fit: all training samples weigh 0; at least one must count");
  how.loss = [](const Array& output, const Array& target) { return loss::sparse_categorical_crossentropy(output, target); };
  EXPECT_EQ(error_of([&] {
              train::fit(model, data::weighted(clouds(), ones({60})), how);
            }).rfind("fit: there are weights of examples or classes, and the loss \"custom\" takes none;", 0),
            0u);
  how.class_weight = train::balanced;
  EXPECT_NE(error_of([&] { train::fit(model, clouds(), how); }), "");
}

TEST(Weights, AreInTheBatchesOfAnObjectiveOfOnesOwn) {
  nn::Sequential model = network();
  train::FitOptions how = options(0.1);
  how.class_weight = train::balanced;
  const auto objective = [](const auto& m, const data::Batch& batch) {
    return mean(batch.weights * loss::sparse_categorical_crossentropy(m(batch.x), batch.y, {.reduction = loss::Reduction::none}));
  };
  nn::Sequential same = network();
  train::fit(model, objective, clouds(), how);
  train::fit(same, clouds(), how);
  EXPECT_EQ(kernel(model), kernel(same)) << "clouds of equal size have weight 1";
}

TEST(ClassWeights, LabelsThatTheLossIgnoresAreOfNoClass) {
  EXPECT_EQ(weights_of(train::balanced, labelled(array({0, 0, -100, 1, -100}))), (Floats{0.75f, 0.75f, 1, 1.5f, 1}));
  EXPECT_EQ(weights_of({{1, 5.0}}, labelled(array({0, 1, -100}))), (Floats{1, 5, 1}));
}

}  // namespace
}  // namespace gradus
