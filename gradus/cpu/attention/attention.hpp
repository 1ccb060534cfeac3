// Scaled dot-product attention in tiles with an online softmax, forward and backward. No array of queries x keys is ever stored.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// Steps in elements from one example, head, row and column of an array of rank 4 to the next; 0 repeats.
struct AttentionSteps {
  int64_t example = 0, head = 0, row = 0, column = 0;
};

/// One call. Arrays are (examples, heads, rows, columns) in the sense of the steps above, whatever the order of their axes.
///   scores = scale q k^T + mask - slope |position - key|, with position = query + offset; -infinity for keys that may not be looked at
///   y = softmax(scores) v, 0 for queries with nothing to look at
///   sums = the largest score, +infinity for those;  log sum e^(score - largest), which beside a score of -1e9 would be lost in their sum
struct Attention {
  DType dtype{};
  int64_t examples = 0, heads = 0, kv_heads = 0, queries = 0, keys = 0, width = 0, value_width = 0;
  double scale = 1;
  bool is_causal = false;  ///< keys up to the position only
  int64_t window = 0;      ///< keys nearer than this to the position only; 0: all
  double dropout = 0;      ///< rate at which weights are set to 0
  AttentionSteps q{}, k{}, v{}, y{};
  AttentionSteps dy{}, dq{}, dk{}, dv{};  ///< of the backward pass
  bool has_mask = false, is_bool_mask = false;
  AttentionSteps mask{};     ///< true: may look; or numbers to be added, in the dtype that is computed in
  bool has_lengths = false;  ///< (examples), int64: keys from there on are not there
  int64_t offsets = 0;       ///< how many there are: none, 1 or one an example; int64
  bool has_slopes = false;   ///< (heads), in the dtype that is computed in
  int64_t draw_keys = 0;     ///< how many there are, int64; each serves as many examples in turn
  int64_t length_step = 1, offset_step = 1, slope_step = 1, draw_key_step = 1;  ///< in elements from one to the next
};

/// Inputs q, k, v, then mask, lengths (int64), offsets (int64), slopes, draw keys (int64) where they are there; outputs y, sums (examples,
/// heads, queries, 2; float32 for 16-bit dtypes), either of which may be unneeded. A length that is negative or above `keys` ends the run.
/// The weight of query i and key j is dropped by word ((example * heads + head) * queries + i) * keys + j of the draw key (random.hpp),
/// where `example` counts from the first one of that draw key.
KernelPtr prepare_attention(const Attention& attention);

/// Inputs q, k, v, y, sums, dy, then as above; outputs dq, dk, dv, any of which may be unneeded. Sums over queries have a fixed order.
///   p = e^(scores - sums[0] - sums[1]);  ds = p (dy v^T - sum(dy y));  dq = scale ds k;  dk = scale ds^T q;  dv = p^T dy
KernelPtr prepare_attention_backward(const Attention& attention);

}  // namespace gradus::cpu
