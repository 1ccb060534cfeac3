// BERT and its training by hidden tokens.
#include "gradus/models/bert.hpp"

#include <array>

#include "gradus/base/error.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/models/checks.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

std::span<const FieldNote> BERTOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"vocabulary", "how many different tokens there are", range::positive},
      {"context", "tokens that it sees at most", range::positive},
      {"width", "numbers a token", range::positive},
      {"layers", "blocks one after the other", range::positive},
      {"heads", "parts of the width that look on their own", range::positive},
      {"hidden", "units between the two layers of the network; 0: four times the width", range::not_negative},
      {"types", "kinds of segments", range::positive},
      {"padding", "the token that fills up short texts; -1: none does", {.low = -1, .high = int64_t{1} << 31}},
      {"dropout", "share of the numbers that become zero in training", range::share},
      {"epsilon", "added to the variance", range::not_negative}};
  return notes;
}

namespace {

nn::Initializer initializer() { return nn::init::truncated_normal(0.02); }

void set_table(nn::Embedding& table, int64_t count, int64_t width) {
  table.count = count;
  table.width = width;
  table.initializer = initializer();
  table.check();
}

}  // namespace

BERT::BERT(BERTOptions options)
    : options(std::move(options)), tokens(1, 1), types(1, 1), positions(1), dropout(0), encoder(1, 1), pooler(1, tanh) {
  check();
}

void BERT::check() {
  check_fields("BERT", fields_of(*this), this);
  detail::check_heads("BERT", options.width, options.heads);
  set_table(tokens, options.vocabulary, options.width);
  set_table(types, options.types, options.width);
  positions.length = options.context;
  positions.options.initializer = initializer();
  positions.check();
  norm.epsilon = options.epsilon;
  dropout.rate = options.dropout;
  encoder.layers = options.layers;
  encoder.heads = options.heads;
  encoder.options = {.hidden = options.hidden,
                     .pre_norm = false,
                     .dropout = options.dropout,
                     .attention_dropout = options.dropout,
                     .epsilon = options.epsilon,
                     .kernel_initializer = initializer()};
  encoder.check();
  pooler.units = options.width;
  pooler.kernel_initializer = initializer();
  pooler.check();
}

std::string BERT::describe() const { return concat(options.layers, " blocks of ", options.width, ", ", options.heads, " heads"); }

Array BERT::forward(const Array& ids) const {
  detail::check_ids("bert", ids);
  return forward(ids, nn::detail::lengths_without(ids, options.padding));
}
Array BERT::forward(const Array& ids, const Array& lengths) const { return forward(ids, lengths, zeros({1, 1}, int64)); }
Array BERT::forward(const Array& ids, const Array& lengths, const Array& segments) const {
  detail::check_ids("bert", ids);
  // The pooler is part of the model, also of one that is only asked for vectors.
  if (pooler.kernel.cell()->is_used)
    pooler.bias(Shape{options.width}, nn::init::zeros()), pooler.kernel({options.width, options.width}, initializer());
  return encoder(dropout(norm(positions(tokens(ids) + types(segments)))), lengths);
}

Array BERT::pooled(const Array& vectors) const { return pooler(vectors[{slice(), 0}]); }

Array BERT::embed(const Array& ids) const {
  const Array lengths = nn::detail::lengths_without(ids, options.padding);
  const Array there = expand_dims(arange(ids.shape(1)) < expand_dims(lengths, -1), -1);
  const Array total = sum(where(there, (*this)(ids, lengths), 0), 1);
  return total / sqrt(maximum(sum(square(total), -1, keepdims), 1e-24));
}

std::vector<io::WeightSource> BERT::weight_sources() const {
  std::vector<io::WeightSource> all;
  const auto add = [&](const std::string& path, const std::string& name, bool is_transposed = false) {
    all.push_back({.path = path, .names = {name, "bert." + name}, .is_transposed = is_transposed});
  };
  const auto add_dense = [&](const std::string& kernel, const std::string& bias, const std::string& name) {
    add(kernel, name + ".weight", true);
    add(bias, name + ".bias");
  };
  const auto add_norm = [&](const std::string& path, const std::string& name) {
    for (const auto& [ours, theirs, old] : {std::array{".weight", ".weight", ".gamma"}, std::array{".bias", ".bias", ".beta"}}) {
      all.push_back({.path = path + ours, .names = {name + theirs, "bert." + name + theirs, name + old, "bert." + name + old}});
    }
  };
  add("tokens.weights", "embeddings.word_embeddings.weight");
  add("types.weights", "embeddings.token_type_embeddings.weight");
  add("positions.table", "embeddings.position_embeddings.weight");
  add_norm("norm", "embeddings.LayerNorm");
  for (int64_t i = 0; i < options.layers; ++i) {
    const std::string block = concat("encoder.blocks.", i, "."), from = concat("encoder.layer.", i, ".");
    for (const std::string name : {"query", "key", "value"}) {
      add_dense(block + "attention." + name, block + "attention." + name + "_bias", from + "attention.self." + name);
    }
    add_dense(block + "attention.output", block + "attention.output_bias", from + "attention.output.dense");
    add_norm(block + "attention_norm", from + "attention.output.LayerNorm");
    add_dense(block + "network.in", block + "network.in_bias", from + "intermediate.dense");
    add_dense(block + "network.out", block + "network.out_bias", from + "output.dense");
    add_norm(block + "network_norm", from + "output.LayerNorm");
  }
  add_dense("pooler.kernel", "pooler.bias", "pooler.dense");
  for (io::WeightSource& source : all) source.is_optional = source.path.starts_with("pooler.");
  return all;
}

// ---- hidden tokens

MaskedLanguageModel::MaskedLanguageModel(BERTOptions options) : options(std::move(options)), bert(this->options), transform(1, gelu) {
  check();
}

void MaskedLanguageModel::check() {
  bert.options = options;
  bert.check();
  bert.pooler.kernel.set_used(false);
  bert.pooler.bias.set_used(false);
  transform.units = options.width;
  transform.kernel_initializer = initializer();
  transform.check();
  norm.epsilon = options.epsilon;
}

Array MaskedLanguageModel::forward(const Array& ids) const {
  const Array h = norm(transform(bert(ids)));
  return matmul(h, transpose(bert.tokens.table())) + bias({options.vocabulary}, nn::init::zeros());
}

std::vector<io::WeightSource> MaskedLanguageModel::weight_sources() const {
  std::vector<io::WeightSource> all = bert.weight_sources();
  for (io::WeightSource& source : all) source.path = "bert." + source.path;
  const std::string head = "cls.predictions.";
  all.push_back({.path = "transform.kernel", .names = {head + "transform.dense.weight"}, .is_transposed = true});
  all.push_back({.path = "transform.bias", .names = {head + "transform.dense.bias"}});
  all.push_back({.path = "norm.weight", .names = {head + "transform.LayerNorm.weight", head + "transform.LayerNorm.gamma"}});
  all.push_back({.path = "norm.bias", .names = {head + "transform.LayerNorm.bias", head + "transform.LayerNorm.beta"}});
  all.push_back({.path = "bias", .names = {head + "bias", head + "decoder.bias"}});
  return all;
}

Masked hide_tokens(const Array& ids, const MaskingOptions& options) {
  if (!(options.rate >= 0 && options.rate <= 1)) fail("hide_tokens", "rate is ", options.rate, "; it must be from 0 to 1");
  Array may_hide = ones(ids.shape(), bool_);
  for (const int64_t special : options.special) may_hide = may_hide & (ids != Array(special));
  const Array is_hidden = may_hide & (random::uniform(ids.shape()) < options.rate), way = random::uniform(ids.shape());
  const Array any = random::integers(ids.shape(), 0, options.vocabulary, ids.dtype());
  return {where(is_hidden & (way < 0.8), Array(options.mask), where(is_hidden & (way >= 0.9), any, ids)),
          where(is_hidden, ids, Array(int64_t{-100}))};
}

}  // namespace gradus::models
