// Running totals along one axis.
#include "gradus/ops/cumulative.hpp"

#include <limits>

#include "gradus/cpu/reduce/cumulative.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus {

using namespace core;

namespace {

using cpu::CumulativeKind;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct CumulativeArgs {
  int64_t axis = 0;
  bool reverse = false;  // totals of what follows, not of what comes before
  GRADUS_FIELDS(axis, reverse)
};

constexpr Input any_input[] = {{"x", any_dtype}};
constexpr Input float_input[] = {{"x", floats}};

Aval infer_total(const Call& call) { return {call[0].dtype().is_float() ? call[0].dtype() : int64, call[0].shape(), false}; }
Aval infer_position(const Call& call) { return {int64, call[0].shape(), false}; }

template <CumulativeKind kind>
backend::KernelPtr prepare(const KernelCall& call) {
  const CumulativeArgs& args = call.as<CumulativeArgs>();
  return cpu::prepare_cumulative(call.inputs[0], kind, args.axis, args.reverse);
}
std::vector<Array> batch_cumulative(const Call& call, std::span<const bool>, int64_t) {
  const CumulativeArgs& args = call.as<CumulativeArgs>();
  return {apply(call.op, call.inputs, CumulativeArgs{args.axis + 1, args.reverse})};
}

// y_i = sum over j <= i of x_j  =>  dx_j = sum over i >= j of dy_i
Array transpose_cumsum(const RecordedCall& call, int, const Array& dy) {
  const CumulativeArgs& args = call.as<CumulativeArgs>();
  return apply(call.op, {dy}, CumulativeArgs{args.axis, !args.reverse});
}

// ---- recurrence: h_i = a_i h_i-1 + b_i, what the derivatives of products and of sums of exponentials are made of

struct RecurrenceArgs {
  int64_t axis = 0;
  bool reverse = false;  // h_i = a_i h_i+1 + b_i
  bool shifted = false;  // the factor is that of the place the step comes from
  GRADUS_FIELDS(axis, reverse, shifted)
};
constexpr Input recurrence_inputs[] = {{"a", floats}, {"b", floats}};

Aval infer_recurrence(const Call& call) {
  if (call[0].shape() != call[1].shape() || call[0].dtype() != call[1].dtype()) {
    fail_bug("recurrence: a is ", call[0].shape(), " ", call[0].dtype(), ", b is ", call[1].shape(), " ", call[1].dtype());
  }
  return {call[0].dtype(), call[0].shape(), false};
}
// x one place on along the axis, `first` where nothing comes from.
Array moved_on(const Array& x, const Array& first, int64_t axis, bool is_reverse) {
  const int64_t n = x.shape(axis);
  const size_t at = static_cast<size_t>(axis), rank = static_cast<size_t>(x.rank());
  Dims starts(rank, 0), sizes = x.shape().dims();
  if (n == 0) return x;
  starts[at] = is_reverse ? 1 : 0;
  sizes[at] = 1;
  const Array edge = broadcast_to(first, Shape(sizes));
  sizes[at] = n - 1;
  const Array rest = strided_slice(x, starts, sizes, Dims(rank, 1));
  return is_reverse ? concatenate({rest, edge}, axis) : concatenate({edge, rest}, axis);
}
Array moved_on(const Array& x, double first, int64_t axis, bool is_reverse) {
  return moved_on(x, full({}, first, x.dtype()), axis, is_reverse);
}

// u_i = dh_i + a_i+1 u_i+1  =>  db = u, da_i = u_i h_i-1
std::vector<Array> reverse_recurrence(const RecordedCall& call, std::span<const Array> dh) {
  const auto& args = call.as<RecurrenceArgs>();
  const Array u = apply(call.op, {call[0], dh[0]}, RecurrenceArgs{args.axis, !args.reverse, !args.shifted}), &h = call.outputs[0];
  if (args.shifted) return {moved_on(u, 0, args.axis, !args.reverse) * h, u};
  return {u * moved_on(h, 0, args.axis, args.reverse), u};
}
// dh_i = a_i dh_i-1 + (da_i h_i-1 + db_i)
std::vector<Array> forward_recurrence(const RecordedCall& call, std::span<const Array> tangents) {
  const auto& args = call.as<RecurrenceArgs>();
  const Array& h = call.outputs[0];
  Array change = tangents[1];
  if (tangents[0].exists()) {
    const Array from_factor =
        args.shifted ? moved_on(tangents[0] * h, 0, args.axis, args.reverse) : tangents[0] * moved_on(h, 0, args.axis, args.reverse);
    change = change.exists() ? change + from_factor : from_factor;
  }
  return {apply(call.op, {call[0], change}, call.args)};
}
std::vector<Array> batch_recurrence(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const auto& args = call.as<RecurrenceArgs>();
  return {apply(call.op, {with_batch(call[0], is_batched[0], batch_size), with_batch(call[1], is_batched[1], batch_size)},
                RecurrenceArgs{args.axis + 1, args.reverse, args.shifted})};
}
backend::KernelPtr prepare_recurrence(const KernelCall& call) {
  const auto& args = call.as<RecurrenceArgs>();
  return cpu::prepare_recurrence(call.inputs[0], args.axis, args.reverse, args.shifted);
}
constinit const OpDef recurrence_op{.name = "recurrence",
                                    .inputs = recurrence_inputs,
                                    .args = args_of<RecurrenceArgs>,
                                    .infer = infer_recurrence,
                                    .derivative = custom(reverse_recurrence, forward_recurrence),
                                    .batch = batch_recurrence,
                                    .kernel = {.prepare = prepare_recurrence}};

// ---- the totals

// y_i = x_1 ... x_i, u_i = dy_i + x_i+1 u_i+1  =>  dx_i = y_i-1 u_i. No division, so zeros do no harm. In double: parts of a product may be
// out of range where the whole is not.
std::vector<Array> reverse_cumprod(const RecordedCall& call, std::span<const Array> dy) {
  const auto& args = call.as<CumulativeArgs>();
  const Array x = call[0].astype(float64), y = apply(call.op, {x}, call.args);
  const Array u = apply(recurrence_op, {x, dy[0].astype(float64)}, RecurrenceArgs{args.axis, !args.reverse, true});
  return {(moved_on(y, 1, args.axis, args.reverse) * u).astype(call[0].dtype())};
}
// y_i = log(e^y_i-1 + e^x_i), s_i = sigmoid(y_i-1 - x_i), u_i = dy_i + s_i+1 u_i+1  =>  dx_i = (1 - s_i) u_i. Infinities that are
// equal share, but -infinity has no share, not even of a sum that is -infinity.
std::vector<Array> reverse_logcumsumexp(const RecordedCall& call, std::span<const Array> dy) {
  const auto& args = call.as<CumulativeArgs>();
  const Array x = call[0].astype(float64), before = moved_on(apply(call.op, {x}, call.args), 0, args.axis, args.reverse);
  const Array zero = zeros({}, float64), difference = where(logical_and(before == x, isinf(x)), zero, before - x);
  const Array u = apply(recurrence_op, {sigmoid(difference), dy[0].astype(float64)}, RecurrenceArgs{args.axis, !args.reverse, true});
  const Array is_first = moved_on(zeros(x.shape(), bool_), ones({}, bool_), args.axis, args.reverse);  // whose y is all its own
  return {(where(x == -kInfinity, zero, where(is_first, 1, sigmoid(-difference))) * u).astype(call[0].dtype())};
}

constinit const OpDef cumsum_op{.name = "cumsum",
                                .inputs = any_input,
                                .args = args_of<CumulativeArgs>,
                                .infer = infer_total,
                                .derivative = linear(transpose_cumsum),
                                .batch = batch_cumulative,
                                .kernel = {.prepare = prepare<CumulativeKind::sum>}};
constinit const OpDef cumprod_op{.name = "cumprod",
                                 .inputs = any_input,
                                 .args = args_of<CumulativeArgs>,
                                 .infer = infer_total,
                                 .derivative = from_output(reverse_cumprod),
                                 .batch = batch_cumulative,
                                 .kernel = {.prepare = prepare<CumulativeKind::prod>}};
constinit const OpDef logcumsumexp_op{.name = "logcumsumexp",
                                      .inputs = float_input,
                                      .promotion = Promotion::floating,
                                      .args = args_of<CumulativeArgs>,
                                      .infer = infer_total,
                                      .derivative = from_output(reverse_logcumsumexp),
                                      .batch = batch_cumulative,
                                      .kernel = {.prepare = prepare<CumulativeKind::logsumexp>}};
constinit const OpDef cummax_position_op{.name = "cummax_position",
                                         .inputs = any_input,
                                         .args = args_of<CumulativeArgs>,
                                         .infer = infer_position,
                                         .derivative = not_differentiable("its result is a position"),
                                         .batch = batch_cumulative,
                                         .kernel = {.prepare = prepare<CumulativeKind::argmax>}};
constinit const OpDef cummin_position_op{.name = "cummin_position",
                                         .inputs = any_input,
                                         .args = args_of<CumulativeArgs>,
                                         .infer = infer_position,
                                         .derivative = not_differentiable("its result is a position"),
                                         .batch = batch_cumulative,
                                         .kernel = {.prepare = prepare<CumulativeKind::argmin>}};

Array cumulate(const OpDef& op, std::string_view name, const Array& x, int64_t axis) {
  return apply(op, {x}, CumulativeArgs{normalize_axis(name, axis, x.rank()), false});
}
std::pair<Array, Array> extreme(const OpDef& op, std::string_view name, const Array& x, int64_t axis) {
  const Array at = cumulate(op, name, x, axis);
  return {take_along_axis(x, at, axis), at};
}

}  // namespace

Array cumsum(const Array& x) { return cumsum(ravel(x), 0); }
Array cumsum(const Array& x, int64_t axis) { return cumulate(cumsum_op, "cumsum", x, axis); }
Array cumprod(const Array& x) { return cumprod(ravel(x), 0); }
Array cumprod(const Array& x, int64_t axis) { return cumulate(cumprod_op, "cumprod", x, axis); }
Array logcumsumexp(const Array& x) { return logcumsumexp(ravel(x), 0); }
Array logcumsumexp(const Array& x, int64_t axis) { return cumulate(logcumsumexp_op, "logcumsumexp", x, axis); }
std::pair<Array, Array> cummax(const Array& x, int64_t axis) { return extreme(cummax_position_op, "cummax", x, axis); }
std::pair<Array, Array> cummin(const Array& x, int64_t axis) { return extreme(cummin_position_op, "cummin", x, axis); }

std::span<const OpDef* const> rule::cumulative_ops() {
  static constexpr const OpDef* ops[] = {&recurrence_op,   &cumsum_op,          &cumprod_op,
                                         &logcumsumexp_op, &cummax_position_op, &cummin_position_op};
  return ops;
}

}  // namespace gradus
