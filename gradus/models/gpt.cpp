// GPT.
#include "gradus/models/gpt.hpp"

#include "gradus/models/checks.hpp"
#include "gradus/nn/decoding.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

std::span<const FieldNote> GPTOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"vocabulary", "how many different tokens there are", range::positive},
                                        {"context", "tokens that it sees at most", range::positive},
                                        {"width", "numbers a token", range::positive},
                                        {"layers", "blocks one after the other", range::positive},
                                        {"heads", "parts of the width that look on their own", range::positive},
                                        {"dropout", "share of the numbers that become zero in training", range::share},
                                        {"tied", "whether the table of tokens is the head's kernel too"},
                                        {"use_bias", "whether attention and network have biases"},
                                        {"distance", "how attention knows the distance of tokens; none: a table of positions is learnt"},
                                        {"epsilon", "added to the variance", range::not_negative}};
  return notes;
}

namespace {

// Without a table of positions, whose length says it.
void check_context(const Array& ids, int64_t context) {
  nn::DecodingScope* const decoding = nn::DecodingScope::current();
  const int64_t first = decoding ? decoding->first() : 0;
  nn::GenerationScope::note_limit(context);
  if (first + ids.shape(1) <= context) return;
  fail("gpt", "ids have ", ids.shape(1), " positions", first ? concat(" after ", first) : "", ", context is ", context,
       "; a sequence must not be longer");
}

// Radford et al.: deviation 0.02.
nn::Initializer initializer() { return nn::init::random_normal(0.02); }

nn::TransformerOptions block_options(const GPTOptions& options) {
  return {.activation = nn::activation::gelu(GeluForm::tanh),
          .dropout = options.dropout,
          .attention_dropout = options.dropout,
          .causal = true,
          .epsilon = options.epsilon,
          .distance = options.distance,
          .use_bias = options.use_bias,
          .kernel_initializer = initializer()};
}

}  // namespace

GPT::GPT(GPTOptions options) : options(std::move(options)), tokens(1, 1), positions(1), dropout(0), decoder(1, 1), head(1) { check(); }

void GPT::check() {
  check_fields("GPT", fields_of(*this), this);
  detail::check_heads("GPT", options.width, options.heads);
  tokens.count = options.vocabulary;
  tokens.width = options.width;
  tokens.initializer = initializer();
  tokens.check();
  positions.length = options.context;
  positions.options.initializer = initializer();
  positions.check();
  positions.table.set_used(options.distance == nn::Distance::none);
  dropout.rate = options.dropout;
  decoder.layers = options.layers;
  decoder.heads = options.heads;
  decoder.options = block_options(options);
  decoder.check();
  head.units = options.vocabulary;
  head.use_bias = false;
  head.kernel_initializer = initializer();
  head.check();
  head.kernel.set_used(!options.tied);
}

std::string GPT::describe() const {
  return concat(options.layers, " blocks of ", options.width, ", ", options.heads, " heads, context ", options.context);
}

Array GPT::forward(const Array& ids) const {
  detail::check_ids("gpt", ids);
  Array h = tokens(ids);
  if (options.distance == nn::Distance::none) h = positions(h);
  else check_context(ids, options.context);
  h = decoder(dropout(h));
  return options.tied ? matmul(h, transpose(tokens.table())) : head(h);
}

std::vector<io::WeightSource> GPT::weight_sources() const {
  std::vector<io::WeightSource> all;
  const auto add = [&](const std::string& path, const std::string& name, int64_t part = 0, int64_t parts = 1) {
    all.push_back({.path = path, .names = {name, "transformer." + name}, .part = part, .parts = parts});
  };
  add("tokens.weights", "wte.weight");
  add("positions.table", "wpe.weight");
  for (int64_t i = 0; i < options.layers; ++i) {
    const std::string block = concat("decoder.blocks.", i, "."), from = concat("h.", i, ".");
    add(block + "attention_norm.weight", from + "ln_1.weight");
    add(block + "attention_norm.bias", from + "ln_1.bias");
    for (const int64_t part : {0, 1, 2}) {
      const std::string name = part == 0 ? "query" : part == 1 ? "key" : "value";
      add(block + "attention." + name, from + "attn.c_attn.weight", part, 3);
      add(block + "attention." + name + "_bias", from + "attn.c_attn.bias", part, 3);
    }
    add(block + "attention.output", from + "attn.c_proj.weight");
    add(block + "attention.output_bias", from + "attn.c_proj.bias");
    add(block + "network_norm.weight", from + "ln_2.weight");
    add(block + "network_norm.bias", from + "ln_2.bias");
    add(block + "network.in", from + "mlp.c_fc.weight");
    add(block + "network.in_bias", from + "mlp.c_fc.bias");
    add(block + "network.out", from + "mlp.c_proj.weight");
    add(block + "network.out_bias", from + "mlp.c_proj.bias");
  }
  add("decoder.norm.weight", "ln_f.weight");
  add("decoder.norm.bias", "ln_f.bias");
  all.push_back({.path = "head.kernel", .names = {"lm_head.weight"}, .is_transposed = true});
  return all;
}

}  // namespace gradus::models
