// The ops behind sums of windows, and what joins parts of all kinds.
#include "gradus/ops/part_sums.hpp"

#include <algorithm>

#include "gradus/cpu/pool/window_sums.hpp"
#include "gradus/graph/node.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/gather.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus::rule {

namespace {

// `places` holds the starts and the steps of each value, one after the other.
struct WindowsArgs {
  Shape shape;
  std::vector<int64_t> places;
  GRADUS_FIELDS(shape, places)
};
constexpr Input values_input[] = {{"values"}}, base_inputs[] = {{"x"}, {"values"}};
constexpr size_t kNoBase = 0, kBase = 1;  // inputs before the values

void append_place(std::vector<int64_t>& places, const Dims& starts, const Dims& steps) {
  places.insert(places.end(), starts.begin(), starts.end());
  places.insert(places.end(), steps.begin(), steps.end());
}
cpu::WindowPlace place_of(const WindowsArgs& args, size_t value) {
  const size_t rank = args.shape.dims().size();
  cpu::WindowPlace place;
  for (size_t axis = 0; axis < rank; ++axis) {
    place.starts.push_back(args.places[2 * rank * value + axis]);
    place.steps.push_back(args.places[2 * rank * value + rank + axis]);
  }
  return place;
}

template <size_t first>
Aval infer_windows(const Call& call) {
  const auto& args = call.as<WindowsArgs>();
  for (size_t i = first; i < call.inputs.size(); ++i) {
    const cpu::WindowPlace place = place_of(args, i - first);
    check_slice(call.op.name, args.shape, place.starts, call[i].shape().dims(), place.steps);
    if (call[i].dtype() != call[0].dtype()) {
      fail_bug(call.op.name, ": input 0 has dtype ", call[0].dtype(), ", value ", i - first, " has ", call[i].dtype());
    }
  }
  if (first && call[0].shape() != args.shape) fail_bug(call.op.name, ": x is ", call[0].shape(), ", the windows lie in ", args.shape);
  return {call[0].dtype(), args.shape, false};
}

// y = x + values in windows  =>  dx = dy, dv_i = its window of dy
template <size_t first>
std::vector<Array> reverse_windows(const RecordedCall& call, std::span<const Array> dy) {
  const auto& args = call.as<WindowsArgs>();
  std::vector<Array> changes;
  if (first) changes.push_back(dy[0]);
  for (size_t i = first; i < call.inputs.size(); ++i) {
    const cpu::WindowPlace place = place_of(args, i - first);
    changes.push_back(strided_slice(dy[0], place.starts, call[i].shape().dims(), place.steps));
  }
  return changes;
}
// Linear in all inputs together: the sum of the tangents that there are.
template <size_t first>
std::vector<Array> forward_windows(const RecordedCall& call, std::span<const Array> tangents) {
  const auto& args = call.as<WindowsArgs>();
  std::vector<Array> parts;
  for (size_t i = first; i < tangents.size(); ++i) {
    const cpu::WindowPlace place = place_of(args, i - first);
    if (tangents[i].exists()) parts.push_back(slice_scatter(tangents[i], args.shape, place.starts, place.steps));
  }
  const Array whole = first ? tangents[0] : Array();
  if (!whole.exists() && parts.empty()) return {Array()};
  return {sum_of_parts(whole, parts)};
}
std::vector<Array> batch_windows(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const auto& args = call.as<WindowsArgs>();
  const size_t rank = args.shape.dims().size();
  std::vector<Array> inputs;
  for (size_t i = 0; i < call.inputs.size(); ++i) inputs.push_back(with_batch(call[i], is_batched[i], batch_size));
  WindowsArgs batched{Shape(prepend(batch_size, args.shape)), {}};
  for (size_t value = 0; value * 2 * rank < args.places.size(); ++value) {
    const cpu::WindowPlace place = place_of(args, value);
    append_place(batched.places, prepend(0, place.starts), prepend(1, place.steps));
  }
  return {apply(call.op, inputs, std::move(batched))};
}

template <size_t first>
backend::KernelPtr prepare_windows(const KernelCall& call) {
  std::vector<cpu::WindowPlace> places;
  for (size_t i = first; i < call.inputs.size(); ++i) places.push_back(place_of(call.as<WindowsArgs>(), i - first));
  return cpu::sum_windows(first ? call.inputs.data() : nullptr, call.inputs.subspan(first), places, call.outputs[0]);
}

constinit const OpDef sum_windows_op{.name = "sum_windows",
                                     .inputs = values_input,
                                     .is_variadic = true,
                                     .args = args_of<WindowsArgs>,
                                     .infer = infer_windows<kNoBase>,
                                     .derivative = custom(reverse_windows<kNoBase>, forward_windows<kNoBase>),
                                     .batch = batch_windows,
                                     .kernel = {.prepare = prepare_windows<kNoBase>, .strided_inputs = ~0u}};
constinit const OpDef add_windows_op{.name = "add_windows",
                                     .inputs = base_inputs,
                                     .is_variadic = true,
                                     .args = args_of<WindowsArgs>,
                                     .infer = infer_windows<kBase>,
                                     .derivative = custom(reverse_windows<kBase>, forward_windows<kBase>),
                                     .batch = batch_windows,
                                     .kernel = {.prepare = prepare_windows<kBase>, .strided_inputs = ~0u, .in_place = {{0, 0}}}};

bool is_windows(const Array& x) { return &x.node()->op() == &sum_windows_op && !x.node()->is_leaf(); }

// The parts that are windows, on `whole` if there is one.
Array sum_of_windows(const Array& whole, std::span<const Array> parts) {
  if (parts.size() == 1 && !whole.exists()) return parts[0];
  WindowsArgs args{parts[0].shape(), {}};
  std::vector<Array> inputs;
  if (whole.exists()) inputs.push_back(whole);
  for (const Array& part : parts) {
    const std::vector<Array> values = part.node()->input_arrays();
    const std::vector<int64_t>& places = part.node()->args().as<WindowsArgs>().places;
    inputs.insert(inputs.end(), values.begin(), values.end());
    args.places.insert(args.places.end(), places.begin(), places.end());
  }
  return apply(whole.exists() ? add_windows_op : sum_windows_op, inputs, std::move(args));
}

// The same part in float32.
Array widened(const Array& part) {
  std::vector<Array> inputs = part.node()->input_arrays();
  for (Array& input : inputs) input = input.dtype().is_16_bit() ? input.astype(float32) : input;
  if (!is_windows(part)) inputs[0] = zeros(part.shape(), float32);
  return apply(part.node()->op(), inputs, part.node()->args());
}
// Whether one op adds them all.
bool are_of_one_kind(std::span<const Array> parts) {
  return std::all_of(parts.begin(), parts.end(), [&](const Array& part) {
    if (is_windows(parts[0])) return is_windows(part);
    return &part.node()->op() == &parts[0].node()->op() && part.node()->args().equals(parts[0].node()->args());
  });
}

}  // namespace

Array add_window(const Array& x, const Array& value, const Dims& starts, const Dims& steps) {
  if (value.size() == 0) return x;
  WindowsArgs args{x.shape(), {}};
  append_place(args.places, starts, steps);
  return apply(add_windows_op, {x, value}, std::move(args));
}

bool is_part(const Array& x) { return is_windows(x) || is_indexed_part(x) || is_dynamic_part(x); }

Array sum_of_parts(const Array& whole, std::span<const Array> parts) {
  if (parts.empty()) return whole;
  const bool is_wide = whole.exists() && whole.dtype() != parts[0].dtype();
  if (parts[0].dtype().is_16_bit() && (is_wide || !are_of_one_kind(parts))) {
    std::vector<Array> wide;
    for (const Array& part : parts) wide.push_back(widened(part));
    const Array sum = sum_of_parts(whole.exists() ? whole.astype(float32) : whole, wide);
    return is_wide ? sum : sum.astype(parts[0].dtype());
  }
  std::vector<Array> windows, indexed, dynamic;
  for (const Array& part : parts) (is_windows(part) ? windows : is_indexed_part(part) ? indexed : dynamic).push_back(part);
  Array sum = whole;
  if (!windows.empty()) sum = sum_of_windows(sum, windows);
  if (!indexed.empty()) sum = sum_of_indexed_parts(sum, indexed);
  return dynamic.empty() ? sum : sum_of_dynamic_parts(sum, dynamic);
}

std::span<const OpDef* const> part_ops() {
  static constexpr const OpDef* ops[] = {&sum_windows_op, &add_windows_op};
  return ops;
}

}  // namespace gradus::rule

namespace gradus {

using namespace rule;

Array slice_scatter(const Array& value, const Shape& shape, const Dims& starts, const Dims& steps) {
  if (value.size() == 0) return zeros(shape, value.dtype());
  WindowsArgs args{shape, {}};
  append_place(args.places, starts, steps);
  return apply(sum_windows_op, {value}, std::move(args));
}

}  // namespace gradus
