// Counting of pending nodes, one counter a thread.
#include "gradus/graph/pending.hpp"

#include <atomic>

#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/node.hpp"
#include "gradus/graph/trace.hpp"

namespace gradus::core {

namespace {
std::atomic<int64_t> node_bound{20'000}, byte_bound{int64_t{2} << 30};
// Read for every node.
[[gnu::tls_model("initial-exec")]] thread_local int pauses = 0;
[[gnu::tls_model("initial-exec")]] thread_local int64_t pending_nodes = 0, pending_bytes = 0;
}  // namespace

void count_pending(Node& node) {
  const Aval& aval = node.output(0).aval;
  pending_bytes += aval.shape.size() * aval.dtype.size();
  ++pending_nodes;
  const int64_t nodes = node_bound.load(std::memory_order_relaxed), bytes = byte_bound.load(std::memory_order_relaxed);
  if ((nodes == 0 || pending_nodes <= nodes) && (bytes == 0 || pending_bytes <= bytes)) return;
  if (pauses || is_tracing()) return;
  reset_pending();
  evaluate(node.input_arrays());
}

void set_pending_bound(int64_t nodes, int64_t bytes) {
  node_bound = nodes;
  byte_bound = bytes;
}

PendingPause::PendingPause() { ++pauses; }
PendingPause::~PendingPause() { --pauses; }
void reset_pending() { pending_nodes = pending_bytes = 0; }

}  // namespace gradus::core
