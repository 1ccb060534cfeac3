// Finding merges of byte pairs.
#pragma once

#include "gradus/data/text/token_model.hpp"

namespace gradus::data {

/// Words and how often each occurs.
struct WordCounts {
  Vocabulary words;
  std::vector<int64_t> counts;
};
struct BytePairTraining {
  int64_t vocabulary_size = 0, least_count = 1;
  std::string continuing_prefix{};  ///< of what does not begin a word
};

/// Adds the characters of the words, as far as they are in `alphabet`, and what becomes of merging the most frequent pair again and again,
/// to the vocabulary; returns the merges.
std::vector<Merge> train_byte_pairs(const WordCounts& words, const std::vector<char32_t>& alphabet, Vocabulary& vocabulary,
                                    const BytePairTraining& options);

}  // namespace gradus::data
