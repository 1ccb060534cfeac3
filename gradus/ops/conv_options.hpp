// Sizes, padding and options of convolutions and pooling, as users write them: 3 or {3, 5}; same, valid, 1, {1, 2} or {{0, 1}, {2, 2}}.
#pragma once

#include <initializer_list>
#include <vector>

#include "gradus/array/shape.hpp"
#include "gradus/base/refuse.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {

/// One number for each of kRank spatial axes, or one for all: Size2 is 3 or {3, 5} (height, width).
template <int kRank>
class SizeOf {
 public:
  template <core::Integer T>
  constexpr SizeOf(T all) {  // NOLINT: implicit on purpose
    for (int64_t& value : values_) value = core::Size(all).value();
  }
  constexpr SizeOf(core::Size first, core::Size second) requires(kRank == 2) : values_{first.value(), second.value()} {}
  constexpr SizeOf(core::Size first, core::Size second, core::Size third) requires(kRank == 3)
      : values_{first.value(), second.value(), third.value()} {}
  core::Dims dims() const { return core::Dims(std::span<const int64_t>(values_, kRank)); }
  constexpr int64_t operator[](int axis) const { return values_[axis]; }

 private:
  int64_t values_[kRank] = {};
};
using Size1 = SizeOf<1>;
using Size2 = SizeOf<2>;
using Size3 = SizeOf<3>;

/// As many zeros as keep the size (divided by the stride, rounded up); of an odd number, one more at the end.
struct SamePadding {};
inline constexpr SamePadding same{};
/// No padding.
struct ValidPadding {};
inline constexpr ValidPadding valid{};

/// What lies around the image: a number for every side, one for each axis {1, 2}, one for each side {{0, 1}, {2, 2}} (before, after), same
/// or valid.
class Padding {
 public:
  Padding() : widths_{0} {}
  template <core::Integer T>
  Padding(T all) : widths_{PadWidth(all)} {}  // NOLINT: implicit on purpose
  Padding(std::initializer_list<PadWidth> widths) : widths_(widths) {}
  Padding(const std::vector<PadWidth>& widths) : widths_(widths) {}         // NOLINT: implicit on purpose
  Padding(SamePadding) : is_same_(true) {}                                  // NOLINT: implicit on purpose
  Padding(ValidPadding) : widths_{0} {}                                     // NOLINT: implicit on purpose
  template <::gradus::core::Text T>
  Padding(const T&) {  // NOLINT: refused
    static_assert(::gradus::core::never<T>, "padding is same, valid or numbers, without quotes");
  }

  bool is_same() const { return is_same_; }
  /// One entry for all axes, or one for each; empty if is_same().
  const std::vector<PadWidth>& widths() const { return widths_; }

 private:
  std::vector<PadWidth> widths_;
  bool is_same_ = false;
};

/// strides: the step from one output to the next; dilation: the step from one tap of the kernel to the next; groups: the channels are
/// divided into so many groups that do not meet (groups = in_channels: depthwise).
template <int kRank>
struct ConvOptions {
  SizeOf<kRank> strides = 1;
  Padding padding = {};
  SizeOf<kRank> dilation = 1;
  int64_t groups = 1;
};
using Conv1DOptions = ConvOptions<1>;
using Conv2DOptions = ConvOptions<2>;
using Conv3DOptions = ConvOptions<3>;

/// As ConvOptions; output_padding: so many positions more at the end of each axis (of the sizes that a strided convolution maps to one).
template <int kRank>
struct ConvTransposeOptions {
  SizeOf<kRank> strides = 1;
  Padding padding = {};
  SizeOf<kRank> output_padding = 0;
  SizeOf<kRank> dilation = 1;
  int64_t groups = 1;
};
using ConvTranspose1DOptions = ConvTransposeOptions<1>;
using ConvTranspose2DOptions = ConvTransposeOptions<2>;
using ConvTranspose3DOptions = ConvTransposeOptions<3>;

}  // namespace gradus
