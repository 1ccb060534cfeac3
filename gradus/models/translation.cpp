// TranslationTransformer.
#include "gradus/models/translation.hpp"

#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/models/checks.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

std::span<const FieldNote> TranslationTransformerOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"source_vocabulary", "how many different tokens the source has", range::positive},
      {"target_vocabulary", "how many different tokens the target has", range::positive},
      {"context", "tokens of a sentence at most", range::positive},
      {"width", "numbers a token", range::positive},
      {"layers", "blocks of the encoder, and of the decoder", range::positive},
      {"heads", "parts of the width that look on their own", range::positive},
      {"hidden", "units between the two layers of the network; 0: four times the width", range::not_negative},
      {"dropout", "share of the numbers that become zero in training", range::share},
      {"pre_norm", "whether norms stand before attention and network, not after"},
      {"is_shared", "whether both languages have one vocabulary and one table"},
      {"padding", "the token that fills up short sentences", range::not_negative}};
  return notes;
}

TranslationTransformer::TranslationTransformer(TranslationTransformerOptions options)
    : options(std::move(options)),
      source_tokens(1, 1),
      target_tokens(1, 1),
      positions(1, {.kind = nn::PositionKind::sinusoidal}),
      dropout(0),
      encoder(1, 1),
      decoder(1, 1) {
  check();
}

void TranslationTransformer::check() {
  constexpr std::string_view name = "TranslationTransformer";
  check_fields(name, fields_of(*this), this);
  detail::check_heads(name, options.width, options.heads);
  if (options.is_shared && options.source_vocabulary != options.target_vocabulary) {
    fail(name, "source_vocabulary is ", options.source_vocabulary, ", target_vocabulary is ", options.target_vocabulary,
         "; a shared vocabulary has one size");
  }
  const auto deviation = 1 / std::sqrt(static_cast<double>(options.width));
  for (nn::Embedding* table : {&source_tokens, &target_tokens}) {
    table->count = table == &source_tokens ? options.source_vocabulary : options.target_vocabulary;
    table->width = options.width;
    table->initializer = nn::init::random_normal(deviation);
    table->check();
  }
  source_tokens.weights.set_used(!options.is_shared);
  positions.length = options.context;
  positions.check();
  dropout.rate = options.dropout;
  const nn::TransformerOptions of_blocks{
      .hidden = options.hidden, .activation = relu, .pre_norm = options.pre_norm, .dropout = options.dropout};
  encoder.layers = decoder.layers = options.layers;
  encoder.heads = decoder.heads = options.heads;
  encoder.options = decoder.options = of_blocks;
  encoder.check();
  decoder.check();
}

std::string TranslationTransformer::describe() const {
  return concat(options.layers, " + ", options.layers, " blocks of ", options.width, ", ", options.heads, " heads");
}

Array TranslationTransformer::embedded(const nn::Embedding& table, const Array& ids) const {
  detail::check_ids("translation_transformer", ids);
  return dropout(positions(table(ids) * std::sqrt(static_cast<double>(options.width))));
}

TranslationTransformer::Encoded TranslationTransformer::encode(const Array& source) const {
  const Array h = embedded(options.is_shared ? target_tokens : source_tokens, source);
  const Array lengths = nn::detail::lengths_without(source, options.padding);
  return {encoder(h, lengths), lengths};
}

Array TranslationTransformer::decode(const Array& target, const Encoded& source) const {
  return matmul(decoder(embedded(target_tokens, target), source.memory, source.lengths), transpose(target_tokens.table()));
}

Array TranslationTransformer::forward(const Array& source, const Array& target) const {
  if (source.rank() == 2 && target.rank() == 2 && source.shape(0) != target.shape(0)) {
    fail("translation_transformer", "source has ", source.shape(0), " sentences, target ", target.shape(0), "; they must be equal");
  }
  return decode(target, encode(source));
}

Array TranslationTransformer::forward(const Array& pairs) const {
  if (pairs.rank() != 3 || pairs.shape(2) != 2) {
    fail("translation_transformer", "pairs are ", pairs.shape(), "; they must be (batch, time, 2): source and target side by side");
  }
  return forward(pairs[{slice(), slice(), 0}], pairs[{slice(), slice(), 1}]);
}

train::Generated translate(const TranslationTransformer& model, const std::vector<int64_t>& source, int64_t begin, int64_t end,
                           train::GenerateOptions options) {
  if (source.empty()) fail("translate", "the source is empty; it must have a token at least");
  const nn::TrainingMode inference(false);
  const auto count = static_cast<int64_t>(source.size());
  TranslationTransformer::Encoded encoded = model.encode(array(source, {1, count}));
  gradus::evaluate(std::vector<Array>{encoded.memory, encoded.lengths});
  options.stop_tokens.push_back(end);
  return train::generate(
      [&](const Array& ids) {
        const int64_t rows = ids.shape(0);
        if (rows == 1) return model.decode(ids, encoded);
        return model.decode(ids, {broadcast_to(encoded.memory, {rows, encoded.memory.shape(1), encoded.memory.shape(2)}),
                                  broadcast_to(encoded.lengths, {rows})});
      },
      {begin}, options);
}

}  // namespace gradus::models
