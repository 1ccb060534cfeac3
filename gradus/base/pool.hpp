// The claiming pool: helpers take parts of a loop that a caller has published. Called by threads.cpp only.
#pragma once

#include <cstdint>

namespace gradus::core {

/// Calls body(context, chunk) for each chunk of 0 .. chunks-1, in the calling thread and in those of threads - 1 helpers that happen to
/// run. The caller works itself, and at the end waits only for chunks that a helper has begun: one that the system does not run holds up
/// nobody. Each thread begins with a share of neighbouring chunks and then takes from the ends of the others'. 2 <= threads; chunks >= 1.
void run_loop(int64_t chunks, int threads, void (*body)(void* context, int64_t chunk), void* context);

/// Helpers that have been started, and those that the system refused at the last try.
struct Helpers {
  int started = 0, refused = 0;
};
Helpers helpers();

}  // namespace gradus::core
