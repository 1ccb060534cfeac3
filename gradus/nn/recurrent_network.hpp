// What SimpleRNN, LSTM and GRU share: layers and directions of cells over sequences. Private to nn/.
#pragma once

#include "gradus/nn/recurrent.hpp"

namespace gradus::nn::detail {

/// A layer's members as all three have them; it must outlive this.
struct RecurrentNetwork {
  enum class Kind { simple, lstm, gru };
  Kind kind;
  std::string_view name;  ///< in messages: "lstm"
  int64_t units, layers;
  bool is_bidirectional, is_reversed, use_bias, has_unit_forget_bias, resets_after;
  Merge merge;
  double dropout, recurrent_dropout;
  const Activation &activation, *recurrent_activation;  ///< null: there are no gates
  const Initializer &kernel_initializer, &recurrent_initializer, &bias_initializer;
  std::span<const RecurrentCell> cells;

  /// c stays empty but for an LSTM.
  struct Result {
    Array ys, last;
    LSTMState state;
  };
  Result run(const Array& x, const LSTMState& state, const Array& lengths) const;

  int64_t directions() const { return is_bidirectional ? 2 : 1; }
  int64_t gates() const { return kind == Kind::simple ? 1 : kind == Kind::lstm ? 4 : 3; }

 private:
  struct CellRun {
    Array ys;
    LSTMState state;
  };
  CellRun run_cell(const RecurrentCell& cell, const Array& x, const LSTMState& state, const RecurrentOptions& options) const;
  CellRun run_fused(const RecurrentWeights& weights, const Array& x, const LSTMState& state, const RecurrentOptions& options) const;
  CellRun run_steps(const RecurrentWeights& weights, const Array& x, const LSTMState& state, const RecurrentOptions& options) const;
  void note_gates(const RecurrentWeights& weights, const Array& x, const LSTMState& state, const RecurrentOptions& options,
                  const Array& ys) const;
  bool is_fused() const;
  RecurrentWeights weights_of(const RecurrentCell& cell, const Array& x) const;
  LSTMState state_of(const LSTMState& all, size_t cell, int64_t batch) const;
  Array lengths_of(const Array& given, const Array& x) const;
  Array merged(const Array& a, const Array& b) const;
};

template <class L>
RecurrentNetwork network_of(const L& layer) {
  using Kind = RecurrentNetwork::Kind;
  constexpr bool is_lstm = requires { layer.unit_forget_bias; };
  constexpr bool is_gru = requires { layer.reset_after; };
  RecurrentNetwork out{.kind = is_lstm  ? Kind::lstm
                               : is_gru ? Kind::gru
                                        : Kind::simple,
                       .name = is_lstm  ? "lstm"
                               : is_gru ? "gru"
                                        : "simple_rnn",
                       .units = layer.units,
                       .layers = layer.layers,
                       .is_bidirectional = layer.bidirectional,
                       .is_reversed = layer.go_backwards,
                       .use_bias = layer.use_bias,
                       .has_unit_forget_bias = false,
                       .resets_after = true,
                       .merge = layer.merge,
                       .dropout = layer.dropout,
                       .recurrent_dropout = layer.recurrent_dropout,
                       .activation = layer.activation,
                       .recurrent_activation = nullptr,
                       .kernel_initializer = layer.kernel_initializer,
                       .recurrent_initializer = layer.recurrent_initializer,
                       .bias_initializer = layer.bias_initializer,
                       .cells = layer.cells};
  if constexpr (is_lstm) out.has_unit_forget_bias = layer.unit_forget_bias;
  if constexpr (is_gru) out.resets_after = layer.reset_after;
  if constexpr (is_lstm || is_gru) out.recurrent_activation = &layer.recurrent_activation;
  return out;
}

}  // namespace gradus::nn::detail
