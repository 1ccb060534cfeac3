// The net under loops that never evaluate: past a bound of pending work, the newest array is evaluated by itself.
#pragma once

#include <cstdint>

namespace gradus::core {

class Node;

/// Counts a newly recorded node; past the bound, and outside any trace, evaluates its inputs.
void count_pending(Node& node);
/// The bound on nodes (default 20,000) and on bytes of their results (default 2 GiB) recorded by a thread since it last evaluated.
/// 0 lifts a bound.
void set_pending_bound(int64_t nodes, int64_t bytes);
/// While it lives the bound does not fire in this thread: the evaluator itself is recording.
class PendingPause {
 public:
  PendingPause();
  ~PendingPause();
  PendingPause(const PendingPause&) = delete;
  PendingPause& operator=(const PendingPause&) = delete;
};
/// Called by the evaluator: this thread has evaluated.
void reset_pending();

}  // namespace gradus::core
