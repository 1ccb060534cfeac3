// Replaces operator new by one that counts what is live. Weak, so that several files of a program may include this.
#pragma once

#include <malloc.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace gradus::testing::watched_new {

inline std::atomic<int64_t> live_bytes{0}, peak_bytes{0}, blocks_taken{0};

inline int64_t live() { return live_bytes; }
inline int64_t taken() { return blocks_taken; }
inline int64_t peak() { return peak_bytes; }
inline void reset_peak() { peak_bytes = live_bytes.load(); }

/// Null where memory is exhausted.
inline void* try_take(size_t bytes) noexcept {
  void* block = std::malloc(bytes ? bytes : 1);
  if (!block) return nullptr;
  ++blocks_taken;
  const int64_t now = live_bytes += static_cast<int64_t>(::malloc_usable_size(block));
  if (now > peak_bytes) peak_bytes = now;
  return block;
}
inline void* take(size_t bytes) {
  void* block = try_take(bytes);
  if (!block) throw std::bad_alloc();
  return block;
}
inline void give_back(void* block) {
  if (block) live_bytes -= static_cast<int64_t>(::malloc_usable_size(block));
  std::free(block);
}

}  // namespace gradus::testing::watched_new

[[gnu::weak]] void* operator new(size_t bytes) { return gradus::testing::watched_new::take(bytes); }
[[gnu::weak]] void* operator new[](size_t bytes) { return gradus::testing::watched_new::take(bytes); }
[[gnu::weak]] void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return gradus::testing::watched_new::try_take(bytes); }
[[gnu::weak]] void* operator new[](size_t bytes, const std::nothrow_t&) noexcept { return gradus::testing::watched_new::try_take(bytes); }
[[gnu::weak]] void operator delete(void* block) noexcept { gradus::testing::watched_new::give_back(block); }
[[gnu::weak]] void operator delete[](void* block) noexcept { gradus::testing::watched_new::give_back(block); }
[[gnu::weak]] void operator delete(void* block, size_t) noexcept { gradus::testing::watched_new::give_back(block); }
[[gnu::weak]] void operator delete[](void* block, size_t) noexcept { gradus::testing::watched_new::give_back(block); }
