// Activations against their formulas, with and without their parameters.
#include "gradus/ops/activation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"

namespace gradus {

using namespace core;
namespace {

const std::vector<double> kPoints = {-25, -4, -3, -1.5, -1, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.5, 3, 4, 6.5, 25};

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }
double softplus_of(double x) { return std::log1p(std::exp(x)); }
double clip_of(double x, double low, double high) { return std::min(std::max(x, low), high); }
double elu_of(double x, double alpha) { return x > 0 ? x : alpha * std::expm1(x); }

void expect_formula(const char* name, const Array& got, double (*formula)(double)) {
  const std::vector<double> values = got.to_vector<double>();
  ASSERT_EQ(values.size(), kPoints.size());
  for (size_t i = 0; i < kPoints.size(); ++i)
    EXPECT_NEAR(values[i], formula(kPoints[i]), 1e-12 * (1 + std::abs(kPoints[i]))) << name << " of " << kPoints[i];
}

TEST(Activations, FollowTheirFormulas) {
  const Array x = array(kPoints);
#define EXPECT_FORMULA(call, ...) expect_formula(#call, call, [](double v) -> double { return __VA_ARGS__; })
  EXPECT_FORMULA(relu(x), v > 0 ? v : 0);
  EXPECT_FORMULA(relu6(x), clip_of(v, 0, 6));
  EXPECT_FORMULA(leaky_relu(x), v > 0 ? v : 0.01 * v);
  EXPECT_FORMULA(leaky_relu(x, 0.3), v > 0 ? v : 0.3 * v);
  EXPECT_FORMULA(elu(x), elu_of(v, 1));
  EXPECT_FORMULA(elu(x, 0.5), elu_of(v, 0.5));
  EXPECT_FORMULA(celu(x), elu_of(v, 1));
  EXPECT_FORMULA(celu(x, 2), v > 0 ? v : 2 * std::expm1(v / 2));
  EXPECT_FORMULA(selu(x), 1.0507009873554804934193349852946 * elu_of(v, 1.6732632423543772848170429916717));
  EXPECT_FORMULA(gelu(x), 0.5 * v * std::erfc(-v / std::sqrt(2.0)));
  EXPECT_FORMULA(gelu(x, GeluForm::tanh), 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v))));
  EXPECT_FORMULA(sigmoid(x), sigmoid_of(v));
  EXPECT_FORMULA(log_sigmoid(x), -softplus_of(-v));
  EXPECT_FORMULA(silu(x), v * sigmoid_of(v));
  EXPECT_FORMULA(mish(x), v * std::tanh(softplus_of(v)));
  EXPECT_FORMULA(softplus(x), softplus_of(v));
  EXPECT_FORMULA(softplus(x, 2.0), 2 * v > 20 ? v : softplus_of(2 * v) / 2);
  EXPECT_FORMULA(softplus(x, 1.0, 1.0), v > 1 ? v : softplus_of(v));
  EXPECT_FORMULA(softsign(x), v / (1 + std::abs(v)));
  EXPECT_FORMULA(hardtanh(x), clip_of(v, -1, 1));
  EXPECT_FORMULA(hardtanh(x, -0.75, 2.0), clip_of(v, -0.75, 2));
  EXPECT_FORMULA(hardsigmoid(x), clip_of(v + 3, 0, 6) / 6);
  EXPECT_FORMULA(hardswish(x), v * clip_of(v + 3, 0, 6) / 6);
  EXPECT_FORMULA(tanhshrink(x), v - std::tanh(v));
  EXPECT_FORMULA(hardshrink(x), std::abs(v) > 0.5 ? v : 0);
  EXPECT_FORMULA(hardshrink(x, 1.0), std::abs(v) > 1 ? v : 0);
  EXPECT_FORMULA(softshrink(x), v > 0.5 ? v - 0.5 : v < -0.5 ? v + 0.5 : 0);
  EXPECT_FORMULA(softshrink(x, 1.0), v > 1 ? v - 1 : v < -1 ? v + 1 : 0);
  EXPECT_FORMULA(threshold(x, 0.5, -7.0), v <= 0.5 ? -7 : v);  // NaN stays
#undef EXPECT_FORMULA
}

TEST(Activations, KeepTheDtypeOfFloatsAndAreFloat32ForIntegers) {
  using F = Array (*)(const Array&);
  const F all[] = {[](const Array& x) { return gelu(x); },
                   [](const Array& x) { return gelu(x, GeluForm::tanh); },
                   [](const Array& x) { return sigmoid(x); },
                   [](const Array& x) { return log_sigmoid(x); },
                   [](const Array& x) { return silu(x); },
                   [](const Array& x) { return mish(x); },
                   [](const Array& x) { return softplus(x); },
                   [](const Array& x) { return softplus(x, 2.0); },
                   [](const Array& x) { return softsign(x); },
                   [](const Array& x) { return elu(x); },
                   [](const Array& x) { return selu(x); },
                   [](const Array& x) { return tanhshrink(x); }};
  const Array integers = array({-3, -1, 0, 1, 2, 5});
  for (size_t i = 0; i < std::size(all); ++i) {
    const std::vector<double> right = all[i](integers.astype(float64)).to_vector<double>();
    for (const auto& [dtype, wanted, tolerance] :
         {std::tuple(float64, float64, 0.0), std::tuple(float32, float32, 1e-6), std::tuple(float16, float16, 2e-3),
          std::tuple(bfloat16, bfloat16, 2e-2), std::tuple(int32, float32, 1e-6), std::tuple(uint8, float32, 1e-6)}) {
      const Array y = all[i](maximum(integers, dtype == uint8 ? 0 : -3).astype(dtype));
      EXPECT_EQ(y.dtype(), wanted) << "function " << i << " of " << dtype.name();
      const std::vector<double> got = y.to_vector<double>();
      for (size_t k = dtype == uint8 ? 2 : 0; k < right.size(); ++k)
        EXPECT_NEAR(got[k], right[k], tolerance * (0.1 + std::abs(right[k]))) << i << " of " << dtype.name();
    }
  }
}

}  // namespace
}  // namespace gradus
