// Word and character error rates: how far texts that were heard, or read, are from what was said.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace gradus::metrics {

/// Mistakes over all texts. Of the shortest edits those with the fewest insertions and deletions are counted.
struct ErrorRate {
  double rate = 0;  ///< mistakes over wanted units, above 1 where much was inserted; of none wanted 0, or infinity where some were found
  int64_t substitutions = 0, deletions = 0, insertions = 0, hits = 0;
  int64_t wanted = 0;  ///< words or characters of the references
};

/// Words, which white space separates, compared as they are: what case and punctuation mean is for the caller to settle. Throws unless
/// there are as many texts as references, and for text that is not UTF-8, naming it.
///
///   metrics::word_error_rate(std::vector<std::string>{"a b d"}, std::vector<std::string>{"a b c d"}).rate   // 0.25
ErrorRate word_error_rate(std::span<const std::string> found, std::span<const std::string> wanted);
/// Unicode characters, spaces included.
ErrorRate character_error_rate(std::span<const std::string> found, std::span<const std::string> wanted);

}  // namespace gradus::metrics
