// Tokens by id and ids by token; pairs of ids; both in flat tables, for loops over all words of a text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data {

uint64_t hash_of(std::string_view text);
inline uint64_t hash_of(uint64_t key) {
  key = (key ^ key >> 32) * 0x9E3779B97F4A7C15u;
  return key ^ key >> 29;
}

/// Tokens 0 .. size-1, all different.
class Vocabulary {
 public:
  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }
  const std::string& token(int32_t id) const { return tokens_[static_cast<size_t>(id)]; }
  const std::vector<std::string>& tokens() const { return tokens_; }
  /// -1 if there is none.
  int32_t find(std::string_view token) const;
  /// The id of a token, which is added if it is not there.
  int32_t add(std::string_view token);
  /// Bytes of the longest token.
  size_t longest() const { return longest_; }

 private:
  void grow();

  struct Slot {
    uint32_t hash = 0;
    int32_t id = -1;
  };
  std::vector<std::string> tokens_;
  std::vector<Slot> slots_;  // as many as a power of two, at most half full
  size_t longest_ = 0;
};

/// From two ids to a value.
template <class Value>
class PairTable {
 public:
  Value* find(int32_t left, int32_t right) {
    if (slots_.empty()) return nullptr;
    const uint64_t key = key_of(left, right);
    Slot& slot = slots_[place_of(key)];
    return slot.key == key ? &slot.value : nullptr;
  }
  const Value* find(int32_t left, int32_t right) const { return const_cast<PairTable*>(this)->find(left, right); }
  /// The value of the pair, made if it is not there. Valid until the next call.
  Value& operator()(int32_t left, int32_t right) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    const uint64_t key = key_of(left, right);
    Slot& slot = slots_[place_of(key)];
    if (slot.key != key) {
      slot.key = key;
      ++size_;
    }
    return slot.value;
  }
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  template <class Each>
  void each(const Each& each) const {
    for (const Slot& slot : slots_) {
      if (slot.key != kFree) each(static_cast<int32_t>(slot.key >> 32), static_cast<int32_t>(slot.key & 0xFFFFFFFF), slot.value);
    }
  }

 private:
  static constexpr uint64_t kFree = ~uint64_t{0};  // of no pair: ids are not negative
  struct Slot {
    uint64_t key = kFree;
    Value value{};
  };
  static uint64_t key_of(int32_t left, int32_t right) { return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right); }
  size_t place_of(uint64_t key) const {
    size_t place = hash_of(key) & (slots_.size() - 1);
    while (slots_[place].key != key && slots_[place].key != kFree) place = (place + 1) & (slots_.size() - 1);
    return place;
  }
  void grow() {
    std::vector<Slot> before(slots_.empty() ? 16 : 2 * slots_.size());
    before.swap(slots_);
    for (Slot& slot : before) {
      if (slot.key != kFree) slots_[place_of(slot.key)] = std::move(slot);
    }
  }

  std::vector<Slot> slots_;
  size_t size_ = 0;
};

}  // namespace gradus::data
