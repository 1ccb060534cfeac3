// BERT: a Transformer that reads a text as a whole (Devlin et al. 2019).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/io/pretrained.hpp"
#include "gradus/nn/transformer.hpp"

namespace gradus::models {

/// Options of BERT; by default those of bert-base-uncased.
struct BERTOptions {
  int64_t vocabulary = 30522;
  int64_t context = 512;  ///< tokens that it sees at most
  int64_t width = 768;
  int64_t layers = 12;
  int64_t heads = 12;
  int64_t hidden = 0;   ///< units between the two layers of the network; 0: four times the width
  int64_t types = 2;    ///< kinds of segments
  int64_t padding = 0;  ///< the token that fills up short texts; -1: none does
  double dropout = 0.0;
  double epsilon = 1e-12;
  GRADUS_OPTIONS(vocabulary, context, width, layers, heads, hidden, types, padding, dropout, epsilon)

  /// Published sizes: 109,482,240, 335,141,888, 4,385,920 and 22,713,216 parameters.
  static BERTOptions base() { return {}; }
  static BERTOptions large() { return {.width = 1024, .layers = 24, .heads = 16}; }
  static BERTOptions tiny() { return {.width = 128, .layers = 2, .heads = 2}; }
  static BERTOptions mini_lm() { return {.width = 384, .layers = 6}; }
};

/// Ids (N, T), T at most the context, to a vector for each token (N, T, width). Tokens of padding at the ends are not looked at.
///
///   models::BERT bert(models::BERTOptions::tiny());
///   bert(ones({1, 4}, int64));   // (1, 4, 128)
class BERT {
 public:
  explicit BERT(BERTOptions options = {});

  Array forward(const Array& ids) const;
  /// lengths (N,) of the texts; types (N, T) of the segments, 0 everywhere if they are not given.
  Array forward(const Array& ids, const Array& lengths) const;
  Array forward(const Array& ids, const Array& lengths, const Array& types) const;
  /// tanh(first token's vector through a Dense layer): (N, width), of what forward has given.
  Array pooled(const Array& vectors) const;
  /// The mean of the tokens' vectors, of length 1: (N, width), what sentences are compared by.
  Array embed(const Array& ids) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }
  /// Hugging Face's names of its weights.
  std::vector<io::WeightSource> weight_sources() const;

  BERTOptions options;
  nn::Embedding tokens, types;
  nn::PositionEmbedding positions;
  nn::LayerNorm norm;
  nn::Dropout dropout;
  nn::TransformerEncoder encoder;
  nn::Dense pooler;
  GRADUS_PARTS(options, tokens, types, positions, norm, dropout, encoder, pooler)
};

/// BERT that guesses tokens which have been hidden: ids (N, T) to logits (N, T, vocabulary). The table of tokens is the head's kernel too.
class MaskedLanguageModel {
 public:
  explicit MaskedLanguageModel(BERTOptions options = {});

  Array forward(const Array& ids) const;
  std::string describe() const { return bert.describe(); }
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }
  std::vector<io::WeightSource> weight_sources() const;

  BERTOptions options;
  BERT bert;
  nn::Dense transform;
  nn::LayerNorm norm;
  Parameter bias{};
  GRADUS_PARTS(options, bert, transform, norm, bias)
};

/// Hides tokens for training (Devlin et al. 2019): of those that are no padding and not among `special`, each with probability `rate`;
/// what is hidden becomes `mask` with probability 0.8, any token with 0.1, and stays as it is with 0.1. Returns the ids to read and the
/// labels, which are -100 where nothing was hidden (what sparse_categorical_crossentropy ignores). Draws from the default generator.
struct Masked {
  Array ids, labels;
};
struct MaskingOptions {
  int64_t mask = 103;
  int64_t vocabulary = 30522;
  std::vector<int64_t> special{0, 101, 102};
  double rate = 0.15;
};
Masked hide_tokens(const Array& ids, const MaskingOptions& options = {});

}  // namespace gradus::models
