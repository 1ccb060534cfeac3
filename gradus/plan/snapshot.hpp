// The pending graph behind some roots, numbered and hashed: what a plan is looked up by.
#pragma once

#include <vector>

#include "gradus/graph/loop_body.hpp"
#include "gradus/graph/walk.hpp"

namespace gradus::plan {

/// A node whose inputs are being visited, and which comes next.
struct WalkFrame {
  Node* node;
  size_t next = 0;
  int expansion = -1;
};

/// Nodes are numbered inputs first; the values (outputs) of node number i are first_value[i], first_value[i] + 1, ...
struct Snapshot {
  Snapshot() = default;
  Snapshot(Snapshot&&) = default;
  Snapshot& operator=(Snapshot&&) = default;
  ~Snapshot();

  std::vector<Node*> nodes;
  std::vector<uint32_t> first_value;
  std::vector<uint8_t> is_kept;     ///< a value: whether its result is stored for its holders
  std::vector<uint8_t> is_donated;  ///< a value: whether it is a leaf whose memory may be overwritten
  std::vector<uint8_t> is_moving;   ///< a value: whether each run finds other data in it; empty where none does
  std::vector<uint8_t> keeps_inputs;  ///< a node: whether an open trace may walk through it, or compute it again, after the run
  bool has_traced = false;            ///< whether any node belongs to an open trace
  Hash128 key{};
  /// Of ops that others stand for (replacement_of): node number and the outputs that take its place, held here.
  struct Expansion {
    Node* node;
    std::vector<Edge> outputs;
  };
  std::vector<Expansion> expansions;
  const Expansion* expansion_of(const Node& node) const;

  std::vector<WalkFrame> frames;  ///< of the walk

  /// Empties it, keeping its memory for the next walk.
  void clear();
  bool is_leaf(size_t number) const;
  uint32_t value_of(const Edge& edge) const { return first_value[edge.node->number] + edge.index; }
};

/// Whether `node` stands for values that exist already (data, numbers, computed results).
bool is_available(const Node& node);

/// Walks from `roots` into `out`, which is cleared first. Under the evaluation lock. Throws if a placeholder is reached.
void take_snapshot(std::span<const Array> roots, Snapshot& out);
/// The same for a closed graph whose parameters stand for computed `arguments`, each the one output of its node; just its outputs are kept,
/// and arguments that are dying are donated.
Snapshot take_snapshot(const Subgraph& graph, std::span<const Array* const> arguments, std::span<const Reuse> reuse);
/// What such a snapshot depends on: the graph's identity, the arguments' layouts and what becomes of them.
Hash128 call_key(const Subgraph& graph, std::span<const Array* const> arguments, std::span<const Reuse> reuse);
/// Whether nobody holds the argument's memory but the one handle given, so that it may be dying.
bool is_held_once(const Array& argument);

}  // namespace gradus::plan
