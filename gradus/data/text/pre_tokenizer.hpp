// Pre-tokenisation: cutting a normalised text into the words that a model then takes apart.
#pragma once

#include <functional>
#include <vector>

#include "gradus/data/text/aligned_text.hpp"

namespace gradus::data {

class Spec;

/// Words in order; what lies between them is gone.
struct Words {
  struct Range {
    size_t begin = 0, end = 0;
  };
  AlignedText text{};
  std::vector<Range> ranges{};
  bool is_at_start = true;  ///< of the whole text: nothing, not even a special token, is before it

  explicit Words(AlignedText all, bool is_at_start = true) : text(std::move(all)), is_at_start(is_at_start) {
    if (!text.empty()) ranges.push_back({0, text.size()});
  }
  std::string_view word(const Range& range) const { return std::string_view(text.text()).substr(range.begin, range.end - range.begin); }
};

/// Empty: the whole text is one word.
using PreTokenizer = std::function<void(Words&)>;

/// What the "pre_tokenizer" of a tokenizer file says: BertPreTokenizer, ByteLevel, Whitespace, WhitespaceSplit, Metaspace, Digits,
/// Punctuation, Split, CharDelimiterSplit, Sequence. Of regular expressions those of GPT-2, Llama 3 and Qwen 2 are known. Others are
/// refused by name.
PreTokenizer read_pre_tokenizer(const Spec& spec);

}  // namespace gradus::data
