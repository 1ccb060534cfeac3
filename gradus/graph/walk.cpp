// Iterative walks and closed graphs.
#include "gradus/graph/walk.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/path.hpp"

namespace gradus::core {

NodeMap::NodeMap(size_t expected) {
  size_t size = 32;
  while (size < 2 * expected) size *= 2;
  places_.resize(size, {nullptr, 0});
}

size_t NodeMap::place_of(const Node* node) const {
  const size_t mask = places_.size() - 1;
  size_t place = (reinterpret_cast<uintptr_t>(node) >> 4) * 0x9E3779B97F4A7C15u >> 20 & mask;
  while (places_[place].first && places_[place].first != node) place = (place + 1) & mask;
  return place;
}

uint32_t NodeMap::find(const Node* node) const {
  const auto& [key, number] = places_[place_of(node)];
  return key ? number : kNone;
}

void NodeMap::set(const Node* node, uint32_t number) {
  if (2 * (size_ + 1) > places_.size()) grow();
  auto& place = places_[place_of(node)];
  if (!place.first) ++size_;
  place = {node, number};
}

void NodeMap::grow() {
  auto old = std::move(places_);
  places_.assign(2 * old.size(), {nullptr, 0});
  for (const auto& entry : old) {
    if (entry.first) places_[place_of(entry.first)] = entry;
  }
}

std::vector<Node*> ancestors(std::span<const Array> outputs, const std::function<bool(Node*)>& enter) {
  std::vector<Node*> order;
  NodeMap seen;
  std::vector<std::pair<Node*, size_t>> stack;
  const auto push = [&](Node* node) {
    if (seen.find(node) != NodeMap::kNone) return;
    if (enter && !enter(node)) return;
    seen.set(node, 1);
    stack.push_back({node, 0});
  };
  for (const Array& output : outputs) {
    if (!output.exists()) continue;
    push(output.node());
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next < node->inputs().size()) {
        push(node->inputs()[next++].node);
      } else {
        order.push_back(node);
        stack.pop_back();
      }
    }
  }
  return order;
}

std::vector<Node*> nodes_between(std::span<const Array> arguments, std::span<const Array> outputs) {
  // A node is younger than all that it is computed from.
  uint64_t oldest = ~uint64_t{0};
  NodeMap depends(64);
  for (const Array& argument : arguments) {
    depends.set(argument.node(), 1);
    oldest = std::min(oldest, argument.node()->serial());
  }
  const std::vector<Node*> all = ancestors(
      outputs, [&](Node* node) { return node->serial() > oldest && depends.find(node) == NodeMap::kNone; });
  std::vector<Node*> order;
  for (Node* node : all) {
    for (const Edge& edge : node->inputs()) {
      if (depends.find(edge.node) == NodeMap::kNone) continue;
      depends.set(node, 1);
      order.push_back(node);
      break;
    }
  }
  return order;
}

namespace {

// Numbers every node of the graph in walk order and hashes ops, parameters, dtypes, shapes and wiring.
Hash128 structural_hash(std::span<const Array> parameters, std::span<const Array> outputs, std::span<Node* const> nodes) {
  Hasher hasher;
  NodeMap number(nodes.size());
  uint32_t next = 0;
  hasher.add(uint64_t{parameters.size()} << 32 | outputs.size());
  for (const Array& parameter : parameters) {
    number.set(parameter.node(), next++);
    hash_field(hasher, parameter.dtype());
    hasher.add(parameter.is_weak());
    hash_field(hasher, parameter.shape());
  }
  for (Node* node : nodes) {
    number.set(node, next++);
    hasher.add(reinterpret_cast<uintptr_t>(&node->op()));
    node->args().hash(hasher);
    if (node->is_leaf()) {
      hasher.add(static_cast<uint64_t>(node->output(0).aval.dtype.code()) << 1 | node->output(0).aval.is_weak);
      hasher.add(node->is_scalar() ? static_cast<uint64_t>(node->scalar().integer) : reinterpret_cast<uintptr_t>(node));
      hash_field(hasher, node->output(0).aval.shape);
    }
    hasher.add(node->inputs().size());
    for (const Edge& edge : node->inputs()) hasher.add(uint64_t{number.find(edge.node)} << 32 | edge.index);
  }
  for (const Array& output : outputs) hasher.add(uint64_t{number.find(output.node())} << 32 | output.output_index());
  return hasher.value();
}

}  // namespace

Subgraph::Subgraph(std::vector<Array> parameters, std::vector<Array> outputs)
    : parameters_(std::move(parameters)), outputs_(std::move(outputs)) {
  NodeMap is_parameter(parameters_.size());
  for (const Array& parameter : parameters_) is_parameter.set(parameter.node(), 1);
  nodes_ = ancestors(outputs_, [&](Node* node) { return is_parameter.find(node) == NodeMap::kNone; });
  hash_ = structural_hash(parameters_, outputs_, nodes_);
}

bool Subgraph::equals(const Subgraph& other) const {
  return this == &other || (hash_ == other.hash_ && nodes_.size() == other.nodes_.size() && parameters_.size() == other.parameters_.size());
}

std::vector<Array> Subgraph::call(std::span<const Array> arguments) const {
  if (arguments.size() != parameters_.size()) fail_bug("a closed graph of ", parameters_.size(), " parameters got ", arguments.size());
  NodeMap number(nodes_.size() + arguments.size());
  std::vector<std::vector<Array>> values;
  const auto value_of_edge = [&](const Edge& edge) -> Array {
    const uint32_t at = number.find(edge.node);
    return at == NodeMap::kNone ? Array(edge.node, edge.index) : values[at][edge.index];
  };
  // A parameter may be one output of a node of several.
  for (size_t i = 0; i < arguments.size(); ++i) {
    number.set(parameters_[i].node(), static_cast<uint32_t>(values.size()));
    values.push_back({arguments[i]});
  }
  for (Node* node : nodes_) {
    if (node->is_leaf()) continue;
    std::vector<Array> inputs;
    for (const Edge& edge : node->inputs()) inputs.push_back(value_of_edge(edge));
    number.set(node, static_cast<uint32_t>(values.size()));
    const AtPlaceOf place(node->path());
    values.push_back(apply_all(node->op(), inputs, node->args()));
  }
  std::vector<Array> out;
  for (const Array& output : outputs_) out.push_back(value_of_edge({output.node(), output.output_index()}));
  return out;
}

Closure close_over(std::span<const Array> parameters, std::span<const Array> outputs) {
  const std::vector<Node*> inside = nodes_between(parameters, outputs);
  NodeMap known(inside.size() + parameters.size());
  for (Node* node : inside) known.set(node, 1);
  for (const Array& parameter : parameters) known.set(parameter.node(), 1);
  // Every edge that enters from outside becomes a parameter; numbers too, so that they stay numbers.
  std::vector<Array> captured, symbols;
  NodeMap first_place;  // of any output of a node; places of its further outputs follow by `next`
  std::vector<size_t> next;
  const auto place_of = [&](const Edge& edge) {
    const uint32_t first = first_place.find(edge.node);
    size_t place = first == NodeMap::kNone ? captured.size() : first;
    while (place < captured.size() && captured[place].output_index() != edge.index && next[place]) place = next[place];
    if (place < captured.size() && captured[place].output_index() == edge.index) return place;
    if (place < captured.size()) next[place] = captured.size();
    else first_place.set(edge.node, static_cast<uint32_t>(place));
    captured.emplace_back(edge.node, edge.index);
    next.push_back(0);
    symbols.push_back(make_placeholder(captured.back().aval()));
    return captured.size() - 1;
  };
  NodeMap number(inside.size());
  std::vector<std::vector<Array>> values;
  std::vector<Array> fresh;
  for (const Array& parameter : parameters) {
    fresh.push_back(make_placeholder(parameter.aval()));
    number.set(parameter.node(), static_cast<uint32_t>(values.size()));
    values.push_back({fresh.back()});
  }
  const auto inner = [&](const Edge& edge) -> Array {
    const uint32_t at = number.find(edge.node);
    return at == NodeMap::kNone ? symbols[place_of(edge)] : values[at][edge.index];
  };
  for (Node* node : inside) {
    std::vector<Array> inputs;
    for (const Edge& edge : node->inputs()) inputs.push_back(inner(edge));
    number.set(node, static_cast<uint32_t>(values.size()));
    const AtPlaceOf place(node->path());
    values.push_back(apply_all(node->op(), inputs, node->args()));
  }
  std::vector<Array> inner_outputs;
  for (const Array& output : outputs) inner_outputs.push_back(inner({output.node(), output.output_index()}));
  fresh.insert(fresh.end(), symbols.begin(), symbols.end());
  return {std::make_shared<const Subgraph>(std::move(fresh), std::move(inner_outputs)), std::move(captured)};
}

}  // namespace gradus::core
