// Words by the substitutions of sacreBLEU, one after the other; then counts of n-grams.
#include "gradus/metrics/bleu.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "gradus/base/error.hpp"
#include "gradus/data/text/unicode.hpp"
#include "gradus/data/text/utf8.hpp"
#include "gradus/data/text/vocabulary.hpp"

namespace gradus::metrics {

using namespace core;

namespace {

constexpr size_t kOrders = 4;

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
bool is_point(char32_t c) { return c == '.' || c == ','; }
// What Python's str.split splits at.
bool is_gap(char32_t c) { return data::is_space(c) || (c >= 0x1C && c <= 0x1F); }
// ASCII but digits, letters, apostrophe, comma, hyphen and full stop.
bool is_sign(char32_t c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || (c >= ':' && c <= '@') ||
         c == '/';
}

// The stretches of sacreBLEU's tokenizer "zh". Two of them are meant for characters above U+FFFF and take in others: its scores have them.
bool is_chinese(char32_t c) {
  constexpr char32_t stretches[][2] = {{0x3400, 0x4DB5}, {0x4E00, 0x9FA5}, {0x9FA6, 0x9FBB}, {0xF900, 0xFA2D}, {0xFA30, 0xFA6A},
                                       {0xFA70, 0xFAD9}, {0x2001, 0x2A6D}, {0x2F81, 0x2FA1}, {0xFF00, 0xFFEF}, {0x2E80, 0x2EFF},
                                       {0x3000, 0x303F}, {0x31C0, 0x31EF}, {0x2F00, 0x2FDF}, {0x2FF0, 0x2FFF}, {0x3100, 0x312F},
                                       {0x31A0, 0x31BF}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE4F}, {0x2600, 0x26FF}, {0x2700, 0x27BF},
                                       {0x3200, 0x32FF}, {0x3300, 0x33FF}};
  return std::any_of(std::begin(stretches), std::end(stretches), [c](const auto& each) { return c >= each[0] && c <= each[1]; });
}

std::u32string characters_of(std::string_view text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) out += data::next_code_point(text, at);
  return out;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
}

std::u32string set_apart(const std::u32string& text, bool (*test)(char32_t)) {
  std::u32string out;
  for (const char32_t c : text) {
    if (test(c)) out += {U' ', c, U' '};
    else out += c;
  }
  return out;
}

// Of two neighbours that fit the tests, one pair after the other from the left: the three texts around them.
std::u32string set_pairs_apart(const std::u32string& text, bool (*first)(char32_t), bool (*second)(char32_t), std::u32string_view before,
                               std::u32string_view between, std::u32string_view behind) {
  std::u32string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 == text.size() || !first(text[i]) || !second(text[i + 1])) {
      out += text[i];
      continue;
    }
    out.append(before).append(1, text[i]).append(between).append(1, text[i + 1]).append(behind);
    ++i;
  }
  return out;
}

std::u32string western_words(std::u32string text) {
  constexpr auto is_other = [](char32_t c) { return !is_digit(c); };
  text = set_apart(text, is_sign);
  text = set_pairs_apart(text, is_other, is_point, U"", U" ", U" ");
  text = set_pairs_apart(text, is_point, is_other, U" ", U" ", U"");
  return set_pairs_apart(
      text, is_digit, [](char32_t c) { return c == '-'; }, U"", U" ", U" ");
}

std::u32string stripped(std::u32string text) {
  while (!text.empty() && is_gap(text.back())) text.pop_back();
  return text;
}
std::u32string stripped_left(const std::u32string& text) { return {std::find_if_not(text.begin(), text.end(), is_gap), text.end()}; }

std::u32string without_entities(std::string text) {
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  replace_all(text, "&quot;", "\"");
  replace_all(text, "&amp;", "&");
  replace_all(text, "&lt;", "<");
  replace_all(text, "&gt;", ">");
  return U" " + characters_of(text) + U" ";
}

std::string utf8(const std::u32string& text) {
  std::string out;
  for (const char32_t c : text) data::append_code_point(out, c);
  return out;
}

// Whether a capital sigma ends a word: a letter before it and none behind, marks and points inside words apart.
bool ends_word(const std::u32string& text, size_t at) {
  constexpr std::u32string_view inside = U"'.:\u00AD\u00B7\u2019";
  const auto is_passed = [&](char32_t c) { return data::is_any(c, data::kNonspacing | data::kCombining) || inside.find(c) != inside.npos; };
  size_t before = at, behind = at + 1;
  while (before > 0 && is_passed(text[before - 1])) --before;
  while (behind < text.size() && is_passed(text[behind])) ++behind;
  return before > 0 && data::is_any(text[before - 1], data::kLetter) &&
         (behind == text.size() || !data::is_any(text[behind], data::kLetter));
}
// As Python's str.lower.
std::u32string lower_case(const std::u32string& text) {
  constexpr char32_t sigma = U'\u03A3', final_sigma = U'\u03C2';
  std::u32string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == sigma && ends_word(text, i)) out += final_sigma;
    else data::lower_case(text[i], [&](char32_t each) { out += each; });
  }
  return out;
}

std::vector<std::string> words_of(const std::string& sentence, const BleuOptions& options) {
  std::u32string text = characters_of(sentence);
  if (options.lowercase) text = lower_case(text);
  text = stripped(std::move(text));
  if (options.words == BleuWords::v13a) text = western_words(without_entities(utf8(text)));
  else if (options.words == BleuWords::zh) text = western_words(set_apart(stripped_left(text), is_chinese));
  else if (options.words == BleuWords::characters) text = set_apart(text, [](char32_t) { return true; });
  std::vector<std::string> words;
  bool is_open = false;
  for (const char32_t c : text) {
    const bool is_word = !is_gap(c);
    if (is_word && !is_open) words.emplace_back();
    if (is_word) data::append_code_point(words.back(), c);
    is_open = is_word;
  }
  return words;
}

using Gram = std::array<int32_t, kOrders>;  // ids of words, -1 where it has fewer
using Grams = std::map<Gram, int64_t>;

Grams grams_of(const std::vector<std::string>& words, data::Vocabulary& ids) {
  std::vector<int32_t> row;
  for (const std::string& word : words) row.push_back(ids.add(word));
  Grams out;
  for (size_t begin = 0; begin < row.size(); ++begin) {
    Gram gram;
    gram.fill(-1);
    for (size_t order = 0; order < kOrders && begin + order < row.size(); ++order) {
      gram[order] = row[begin + order];
      ++out[gram];
    }
  }
  return out;
}
size_t order_of(const Gram& gram) { return static_cast<size_t>(std::find(gram.begin(), gram.end(), -1) - gram.begin()) - 1; }

class Corpus {
 public:
  explicit Corpus(const BleuOptions& options) : options_(options) {}

  void add(const std::string& sentence, std::span<const std::string> references) {
    const std::vector<std::string> words = words_of(sentence, options_);
    Grams best;  // of each n-gram the largest count in a reference
    int64_t nearest = -1;
    const auto length = static_cast<int64_t>(words.size());
    for (const std::string& reference : references) {
      const std::vector<std::string> own = words_of(reference, options_);
      const auto own_length = static_cast<int64_t>(own.size());
      const int64_t off = std::abs(own_length - length), least = std::abs(nearest - length);
      if (nearest < 0 || off < least || (off == least && own_length < nearest)) nearest = own_length;
      for (const auto& [gram, count] : grams_of(own, ids_)) best[gram] = std::max(best[gram], count);
    }
    score_.length += length;
    score_.reference_length += nearest;
    for (const auto& [gram, count] : grams_of(words, ids_)) {
      const size_t order = order_of(gram);
      totals_[order] += count;
      const auto at = best.find(gram);
      if (at != best.end()) matches_[order] += std::min(count, at->second);
    }
  }

  BleuScore score() const {
    BleuScore out = score_;
    const double ratio = out.length > 0 ? static_cast<double>(out.reference_length) / static_cast<double>(out.length) : 0;
    out.brevity_penalty = out.length >= out.reference_length ? 1 : out.length > 0 ? std::exp(1 - ratio) : 0;
    if (std::all_of(matches_.begin(), matches_.end(), [](int64_t count) { return count == 0; })) return out;
    double smoothing = 1, sum = 0;
    size_t orders = 0;
    for (; orders < kOrders && totals_[orders] > 0; ++orders) {
      const auto total = static_cast<double>(totals_[orders]);
      if (matches_[orders] == 0) smoothing *= 2;
      out.precisions[orders] = matches_[orders] == 0 ? 100 / (smoothing * total) : 100 * static_cast<double>(matches_[orders]) / total;
      sum += std::log(out.precisions[orders]);
    }
    if (orders < kOrders && !options_.effective_order) return out;  // an order without n-grams: the mean is 0
    out.score = out.brevity_penalty * std::exp(sum / static_cast<double>(orders));
    return out;
  }

 private:
  const BleuOptions& options_;
  data::Vocabulary ids_;
  std::array<int64_t, kOrders> matches_{}, totals_{};
  BleuScore score_;
};

void check_count(size_t sentences, size_t references) {
  if (sentences != references)
    fail("bleu", "there are ", sentences, " sentences and ", references, " references; they must be equally many");
}

}  // namespace

BleuScore bleu(std::span<const std::string> sentences, std::span<const std::vector<std::string>> references, BleuOptions options) {
  check_count(sentences.size(), references.size());
  Corpus corpus(options);
  for (size_t i = 0; i < sentences.size(); ++i) {
    if (references[i].empty()) fail("bleu", "sentence ", i, " has no reference; each must have one");
    data::check_utf8(concat("bleu: sentence ", i), sentences[i]);
    for (const std::string& reference : references[i]) data::check_utf8(concat("bleu: reference ", i), reference);
    corpus.add(sentences[i], references[i]);
  }
  return corpus.score();
}

BleuScore bleu(std::span<const std::string> sentences, std::span<const std::string> references, BleuOptions options) {
  check_count(sentences.size(), references.size());
  std::vector<std::vector<std::string>> lists;
  for (const std::string& reference : references) lists.push_back({reference});
  return bleu(sentences, lists, options);
}

std::string bleu_words(const std::string& sentence, BleuOptions options) {
  data::check_utf8("bleu_words", sentence);
  return join(words_of(sentence, options), " ");
}

}  // namespace gradus::metrics
