// Parallel loops, the pool that runs them, and what a process may use.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cfenv>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <functional>
#include <limits>
#include <numeric>
#include <thread>

#include "gradus/base/error.hpp"
#include "gradus/base/fork.hpp"
#include "gradus/base/pool.hpp"
#include "gradus/base/processors.hpp"
#include "gradus/base/parallel.hpp"
#include "tests/forked_child.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

class Threads : public ::testing::Test {
 protected:
  ~Threads() override { set_threads(before_); }
  const int before_ = threads();
};

// The sum of squares below `chunks`, by a parallel loop.
int64_t sum_of_squares(int64_t chunks) {
  std::vector<int64_t> squares(static_cast<size_t>(chunks));
  parallel_for(chunks, [&](int64_t i) { squares[static_cast<size_t>(i)] = i * i; });
  return std::accumulate(squares.begin(), squares.end(), int64_t{0});
}
constexpr int64_t kSumTo1000 = 332'833'500;

#define SKIP_WHERE_CHILDREN_HAVE_NO_THREADS() \
  if (!testing::kForkedChildrenHaveThreads) GTEST_SKIP() << "ThreadSanitizer starts no threads in the child of a process that had several"

using testing::exit_code_of_child;

TEST_F(Threads, EveryChunkRunsOnceWhateverTheirNumber) {
  for (const int count : {1, 2, 3, 8, 100}) {
    set_threads(count);
    EXPECT_EQ(threads(), count);
    for (const int64_t chunks : {0, 1, 2, 3, 7, 8, 9, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(chunks) + 1);
      parallel_for(chunks, [&](int64_t chunk) { ++runs[static_cast<size_t>(chunk)]; });
      for (int64_t i = 0; i < chunks; ++i) ASSERT_EQ(runs[static_cast<size_t>(i)], 1) << i << " of " << chunks;
      EXPECT_EQ(runs.back(), 0);
    }
  }
}

TEST_F(Threads, WhatChunksWriteIsThereAfterTheLoop) {
  set_threads(4);
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(sum_of_squares(1000), kSumTo1000);
}

TEST_F(Threads, AtMostSoManyWorkAtOnce) {
  SKIP_WHERE_CHILDREN_HAVE_NO_THREADS();
  const auto most_at_once = [] {
    set_threads(3);
    std::atomic<int> working = 0, most = 0;
    for (int i = 0; i < 50; ++i) {
      parallel_for(64, [&](int64_t) {
        const int now = ++working;
        int before = most;
        while (before < now && !most.compare_exchange_weak(before, now)) {
        }
        std::this_thread::yield();
        --working;
      });
    }
    return most.load();
  };
  EXPECT_LE(exit_code_of_child(most_at_once), 3);  // a child, whose pool has not been used for more
}

TEST_F(Threads, HelpersTakePart) {
  set_threads(3);
  // The first chunk waits for two others: they can only run elsewhere.
  std::atomic<int> strangers = 0;
  const std::thread::id mine = std::this_thread::get_id();
  parallel_for(3, [&](int64_t) {
    if (std::this_thread::get_id() != mine) ++strangers;
    while (strangers < 2) std::this_thread::yield();
  });
  EXPECT_GE(strangers, 2);
}

TEST_F(Threads, ThoseThatAreHeldUpAreNotWaitedFor) {
  set_threads(2);
  // The helper is kept busy by one caller; another caller's loop ends without it.
  std::atomic<bool> is_held = false, may_go = false;
  std::thread other([&] {
    parallel_for(2, [&](int64_t) {
      is_held = true;
      while (!may_go) std::this_thread::yield();
    });
  });
  while (!is_held) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sum_of_squares(1000), kSumTo1000);
  may_go = true;
  other.join();
}

TEST_F(Threads, LoopsInLoopsAndInASerialScopeStayInTheirThread) {
  set_threads(4);
  std::atomic<int> strangers = 0;
  const auto count_strangers = [&] {
    const std::thread::id mine = std::this_thread::get_id();
    parallel_for(64, [&, mine](int64_t) { strangers += std::this_thread::get_id() != mine; });
  };
  parallel_for(4, [&](int64_t) { count_strangers(); });
  EXPECT_EQ(strangers, 0);
  {
    const SerialScope outer;
    { const SerialScope inner; }
    count_strangers();
  }
  EXPECT_EQ(strangers, 0);
}

TEST_F(Threads, WhatAChunkThrowsReachesTheCaller) {
  for (const int count : {1, 2, 8}) {
    set_threads(count);
    for (int round = 0; round < 50; ++round) {
      std::atomic<int> running{0};
      try {
        parallel_for(100, [&](int64_t chunk) {
          ++running;
          if (chunk == 41 || chunk == 77 || chunk == 90) {
            --running;
            fail("task", "chunk ", chunk);
          }
          --running;
        });
        ADD_FAILURE() << "nothing was thrown";
      } catch (const Error& error) {
        EXPECT_EQ(std::string(error.what()), "task: chunk 41");
        EXPECT_EQ(running, 0) << "chunks run on";
      }
      EXPECT_EQ(sum_of_squares(1000), kSumTo1000);
    }
  }
}

TEST_F(Threads, LoopsOfManyCallersAtOnceAllEnd) {
  set_threads(3);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 100; ++caller) {  // more than loops can be published
    callers.emplace_back([&] {
      for (int i = 0; i < 50; ++i) wrong += sum_of_squares(1000) != kSumTo1000;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Threads, SignalsGoToTheThreadsOfTheProgram) {
  set_threads(4);
  sum_of_squares(1000);
  static std::atomic<int> seen = 0;
  static std::thread::id where;
  struct sigaction action {}, before {};
  action.sa_handler = [](int) {
    where = std::this_thread::get_id();
    ++seen;
  };
  ::sigaction(SIGUSR1, &action, &before);
  for (int i = 0; i < 20; ++i) {
    const int until = seen + 1;
    ::kill(::getpid(), SIGUSR1);
    while (seen < until) sum_of_squares(100);
    EXPECT_EQ(where, std::this_thread::get_id());
  }
  ::sigaction(SIGUSR1, &before, nullptr);
}

// Runs `work` in a helper's chunk of a loop of two threads.
void in_a_helper(const std::function<void()>& work) {
  std::atomic<int> begun = 0;
  const std::thread::id mine = std::this_thread::get_id();
  parallel_for(2, [&](int64_t) {
    if (std::this_thread::get_id() != mine) work();
    ++begun;
    while (begun < 2) std::this_thread::yield();
  });
}

TEST_F(Threads, HelpersRoundAsTheirCallerDoes) {
  set_threads(2);
  const auto third = [] {
    volatile float one = 1, three = 3;
    return one / three;
  };
  const float nearest = third();
  float of_helper = 0;
  std::fesetround(FE_UPWARD);
  const float upward = third();
  in_a_helper([&] { of_helper = third(); });
  std::fesetround(FE_TONEAREST);
  const float below = std::nextafter(upward, 0.0f);
  EXPECT_EQ(of_helper, upward);
  EXPECT_TRUE(nearest == upward || nearest == below);
  in_a_helper([&] { of_helper = third(); });
  EXPECT_EQ(of_helper, nearest);
#ifdef __x86_64__
  const auto tiny = [] {
    volatile float least = std::numeric_limits<float>::min();
    return least / 2;
  };
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | 0x8040);  // denormal numbers are flushed
  in_a_helper([&] { of_helper = tiny(); });
  __builtin_ia32_ldmxcsr(before);
  EXPECT_EQ(of_helper, 0.0f);
  in_a_helper([&] { of_helper = tiny(); });
  EXPECT_GT(of_helper, 0.0f);
#endif
}

TEST_F(Threads, FaultsOfHelpersReachTheProgramsHandlers) {
  SKIP_WHERE_CHILDREN_HAVE_NO_THREADS();
  set_threads(2);
  EXPECT_EQ(exit_code_of_child([] {
              std::signal(SIGFPE, [](int) { ::_exit(7); });
              in_a_helper([] { std::raise(SIGFPE); });
              return 1;
            }),
            7);
}

#ifdef __linux__
TEST_F(Threads, HelpersAreNotBoundWhereTheirCallerIs) {
  SKIP_WHERE_CHILDREN_HAVE_NO_THREADS();
  set_threads(2);
  const auto allowed = [] {
    cpu_set_t mask;
    ::sched_getaffinity(0, sizeof mask, &mask);
    return CPU_COUNT(&mask);
  };
  const int all = allowed();
  EXPECT_EQ(exit_code_of_child([&] {
              int of_helper = 0;
              std::thread bound([&] {
                cpu_set_t one;
                CPU_ZERO(&one);
                CPU_SET(::sched_getcpu(), &one);
                ::sched_setaffinity(0, sizeof one, &one);
                in_a_helper([&] { of_helper = allowed(); });
              });
              bound.join();
              return of_helper == all ? 7 : of_helper;
            }),
            7);
}
#endif

// tests/plugin
// In a child, whose memory LeakSanitizer does not search: it falls over threads of plugins.
TEST_F(Threads, TheirCodeStaysWhenAPluginIsClosed) {
  SKIP_WHERE_CHILDREN_HAVE_NO_THREADS();
  EXPECT_EQ(exit_code_of_child([] {
              const char* path = GRADUS_BINARY_DIR "/tests/libpool_plugin.so";
              void* plugin = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
              if (!plugin) return 1;
              const auto sum = reinterpret_cast<int64_t (*)()>(::dlsym(plugin, "sum_of_chunks"));
              if (!sum || sum() != 499'500 || ::dlclose(plugin) != 0) return 2;
              return ::dlopen(path, RTLD_NOW | RTLD_NOLOAD) ? 7 : 3;
            }),
            7)
      << "3: its helpers sleep in what is no longer there";
}

TEST_F(Threads, AForkedChildMakesItsOwn) {
  SKIP_WHERE_CHILDREN_HAVE_NO_THREADS();
  set_threads(3);
  // All three take part: a thread that is still being born may hold the lock of AddressSanitizer's allocator, which its forks do not take.
  std::atomic<int> begun = 0;
  parallel_for(3, [&](int64_t) {
    ++begun;
    while (begun < 3) std::this_thread::yield();
  });
  ASSERT_EQ(sum_of_squares(1000), kSumTo1000);
  EXPECT_GE(core::helpers().started, 2);
  const int64_t generation = fork_generation();
  const auto work = [&] {
    if (core::helpers().started != 0 || fork_generation() != generation + 1) return 1;
    std::atomic<int> strangers = 0;
    const std::thread::id mine = std::this_thread::get_id();
    parallel_for(2, [&](int64_t) {
      if (std::this_thread::get_id() != mine) ++strangers;
      while (strangers < 1) std::this_thread::yield();
    });
    return sum_of_squares(1000) == kSumTo1000 && core::helpers().started == 2 ? 0 : 2;
  };
  EXPECT_EQ(exit_code_of_child(work), 0);
  EXPECT_EQ(exit_code_of_child([&] { return exit_code_of_child([&] { return sum_of_squares(1000) == kSumTo1000 ? 7 : 1; }); }), 7)
      << "a child's child";
  EXPECT_EQ(fork_generation(), generation);
}

TEST_F(Threads, AForkWhileOthersAreInLoopsLeavesTheChildWhole) {
  SKIP_WHERE_CHILDREN_HAVE_NO_THREADS();
  set_threads(3);
  // A fork during the very first loop of a process would find the pool half made (docs/limits.md).
  ASSERT_EQ(sum_of_squares(1000), kSumTo1000);
  // Loops that allocate nothing: a fork does not take the lock of AddressSanitizer's allocator.
  std::atomic<bool> is_over = false;
  std::thread other([&] {
    std::atomic<int64_t> sum = 0;
    while (!is_over) parallel_for(1000, [&](int64_t i) { sum += i; });
  });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(exit_code_of_child([] { return sum_of_squares(1000) == kSumTo1000 ? 0 : 1; }), 0);
  is_over = true;
  other.join();
}

TEST_F(Threads, FewerThanWishedAreEnough) {
  SKIP_WHERE_CHILDREN_HAVE_NO_THREADS();
  const auto work = [] {
    // The limit does not hold for root.
    if (::geteuid() == 0 && ::setuid(54321) != 0) return 77;
    const rlimit one{1, 1};
    if (::setrlimit(RLIMIT_NPROC, &one) != 0) return 77;
    set_threads(8);
    if (sum_of_squares(1000) != kSumTo1000) return 1;
    const core::Helpers helpers = core::helpers();
    return helpers.started + helpers.refused == 7 && helpers.refused > 0 ? 0 : 2;
  };
  const int code = exit_code_of_child(work);
  if (code == 77) GTEST_SKIP() << "threads cannot be forbidden here";
  EXPECT_EQ(code, 0);
}

TEST_F(Threads, TheirNumberIsAtLeastOneAndBounded) {
  EXPECT_EQ(testing::error_of([] { set_threads(0); }), "set_threads: count is 0; it must be 1 or more");
  set_threads(1);
  EXPECT_EQ(threads(), 1);
  set_threads(1'000'000);
  EXPECT_EQ(threads(), std::max(256, processors()));
}

TEST(Processors, AreAtLeastOneAndNoMoreThanTheMachineHas) {
  EXPECT_GE(processors(), 1);
  EXPECT_LE(processors(), static_cast<int>(std::thread::hardware_concurrency()));
}

TEST(Processors, NumbersOfThreadsAreReadAsOpenMPReadsThem) {
  for (const auto& [text, count] : {std::pair{"4", 4},
                                    {" 4", 4},
                                    {"4 ", 4},
                                    {"4,2,1", 4},
                                    {"1000", 1000},
                                    {"0", 0},
                                    {"-3", 0},
                                    {"", 0},
                                    {"many", 0},
                                    {"4x", 0},
                                    {"2.5", 0},
                                    {"99999999999999999999", 1 << 20},
                                    {"-99999999999999999999", 0},
                                    {",4", 0}}) {
    EXPECT_EQ(threads_of_text(text), count) << '"' << text << '"';
  }
}

class Quotas : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = folder_ / path;
    std::filesystem::create_directories(file.parent_path());
    testing::write_text(file, text);
  }
  int of(std::string_view membership) const { return processors_of_quota(membership, folder_.path()); }
  testing::TemporaryFolder folder_;
};

TEST_F(Quotas, OfVersion2AreRoundedUp) {
  write("a/b/cpu.max", "150000 100000\n");
  EXPECT_EQ(of("0::/a/b\n"), 2);
  write("a/b/cpu.max", "100000 100000\n");
  EXPECT_EQ(of("0::/a/b\n"), 1);
  write("a/b/cpu.max", "10000 100000\n");
  EXPECT_EQ(of("0::/a/b\n"), 1);
  write("a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(of("0::/a/b\n"), 0);
}

TEST_F(Quotas, OfGroupsAboveCountToo) {
  write("a/b/cpu.max", "800000 100000\n");
  write("a/cpu.max", "300000 100000\n");
  EXPECT_EQ(of("0::/a/b\n"), 3);
  write("cpu.max", "50000 100000\n");  // a container's own root
  EXPECT_EQ(of("0::/a/b\n"), 1);
  EXPECT_EQ(of("0::/\n"), 1);
  EXPECT_EQ(of("0::/elsewhere/c\n"), 1);
}

TEST_F(Quotas, OfVersion1AreThoseOfTheControllerCpu) {
  write("cpu,cpuacct/d/cpu.cfs_quota_us", "400000\n");
  write("cpu,cpuacct/d/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(of("9:memory:/d\n4:cpu,cpuacct:/d\n"), 4);
  EXPECT_EQ(of("9:memory:/d\n4:cpuset:/d\n"), 0);
  write("cpu/cpu.cfs_quota_us", "-1\n");
  write("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(of("4:cpu:/\n"), 0);
  write("cpu/cpu.cfs_quota_us", "250000\n");
  EXPECT_EQ(of("4:cpu:/docker/1234\n"), 3);
}

TEST_F(Quotas, ThatMakeNoSenseAreNone) {
  for (const char* text : {"", "\n", "abc def", "100000", "100000 0", "0 100000", "-5 100000", "9999999999999999999999 1"}) {
    write("cpu.max", text);
    EXPECT_EQ(of("0::/\n"), 0) << text;
  }
  for (const char* membership : {"", "\n", "0", "0:", "::", "0::", "0::relative", ":::::"}) EXPECT_EQ(of(membership), 0) << membership;
}

}  // namespace
}  // namespace gradus
