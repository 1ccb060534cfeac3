// Recurrent layers over all steps: what their kernels are prepared for. Private to cpu/ but for what ops/ hands over.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// One layer in one direction. N sequences of T steps; a state of H numbers each. A step at or past the length of its sequence leaves the
/// state as it is and has the output 0.
struct Recurrence {
  DType dtype = float32;  ///< float32 or float64
  int64_t batch = 0, steps = 0, units = 0;
  bool is_reversed = false;  ///< from the last step to the first
  bool is_relu = false;      ///< relu in the place of tanh
  bool has_lengths = false;  ///< (N), int64
  bool resets_after = true;  ///< GRU: the reset gate is applied to the product, not to the state before it
  bool has_bias = false;     ///< GRU: (3H), added to the product of the state
  // Cotangents that a backward kernel gets; the others are zero.
  bool has_dys = false, has_dh = false, has_dc = false;
};

// Gates come as what the input contributes to them, x W + b, (N, T, G H). All arrays are contiguous and of one dtype. Outputs may be
// unneeded. A row of the batch has the same bits whatever the others are, and whatever the number of threads.

/// h = f(gates + h U). gates (N, T, H), U (H, H), h (N, H), [lengths] -> ys (N, T, H), last h (N, H).
KernelPtr prepare_simple_rnn(const Recurrence& of);
/// U, ys, [lengths], [dys], [dh] -> dgates (N, T, H), dh (N, H).
KernelPtr prepare_simple_rnn_backward(const Recurrence& of);

/// i, f, g, o = gates + h U; c = sigmoid(f) c + sigmoid(i) act(g); h = sigmoid(o) act(c). gates (N, T, 4H), U (H, 4H), h, c (N, H),
/// [lengths] -> ys (N, T, H), last h, last c, gates after their functions (N, T, 4H), c of all steps (N, T, H). The fourth may be written
/// over the first input.
KernelPtr prepare_lstm(const Recurrence& of);
/// U, gates after their functions, c of all steps, first c, [lengths], [dys], [dh], [dc] -> dgates, dh, dc. dgates may be written over gates.
KernelPtr prepare_lstm_backward(const Recurrence& of);

/// z, r from sigmoid(gates + h U); n = act(gates + r (h U)), or act(gates + (r h) U); h = z h + (1 - z) n. gates (N, T, 3H), U (H, 3H), h
/// (N, H), [bias], [lengths] -> ys, last h, gates after their functions, the products of n (N, T, H): h U + bias, or r h. The third may be
/// written over the first input.
KernelPtr prepare_gru(const Recurrence& of);
/// U, gates after their functions, products, ys, first h, [lengths], [dys], [dh] -> dgates, dproducts (only where it resets after the
/// product), dh. dgates may be written over gates.
KernelPtr prepare_gru_backward(const Recurrence& of);

}  // namespace gradus::cpu
