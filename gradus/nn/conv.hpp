// Convolution layers, channels last.
#pragma once

#include "gradus/nn/dense.hpp"
#include "gradus/ops/conv_options.hpp"

namespace gradus::nn {

/// Options of Conv2D. Strides, dilation and groups are at least 1; groups divide the channels and the filters.
struct Conv2DOptions {
  Size2 strides = 1;
  Padding padding = valid;  ///< valid, same, or numbers
  Size2 dilation = 1;
  int64_t groups = 1;  ///< groups = channels of x: depthwise
  bool use_bias = true;
  Initializer kernel_initializer = init::glorot_uniform();
  Initializer bias_initializer = init::zeros();
};

/// activation(conv2d(x, kernel) + bias): (N, H, W, in) to (N, H', W', filters). kernel (kernel_h, kernel_w, in / groups, filters).
///
///   nn::Conv2D(32, 3, relu)   nn::Conv2D(64, {3, 5}, {.strides = 2, .padding = same})
class Conv2D {
 public:
  Conv2D(core::Size filters, Size2 kernel_size, Activation activation = {}, Conv2DOptions options = {});
  Conv2D(core::Size filters, Size2 kernel_size, Conv2DOptions options) : Conv2D(filters, kernel_size, {}, std::move(options)) {}

  Array forward(const Array& x) const;
  std::string describe() const;
  void check() const;
  static std::span<const core::FieldNote> field_notes();

  int64_t filters;
  Size2 kernel_size, strides;
  Padding padding;
  Size2 dilation;
  int64_t groups;
  bool use_bias;
  Activation activation;
  Initializer kernel_initializer, bias_initializer;
  Parameter kernel{}, bias{};
  GRADUS_PARTS(filters, kernel_size, strides, padding, dilation, groups, use_bias, activation, kernel_initializer, bias_initializer, kernel,
               bias)
};

/// Options of Conv1D, as Conv2D's.
struct Conv1DOptions {
  Size1 strides = 1;
  Padding padding = valid;
  Size1 dilation = 1;
  int64_t groups = 1;
  bool use_bias = true;
  Initializer kernel_initializer = init::glorot_uniform();
  Initializer bias_initializer = init::zeros();
};

/// The same along one axis: (N, T, in) to (N, T', filters). kernel (kernel_size, in / groups, filters).
class Conv1D {
 public:
  Conv1D(core::Size filters, Size1 kernel_size, Activation activation = {}, Conv1DOptions options = {});
  Conv1D(core::Size filters, Size1 kernel_size, Conv1DOptions options) : Conv1D(filters, kernel_size, {}, std::move(options)) {}

  Array forward(const Array& x) const;
  std::string describe() const;
  void check() const;
  static std::span<const core::FieldNote> field_notes();

  int64_t filters;
  Size1 kernel_size, strides;
  Padding padding;
  Size1 dilation;
  int64_t groups;
  bool use_bias;
  Activation activation;
  Initializer kernel_initializer, bias_initializer;
  Parameter kernel{}, bias{};
  GRADUS_PARTS(filters, kernel_size, strides, padding, dilation, groups, use_bias, activation, kernel_initializer, bias_initializer, kernel,
               bias)
};

}  // namespace gradus::nn
