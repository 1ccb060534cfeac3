// GPT: a Transformer that says which token comes next (Radford et al. 2019).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/io/pretrained.hpp"
#include "gradus/nn/transformer.hpp"

namespace gradus::models {

/// Options of GPT; by default GPT-2's sizes.
struct GPTOptions {
  int64_t vocabulary = 50257;
  int64_t context = 1024;  ///< tokens that it sees at most
  int64_t width = 768;
  int64_t layers = 12;
  int64_t heads = 12;
  double dropout = 0.0;
  bool tied = true;                            ///< the table of tokens is the head's kernel too
  bool use_bias = true;                        ///< in attention and network
  nn::Distance distance = nn::Distance::none;  ///< none: a table of positions is learnt
  double epsilon = 1e-5;                       ///< of the norms
  GRADUS_OPTIONS(vocabulary, context, width, layers, heads, dropout, tied, use_bias, distance, epsilon)

  /// The published sizes: 124,439,808, 354,823,168, 774,030,080 and 1,557,611,200 parameters.
  static GPTOptions gpt2() { return {}; }
  static GPTOptions gpt2_medium() { return {.width = 1024, .layers = 24, .heads = 16}; }
  static GPTOptions gpt2_large() { return {.width = 1280, .layers = 36, .heads = 20}; }
  static GPTOptions gpt2_xl() { return {.width = 1600, .layers = 48, .heads = 25}; }
};

/// Ids (N, T), T at most the context, to logits (N, T, vocabulary) of the token after each.
///
///   models::GPT gpt({.vocabulary = 65, .context = 128, .width = 128, .layers = 4, .heads = 4});
///   gpt(zeros({1, 8}, int64));   // (1, 8, 65)
class GPT {
 public:
  explicit GPT(GPTOptions options = {});

  Array forward(const Array& ids) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }
  /// Hugging Face's names of GPT-2's weights.
  std::vector<io::WeightSource> weight_sources() const;

  GPTOptions options;
  nn::Embedding tokens;
  nn::PositionEmbedding positions;
  nn::Dropout dropout;
  nn::TransformerEncoder decoder;
  nn::Dense head;
  GRADUS_PARTS(options, tokens, positions, dropout, decoder, head)
};

}  // namespace gradus::models
