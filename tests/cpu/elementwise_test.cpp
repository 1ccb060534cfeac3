// Element-wise functions against libm in double and long double, over ranges and at the edges.
#include "gradus/backend/functions/activation.hpp"
#include "gradus/backend/functions/arithmetic.hpp"
#include "gradus/backend/functions/compare.hpp"
#include "gradus/backend/functions/exponential.hpp"
#include "gradus/backend/functions/special.hpp"
#include "gradus/backend/functions/trigonometric.hpp"
#include "gradus/cpu/elementwise/loops.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace gradus {

using namespace core;
namespace {

using backend::Function;
using Reference = long double (*)(long double);

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

template <class T>
std::vector<T> values_of(const Function& function, const std::vector<T>& x, const std::vector<T>& y = {}) {
  std::vector<T> out(x.size());
  cpu::find_loop(function, dtype_of<T>())(x.data(), y.empty() ? nullptr : y.data(), nullptr, out.data(), static_cast<int64_t>(x.size()), 0);
  return out;
}

// The distance in units of the last place of the rounded reference.
template <class T>
double error_in_units(T got, long double want) {
  const T rounded = static_cast<T>(want);
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got) ? 0 : kInf;
  if (got == rounded) return 0;
  if (std::isinf(got) || std::isinf(rounded)) return kInf;
  const T magnitude = std::max(std::fabs(rounded), std::numeric_limits<T>::min());
  const T unit = std::nextafter(magnitude, std::numeric_limits<T>::infinity()) - magnitude;
  return static_cast<double>(std::fabs(static_cast<long double>(got) - want) / static_cast<long double>(unit));
}

struct Range {
  const Function* function;
  Reference reference;
  double low, high;  // as they are; or with is_exponent of 2, both signs
  bool is_exponent = false;
  double units32 = 2, units64 = 2;
};

template <class T>
void check(const Range& range, double units) {
  constexpr int count = 20011;
  std::vector<T> x;
  for (int i = 0; i < count; ++i) {
    const double at = range.low + (range.high - range.low) * i / (count - 1);
    x.push_back(static_cast<T>(range.is_exponent ? std::exp2(at) * (1 + (i * 7919 % 1000) / 1000.0) : at));
    if (range.is_exponent) x.push_back(-x.back());
  }
  const std::vector<T> got = values_of(*range.function, x);
  double worst = 0;
  size_t at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = error_in_units(got[i], range.reference(static_cast<long double>(x[i])));
    if (error > worst) {
      worst = error;
      at = i;
    }
  }
  EXPECT_LE(worst, units) << range.function->name << " " << (sizeof(T) == 4 ? "float32" : "float64") << " in [" << range.low << ", "
                          << range.high << "] at x = " << testing::PrintToString(x[at]) << ": " << got[at] << ", not "
                          << static_cast<double>(range.reference(x[at]));
  if (getenv("GRADUS_SHOW_ERRORS")) {
    printf("%-12s %s [%g, %g] %.2f units at %.9g\n", std::string(range.function->name).c_str(), sizeof(T) == 4 ? "f32" : "f64", range.low,
           range.high, worst, static_cast<double>(x[at]));
  }
}

long double reference_sigmoid(long double x) { return x >= 0 ? 1 / (1 + expl(-x)) : expl(x) / (1 + expl(x)); }
long double reference_softplus(long double x) { return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x)); }
long double reference_normal_cdf(long double x) { return 0.5L * erfcl(-x * sqrtl(0.5L)); }
long double reference_gelu(long double x) { return x * reference_normal_cdf(x); }
long double reference_gelu_slope(long double x) { return reference_normal_cdf(x) + x * expl(-x * x / 2) * 0.398942280401432677939946L; }
long double reference_silu(long double x) { return x * reference_sigmoid(x); }

const Range kRanges[] = {
    {&backend::exp_function, expl, -110, 90},
    {&backend::exp_function, expl, -700, 709},
    {&backend::exp_function, expl, -40, 3, true},
    {&backend::exp2_function, exp2l, -160, 130},
    {&backend::expm1_function, expm1l, -50, 88},
    {&backend::expm1_function, expm1l, -40, 2, true},
    {&backend::log_function, logl, 0, 4},
    {&backend::log_function, logl, 0.9, 1.1},
    {&backend::log_function, logl, -140, 126, true},
    {&backend::log1p_function, log1pl, -0.999, 4},
    {&backend::log1p_function, log1pl, -60, 60, true},
    {&backend::log2_function, log2l, -140, 126, true, 1},
    {&backend::log2_function, log2l, 0.5, 2, false, 1},
    {&backend::log10_function, log10l, -140, 126, true, 1},
    {&backend::sqrt_function, sqrtl, -140, 126, true, 0.5, 0.5},
    {&backend::cbrt_function, cbrtl, -140, 126, true, 2, 4},
    {&backend::sin_function, sinl, -20, 20, false, 1.5, 1},
    {&backend::sin_function, sinl, -60, 30, true, 1.5, 1},
    {&backend::cos_function, cosl, -20, 20, false, 1.5, 1},
    {&backend::cos_function, cosl, -60, 30, true, 1.5, 1},
    {&backend::tan_function, tanl, -60, 30, true, 1, 3},
    {&backend::asin_function, asinl, -1, 1, false, 1, 2.5},
    {&backend::asin_function, asinl, -60, 0, true, 1, 2.5},
    {&backend::acos_function, acosl, -1, 1, false, 1},
    {&backend::atan_function, atanl, -10, 10, false, 1},
    {&backend::atan_function, atanl, -60, 60, true, 1},
    {&backend::sinh_function, sinhl, -60, 6, true, 1, 3},
    {&backend::sinh_function, sinhl, -710, 710, false, 1, 4},
    {&backend::cosh_function, coshl, -710, 710, false, 1, 4},
    {&backend::tanh_function, tanhl, -60, 6, true, 3, 3},
    {&backend::tanh_function, tanhl, -10, 10, false, 3, 3},
    {&backend::asinh_function, asinhl, -60, 126, true, 1, 3},
    {&backend::acosh_function, acoshl, 1, 50, false, 1, 3},
    {&backend::acosh_function, acoshl, 0, 126, true, 1, 3},
    {&backend::atanh_function, atanhl, -1, 1, false, 1, 3},
    {&backend::atanh_function, atanhl, -60, -1, true, 1, 3},
    {&backend::erf_function, erfl, -60, 3, true, 3, 3},
    {&backend::erf_function, erfl, -6, 6, false, 3, 3},
    {&backend::erfc_function, erfcl, -10, 10, false, 6, 6},
    {&backend::erfc_function, erfcl, 10, 26, false, 6, 6},
    {&backend::sigmoid_function, reference_sigmoid, -110, 110, false, 3, 3},
    {&backend::softplus_function, reference_softplus, -110, 110, false, 3, 3},
    {&backend::softplus_function, reference_softplus, -60, 9, true, 3, 3},
    {&backend::silu_function, reference_silu, -80, 80, false, 4, 4},
    {&backend::normal_cdf_function, reference_normal_cdf, -13, 13, false, 6, 6},
    {&backend::normal_cdf_function, reference_normal_cdf, -37, 9, false, 8, 8},
    {&backend::gelu_function, reference_gelu, -12, 12, false, 6, 8},
    {&backend::lgamma_function, lgammal, 3, 30, false, 4, 4},
};

TEST(Elementwise, functions_are_accurate_to_a_few_units) {
  for (const Range& range : kRanges) {
    check<float>(range, range.units32);
    check<double>(range, range.units64);
  }
}

TEST(Elementwise, tanh_of_floats_is_odd_at_most_1_and_within_3_units_up_to_where_it_is_1) {
  std::vector<float> x, negative;
  for (uint32_t bits = 0; bits < 0x42000000; bits += 211) x.push_back(std::bit_cast<float>(bits));
  for (uint32_t bits = 0x41000000; bits < 0x41200000; bits += 7) x.push_back(std::bit_cast<float>(bits));  // 8 to 10
  x.insert(x.end(), {std::numeric_limits<float>::max(), std::numeric_limits<float>::infinity()});
  for (const float each : x) negative.push_back(-each);
  const auto y = values_of(backend::tanh_function, x), odd = values_of(backend::tanh_function, negative);
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    worst = std::max(worst, error_in_units(y[i], std::tanh(static_cast<double>(x[i]))));
    ASSERT_LE(y[i], 1) << x[i];
    ASSERT_EQ(std::bit_cast<uint32_t>(odd[i]), std::bit_cast<uint32_t>(-y[i])) << x[i];
    if (x[i] > 9.1f) {
      ASSERT_EQ(y[i], 1) << x[i];
    }
  }
  EXPECT_LE(worst, 3);
}

TEST(Elementwise, slope_of_gelu_is_accurate) {
  std::vector<double> x;
  for (int i = -1500; i <= 1500; ++i) x.push_back(i * 0.01);
  const auto got = values_of(backend::gelu_slope_function, x);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(got[i], static_cast<double>(reference_gelu_slope(x[i])), 4e-16) << x[i];
}

template <class T>
void check_edges(const Function& function, Reference reference) {
  const T largest = std::numeric_limits<T>::max(), tiny = std::numeric_limits<T>::denorm_min();
  std::vector<T> x{static_cast<T>(kNan),
                   static_cast<T>(kInf),
                   static_cast<T>(-kInf),
                   T{0},
                   T{-0.0},
                   T{1},
                   T{-1},
                   largest,
                   -largest,
                   tiny,
                   -tiny,
                   T{2},
                   T{-2},
                   static_cast<T>(1e-30),
                   static_cast<T>(-1e-30)};
  const std::vector<T> got = values_of(function, x);
  for (size_t i = 0; i < x.size(); ++i) {
    const long double want = reference(x[i]);
    EXPECT_LE(error_in_units(got[i], want), 4) << function.name << "(" << x[i] << ") is " << got[i] << ", not "
                                               << static_cast<double>(want);
    if (want == 0 && got[i] == 0) {
      EXPECT_EQ(std::signbit(got[i]), std::signbit(want)) << function.name << "(" << x[i] << "): sign of zero";
    }
  }
}

TEST(Elementwise, edges_are_those_of_libm) {
  struct Edge {
    const Function* function;
    Reference reference;
  };
  const Edge edges[] = {{&backend::exp_function, expl},     {&backend::exp2_function, exp2l},   {&backend::expm1_function, expm1l},
                        {&backend::log_function, logl},     {&backend::log1p_function, log1pl}, {&backend::log2_function, log2l},
                        {&backend::log10_function, log10l}, {&backend::sqrt_function, sqrtl},   {&backend::cbrt_function, cbrtl},
                        {&backend::tan_function, tanl},     {&backend::sin_function, sinl},     {&backend::cos_function, cosl},
                        {&backend::asin_function, asinl},   {&backend::acos_function, acosl},   {&backend::atan_function, atanl},
                        {&backend::sinh_function, sinhl},   {&backend::cosh_function, coshl},   {&backend::tanh_function, tanhl},
                        {&backend::asinh_function, asinhl}, {&backend::acosh_function, acoshl}, {&backend::atanh_function, atanhl},
                        {&backend::erf_function, erfl},     {&backend::erfc_function, erfcl},   {&backend::floor_function, floorl},
                        {&backend::ceil_function, ceill},   {&backend::round_function, rintl},  {&backend::trunc_function, truncl},
                        {&backend::abs_function, fabsl}};
  for (const Edge& edge : edges) {
    check_edges<float>(*edge.function, edge.reference);
    check_edges<double>(*edge.function, edge.reference);
  }
}

template <class T>
void check_two(const Function& function, long double (*reference)(long double, long double), double units,
               const std::vector<double>& values) {
  std::vector<T> x, y;
  for (const double a : values) {
    for (const double b : values) {
      x.push_back(static_cast<T>(a));
      y.push_back(static_cast<T>(b));
    }
  }
  const std::vector<T> got = values_of(function, x, y);
  for (size_t i = 0; i < x.size(); ++i) {
    const long double want = reference(x[i], y[i]);
    EXPECT_LE(error_in_units(got[i], want), units)
        << function.name << "(" << x[i] << ", " << y[i] << ") is " << got[i] << ", not " << static_cast<double>(want);
  }
}

TEST(Elementwise, functions_of_two_operands_agree_with_libm) {
  std::vector<double> values{kNan, kInf, -kInf, 0.0,  -0.0,  1,    -1,    2,     -2,   3,  -3,
                             0.5,  -0.5, 1e-3,  7.25, -7.25, 1e10, -1e10, 1e-20, 1e30, 33, -33};
  for (double x = -5; x < 5; x += 0.37) values.push_back(x);
  check_two<float>(backend::power_function, powl, 1, values);
  check_two<double>(backend::power_function, powl, 1, values);
  check_two<float>(backend::atan2_function, atan2l, 1, values);
  check_two<double>(backend::atan2_function, atan2l, 2.5, values);
  check_two<float>(backend::hypot_function, hypotl, 1, values);
  check_two<double>(backend::hypot_function, hypotl, 2, values);
  check_two<float>(backend::fmod_function, fmodl, 0, values);
  check_two<double>(backend::fmod_function, fmodl, 0, values);
  check_two<float>(backend::fmax_function, fmaxl, 0, values);
  check_two<double>(backend::fmin_function, fminl, 0, values);
  check_two<double>(backend::copysign_function, copysignl, 0, values);
}

TEST(Elementwise, logaddexp_is_accurate_beside_its_operands) {
  std::vector<double> x, y;
  for (int i = -60; i < 60; ++i) {
    for (int j = -60; j < 60; ++j) {
      x.push_back(0.37 * i);
      y.push_back(0.71 * j);
    }
  }
  const auto got = values_of(backend::logaddexp_function, x, y);
  for (size_t i = 0; i < x.size(); ++i) {
    const double want = std::max(x[i], y[i]) + std::log1p(std::exp(-std::fabs(x[i] - y[i])));
    EXPECT_NEAR(got[i], want, 4e-16 * (1 + std::fabs(x[i]) + std::fabs(y[i])));
  }
  const std::vector<double> a{kInf, -kInf, kInf, -kInf, 1, kNan}, b{kInf, -kInf, -kInf, 2, kInf, 1}, want{kInf, -kInf, kInf, 2, kInf, kNan};
  const auto edges = values_of(backend::logaddexp_function, a, b);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(error_in_units(edges[i], want[i]), 0) << a[i] << " " << b[i];
}

TEST(Elementwise, position_and_length_do_not_change_bits) {
  const Function* functions[] = {
      &backend::exp_function,   &backend::log_function,  &backend::tanh_function, &backend::sigmoid_function,  &backend::gelu_function,
      &backend::sin_function,   &backend::atan_function, &backend::erf_function,  &backend::softplus_function, &backend::expm1_function,
      &backend::log1p_function, &backend::silu_function, &backend::rsqrt_function};
  std::vector<float> x;
  for (int i = 0; i < 200; ++i) x.push_back(static_cast<float>(i * 0.1371 - 9));
  x[77] = 3e7f;  // a lane that takes another way
  for (const Function* function : functions) {
    const auto whole = values_of(*function, x);
    for (size_t begin = 0; begin < 40; ++begin) {
      for (size_t end = begin; end < begin + 40; ++end) {
        const auto part =
            values_of(*function, std::vector<float>(x.begin() + static_cast<long>(begin), x.begin() + static_cast<long>(end)));
        for (size_t i = begin; i < end; ++i) {
          ASSERT_EQ(std::bit_cast<uint32_t>(part[i - begin]), std::bit_cast<uint32_t>(whole[i]))
              << function->name << " " << begin << " " << end;
        }
      }
    }
  }
}

TEST(Elementwise, special_functions_meet_their_identities) {
  std::vector<double> y;
  for (int i = -99; i < 100; ++i) y.push_back(i / 100.0);
  y.insert(y.end(), {1e-10, 1 - 1e-10, -1 + 1e-14, 0.9999});
  const auto x = values_of(backend::erfinv_function, y);
  for (size_t i = 0; i < y.size(); ++i) {
    if (std::fabs(y[i]) < 0.5) EXPECT_NEAR(std::erf(x[i]), y[i], 2e-16);
    else EXPECT_NEAR(std::erfc(std::fabs(x[i])) / (1 - std::fabs(y[i])), 1, 1e-14) << y[i];
  }
  const std::vector<double> at{-3.7, -0.3, 0.1, 0.5, 1, 2.25, 7, 50};
  std::vector<double> next = at;
  for (double& each : next) each += 1;
  const auto low = values_of(backend::digamma_function, at), high = values_of(backend::digamma_function, next);
  for (size_t i = 0; i < at.size(); ++i) EXPECT_NEAR(high[i] - low[i], 1 / at[i], 1e-13 * std::max(1.0, std::fabs(low[i])));
  EXPECT_NEAR(values_of(backend::digamma_function, std::vector<double>{1})[0], -0.57721566490153286061, 1e-15);
  const std::vector<double> one(at.size(), 1);
  const auto trigamma = values_of(backend::polygamma_function, one, at), later = values_of(backend::polygamma_function, one, next);
  for (size_t i = 0; i < at.size(); ++i) EXPECT_NEAR((trigamma[i] - later[i]) * at[i] * at[i], 1, 1e-12) << at[i];
  EXPECT_NEAR(values_of(backend::polygamma_function, std::vector<double>{1}, std::vector<double>{1})[0], 1.64493406684822643647, 1e-15);
}

TEST(Elementwise, integers_wrap_and_divide_towards_minus_infinity) {
  const std::vector<int32_t> x{7, -7, 7, -7, std::numeric_limits<int32_t>::min(), 5, std::numeric_limits<int32_t>::max()},
      y{3, 3, -3, -3, -1, 0, 1};
  const auto call = [&](const Function& function) {
    std::vector<int32_t> out(x.size());
    cpu::find_loop(function, int32)(x.data(), y.data(), nullptr, out.data(), static_cast<int64_t>(x.size()), 0);
    return out;
  };
  const int32_t low = std::numeric_limits<int32_t>::min();
  EXPECT_EQ(call(backend::floor_divide_function), (std::vector<int32_t>{2, -3, -3, 2, low, 0, std::numeric_limits<int32_t>::max()}));
  EXPECT_EQ(call(backend::remainder_function), (std::vector<int32_t>{1, 2, -2, -1, 0, 0, 0}));
  EXPECT_EQ(call(backend::fmod_function), (std::vector<int32_t>{1, -1, 1, -1, 0, 0, 0}));
  EXPECT_EQ(call(backend::add_function).back(), low);
}

template <class T>
void check_comparisons() {
  std::vector<T> x, y;
  for (const double a : {kNan, -kInf, -1.0, -0.0, 0.0, 2.0, kInf}) {
    for (const double b : {kNan, -kInf, -1.0, -0.0, 0.0, 2.0, kInf}) {
      x.push_back(static_cast<T>(a));
      y.push_back(static_cast<T>(b));
    }
  }
  const auto call = [&](const Function& function) {
    std::vector<uint8_t> out(x.size());
    cpu::find_loop(function, dtype_of<T>())(x.data(), y.data(), nullptr, out.data(), static_cast<int64_t>(x.size()), 0);
    return out;
  };
  const auto expect = [&](const Function& function, bool (*want)(T, T)) {
    const auto got = call(function);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(got[i], want(x[i], y[i])) << function.name << "(" << x[i] << ", " << y[i] << ")";
  };
  expect(backend::equal_function, [](T a, T b) { return a == b; });
  expect(backend::not_equal_function, [](T a, T b) { return a != b; });
  expect(backend::less_function, [](T a, T b) { return a < b; });
  expect(backend::less_equal_function, [](T a, T b) { return a <= b; });
  expect(backend::greater_function, [](T a, T b) { return a > b; });
  expect(backend::greater_equal_function, [](T a, T b) { return a >= b; });
  expect(backend::logical_and_function, [](T a, T b) { return a != 0 && b != 0; });
  expect(backend::logical_or_function, [](T a, T b) { return a != 0 || b != 0; });
  expect(backend::logical_xor_function, [](T a, T b) { return (a != 0) != (b != 0); });
  expect(backend::logical_not_function, [](T a, T) { return a == 0; });
  expect(backend::isnan_function, [](T a, T) { return std::isnan(a); });
  expect(backend::isinf_function, [](T a, T) { return std::isinf(a); });
  expect(backend::isfinite_function, [](T a, T) { return std::isfinite(a); });
  expect(backend::signbit_function, [](T a, T) { return std::signbit(a); });
}

TEST(Elementwise, comparisons_follow_ieee_754) {
  check_comparisons<float>();
  check_comparisons<double>();
}

TEST(Elementwise, sixteen_bit_floats_convert_as_in_plain_code) {
  std::vector<uint16_t> bits(65536);
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i);
  std::vector<float> wide(bits.size());
  cpu::find_cast(bfloat16, float32)(bits.data(), nullptr, nullptr, wide.data(), 65536, 0);
  for (size_t i = 0; i < bits.size(); ++i) ASSERT_EQ(std::bit_cast<uint32_t>(wide[i]), static_cast<uint32_t>(i) << 16);
  cpu::find_cast(float16, float32)(bits.data(), nullptr, nullptr, wide.data(), 65536, 0);
  for (size_t i = 0; i < bits.size(); ++i) {
    const float want = std::bit_cast<float16_t>(bits[i]);
    ASSERT_TRUE(std::bit_cast<uint32_t>(wide[i]) == std::bit_cast<uint32_t>(want) || (std::isnan(want) && std::isnan(wide[i]))) << i;
  }
  std::vector<float> x;
  for (uint64_t pattern = 0; pattern < 0x100000000u; pattern += 12347) x.push_back(std::bit_cast<float>(static_cast<uint32_t>(pattern)));
  for (uint32_t half = 0; half < 0x7c00; half += 3) {  // halfway between neighbours
    x.push_back(0.5f * (static_cast<float>(std::bit_cast<float16_t>(static_cast<uint16_t>(half))) +
                        static_cast<float>(std::bit_cast<float16_t>(static_cast<uint16_t>(half + 1)))));
    x.push_back(std::bit_cast<float>((half << 16) + 0x8000u));
  }
  std::vector<uint16_t> narrow(x.size());
  std::vector<float> rounded(x.size());
  const auto n = static_cast<int64_t>(x.size());
  cpu::find_cast(float32, bfloat16)(x.data(), nullptr, nullptr, narrow.data(), n, 0);
  cpu::find_rounding(float32, bfloat16)(x.data(), nullptr, nullptr, rounded.data(), n, 0);
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(narrow[i], bfloat16_t(x[i]).bits) << x[i];
    ASSERT_EQ(std::bit_cast<uint32_t>(rounded[i]), static_cast<uint32_t>(narrow[i]) << 16);
  }
  cpu::find_cast(float32, float16)(x.data(), nullptr, nullptr, narrow.data(), n, 0);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(narrow[i], float16_t(x[i]).bits) << x[i];
}

}  // namespace
}  // namespace gradus
