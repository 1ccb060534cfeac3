// The Transformer (Vaswani et al. 2017): blocks of attention and a two-layer network, and stacks of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gradus/nn/attention.hpp"
#include "gradus/nn/norm.hpp"

namespace gradus::nn {

/// Options of all parts of a Transformer.
struct TransformerOptions {
  int64_t hidden = 0;  ///< units between the two Dense layers; 0: four times the width
  Activation activation = gelu;
  bool pre_norm = true;  ///< the norm stands before attention and network (GPT-2), else after their sums (the paper, BERT)
  double dropout = 0.0;  ///< of what attention and network add, in training
  double attention_dropout = 0.0;
  bool causal = false;  ///< of a decoder always
  double epsilon = 1e-5;
  int64_t kv_heads = 0;
  int64_t window = 0;
  Distance distance = Distance::none;
  double rotary_base = 10000.0;
  bool use_bias = true;
  Initializer kernel_initializer = init::glorot_uniform();
  GRADUS_OPTIONS(hidden, activation, pre_norm, dropout, attention_dropout, causal, epsilon, kv_heads, window, distance, rotary_base,
                 use_bias, kernel_initializer)

  /// Those of its attention.
  MultiHeadAttentionOptions attention() const;
};

/// dense_out(activation(dense_in(x))), both layers with the width of x outside and options.hidden within.
class FeedForward {
 public:
  explicit FeedForward(TransformerOptions options = {}) : options(std::move(options)) { check(); }
  Array forward(const Array& x) const;
  void check() const;
  static std::span<const core::FieldNote> field_notes() { return {}; }

  TransformerOptions options;
  Parameter in{}, in_bias{}, out{}, out_bias{};
  GRADUS_PARTS(options, in, in_bias, out, out_bias)

 private:
  Array project(const Array& x, const Parameter& kernel, const Parameter& bias, int64_t units) const;
};

/// One block of an encoder: (N, T, width) to the same.
///  pre-norm:   h = x + attention(norm(x)),  y = h + network(norm(h))
///  post-norm:  h = norm(x + attention(x)),  y = norm(h + network(h))
class TransformerEncoderLayer {
 public:
  explicit TransformerEncoderLayer(core::Size heads, TransformerOptions options = {});

  Array forward(const Array& x) const { return forward(x, AttentionMask{}); }
  /// Of which only the first lengths[n] positions are there.
  Array forward(const Array& x, const Array& lengths) const { return forward(x, AttentionMask{.lengths = lengths}); }
  Array forward(const Array& x, const AttentionMask& mask) const;
  std::string describe() const { return attention.describe(); }
  void check();
  static std::span<const core::FieldNote> field_notes();

  int64_t heads;
  TransformerOptions options;
  MultiHeadAttention attention;
  LayerNorm attention_norm, network_norm;
  FeedForward network;
  GRADUS_PARTS(heads, options, attention, attention_norm, network_norm, network)
};

/// One block of a decoder: causal attention to itself, attention to what the encoder has made of the source, network.
class TransformerDecoderLayer {
 public:
  explicit TransformerDecoderLayer(core::Size heads, TransformerOptions options = {});

  /// x (N, T, width), memory (N, S, width of the encoder), lengths (N,) of the memory.
  Array forward(const Array& x, const Array& memory) const { return forward(x, memory, AttentionMask{}); }
  Array forward(const Array& x, const Array& memory, const Array& lengths) const {
    return forward(x, memory, AttentionMask{.lengths = lengths});
  }
  Array forward(const Array& x, const Array& memory, const AttentionMask& memory_mask) const;
  std::string describe() const { return attention.describe(); }
  void check();

  int64_t heads;
  TransformerOptions options;
  MultiHeadAttention attention, cross_attention;
  LayerNorm attention_norm, cross_norm, network_norm;
  FeedForward network;
  GRADUS_PARTS(heads, options, attention, cross_attention, attention_norm, cross_norm, network_norm, network)
};

/// So many blocks one after the other, with a norm at the end if they are pre-norm.
///
///   nn::Sequential gpt{nn::Embedding(256, 128), nn::PositionEmbedding(128), nn::TransformerEncoder(4, 4, {.causal = true}),
///   nn::Dense(256)};
class TransformerEncoder {
 public:
  TransformerEncoder(core::Size layers, core::Size heads, TransformerOptions options = {});

  Array forward(const Array& x) const { return forward(x, AttentionMask{}); }
  Array forward(const Array& x, const Array& lengths) const { return forward(x, AttentionMask{.lengths = lengths}); }
  Array forward(const Array& x, const AttentionMask& mask) const;
  std::string describe() const { return core::concat(layers, layers == 1 ? " block" : " blocks"); }
  void check();
  static std::span<const core::FieldNote> field_notes();

  int64_t layers, heads;
  TransformerOptions options;
  std::vector<TransformerEncoderLayer> blocks{};
  LayerNorm norm;
  GRADUS_PARTS(layers, heads, options, blocks, norm)
};

/// The same of decoder blocks.
class TransformerDecoder {
 public:
  TransformerDecoder(core::Size layers, core::Size heads, TransformerOptions options = {});

  Array forward(const Array& x, const Array& memory) const { return forward(x, memory, AttentionMask{}); }
  Array forward(const Array& x, const Array& memory, const Array& lengths) const {
    return forward(x, memory, AttentionMask{.lengths = lengths});
  }
  Array forward(const Array& x, const Array& memory, const AttentionMask& memory_mask) const;
  std::string describe() const { return core::concat(layers, layers == 1 ? " block" : " blocks"); }
  void check();

  int64_t layers, heads;
  TransformerOptions options;
  std::vector<TransformerDecoderLayer> blocks{};
  LayerNorm norm;
  GRADUS_PARTS(layers, heads, options, blocks, norm)
};

}  // namespace gradus::nn
