// Counts of pairs, with the words they are in, kept up to date by each merge; a heap tells the most frequent one. Its entries may be out of
// date: then they go back with the count of now.
#include "gradus/data/text/byte_pair_training.hpp"

#include <algorithm>
#include <queue>
#include <set>

#include "gradus/data/text/utf8.hpp"

namespace gradus::data {

namespace {

struct Pair {
  int64_t count = 0;
  std::vector<int32_t> words{};  // that it is in, or was; some more than once
};

struct Candidate {
  int64_t count;
  int32_t left, right;
  // What a heap gives first is the largest.
  bool operator<(const Candidate& other) const {
    if (count != other.count) return count < other.count;
    return left != other.left ? left > other.left : right > other.right;
  }
};

class Training {
 public:
  Training(const WordCounts& words, const std::vector<char32_t>& alphabet, Vocabulary& vocabulary, const BytePairTraining& options)
      : counts_(words.counts), vocabulary_(vocabulary), options_(options) {
    add_alphabet(words, alphabet);
    for (int32_t i = 0; i < words.words.size(); ++i) add_word(words.words.token(i), i, alphabet);
  }

  std::vector<Merge> run() {
    std::vector<Merge> merges;
    pairs_.each([&](int32_t left, int32_t right, const Pair& pair) { push(left, right, pair.count); });
    while (!queue_.empty() && vocabulary_.size() < options_.vocabulary_size) {
      const Candidate best = queue_.top();
      queue_.pop();
      const int64_t now = pairs_.find(best.left, best.right)->count;
      if (now != best.count) {
        push(best.left, best.right, now);
        continue;
      }
      if (best.count < std::max<int64_t>(1, options_.least_count)) break;
      merges.push_back(merge(best.left, best.right));
    }
    return merges;
  }

 private:
  // Where pieces that go on have a prefix, each character that does is a token of its own.
  void add_alphabet(const WordCounts& words, const std::vector<char32_t>& alphabet) {
    std::string text;
    for (const char32_t c : alphabet) {
      text.clear();
      append_code_point(text, c);
      vocabulary_.add(text);
    }
    if (options_.continuing_prefix.empty()) return;
    std::set<char32_t> continuing;
    for (const std::string& word : words.words.tokens()) {
      size_t at = 0;
      if (!word.empty()) next_code_point(word, at);
      while (at < word.size()) continuing.insert(next_code_point(word, at));
    }
    for (const char32_t c : continuing) {
      if (!std::binary_search(alphabet.begin(), alphabet.end(), c)) continue;
      text = options_.continuing_prefix;
      append_code_point(text, c);
      vocabulary_.add(text);
    }
  }

  // Characters that are not in the alphabet are -1, which no pair has.
  void add_word(const std::string& word, int32_t index, const std::vector<char32_t>& alphabet) {
    begins_.push_back(symbols_.size());
    std::string text;
    for (size_t at = 0; at < word.size();) {
      text = at > 0 ? options_.continuing_prefix : std::string();
      const char32_t c = next_code_point(word, at);
      append_code_point(text, c);
      symbols_.push_back(std::binary_search(alphabet.begin(), alphabet.end(), c) ? vocabulary_.find(text) : -1);
    }
    lengths_.push_back(symbols_.size() - begins_.back());
    for (size_t i = begins_.back(); i + 1 < symbols_.size(); ++i)
      count(symbols_[i], symbols_[i + 1], counts_[static_cast<size_t>(index)], index);
  }

  void count(int32_t left, int32_t right, int64_t difference, int32_t word) {
    if (left < 0 || right < 0) return;
    Pair& pair = pairs_(left, right);
    pair.count += difference;
    if (difference > 0 && (pair.words.empty() || pair.words.back() != word)) pair.words.push_back(word);
  }

  void push(int32_t left, int32_t right, int64_t count) {
    if (count > 0) queue_.push({count, left, right});
  }

  Merge merge(int32_t left, int32_t right) {
    std::string_view rest = vocabulary_.token(right);
    if (!options_.continuing_prefix.empty() && rest.starts_with(options_.continuing_prefix))
      rest.remove_prefix(options_.continuing_prefix.size());
    const int32_t merged = vocabulary_.add(vocabulary_.token(left) + std::string(rest));
    std::vector<int32_t> words = std::move(pairs_.find(left, right)->words);
    pairs_.find(left, right)->words.clear();
    changed_.clear();
    for (const int32_t word : words) merge_in(word, {left, right, merged});
    for (const auto& [a, b] : changed_) push(a, b, pairs_.find(a, b)->count);
    return {left, right, merged};
  }

  void merge_in(int32_t word, const Merge& merge) {
    const int64_t times = counts_[static_cast<size_t>(word)];
    int32_t* const all = symbols_.data() + begins_[static_cast<size_t>(word)];
    size_t& length = lengths_[static_cast<size_t>(word)];
    const auto gains = [&](int32_t a, int32_t b) {
      count(a, b, times, word);
      if (a >= 0 && b >= 0) changed_.insert({a, b});
    };
    size_t kept = 0;
    for (size_t i = 0; i < length; ++i) {
      if (all[i] != merge.left || i + 1 == length || all[i + 1] != merge.right) {
        all[kept++] = all[i];
        continue;
      }
      count(merge.left, merge.right, -times, word);
      if (kept > 0) {
        count(all[kept - 1], merge.left, -times, word);
        gains(all[kept - 1], merge.merged);
      }
      if (i + 2 < length) {
        count(merge.right, all[i + 2], -times, word);
        gains(merge.merged, all[i + 2]);
      }
      all[kept++] = merge.merged;
      ++i;
    }
    length = kept;
  }

  const std::vector<int64_t>& counts_;
  Vocabulary& vocabulary_;
  const BytePairTraining& options_;
  std::vector<int32_t> symbols_;
  std::vector<size_t> begins_, lengths_;
  PairTable<Pair> pairs_;
  std::priority_queue<Candidate> queue_;
  std::set<std::pair<int32_t, int32_t>> changed_;
};

}  // namespace

std::vector<Merge> train_byte_pairs(const WordCounts& words, const std::vector<char32_t>& alphabet, Vocabulary& vocabulary,
                                    const BytePairTraining& options) {
  return Training(words, alphabet, vocabulary, options).run();
}

}  // namespace gradus::data
