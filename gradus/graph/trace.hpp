// Open transforms of this thread: what may be evaluated inside them, and whose values keep their history.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::core {

enum class TraceKind : uint8_t { grad, vjp, jvp, checkpoint, vmap, compile, scan, cond, while_loop, building };
std::string_view name_of(TraceKind kind);

/// Marks that the calling thread is inside a transform. All nested scopes of a thread share one session, opened by the outermost.
class TraceScope {
 public:
  explicit TraceScope(TraceKind kind);
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

  /// Whether this scope opened the session.
  bool is_outermost() const { return is_outermost_; }

 private:
  bool is_outermost_;
};

/// Session of this thread, 0 outside any transform.
uint32_t current_session();
inline bool is_tracing() { return current_session() != 0; }
/// Whether a scope of this kind is open in this thread.
bool is_tracing(TraceKind kind);
/// Name of the innermost open transform under which no value exists (vmap, compile, loops, shape building), or "".
std::string_view evaluation_forbidden_by();
/// Whether a session is still open in any thread. Nodes of an open session keep their inputs when evaluated.
bool is_session_open(uint32_t session);

/// x as a fresh identity node of this session: what a transform hands to the function it traces. Under vjp and jvp x may be pending.
Array mark_argument(const Array& x);

}  // namespace gradus::core
