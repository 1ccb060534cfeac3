// The caching allocator: size classes an eighth of a power of two apart, one lock, one limit.
#include "gradus/array/buffer.hpp"

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else  // Clang 16 and later have their sanitizers in a package of its own
#define ASAN_POISON_MEMORY_REGION(address, bytes) (static_cast<void>(address), static_cast<void>(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) (static_cast<void>(address), static_cast<void>(bytes))
#endif

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "gradus/array/memory.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/fork.hpp"

namespace gradus::core {

namespace {

constexpr int64_t kAlignment = 64;

int64_t read_number(const char* path) {
  std::ifstream file(path);
  int64_t value = 0;
  return file >> value ? value : INT64_MAX;
}

// MemAvailable of the machine, less if the cgroup allows less.
int64_t available_memory() {
  int64_t available = INT64_MAX;
  std::ifstream meminfo("/proc/meminfo");
  for (std::string word; meminfo >> word;) {
    if (word != "MemAvailable:") continue;
    int64_t kilobytes = 0;
    if (meminfo >> kilobytes) available = kilobytes * 1024;
    break;
  }
  const int64_t limit = std::min(read_number("/sys/fs/cgroup/memory.max"), read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
  return std::min(available, limit);
}

// Rounded up so that at most an eighth is unused.
int64_t size_class(int64_t bytes) {
  if (bytes <= kAlignment) return kAlignment;
  int64_t step = kAlignment;
  while (bytes > 16 * step) step *= 2;
  return (bytes + step - 1) / step * step;
}

// Large blocks ask for huge pages: walking 4 KiB pages costs more than a third of the bandwidth (a + b of 4 M floats: 850 against 512 us).
std::byte* take_from_system(int64_t capacity) {
  constexpr int64_t huge_page = int64_t{2} << 20;
  const bool is_large = capacity >= 2 * huge_page;
  // Not aligned_alloc, which asks for multiples of the alignment.
  void* block = nullptr;
  if (::posix_memalign(&block, static_cast<size_t>(is_large ? huge_page : kAlignment), static_cast<size_t>(capacity)) != 0) return nullptr;
#ifdef __linux__
  if (is_large) madvise(block, static_cast<size_t>(capacity / huge_page * huge_page), MADV_HUGEPAGE);
#endif
  return static_cast<std::byte*>(block);
}

// Exact below a MiB; from there on MiB, with a decimal as long as that says something.
std::string size_text(int64_t bytes) {
  constexpr int64_t mebibyte = int64_t{1} << 20;
  if (bytes < mebibyte) return concat(bytes, " bytes");
  if (bytes >= 100 * mebibyte) return concat(bytes / mebibyte, " MiB");
  const int64_t tenths = 10 * bytes / mebibyte;
  return concat(tenths / 10, ".", tenths % 10, " MiB");
}

// Under AddressSanitizer a cached block, and what a block has beyond the bytes that were asked for, must not be touched; otherwise these
// macros do nothing.
void allow(const std::byte* data, int64_t bytes) { ASAN_UNPOISON_MEMORY_REGION(data, static_cast<size_t>(bytes)); }
void forbid(const std::byte* data, int64_t bytes) { ASAN_POISON_MEMORY_REGION(data, static_cast<size_t>(bytes)); }

}  // namespace

// Made at first use and never destroyed: static arrays may outlive every other static object.
class Allocator {
 public:
  static Allocator& get() {
    static Allocator* allocator = new Allocator;
    return *allocator;
  }

  Buffer* take(int64_t bytes, std::string_view what) {
    const int64_t capacity = size_class(std::max<int64_t>(bytes, 1));
    std::lock_guard lock(mutex_);
    if (countdown_ && --countdown_ == 0) refuse(bytes, what, "memory is exhausted (a failure asked for by fail_allocation_after)");
    refuse_above_limit(use_.live + capacity, bytes, what);
    auto buffer = std::make_unique<Buffer>();
    if (!take_cached(*buffer, capacity)) {
      if (use_.live + use_.cached + capacity > limit_) trim();
      buffer->data_ = take_from_system(capacity);
      if (!buffer->data_) {
        trim();
        buffer->data_ = take_from_system(capacity);
      }
      if (!buffer->data_) refuse(bytes, what, "the system refused");
      buffer->capacity_ = capacity;
    }
    buffer->bytes_ = bytes;
    allow(buffer->data_, bytes);
    forbid(buffer->data_ + bytes, buffer->capacity_ - bytes);
    use_.live += capacity;
    use_.peak = std::max(use_.peak, use_.live);
    return buffer.release();
  }

  Buffer* take_borrowed(const void* data, int64_t bytes, std::function<void()> release) {
    auto* buffer = new Buffer;
    buffer->data_ = static_cast<std::byte*>(const_cast<void*>(data));
    buffer->bytes_ = bytes;
    buffer->is_own_ = false;
    buffer->release_ = std::move(release);
    return buffer;
  }

  Buffer* take_adopted(std::byte* data, int64_t bytes, const MemorySpace& space, std::function<void()> release) {
    Buffer* buffer = take_borrowed(data, bytes, std::move(release));
    buffer->is_own_ = true;
    buffer->space_ = &space;
    return buffer;
  }

  void give_back(Buffer* buffer) {
    buffer->packed.reset();
    if (!buffer->is_own_ || buffer->space_) {
      if (buffer->release_) buffer->release_();
      delete buffer;
      return;
    }
    forbid(buffer->data_, buffer->capacity_);
    {
      std::lock_guard lock(mutex_);
      use_.live -= size_class(std::max<int64_t>(buffer->bytes_, 1));
      use_.cached += buffer->capacity_;
      free_[buffer->capacity_].push_back(buffer->data_);
    }
    delete buffer;
  }

  void check(int64_t bytes, std::string_view what) {
    std::lock_guard lock(mutex_);
    refuse_above_limit(bytes, bytes, what);
  }

  MemoryUse use() {
    std::lock_guard lock(mutex_);
    return use_;
  }
  void reset_peak() {
    std::lock_guard lock(mutex_);
    use_.peak = use_.live;
  }
  void set_limit(int64_t bytes) {
    std::lock_guard lock(mutex_);
    limit_ = bytes;
  }
  int64_t limit() {
    std::lock_guard lock(mutex_);
    return limit_;
  }
  void clear() {
    std::lock_guard lock(mutex_);
    trim();
  }
  void set_countdown(int64_t countdown) {
    std::lock_guard lock(mutex_);
    countdown_ = countdown;
  }

 private:
  // A free block of that capacity. A large one may be up to twice as large: where sizes change from step to step, as in batches of
  // sequences, a block for each of them would fill the memory.
  bool take_cached(Buffer& buffer, int64_t capacity) {
    constexpr int64_t large = int64_t{1} << 20;
    const int64_t most = capacity < large ? capacity : 2 * capacity;
    for (auto at = free_.lower_bound(capacity); at != free_.end() && at->first <= most; ++at) {
      if (at->second.empty()) continue;
      buffer.data_ = at->second.back();
      buffer.capacity_ = at->first;
      at->second.pop_back();
      use_.cached -= at->first;
      return true;
    }
    return false;
  }
  void refuse_above_limit(int64_t needed, int64_t bytes, std::string_view what) const {
    if (needed <= limit_) return;
    refuse(bytes, what, concat("live arrays hold ", size_text(use_.live), " and the memory limit is ", size_text(limit_)));
  }
  [[noreturn]] static void refuse(int64_t bytes, std::string_view what, std::string_view why) {
    throw Error(Error::Kind::memory, "out of memory", concat(what, " needs ", size_text(bytes), "; ", why));
  }
  void trim() {
    for (auto& [capacity, blocks] : free_) {
      for (std::byte* block : blocks) {
        allow(block, capacity);
        std::free(block);
      }
      blocks.clear();
    }
    use_.cached = 0;
  }

  LastingMutex mutex_;
  std::map<int64_t, std::vector<std::byte*>> free_;
  MemoryUse use_;
  int64_t limit_ = available_memory();
  int64_t countdown_ = 0;
};

void BufferPtr::release() {
  if (buffer_ && buffer_->uses_.fetch_sub(1, std::memory_order_acq_rel) == 1) Allocator::get().give_back(buffer_);
  buffer_ = nullptr;
}

BufferPtr allocate(int64_t bytes, std::string_view what) { return BufferPtr(Allocator::get().take(bytes, what)); }
void refuse_above_limit(int64_t bytes, std::string_view what) { Allocator::get().check(bytes, what); }
BufferPtr borrow(const void* data, int64_t bytes, std::function<void()> release) {
  return BufferPtr(Allocator::get().take_borrowed(data, bytes, std::move(release)));
}
BufferPtr adopt(std::byte* data, int64_t bytes, const MemorySpace& space, std::function<void()> release) {
  return BufferPtr(Allocator::get().take_adopted(data, bytes, space, std::move(release)));
}
void fail_allocation_after(int64_t countdown) { Allocator::get().set_countdown(countdown); }

}  // namespace gradus::core

namespace gradus {

using namespace core;

MemoryUse memory_use() { return Allocator::get().use(); }
void reset_peak_memory() { Allocator::get().reset_peak(); }
void set_memory_limit(int64_t bytes) {
  if (bytes < 0) fail("set_memory_limit", "bytes is ", bytes, "; it must be at least 0");
  Allocator::get().set_limit(bytes);
}
int64_t memory_limit() { return Allocator::get().limit(); }
void clear_memory_cache() { Allocator::get().clear(); }

}  // namespace gradus
