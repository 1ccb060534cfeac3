// From the logits of one position to the next token: temperature, penalties, and which tokens may come at all.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "gradus/graph/field_names.hpp"

namespace gradus::train {

/// How the next token is drawn. All that follow the temperature leave out unlikely tokens; the rest keep their proportions.
struct SamplingOptions {
  double temperature = 1.0;         ///< logits are divided by it; 0: always the most likely token
  int64_t top_k = 0;                ///< the so many most likely tokens; 0: all
  double top_p = 1.0;               ///< the most likely ones that together have this probability (Holtzman et al. 2020)
  double min_p = 0.0;               ///< those with at least this share of the most likely one's probability
  double repetition_penalty = 1.0;  ///< logits of tokens that have come are divided by it, negative ones multiplied (Keskar et al. 2019)
  GRADUS_OPTIONS(temperature, top_k, top_p, min_p, repetition_penalty)
};

namespace detail {

/// A token that may come, and its probability among those.
struct Candidate {
  int64_t token = 0;
  double probability = 0;
};
/// Throws `op: ...` for options that make no sense.
void check_sampling(std::string_view op, const SamplingOptions& options);
/// The tokens that may come, with probabilities that sum to 1; where top_k or top_p leave some out the most likely first, of equal ones
/// the lower id, else by id. Logits that are -inf
/// never come. Throws for logits that are NaN, and where none is left. `past`: the tokens so far.
std::vector<Candidate> candidates(std::string_view op, std::span<const float> logits, std::span<const int64_t> past,
                                  const SamplingOptions& options);
/// The candidate in whose share of [0, 1) the number u lies.
const Candidate& pick(const std::vector<Candidate>& candidates, double u);
/// log softmax of the logits.
std::vector<double> log_probabilities(std::span<const float> logits);
std::vector<double> log_probabilities(std::span<const double> logits);
/// The logits with repetition_penalty: those of the tokens in `past` divided by it, negative ones multiplied, each once.
std::vector<double> penalised(std::span<const float> logits, std::span<const int64_t> past, double penalty);

}  // namespace detail

}  // namespace gradus::train
