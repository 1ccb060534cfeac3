// Metrics against numbers worked out by hand, and the numbers of a history.
#include <gtest/gtest.h>

#include <cmath>

#include "gradus/gradus.hpp"
#include "gradus/train/chart.hpp"
#include "gradus/train/evaluation.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;

// Predictions 2, 0, 1, 1, 0 of labels 2, 1, 1, 1, 2.
const std::vector<int64_t> kLabels = {2, 1, 1, 1, 2};
Array logits() { return array({{-3.0, -2.0, -1.0}, {0.5, 0.25, 0.0}, {1.0, 9.0, 2.0}, {-1.0, 0.0, -1.0}, {7.0, 6.0, 5.0}}); }

TEST(Accuracy, IsTheShareOfRightLabels) {
  const Array labels = array(kLabels);
  EXPECT_NEAR(metrics::accuracy(logits(), labels).item(), 0.6, 1e-6);
  EXPECT_NEAR(metrics::accuracy(logits(), reshape(labels, {5, 1})).item(), 0.6, 1e-6);
  EXPECT_NEAR(metrics::accuracy(logits(), one_hot(labels, 3)).item(), 0.6, 1e-6);
  EXPECT_NEAR(metrics::accuracy(reshape(logits(), {1, 5, 3}), reshape(labels, {1, 5})).item(), 0.6, 1e-6);
  EXPECT_NEAR(metrics::accuracy(logits().astype(bfloat16), labels.astype(uint8)).item(), 0.6, 1e-6);
  EXPECT_EQ(error_of([&] { metrics::accuracy(logits(), array({1, 2})); }),
            "accuracy: output is (5, 3) and target is (2,); target must be (5,) or (5, 3)");
}

TEST(Accuracy, OfOneLogitAsksForItsSign) {
  const Array output = array({0.5, -0.5, 0.0, 3.0}), target = array({1, 0, 1, 0});  // a logit of 0 is class 0
  EXPECT_EQ(metrics::accuracy(output, target).item(), 0.5);
  EXPECT_EQ(metrics::accuracy(reshape(output, {4, 1}), target).item(), 0.5);
  EXPECT_EQ(metrics::accuracy(reshape(output, {4, 1}), target == 1).item(), 0.5);
  EXPECT_EQ(metrics::binary_accuracy(output, array({0.5, 0.49, 0.2, 0.4})).item(), 0.75);  // a target of 0.5 is class 1
  EXPECT_EQ(metrics::binary_accuracy(array({{1.0, -1.0}, {1.0, 1.0}}), array({{1, 1}, {0, 1}})).item(), 0.5);
  EXPECT_EQ(error_of([&] { metrics::binary_accuracy(output, array({1, 0})); }),
            "binary_accuracy: output is (4,) and target is (2,); they must be equal");
}

TEST(Metrics, OfErrorsAreTheLosses) {
  const Array output = array({1.0, 2.0, 4.0}), target = array({2.0, 2.0, 1.0});
  EXPECT_NEAR(metrics::mean_absolute_error(output, target).item(), 4.0 / 3, 1e-6);
  EXPECT_NEAR(metrics::mean_squared_error(output, target).item(), 10.0 / 3, 1e-6);
}

TEST(Metrics, AreFoundByTheirNames) {
  for (const char* name : {"accuracy", "binary_accuracy", "mean_absolute_error", "mean_squared_error", "top_1", "top_12"}) {
    EXPECT_EQ(metrics::Metric::from_name(name).name(), name);
  }
  EXPECT_NEAR(metrics::Metric::from_name("mean_squared_error")(array({1.0}), array({4.0})).item(), 9, 1e-6);
  for (const char* name : {"top_0", "top_-1", "top_2x", "top_", "top_99999999999999999999"}) {
    EXPECT_NE(error_of([&] { metrics::Metric::from_name(name); }), "") << name;
  }
  EXPECT_EQ(metrics::Metric([](const Array& o, const Array&) { return mean(o); }).name(), "metric");
}

// Confusion of the labels above: class 1 is seen as 0, 1, 1; class 2 as 2, 0; class 0 does not occur.
TEST(Evaluation, PrecisionRecallAndF1OfEachClass) {
  const data::Dataset set(zeros({5, 1}), array(kLabels), {.class_names = {"a", "b", "c"}});
  const train::Classification answers = train::classify(logits(), set);
  EXPECT_EQ(answers.confusion().counts, (std::vector<int64_t>{0, 0, 0, 1, 2, 0, 1, 0, 1}));
  using Row = std::vector<std::string>;
  const std::vector<Row> rows = answers.class_table().rows;
  EXPECT_EQ(rows[0], (Row{"a", "0.000", "0.000", "0.000", "0"}));
  EXPECT_EQ(rows[1], (Row{"b", "1.000", "0.667", "0.800", "3"}));
  EXPECT_EQ(rows[2], (Row{"c", "1.000", "0.500", "0.667", "2"}));
  EXPECT_EQ(answers.accuracy(), 0.6);
  EXPECT_EQ(train::Classification().accuracy(), 0);
}

TEST(Evaluation, NamesClassesThatHaveNone) {
  const data::Dataset set(zeros({1, 1}), array({2}), {});
  const train::Classification answers = train::classify(array({{0.0, 0.0, 1.0}}), set);
  EXPECT_EQ(answers.class_names, (std::vector<std::string>{"0", "1", "2"}));
}

TEST(Evaluation, SetsThatAreNoClassification) {
  const data::Dataset labels(zeros({2, 1}), array({0, 1})), numbers(zeros({2, 1}), array({0.5, 1.5})), none(zeros({2, 1}));
  EXPECT_TRUE(train::is_classification(zeros({2, 3}), labels));
  EXPECT_TRUE(train::is_classification(zeros({2}), labels));
  EXPECT_FALSE(train::is_classification(zeros({2, 3, 4}), labels));
  EXPECT_FALSE(train::is_classification(zeros({2, 3}), numbers));
  EXPECT_FALSE(train::is_classification(zeros({2, 3}), none));
  EXPECT_FALSE(train::is_classification(zeros({2, 3}), data::Dataset(zeros({2, 1}), zeros({2, 2}, int64))));
}

// Right ones in the order of the set, wrong ones by how sure the model was.
TEST(Evaluation, SampleImagesAreTheFirstRightAndTheSurestWrong) {
  const Array x = reshape(arange(6 * 6).astype(float32) / 35, {6, 1, 2, 3});
  const data::Dataset set(x, array({0, 0, 0, 0, 0, 0}), {.class_names = {"a", "b"}});
  const Array output = array({{1.0, 0.0}, {0.0, 1.0}, {2.0, 0.0}, {0.0, 5.0}, {3.0, 0.0}, {0.0, 2.0}});
  const train::Classification answers = train::classify(output, set);
  const std::vector<train::SampleImage> images = train::sample_images(set, answers, 2, 2);
  ASSERT_EQ(images.size(), 4u);
  const size_t chosen[] = {0, 2, 3, 5};
  for (size_t i = 0; i < 4; ++i) {
    ASSERT_EQ(images[i].pixels.size(), 6u);
    for (size_t j = 0; j < 6; ++j)
      EXPECT_NEAR(images[i].pixels[j], 255 * static_cast<double>(chosen[i] * 6 + j) / 35, 0.5 + 1e-4) << i << " " << j;
    EXPECT_EQ(images[i].is_right, i < 2);
    EXPECT_EQ(images[i].prediction, i < 2 ? "a" : "b");
    EXPECT_EQ((Shape{images[i].height, images[i].width, images[i].channels}), (Shape{1, 2, 3}));
  }
  EXPECT_NEAR(images[2].probability, 1 / (1 + std::exp(-5)), 1e-9);
  const data::Dataset odd(full({1, 1, 1, 3}, 2.5), array({0}), {.class_names = {"a", "b"}});
  EXPECT_EQ(train::sample_images(odd, train::classify(array({{1.0, 0.0}}), odd), 1, 1)[0].pixels, (std::vector<uint8_t>{255, 255, 255}));
  const data::Dataset two_channels(zeros({1, 1, 1, 2}), array({0}), {.class_names = {"a", "b"}});
  EXPECT_TRUE(train::sample_images(two_channels, train::classify(array({{1.0, 0.0}}), two_channels), 1, 1).empty());
}

TEST(Accuracy, OfAnswersTakesAColumnForARowAndNoOtherShape) {
  const Array flat = array({1.0, -1.0, 2.0, -3.0, 1.0, -2.0}), truth = array({1, 0, 1, 1, 1, 0});
  EXPECT_NEAR(metrics::binary_accuracy(flat, truth).item(), 5.0 / 6, 1e-6);
  EXPECT_NEAR(metrics::binary_accuracy(reshape(flat, {6, 1}), truth).item(), 5.0 / 6, 1e-6);
  EXPECT_NEAR(metrics::binary_accuracy(flat, reshape(truth, {6, 1})).item(), 5.0 / 6, 1e-6);
  EXPECT_NEAR(metrics::binary_accuracy(reshape(flat, {2, 3, 1}), reshape(truth, {2, 3})).item(), 5.0 / 6, 1e-6);
  EXPECT_EQ(error_of([&] {
              metrics::binary_accuracy(reshape(flat, {2, 3}), reshape(truth, {3, 2}));
            }),
            "binary_accuracy: output is (2, 3) and target is (3, 2); they must be equal");
  EXPECT_EQ(error_of([&] {
              metrics::binary_accuracy(reshape(flat, {2, 3}), truth);
            }),
            "binary_accuracy: output is (2, 3) and target is (6,); they must be equal");
  EXPECT_EQ(error_of([&] {
              metrics::binary_accuracy(reshape(flat, {6, 1}), reshape(truth, {1, 6}));
            }),
            "binary_accuracy: output is (6, 1) and target is (1, 6); they must be equal");
}

TEST(History, CsvHasOneRowAnEpochAndEveryName) {
  train::History history;
  history.epochs.resize(2);
  history.epochs[0] = {.number = 1, .learning_rate = 0.1, .seconds = 0.5, .steps = 3};
  history.epochs[0].logs.set("loss", 2);
  history.epochs[1] = {.number = 2, .learning_rate = 0.05, .seconds = 0.25, .steps = 6};
  history.epochs[1].logs.set("loss", 1.5);
  history.epochs[1].logs.set("val_loss", 1.75);
  EXPECT_EQ(to_csv(history), "epoch,steps,learning_rate,seconds,loss,val_loss\n1,3,0.1,0.5,2,\n2,6,0.05,0.25,1.5,1.75\n");
  EXPECT_EQ(history.last("loss"), 1.5);
  EXPECT_EQ(history.series("loss"), (std::vector<double>{2, 1.5}));
  EXPECT_TRUE(std::isnan(history.series("val_loss")[0]));
  EXPECT_EQ(history.series("val_loss")[1], 1.75);
  EXPECT_EQ(error_of([&] { history.last("val_los"); }), "logs: there is no \"val_los\"; the nearest is val_loss");
  EXPECT_EQ(error_of([] { train::History().last("loss"); }), "history: no epoch was finished");
}

TEST(Logs, KeepTheirOrderAndPrintForReading) {
  train::Logs logs;
  logs.set("loss", 0.5);
  logs.set("rate", 1e-5);
  logs.set("loss", 12.34567);
  logs.set("big", 123456);
  logs.set("least", 1e-3);
  logs.set("none", std::nan(""));
  EXPECT_EQ(to_text(logs), "loss 12.3457, rate 1e-05, big 1.235e+05, least 0.0010, none nan");
  EXPECT_TRUE(logs.contains("rate"));
  EXPECT_FALSE(logs.contains("rat"));
}

TEST(Chart, PutsPointsAndMarksWhereTheyBelong) {
  const std::string svg = train::to_svg({.title = "t", .x_label = "x", .curves = {{"a", {0, 10, 5}, {0, 4, std::nan("")}}}});
  // x: 0 to 10 on 54 to 386; y: 0 to 4 and a margin of 0.2 above on 216 up to 12.
  EXPECT_NE(svg.find("points=\"54.0,216.0 386.0,21.7\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("y1=\"118.9\" y2=\"118.9\"/><text class=\"mark\" text-anchor=\"end\" x=\"47.0\" y=\"122.9\">2</text>"),
            std::string::npos)
      << svg;
  EXPECT_NE(svg.find("text-anchor=\"middle\" x=\"120.4\" y=\"234.0\">2</text>"), std::string::npos) << svg;
  EXPECT_NE(svg.find("<title>a 4 at 10</title>"), std::string::npos) << svg;
  const std::string below = train::to_svg({.title = "t", .curves = {{"a", {1, 2}, {-1, 1}}, {"b", {1}, {0}}}});
  EXPECT_NE(below.find("points=\"54.0,206.7 386.0,21.3\""), std::string::npos) << below;  // a margin on both sides
  EXPECT_NE(below.find("class=\"s2\""), std::string::npos) << below;
}

TEST(Chart, MarksStepByOneTwoOrFive) {
  using Marks = std::vector<double>;
  EXPECT_EQ(train::axis_marks(0, 5, 5), (Marks{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(train::axis_marks(-7, 7, 5), (Marks{-5, 0, 5}));
  EXPECT_EQ(train::axis_marks(0, 100, 2), (Marks{0, 50, 100}));
  EXPECT_EQ(train::axis_marks(1, 31, 5), (Marks{10, 20, 30}));
  EXPECT_TRUE(train::axis_marks(0, 1, 0).empty());
  EXPECT_TRUE(train::axis_marks(2, 1, 5).empty());
}

TEST(Accuracy, OfTokensLeavesPaddingOut) {
  const Array output = array({{{2, 1, 0}, {0, 1, 2}, {0, 3, 1}}, {{1, 0, 0}, {5, 0, 0}, {0, 0, 1}}});
  EXPECT_FLOAT_EQ(metrics::token_accuracy(output, array({{0, 2, 0}, {0, -100, -100}})).item<float>(), 0.75f);
  EXPECT_EQ(metrics::token_accuracy(output, full({2, 3}, -100)).item(), 0);
  EXPECT_EQ(metrics::Metric::from_name("token_accuracy").name(), "token_accuracy");
  EXPECT_EQ(error_of([&] { metrics::token_accuracy(output, array({0, 1})); }),
            "token_accuracy: output is (2, 3, 3) and target is (2,); target must be (2, 3) or (2, 3, 3)");
  EXPECT_EQ(error_of([&] { metrics::token_accuracy(array({1, 2}), array({0, 1})); }),
            "token_accuracy: output is (2,); it must be (..., classes), a logit for each token");
  EXPECT_DOUBLE_EQ(metrics::perplexity(std::log(65.0)), 65);
}

TEST(Evaluation, RefusesMetricsThatAreNoNumber) {
  const nn::Sequential model{nn::Dense(2)};
  const data::Dataset set(ones({3, 2}), ones({3, 2}));
  const auto said = [&](const metrics::Metric& metric) {
    return error_of([&] { train::evaluate(model, set, {.loss = loss::mean_squared_error, .metrics = {metric}, .verbose = false}); });
  };
  const auto rows = [](const Array& output, const Array&) { return mean(output, 1); };
  const auto number = [](const Array& output, const Array&) { return mean(output); };
  EXPECT_NE(said({"rows", rows}).find("the metric rows returned an array (3,); it must return a scalar"), std::string::npos);
  EXPECT_NE(said({"odd", number, rows}).find("the divisor of the metric odd returned an array (3,)"), std::string::npos);
}
// A token counts as much in one batch as in another.
TEST(Evaluation, WeighsTokenAccuracyByTheTokensThatCount) {
  const nn::Sequential model{nn::Embedding(1, 2, {.initializer = nn::init::zeros()}), nn::Dense(2)};  // says 0 of everything
  const data::Dataset set(zeros({4, 4}, int64),
                          array({{0, 0, 0, 0}, {1, -100, -100, -100}, {1, -100, -100, -100}, {-100, -100, -100, -100}}));
  const metrics::Metric own(
      "own", [](const Array& output, const Array& target) { return mean(output) + mean(target.astype(float32)); },
      [](const Array&, const Array& target) { return sum((target == 0).astype(float32)); });
  for (const int64_t batch : {1, 2, 3, 4}) {
    const train::Logs logs = train::evaluate(
        model, set,
        {.loss = loss::sparse_categorical_crossentropy, .metrics = {metrics::token_accuracy, own}, .batch_size = batch, .verbose = false});
    EXPECT_NEAR(logs["token_accuracy"], 4.0 / 6, 1e-6) << batch;
    if (batch == 1) {
      EXPECT_EQ(logs["own"], 0);  // that of the first batch, the only one with a 0
    }
  }
}

}  // namespace
}  // namespace gradus
