#include "gradus/base/pool.hpp"

#include <dlfcn.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "gradus/base/fork.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/base/processors.hpp"
#include "gradus/base/switches.hpp"

namespace gradus::core {

namespace {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::chrono::nanoseconds;

constexpr int kBoards = 64;       // loops at once; what is above runs in its caller alone
constexpr int kMostShares = 64;   // more helpers than this begin with the share of another
constexpr int64_t kMostUnits = int64_t{1} << 30;
// Who waits spins for a while before it sleeps: several times as long as it takes to be woken. That is some microseconds on a plain
// machine, and up to 130 us in a virtual one, most of it in the thread that wakes the other (measured, docs/speed.md).
constexpr int64_t kLeastSpin = 50'000, kMostSpin = 2'000'000, kSpinOfWake = 15;  // nanoseconds, nanoseconds, times
constexpr std::chrono::seconds kRetry{1};  // a thread that was refused is asked for again after this

// A thread's share of a loop: the units that nobody has claimed yet, from `begin` (low half) to `end`. A claim that succeeds is one of
// whatever loop is published at that moment: no count of loops is needed to tell them apart.
struct alignas(64) Share {
  std::atomic<uint64_t> left{0};

  void put(int64_t begin, int64_t end) {
    left.store(static_cast<uint64_t>(end) << 32 | static_cast<uint64_t>(begin), std::memory_order_release);
  }

  // The owner takes units from the front, others from the back.
  bool claim(bool is_own, int64_t& unit) {
    uint64_t now = left.load(std::memory_order_relaxed);
    while (true) {
      const auto begin = static_cast<uint32_t>(now), end = static_cast<uint32_t>(now >> 32);
      if (begin >= end) return false;
      unit = is_own ? begin : end - 1;
      const uint64_t next = is_own ? now + 1 : now - (uint64_t{1} << 32);
      if (left.compare_exchange_weak(now, next, std::memory_order_acquire, std::memory_order_relaxed)) return true;
    }
  }
};

// How this thread rounds, whether it flushes denormal numbers, and which of its operations trap.
uint64_t arithmetic() {
#if defined(__x86_64__) || defined(__i386__)
  return __builtin_ia32_stmxcsr() & 0xffc0;  // without the flags of what has happened
#elif defined(__aarch64__)
  uint64_t now;
  asm volatile("mrs %0, fpcr" : "=r"(now));
  return now;
#else
  return 0;
#endif
}
void set_arithmetic(uint64_t wanted) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_ldmxcsr(static_cast<uint32_t>(wanted));
#elif defined(__aarch64__)
  asm volatile("msr fpcr, %0" : : "r"(wanted));
#else
  static_cast<void>(wanted);
#endif
}

// Where a loop is published. Boards live for ever: a helper that comes late finds no unit, or one of the next loop, and nothing dangles.
struct alignas(64) Board {
  std::atomic<int> unfinished{0};  // units
  std::atomic<int> shares{0}, threads{0};
  // Written while all shares are empty, read by those who have claimed a unit.
  int64_t chunks = 0, grain = 1;
  uint64_t arithmetic = 0;  // the caller's: bits shall not depend on who takes a chunk
  void (*body)(void*, int64_t) = nullptr;
  void* context = nullptr;
  Share share[kMostShares];

  // Works on what is left, own share first; returns the units done. `id`: 0 is the caller.
  int work(int id) {
    const int count = shares.load(std::memory_order_relaxed);
    int done = 0;
    for (int i = 0; i < count; ++i) {
      Share& from = share[(id + i) % count];
      for (int64_t unit = 0; from.claim(i == 0, unit); ++done) run(unit);
    }
    return done;
  }
  // One unit of the caller's share; returns the units done.
  int work_once() {
    int64_t unit = 0;
    if (!share[0].claim(true, unit)) return 0;
    run(unit);
    return 1;
  }

 private:
  void run(int64_t unit) {
    if (core::arithmetic() != arithmetic) set_arithmetic(arithmetic);
    const int64_t end = std::min((unit + 1) * grain, chunks);
    for (int64_t chunk = unit * grain; chunk < end; ++chunk) body(context, chunk);
  }
};

void rest() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// For up to `time`. To yield the processor in between was tried: beside compilers everything then takes half as long again (docs/speed.md).
template <class IsDone>
bool spin(Nanoseconds time, const IsDone& is_done) {
  const auto begin = Clock::now();
  while (true) {
    for (int i = 0; i < 32; ++i) {
      if (is_done()) return true;
      rest();
    }
    if (Clock::now() - begin >= time) return false;
  }
}

// Made at first use, never destroyed: static objects may compute in their destructors.
class Pool {
 public:
  static Pool& get() {
    static Pool* pool = new Pool;
    return *pool;
  }

  void run(int64_t chunks, int threads, void (*body)(void*, int64_t), void* context) {
    if (started_.load(std::memory_order_relaxed) < threads - 1) start_helpers(threads - 1);
    const int at = take_board();
    if (at < 0) {
      for (int64_t chunk = 0; chunk < chunks; ++chunk) body(context, chunk);
      return;
    }
    Board& board = boards_[at];
    board.chunks = chunks;
    board.grain = (chunks + kMostUnits - 1) / kMostUnits;
    board.arithmetic = arithmetic();
    board.body = body;
    board.context = context;
    const int64_t units = (chunks + board.grain - 1) / board.grain;
    const auto shares = static_cast<int>(std::min<int64_t>({units, threads, kMostShares}));
    board.shares.store(shares, std::memory_order_relaxed);
    board.threads.store(threads, std::memory_order_relaxed);
    board.unfinished.store(static_cast<int>(units), std::memory_order_relaxed);
    for (int i = 0; i < shares; ++i) board.share[i].put(units * i / shares, units * (i + 1) / shares);
    int done = 0;
    // The last of the two that a helper going to sleep and this do is seen by the other: it either sees the call or is seen sleeping.
    for (Bed* bed : {&near_, &far_}) bed->calls.fetch_add(1);
    if (near_.sleepers.load() + far_.sleepers.load() > 0) wake_some(board, units, threads, done);
    done += board.work(0);
    if (board.unfinished.fetch_sub(done, std::memory_order_acq_rel) != done) wait_for(board);
    open_.fetch_and(~(uint64_t{1} << at), std::memory_order_release);
  }

  Helpers helpers() const { return {started_.load(std::memory_order_relaxed), refused_.load(std::memory_order_relaxed)}; }

 private:
  Pool() { after_fork_in_child([] { get().forget(); }); }

  // A fork's child has no helpers, and no loop but those of threads that it does not have.
  void forget() {
    started_ = refused_ = near_.sleepers = far_.sleepers = 0;
    open_ = 0;
    for (Board& board : boards_) {
      for (Share& share : board.share) share.left = 0;
    }
  }

  int take_board() {
    uint64_t open = open_.load(std::memory_order_relaxed);
    while (~open) {
      const int at = std::countr_one(open);
      if (open_.compare_exchange_weak(open, open | uint64_t{1} << at, std::memory_order_acquire, std::memory_order_relaxed)) return at;
    }
    return -1;
  }

  // Where helpers sleep.
  struct Bed {
    alignas(64) std::atomic<uint32_t> calls{0};  // loops published; not all sleepers are woken for each
    alignas(64) std::atomic<int> sleepers{0};
  };

  // Wakes as many as the loop can have, if half of what is left is worth what a call takes: that the first unit shows, which is done for
  // it. Loops of a few units are not asked. Helpers beyond the processors come to long loops only.
  void wake_some(Board& board, int64_t units, int threads, int& done) {
    const int wanted = board.shares.load(std::memory_order_relaxed) - 1, near = std::min(wanted, processors() - 1);
    const int64_t taken = wake_.load(std::memory_order_relaxed);
    bool is_long = true;
    if (units >= 4 && taken > 0) {
      const auto begin = Clock::now();
      done += board.work_once();
      const int64_t rest = (Clock::now() - begin).count() * (units - done);
      if (rest <= 2 * taken) return;
      is_long = rest > 16 * taken;
    }
    wake(near_, near, threads);
    if (is_long) wake(far_, wanted - near, threads);
  }
  void wake(Bed& bed, int wanted, int threads) {
    const int sleeping = bed.sleepers.load();
    if (sleeping == 0 || wanted == 0) return;
    const auto begin = Clock::now();
    // Of more helpers than this loop may have the first to wake up may be one too many.
    if (sleeping <= wanted || started_.load(std::memory_order_relaxed) >= threads) bed.calls.notify_all();
    else for (int i = 0; i < wanted; ++i) bed.calls.notify_one();
    // A running mean of what it takes; the call may have been interrupted by another process, which is no measure.
    const int64_t taken = std::min<int64_t>((Clock::now() - begin).count(), kMostSpin);
    wake_.store(wake_.load(std::memory_order_relaxed) * 7 / 8 + taken / 8, std::memory_order_relaxed);
  }
  Nanoseconds spin_time() const {
    return Nanoseconds(std::clamp(wake_.load(std::memory_order_relaxed) * kSpinOfWake, kLeastSpin, kMostSpin));
  }

  void wait_for(Board& board) const {
    const auto is_over = [&] { return board.unfinished.load(std::memory_order_acquire) == 0; };
    // With more threads than processors the one that is waited for may need this one.
    const bool has_room = threads() <= processors();
    if (processors() > 1 && spin(has_room ? spin_time() : Nanoseconds(kLeastSpin), is_over)) return;
    for (int left; (left = board.unfinished.load(std::memory_order_acquire)) != 0;) board.unfinished.wait(left, std::memory_order_acquire);
  }

  bool work_on_any(int id) {
    bool has_worked = false;
    for (uint64_t open = open_.load(std::memory_order_acquire); open; open &= open - 1) {
      Board& board = boards_[std::countr_zero(open)];
      if (id >= board.threads.load(std::memory_order_relaxed)) continue;
      const int done = board.work(id);
      if (done == 0) continue;
      has_worked = true;
      if (board.unfinished.fetch_sub(done, std::memory_order_acq_rel) == done) board.unfinished.notify_one();
    }
    return has_worked;
  }

  [[noreturn]] void help(int id) {
    pthread_setname_np(pthread_self(), ("gradus " + std::to_string(id)).c_str());  // for debuggers and profilers
    use_processors_of_process();
    const SerialScope serial;  // loops in loops stay where they are
    const bool is_near = id < processors();  // whether it can have a processor; if not, spinning would stand in the way of those that work
    Bed& bed = is_near ? near_ : far_;
    while (true) {
      const uint32_t seen = bed.calls.load(std::memory_order_acquire);
      if (work_on_any(id)) continue;
      if (is_near && spin(spin_time(), [&] { return bed.calls.load(std::memory_order_relaxed) != seen; })) continue;
      bed.sleepers.fetch_add(1);
      bed.calls.wait(seen);
      bed.sleepers.fetch_sub(1);
    }
  }

  // Helpers take no signals, which are for the threads of the program that this library is in, but of their own faults, for which it
  // may have handlers.
  void start_helpers(int wanted) {
    // Without the lock: a library that is being loaded may compute in its initialisers, and the loader has a lock of its own.
    if (!is_kept_loaded_.exchange(true)) keep_loaded();
    const std::lock_guard lock(mutex_);
    const int before = started_.load();
    if (before >= wanted || (refused_.load() > 0 && Clock::now() < retry_)) return;
    sigset_t all, previous;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &previous);
    int count = before;
    try {
      for (; count < wanted; ++count) std::thread([this, id = count + 1] { help(id); }).detach();
    } catch (const std::exception&) {  // no thread or no memory
    }
    pthread_sigmask(SIG_SETMASK, &previous, nullptr);
    const bool was_refused = refused_.load() > 0;
    started_ = count;
    refused_ = wanted - count;
    if (count == wanted) return;
    retry_ = Clock::now() + kRetry;
    if (!was_refused && is_switched_on("GRADUS_VERBOSE")) {
      std::fprintf(stderr, "gradus: the system allows %d of %d threads; work goes on with these\n", count + 1, wanted + 1);
    }
  }

  // A program that closes the library, or a plugin that it is part of, would take the helpers' code away.
  static void keep_loaded() {
    Dl_info here{};
    if (dladdr(reinterpret_cast<void*>(&run_loop), &here)) dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  }

  std::atomic<uint64_t> open_{0};  // which boards are taken
  std::atomic<int> started_{0}, refused_{0};
  std::atomic<bool> is_kept_loaded_{false};
  Bed near_, far_;                // of helpers that can have a processor each beside the caller, and of those beyond
  std::atomic<int64_t> wake_{0};  // nanoseconds that calling helpers who sleep took, about
  LastingMutex mutex_;  // of starting helpers
  Clock::time_point retry_{};
  Board boards_[kBoards];
};

}  // namespace

void run_loop(int64_t chunks, int threads, void (*body)(void*, int64_t), void* context) { Pool::get().run(chunks, threads, body, context); }

Helpers helpers() { return Pool::get().helpers(); }

}  // namespace gradus::core
