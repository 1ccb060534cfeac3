// The op of lstm and its backward op.
#include "gradus/cpu/recurrent/recurrence.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/recurrent_rules.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/steps.hpp"

namespace gradus::rule::recurrent {

namespace {

constexpr Input forward_inputs[] = {{"x", wide_floats}, {"kernel", wide_floats}, {"recurrent_kernel", wide_floats},
                                    {"h", wide_floats}, {"c", wide_floats},      {"bias", wide_floats, true},
                                    lengths_input};
constexpr size_t forward_bias = 5, forward_lengths = 6;
// gates after their functions, and the cells of all steps: the hidden outputs.
constexpr Input backward_inputs[] = {
    {"recurrent_kernel", wide_floats}, {"gates", wide_floats},    {"cells", wide_floats},   {"c", wide_floats}, lengths_input,
    {"dys", wide_floats, true},        {"dh", wide_floats, true}, {"dc", wide_floats, true}};
constexpr size_t backward_lengths = 4, backward_dys = 5, backward_dh = 6, backward_dc = 7;

std::vector<Aval> infer_forward(const Call& call) {
  const Sizes of = checked_sizes(call, 4, forward_bias, forward_lengths);
  const DType dtype = call[0].dtype();
  const Aval steps{dtype, {of.batch, of.steps, of.units}, false}, state{dtype, {of.batch, of.units}, false};
  return {steps, state, state, {dtype, {of.batch, of.steps, 4 * of.units}, false}, steps};
}
backend::KernelPtr prepare_forward(const KernelCall& call) {
  return cpu::prepare_lstm(forward_recurrence(call, forward_bias, forward_lengths));
}
std::vector<Array> batch_forward(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  return batch_rows(call, is_batched, batch_size, call.has(forward_bias) ? 0b100110 : 0b110);
}
std::vector<Array> compose_forward(const Call& call) {
  const RecurrentArgs& args = call.as<RecurrentArgs>();
  const Array mask = inside(call.optional(forward_lengths), call[input_x].shape(1));
  const auto activation = [&](const Array& x) { return activate(args.activation, x); };
  const auto as_gate = [](const Array& x) { return sigmoid(x); };
  std::vector<Array> sequences{gates_of(call, forward_bias, mask)};
  if (mask.exists()) sequences.push_back(mask);
  const auto step = [&](const std::vector<Array>& carries, const std::vector<Array>& now) -> std::vector<Array> {
    const auto [h, c, gates] = lstm_step(now[0] + matmul(carries[0], call[input_recurrent]), carries[1], {activation, as_gate});
    const Array is_inside = mask.exists() ? now[1] : Array();
    return {where_inside(is_inside, h, carries[0]), where_inside(is_inside, c, carries[1]), where_inside(is_inside, h, 0),
            where_inside(is_inside, gates, 0), where_inside(is_inside, c, 0)};
  };
  const std::vector<Array> all = loop_over_steps({call[input_state], call[input_state + 1]}, sequences, args.is_reversed, step);
  return {all[2], all[0], all[1], all[3], all[4]};
}

std::vector<Aval> infer_backward(const Call& call) {
  const Aval state{call[3].dtype(), call[3].shape(), false};
  return {{call[1].dtype(), call[1].shape(), false}, state, state};
}
backend::KernelPtr prepare_backward(const KernelCall& call) {
  const Shape& cells = call.inputs[2].shape;
  backend::Recurrence of = recurrence_of(call, cells[0], cells[1], cells[2], backward_lengths);
  of.has_dys = call.has(backward_dys);
  of.has_dh = call.has(backward_dh);
  of.has_dc = call.has(backward_dc);
  return cpu::prepare_lstm_backward(of);
}
std::vector<Array> batch_backward(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  return batch_rows(call, is_batched, batch_size, 0b1);
}
// With dh of a step plus its dy:
// do = dh f(c) o (1 - o);  dc += dh o f'(c);  di = dc g i (1 - i);  df = dc c_before f (1 - f);  dg = dc i f'(g)
// and for the step before: dc = dc f, dh = (di, df, dg, do) U^T
std::vector<Array> compose_backward(const Call& call) {
  const RecurrentArgs& args = call.as<RecurrentArgs>();
  const Array &kernel = call[0], &gates = call[1], &cells = call[2], &first = call[3];
  const Array lengths = call.optional(backward_lengths), mask = inside(lengths, gates.shape(1)), dys = call.optional(backward_dys);
  std::vector<Array> sequences{gates, cells, states_before(cells, first, lengths, args.is_reversed)};
  if (dys.exists()) sequences.push_back(dys);
  if (mask.exists()) sequences.push_back(mask);
  const auto step = [&](const std::vector<Array>& carries, const std::vector<Array>& now) -> std::vector<Array> {
    const auto [i, f, g, o] = split<4>(now[0], -1);
    const Array dh = dys.exists() ? carries[0] + now[3] : carries[0], is_inside = mask.exists() ? now.back() : Array();
    const Array y = activate(args.activation, now[1]), dc = carries[1] + pull_activation(args.activation, y, dh * o);
    const Array change = where_inside(is_inside,
                                      concatenate({pull_sigmoid(i, dc * g), pull_sigmoid(f, dc * now[2]),
                                                   pull_activation(args.activation, g, dc * i), pull_sigmoid(o, dh * y)},
                                                  -1),
                                      0);
    return {where_inside(is_inside, matmul(change, transpose(kernel)), carries[0]), where_inside(is_inside, dc * f, carries[1]), change};
  };
  const Array dh = or_zeros_of(call.optional(backward_dh), first.shape(), first.dtype()),
              dc = or_zeros_of(call.optional(backward_dc), first.shape(), first.dtype());
  const std::vector<Array> all = loop_over_steps({dh, dc}, sequences, !args.is_reversed, step);
  return {all[2], all[0], all[1]};
}

}  // namespace

constinit const OpDef lstm_backward_op{
    .name = "lstm_backward",
    .inputs = backward_inputs,
    .args = args_of<RecurrentArgs>,
    .infer = infer_backward,
    .derivative = composed(compose_backward),
    .batch = batch_backward,
    .kernel = {.prepare = prepare_backward, .in_place = {{0, 1}}},
    .work = [](std::span<const Shape> inputs, const Shape& dgates) { return dgates.size() * inputs[0][0]; }};

namespace {

std::vector<Array> reverse_forward(const RecordedCall& call, std::span<const Array> cotangents) {
  const Array lengths = call.optional(forward_lengths), &ys = call.outputs[0];
  const std::vector<Array> changes = apply_all(lstm_backward_op,
                                               {call[input_recurrent], call.outputs[3], call.outputs[4], call[input_state + 1], lengths,
                                                cotangents[0], cotangents[1], cotangents[2]},
                                               call.args);
  const Array before = states_before(ys, call[input_state], lengths, call.as<RecurrentArgs>().is_reversed);
  const KernelChanges kernels = pull_kernels(x_inside(call, lengths), before, changes[0]);
  return {pull_x(call, changes[0]),
          kernels.kernel,
          kernels.recurrent,
          changes[1],
          changes[2],
          call.has(forward_bias) ? pull_bias(changes[0]) : Array()};
}

}  // namespace

constinit const OpDef lstm_op{.name = "lstm",
                              .inputs = forward_inputs,
                              .args = args_of<RecurrentArgs>,
                              .infer = infer_forward,
                              .derivative = composed(compose_forward, reverse_forward),
                              .batch = batch_forward,
                              .kernel = {.prepare = prepare_forward},
                              .work = work_of,
                              .takes_empty_cotangents = true,
                              .hidden_outputs = 2};

}  // namespace gradus::rule::recurrent
