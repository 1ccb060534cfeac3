// Element-wise ops: promotion, literal exponents, edges. The laws check values, slopes and batching of all of them; see tests/laws.
#include "gradus/ops/elementwise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/graph/node.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/transform/grad.hpp"

namespace gradus {

using namespace core;
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> values(const Array& x) { return x.to_vector<double>(); }
std::string name_of(const Array& x) { return std::string(x.node()->op().name); }
std::string error_of(auto&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Elementwise, numbers_take_the_dtype_of_the_array) {
  const Array single = array({1.0, 2.0}), twice = array({1.0, 2.0}, float64), whole = array({1, 2}, int32), mask = array({true, false});
  EXPECT_EQ((single * 0.1).dtype(), float32);
  EXPECT_EQ((twice * 0.1).dtype(), float64);
  EXPECT_EQ(values(twice * 0.1)[0], 0.1);
  EXPECT_EQ((whole * 2).dtype(), int32);
  EXPECT_EQ((whole * 0.5).dtype(), float32);
  EXPECT_EQ((whole / 2).dtype(), float32);
  EXPECT_EQ(values(whole / 2), (std::vector<double>{0.5, 1}));
  EXPECT_EQ((mask + 1).dtype(), int64);
  EXPECT_EQ((1 - mask).dtype(), int64);
  EXPECT_EQ(values(1 - mask), (std::vector<double>{0, 1}));
  EXPECT_EQ((mask * 0.5).dtype(), float32);
  EXPECT_EQ(sqrt(whole).dtype(), float32);
  EXPECT_EQ((single + twice).dtype(), float64);
  EXPECT_EQ((single.astype(float16) + single.astype(bfloat16)).dtype(), float32);
}

TEST(Elementwise, numbers_alone_stay_weak_until_they_are_cast) {
  Array total = 0;
  total += Array(0.5);
  EXPECT_TRUE(total.is_weak());
  EXPECT_EQ((total + array({1.0}, float64)).dtype(), float64);
  EXPECT_EQ((total + array({1.0})).dtype(), float32);
  EXPECT_EQ(total.item(), 0.5);
  const Array strong = Array(0.1).astype(float64);
  EXPECT_FALSE(strong.is_weak());
  EXPECT_EQ((strong + array({1.0})).dtype(), float64);
}

TEST(Elementwise, shapes_broadcast) {
  const Array column = array({{1}, {2}}), row = array({10, 20, 30});
  EXPECT_EQ((column + row).shape(), (Shape{2, 3}));
  EXPECT_EQ(values(column * row), (std::vector<double>{10, 20, 30, 20, 40, 60}));
  EXPECT_EQ((zeros({0, 3}) + row).shape(), (Shape{0, 3}));
  EXPECT_EQ(error_of([&] {
              array({1, 2}) + row;
            }),
            "add: shapes (2,) and (3,) do not broadcast: 2 meets 3 on axis -1; sizes must be equal or 1, counted from the last axis");
}

TEST(Elementwise, literal_exponents_choose_the_simplest_op) {
  const Array x = array({1.0, 4.0});
  EXPECT_EQ(name_of(pow(x, 2)), "square");
  EXPECT_EQ(name_of(pow(x, 2.0)), "square");
  EXPECT_EQ(name_of(pow(x, 0.5)), "half_power");
  EXPECT_EQ(name_of(pow(x, -0.5)), "inverse_half_power");
  EXPECT_EQ(name_of(pow(x, -1)), "reciprocal");
  EXPECT_EQ(name_of(pow(x, 3)), "integer_power");
  EXPECT_EQ(name_of(pow(x, 1.7)), "constant_power");
  EXPECT_EQ(name_of(pow(2, x)), "power");
  EXPECT_EQ(name_of(pow(x, x)), "power");
  EXPECT_EQ(values(pow(x, 3)), (std::vector<double>{1, 64}));
  EXPECT_EQ(values(pow(x, 0)), (std::vector<double>{1, 1}));
  EXPECT_EQ(values(pow(x, -2)), (std::vector<double>{1, 0.0625}));
  EXPECT_EQ(values(pow(2, x)), (std::vector<double>{2, 16}));
  const Array whole = array({2, -3}, int32);
  EXPECT_EQ(pow(whole, 2).dtype(), int32);
  EXPECT_EQ(values(pow(whole, 3)), (std::vector<double>{8, -27}));
  EXPECT_EQ(pow(whole, 2.0).dtype(), float32);
  EXPECT_EQ(values(pow(whole, 40)),
            (std::vector<double>{0, static_cast<double>(static_cast<int32_t>(12157665459056928801u & 0xffffffffu))}));
  EXPECT_EQ(error_of([&] { pow(whole, -2); }),
            "pow: x has dtype int32 and the exponent is -2; integers have no negative powers (write a float, -2.0)");
}

TEST(Elementwise, integers_divide_by_zero_to_zero_and_wrap) {
  const Array x = array({7, -7, 5}, int32), y = array({2, 2, 0}, int32);
  EXPECT_EQ(values(floor_divide(x, y)), (std::vector<double>{3, -4, 0}));
  EXPECT_EQ(values(remainder(x, y)), (std::vector<double>{1, 1, 0}));
  EXPECT_EQ(values(fmod(x, y)), (std::vector<double>{1, -1, 0}));
  EXPECT_EQ(values(array({200, 100}, uint8) + array({100, 100}, uint8)), (std::vector<double>{44, 200}));
  EXPECT_EQ(error_of([] { array({1}, uint8) + 300; }), "add: y is the number 300 beside an array of dtype uint8; it must be from 0 to 255");
}

TEST(Elementwise, casts_truncate_saturate_and_keep_low_bits) {
  EXPECT_EQ(array({-1.9, 2.9, 1e20, kNan}, float64).astype(int32).to_vector<int32_t>(),
            (std::vector<int32_t>{-1, 2, std::numeric_limits<int32_t>::max(), 0}));
  EXPECT_EQ(array({-1.0, 300.0, 1e10, -1e10}).astype(uint8).to_vector<uint8_t>(), (std::vector<uint8_t>{0, 255, 255, 0}));
  EXPECT_EQ(array({-1, 300}).astype(uint8).to_vector<uint8_t>(), (std::vector<uint8_t>{255, 44}));
  EXPECT_EQ(values(array({0.0, -0.5, kNan}).astype(bool_)), (std::vector<double>{0, 1, 1}));
}

TEST(Elementwise, logic_and_bits) {
  const Array x = array({1.0, 2.0, 3.0});
  EXPECT_EQ(values((x > 1) & (x < 3)), (std::vector<double>{0, 1, 0}));
  EXPECT_EQ(values((x == 1) | !(x < 3)), (std::vector<double>{1, 0, 1}));
  EXPECT_EQ(values(logical_xor(x > 1, x > 2)), (std::vector<double>{0, 1, 0}));
  EXPECT_EQ(values(array({6, 5}) & array({3, 3})), (std::vector<double>{2, 1}));
  EXPECT_EQ(values(bitwise_not(array({0, 5}))), (std::vector<double>{-1, -6}));
  EXPECT_EQ(values(left_shift(array({1, 1}), array({3, 64}))), (std::vector<double>{8, 0}));
  EXPECT_EQ(values(right_shift(array({-8, -8}), array({1, 70}))), (std::vector<double>{-4, -1}));
  EXPECT_NE(error_of([&] { x& x; }), "no error");
  EXPECT_NE(error_of([&] { array({1}) & 1.5; }), "no error");
  EXPECT_NE(error_of([&] { (x > 1) - (x > 2); }), "no error");
}

TEST(Elementwise, maxima_and_nan) {
  const Array x = array({1.0, kNan, 3.0}), y = array({2.0, 2.0, kNan});
  EXPECT_TRUE(std::isnan(values(maximum(x, y))[1]));
  EXPECT_TRUE(std::isnan(values(maximum(x, y))[2]));
  EXPECT_EQ(values(fmax(x, y)), (std::vector<double>{2, 2, 3}));
  EXPECT_EQ(values(clip(array({-5.0, 0.5, 5.0}), -1, 1)), (std::vector<double>{-1, 0.5, 1}));
  EXPECT_EQ(values(nan_to_num(array({kNan, kInf, -kInf, 1.0}), 0.25, 9, -9)), (std::vector<double>{0.25, 9, -9, 1}));
  EXPECT_EQ(values(where(array({true, false}), 1, array({5.0, 6.0}))), (std::vector<double>{1, 6}));
}

TEST(Elementwise, activations_at_their_edges) {
  const Array x = array({-kInf, -1000.0, -1.0, 0.0, 1.0, 1000.0, kInf}, float64);
  EXPECT_EQ(values(relu(x)), (std::vector<double>{0, 0, 0, 0, 1, 1000, kInf}));
  EXPECT_EQ(values(softplus(x))[1], 0);
  EXPECT_EQ(values(softplus(x))[5], 1000);
  EXPECT_EQ(values(log_sigmoid(x))[1], -1000);
  EXPECT_EQ(values(sigmoid(x))[0], 0);
  EXPECT_EQ(values(sigmoid(x))[6], 1);
  EXPECT_EQ(values(hardsigmoid(x)), (std::vector<double>{0, 0, 2.0 / 6, 0.5, 4.0 / 6, 1, 1}));
  EXPECT_EQ(values(softshrink(x)), (std::vector<double>{-kInf, -999.5, -0.5, 0, 0.5, 999.5, kInf}));
  EXPECT_EQ(values(hardshrink(x, 1.5)), (std::vector<double>{-kInf, -1000, 0, 0, 0, 1000, kInf}));
}

// d sum(f(x)) / dx
template <class F>
std::vector<double> slope(F f, const Array& x) {
  return values(grad([&](const Array& a) { return sum(f(a)); })(x));
}

TEST(ElementwiseSlopes, at_the_edges) {
  const Array x = array({0.0, 1.0, 4.0}, float64);
  EXPECT_EQ(slope([](const Array& a) { return sqrt(a); }, x), (std::vector<double>{kInf, 0.5, 0.25}));
  EXPECT_EQ(slope([](const Array& a) { return pow(a, 0); }, x), (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(slope([](const Array& a) { return pow(a, 1); }, x), (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(slope([](const Array& a) { return pow(a, 2); }, x), (std::vector<double>{0, 2, 8}));
  EXPECT_EQ(slope([](const Array& a) { return pow(a, 3); }, x), (std::vector<double>{0, 3, 48}));
  EXPECT_EQ(slope([](const Array& a) { return pow(a, array({0.0, 0.0, 2.0}, float64)); }, x), (std::vector<double>{0, 0, 8}));
  EXPECT_EQ(slope([](const Array& a) { return pow(array({0.0, 1.0, 0.0}, float64), a); }, x), (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(slope([](const Array& a) { return xlogy(a, array({0.0, 1.0, 1.0}, float64)); }, x), (std::vector<double>{0, 0, 0}));
}

TEST(ElementwiseSlopes, unused_branch_of_where_does_not_spread_nan) {
  const Array x = array({0.0, 2.0}, float64);
  EXPECT_EQ(slope([](const Array& a) { return where(a > 0, log(where(a > 0, a, 1)), 0); }, x), (std::vector<double>{0, 0.5}));
  EXPECT_EQ(slope([](const Array& a) { return where(a > 0, a, array({kInf, kNan}, float64)); }, x), (std::vector<double>{0, 1}));
  EXPECT_EQ(slope([](const Array& a) { return nan_to_num(a * array({kInf, 1.0}, float64), 0); }, x)[1], 1);
}

TEST(ElementwiseSlopes, equal_ones_share_and_bounds_pass) {
  const Array x = array({1.0, 2.0, 3.0}, float64), y = array({2.0, 2.0, 2.0}, float64);
  EXPECT_EQ(slope([&](const Array& a) { return maximum(a, y); }, x), (std::vector<double>{0, 0.5, 1}));
  EXPECT_EQ(slope([&](const Array& a) { return minimum(a, y); }, x), (std::vector<double>{1, 0.5, 0}));
  EXPECT_EQ(slope([&](const Array& a) { return fmax(a, array({kNan, 2.0, kNan}, float64)); }, x), (std::vector<double>{1, 0.5, 1}));
  EXPECT_EQ(slope([](const Array& a) { return clip(a, 1, 2); }, x), (std::vector<double>{1, 1, 0}));
  EXPECT_EQ(slope([](const Array& a) { return relu(a); }, array({-1.0, 0.0, 1.0})), (std::vector<double>{0, 0, 1}));
  EXPECT_EQ(slope([](const Array& a) { return abs(a); }, array({-1.0, 0.0, 1.0})), (std::vector<double>{-1, 0, 1}));
  EXPECT_EQ(slope([](const Array& a) { return floor(a) + sign(a) + round(a); }, x), (std::vector<double>{0, 0, 0}));
}

// The root has an infinite slope at 0, the logarithm and the reciprocal have too: behind a bound nothing of it passes, and 0 times it is
// not taken.
TEST(ElementwiseSlopes, infinite_changes_stop_at_bounds) {
  for (const DType dtype : {float16, bfloat16, float32, float64}) {
    const Array x = array({-1.0, 4.0}, dtype);
    const std::vector<double> want{0, 0.25};
    EXPECT_EQ(slope([](const Array& a) { return sqrt(relu(a)); }, x), want);
    EXPECT_EQ(slope([](const Array& a) { return sqrt(maximum(a, 0)); }, x), want);
    EXPECT_EQ(slope([](const Array& a) { return sqrt(maximum(0, a)); }, x), want);
    EXPECT_EQ(slope([](const Array& a) { return sqrt(fmax(a, 0)); }, x), want);
    EXPECT_EQ(slope([](const Array& a) { return sqrt(-minimum(-a, 0)); }, x), want);
    EXPECT_EQ(slope([](const Array& a) { return sqrt(-fmin(-a, 0)); }, x), want);
    EXPECT_EQ(slope([](const Array& a) { return sqrt(clip(a, 0, 9)); }, x), want);
    EXPECT_EQ(slope([](const Array& a) { return sqrt(relu6(a)); }, x), want);
    EXPECT_EQ(slope([](const Array& a) { return pow(relu(a), 0.5); }, x), want);
    EXPECT_EQ(slope([](const Array& a) { return log(clip(a, 0, 9)) + 1 / relu(a); }, x), (std::vector<double>{0, 0.1875}));
    EXPECT_EQ(slope([](const Array& a) { return acos(clip(a, -1, 1)) - atanh(clip(a, -1, 1)); }, array({-2.0, 0.0, 3.0}, dtype)),
              (std::vector<double>{0, -2, 0}));
    EXPECT_EQ(slope(
                  [](const Array& low) {
                    return sqrt(clip(array({-1.0, 4.0}) * 0, low, 9));
                  },
                  array({-2.0, -3.0}, dtype)),
              (std::vector<double>{0, 0}));
  }
  const auto second = [](auto f) {
    return slope([&](const Array& a) { return grad([&](const Array& v) { return sum(f(v)); })(a); }, array({-1.0, 4.0}, float64));
  };
  EXPECT_EQ(second([](const Array& a) { return sqrt(relu(a)); }), (std::vector<double>{0, -1.0 / 32}));
  EXPECT_EQ(second([](const Array& a) { return sqrt(maximum(a, 0)); }), (std::vector<double>{0, -1.0 / 32}));
  EXPECT_EQ(second([](const Array& a) { return sqrt(clip(a, 0, 9)); }), (std::vector<double>{0, -1.0 / 32}));
}

TEST(ElementwiseSlopes, of_stable_activations_far_out) {
  const Array x = array({-1000.0, -50.0, 0.0, 50.0, 1000.0}, float64);
  EXPECT_EQ(slope([](const Array& a) { return softplus(a); }, x)[4], 1);
  EXPECT_EQ(slope([](const Array& a) { return log_sigmoid(a); }, x)[0], 1);
  EXPECT_EQ(slope([](const Array& a) { return log_sigmoid(a); }, x)[4], 0);
  for (const double each : slope([](const Array& a) { return silu(a) + gelu(a) + mish(a) + elu(a) + selu(a) + celu(a, 2) + tanh(a); }, x)) {
    EXPECT_TRUE(std::isfinite(each));
  }
  EXPECT_EQ(slope([](const Array& a) { return elu(a, 3); }, x), (std::vector<double>{0, 0, 3, 1, 1}));
}

TEST(ElementwiseSlopes, broadcast_operands_get_sums) {
  const Array x = ones({2, 3}, float64);
  EXPECT_EQ(slope([&](const Array& row) { return x * row; }, array({1.0, 2.0, 3.0}, float64)), (std::vector<double>{2, 2, 2}));
  EXPECT_EQ(slope([&](const Array& column) { return x + column; }, ones({2, 1}, float64)), (std::vector<double>{3, 3}));
  EXPECT_EQ(slope([&](const Array& number) { return x - number; }, ones({}, float64)), (std::vector<double>{-6}));
  EXPECT_EQ(slope([&](const Array& row) { return where(x > 0, row, 0); }, ones({3}, float64)), (std::vector<double>{2, 2, 2}));
}

TEST(ElementwiseSlopes, leaky_relu_and_elu_have_slopes_in_their_parameters) {
  const Array x = array({-2.0, 3.0}, float64);
  EXPECT_EQ(slope([&](const Array& a) { return leaky_relu(x, a); }, ones({2}, float64)), (std::vector<double>{-2, 0}));
  EXPECT_EQ(slope([&](const Array& a) { return elu(x, a); }, ones({2}, float64)), (std::vector<double>{std::expm1(-2), 0}));
}

}  // namespace
}  // namespace gradus
