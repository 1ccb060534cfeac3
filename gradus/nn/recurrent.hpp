// Recurrent layers over sequences: SimpleRNN, LSTM, GRU. A cell of one's own: nn/rnn.hpp. What they compute: ops/recurrent.hpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/nn/dense.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/recurrent.hpp"

namespace gradus::nn {

/// How a bidirectional layer joins what its two directions give: side by side (units of the first, then of the second), or element by
/// element.
enum class Merge { concatenate, sum, multiply, average };
std::span<const std::string_view> enum_names(Merge);

/// What one layer in one direction learns, in Keras's layout (RecurrentWeights).
struct RecurrentCell {
  Parameter kernel{}, recurrent_kernel{}, bias{};
  GRADUS_PARTS(kernel, recurrent_kernel, bias)
};

/// Options of SimpleRNN. Rates are at least 0 and below 1.
struct SimpleRNNOptions {
  bool return_sequences = false;  ///< give the output of every step, not only the last one
  int64_t layers = 1;             ///< one upon the other, each with weights of its own
  double dropout = 0;             ///< share of each layer's inputs that is dropped in training: the same ones in all steps
  double recurrent_dropout = 0;   ///< the same of the state that the products see; step by step, so slower
  bool bidirectional = false;     ///< each layer in both directions, each with weights of its own
  Merge merge = Merge::concatenate;
  bool go_backwards = false;  ///< from the last step to the first; the outputs stay in the order of x (Keras turns them round)
  bool use_bias = true;
  Initializer kernel_initializer = init::glorot_uniform();
  Initializer recurrent_initializer = init::orthogonal();
  Initializer bias_initializer = init::zeros();
};

/// The simple recurrent network: h' = activation(x W + b + h U) (Elman 1990).
///
///   nn::Sequential model{nn::SimpleRNN(32), nn::Dense(1)};
class SimpleRNN {
 public:
  explicit SimpleRNN(core::Size units, Activation activation = tanh, SimpleRNNOptions options = {});
  SimpleRNN(core::Size units, SimpleRNNOptions options) : SimpleRNN(units, tanh, std::move(options)) {}

  /// The last output (N, units), or with return_sequences all (N, T, units); bidirectional and concatenated twice as wide. As LSTM's.
  Array forward(const Array& x, const Array& lengths = {}) const;
  /// All outputs and the last state, as LSTM's.
  RecurrentResult run(const Array& x, const Array& state = {}, const Array& lengths = {}) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes();

  int64_t units, layers;
  bool return_sequences, bidirectional, go_backwards, use_bias;
  Merge merge;
  double dropout, recurrent_dropout;
  Activation activation;
  Initializer kernel_initializer, recurrent_initializer, bias_initializer;
  std::vector<RecurrentCell> cells{};
  GRADUS_PARTS(units, layers, return_sequences, bidirectional, go_backwards, use_bias, merge, dropout, recurrent_dropout, activation,
               kernel_initializer, recurrent_initializer, bias_initializer, cells)
};

/// Options of LSTM, as SimpleRNN's.
struct LSTMOptions {
  bool return_sequences = false;
  int64_t layers = 1;
  double dropout = 0;
  double recurrent_dropout = 0;
  bool bidirectional = false;
  Merge merge = Merge::concatenate;
  bool go_backwards = false;
  bool use_bias = true;
  bool unit_forget_bias = true;               ///< the forget gate's bias begins 1 higher (Jozefowicz et al. 2015)
  Activation recurrent_activation = sigmoid;  ///< of the gates
  Initializer kernel_initializer = init::glorot_uniform();
  Initializer recurrent_initializer = init::orthogonal();
  Initializer bias_initializer = init::zeros();
};

/// Long short-term memory (Hochreiter and Schmidhuber 1997; Gers et al. 2000): a cell that three gates keep, write and show.
///
///   nn::Sequential model{nn::Embedding(1000, 64), nn::LSTM(128, {.layers = 2, .dropout = 0.2}), nn::Dense(10)};
///   nn::LSTM lstm(8);
///   auto [ys, state] = lstm.run(ones({2, 5, 3}));
///   auto [more, last] = lstm.run(ones({2, 7, 3}), state);     // goes on where the first part has ended
///
/// Its weights are cells[layer * directions + direction]: kernel (D, 4 units), recurrent_kernel (units, 4 units), bias (4 units), gates in
/// the order i, f, g, o, which is Keras's and PyTorch's; PyTorch's are transposed, and its two biases are added.
///
/// With tanh or relu and sigmoid gates all steps are one fused op; with other functions, or recurrent_dropout in training, each is a step
/// of a scan.
class LSTM {
 public:
  explicit LSTM(core::Size units, Activation activation = tanh, LSTMOptions options = {});
  LSTM(core::Size units, LSTMOptions options) : LSTM(units, tanh, std::move(options)) {}

  /// The last output (N, units), or with return_sequences all (N, T, units); bidirectional and concatenated twice as wide. The last output
  /// is the state after the last step that was taken, backwards that is the first.
  ///
  /// x        (N, T, D)
  /// lengths  (N), integers from 0 to T: the steps that count of each sequence; or a mask (N, T), bools, true from the first step on (where
  ///          it is not, the length counts as -1, an error when computed). Past its length a sequence has the output 0 and keeps its state.
  Array forward(const Array& x, const Array& lengths = {}) const;
  /// All outputs (N, T, units) and the last state. Of one layer in one direction the parts of a state are (N, units); of several they are
  /// (layers * directions, N, units), in the order of `cells`.
  LSTMResult run(const Array& x, const LSTMState& state = {}, const Array& lengths = {}) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes();

  int64_t units, layers;
  bool return_sequences, bidirectional, go_backwards, use_bias, unit_forget_bias;
  Merge merge;
  double dropout, recurrent_dropout;
  Activation activation, recurrent_activation;
  Initializer kernel_initializer, recurrent_initializer, bias_initializer;
  std::vector<RecurrentCell> cells{};
  GRADUS_PARTS(units, layers, return_sequences, bidirectional, go_backwards, use_bias, unit_forget_bias, merge, dropout, recurrent_dropout,
               activation, recurrent_activation, kernel_initializer, recurrent_initializer, bias_initializer, cells)
};

/// Options of GRU, as SimpleRNN's.
struct GRUOptions {
  bool return_sequences = false;
  int64_t layers = 1;
  double dropout = 0;
  double recurrent_dropout = 0;
  bool bidirectional = false;
  Merge merge = Merge::concatenate;
  bool go_backwards = false;
  bool use_bias = true;
  bool reset_after = true;  ///< the reset gate is applied after the product of the state (PyTorch, Keras) or before it (Cho et al. 2014)
  Activation recurrent_activation = sigmoid;  ///< of the gates
  Initializer kernel_initializer = init::glorot_uniform();
  Initializer recurrent_initializer = init::orthogonal();
  Initializer bias_initializer = init::zeros();
};

/// Gated recurrent unit (Cho et al. 2014): h' = z h + (1 - z) n. Weights as LSTM's with three gates in the order z, r, n (PyTorch's is r,
/// z, n); the bias is (2, 3 units), one for the input and one for the state, or without reset_after (3 units).
///
///   nn::GRU(64, {.return_sequences = true, .bidirectional = true})
class GRU {
 public:
  explicit GRU(core::Size units, Activation activation = tanh, GRUOptions options = {});
  GRU(core::Size units, GRUOptions options) : GRU(units, tanh, std::move(options)) {}

  /// As LSTM's.
  Array forward(const Array& x, const Array& lengths = {}) const;
  /// All outputs and the last state, as LSTM's.
  RecurrentResult run(const Array& x, const Array& state = {}, const Array& lengths = {}) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes();

  int64_t units, layers;
  bool return_sequences, bidirectional, go_backwards, use_bias, reset_after;
  Merge merge;
  double dropout, recurrent_dropout;
  Activation activation, recurrent_activation;
  Initializer kernel_initializer, recurrent_initializer, bias_initializer;
  std::vector<RecurrentCell> cells{};
  GRADUS_PARTS(units, layers, return_sequences, bidirectional, go_backwards, use_bias, reset_after, merge, dropout, recurrent_dropout,
               activation, recurrent_activation, kernel_initializer, recurrent_initializer, bias_initializer, cells)
};

/// Keras's spelling of a layer in both directions: nn::Bidirectional(nn::LSTM(64), nn::Merge::sum) is nn::LSTM(64, {.bidirectional = true,
/// .merge = nn::Merge::sum}).
template <class L>
requires requires(L& layer) { layer.bidirectional, layer.merge; }
L Bidirectional(L layer, Merge merge = Merge::concatenate) {
  layer.bidirectional = true;
  layer.merge = merge;
  layer.check();
  return layer;
}

}  // namespace gradus::nn
