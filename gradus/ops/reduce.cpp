// Reductions: one op a kind, with the shape rule, derivative and kernel of each.
#include "gradus/ops/reduce.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/cpu/reduce/reduce.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/reduce_rules.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {

using namespace core;

namespace {

using cpu::ReduceKind;
using rows::wide_dtype, rows::widened;

struct ReduceArgs {
  Dims axes{};  // from the front, increasing
  bool keepdims = false;
  GRADUS_FIELDS(axes, keepdims)
};
struct VarArgs {
  Dims axes{};
  bool keepdims = false;
  int64_t ddof = 0;
  GRADUS_FIELDS(axes, keepdims, ddof)
};

constexpr Input any_input[] = {{"x", any_dtype}};
constexpr Input float_input[] = {{"x", floats}};

bool is_in(const Dims& axes, int64_t axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

Shape reduced_shape(const Shape& shape, const Dims& axes, bool keeps) {
  Dims sizes;
  for (int64_t axis = 0; axis < shape.rank(); ++axis) {
    if (!is_in(axes, axis)) sizes.push_back(shape[axis]);
    else if (keeps) sizes.push_back(1);
  }
  return sizes;
}
int64_t reduced_count(const Shape& shape, const Dims& axes) {
  int64_t count = 1;
  for (const int64_t axis : axes) count *= shape[axis];
  return count;
}

// y or dy with the reduced axes as axes of size 1, so that it broadcasts against x.
template <class A = ReduceArgs>
Array kept(const RecordedCall& call, const Array& y) {
  const A& args = call.as<A>();
  return args.keepdims ? y : expand_dims(y, args.axes);
}

DType total_dtype(DType dtype) { return dtype.is_float() ? dtype : int64; }
DType mean_dtype(DType dtype) { return dtype.is_float() ? dtype : float32; }
DType same_dtype(DType dtype) { return dtype; }
DType to_bool(DType) { return bool_; }
DType to_position(DType) { return int64; }

template <DType (*dtype)(DType), class A = ReduceArgs>
Aval infer_reduced(const Call& call) {
  const A& args = call.as<A>();
  return {dtype(call[0].dtype()), reduced_shape(call[0].shape(), args.axes, args.keepdims), false};
}
// The same for kinds that nothing has no value of.
template <DType (*dtype)(DType)>
Aval infer_chosen(const Call& call) {
  Aval aval = infer_reduced<dtype>(call);
  if (aval.shape.size() && reduced_count(call[0].shape(), call.as<ReduceArgs>().axes) == 0) {
    fail(call.op.name, "x is ", call[0].shape(), " and axes ", std::span<const int64_t>(call.as<ReduceArgs>().axes),
         " have no elements; at least one is needed");
  }
  return aval;
}

template <ReduceKind kind, class A = ReduceArgs>
backend::KernelPtr prepare(const KernelCall& call) {
  cpu::Reduction reduction{kind, call.as<A>().axes, 0};
  if constexpr (requires(A args) { args.ddof; }) reduction.ddof = call.as<A>().ddof;
  return cpu::prepare_reduce(call.inputs[0], call.outputs[0].dtype, reduction);
}
template <ReduceKind kind, class A = ReduceArgs>
constexpr KernelEntry entry() {
  // Sums are taken in double whatever x is.
  return {.prepare = prepare<kind, A>, .strided_inputs = 1, .widened_inputs = kind == ReduceKind::sum || kind == ReduceKind::mean};
}

// The batch is axis 0: all axes move up by one.
template <class A = ReduceArgs>
std::vector<Array> batch_reduced(const Call& call, std::span<const bool>, int64_t) {
  A args = call.as<A>();
  for (int64_t& axis : args.axes) ++axis;
  return {apply(call.op, call.inputs, std::move(args))};
}

// y = sum x  =>  dx = dy, repeated along the reduced axes
Array transpose_sum(const RecordedCall& call, int, const Array& dy) { return broadcast_to(kept(call, dy), call[0].shape()); }
// y = sum x / n  =>  dx = dy / n, repeated
Array transpose_mean(const RecordedCall& call, int, const Array& dy) {
  const double count = static_cast<double>(reduced_count(call[0].shape(), call.as<ReduceArgs>().axes));
  return broadcast_to(kept(call, dy / count), call[0].shape());
}

// y = prod x as a tree: pairs of halves are multiplied until one element is left; so zeros need no division. In double, as the kernel:
// parts of a product may be out of range where the whole is not.
std::vector<Array> compose_prod(const Call& call) {
  const ReduceArgs& args = call.as<ReduceArgs>();
  const Shape& shape = call[0].shape();
  Dims order, sizes;
  for (int64_t axis = 0; axis < shape.rank(); ++axis) {
    if (!is_in(args.axes, axis)) order.push_back(axis), sizes.push_back(shape[axis]);
  }
  for (const int64_t axis : args.axes) order.push_back(axis);
  int64_t n = reduced_count(shape, args.axes);
  sizes.push_back(n);
  const Shape out = reduced_shape(shape, args.axes, args.keepdims);
  const DType dtype = total_dtype(call[0].dtype());
  if (n == 0) return {ones(out, dtype)};
  Array x = reshape(transpose(call[0].astype(dtype.is_float() ? float64 : dtype), order), Shape(sizes));
  const auto part = [&](int64_t first, int64_t count) {
    Dims starts(sizes.size(), 0), lengths = x.shape().dims(), steps(sizes.size(), 1);
    starts.back() = first;
    lengths.back() = count;
    return strided_slice(x, starts, lengths, steps);
  };
  while (n > 1) {
    const int64_t half = n / 2;
    const Array pairs = part(0, half) * part(half, half);
    x = n % 2 ? concatenate({pairs, part(n - 1, 1)}, -1) : pairs;
    n = half + n % 2;
  }
  return {reshape(x, out).astype(dtype)};
}

// y = max x  =>  dx = dy / (number of elements equal to y) where x = y, else 0. Counted in a dtype that has such numbers.
std::vector<Array> reverse_extreme(const RecordedCall& call, std::span<const Array> cotangents) {
  const Array is_chosen = call[0] == kept(call, call.outputs[0]);
  const Array count = sum(is_chosen.astype(wide_dtype(call[0].dtype())), call.as<ReduceArgs>().axes, keepdims);
  const Array share = (widened(kept(call, cotangents[0])) / count).astype(call[0].dtype());
  return {where(is_chosen, share, 0)};
}

// y = sum (x - mean)^2 / (n - ddof)  =>  dx = 2 (x - mean) / (n - ddof) dy
std::vector<Array> reverse_var(const RecordedCall& call, std::span<const Array> cotangents) {
  const VarArgs& args = call.as<VarArgs>();
  const double divisor = static_cast<double>(std::max<int64_t>(0, reduced_count(call[0].shape(), args.axes) - args.ddof));
  const Array centered = call[0] - mean(call[0], args.axes, keepdims);
  return {centered * (kept<VarArgs>(call, cotangents[0]) * (2 / divisor))};
}

// y = sqrt(sum (x - mean)^2 / (n - ddof))  =>  dx = (x - mean) / y / (n - ddof) dy, 0 where y = 0
std::vector<Array> reverse_stddev(const RecordedCall& call, std::span<const Array> cotangents) {
  const VarArgs& args = call.as<VarArgs>();
  const double divisor = static_cast<double>(std::max<int64_t>(0, reduced_count(call[0].shape(), args.axes) - args.ddof));
  const Array y = kept<VarArgs>(call, call.outputs[0]), is_zero = y == 0;
  const Array direction = (call[0] - mean(call[0], args.axes, keepdims)) / where(is_zero, 1, y);
  return {direction * where(is_zero, 0, kept<VarArgs>(call, cotangents[0]) / divisor)};
}

// y = sqrt(sum x^2)  =>  dx = x / y dy, 0 where y = 0
std::vector<Array> reverse_norm(const RecordedCall& call, std::span<const Array> cotangents) {
  const Array y = kept(call, call.outputs[0]), is_zero = y == 0;
  return {call[0] / where(is_zero, 1, y) * where(is_zero, 0, kept(call, cotangents[0]))};
}

// y = log sum e^x  =>  dx = e^(x - y) dy. Beside +infinity finite x have no share; -infinity has none in any case.
std::vector<Array> reverse_logsumexp(const RecordedCall& call, std::span<const Array> cotangents) {
  const Array &x = call[0], y = kept(call, call.outputs[0]);
  return {exp(where((x == y) & isinf(x), minimum(x, 0), x - y)) * kept(call, cotangents[0])};
}

constexpr Derivative of_truth = not_differentiable("its result is bool");
constexpr Derivative of_position = not_differentiable("its result is a position");

constinit const OpDef sum_op{.name = "sum",
                             .inputs = any_input,
                             .args = args_of<ReduceArgs>,
                             .infer = infer_reduced<total_dtype>,
                             .derivative = linear(transpose_sum),
                             .batch = batch_reduced,
                             .kernel = entry<ReduceKind::sum>()};
constinit const OpDef mean_op{.name = "mean",
                              .inputs = any_input,
                              .args = args_of<ReduceArgs>,
                              .infer = infer_reduced<mean_dtype>,
                              .derivative = linear(transpose_mean),
                              .batch = batch_reduced,
                              .kernel = entry<ReduceKind::mean>()};
constinit const OpDef prod_op{.name = "prod",
                              .inputs = any_input,
                              .args = args_of<ReduceArgs>,
                              .infer = infer_reduced<total_dtype>,
                              .derivative = composed(compose_prod),
                              .batch = batch_reduced,
                              .kernel = entry<ReduceKind::prod>()};
constinit const OpDef max_op{.name = "max",
                             .inputs = any_input,
                             .args = args_of<ReduceArgs>,
                             .infer = infer_chosen<same_dtype>,
                             .derivative = from_output(reverse_extreme),
                             .batch = batch_reduced,
                             .kernel = entry<ReduceKind::max>()};
constinit const OpDef min_op{.name = "min",
                             .inputs = any_input,
                             .args = args_of<ReduceArgs>,
                             .infer = infer_chosen<same_dtype>,
                             .derivative = from_output(reverse_extreme),
                             .batch = batch_reduced,
                             .kernel = entry<ReduceKind::min>()};
constinit const OpDef var_op{.name = "var",
                             .inputs = float_input,
                             .promotion = Promotion::floating,
                             .args = args_of<VarArgs>,
                             .infer = infer_reduced<same_dtype, VarArgs>,
                             .derivative = from_output(reverse_var),
                             .batch = batch_reduced<VarArgs>,
                             .kernel = entry<ReduceKind::var, VarArgs>()};
constinit const OpDef stddev_op{.name = "stddev",
                                .inputs = float_input,
                                .promotion = Promotion::floating,
                                .args = args_of<VarArgs>,
                                .infer = infer_reduced<same_dtype, VarArgs>,
                                .derivative = from_output(reverse_stddev),
                                .batch = batch_reduced<VarArgs>,
                                .kernel = entry<ReduceKind::stddev, VarArgs>()};
constinit const OpDef norm_op{.name = "norm",
                              .inputs = float_input,
                              .promotion = Promotion::floating,
                              .args = args_of<ReduceArgs>,
                              .infer = infer_reduced<same_dtype>,
                              .derivative = from_output(reverse_norm),
                              .batch = batch_reduced,
                              .kernel = entry<ReduceKind::norm>()};
constinit const OpDef any_op{.name = "any",
                             .inputs = any_input,
                             .args = args_of<ReduceArgs>,
                             .infer = infer_reduced<to_bool>,
                             .derivative = of_truth,
                             .batch = batch_reduced,
                             .kernel = entry<ReduceKind::any>()};
constinit const OpDef all_op{.name = "all",
                             .inputs = any_input,
                             .args = args_of<ReduceArgs>,
                             .infer = infer_reduced<to_bool>,
                             .derivative = of_truth,
                             .batch = batch_reduced,
                             .kernel = entry<ReduceKind::all>()};
constinit const OpDef argmax_op{.name = "argmax",
                                .inputs = any_input,
                                .args = args_of<ReduceArgs>,
                                .infer = infer_chosen<to_position>,
                                .derivative = of_position,
                                .batch = batch_reduced,
                                .kernel = entry<ReduceKind::argmax>()};
constinit const OpDef argmin_op{.name = "argmin",
                                .inputs = any_input,
                                .args = args_of<ReduceArgs>,
                                .infer = infer_chosen<to_position>,
                                .derivative = of_position,
                                .batch = batch_reduced,
                                .kernel = entry<ReduceKind::argmin>()};
constinit const OpDef logsumexp_op{.name = "logsumexp",
                                   .inputs = float_input,
                                   .promotion = Promotion::floating,
                                   .args = args_of<ReduceArgs>,
                                   .infer = infer_reduced<same_dtype>,
                                   .derivative = from_output(reverse_logsumexp),
                                   .batch = batch_reduced,
                                   .kernel = entry<ReduceKind::logsumexp>()};

Array reduce(const OpDef& op, const Array& x, const Dims& axes, KeepDims keep) {
  return apply(op, {x}, ReduceArgs{normalize_axes(op.name, axes, x.rank()), keep == KeepDims::yes});
}
Array reduce_all(const OpDef& op, const Array& x) { return apply(op, {x}, ReduceArgs{all_axes(x.rank()), false}); }
Array position(const OpDef& op, const Array& x, int64_t axis, KeepDims keep) {
  return apply(op, {x}, ReduceArgs{{normalize_axis(op.name, axis, x.rank())}, keep == KeepDims::yes});
}

// The elements at `indices`, which kept their axis of size 1.
std::pair<Array, Array> with_index(const Array& x, const Array& indices, int64_t axis, KeepDims keep) {
  const Array values = take_along_axis(x, indices, axis);
  if (keep == KeepDims::yes) return {values, indices};
  return {squeeze(values, axis), squeeze(indices, axis)};
}

// Of 16-bit floats in float32, rounded once at the end: derivatives work with what the result would lose. Of large integers from their
// smallest on, in double, which has no room for them themselves.
Array spread(const OpDef& op, const Array& x, const Axes& axes, VarOptions options) {
  if (options.ddof < 0) fail(op.name, "ddof is ", options.ddof, "; it must be 0 or more");
  const VarArgs args{normalize_axes(op.name, axes.dims(), x.rank()), options.keep == KeepDims::yes, options.ddof};
  if (x.dtype().is_integer() && x.dtype() != uint8 && reduced_count(x.shape(), args.axes) > 0) {
    const Array from_least = (x.astype(int64) - min(x.astype(int64), args.axes, keepdims)).astype(float64);
    return apply(op, {from_least}, args).astype(float32);
  }
  const DType dtype = x.dtype().is_float() ? x.dtype() : float32;
  return apply(op, {x.astype(wide_dtype(x.dtype()))}, args).astype(dtype);
}
Array log_sum(const Array& x, const Dims& axes, KeepDims keep) {
  const DType dtype = x.dtype().is_float() ? x.dtype() : float32;
  return reduce(logsumexp_op, x.astype(wide_dtype(x.dtype())), axes, keep).astype(dtype);
}

Array without_nan(const Array& x) { return x.dtype().is_float() ? where(isnan(x), 0, x) : x; }
Array is_number(const Array& x) { return !isnan(x); }

}  // namespace

Array sum(const Array& x) { return reduce_all(sum_op, x); }
Array sum(const Array& x, const Axes& axes) { return reduce(sum_op, x, axes.dims(), KeepDims::no); }
Array sum(const Array& x, const Axes& axes, KeepDims keep) { return reduce(sum_op, x, axes.dims(), keep); }
Array prod(const Array& x) { return reduce_all(prod_op, x); }
Array prod(const Array& x, const Axes& axes) { return reduce(prod_op, x, axes.dims(), KeepDims::no); }
Array prod(const Array& x, const Axes& axes, KeepDims keep) { return reduce(prod_op, x, axes.dims(), keep); }
Array mean(const Array& x) { return reduce_all(mean_op, x); }
Array mean(const Array& x, const Axes& axes) { return reduce(mean_op, x, axes.dims(), KeepDims::no); }
Array mean(const Array& x, const Axes& axes, KeepDims keep) { return reduce(mean_op, x, axes.dims(), keep); }
Array max(const Array& x) { return reduce_all(max_op, x); }
Array max(const Array& x, const Axes& axes) { return reduce(max_op, x, axes.dims(), KeepDims::no); }
Array max(const Array& x, const Axes& axes, KeepDims keep) { return reduce(max_op, x, axes.dims(), keep); }
Array min(const Array& x) { return reduce_all(min_op, x); }
Array min(const Array& x, const Axes& axes) { return reduce(min_op, x, axes.dims(), KeepDims::no); }
Array min(const Array& x, const Axes& axes, KeepDims keep) { return reduce(min_op, x, axes.dims(), keep); }

Array var(const Array& x) { return var(x, all_axes(x.rank()), VarOptions{}); }
Array var(const Array& x, const Axes& axes) { return var(x, axes, VarOptions{}); }
Array var(const Array& x, const Axes& axes, KeepDims keep) { return var(x, axes, VarOptions{0, keep}); }
Array var(const Array& x, const Axes& axes, VarOptions options) { return spread(var_op, x, axes, options); }
Array stddev(const Array& x) { return stddev(x, all_axes(x.rank()), VarOptions{}); }
Array stddev(const Array& x, const Axes& axes) { return stddev(x, axes, VarOptions{}); }
Array stddev(const Array& x, const Axes& axes, KeepDims keep) { return stddev(x, axes, VarOptions{0, keep}); }
Array stddev(const Array& x, const Axes& axes, VarOptions options) { return spread(stddev_op, x, axes, options); }
Array std(const Array& x) { return stddev(x); }
Array std(const Array& x, const Axes& axes) { return stddev(x, axes); }
Array std(const Array& x, const Axes& axes, KeepDims keep) { return stddev(x, axes, keep); }
Array std(const Array& x, const Axes& axes, VarOptions options) { return stddev(x, axes, options); }

Array any(const Array& x) { return reduce_all(any_op, x); }
Array any(const Array& x, const Axes& axes) { return reduce(any_op, x, axes.dims(), KeepDims::no); }
Array any(const Array& x, const Axes& axes, KeepDims keep) { return reduce(any_op, x, axes.dims(), keep); }
Array all(const Array& x) { return reduce_all(all_op, x); }
Array all(const Array& x, const Axes& axes) { return reduce(all_op, x, axes.dims(), KeepDims::no); }
Array all(const Array& x, const Axes& axes, KeepDims keep) { return reduce(all_op, x, axes.dims(), keep); }
Array count_nonzero(const Array& x) { return sum(x != 0); }
Array count_nonzero(const Array& x, const Axes& axes) { return sum(x != 0, axes); }
Array count_nonzero(const Array& x, const Axes& axes, KeepDims keep) { return sum(x != 0, axes, keep); }

Array argmax(const Array& x) { return reduce_all(argmax_op, x); }
Array argmax(const Array& x, int64_t axis) { return position(argmax_op, x, axis, KeepDims::no); }
Array argmax(const Array& x, int64_t axis, KeepDims keep) { return position(argmax_op, x, axis, keep); }
Array argmin(const Array& x) { return reduce_all(argmin_op, x); }
Array argmin(const Array& x, int64_t axis) { return position(argmin_op, x, axis, KeepDims::no); }
Array argmin(const Array& x, int64_t axis, KeepDims keep) { return position(argmin_op, x, axis, keep); }
std::pair<Array, Array> max_with_index(const Array& x, int64_t axis, KeepDims keep) {
  return with_index(x, argmax(x, axis, keepdims), axis, keep);
}
std::pair<Array, Array> min_with_index(const Array& x, int64_t axis, KeepDims keep) {
  return with_index(x, argmin(x, axis, keepdims), axis, keep);
}

Array rule::euclidean_norm(const Array& x, const Dims& axes, bool keeps_dims) { return apply(norm_op, {x}, ReduceArgs{axes, keeps_dims}); }

Array logsumexp(const Array& x) { return log_sum(x, all_axes(x.rank()), KeepDims::no); }
Array logsumexp(const Array& x, const Axes& axes) { return log_sum(x, axes.dims(), KeepDims::no); }
Array logsumexp(const Array& x, const Axes& axes, KeepDims keep) { return log_sum(x, axes.dims(), keep); }

Array nansum(const Array& x) { return sum(without_nan(x)); }
Array nansum(const Array& x, const Axes& axes) { return sum(without_nan(x), axes); }
Array nansum(const Array& x, const Axes& axes, KeepDims keep) { return sum(without_nan(x), axes, keep); }
Array nanmean(const Array& x) { return nanmean(x, all_axes(x.rank())); }
Array nanmean(const Array& x, const Axes& axes) { return nanmean(x, axes, KeepDims::no); }
Array nanmean(const Array& x, const Axes& axes, KeepDims keep) {
  if (!x.dtype().is_float()) return mean(x, axes, keep);
  const Array total = nansum(widened(x), axes, keep);
  return (total / count_nonzero(is_number(x), axes, keep)).astype(x.dtype());
}

std::span<const OpDef* const> rule::reduce_ops() {
  static constexpr const OpDef* ops[] = {&sum_op,  &mean_op, &prod_op, &max_op,    &min_op,    &var_op,      &stddev_op,
                                         &norm_op, &any_op,  &all_op,  &argmax_op, &argmin_op, &logsumexp_op};
  return ops;
}

}  // namespace gradus
