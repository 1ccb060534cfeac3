// The ops that rearrange: views (reshape, transpose, slice, broadcast), joining, windows. Compositions of them are in shape_composed.cpp.
#include "gradus/ops/shape.hpp"

#include "gradus/base/error.hpp"
#include "gradus/cpu/move/copy.hpp"
#include "gradus/graph/node.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/ops/batch.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus {

using namespace core;

namespace {

constexpr Input x_input[] = {{"x"}};

// ---- reshape

struct ReshapeArgs {
  Shape shape;
  GRADUS_FIELDS(shape)
};
Aval infer_reshape(const Call& call) {
  const Shape& shape = call.as<ReshapeArgs>().shape;
  if (shape.size() != call[0].size()) {
    fail("reshape", "x has ", call[0].size(), " elements, shape ", shape, " has ", shape.size(), "; they must be equal");
  }
  return {call[0].dtype(), shape, false};
}

// Runs of axes of equal size on both sides are matched; a run can be seen under another shape if its memory is evenly spaced.
bool view_reshape(const Args&, const Layout& in, Layout& out, int64_t&) {
  out.strides = contiguous_strides(out.shape);
  if (in.shape.size() <= 1 || in.is_contiguous()) return true;
  Dims old_sizes, old_strides;
  for (size_t axis = 0; axis < in.strides.size(); ++axis) {
    if (in.shape.dims()[axis] == 1) continue;
    old_sizes.push_back(in.shape.dims()[axis]);
    old_strides.push_back(in.strides[axis]);
  }
  const Dims& new_sizes = out.shape.dims();
  size_t old_begin = 0, new_begin = 0;
  while (old_begin < old_sizes.size()) {
    size_t old_end = old_begin + 1, new_end = new_begin + 1;
    int64_t old_count = old_sizes[old_begin], new_count = new_sizes[new_begin];
    while (old_count != new_count) {
      if (new_count < old_count) new_count *= new_sizes[new_end++];
      else old_count *= old_sizes[old_end++];
    }
    for (size_t axis = old_begin; axis + 1 < old_end; ++axis) {
      if (old_strides[axis] != old_strides[axis + 1] * old_sizes[axis + 1]) return false;
    }
    int64_t stride = old_strides[old_end - 1];
    for (size_t axis = new_end; axis-- > new_begin;) {
      out.strides[axis] = stride;
      stride *= new_sizes[axis];
    }
    old_begin = old_end;
    new_begin = new_end;
  }
  for (size_t axis = new_begin; axis < new_sizes.size(); ++axis) out.strides[axis] = 1;  // size 1
  return true;
}
// y = x under another shape  =>  dx = dy under x's
Array transpose_reshape(const RecordedCall& call, int, const Array& dy) { return reshape(dy, call[0].shape()); }
std::vector<Array> batch_reshape(const Call& call, std::span<const bool>, int64_t batch_size) {
  return {reshape(call[0], Shape(prepend(batch_size, call.as<ReshapeArgs>().shape)))};
}
constinit const OpDef reshape_op{.name = "reshape",
                                 .inputs = x_input,
                                 .args = args_of<ReshapeArgs>,
                                 .infer = infer_reshape,
                                 .derivative = linear(transpose_reshape),
                                 .batch = batch_reshape,
                                 .view = view_reshape};

// ---- transpose

struct TransposeArgs {
  Dims axes;
  GRADUS_FIELDS(axes)
};
Aval infer_transpose(const Call& call) {
  Dims sizes;
  for (const int64_t axis : call.as<TransposeArgs>().axes) sizes.push_back(call[0].shape()[axis]);
  return {call[0].dtype(), Shape(sizes), false};
}
bool view_transpose(const Args& args, const Layout& in, Layout& out, int64_t&) {
  for (const int64_t axis : args.as<TransposeArgs>().axes) out.strides.push_back(in.strides[static_cast<size_t>(axis)]);
  return true;
}
// y = x with axes permuted  =>  dx = dy with axes permuted back
Array transpose_transpose(const RecordedCall& call, int, const Array& dy) {
  const Dims& axes = call.as<TransposeArgs>().axes;
  Dims inverse(axes.size());
  for (size_t i = 0; i < axes.size(); ++i) inverse[static_cast<size_t>(axes[i])] = static_cast<int64_t>(i);
  return transpose(dy, inverse);
}
std::vector<Array> batch_transpose(const Call& call, std::span<const bool>, int64_t) {
  Dims axes{0};
  for (const int64_t axis : call.as<TransposeArgs>().axes) axes.push_back(axis + 1);
  return {transpose(call[0], axes)};
}
constinit const OpDef transpose_op{.name = "transpose",
                                   .inputs = x_input,
                                   .args = args_of<TransposeArgs>,
                                   .infer = infer_transpose,
                                   .derivative = linear(transpose_transpose),
                                   .batch = batch_transpose,
                                   .view = view_transpose};

// ---- broadcast_to

Aval infer_broadcast(const Call& call) {
  const Shape &from = call[0].shape(), &to = call.as<ReshapeArgs>().shape;
  const int64_t added = to.rank() - from.rank();
  bool fits = added >= 0;
  for (int64_t axis = 0; fits && axis < from.rank(); ++axis) fits = from[axis] == to[axis + added] || from[axis] == 1;
  if (!fits)
    fail("broadcast_to", "x is ", from, ", which does not broadcast to ", to, "; sizes must be equal or 1, counted from the last axis");
  return {call[0].dtype(), to, false};
}
bool view_broadcast(const Args&, const Layout& in, Layout& out, int64_t&) {
  const int64_t added = out.rank() - in.rank();
  for (int64_t axis = 0; axis < out.rank(); ++axis) {
    const bool repeats = axis < added || (in.shape[axis - added] == 1 && out.shape[axis] != 1);
    out.strides.push_back(repeats ? 0 : in.strides[static_cast<size_t>(axis - added)]);
  }
  return true;
}
// y = x repeated  =>  dx = sum of dy over the repetitions
Array transpose_broadcast(const RecordedCall& call, int, const Array& dy) {
  const Shape& shape = call[0].shape();
  const int64_t added = dy.rank() - shape.rank();
  Dims axes;
  for (int64_t axis = 0; axis < dy.rank(); ++axis) {
    if (axis < added || (shape[axis - added] == 1 && dy.shape()[axis] != 1)) axes.push_back(axis);
  }
  return reshape(axes.empty() ? dy : sum(dy, axes), shape);
}
std::vector<Array> batch_broadcast(const Call& call, std::span<const bool>, int64_t batch_size) {
  const Shape& to = call.as<ReshapeArgs>().shape;
  Dims aligned{batch_size};
  for (int64_t axis = call[0].rank() - 1; axis < to.rank(); ++axis) aligned.push_back(1);
  for (int64_t axis = 1; axis < call[0].rank(); ++axis) aligned.push_back(call[0].shape()[axis]);
  return {broadcast_to(reshape(call[0], Shape(aligned)), Shape(prepend(batch_size, to)))};
}
constinit const OpDef broadcast_to_op{.name = "broadcast_to",
                                      .inputs = x_input,
                                      .args = args_of<ReshapeArgs>,
                                      .infer = infer_broadcast,
                                      .derivative = linear(transpose_broadcast),
                                      .batch = batch_broadcast,
                                      .view = view_broadcast};

// ---- slice

struct SliceArgs {
  Dims starts, sizes, steps;
  GRADUS_FIELDS(starts, sizes, steps)
};
Aval infer_slice(const Call& call) { return {call[0].dtype(), Shape(call.as<SliceArgs>().sizes), false}; }
bool view_slice(const Args& args, const Layout& in, Layout& out, int64_t& offset) {
  const auto& [starts, sizes, steps] = args.as<SliceArgs>();
  offset = 0;
  for (size_t i = 0; i < starts.size(); ++i) {
    out.strides.push_back(in.strides[i] * steps[i]);
    if (out.size()) offset += starts[i] * in.strides[i];
  }
  return true;
}
// y = part of x  =>  dx = zeros with dy in that part
Array transpose_slice(const RecordedCall& call, int, const Array& dy) {
  const auto& [starts, sizes, steps] = call.as<SliceArgs>();
  return slice_scatter(dy, call[0].shape(), starts, steps);
}
std::vector<Array> batch_slice(const Call& call, std::span<const bool>, int64_t batch_size) {
  const auto& [starts, sizes, steps] = call.as<SliceArgs>();
  return {strided_slice(call[0], prepend(0, starts), prepend(batch_size, sizes), prepend(1, steps))};
}
constinit const OpDef slice_op{.name = "slice",
                               .inputs = x_input,
                               .args = args_of<SliceArgs>,
                               .infer = infer_slice,
                               .derivative = linear(transpose_slice),
                               .batch = batch_slice,
                               .view = view_slice};

// ---- slice_update

struct UpdateArgs {
  Dims starts, steps;
  GRADUS_FIELDS(starts, steps)
};
constexpr Input update_inputs[] = {{"x"}, {"value"}};
void check_same_dtype(std::string_view op, const Array& x, const Array& value) {
  if (x.dtype() != value.dtype()) fail(op, "x has dtype ", x.dtype(), ", value has ", value.dtype(), "; they must be equal");
}
Aval infer_update(const Call& call) {
  check_same_dtype("slice_update", call[0], call[1]);
  const auto& [starts, steps] = call.as<UpdateArgs>();
  check_slice("slice_update", call[0].shape(), starts, call[1].shape().dims(), steps);
  return {call[0].dtype(), call[0].shape(), false};
}
// y = x with a part replaced by v  =>  dx = dy with zeros in that part, dv = that part of dy
std::vector<Array> reverse_update(const RecordedCall& call, std::span<const Array> dy) {
  const auto& [starts, steps] = call.as<UpdateArgs>();
  Array dv = strided_slice(dy[0], starts, call[1].shape().dims(), steps);
  // A view of dy would be in the way of writing dx over it, and many updates one after the other would make a copy each.
  if (call[0].node()->session() != 0) dv = contiguous(dv);
  return {slice_update(dy[0], zeros_like(call[1]), starts, steps), dv};
}
std::vector<Array> forward_update(const RecordedCall& call, std::span<const Array> tangents) {
  const auto& [starts, steps] = call.as<UpdateArgs>();
  return {slice_update(or_zeros(tangents[0], call[0]), or_zeros(tangents[1], call[1]), starts, steps)};
}
std::vector<Array> batch_update(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const auto& [starts, steps] = call.as<UpdateArgs>();
  return {slice_update(with_batch(call[0], is_batched[0], batch_size), with_batch(call[1], is_batched[1], batch_size), prepend(0, starts),
                       prepend(1, steps))};
}
backend::KernelPtr prepare_update(const KernelCall& call) {
  return cpu::update_window(call.inputs[0], call.inputs[1], call.as<UpdateArgs>().starts, call.as<UpdateArgs>().steps);
}
constinit const OpDef slice_update_op{.name = "slice_update",
                                      .inputs = update_inputs,
                                      .args = args_of<UpdateArgs>,
                                      .infer = infer_update,
                                      .derivative = custom(reverse_update, forward_update),
                                      .batch = batch_update,
                                      .kernel = {.prepare = prepare_update, .strided_inputs = 3, .in_place = {{0, 0}}}};

// ---- dynamic_slice, dynamic_update_slice

struct DynamicUpdateArgs {
  bool is_part = false;  // x is zeros, recorded so by a derivative; sums of such parts are joined
  GRADUS_FIELDS(is_part)
};
constexpr Input dynamic_inputs[] = {{"x"}, {"starts", indices}}, dynamic_update_inputs[] = {{"x"}, {"value"}, {"starts", indices}};
void check_dynamic(std::string_view op, const Array& x, const Shape& sizes, const Array& starts) {
  const bool fits = starts.rank() == 1 && starts.size() == x.rank();
  if (!fits) fail(op, "starts is ", starts.shape(), ", x has rank ", x.rank(), "; starts must hold one number for each axis of x");
  bool is_inside = sizes.rank() == x.rank();
  for (int64_t i = 0; is_inside && i < x.rank(); ++i) is_inside = sizes[i] <= x.shape()[i];
  if (!is_inside) fail(op, "the window is ", sizes, ", x is ", x.shape(), "; it must fit inside");
}
Aval infer_dynamic_slice(const Call& call) {
  const Shape& sizes = call.as<ReshapeArgs>().shape;
  check_dynamic("dynamic_slice", call[0], sizes, call[1]);
  return {call[0].dtype(), sizes, false};
}
Array before_starts(const Array& starts) { return concatenate({zeros(1, starts.dtype()), starts}); }
extern const OpDef dynamic_update_slice_op;

// y = window of x at s  =>  dx = zeros with dy in that window
Array transpose_dynamic_slice(const RecordedCall& call, int, const Array& dy) {
  return apply(dynamic_update_slice_op, {zeros_like(call[0]), dy, call[1]}, DynamicUpdateArgs{true});
}
std::vector<Array> batch_dynamic_slice(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  if (is_batched[1]) return batch_by_loop(call, is_batched, batch_size);
  return {dynamic_slice(call[0], before_starts(call[1]), Shape(prepend(batch_size, call.as<ReshapeArgs>().shape)))};
}
backend::KernelPtr prepare_dynamic_slice(const KernelCall& call) {
  return cpu::dynamic_window(call.inputs[0], call.inputs[1].dtype, call.outputs[0].shape);
}
constinit const OpDef dynamic_slice_op{.name = "dynamic_slice",
                                       .inputs = dynamic_inputs,
                                       .args = args_of<ReshapeArgs>,
                                       .infer = infer_dynamic_slice,
                                       .derivative = linear(transpose_dynamic_slice, 1),
                                       .batch = batch_dynamic_slice,
                                       .kernel = {.prepare = prepare_dynamic_slice, .strided_inputs = 1}};

Aval infer_dynamic_update(const Call& call) {
  check_same_dtype("dynamic_update_slice", call[0], call[1]);
  check_dynamic("dynamic_update_slice", call[0], call[1].shape(), call[2]);
  return {call[0].dtype(), call[0].shape(), false};
}
// y = x with the window at s replaced by v  =>  dx = dy with zeros in the window, dv = the window of dy
std::vector<Array> reverse_dynamic_update(const RecordedCall& call, std::span<const Array> dy) {
  const Array dv = dynamic_slice(dy[0], call[2], call[1].shape());  // read before it is written: then the write can be in place
  return {dynamic_update_slice(dy[0], zeros_like(call[1]), call[2]), dv, Array()};
}
std::vector<Array> forward_dynamic_update(const RecordedCall& call, std::span<const Array> tangents) {
  return {apply(call.op, {or_zeros(tangents[0], call[0]), or_zeros(tangents[1], call[1]), call[2]}, call.args)};
}
std::vector<Array> batch_dynamic_update(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  if (is_batched[2]) return batch_by_loop(call, is_batched, batch_size);
  return {apply(call.op,
                {with_batch(call[0], is_batched[0], batch_size), with_batch(call[1], is_batched[1], batch_size), before_starts(call[2])},
                call.args)};
}
backend::KernelPtr prepare_dynamic_update(const KernelCall& call) {
  return cpu::update_dynamic_window(call.inputs[0], call.inputs[1], call.inputs[2].dtype);
}
constinit const OpDef dynamic_update_slice_op{.name = "dynamic_update_slice",
                                              .inputs = dynamic_update_inputs,
                                              .args = args_of<DynamicUpdateArgs>,
                                              .infer = infer_dynamic_update,
                                              .derivative = custom(reverse_dynamic_update, forward_dynamic_update),
                                              .batch = batch_dynamic_update,
                                              .kernel = {.prepare = prepare_dynamic_update, .strided_inputs = 3, .in_place = {{0, 0}}}};

// ---- concatenate

struct AxisArgs {
  int64_t axis = 0;
  GRADUS_FIELDS(axis)
};
constexpr Input arrays_input[] = {{"arrays"}};
Aval infer_concatenate(const Call& call) {
  const int64_t axis = call.as<AxisArgs>().axis;
  Dims sizes = call[0].shape().dims();
  int64_t total = 0;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    const Shape& shape = call[i].shape();
    bool fits = shape.rank() == call[0].rank();
    for (int64_t k = 0; fits && k < shape.rank(); ++k) fits = k == axis || shape[k] == sizes[static_cast<size_t>(k)];
    if (!fits) {
      fail("concatenate", "array 0 is ", call[0].shape(), " and array ", i, " is ", shape, "; all sizes but that of axis ", axis,
           " must be equal");
    }
    total += shape[axis];
  }
  sizes[static_cast<size_t>(axis)] = total;
  return {common_dtype(call.op, call.inputs), Shape(sizes), false};
}
// y = (x1, x2, ...) along an axis  =>  dx_i = its part of dy
std::vector<Array> reverse_concatenate(const RecordedCall& call, std::span<const Array> dy) {
  std::vector<int64_t> sizes;
  for (const Array& input : call.inputs) sizes.push_back(input.shape()[call.as<AxisArgs>().axis]);
  return split_sizes(dy[0], sizes, call.as<AxisArgs>().axis);
}
std::vector<Array> forward_concatenate(const RecordedCall& call, std::span<const Array> tangents) {
  std::vector<Array> parts;
  for (size_t i = 0; i < tangents.size(); ++i) parts.push_back(or_zeros(tangents[i], call[i]));
  return {concatenate(parts, call.as<AxisArgs>().axis)};
}
std::vector<Array> batch_concatenate(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  std::vector<Array> parts;
  for (size_t i = 0; i < call.inputs.size(); ++i) parts.push_back(with_batch(call[i], is_batched[i], batch_size));
  return {concatenate(parts, call.as<AxisArgs>().axis + 1)};
}
backend::KernelPtr prepare_concatenate(const KernelCall& call) {
  return cpu::concatenate(call.inputs, call.outputs[0], call.as<AxisArgs>().axis);
}
constinit const OpDef concatenate_op{.name = "concatenate",
                                     .inputs = arrays_input,
                                     .is_variadic = true,
                                     .promotion = Promotion::common,
                                     .args = args_of<AxisArgs>,
                                     .infer = infer_concatenate,
                                     .derivative = custom(reverse_concatenate, forward_concatenate),
                                     .batch = batch_concatenate,
                                     .kernel = {.prepare = prepare_concatenate, .strided_inputs = ~0u}};

// y = x  =>  dx = dy
Array transpose_contiguous(const RecordedCall&, int, const Array& dy) { return dy; }
std::vector<Array> batch_contiguous(const Call& call, std::span<const bool>, int64_t) { return {contiguous(call[0])}; }
backend::KernelPtr prepare_contiguous(const KernelCall& call) { return cpu::copy(call.inputs[0]); }

}  // namespace

void rule::check_slice(std::string_view op, const Shape& shape, const Dims& starts, const Dims& sizes, const Dims& steps) {
  const auto rank = shape.dims().size();
  if (starts.size() != rank || sizes.size() != rank || steps.size() != rank) {
    fail(op, "starts, sizes and steps have ", starts.size(), ", ", sizes.size(), " and ", steps.size(), " numbers, x has rank ", rank,
         "; there must be one an axis");
  }
  for (size_t i = 0; i < rank; ++i) {
    const int64_t size = shape.dims()[i], last = sizes[i] > 0 ? starts[i] + (sizes[i] - 1) * steps[i] : 0;
    if (steps[i] == 0) fail(op, "the step on axis ", i, " is 0; it must not be");
    if (sizes[i] > 0 && (starts[i] < 0 || starts[i] >= size || last < 0 || last >= size)) {
      fail(op, "axis ", i, " has size ", size, ", the window runs from ", starts[i], " to ", last, "; it must lie inside");
    }
  }
}
constinit const OpDef rule::contiguous_op{.name = "contiguous",
                                          .inputs = x_input,
                                          .infer = same_as_first,
                                          .derivative = linear(transpose_contiguous),
                                          .batch = batch_contiguous,
                                          .kernel = {.prepare = prepare_contiguous, .strided_inputs = 1}};

Array contiguous(const Array& x) { return apply(rule::contiguous_op, {x}); }

Array reshape(const Array& x, const NewShape& shape) {
  Dims sizes = shape.dims();
  int64_t open = -1, known = 1;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    if (sizes[axis] != -1) {
      if (sizes[axis] < 0)
        fail("reshape", "shape ", to_text(std::span<const int64_t>(sizes)), " has the size ", sizes[axis],
             "; sizes must not be negative, but for one -1");
      if (__builtin_mul_overflow(known, sizes[axis], &known))
        fail("reshape", "shape ", to_text(std::span<const int64_t>(sizes)), " has more than 2^48 elements; no machine holds such an array");
    } else if (open < 0) {
      open = static_cast<int64_t>(axis);
    } else {
      fail("reshape", "shape ", to_text(std::span<const int64_t>(sizes)), " has two sizes of -1; only one can follow from the others");
    }
  }
  if (open >= 0) {
    if (known == 0 && x.size() == 0) {
      fail("reshape", "x has no elements, and neither has ", to_text(std::span<const int64_t>(sizes)),
           ", whatever -1 stands for; write that size");
    }
    if (known == 0 || x.size() % known != 0) {
      fail("reshape", "x has ", x.size(), " elements; no size in place of -1 makes ", to_text(std::span<const int64_t>(sizes)),
           " hold as many");
    }
    sizes[static_cast<size_t>(open)] = x.size() / known;
  }
  if (x.shape().dims() == sizes) return x;
  return apply(reshape_op, {x}, ReshapeArgs{Shape(sizes)});
}

Array transpose(const Array& x, const Axes& axes) {
  Dims order;
  for (const int64_t axis : axes.dims()) order.push_back(normalize_axis("transpose", axis, x.rank()));
  if (static_cast<int64_t>(order.size()) != x.rank()) {
    fail("transpose", "axes ", to_text(std::span<const int64_t>(axes.dims())), " name ", order.size(), " axes, x has rank ", x.rank(),
         "; each axis must be named once");
  }
  if (normalize_axes("transpose", order, x.rank()) == order) return x;
  return apply(transpose_op, {x}, TransposeArgs{order});
}

Array broadcast_to(const Array& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return apply(broadcast_to_op, {x}, ReshapeArgs{shape});
}

Array strided_slice(const Array& x, const Dims& starts, const Dims& sizes, const Dims& steps) {
  rule::check_slice("slice", x.shape(), starts, sizes, steps);
  bool is_whole = x.shape().dims() == sizes;
  for (size_t i = 0; is_whole && i < steps.size(); ++i) is_whole = sizes[i] <= 1 || steps[i] == 1;
  if (is_whole) return x;
  // A window of a window is one of the whole, so that the gradient of x = x[1:], step by step, is not copied in every step. Not of a window
  // that the trace captured: the whole may be something else to it.
  const Node* node = x.node();
  const bool is_slice = &node->op() == &slice_op && !node->is_leaf() && !node->is_ready(0);
  if (!is_slice || node->session() != current_session()) return apply(slice_op, {x}, SliceArgs{starts, sizes, steps});
  SliceArgs window = node->args().as<SliceArgs>();
  for (size_t i = 0; i < starts.size(); ++i) {
    window.starts[i] += starts[i] * window.steps[i];
    window.steps[i] = sizes[i] > 1 ? window.steps[i] * steps[i] : 1;
  }
  window.sizes = sizes;
  return apply(slice_op, {node->input_array(0)}, std::move(window));
}

Array slice_update(const Array& x, const Array& value, const Dims& starts, const Dims& steps) {
  if (value.size() == 0) return x;
  return apply(slice_update_op, {x, value}, UpdateArgs{starts, steps});
}

Array dynamic_slice(const Array& x, const Array& starts, const Shape& sizes) {
  return apply(dynamic_slice_op, {x, starts}, ReshapeArgs{sizes});
}
Array dynamic_update_slice(const Array& x, const Array& value, const Array& starts) {
  return apply(dynamic_update_slice_op, {x, value, starts}, DynamicUpdateArgs{});
}

bool rule::is_dynamic_part(const Array& x) {
  return &x.node()->op() == &dynamic_update_slice_op && !x.node()->is_leaf() && x.node()->args().as<DynamicUpdateArgs>().is_part;
}
// One window after the other, each read, added to and written back: in place, but for the first.
Array rule::sum_of_dynamic_parts(Array whole, std::span<const Array> parts) {
  const DType dtype = parts[0].dtype(), wide = dtype == float64 ? float64 : float32;
  if (!whole.exists()) {
    whole = parts[0];
    parts = parts.subspan(1);
    if (parts.empty()) return whole;
  }
  whole = whole.astype(wide);
  for (const Array& part : parts) {
    const Array value = part.node()->input_array(1), starts = part.node()->input_array(2);
    whole = dynamic_update_slice(whole, dynamic_slice(whole, starts, value.shape()) + value.astype(wide), starts);
  }
  return whole.astype(dtype);
}

Array concatenate(const std::vector<Array>& arrays, int64_t axis) {
  if (arrays.empty()) fail("concatenate", "the list of arrays is empty; there must be one or more");
  if (arrays[0].rank() == 0) fail("concatenate", "array 0 is a scalar, which has no axes; stack joins along a new axis");
  return apply(concatenate_op, arrays, AxisArgs{normalize_axis("concatenate", axis, arrays[0].rank())});
}

std::span<const OpDef* const> rule::shape_ops() {
  static constexpr const OpDef* ops[] = {&reshape_op,       &transpose_op,            &broadcast_to_op, &slice_op,     &slice_update_op,
                                         &dynamic_slice_op, &dynamic_update_slice_op, &concatenate_op,  &contiguous_op};
  return ops;
}

}  // namespace gradus
