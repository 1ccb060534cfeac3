// Walks over the graph, all iterative: a chain of a million nodes is ordinary.
#pragma once

#include <functional>
#include <vector>

#include "gradus/graph/closure.hpp"
#include "gradus/graph/node.hpp"

namespace gradus::core {

/// A map from nodes to numbers: open addressing, no allocation an entry.
class NodeMap {
 public:
  explicit NodeMap(size_t expected = 16);
  static constexpr uint32_t kNone = ~0u;
  /// The number of `node`, kNone if it has none.
  uint32_t find(const Node* node) const;
  void set(const Node* node, uint32_t number);
  size_t size() const { return size_; }

 private:
  size_t place_of(const Node* node) const;
  void grow();
  std::vector<std::pair<const Node*, uint32_t>> places_;
  size_t size_ = 0;
};

/// All nodes that `outputs` are computed from (their own included), inputs before readers. `enter(node)` false: neither the node nor what
/// lies behind it is visited. Values that are ready stop nothing here.
std::vector<Node*> ancestors(std::span<const Array> outputs, const std::function<bool(Node*)>& enter = {});

/// Nodes on the way from `arguments` to `outputs`: those that depend on an argument, inputs before readers; the arguments' own nodes are
/// left out, and so is what lies behind them. Only nodes younger than the oldest argument are searched.
std::vector<Node*> nodes_between(std::span<const Array> arguments, std::span<const Array> outputs);

/// A closed graph: outputs as a function of parameters alone.
class Subgraph {
 public:
  /// `parameters` are placeholders (or marked arguments); `outputs` may depend on nothing else that is not a constant of the graph.
  Subgraph(std::vector<Array> parameters, std::vector<Array> outputs);

  const std::vector<Array>& parameters() const { return parameters_; }
  const std::vector<Array>& outputs() const { return outputs_; }
  /// Nodes in order, parameters left out.
  const std::vector<Node*>& nodes() const { return nodes_; }
  /// Records the graph again with the parameters replaced; shapes may differ from those it was traced with.
  std::vector<Array> call(std::span<const Array> arguments) const;
  Hash128 hash() const { return hash_; }
  bool equals(const Subgraph& other) const;

 private:
  std::vector<Array> parameters_, outputs_;
  std::vector<Node*> nodes_;
  Hash128 hash_;
};

/// The graph of `outputs` as a function of `parameters`.
Closure close_over(std::span<const Array> parameters, std::span<const Array> outputs);

}  // namespace gradus::core
