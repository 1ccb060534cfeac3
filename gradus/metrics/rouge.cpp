// ROUGE by words as numbers.
#include "gradus/metrics/rouge.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>

#include "gradus/base/error.hpp"
#include "gradus/data/text/utf8.hpp"

namespace gradus::metrics {

using namespace core;

namespace {

using Words = std::vector<int32_t>;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Words as numbers, of all texts that are scored together.
class Splitter {
 public:
  explicit Splitter(RougeWords words) : words_(words) {}

  Words split(std::string_view text) {
    Words out;
    std::string word;
    const auto end_word = [&] {
      if (!word.empty()) out.push_back(ids_.emplace(word, static_cast<int32_t>(ids_.size())).first->second);
      word.clear();
    };
    for (size_t at = 0; at < text.size();) {
      const size_t begin = at;
      const char32_t c = data::next_code_point(text, at);
      const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), is_digit = c >= '0' && c <= '9';
      const bool counts = words_ == RougeWords::google ? is_letter || is_digit : !(c < 128 && is_space(static_cast<char>(c)));
      if (!counts) {
        end_word();
        continue;
      }
      if (words_ == RougeWords::google) word += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
      else word += text.substr(begin, at - begin);
      if (words_ == RougeWords::characters) end_word();
    }
    end_word();
    return out;
  }
  std::vector<Words> lines(const std::string& text) {
    std::vector<Words> out;
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      if (end > begin) out.push_back(split(std::string_view(text).substr(begin, end - begin)));
      begin = end + 1;
    }
    return out;
  }

 private:
  RougeWords words_;
  std::unordered_map<std::string, int32_t> ids_;
};

RougeScore score_of(int64_t common, int64_t of_text, int64_t of_reference) {
  RougeScore out;
  if (of_text > 0) out.precision = static_cast<double>(common) / static_cast<double>(of_text);
  if (of_reference > 0) out.recall = static_cast<double>(common) / static_cast<double>(of_reference);
  if (out.precision + out.recall > 0) out.f1 = 2 * out.precision * out.recall / (out.precision + out.recall);
  return out;
}

using Grams = std::map<std::pair<int32_t, int32_t>, int64_t>;
Grams grams_of(const Words& words, size_t order) {
  Grams grams;
  for (size_t i = 0; i + order <= words.size(); ++i) ++grams[{words[i], order == 1 ? -1 : words[i + 1]}];
  return grams;
}
RougeScore by_grams(const Words& text, const Words& reference, size_t order) {
  const Grams of_text = grams_of(text, order), of_reference = grams_of(reference, order);
  int64_t common = 0;
  for (const auto& [gram, count] : of_reference) {
    const auto found = of_text.find(gram);
    if (found != of_text.end()) common += std::min(count, found->second);
  }
  const auto count = [&](const Words& words) {
    return std::max<int64_t>(0, static_cast<int64_t>(words.size() + 1) - static_cast<int64_t>(order));
  };
  return score_of(common, count(text), count(reference));
}

// Lengths of the common subsequences of beginnings: (reference + 1, text + 1).
class Lengths {
 public:
  Lengths(const Words& reference, const Words& text) : width_(text.size() + 1), values_((reference.size() + 1) * width_) {
    for (size_t i = 1; i <= reference.size(); ++i) {
      for (size_t j = 1; j < width_; ++j) {
        const bool is_same = reference[i - 1] == text[j - 1];
        values_[i * width_ + j] = is_same ? at(i - 1, j - 1) + 1 : std::max(at(i - 1, j), at(i, j - 1));
      }
    }
  }
  int32_t at(size_t i, size_t j) const { return values_[i * width_ + j]; }

 private:
  size_t width_;
  std::vector<int32_t> values_;
};

int64_t common_length(const Words& reference, const Words& text) {
  std::vector<int32_t> row(text.size() + 1);
  for (const int32_t word : reference) {
    int32_t diagonal = 0;
    for (size_t j = 1; j < row.size(); ++j) {
      const int32_t before = row[j];
      row[j] = word == text[j - 1] ? diagonal + 1 : std::max(row[j], row[j - 1]);
      diagonal = before;
    }
  }
  return row.back();
}

// Marks the words of the reference in one longest common subsequence: the one that rouge_score walks back to.
void mark_common(const Words& reference, const Words& text, std::vector<bool>& is_common) {
  const Lengths lengths(reference, text);
  size_t i = reference.size(), j = text.size();
  while (i > 0 && j > 0) {
    if (reference[i - 1] == text[j - 1]) {
      is_common[--i] = true;
      --j;
    } else if (lengths.at(i, j - 1) > lengths.at(i - 1, j)) {
      --j;
    } else {
      --i;
    }
  }
}

// A word counts as common no more often than the summary has it.
RougeScore by_lines(const std::vector<Words>& text, const std::vector<Words>& reference) {
  std::unordered_map<int32_t, int64_t> left_in_text;
  int64_t of_text = 0, of_reference = 0, common = 0;
  for (const Words& line : text) {
    of_text += static_cast<int64_t>(line.size());
    for (const int32_t word : line) ++left_in_text[word];
  }
  for (const Words& line : reference) {
    of_reference += static_cast<int64_t>(line.size());
    std::vector<bool> is_common(line.size());
    for (const Words& other : text) mark_common(line, other, is_common);
    for (size_t i = 0; i < line.size(); ++i) {
      if (!is_common[i] || left_in_text[line[i]] == 0) continue;
      ++common;
      --left_in_text[line[i]];
    }
  }
  return of_text > 0 && of_reference > 0 ? score_of(common, of_text, of_reference) : RougeScore{};
}

RougeScores scores_of(Splitter& splitter, const std::string& text, const std::string& reference) {
  const Words a = splitter.split(text), b = splitter.split(reference);
  const auto length = [](const Words& words) { return static_cast<int64_t>(words.size()); };
  return {by_grams(a, b, 1), by_grams(a, b, 2), score_of(common_length(b, a), length(a), length(b)),
          by_lines(splitter.lines(text), splitter.lines(reference))};
}

constexpr RougeScore RougeScores::*kParts[] = {&RougeScores::rouge1, &RougeScores::rouge2, &RougeScores::rougeL, &RougeScores::rougeLsum};

}  // namespace

RougeScores rouge(std::span<const std::string> texts, std::span<const std::vector<std::string>> references, RougeWords words) {
  if (texts.size() != references.size())
    fail("rouge", "there are ", texts.size(), " texts and ", references.size(), " references; they must be equally many");
  if (texts.empty()) fail("rouge", "there are no texts; there must be one");
  Splitter splitter(words);
  RougeScores sums;
  const auto count = static_cast<double>(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    if (references[i].empty()) fail("rouge", "text ", i, " has no reference; each must have one");
    data::check_utf8(concat("rouge: text ", i), texts[i]);
    RougeScores best;
    for (const std::string& reference : references[i]) {
      data::check_utf8(concat("rouge: reference ", i), reference);
      const RougeScores scores = scores_of(splitter, texts[i], reference);
      for (const auto part : kParts) {
        if (&reference == &references[i][0] || (scores.*part).f1 > (best.*part).f1) best.*part = scores.*part;
      }
    }
    for (const auto part : kParts) {
      (sums.*part).precision += (best.*part).precision / count;
      (sums.*part).recall += (best.*part).recall / count;
      (sums.*part).f1 += (best.*part).f1 / count;
    }
  }
  return sums;
}

RougeScores rouge(std::span<const std::string> texts, std::span<const std::string> references, RougeWords words) {
  std::vector<std::vector<std::string>> lists;
  for (const std::string& reference : references) lists.push_back({reference});
  return rouge(texts, lists, words);
}

}  // namespace gradus::metrics
