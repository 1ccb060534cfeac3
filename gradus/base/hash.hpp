// A 128-bit hash built word by word, for keys of plans and graphs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "gradus/base/namespaces.hpp"

namespace gradus::core {

struct Hash128 {
  uint64_t low = 0, high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

/// Two independent multiply-and-fold streams over the added words.
class Hasher {
 public:
  void add(uint64_t word) {
    low_ = fold(low_ ^ word, 0x9E3779B97F4A7C15u);
    high_ = fold(high_ + word, 0xD6E8FEB86659FD93u);
  }
  void add_bytes(const void* bytes, size_t count) {
    add(count);
    const char* at = static_cast<const char*>(bytes);
    for (; count >= 8; count -= 8, at += 8) {
      uint64_t word;
      std::memcpy(&word, at, 8);
      add(word);
    }
    uint64_t rest = 0;
    if (count) std::memcpy(&rest, at, count);
    add(rest);
  }
  Hash128 value() const { return {low_, high_}; }

 private:
  __extension__ typedef unsigned __int128 Wide;
  static uint64_t fold(uint64_t a, uint64_t b) {
    const Wide product = static_cast<Wide>(a + 0x2545F4914F6CDD1Du) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  uint64_t low_ = 0x243F6A8885A308D3u, high_ = 0x13198A2E03707344u;
};

struct Hash128Low {
  size_t operator()(const Hash128& hash) const { return hash.low; }
};

}  // namespace gradus::core
