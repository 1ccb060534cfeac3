// One function a kind. Each cuts by what matches, and says what becomes of the matches.
#include "gradus/data/text/pre_tokenizer.hpp"

#include "gradus/data/text/byte_level.hpp"
#include "gradus/data/text/spec_internal.hpp"

namespace gradus::data {

namespace {

struct Kind {
  std::string_view name;
  PreTokenizer (*read)(const Spec& spec);
};

// Calls cut(word, add) for each word; add(begin, end) takes a part of it.
template <class Cut>
void cut_words(Words& words, const Cut& cut) {
  std::vector<Words::Range> parts;
  for (const Words::Range& range : words.ranges) {
    cut(words.word(range), [&](size_t begin, size_t end) {
      if (begin < end) parts.push_back({range.begin + begin, range.begin + end});
    });
  }
  words.ranges = std::move(parts);
}

// Calls write(range, out) for each word, which appends to `out` what stands in its place.
template <class Write>
void rewrite_words(Words& words, const Write& write) {
  AlignedText out = words.text.successor();
  for (Words::Range& range : words.ranges) {
    const size_t begin = out.size();
    write(range, out);
    range = {begin, out.size()};
  }
  words.text = std::move(out);
}

// What becomes of the matches that words are cut at.
enum class Behavior : uint8_t { removed, isolated, merged_with_previous, merged_with_next, contiguous };
struct BehaviorName {
  std::string_view name;
  Behavior behavior;
};
constexpr BehaviorName kBehaviors[] = {{"Removed", Behavior::removed},
                                       {"Isolated", Behavior::isolated},
                                       {"MergedWithPrevious", Behavior::merged_with_previous},
                                       {"MergedWithNext", Behavior::merged_with_next},
                                       {"Contiguous", Behavior::contiguous}};

Behavior read_behavior(const Spec& spec, std::string_view fallback) {
  const std::string name = spec.text_or(std::string(fallback));
  for (const BehaviorName& each : kBehaviors) {
    if (each.name == name) return each.behavior;
  }
  spec.fail("\"", name, "\" is no way to split; known are Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous");
}

// A match, or what lies between two.
struct Stretch {
  size_t begin = 0, end = 0;
  bool is_match = false;
};

template <class Add>
void add_stretches(const std::vector<Stretch>& stretches, Behavior behavior, const Add& add) {
  const auto isolated = [&] {
    for (const Stretch& each : stretches) add(each.begin, each.end);
  };
  if (behavior == Behavior::removed) {
    for (const Stretch& each : stretches) {
      if (!each.is_match) add(each.begin, each.end);
    }
    return;
  }
  if (behavior == Behavior::isolated || stretches.empty()) return isolated();
  Stretch open = stretches[0];
  const auto joins = [&](const Stretch& before, const Stretch& next) {
    if (behavior == Behavior::merged_with_previous) return !before.is_match && next.is_match;
    if (behavior == Behavior::merged_with_next) return before.is_match && !next.is_match;
    return before.is_match == next.is_match;
  };
  for (size_t i = 1; i < stretches.size(); ++i) {
    if (joins(stretches[i - 1], stretches[i])) {
      open.end = stretches[i].end;
    } else {
      add(open.begin, open.end);
      open = stretches[i];
    }
  }
  add(open.begin, open.end);
}

// Finds the next match at or after `at`; empty at the end of the text if there is none.
using Match = std::function<Words::Range(std::string_view text, size_t at)>;

PreTokenizer split_by(Match match, Behavior behavior, bool is_inverted) {
  return [=](Words& words) {
    cut_words(words, [&](std::string_view word, const auto& add) {
      std::vector<Stretch> stretches;
      for (size_t at = 0; at < word.size();) {
        const Words::Range found = match(word, at);
        if (found.begin > at) stretches.push_back({at, found.begin, is_inverted});
        if (found.end > found.begin) stretches.push_back({found.begin, found.end, !is_inverted});
        at = std::max(found.end, found.begin);
      }
      add_stretches(stretches, behavior, add);
    });
  };
}

// Each character of a kind is a match.
template <class Test>
Match each_character(Test is_wanted) {
  return [is_wanted](std::string_view text, size_t at) {
    while (at < text.size()) {
      const size_t begin = at;
      if (is_wanted(next_code_point(text, at))) return Words::Range{begin, at};
    }
    return Words::Range{text.size(), text.size()};
  };
}

bool is_punctuation(char32_t c) { return is_any(c, kPunctuation); }

// Spaces go, punctuation characters stand alone.
void split_bert(Words& words) {
  cut_words(words, [](std::string_view word, const auto& add) {
    size_t begin = 0;
    for (size_t at = 0; at < word.size();) {
      const size_t start = at;
      const char32_t c = next_code_point(word, at);
      const bool is_gap = is_space(c);
      if (!is_gap && !is_punctuation(c)) continue;
      add(begin, start);
      if (!is_gap) add(start, at);
      begin = at;
    }
    add(begin, word.size());
  });
}

// \w+|[^\w\s]+
void split_words_and_signs(Words& words) {
  cut_words(words, [](std::string_view word, const auto& add) {
    const auto kind_of = [](char32_t c) { return is_any(c, kWord) ? 1 : is_space(c) ? 0 : 2; };
    size_t begin = 0;
    int open = 0;
    for (size_t at = 0; at < word.size();) {
      const size_t start = at;
      const int kind = kind_of(next_code_point(word, at));
      if (kind == open) continue;
      if (open) add(begin, start);
      begin = start;
      open = kind;
    }
    if (open) add(begin, word.size());
  });
}

PreTokenizer read_whitespace_split(const Spec&) { return split_by(each_character(is_space), Behavior::removed, false); }
PreTokenizer read_punctuation(const Spec& spec) {
  return split_by(each_character(is_punctuation), read_behavior(spec["behavior"], "Isolated"), false);
}
PreTokenizer read_digits(const Spec& spec) {
  const auto is_digit = [](char32_t c) { return is_any(c, kDigit); };
  return split_by(each_character(is_digit), spec["individual_digits"].flag_or(false) ? Behavior::isolated : Behavior::contiguous, false);
}
PreTokenizer read_delimiter(const Spec& spec) {
  return split_by(each_character([c = spec["delimiter"].character()](char32_t each) { return each == c; }), Behavior::removed, false);
}

// Regular expressions whose matches follow one another without a gap.
struct Expression {
  std::string_view text;
  size_t (*word_end)(std::string_view text, size_t at);
};
constexpr Expression kExpressions[] = {
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", gpt2_word_end},
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", gpt2_word_end},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     [](std::string_view text, size_t at) { return gpt4_word_end(text, at, 3); }},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     [](std::string_view text, size_t at) { return gpt4_word_end(text, at, 1); }},
};

Match read_pattern(const Spec& spec) {
  if (spec["Regex"].exists()) {
    const std::string& text = spec["Regex"].text();
    for (const Expression& known : kExpressions) {
      if (known.text == text) return [end = known.word_end](std::string_view word, size_t at) { return Words::Range{at, end(word, at)}; };
    }
    if (text == "\\s+" || text == "\\s") {
      return [is_run = text == "\\s+"](std::string_view word, size_t at) {
        Words::Range found = each_character(is_space)(word, at);
        for (size_t next = found.end; is_run && next < word.size() && is_space(next_code_point(word, next));) found.end = next;
        return found;
      };
    }
    if (text.empty() || text == ".") return each_character([is_all = text.empty()](char32_t c) { return is_all || c != '\n'; });
    spec.fail("the regular expression \"", text, "\" is not known; known are those of GPT-2, Llama 3 and Qwen 2, and \\s+");
  }
  const std::string part = spec["String"].text();
  if (part.empty()) spec["String"].fail("the text is empty; there must be something to split at");
  return [part](std::string_view word, size_t at) {
    const size_t found = std::min(word.find(part, at), word.size());
    return Words::Range{found, found == word.size() ? found : found + part.size()};
  };
}

PreTokenizer read_split(const Spec& spec) {
  return split_by(read_pattern(spec["pattern"]), read_behavior(spec["behavior"], "Isolated"), spec["invert"].flag_or(false));
}

void to_byte_characters(Words& words) {
  rewrite_words(words, [&](const Words::Range& range, AlignedText& out) {
    for (size_t at = range.begin; at < range.end; ++at)
      out.append(character_of_byte(static_cast<uint8_t>(words.text.text()[at])), words.text.origin(at));
  });
}

void add_front(Words& words, char32_t c) {
  rewrite_words(words, [&](const Words::Range& range, AlignedText& out) {
    if (!words.word(range).starts_with(' ')) out.append(c, words.text.origin(range.begin));
    out.append(words.text, range.begin, range.end);
  });
}

PreTokenizer read_byte_level(const Spec& spec) {
  const bool adds_space = spec["add_prefix_space"].flag_or(true), cuts = spec["use_regex"].flag_or(true);
  return [=](Words& words) {
    if (adds_space) add_front(words, U' ');
    if (cuts) {
      cut_words(words, [](std::string_view word, const auto& add) {
        for (size_t at = 0, end = 0; at < word.size(); at = end) {
          end = gpt2_word_end(word, at);
          add(at, end);
        }
      });
    }
    to_byte_characters(words);
  };
}

// Spaces become a visible character, which begins each word.
PreTokenizer read_metaspace(const Spec& spec) {
  const char32_t mark = spec["replacement"].exists() ? spec["replacement"].character() : U'\u2581';
  const bool splits = spec["split"].flag_or(true);
  const Spec scheme_spec = spec["prepend_scheme"];
  const std::string scheme = scheme_spec.text_or(spec["add_prefix_space"].flag_or(true) ? "always" : "never");
  if (scheme != "always" && scheme != "first" && scheme != "never")
    scheme_spec.fail("\"", scheme, "\" is none; known are always, first, never");
  return [=](Words& words) {
    rewrite_words(words, [&](const Words::Range& range, AlignedText& out) {
      const std::string_view word = words.word(range);
      const bool is_first = words.is_at_start && range.begin == 0;
      size_t first = 0;
      const char32_t c = next_code_point(word, first);
      if (c != mark && c != U' ' && (scheme == "always" || (scheme == "first" && is_first)))
        out.append(mark, words.text.origin(range.begin));
      for (size_t at = 0; at < word.size();) {
        const TextSpan origin = words.text.origin(range.begin + at);
        const char32_t next = next_code_point(word, at);
        out.append(next == U' ' ? mark : next, origin);
      }
    });
    if (splits) split_by(each_character([=](char32_t c) { return c == mark; }), Behavior::merged_with_next, false)(words);
  };
}

PreTokenizer read_sequence(const Spec& spec) {
  std::vector<PreTokenizer> steps;
  for (const Spec& each : spec["pretokenizers"].elements()) steps.push_back(read_pre_tokenizer(each));
  return [steps](Words& words) {
    for (const PreTokenizer& step : steps) step(words);
  };
}

constexpr Kind kKinds[] = {
    {"BertPreTokenizer", [](const Spec&) { return PreTokenizer(split_bert); }},
    {"ByteLevel", read_byte_level},
    {"Whitespace", [](const Spec&) { return PreTokenizer(split_words_and_signs); }},
    {"WhitespaceSplit", read_whitespace_split},
    {"Metaspace", read_metaspace},
    {"Digits", read_digits},
    {"Punctuation", read_punctuation},
    {"Split", read_split},
    {"CharDelimiterSplit", read_delimiter},
    {"Sequence", read_sequence},
};

}  // namespace

PreTokenizer read_pre_tokenizer(const Spec& spec) { return kind_of(spec, kKinds, "pre_tokenizer").read(spec); }

}  // namespace gradus::data
