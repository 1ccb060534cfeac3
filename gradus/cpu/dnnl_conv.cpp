// Convolutions by oneDNN: images channels last as they are, weights brought to the layout that oneDNN asks for and back.
#include "gradus/cpu/dnnl.hpp"
#include "gradus/cpu/dnnl_sequence.hpp"

namespace gradus::cpu {

namespace {

// The operands as oneDNN sees them: logical order N C spatial and (G) O I spatial, physical order channels last.
struct Operands {
  dnnl::memory::desc x, y, weights, any_weights, bias;
  dnnl::memory::dims strides, dilation, pad_begin, pad_end;
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

Operands make_operands(DType dtype, const ConvShape& shape) {
  Operands out;
  const Dims x = image_sizes(shape.batch, shape.groups * shape.in_channels, shape.in);
  const Dims y = image_sizes(shape.batch, shape.groups * shape.out_channels, shape.out);
  out.x = dnnl_desc(dtype, x, channels_last(x));
  out.y = dnnl_desc(dtype, y, channels_last(y));
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

constexpr auto kDirect = dnnl::algorithm::convolution_direct;

dnnl::convolution_forward::primitive_desc describe_forward(const Operands& o, bool has_bias, const dnnl::primitive_attr& attributes) {
  const dnnl::memory::desc none;
  constexpr auto kind = dnnl::prop_kind::forward_training;
#if DNNL_VERSION_MAJOR >= 3
  return {dnnl_engine(), kind, kDirect, o.x, o.any_weights, has_bias ? o.bias : none, o.y, o.strides, o.dilation, o.pad_begin, o.pad_end,
          attributes, true};
#else
  using Operation = dnnl::convolution_forward::desc;
  const Operation operation = has_bias ? Operation(kind, kDirect, o.x, o.any_weights, o.bias, o.y, o.strides, o.dilation, o.pad_begin, o.pad_end)
                                       : Operation(kind, kDirect, o.x, o.any_weights, o.y, o.strides, o.dilation, o.pad_begin, o.pad_end);
  return {operation, attributes, dnnl_engine(), true};
#endif
}

template <class Backward>
typename Backward::primitive_desc describe_backward(const Operands& o, const dnnl::convolution_forward::primitive_desc& forward) {
#if DNNL_VERSION_MAJOR >= 3
  return {dnnl_engine(), kDirect, o.x, o.any_weights, o.y, o.strides, o.dilation, o.pad_begin, o.pad_end, forward, dnnl_attributes(), true};
#else
  return {typename Backward::desc(kDirect, o.x, o.any_weights, o.y, o.strides, o.dilation, o.pad_begin, o.pad_end), dnnl_attributes(),
          dnnl_engine(), forward, true};
#endif
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
  std::vector<DnnlSequence::Argument> arguments{{DNNL_ARG_SRC, o.x, 0}};
  arguments.push_back(kernel->input(DNNL_ARG_WEIGHTS, 1, given, description.weights_desc()));
  if (has_bias) arguments.push_back({DNNL_ARG_BIAS, o.bias, 2});
  arguments.push_back({DNNL_ARG_DST, o.y, has_bias ? 3 : 2});
  kernel->add(dnnl::convolution_forward(description), std::move(arguments), description.scratchpad_desc());
  return kernel;
}

}  // namespace

KernelPtr dnnl_conv_forward(DType dtype, const ConvShape& shape, const Epilogue& epilogue) {
  return shared_kernel(conv_key("conv_forward", dtype, shape, epilogue), [&]() -> KernelPtr {
    const Operands o = make_operands(dtype, shape);
    const auto description = describe_forward(o, epilogue.has_bias, dnnl_attributes(epilogue));
    if (!description || !is_optimised(description)) return nullptr;
    const dnnl::memory::desc wanted = description.weights_desc();
    auto kernel = forward_kernel(o, description, o.weights, epilogue.has_bias);
    if (wanted == o.weights) return kernel;
    auto packing = std::make_shared<Packing>();
    auto pack = std::make_shared<DnnlSequence>();
    pack->add_reorder({DNNL_ARG_FROM, o.weights, 0}, {DNNL_ARG_TO, wanted, 1});
    *packing = {1, layout_hash(wanted), static_cast<int64_t>(wanted.get_size()), pack, forward_kernel(o, description, wanted, epilogue.has_bias)};
    kernel->packing = std::move(packing);
    return kernel;
  });
}

KernelPtr dnnl_conv_input_gradient(DType dtype, const ConvShape& shape) {
  return shared_kernel(conv_key("conv_input_gradient", dtype, shape, {}), [&]() -> KernelPtr {
    const Operands o = make_operands(dtype, shape);
    const auto forward = describe_forward(o, false, dnnl_attributes());
    if (!forward) return nullptr;
    const auto description = describe_backward<dnnl::convolution_backward_data>(o, forward);
    if (!description || !is_optimised(description)) return nullptr;
    auto kernel = std::make_shared<DnnlSequence>();
    std::vector<DnnlSequence::Argument> arguments{{DNNL_ARG_DIFF_DST, o.y, 0}};
    arguments.push_back(kernel->input(DNNL_ARG_WEIGHTS, 1, o.weights, description.weights_desc()));
    arguments.push_back({DNNL_ARG_DIFF_SRC, o.x, 2});
    kernel->add(dnnl::convolution_backward_data(description), std::move(arguments), description.scratchpad_desc());
    return kernel;
  });
}

KernelPtr dnnl_conv_weight_gradient(DType dtype, const ConvShape& shape) {
  return shared_kernel(conv_key("conv_weight_gradient", dtype, shape, {}), [&]() -> KernelPtr {
    const Operands o = make_operands(dtype, shape);
    const auto forward = describe_forward(o, false, dnnl_attributes());
    if (!forward) return nullptr;
    const auto description = describe_backward<dnnl::convolution_backward_weights>(o, forward);
    if (!description || !is_optimised(description)) return nullptr;
    auto kernel = std::make_shared<DnnlSequence>();
    const DnnlSequence::Argument given{DNNL_ARG_DIFF_WEIGHTS, o.weights, 2};
    DnnlSequence::Argument wanted = given;
    if (description.diff_weights_desc() != o.weights) {
      wanted = {DNNL_ARG_DIFF_WEIGHTS, description.diff_weights_desc(), -1, kernel->reserve(description.diff_weights_desc().get_size())};
    }
    kernel->add(dnnl::convolution_backward_weights(description), {{DNNL_ARG_SRC, o.x, 0}, {DNNL_ARG_DIFF_DST, o.y, 1}, wanted},
                description.scratchpad_desc());
    if (wanted.pointer < 0) kernel->add_reorder(wanted, given);
    return kernel;
  });
}

}  // namespace gradus::cpu
