// Convolution and pooling as users call them: sizes, options, messages. Their arithmetic is tested in tests/cpu, their derivatives by the
// laws.
#include "gradus/ops/conv.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/pool.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/grad.hpp"
#include "tests/ops/expect.hpp"

namespace gradus {

using namespace core;
namespace {

using test::expect_error;
using test::expect_values;

Array counted(const Shape& shape) { return reshape(arange(shape.size(), float64), shape); }

TEST(Conv, slides_without_turning_the_kernel) {
  const Array x = counted({1, 3, 3, 1}), w = reshape(array({1., 10., 100., 1000.}), {2, 2, 1, 1});
  expect_values(conv2d(x, w), {1, 2, 2, 1}, {4310, 5421, 7643, 8754});
  expect_values(conv2d(x, w, {.strides = 2}), {1, 1, 1, 1}, {4310});
  expect_values(conv2d(x, w, {.strides = {1, 2}, .padding = {{0, 0}, {1, 0}}}), {1, 2, 2, 1}, {3000, 5421, 6030, 8754});
}

TEST(Conv, sizes) {
  const Array x = zeros({2, 28, 20, 4});
  const auto shape = [&](const Array& w, const Conv2DOptions& options) { return conv2d(x, w, options).shape(); };
  EXPECT_EQ(shape(zeros({3, 3, 4, 8}), {}), (Shape{2, 26, 18, 8}));
  EXPECT_EQ(shape(zeros({3, 3, 4, 8}), {.padding = same}), (Shape{2, 28, 20, 8}));
  EXPECT_EQ(shape(zeros({3, 3, 4, 8}), {.strides = 3, .padding = same}), (Shape{2, 10, 7, 8}));
  EXPECT_EQ(shape(zeros({3, 3, 4, 8}), {.padding = valid}), (Shape{2, 26, 18, 8}));
  EXPECT_EQ(shape(zeros({3, 3, 4, 8}), {.padding = 2}), (Shape{2, 30, 22, 8}));
  EXPECT_EQ(shape(zeros({3, 3, 4, 8}), {.padding = {2, 1}}), (Shape{2, 30, 20, 8}));
  EXPECT_EQ(shape(zeros({3, 3, 4, 8}), {.padding = {{0, 1}, {2, 2}}}), (Shape{2, 27, 22, 8}));
  EXPECT_EQ(shape(zeros({3, 3, 4, 8}), {.dilation = {2, 3}}), (Shape{2, 24, 14, 8}));
  EXPECT_EQ(shape(zeros({3, 3, 1, 8}), {.groups = 4}), (Shape{2, 26, 18, 8}));
  EXPECT_EQ(conv2d(zeros({0, 9, 9, 4}), zeros({3, 3, 4, 8})).shape(), (Shape{0, 7, 7, 8}));
  EXPECT_EQ(conv1d(zeros({2, 10, 4}), zeros({3, 4, 5}), {.strides = 2}).shape(), (Shape{2, 4, 5}));
  EXPECT_EQ(conv3d(zeros({2, 5, 6, 7, 4}), zeros({3, 3, 3, 2, 6}), {.padding = same, .groups = 2}).shape(), (Shape{2, 5, 6, 7, 6}));
}

TEST(Conv, transpose_is_the_adjoint) {
  // <conv(x), y> = <x, conv_transpose(y)>
  const Array x = counted({2, 7, 6, 4}), w = counted({3, 2, 2, 6}) * 0.5;
  const Array y = conv2d(x, w, {.strides = {2, 1}, .padding = 1, .groups = 2}), v = y * 0.25 + 1;
  const Array back = conv_transpose2d(v, w, {.strides = {2, 1}, .padding = 1, .groups = 2});
  ASSERT_EQ(back.shape(), x.shape());
  const double left = sum(y * v).item(), right = sum(x * back).item();
  EXPECT_NEAR(left, right, 1e-9 * std::abs(left));
}

TEST(Conv, transpose_sizes) {
  const Array x = zeros({2, 5, 4, 3});
  const auto shape = [&](const ConvTranspose2DOptions& options) { return conv_transpose2d(x, zeros({3, 3, 8, 3}), options).shape(); };
  EXPECT_EQ(shape({}), (Shape{2, 7, 6, 8}));
  EXPECT_EQ(shape({.strides = 2}), (Shape{2, 11, 9, 8}));
  EXPECT_EQ(shape({.strides = 2, .padding = 1, .output_padding = 1}), (Shape{2, 10, 8, 8}));
  EXPECT_EQ(shape({.strides = 2, .padding = same}), (Shape{2, 10, 8, 8}));
  EXPECT_EQ(shape({.strides = 5, .padding = same}), (Shape{2, 25, 20, 8}));
  EXPECT_EQ(shape({.output_padding = 1, .dilation = 2}), (Shape{2, 10, 9, 8}));
  EXPECT_EQ(conv_transpose2d(zeros({2, 0, 4, 3}), zeros({3, 3, 8, 3})).shape(), (Shape{2, 0, 6, 8}));
  expect_values(
      conv_transpose1d(reshape(array({1., 2.}), {1, 2, 1}), reshape(array({1., 10.}), {2, 1, 1}), {.output_padding = 1, .dilation = 2}),
      {1, 5, 1}, {1, 2, 10, 20, 0});
}

TEST(Conv, errors) {
  const Array x = zeros({2, 8, 8, 16});
  expect_error([&] { conv2d(x, zeros({3, 3, 4, 12}), {.groups = 3}); },
               "conv2d: groups is 3, in_channels is 16; groups must divide in_channels");
  expect_error([&] { conv2d(x, zeros({3, 3, 4, 14}), {.groups = 4}); },
               "conv2d: groups is 4, out_channels is 14; groups must divide out_channels");
  expect_error([&] { conv2d(x, zeros({3, 3, 8, 32})); },
               "conv2d: x has 16 channels, groups is 1 and w is (3, 3, 8, 32); w's second to last size must be in_channels / groups, 16");
  expect_error([&] { conv2d(zeros({8, 8, 16}), zeros({3, 3, 16, 8})); }, "conv2d: x is (8, 8, 16); it must be (N, H, W, C)");
  expect_error([&] { conv1d(zeros({8, 8, 16}), zeros({3, 3, 16, 8})); },
               "conv1d: w is (3, 3, 16, 8); it must have rank 3: the kernel's sizes, in_channels / groups, out_channels");
  expect_error(
      [&] {
        conv2d(x, zeros({9, 3, 16, 8}));
      },
      "conv2d: the window reaches over 9 positions along axis 1 (size 9, dilation 1), the padded image has 8; it must have as many or "
      "more");
  expect_error([&] { conv2d(x, zeros({3, 3, 16, 8}), {.strides = 0}); },
               "conv2d: stride is 0 along axis 1; it must be 1 or more, and less than 2^31");
  expect_error([&] { conv2d(x, zeros({3, 3, 16, 8}), {.padding = -1}); },
               "conv2d: padding is -1 along axis 1; it must be 0 or more, and less than 2^31");
  expect_error([&] { conv2d(x, zeros({3, 3, 16, 8}), {.padding = {1, 2, 3}}); }, "conv2d: padding names 3 axes; it must name one or all 2");
  expect_error([&] { conv2d(x, zeros({3, 3, 16, 8}), {.groups = 0}); }, "conv2d: groups is 0; it must be 1 or more");
  expect_error([&] { conv_transpose2d(x, zeros({3, 3, 8, 12})); },
               "conv_transpose2d: x has 16 channels and w is (3, 3, 8, 12); w's last size must be in_channels, 16");
  expect_error(
      [&] {
        conv_transpose2d(x, zeros({3, 3, 8, 16}), {.output_padding = 1});
      },
      "conv_transpose2d: output_padding is 1 along axis 1 with stride 1 and dilation 1; it must be from 0 to less than the larger of them");
}

TEST(Pool, sizes_and_values) {
  const Array x = counted({1, 4, 4, 1});
  expect_values(max_pool2d(x, 2), {1, 2, 2, 1}, {5, 7, 13, 15});
  expect_values(average_pool2d(x, 2), {1, 2, 2, 1}, {2.5, 4.5, 10.5, 12.5});
  expect_values(max_pool2d(x, {1, 4}), {1, 4, 1, 1}, {3, 7, 11, 15});
  expect_values(max_pool2d(x, 3, {.strides = 2, .padding = same}), {1, 2, 2, 1}, {10, 11, 14, 15});
  expect_values(max_pool2d(x, 3, {.round_up = true}), {1, 2, 2, 1}, {10, 11, 14, 15});
  expect_values(average_pool2d(x, 3, {.strides = 3, .padding = 1}), {1, 2, 2, 1}, {2.5, 4.5, 10.5, 12.5});
  expect_values(average_pool2d(x, 3, {.strides = 3, .padding = 1, .count_padding = true}), {1, 2, 2, 1}, {10. / 9, 2, 42. / 9, 50. / 9});
  expect_values(average_pool2d(x, 2, {.divisor = 2}), {1, 2, 2, 1}, {5, 9, 21, 25});
  expect_values(adaptive_average_pool2d(x, {3, 1}), {1, 3, 1, 1}, {3.5, 7.5, 11.5});
  expect_values(adaptive_max_pool2d(x, {3, 1}), {1, 3, 1, 1}, {7, 11, 15});
  expect_values(global_average_pool(x), {1, 1}, {7.5});
  expect_values(global_max_pool(x), {1, 1}, {15});
  EXPECT_EQ(max_pool1d(zeros({2, 7, 3}), 2).shape(), (Shape{2, 3, 3}));
  EXPECT_EQ(average_pool3d(zeros({2, 7, 4, 6, 3}), {2, 4, 3}).shape(), (Shape{2, 3, 1, 2, 3}));
  EXPECT_EQ(average_pool2d(ones({1, 2, 2, 1}, int32), 2).dtype(), float32);
  EXPECT_EQ(max_pool2d(ones({1, 2, 2, 1}, int32), 2).dtype(), int32);
}

TEST(Pool, indices_are_flat_positions) {
  const Array x = reshape(array({1., 9., 3., 2., 4., 5., 8., 0., 7.}), {1, 3, 3, 1});
  const auto [y, indices] = max_pool2d_with_indices(x, 2, {.strides = 1});
  expect_values(y, {1, 2, 2, 1}, {9, 9, 8, 7});
  expect_values(indices, {1, 2, 2, 1}, {1, 1, 6, 8});
  EXPECT_EQ(indices.dtype(), int64);
  expect_values(adaptive_max_pool2d_with_indices(x, {1, 2}).indices, {1, 1, 2, 1}, {1, 1});
}

TEST(Pool, nan_and_minus_infinity_are_values_as_any) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const auto slope = [](auto f, const Array& x) { return grad([&](const Array& v) { return sum(f(v)); })(x); };
  const Array holes = reshape(array({nan, 1.0, 0.0, nan}), {1, 2, 2, 1}), low = full({1, 2, 2, 1}, -inf);
  const auto rows = [](const Array& v) { return max_pool2d(v, {1, 2}); };
  expect_values(rows(holes), {1, 2, 1, 1}, {nan, nan});
  expect_values(slope(rows, holes), {1, 2, 2, 1}, {1, 0, 0, 1});
  expect_values(global_max_pool(holes), {1, 1}, {nan});
  const auto corners = [](const Array& v) {
    return max_pool2d(v, 2, {.strides = 2, .padding = 1});
  };  // one position each, the rest is padding
  expect_values(corners(low), {1, 2, 2, 1}, {-inf, -inf, -inf, -inf});
  expect_values(slope(corners, low), {1, 2, 2, 1}, {1, 1, 1, 1});
  expect_values(max_pool2d_with_indices(low, 2, {.strides = 2, .padding = 1}).indices, {1, 2, 2, 1}, {0, 1, 2, 3});
  expect_values(average_pool2d(full({1, 2, 2, 1}, -5.0), 2, {.strides = 2, .padding = 1}), {1, 2, 2, 1}, {-5, -5, -5, -5});
  // Rounded up, no window lies outside the image.
  EXPECT_EQ(average_pool2d(ones({1, 8, 8, 1}), 3, {.strides = {3, 4}, .round_up = true}).shape(), (Shape{1, 3, 2, 1}));
  expect_values(average_pool2d(ones({1, 1, 4, 1}), {1, 2}, {.strides = 2, .padding = {0, 1}, .round_up = true, .count_padding = true}),
                {1, 1, 3, 1}, {0.5, 1, 0.5});
}

TEST(Pool, averages_of_large_windows_keep_their_digits) {
  for (const int64_t channels : {1, 16}) {
    const Array x = full({1, 100, 100, channels}, 60000);
    for (const Array& y : {average_pool2d(x, 100), average_pool2d(x, 100, {.strides = 100, .padding = 1}), adaptive_average_pool2d(x, 1)}) {
      for (const double mean : y.to_vector<double>()) EXPECT_NEAR(mean / 60000, 1, 1e-6);
    }
    for (const DType dtype : {float16, bfloat16}) {
      const Array ones_16 = ones({1, 100, 100, channels}, dtype);
      for (const double mean : average_pool2d(ones_16, 100).to_vector<double>()) EXPECT_EQ(mean, 1);
    }
  }
}

TEST(Pool, errors) {
  expect_error([] { max_pool2d(zeros({3, 3}), 2); }, "max_pool2d: x is (3, 3); it must be (N, H, W, C)");
  expect_error([] { max_pool2d(zeros({1, 4, 4, 1}), 2, {.padding = 2}); },
               "max_pool2d: padding is (2, 2) along axis 1, the window reaches over 2 positions; padding must be less");
  expect_error(
      [] {
        average_pool2d(zeros({1, 4, 4, 1}), 5);
      },
      "average_pool2d: the window reaches over 5 positions along axis 1 (size 5, dilation 1), the padded image has 4; it must have as many "
      "or more");
  expect_error(
      [] {
        adaptive_max_pool2d(zeros({1, 0, 4, 1}), 1);
      },
      "adaptive_max_pool2d: x is (1, 0, 4, 1); it must have positions along axis 1");
}

}  // namespace
}  // namespace gradus
