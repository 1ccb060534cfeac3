// Parallel loops. The one place that starts parallel work; every other file calls parallel_for.
#pragma once

#include <cstdint>
#include <type_traits>

namespace gradus {

/// Number of threads that a parallel loop may use; starts as OMP_NUM_THREADS, else the number of processors.
int threads();
/// Sets it for the whole process. count >= 1.
void set_threads(int count);

namespace detail {
void parallel_chunks(int64_t chunks, void (*body)(void* context, int64_t chunk), void* context);
/// Loops of more than one chunk so far that were in no other loop, whatever the number of threads.
int64_t loops_run();
}

/// Calls body(chunk) for each chunk of 0 .. chunks-1, spread over the threads, and waits for all. The caller's chunks follow from
/// shapes only, so results do not depend on the number of threads. `body` must not throw and must not evaluate arrays.
/// A loop of one chunk, or inside another parallel loop, or with one thread, runs in the calling thread.
template <class Body>
void parallel_for(int64_t chunks, Body&& body) {
  using Plain = std::remove_reference_t<Body>;
  detail::parallel_chunks(
      chunks, [](void* context, int64_t chunk) { (*static_cast<Plain*>(context))(chunk); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

/// Keeps parallel loops of this thread in this thread while it lives (prefetch workers).
class SerialScope {
 public:
  SerialScope();
  ~SerialScope();
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  bool before_;
};

}  // namespace gradus
