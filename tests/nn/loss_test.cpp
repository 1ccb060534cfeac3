// Losses against golden values.
#include "gradus/nn/loss.hpp"

#include "gradus/ops/creation.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/transform/grad.hpp"
#include "tests/golden_cases.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using nlohmann::json;
using namespace loss;

Reduction reduction_of(const json& attrs) {
  const std::string name = attrs["reduction"];
  return name == "mean" ? Reduction::mean : name == "sum" ? Reduction::sum : Reduction::none;
}

TEST(Loss, HasGoldenValues) {
  const testing::GoldenGroup group("loss");
  if (group.empty()) GTEST_SKIP() << "no golden files";
  int run = 0;
  for (const json& one : group.cases) {
    const std::string op = one["op"];
    const json& a = one["attrs"];
    if (!one["inputs"].contains("input") || !one["inputs"].contains("target")) continue;
    const Array target = group.tensor(one, "inputs", "target"), input = group.tensor(one, "inputs", "input");
    Array y;
    if (op == "mse_loss") y = mean_squared_error(input, target, {reduction_of(a)});
    else if (op == "l1_loss") y = mean_absolute_error(input, target, {reduction_of(a)});
    else if (op == "huber_loss") y = huber(input, target, {a["delta"], reduction_of(a)});
    else if (op == "log_cosh_loss") y = log_cosh(input, target, {reduction_of(a)});
    else if (op == "binary_cross_entropy_with_logits" && one["inputs"].size() == 2)
      y = binary_crossentropy(input, target, {.reduction = reduction_of(a)});
    else if ((op == "cross_entropy" || op == "cross_entropy_probabilities") && input.rank() == 2) {
      CrossentropyOptions options{.label_smoothing = a["label_smoothing"], .reduction = reduction_of(a)};
      if (one["inputs"].contains("weight")) options.class_weights = group.tensor(one, "inputs", "weight");
      if (op == "cross_entropy") {
        if (a["ignore_index"] != -100) options.ignore_label = a["ignore_index"].get<int64_t>();
        y = sparse_categorical_crossentropy(input, target, options);
      } else {
        y = categorical_crossentropy(input, target, options);
      }
    } else {
      continue;
    }
    testing::expect_close(y.to_vector<double>(), group.tensor(one, "outputs", "y").to_vector<double>(), one["f64"][0], one["f64"][1],
                          one["id"].get<std::string>() + " " + a.dump());
    ++run;
  }
  EXPECT_GT(run, 25);
}

TEST(Loss, ShapesMustAgreeAndLabelsBeIntegers) {
  EXPECT_EQ(testing::error_of([] {
              mean_squared_error(ones({100, 1}), ones({100}));
            }),
            "mean_squared_error: output is (100, 1) and target is (100,); they must be equal; reshape(target, (100, 1)) would fit");
  EXPECT_EQ(testing::error_of([] {
              sparse_categorical_crossentropy(ones({4, 3}), ones({4}));
            }),
            "sparse_categorical_crossentropy: target has dtype float32; labels must be integers (target.astype(int64), or "
            "categorical_crossentropy for probabilities)");
  EXPECT_NEAR(sparse_categorical_crossentropy(zeros({2, 4}), array({{0}, {3}})).item(), std::log(4), 1e-6);
  EXPECT_FALSE(testing::error_of([] { sparse_categorical_crossentropy(zeros({2, 4}), array({-1, 3})).item(); }).empty());
  EXPECT_EQ(Loss(huber).name(), "huber");
  EXPECT_EQ(Loss::from_name("mean_squared_error")(array({1.0}), array({3.0})).item(), 4);
}

TEST(Loss, TheLabelMinus100CountsForNothingUnlessEveryLabelCounts) {
  const Array output = array({{0.0, 1.0}, {2.0, 0.0}}), labels = array({1, -100});
  EXPECT_EQ(sparse_categorical_crossentropy(output, labels).item(),
            sparse_categorical_crossentropy(output[slice(0, 1)], array({1})).item());
  EXPECT_FALSE(testing::error_of([&] { sparse_categorical_crossentropy(output, labels, {.ignore_label = {}}).item(); }).empty());
  EXPECT_NEAR(sparse_categorical_crossentropy(zeros({2, 4}), array({1, 3}, uint8)).item(), std::log(4), 1e-6);
}

TEST(Loss, KlOfEqualDistributionsIsZero) {
  const Array p = array({{0.25, 0.75, 0.0}});
  const Array logits = array({{std::log(0.25), std::log(0.75), -1000.0}});
  EXPECT_NEAR(kl_divergence(logits, p).item(), 0, 1e-6);
}

}  // namespace
}  // namespace gradus
