// Which tokens look at which: attention maps, and how they add up over the layers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/explain/target.hpp"

namespace gradus::explain {

/// The weights of one attention layer.
struct AttentionMap {
  std::string place{};    ///< the layer, for example "GPT > blocks.0 (...) > attention (MultiHeadAttention, 4 heads)"
  bool is_cross = false;  ///< of a decoder to what the encoder has made
  Array weights{};        ///< (N, heads, T, S): how much token t listens to token s; rows sum to 1, or are 0 where there is nobody
};

/// The weights of all attention layers that a call of the model at x calls, in the order of the calls. They are computed again from queries
/// and keys: T x S numbers a head.
///
///   nn::Sequential net{nn::Embedding(9, 8), nn::TransformerEncoder(2, 2)};
///   explain::attention_maps(net, array({{1, 2, 3}})).size()   // 2
std::vector<AttentionMap> attention_maps(Function model, const Array& x);

/// How the heads of a layer become one map.
enum class HeadFusion { mean, max, min };
std::span<const std::string_view> enum_names(HeadFusion);

/// Options of attention_rollout.
struct RolloutOptions {
  HeadFusion heads = HeadFusion::mean;
  double residual = 0.5;  ///< how much of a token goes around the attention, by the shortcut; 0 to 1
};

/// Rollout (Abnar and Zuidema 2020): each layer mixes tokens by residual * I + (1 - residual) * A, rows brought back to sum 1; the product
/// of all layers, (N, T, T), says how much of input token s is in output token t. Takes the maps of self-attention and leaves out the
/// others; all must be of one T.
///
///   nn::Sequential net{nn::Embedding(9, 8), nn::TransformerEncoder(2, 2)};
///   explain::attention_rollout(explain::attention_maps(net, array({{1, 2, 3}})))   // (1, 3, 3)
Array attention_rollout(const std::vector<AttentionMap>& maps, const RolloutOptions& options = {});

}  // namespace gradus::explain
