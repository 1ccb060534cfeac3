#include "gradus/ops/index.hpp"
#include "gradus/transform/check_op.hpp"
#include "gradus/transform/custom.hpp"
#include "support.hpp"

namespace gradus {

using namespace core;
namespace {

TEST(CheckGradients, PassesWhatIsRight) {
  const auto f = [](const Array& x, const Array& y) { return std::pair{sum(sin(x) * y), x * x}; };
  const CheckReport report = check_gradients(f, samples({2, 3}), samples({3}, 1));
  EXPECT_TRUE(report.passed()) << report.text();
  EXPECT_EQ(report.lines().size(), 7u);
  EXPECT_TRUE(check_gradients(tanh, samples({4})).passed());
}

TEST(CheckGradients, FindsAWrongRule) {
  const auto wrong =
      custom_vjp([](const Array& x) { return x * x; }, [](const Array& c, const Array&, const Array& x) { return 2.01 * c * x; });
  const CheckReport report = check_gradients(wrong, samples({3}));
  EXPECT_FALSE(report.passed());
  EXPECT_FALSE(report.lines()[0].passed);
  EXPECT_NE(report.text().find("FAIL  first order, reverse mode against finite differences: largest error"), std::string::npos)
      << report.text();
}

TEST(CheckGradients, VariesSomeElementsOfLargeArrays) {
  const auto f = [](const Array& x) { return sum(square(x)); };
  EXPECT_TRUE(check_gradients(f, samples({1000})).passed());
  for (const int64_t count : {1, 2, 24, 5000})
    EXPECT_TRUE(check_gradients_with({.coordinates = count}, f, samples({40})).passed()) << count;
}

struct TestArgs {
  double factor = 1;
  GRADUS_FIELDS(factor)
};
constexpr Input test_inputs[] = {{"x", floats}, {"y", floats}};
std::vector<Array> compose_test(const Call& call) { return {call[0] * call[1] * call.as<TestArgs>().factor}; }
constinit const OpDef right_op{
    .name = "right", .inputs = test_inputs, .infer = same_as_first, .derivative = composed(compose_test), .expand = compose_test};
constinit const OpDef wrong_op{
    .name = "wrong",
    .inputs = test_inputs,
    .infer = same_as_first,
    .derivative = composed(compose_test,
                           [](const RecordedCall& call, std::span<const Array> dz) {
                             return std::vector<Array>{dz[0] * call[1], dz[0] * call[0] * call.as<TestArgs>().factor};
                           }),
    .expand = compose_test};

TEST(CheckOp, ChecksDerivativesBatchesAndComposition) {
  const Array x = samples({2, 3}), y = samples({2, 3}, 1);
  const CheckReport right = check_op(right_op, {{{x, y}, TestArgs{3}}});
  EXPECT_TRUE(right.passed()) << right.text();
  const CheckReport wrong = check_op(wrong_op, {{{x, y}, TestArgs{1}}, {{x, y}, TestArgs{3}}});
  EXPECT_FALSE(wrong.passed());
  for (const CheckReport::Line& line : wrong.lines()) {
    EXPECT_TRUE(line.passed || line.what.starts_with("wrong sample 1")) << line.what;
  }
}

}  // namespace
}  // namespace gradus
