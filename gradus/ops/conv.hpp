// Convolutions, channels last: the sliding sum of products (cross-correlation, as in every deep-learning system) and its transpose.
#pragma once

#include "gradus/graph/array.hpp"
#include "gradus/ops/conv_options.hpp"

namespace gradus {

// All take numbers of any dtype; x and w meet in their common one, which is the result's. 16-bit floats are summed in float32 and rounded
// once. Under nn::MixedPrecision float32 operands are rounded to bfloat16; the result is float32 still.

/// y[n, h, w, o] = sum of x[n, h*s - p + i*d, w*s - p + j*d, c] w[i, j, c, o] over i, j and the channels c of o's group.
///
/// x  (N, H, W, C)
/// w  (kernel_h, kernel_w, C / groups, O)
/// returns (N, H', W', O) with H' = (H + padding - dilation * (kernel_h - 1) - 1) / stride + 1, rounded down; `same`: H / stride, rounded
/// up
///
///   conv2d(zeros({1, 28, 28, 3}), ones({3, 3, 3, 8}), {.strides = 2, .padding = same})   // (1, 14, 14, 8)
Array conv2d(const Array& x, const Array& w);
Array conv2d(const Array& x, const Array& w, const Conv2DOptions& options);
/// x (N, T, C), w (kernel, C / groups, O), result (N, T', O).
Array conv1d(const Array& x, const Array& w);
Array conv1d(const Array& x, const Array& w, const Conv1DOptions& options);
/// x (N, D, H, W, C), w (kernel_d, kernel_h, kernel_w, C / groups, O), result (N, D', H', W', O).
Array conv3d(const Array& x, const Array& w);
Array conv3d(const Array& x, const Array& w, const Conv3DOptions& options);

/// The transpose of conv2d as a linear map: each x[n, h, w, c] adds x w[i, j, o, c] to position h*s - p + i*d.
///
/// x  (N, H, W, C)
/// w  (kernel_h, kernel_w, O / groups, C): of the conv2d whose transpose this is
/// returns (N, H', W', O) with H' = (H - 1) * stride - padding + dilation * (kernel_h - 1) + 1 + output_padding; `same`: H * stride
Array conv_transpose2d(const Array& x, const Array& w);
Array conv_transpose2d(const Array& x, const Array& w, const ConvTranspose2DOptions& options);
Array conv_transpose1d(const Array& x, const Array& w);
Array conv_transpose1d(const Array& x, const Array& w, const ConvTranspose1DOptions& options);
Array conv_transpose3d(const Array& x, const Array& w);
Array conv_transpose3d(const Array& x, const Array& w, const ConvTranspose3DOptions& options);

}  // namespace gradus
