// The border between PyTorch's conventions and ours: images come as N, C, spatial and go through Gradus as N, spatial, C; weights of
// convolutions come as O, I, k... and go as k..., I, O; weights of dense layers come as O, I and go as I, O.
#pragma once

#include "tests/golden/call.hpp"

namespace golden {

/// x weight^T + bias; bias may be empty.
Array torch_linear(const Array& x, const Array& weight, const Array& bias);
/// N, C, spatial to N, spatial, C and back.
Array channels_last(const Array& x);
Array channels_first(const Array& x);
/// O, I, k... to k..., I, O.
Array kernel_of(const Array& weight);

/// A convolution of N, C, spatial (one or two spatial axes) with attributes stride, padding (numbers or "same"), dilation, groups.
Array torch_convolution(const Array& x, const Array& weight, const Array& bias, const Json& attrs);
Results transposed_convolution(const Call& c);
/// Pooling of N, C, H, W with windows that do not overlap.
Array torch_max_pool(const Array& x, int64_t size);
Array torch_average_pool(const Array& x, int64_t size);
/// softmax(q k^T scale + mask) v over the last two axes; mask may be empty, true where attention is allowed, or added.
Array torch_attention(const Array& q, const Array& k, const Array& v, const Array& mask, bool is_causal, double scale);

/// One step of a recurrent layer with PyTorch's weights (biases may be empty): the new state.
struct CellWeights {
  Array input, hidden, input_bias{}, hidden_bias{};
};
Array rnn_step(const Array& x, const Array& h, const CellWeights& w, bool is_relu);
Array gru_step(const Array& x, const Array& h, const CellWeights& w);
std::pair<Array, Array> lstm_step(const Array& x, const Array& h, const Array& c, const CellWeights& w);

/// The weights of a simple or LSTM layer, and of a GRU, in Keras's layout.
gradus::RecurrentWeights weights_of(const CellWeights& w);
gradus::RecurrentWeights gru_weights_of(const CellWeights& w);

/// Losses of single examples under PyTorch's "reduction".
Array reduced(const Array& losses, const std::string& reduction);
/// -log softmax(logits)[target] with classes on axis 1 of PyTorch (N, C, ...).
Array torch_cross_entropy(const Array& logits, const Array& target, const std::string& reduction, double smoothing);

/// a b / (|a| |b|) along an axis, lengths at least eps.
Array cosine_of(const Array& a, const Array& b, int64_t axis, double eps);

/// The input `name`, or an empty Array.
inline Array optional(const Call& c, const std::string& name) { return c.has(name) ? c[name] : Array(); }

}  // namespace golden
