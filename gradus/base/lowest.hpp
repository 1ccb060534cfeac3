// What one of several chunks reports, chosen by number: not by who came first.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "gradus/base/namespaces.hpp"

namespace gradus::core {

/// Of what chunks report, that of the lowest one; no report gives T{}.
template <class T>
class Lowest {
 public:
  /// Whether a lower chunk has reported: what this one has to say counts no more.
  bool is_before(int64_t chunk) const { return chunk_.load(std::memory_order_relaxed) < chunk; }
  void take(int64_t chunk, T report) {
    const std::lock_guard lock(mutex_);
    if (is_before(chunk)) return;
    chunk_.store(chunk, std::memory_order_relaxed);
    report_ = std::move(report);
  }
  /// Once no chunk runs any more.
  const T& report() const { return report_; }

 private:
  std::atomic<int64_t> chunk_{INT64_MAX};
  std::mutex mutex_;
  T report_{};
};

}  // namespace gradus::core
