// How many threads there may be, and who runs a loop.
#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "gradus/base/error.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/base/pool.hpp"
#include "gradus/base/processors.hpp"

namespace gradus {

using namespace core;

namespace {

thread_local bool is_serial = false;
std::atomic<int> chosen_threads{0};
std::atomic<int64_t> loops{0};
constexpr int kMostThreads = 256;  // more than this, or than there are processors, serve nobody

int usual_threads() {
  const char* asked = std::getenv("OMP_NUM_THREADS");
  const int count = asked ? threads_of_text(asked) : 0;
  return count > 0 ? std::min(count, std::max(kMostThreads, processors())) : processors();
}

}  // namespace

int threads() {
  static const int usual = usual_threads();
  const int chosen = chosen_threads.load(std::memory_order_relaxed);
  return chosen ? chosen : usual;
}

void set_threads(int count) {
  if (count < 1) fail("set_threads", "count is ", count, "; it must be 1 or more");
  chosen_threads.store(std::min(count, std::max(kMostThreads, processors())), std::memory_order_relaxed);
}

namespace core {

void parallel_chunks(int64_t chunks, void (*body)(void*, int64_t), void* context) {
  if (chunks > 1 && !is_serial) {
    loops.fetch_add(1, std::memory_order_relaxed);
    if (const int count = threads(); count > 1) {
      const SerialScope nested;
      return run_loop(chunks, count, body, context);
    }
  }
  for (int64_t chunk = 0; chunk < chunks; ++chunk) body(context, chunk);
}

int64_t loops_run() { return loops.load(std::memory_order_relaxed); }

}  // namespace core

SerialScope::SerialScope() : before_(is_serial) { is_serial = true; }
SerialScope::~SerialScope() { is_serial = before_; }

}  // namespace gradus
