// Convolutions by oneDNN, in one thread: images channels last as they are, weights brought to the layout that oneDNN asks for and back.
// Where Winograd's algorithm pays for it, images are brought to its layout too; where a part has some channels of images only, these are
// copied together.
#include "gradus/base/switches.hpp"
#include "gradus/cpu/conv/guard.hpp"
#include "gradus/cpu/onednn/dnnl.hpp"
#include "gradus/cpu/onednn/sequence.hpp"

namespace gradus::cpu {

namespace {

// The operands as oneDNN sees them: logical order N C spatial and (G) O I spatial, physical order channels last.
struct Operands {
  dnnl::memory::desc x, y, weights, bias;             // as they are given
  dnnl::memory::desc asked_x, asked_y, any_weights;  // as the primitive is asked to take them
  dnnl::memory::desc hint_x, hint_y, hint_weights;   // the same of a forward primitive with one dtype, which a gradient wants to know
  dnnl::memory::dims strides, dilation, pad_begin, pad_end;
  dnnl::algorithm algorithm;
};

Dims image_sizes(int64_t batch, int64_t channels, const Dims& spatial) {
  Dims sizes{batch, channels};
  for (const int64_t size : spatial) sizes.push_back(size);
  return sizes;
}

// Of images whose pixels have `pixel` channels in memory.
Dims channels_last(const Dims& sizes, int64_t pixel) {
  Dims strides(sizes.size());
  int64_t step = pixel;
  strides[1] = 1;
  for (size_t axis = sizes.size(); axis-- > 2;) {
    strides[axis] = step;
    step *= sizes[axis];
  }
  strides[0] = step;
  return strides;
}

// `sums`: the dtype in which a weight gradient is made.
struct OperandTypes {
  DType x{}, y{}, w{}, bias{}, sums{}, hint{};
};
Operands make_operands(const OperandTypes& types, const ConvPart& part, dnnl::algorithm algorithm) {
  const ConvShape& shape = part.shape;
  Operands out;
  out.algorithm = algorithm;
  const Dims x = image_sizes(shape.batch, shape.groups * shape.in_channels, shape.in);
  const Dims y = image_sizes(shape.batch, shape.groups * shape.out_channels, shape.out);
  out.x = dnnl_desc(types.x, x, channels_last(x, part.x_pixel));
  out.y = dnnl_desc(types.y, y, channels_last(y, part.y_pixel));
  const bool is_direct = algorithm == dnnl::algorithm::convolution_direct;
  const auto asked = [&](DType dtype, const Dims& sizes) {
    return is_direct ? dnnl_desc(dtype, sizes, channels_last(sizes, sizes[1])) : dnnl_any(dtype, sizes);
  };
  out.asked_x = asked(types.x, x);
  out.asked_y = asked(types.y, y);
  out.hint_x = asked(types.hint, x);
  out.hint_y = asked(types.hint, y);
  // (kernel..., in, groups * out) in memory.
  Dims sizes, strides;
  if (shape.groups > 1) {
    sizes.push_back(shape.groups);
    strides.push_back(shape.out_channels);
  }
  sizes.push_back(shape.out_channels);
  strides.push_back(1);
  sizes.push_back(shape.in_channels);
  strides.push_back(part.y_pixel);
  int64_t step = part.x_pixel / shape.groups * part.y_pixel * shape.taps();
  for (const int64_t size : shape.kernel) {
    step /= size;
    sizes.push_back(size);
    strides.push_back(step);
  }
  out.weights = dnnl_desc(types.w, sizes, strides);
  out.any_weights = dnnl_any(types.sums, sizes);
  out.hint_weights = dnnl_any(types.hint, sizes);
  const Dims channels{y[1]}, unit{1};
  out.bias = dnnl_desc(types.bias, channels, unit);
  for (size_t axis = 0; axis < shape.rank(); ++axis) {
    out.strides.push_back(shape.strides[axis]);
    out.dilation.push_back(shape.dilation[axis] - 1);
    out.pad_begin.push_back(shape.pad_begin[axis]);
    out.pad_end.push_back(shape.pad_end[axis]);
  }
  return out;
}

// Winograd's algorithm for 3 x 3 kernels makes tiles of 4 x 4 results with a quarter of the products (Lavin and Gray, 2016). Its rounding
// errors are about ten times those of plain sums, about 2e-5 of a typical result at the worst (docs/limits.md), where no pixel is far above
// the others: images with such a pixel go without it (conv/guard.hpp). So does everything with GRADUS_WINOGRAD=0. `tiled` are the spatial
// sizes that it cuts into tiles.
bool is_winograd_better(DType dtype, const ConvShape& s, const Dims& tiled) {
  static const bool is_allowed = is_switched_on("GRADUS_WINOGRAD", true);
  const Dims three{3, 3}, one{1, 1};
  if (!is_allowed || dtype != float32 || s.groups != 1 || s.kernel != three || s.strides != one || s.dilation != one) return false;
  if (s.pad_begin != s.pad_end) return false;  // oneDNN 2.6 takes uneven padding and computes a wrong input gradient
  // Measured: below these sizes bringing images and weights into its form costs more than it saves (docs/speed.md).
  if (std::min(s.in_channels, s.out_channels) < 32 || std::max(s.in_channels, s.out_channels) < 64) return false;
  const int64_t positions = tiled[0] * tiled[1], covered = (tiled[0] + 3) / 4 * 4 * ((tiled[1] + 3) / 4 * 4);
  return std::max(s.batch, s.whole_batch) * positions >= 700 && 3 * covered <= 4 * positions;
}

// What oneDNN can do with the operands, by Winograd's algorithm if that is asked for and there; empty if it has nothing optimised.
// `describe` makes a description of operands.
template <class Describe>
auto choose(const OperandTypes& types, const ConvPart& part, bool is_winograd, const Describe& describe) {
  if (is_winograd) {
    Operands o = make_operands(types, part, dnnl::algorithm::convolution_winograd);
    if (auto description = describe(o); description && is_optimised(description)) return std::pair(std::move(o), std::move(description));
  }
  Operands o = make_operands(types, part, dnnl::algorithm::convolution_direct);
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
  return {Operation(kind, o.algorithm, o.asked_x, o.any_weights, bias, o.asked_y, o.strides, o.dilation, o.pad_begin, o.pad_end),
          attributes, dnnl_engine(), true};
#endif
}

// Empty where the forward primitive that it must know is missing.
template <class Backward>
typename Backward::primitive_desc describe_backward(const Operands& o) {
  Operands hint = o;
  hint.asked_x = o.hint_x;
  hint.asked_y = o.hint_y;
  hint.any_weights = o.hint_weights;
  const auto forward = describe_forward(hint, false, dnnl_attributes());
  if (!forward) return {};
#if DNNL_VERSION_MAJOR >= 3
  return {dnnl_engine(), o.algorithm, o.asked_x, o.any_weights, o.asked_y, o.strides, o.dilation, o.pad_begin, o.pad_end, forward,
          dnnl_attributes(), true};
#else
  return {typename Backward::desc(o.algorithm, o.asked_x, o.any_weights, o.asked_y, o.strides, o.dilation, o.pad_begin, o.pad_end),
          dnnl_attributes(), dnnl_engine(), forward, true};
#endif
}

bool is_winograd(const Operands& o) { return o.algorithm == dnnl::algorithm::convolution_winograd; }
ConvPart one_image(ConvPart part) {
  part.shape.batch = 1;
  return part;
}

Hash128 conv_key(std::string_view kind, ConvTypes types, const ConvPart& part, const Epilogue& epilogue, bool is_winograd) {
  DnnlKey key(kind);
  const ConvShape& s = part.shape;
  key.add(static_cast<int64_t>(types.operands.code()))
      .add(static_cast<int64_t>(types.result.code()))
      .add(s.batch)
      .add(s.groups)
      .add(s.in_channels)
      .add(s.out_channels)
      .add(part.x_pixel)
      .add(part.y_pixel);
  for (const Dims* values : {&s.in, &s.kernel, &s.out, &s.strides, &s.pad_begin, &s.pad_end, &s.dilation}) key.add(*values);
  return key.add(epilogue).add(is_winograd).value();
}

// One of the two convolutions that read weights, at input 1, in the layout `wanted`. `make(given)`: the kernel on weights of layout
// `given`; `plain`: the same for one image without Winograd's algorithm.
template <class Make>
KernelPtr kernel_on_weights(const Operands& o, const dnnl::memory::desc& wanted, size_t operands, const KernelPtr& plain,
                            const Images& images, int64_t out_size, const Make& make) {
  if (wanted == o.weights) return make(wanted);
  const auto bytes = static_cast<int64_t>(wanted.get_size());
  PackedInput packed{1, layout_hash(wanted), bytes, prepare_parts(reorder_parts(o.weights, wanted))};
  KernelPtr kernel = make(wanted);
  if (is_winograd(o)) {
    Hasher layout;
    layout.add_bytes("with origin", 11);
    layout.add_bytes(&packed.layout, sizeof(packed.layout));
    packed = {1, layout.value(), bytes_with_origin(bytes), pack_with_origin(packed.pack, bytes)};
    kernel = guarded_kernel(std::move(kernel), from_origin(plain, bytes), images, static_cast<int>(operands) - 1, out_size);
  }
  return prepare_packed({{std::move(packed)}, std::move(kernel)}, operands);
}

}  // namespace

bool prefers_winograd(DType dtype, const ConvShape& shape, ConvWay way) {
  return is_winograd_better(dtype, shape, way == ConvWay::input_gradient ? shape.in : shape.out);
}

KernelPtr dnnl_conv_forward(ConvTypes types, const ConvPart& part, const Epilogue& epilogue, bool asks_winograd) {
  KernelPtr plain;
  if (asks_winograd) plain = dnnl_conv_forward(types, one_image(part), epilogue, false);
  const DType of = types.operands;
  const OperandTypes dtypes{.x = of, .y = types.result, .w = of, .bias = bias_dtype(types.result, epilogue), .sums = of, .hint = of};
  return shared_kernel(conv_key("conv_forward", types, part, epilogue, asks_winograd), [&]() -> KernelPtr {
    const auto [o, description] = choose(dtypes, part, plain != nullptr, [&](const Operands& operands) {
      return describe_forward(operands, epilogue.has_bias, dnnl_attributes(epilogue));
    });
    if (!description) return nullptr;
    const int output = epilogue.has_bias ? 3 : 2;
    const ConvShape& s = part.shape;
    const Images images{1, s.batch, {s.in_size() * s.in_channels}};
    return kernel_on_weights(o, description.weights_desc(), static_cast<size_t>(output) + 1, plain, images, s.out_size() * s.out_channels,
                             [&, &o = o, &description = description](const dnnl::memory::desc& weights) {
      auto kernel = std::make_shared<DnnlSequence>();
      std::vector<DnnlSequence::Argument> arguments{kernel->input(DNNL_ARG_SRC, 0, o.x, description.src_desc()),
                                                    {DNNL_ARG_WEIGHTS, weights, 1}};
      if (epilogue.has_bias) arguments.push_back({DNNL_ARG_BIAS, o.bias, 2});
      kernel->add(dnnl::convolution_forward(description), std::move(arguments), {DNNL_ARG_DST, o.y, output}, description.dst_desc(),
                  description.scratchpad_desc());
      return kernel;
    });
  });
}

KernelPtr dnnl_conv_input_gradient(ConvTypes types, const ConvPart& part, bool asks_winograd) {
  KernelPtr plain;
  if (asks_winograd) plain = dnnl_conv_input_gradient(types, one_image(part), false);
  const DType of = types.operands;
  const OperandTypes dtypes{.x = types.result, .y = of, .w = of, .bias = of, .sums = of, .hint = of};
  return shared_kernel(conv_key("conv_input_gradient", types, part, {}, asks_winograd), [&]() -> KernelPtr {
    const auto [o, description] = choose(dtypes, part, plain != nullptr, describe_backward<dnnl::convolution_backward_data>);
    if (!description) return nullptr;
    const ConvShape& s = part.shape;
    const Images images{1, s.batch, {s.out_size() * s.out_channels}};
    return kernel_on_weights(o, description.weights_desc(), 3, plain, images, s.in_size() * s.in_channels,
                             [&, &o = o, &description = description](const dnnl::memory::desc& weights) {
      auto kernel = std::make_shared<DnnlSequence>();
      std::vector<DnnlSequence::Argument> arguments{kernel->input(DNNL_ARG_DIFF_DST, 0, o.y, description.diff_dst_desc()),
                                                    {DNNL_ARG_WEIGHTS, weights, 1}};
      kernel->add(dnnl::convolution_backward_data(description), std::move(arguments), {DNNL_ARG_DIFF_SRC, o.x, 2},
                  description.diff_src_desc(), description.scratchpad_desc());
      return kernel;
    });
  });
}

namespace {

// Adds the gradient to `kernel`, brought to layout `wanted`.
void add_weight_gradient(DnnlSequence& kernel, const Operands& o, const dnnl::convolution_backward_weights::primitive_desc& description,
                         const dnnl::memory::desc& wanted) {
  std::vector<DnnlSequence::Argument> arguments{kernel.input(DNNL_ARG_SRC, 0, o.x, description.src_desc()),
                                                kernel.input(DNNL_ARG_DIFF_DST, 1, o.y, description.diff_dst_desc())};
  kernel.add(dnnl::convolution_backward_weights(description), std::move(arguments), {DNNL_ARG_DIFF_WEIGHTS, wanted, 2},
             description.diff_weights_desc(), description.scratchpad_desc());
}

OperandTypes gradient_types(ConvTypes types, DType sums) {
  const DType of = types.operands;
  return {.x = of, .y = of, .w = types.result, .bias = of, .sums = sums, .hint = of};
}

// Without Winograd's algorithm where an image is bad for it.
KernelPtr guarded_gradient(KernelPtr fast, KernelPtr plain, const ConvShape& s) {
  return guarded_kernel(std::move(fast), std::move(plain), {2, s.batch, {s.in_size() * s.in_channels, s.out_size() * s.out_channels}}, 2,
                        0);
}

}  // namespace

KernelPtr dnnl_conv_weight_gradient(ConvTypes types, const ConvPart& part, bool asks_winograd) {
  KernelPtr plain;
  if (asks_winograd) plain = dnnl_conv_weight_gradient(types, part, false);
  return shared_kernel(conv_key("conv_weight_gradient", types, part, {}, asks_winograd), [&]() -> KernelPtr {
    const auto [o, description] = choose(gradient_types(types, types.result), part, plain != nullptr,
                                         describe_backward<dnnl::convolution_backward_weights>);
    if (!description) return nullptr;
    auto kernel = std::make_shared<DnnlSequence>();
    add_weight_gradient(*kernel, o, description, o.weights);
    return is_winograd(o) ? guarded_gradient(std::move(kernel), plain, part.shape) : kernel;
  });
}

std::shared_ptr<const ConvTerm> dnnl_conv_weight_gradient_term(ConvTypes types, const ConvPart& part, bool asks_winograd) {
  KernelPtr plain;
  if (asks_winograd) plain = dnnl_conv_weight_gradient(types, part, false);
  const KernelPtr shared = shared_kernel(conv_key("conv_weight_gradient_term", types, part, {}, asks_winograd), [&]() -> KernelPtr {
    const auto [o, description] = choose(gradient_types(types, float32), part, plain != nullptr,
                                         describe_backward<dnnl::convolution_backward_weights>);
    if (!description) return nullptr;
    // Terms add up in the layout that oneDNN makes them in, or in that of the weights if two algorithms make them.
    const dnnl::memory::desc made = is_winograd(o) ? o.weights : description.diff_weights_desc();
    auto kernel = std::make_shared<DnnlSequence>();
    add_weight_gradient(*kernel, o, description, made);
    auto term = std::make_shared<ConvTerm>();
    term->kernel = is_winograd(o) ? guarded_gradient(std::move(kernel), plain, part.shape) : kernel;
    term->scratch_bytes = term->kernel->scratch_bytes;
    term->elements = static_cast<int64_t>(made.get_size() / sizeof(float));
    term->layout = layout_hash(made);
    if (made != o.weights) term->finish = reorder(made, o.weights);
    return term;
  });
  return std::static_pointer_cast<const ConvTerm>(shared);
}

}  // namespace gradus::cpu
