// The sizes of a convolution or pooling, one entry a spatial axis. Light: no kernel, no dependency.
#pragma once

#include "gradus/array/dtype.hpp"
#include "gradus/array/shape.hpp"

namespace gradus::cpu {

/// Channels-last convolution (cross-correlation): x (batch, in..., groups * in_channels), w (kernel..., in_channels, groups *
/// out_channels), y (batch, out..., groups * out_channels); y[o] sums x[o * stride - pad_begin + k * dilation] w[k]. Pooling has
/// in_channels = out_channels = 1.
struct ConvShape {
  int64_t batch = 0, groups = 1, in_channels = 0, out_channels = 0;  ///< channels of one group
  Dims in{}, kernel{}, out{};                                        ///< spatial sizes
  Dims strides{}, pad_begin{}, pad_end{}, dilation{};                ///< pad_end may be negative: the last input positions are not read
  int64_t whole_batch = 0;  ///< examples of the convolution of which this is a block for one thread; 0: it is the whole

  size_t rank() const { return kernel.size(); }
  int64_t in_size() const { return product(in); }
  int64_t out_size() const { return product(out); }
  int64_t taps() const { return product(kernel); }
  /// Multiply-adds of the whole convolution, padding counted.
  double work() const {
    return static_cast<double>(batch * groups) * static_cast<double>(out_size() * taps()) * static_cast<double>(in_channels * out_channels);
  }
  friend bool operator==(const ConvShape&, const ConvShape&) = default;

 private:
  static int64_t product(const Dims& sizes) {
    int64_t count = 1;
    for (const int64_t size : sizes) count *= size;
    return count;
  }
};

/// Dtypes of what is multiplied and of the result: equal, or bfloat16 and float32.
struct ConvTypes {
  DType operands{}, result{};
  ConvTypes(DType both) : operands(both), result(both) {}  // NOLINT: implicit on purpose
  ConvTypes(DType operands, DType result) : operands(operands), result(result) {}
};

}  // namespace gradus::cpu
