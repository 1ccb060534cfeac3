// A loop in helpers of the plugin's own.
#include <atomic>

#include "gradus/base/parallel.hpp"

extern "C" __attribute__((visibility("default"))) int64_t sum_of_chunks() {
  gradus::set_threads(3);
  std::atomic<int64_t> sum = 0;
  gradus::core::parallel_for(1000, [&](int64_t chunk) { sum += chunk; });
  return sum;
}
