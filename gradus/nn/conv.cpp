// Conv2D and Conv1D.
#include "gradus/nn/conv.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/ops/conv.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/precision.hpp"
#include "gradus/ops/windows.hpp"

namespace gradus::nn {

using namespace core;

namespace {

// Channels of x for one group; throws where groups do not fit.
int64_t group_channels(std::string_view op, const Array& x, int64_t rank, int64_t groups, int64_t filters) {
  if (x.rank() != rank) {
    throw Error(Error::Kind::invalid, op,
                concat("x is ", x.shape(), " of rank ", x.rank(), "; it must have rank ", rank, ", channels last"))
        .with_hint(hint_of_rank(x.shape(), rank - 2));
  }
  const int64_t channels = x.shape(-1);
  if (channels % groups || filters % groups) {
    fail(op, "groups is ", groups, ", x has ", channels, " channels, filters is ", filters, "; groups must divide both");
  }
  return channels / groups;
}

template <class C>
void check_conv(std::string_view name, const C& layer) {
  detail::checked_count(name, "filters", layer.filters);
  detail::checked_count(name, "groups", layer.groups);
  for (const int64_t size : layer.kernel_size.dims()) detail::checked_count(name, "kernel_size", size);
  for (const int64_t size : layer.strides.dims()) detail::checked_count(name, "strides", size);
  for (const int64_t size : layer.dilation.dims()) detail::checked_count(name, "dilation", size);
  for (const PadWidth& width : layer.padding.widths()) {
    if (std::min(width.before, width.after) < 0)
      fail(name, "padding is ", std::min(width.before, width.after), "; it must not be negative");
  }
  layer.bias.set_used(layer.use_bias);
}

// Of images what is kept is large: under mixed precision it is bfloat16 also where a norm or a pooling follows.
template <class C>
Array finish(const C& layer, const Array& kernel, const Array& y) {
  const Array sums = layer.use_bias ? y + detail::bias_beside(kernel, layer.bias, {layer.filters}, layer.bias_initializer) : y;
  return layer.activation.is_linear() ? in_product_dtype(sums) : detail::activated(layer.activation, sums);
}

constexpr FieldNote kFilters{"filters", "channels of the result", range::positive, true},
    kKernelSize{"kernel_size", "positions of a window", range::positive, true},
    kStrides{"strides", "from one window to the next", range::positive}, kPadding{"padding", "zeros around x"},
    kDilation{"dilation", "from one position of a window to the next", range::positive},
    kGroups{"groups", "parts of the channels that do not meet; as many as channels: depthwise", range::positive},
    kUseBias{"use_bias", "whether a bias is added"}, kActivation{"activation", "the function that follows"},
    kKernelInitializer{"kernel_initializer", "first values of the kernel"},
    kBiasInitializer{"bias_initializer", "first values of the bias"};
constexpr FieldNote kNotes[] = {kFilters, kKernelSize, kStrides,    kPadding,           kDilation,
                                kGroups,  kUseBias,    kActivation, kKernelInitializer, kBiasInitializer};

}  // namespace

std::span<const FieldNote> Conv2D::field_notes() { return kNotes; }
std::span<const FieldNote> Conv1D::field_notes() { return kNotes; }

Conv2D::Conv2D(Size filters, Size2 kernel_size, Activation activation, Conv2DOptions options)
    : filters(filters.value()),
      kernel_size(kernel_size),
      strides(options.strides),
      padding(std::move(options.padding)),
      dilation(options.dilation),
      groups(options.groups),
      use_bias(options.use_bias),
      activation(std::move(activation)),
      kernel_initializer(std::move(options.kernel_initializer)),
      bias_initializer(std::move(options.bias_initializer)) {
  check();
}
void Conv2D::check() const { check_conv("Conv2D", *this); }
std::string Conv2D::describe() const {
  return concat(kernel_size[0], "x", kernel_size[1], ", ", detail::in_to_out(kernel, 2, filters),
                groups == 1 ? "" : concat(", ", groups, " groups"));
}
Array Conv2D::forward(const Array& x) const {
  const int64_t channels = group_channels("conv2d", x, 4, groups, filters);
  const Array& k = detail::weight(kernel, {kernel_size[0], kernel_size[1], channels, filters}, kernel_initializer);
  detail::check_dtype("conv2d", x, k);
  return finish(*this, k, conv2d(x, k, {.strides = strides, .padding = padding, .dilation = dilation, .groups = groups}));
}

Conv1D::Conv1D(Size filters, Size1 kernel_size, Activation activation, Conv1DOptions options)
    : filters(filters.value()),
      kernel_size(kernel_size),
      strides(options.strides),
      padding(std::move(options.padding)),
      dilation(options.dilation),
      groups(options.groups),
      use_bias(options.use_bias),
      activation(std::move(activation)),
      kernel_initializer(std::move(options.kernel_initializer)),
      bias_initializer(std::move(options.bias_initializer)) {
  check();
}
void Conv1D::check() const { check_conv("Conv1D", *this); }
std::string Conv1D::describe() const {
  return concat(kernel_size[0], ", ", detail::in_to_out(kernel, 1, filters), groups == 1 ? "" : concat(", ", groups, " groups"));
}
Array Conv1D::forward(const Array& x) const {
  const int64_t channels = group_channels("conv1d", x, 3, groups, filters);
  const Array& k = detail::weight(kernel, {kernel_size[0], channels, filters}, kernel_initializer);
  detail::check_dtype("conv1d", x, k);
  return finish(*this, k, conv1d(x, k, {.strides = strides, .padding = padding, .dilation = dilation, .groups = groups}));
}

}  // namespace gradus::nn
