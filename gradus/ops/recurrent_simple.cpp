// The op of simple_rnn and its backward op.
#include "gradus/cpu/recurrent/recurrence.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/recurrent_rules.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/steps.hpp"

namespace gradus::rule::recurrent {

namespace {

constexpr Input forward_inputs[] = {{"x", wide_floats}, {"kernel", wide_floats},     {"recurrent_kernel", wide_floats},
                                    {"h", wide_floats}, {"bias", wide_floats, true}, lengths_input};
constexpr size_t forward_bias = 4, forward_lengths = 5;
constexpr Input backward_inputs[] = {
    {"recurrent_kernel", wide_floats}, {"ys", wide_floats}, lengths_input, {"dys", wide_floats, true}, {"dh", wide_floats, true}};
constexpr size_t backward_lengths = 2, backward_dys = 3, backward_dh = 4;

std::vector<Aval> infer_forward(const Call& call) {
  const Sizes of = checked_sizes(call, 1, forward_bias, forward_lengths);
  return {{call[0].dtype(), {of.batch, of.steps, of.units}, false}, {call[0].dtype(), {of.batch, of.units}, false}};
}
backend::KernelPtr prepare_forward(const KernelCall& call) {
  return cpu::prepare_simple_rnn(forward_recurrence(call, forward_bias, forward_lengths));
}
std::vector<Array> batch_forward(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  return batch_rows(call, is_batched, batch_size, call.has(forward_bias) ? 0b10110 : 0b110);
}
std::vector<Array> compose_forward(const Call& call) {
  const RecurrentArgs& args = call.as<RecurrentArgs>();
  const Array mask = inside(call.optional(forward_lengths), call[input_x].shape(1));
  std::vector<Array> sequences{gates_of(call, forward_bias, mask)};
  if (mask.exists()) sequences.push_back(mask);
  const auto step = [&](const std::vector<Array>& carries, const std::vector<Array>& now) -> std::vector<Array> {
    const Array h = activate(args.activation, now[0] + matmul(carries[0], call[input_recurrent])),
                is_inside = mask.exists() ? now[1] : Array();
    return {where_inside(is_inside, h, carries[0]), where_inside(is_inside, h, 0)};
  };
  const std::vector<Array> all = loop_over_steps({call[input_state]}, sequences, args.is_reversed, step);
  return {all[1], all[0]};
}

std::vector<Aval> infer_backward(const Call& call) {
  const Shape& ys = call[1].shape();
  return {{call[1].dtype(), ys, false}, {call[1].dtype(), {ys[0], ys[2]}, false}};
}
backend::KernelPtr prepare_backward(const KernelCall& call) {
  const Shape& ys = call.inputs[1].shape;
  backend::Recurrence of = recurrence_of(call, ys[0], ys[1], ys[2], backward_lengths);
  of.has_dys = call.has(backward_dys);
  of.has_dh = call.has(backward_dh);
  return cpu::prepare_simple_rnn_backward(of);
}
std::vector<Array> batch_backward(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  return batch_rows(call, is_batched, batch_size, 0b1);
}
// dgates = f'(y) (dy + dh);  for the step before: dh = dgates U^T
std::vector<Array> compose_backward(const Call& call) {
  const RecurrentArgs& args = call.as<RecurrentArgs>();
  const Array &kernel = call[0], &ys = call[1];
  const Array mask = inside(call.optional(backward_lengths), ys.shape(1)), dys = call.optional(backward_dys);
  std::vector<Array> sequences{ys};
  if (dys.exists()) sequences.push_back(dys);
  if (mask.exists()) sequences.push_back(mask);
  const auto step = [&](const std::vector<Array>& carries, const std::vector<Array>& now) -> std::vector<Array> {
    const Array dy = dys.exists() ? carries[0] + now[1] : carries[0], is_inside = mask.exists() ? now.back() : Array();
    const Array change = where_inside(is_inside, pull_activation(args.activation, now[0], dy), 0);
    return {where_inside(is_inside, matmul(change, transpose(kernel)), carries[0]), change};
  };
  const Array dh = or_zeros_of(call.optional(backward_dh), {ys.shape(0), ys.shape(2)}, ys.dtype());
  const std::vector<Array> all = loop_over_steps({dh}, sequences, !args.is_reversed, step);
  return {all[1], all[0]};
}

}  // namespace

constinit const OpDef simple_rnn_backward_op{
    .name = "simple_rnn_backward",
    .inputs = backward_inputs,
    .args = args_of<RecurrentArgs>,
    .infer = infer_backward,
    .derivative = composed(compose_backward),
    .batch = batch_backward,
    .kernel = {.prepare = prepare_backward},
    .work = [](std::span<const Shape> inputs, const Shape& dgates) { return dgates.size() * inputs[0][0]; }};

namespace {

std::vector<Array> reverse_forward(const RecordedCall& call, std::span<const Array> cotangents) {
  const Array lengths = call.optional(forward_lengths), &kernel = call[input_recurrent], &ys = call.outputs[0];
  const std::vector<Array> changes = apply_all(simple_rnn_backward_op, {kernel, ys, lengths, cotangents[0], cotangents[1]}, call.args);
  const Array before = states_before(ys, call[input_state], lengths, call.as<RecurrentArgs>().is_reversed);
  const KernelChanges kernels = pull_kernels(x_inside(call, lengths), before, changes[0]);
  return {pull_x(call, changes[0]), kernels.kernel, kernels.recurrent, changes[1],
          call.has(forward_bias) ? pull_bias(changes[0]) : Array()};
}

}  // namespace

constinit const OpDef simple_rnn_op{.name = "simple_rnn",
                                    .inputs = forward_inputs,
                                    .args = args_of<RecurrentArgs>,
                                    .infer = infer_forward,
                                    .derivative = composed(compose_forward, reverse_forward),
                                    .batch = batch_forward,
                                    .kernel = {.prepare = prepare_forward},
                                    .work = work_of,
                                    .takes_empty_cotangents = true};

}  // namespace gradus::rule::recurrent
