// Nodes that an open trace keeps attached to their inputs although their values are published: someone read them inside it.
#pragma once

#include "gradus/graph/node.hpp"

namespace gradus::core {

/// Remembers a computed node of an open session, without holding it: it drops its inputs when the session ends. Under the evaluation lock.
void detach_at_end_of_session(Node* node);
/// Drops the inputs of all nodes remembered for `session`, which has ended. Under the evaluation lock.
void detach_nodes_of(uint32_t session);
/// Whether there is a node to detach at the end of `session`.
bool has_nodes_to_detach(uint32_t session);
/// `session` has ended: takes the evaluation lock and detaches its nodes. gradus/plan defines it.
void forget_history(uint32_t session);
/// A node that is about to be freed is not to be remembered any more.
void forget_node(Node* node);

/// While it lives, what this thread records belongs to no trace: nodes that the evaluator makes for itself.
class SessionPause {
 public:
  SessionPause();
  ~SessionPause();
  SessionPause(const SessionPause&) = delete;
  SessionPause& operator=(const SessionPause&) = delete;

 private:
  uint32_t session_;
};

}  // namespace gradus::core
