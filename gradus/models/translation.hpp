// The Transformer that translates (Vaswani et al. 2017).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/nn/transformer.hpp"
#include "gradus/train/generate.hpp"

namespace gradus::models {

/// Options of TranslationTransformer; by default the "base" model of the paper.
struct TranslationTransformerOptions {
  int64_t source_vocabulary = 37000;
  int64_t target_vocabulary = 37000;
  int64_t context = 512;  ///< tokens of a sentence at most
  int64_t width = 512;
  int64_t layers = 6;  ///< of the encoder, and of the decoder
  int64_t heads = 8;
  int64_t hidden = 0;  ///< units between the two layers of the network; 0: four times the width
  double dropout = 0.1;
  bool pre_norm = false;
  bool is_shared = false;  ///< one vocabulary, and one table, for both languages
  int64_t padding = 0;     ///< the token that fills up short sentences
  GRADUS_OPTIONS(source_vocabulary, target_vocabulary, context, width, layers, heads, hidden, dropout, pre_norm, is_shared, padding)
};

/// Source (N, S) and the target so far (N, T), both ids, to logits (N, T, target vocabulary) of the target's next tokens. The encoder reads
/// the source as a whole; the decoder's tokens look at themselves, at those before them, and at the source. The table of target tokens is
/// the head's kernel too.
///
///   models::TranslationTransformer model({.source_vocabulary = 50, .target_vocabulary = 60, .width = 32, .layers = 1, .heads = 2});
///   model(ones({2, 7}, int64), ones({2, 5}, int64));   // (2, 5, 60)
class TranslationTransformer {
 public:
  explicit TranslationTransformer(TranslationTransformerOptions options = {});

  Array forward(const Array& source, const Array& target) const;
  /// The same for models that take one array, as in recipes: (N, T, 2), source and target of each step side by side, as
  /// data::translation_set makes it with `joins`.
  Array forward(const Array& pairs) const;
  /// What the encoder makes of a source: (N, S, width), and how many tokens of each sentence are no padding, (N,).
  struct Encoded {
    Array memory, lengths;
  };
  Encoded encode(const Array& source) const;
  /// The decoder's logits for such a source.
  Array decode(const Array& target, const Encoded& source) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }

  TranslationTransformerOptions options;
  nn::Embedding source_tokens, target_tokens;
  nn::PositionEmbedding positions;
  nn::Dropout dropout;
  nn::TransformerEncoder encoder;
  nn::TransformerDecoder decoder;
  GRADUS_PARTS(options, source_tokens, target_tokens, positions, dropout, encoder, decoder)

 private:
  Array embedded(const nn::Embedding& table, const Array& ids) const;
};

/// The translation of one sentence of source ids: from `begin` to the first `end`, by beam search (options.beams, 4 say) or sampling.
train::Generated translate(const TranslationTransformer& model, const std::vector<int64_t>& source, int64_t begin, int64_t end,
                           train::GenerateOptions options = {.max_tokens = 100, .beams = 4});

}  // namespace gradus::models
