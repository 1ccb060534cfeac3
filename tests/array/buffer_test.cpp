// The allocator's accounts: what lives, what is kept for reuse, what is refused.
#include "gradus/array/memory.hpp"
#include "gradus/array/buffer.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "gradus/base/error.hpp"

namespace gradus {

using namespace core;
namespace {

constexpr int64_t kBytes = 3 << 20;

TEST(Buffer, ReleasedBlocksAreKeptAndTakenAgain) {
  clear_memory_cache();
  const MemoryUse before = memory_use();
  EXPECT_EQ(before.cached, 0);
  BufferPtr one = allocate(kBytes);
  const int64_t block = memory_use().live - before.live;
  EXPECT_GE(block, kBytes);
  EXPECT_EQ(memory_use().cached, 0);
  const std::byte* place = one->data();
  one = {};
  EXPECT_EQ(memory_use().live, before.live);
  EXPECT_EQ(memory_use().cached, block);
  one = allocate(kBytes);
  EXPECT_EQ(one->data(), place);
  EXPECT_EQ(memory_use().live, before.live + block);
  EXPECT_EQ(memory_use().cached, 0);
  one = {};
  clear_memory_cache();
  EXPECT_EQ(memory_use().cached, 0);
  EXPECT_EQ(memory_use().live, before.live);
}

TEST(Buffer, LargeBlocksServeSmallerRequestsDownToHalf) {
  clear_memory_cache();
  const MemoryUse before = memory_use();
  BufferPtr large = allocate(4 * kBytes);
  const std::byte* place = large->data();
  large = {};
  const int64_t cached = memory_use().cached;
  BufferPtr half = allocate(2 * kBytes);
  EXPECT_EQ(half->data(), place);
  EXPECT_EQ(half->bytes(), 2 * kBytes);
  EXPECT_EQ(memory_use().cached, 0);
  EXPECT_EQ(memory_use().live, before.live + 2 * kBytes);  // what was asked for counts, not the block
  half = {};
  EXPECT_EQ(memory_use().cached, cached);
  EXPECT_EQ(memory_use().live, before.live);
  BufferPtr third = allocate(4 * kBytes / 3);
  EXPECT_NE(third->data(), place);
  third = {};
  // Small ones keep their size.
  BufferPtr small = allocate(4096);
  place = small->data();
  small = {};
  small = allocate(2100);
  EXPECT_NE(small->data(), place);
  small = {};
  clear_memory_cache();
}

TEST(Buffer, ThePeakIsThatSinceTheLastReset) {
  reset_peak_memory();
  const int64_t live = memory_use().live;
  EXPECT_EQ(memory_use().peak, live);
  BufferPtr one = allocate(kBytes);
  const int64_t block = memory_use().live - live;
  BufferPtr two = allocate(kBytes);
  one = {};
  two = {};
  EXPECT_EQ(memory_use().peak, live + 2 * block);
  reset_peak_memory();
  EXPECT_EQ(memory_use().peak, live);
}

TEST(Buffer, TheLimitIsOfLiveMemoryAndCanBeReadBack) {
  const int64_t before = memory_limit();
  EXPECT_GT(before, kBytes);
  clear_memory_cache();
  const int64_t live = memory_use().live;
  BufferPtr one = allocate(kBytes);
  const int64_t block = memory_use().live - live;
  one = {};
  set_memory_limit(live + 2 * block);
  EXPECT_EQ(memory_limit(), live + 2 * block);
  one = allocate(kBytes);
  BufferPtr two = allocate(kBytes);  // just up to it
  EXPECT_THROW(allocate(kBytes), Error);
  EXPECT_EQ(memory_use().live, live + 2 * block);
  two = {};
  EXPECT_NO_THROW(two = allocate(kBytes));
  EXPECT_NO_THROW(refuse_above_limit(live + 2 * block, "x"));
  EXPECT_THROW(refuse_above_limit(live + 2 * block + 1, "x"), Error);
  set_memory_limit(before);
  EXPECT_EQ(memory_limit(), before);
}

TEST(Buffer, BorrowedMemoryIsReleasedOnceAndNotCounted) {
  const int64_t live = memory_use().live;
  int released = 0;
  const float numbers[] = {1, 2, 3};
  BufferPtr one = borrow(numbers, sizeof numbers, [&] { ++released; });
  BufferPtr two = one;
  EXPECT_EQ(memory_use().live, live);
  EXPECT_FALSE(one->is_own());
  EXPECT_EQ(std::memcmp(one->data(), numbers, sizeof numbers), 0);
  one = {};
  EXPECT_EQ(released, 0);
  two = {};
  EXPECT_EQ(released, 1);
}

}  // namespace
}  // namespace gradus
