// Batches: every sample once, the same in any mode, and a clean end.
#include "gradus/data/batches.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <numeric>
#include <thread>

#include "gradus/array/buffer.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;

data::Dataset counting(int64_t count) {
  std::vector<float> x(static_cast<size_t>(2 * count));
  std::vector<int64_t> y(static_cast<size_t>(count));
  std::iota(x.begin(), x.end(), 0.0f);
  std::iota(y.begin(), y.end(), int64_t{0});
  return data::Dataset(array(x, {count, 2}), array(y));
}

std::vector<int64_t> labels(const data::Dataset& set, data::BatchOptions options) {
  std::vector<int64_t> all;
  for (const auto& batch : data::batches(set, options)) {
    const std::vector<int64_t> y = batch.y.to_vector<int64_t>();
    const std::vector<float> x = batch.x.to_vector<float>();
    EXPECT_EQ(batch.x.shape(), (Shape{batch.size(), 2}));
    for (size_t i = 0; i < y.size(); ++i) EXPECT_EQ(x[2 * i + 1], 2.0f * static_cast<float>(y[i]) + 1);
    all.insert(all.end(), y.begin(), y.end());
  }
  return all;
}

TEST(Batches, GiveEverySampleInOrder) {
  std::vector<int64_t> expected(103);
  std::iota(expected.begin(), expected.end(), int64_t{0});
  EXPECT_EQ(labels(counting(103), {.batch_size = 10}), expected);
  EXPECT_EQ(labels(counting(103), {.batch_size = 10, .prefetch = false}), expected);
  EXPECT_EQ(labels(counting(103), {.batch_size = 1000}), expected);
}

TEST(Batches, MayBeLargerThanAnySet) {
  std::vector<int64_t> expected(103);
  std::iota(expected.begin(), expected.end(), int64_t{0});
  for (const int64_t size : {int64_t{104}, int64_t{1'000'000'000'000'000}, std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(labels(counting(103), {.batch_size = size}), expected);
    EXPECT_EQ(labels(counting(103), {.batch_size = size, .drop_last = true}), std::vector<int64_t>());
  }
}

TEST(Batches, ShuffledAreAPermutationOfSeedAndEpochOnly) {
  const data::Dataset set = counting(103);
  std::vector<int64_t> first = labels(set, {.batch_size = 10, .shuffle = true, .seed = 1});
  EXPECT_EQ(first, labels(set, {.batch_size = 25, .shuffle = true, .seed = 1, .prefetch = false}));
  EXPECT_NE(first, labels(set, {.batch_size = 10, .shuffle = true, .seed = 2}));
  EXPECT_NE(first, labels(set, {.batch_size = 10, .shuffle = true, .seed = 1, .epoch = 1}));
  EXPECT_FALSE(std::is_sorted(first.begin(), first.end()));
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, labels(set, {.batch_size = 10}));
}

TEST(Batches, TheSmallerLastOneCanBeDropped) {
  EXPECT_EQ(labels(counting(23), {.batch_size = 10, .drop_last = true}).size(), 20u);
  EXPECT_EQ(labels(counting(9), {.batch_size = 10, .drop_last = true}).size(), 0u);
  EXPECT_EQ(data::batches(counting(23), {.batch_size = 10}).count(), 3);
}

TEST(Batches, ALastOneThatIsFullIsNotDropped) {
  for (const bool prefetch : {false, true}) {
    EXPECT_EQ(labels(counting(20), {.batch_size = 10, .drop_last = true, .prefetch = prefetch}).size(), 20u);
    EXPECT_EQ(labels(counting(10), {.batch_size = 10, .drop_last = true, .prefetch = prefetch}).size(), 10u);
    EXPECT_EQ(labels(counting(20), {.batch_size = 10, .drop_last = false, .prefetch = prefetch}).size(), 20u);
  }
  EXPECT_EQ(data::batches(counting(20), {.batch_size = 10, .drop_last = true}).count(), 2);
  EXPECT_EQ(data::batches(counting(20), {.batch_size = 10}).count(), 2);
  EXPECT_EQ(data::batches(counting(21), {.batch_size = 10, .drop_last = true}).count(), 2);
  EXPECT_EQ(data::batches(counting(21), {.batch_size = 10}).count(), 3);
}

// Each order of four comes equally often: chi square of 23 degrees of freedom, beyond 60 with probability 4e-5.
TEST(Batches, EveryOrderComesEquallyOften) {
  std::map<std::vector<int64_t>, int> drawn, split, shuffled;
  const data::Dataset set = counting(4);
  for (uint64_t i = 0; i < 4800; ++i) {
    ++drawn[data::permutation(4, i)];
    ++shuffled[labels(set, {.batch_size = 4, .shuffle = true, .seed = 7, .prefetch = false, .epoch = i})];
    const auto [first, rest] = data::split(set, 0.5, i);
    std::vector<int64_t> order = first.y.to_vector<int64_t>(), others = rest.y.to_vector<int64_t>();
    order.insert(order.end(), others.begin(), others.end());
    ++split[order];
  }
  for (const auto& found : {drawn, split, shuffled}) {
    ASSERT_EQ(found.size(), 24u);
    double square = 0;
    for (const auto& [order, count] : found) square += (count - 200) * (count - 200) / 200.0;
    EXPECT_LT(square, 60);
  }
}

TEST(Batches, LeavingTheLoopEarlyEndsTheThread) {
  const auto count_threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  const data::Dataset set = counting(1000);
  labels(set, {.batch_size = 1});  // whatever threads stay for good have been started
  const auto before = count_threads();
  for (int64_t i = 0; i < 50; ++i) {
    std::vector<int64_t> seen;
    for (const auto& batch : data::batches(set, {.batch_size = 1})) {
      seen.push_back(batch.y.item<int64_t>());
      EXPECT_EQ(batch.x.to_vector<float>(),
                (std::vector<float>{2.0f * static_cast<float>(seen.back()), 2.0f * static_cast<float>(seen.back()) + 1}));
      if (seen.back() >= i % 3) break;
    }
    std::vector<int64_t> expected(static_cast<size_t>(i % 3) + 1);
    std::iota(expected.begin(), expected.end(), int64_t{0});
    EXPECT_EQ(seen, expected);
  }
  for (int i = 0; i < 100000 && count_threads() > before; ++i) std::this_thread::yield();  // a joined one is listed a moment longer
  EXPECT_LE(count_threads(), before);
}

TEST(Batches, OutliveTheirSet) {
  auto set = std::make_unique<data::Dataset>(counting(40));
  data::Batches range = data::batches(*set, {.batch_size = 10});
  set.reset();
  int64_t count = 0;
  while (const data::Batch* batch = range.next()) count += batch->size();
  EXPECT_EQ(count, 40);
}

TEST(Batches, AnEmptySetHasNone) {
  EXPECT_EQ(labels(data::Dataset(zeros({0, 2}), zeros({0}, int64)), {}).size(), 0u);
  EXPECT_EQ(error_of([] { data::batches(data::Dataset()); }), "batches: the dataset is empty; give it x and y first");
  EXPECT_EQ(error_of([] { data::batches(counting(3), {.batch_size = 0}); }), "batches: batch_size is 0; it must be 1 or more");
}

TEST(Batches, OfBytesAreScaledAsTheSetItself) {
  BufferPtr bytes = allocate(256);
  for (int i = 0; i < 256; ++i) bytes->data()[i] = static_cast<std::byte>(i);
  const data::Dataset set = data::Dataset::from_bytes(make_leaf(bytes, uint8, {64, 4}), {});
  ASSERT_TRUE(set.is_from_bytes());
  std::vector<float> all;
  for (const auto& batch : data::batches(set, {.batch_size = 10})) {
    EXPECT_EQ(batch.x.dtype(), float32);
    EXPECT_FALSE(batch.y.exists());
    const std::vector<float> x = batch.x.to_vector<float>();
    all.insert(all.end(), x.begin(), x.end());
  }
  EXPECT_EQ(all, set.x.to_vector<float>());
  EXPECT_EQ(all.back(), 1.0f);
}

TEST(Batches, OfAReboundXFollowIt) {
  data::Dataset set = data::Dataset::from_bytes(full({4, 2}, 255).astype(uint8), {});
  set.x = set.x * 2;
  EXPECT_EQ(data::batches(set, {.batch_size = 4}).next()->x.to_vector<float>(), std::vector<float>(8, 2.0f));
}

TEST(Batches, ScaleGivesFloats) {
  const data::Dataset set(array({1, 2, 3}));
  EXPECT_EQ(data::batches(set, {.scale = 0.5}).next()->x.to_vector<float>(), (std::vector<float>{0.5f, 1, 1.5f}));
}

TEST(Batches, ScaleMultipliesWhateverIsStored) {
  const data::Dataset bytes = data::Dataset::from_bytes(array({0, 51, 255}, uint8), {});
  for (const bool prefetch : {false, true}) {
    EXPECT_EQ(data::batches(bytes, {.prefetch = prefetch, .scale = 4}).next()->x.to_vector<float>(),
              (std::vector<float>{0, 51 / 255.0f * 4, 4}));
  }
  EXPECT_EQ(data::batches(bytes, {}).next()->x.to_vector<float>(), (std::vector<float>{0, 51 / 255.0f, 1}));
  EXPECT_EQ(data::batches(data::Dataset(array({0, 51, 255}, uint8)), {.scale = 2}).next()->x.to_vector<float>(),
            (std::vector<float>{0, 102, 510}));
  EXPECT_EQ(data::batches(data::Dataset(array({1.5, -2.0}, float64)), {.scale = 2}).next()->x.to_vector<float>(),
            (std::vector<float>{3, -4}));
}

TEST(Batches, OutOfMemoryInTheThreadReachesTheLoop) {
  const data::Dataset set = counting(1000);
  int64_t seen = 0;
  const std::string message = error_of([&] {
    data::Batches range = data::batches(set, {.batch_size = 100});
    fail_allocation_after(1);
    while (range.next()) ++seen;
  });
  fail_allocation_after(0);
  EXPECT_LT(seen, 10);
  EXPECT_EQ(message.rfind("out of memory: batch needs", 0), 0u) << message;
}

}  // namespace
}  // namespace gradus
