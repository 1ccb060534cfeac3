// Scratch memory by worker: as many slots as chunks may run at once, claimed by a chunk while it runs. Private to cpu/.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "gradus/base/round_up.hpp"
#include "gradus/base/threads.hpp"

namespace gradus::cpu {

/// How a kernel divides its scratch among the chunks of a parallel loop; decided when it is prepared.
class SlotSizes {
 public:
  SlotSizes() = default;
  /// Slots of `bytes` bytes (rounded up to 64) for a loop of `chunks` chunks.
  SlotSizes(int64_t bytes, int64_t chunks)
      : bytes_(round_up(bytes)), count_(bytes == 0 ? 0 : std::clamp<int64_t>(std::min<int64_t>(chunks, threads()), 1, 64)) {}
  int64_t slot_bytes() const { return bytes_; }
  int64_t count() const { return count_; }
  int64_t scratch_bytes() const { return bytes_ * count_; }

 private:
  int64_t bytes_ = 0, count_ = 0;
};

/// The slots of one run.
class Slots {
 public:
  Slots(const SlotSizes& plan, void* scratch)
      : bytes_(plan.slot_bytes()),
        scratch_(static_cast<std::byte*>(scratch)),
        free_(plan.count() == 64 ? ~uint64_t{0} : (uint64_t{1} << plan.count()) - 1) {}

  /// A slot until the claim is destroyed. More chunks at once than slots (the number of threads was raised after preparing) wait.
  class Claim {
   public:
    explicit Claim(Slots& slots) : slots_(slots) {
      if (!slots.bytes_) return;
      uint64_t free = slots.free_.load(std::memory_order_relaxed);
      while (true) {
        if (!free) {
          free = slots.free_.load(std::memory_order_relaxed);
          continue;
        }
        bit_ = free & (~free + 1);
        if (slots.free_.compare_exchange_weak(free, free & ~bit_, std::memory_order_acquire)) break;
      }
    }
    ~Claim() {
      if (bit_) slots_.free_.fetch_or(bit_, std::memory_order_release);
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    std::byte* data() const {
      return bit_ ? slots_.scratch_ + slots_.bytes_ * std::countr_zero(bit_) : nullptr;
    }

   private:
    Slots& slots_;
    uint64_t bit_ = 0;
  };

 private:
  int64_t bytes_;
  std::byte* scratch_;
  std::atomic<uint64_t> free_;
};

}  // namespace gradus::cpu
