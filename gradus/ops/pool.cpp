// Max pooling keeps where each maximum lies (a tap of its window) as a hidden output; the derivative is a linear op, pool_put, whose
// transpose is another, pool_take. The average and its gradient are each other's transposes.
#include "gradus/ops/pool.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/cpu/pool/pool.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/pool_rules.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/shape_rules.hpp"
#include "gradus/ops/windows.hpp"

namespace gradus {

using namespace core;

namespace {

// One entry a spatial axis; of adaptive windows only in and out count.
struct PoolArgs {
  Dims in, out, kernel, strides, pad_begin, pad_end, dilation;
  bool is_adaptive = false, count_padding = false;
  int64_t divisor = 0;
  GRADUS_FIELDS(in, out, kernel, strides, pad_begin, pad_end, dilation, is_adaptive, count_padding, divisor)
};

cpu::PoolAxis make_axis(const PoolArgs& args, size_t axis) {
  const int64_t in = args.in[axis], out = args.out[axis];
  cpu::PoolAxis a{in, 1, 1, {}, {}, {}, {}};
  if (!args.is_adaptive) {
    a.kernel = args.kernel[axis];
    a.step = args.dilation[axis];
  }
  for (int64_t o = 0; o < out; ++o) {
    int64_t begin = 0, first = 0, last = 0, count = 0;
    if (args.is_adaptive) {
      begin = o * in / out;
      last = divide_up((o + 1) * in, out) - begin;
      count = last;
      a.kernel = std::max(a.kernel, last);
    } else {
      begin = o * args.strides[axis] - args.pad_begin[axis];
      first = begin < 0 ? std::min(divide_up(-begin, a.step), a.kernel) : 0;
      last = begin >= in ? first : std::max(first, std::min(a.kernel, divide_up(in - begin, a.step)));
      count = args.count_padding ? std::min(begin + a.kernel, in + args.pad_end[axis]) - begin : last - first;
    }
    a.begin.push_back(begin);
    a.first.push_back(first);
    a.last.push_back(last);
    a.count.push_back(std::max<int64_t>(count, 1));
  }
  return a;
}

cpu::PoolShape pool_shape(const PoolArgs& args, const Shape& image) {
  cpu::PoolShape shape;
  shape.batch = image[0];
  shape.channels = image[image.rank() - 1];
  shape.divisor = args.divisor;
  const size_t rank = args.in.size();
  for (size_t axis = 0; axis < rank; ++axis) shape.axes[3 - rank + axis] = make_axis(args, axis);
  return shape;
}

Shape with_spatial(const Shape& shape, const Dims& spatial) {
  Dims sizes{shape[0]};
  for (const int64_t size : spatial) sizes.push_back(size);
  sizes.push_back(shape[shape.rank() - 1]);
  return Shape(sizes);
}

DType tap_dtype(const PoolArgs& args) {
  int64_t taps = 1;
  for (size_t axis = 0; axis < args.in.size() && taps <= 255; ++axis)
    taps *= args.is_adaptive ? make_axis(args, axis).kernel : args.kernel[axis];
  return taps <= 255 ? uint8 : int32;
}

std::vector<Aval> infer_max(const Call& call) {
  const PoolArgs& args = call.as<PoolArgs>();
  const Shape shape = with_spatial(call[0].shape(), args.out);
  return {{call[0].dtype(), shape, false}, {tap_dtype(args), shape, false}};
}
Aval infer_out(const Call& call) { return {call[0].dtype(), with_spatial(call[0].shape(), call.as<PoolArgs>().out), false}; }
Aval infer_in(const Call& call) { return {call[0].dtype(), with_spatial(call[0].shape(), call.as<PoolArgs>().in), false}; }

Array take(const Array& x, const Array& taps, const PoolArgs& args);
Array put(const Array& dy, const Array& taps, const PoolArgs& args);
Array average(const Array& x, const PoolArgs& args);
Array average_gradient(const Array& dy, const PoolArgs& args);

// y = x at the taps t  =>  dx = dy put at t
std::vector<Array> reverse_max(const RecordedCall& call, std::span<const Array> cotangents) {
  return {put(cotangents[0], call.outputs[1], call.as<PoolArgs>())};
}
// y = take(x, t)  =>  dx = put(dy, t), and the reverse
Array transpose_take(const RecordedCall& call, int, const Array& dy) { return put(dy, call[1], call.as<PoolArgs>()); }
Array transpose_put(const RecordedCall& call, int, const Array& dx) { return take(dx, call[1], call.as<PoolArgs>()); }
// y = A x  =>  dx = A^T dy, and the reverse
Array transpose_average(const RecordedCall& call, int, const Array& dy) { return average_gradient(dy, call.as<PoolArgs>()); }
Array transpose_average_gradient(const RecordedCall& call, int, const Array& dx) { return average(dx, call.as<PoolArgs>()); }

// A batch of images is a larger batch.
std::vector<Array> batch_images(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  if (batch_size == 0) return batch_of_none(call, is_batched);
  std::vector<Array> inputs;
  for (size_t i = 0; i < call.inputs.size(); ++i) inputs.push_back(merge_front(with_batch(call[i], is_batched[i], batch_size)));
  std::vector<Array> outputs = apply_all(call.op, inputs, call.args);
  for (Array& output : outputs) output = split_front(output, batch_size, inputs[0].shape(0) / batch_size);
  return outputs;
}

cpu::PoolShape shape_of(const KernelCall& call) { return pool_shape(call.as<PoolArgs>(), call.inputs[0].shape); }
backend::KernelPtr prepare_max(const KernelCall& call) {
  return cpu::prepare_max_pool(call.inputs[0].dtype, shape_of(call), call.is_output_needed[1]);
}
backend::KernelPtr prepare_take(const KernelCall& call) { return cpu::prepare_pool_take(call.inputs[0].dtype, shape_of(call)); }
backend::KernelPtr prepare_put(const KernelCall& call) { return cpu::prepare_pool_put(call.inputs[0].dtype, shape_of(call)); }
backend::KernelPtr prepare_average(const KernelCall& call) { return cpu::prepare_average_pool(call.inputs[0].dtype, shape_of(call)); }
backend::KernelPtr prepare_average_gradient(const KernelCall& call) {
  return cpu::prepare_average_pool_gradient(call.inputs[0].dtype, shape_of(call));
}

constexpr DTypeSet tap_dtypes = only(uint8) | only(int32);
constexpr Input max_inputs[] = {{"x", numbers}}, take_inputs[] = {{"x", numbers}, {"taps", tap_dtypes}},
                put_inputs[] = {{"dy", numbers}, {"taps", tap_dtypes}}, average_inputs[] = {{"x", any_dtype}},
                average_gradient_inputs[] = {{"dy", floats}};

}  // namespace

constinit const OpDef rule::max_pool_op{.name = "max_pool",
                                        .inputs = max_inputs,
                                        .args = args_of<PoolArgs>,
                                        .infer = infer_max,
                                        .derivative = from_output(reverse_max),
                                        .batch = batch_images,
                                        .kernel = {.prepare = prepare_max, .by_example = by_all_inputs},
                                        .hidden_outputs = 1};
constinit const OpDef rule::pool_put_op{.name = "pool_put",
                                        .inputs = put_inputs,
                                        .args = args_of<PoolArgs>,
                                        .infer = infer_in,
                                        .derivative = linear(transpose_put, 0b01),
                                        .batch = batch_images,
                                        .kernel = {.prepare = prepare_put, .by_example = by_all_inputs}};

bool rule::has_disjoint_windows(const Args& args) {
  const PoolArgs& pool = args.as<PoolArgs>();
  for (size_t axis = 0; axis < pool.in.size(); ++axis) {
    if (!make_axis(pool, axis).is_disjoint()) return false;
  }
  return true;
}

namespace {

constinit const OpDef pool_take_op{.name = "pool_take",
                                   .inputs = take_inputs,
                                   .args = args_of<PoolArgs>,
                                   .infer = infer_out,
                                   .derivative = linear(transpose_take, 0b01),
                                   .batch = batch_images,
                                   .kernel = {.prepare = prepare_take, .by_example = by_all_inputs}};
constinit const OpDef average_pool_op{.name = "average_pool",
                                      .inputs = average_inputs,
                                      .promotion = Promotion::floating,
                                      .args = args_of<PoolArgs>,
                                      .infer = infer_out,
                                      .derivative = linear(transpose_average),
                                      .batch = batch_images,
                                      .kernel = {.prepare = prepare_average, .by_example = by_all_inputs}};
constinit const OpDef average_pool_gradient_op{.name = "average_pool_gradient",
                                               .inputs = average_gradient_inputs,
                                               .args = args_of<PoolArgs>,
                                               .infer = infer_in,
                                               .derivative = linear(transpose_average_gradient),
                                               .batch = batch_images,
                                               .kernel = {.prepare = prepare_average_gradient, .by_example = by_all_inputs}};

Array take(const Array& x, const Array& taps, const PoolArgs& args) { return apply(pool_take_op, {x, taps}, args); }
Array put(const Array& dy, const Array& taps, const PoolArgs& args) { return apply(rule::pool_put_op, {dy, taps}, args); }
Array average(const Array& x, const PoolArgs& args) { return apply(average_pool_op, {x}, args); }
Array average_gradient(const Array& dy, const PoolArgs& args) { return apply(average_pool_gradient_op, {dy}, args); }

// ---- what users call

constexpr int64_t kLargestTaps = (int64_t{1} << 31) - 1;  // the tap of a maximum is stored as int32

Dims image_sizes(std::string_view op, const Array& x, size_t spatial) {
  static constexpr std::string_view images[] = {"(N, T, C)", "(N, H, W, C)", "(N, D, H, W, C)"};
  if (x.rank() != static_cast<int64_t>(spatial) + 2) {
    throw Error(Error::Kind::invalid, op, concat("x is ", x.shape(), "; it must be ", images[spatial - 1]))
        .with_hint(hint_of_rank(x.shape(), static_cast<int64_t>(spatial)));
  }
  return Dims(std::span<const int64_t>(x.shape().begin() + 1, x.shape().end() - 1));
}

PoolArgs window_args(std::string_view op, const Array& x, const Dims& kernel, Dims strides, const Dims& dilation, const Padding& padding,
                     bool round_up) {
  const Dims in = image_sizes(op, x, kernel.size());
  for (size_t axis = 0; axis < strides.size(); ++axis) {
    if (strides[axis] == 0) strides[axis] = kernel[axis];
  }
  const WindowSizes sizes = window_sizes(op, x.shape(), kernel, strides, dilation, padding);
  int64_t taps = 1;
  for (const int64_t size : kernel) {
    if (size > kLargestTaps / taps) fail(op, "the window is ", std::span<const int64_t>(kernel), "; it must have less than 2^31 positions");
    taps *= size;
  }
  PoolArgs args{in, sizes.out, kernel, strides, sizes.pad_begin, sizes.pad_end, dilation};
  for (size_t axis = 0; axis < in.size(); ++axis) {
    const int64_t reach = dilation[axis] * (kernel[axis] - 1) + 1, before = sizes.pad_begin[axis], after = sizes.pad_end[axis];
    if (before >= reach || after >= reach) {
      fail(op, "padding is (", before, ", ", after, ") along axis ", axis + 1, ", the window reaches over ", reach,
           " positions; padding must be less");
    }
    if (!round_up || args.out[axis] == 0) continue;
    args.out[axis] = divide_up(in[axis] + before + after - reach, strides[axis]) + 1;
    if ((args.out[axis] - 1) * strides[axis] >= in[axis] + before) --args.out[axis];
  }
  return args;
}

PoolArgs adaptive_args(std::string_view op, const Array& x, const Dims& out) {
  PoolArgs args;
  args.in = image_sizes(op, x, out.size());
  args.out = out;
  args.is_adaptive = true;
  for (size_t axis = 0; axis < out.size(); ++axis) {
    if (out[axis] < 0) fail(op, "the result's size is ", out[axis], " along axis ", axis + 1, "; it must be 0 or more");
    if (out[axis] > 0 && args.in[axis] == 0) fail(op, "x is ", x.shape(), "; it must have positions along axis ", axis + 1);
  }
  return args;
}

template <int kRank>
PoolArgs max_args(std::string_view op, const Array& x, const SizeOf<kRank>& size, const MaxPoolOptions<kRank>& options) {
  return window_args(op, x, size.dims(), options.strides.dims(), options.dilation.dims(), options.padding, options.round_up);
}

Array max_pool(const Array& x, const PoolArgs& args) { return apply(rule::max_pool_op, {x}, args); }

template <int kRank>
Array average_pool(std::string_view op, const Array& x, const SizeOf<kRank>& size, const AveragePoolOptions<kRank>& options) {
  PoolArgs args = window_args(op, x, size.dims(), options.strides.dims(), SizeOf<kRank>(1).dims(), options.padding, options.round_up);
  if (options.divisor < 0) fail(op, "divisor is ", options.divisor, "; it must be positive, or 0 for the number of positions");
  args.count_padding = options.count_padding;
  args.divisor = options.divisor;
  return average(x, args);
}

// The flat position of each tap: windows begin at a table's entry, and taps are split by the kernel's sizes.
MaxPoolResult with_indices(const Array& x, const PoolArgs& args) {
  const std::vector<Array> outputs = apply_all(rule::max_pool_op, std::span<const Array>(&x, 1), args);
  const Array taps = outputs[1].astype(int64);
  Array position = 0, rest = taps;
  int64_t step = 1, all_taps = 1;
  for (size_t axis = args.in.size(); axis-- > 0;) {
    const cpu::PoolAxis windows = make_axis(args, axis);
    Dims along(args.in.size() + 2, 1);
    along[axis + 1] = windows.out();
    const Array begins = reshape(array(windows.begin), Shape(along));
    position = position + (begins + remainder(rest, windows.kernel) * windows.step) * step;
    rest = floor_divide(rest, windows.kernel);
    step *= windows.in;
    all_taps *= windows.kernel;
  }
  return {outputs[0], where(taps == all_taps, -1, position)};
}

Dims spatial_axes(std::string_view op, const Array& x) {
  if (x.rank() < 3) fail(op, "x is ", x.shape(), "; it must be (N, spatial..., C), of rank 3 or more");
  Dims axes;
  for (int64_t axis = 1; axis + 1 < x.rank(); ++axis) axes.push_back(axis);
  return axes;
}

}  // namespace

#define GRADUS_POOL(RANK)                                                                                                       \
  Array max_pool##RANK##d(const Array& x, const Size##RANK& size) { return max_pool##RANK##d(x, size, {}); }                    \
  Array max_pool##RANK##d(const Array& x, const Size##RANK& size, const MaxPool##RANK##DOptions& options) {                     \
    return max_pool(x, max_args("max_pool" #RANK "d", x, size, options));                                                       \
  }                                                                                                                             \
  MaxPoolResult max_pool##RANK##d_with_indices(const Array& x, const Size##RANK& size, const MaxPool##RANK##DOptions& options) { \
    return with_indices(x, max_args("max_pool" #RANK "d_with_indices", x, size, options));                                      \
  }                                                                                                                             \
  Array average_pool##RANK##d(const Array& x, const Size##RANK& size) { return average_pool##RANK##d(x, size, {}); }            \
  Array average_pool##RANK##d(const Array& x, const Size##RANK& size, const AveragePool##RANK##DOptions& options) {             \
    return average_pool("average_pool" #RANK "d", x, size, options);                                                            \
  }                                                                                                                             \
  Array adaptive_average_pool##RANK##d(const Array& x, const Size##RANK& out) {                                                 \
    return average(x, adaptive_args("adaptive_average_pool" #RANK "d", x, out.dims()));                                         \
  }                                                                                                                             \
  Array adaptive_max_pool##RANK##d(const Array& x, const Size##RANK& out) {                                                     \
    return max_pool(x, adaptive_args("adaptive_max_pool" #RANK "d", x, out.dims()));                                            \
  }                                                                                                                             \
  MaxPoolResult adaptive_max_pool##RANK##d_with_indices(const Array& x, const Size##RANK& out) {                                \
    return with_indices(x, adaptive_args("adaptive_max_pool" #RANK "d_with_indices", x, out.dims()));                           \
  }
GRADUS_POOL(1)
GRADUS_POOL(2)
GRADUS_POOL(3)
#undef GRADUS_POOL

Array global_average_pool(const Array& x) { return mean(x, spatial_axes("global_average_pool", x)); }
Array global_max_pool(const Array& x) { return max(x, spatial_axes("global_max_pool", x)); }

std::span<const OpDef* const> rule::pool_ops() {
  static constexpr const OpDef* ops[] = {&max_pool_op, &pool_take_op, &pool_put_op, &average_pool_op, &average_pool_gradient_op};
  return ops;
}

}  // namespace gradus
