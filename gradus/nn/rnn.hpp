// RNN: a cell of one's own over sequences; and the library's cells. The layers that need no cell: nn/recurrent.hpp.
#pragma once

#include <utility>
#include <vector>

#include "gradus/graph/index.hpp"
#include "gradus/nn/decoding.hpp"
#include "gradus/nn/module.hpp"
#include "gradus/nn/recurrent.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/control.hpp"

namespace gradus::nn {

/// What RNN takes as a cell: a module with initial_state(x), which gives the state before the first step of x (N, D), an element of the
/// sequence; and with forward(x, state), which gives std::pair{y, next state}. A state is an Array, or a pair, tuple or vector of them.
template <class C>
concept RNNCell = Module<C> && requires(const C& cell, const Array& x) {
  cell.forward(x, cell.initial_state(x)).first;
  cell.forward(x, cell.initial_state(x)).second;
};

/// Options of RNN.
struct RNNOptions {
  bool return_sequences = false;  ///< give the output of every step, not only the last one
  bool go_backwards = false;      ///< from the last step to the first; the outputs stay in the order of x
};

/// A cell over the steps of sequences (N, T, D), by one scan: as many steps as there are cost no more to record.
///
///   nn::RNN rnn(nn::LSTMCell(8), {.return_sequences = true});
///   rnn(ones({2, 5, 3}))   // (2, 5, 8)
template <RNNCell C>
class RNN {
 public:
  explicit RNN(C cell, RNNOptions options = {})
      : cell(std::move(cell)), return_sequences(options.return_sequences), go_backwards(options.go_backwards) {}

  /// The output of the last step that was taken, or with return_sequences all outputs, (N, T, ...). Inside a DecodingScope the state goes
  /// on from the last call's; the arrays of a state must then have the batch as their first axis.
  Array forward(const Array& x) const {
    check(x);
    DecodingScope* const decoding = DecodingScope::current();
    const Array ys = decoding ? continued(x, *decoding) : run(x).first;
    if (return_sequences) return ys;
    if (x.shape(1) == 0) core::fail("rnn", "x is ", x.shape(), ", without a step; there is no last output");
    return ys[{slice(), go_backwards ? 0 : -1}];
  }
  /// All outputs and the last state, as a pair: auto [ys, state] = rnn.run(x, state).
  auto run(const Array& x) const {
    check(x);
    return run(x, first_state(x));
  }
  template <class State>
  auto run(const Array& x, const State& state) const {
    check(x);
    // Parameters are made outside of the loop, by a step that is never computed.
    if (!is_built(cell)) call(cell, zeros({x.shape(0), x.shape(2)}, x.dtype()), state);
    const auto step = [&](const State& now, const Array& x_now) {
      auto [y, next] = call(cell, x_now, now);
      return std::pair{State(std::move(next)), std::move(y)};
    };
    auto [last, ys] = scan(step, state, swapaxes(x, 0, 1), {.reverse = go_backwards});
    return std::pair{swapaxes(ys, 0, 1), std::move(last)};
  }

  C cell;
  bool return_sequences, go_backwards;
  GRADUS_PARTS(cell, return_sequences, go_backwards)

 private:
  auto first_state(const Array& x) const { return cell.initial_state(zeros({x.shape(0), x.shape(2)}, x.dtype())); }
  Array continued(const Array& x, DecodingScope& decoding) const {
    if (go_backwards) core::fail("rnn", "it goes backwards; only a layer that goes forwards can be continued inside a DecodingScope");
    decoding.expect("rnn", x.shape(1));
    const std::vector<Array> kept = decoding.last("rnn", [] { return std::vector<Array>(); });
    core::Returned<decltype(first_state(x))> state(first_state(x));
    size_t next = 0;
    if (!kept.empty()) core::visit_arrays(state, [&](Array& array) { array = kept[next++]; });
    auto [ys, last] = run(x, state);
    decoding.keep(core::arrays_in(last));
    return ys;
  }
  static void check(const Array& x) {
    if (x.rank() != 3) core::fail("rnn", "x is ", x.shape(), "; it must be (batch, steps, features)");
  }
};

/// Options of the cells.
struct CellOptions {
  bool use_bias = true;
  bool reset_after = true;  ///< of GRUCell, as GRU's
  Initializer kernel_initializer = init::glorot_uniform();
  Initializer recurrent_initializer = init::orthogonal();
  Initializer bias_initializer = init::zeros();
};

/// One step of SimpleRNN: x (N, D) and state (N, units) to the pair of output and next state, which are the same.
class SimpleRNNCell {
 public:
  explicit SimpleRNNCell(core::Size units, Activation activation = tanh, CellOptions options = {});
  SimpleRNNCell(core::Size units, CellOptions options) : SimpleRNNCell(units, tanh, std::move(options)) {}

  std::pair<Array, Array> forward(const Array& x, const Array& state) const;
  Array initial_state(const Array& x) const;

  SimpleRNN layer;
  GRADUS_PARTS(layer)
};

/// One step of LSTM: x (N, D) and the pair of h and c, each (N, units), to the pair of output and next state.
///
///   nn::LSTMCell cell(8);
///   auto [y, state] = cell(ones({2, 3}), cell.initial_state(ones({2, 3})));
class LSTMCell {
 public:
  explicit LSTMCell(core::Size units, Activation activation = tanh, CellOptions options = {});
  LSTMCell(core::Size units, CellOptions options) : LSTMCell(units, tanh, std::move(options)) {}

  std::pair<Array, std::pair<Array, Array>> forward(const Array& x, const std::pair<Array, Array>& state) const;
  std::pair<Array, Array> initial_state(const Array& x) const;

  LSTM layer;
  GRADUS_PARTS(layer)
};

/// One step of GRU: x (N, D) and state (N, units) to the pair of output and next state, which are the same.
class GRUCell {
 public:
  explicit GRUCell(core::Size units, Activation activation = tanh, CellOptions options = {});
  GRUCell(core::Size units, CellOptions options) : GRUCell(units, tanh, std::move(options)) {}

  std::pair<Array, Array> forward(const Array& x, const Array& state) const;
  Array initial_state(const Array& x) const;

  GRU layer;
  GRADUS_PARTS(layer)
};

}  // namespace gradus::nn
