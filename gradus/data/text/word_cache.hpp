// Words that were taken apart before, for texts in which they come again.
#pragma once

#include <span>
#include <string>

#include "gradus/data/text/token_model.hpp"

namespace gradus::data {

class WordCache {
 public:
  /// The tokens of a word, by the cache or by the model; valid until the next call. Null for a word that the model has no tokens for.
  const std::span<const TokenPiece>* tokens(const TokenModel& model, std::string_view word) {
    if (word.size() > kLongest) return fresh(model, word);
    if (slots_.empty()) slots_.resize(1024);
    const uint64_t hash = hash_of(word);
    size_t place = hash & (slots_.size() - 1);
    for (; slots_[place].count > 0; place = (place + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[place];
      if (slot.hash == static_cast<uint32_t>(hash >> 32) && std::string_view(keys_).substr(slot.key, slot.size) == word) {
        found_ = std::span(pieces_).subspan(slot.first, slot.count);
        return &found_;
      }
    }
    if (!fresh(model, word)) return nullptr;
    if (found_.empty()) return &found_;
    if (2 * (words_ + 1) > slots_.size()) place = make_room(hash);
    slots_[place] = {static_cast<uint32_t>(hash >> 32),     static_cast<uint32_t>(word.size()),   static_cast<uint32_t>(keys_.size()),
                     static_cast<uint32_t>(pieces_.size()), static_cast<uint32_t>(found_.size()), hash};
    ++words_;
    keys_ += word;
    pieces_.insert(pieces_.end(), found_.begin(), found_.end());
    return &found_;
  }

 private:
  static constexpr size_t kLongest = 64, kMost = size_t{1} << 18;  // bytes of a word; words
  struct Slot {
    uint32_t hash = 0, size = 0, key = 0, first = 0, count = 0;
    uint64_t whole = 0;
  };

  const std::span<const TokenPiece>* fresh(const TokenModel& model, std::string_view word) {
    fresh_.clear();
    if (!model.tokenize(word, fresh_)) return nullptr;
    found_ = fresh_;
    return &found_;
  }
  // The free place of a hash after growing, or after forgetting everything.
  size_t make_room(uint64_t hash) {
    std::vector<Slot> before;
    before.swap(slots_);
    if (words_ >= kMost) {
      slots_.resize(before.size());
      keys_.clear();
      pieces_.clear();
      words_ = 0;
    } else {
      slots_.resize(2 * before.size());
      for (const Slot& slot : before) {
        if (slot.count > 0) slots_[free_place(slot.whole)] = slot;
      }
    }
    return free_place(hash);
  }
  size_t free_place(uint64_t hash) const {
    size_t place = hash & (slots_.size() - 1);
    while (slots_[place].count > 0) place = (place + 1) & (slots_.size() - 1);
    return place;
  }

  std::vector<Slot> slots_;
  std::string keys_;
  std::vector<TokenPiece> pieces_, fresh_;
  std::span<const TokenPiece> found_;
  size_t words_ = 0;
};

}  // namespace gradus::data
