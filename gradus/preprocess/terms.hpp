// Texts as counts of the terms that occur in them.
#pragma once

#include <string>
#include <vector>

#include "gradus/preprocess/step.hpp"

namespace gradus::preprocess {

/// What terms are made of: words (two or more letters, digits and underscores, in lower case; each Chinese character is a word), or
/// characters.
enum class TermUnit : uint8_t { word, character };
std::span<const std::string_view> enum_names(TermUnit);

/// Options of Terms and HashedTerms. ngram_low to ngram_high: at least 1, at most 8.
struct TermsOptions {
  std::vector<std::string> columns{};
  TermUnit unit = TermUnit::word;
  int64_t ngram_low = 1, ngram_high = 1;  ///< units in a term
  int64_t most = 1000;                    ///< terms that are kept, the most frequent ones; of HashedTerms: buckets
  int64_t least_texts = 1;                ///< terms that fewer training texts have are left out; of Terms only
  bool idf = true;                        ///< times log((1 + texts) / (1 + texts that have it)) + 1
  bool sublinear = false;                 ///< 1 + log(count) in place of the count
  bool unit_norm = true;                  ///< each text's row to length 1
  GRADUS_OPTIONS(columns, unit, ngram_low, ngram_high, most, least_texts, idf, sublinear, unit_norm)
};

/// Each text as the weights of the terms of its column's vocabulary (TfidfVectorizer): "review:good". Without columns: all of type text.
struct Terms {
  static constexpr std::string_view kName = "Terms";
  TermsOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<std::vector<std::string>> terms{};
    std::vector<std::vector<double>> weights{};
    GRADUS_FIELDS(columns, terms, weights)
  } state{};

  explicit Terms(TermsOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const;
};

/// The same without a vocabulary: terms are added, with a sign, to buckets by their hash (HashingVectorizer).
struct HashedTerms {
  static constexpr std::string_view kName = "HashedTerms";
  TermsOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<std::vector<double>> weights{};
    GRADUS_FIELDS(columns, weights)
  } state{};

  explicit HashedTerms(TermsOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const;
};

}  // namespace gradus::preprocess
