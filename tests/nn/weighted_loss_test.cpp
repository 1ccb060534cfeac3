// Losses of weighted examples: sum(w l) / n.
#include "gradus/gradus.hpp"
#include "gradus/nn/loss_kinds.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;

constexpr int64_t kExamples = 6, kClasses = 4;

// Something that the loss takes.
struct Sample {
  Array output, target;
};
Sample sample(std::string_view name) {
  random::seed(11);
  const Array output = random::normal({kExamples, kClasses});
  if (name == "sparse_categorical_crossentropy") return {output, array({0, 3, 1, 1, 2, 0})};
  if (name == "categorical_crossentropy" || name == "kl_divergence")
    return {output, softmax(random::normal({kExamples, kClasses}), -1).eval()};
  if (name == "hinge" || name == "squared_hinge") return {output, sign(random::normal({kExamples, kClasses})).eval()};
  return {output, random::uniform({kExamples, kClasses})};
}

class WeightedLoss : public ::testing::TestWithParam<std::string> {};

TEST_P(WeightedLoss, IsTheSumOfTheWeightedOverTheirNumber) {
  const loss::Loss loss = loss::Loss::from_name(GetParam());
  const Sample given = sample(GetParam());
  const Array &output = given.output, &target = given.target;
  ASSERT_TRUE(loss.takes_weights());
  EXPECT_NEAR(loss(output, target, ones({kExamples})).item(), loss(output, target).item(), 1e-6);
  const std::vector<double> weights{0, 0.5, 1, 2, 3, 0.25};
  double want = 0;
  for (int64_t i = 0; i < kExamples; ++i) {
    const Array one = output[slice(i, i + 1)], its = target[slice(i, i + 1)];
    want += weights[static_cast<size_t>(i)] * loss(one, its).item() / kExamples;
  }
  EXPECT_NEAR(loss(output, target, array(weights)).item(), want, 1e-5);
}

TEST_P(WeightedLoss, TwoOfOneExampleAreOneOfWeightTwo) {
  const loss::Loss loss = loss::Loss::from_name(GetParam());
  const Sample given = sample(GetParam());
  const Array &output = given.output, &target = given.target;
  const Array rows = array({0, 1, 2, 3, 4, 5, 5, 2});
  const auto slope = [&](const Array& of) { return grad([&](const Array& x) { return loss(x, target, of); })(output); };
  const Array twice = grad([&](const Array& x) { return loss(take(x, rows, 0), take(target, rows, 0)); })(output);
  // sum over 8 / 8 against sum / 6
  EXPECT_LT(max(abs(slope(array({1, 1, 2, 1, 1, 2})) * 6 / 8 - twice)).item(), 1e-6);
}

std::vector<std::string> names() { return loss::loss_kinds().names(); }
INSTANTIATE_TEST_SUITE_P(All, WeightedLoss, ::testing::ValuesIn(names()), [](const auto& info) { return info.param; });

TEST(WeightedLosses, WithoutWeightsOfTheirOwnLabelsToIgnoreCountForNothing) {
  random::seed(2);
  const Array output = random::normal({2, 3, 4}), labels = array({{0, -100, 2}, {3, 1, -100}});
  const loss::Loss loss = loss::sparse_categorical_crossentropy;
  EXPECT_NEAR(loss(output, labels, ones({2})).item(), loss(output, labels).item(), 1e-6);
  const auto part = [&](int64_t i) { return loss(output[slice(i, i + 1)], labels[slice(i, i + 1)]).item(); };
  EXPECT_NEAR(loss(output, labels, array({3, 0.5})).item(), (2 * 3 * part(0) + 2 * 0.5 * part(1)) / 4, 1e-5);
}

TEST(WeightedLosses, OfOptionsKeepThem) {
  FieldReading reading;
  const auto [output, target] = sample("mean_squared_error");
  const loss::Loss sum = loss::loss_kinds()["mean_squared_error"].read({{"reduction", "sum"}}, reading, {});
  EXPECT_NEAR(sum(output, target, ones({kExamples})).item(), loss::mean_squared_error(output, target).item() * kExamples * kClasses, 1e-4);
  const loss::Loss huber = loss::loss_kinds()["huber"].read({{"delta", 0.25}}, reading, {});
  EXPECT_NEAR(huber(output, target, full({kExamples}, 2)).item(), 2 * loss::huber(output, target, {.delta = 0.25}).item(), 1e-6);
  const auto [logits, labels] = sample("sparse_categorical_crossentropy");
  const loss::Loss classes =
      loss::loss_kinds()["sparse_categorical_crossentropy"].read({{"class_weights", Datum::List{1, 2, 0.5, 3}}}, reading, {});
  EXPECT_NEAR(classes(logits, labels, ones({kExamples})).item(), classes(logits, labels).item(), 1e-6)
      << "divided by the weights of the classes";
}

TEST(WeightedLosses, OfOnesOwnNeedASecondFunction) {
  const loss::Loss own = [](const Array& output, const Array& target) { return mean(abs(output - target)); };
  EXPECT_FALSE(own.takes_weights());
  EXPECT_EQ(error_of([&] { own(ones({2}), ones({2}), ones({2})); }),
            "loss: the loss \"custom\" is one of your own and takes no weights; loss::Loss(name, function, weighted) makes one that does");
  const loss::Loss both(
      "mine", [](const Array& output, const Array& target) { return mean(abs(output - target)); },
      [](const Array& output, const Array& target, const Array& weights) { return mean(weights * abs(output - target)); });
  EXPECT_NEAR(both(array({1.0, 2.0}), zeros({2}), array({2, 1})).item(), 2, 1e-6);
  const loss::Loss mse = loss::mean_squared_error;
  EXPECT_EQ(error_of([&] {
              mse(ones({2, 3}), ones({2, 3}), ones({3}));
            }),
            "loss: output is (2, 3) and the weights are (3,); they must be one an example");
}

}  // namespace
}  // namespace gradus
