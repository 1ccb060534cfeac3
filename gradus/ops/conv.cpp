// Three ops, each linear in both inputs, of which the transposes of one are the other two; so any order of derivative is one of them. The
// same three again for mixed precision.
#include "gradus/ops/conv.hpp"

#include <optional>

#include "gradus/base/error.hpp"
#include "gradus/cpu/conv/conv.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/precision.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/shape_rules.hpp"
#include "gradus/ops/windows.hpp"

namespace gradus {

using namespace core;

namespace {

// Of the forward convolution, in all three ops. `wanted`: the spatial sizes that the other operands do not tell: the image's for the input
// gradient, the kernel's for the weight gradient, none for the convolution itself.
struct ConvArgs {
  Dims strides, pad_begin, pad_end, dilation;
  int64_t groups = 1;
  Dims wanted;
  GRADUS_FIELDS(strides, pad_begin, pad_end, dilation, groups, wanted)
};

// Of mixed precision: float32 or bfloat16 operands, rounded to bfloat16, summed in float32. `dtype` is the result's; the cotangent of an
// operand has the operand's, so the sums of a float32 weight's gradient are not rounded.
struct MixedConvArgs : ConvArgs {
  DType dtype{};
  GRADUS_FIELDS(strides, pad_begin, pad_end, dilation, groups, wanted, dtype)
};

bool is_mixed(const OpDef& op) { return op.kernel.rounded_inputs != 0; }
template <class AnyCall>
const ConvArgs& conv_args(const AnyCall& call) {
  return is_mixed(call.op) ? call.template as<MixedConvArgs>() : call.template as<ConvArgs>();
}
DType result_dtype(const Call& call) { return is_mixed(call.op) ? call.as<MixedConvArgs>().dtype : call[0].dtype(); }

ConvArgs with_wanted(ConvArgs args, const Dims& wanted) {
  args.wanted = wanted;
  return args;
}
Args with_groups(const Call& call, int64_t groups) {
  const auto regrouped = [&](auto args) -> Args {
    args.groups = groups;
    return args;
  };
  return is_mixed(call.op) ? regrouped(call.as<MixedConvArgs>()) : regrouped(call.as<ConvArgs>());
}

// Sizes between the first (or `from`-th) and the last `behind` axes.
Dims middle(const Shape& shape, int64_t from, int64_t behind) {
  return Dims(std::span<const int64_t>(shape.begin() + from, shape.end() - behind));
}
Dims image_sizes(const Array& x) { return middle(x.shape(), 1, 1); }
Dims kernel_sizes(const Array& w) { return middle(w.shape(), 0, 2); }

Shape joined(std::initializer_list<int64_t> front, const Dims& spatial, std::initializer_list<int64_t> back) {
  Dims sizes(front);
  for (const int64_t size : spatial) sizes.push_back(size);
  for (const int64_t size : back) sizes.push_back(size);
  return Shape(sizes);
}

Dims out_sizes(const ConvArgs& args, const Dims& in, const Dims& kernel) {
  Dims out;
  for (size_t axis = 0; axis < in.size(); ++axis) {
    const int64_t rest = in[axis] + args.pad_begin[axis] + args.pad_end[axis] - args.dilation[axis] * (kernel[axis] - 1) - 1;
    out.push_back(rest < 0 ? 0 : rest / args.strides[axis] + 1);
  }
  return out;
}

Aval infer_conv(const Call& call) {
  const Array &x = call[0], &w = call[1];
  return {result_dtype(call), joined({x.shape(0)}, out_sizes(conv_args(call), image_sizes(x), kernel_sizes(w)), {w.shape(-1)}), false};
}
Aval infer_input_gradient(const Call& call) {
  const ConvArgs& args = conv_args(call);
  return {result_dtype(call), joined({call[0].shape(0)}, args.wanted, {call[1].shape(-2) * args.groups}), false};
}
Aval infer_weight_gradient(const Call& call) {
  const ConvArgs& args = conv_args(call);
  return {result_dtype(call), joined({}, args.wanted, {call[0].shape(-1) / args.groups, call[1].shape(-1)}), false};
}

// Records one of the three: plain, or mixed with a result of a certain dtype.
class Recorder {
 public:
  Recorder() = default;
  explicit Recorder(DType mixed) : mixed_(mixed) {}
  /// As the call that is transposed in `input`.
  Recorder(const RecordedCall& call, int input) {
    if (is_mixed(call.op)) mixed_ = call[static_cast<size_t>(input)].dtype();
  }
  Array conv(const Array& x, const Array& w, const ConvArgs& args) const;
  Array input_gradient(const Array& dy, const Array& w, const ConvArgs& args) const;
  Array weight_gradient(const Array& x, const Array& dy, const ConvArgs& args) const;

 private:
  Array record(const OpDef& plain, const OpDef& mixed, const Array& a, const Array& b, const ConvArgs& args) const {
    return mixed_ ? apply(mixed, {a, b}, MixedConvArgs{args, *mixed_}) : apply(plain, {a, b}, args);
  }
  std::optional<DType> mixed_{};
};
Recorder recorder_of(const Array& a, const Array& b) { return is_mixed_product(a, b) ? Recorder(float32) : Recorder(); }

// y = x * w  =>  dx = dy *^T w, dw = x ^T* dy
Array transpose_conv(const RecordedCall& call, int input, const Array& dy) {
  const ConvArgs& args = conv_args(call);
  const Recorder of(call, input);
  if (input == 0) return of.input_gradient(dy, call[1], with_wanted(args, image_sizes(call[0])));
  return of.weight_gradient(call[0], dy, with_wanted(args, kernel_sizes(call[1])));
}
// u = v *^T w, of the image's size  =>  dv = du * w, dw = du ^T* v
Array transpose_input_gradient(const RecordedCall& call, int input, const Array& du) {
  const ConvArgs& args = conv_args(call);
  const Recorder of(call, input);
  if (input == 0) return of.conv(du, call[1], with_wanted(args, {}));
  return of.weight_gradient(du, call[0], with_wanted(args, kernel_sizes(call[1])));
}
// u = x ^T* v, of the kernel's size  =>  dx = v *^T du, dv = x * du
Array transpose_weight_gradient(const RecordedCall& call, int input, const Array& du) {
  const ConvArgs& args = conv_args(call);
  const Recorder of(call, input);
  if (input == 0) return of.input_gradient(call[1], du, with_wanted(args, image_sizes(call[0])));
  return of.conv(call[0], du, with_wanted(args, {}));
}

// ---- batching: a batch of images is a larger batch; a batch of kernels, or of pairs, is as many groups.

// (B, ..., C) as (..., B * C) and back.
Array merge_channels(const Array& x) {
  const Array moved = moveaxis(x, 0, -2);
  Dims sizes = middle(moved.shape(), 0, 2);
  sizes.push_back(moved.shape(-2) * moved.shape(-1));
  return reshape(moved, Shape(sizes));
}
Array split_channels(const Array& x, int64_t batch) {
  Dims sizes = middle(x.shape(), 0, 1);
  sizes.push_back(batch);
  sizes.push_back(x.shape(-1) / batch);
  return moveaxis(reshape(x, Shape(sizes)), -2, 0);
}

std::vector<Array> batch_pairs(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  if (batch_size == 0) return batch_of_none(call, is_batched);
  const Array a = merge_channels(with_batch(call[0], is_batched[0], batch_size)),
              b = merge_channels(with_batch(call[1], is_batched[1], batch_size));
  return {split_channels(apply(call.op, {a, b}, with_groups(call, conv_args(call).groups * batch_size)), batch_size)};
}
std::vector<Array> batch_conv(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  if (batch_size == 0) return batch_of_none(call, is_batched);
  if (is_batched[1]) return batch_pairs(call, is_batched, batch_size);
  return {split_front(apply(call.op, {merge_front(call[0]), call[1]}, call.args), batch_size, call[0].shape(1))};
}

// ---- kernels

// Each number of y is a sum over the taps and channels of w.
int64_t work_of(const Shape& w, const Shape& y) {
  const int64_t filters = w[w.rank() - 1];
  return filters == 0 ? 0 : y.size() * (w.size() / filters);
}

cpu::ConvShape conv_shape(const KernelCall& call, const Layout& x, const Layout& w, const Layout& y) {
  const ConvArgs& args = conv_args(call);
  return {.batch = x.shape[0],
          .groups = args.groups,
          .in_channels = w.shape[w.rank() - 2],
          .out_channels = w.shape[w.rank() - 1] / args.groups,
          .in = middle(x.shape, 1, 1),
          .kernel = middle(w.shape, 0, 2),
          .out = middle(y.shape, 1, 1),
          .strides = args.strides,
          .pad_begin = args.pad_begin,
          .pad_end = args.pad_end,
          .dilation = args.dilation,
          .whole_batch = call.whole_batch};
}
cpu::ConvTypes types_of(const KernelCall& call) { return {call.inputs[0].dtype, call.outputs[0].dtype}; }
backend::KernelPtr prepare_conv(const KernelCall& call) {
  return cpu::prepare_conv(types_of(call), conv_shape(call, call.inputs[0], call.inputs[1], call.outputs[0]), call.epilogue);
}
backend::KernelPtr prepare_input_gradient(const KernelCall& call) {
  return cpu::prepare_conv_input_gradient(types_of(call), conv_shape(call, call.outputs[0], call.inputs[1], call.inputs[0]));
}
backend::KernelPtr prepare_weight_gradient(const KernelCall& call) {
  return cpu::prepare_conv_weight_gradient(types_of(call), conv_shape(call, call.inputs[0], call.outputs[0], call.inputs[1]));
}
bool absorbs(const Args&, std::span<const Layout> inputs, const backend::Epilogue& epilogue) {
  return epilogue.is_rounded ? inputs[0].dtype == bfloat16 : inputs[0].dtype.is_float();
}

constexpr Input conv_inputs[] = {{"x", numbers}, {"w", numbers}}, input_gradient_inputs[] = {{"dy", numbers}, {"w", numbers}},
                weight_gradient_inputs[] = {{"x", numbers}, {"dy", numbers}};

constexpr OpDef conv_op{.name = "conv",
                              .inputs = conv_inputs,
                              .promotion = Promotion::common,
                              .args = args_of<ConvArgs>,
                              .infer = infer_conv,
                              .derivative = linear(transpose_conv),
                              .batch = batch_conv,
                              .kernel = {.prepare = prepare_conv, .absorbs = absorbs, .by_example = by_first_input},
                              .work = [](std::span<const Shape> inputs, const Shape& y) { return work_of(inputs[1], y); }};
constexpr OpDef conv_input_gradient_op{
    .name = "conv_input_gradient",
    .inputs = input_gradient_inputs,
    .promotion = Promotion::common,
    .args = args_of<ConvArgs>,
    .infer = infer_input_gradient,
    .derivative = linear(transpose_input_gradient),
    .batch = batch_conv,
    .kernel = {.prepare = prepare_input_gradient, .by_example = by_first_input},
    .work = [](std::span<const Shape> inputs, const Shape&) { return work_of(inputs[1], inputs[0]); }};
constexpr OpDef conv_weight_gradient_op{
    .name = "conv_weight_gradient",
    .inputs = weight_gradient_inputs,
    .promotion = Promotion::common,
    .args = args_of<ConvArgs>,
    .infer = infer_weight_gradient,
    .derivative = linear(transpose_weight_gradient),
    .batch = batch_pairs,
    .kernel = {.prepare = prepare_weight_gradient},
    .work = [](std::span<const Shape> inputs, const Shape& dw) { return work_of(dw, inputs[1]); }};

constexpr DTypeSet mixed_floats = only(float32) | only(bfloat16);
constexpr Input mixed_conv_inputs[] = {{"x", mixed_floats}, {"w", mixed_floats}},
                mixed_input_gradient_inputs[] = {{"dy", mixed_floats}, {"w", mixed_floats}},
                mixed_weight_gradient_inputs[] = {{"x", mixed_floats}, {"dy", mixed_floats}};

// The mixed form of a plain op.
constexpr OpDef mixed(const OpDef& plain, std::string_view name, std::span<const Input> inputs) {
  OpDef op = plain;
  op.name = name;
  op.inputs = inputs;
  op.promotion = Promotion::none;
  op.args = args_of<MixedConvArgs>;
  op.kernel.rounded_inputs = 0b11;
  return op;
}
constinit const OpDef mixed_conv_op = mixed(conv_op, "mixed_conv", mixed_conv_inputs);
constinit const OpDef mixed_conv_input_gradient_op =
    mixed(conv_input_gradient_op, "mixed_conv_input_gradient", mixed_input_gradient_inputs);
constinit const OpDef mixed_conv_weight_gradient_op =
    mixed(conv_weight_gradient_op, "mixed_conv_weight_gradient", mixed_weight_gradient_inputs);

Array Recorder::conv(const Array& x, const Array& w, const ConvArgs& args) const { return record(conv_op, mixed_conv_op, x, w, args); }
Array Recorder::input_gradient(const Array& dy, const Array& w, const ConvArgs& args) const {
  return record(conv_input_gradient_op, mixed_conv_input_gradient_op, dy, w, args);
}
Array Recorder::weight_gradient(const Array& x, const Array& dy, const ConvArgs& args) const {
  return record(conv_weight_gradient_op, mixed_conv_weight_gradient_op, x, dy, args);
}

// ---- what users call

// Rank of the operands, and groups that divide the channels; `in` and `out` are the axes of w that hold in_channels / groups and
// out_channels.
void check_operands(std::string_view op, const Array& x, const Array& w, int64_t spatial, int64_t groups, bool is_transposed) {
  static constexpr std::string_view images[] = {"(N, T, C)", "(N, H, W, C)", "(N, D, H, W, C)"};
  if (x.rank() != spatial + 2) {
    throw Error(Error::Kind::invalid, op, concat("x is ", x.shape(), "; it must be ", images[spatial - 1]))
        .with_hint(hint_of_rank(x.shape(), spatial));
  }
  if (w.rank() != spatial + 2) {
    fail(op, "w is ", w.shape(), "; it must have rank ", spatial + 2, ": the kernel's sizes, ",
         is_transposed ? "out_channels / groups, in_channels" : "in_channels / groups, out_channels");
  }
  if (groups < 1) fail(op, "groups is ", groups, "; it must be 1 or more");
  const int64_t channels = x.shape(-1), divided = w.shape(-2), whole = w.shape(-1);
  if (channels % groups != 0) fail(op, "groups is ", groups, ", in_channels is ", channels, "; groups must divide in_channels");
  if (is_transposed) {
    if (whole == channels) return;
    throw Error(Error::Kind::invalid, op,
                concat("x has ", channels, " channels and w is ", w.shape(), "; w's last size must be in_channels, ", channels))
        .with_hint(hint_of_layout(x.shape(), whole));
  }
  if (whole % groups != 0) fail(op, "groups is ", groups, ", out_channels is ", whole, "; groups must divide out_channels");
  if (divided * groups != channels) {
    throw Error(Error::Kind::invalid, op,
                concat("x has ", channels, " channels, groups is ", groups, " and w is ", w.shape(),
                       "; w's second to last size must be in_channels / groups, ", channels / groups))
        .with_hint(hint_of_layout(x.shape(), divided * groups));
  }
}

template <int kRank>
Array convolve(std::string_view op, const Array& x, const Array& w, const ConvOptions<kRank>& options) {
  check_operands(op, x, w, kRank, options.groups, false);
  const WindowSizes sizes = window_sizes(op, x.shape(), kernel_sizes(w), options.strides.dims(), options.dilation.dims(), options.padding);
  return recorder_of(x, w).conv(x, w, {sizes.strides, sizes.pad_begin, sizes.pad_end, sizes.dilation, options.groups, {}});
}

// The size that the transpose gives along one axis, and the padding at the end for which the convolution maps it back.
template <int kRank>
Array convolve_transposed(std::string_view op, const Array& x, const Array& w, const ConvTransposeOptions<kRank>& options) {
  check_operands(op, x, w, kRank, options.groups, true);
  const Dims in = image_sizes(x), kernel = kernel_sizes(w), strides = options.strides.dims(), dilation = options.dilation.dims(),
             added = options.output_padding.dims();
  check_window(op, kernel, strides, dilation);
  ConvArgs args{strides, {}, {}, dilation, options.groups, {}};
  for (size_t axis = 0; axis < in.size(); ++axis) {
    if (added[axis] < 0 || added[axis] >= std::max(strides[axis], dilation[axis])) {
      fail(op, "output_padding is ", added[axis], " along axis ", axis + 1, " with stride ", strides[axis], " and dilation ",
           dilation[axis], "; it must be from 0 to less than the larger of them");
    }
    const int64_t reach = dilation[axis] * (kernel[axis] - 1) + 1;
    PadWidth pad(0);
    if (options.padding.is_same()) {
      const int64_t cut = std::max<int64_t>(reach - strides[axis], 0);
      pad = PadWidth(cut / 2, cut - cut / 2);
    } else {
      pad = side_widths(op, options.padding, in.size())[axis];
    }
    const int64_t size = in[axis] == 0 ? 0 : (in[axis] - 1) * strides[axis] + reach - pad.before - pad.after + added[axis] +
                                                 (options.padding.is_same() ? std::max<int64_t>(strides[axis] - reach, 0) : 0);
    if (size < 0) {
      fail(op, "the result has ", size, " positions along axis ", axis + 1, "; padding (", pad.before, ", ", pad.after,
           ") takes away more than there are");
    }
    args.pad_begin.push_back(pad.before);
    // For this padding at the end the convolution maps the size back; up to a stride less one more changes nothing, and none is best.
    const int64_t end = (in[axis] - 1) * strides[axis] + reach - pad.before - size;
    args.pad_end.push_back(end < 0 ? std::min<int64_t>(end + strides[axis] - 1, 0) : end);
    args.wanted.push_back(size);
  }
  return recorder_of(x, w).input_gradient(x, w, args);
}

}  // namespace

Array conv1d(const Array& x, const Array& w) { return conv1d(x, w, {}); }
Array conv1d(const Array& x, const Array& w, const Conv1DOptions& options) { return convolve<1>("conv1d", x, w, options); }
Array conv2d(const Array& x, const Array& w) { return conv2d(x, w, {}); }
Array conv2d(const Array& x, const Array& w, const Conv2DOptions& options) { return convolve<2>("conv2d", x, w, options); }
Array conv3d(const Array& x, const Array& w) { return conv3d(x, w, {}); }
Array conv3d(const Array& x, const Array& w, const Conv3DOptions& options) { return convolve<3>("conv3d", x, w, options); }
Array conv_transpose1d(const Array& x, const Array& w) { return conv_transpose1d(x, w, {}); }
Array conv_transpose1d(const Array& x, const Array& w, const ConvTranspose1DOptions& options) {
  return convolve_transposed<1>("conv_transpose1d", x, w, options);
}
Array conv_transpose2d(const Array& x, const Array& w) { return conv_transpose2d(x, w, {}); }
Array conv_transpose2d(const Array& x, const Array& w, const ConvTranspose2DOptions& options) {
  return convolve_transposed<2>("conv_transpose2d", x, w, options);
}
Array conv_transpose3d(const Array& x, const Array& w) { return conv_transpose3d(x, w, {}); }
Array conv_transpose3d(const Array& x, const Array& w, const ConvTranspose3DOptions& options) {
  return convolve_transposed<3>("conv_transpose3d", x, w, options);
}

std::span<const OpDef* const> rule::conv_ops() {
  static constexpr const OpDef* ops[] = {&conv_op,       &conv_input_gradient_op,       &conv_weight_gradient_op,
                                         &mixed_conv_op, &mixed_conv_input_gradient_op, &mixed_conv_weight_gradient_op};
  return ops;
}

}  // namespace gradus
