// ROUGE: how much of a person's summary a summary has (Lin 2004), by the definition of Google's rouge_score, so that scores may be compared
// with published ones.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gradus::metrics {

/// How texts become words.
enum class RougeWords : uint8_t {
  google,       ///< lower case; runs of a to z and 0 to 9, all else separates. Texts in other scripts have no words so.
  white_space,  ///< what white space separates, as it is
  characters    ///< each character that is no white space: for Chinese and the like
};

/// Of one kind of common part: of the summary's, the share that the reference has; of the reference's, the share that the summary has; and
/// their harmonic mean. From 0 to 1.
struct RougeScore {
  double precision = 0, recall = 0, f1 = 0;
};

/// Single words, pairs of words, the longest common subsequence, and that line by line: rougeLsum joins the subsequences of each reference
/// line with all lines of the summary (lines are separated by "\n").
struct RougeScores {
  RougeScore rouge1{}, rouge2{}, rougeL{}, rougeLsum{};
};

/// Means over the texts. With several references each kind takes the one of the largest f1. No stemming. Throws unless there are as many
/// texts as references, and for text that is not UTF-8, naming it.
///
///   metrics::rouge(std::vector<std::string>{"the cat sat"}, std::vector<std::string>{"the cat ran"}).rouge2.f1   // 0.5
RougeScores rouge(std::span<const std::string> texts, std::span<const std::string> references, RougeWords words = RougeWords::google);
RougeScores rouge(std::span<const std::string> texts, std::span<const std::vector<std::string>> references,
                  RougeWords words = RougeWords::google);

}  // namespace gradus::metrics
