// Ops that gather and scatter by index arrays. Array::operator[], set and add, which use them, are in subscript.cpp.
#include "gradus/ops/index.hpp"

#include "gradus/base/error.hpp"
#include "gradus/cpu/move/index.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/node.hpp"
#include "gradus/graph/path.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/gather.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus {

using namespace core;

namespace {

// ---- gather, embedding: rows picked by index arrays of one shape, which stands in place of the axes they select on

constexpr Input gather_inputs[] = {{"x"}, {"index", indices}}, embedding_inputs[] = {{"table"}, {"ids", indices}},
                scatter_inputs[] = {{"x"}, {"source"}, {"index", indices}},
                scatter_add_inputs[] = {{"x", numbers}, {"source", numbers}, {"index", indices}};

struct GatherArgs {
  int64_t axis = 0;
  bool may_be_negative = true;
  bool is_part = false;     // of scatter_add: x is zeros, recorded so by a derivative; sums of such parts are joined
  bool is_clamped = false;  // of rule::write_rows
  GRADUS_FIELDS(axis, may_be_negative, is_part, is_clamped)
};

// x (outer, selected, inner) and indices (I) give (outer, I, inner).
Shape gathered_shape(const Shape& x, const Shape& index, int64_t axis, int64_t count) {
  Dims sizes;
  for (int64_t i = 0; i < axis; ++i) sizes.push_back(x[i]);
  for (const int64_t size : index) sizes.push_back(size);
  for (int64_t i = axis + count; i < x.rank(); ++i) sizes.push_back(x[i]);
  return Shape(sizes);
}
Aval infer_gather(const Call& call) {
  const auto count = static_cast<int64_t>(call.inputs.size()) - 1;
  return {call[0].dtype(), gathered_shape(call[0].shape(), call[1].shape(), call.as<GatherArgs>().axis, count), false};
}
cpu::Selection selection_of(const KernelCall& call, size_t others) {
  const auto& args = call.as<GatherArgs>();
  return {args.axis, static_cast<int64_t>(call.inputs.size() - others), args.may_be_negative, args.is_clamped};
}
backend::KernelPtr prepare_gather(const KernelCall& call) {
  return cpu::gather(call.inputs[0], call.inputs.subspan(1), selection_of(call, 1));
}

std::vector<Array> tail(std::span<const Array> inputs, size_t from) {
  return {inputs.begin() + static_cast<std::ptrdiff_t>(from), inputs.end()};
}

extern const OpDef scatter_add_op;

// y = x[..., i, ...]  =>  dx = zeros with dy added at i
Array transpose_gather(const RecordedCall& call, int, const Array& dy) {
  const auto& args = call.as<GatherArgs>();
  std::vector<Array> inputs{zeros_like(call[0]), dy};
  inputs.insert(inputs.end(), call.inputs.begin() + 1, call.inputs.end());
  return apply(scatter_add_op, inputs, GatherArgs{args.axis, args.may_be_negative, true});
}

// The positions of the examples, shaped to broadcast with batched indices of rank `rank`.
Array example_numbers(int64_t batch_size, int64_t rank) {
  Dims sizes{batch_size};
  for (int64_t axis = 1; axis < rank; ++axis) sizes.push_back(1);
  return reshape(arange(batch_size), Shape(sizes));
}
// Indices that select for each example: batched to (B, I), with the examples' own numbers in front.
std::vector<Array> batched_indices(std::span<const Array> indices, std::span<const bool> is_batched, int64_t batch_size) {
  std::vector<Array> all;
  Shape shape;
  for (size_t i = 0; i < indices.size(); ++i) {
    all.push_back(with_batch(indices[i], is_batched[i], batch_size));
    shape = all.back().shape();
  }
  all.insert(all.begin(), broadcast_to(example_numbers(batch_size, shape.rank()), shape));
  return all;
}
bool any_of(std::span<const bool> flags) { return std::find(flags.begin(), flags.end(), true) != flags.end(); }

std::vector<Array> batch_gather(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const auto& args = call.as<GatherArgs>();
  if (!any_of(is_batched.subspan(1))) return {apply(call.op, call.inputs, GatherArgs{args.axis + 1, args.may_be_negative})};
  std::vector<Array> inputs;
  if (is_batched[0]) {  // the batch axis comes to stand just before the selected ones
    inputs = batched_indices(call.inputs.subspan(1), is_batched.subspan(1), batch_size);
    inputs.insert(inputs.begin(), moveaxis(call[0], 0, args.axis));
  } else {
    inputs.push_back(call[0]);
    for (size_t i = 1; i < call.inputs.size(); ++i) inputs.push_back(with_batch(call[i], is_batched[i], batch_size));
  }
  return {moveaxis(apply(call.op, inputs, args), args.axis, 0)};
}

constinit const OpDef gather_op{.name = "gather",
                                .inputs = gather_inputs,
                                .is_variadic = true,
                                .args = args_of<GatherArgs>,
                                .infer = infer_gather,
                                .derivative = linear(transpose_gather, 1),
                                .batch = batch_gather,
                                .kernel = {.prepare = prepare_gather}};
constinit const OpDef embedding_op{.name = "embedding",
                                   .inputs = embedding_inputs,
                                   .is_variadic = true,
                                   .args = args_of<GatherArgs>,
                                   .infer = infer_gather,
                                   .derivative = linear(transpose_gather, 1),
                                   .batch = batch_gather,
                                   .kernel = {.prepare = prepare_gather}};

// ---- last_rows, last_along: which of the elements written to one place stay there, the last ones

struct LastRowsArgs {
  Shape sizes;  // of the selected axes
  bool may_be_negative = true;
  GRADUS_FIELDS(sizes, may_be_negative)
};
constexpr Input index_inputs[] = {{"index", indices}};
Aval infer_last(const Call& call) { return {bool_, call[0].shape(), false}; }
backend::KernelPtr prepare_last_rows(const KernelCall& call) {
  const auto& args = call.as<LastRowsArgs>();
  return cpu::last_rows(args.sizes, call.inputs, args.may_be_negative);
}
std::vector<Array> batch_last_rows(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const auto& args = call.as<LastRowsArgs>();
  return {apply(call.op, batched_indices(call.inputs, is_batched, batch_size),
                LastRowsArgs{Shape(prepend(batch_size, args.sizes)), args.may_be_negative})};
}
constinit const OpDef last_rows_op{.name = "last_rows",
                                   .inputs = index_inputs,
                                   .is_variadic = true,
                                   .args = args_of<LastRowsArgs>,
                                   .infer = infer_last,
                                   .derivative = not_differentiable("its input is an integer"),
                                   .batch = batch_last_rows,
                                   .kernel = {.prepare = prepare_last_rows}};

struct LastAlongArgs {
  Shape shape;  // of the array that is written to
  int64_t axis = 0;
  GRADUS_FIELDS(shape, axis)
};
backend::KernelPtr prepare_last_along(const KernelCall& call) {
  const auto& args = call.as<LastAlongArgs>();
  return cpu::last_along(args.shape, call.inputs[0], args.axis);
}
std::vector<Array> batch_last_along(const Call& call, std::span<const bool>, int64_t batch_size) {
  const auto& args = call.as<LastAlongArgs>();
  return {apply(call.op, call.inputs, LastAlongArgs{Shape(prepend(batch_size, args.shape)), args.axis + 1})};
}
constinit const OpDef last_along_op{.name = "last_along",
                                    .inputs = index_inputs,
                                    .args = args_of<LastAlongArgs>,
                                    .infer = infer_last,
                                    .derivative = not_differentiable("its input is an integer"),
                                    .batch = batch_last_along,
                                    .kernel = {.prepare = prepare_last_along}};

// ---- scatter, scatter_add: their reverse

Aval infer_scatter(const Call& call) {
  const auto count = static_cast<int64_t>(call.inputs.size()) - 2;
  const Shape shape = gathered_shape(call[0].shape(), call[2].shape(), call.as<GatherArgs>().axis, count);
  if (call[1].shape() != shape) fail(call.op.name, "source is ", call[1].shape(), "; it must be ", shape);
  if (call[1].dtype() != call[0].dtype()) {
    fail(call.op.name, "x has dtype ", call[0].dtype(), ", source has ", call[1].dtype(), "; they must be equal");
  }
  return {call[0].dtype(), call[0].shape(), false};
}
template <cpu::Scatter mode>
backend::KernelPtr prepare_scatter(const KernelCall& call) {
  return cpu::scatter(call.inputs[0], call.inputs.subspan(2), selection_of(call, 2), mode);
}
Array again(const RecordedCall& call, const Array& x, const Array& source) {
  std::vector<Array> inputs{x, source};
  inputs.insert(inputs.end(), call.inputs.begin() + 2, call.inputs.end());
  return apply(call.op, inputs, call.args);
}
std::vector<Array> forward_scatter(const RecordedCall& call, std::span<const Array> tangents) {
  return {again(call, or_zeros(tangents[0], call[0]), or_zeros(tangents[1], call[1]))};
}
// y = x with s added at i  =>  dx = dy, ds = dy at i
std::vector<Array> reverse_scatter_add(const RecordedCall& call, std::span<const Array> dy) {
  const auto& args = call.as<GatherArgs>();
  std::vector<Array> changes{dy[0], gather_rows(dy[0], tail(call.inputs, 2), args.axis, args.may_be_negative)};
  changes.resize(call.inputs.size());
  return changes;
}
// y = x with s written at i  =>  dx = dy with zeros at i, ds = dy at i where that element of s stayed
std::vector<Array> reverse_scatter(const RecordedCall& call, std::span<const Array> dy) {
  const auto& args = call.as<GatherArgs>();
  const std::vector<Array> index = tail(call.inputs, 2);
  const int64_t end = args.axis + static_cast<int64_t>(index.size());
  Dims selected, sizes = index[0].shape().dims();
  for (int64_t axis = args.axis; axis < end; ++axis) selected.push_back(call[0].shape()[axis]);
  const Array stayed = apply(last_rows_op, index, LastRowsArgs{Shape(selected), args.may_be_negative});
  for (int64_t axis = end; axis < call[0].rank(); ++axis) sizes.push_back(1);
  // Read before it is written: then the write can be in place, and many sets one after the other make no copy each.
  const Array ds =
      where(reshape(stayed, Shape(sizes)), gather_rows(dy[0], index, args.axis, args.may_be_negative), zeros({}, dy[0].dtype()));
  std::vector<Array> changes{again(call, dy[0], zeros_like(call[1])), ds};
  changes.resize(call.inputs.size());
  return changes;
}
std::vector<Array> batch_scatter(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const auto& args = call.as<GatherArgs>();
  const Array x = with_batch(call[0], is_batched[0], batch_size), source = with_batch(call[1], is_batched[1], batch_size);
  std::vector<Array> inputs;
  if (!any_of(is_batched.subspan(2))) {
    inputs = tail(call.inputs, 2);
    inputs.insert(inputs.begin(), {x, source});
    return {apply(call.op, inputs, GatherArgs{args.axis + 1, args.may_be_negative, args.is_part, args.is_clamped})};
  }
  inputs = batched_indices(call.inputs.subspan(2), is_batched.subspan(2), batch_size);
  inputs.insert(inputs.begin(), {moveaxis(x, 0, args.axis), moveaxis(source, 0, args.axis)});
  return {moveaxis(apply(call.op, inputs, args), args.axis, 0)};
}
constinit const OpDef scatter_op{.name = "scatter",
                                 .inputs = scatter_inputs,
                                 .is_variadic = true,
                                 .args = args_of<GatherArgs>,
                                 .infer = infer_scatter,
                                 .derivative = custom(reverse_scatter, forward_scatter),
                                 .batch = batch_scatter,
                                 .kernel = {.prepare = prepare_scatter<cpu::Scatter::set>, .strided_inputs = 1, .in_place = {{0, 0}}}};
constinit const OpDef scatter_add_op{.name = "scatter_add",
                                     .inputs = scatter_add_inputs,
                                     .is_variadic = true,
                                     .args = args_of<GatherArgs>,
                                     .infer = infer_scatter,
                                     .derivative = custom(reverse_scatter_add, forward_scatter),
                                     .batch = batch_scatter,
                                     .kernel = {.prepare = prepare_scatter<cpu::Scatter::add>, .strided_inputs = 1, .in_place = {{0, 0}}}};

// ---- gather_along, scatter_along: one index for each element

struct AlongArgs {
  int64_t axis = 0;
  bool is_part = false;  // of scatter_add_along, as in GatherArgs
  GRADUS_FIELDS(axis, is_part)
};
constexpr Input along_inputs[] = {{"x"}, {"index", indices}}, along_write_inputs[] = {{"x"}, {"index", indices}, {"source"}},
                along_add_inputs[] = {{"x", numbers}, {"index", indices}, {"source", numbers}};

void check_along(std::string_view op, const Array& x, const Array& index, int64_t axis) {
  bool fits = x.rank() == index.rank();
  for (int64_t i = 0; fits && i < x.rank(); ++i) fits = i == axis || index.shape()[i] <= x.shape()[i];
  if (!fits)
    fail(op, "x is ", x.shape(), ", index is ", index.shape(), "; index must have the rank of x and be no larger but on axis ", axis);
}
Aval infer_along(const Call& call) {
  check_along(call.op.name, call[0], call[1], call.as<AlongArgs>().axis);
  return {call[0].dtype(), call[1].shape(), false};
}
backend::KernelPtr prepare_along(const KernelCall& call) {
  return cpu::gather_along(call.inputs[0], call.inputs[1], call.as<AlongArgs>().axis);
}
std::vector<Array> batch_along(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  std::vector<Array> inputs;
  for (size_t i = 0; i < call.inputs.size(); ++i) inputs.push_back(with_batch(call[i], is_batched[i], batch_size));
  const auto& args = call.as<AlongArgs>();
  return {apply(call.op, inputs, AlongArgs{args.axis + 1, args.is_part})};
}
extern const OpDef scatter_add_along_op;

// y[..., j, ...] = x[..., i_j, ...]  =>  dx = zeros with dy added at i
Array transpose_along(const RecordedCall& call, int, const Array& dy) {
  return apply(scatter_add_along_op, {zeros_like(call[0]), call[1], dy}, AlongArgs{call.as<AlongArgs>().axis, true});
}
constinit const OpDef gather_along_op{.name = "gather_along",
                                      .inputs = along_inputs,
                                      .args = args_of<AlongArgs>,
                                      .infer = infer_along,
                                      .derivative = linear(transpose_along, 1),
                                      .batch = batch_along,
                                      .kernel = {.prepare = prepare_along}};

Aval infer_scatter_along(const Call& call) {
  check_along(call.op.name, call[0], call[1], call.as<AlongArgs>().axis);
  if (call[2].shape() != call[1].shape())
    fail(call.op.name, "source is ", call[2].shape(), ", index is ", call[1].shape(), "; they must be equal");
  if (call[2].dtype() != call[0].dtype()) {
    fail(call.op.name, "x has dtype ", call[0].dtype(), ", source has ", call[2].dtype(), "; they must be equal");
  }
  return {call[0].dtype(), call[0].shape(), false};
}
template <cpu::Scatter mode>
backend::KernelPtr prepare_scatter_along(const KernelCall& call) {
  return cpu::scatter_along(call.inputs[0], call.inputs[1], call.as<AlongArgs>().axis, mode);
}
Array again_along(const RecordedCall& call, const Array& x, const Array& source) { return apply(call.op, {x, call[1], source}, call.args); }
std::vector<Array> forward_scatter_along(const RecordedCall& call, std::span<const Array> tangents) {
  return {again_along(call, or_zeros(tangents[0], call[0]), or_zeros(tangents[2], call[2]))};
}
// y = x with s added at i  =>  dx = dy, ds = dy at i
std::vector<Array> reverse_add_along(const RecordedCall& call, std::span<const Array> dy) {
  return {dy[0], Array(), gather(dy[0], call[1], call.as<AlongArgs>().axis)};
}
// y = x with s written at i  =>  dx = dy with zeros at i, ds = dy at i where that element of s stayed
std::vector<Array> reverse_scatter_along(const RecordedCall& call, std::span<const Array> dy) {
  const int64_t axis = call.as<AlongArgs>().axis;
  const Array stayed = apply(last_along_op, {call[1]}, LastAlongArgs{call[0].shape(), axis});
  const Array ds = where(stayed, gather(dy[0], call[1], axis), zeros({}, dy[0].dtype()));  // read before it is written, as above
  return {again_along(call, dy[0], zeros_like(call[2])), Array(), ds};
}
constinit const OpDef scatter_along_op{
    .name = "scatter_along",
    .inputs = along_write_inputs,
    .args = args_of<AlongArgs>,
    .infer = infer_scatter_along,
    .derivative = custom(reverse_scatter_along, forward_scatter_along),
    .batch = batch_along,
    .kernel = {.prepare = prepare_scatter_along<cpu::Scatter::set>, .strided_inputs = 1, .in_place = {{0, 0}}}};
constinit const OpDef scatter_add_along_op{
    .name = "scatter_add_along",
    .inputs = along_add_inputs,
    .args = args_of<AlongArgs>,
    .infer = infer_scatter_along,
    .derivative = custom(reverse_add_along, forward_scatter_along),
    .batch = batch_along,
    .kernel = {.prepare = prepare_scatter_along<cpu::Scatter::add>, .strided_inputs = 1, .in_place = {{0, 0}}}};

// ---- sums of parts

bool is_rows_part(const Array& x) {
  return &x.node()->op() == &scatter_add_op && !x.node()->is_leaf() && x.node()->args().as<GatherArgs>().is_part;
}
bool is_along_part(const Array& x) {
  return &x.node()->op() == &scatter_add_along_op && !x.node()->is_leaf() && x.node()->args().as<AlongArgs>().is_part;
}

// Index arrays one after the other along an axis.
Array joined_indices(std::vector<Array> indices, int64_t axis) {
  const bool is_mixed =
      std::any_of(indices.begin(), indices.end(), [&](const Array& index) { return index.dtype() != indices[0].dtype(); });
  if (is_mixed) {
    for (Array& index : indices) index = index.astype(int64);
  }
  return concatenate(indices, axis);
}

// Parts of rows on the same axes: one scatter_add of all their rows.
Array sum_of_rows(const Array& whole, std::span<const Array> parts) {
  if (parts.size() == 1 && !whole.exists()) return parts[0];
  const auto args = parts[0].node()->args().as<GatherArgs>();
  const size_t count = parts[0].node()->inputs().size() - 2;
  const Array x = whole.exists() ? whole : zeros_like(parts[0]);
  std::vector<Array> values;
  std::vector<std::vector<Array>> indices(count);
  for (const Array& part : parts) {
    const std::vector<Array> inputs = part.node()->input_arrays();
    values.push_back(reshape(inputs[1], gathered_shape(x.shape(), Shape(inputs[2].size()), args.axis, static_cast<int64_t>(count))));
    for (size_t k = 0; k < count; ++k) indices[k].push_back(ravel(inputs[2 + k]));
  }
  std::vector<Array> inputs{x, concatenate(values, args.axis)};
  for (std::vector<Array>& each : indices) inputs.push_back(joined_indices(std::move(each), 0));
  return apply(scatter_add_op, inputs, GatherArgs{args.axis, args.may_be_negative, !whole.exists()});
}

Array sum_of_along(const Array& whole, std::span<const Array> parts) {
  if (parts.size() == 1 && !whole.exists()) return parts[0];
  const int64_t axis = parts[0].node()->args().as<AlongArgs>().axis;
  std::vector<Array> values, indices;
  for (const Array& part : parts) {
    indices.push_back(part.node()->input_array(1));
    values.push_back(part.node()->input_array(2));
  }
  const Array x = whole.exists() ? whole : zeros_like(parts[0]);
  return apply(scatter_add_along_op, {x, joined_indices(std::move(indices), axis), concatenate(values, axis)},
               AlongArgs{axis, !whole.exists()});
}

// Whether two parts can be joined to one.
bool are_alike(const Array& a, const Array& b) {
  if (is_rows_part(a) != is_rows_part(b)) return false;
  if (is_rows_part(a)) return a.node()->args().equals(b.node()->args()) && a.node()->inputs().size() == b.node()->inputs().size();
  if (!a.node()->args().equals(b.node()->args())) return false;
  Dims one = a.node()->input_array(1).shape().dims(), other = b.node()->input_array(1).shape().dims();
  const auto axis = static_cast<size_t>(a.node()->args().as<AlongArgs>().axis);
  one[axis] = other[axis] = 1;
  return one == other;
}

// ---- one_hot

struct OneHotArgs {
  int64_t classes = 0;
  DType dtype{};
  GRADUS_FIELDS(classes, dtype)
};
constexpr Input one_hot_inputs[] = {{"indices", indices}};
Aval infer_one_hot(const Call& call) {
  const auto& args = call.as<OneHotArgs>();
  Dims sizes = call[0].shape().dims();
  sizes.push_back(args.classes);
  return {args.dtype, Shape(sizes), false};
}
backend::KernelPtr prepare_one_hot(const KernelCall& call) { return cpu::one_hot(call.inputs[0], call.outputs[0]); }
std::vector<Array> batch_one_hot(const Call& call, std::span<const bool>, int64_t) { return {apply(call.op, call.inputs, call.args)}; }
constinit const OpDef one_hot_op{.name = "one_hot",
                                 .inputs = one_hot_inputs,
                                 .args = args_of<OneHotArgs>,
                                 .infer = infer_one_hot,
                                 .derivative = not_differentiable("its input is an integer"),
                                 .batch = batch_one_hot,
                                 .kernel = {.prepare = prepare_one_hot}};

// ---- unravel_index

struct UnravelArgs {
  Shape shape{};
  GRADUS_FIELDS(shape)
};
Aval infer_unravel(const Call& call) {
  Dims sizes = call[0].shape().dims();
  sizes.push_back(call.as<UnravelArgs>().shape.rank());
  return {int64, Shape(sizes), false};
}
backend::KernelPtr prepare_unravel(const KernelCall& call) { return cpu::unravel_index(call.inputs[0], call.as<UnravelArgs>().shape); }
constinit const OpDef unravel_index_op{.name = "unravel_index",
                                       .inputs = one_hot_inputs,
                                       .args = args_of<UnravelArgs>,
                                       .infer = infer_unravel,
                                       .derivative = not_differentiable("its input is an integer"),
                                       .batch = batch_one_hot,
                                       .kernel = {.prepare = prepare_unravel}};

// What may stand as `source` of x: numbers and other dtypes are cast, floats are not cut to integers.
Array as_source(std::string_view op, const Array& x, const Array& source) {
  if (source.dtype() == x.dtype() && !source.is_weak()) return source;
  const bool loses = (source.dtype().is_float() && !x.dtype().is_float()) || (source.dtype().is_integer() && x.dtype().is_bool());
  if (loses)
    fail(op, "x has dtype ", x.dtype(), ", the value has ", source.dtype(), ", which it cannot hold; convert one of them with astype");
  return source.astype(x.dtype());
}

Array along(const OpDef& op, const char* name, const Array& x, const Array& index, const Array& source, int64_t axis) {
  const AtPlaceOf place(*current_path(), name);
  axis = normalize_axis(name, axis, x.rank());
  check_along(name, x, index, axis);
  return apply(op, {x, as_index(name, index), broadcast_to(as_source(name, x, source), index.shape())}, AlongArgs{axis});
}

}  // namespace

Array rule::as_index(std::string_view op, const Array& index) {
  if (index.dtype() == uint8) return index.astype(int64);
  if (!index.dtype().is_integer()) fail(op, "the index has dtype ", index.dtype(), "; it must be an integer's");
  return index.is_weak() ? index.astype(int64) : index;
}

Array rule::gather_rows(const Array& x, const std::vector<Array>& index, int64_t axis, bool may_be_negative) {
  std::vector<Array> inputs{x};
  inputs.insert(inputs.end(), index.begin(), index.end());
  return apply(gather_op, inputs, GatherArgs{axis, may_be_negative});
}
Array rule::scatter_rows(const Array& x, const Array& source, const std::vector<Array>& index, int64_t axis, bool adds,
                         bool may_be_negative) {
  std::vector<Array> inputs{x, as_source(adds ? "add" : "set", x, source)};
  inputs.insert(inputs.end(), index.begin(), index.end());
  return apply(adds ? scatter_add_op : scatter_op, inputs, GatherArgs{axis, may_be_negative});
}

Array rule::write_rows(const Array& x, const Array& source, const Array& index, int64_t axis) {
  return apply(scatter_op, {x, source, index}, GatherArgs{.axis = axis, .may_be_negative = false, .is_clamped = true});
}

bool rule::is_indexed_part(const Array& x) { return is_rows_part(x) || is_along_part(x); }

std::vector<Array> rule::parts_of_indexed(const Array& part) { return tail(part.node()->input_arrays(), 1); }

Array rule::sum_of_stacked(const Array& part, std::span<const Array> stacked) {
  const Args& args = part.node()->args();
  std::vector<Array> inputs(stacked.begin(), stacked.end());
  inputs.insert(inputs.begin(), zeros(part.shape(), part.dtype()));
  if (is_rows_part(part)) {  // the new axis comes to stand before those of the indices
    inputs[1] = moveaxis(inputs[1], 0, args.as<GatherArgs>().axis);
    return apply(scatter_add_op, inputs, args);
  }
  const int64_t axis = args.as<AlongArgs>().axis;
  for (size_t i = 1; i < inputs.size(); ++i) {
    const Array steps = moveaxis(inputs[i], 0, axis);
    Dims sizes = steps.shape().dims();
    const int64_t count = multiply_sizes("scatter_add", sizes[static_cast<size_t>(axis)], sizes[static_cast<size_t>(axis) + 1]);
    sizes.erase(static_cast<size_t>(axis));
    sizes[static_cast<size_t>(axis)] = count;
    inputs[i] = reshape(steps, Shape(sizes));
  }
  return apply(scatter_add_along_op, inputs, args);
}

Array rule::sum_of_indexed_parts(Array whole, std::span<const Array> parts) {
  std::vector<std::vector<Array>> groups;
  for (const Array& part : parts) {
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const std::vector<Array>& each) { return are_alike(each[0], part); });
    if (group == groups.end()) groups.push_back({part});
    else group->push_back(part);
  }
  for (const std::vector<Array>& group : groups) whole = is_rows_part(group[0]) ? sum_of_rows(whole, group) : sum_of_along(whole, group);
  return whole;
}

Array take(const Array& x, const Array& indices) { return take(ravel(x), indices, 0); }
Array take(const Array& x, const Array& indices, int64_t axis) {
  const AtPlaceOf place(*current_path(), "take");
  return rule::gather_rows(x, {rule::as_index("take", indices)}, normalize_axis("take", axis, x.rank()));
}
Array take_along_axis(const Array& x, const Array& index, int64_t axis) {
  const AtPlaceOf place(*current_path(), "take_along_axis");
  axis = normalize_axis("take_along_axis", axis, x.rank());
  if (x.rank() != index.rank()) fail("take_along_axis", "x is ", x.shape(), ", index is ", index.shape(), "; they must have the same rank");
  Dims one_x = x.shape().dims(), one_index = index.shape().dims();
  const auto at = static_cast<size_t>(axis);
  one_x[at] = one_index[at] = 1;
  Dims all_x = broadcast_shapes("take_along_axis", Shape(one_x), Shape(one_index)).dims(), all_index = all_x;
  all_x[at] = x.shape()[axis];
  all_index[at] = index.shape()[axis];
  return rule::apply(gather_along_op,
                     {broadcast_to(x, Shape(all_x)), broadcast_to(rule::as_index("take_along_axis", index), Shape(all_index))},
                     AlongArgs{axis});
}
Array gather(const Array& x, const Array& index, int64_t axis) {
  const AtPlaceOf place(*current_path(), "gather");
  axis = normalize_axis("gather", axis, x.rank());
  check_along("gather", x, index, axis);
  return rule::apply(gather_along_op, {x, rule::as_index("gather", index)}, AlongArgs{axis});
}
Array scatter(const Array& x, const Array& index, const Array& src, int64_t axis) {
  return along(scatter_along_op, "scatter", x, index, src, axis);
}
Array scatter_add(const Array& x, const Array& index, const Array& src, int64_t axis) {
  return along(scatter_add_along_op, "scatter_add", x, index, src, axis);
}

namespace {
Array write_slices(const char* name, const Array& x, const Array& index, const Array& src, int64_t axis, bool adds) {
  axis = normalize_axis(name, axis, x.rank());
  if (index.rank() != 1) fail(name, "index is ", index.shape(), "; it must have rank 1");
  const Shape shape = gathered_shape(x.shape(), index.shape(), axis, 1);
  return rule::scatter_rows(x, broadcast_to(as_source(name, x, src), shape), {rule::as_index(name, index)}, axis, adds);
}
}  // namespace
Array index_copy(const Array& x, const Array& index, const Array& src, int64_t axis) {
  return write_slices("index_copy", x, index, src, axis, false);
}
Array index_add(const Array& x, const Array& index, const Array& src, int64_t axis) {
  return write_slices("index_add", x, index, src, axis, true);
}

Array embedding(const Array& table, const Array& ids) {
  if (table.rank() != 2) fail("embedding", "table is ", table.shape(), "; it must be (rows, width)");
  return rule::apply(embedding_op, {table, rule::as_index("embedding", ids)}, GatherArgs{0, false});
}

Array one_hot(const Array& indices, int64_t classes) { return one_hot(indices, classes, float32); }
Array one_hot(const Array& indices, int64_t classes, DType dtype) {
  if (classes < 0) fail("one_hot", "classes is ", classes, "; it must not be negative");
  return rule::apply(one_hot_op, {rule::as_index("one_hot", indices)}, OneHotArgs{classes, dtype});
}

std::vector<Array> nonzero(const Array& x) {
  const std::vector<int64_t> flat = cpu::nonzero(row_major_data(x.is_weak() ? x.astype(x.dtype()) : x), x.dtype(), x.size());
  std::vector<Array> positions;
  int64_t below = x.size();
  for (const int64_t size : x.shape()) {
    below = size ? below / size : 0;
    std::vector<int64_t> along(flat.size());
    for (size_t i = 0; i < flat.size(); ++i) along[i] = flat[i] / below % size;
    positions.push_back(array(along));
  }
  return positions;
}
Array argwhere(const Array& x) {
  const std::vector<Array> positions = nonzero(x);
  if (!positions.empty()) return stack(positions, 1);
  return zeros({static_cast<int64_t>(cpu::nonzero(row_major_data(x), x.dtype(), 1).size()), 0}, int64);
}

Array unravel_index(const Array& indices, const Shape& shape) {
  if (shape.rank() == 0) fail("unravel_index", "the shape has no axes; it must have rank 1 or more");
  return rule::apply(unravel_index_op, {rule::as_index("unravel_index", indices)}, UnravelArgs{shape});
}

std::span<const OpDef* const> rule::index_ops() {
  static constexpr const OpDef* ops[] = {&gather_op,       &embedding_op,    &last_rows_op,     &last_along_op,        &scatter_op,
                                         &scatter_add_op,  &gather_along_op, &scatter_along_op, &scatter_add_along_op, &one_hot_op,
                                         &unravel_index_op};
  return ops;
}

}  // namespace gradus
