// The doctor: what it says of each of the commonest mistakes, word for word; that it says nothing of healthy data; that it changes no bit.
#include "gradus/train/doctor.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>

#include "gradus/gradus.hpp"
#include "gradus/train/watch.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using train::Finding;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Measurements of three kinds, of which no column tells the kind by itself.
struct Sample {
  Array x, y;
};
Sample measurements(int64_t samples = 240, int64_t columns = 4) {
  std::vector<float> x;
  std::vector<int64_t> y;
  const Array noise = random::normal(random::key(5), {samples, columns});
  const float* values = noise.data<float>();
  for (int64_t i = 0; i < samples; ++i) {
    y.push_back(i * 7 % 3);
    for (int64_t k = 0; k < columns; ++k) x.push_back(values[i * columns + k] + (k % 3 == y.back() ? 2.0f : 0.0f));
  }
  return {reshape(array(x), {samples, columns}).eval(), array(y).eval()};
}
// x with one more column.
Array with_column(const Array& x, const Array& column) { return concatenate({x, reshape(column, {-1, 1}).astype(float32)}, 1).eval(); }
nn::Sequential classifier(int64_t classes = 3) {
  random::seed(2);
  return nn::Sequential{nn::Dense(16, relu), nn::Dense(classes)};
}

// As the pages of docs/mistakes show it: they say word for word what the doctor says.
void expect_in_page(const std::string& said) {
  std::string page, shown = "    ";
  for (const auto& entry : std::filesystem::directory_iterator(GRADUS_SOURCE_DIR "/docs/mistakes")) page += testing::read_text(entry.path().string());
  for (size_t i = 0; i < said.size(); ++i) {
    shown += said[i];
    if (said[i] == '\n' && i + 1 < said.size()) shown += "    ";
  }
  EXPECT_FALSE(said.empty());
  EXPECT_NE(page.find(shown), std::string::npos) << said;
}

std::string text_of(const std::vector<Finding>& findings) {
  std::string all;
  for (const Finding& finding : findings) all += to_text(finding);
  return all;
}
std::vector<std::string> kinds_of(const std::vector<Finding>& findings) {
  std::vector<std::string> kinds;
  for (const Finding& finding : findings) kinds.push_back(finding.kind);
  return kinds;
}
using Kinds = std::vector<std::string>;

const train::ExamineOptions kClasses{
    .loss = loss::sparse_categorical_crossentropy, .optimizer = optim::Adam(1e-3), .metrics = {metrics::accuracy}};
std::string said_of(const data::Dataset& set, const train::ExamineOptions& options = kClasses) {
  return text_of(train::examine(classifier(), set, options));
}

TEST(Doctor, SaysNothingOfHealthySamples) {
  const auto [x, y] = measurements();
  EXPECT_EQ(said_of(data::Dataset(x, y)), "");
  train::ExamineOptions options = kClasses;
  const auto [left, right] = data::split(data::Dataset(x, y), 0.3, 1);
  options.test = left;
  EXPECT_EQ(said_of(right, options), "");
  for (const data::Dataset& set : {data::make_blobs(300, {.classes = 3, .features = 5}), data::make_moons(300), data::make_spirals(300)})
    EXPECT_EQ(text_of(train::examine(set)), "") << set.name;
}

// ---- the ten commonest mistakes, docs/mistakes

TEST(Doctor, LabelsFromOne) {
  const auto [x, y] = measurements();
  const std::string said = said_of(data::Dataset(x, (y + 1).eval()));
  EXPECT_EQ(said, R"(doctor: train.y: labels go from 1 to 3, and the model has 3 outputs, for labels 0 to 2
  why: label 3 has no output, and output 0 is never right
  remedy: subtract 1: data::Dataset(x, y - 1) (recipe: data.source = "table" counts classes from 0 by itself)
)");
  expect_in_page(said);
}
TEST(Doctor, UnscaledInputs) {
  const auto [x, y] = measurements();
  const std::string said = said_of(data::Dataset((x * array({1.0f, 800.0f, 0.1f, 1.0f})).eval(), y));
  EXPECT_EQ(said, R"(doctor: x[:, 1]: its numbers are about 1.23e+03 in size, those of x[:, 2] about 0.146; they should be about 1
  why: one learning rate suits one size of numbers: the gradients of large ones drown the others, and steps explode or crawl
  remedy: preprocess::Standardise() as a step of the pipeline, or an nn::BatchNorm() before the first layer (recipe: {type = "Standardise"} in preprocess.steps)
)");
  expect_in_page(said);
}
TEST(Doctor, WrongLossForTheTask) {
  const auto [x, y] = measurements();
  const std::string said = said_of(data::Dataset(x, y), {.loss = loss::mean_squared_error});
  EXPECT_EQ(said, R"(doctor: loss: mean_squared_error on integer labels, with 3 outputs a sample
  why: it would draw every output to the number of the class: classes are no quantities
  remedy: .loss = loss::sparse_categorical_crossentropy (recipe: loss.name = "sparse_categorical_crossentropy")
)");
  expect_in_page(said);
}
TEST(Doctor, WrongInputWidth) {
  const auto [x, y] = measurements();
  nn::Sequential model = classifier();
  nn::build(model, {1, 4});
  const std::string said = text_of(train::examine(model, data::Dataset(with_column(x, x[{slice(), 0}] * x[{slice(), 1}]), y), kClasses));
  EXPECT_EQ(
      said,
      R"(doctor: model: it does not take samples of (5,): matmul: a is (32, 5) and b is (4, 16): a's last size (5) and b's second to last (4) must be equal, in Sequential > dense (Dense, 4 -> 16)
  why: the model was built, loaded or written for samples of another size
  remedy: give it the columns that it was built for, or make it anew: the first call of nn::Dense(units) finds the width by itself (recipe: a [model] without weights = ...)
)");
  expect_in_page(said);
}
TEST(Doctor, LearningRateAHundredTimesTooLarge) {
  const auto [x, y] = measurements();
  train::ExamineOptions options = kClasses;
  options.optimizer = optim::Adam(0.1);
  const std::string said = said_of(data::Dataset(x, y), options);
  EXPECT_EQ(said, R"(doctor: optimizer: adam's learning rate is 0.1, 100 times as large as its usual 0.001
  why: each step jumps over what it looks for: the loss explodes, or units die in the first steps
  remedy: .optimizer = optim::Adam(0.001) (recipe: optimizer.learning_rate = 0.001)
)");
  expect_in_page(said);
}
TEST(Doctor, LeakColumn) {
  const auto [x, y] = measurements();
  const std::string said = said_of(data::Dataset(with_column(x, y * 10 - 4), y));
  EXPECT_EQ(
      said,
      R"(doctor: x[:, 4]: tells the target by itself: it leaves 0.0 % of the errors that the commonest class makes, the next best column 58.1 %
  why: such a column is mostly made of the target, or known only after it: tests look excellent, and new rows lack it
  remedy: leave x[:, 4] out of x
)");
  expect_in_page(said);
}
TEST(Doctor, DuplicateRowsAcrossSplits) {
  const auto [x, y] = measurements();
  train::ExamineOptions options = kClasses;
  options.test = data::subset(data::Dataset(x, y), 150, 240);
  const std::string said = said_of(data::subset(data::Dataset(x, y), 0, 200), options);
  EXPECT_EQ(said, R"(doctor: test.x: 50 of 90 test samples (55.6 %) are training samples too; the first is x[0], x[150] of the training set
  why: the model is asked what it has learnt by heart: its score there is better than it will be on new samples
  remedy: drop copies before the split, or keep rows that belong together in one part: data::split(table, 0.2, 0, {.group = "id"}) (recipe: data.group = "id")
)");
  expect_in_page(said);
}
TEST(Doctor, ConstantColumn) {
  const auto [x, y] = measurements();
  const std::string said = said_of(data::Dataset(with_column(x, full({240}, 3.5f)), y));
  EXPECT_EQ(said, R"(doctor: x[:, 4]: is 3.5 in all 240 rows
  why: it tells the model nothing, and what another value means was never learnt
  remedy: leave x[:, 4] out of x
)");
  expect_in_page(said);
}
TEST(Doctor, SoftmaxBeforeALogitsLoss) {
  const auto [x, y] = measurements();
  const nn::Sequential model{nn::Dense(16, relu), nn::Dense(3, softmax)};
  const std::string said = text_of(train::examine(model, data::Dataset(x, y), kClasses));
  EXPECT_EQ(said, R"(doctor: model: it ends with softmax, and sparse_categorical_crossentropy takes logits, what comes before it
  why: softmax would be applied twice: gradients fade, and the loss cannot reach 0
  remedy: leave softmax out of the last layer, and apply it to predictions: softmax(train::predict(model, x)) (recipe: the last of model.layers without activation)
)");
  expect_in_page(said);
}
TEST(Doctor, NanInData) {
  const auto [x, y] = measurements();
  const std::string said = said_of(data::Dataset(gradus::where(abs(x - x[{17, 3}]) < 1e-6, kNan, x).eval(), y));
  EXPECT_EQ(said, R"(doctor: train.x: x[17, 3] is nan, the only one of 960 numbers that is not finite
  why: the first step that meets it makes every parameter nan
  remedy: preprocess::Impute(preprocess::median) for missing values, or leave those samples out (recipe: {type = "Impute"} in preprocess.steps)
)");
  expect_in_page(said);
}

// ---- the rest

Kinds kinds_with(const nn::Sequential& model, const data::Dataset& set, const train::ExamineOptions& options) {
  return kinds_of(train::examine(model, set, options));
}
Kinds kinds_with(int64_t outputs, const Array& y, const loss::Loss& loss) {
  return kinds_with(classifier(outputs), data::Dataset(measurements(y.shape(0)).x, y), {.loss = loss});
}

TEST(Doctor, LabelsAndLosses) {
  const Array y = measurements().y, one_hot_rows = one_hot(y, 3).astype(float32).eval();
  const Array numbers = random::normal(random::key(3), {240, 1});
  const loss::Loss sparse = loss::sparse_categorical_crossentropy;
  EXPECT_EQ(kinds_with(3, y, sparse), Kinds{});
  EXPECT_EQ(kinds_with(3, reshape(y, {-1, 1}), sparse), Kinds{});
  EXPECT_EQ(kinds_with(3, one_hot_rows, sparse), Kinds{"wrong loss"});
  EXPECT_EQ(kinds_with(3, one_hot_rows, loss::categorical_crossentropy), Kinds{});
  EXPECT_EQ(kinds_with(3, y, loss::categorical_crossentropy), Kinds{"wrong loss"});
  EXPECT_EQ(kinds_with(1, y, sparse), Kinds{"wrong loss"});
  EXPECT_EQ(kinds_with(3, reshape(numbers, {-1}), sparse), Kinds{"wrong loss"});
  EXPECT_EQ(kinds_with(1, numbers, loss::binary_crossentropy), Kinds{"wrong loss"});
  EXPECT_EQ(kinds_with(1, numbers, loss::mean_squared_error), Kinds{});
  EXPECT_EQ(kinds_with(2, numbers, loss::mean_squared_error), Kinds{"output shape"});
  EXPECT_EQ(kinds_with(1, reshape(numbers, {-1}), loss::mean_squared_error), Kinds{});  // the library's losses take (N,) for (N, 1)
  EXPECT_EQ(kinds_with(1, reshape(numbers, {-1}), [](const Array& out, const Array& target) { return mean(square(out - target)); }),
            Kinds{"output shape"});
  EXPECT_EQ(kinds_with(3, (y * 4).eval(), sparse), Kinds{"labels out of range"});
  EXPECT_EQ(kinds_with(3, (y - 1).eval(), sparse), Kinds{"labels out of range"});
  EXPECT_EQ(kinds_with(3, gradus::where(y == 2, -100, y).eval(), sparse), Kinds{"classes never seen"});  // -100 is no label
  EXPECT_EQ(kinds_with(5, y, sparse), Kinds{"classes never seen"});
  EXPECT_EQ(kinds_with(4, (y + 1).eval(), sparse), Kinds{"labels from 1"});
  const Array answers = (y == 1).astype(int64).eval();
  EXPECT_EQ(kinds_with(1, answers, loss::binary_crossentropy), Kinds{});
  EXPECT_EQ(kinds_with(1, (answers + 1).eval(), loss::binary_crossentropy), Kinds{"labels from 1"});
  EXPECT_EQ(kinds_with(1, (2 * answers - 1).eval(), loss::binary_crossentropy), Kinds{"labels out of range"});
  EXPECT_EQ(kinds_with(1, answers, loss::hinge), Kinds{"labels out of range"});
  EXPECT_EQ(kinds_with(1, (2 * answers - 1).eval(), loss::hinge), Kinds{});
}

TEST(Doctor, TheTestSetsLabelsToo) {
  const auto [x, y] = measurements();
  const std::vector<Finding> findings =
      train::examine(classifier(), data::subset(data::Dataset(x, y), 0, 200),
                     {.loss = loss::sparse_categorical_crossentropy, .test = data::subset(data::Dataset(x, (y * 2).eval()), 200, 240)});
  ASSERT_EQ(kinds_of(findings), Kinds{"labels out of range"});
  EXPECT_EQ(findings[0].where, "test.y");
}

TEST(Doctor, LastActivations) {
  const auto [x, y] = measurements();
  const Array numbers = random::normal(random::key(3), {240, 1}), answers = (y == 1).astype(int64).eval();
  const auto with = [&](const nn::Activation& last, int64_t outputs, const Array& target, const loss::Loss& loss) {
    return kinds_with(nn::Sequential{nn::Dense(8, relu), nn::Dense(outputs, last)}, data::Dataset(x, target), {.loss = loss});
  };
  const Kinds bad{"last activation"};
  EXPECT_EQ(with(relu, 1, numbers, loss::mean_squared_error), bad);
  EXPECT_EQ(with(relu, 1, abs(numbers).eval(), loss::mean_squared_error), Kinds{});
  EXPECT_EQ(with(sigmoid, 1, abs(numbers).eval(), loss::mean_squared_error), bad);
  EXPECT_EQ(with(sigmoid, 1, sigmoid(numbers).eval(), loss::mean_squared_error), Kinds{});
  EXPECT_EQ(with(nn::Activation::from_name("tanh"), 1, numbers, loss::mean_squared_error), bad);
  EXPECT_EQ(with(nn::Activation::from_name("tanh"), 1, (numbers / 10).eval(), loss::mean_squared_error), Kinds{});
  EXPECT_EQ(with(sigmoid, 1, answers, loss::binary_crossentropy), bad);
  EXPECT_EQ(with(relu, 3, y, loss::sparse_categorical_crossentropy), bad);
  EXPECT_EQ(with(nn::Activation::from_name("log_softmax"), 3, y, loss::sparse_categorical_crossentropy),
            Kinds{});  // softmax of it is softmax
  const nn::Sequential reshaped{nn::Dense(8, relu), nn::Dense(1, sigmoid), nn::Flatten()};
  EXPECT_EQ(kinds_with(reshaped, data::Dataset(x, answers), {.loss = loss::binary_crossentropy}), bad);
}

TEST(Doctor, ScalesThatTheModelMendsAreNoFinding) {
  const auto [x, y] = measurements();
  const data::Dataset set((x * 1e4).eval(), y);
  EXPECT_EQ(kinds_with(classifier(), set, {}), Kinds{"unscaled inputs"});
  EXPECT_EQ(kinds_with(nn::Sequential{nn::BatchNorm(), nn::Dense(3)}, set, {}), Kinds{});
  const data::Dataset ids(random::integers(random::key(1), {300, 8}, 0, 5000), random::integers(random::key(2), {300}, 0, 3));
  EXPECT_EQ(kinds_with(nn::Sequential{nn::Embedding(5000, 8), nn::Flatten(), nn::Dense(3)}, ids, {}), Kinds{});
}

TEST(Doctor, IdsAreNoColumns) {
  // The first token is always the same, as a mark of the beginning is; the second tells the class.
  const Array y = random::integers(random::key(2), {300}, 0, 3), rest = random::integers(random::key(1), {300, 6}, 0, 50);
  const data::Dataset ids(concatenate({full({300, 1}, 1), reshape(y, {-1, 1}), rest.astype(int64)}, 1).eval(), y);
  EXPECT_EQ(kinds_of(train::examine(ids)), Kinds{});
  EXPECT_EQ(kinds_with(nn::Sequential{nn::Embedding(50, 8), nn::Flatten(), nn::Dense(3)}, ids, kClasses), Kinds{});
}

TEST(Doctor, MasksOfOneChannel) {
  const data::Dataset masks(random::normal(random::key(1), {40, 6, 6, 2}), random::integers(random::key(2), {40, 6, 6}, 0, 2));
  const nn::Sequential model{nn::Conv2D(1, 3, {.padding = same})};
  EXPECT_EQ(kinds_with(model, masks, {.loss = loss::binary_crossentropy}), Kinds{});
  EXPECT_EQ(kinds_with(nn::Sequential{nn::Conv2D(2, 3, {.padding = same})}, masks, {.loss = loss::binary_crossentropy}),
            Kinds{"output shape"});
}

TEST(Doctor, BytesAndTargets) {
  const Array pixels = random::integers(random::key(1), {64, 8, 8, 1}, 0, 256), y = random::integers(random::key(2), {64}, 0, 2);
  EXPECT_EQ(kinds_of(train::examine(data::Dataset(pixels.astype(float32).eval(), y))), Kinds{"unscaled inputs"});
  EXPECT_EQ(kinds_of(train::examine(data::Dataset::from_bytes(pixels.astype(uint8).eval(), y))), Kinds{});
  EXPECT_EQ(kinds_of(train::examine(data::Dataset((pixels / 255.0).eval(), y))), Kinds{});
  const Array x = measurements().x, price = (x[{slice(), slice(0, 1)}] * 5e4 + random::normal(random::key(1), {240, 1}) * 1e5).eval();
  EXPECT_EQ(kinds_of(train::examine(data::Dataset(x, price), {.loss = loss::mean_squared_error})), Kinds{"unscaled target"});
  EXPECT_EQ(kinds_of(train::examine(data::Dataset(x, (price / 1e5).eval()), {.loss = loss::mean_squared_error})), Kinds{});
}

TEST(Doctor, MetricsThatDoNotFit) {
  const auto [x, y] = measurements();
  const Array numbers = random::normal(random::key(3), {240, 1});
  EXPECT_EQ(kinds_with(classifier(1), data::Dataset(x, numbers), {.loss = loss::mean_squared_error, .metrics = {metrics::accuracy}}),
            Kinds{"metric"});
  // One-hot rows of squared errors are classes too.
  const Array rows = one_hot(y, 3).astype(float32).eval();
  EXPECT_EQ(kinds_with(classifier(3), data::Dataset(x, rows), {.loss = loss::mean_squared_error, .metrics = {metrics::accuracy}}), Kinds{});
  const Array rare = (arange(240) >= 232).astype(int64).eval();
  const train::ExamineOptions options{.loss = loss::sparse_categorical_crossentropy, .metrics = {metrics::accuracy}};
  const std::vector<Finding> findings = train::examine(classifier(2), data::Dataset(x, rare), options);
  ASSERT_EQ(kinds_of(findings), Kinds{"imbalance"});
  EXPECT_EQ(findings[0].what, "accuracy, and class 0 has 232 samples, class 1 8");
  EXPECT_EQ(kinds_with(classifier(2), data::Dataset(x, rare), {.loss = options.loss, .metrics = {metrics::balanced_accuracy}}), Kinds{});
  EXPECT_EQ(kinds_with(classifier(2), data::Dataset(x, (arange(240) >= 220).astype(int64).eval()), options), Kinds{});
}

TEST(Doctor, LeaksOfEveryKind) {
  const auto [x, y] = measurements(400, 6);
  const Array noise = random::normal(random::key(9), {400});
  const auto kinds = [&](const Array& column, const Array& target) {
    return kinds_of(train::examine(data::Dataset(with_column(x, column), target.eval())));
  };
  EXPECT_EQ(kinds(exp(y.astype(float32)) + 0.001 * noise, y), Kinds{"leak"});                 // a label with noise
  EXPECT_EQ(kinds(gradus::where(y == 0, 5, gradus::where(y == 1, 9, 7)), y), Kinds{"leak"});  // one value a class, in another order
  EXPECT_EQ(kinds(y.astype(float32) + 0.4 * noise, y), Kinds{});                              // good, and no copy
  const Array price = exp(x[{slice(), 0}] - x[{slice(), 3}] + noise);
  EXPECT_EQ(kinds(log(price), price), Kinds{"leak"});  // a monotone map
  EXPECT_EQ(kinds(-sqrt(price), price), Kinds{"leak"});
  EXPECT_EQ(kinds(log(price) + 0.5 * random::normal(random::key(10), {400}), price), Kinds{});
  // Where two columns of four tell the classes, they are easy to tell.
  const Array easy = stack({y * 3 + 0.1 * noise, y * -2 + 0.1 * noise, noise, random::normal(random::key(11), {400})}, 1);
  EXPECT_EQ(kinds_of(train::examine(data::Dataset(easy.astype(float32).eval(), y))), Kinds{});
}

TEST(Doctor, ColumnsOfTables) {
  std::vector<double> age, twice, row, day;
  std::vector<std::string> region, same, income;
  for (int i = 0; i < 120; ++i) {
    age.push_back(20 + i * 37 % 50);
    twice.push_back(age.back());
    row.push_back(i + 1);
    day.push_back(86400.0 * 7);
    region.push_back(std::string(1, "nesw"[i % 4]));
    same.push_back("de");
    income.push_back((age.back() + i * 13 % 30) > 60 ? "high" : "low");
  }
  using data::Column;
  const data::Table table({Column::numeric("rownames", row), Column::numeric("age", age), Column::categorical("region", region),
                           Column::categorical("income", income)});
  EXPECT_EQ(text_of(train::examine(table, "income")), "");
  EXPECT_EQ(kinds_of(train::examine(table.with(Column::categorical("country", same)), "income")), Kinds{"constant column"});
  EXPECT_EQ(kinds_of(train::examine(table.with(Column::date("asked", day)), "income")), Kinds{"constant column"});
  EXPECT_EQ(kinds_of(train::examine(table.with(Column::categorical("tax", income)), "income")), Kinds{"leak"});
  const std::vector<Finding> findings = train::examine(table.with(Column::numeric("years", twice)), "income");
  ASSERT_EQ(kinds_of(findings), Kinds{"duplicate column"});
  EXPECT_EQ(to_text(findings[0]), R"(doctor: column "years": holds the same 120 values as column "age"
  why: what it says counts twice, and weights and importances are divided between the two by chance
  remedy: preprocess::Drop({"years"}) as a step of the pipeline (recipe: {type = "Drop", columns = ["years"]} in preprocess.steps)
)");
  EXPECT_NE(error_of([&] { train::examine(table, "incme"); }).find("income"), std::string::npos);
}

TEST(Doctor, PixelsThatAreAlwaysZeroAreNoFinding) {
  Array x = random::integers(random::key(1), {200, 20}, 0, 17).astype(float32);
  const Array y = random::integers(random::key(2), {200}, 0, 2);
  EXPECT_EQ(kinds_of(train::examine(data::Dataset(with_column(x, zeros({200})), y))), Kinds{});
  EXPECT_EQ(kinds_of(train::examine(data::Dataset(with_column(x, full({200}, 4.0f)), y))), Kinds{"constant column"});
}

TEST(Doctor, CopiesThatAreNatural) {
  const auto [x, y] = measurements();
  const data::Dataset set(x, y);
  // 4 % of the rows twice; and a table of three answers, where nearly all rows have copies.
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < 240; ++i) rows.push_back(i);
  for (int64_t i = 0; i < 10; ++i) rows.push_back(i * 20);
  EXPECT_EQ(kinds_of(train::examine(data::subset(set, rows))), Kinds{});
  const Array answers = random::integers(random::key(1), {240, 3}, 0, 2).astype(float32).eval();
  const data::Dataset few(answers, y);
  EXPECT_EQ(kinds_of(train::examine(data::subset(few, 0, 200), {.test = data::subset(few, 200, 240)})), Kinds{});
  // Oversampled before the split.
  for (int64_t i = 0; i < 240; ++i) rows.push_back(i % 30);
  const data::Dataset oversampled = data::subset(set, rows);
  const auto [test, rest] = data::split(oversampled, 0.3, 1);
  EXPECT_EQ(kinds_of(train::examine(rest, {.test = test})), (Kinds{"duplicate rows", "duplicate rows across sets"}));
}

TEST(Doctor, OddSets) {
  EXPECT_EQ(kinds_of(train::examine(data::Dataset())), Kinds{});
  EXPECT_EQ(kinds_of(train::examine(data::Dataset(ones({1, 3})))), Kinds{});
  EXPECT_EQ(kinds_of(train::examine(data::Dataset(zeros({5, 0}), array({0, 1, 0, 1, 0})))), Kinds{});
  EXPECT_EQ(kinds_of(train::examine(data::Dataset(random::normal(random::key(1), {30, 2, 3, 2})))), Kinds{});
  const Array infinite = gradus::where(arange(240) == 5, HUGE_VAL, random::normal(random::key(1), {240}));
  const std::vector<Finding> findings = train::examine(data::Dataset(measurements().x, infinite.eval()));
  ASSERT_EQ(kinds_of(findings), Kinds{"nan in data"});
  EXPECT_EQ(findings[0].what, "y[5] is inf, the only one of 240 numbers that is not finite");
}

TEST(Doctor, ExaminingBuildsAsFitDoes) {
  const auto [x, y] = measurements();
  std::vector<std::vector<float>> trained[2];
  for (const bool is_examined : {false, true}) {
    nn::Sequential model = classifier();
    if (is_examined) train::examine(model, data::Dataset(x, y), kClasses);
    train::fit(model, data::Dataset(x, y), {.loss = loss::sparse_categorical_crossentropy, .verbose = false});
    for (const Variable& variable : variables(model)) trained[is_examined].push_back(variable.get().to_vector<float>());
  }
  EXPECT_EQ(trained[0], trained[1]);
}

TEST(Doctor, TextsHideWhatATerminalWouldObey) {
  const std::string text = to_text(Finding{.where = "column \"\033[2J\"", .what = "a", .why = "b", .remedy = "c"});
  EXPECT_EQ(text.find('\033'), std::string::npos) << text;
}

}  // namespace
}  // namespace gradus
