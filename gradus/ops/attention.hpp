// Attention: softmax(q k^T) v in tiles, with masks, grouped heads, positions. Layers that project to q, k and v are built on it.
#pragma once

#include <optional>

#include "gradus/graph/array.hpp"
#include "gradus/ops/random.hpp"

namespace gradus {

/// Who may look at whom, and what is added to scores. Query i stands at position i + offset among the keys 0, 1, ...; a key is looked at if
/// none of these forbids it. A query that may look at nothing has result and gradients 0.
struct AttentionOptions {
  /// bool: true where a query may look at a key; or floats, which are added to the scores and have a gradient. Broadcasts to (..., heads,
  /// T, S), also with time_first.
  Array mask{};
  bool causal = false;  ///< keys up to the query's position only
  /// The nearest keys only: with causal the last `window` ones up to the query's position, else those less than `window` away; 0: all.
  int64_t window = 0;
  std::optional<double> scale{};     ///< what q k^T is multiplied by; 1 / sqrt(d) if not given
  double dropout = 0;                ///< rate at which weights are set to 0, the others divided by 1 - dropout
  std::optional<random::Key> key{};  ///< decides what is dropped; if not given, the default generator does
  /// Integers, one for all or one an example (the axes before the heads): keys from there on are padding, of which nothing is read. One
  /// that is negative or above S is an error when it is computed.
  Array lengths{};
  /// Integers, likewise: the position of query 0; 0 if not given. It is an operand: with a key-value cache that grows from step to step no
  /// new plan is made.
  Array offset{};
  /// (heads,): slope * |position - key| is subtracted from the scores (ALiBi: Press, Smith, Lewis 2022).
  Array slopes{};
  /// q, k, v and the result are (..., T, heads, d), as projections have them, instead of (..., heads, T, d). Nothing is copied.
  bool time_first = false;
};

/// Scaled dot-product attention (Vaswani et al. 2017): softmax(scale q k^T + mask - slopes |position - key|) v, over the keys.
///
/// q        (..., heads, T, d), of floats; rank 2 is one head
/// k, v     (..., kv_heads, S, d), (..., kv_heads, S, dv); kv_heads divides heads: heads that follow each other share one (grouped and
///          multi-query attention: Shazeer 2019; Ainslie et al. 2023)
/// returns  (..., heads, T, dv)
///
/// Neither forward nor backward stores an array of T x S: tiles of scores pass through the cache (Milakov, Gimelshein 2018; Dao et al.
/// 2022), and those that causal, window, lengths or a bool mask rule out are not computed. 16-bit floats are computed in float32. Of NaN
/// and infinity in v, those at hidden keys may reach results all the same: 0 times infinity is NaN.
///
///   attention(q, k, v, {.causal = true})
///   attention(q, cache_k, cache_v, {.causal = true, .lengths = steps + 1, .offset = steps})
Array attention(const Array& q, const Array& k, const Array& v);
Array attention(const Array& q, const Array& k, const Array& v, const AttentionOptions& options);

/// The weights that attention gives to v: (..., heads, T, S), each row with the sum 1, or 0 where there is nothing to look at; without
/// dropout. An array of T x S, for pictures and inspection.
Array attention_weights(const Array& q, const Array& k);
Array attention_weights(const Array& q, const Array& k, const AttentionOptions& options);

}  // namespace gradus
