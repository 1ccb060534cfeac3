// Ops that gather and scatter by index arrays. Array::operator[], set and add, which use them, are in subscript.cpp.
#include "gradus/ops/index.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/path.hpp"
#include "gradus/cpu/index.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/gather.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus {

namespace {

// ---- gather, embedding: rows picked by index arrays of one shape, which stands in place of the axes they select on

constexpr Input gather_inputs[] = {{"x"}, {"index", indices}}, embedding_inputs[] = {{"table"}, {"ids", indices}},
                scatter_inputs[] = {{"x"}, {"source"}, {"index", indices}}, scatter_add_inputs[] = {{"x", numbers}, {"source", numbers}, {"index", indices}};

struct GatherArgs {
  int64_t axis = 0;
  bool may_be_negative = true;
  GRADUS_FIELDS(axis, may_be_negative)
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
  return {args.axis, static_cast<int64_t>(call.inputs.size() - others), args.may_be_negative};
}
cpu::KernelPtr prepare_gather(const KernelCall& call) { return cpu::gather(call.inputs[0], call.inputs.subspan(1), selection_of(call, 1)); }

std::vector<Array> tail(std::span<const Array> inputs, size_t from) { return {inputs.begin() + static_cast<std::ptrdiff_t>(from), inputs.end()}; }

// y = x[..., i, ...]  =>  dx = zeros with dy added at i
Array transpose_gather(const RecordedCall& call, int, const Array& dy) {
  const auto& args = call.as<GatherArgs>();
  return scatter_rows(zeros_like(call[0]), dy, tail(call.inputs, 1), args.axis, true, args.may_be_negative);
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
                                .infer = infer_gather,
                                .derivative = linear(transpose_gather, 1),
                                .batch = batch_gather,
                                .cpu = {.prepare = prepare_gather}};
constinit const OpDef embedding_op{.name = "embedding",
                                   .inputs = embedding_inputs,
                                   .is_variadic = true,
                                   .infer = infer_gather,
                                   .derivative = linear(transpose_gather, 1),
                                   .batch = batch_gather,
                                   .cpu = {.prepare = prepare_gather}};

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
cpu::KernelPtr prepare_scatter(const KernelCall& call) {
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
// 1 for the elements that stay in the result where several are written to one place.
Array is_last_written(const Array& x, const Array& source, const std::function<Array(const Array&, const Array&)>& write,
                      const std::function<Array(const Array&)>& read) {
  const Array numbers = reshape(arange(source.size()), source.shape());
  return read(write(zeros(x.shape(), int64), numbers)) == numbers;
}
// y = x with s written at i  =>  dx = dy with zeros at i, ds = dy at i where that element of s stayed
std::vector<Array> reverse_scatter(const RecordedCall& call, std::span<const Array> dy) {
  const auto& args = call.as<GatherArgs>();
  const std::vector<Array> index = tail(call.inputs, 2);
  const auto read = [&](const Array& x) { return gather_rows(x, index, args.axis, args.may_be_negative); };
  const Array stayed = is_last_written(call[0], call[1], [&](const Array& x, const Array& s) { return again(call, x, s); }, read);
  std::vector<Array> changes{again(call, dy[0], zeros_like(call[1])), where(stayed, read(dy[0]), zeros({}, dy[0].dtype()))};
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
    return {apply(call.op, inputs, GatherArgs{args.axis + 1, args.may_be_negative})};
  }
  inputs = batched_indices(call.inputs.subspan(2), is_batched.subspan(2), batch_size);
  inputs.insert(inputs.begin(), {moveaxis(x, 0, args.axis), moveaxis(source, 0, args.axis)});
  return {moveaxis(apply(call.op, inputs, args), args.axis, 0)};
}
constinit const OpDef scatter_op{.name = "scatter",
                                 .inputs = scatter_inputs,
                                 .is_variadic = true,
                                 .infer = infer_scatter,
                                 .derivative = custom(reverse_scatter, forward_scatter),
                                 .batch = batch_scatter,
                                 .cpu = {.prepare = prepare_scatter<cpu::Scatter::set>, .strided_inputs = 1, .in_place = {{0, 0}}}};
constinit const OpDef scatter_add_op{.name = "scatter_add",
                                     .inputs = scatter_add_inputs,
                                     .is_variadic = true,
                                     .infer = infer_scatter,
                                     .derivative = custom(reverse_scatter_add, forward_scatter),
                                     .batch = batch_scatter,
                                     .cpu = {.prepare = prepare_scatter<cpu::Scatter::add>, .strided_inputs = 1, .in_place = {{0, 0}}}};

// ---- gather_along, scatter_along: one index for each element

struct AlongArgs {
  int64_t axis = 0;
  GRADUS_FIELDS(axis)
};
constexpr Input along_inputs[] = {{"x"}, {"index", indices}}, along_write_inputs[] = {{"x"}, {"index", indices}, {"source"}},
                along_add_inputs[] = {{"x", numbers}, {"index", indices}, {"source", numbers}};

void check_along(std::string_view op, const Array& x, const Array& index, int64_t axis) {
  bool fits = x.rank() == index.rank();
  for (int64_t i = 0; fits && i < x.rank(); ++i) fits = i == axis || index.shape()[i] <= x.shape()[i];
  if (!fits) fail(op, "x is ", x.shape(), ", index is ", index.shape(), "; index must have the rank of x and be no larger but on axis ", axis);
}
Aval infer_along(const Call& call) {
  check_along(call.op.name, call[0], call[1], call.as<AlongArgs>().axis);
  return {call[0].dtype(), call[1].shape(), false};
}
cpu::KernelPtr prepare_along(const KernelCall& call) { return cpu::gather_along(call.inputs[0], call.inputs[1], call.as<AlongArgs>().axis); }
std::vector<Array> batch_along(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  std::vector<Array> inputs;
  for (size_t i = 0; i < call.inputs.size(); ++i) inputs.push_back(with_batch(call[i], is_batched[i], batch_size));
  return {apply(call.op, inputs, AlongArgs{call.as<AlongArgs>().axis + 1})};
}
// y[..., j, ...] = x[..., i_j, ...]  =>  dx = zeros with dy added at i
Array transpose_along(const RecordedCall& call, int, const Array& dy) {
  return scatter_add(zeros_like(call[0]), call[1], dy, call.as<AlongArgs>().axis);
}
constinit const OpDef gather_along_op{.name = "gather_along",
                                      .inputs = along_inputs,
                                      .infer = infer_along,
                                      .derivative = linear(transpose_along, 1),
                                      .batch = batch_along,
                                      .cpu = {.prepare = prepare_along}};

Aval infer_scatter_along(const Call& call) {
  check_along(call.op.name, call[0], call[1], call.as<AlongArgs>().axis);
  if (call[2].shape() != call[1].shape()) fail(call.op.name, "source is ", call[2].shape(), ", index is ", call[1].shape(), "; they must be equal");
  if (call[2].dtype() != call[0].dtype()) {
    fail(call.op.name, "x has dtype ", call[0].dtype(), ", source has ", call[2].dtype(), "; they must be equal");
  }
  return {call[0].dtype(), call[0].shape(), false};
}
template <cpu::Scatter mode>
cpu::KernelPtr prepare_scatter_along(const KernelCall& call) {
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
  const auto read = [&](const Array& x) { return gather(x, call[1], call.as<AlongArgs>().axis); };
  const Array stayed = is_last_written(call[0], call[2], [&](const Array& x, const Array& s) { return again_along(call, x, s); }, read);
  return {again_along(call, dy[0], zeros_like(call[2])), Array(), where(stayed, read(dy[0]), zeros({}, dy[0].dtype()))};
}
constinit const OpDef scatter_along_op{.name = "scatter_along",
                                       .inputs = along_write_inputs,
                                       .infer = infer_scatter_along,
                                       .derivative = custom(reverse_scatter_along, forward_scatter_along),
                                       .batch = batch_along,
                                       .cpu = {.prepare = prepare_scatter_along<cpu::Scatter::set>, .strided_inputs = 1, .in_place = {{0, 0}}}};
constinit const OpDef scatter_add_along_op{
    .name = "scatter_add_along",
    .inputs = along_add_inputs,
    .infer = infer_scatter_along,
    .derivative = custom(reverse_add_along, forward_scatter_along),
    .batch = batch_along,
    .cpu = {.prepare = prepare_scatter_along<cpu::Scatter::add>, .strided_inputs = 1, .in_place = {{0, 0}}}};

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
cpu::KernelPtr prepare_one_hot(const KernelCall& call) { return cpu::one_hot(call.inputs[0], call.outputs[0]); }
std::vector<Array> batch_one_hot(const Call& call, std::span<const bool>, int64_t) { return {apply(call.op, call.inputs, call.args)}; }
constinit const OpDef one_hot_op{.name = "one_hot",
                                 .inputs = one_hot_inputs,
                                 .infer = infer_one_hot,
                                 .derivative = not_differentiable("its input is an integer"),
                                 .batch = batch_one_hot,
                                 .cpu = {.prepare = prepare_one_hot}};

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
cpu::KernelPtr prepare_unravel(const KernelCall& call) { return cpu::unravel_index(call.inputs[0], call.as<UnravelArgs>().shape); }
constinit const OpDef unravel_index_op{.name = "unravel_index",
                                       .inputs = one_hot_inputs,
                                       .infer = infer_unravel,
                                       .derivative = not_differentiable("its input is an integer"),
                                       .batch = batch_one_hot,
                                       .cpu = {.prepare = prepare_unravel}};

// What may stand as `source` of x: numbers and other dtypes are cast, floats are not cut to integers.
Array as_source(std::string_view op, const Array& x, const Array& source) {
  if (source.dtype() == x.dtype() && !source.is_weak()) return source;
  const bool loses = (source.dtype().is_float() && !x.dtype().is_float()) || (source.dtype().is_integer() && x.dtype().is_bool());
  if (loses) fail(op, "x has dtype ", x.dtype(), ", the value has ", source.dtype(), ", which it cannot hold; convert one of them with astype");
  return source.astype(x.dtype());
}

Array along(const OpDef& op, const char* name, const Array& x, const Array& index, const Array& source, int64_t axis) {
  const AtPlaceOf place(*current_path(), name);
  axis = normalize_axis(name, axis, x.rank());
  check_along(name, x, index, axis);
  return apply(op, {x, as_index(name, index), broadcast_to(as_source(name, x, source), index.shape())}, AlongArgs{axis});
}

}  // namespace

Array as_index(std::string_view op, const Array& index) {
  if (index.dtype() == uint8) return index.astype(int64);
  if (!index.dtype().is_integer()) fail(op, "the index has dtype ", index.dtype(), "; it must be an integer's");
  return index.is_weak() ? index.astype(int64) : index;
}

Array gather_rows(const Array& x, const std::vector<Array>& index, int64_t axis, bool may_be_negative) {
  std::vector<Array> inputs{x};
  inputs.insert(inputs.end(), index.begin(), index.end());
  return apply(gather_op, inputs, GatherArgs{axis, may_be_negative});
}
Array scatter_rows(const Array& x, const Array& source, const std::vector<Array>& index, int64_t axis, bool adds, bool may_be_negative) {
  std::vector<Array> inputs{x, as_source(adds ? "add" : "set", x, source)};
  inputs.insert(inputs.end(), index.begin(), index.end());
  return apply(adds ? scatter_add_op : scatter_op, inputs, GatherArgs{axis, may_be_negative});
}

Array take(const Array& x, const Array& indices) { return take(ravel(x), indices, 0); }
Array take(const Array& x, const Array& indices, int64_t axis) {
  const AtPlaceOf place(*current_path(), "take");
  return gather_rows(x, {as_index("take", indices)}, normalize_axis("take", axis, x.rank()));
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
  return apply(gather_along_op, {broadcast_to(x, Shape(all_x)), broadcast_to(as_index("take_along_axis", index), Shape(all_index))}, AlongArgs{axis});
}
Array gather(const Array& x, const Array& index, int64_t axis) {
  const AtPlaceOf place(*current_path(), "gather");
  axis = normalize_axis("gather", axis, x.rank());
  check_along("gather", x, index, axis);
  return apply(gather_along_op, {x, as_index("gather", index)}, AlongArgs{axis});
}
Array scatter(const Array& x, const Array& index, const Array& src, int64_t axis) { return along(scatter_along_op, "scatter", x, index, src, axis); }
Array scatter_add(const Array& x, const Array& index, const Array& src, int64_t axis) {
  return along(scatter_add_along_op, "scatter_add", x, index, src, axis);
}

namespace {
Array write_slices(const char* name, const Array& x, const Array& index, const Array& src, int64_t axis, bool adds) {
  axis = normalize_axis(name, axis, x.rank());
  if (index.rank() != 1) fail(name, "index is ", index.shape(), "; it must have rank 1");
  const Shape shape = gathered_shape(x.shape(), index.shape(), axis, 1);
  return scatter_rows(x, broadcast_to(as_source(name, x, src), shape), {as_index(name, index)}, axis, adds);
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
  return apply(embedding_op, {table, as_index("embedding", ids)}, GatherArgs{0, false});
}

Array one_hot(const Array& indices, int64_t classes) { return one_hot(indices, classes, float32); }
Array one_hot(const Array& indices, int64_t classes, DType dtype) {
  if (classes < 0) fail("one_hot", "classes is ", classes, "; it must not be negative");
  return apply(one_hot_op, {as_index("one_hot", indices)}, OneHotArgs{classes, dtype});
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
  return apply(unravel_index_op, {as_index("unravel_index", indices)}, UnravelArgs{shape});
}

std::span<const OpDef* const> index_ops() {
  static constexpr const OpDef* ops[] = {&gather_op,       &embedding_op,     &scatter_op,           &scatter_add_op,
                                         &gather_along_op, &scatter_along_op, &scatter_add_along_op, &one_hot_op, &unravel_index_op};
  return ops;
}

}  // namespace gradus
