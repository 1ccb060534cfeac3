// Softmax and the norms: fused ops, each with the plain composition that it is equal to.
#include "gradus/ops/normalize.hpp"

#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/cpu/normalize/batch_norm.hpp"
#include "gradus/cpu/normalize/layer_norm.hpp"
#include "gradus/cpu/normalize/softmax.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/reduce_rules.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/windows.hpp"

namespace gradus {

using namespace core;

namespace {

using rows::wide_dtype, rows::widened;

// Inputs that have no batch get one.
std::vector<Array> all_batched(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  std::vector<Array> out;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    if (is_batched[i]) {
      out.push_back(call[i]);
    } else {
      Dims sizes = call[i].shape().dims();
      sizes.insert(0, batch_size);
      out.push_back(broadcast_to(call[i], sizes));
    }
  }
  return out;
}

// ---- softmax ----

struct AxisArgs {
  int64_t axis = 0;
  GRADUS_FIELDS(axis)
};

constexpr Input softmax_inputs[] = {{"x", floats}};
constexpr Input softmax_backward_inputs[] = {{"y", floats}, {"dy", floats}};

template <bool is_log>
backend::KernelPtr prepare_softmax(const KernelCall& call) {
  return cpu::prepare_softmax(call.inputs[0], call.as<AxisArgs>().axis, is_log);
}
template <bool is_log>
backend::KernelPtr prepare_softmax_backward(const KernelCall& call) {
  return cpu::prepare_softmax_backward(call.inputs[0], call.as<AxisArgs>().axis, is_log);
}
std::vector<Array> batch_softmax(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  return {apply(call.op, all_batched(call, is_batched, batch_size), AxisArgs{call.as<AxisArgs>().axis + 1})};
}

// dx = y (dy - sum(y dy))
std::vector<Array> compose_softmax_backward(const Call& call) {
  const Array y = widened(call[0]), dy = widened(call[1]);
  return {(y * (dy - sum(y * dy, call.as<AxisArgs>().axis, keepdims))).astype(call[0].dtype())};
}
// dx = dy - e^y sum(dy)
std::vector<Array> compose_log_softmax_backward(const Call& call) {
  const Array y = widened(call[0]), dy = widened(call[1]);
  return {(dy - exp(y) * sum(dy, call.as<AxisArgs>().axis, keepdims)).astype(call[0].dtype())};
}

constinit const OpDef softmax_backward_op{.name = "softmax_backward",
                                          .inputs = softmax_backward_inputs,
                                          .promotion = Promotion::common,
                                          .args = args_of<AxisArgs>,
                                          .infer = same_as_first,
                                          .derivative = composed(compose_softmax_backward),
                                          .batch = batch_softmax,
                                          .kernel = {.prepare = prepare_softmax_backward<false>, .in_place = {{0, 0}, {0, 1}}}};
constinit const OpDef log_softmax_backward_op{.name = "log_softmax_backward",
                                              .inputs = softmax_backward_inputs,
                                              .promotion = Promotion::common,
                                              .args = args_of<AxisArgs>,
                                              .infer = same_as_first,
                                              .derivative = composed(compose_log_softmax_backward),
                                              .batch = batch_softmax,
                                              .kernel = {.prepare = prepare_softmax_backward<true>, .in_place = {{0, 0}, {0, 1}}}};

// y = softmax x  =>  dx = y (dy - sum(y dy)); the logarithm: dx = dy - e^y sum(dy). Of 16-bit x with y in float32: of a share near 1 little
// else would be left, and the power of a rounded logarithm is wrong in its first digits.
template <const OpDef& backward>
std::vector<Array> reverse_softmax(const RecordedCall& call, std::span<const Array> cotangents) {
  const DType dtype = call[0].dtype(), wide = wide_dtype(dtype);
  if (dtype == wide) return {apply(backward, {call.outputs[0], cotangents[0]}, call.args)};
  const Array y = apply(call.op, {widened(call[0])}, call.args);
  return {apply(backward, {y, widened(cotangents[0])}, call.args).astype(dtype)};
}

constinit const OpDef softmax_op{.name = "softmax",
                                 .inputs = softmax_inputs,
                                 .promotion = Promotion::common,
                                 .args = args_of<AxisArgs>,
                                 .infer = same_as_first,
                                 .derivative = from_output(reverse_softmax<softmax_backward_op>),
                                 .batch = batch_softmax,
                                 .kernel = {.prepare = prepare_softmax<false>, .in_place = {{0, 0}}}};
constinit const OpDef log_softmax_op{.name = "log_softmax",
                                     .inputs = softmax_inputs,
                                     .promotion = Promotion::common,
                                     .args = args_of<AxisArgs>,
                                     .infer = same_as_first,
                                     .derivative = from_output(reverse_softmax<log_softmax_backward_op>),
                                     .batch = batch_softmax,
                                     .kernel = {.prepare = prepare_softmax<true>, .in_place = {{0, 0}}}};

// ---- norms of rows ----

struct RowNormArgs {
  int64_t axes = 1;  // how many last axes are a row
  double eps = 1e-5;
  GRADUS_FIELDS(axes, eps)
};
struct RowNormBackwardArgs {
  int64_t axes = 1;
  double eps = 1e-5;
  bool has_bias = false;  // whether its slope is an output; that of the weight is one if the weight is there
  GRADUS_FIELDS(axes, eps, has_bias)
};

constexpr Input norm_inputs[] = {{"x", floats}, {"weight", floats, true}, {"bias", floats, true}};
constexpr size_t weight_input = 1, bias_input = 2;
constexpr Input norm_backward_inputs[] = {{"x", floats}, {"dy", floats}, {"weight", floats, true}};
constexpr size_t backward_weight = 2;

Dims last_axes(const Array& x, int64_t count) {
  Dims axes;
  for (int64_t axis = x.rank() - count; axis < x.rank(); ++axis) axes.push_back(axis);
  return axes;
}
Shape row_shape(const Array& x, int64_t count) {
  Dims sizes;
  for (const int64_t axis : last_axes(x, count)) sizes.push_back(x.shape()[axis]);
  return sizes;
}
int64_t row_length(const Shape& shape, int64_t count) {
  int64_t n = 1;
  for (int64_t axis = shape.rank() - count; axis < shape.rank(); ++axis) n *= shape[axis];
  return n;
}

// Empty where absent.
struct Affine {
  Array weight, bias;
};
Affine affine_of(const Call& call) { return {call.optional(weight_input), call.optional(bias_input)}; }
Array scaled(const Array& x, const Affine& affine) {
  Array y = affine.weight.exists() ? x * affine.weight : x;
  return affine.bias.exists() ? y + affine.bias : y;
}

template <bool is_centered>
backend::KernelPtr prepare_row_norm(const KernelCall& call) {
  const RowNormArgs& args = call.as<RowNormArgs>();
  const Layout& x = call.inputs[0];
  const int64_t n = row_length(x.shape, args.axes), rows = n ? x.size() / n : 0;
  return cpu::prepare_row_norm(x.dtype, rows, n,
                               {args.eps, is_centered, call.has(weight_input), call.has(bias_input), call.epilogue.is_rounded});
}
template <bool is_centered>
backend::KernelPtr prepare_row_norm_backward(const KernelCall& call) {
  const RowNormBackwardArgs& args = call.as<RowNormBackwardArgs>();
  const Layout& x = call.inputs[0];
  const int64_t n = row_length(x.shape, args.axes), rows = n ? x.size() / n : 0;
  return cpu::prepare_row_norm_backward(x.dtype, rows, n, {args.eps, is_centered, call.has(backward_weight), args.has_bias});
}

bool may_round(const Args&, std::span<const Layout> inputs, const backend::Epilogue& epilogue) {
  return epilogue == backend::Epilogue{.is_rounded = true} && inputs[0].dtype == float32;
}

// xhat = (x - mean) / sqrt(var + eps), or x / sqrt(mean(x^2) + eps), and that factor: by roots that stay in range where squares leave it.
struct Normal {
  Array xhat, factor;
};
Normal normalized(const Array& x, const Dims& axes, double eps, bool is_centered) {
  int64_t count = 1;
  for (const int64_t axis : axes) count *= x.shape()[axis];
  const Array centered = is_centered ? x - mean(x, axes, keepdims) : x;
  const Array spread = is_centered ? stddev(x, axes, keepdims) : euclidean_norm(x, axes, true) / std::sqrt(static_cast<double>(count));
  const Array factor = reciprocal(hypot(spread, std::sqrt(eps)));
  return {centered * factor, factor};
}
template <bool is_centered>
std::vector<Array> compose_row_norm(const Call& call) {
  const RowNormArgs& args = call.as<RowNormArgs>();
  const Affine affine = affine_of(call);
  const Array xhat = normalized(widened(call[0]), last_axes(call[0], args.axes), args.eps, is_centered).xhat;
  return {scaled(xhat, {widened(affine.weight), widened(affine.bias)}).astype(call[0].dtype())};
}
// g = dy weight, r = 1 / sqrt(var + eps):
// dx = r (g - mean(g) - xhat mean(g xhat)), without mean(g) where not centered;  dweight = sum(dy xhat);  dbias = sum(dy)
template <bool is_centered>
std::vector<Array> compose_row_norm_backward(const Call& call) {
  const RowNormBackwardArgs& args = call.as<RowNormBackwardArgs>();
  const bool has_weight = call.has(backward_weight);
  const Array x = widened(call[0]), dy = widened(call[1]);
  const Dims axes = last_axes(x, args.axes), rows = all_axes(x.rank() - args.axes);
  const Normal of = normalized(x, axes, args.eps, is_centered);
  const Array g = has_weight ? dy * widened(call.optional(backward_weight)) : dy, along = of.xhat * mean(g * of.xhat, axes, keepdims);
  std::vector<Array> out = {of.factor * (is_centered ? g - mean(g, axes, keepdims) - along : g - along)};
  if (has_weight) out.push_back(sum(dy * of.xhat, rows));
  if (args.has_bias) out.push_back(sum(dy, rows));
  for (Array& slope : out) slope = slope.astype(call[0].dtype());
  return out;
}

std::vector<Aval> infer_row_norm_backward(const Call& call) {
  const RowNormBackwardArgs& args = call.as<RowNormBackwardArgs>();
  const Aval row{call[0].dtype(), row_shape(call[0], args.axes), false};
  std::vector<Aval> out = {same_as_first(call)};
  if (call.has(backward_weight)) out.push_back(row);
  if (args.has_bias) out.push_back(row);
  return out;
}

// Rows stay rows where only x (and dy) have a batch, and nothing is summed over rows.
std::vector<Array> batch_row_norm(const Call& call, std::span<const bool> is_batched, int64_t) {
  for (size_t i = 1; i < call.inputs.size(); ++i) {
    if (is_batched[i]) return {};
  }
  return {apply(call.op, call.inputs, call.args)};
}
std::vector<Array> batch_row_norm_backward(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  if (call.has(backward_weight) || call.as<RowNormBackwardArgs>().has_bias) return {};
  return {apply(call.op, all_batched(call, is_batched, batch_size), call.args)};
}

constinit const OpDef layer_norm_backward_op{.name = "layer_norm_backward",
                                             .inputs = norm_backward_inputs,
                                             .promotion = Promotion::common,
                                             .args = args_of<RowNormBackwardArgs>,
                                             .infer = infer_row_norm_backward,
                                             .derivative = composed(compose_row_norm_backward<true>),
                                             .batch = batch_row_norm_backward,
                                             .kernel = {.prepare = prepare_row_norm_backward<true>, .in_place = {{0, 0}, {0, 1}}}};
constinit const OpDef rms_norm_backward_op{.name = "rms_norm_backward",
                                           .inputs = norm_backward_inputs,
                                           .promotion = Promotion::common,
                                           .args = args_of<RowNormBackwardArgs>,
                                           .infer = infer_row_norm_backward,
                                           .derivative = composed(compose_row_norm_backward<false>),
                                           .batch = batch_row_norm_backward,
                                           .kernel = {.prepare = prepare_row_norm_backward<false>, .in_place = {{0, 0}, {0, 1}}}};

template <const OpDef& backward>
std::vector<Array> reverse_row_norm(const RecordedCall& call, std::span<const Array> cotangents) {
  const RowNormArgs& args = call.as<RowNormArgs>();
  return apply_all(backward, {call[0], cotangents[0], call.optional(weight_input)},
                   RowNormBackwardArgs{args.axes, args.eps, call.has(bias_input)});
}

constinit const OpDef layer_norm_op{.name = "layer_norm",
                                    .inputs = norm_inputs,
                                    .promotion = Promotion::common,
                                    .args = args_of<RowNormArgs>,
                                    .infer = same_as_first,
                                    .derivative = composed(compose_row_norm<true>, reverse_row_norm<layer_norm_backward_op>),
                                    .batch = batch_row_norm,
                                    .kernel = {.prepare = prepare_row_norm<true>, .absorbs = may_round, .in_place = {{0, 0}}}};
constinit const OpDef rms_norm_op{.name = "rms_norm",
                                  .inputs = norm_inputs,
                                  .promotion = Promotion::common,
                                  .args = args_of<RowNormArgs>,
                                  .infer = same_as_first,
                                  .derivative = composed(compose_row_norm<false>, reverse_row_norm<rms_norm_backward_op>),
                                  .batch = batch_row_norm,
                                  .kernel = {.prepare = prepare_row_norm<false>, .absorbs = may_round, .in_place = {{0, 0}}}};

// ---- batch norm ----

struct BatchNormArgs {
  double eps = 1e-5;
  GRADUS_FIELDS(eps)
};

constexpr Input batch_norm_backward_inputs[] = {{"x", floats},     {"mean", floats}, {"var", floats},   {"dy", floats},
                                                {"dmean", floats}, {"dvar", floats}, {"weight", floats, true}};
constexpr size_t batch_backward_weight = 6;

Shape channel_shape(const Array& x) { return Shape{x.shape()[x.rank() - 1]}; }

backend::KernelPtr prepare_batch_norm(const KernelCall& call) {
  const BatchNormArgs& args = call.as<BatchNormArgs>();
  const Layout& x = call.inputs[0];
  const int64_t channels = x.shape[x.rank() - 1];
  return cpu::prepare_batch_norm(x.dtype, channels ? x.size() / channels : 0, channels,
                                 {args.eps, call.has(weight_input), call.has(bias_input)});
}
backend::KernelPtr prepare_batch_norm_backward(const KernelCall& call) {
  const BatchNormArgs& args = call.as<BatchNormArgs>();
  const Layout& x = call.inputs[0];
  const int64_t channels = x.shape[x.rank() - 1];
  return cpu::prepare_batch_norm_backward(x.dtype, channels ? x.size() / channels : 0, channels,
                                          {args.eps, call.has(batch_backward_weight)});
}

std::vector<Aval> infer_batch_norm(const Call& call) {
  const Aval channels{wide_dtype(call[0].dtype()), channel_shape(call[0]), false};
  return {same_as_first(call), channels, channels};
}
std::vector<Aval> infer_batch_norm_backward(const Call& call) {
  const Aval channels{call[0].dtype(), channel_shape(call[0]), false};
  return {same_as_first(call), channels, channels};
}

std::vector<Array> compose_batch_norm(const Call& call) {
  const Array x = call[0].astype(wide_dtype(call[0].dtype()));
  const Dims rows = all_axes(x.rank() - 1);
  const Affine affine = affine_of(call);
  const Array xhat = normalized(x, rows, call.as<BatchNormArgs>().eps, true).xhat;
  return {scaled(xhat, {widened(affine.weight), widened(affine.bias)}).astype(call[0].dtype()), mean(x, rows), var(x, rows)};
}

// c = x - mean, r = 1 / sqrt(var + eps), mean and var counting as inputs of their own:
// dx = weight r (dy - mean(dy) - c r^2 mean(dy c)) + (dmean + 2 c dvar) / n;  dweight = r sum(dy c);  dbias = sum(dy)
std::vector<Array> compose_batch_norm_backward(const Call& call) {
  const DType dtype = call[0].dtype(), wide = wide_dtype(dtype);
  const Array x = call[0].astype(wide), &center = call[1], &spread = call[2], dy = call[3].astype(wide);
  const Dims rows = all_axes(x.rank() - 1);
  const int64_t channels = x.shape()[x.rank() - 1];
  const double count = channels ? static_cast<double>(x.size() / channels) : 0;
  const double eps = call.as<BatchNormArgs>().eps;
  // Of a variance that is infinite, of numbers that are not: by the root, from x itself.
  const Array in_range = reciprocal(hypot(stddev(x, rows), std::sqrt(eps)));
  const Array c = x - center, factor = where(isinf(spread), in_range, rsqrt(spread + eps)), xhat = c * factor;
  const Array products = sum(dy * xhat, rows), total = sum(dy, rows);
  const Array weight = call.has(batch_backward_weight) ? call.optional(batch_backward_weight).astype(wide) * factor : factor;
  const Array dx = weight * (dy - total / count - xhat * (products / count)) + (call[4] + 2 * c * call[5]) / count;
  return {dx.astype(dtype), products.astype(dtype), total.astype(dtype)};
}

constinit const OpDef batch_norm_backward_op{.name = "batch_norm_backward",
                                             .inputs = batch_norm_backward_inputs,
                                             .args = args_of<BatchNormArgs>,
                                             .infer = infer_batch_norm_backward,
                                             .derivative = composed(compose_batch_norm_backward),
                                             .kernel = {.prepare = prepare_batch_norm_backward, .in_place = {{0, 0}, {0, 3}}}};

std::vector<Array> reverse_batch_norm(const RecordedCall& call, std::span<const Array> cotangents) {
  const std::vector<Array> slopes =
      apply_all(batch_norm_backward_op,
                {call[0], call.outputs[1], call.outputs[2], cotangents[0], cotangents[1], cotangents[2], call.optional(weight_input)},
                BatchNormArgs{call.as<BatchNormArgs>().eps});
  std::vector<Array> out = {slopes[0]};
  if (call.has(weight_input)) out.push_back(slopes[1]);
  if (call.has(bias_input)) out.push_back(slopes[2]);
  return out;
}

constinit const OpDef batch_norm_op{.name = "batch_norm",
                                    .inputs = norm_inputs,
                                    .promotion = Promotion::common,
                                    .args = args_of<BatchNormArgs>,
                                    .infer = infer_batch_norm,
                                    .derivative = composed(compose_batch_norm, reverse_batch_norm),
                                    .kernel = {.prepare = prepare_batch_norm, .in_place = {{0, 0}}}};

// ---- checks ----

void check_eps(std::string_view op, double eps) {
  if (!(eps >= 0)) fail(op, "eps is ", eps, "; it must be 0 or more");
}
// A weight or bias must have the shape of x's last axes.
void check_row(std::string_view op, std::string_view name, const Array& x, const Array& row) {
  if (!row.exists()) return;
  const int64_t axes = row.rank();
  if (axes < 1 || axes > x.rank() || row.shape() != row_shape(x, axes)) {
    fail(op, "x is ", x.shape(), " and ", name, " is ", row.shape(), "; ", name, " must have the sizes of x's last axes");
  }
}
void check_channels(std::string_view op, std::string_view name, const Array& x, const Array& channels) {
  if (!channels.exists() || channels.shape() == channel_shape(x)) return;
  throw Error(Error::Kind::invalid, op,
              concat("x is ", x.shape(), " and ", name, " is ", channels.shape(), "; ", name, " must be ", channel_shape(x),
                     ", one number a channel"))
      .with_hint(channels.rank() == 1 ? hint_of_layout(x.shape(), channels.size()) : "");
}
void check_float(std::string_view op, const Array& x) {
  if (!x.dtype().is_float()) fail(op, "x has dtype ", x.dtype(), "; it must be ", to_text(floats), " (x.astype(float32))");
}
void check_rank(std::string_view op, const Array& x, int64_t least) {
  if (x.rank() < least) fail(op, "x is ", x.shape(), "; it must have rank ", least, " or more");
}

Array row_norm(const OpDef& op, const Array& x, const Affine& affine, int64_t axes, double eps) {
  check_eps(op.name, eps);
  check_rank(op.name, x, 1);
  check_row(op.name, "weight", x, affine.weight);
  check_row(op.name, "bias", x, affine.bias);
  if (affine.weight.exists()) axes = affine.weight.rank();
  else if (affine.bias.exists()) axes = affine.bias.rank();
  if (affine.bias.exists() && affine.bias.rank() != axes) {
    fail(op.name, "weight is ", affine.weight.shape(), " and bias is ", affine.bias.shape(), "; they must have one shape");
  }
  if (axes < 1 || axes > x.rank()) fail(op.name, "x is ", x.shape(), " and axes is ", axes, "; it must be from 1 to ", x.rank());
  return apply(op, {x, affine.weight, affine.bias}, RowNormArgs{axes, eps});
}

}  // namespace

Array softmax(const Array& x) { return softmax(x, -1); }
Array softmax(const Array& x, int64_t axis) { return apply(softmax_op, {x}, AxisArgs{normalize_axis("softmax", axis, x.rank())}); }
Array log_softmax(const Array& x) { return log_softmax(x, -1); }
Array log_softmax(const Array& x, int64_t axis) {
  return apply(log_softmax_op, {x}, AxisArgs{normalize_axis("log_softmax", axis, x.rank())});
}
Array softmin(const Array& x) { return softmax(-x); }
Array softmin(const Array& x, int64_t axis) { return softmax(-x, axis); }

Array layer_norm(const Array& x) { return layer_norm_over(x, 1); }
Array layer_norm(const Array& x, double eps) { return layer_norm_over(x, 1, eps); }
Array layer_norm(const Array& x, const Array& weight, const Array& bias, double eps) {
  return row_norm(layer_norm_op, x, {weight, bias}, 1, eps);
}
Array layer_norm_over(const Array& x, int64_t axes, double eps) { return row_norm(layer_norm_op, x, {}, axes, eps); }

Array rms_norm(const Array& x) { return rms_norm_over(x, 1); }
Array rms_norm(const Array& x, double eps) { return rms_norm_over(x, 1, eps); }
Array rms_norm(const Array& x, const Array& weight, double eps) { return row_norm(rms_norm_op, x, {weight, {}}, 1, eps); }
Array rms_norm_over(const Array& x, int64_t axes, double eps) { return row_norm(rms_norm_op, x, {}, axes, eps); }

Array group_norm(const Array& x, int64_t groups, const Array& weight, const Array& bias, double eps) {
  constexpr std::string_view name = "group_norm";
  check_eps(name, eps);
  check_float(name, x);
  check_rank(name, x, 2);
  check_channels(name, "weight", x, weight);
  check_channels(name, "bias", x, bias);
  const int64_t channels = x.shape(-1), examples = x.shape(0);
  if (groups < 1 || channels % groups != 0)
    fail(name, "groups is ", groups, ", x has ", channels, " channels; groups must divide channels");
  const int64_t width = channels / groups, between = x.size() && width ? x.size() / (examples * channels) : 0;
  const Array grouped = reshape(widened(x), {examples, between, groups, width});
  const Array xhat = x.size() ? normalized(grouped, {1, 3}, eps, true).xhat : grouped;
  DType dtype = x.dtype();
  for (const Array* affine : {&weight, &bias}) {
    if (affine->exists()) dtype = promote(dtype, affine->dtype());
  }
  return scaled(reshape(xhat, x.shape()), {widened(weight), widened(bias)}).astype(dtype);
}
Array instance_norm(const Array& x, const Array& weight, const Array& bias, double eps) {
  check_rank("instance_norm", x, 2);
  return group_norm(x, std::max<int64_t>(1, x.shape(-1)), weight, bias, eps);
}

BatchNormResult batch_norm(const Array& x, const Array& weight, const Array& bias, double eps) {
  check_eps("batch_norm", eps);
  check_rank("batch_norm", x, 2);
  check_channels("batch_norm", "weight", x, weight);
  check_channels("batch_norm", "bias", x, bias);
  const std::vector<Array> out = apply_all(batch_norm_op, {x, weight, bias}, BatchNormArgs{eps});
  return {out[0], out[1], out[2]};
}
Array batch_norm(const Array& x, const Array& mean, const Array& var, const Array& weight, const Array& bias, double eps) {
  check_eps("batch_norm", eps);
  check_float("batch_norm", x);
  check_rank("batch_norm", x, 1);
  check_channels("batch_norm", "mean", x, mean);
  check_channels("batch_norm", "var", x, var);
  check_channels("batch_norm", "weight", x, weight);
  check_channels("batch_norm", "bias", x, bias);
  DType dtype = promote(x.dtype(), promote(mean.dtype(), var.dtype()));
  for (const Array* affine : {&weight, &bias}) {
    if (affine->exists()) dtype = promote(dtype, affine->dtype());
  }
  const Array factor = rsqrt(widened(var) + eps);
  const Array y = (widened(x) - widened(mean)) * (weight.exists() ? factor * widened(weight) : factor);
  return (bias.exists() ? y + widened(bias) : y).astype(dtype);
}

std::span<const OpDef* const> rule::normalize_ops() {
  static constexpr const OpDef* ops[] = {&softmax_op,    &softmax_backward_op,    &log_softmax_op, &log_softmax_backward_op,
                                         &layer_norm_op, &layer_norm_backward_op, &rms_norm_op,    &rms_norm_backward_op,
                                         &batch_norm_op, &batch_norm_backward_op};
  return ops;
}

}  // namespace gradus
