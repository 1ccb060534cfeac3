// Parallel loops on libgomp, called directly: oneDNN's own runtime, so that a process has one pool of threads under any compiler.
#include "gradus/base/threads.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "gradus/base/error.hpp"

extern "C" {
void GOMP_parallel(void (*body)(void*), void* data, unsigned thread_count, unsigned flags);
int omp_get_thread_num();
int omp_get_num_threads();
int omp_get_max_threads();
int omp_get_num_procs();
int omp_in_parallel();
}

namespace gradus {

namespace {

thread_local bool is_serial = false;
std::atomic<int> chosen_threads{0};

// Each thread that starts loops has a pool of its own in libgomp, which ends the process where the system refuses it a thread: so they are
// asked for here first, once, and twice as many as needed, since those that have just ended still count for a moment.
thread_local int granted = 1;
thread_local bool is_refused = false;
constexpr int kLeastBound = 256;  // more threads than this, or than processors, serve nobody

bool can_start(int count) {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_over = false;
  std::vector<std::thread> started;
  try {
    for (int i = 0; i < count; ++i) {
      started.emplace_back([&] {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return is_over; });
      });
    }
  } catch (const std::system_error&) {
  }
  {
    const std::lock_guard lock(mutex);
    is_over = true;
  }
  changed.notify_all();
  for (std::thread& each : started) each.join();
  return static_cast<int>(started.size()) == count;
}

#ifdef __SANITIZE_THREAD__
constexpr bool kIsWatched = true;
#else
constexpr bool kIsWatched = false;
#endif

struct Loop {
  int64_t chunks;
  void (*body)(void*, int64_t);
  void* context;
  // ThreadSanitizer does not see libgomp's barriers; for it they are said again: the caller comes before the shares, they before its return.
  std::atomic<int> barrier{0};
};

// Contiguous shares: neighbouring chunks touch neighbouring memory.
void run_share(void* data) {
  Loop& loop = *static_cast<Loop*>(data);
  if (kIsWatched) loop.barrier.load(std::memory_order_acquire);
  const int64_t thread = omp_get_thread_num(), count = omp_get_num_threads();
  const int64_t begin = loop.chunks * thread / count, end = loop.chunks * (thread + 1) / count;
  const bool before = is_serial;
  is_serial = true;
  for (int64_t chunk = begin; chunk < end; ++chunk) loop.body(loop.context, chunk);
  is_serial = before;
  if (kIsWatched) loop.barrier.fetch_add(1, std::memory_order_release);
}

}  // namespace

int threads() {
  const int chosen = chosen_threads.load(std::memory_order_relaxed);
  const int wanted = chosen ? chosen : omp_get_max_threads();
  if (wanted <= granted) return wanted;
  if (is_refused) return 1;
  const int bounded = std::min(wanted, std::max(kLeastBound, omp_get_num_procs()));
  if (bounded > granted) {
    is_refused = !can_start(2 * (bounded - 1));
    granted = is_refused ? 1 : bounded;
  }
  return granted;
}

void set_threads(int count) {
  if (count < 1) fail("set_threads", "count is ", count, "; it must be 1 or more");
  chosen_threads.store(count, std::memory_order_relaxed);
}

namespace detail {

void parallel_chunks(int64_t chunks, void (*body)(void*, int64_t), void* context) {
  const int64_t count = chunks < threads() ? chunks : threads();
  if (count <= 1 || is_serial || omp_in_parallel()) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) body(context, chunk);
    return;
  }
  Loop loop{chunks, body, context};
  if (kIsWatched) loop.barrier.store(0, std::memory_order_release);
  GOMP_parallel(run_share, &loop, static_cast<unsigned>(count), 0);
  if (kIsWatched) loop.barrier.load(std::memory_order_acquire);
}

}  // namespace detail

SerialScope::SerialScope() : before_(is_serial) { is_serial = true; }
SerialScope::~SerialScope() { is_serial = before_; }

}  // namespace gradus
