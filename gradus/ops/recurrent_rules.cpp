#include "gradus/ops/recurrent_rules.hpp"

#include "gradus/base/error.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus::rule {

namespace {

// x without its steps [0, from) and [to, T).
Array steps_of(const Array& x, int64_t from, int64_t to) {
  return strided_slice(x, {0, from, 0}, {x.shape(0), to - from, x.shape(2)}, {1, 1, 1});
}

}  // namespace

recurrent::Sizes recurrent::checked_sizes(const Call& call, int64_t count, size_t first_state, size_t states, const Array& lengths) {
  const Array &gates = call[0], &kernel = call[1];
  const std::string_view op = call.op.name;
  if (gates.rank() != 3) fail(op, "the gates are ", gates.shape(), "; they must be (batch, steps, ", count, " units)");
  const Sizes sizes{gates.shape(0), gates.shape(1), kernel.rank() == 2 ? kernel.shape(0) : 0};
  const Shape wanted{sizes.units, count * sizes.units};
  if (kernel.shape() != wanted || gates.shape(2) != wanted[1]) {
    fail(op, "recurrent_kernel is ", kernel.shape(), " and the gates have ", gates.shape(2), " columns; it must be (units, ", count,
         " units), of as many columns");
  }
  for (size_t i = first_state; i < first_state + states; ++i) {
    const Shape state{sizes.batch, sizes.units};
    if (call[i].shape() != state)
      fail(op, call.op.inputs[i].name, " of the state is ", call[i].shape(), "; it must be ", state, ", (batch, units)");
  }
  if (lengths.exists() && lengths.shape() != Shape{sizes.batch}) {
    fail(op, "lengths is ", lengths.shape(), "; it must be ", Shape{sizes.batch}, ", one for each sequence");
  }
  return sizes;
}

cpu::Recurrence recurrent::recurrence_of(const KernelCall& call, int64_t batch, int64_t steps, int64_t units, size_t lengths) {
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
