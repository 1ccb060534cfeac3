// The op of gru and its backward op.
#include "gradus/base/error.hpp"
#include "gradus/cpu/recurrent/recurrence.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/recurrent_rules.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/steps.hpp"

namespace gradus::rule::recurrent {

namespace {

// state_bias: of the product of state and recurrent kernel.
constexpr Input forward_inputs[] = {{"x", wide_floats}, {"kernel", wide_floats},     {"recurrent_kernel", wide_floats},
                                    {"h", wide_floats}, {"bias", wide_floats, true}, {"state_bias", wide_floats, true},
                                    lengths_input};
constexpr size_t forward_bias = 4, forward_state_bias = 5, forward_lengths = 6;
// gates after their functions, and what the third gate gets by the product: the hidden outputs.
constexpr Input backward_inputs[] = {{"recurrent_kernel", wide_floats},
                                     {"gates", wide_floats},
                                     {"products", wide_floats},
                                     {"ys", wide_floats},
                                     {"h", wide_floats},
                                     lengths_input,
                                     {"dys", wide_floats, true},
                                     {"dh", wide_floats, true}};
constexpr size_t backward_lengths = 5, backward_dys = 6, backward_dh = 7;

std::vector<Aval> infer_forward(const Call& call) {
  const Sizes of = checked_sizes(call, 3, forward_bias, forward_lengths);
  const DType dtype = call[0].dtype();
  const Aval steps{dtype, {of.batch, of.steps, of.units}, false};
  return {steps, {dtype, {of.batch, of.units}, false}, {dtype, {of.batch, of.steps, 3 * of.units}, false}, steps};
}
backend::KernelPtr prepare_forward(const KernelCall& call) {
  backend::Recurrence of = forward_recurrence(call, forward_bias, forward_lengths);
  of.has_state_bias = call.has(forward_state_bias);
  return cpu::prepare_gru(of);
}
std::vector<Array> batch_forward(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const int biases = call.has(forward_bias) + call.has(forward_state_bias);
  return batch_rows(call, is_batched, batch_size, 0b110u | ((1u << biases) - 1) << forward_bias);
}
std::vector<Array> compose_forward(const Call& call) {
  const RecurrentArgs& args = call.as<RecurrentArgs>();
  const Array mask = inside(call.optional(forward_lengths), call[input_x].shape(1));
  const GRUKernel kernel{GRUColumns(call[input_recurrent]), GRUColumns(call.optional(forward_state_bias)), args.resets_after};
  const auto activation = [&](const Array& x) { return activate(args.activation, x); };
  const auto as_gate = [](const Array& x) { return sigmoid(x); };
  std::vector<Array> sequences{gates_of(call, forward_bias, mask)};
  if (mask.exists()) sequences.push_back(mask);
  const auto step = [&](const std::vector<Array>& carries, const std::vector<Array>& now) -> std::vector<Array> {
    const auto [h, gates, product] = gru_step(now[0], carries[0], carries[0], kernel, {activation, as_gate});
    const Array is_inside = mask.exists() ? now[1] : Array();
    return {where_inside(is_inside, h, carries[0]), where_inside(is_inside, h, 0), where_inside(is_inside, gates, 0),
            where_inside(is_inside, product, 0)};
  };
  const std::vector<Array> all = loop_over_steps({call[input_state]}, sequences, args.is_reversed, step);
  return {all[1], all[0], all[2], all[3]};
}

std::vector<Aval> infer_backward(const Call& call) {
  const Aval dgates{call[1].dtype(), call[1].shape(), false}, dproducts{call[2].dtype(), call[2].shape(), false},
      dh{call[4].dtype(), call[4].shape(), false};
  return call.as<RecurrentArgs>().resets_after ? std::vector{dgates, dproducts, dh} : std::vector{dgates, dh};
}
backend::KernelPtr prepare_backward(const KernelCall& call) {
  const Shape& products = call.inputs[2].shape;
  backend::Recurrence of = recurrence_of(call, products[0], products[1], products[2], backward_lengths);
  of.has_dys = call.has(backward_dys);
  of.has_dh = call.has(backward_dh);
  return cpu::prepare_gru_backward(of);
}
std::vector<Array> batch_backward(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  return batch_rows(call, is_batched, batch_size, 0b1);
}
// With dh of a step plus its dy:  dz = dh (h - n) z (1 - z);  dn = dh (1 - z) f'(n)
// and after the product p = h U + b:  dr = dn p r (1 - r);  dp = dn r;  for the step before: dh = dh z + (dz, dr, dp) U^T
// or before it, p = r h:  dp = dn U^T;  dr = dp h r (1 - r);  for the step before: dh = dh z + dp r + (dz, dr) U^T
std::vector<Array> compose_backward(const Call& call) {
  const RecurrentArgs& args = call.as<RecurrentArgs>();
  const Array &gates = call[1], &products = call[2], &ys = call[3], &first = call[4];
  const Array lengths = call.optional(backward_lengths), mask = inside(lengths, gates.shape(1)), dys = call.optional(backward_dys);
  const GRUColumns kernel(call[0]);
  std::vector<Array> sequences{gates, products, states_before(ys, first, lengths, args.is_reversed)};
  if (dys.exists()) sequences.push_back(dys);
  if (mask.exists()) sequences.push_back(mask);
  const auto step = [&](const std::vector<Array>& carries, const std::vector<Array>& now) -> std::vector<Array> {
    const auto [z, r, n] = split<3>(now[0], -1);
    const Array dh = dys.exists() ? carries[0] + now[3] : carries[0], is_inside = mask.exists() ? now.back() : Array();
    const Array dz = pull_sigmoid(z, dh * (now[2] - n)), dn = pull_activation(args.activation, n, dh - dh * z);
    const Array dp = args.resets_after ? dn * r : matmul(dn, transpose(kernel.n));
    const Array dr = pull_sigmoid(r, args.resets_after ? dn * now[1] : dp * now[2]);
    const Array zr = concatenate({dz, dr}, -1);
    const Array before = dh * z + matmul(zr, transpose(kernel.zr)) + (args.resets_after ? matmul(dp, transpose(kernel.n)) : dp * r);
    std::vector<Array> out{where_inside(is_inside, before, carries[0]), where_inside(is_inside, concatenate({zr, dn}, -1), 0)};
    if (args.resets_after) out.push_back(where_inside(is_inside, dp, 0));
    return out;
  };
  const Array dh = or_zeros_of(call.optional(backward_dh), first.shape(), first.dtype());
  const std::vector<Array> all = loop_over_steps({dh}, sequences, !args.is_reversed, step);
  return args.resets_after ? std::vector{all[1], all[2], all[0]} : std::vector{all[1], all[0]};
}

}  // namespace

constinit const OpDef gru_backward_op{
    .name = "gru_backward",
    .inputs = backward_inputs,
    .args = args_of<RecurrentArgs>,
    .infer = infer_backward,
    .derivative = composed(compose_backward),
    .batch = batch_backward,
    .kernel = {.prepare = prepare_backward, .in_place = {{0, 1}}},
    .work = [](std::span<const Shape> inputs, const Shape& dgates) { return dgates.size() * inputs[0][0]; }};

namespace {

std::vector<Array> reverse_forward(const RecordedCall& call, std::span<const Array> cotangents) {
  const RecurrentArgs& args = call.as<RecurrentArgs>();
  const Array lengths = call.optional(forward_lengths), &ys = call.outputs[0], &products = call.outputs[3], &h = call[input_state];
  const std::vector<Array> changes = apply_all(
      gru_backward_op, {call[input_recurrent], call.outputs[2], products, ys, h, lengths, cotangents[0], cotangents[1]}, call.args);
  const GRUColumns dgates(changes[0]);
  const Array before = states_before(ys, h, lengths, args.is_reversed), dn = args.resets_after ? changes[1] : dgates.n;
  const Array x = x_inside(call, lengths);
  const KernelChanges of_zr = pull_kernels(x, before, dgates.zr);
  const Array of_n = pull_weights(args.resets_after ? before : products, dn);
  std::vector<Array> out{pull_x(call, changes[0]), concatenate({of_zr.kernel, pull_weights(x, dgates.n)}, 1),
                         concatenate({of_zr.recurrent, of_n}, 1), changes.back()};
  if (call.has(forward_bias)) out.push_back(pull_bias(changes[0]));
  if (call.has(forward_state_bias)) out.push_back(concatenate({sum(dgates.zr, {0, 1}), sum(dn, {0, 1})}));
  return out;
}

}  // namespace

constinit const OpDef gru_op{.name = "gru",
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
