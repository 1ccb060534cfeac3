// Golden dense layers and convolutions.
#include "tests/golden/border.hpp"

namespace golden {

using namespace gradus;
using namespace gradus::core;

Array channels_last(const Array& x) { return moveaxis(x, 1, -1); }
Array channels_first(const Array& x) { return moveaxis(x, -1, 1); }
Array kernel_of(const Array& weight) { return moveaxis(weight, {1, 0}, {-2, -1}); }

namespace {

// A number for all axes, or a list of one an axis.
std::vector<int64_t> for_axes(const Json& attrs, const char* name, size_t axes, int64_t fallback) {
  if (!attrs.contains(name) || attrs[name].is_null()) return std::vector<int64_t>(axes, fallback);
  if (attrs[name].is_number()) return std::vector<int64_t>(axes, attrs[name].get<int64_t>());
  return attrs[name].get<std::vector<int64_t>>();
}
Padding padding_of(const Json& attrs, size_t axes) {
  if (attrs.contains("padding") && attrs["padding"].is_string()) {
    if (attrs["padding"] == "same") return same;
    if (attrs["padding"] == "valid") return valid;
    throw NotCovered("padding " + attrs["padding"].get<std::string>());
  }
  std::vector<PadWidth> widths;
  for (const int64_t width : for_axes(attrs, "padding", axes, 0)) widths.emplace_back(width);
  return widths;
}
template <int kRank>
SizeOf<kRank> size_of(const std::vector<int64_t>& v) {
  if constexpr (kRank == 1) return v[0];
  else if constexpr (kRank == 2) return {v[0], v[1]};
  else return {v[0], v[1], v[2]};
}
template <int kRank>
ConvOptions<kRank> options_of(const Json& attrs) {
  return {.strides = size_of<kRank>(for_axes(attrs, "stride", kRank, 1)),
          .padding = padding_of(attrs, kRank),
          .dilation = size_of<kRank>(for_axes(attrs, "dilation", kRank, 1)),
          .groups = attrs.value("groups", int64_t{1})};
}
template <int kRank>
ConvTransposeOptions<kRank> transpose_options_of(const Json& attrs) {
  return {.strides = size_of<kRank>(for_axes(attrs, "stride", kRank, 1)),
          .padding = padding_of(attrs, kRank),
          .output_padding = size_of<kRank>(for_axes(attrs, "output_padding", kRank, 0)),
          .dilation = size_of<kRank>(for_axes(attrs, "dilation", kRank, 1)),
          .groups = attrs.value("groups", int64_t{1})};
}

Results convolution_case(const Call& c) { return torch_convolution(c["x"], c["weight"], optional(c, "bias"), c.attrs()); }
Results bilinear(const Call& c) {
  const Array y = einsum("ni,oij,nj->no", c["x1"], c["weight"], c["x2"]);
  return c.has("bias") ? y + c["bias"] : y;
}

const Entry table[] = {
    {"linear", [](const Call& c) -> Results { return torch_linear(c["x"], c["weight"], optional(c, "bias")); }},
    {"bilinear", bilinear},
    {"conv1d", convolution_case},
    {"conv2d", convolution_case},
    {"conv3d", convolution_case},
    {"conv_transpose1d", transposed_convolution},
    {"conv_transpose2d", transposed_convolution},
    {"conv_transpose3d", transposed_convolution},
};

}  // namespace

Array torch_convolution(const Array& image, const Array& weight, const Array& bias, const Json& attrs) {
  if (image.rank() < weight.rank()) return squeeze(torch_convolution(expand_dims(image, 0), weight, bias, attrs), 0);  // one image
  const Array x = channels_last(image), w = kernel_of(weight);
  Array y;
  switch (x.rank()) {
    case 3: y = conv1d(x, w, options_of<1>(attrs)); break;
    case 4: y = conv2d(x, w, options_of<2>(attrs)); break;
    case 5: y = conv3d(x, w, options_of<3>(attrs)); break;
    default: throw NotCovered("an image of that rank");
  }
  return channels_first(bias.exists() ? y + bias : y);
}

Results transposed_convolution(const Call& c) {
  const Array x = channels_last(c["x"]), w = kernel_of(c["weight"]);
  Array y;
  switch (x.rank()) {
    case 3: y = conv_transpose1d(x, w, transpose_options_of<1>(c.attrs())); break;
    case 4: y = conv_transpose2d(x, w, transpose_options_of<2>(c.attrs())); break;
    case 5: y = conv_transpose3d(x, w, transpose_options_of<3>(c.attrs())); break;
    default: throw NotCovered("an image of that rank");
  }
  return channels_first(c.has("bias") ? y + c["bias"] : y);
}

Table conv_table() { return table; }

}  // namespace golden
