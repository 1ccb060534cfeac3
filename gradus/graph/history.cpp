// The lists of nodes to detach, one an open session. They hold nothing: a node that is freed takes itself off its list.
#include "gradus/graph/history.hpp"

#include <mutex>
#include <unordered_map>
#include <unordered_set>

namespace gradus::core {

namespace {

struct Histories {
  // Recursive: a node that is detached may free others, which take themselves off.
  std::recursive_mutex mutex;
  std::unordered_map<uint32_t, std::unordered_set<Node*>> nodes;
  std::atomic<int64_t> count{0};  // of sessions with nodes; mostly none
};
Histories& histories() {
  static Histories* all = new Histories;
  return *all;
}

}  // namespace

void detach_at_end_of_session(Node* node) {
  Histories& all = histories();
  std::lock_guard lock(all.mutex);
  all.nodes[node->session()].insert(node);
  all.count = static_cast<int64_t>(all.nodes.size());
}

// While the lock is held no node of the list is freed: each has to take itself off first.
void detach_nodes_of(uint32_t session) {
  Histories& all = histories();
  std::lock_guard lock(all.mutex);
  const auto found = all.nodes.find(session);
  if (found == all.nodes.end()) return;
  std::unordered_set<Node*>& nodes = found->second;
  while (!nodes.empty()) {
    Node* node = *nodes.begin();
    nodes.erase(nodes.begin());
    node->detach();
  }
  all.nodes.erase(session);
  all.count = static_cast<int64_t>(all.nodes.size());
}

bool has_nodes_to_detach(uint32_t session) {
  Histories& all = histories();
  if (all.count.load(std::memory_order_acquire) == 0) return false;
  std::lock_guard lock(all.mutex);
  return all.nodes.count(session) > 0;
}

void forget_node(Node* node) {
  Histories& all = histories();
  if (node->session() == 0 || all.count.load(std::memory_order_acquire) == 0) return;
  std::lock_guard lock(all.mutex);
  const auto found = all.nodes.find(node->session());
  if (found != all.nodes.end()) found->second.erase(node);
}

}  // namespace gradus::core
