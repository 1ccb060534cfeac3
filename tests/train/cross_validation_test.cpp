// Cross-validation: against a loop by hand, and that no fold sees what it is measured on.
#include "gradus/train/cross_validation.hpp"

#include <numeric>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;

const train::FitOptions kFit{.loss = loss::sparse_categorical_crossentropy,
                             .optimizer = optim::Adam(0.05),
                             .metrics = {metrics::accuracy},
                             .epochs = 3,
                             .verbose = false};

TEST(CrossValidation, IsTheLoopByHand) {
  const data::Dataset set = data::make_blobs(70, {.classes = 3, .seed = 1});
  random::seed(4);
  const train::CrossValidation scores = train::cross_validate(
      [] {
        return nn::Sequential{nn::Dense(8, relu), nn::Dense(3)};
      },
      set, {.fit = kFit, .folds = 4, .seed = 9});
  random::seed(4);
  const std::vector<int64_t> assignment = train::assign_folds(set, 4, 9);
  ASSERT_EQ(scores.folds.size(), 4u);
  double total = 0, squares = 0;
  for (int64_t fold = 0; fold < 4; ++fold) {
    std::vector<int64_t> trained, held;
    for (int64_t i = 0; i < set.size(); ++i) (assignment[static_cast<size_t>(i)] == fold ? held : trained).push_back(i);
    nn::Sequential net{nn::Dense(8, relu), nn::Dense(3)};
    train::fit(net, data::subset(set, trained), kFit);
    const train::Logs want = train::evaluate(net, data::subset(set, held), {.loss = kFit.loss, .metrics = kFit.metrics, .verbose = false});
    EXPECT_EQ(scores.folds[static_cast<size_t>(fold)]["loss"], want["loss"]);
    EXPECT_EQ(scores.folds[static_cast<size_t>(fold)]["accuracy"], want["accuracy"]);
    total += want["loss"];
    squares += want["loss"] * want["loss"];
  }
  const double mean = total / 4;
  EXPECT_NEAR(scores.mean("loss"), mean, 1e-12);
  EXPECT_NEAR(scores.deviation("loss"), std::sqrt((squares - 4 * mean * mean) / 3), 1e-7);
  EXPECT_EQ(train::to_text(scores).find("loss "), 0u);
  EXPECT_NE(train::to_text(scores).find("\naccuracy "), std::string::npos);
}

TEST(CrossValidation, FoldsHoldTheClassesInProportion) {
  Array y = concatenate({zeros({40}, int64), ones({11}, int64)}, 0);
  const data::Dataset set(random::uniform({51, 2}), y);
  const std::vector<int64_t> folds = train::assign_folds(set, 5, 3);
  for (int64_t fold = 0; fold < 5; ++fold) {
    int64_t zeros_in = 0, ones_in = 0;
    for (size_t i = 0; i < folds.size(); ++i) {
      if (folds[i] == fold) ++(i < 40 ? zeros_in : ones_in);
    }
    EXPECT_EQ(zeros_in, 8);
    EXPECT_TRUE(ones_in == 2 || ones_in == 3);
  }
  EXPECT_EQ(train::assign_folds(set, 5, 3), folds);
  EXPECT_NE(train::assign_folds(set, 5, 4), folds);
}

TEST(CrossValidation, DeviationIsOfNLessOne) {
  EXPECT_EQ(train::mean_and_deviation({1, 2, 3, 4}), (std::pair<double, double>{2.5, std::sqrt(5.0 / 3)}));
  EXPECT_EQ(train::mean_and_deviation({7}), (std::pair<double, double>{7.0, 0.0}));
}

// Half the rows have numbers a thousand times as large.
data::Table rows() {
  std::vector<double> x, group, time;
  std::vector<double> y;
  for (int64_t i = 0; i < 40; ++i) {
    x.push_back(static_cast<double>(i * i));
    y.push_back(static_cast<double>(i % 2));
    group.push_back(static_cast<double>(i / 4));
    time.push_back(static_cast<double>(40 - i));
  }
  return data::Table({data::Column::numeric("x", x), data::Column::numeric("y", y), data::Column::numeric("group", group),
                      data::Column::numeric("time", time)});
}

TEST(CrossValidation, PipelinesLearnFromTheRowsThatAFoldIsTrainedOn) {
  const data::Table table = rows();
  const preprocess::Pipeline pipeline{preprocess::Keep({"x"}), preprocess::Standardise()};
  const std::vector<int64_t> assignment = data::folds(table, 4, 0, {.stratify = "y"});
  std::vector<double> means;
  size_t fold = 0;
  const auto make = [&](const data::Dataset& set) {
    const preprocess::Pipeline fitted = preprocess::Pipeline::from_datum(*set.pipeline, "fold");
    // What is trained on has mean 0 and deviation 1: no row but these was seen.
    const std::vector<double> x = set.x.to_vector<double>();
    EXPECT_NEAR(std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size()), 0, 1e-6);
    EXPECT_EQ(x.size(), 30u);
    double sum = 0;
    for (size_t i = 0; i < 40; ++i) sum += assignment[i] == static_cast<int64_t>(fold) ? 0 : static_cast<double>(i * i);
    const double mean = sum / 30;
    preprocess::Treatments ignored;
    const double shown = fitted.inputs(table.take(std::vector<int64_t>{0}), ignored).item();  // (0 - mean) / deviation
    double squares = 0;
    for (size_t i = 0; i < 40; ++i)
      squares += assignment[i] == static_cast<int64_t>(fold) ? 0 : std::pow(static_cast<double>(i * i) - mean, 2);
    EXPECT_NEAR(shown, -mean / std::sqrt(squares / 30), 1e-5);
    means.push_back(mean);
    ++fold;
    return nn::Sequential{nn::Dense(2)};
  };
  const train::CrossValidation scores =
      train::cross_validate(make, pipeline, table, "y", {.fit = kFit, .folds = 4, .target = {.task = preprocess::Task::classification}});
  EXPECT_EQ(scores.folds.size(), 4u);
  ASSERT_EQ(means.size(), 4u);
  EXPECT_NE(means[0], means[1]);
  EXPECT_FALSE(pipeline.is_fitted());
}

TEST(CrossValidation, ByTimeAFoldSeesNoLaterRow) {
  const data::Table table = rows();
  const preprocess::Pipeline pipeline{preprocess::Keep({"time"})};
  std::vector<int64_t> sizes;
  const auto make = [&](const data::Dataset& set) {
    const std::vector<double> times = set.x.to_vector<double>();
    sizes.push_back(set.size());
    EXPECT_EQ(*std::max_element(times.begin(), times.end()), static_cast<double>(set.size()));  // the first ones, 1 .. size
    return nn::Sequential{nn::Dense(1)};
  };
  const train::FitOptions fit{.loss = loss::mean_squared_error, .epochs = 1, .verbose = false};
  const train::CrossValidation scores =
      train::cross_validate(make, pipeline, table, "x", {.fit = fit, .folds = 4, .by = {.stratify = {}, .group = {}, .time = "time"}});
  EXPECT_EQ(sizes, (std::vector<int64_t>{10, 20, 30}));
  EXPECT_EQ(scores.folds.size(), 3u);
}

TEST(CrossValidation, GroupsStayTogether) {
  const data::Table table = rows();
  const preprocess::Pipeline pipeline{preprocess::Keep({"group"})};
  const auto make = [&](const data::Dataset& set) {
    std::map<double, int> counts;
    for (const double group : set.x.to_vector<double>()) ++counts[group];
    for (const auto& [group, count] : counts) EXPECT_EQ(count, 4) << group;
    return nn::Sequential{nn::Dense(1)};
  };
  train::cross_validate(
      make, pipeline, table, "x",
      {.fit = {.loss = loss::mean_squared_error, .verbose = false}, .folds = 5, .by = {.stratify = {}, .group = "group", .time = {}}});
}

TEST(CrossValidation, AClassOfOneRowIsNamed) {
  const data::Table table({data::Column::numeric("x", {1, 2, 3, 4, 5}), data::Column::categorical("y", {"a", "b", "a", "b", "c"})});
  const auto make = [] { return nn::Sequential{nn::Dense(3)}; };
  EXPECT_EQ(error_of([&] {
              train::cross_validate(make, preprocess::Pipeline{preprocess::Standardise()}, table, "y", {.fit = kFit, .folds = 2});
            }),
            "folds: class \"c\" of \"y\" has one row; the model of the fold that holds it out cannot know it: each needs at least 2");
}

TEST(CrossValidation, RowsWithoutATargetAreLeftOut) {
  const data::Table table(
      {data::Column::numeric("x", {1, 2, 3, 4, 5, 6, 7}), data::Column::categorical("y", {"a", "b", "a", "b", "a", "b", ""})});
  int64_t seen = 0;
  const auto make = [&](const data::Dataset& set) {
    seen += set.size();
    return nn::Sequential{nn::Dense(2)};
  };
  train::cross_validate(make, preprocess::Pipeline{preprocess::Standardise()}, table, "y", {.fit = kFit, .folds = 3});
  EXPECT_EQ(seen, 12);  // each of the six in two of three
  // An assignment is of all rows.
  train::cross_validate(make, preprocess::Pipeline{preprocess::Standardise()}, table, "y",
                        {.fit = kFit, .folds = 2, .assignment = {0, 0, 1, 1, 0, 1, 1}});
  EXPECT_EQ(seen, 18);
}

TEST(CrossValidation, WrongCallsAreRefused) {
  const data::Dataset set = data::make_blobs(10, {.seed = 1});
  const auto make = [] { return nn::Sequential{nn::Dense(3)}; };
  const auto said = [&](const train::CrossValidateOptions& options) {
    return error_of([&] { train::cross_validate(make, set, options); });
  };
  EXPECT_EQ(said({.fit = kFit, .folds = 1}), "cross_validate: folds is 1; it must be from 2 to the number of samples, 10");
  EXPECT_EQ(said({.fit = kFit, .folds = 11}), "cross_validate: folds is 11; it must be from 2 to the number of samples, 10");
  EXPECT_EQ(said({.fit = {.verbose = false}, .folds = 2}),
            "cross_validate: no loss is given; for example .fit = {.loss = loss::mean_squared_error}");
  EXPECT_EQ(said({.fit = kFit, .folds = 2, .assignment = {0, 1}}),
            "cross_validate: assignment has 2 entries and there are 10 samples; it must have one a sample");
  EXPECT_EQ(said({.fit = kFit, .folds = 2, .assignment = {0, 1, 0, 1, 2, 0, 0, 0, 0, 0}}),
            "cross_validate: assignment[4] is 2; it must be from 0 to 1");
  EXPECT_EQ(said({.fit = kFit, .folds = 2, .assignment = std::vector<int64_t>(10, 0)}),
            "cross_validate: fold 1 has no sample; each must have one");
  train::FitOptions fit = kFit;
  fit.validation = set;
  EXPECT_EQ(said({.fit = fit, .folds = 2}),
            "cross_validate: fit.validation is given; each fold holds out samples of its own, with fit.validation_fraction");
  fit = kFit;
  fit.checkpoint.folder = "x";
  EXPECT_EQ(said({.fit = fit, .folds = 2}), "cross_validate: fit.checkpoint is given; the folds are several runs");
  EXPECT_EQ(said({.fit = kFit, .folds = 2, .by = {.stratify = {}, .group = "a", .time = {}}}),
            "cross_validate: by names columns, which a data set has not; give the fold of each sample as assignment");
}

}  // namespace
}  // namespace gradus
