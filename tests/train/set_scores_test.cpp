// Scores of whole sets in fit and evaluate: exact, whatever the batches.
#include <gtest/gtest.h>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;

data::Dataset clouds() { return data::make_blobs(150, {.classes = 3, .spread = 2, .seed = 4}); }
nn::Sequential network(int64_t outputs = 3) {
  random::seed(3);
  return nn::Sequential{nn::Dense(8, relu), nn::Dense(outputs)};
}
const std::vector<metrics::Metric> kScores = {metrics::accuracy, metrics::f1, metrics::roc_auc, metrics::log_loss,
                                              metrics::Metric::from_name("precision_weighted")};

TEST(SetScores, OfEvaluateAreThoseOfAllOutputs) {
  const data::Dataset set = clouds();
  nn::Sequential model = network();
  train::fit(model, set, {.loss = loss::sparse_categorical_crossentropy, .epochs = 2, .verbose = false});
  const Array output = train::predict(model, set);
  for (const int64_t batch : {1, 7, 64, 150}) {
    const train::Logs logs = train::evaluate(
        model, set, {.loss = loss::sparse_categorical_crossentropy, .metrics = kScores, .batch_size = batch, .verbose = false});
    EXPECT_NEAR(logs["f1"], metrics::f1(output, set.y), 1e-12) << batch;
    EXPECT_NEAR(logs["roc_auc"], metrics::roc_auc(output, set.y), 1e-6) << batch;
    EXPECT_NEAR(logs["log_loss"], metrics::log_loss(output, set.y), 1e-6) << batch;
    EXPECT_NEAR(logs["loss"], logs["log_loss"], 1e-5);
    EXPECT_NEAR(logs["precision_weighted"], metrics::precision(output, set.y, {.average = metrics::Average::weighted}), 1e-12);
  }
}

// With a rate that changes nothing the epoch's value is that of the set.
TEST(SetScores, OfAnEpochAreOfAllItsBatches) {
  const data::Dataset set = clouds();
  for (const int64_t accumulate : {1, 3}) {
    nn::Sequential model = network();
    const train::History history = train::fit(model, set,
                                              {.loss = loss::sparse_categorical_crossentropy,
                                               .optimizer = optim::SGD(1e-12),
                                               .metrics = kScores,
                                               .epochs = 2,
                                               .batch_size = 16,
                                               .validation = set,
                                               .verbose = false,
                                               .accumulate = accumulate});
    EXPECT_NEAR(history.last("f1"), history.last("val_f1"), 1e-12);
    EXPECT_NEAR(history.last("roc_auc"), history.last("val_roc_auc"), 1e-6);
    EXPECT_NEAR(history.last("val_f1"), metrics::f1(train::predict(model, set), set.y), 1e-12);
    EXPECT_EQ(history.epochs[0].logs.size(), 12u);
  }
}

TEST(SetScores, AreNotToldWithinAnEpoch) {
  struct Names final : train::Callback {
    bool on_step(const train::Progress& progress) override {
      has_score |= progress.logs.contains("f1");
      has_mean |= progress.logs.contains("accuracy");
      return false;
    }
    bool has_score = false, has_mean = false;
  };
  const auto names = std::make_shared<Names>();
  nn::Sequential model = network();
  train::fit(model, clouds(), {.loss = loss::sparse_categorical_crossentropy, .metrics = kScores, .callbacks = {names}, .verbose = false});
  EXPECT_FALSE(names->has_score);
  EXPECT_TRUE(names->has_mean);
}

TEST(SetScores, AreWatchedTheRightWayRound) {
  const data::Dataset set = clouds();
  nn::Sequential model = network();
  const train::History history = train::fit(model, set,
                                            {.loss = loss::sparse_categorical_crossentropy,
                                             .optimizer = optim::Adam(1e-2),
                                             .metrics = {metrics::mcc},
                                             .epochs = 4,
                                             .validation = set,
                                             .patience = 4,
                                             .monitor = "val_mcc",
                                             .verbose = false});
  const std::vector<double> series = history.series("val_mcc");
  const double best = *std::max_element(series.begin(), series.end());
  EXPECT_NEAR(metrics::mcc(train::predict(model, set), set.y), best, 1e-12);
}

TEST(SetScores, OfNumbersAndOfOneAnswer) {
  const Array x = random::normal(random::key(1), {60, 3}), y = sum(x, 1) + 3;
  nn::Sequential model = network(1);
  const train::Logs numbers =
      train::evaluate(model, data::Dataset(x, y),
                      {.loss = loss::mean_squared_error, .metrics = {metrics::r2, metrics::rmse}, .batch_size = 7, .verbose = false});
  EXPECT_NEAR(numbers["rmse"], std::sqrt(numbers["loss"]), 1e-5);
  EXPECT_NEAR(numbers["r2"], metrics::r2(model(x), y), 1e-6);
  const data::Dataset answers(x, (y > 3).astype(int64));
  const train::Logs logs = train::evaluate(
      model, answers, {.loss = loss::binary_crossentropy, .metrics = {metrics::brier, metrics::pr_auc}, .batch_size = 9, .verbose = false});
  EXPECT_NEAR(logs["brier"], metrics::brier(model(x), answers.y), 1e-6);
  EXPECT_NEAR(logs["pr_auc"], metrics::pr_auc(model(x), answers.y), 1e-6);
}

TEST(SetScores, LeaveOutTokensWithoutALabel) {
  const nn::Sequential model{nn::Embedding(2, 2, {.initializer = nn::init::zeros()}), nn::Dense(2)};
  const data::Dataset set(zeros({2, 3}, int64), array({{0, 1, -100}, {0, -100, -100}}));
  const train::Logs logs = train::evaluate(model, set,
                                           {.loss = loss::sparse_categorical_crossentropy,
                                            .metrics = {metrics::balanced_accuracy, metrics::log_loss},
                                            .batch_size = 1,
                                            .verbose = false});
  EXPECT_EQ(logs["balanced_accuracy"], 0.5);
  EXPECT_NEAR(logs["log_loss"], std::log(2), 1e-6);
}

TEST(SetScores, RefuseWhatMakesNoSense) {
  nn::Sequential model = network();
  const auto said = [&](const data::Dataset& set, const loss::Loss& loss, const std::vector<metrics::Metric>& metrics) {
    return error_of([&] { train::evaluate(model, set, {.loss = loss, .metrics = metrics, .verbose = false}); });
  };
  const data::Dataset set = clouds(), one(set.x, zeros({150}, int64));
  EXPECT_NE(said(set, loss::sparse_categorical_crossentropy, {metrics::rmse}).find("rmse: measures numbers"), std::string::npos);
  EXPECT_NE(
      said(data::Dataset(set.x, ones({150, 3})), loss::mean_squared_error, {metrics::f1}).find("f1: measures classes or yes-or-no answers"),
      std::string::npos);
  EXPECT_NE(
      said(set, loss::sparse_categorical_crossentropy, {metrics::f1, metrics::f1}).find("two of the numbers to log are called \"f1\""),
      std::string::npos);
  EXPECT_EQ(said(one, loss::sparse_categorical_crossentropy, {metrics::roc_auc}),
            "roc_auc: none of the 150 targets is of class 1; each class must have a sample");
  EXPECT_EQ(
      error_of([&] {
        train::fit(model, set,
                   {.loss = loss::sparse_categorical_crossentropy, .metrics = {metrics::roc_auc}, .validation = one, .verbose = false});
      }),
      "roc_auc: none of the 150 targets is of class 1; each class must have a sample\n  hint: these are the targets of the validation set");
}

}  // namespace
}  // namespace gradus
