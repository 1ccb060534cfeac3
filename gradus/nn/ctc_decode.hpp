// From the outputs of a network trained with loss::ctc to label sequences: the best path, and a search over prefixes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::nn {

/// A label sequence.
struct CtcSequence {
  std::vector<int64_t> labels{};
  double log_probability = 0;  ///< of ctc_greedy: of the path; of ctc_beam: of the sequence, summed over the alignments that were looked at
  double score = 0;            ///< what it was chosen by: log_probability, and what the scorer added
};

/// Options of ctc_greedy.
struct CtcGreedyOptions {
  Array input_lengths{};  ///< (N,), integers from 0 to T: the steps of each example; empty: T
  int64_t blank = 0;
};
/// The likeliest class of each step, repetitions merged and blanks dropped; of equal classes the first. Evaluates.
///
/// logits  (N, T, classes), without NaN
/// returns one sequence an example
///
///   nn::ctc_greedy(log(array({{{0.1, 0.8, 0.1}, {0.6, 0.2, 0.2}, {0.1, 0.7, 0.2}}})))[0].labels.size()   // 2
std::vector<CtcSequence> ctc_greedy(const Array& logits, const CtcGreedyOptions& options = {});

/// What a language model says of a label after a prefix: a logarithm of a probability, weighted as one likes.
using CtcScorer = std::function<double(std::span<const int64_t> prefix, int64_t label)>;

/// Options of ctc_beam.
struct CtcBeamOptions {
  Array input_lengths{};  ///< as of ctc_greedy
  int64_t blank = 0;
  int64_t width = 16;   ///< prefixes that are kept after each step
  int64_t classes = 0;  ///< likeliest labels that a step tries, the blank apart; 0: all
  int64_t best = 1;     ///< sequences an example that are returned, at most `width`
  CtcScorer scorer{};   ///< added to the score each time a label is appended, -infinity forbids it; called in this thread
};
/// The likeliest label sequences by prefix beam search (Hannun et al. 2014): alignments of one prefix add up, so that a sequence with many
/// middling alignments beats one with a single good one. With a width that no step exceeds the probabilities are exact. Equal scores keep
/// the order in which they were found: fewer labels first. Evaluates.
///
/// logits  (N, T, classes), without NaN
/// returns for each example its sequences, the best first; fewer than asked for where there are no more
///
///   nn::ctc_beam(zeros({1, 4, 3}), {.width = 8, .best = 2})[0].size()   // 2
std::vector<std::vector<CtcSequence>> ctc_beam(const Array& logits, const CtcBeamOptions& options = {});

}  // namespace gradus::nn
