// Recurrent layers over whole sequences: simple_rnn, lstm, gru. One fused op each does all steps; the layers with parameters are in
// nn/recurrent.hpp. Of floats; float16 and bfloat16 are computed in float32 and rounded once.
#pragma once

#include <cstdint>

#include "gradus/graph/array.hpp"

namespace gradus {

/// The function f of a layer's new values; gates always have the sigmoid.
enum class RecurrentActivation : uint8_t { tanh, relu };

/// What a layer has learnt, in Keras's layout; G is 1 for simple_rnn, 4 for lstm, 3 for gru.
struct RecurrentWeights {
  Array kernel{};            ///< W (D, G H): of the input
  Array recurrent_kernel{};  ///< U (H, G H): of the state
  Array bias{};              ///< b (G H), of gru that resets after the product (2, 3 H): one for each product; empty: none
};

/// Options of simple_rnn, lstm and gru.
struct RecurrentOptions {
  /// (N), integers from 0 to T; an element out of this range is an error when computed. Past its length a sequence has the output 0 and
  /// keeps its state, and what x holds there is not looked at. Empty: all have T steps.
  Array lengths{};
  bool reverse = false;  ///< from the last step (each sequence's own) to the first; ys stay in the order of x
  RecurrentActivation activation = RecurrentActivation::tanh;
  /// gru: whether the reset gate is applied to the product of state and weights (PyTorch, Keras's default) or to the state before it (Cho
  /// et al. 2014).
  bool reset_after = true;
};

/// What simple_rnn and gru give.
struct RecurrentResult {
  Array ys;     ///< (N, T, H): the state after each step
  Array state;  ///< (N, H): the last one; the first one if a sequence has no step
};

/// The state of lstm: its output and its cell, each (N, H).
struct LSTMState {
  Array h{}, c{};
};
/// What lstm gives.
struct LSTMResult {
  Array ys;         ///< (N, T, H): h after each step
  LSTMState state;  ///< the last one
};

/// h' = f(x W + b + h U) for each step (Elman 1990).
///
/// x      (N, T, D): N sequences of T steps
/// state  (N, H); empty: zeros
///
///   auto [ys, state] = simple_rnn(ones({2, 5, 3}), {.kernel = ones({3, 4}), .recurrent_kernel = ones({4, 4})});
RecurrentResult simple_rnn(const Array& x, const RecurrentWeights& weights, const Array& state = {}, const RecurrentOptions& options = {});

/// i, f, g, o = split(x W + b + h U);  c' = sigmoid(f) c + sigmoid(i) f(g);  h' = sigmoid(o) f(c')  (Hochreiter and Schmidhuber 1997; Gers
/// et al. 2000). Shapes as of simple_rnn; either part of the state may be empty.
///
///   auto [ys, state] = lstm(ones({2, 5, 3}), {.kernel = ones({3, 16}), .recurrent_kernel = ones({4, 16})});
LSTMResult lstm(const Array& x, const RecurrentWeights& weights, const LSTMState& state = {}, const RecurrentOptions& options = {});

/// z, r = sigmoid of their parts of x W + b + h U;  h' = z h + (1 - z) n, where of the third part n = f(x W + b + r (h U + b')), or without
/// reset_after n = f(x W + b + (r h) U). Gates in the order z, r, n. (Cho et al. 2014) Shapes as of simple_rnn.
///
///   auto [ys, state] = gru(ones({2, 5, 3}), {.kernel = ones({3, 12}), .recurrent_kernel = ones({4, 12})});
RecurrentResult gru(const Array& x, const RecurrentWeights& weights, const Array& state = {}, const RecurrentOptions& options = {});

}  // namespace gradus
