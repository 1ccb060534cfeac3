// Recurrent layers over all steps.
#pragma once

#include "gradus/backend/recurrence.hpp"
#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

using backend::Recurrence;

// x (N, T, D), W (D, G H), U (H, G H), biases (G H), h and c (N, H). All arrays are contiguous and of one dtype. Outputs may be
// unneeded. A row of the batch has the same bits whatever the others are, and whatever the number of threads.

/// h = f(x W + b + h U). x, W, U, h, [b], [lengths] -> ys (N, T, H), last h.
KernelPtr prepare_simple_rnn(const Recurrence& of);
/// U, ys, [lengths], [dys], [dh] -> dgates (N, T, H), of the sums that f is applied to, dh.
KernelPtr prepare_simple_rnn_backward(const Recurrence& of);

/// i, f, g, o = x W + b + h U; c = sigmoid(f) c + sigmoid(i) act(g); h = sigmoid(o) act(c). x, W, U, h, c, [b], [lengths] -> ys, last h,
/// last c, gates after their functions (N, T, 4H), c of all steps (N, T, H).
KernelPtr prepare_lstm(const Recurrence& of);
/// U, gates after their functions, c of all steps, first c, [lengths], [dys], [dh], [dc] -> dgates, dh, dc. dgates may be written over gates.
KernelPtr prepare_lstm_backward(const Recurrence& of);

/// z, r from sigmoid(x W + b + h U); n = act(x W + b + r (h U + b')), or act(x W + b + (r h) U); h = z h + (1 - z) n. x, W, U, h, [b],
/// [b'], [lengths] -> ys, last h, gates after their functions (N, T, 3H), the products of n (N, T, H): h U + b', or r h.
KernelPtr prepare_gru(const Recurrence& of);
/// U, gates after their functions, products, ys, first h, [lengths], [dys], [dh] -> dgates, dproducts (only where it resets after the
/// product), dh. dgates may be written over gates.
KernelPtr prepare_gru_backward(const Recurrence& of);

}  // namespace gradus::cpu
