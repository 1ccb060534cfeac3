// Convolutions by oneDNN: images channels last as they are, weights brought to the layout that oneDNN asks for and back. Where Winograd's algorithm
// pays for it, images are brought to its layout too.
#include "gradus/base/switches.hpp"
#include "gradus/cpu/conv_guard.hpp"
#include "gradus/cpu/dnnl.hpp"
#include "gradus/cpu/dnnl_sequence.hpp"

namespace gradus::cpu {

namespace {

// The operands as oneDNN sees them: logical order N C spatial and (G) O I spatial, physical order channels last.
struct Operands {
  dnnl::memory::desc x, y, weights, bias;             // as they are given
  dnnl::memory::desc asked_x, asked_y, any_weights;  // as the primitive is asked to take them
  dnnl::memory::dims strides, dilation, pad_begin, pad_end;
  dnnl::algorithm algorithm;
};

Dims image_sizes(int64_t batch, int64_t channels, const Dims& spatial) {
  Dims sizes{batch, channels};
  for (const int64_t size : spatial) sizes.push_back(size);
  return sizes;
}

Dims channels_last(const Dims& sizes) {
  Dims strides(sizes.size());
  int64_t step = sizes[1];
  strides[1] = 1;
  for (size_t axis = sizes.size(); axis-- > 2;) {
    strides[axis] = step;
    step *= sizes[axis];
  }
  strides[0] = step;
  return strides;
}

Operands make_operands(DType dtype, const ConvShape& shape, dnnl::algorithm algorithm) {
  Operands out;
  out.algorithm = algorithm;
  const Dims x = image_sizes(shape.batch, shape.groups * shape.in_channels, shape.in);
  const Dims y = image_sizes(shape.batch, shape.groups * shape.out_channels, shape.out);
  out.x = dnnl_desc(dtype, x, channels_last(x));
  out.y = dnnl_desc(dtype, y, channels_last(y));
  const bool is_direct = algorithm == dnnl::algorithm::convolution_direct;
  out.asked_x = is_direct ? out.x : dnnl_any(dtype, x);
  out.asked_y = is_direct ? out.y : dnnl_any(dtype, y);
  // (kernel..., in, groups * out) in memory.
  Dims sizes, strides;
  if (shape.groups > 1) {
    sizes.push_back(shape.groups);
    strides.push_back(shape.out_channels);
  }
  sizes.push_back(shape.out_channels);
  strides.push_back(1);
  sizes.push_back(shape.in_channels);
  strides.push_back(shape.groups * shape.out_channels);
  int64_t step = shape.in_channels * shape.groups * shape.out_channels * shape.taps();
  for (const int64_t size : shape.kernel) {
    step /= size;
    sizes.push_back(size);
    strides.push_back(step);
  }
  out.weights = dnnl_desc(dtype, sizes, strides);
  out.any_weights = dnnl_any(dtype, sizes);
  const Dims channels{y[1]}, unit{1};
  out.bias = dnnl_desc(dtype, channels, unit);
  for (size_t axis = 0; axis < shape.rank(); ++axis) {
    out.strides.push_back(shape.strides[axis]);
    out.dilation.push_back(shape.dilation[axis] - 1);
    out.pad_begin.push_back(shape.pad_begin[axis]);
    out.pad_end.push_back(shape.pad_end[axis]);
  }
  return out;
}

// Winograd's algorithm for 3 x 3 kernels makes tiles of 4 x 4 results with a quarter of the products (Lavin and Gray, 2016). Its rounding errors are
// about ten times those of plain sums, about 2e-5 of a typical result at the worst (docs/limits.md), where no pixel is far above the others: images
// with such a pixel go without it (conv_guard.hpp). So does everything with GRADUS_WINOGRAD=0. `tiled` are the spatial sizes that it cuts into tiles.
bool prefers_winograd(DType dtype, const ConvShape& s, const Dims& tiled) {
  static const bool is_allowed = is_switched_on("GRADUS_WINOGRAD", true);
  const Dims three{3, 3}, one{1, 1};
  if (!is_allowed || dtype != float32 || s.groups != 1 || s.kernel != three || s.strides != one || s.dilation != one) return false;
  if (s.pad_begin != s.pad_end) return false;  // oneDNN 2.6 takes uneven padding and computes a wrong input gradient
  // Measured: below these sizes bringing images and weights into its form costs more than it saves (docs/speed.md).
  if (std::min(s.in_channels, s.out_channels) < 32 || std::max(s.in_channels, s.out_channels) < 64) return false;
  const int64_t positions = tiled[0] * tiled[1], covered = (tiled[0] + 3) / 4 * 4 * ((tiled[1] + 3) / 4 * 4);
  return s.batch * positions >= 700 && 3 * covered <= 4 * positions;
}

// What oneDNN can do with the operands, by Winograd's algorithm if that is preferred and there; empty if it has nothing optimised.
// `describe` makes a description of operands.
template <class Describe>
auto choose(DType dtype, const ConvShape& shape, bool is_winograd, const Describe& describe) {
  if (is_winograd) {
    Operands o = make_operands(dtype, shape, dnnl::algorithm::convolution_winograd);
    if (auto description = describe(o); description && is_optimised(description)) return std::pair(std::move(o), std::move(description));
  }
  Operands o = make_operands(dtype, shape, dnnl::algorithm::convolution_direct);
  auto description = describe(o);
  if (description && !is_optimised(description)) description = {};
  return std::pair(std::move(o), std::move(description));
}

dnnl::convolution_forward::primitive_desc describe_forward(const Operands& o, bool has_bias, const dnnl::primitive_attr& attributes) {
  const dnnl::memory::desc none;
  constexpr auto kind = dnnl::prop_kind::forward_training;
  const dnnl::memory::desc& bias = has_bias ? o.bias : none;
#if DNNL_VERSION_MAJOR >= 3
  return {dnnl_engine(), kind, o.algorithm, o.asked_x, o.any_weights, bias, o.asked_y, o.strides, o.dilation, o.pad_begin, o.pad_end,
          attributes, true};
#else
  using Operation = dnnl::convolution_forward::desc;
  return {Operation(kind, o.algorithm, o.asked_x, o.any_weights, bias, o.asked_y, o.strides, o.dilation, o.pad_begin, o.pad_end), attributes,
          dnnl_engine(), true};
#endif
}

// Empty where the forward primitive that it must know is missing.
template <class Backward>
typename Backward::primitive_desc describe_backward(const Operands& o) {
  const auto forward = describe_forward(o, false, dnnl_attributes());
  if (!forward) return {};
#if DNNL_VERSION_MAJOR >= 3
  return {dnnl_engine(), o.algorithm, o.asked_x, o.any_weights, o.asked_y, o.strides, o.dilation, o.pad_begin, o.pad_end, forward,
          dnnl_attributes(), true};
#else
  return {typename Backward::desc(o.algorithm, o.asked_x, o.any_weights, o.asked_y, o.strides, o.dilation, o.pad_begin, o.pad_end),
          dnnl_attributes(), dnnl_engine(), forward, true};
#endif
}

// With plain sums only, for images of which Winograd's algorithm would spoil results.
enum class Way { any, plain };

bool is_winograd(const Operands& o) { return o.algorithm == dnnl::algorithm::convolution_winograd; }
ConvShape one_image(ConvShape shape) {
  shape.batch = 1;
  return shape;
}

Hash128 conv_key(std::string_view kind, DType dtype, const ConvShape& shape, const Epilogue& epilogue) {
  DnnlKey key(kind);
  key.add(static_cast<int64_t>(dtype.code())).add(shape.batch).add(shape.groups).add(shape.in_channels).add(shape.out_channels);
  for (const Dims* values : {&shape.in, &shape.kernel, &shape.out, &shape.strides, &shape.pad_begin, &shape.pad_end, &shape.dilation}) {
    key.add(*values);
  }
  return key.add(epilogue).value();
}

}  // namespace

namespace {

// Weights in layout `given`, brought to oneDNN's where that is another.
std::shared_ptr<DnnlSequence> forward_kernel(const Operands& o, const dnnl::convolution_forward::primitive_desc& description,
                                             const dnnl::memory::desc& given, bool has_bias) {
  auto kernel = std::make_shared<DnnlSequence>();
  std::vector<DnnlSequence::Argument> arguments{kernel->input(DNNL_ARG_SRC, 0, o.x, description.src_desc()),
                                                kernel->input(DNNL_ARG_WEIGHTS, 1, given, description.weights_desc())};
  if (has_bias) arguments.push_back({DNNL_ARG_BIAS, o.bias, 2});
  kernel->add(dnnl::convolution_forward(description), std::move(arguments), {DNNL_ARG_DST, o.y, has_bias ? 3 : 2}, description.dst_desc(),
              description.scratchpad_desc());
  return kernel;
}

}  // namespace

namespace {

KernelPtr conv_forward(DType dtype, const ConvShape& shape, const Epilogue& epilogue, Way way) {
  KernelPtr plain;
  if (way == Way::any && prefers_winograd(dtype, shape, shape.out)) plain = conv_forward(dtype, one_image(shape), epilogue, Way::plain);
  return shared_kernel(conv_key(way == Way::any ? "conv_forward" : "conv_forward_plain", dtype, shape, epilogue), [&]() -> KernelPtr {
    const auto [o, description] = choose(dtype, shape, plain != nullptr, [&](const Operands& operands) {
      return describe_forward(operands, epilogue.has_bias, dnnl_attributes(epilogue));
    });
    if (!description) return nullptr;
    const dnnl::memory::desc wanted = description.weights_desc();
    auto kernel = forward_kernel(o, description, o.weights, epilogue.has_bias);
    const auto packing = std::make_shared<Packing>();
    auto pack = std::make_shared<DnnlSequence>();
    pack->add_reorder({DNNL_ARG_FROM, o.weights, 0}, {DNNL_ARG_TO, wanted, 1});
    const auto bytes = static_cast<int64_t>(wanted.get_size());
    *packing = {1, layout_hash(wanted), bytes, pack, forward_kernel(o, description, wanted, epilogue.has_bias)};
    if (is_winograd(o)) {
      const Images images{1, shape.batch, {shape.in_size() * shape.in_channels}};
      const int64_t out_size = shape.out_size() * shape.out_channels;
      const int output = epilogue.has_bias ? 3 : 2;
      const auto guarded = std::const_pointer_cast<Kernel>(guarded_kernel(kernel, plain, images, output, out_size));
      Hasher layout;
      layout.add_bytes("with origin", 11);
      layout.add_bytes(&packing->layout, sizeof(packing->layout));
      *packing = {1, layout.value(), bytes_with_origin(bytes), pack_with_origin(pack, bytes),
                  guarded_kernel(packing->kernel, from_origin(plain, bytes), images, output, out_size)};
      guarded->packing = packing;
      return guarded;
    }
    if (wanted != o.weights) kernel->packing = packing;
    return kernel;
  });
}

KernelPtr conv_input_gradient(DType dtype, const ConvShape& shape, Way way) {
  KernelPtr plain;
  if (way == Way::any && prefers_winograd(dtype, shape, shape.in)) plain = conv_input_gradient(dtype, one_image(shape), Way::plain);
  return shared_kernel(conv_key(way == Way::any ? "conv_input_gradient" : "conv_input_gradient_plain", dtype, shape, {}), [&]() -> KernelPtr {
    const auto [o, description] = choose(dtype, shape, plain != nullptr, describe_backward<dnnl::convolution_backward_data>);
    if (!description) return nullptr;
    auto kernel = std::make_shared<DnnlSequence>();
    std::vector<DnnlSequence::Argument> arguments{kernel->input(DNNL_ARG_DIFF_DST, 0, o.y, description.diff_dst_desc()),
                                                  kernel->input(DNNL_ARG_WEIGHTS, 1, o.weights, description.weights_desc())};
    kernel->add(dnnl::convolution_backward_data(description), std::move(arguments), {DNNL_ARG_DIFF_SRC, o.x, 2}, description.diff_src_desc(),
                description.scratchpad_desc());
    if (!is_winograd(o)) return kernel;
    return guarded_kernel(kernel, plain, {1, shape.batch, {shape.out_size() * shape.out_channels}}, 2, shape.in_size() * shape.in_channels);
  });
}

KernelPtr conv_weight_gradient(DType dtype, const ConvShape& shape, Way way) {
  KernelPtr plain;
  if (way == Way::any && prefers_winograd(dtype, shape, shape.out)) plain = conv_weight_gradient(dtype, shape, Way::plain);
  return shared_kernel(conv_key(way == Way::any ? "conv_weight_gradient" : "conv_weight_gradient_plain", dtype, shape, {}), [&]() -> KernelPtr {
    const auto [o, description] = choose(dtype, shape, plain != nullptr, describe_backward<dnnl::convolution_backward_weights>);
    if (!description) return nullptr;
    auto kernel = std::make_shared<DnnlSequence>();
    std::vector<DnnlSequence::Argument> arguments{kernel->input(DNNL_ARG_SRC, 0, o.x, description.src_desc()),
                                                  kernel->input(DNNL_ARG_DIFF_DST, 1, o.y, description.diff_dst_desc())};
    kernel->add(dnnl::convolution_backward_weights(description), std::move(arguments), {DNNL_ARG_DIFF_WEIGHTS, o.weights, 2},
                description.diff_weights_desc(), description.scratchpad_desc());
    if (!is_winograd(o)) return kernel;
    const Images images{2, shape.batch, {shape.in_size() * shape.in_channels, shape.out_size() * shape.out_channels}};
    return guarded_kernel(kernel, plain, images, 2, 0);
  });
}

}  // namespace

KernelPtr dnnl_conv_forward(DType dtype, const ConvShape& shape, const Epilogue& epilogue) {
  return conv_forward(dtype, shape, epilogue, Way::any);
}
KernelPtr dnnl_conv_input_gradient(DType dtype, const ConvShape& shape) { return conv_input_gradient(dtype, shape, Way::any); }
KernelPtr dnnl_conv_weight_gradient(DType dtype, const ConvShape& shape) { return conv_weight_gradient(dtype, shape, Way::any); }

}  // namespace gradus::cpu
