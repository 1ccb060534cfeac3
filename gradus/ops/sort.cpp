// Sorting: the positions come from an op, the values are gathered by them and so differentiate.
#include "gradus/ops/sort.hpp"

#include "gradus/base/error.hpp"
#include "gradus/cpu/move/sort.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus {

using namespace core;

namespace {

struct OrderArgs {
  int64_t count = 0;
  bool descending = false;
  GRADUS_FIELDS(count, descending)
};
constexpr Input x_input[] = {{"x"}}, searchsorted_inputs[] = {{"sorted"}, {"values"}};

Aval infer_order(const Call& call) {
  Dims sizes = call[0].shape().dims();
  sizes.back() = call.as<OrderArgs>().count;
  return {int64, Shape(sizes), false};
}
backend::KernelPtr prepare_order(const KernelCall& call) {
  return cpu::argsort(call.inputs[0], call.as<OrderArgs>().count, call.as<OrderArgs>().descending);
}
std::vector<Array> batch_order(const Call& call, std::span<const bool>, int64_t) { return {apply(call.op, call.inputs, call.args)}; }
// Of the last axis: the positions of its first `count` elements in order.
constinit const OpDef argsort_op{.name = "argsort",
                                 .inputs = x_input,
                                 .args = args_of<OrderArgs>,
                                 .infer = infer_order,
                                 .derivative = not_differentiable("positions are integers"),
                                 .batch = batch_order,
                                 .kernel = {.prepare = prepare_order}};

struct SideArgs {
  bool from_right = false;
  GRADUS_FIELDS(from_right)
};
Aval infer_searchsorted(const Call& call) {
  const Shape &sorted = call[0].shape(), &values = call[1].shape();
  bool fits = sorted.rank() == 1 || (sorted.rank() > 1 && sorted.rank() == values.rank());
  for (int64_t i = 0; fits && i + 1 < sorted.rank(); ++i) fits = sorted[i] == values[i];
  if (!fits) fail("searchsorted", "sorted is ", sorted, ", values is ", values, "; sorted must have rank 1 or the leading axes of values");
  return {int64, values, false};
}
backend::KernelPtr prepare_searchsorted(const KernelCall& call) {
  return cpu::searchsorted(call.inputs[0], call.inputs[1], call.as<SideArgs>().from_right);
}
std::vector<Array> batch_searchsorted(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const bool is_row = call[1].rank() == (is_batched[1] ? 1 : 0);  // one value an example
  if (!is_batched[0] && call[0].rank() == 1) return {apply(call.op, call.inputs, call.args)};
  const int64_t sorted_rank = call[0].rank() - (is_batched[0] ? 1 : 0);
  const Array sorted = with_batch(call[0], is_batched[0], batch_size);
  Array values = with_batch(call[1], is_batched[1], batch_size);
  if (sorted_rank > 1) return {apply(call.op, {sorted, values}, call.args)};
  const Shape shape = values.shape();
  values = reshape(values, is_row ? NewShape{batch_size, 1} : NewShape{batch_size, shape.size() / std::max<int64_t>(batch_size, 1)});
  return {reshape(apply(call.op, {sorted, values}, call.args), shape)};
}
constinit const OpDef searchsorted_op{.name = "searchsorted",
                                      .inputs = searchsorted_inputs,
                                      .promotion = Promotion::common,
                                      .args = args_of<SideArgs>,
                                      .infer = infer_searchsorted,
                                      .derivative = not_differentiable("positions are integers"),
                                      .batch = batch_searchsorted,
                                      .kernel = {.prepare = prepare_searchsorted}};

Array first_in_order(const char* op, const Array& x, int64_t axis, const int64_t* count, bool descending) {
  axis = normalize_axis(op, axis, x.rank());
  const int64_t size = x.shape()[axis];
  if (count && (*count < 0 || *count > size)) fail(op, "k is ", *count, ", axis ", axis, " has size ", size, "; k must be 0 to ", size);
  return moveaxis(apply(argsort_op, {moveaxis(x, axis, -1)}, OrderArgs{count ? *count : size, descending}), -1, axis);
}

}  // namespace

Array argsort(const Array& x) { return argsort(x, -1); }
Array argsort(const Array& x, int64_t axis, bool descending) { return first_in_order("argsort", x, axis, nullptr, descending); }
Array sort(const Array& x) { return sort(x, -1); }
Array sort(const Array& x, int64_t axis, bool descending) {
  return gather(x, first_in_order("sort", x, axis, nullptr, descending), axis);
}
std::pair<Array, Array> topk(const Array& x, int64_t k, int64_t axis, bool largest) {
  const Array positions = first_in_order("topk", x, axis, &k, largest);
  return {gather(x, positions, axis), positions};
}

Array searchsorted(const Array& sorted, const Array& values, Side side) {
  return apply(searchsorted_op, {sorted, values}, SideArgs{side == Side::right});
}

std::span<const OpDef* const> rule::sort_ops() {
  static constexpr const OpDef* ops[] = {&argsort_op, &searchsorted_op};
  return ops;
}

}  // namespace gradus
