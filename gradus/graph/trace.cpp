// Trace scopes and the table of open sessions.
#include "gradus/graph/trace.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "gradus/base/fork.hpp"
#include "gradus/base/per_thread.hpp"
#include "gradus/graph/history.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::core {

namespace {

constinit thread_local PerThread<std::vector<TraceKind>> open_kinds;
[[gnu::tls_model("initial-exec")]] thread_local uint32_t open_session = 0;  // read for every node

struct Sessions {
  LastingMutex mutex;
  std::vector<uint32_t> open;
  uint32_t next = 1;
};
Sessions& sessions() {
  static Sessions* all = new Sessions;
  return *all;
}

}  // namespace

std::string_view name_of(TraceKind kind) {
  constexpr std::string_view names[] = {"grad",    "vjp",  "jvp",  "checkpoint", "vmap",
                                        "compile", "scan", "cond", "while_loop", "shape building"};
  return names[static_cast<int>(kind)];
}

TraceScope::TraceScope(TraceKind kind) : is_outermost_(open_kinds->empty()) {
  open_kinds->push_back(kind);
  if (!is_outermost_) return;
  Sessions& all = sessions();
  std::lock_guard lock(all.mutex);
  open_session = all.next++;
  if (all.next == 0) all.next = 1;
  all.open.push_back(open_session);
}

TraceScope::~TraceScope() {
  open_kinds->pop_back();
  if (!is_outermost_) return;
  const uint32_t closed = std::exchange(open_session, 0);
  Sessions& all = sessions();
  {
    std::lock_guard lock(all.mutex);
    std::erase(all.open, closed);
  }
  if (has_nodes_to_detach(closed)) forget_history(closed);
}

SessionPause::SessionPause() : session_(std::exchange(open_session, 0)) {}
SessionPause::~SessionPause() { open_session = session_; }

uint32_t current_session() { return open_session; }

bool is_tracing(TraceKind kind) { return std::find(open_kinds->begin(), open_kinds->end(), kind) != open_kinds->end(); }

std::string_view evaluation_forbidden_by() {
  for (auto kind = open_kinds->rbegin(); kind != open_kinds->rend(); ++kind) {
    if (*kind != TraceKind::grad && *kind != TraceKind::vjp && *kind != TraceKind::jvp && *kind != TraceKind::checkpoint) {
      return name_of(*kind);
    }
  }
  return {};
}

bool is_session_open(uint32_t session) {
  if (session == 0) return false;
  if (session == open_session) return true;
  Sessions& all = sessions();
  std::lock_guard lock(all.mutex);
  return std::find(all.open.begin(), all.open.end(), session) != all.open.end();
}

Array mark_argument(const Array& x) {
  const Aval aval = x.aval();
  return Array(Node::make(identity_op, {}, std::span<const Array>(&x, 1), std::span<const Aval>(&aval, 1)), 0);
}

}  // namespace gradus::core
