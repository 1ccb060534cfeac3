// How much memory arrays take, and how much they may.
#pragma once

#include <cstdint>

namespace gradus {

/// Bytes that live buffers hold now, that they held at most since the last reset, and that the cache keeps for reuse. Of the whole process.
/// A reset of the peak makes it what is live then.
struct MemoryUse {
  int64_t live = 0, peak = 0, cached = 0;
};
MemoryUse memory_use();
void reset_peak_memory();
/// Refuses allocations that would take live memory above `bytes`. Default: what the machine or its cgroup has available at the start.
void set_memory_limit(int64_t bytes);
int64_t memory_limit();
/// Gives cached blocks back to the system.
void clear_memory_cache();

}  // namespace gradus
