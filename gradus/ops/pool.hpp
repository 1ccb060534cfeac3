// Pooling over windows of images, channels last: x (N, H, W, C) gives (N, H', W', C).
#pragma once

#include "gradus/graph/array.hpp"
#include "gradus/ops/conv_options.hpp"

namespace gradus {

/// strides: 0 means the window's size. Padding (less than the window) counts as minus infinity. round_up: the number of windows is rounded
/// up; the last one must begin inside the image or the padding before it.
template <int kRank>
struct MaxPoolOptions {
  SizeOf<kRank> strides = 0;
  Padding padding = {};
  SizeOf<kRank> dilation = 1;
  bool round_up = false;
};
using MaxPool1DOptions = MaxPoolOptions<1>;
using MaxPool2DOptions = MaxPoolOptions<2>;
using MaxPool3DOptions = MaxPoolOptions<3>;

/// As MaxPoolOptions. Padding does not count, or counts as zeros with count_padding. divisor: what the sum is divided by; 0 means the
/// number of positions that count.
template <int kRank>
struct AveragePoolOptions {
  SizeOf<kRank> strides = 0;
  Padding padding = {};
  bool round_up = false;
  bool count_padding = false;
  int64_t divisor = 0;
};
using AveragePool1DOptions = AveragePoolOptions<1>;
using AveragePool2DOptions = AveragePoolOptions<2>;
using AveragePool3DOptions = AveragePoolOptions<3>;

/// Largest element of each window and channel; NaN wins. Any numeric dtype. The derivative goes to the first of equal elements.
///
///   max_pool2d(x, 2)   max_pool2d(x, {3, 2}, {.strides = 1, .padding = same})
Array max_pool1d(const Array& x, const Size1& size);
Array max_pool1d(const Array& x, const Size1& size, const MaxPool1DOptions& options);
Array max_pool2d(const Array& x, const Size2& size);
Array max_pool2d(const Array& x, const Size2& size, const MaxPool2DOptions& options);
Array max_pool3d(const Array& x, const Size3& size);
Array max_pool3d(const Array& x, const Size3& size, const MaxPool3DOptions& options);

/// Largest elements with where they lie: flat row-major positions in the spatial axes of x, int64, -1 in an empty window.
struct MaxPoolResult {
  Array y, indices;
};
MaxPoolResult max_pool1d_with_indices(const Array& x, const Size1& size, const MaxPool1DOptions& options = {});
MaxPoolResult max_pool2d_with_indices(const Array& x, const Size2& size, const MaxPool2DOptions& options = {});
MaxPoolResult max_pool3d_with_indices(const Array& x, const Size3& size, const MaxPool3DOptions& options = {});

/// Mean of each window and channel. Integers count as float32.
Array average_pool1d(const Array& x, const Size1& size);
Array average_pool1d(const Array& x, const Size1& size, const AveragePool1DOptions& options);
Array average_pool2d(const Array& x, const Size2& size);
Array average_pool2d(const Array& x, const Size2& size, const AveragePool2DOptions& options);
Array average_pool3d(const Array& x, const Size3& size);
Array average_pool3d(const Array& x, const Size3& size, const AveragePool3DOptions& options);

/// Windows that divide the image into `out` parts along each axis: window i reaches from i * in / out, rounded down, to (i + 1) * in / out,
/// rounded up.
Array adaptive_average_pool1d(const Array& x, const Size1& out);
Array adaptive_average_pool2d(const Array& x, const Size2& out);
Array adaptive_average_pool3d(const Array& x, const Size3& out);
Array adaptive_max_pool1d(const Array& x, const Size1& out);
Array adaptive_max_pool2d(const Array& x, const Size2& out);
Array adaptive_max_pool3d(const Array& x, const Size3& out);
MaxPoolResult adaptive_max_pool1d_with_indices(const Array& x, const Size1& out);
MaxPoolResult adaptive_max_pool2d_with_indices(const Array& x, const Size2& out);
MaxPoolResult adaptive_max_pool3d_with_indices(const Array& x, const Size3& out);

/// Mean or largest element of each channel over all positions: (N, spatial..., C), of any number of spatial axes, gives (N, C).
Array global_average_pool(const Array& x);
Array global_max_pool(const Array& x);

}  // namespace gradus
