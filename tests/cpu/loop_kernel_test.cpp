// Kernels that are one loop, and several of them in one.
#include <gtest/gtest.h>

#include <atomic>
#include <numeric>

#include "gradus/base/parallel.hpp"
#include "gradus/cpu/loop/loop_kernel.hpp"
#include "gradus/cpu/loop/parts.hpp"
#include "tests/cpu/random_data.hpp"

namespace gradus::cpu {

using namespace core;
namespace {

// Each chunk adds 1 to a number of its own and to one that all share, and leaves its scratch full of ones.
class Counting final : public LoopKernel {
 public:
  explicit Counting(int64_t chunks) { set_loop(chunks, 100, 8); }
  void begin(void* shared) const override { new (shared) std::atomic<int64_t>(0); }
  Status run_chunk(int64_t chunk, void* const* pointers, void* shared, void* scratch) const override {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(scratch) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(shared) % 64, 0u);
    std::fill_n(static_cast<uint8_t*>(scratch), 100, uint8_t{1});
    ++static_cast<int64_t*>(pointers[0])[chunk];
    if (++*static_cast<std::atomic<int64_t>*>(shared) == chunks()) static_cast<int64_t*>(pointers[1])[0] = chunks();
    return {};
  }
};

TEST(LoopKernel, RunsEachChunkOnceWithItsOwnScratch) {
  for (const int64_t chunks : {1, 2, 7, 100}) {
    std::vector<int64_t> counts(static_cast<size_t>(chunks), 0);
    int64_t last = 0;
    ASSERT_TRUE(test::run(std::make_shared<Counting>(chunks), {counts.data(), &last}).is_ok);
    EXPECT_EQ(counts, std::vector<int64_t>(static_cast<size_t>(chunks), 1));
    EXPECT_EQ(last, chunks);
  }
}

TEST(LoopKernel, SeveralAreOneLoop) {
  const std::vector<int64_t> sizes{3, 1, 8};
  std::vector<backend::BundledLoop> loops;
  std::vector<std::vector<int64_t>> counts;
  std::vector<int64_t> last(sizes.size(), 0);
  std::vector<void*> pointers;
  for (const int64_t size : sizes) {
    loops.push_back({std::make_shared<Counting>(size), 2});
    counts.emplace_back(static_cast<size_t>(size), 0);
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    pointers.push_back(counts[i].data());
    pointers.push_back(&last[i]);
  }
  const KernelPtr bundle = prepare_bundle(loops);
  const int64_t before = core::loops_run();
  ASSERT_TRUE(test::run(bundle, pointers).is_ok);
  EXPECT_EQ(core::loops_run(), before + 1);
  for (size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_EQ(counts[i], std::vector<int64_t>(static_cast<size_t>(sizes[i]), 1));
    EXPECT_EQ(last[i], sizes[i]);
  }
}

TEST(LoopKernel, OfChunksThatFailTheFirstCounts) {
  std::vector<Part> parts;
  for (int64_t part = 0; part < 20; ++part) {
    parts.push_back({make_kernel([part](void* const*, void*) {
                       Status status;
                       status.is_ok = part % 7 != 5;
                       status.position = part;
                       return status;
                     }, 0, true),
                     {0}});
  }
  const KernelPtr kernel = prepare_parts(std::move(parts));
  EXPECT_TRUE(kernel->may_fail);
  int64_t data = 0;
  const Status status = test::run(kernel, {&data});
  EXPECT_FALSE(status.is_ok);
  EXPECT_EQ(status.position, 5);
}

TEST(Parts, ReadAndWriteAtTheirOffsets) {
  std::vector<int64_t> from(10), to(10, -1);
  std::iota(from.begin(), from.end(), 0);
  const KernelPtr twice = make_kernel([](void* const* p, void*) {
    for (int i = 0; i < 5; ++i) static_cast<int64_t*>(p[1])[i] = 2 * static_cast<const int64_t*>(p[0])[i];
    EXPECT_EQ(p[2], nullptr);
    return Status{};
  });
  ASSERT_TRUE(test::run(prepare_parts({{twice, {0, 40, 8}}, {twice, {40, 0, 8}}}), {from.data(), to.data(), nullptr}).is_ok);
  EXPECT_EQ(to, (std::vector<int64_t>{10, 12, 14, 16, 18, 0, 2, 4, 6, 8}));
}

TEST(Packed, InputsAreCopiedInEachRun) {
  std::vector<int64_t> a{1, 2, 3}, b{10, 20, 30}, sum(3);
  const auto negated = make_kernel([](void* const* p, void*) {
    for (int i = 0; i < 3; ++i) static_cast<int64_t*>(p[1])[i] = -static_cast<const int64_t*>(p[0])[i];
    return Status{};
  });
  const auto add = make_kernel([](void* const* p, void*) {
    for (int i = 0; i < 3; ++i)
      static_cast<int64_t*>(p[2])[i] = static_cast<const int64_t*>(p[0])[i] + static_cast<const int64_t*>(p[1])[i];
    return Status{};
  });
  const KernelPtr kernel = prepare_packed({{{0, {}, 24, negated}, {1, {}, 24, negated}}, add}, 3);
  ASSERT_EQ(kernel->packing->inputs.size(), 2u);
  for (const int64_t first : {1, 5}) {
    a[0] = first;
    ASSERT_TRUE(test::run(kernel, {a.data(), b.data(), sum.data()}).is_ok);
    EXPECT_EQ(sum, (std::vector<int64_t>{-first - 10, -22, -33}));
  }
}

}  // namespace
}  // namespace gradus::cpu
