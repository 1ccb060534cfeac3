#include "gradus/cpu/conv/conv.hpp"

#include <gtest/gtest.h>

#include "gradus/base/switches.hpp"
#include "gradus/base/threads.hpp"
#include "tests/cpu/random_data.hpp"

namespace gradus::cpu {

using namespace core;
namespace {

using test::Data;

// Out sizes from the others, by the textbook formula.
ConvShape conv_shape(int64_t batch, int64_t groups, int64_t in_channels, int64_t out_channels, Dims in, Dims kernel, Dims strides,
                     Dims pad_begin, Dims pad_end, Dims dilation) {
  ConvShape s{batch, groups, in_channels, out_channels, in, kernel, {}, strides, pad_begin, pad_end, dilation};
  for (size_t axis = 0; axis < in.size(); ++axis) {
    s.out.push_back((in[axis] + pad_begin[axis] + pad_end[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / strides[axis] + 1);
  }
  return s;
}

Shape image_shape(int64_t batch, const Dims& spatial, int64_t channels) {
  Dims sizes{batch};
  for (const int64_t size : spatial) sizes.push_back(size);
  sizes.push_back(channels);
  return Shape(sizes);
}
Shape x_shape(const ConvShape& s) { return image_shape(s.batch, s.in, s.groups * s.in_channels); }
Shape y_shape(const ConvShape& s) { return image_shape(s.batch, s.out, s.groups * s.out_channels); }
Shape w_shape(const ConvShape& s) {
  Dims sizes = s.kernel;
  sizes.push_back(s.in_channels);
  sizes.push_back(s.groups * s.out_channels);
  return Shape(sizes);
}

// Calls body(x index, w index, y index) for every product of the convolution.
template <class Body>
void for_each_product(const ConvShape& s, const Body& body) {
  const int64_t in_channels = s.groups * s.in_channels, out_channels = s.groups * s.out_channels;
  for (int64_t image = 0; image < s.batch; ++image) {
    for (int64_t out = 0; out < s.out_size(); ++out) {
      for (int64_t tap = 0; tap < s.taps(); ++tap) {
        int64_t in = 0, rest_out = out, rest_tap = tap, step = 1;
        bool is_inside = true;
        for (size_t axis = s.rank(); axis-- > 0;) {
          const int64_t at = rest_out % s.out[axis] * s.strides[axis] - s.pad_begin[axis] + rest_tap % s.kernel[axis] * s.dilation[axis];
          is_inside = is_inside && at >= 0 && at < s.in[axis];
          in += at * step;
          step *= s.in[axis];
          rest_out /= s.out[axis];
          rest_tap /= s.kernel[axis];
        }
        if (!is_inside) continue;
        for (int64_t g = 0; g < s.groups; ++g)
          for (int64_t i = 0; i < s.in_channels; ++i)
            for (int64_t o = 0; o < s.out_channels; ++o) {
              body((image * s.in_size() + in) * in_channels + g * s.in_channels + i,
                   (tap * s.in_channels + i) * out_channels + g * s.out_channels + o,
                   (image * s.out_size() + out) * out_channels + g * s.out_channels + o);
            }
      }
    }
  }
}

// `steps` roundings of the sum's size may be lost.
void compare(std::string_view what, const ConvShape& s, const Data& got, const std::vector<double>& want, double terms, double steps) {
  const DType dtype = got.layout().dtype;
  for (size_t i = 0; i < want.size(); ++i) {
    const double value = got[static_cast<int64_t>(i)];
    if (!(std::abs(value - want[i]) <= steps * test::rounding(dtype) * (std::abs(want[i]) + std::sqrt(terms)))) {
      ADD_FAILURE() << what << " " << to_text(dtype) << " x " << to_text(x_shape(s)) << " w " << to_text(w_shape(s)) << " groups "
                    << s.groups << " strides " << to_text(std::span<const int64_t>(s.strides)) << " pad "
                    << to_text(std::span<const int64_t>(s.pad_begin)) << to_text(std::span<const int64_t>(s.pad_end)) << " dilation "
                    << to_text(std::span<const int64_t>(s.dilation)) << " at " << i << ": " << value << ", not " << want[i];
      return;
    }
  }
}

void check(DType dtype, const ConvShape& s, double steps = 8) {
  const Data x(dtype, x_shape(s), 1), w(dtype, w_shape(s), 2), y(dtype, y_shape(s), 3), bias(dtype, Shape{s.groups * s.out_channels}, 4);
  std::vector<double> want(static_cast<size_t>(y.shape().size())), dx(static_cast<size_t>(x.shape().size())),
      dw(static_cast<size_t>(w.shape().size()));
  for_each_product(s, [&](int64_t i, int64_t j, int64_t k) {
    want[static_cast<size_t>(k)] += x[i] * w[j];
    dx[static_cast<size_t>(i)] += y[k] * w[j];
    dw[static_cast<size_t>(j)] += x[i] * y[k];
  });
  if (dtype == uint8) {
    for (std::vector<double>* values : {&want, &dx, &dw})
      for (double& value : *values) value = static_cast<uint8_t>(static_cast<int64_t>(value));
  }
  const Data got_dx(dtype, x_shape(s), 5), got_dw(dtype, w_shape(s), 6), got_y(dtype, y_shape(s), 7);
  const double terms = static_cast<double>(s.taps() * s.in_channels), dx_terms = static_cast<double>(s.taps() * s.out_channels);
  ASSERT_TRUE(test::run(prepare_conv_input_gradient(dtype, s), {y.data(), w.data(), got_dx.data()}).is_ok);
  compare("dx", s, got_dx, dx, dx_terms, steps);
  ASSERT_TRUE(test::run(prepare_conv_weight_gradient(dtype, s), {x.data(), y.data(), got_dw.data()}).is_ok);
  compare("dw", s, got_dw, dw, static_cast<double>(s.batch * s.out_size()), steps);
  ASSERT_TRUE(test::run(prepare_conv(dtype, s), {x.data(), w.data(), got_y.data()}).is_ok);
  compare("y", s, got_y, want, terms, steps);
  if (!dtype.is_float()) return;
  for (size_t i = 0; i < want.size(); ++i) {
    want[i] = std::max(want[i] + bias[static_cast<int64_t>(i) % (s.groups * s.out_channels)], 0.0);
  }
  ASSERT_TRUE(test::run(prepare_conv(dtype, s, {true, Activation::relu}), {x.data(), w.data(), bias.data(), got_y.data()}).is_ok);
  compare("relu(y + bias)", s, got_y, want, terms, steps);
}

TEST(Conv, channels_groups_and_kernels) {
  for (const DType dtype : {float32, float64})
    for (const int64_t groups : {1, 2, 3, 16})
      for (const int64_t in : {1, 3, 16, 17})
        for (const int64_t out : {1, 8, 33}) {
          check(dtype, conv_shape(2, groups, in, out, {7, 6}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}));
          check(dtype, conv_shape(1, groups, in, out, {5, 9}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, {1, 1}));
          check(dtype, conv_shape(1, groups, in, out, {6, 9}, {2, 5}, {2, 1}, {0, 2}, {1, 2}, {1, 1}));
        }
}

TEST(Conv, strides_padding_and_dilation) {
  for (const DType dtype : {float32, float64})
    for (const int64_t stride : {1, 2, 3})
      for (const int64_t begin : {0, 3})
        for (const int64_t end : {0, 2})
          for (const int64_t dilation : {1, 2, 3})
            for (const int64_t channels : {1, 3, 8}) {
              check(dtype, conv_shape(2, 1, channels, 5, {9, 11}, {3, 2}, {stride, 1}, {begin, end}, {end, begin}, {dilation, dilation}));
              check(dtype, conv_shape(2, 1, channels, 16, {9, 8}, {2, 3}, {1, stride}, {begin, 0}, {end, 0}, {1, dilation}));
            }
}

TEST(Conv, depthwise) {
  for (const DType dtype : {float32, float64})
    for (const int64_t groups : {3, 8, 16, 40})
      for (const int64_t out : {1, 2})
        for (const int64_t stride : {1, 2})
          check(dtype, conv_shape(2, groups, 1, out, {8, 9}, {3, 3}, {stride, stride}, {1, 1}, {1, 1}, {1, 1}));
}

TEST(Conv, one_and_three_spatial_axes) {
  for (const DType dtype : {float32, float64})
    for (const int64_t groups : {1, 2})
      for (const int64_t stride : {1, 2}) {
        check(dtype, conv_shape(3, groups, 4, 6, {12}, {3}, {stride}, {1}, {2}, {2}));
        check(dtype, conv_shape(2, groups, 4, 6, {5, 6, 7}, {3, 2, 3}, {stride, 1, stride}, {1, 0, 1}, {1, 1, 0}, {1, 1, 2}));
      }
}

TEST(Conv, every_dtype) {
  for (const DType dtype : {uint8, int32, int64, float16, bfloat16, float32, float64}) {
    check(dtype, conv_shape(2, 1, 3, 8, {7, 6}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}));
    check(dtype, conv_shape(2, 2, 16, 16, {9, 8}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}));
    check(dtype, conv_shape(1, 1, 2, 3, {7}, {2}, {1}, {0}, {1}, {2}));
  }
}

TEST(Conv, sizes_of_one_and_none) {
  for (const DType dtype : {float16, bfloat16, float32, float64, int32}) {
    check(dtype, conv_shape(0, 1, 3, 4, {5, 5}, {3, 3}, {1, 1}, {0, 0}, {0, 0}, {1, 1}));
    check(dtype, conv_shape(2, 1, 0, 4, {5, 5}, {3, 3}, {1, 1}, {0, 0}, {0, 0}, {1, 1}));
    check(dtype, conv_shape(2, 1, 3, 0, {5, 5}, {3, 3}, {1, 1}, {0, 0}, {0, 0}, {1, 1}));
    check(dtype, conv_shape(1, 1, 1, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, {1, 1}));
    check(dtype, conv_shape(1, 1, 1, 1, {1, 1}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}));
    check(dtype, conv_shape(1, 1, 2, 2, {0, 3}, {3, 3}, {1, 1}, {2, 1}, {2, 1}, {1, 1}));
    check(dtype, conv_shape(1, 1, 2, 2, {2, 2}, {1, 1}, {1, 1}, {3, 3}, {3, 3}, {1, 1}));
  }
}

TEST(Conv, images_of_the_tutorial) {
  check(float32, conv_shape(4, 1, 1, 32, {28, 28}, {3, 3}, {1, 1}, {0, 0}, {0, 0}, {1, 1}));
  check(float32, conv_shape(2, 1, 32, 64, {13, 13}, {3, 3}, {1, 1}, {0, 0}, {0, 0}, {1, 1}));
  check(float32, conv_shape(1, 1, 3, 64, {40, 40}, {7, 7}, {2, 2}, {3, 3}, {3, 3}, {1, 1}));
}

// Large enough for Winograd's algorithm (cpu/dnnl_conv.cpp), which rounds more; with GRADUS_WINOGRAD=0 as exact as all others.
TEST(Conv, images_for_winograd) {
  const double steps = is_switched_on("GRADUS_WINOGRAD", true) ? 250 : 8;
  check(float32, conv_shape(4, 1, 32, 64, {14, 14}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}), steps);
  check(float32, conv_shape(1, 1, 64, 32, {27, 31}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}), steps);
  check(float32, conv_shape(1, 1, 64, 48, {31, 30}, {3, 3}, {1, 1}, {0, 0}, {0, 0}, {1, 1}), steps);
  check(float32, conv_shape(2, 1, 40, 65, {22, 23}, {3, 3}, {1, 1}, {1, 0}, {0, 1}, {1, 1}), steps);
  check(float32, conv_shape(1, 1, 33, 64, {55, 15}, {3, 3}, {1, 1}, {1, 0}, {1, 0}, {1, 1}), steps);
  check(float32, conv_shape(15, 1, 64, 64, {7, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}), steps);
}

TEST(Conv, float64_gives_the_same_bits_for_any_number_of_threads) {
  const int before = threads();
  const ConvShape s = conv_shape(3, 1, 8, 16, {20, 20}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1});
  const Data x(float64, x_shape(s), 1), w(float64, w_shape(s), 2), one(float64, y_shape(s), 3), three(float64, y_shape(s), 4);
  set_threads(1);
  test::run(prepare_conv(float64, s), {x.data(), w.data(), one.data()});
  set_threads(3);
  test::run(prepare_conv(float64, s), {x.data(), w.data(), three.data()});
  set_threads(before);
  EXPECT_EQ(std::memcmp(one.data(), three.data(), static_cast<size_t>(one.layout().bytes())), 0);
}

}  // namespace
}  // namespace gradus::cpu
