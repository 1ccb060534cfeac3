// Golden attention, and the blocks made of it.
#include <cmath>

#include "tests/golden/border.hpp"

namespace golden {

using namespace gradus;
using namespace gradus::core;

namespace {

double default_scale(const Array& q) { return 1 / std::sqrt(static_cast<double>(q.shape(-1))); }

Results sdpa(const Call& c) {
  return torch_attention(c["q"], c["k"], c["v"], optional(c, "mask"), c.flag("is_causal"), c.number("scale", default_scale(c["q"])));
}

// (L, N, E) to (N, heads, L, E / heads) and back.
Array split_heads(const Array& x, int64_t heads) {
  return transpose(reshape(x, {x.shape(0), x.shape(1), heads, x.shape(2) / heads}), {1, 2, 0, 3});
}
Array join_heads(const Array& x) {
  return reshape(transpose(x, {2, 0, 1, 3}), {x.shape(2), x.shape(0), x.shape(1) * x.shape(3)});
}
struct Projections {
  Array q, k, v, q_bias, k_bias, v_bias, out, out_bias;
};
Projections stacked(const Array& weight, const Array& bias, const Array& out, const Array& out_bias) {
  const auto [q, k, v] = split<3>(weight, 0);
  Projections p{q, k, v, {}, {}, {}, out, out_bias};
  if (bias.exists()) {
    const auto [qb, kb, vb] = split<3>(bias, 0);
    p.q_bias = qb, p.k_bias = kb, p.v_bias = vb;
  }
  return p;
}
// Masks are true where attention is NOT allowed, or added.
Results multi_head(const Call& c) {
  const bool batch_first = c.flag("batch_first");
  const auto in = [&](const Array& x) { return batch_first ? swapaxes(x, 0, 1) : x; };
  const Array query = in(c["query"]), key = c.has("key") ? in(c["key"]) : query, value = c.has("value") ? in(c["value"]) : key;
  const int64_t heads = c.integer("num_heads");
  Projections p;
  if (c.has("in_proj_weight")) {
    p = stacked(c["in_proj_weight"], optional(c, "in_proj_bias"), c["out_proj_weight"], optional(c, "out_proj_bias"));
  } else {
    p = {c["q_proj_weight"], c["k_proj_weight"], c["v_proj_weight"], {}, {}, {}, c["out_proj_weight"], optional(c, "out_proj_bias")};
    if (c.has("in_proj_bias")) {
      const auto [qb, kb, vb] = split<3>(c["in_proj_bias"], 0);
      p.q_bias = qb, p.k_bias = kb, p.v_bias = vb;
    }
  }
  const Array q = torch_linear(query, p.q, p.q_bias);
  Array k = torch_linear(key, p.k, p.k_bias), v = torch_linear(value, p.v, p.v_bias);
  const int64_t batch = q.shape(1), plain_keys = k.shape(0), width = q.shape(2);
  if (c.has("bias_k")) {
    k = concatenate({k, broadcast_to(reshape(c["bias_k"], {1, 1, width}), {1, batch, width})});
    v = concatenate({v, broadcast_to(reshape(c["bias_v"], {1, 1, width}), {1, batch, width})});
  }
  if (c.flag("add_zero_attn")) {
    k = concatenate({k, zeros({1, batch, width}, k.dtype())});
    v = concatenate({v, zeros({1, batch, width}, v.dtype())});
  }
  const int64_t added = k.shape(0) - plain_keys;
  const auto additive = [&](const Array& mask) {
    const Array floats = mask.dtype() == bool_ ? where(mask, -INFINITY, zeros(mask.shape(), c.dtype)) : mask;
    std::vector<PadWidth> widths(static_cast<size_t>(mask.rank()), PadWidth(0));
    widths.back() = PadWidth(0, added);
    return added ? pad(floats, widths) : floats;
  };
  Array mask;
  if (c.has("attn_mask")) {
    mask = additive(c["attn_mask"]);
    if (mask.rank() == 3) mask = reshape(mask, {batch, heads, mask.shape(1), mask.shape(2)});
  }
  if (c.has("key_padding_mask")) {
    const Array padding = expand_dims(additive(c["key_padding_mask"]), {1, 2});
    mask = mask.exists() ? mask + padding : padding;
  }
  const Array heads_q = split_heads(q, heads);
  const Array heads_k = split_heads(k, heads), attended = attention(heads_q, heads_k, split_heads(v, heads), {.mask = mask});
  const Array y = torch_linear(join_heads(attended), p.out, p.out_bias), weights = attention_weights(heads_q, heads_k, {.mask = mask});
  return {{"y", in(y)}, {"weights", c.flag("average_attn_weights") ? mean(weights, 1) : weights}};
}

// A layer of a transformer over (N, L, E), with the parameters whose names start with `prefix`.
Array block_attention(const Call& c, const std::string& prefix, const Array& x, const Array& memory, bool is_causal) {
  const Projections p = stacked(c[prefix + "_in_proj_weight"], optional(c, prefix + "_in_proj_bias"), c[prefix + "_out_proj_weight"],
                                optional(c, prefix + "_out_proj_bias"));
  const int64_t heads = c.integer("nhead");
  const Array q = split_heads(swapaxes(torch_linear(x, p.q, p.q_bias), 0, 1), heads),
              k = split_heads(swapaxes(torch_linear(memory, p.k, p.k_bias), 0, 1), heads),
              v = split_heads(swapaxes(torch_linear(memory, p.v, p.v_bias), 0, 1), heads);
  return torch_linear(swapaxes(join_heads(torch_attention(q, k, v, {}, is_causal, default_scale(q))), 0, 1), p.out, p.out_bias);
}
Array block_norm(const Call& c, const std::string& name, const Array& x) {
  return layer_norm(x, c[name + "_weight"], c[name + "_bias"], c.number("layer_norm_eps"));
}
Array feed_forward(const Call& c, const Array& x) {
  const Array h = torch_linear(x, c["linear1_weight"], c["linear1_bias"]);
  return torch_linear(c.text("activation") == "gelu" ? gelu(h) : relu(h), c["linear2_weight"], c["linear2_bias"]);
}
// Residual branches with the norm before (norm_first) or after each; a decoder also attends to `memory`.
Results transformer_layer(const Call& c) {
  const bool norm_first = c.flag("norm_first"), batch_first = c.flag("batch_first");
  const auto in = [&](const Array& x) { return batch_first ? x : swapaxes(x, 0, 1); };
  const bool is_causal = c.flag("causal_self_attention");
  Array x = in(c["x"]);
  int number = 0;
  const auto branch = [&](auto f) {
    const std::string norm = "norm" + std::to_string(++number);
    x = norm_first ? x + f(block_norm(c, norm, x)) : block_norm(c, norm, x + f(x));
  };
  branch([&](const Array& h) { return block_attention(c, "self_attn", h, h, is_causal); });
  if (c.has("memory")) branch([&](const Array& h) { return block_attention(c, "multihead_attn", h, in(c["memory"]), false); });
  branch([&](const Array& h) { return feed_forward(c, h); });
  return in(x);
}
Results rotary_embedding(const Call& c) { return rotary(c["x"], {.base = c.number("base")}); }

const Entry table[] = {
    {"scaled_dot_product_attention", sdpa},
    {"multi_head_attention", multi_head},
    {"transformer_encoder_layer", transformer_layer},
    {"transformer_decoder_layer", transformer_layer},
    {"rotary_embedding", rotary_embedding},
};

}  // namespace

Array torch_attention(const Array& q, const Array& k, const Array& v, const Array& mask, bool is_causal, double scale) {
  return attention(q, k, v, {.mask = mask, .causal = is_causal, .scale = scale});
}

Table attention_table() { return table; }

}  // namespace golden
