#include "gradus/ops/recurrent_rules.hpp"

#include "gradus/base/error.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus::rule {

namespace {

// x without its steps [0, from) and [to, T).
Array steps_of(const Array& x, int64_t from, int64_t to) {
  return strided_slice(x, {0, from, 0}, {x.shape(0), to - from, x.shape(2)}, {1, 1, 1});
}

}  // namespace

recurrent::Sizes recurrent::checked_sizes(const Call& call, int64_t gates, size_t bias, size_t lengths) {
  const Array &x = call[input_x], &kernel = call[input_kernel], &recurrent = call[input_recurrent];
  const std::string_view op = call.op.name;
  if (x.rank() != 3) fail(op, "x is ", x.shape(), "; it must be (batch, steps, features)");
  const Sizes sizes{x.shape(0), x.shape(1), recurrent.rank() == 2 ? recurrent.shape(0) : 0};
  const auto check = [&](const char* name, const Array& array, const Shape& wanted, const char* axes) {
    if (array.exists() && array.shape() != wanted) fail(op, name, " is ", array.shape(), "; it must be ", wanted, ", ", axes);
  };
  const int64_t columns = gates * sizes.units;
  check("recurrent_kernel", recurrent, {sizes.units, columns},
        gates == 1   ? "(units, units)"
        : gates == 3 ? "(units, 3 units)"
                     : "(units, 4 units)");
  check("kernel", kernel, {x.shape(2), columns}, "(features of x, columns of recurrent_kernel)");
  for (size_t i = input_state; i < bias; ++i)
    check(i == input_state ? "h of the state" : "c of the state", call[i], {sizes.batch, sizes.units}, "(batch, units)");
  for (size_t i = bias; i < lengths; ++i) check("bias", call.optional(i), {columns}, "one for each column");
  check("lengths", call.optional(lengths), {sizes.batch}, "one for each sequence");
  return sizes;
}

Array recurrent::gates_of(const Call& call, size_t bias, const Array& is_inside) {
  const Array product = matmul(where_inside(is_inside, call[input_x], 0), call[input_kernel]), b = call.optional(bias);
  return b.exists() ? product + b : product;
}
Array recurrent::x_inside(const Call& call, const Array& lengths) {
  return where_inside(inside(lengths, call[input_x].shape(1)), call[input_x], 0);
}
Array recurrent::pull_x(const Call& call, const Array& dgates) { return matmul(dgates, transpose(call[input_kernel])); }
Array recurrent::pull_bias(const Array& dgates) { return sum(dgates, {0, 1}); }
recurrent::KernelChanges recurrent::pull_kernels(const Array& x, const Array& before, const Array& dgates) {
  const std::vector<Array> parts = split_sizes(pull_weights(concatenate({x, before}, -1), dgates), {x.shape(2), before.shape(2)}, 0);
  return {parts[0], parts[1]};
}
int64_t recurrent::work_of(std::span<const Shape> inputs, const Shape& ys) {
  const Shape &kernel = inputs[input_kernel], &recurrent = inputs[input_recurrent];
  return recurrent[0] == 0 ? 0 : ys.size() * (kernel[0] + recurrent[0]) * (recurrent[1] / recurrent[0]);
}

backend::Recurrence recurrent::recurrence_of(const KernelCall& call, int64_t batch, int64_t steps, int64_t units, size_t lengths) {
  const RecurrentArgs& args = call.as<RecurrentArgs>();
  return {.dtype = call.inputs[0].dtype,
          .batch = batch,
          .steps = steps,
          .units = units,
          .is_reversed = args.is_reversed,
          .is_relu = args.activation == RecurrentActivation::relu,
          .has_lengths = call.has(lengths),
          .resets_after = args.resets_after};
}

backend::Recurrence recurrent::forward_recurrence(const KernelCall& call, size_t bias, size_t lengths) {
  const Shape &x = call.inputs[input_x].shape, &kernel = call.inputs[input_recurrent].shape;
  backend::Recurrence of = recurrence_of(call, x[0], x[1], kernel[0], lengths);
  of.features = x[2];
  of.has_bias = call.has(bias);
  return of;
}

std::vector<Array> recurrent::batch_rows(const Call& call, std::span<const bool> is_batched, int64_t batch_size, uint32_t shared) {
  std::vector<Array> inputs;
  int64_t rows = -1;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    if (shared >> i & 1) {
      if (is_batched[i]) return {};
      inputs.push_back(call[i]);
      continue;
    }
    const Array x = with_batch(call[i], is_batched[i], batch_size);
    Dims sizes = x.shape().dims();
    rows = sizes[1];
    sizes.erase(0);
    sizes[0] = multiply_sizes(call.op.name, batch_size, rows);
    inputs.push_back(reshape(x, Shape(sizes)));
  }
  std::vector<Array> outputs = apply_all(call.op, inputs, call.args);
  for (Array& out : outputs) {
    Dims sizes = out.shape().dims();
    sizes[0] = rows;
    sizes.insert(0, batch_size);
    out = reshape(out, Shape(sizes));
  }
  return outputs;
}

Array recurrent::inside(const Array& lengths, int64_t steps) {
  if (!lengths.exists()) return {};
  return expand_dims(arange(steps), {0, 2}) < expand_dims(lengths, {1, 2});
}
Array recurrent::where_inside(const Array& is_inside, const Array& value, const Array& other) {
  return is_inside.exists() ? where(is_inside, value, other) : value;
}

Array recurrent::states_before(const Array& states, const Array& first, const Array& lengths, bool is_reversed) {
  const int64_t steps = states.shape(1);
  if (steps == 0) return states;
  const Array start = expand_dims(first, 1);
  if (!is_reversed) return concatenate({start, steps_of(states, 0, steps - 1)}, 1);
  const Array moved = concatenate({steps_of(states, 1, steps), start}, 1);
  if (!lengths.exists()) return moved;
  return where(expand_dims(arange(1, steps + 1), {0, 2}) == expand_dims(lengths, {1, 2}), start, moved);
}

recurrent::LSTMStep recurrent::lstm_step(const Array& sums, const Array& c, const Functions& functions) {
  const auto [of_i, of_f, of_g, of_o] = split<4>(sums, -1);
  const Array i = functions.recurrent_activation(of_i), f = functions.recurrent_activation(of_f), g = functions.activation(of_g),
              o = functions.recurrent_activation(of_o), next = f * c + i * g;
  return {o * functions.activation(next), next, concatenate({i, f, g, o}, -1)};
}

recurrent::GRUColumns::GRUColumns(const Array& x) {
  if (!x.exists()) return;
  const int64_t units = x.shape(-1) / 3;
  const std::vector<Array> parts = split_sizes(x, {2 * units, units}, -1);
  zr = parts[0];
  n = parts[1];
}
recurrent::GRUStep recurrent::gru_step(const Array& x, const Array& h, const Array& seen, const GRUKernel& of, const Functions& functions) {
  const auto product = [](const Array& state, const Array& kernel, const Array& bias) {
    return bias.exists() ? matmul(state, kernel) + bias : matmul(state, kernel);
  };
  const GRUColumns columns(x);
  const auto [z, r] = split<2>(functions.recurrent_activation(columns.zr + product(seen, of.kernel.zr, of.bias.zr)), -1);
  const Array p = of.resets_after ? product(seen, of.kernel.n, of.bias.n) : r * seen;
  const Array n = functions.activation(columns.n + (of.resets_after ? r * p : product(p, of.kernel.n, of.bias.n)));
  return {z * h + (1 - z) * n, concatenate({z, r, n}, -1), p};
}

Array recurrent::activate(RecurrentActivation activation, const Array& x) {
  return activation == RecurrentActivation::relu ? relu(x) : tanh(x);
}
Array recurrent::pull_activation(RecurrentActivation activation, const Array& y, const Array& dy) {
  return activation == RecurrentActivation::relu ? where(y > 0, dy, 0) : dy - square(y) * dy;
}
Array recurrent::pull_sigmoid(const Array& y, const Array& dy) { return (y - square(y)) * dy; }

Array recurrent::rows_of(const Array& x) { return reshape(x, {x.shape(0) * x.shape(1), x.shape(2)}); }
Array recurrent::pull_weights(const Array& states, const Array& change) { return matmul(transpose(rows_of(states)), rows_of(change)); }
Array recurrent::or_zeros_of(const Array& change, const Shape& shape, DType dtype) {
  return change.exists() ? change : zeros(shape, dtype);
}

}  // namespace gradus::rule
