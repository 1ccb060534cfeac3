// Attention as a layer, and what tells it where tokens stand.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gradus/nn/dense.hpp"
#include "gradus/ops/attention.hpp"

namespace gradus::nn {

/// How attention knows the distance of tokens: not at all (the embedding says it), by rotating queries and keys (RoPE: Su et al. 2021), or
/// by a penalty that grows with the distance (ALiBi: Press, Smith, Lewis 2022).
enum class Distance { none, rotary, alibi };
std::span<const std::string_view> enum_names(Distance);

/// Options of MultiHeadAttention.
struct MultiHeadAttentionOptions {
  bool causal = false;     ///< a token looks at itself and at those before it
  double dropout = 0.0;    ///< of the weights, in training
  int64_t kv_heads = 0;    ///< heads of keys and values, each for heads / kv_heads of the queries; 0: as many as heads
  int64_t head_width = 0;  ///< numbers a head; 0: width / heads
  int64_t window = 0;      ///< look no further than so many tokens; 0: everywhere
  Distance distance = Distance::none;
  double rotary_base = 10000.0;
  bool use_bias = true;
  Initializer kernel_initializer = init::glorot_uniform();
  Initializer bias_initializer = init::zeros();
  GRADUS_OPTIONS(causal, dropout, kv_heads, head_width, window, distance, rotary_base, use_bias, kernel_initializer, bias_initializer)
};

/// Which keys may be looked at, besides what the options of a layer say. Empty Arrays: all.
struct AttentionMask {
  Array allowed{};  ///< bool (true: may look) or float (added to the scores), broadcasts to (N, heads, T, S)
  Array lengths{};  ///< (N,): only the first lengths[n] positions are there
};

/// softmax(q k^T / sqrt(d)) v in `heads` parts of the width, with q, k, v and the result each through a Dense layer of its own (Vaswani et
/// al. 2017).
///
/// x (N, T, width) gives (N, T, width): attention of x to itself. With a memory (N, S, any width): of x to the memory, of which, with lengths
/// (N,), only the first lengths[n] tokens are there.
///
/// Parameters: query, key, value of (width, heads * head_width), the latter two of kv_heads; output of (heads * head_width, width), and
/// their biases. PyTorch's in_proj_weight is (3 width, width): the transposes of query, key and value above each other. Keras's kernels
/// (width, heads, head_width) are ours with the last two axes joined.
///
/// Padding that an Embedding has noted is not looked at (EmbeddingOptions::padding). Inside a DecodingScope causal attention goes on from
/// the keys and values of earlier calls, and attention to a memory keeps those of the first call.
class MultiHeadAttention {
 public:
  explicit MultiHeadAttention(core::Size heads, MultiHeadAttentionOptions options = {});

  Array forward(const Array& x) const { return forward(x, x, AttentionMask{}); }
  Array forward(const Array& x, const Array& memory) const { return forward(x, memory, AttentionMask{}); }
  Array forward(const Array& x, const Array& memory, const Array& lengths) const {
    return forward(x, memory, AttentionMask{.lengths = lengths});
  }
  Array forward(const Array& x, const Array& memory, const AttentionMask& mask) const;
  /// The weights themselves, (N, heads, T, S): what a heat map shows.
  Array weights(const Array& x, const Array& memory, const AttentionMask& mask = {}) const;

  std::string describe() const;
  void check() const;
  static std::span<const core::FieldNote> field_notes();

  int64_t heads;
  MultiHeadAttentionOptions options;
  Parameter query{}, key{}, value{}, output{}, query_bias{}, key_bias{}, value_bias{}, output_bias{};
  GRADUS_PARTS(heads, options, query, key, value, output, query_bias, key_bias, value_bias, output_bias)

 private:
  struct Heads;
  Array project(const Array& x, const Parameter& kernel, const Parameter& bias, int64_t width) const;
  Heads heads_of(const Array& x, const Array& memory, const AttentionMask& mask) const;
};

/// What PositionEmbedding adds: a table that is learnt, or sines and cosines of wave lengths from 2 pi to 10000 * 2 pi (Vaswani et al.
/// 2017).
enum class PositionKind { learned, sinusoidal };
std::span<const std::string_view> enum_names(PositionKind);

/// Options of PositionEmbedding.
struct PositionEmbeddingOptions {
  PositionKind kind = PositionKind::learned;
  Initializer initializer = init::random_normal(0.02);
  GRADUS_OPTIONS(kind, initializer)
};

/// x plus a vector that says where a token stands: (N, T, width) to the same, T at most `length`. Inside a DecodingScope positions go on
/// from those of earlier calls.
///
///   nn::Sequential model{nn::Embedding(96, 128), nn::PositionEmbedding(256), nn::TransformerEncoder(2, 4)};
class PositionEmbedding {
 public:
  explicit PositionEmbedding(core::Size length, PositionEmbeddingOptions options = {});

  Array forward(const Array& x) const;
  std::string describe() const;
  void check() const;
  static std::span<const core::FieldNote> field_notes();

  int64_t length;
  PositionEmbeddingOptions options;
  Parameter table{};
  GRADUS_PARTS(length, options, table)
};

/// Row t holds sin(t w_i), cos(t w_i) side by side with w_i = 10000^(-2i / width): (length, width). An odd width ends with a sine.
///
///   nn::sinusoidal_positions(1, 4)   // [[0. 1. 0. 1.]]
Array sinusoidal_positions(int64_t length, int64_t width);

}  // namespace gradus::nn
