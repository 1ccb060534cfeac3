// BLEU: how near translations are to those of people (Papineni and others, 2002), by sacreBLEU's definition (Post, "A Call for Clarity in
// Reporting BLEU Scores", 2018), so that scores may be compared with published ones.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gradus::metrics {

/// How sentences become words: as mteval-v13a does; that with each Chinese character by itself; every character by itself; or what
/// stands between white space.
enum class BleuWords : uint8_t { v13a, zh, characters, none };

/// tokenize=13a|smooth=exp|case=mixed in sacreBLEU's signature.
struct BleuOptions {
  BleuWords words = BleuWords::v13a;
  bool lowercase = false;        ///< case=lc
  bool effective_order = false;  ///< orders that a short text has no n-grams of are left out: for single sentences
};

/// 0 to 100, with what it is made of. `precisions` are those of 1 to 4 words, in percent, smoothed: of an order without a match it is
/// 100 / (2^k total), k counting such orders.
struct BleuScore {
  double score = 0;
  std::array<double, 4> precisions{};
  double brevity_penalty = 0;                ///< exp(1 - reference_length / length) for texts that are too short, else 1
  int64_t length = 0, reference_length = 0;  ///< words of all
};

/// Of a corpus: counts are summed over all sentences. One reference a sentence, or several of which the one nearest in length counts for
/// the length. Throws when there are not as many as sentences, and for text that is not UTF-8, naming the sentence.
///
///   metrics::bleu(translations, references, {.words = metrics::BleuWords::zh}).score
BleuScore bleu(std::span<const std::string> sentences, std::span<const std::string> references, BleuOptions options = {});
BleuScore bleu(std::span<const std::string> sentences, std::span<const std::vector<std::string>> references, BleuOptions options = {});

/// The words of a sentence as bleu counts them, separated by single spaces.
std::string bleu_words(const std::string& sentence, BleuOptions options = {});

}  // namespace gradus::metrics
