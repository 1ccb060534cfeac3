// Added tokens: texts that are found before a text is cut into words, such as [MASK] or <|endoftext|>.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/base/datum.hpp"
#include "gradus/data/text/normalizer.hpp"
#include "gradus/data/text/vocabulary.hpp"

namespace gradus::data {

class Spec;

struct AddedToken {
  int32_t id = 0;
  std::string content{};
  bool is_single_word = false;                     ///< not found within a word
  bool strips_left = false, strips_right = false;  ///< takes the white space beside it along
  bool is_normalized = false;                      ///< looked for in the normalised text; else in the text as it is
  bool is_special = false;                         ///< left out by decode
  std::string text{};  ///< the content as it stands in normalised texts, if it is looked for in them; set by AddedTokens
};

/// Texts that are looked for in one go: of those that begin at a place the longest counts.
class TokenFinder {
 public:
  TokenFinder() = default;
  /// Index i of `tokens` is looked for as texts[i].
  TokenFinder(std::vector<AddedToken> tokens, const std::vector<std::string>& texts);
  bool empty() const { return tokens_.empty(); }
  /// Calls part(begin, end, token) for all of the text in order; token is null for what lies between. Empty parts are left out.
  template <class Part>
  void split(std::string_view text, const Part& part) const {
    if (tokens_.empty()) {
      if (!text.empty()) part(size_t{0}, text.size(), static_cast<const AddedToken*>(nullptr));
      return;
    }
    size_t done = 0;
    Found found;
    for (size_t at = 0; next(text, at, found); at = found.match_end) {
      if (!found.token) continue;
      const size_t begin = std::max(found.begin, done), end = std::max(found.end, begin);
      if (done < begin) part(done, begin, static_cast<const AddedToken*>(nullptr));
      part(begin, end, found.token);
      done = end;
    }
    if (done < text.size()) part(done, text.size(), static_cast<const AddedToken*>(nullptr));
  }

 private:
  struct Found {
    size_t begin = 0, end = 0, match_end = 0;
    const AddedToken* token = nullptr;  // null: there is a text, but not where it counts
  };
  bool next(std::string_view text, size_t at, Found& found) const;

  std::vector<AddedToken> tokens_;
  Vocabulary texts_;             // index: of tokens_
  std::vector<size_t> lengths_;  // of the texts, the longest first
  bool begins_[256] = {};
};

/// All added tokens of a tokenizer.
class AddedTokens {
 public:
  AddedTokens() = default;
  AddedTokens(std::vector<AddedToken> tokens, const Normalizer& normalizer);

  const std::vector<AddedToken>& all() const { return all_; }
  /// Null if there is none.
  const AddedToken* find(int64_t id) const;
  const AddedToken* find(std::string_view content) const;
  const TokenFinder& in_raw() const { return in_raw_; }
  const TokenFinder& in_normalized() const { return in_normalized_; }

 private:
  std::vector<AddedToken> all_;
  std::map<int64_t, size_t> by_id_;
  std::map<std::string, size_t, std::less<>> by_content_;
  TokenFinder in_raw_, in_normalized_;
};

/// The "added_tokens" of a tokenizer file. Those that the vocabulary does not have must follow it without a gap.
std::vector<AddedToken> read_added_tokens(const Spec& spec, const Vocabulary& vocabulary);
core::Datum added_tokens_datum(const AddedTokens& tokens);

}  // namespace gradus::data
