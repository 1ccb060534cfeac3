// Parallel loops. The one place that starts parallel work; every other file calls parallel_for.
#pragma once

#include <cstdint>
#include <exception>
#include <type_traits>

#include "gradus/base/lowest.hpp"
#include "gradus/base/threads.hpp"

namespace gradus::core {

void parallel_chunks(int64_t chunks, void (*body)(void* context, int64_t chunk), void* context);
/// Loops of more than one chunk so far that were in no other loop, whatever the number of threads.
int64_t loops_run();

/// Calls body(chunk) for each chunk of 0 .. chunks-1, spread over the threads, and waits for all. The caller's chunks follow from
/// shapes only, so results do not depend on the number of threads. `body` must not evaluate arrays. If it throws, higher chunks are left
/// out, and the exception of the lowest chunk that has thrown comes out of here once no chunk runs any more. A loop of one chunk, or inside
/// another parallel loop, or with one thread, runs in the calling thread.
template <class Body>
void parallel_for(int64_t chunks, Body&& body) {
  struct Call {
    std::remove_reference_t<Body>* body;
    Lowest<std::exception_ptr> error{};
  } call{&body};
  parallel_chunks(
      chunks,
      [](void* context, int64_t chunk) {
        auto& [run, error] = *static_cast<Call*>(context);
        if (error.is_before(chunk)) return;
        try {
          (*run)(chunk);
        } catch (...) {
          error.take(chunk, std::current_exception());
        }
      },
      &call);
  if (call.error.report()) std::rethrow_exception(call.error.report());
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

}  // namespace gradus::core
