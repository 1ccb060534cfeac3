// Numbers at the ends of the ranges of dtypes: counts and squares of 16-bit floats, lengths whose squares float32 or float64 cannot hold,
// literal exponents, means of large integers. The laws (tests/laws/ranges_test.cpp) ask the same of every op; here stand the values.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gradus/gradus.hpp"

namespace {

using namespace gradus;
using namespace gradus::core;

constexpr double kInf = std::numeric_limits<double>::infinity();

std::vector<double> numbers(const Array& x) { return x.to_vector<double>(); }
void expect_near(const Array& got, const std::vector<double>& want, double relative) {
  const std::vector<double> values = numbers(got);
  ASSERT_EQ(values.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(want[i])) EXPECT_TRUE(std::isnan(values[i])) << i;
    else if (std::isinf(want[i]) || want[i] == 0) EXPECT_EQ(values[i], want[i]) << i;
    else EXPECT_NEAR(values[i] / want[i], 1, relative) << i;
  }
}

TEST(Range, float16_ties_are_counted_beyond_65504) {
  const Array x = ones({70000}, float16);
  EXPECT_NEAR(sum(grad([](const Array& v) { return max(v); })(x).astype(float32)).item(), 1, 0.01);
  const Array image = ones({1, 300, 300, 1}, float16);
  EXPECT_NEAR(sum(grad([](const Array& v) { return sum(global_max_pool(v)); })(image).astype(float32)).item(), 1, 0.01);
  EXPECT_EQ(nanmean(x).item(), 1);
}

TEST(Range, float16_lengths_and_deviations_do_not_round_their_squares) {
  const Array x = array({300.0, 400.0}).astype(float16), d = array({300.0, -300.0}).astype(float16);
  expect_near(linalg::norm(x), {500}, 1e-3);
  expect_near(grad([](const Array& v) { return linalg::norm(v); })(x), {0.6, 0.8}, 1e-3);
  expect_near(stddev(d), {300}, 1e-3);
  expect_near(grad([](const Array& v) { return stddev(v); })(d), {0.5, -0.5}, 1e-3);
  expect_near(linalg::vector_norm(array({100.0, 100.0}).astype(float16), 3, 0), {126}, 1e-3);
}

TEST(Range, float16_slopes_do_not_round_their_squares) {
  const Array x = array({300.0}).astype(float16);
  expect_near(grad([](const Array& v) { return sum(atan(v)); })(x), {1 / 90001.0}, 1e-2);
  expect_near(grad([](const Array& v) { return sum(gelu(v, GeluForm::tanh)); })(x), {1}, 1e-3);
  expect_near(grad([](const Array& v) { return sum(asinh(v)); })(x), {1 / 300.0}, 1e-3);
}

TEST(Range, lengths_are_right_where_squares_are_out_of_range) {
  expect_near(linalg::norm(array({3e20f, 4e20f})), {5e20}, 1e-6);
  expect_near(linalg::norm(array({3e-30f, 4e-30f})), {5e-30}, 1e-6);
  for (const double scale : {1e200, 1e-200}) {
    const Array x = array({3 * scale, 4 * scale}, float64), f = array({scale, -scale}, float64);
    expect_near(linalg::norm(x), {5 * scale}, 1e-14);
    expect_near(grad([](const Array& v) { return linalg::norm(v); })(x), {0.6, 0.8}, 1e-14);
    expect_near(linalg::vector_norm(x, 3, 0), {std::cbrt(91.0) * scale}, 1e-14);
    expect_near(stddev(f), {scale}, 1e-14);
    expect_near(grad([](const Array& v) { return stddev(v); })(f), {0.5, -0.5}, 1e-14);
    expect_near(layer_norm(f, 0.0), {1, -1}, 1e-14);
    expect_near(rms_norm(f, 0.0), {1, -1}, 1e-14);
    expect_near(batch_norm(reshape(f, {2, 1}), Array(), Array(), 0.0).y, {1, -1}, 1e-14);
  }
}

TEST(Range, norms_of_rows_and_channels_are_right_at_3e19) {
  const std::vector<double> values = {3e19, -3e19, 1e19, 2e19};
  const Array x = array(values, Shape{1, 4}).astype(float32), column = transpose(x);
  const double mean = 0.75e19, deviation = std::sqrt((9 + 9 + 1 + 4) / 4.0 - 0.75 * 0.75) * 1e19, length = std::sqrt(23 / 4.0) * 1e19;
  std::vector<double> want, by_length;
  for (const double value : values) want.push_back((value - mean) / deviation), by_length.push_back(value / length);
  expect_near(layer_norm(x), want, 1e-6);
  expect_near(rms_norm(x), by_length, 1e-6);
  expect_near(batch_norm(column, Array(), Array()).y, want, 1e-6);
  expect_near(stddev(x), {deviation}, 1e-6);
  // y_0 = (x_0 - mean) / deviation  =>  dx = (e_0 - 1/n - xhat xhat_0 / n) / deviation
  std::vector<double> slope;
  for (size_t i = 0; i < 4; ++i) slope.push_back(((i == 0) - 0.25 - want[i] * want[0] / 4) / deviation);
  expect_near(grad([](const Array& v) { return layer_norm(v)[{0, 0}]; })(x), slope, 1e-5);
  expect_near(grad([](const Array& v) { return batch_norm(v, Array(), Array()).y[{0, 0}]; })(column), slope, 1e-5);
}

TEST(Range, slopes_do_not_square_their_input) {
  const Array x = array({1e20f, -1e20f});
  const auto slope = [&](Array (*f)(const Array&)) { return grad([f](const Array& v) { return sum(f(v)); })(x); };
  expect_near(slope(asinh), {1e-20, 1e-20}, 1e-6);
  expect_near(slope(gelu), {1, 0}, 1e-6);
  expect_near(grad([](const Array& v) { return sum(atan2(v, full({2}, 1e20f))); })(x), {5e-21, 5e-21}, 1e-6);
  expect_near(grad([](const Array& v) { return sum(acosh(v)); })(array({1e20f})), {1e-20}, 1e-6);
  const Array small = array({1e-30, 0.0}, float64);
  expect_near(hessian([](const Array& v) { return sum(gelu(v)); })(array({1e200}, float64)), {0}, 1e-6);
  expect_near(grad([](const Array& v) { return sum(softsign(v)); })(small), {1, 1}, 1e-12);
}

TEST(Range, literal_exponents_agree_with_arrays_of_them_on_special_values) {
  const std::vector<double> values = {kInf, -kInf, 0.0, -0.0, std::nan(""), 1.0, -1.0, 2.0, -2.0};
  for (const DType dtype : {float64, float32}) {
    const Array x = array(values).astype(dtype);
    for (const double exponent : {0.5, -0.5, 0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 1.5, -1.5, 40.0, -41.0}) {
      const std::vector<double> literal = numbers(pow(x, exponent)), general = numbers(pow(x, full_like(x, exponent)));
      for (size_t i = 0; i < values.size(); ++i) {
        const double want = std::pow(values[i], exponent);
        for (const double got : {literal[i], general[i]}) {
          if (std::isnan(want)) EXPECT_TRUE(std::isnan(got)) << values[i] << " ^ " << exponent;
          else if (want == 0 || std::isinf(want))
            EXPECT_TRUE(got == want && std::signbit(got) == std::signbit(want)) << values[i] << " ^ " << exponent << ": " << got;
          else EXPECT_NEAR(got / want, 1, 1e-6) << values[i] << " ^ " << exponent;
        }
      }
    }
  }
}

TEST(Range, mean_and_variance_of_time_stamps_do_not_wrap_around) {
  const int64_t now = 1700000000000000000;
  const Array x = full({10}, now, int64) + arange(10) * 1000;
  EXPECT_NEAR(mean(x).item() / 1.7e18, 1, 1e-6);
  EXPECT_NEAR(nanmean(x).item() / 1.7e18, 1, 1e-6);
  EXPECT_NEAR(var(x).item() / 8.25e6, 1, 1e-6);
  EXPECT_NEAR(stddev(x).item() / std::sqrt(8.25e6), 1, 1e-6);
}

TEST(Range, differences_of_nearly_equal_numbers_keep_their_digits) {
  expect_near(sinc(array({0.0f, 1e-4f})), {1, 1 - 1.6449340668e-8}, 1e-7);
  expect_near(grad([](const Array& v) { return sum(sinc(v)); })(array({1e-4f})), {-3.2898681e-4}, 1e-5);
  expect_near(hessian([](const Array& v) { return sum(sinc(v)); })(array({0.0}, float64)), {-std::acos(-1.0) * std::acos(-1.0) / 3}, 1e-12);
  expect_near(logit(array({0.50001f})), {std::log(double(0.50001f) / (1 - double(0.50001f)))}, 1e-5);
  expect_near(tanhshrink(array({1e-3f})), {1e-9 / 3}, 1e-5);
  expect_near(grad([](const Array& v) { return sum(expm1(v)); })(array({-20.0f})), {std::exp(-20.0)}, 1e-5);
  expect_near(grad([](const Array& v) { return sum(tanhshrink(v)); })(array({1e-3f})), {1e-6}, 1e-5);
}

// Images large enough for Winograd's algorithm, all pixels 1e-3 but one, in image 1 at row 5, column 5, channel 0.
Array image_with(float pixel) {
  std::vector<float> values(8 * 16 * 16 * 64, 1e-3f);
  values[((16 + 5) * 16 + 5) * 64] = pixel;
  return array(values, {8, 16, 16, 64}).eval();
}
// Results away from the edges whose window does not hold that pixel.
void expect_far_results(const Array& y, double want) {
  const std::vector<double> values = numbers(y);
  for (size_t image = 0; image < 8; ++image)
    for (size_t row = 1; row < 15; ++row)
      for (size_t column = 1; column < 15; ++column) {
        if (image == 1 && row >= 4 && row <= 6 && column >= 4 && column <= 6) continue;
        ASSERT_NEAR(values[((image * 16 + row) * 16 + column) * 64], want, 1e-4 * want) << image << " " << row << " " << column;
      }
}

TEST(Range, a_huge_pixel_spoils_no_result_whose_window_does_not_hold_it) {
  const Array w = ones({3, 3, 64, 64}).eval();
  const auto convolve = [&](const Array& x) { return conv2d(x, w, {.padding = 1}); };
  for (const float pixel : {1e6f, 10.0f, 0.2f, static_cast<float>(kInf)}) {
    const Array x = image_with(pixel);
    for (int run = 0; run < 3; ++run) {  // weights that stay the same are packed after some runs
      const Array y = convolve(x).eval();
      expect_far_results(y, 0.576);
      if (std::isinf(pixel)) continue;
      EXPECT_NEAR((y[{1, 5, 6, 0}].item() / (0.575 + pixel)), 1, 1e-4);
    }
    expect_far_results(vjp(convolve, zeros({8, 16, 16, 64})).second(x), 0.576);
  }
  const auto of_weights = [&](const Array& v) { return conv2d(image_with(1e-3f), v, {.padding = 1}); };
  const Array slope = vjp(of_weights, w).second(image_with(1e6f));  // sum over positions of x dy
  ASSERT_EQ(slope.shape(), w.shape());
  EXPECT_NEAR((slope[{0, 0, 5, 7}].item() / (1e-6 * 8 * 15 * 15)), 1, 1e-3);
  EXPECT_NEAR((slope[{1, 1, 0, 0}].item() / 1e3), 1, 1e-3);
}

// Numbers are captured by pullbacks, checkpoints and loops as they are, not rounded to the dtype that they meet.
TEST(Range, numbers_in_closed_graphs_are_applied_in_float32_to_16_bit_arrays) {
  const Array x = full({2}, 0.534, float16).eval();
  const auto f = [](const Array& v) { return v / 70008.0; };
  const std::vector<double> want = numbers(f(x));
  EXPECT_GT(want[0], 0);
  EXPECT_EQ(numbers(checkpoint(f)(x)), want);
  const auto pullback = vjp([](const Array& v) { return mean(v); }, ones({70008}, float16)).second;
  EXPECT_NEAR(pullback(Array(0.534).astype(float16)).to_vector<float>()[0] / (0.534 / 70008), 1, 1e-2);
}

}  // namespace
