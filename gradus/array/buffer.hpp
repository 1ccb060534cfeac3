// Memory of arrays: reference-counted buffers from a caching allocator. Its limit and its counts: array/memory.hpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "gradus/base/namespaces.hpp"

namespace gradus::core {

class Buffer;
class BufferPtr;

/// Memory that is not the processor's (a device's): how it is taken, and how bytes go there and back.
class MemorySpace {
 public:
  virtual ~MemorySpace() = default;
  /// A buffer in it, made by adopt(). Throws Error::Kind::memory, naming `what`.
  virtual BufferPtr allocate(int64_t bytes, std::string_view what) const = 0;
  /// Copies all bytes of a buffer in it to the processor's memory.
  virtual void copy_out(const Buffer& from, void* to) const = 0;
  /// Fills a buffer in it.
  virtual void copy_in(const void* from, const Buffer& to) const = 0;
};

/// A block of memory, aligned to 64 bytes. Counted by BufferPtr; freed blocks are cached by size for the next request.
class Buffer {
 public:
  std::byte* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  /// Whether the library allocated it: only such memory may be written in place (never user memory or a mapped file).
  bool is_own() const { return is_own_; }
  /// Where it lies; null: in the processor's memory. Elsewhere data() is an address that only kernels of that space may follow.
  const MemorySpace* space() const { return space_; }
  /// Number of BufferPtr that share it.
  int64_t use_count() const { return uses_.load(std::memory_order_acquire); }

 private:
  friend class BufferPtr;
  friend class Allocator;
  std::byte* data_ = nullptr;
  int64_t bytes_ = 0, capacity_ = 0;
  bool is_own_ = true;
  const MemorySpace* space_ = nullptr;
  std::function<void()> release_;
  std::atomic<int64_t> uses_{0};

 public:
  /// Packed copies of the content in other layouts (weights for oneDNN), made by kernels at first use and dropped when the buffer is
  /// written, donated or freed. Guarded by the evaluation lock.
  std::shared_ptr<void> packed;
};

/// A shared reference to a Buffer.
class BufferPtr {
 public:
  BufferPtr() = default;
  explicit BufferPtr(Buffer* buffer) : buffer_(buffer) { retain(); }
  BufferPtr(const BufferPtr& other) : buffer_(other.buffer_) { retain(); }
  BufferPtr(BufferPtr&& other) noexcept : buffer_(other.buffer_) { other.buffer_ = nullptr; }
  BufferPtr& operator=(BufferPtr other) noexcept {
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  ~BufferPtr() { release(); }

  Buffer* get() const { return buffer_; }
  Buffer* operator->() const { return buffer_; }
  Buffer& operator*() const { return *buffer_; }
  explicit operator bool() const { return buffer_ != nullptr; }
  friend bool operator==(const BufferPtr&, const BufferPtr&) = default;

 private:
  void retain() const {
    if (buffer_) buffer_->uses_.fetch_add(1, std::memory_order_relaxed);
  }
  void release();
  Buffer* buffer_ = nullptr;
};

/// A buffer of at least `bytes` bytes, content undefined. Throws Error::Kind::memory above the limit or when the system refuses,
/// naming `what` (for example "conv2d output (32, 26, 26, 64) float32").
BufferPtr allocate(int64_t bytes, std::string_view what = "array");
/// Throws as allocate would where `bytes` alone are above the limit.
void refuse_above_limit(int64_t bytes, std::string_view what);
/// A buffer on memory that the caller owns; `release` is called when the last reference goes. Never written by the library.
BufferPtr borrow(const void* data, int64_t bytes, std::function<void()> release);

/// A buffer on memory of a space, which the library may write; `release` frees it.
BufferPtr adopt(std::byte* data, int64_t bytes, const MemorySpace& space, std::function<void()> release);

/// For tests: the allocation number `countdown` from now (1: the next) fails as if memory were exhausted; 0 switches this off.
void fail_allocation_after(int64_t countdown);

}  // namespace gradus::core
