// Blocks and stacks of the Transformer.
#include "gradus/nn/transformer.hpp"

#include <utility>

#include "gradus/base/error.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/random.hpp"

namespace gradus::nn {

using namespace core;

namespace {

constexpr FieldNote kLayers{"layers", "blocks one after the other", range::positive, true},
    kHeads{"heads", "parts of the width that look on their own", range::positive, true};

// The part of a block that stands around a sum: x + what `inner` makes of it, with the norm before or after.
template <class Inner>
Array added(const Array& x, const LayerNorm& norm, const TransformerOptions& options, const Inner& inner) {
  Array y = inner(options.pre_norm ? norm(x) : x);
  if (options.dropout > 0) {
    detail::note_call("Dropout");
    if (TrainingMode::is_on()) y = dropout(y, options.dropout, TrainingMode::next_dropout_key());
  }
  return options.pre_norm ? x + y : norm(x + y);
}

TransformerOptions causal(TransformerOptions options) {
  options.causal = true;
  return options;
}

// Checks numbers, and makes the parts as they say where they have been read from a file or recipe.
template <class M>
void check_layer(std::string_view name, const M& layer) {
  detail::checked_count(name, "heads", layer.heads);
  check_fields(name, fields_of(layer), &layer);
}
template <class Block, class M>
void check_stack(std::string_view name, M& stack) {
  detail::checked_count(name, "layers", stack.layers);
  constexpr int64_t most_layers = 1'000;  // of Wang et al. 2022, the deepest so far
  if (stack.layers > most_layers) fail(name, "layers is ", stack.layers, "; it must be at most ", most_layers);
  check_layer(name, stack);
  if (static_cast<int64_t>(stack.blocks.size()) != stack.layers) {
    stack.blocks.assign(static_cast<size_t>(stack.layers), Block(stack.heads, stack.options));
  }
  for (Block& block : stack.blocks) {
    block.heads = stack.heads;
    block.options = stack.options;
    block.check();
  }
  stack.norm.epsilon = stack.options.epsilon;
  for (const Parameter* parameter : {&stack.norm.weight, &stack.norm.bias}) parameter->set_used(stack.options.pre_norm);
}

}  // namespace

std::span<const FieldNote> TransformerOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"hidden", "units between the two layers of the network; 0: four times the width", range::not_negative},
      {"activation", "the function between them"},
      {"pre_norm", "whether norms stand before attention and network, not after"},
      {"dropout", "share of what they add that becomes zero in training", range::share},
      {"attention_dropout", "share of the attention's weights that becomes zero", range::share},
      {"causal", "whether a token looks only at itself and those before it"},
      {"epsilon", "added to the variance", range::not_negative},
      {"kv_heads", "heads of keys and values, a divisor of heads; 0: as many", range::not_negative},
      {"window", "look no further than so many tokens; 0: everywhere", range::not_negative},
      {"distance", "how attention knows the distance of tokens"},
      {"rotary_base", "longest wave of the rotation, over 2 pi", range::above_zero},
      {"use_bias", "whether biases are added"},
      {"kernel_initializer", "first values of the kernels"}};
  return notes;
}

MultiHeadAttentionOptions TransformerOptions::attention() const {
  return {.causal = causal,
          .dropout = attention_dropout,
          .kv_heads = kv_heads,
          .window = window,
          .distance = distance,
          .rotary_base = rotary_base,
          .use_bias = use_bias,
          .kernel_initializer = kernel_initializer};
}

// ---- the network

void FeedForward::check() const {
  in_bias.set_used(options.use_bias);
  out_bias.set_used(options.use_bias);
}
Array FeedForward::project(const Array& x, const Parameter& kernel, const Parameter& bias, int64_t units) const {
  return detail::affine("feed_forward", x, units, {kernel, options.use_bias ? &bias : nullptr, options.kernel_initializer, init::zeros()});
}
Array FeedForward::forward(const Array& x) const {
  if (x.rank() == 0) fail("feed_forward", "x has rank 0; its last axis must be the features");
  const int64_t width = x.shape(-1);
  const Array h = project(x, in, in_bias, options.hidden ? options.hidden : 4 * width);
  return project(detail::activated(options.activation, h), out, out_bias, width);
}

// ---- blocks

std::span<const FieldNote> TransformerEncoderLayer::field_notes() {
  static constexpr FieldNote notes[] = {kHeads};
  return notes;
}
TransformerEncoderLayer::TransformerEncoderLayer(Size heads, TransformerOptions options)
    : heads(heads.value()), options(std::move(options)), attention(1) {
  check();
}
void TransformerEncoderLayer::check() {
  check_layer("TransformerEncoderLayer", *this);
  attention.heads = heads;
  attention.options = options.attention();
  attention.check();
  attention_norm.epsilon = network_norm.epsilon = options.epsilon;
  network.options = options;
  network.check();
}
Array TransformerEncoderLayer::forward(const Array& x, const AttentionMask& mask) const {
  const Array h = added(x, attention_norm, options, [&](const Array& in) { return attention(in, in, mask); });
  return added(h, network_norm, options, [&](const Array& in) { return network(in); });
}

TransformerDecoderLayer::TransformerDecoderLayer(Size heads, TransformerOptions options)
    : heads(heads.value()), options(std::move(options)), attention(1), cross_attention(1) {
  check();
}
void TransformerDecoderLayer::check() {
  check_layer("TransformerDecoderLayer", *this);
  const MultiHeadAttentionOptions of_self = causal(options).attention();
  attention.heads = cross_attention.heads = heads;
  attention.options = cross_attention.options = of_self;
  cross_attention.options.causal = false;
  cross_attention.options.window = 0;
  cross_attention.options.distance = Distance::none;
  attention.check();
  cross_attention.check();
  attention_norm.epsilon = cross_norm.epsilon = network_norm.epsilon = options.epsilon;
  network.options = options;
  network.check();
}
Array TransformerDecoderLayer::forward(const Array& x, const Array& memory, const AttentionMask& memory_mask) const {
  const Array h = added(x, attention_norm, options, [&](const Array& in) { return attention(in); });
  const Array g = added(h, cross_norm, options, [&](const Array& in) { return cross_attention(in, memory, memory_mask); });
  return added(g, network_norm, options, [&](const Array& in) { return network(in); });
}

// ---- stacks

std::span<const FieldNote> TransformerEncoder::field_notes() {
  static constexpr FieldNote notes[] = {kLayers, kHeads};
  return notes;
}
TransformerEncoder::TransformerEncoder(Size layers, Size heads, TransformerOptions options)
    : layers(layers.value()), heads(heads.value()), options(std::move(options)) {
  check();
}
void TransformerEncoder::check() { check_stack<TransformerEncoderLayer>("TransformerEncoder", *this); }
Array TransformerEncoder::forward(const Array& x, const AttentionMask& mask) const {
  Array h = x;
  for (const TransformerEncoderLayer& block : blocks) h = block(h, mask);
  return options.pre_norm ? norm(h) : h;
}

TransformerDecoder::TransformerDecoder(Size layers, Size heads, TransformerOptions options)
    : layers(layers.value()), heads(heads.value()), options(std::move(options)) {
  check();
}
void TransformerDecoder::check() { check_stack<TransformerDecoderLayer>("TransformerDecoder", *this); }
Array TransformerDecoder::forward(const Array& x, const Array& memory, const AttentionMask& memory_mask) const {
  Array h = x;
  for (const TransformerDecoderLayer& block : blocks) h = block(h, memory, memory_mask);
  return options.pre_norm ? norm(h) : h;
}

}  // namespace gradus::nn
