// Sequences from a model that says what comes next: sampling and beam search, token by token.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "gradus/graph/parts.hpp"
#include "gradus/nn/decoding.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/train/sampling.hpp"

namespace gradus::train {

/// What generate takes besides model and prompt.
struct GenerateOptions {
  int64_t max_tokens = 100;
  SamplingOptions sampling{};
  std::vector<int64_t> stop_tokens{};  ///< one of them ends the sequence; it is not part of the result
  uint64_t seed = 0;                   ///< of the draws
  int64_t beams = 1;                   ///< above 1: the most likely sequence that a search with so many finds, instead of a draw
  double length_penalty = 1.0;         ///< of beam search: log probabilities are compared divided by length to this power
  int64_t context = 0;                 ///< tokens that the model takes at most; 0: what its PositionEmbedding says
  bool use_cache = true;  ///< each call of the model has the new token only (nn::DecodingScope); false: the whole sequence
  std::function<bool(int64_t token)> on_token{};  ///< called with each new token (not in beam search); false ends the sequence
  bool interrupts = false;                        ///< the first Ctrl-C, SIGTERM or SIGHUP ends the sequence; false: no signal is touched
};

/// Why a sequence ended.
enum class GenerationEnd { max_tokens, stop_token, callback, interrupted };

/// A sequence that was made.
struct Generated {
  std::vector<int64_t> tokens{};  ///< without the prompt
  double log_probability = 0;     ///< of the tokens, stop token included, under the model as it is (not as it was sampled from)
  GenerationEnd end = GenerationEnd::max_tokens;
};

namespace detail {
/// ids (N, T) -> logits (N, T, classes), of all positions that it was given.
using NextToken = std::function<Array(const Array& ids)>;
Generated generate(const NextToken& model, std::span<const int64_t> prompt, const GenerateOptions& options);
}  // namespace detail

/// Continues a prompt. The model takes ids (N, T) and gives logits (N, T, classes) for what follows each position: a Sequential, a struct
/// with GRADUS_PARTS, or a function. Calls are inference. With the cache the model's time per token does not grow with the square of the
/// length; layers that look at neighbours in time by other means than attention or recurrence (convolutions) need use_cache = false. Where
/// a sequence grows beyond what the model takes, it goes on from the last half of that. Beam search ends when as many sequences as it has
/// beams have ended and none that goes on is better than the worst of them; of the sampling options it takes repetition_penalty alone, by
/// which sequences are compared too. The same seed gives the same tokens. Throws for an empty prompt, one that is longer than the model
/// takes, ids that are out of range, and logits that are NaN.
///
///   const auto text = train::generate(gpt, tokenizer.encode("To be"), {.max_tokens = 50, .sampling = {.temperature = 0.8, .top_k = 40}});
template <class M>
Generated generate(const M& model, const std::vector<int64_t>& prompt, const GenerateOptions& options = {}) {
  constexpr bool takes_ids = requires(const Array& ids) {
    { model(ids) } -> std::convertible_to<Array>;
  };
  static_assert(takes_ids, "generate takes a model or function of ids: (N, T) integers -> (N, T, classes) logits");
  if constexpr (takes_ids) {
    const nn::TrainingMode inference(false);
    return detail::generate([&](const Array& ids) -> Array { return model(ids); }, prompt, options);
  } else {
    return {};
  }
}

}  // namespace gradus::train
