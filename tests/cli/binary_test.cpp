// Two classes by one output, in a recipe: what training, evaluation, prediction and the report say of them agrees.
#include "gradus/gradus.hpp"
#include "tests/cli/idx_files.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::Outcome;
using testing::read_text;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_text;

constexpr const char* kRecipe = R"([data]
source = "idx"
train_x = "x.idx"
train_y = "y.idx"
test_x = "x.idx"
test_y = "y.idx"
class_names = ["low", "high"]
[model]
layers = [{type = "Dense", units = 1}]
[loss]
name = "binary_crossentropy"
[optimizer]
learning_rate = 0.2
[train]
epochs = 80
metrics = ["accuracy"]
)";

struct Binary {
  TemporaryFolder folder{};
  explicit Binary(const std::string& recipe = kRecipe) {
    testing::write_samples(folder / "x.idx", {{-2}, {-1}, {4}, {3}, {3.5}, {-3}});
    testing::write_labels(folder / "y.idx", {0, 0, 1, 1, 0, 0});  // one of six is on the wrong side
    write_text(folder / "my.toml", recipe);
  }
  Outcome run(const std::vector<std::string>& arguments) const { return run_gradus(arguments, {.folder = folder.path()}); }
  std::string out(const std::vector<std::string>& arguments) const {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  }
};
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(Binary, TrainEvaluatePredictAndReportAgree) {
  const Binary binary;
  EXPECT_NE(binary.out({"train", "my.toml", "--quiet", "--run-dir", "run"}).find("test accuracy: 83.33 %"), std::string::npos);
  const std::string evaluated = binary.out({"evaluate", "run", "--classes"});
  EXPECT_NE(evaluated.find("test accuracy: 83.33 %"), std::string::npos) << evaluated;
  EXPECT_NE(evaluated.find("\nlow        1.000      0.750      0.857          4\n"), std::string::npos) << evaluated;
  EXPECT_NE(evaluated.find("\nhigh       0.667      1.000      0.800          2\n"), std::string::npos) << evaluated;
  const std::string csv = binary.out({"predict", "run", "x.idx", "--csv"});
  EXPECT_EQ(csv.rfind("file,sample,class,probability,low,high\n", 0), 0u) << csv;
  for (const char* row : {"x.idx,0,low,", "x.idx,1,low,", "x.idx,2,high,", "x.idx,3,high,", "x.idx,4,high,", "x.idx,5,low,"}) {
    EXPECT_NE(csv.find(row), std::string::npos) << row << " in " << csv;
  }
  const std::string report = read_text(binary.folder / "run/report.html");
  EXPECT_NE(report.find("Confusion matrix"), std::string::npos);
  EXPECT_NE(report.find("low taken for high: 1\""), std::string::npos);
}

TEST(Binary, LabelsWithoutNamesAreClassesByTheirNumbers) {
  const Binary binary(replaced(kRecipe, "class_names = [\"low\", \"high\"]\n", ""));
  binary.out({"train", "my.toml", "--quiet", "--run-dir", "run"});
  const std::string said = binary.out({"predict", "run", "x.idx", "--top", "1"});
  EXPECT_EQ(said.rfind("x.idx[0]: 0 ", 0), 0u) << said;
  EXPECT_NE(said.find("x.idx[2]: 1 "), std::string::npos) << said;
}

TEST(Binary, TheLossOfManyClassesForOneOutputIsNamed) {
  const Binary binary(replaced(kRecipe, "binary_crossentropy", "sparse_categorical_crossentropy"));
  const Outcome outcome = binary.run({"train", "my.toml", "--quiet"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("one for both of two classes is trained by binary_crossentropy"), std::string::npos) << outcome.err;
}

TEST(Binary, MetricsThatDoNotFitTheLossAreNamedWithTheirPlace) {
  EXPECT_EQ(Binary(replaced(kRecipe, "\"accuracy\"", "\"mae\"")).run({"train", "my.toml"}).err,
            "gradus: my.toml:16: train.metrics: mean_absolute_error measures numbers, and binary_crossentropy trains yes-or-no answers; "
            "metrics of those are "
            "accuracy, binary_accuracy, balanced_accuracy, precision, recall, f1, specificity, iou, mcc, kappa, linear_kappa, quadratic_kappa, roc_auc, "
            "pr_auc, log_loss, brier, ece\n");
  EXPECT_EQ(
      Binary(replaced(kRecipe, "\"binary_crossentropy\"", "\"huber\"")).run({"train", "my.toml", "--set", "train.metrics=[\"top_3\"]"}).err,
      "gradus: --set train.metrics: top_3 measures classes, and huber trains numbers; metrics of those are mean_absolute_error, "
      "mean_squared_error, rmse, r2, explained_variance, mape, smape, max_error, mean_squared_log_error, median_absolute_error\n");
}

// The squares of the errors of labels with names: nothing is said of an accuracy that would have its boundary in the wrong place.
TEST(Binary, SquaredErrorsOfLabelsHaveNoAccuracy) {
  const Binary binary(replaced(replaced(kRecipe, "metrics = [\"accuracy\"]\n", ""), "binary_crossentropy", "mean_squared_error"));
  EXPECT_EQ(binary.out({"train", "my.toml", "--quiet", "--run-dir", "run"}).find("accuracy"), std::string::npos);
  EXPECT_EQ(binary.out({"evaluate", "run"}).find("accuracy"), std::string::npos);
}

}  // namespace
}  // namespace gradus
