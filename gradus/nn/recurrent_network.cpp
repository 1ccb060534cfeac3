#include "gradus/nn/recurrent_network.hpp"

#include "gradus/base/error.hpp"
#include "gradus/nn/observation.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/recurrent_rules.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/steps.hpp"

namespace gradus::nn::detail {

using namespace core;
using namespace rule::recurrent;

namespace {

// x with the same features dropped in all steps (Gal and Ghahramani 2016).
Array dropped(const Array& x, double rate, const Shape& shape) {
  return x * gradus::dropout(ones(shape, x.dtype()), rate, TrainingMode::next_dropout_key());
}

}  // namespace

RecurrentNetwork::Result RecurrentNetwork::run(const Array& x, const LSTMState& state, const Array& lengths) const {
  if (x.rank() != 3) fail(name, "x is ", x.shape(), "; it must be (batch, steps, features)");
  if (dropout > 0 || recurrent_dropout > 0) note_call(kind == Kind::lstm ? "LSTM" : kind == Kind::gru ? "GRU" : "SimpleRNN");
  const Array counts = lengths_of(lengths, x);
  Result out{x, {}, {}};
  std::vector<Array> hs, cs;
  for (int64_t layer = 0; layer < layers; ++layer) {
    Array input = out.ys;
    if (dropout > 0 && TrainingMode::is_on()) input = dropped(input, dropout, {input.shape(0), 1, input.shape(2)});
    for (int64_t direction = 0; direction < directions(); ++direction) {
      const auto cell = static_cast<size_t>(layer * directions() + direction);
      const CellRun here = run_cell(cells[cell], input, state_of(state, cell, x.shape(0)),
                                    {.lengths = counts, .reverse = is_reversed != (direction == 1), .reset_after = resets_after});
      out.ys = direction == 0 ? here.ys : merged(out.ys, here.ys);
      out.last = direction == 0 ? here.state.h : merged(out.last, here.state.h);
      hs.push_back(here.state.h);
      cs.push_back(here.state.c);
    }
  }
  out.state.h = hs.size() == 1 ? hs[0] : stack(hs);
  if (kind == Kind::lstm) out.state.c = cs.size() == 1 ? cs[0] : stack(cs);
  return out;
}

RecurrentNetwork::CellRun RecurrentNetwork::run_cell(const RecurrentCell& cell, const Array& x, const LSTMState& state,
                                                     const RecurrentOptions& options) const {
  const RecurrentWeights weights = weights_of(cell, x);
  CellRun out = is_fused() ? run_fused(weights, x, state, options) : run_steps(weights, x, state, options);
  if (ObservationScope::is_open()) note_gates(weights, x, state, options, out.ys);
  return out;
}

// Gates follow from the inputs and the states before them, which are the outputs of the steps before.
void RecurrentNetwork::note_gates(const RecurrentWeights& weights, const Array& x, const LSTMState& state, const RecurrentOptions& options,
                                  const Array& ys) const {
  const Array first = expand_dims(state.h.exists() ? state.h : zeros({x.shape(0), units}, x.dtype()), 1);
  const Array before =
      options.reverse ? concatenate({ys[{slice(), slice(1, {})}], first}, 1) : concatenate({first, ys[{slice(), slice({}, -1)}]}, 1);
  if (kind != Kind::simple) {
    Array sums = matmul(x, weights.kernel) + matmul(before, weights.recurrent_kernel);
    if (weights.bias.exists()) sums = sums + (weights.bias.rank() == 2 ? sum(weights.bias, 0) : weights.bias);
    const auto note = [&](std::string_view gate, int64_t block) {
      ObservationScope::note(gate, (*recurrent_activation)(sums[{slice(), slice(), slice(block * units, (block + 1) * units)}]));
    };
    if (kind == Kind::lstm) {
      note("input gate", 0);
      note("forget gate", 1);
      note("output gate", 3);
    } else {
      note("update gate", 0);
      note("reset gate", 1);
    }
  }
  ObservationScope::note("state", ys);
}

bool RecurrentNetwork::is_fused() const {
  if (recurrent_dropout > 0 && TrainingMode::is_on()) return false;
  const bool has_gates = !recurrent_activation || recurrent_activation->name() == "sigmoid";
  return has_gates && (activation.name() == "tanh" || activation.name() == "relu");
}

RecurrentNetwork::CellRun RecurrentNetwork::run_fused(const RecurrentWeights& weights, const Array& x, const LSTMState& state,
                                                      const RecurrentOptions& options) const {
  RecurrentOptions with = options;
  with.activation = activation.name() == "relu" ? RecurrentActivation::relu : RecurrentActivation::tanh;
  if (kind == Kind::lstm) {
    const auto [ys, last] = lstm(x, weights, state, with);
    return {ys, last};
  }
  const auto [ys, last] = kind == Kind::gru ? gru(x, weights, state.h, with) : simple_rnn(x, weights, state.h, with);
  return {ys, {last, {}}};
}

RecurrentNetwork::CellRun RecurrentNetwork::run_steps(const RecurrentWeights& weights, const Array& x, const LSTMState& state,
                                                      const RecurrentOptions& options) const {
  const Array mask = inside(options.lengths, x.shape(1)), zero = zeros({x.shape(0), units}, x.dtype());
  std::vector<Array> carries{state.h.exists() ? state.h : zero};
  if (kind == Kind::lstm) carries.push_back(state.c.exists() ? state.c : zero);
  const bool has_two = kind == Kind::gru && resets_after && weights.bias.exists();
  const Array of_input = has_two ? weights.bias[0] : weights.bias, product = matmul(where_inside(mask, x, 0), weights.kernel);
  std::vector<Array> sequences{of_input.exists() ? product + of_input : product};
  if (mask.exists()) sequences.push_back(mask);
  const bool drops = recurrent_dropout > 0 && TrainingMode::is_on();
  const Array keeps = drops ? dropped(ones_like(zero), recurrent_dropout, zero.shape()) : Array();
  const GRUKernel kernel =
      kind == Kind::gru ? GRUKernel{GRUColumns(weights.recurrent_kernel), GRUColumns(has_two ? weights.bias[1] : Array()), resets_after}
                        : GRUKernel{GRUColumns({}), GRUColumns({})};
  const Activation gate = recurrent_activation ? *recurrent_activation : Activation();
  const auto step = [&](const std::vector<Array>& now, const std::vector<Array>& elements) -> std::vector<Array> {
    const Array &x_now = elements[0], seen = drops ? now[0] * keeps : now[0], is_inside = mask.exists() ? elements[1] : Array();
    std::vector<Array> next;
    if (kind == Kind::lstm) {
      const auto [h, c, gates] = rule::recurrent::lstm_step(x_now + matmul(seen, weights.recurrent_kernel), now[1], {activation, gate});
      next = {h, c};
    } else if (kind == Kind::gru) {
      next = {gru_step(x_now, now[0], seen, kernel, {activation, gate}).h};
    } else {
      next = {activation(x_now + matmul(seen, weights.recurrent_kernel))};
    }
    const Array y = where_inside(is_inside, next[0], 0);
    for (size_t i = 0; i < next.size(); ++i) next[i] = where_inside(is_inside, next[i], now[i]);
    next.push_back(y);
    return next;
  };
  const std::vector<Array> out = rule::loop_over_steps(carries, sequences, options.reverse, step);
  return {out.back(), {out[0], kind == Kind::lstm ? out[1] : Array()}};
}

RecurrentWeights RecurrentNetwork::weights_of(const RecurrentCell& cell, const Array& x) const {
  const int64_t columns = gates() * units;
  const Array& kernel = weight(cell.kernel, {x.shape(-1), columns}, kernel_initializer);
  check_dtype(name, x, kernel);
  const Array& recurrent = cell.recurrent_kernel({units, columns}, recurrent_initializer);
  if (!use_bias) return {kernel, recurrent, {}};
  const Shape sizes = kind == Kind::gru && resets_after ? Shape{2, columns} : Shape{columns};
  const Array& bias = cell.bias(sizes, [&](const Shape& shape) {
    const Array first = bias_initializer.beside(fans_of(kernel.shape()))(shape);
    if (!has_unit_forget_bias) return first;
    return first + concatenate({zeros(units), ones(units), zeros(2 * units)}).astype(first.dtype());
  });
  return {kernel, recurrent, bias};
}

LSTMState RecurrentNetwork::state_of(const LSTMState& all, size_t cell, int64_t batch) const {
  const auto count = static_cast<int64_t>(cells.size());
  const Shape wanted = count == 1 ? Shape{batch, units} : Shape{count, batch, units};
  const auto part = [&](const Array& state, const char* which) {
    if (!state.exists()) return Array();
    if (state.shape() != wanted)
      fail(name, "the state's ", which, " is ", state.shape(), "; it must be ", wanted,
           count == 1 ? ", (batch, units)" : ", (cells, batch, units)");
    return count == 1 ? state : state[static_cast<int64_t>(cell)];
  };
  return {part(all.h, "h"), part(all.c, "c")};
}

Array RecurrentNetwork::lengths_of(const Array& given, const Array& x) const {
  if (!given.exists() || given.dtype() != bool_) return given;
  const Shape wanted{x.shape(0), x.shape(1)};
  if (given.shape() != wanted) fail(name, "the mask is ", given.shape(), "; it must be ", wanted, ", (batch, steps)");
  const Array counts = sum(given.astype(int64), 1);
  const Array is_first = expand_dims(arange(x.shape(1)), 0) < expand_dims(counts, 1);
  return where(all(given == is_first, 1), counts, -1);
}

Array RecurrentNetwork::merged(const Array& a, const Array& b) const {
  switch (merge) {
    case Merge::concatenate:
      return concatenate({a, b}, -1);
    case Merge::sum:
      return a + b;
    case Merge::multiply:
      return a * b;
    case Merge::average:
      return 0.5 * (a + b);
  }
  fail_bug("an unknown merge");
}

}  // namespace gradus::nn::detail
