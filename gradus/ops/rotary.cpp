// Rotary position embedding: the op that turns rows by given angles, and the angles of positions.
#include "gradus/ops/rotary.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/base/text.hpp"
#include "gradus/cpu/attention/rotary.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus {

using namespace core;

namespace {

using rows::wide_dtype, rows::widened;

// Of the op: x (N, heads, T, d); cos, sin (N or 1, T, width / 2).
struct RotaryArgs {
  bool interleaved = false, inverse = false, time_first = false;  // time_first: of the result, (N, T, heads, d)
  GRADUS_FIELDS(interleaved, inverse, time_first)
};

constexpr Input rotary_inputs[] = {{"x", floats}, {"cos", floats}, {"sin", floats}};

Aval infer_rotary(const Call& call) {
  Dims sizes = call[0].shape().dims();
  if (call.as<RotaryArgs>().time_first) std::swap(sizes[1], sizes[2]);
  return {call[0].dtype(), Shape(sizes), false};
}

backend::KernelPtr prepare(const KernelCall& call) {
  const RotaryArgs& args = call.as<RotaryArgs>();
  const Layout &x = call.inputs[0], &y = call.outputs[0];
  return cpu::prepare_rotary({.dtype = x.dtype,
                              .examples = x.shape[0],
                              .heads = x.shape[1],
                              .rows = x.shape[2],
                              .columns = x.shape[3],
                              .width = 2 * call.inputs[1].shape[2],
                              .x = {x.strides[0], x.strides[1], x.strides[2], x.strides[3]},
                              .y = {y.strides[0], y.strides[args.time_first ? 2 : 1], y.strides[args.time_first ? 1 : 2], 1},
                              .angles = call.inputs[1].shape[0],
                              .is_interleaved = args.interleaved,
                              .is_inverse = args.inverse});
}

// dx = dy turned back
Array turn_back(const RecordedCall& call, int, const Array& dy) {
  RotaryArgs args = call.as<RotaryArgs>();
  args.inverse = !args.inverse;
  if (!args.time_first) return apply(call.op, {dy, call[1], call[2]}, args);
  return swapaxes(apply(call.op, {swapaxes(dy, 1, 2), call[1], call[2]}, args), 1, 2);
}

std::vector<Array> batch(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const int64_t examples = call[0].shape(is_batched[0] ? 1 : 0);
  // The batch joins the examples; angles that are one for all stay so.
  const bool are_shared = !is_batched[1] && !is_batched[2] && call[1].shape(0) == 1;
  std::vector<Array> inputs;
  for (size_t i = 0; i < 3; ++i) {
    if (i > 0 && are_shared) {
      inputs.push_back(call[i]);
      continue;
    }
    Array x = with_batch(call[i], is_batched[i], batch_size);
    Dims sizes = x.shape().dims();
    if (sizes[1] != examples) {
      sizes[1] = examples;
      x = broadcast_to(x, sizes);
    }
    sizes.erase(0);
    sizes[0] *= batch_size;
    inputs.push_back(reshape(x, NewShape(Shape(sizes))));
  }
  const Array y = apply(call.op, inputs, call.args);
  Dims sizes = y.shape().dims();
  sizes[0] = examples;
  sizes.insert(0, batch_size);
  return {reshape(y, NewShape(Shape(sizes)))};
}

constinit const OpDef rotary_op{.name = "rotary",
                                .inputs = rotary_inputs,
                                .args = args_of<RotaryArgs>,
                                .infer = infer_rotary,
                                .derivative = linear(turn_back, 0b001),
                                .batch = batch,
                                .kernel = {.prepare = prepare, .strided_inputs = 0b001}};

// The same from plain ops, differentiable in the angles: x (N, heads, T, d), angles (N or 1, T, width / 2).
Array composed_rotary(const Array& x, const Array& angles, bool is_interleaved) {
  const int64_t width = 2 * angles.shape(-1), axis = is_interleaved ? -1 : -2;
  const std::vector<Array> parts = split_at(widened(x), {width}, -1);
  const Shape& shape = parts[0].shape();
  const Shape pairs =
      is_interleaved ? Shape{shape[0], shape[1], shape[2], width / 2, 2} : Shape{shape[0], shape[1], shape[2], 2, width / 2};
  const std::vector<Array> ab = unstack(reshape(parts[0], pairs), axis);
  const Array angle = expand_dims(angles, 1), c = cos(angle).astype(ab[0].dtype()), s = sin(angle).astype(ab[0].dtype());
  const Array turned = reshape(stack({ab[0] * c - ab[1] * s, ab[0] * s + ab[1] * c}, axis), shape);
  return concatenate({turned, parts[1]}, -1).astype(x.dtype());
}

constexpr std::string_view op_name = "rotary";

void check(const Array& x, const RotaryOptions& options) {
  if (!x.exists()) fail(op_name, "x is an empty Array; give it a value first");
  if (!x.dtype().is_float()) fail(op_name, "x has dtype ", x.dtype(), "; it must be ", to_text(floats), " (x.astype(float32))");
  if (x.rank() < (options.time_first ? 3 : 2)) {
    fail(op_name, "x is ", x.shape(), "; it must be ", options.time_first ? "(..., time, heads, width)" : "(..., heads, time, width)");
  }
  const int64_t columns = x.shape(-1), width = options.width ? options.width : columns;
  if (width < 0 || width > columns || width % 2 != 0) {
    fail(op_name, "x is ", x.shape(), " and width is ", width, "; it must be an even number from 0 to ", columns);
  }
  if (!(options.base > 0)) fail(op_name, "base is ", options.base, "; it must be above 0");
  if (options.frequencies.exists() && options.frequencies.shape() != Shape{width / 2}) {
    fail(op_name, "frequencies is ", options.frequencies.shape(), "; it must be ", Shape{width / 2}, ", one number a pair");
  }
}

// Positions of the rows as (N, T) or (1, T), int64.
Array rows_of(const Array& positions, const Dims& leading, int64_t time) {
  if (!positions.exists()) return expand_dims(arange(time, int64), 0);
  if (!positions.dtype().is_integer()) fail(op_name, "positions has dtype ", positions.dtype(), "; it must be an integer's");
  const Array wide = positions.is_weak() || positions.dtype() != int64 ? positions.astype(int64) : positions;
  if (wide.rank() == 0) return expand_dims(arange(time, int64) + wide, 0);
  Dims whole = leading;
  whole.push_back(time);
  if (wide.shape() == Shape{time}) return expand_dims(wide, 0);
  if (wide.shape() != Shape(whole)) {
    const std::string of_examples = leading.empty() ? "" : concat(" or ", Shape(whole));
    fail(op_name, "positions is ", positions.shape(), "; it must be one number or ", Shape{time}, of_examples);
  }
  return reshape(wide, {Shape(leading).size(), time});
}

}  // namespace

Array rotary(const Array& x) { return rotary(x, Array(), {}); }
Array rotary(const Array& x, const RotaryOptions& options) { return rotary(x, Array(), options); }
Array rotary(const Array& x, const Array& positions) { return rotary(x, positions, {}); }
Array rotary(const Array& x, const Array& positions, const RotaryOptions& options) {
  check(x, options);
  const int64_t rank = x.rank(), width = options.width ? options.width : x.shape(-1);
  Dims leading;
  for (int64_t axis = 0; axis + 3 < rank; ++axis) leading.push_back(x.shape()[axis]);
  const int64_t second = rank == 2 ? 1 : x.shape(-3);
  const Array four = rank == 4 ? x : reshape(x, {Shape(leading).size(), second, x.shape(-2), x.shape(-1)});
  const Array canonical = options.time_first ? swapaxes(four, 1, 2) : four;
  Array frequencies = options.frequencies;
  const bool is_given = frequencies.exists();
  if (!is_given && width) frequencies = pow(options.base, arange(width / 2, float64) * (-2.0 / static_cast<double>(width)));
  if (!is_given && !width) frequencies = zeros({0}, float64);
  const Array angles = expand_dims(rows_of(positions, leading, canonical.shape(2)), -1).astype(float64) * frequencies.astype(float64);
  Array y;
  if (is_given) {
    y = composed_rotary(canonical, angles, options.interleaved);
    if (options.time_first) y = swapaxes(y, 1, 2);
  } else {
    const DType wide = wide_dtype(x.dtype());
    y = apply(rotary_op, {canonical, cos(angles).astype(wide), sin(angles).astype(wide)},
              RotaryArgs{options.interleaved, false, options.time_first});
  }
  return rank == 4 ? y : reshape(y, x.shape());
}

std::span<const OpDef* const> rule::rotary_ops() {
  static constexpr const OpDef* ops[] = {&rotary_op};
  return ops;
}

}  // namespace gradus
