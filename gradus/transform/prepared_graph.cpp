// Pruning and running of a loop's body.
#include "gradus/transform/prepared_graph.hpp"

#include <algorithm>

#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::core {

PreparedGraph::PreparedGraph(const Subgraph& graph, std::span<const uint8_t> needed) : places_(graph.outputs().size()) {
  NodeMap parameter(graph.parameters().size());
  for (size_t i = 0; i < graph.parameters().size(); ++i) parameter.set(graph.parameters()[i].node(), static_cast<uint32_t>(i));
  std::vector<Array> computed;
  const auto number_of = [&](const Array& output) {
    const auto same = [&](const Array& each) { return each.node() == output.node() && each.output_index() == output.output_index(); };
    const auto found = std::find_if(computed.begin(), computed.end(), same);
    const auto number = static_cast<size_t>(found - computed.begin());
    if (found == computed.end()) computed.push_back(output);
    return number;
  };
  for (size_t k = 0; k < places_.size(); ++k) {
    if (!needed[k]) continue;
    const Array& output = graph.outputs()[k];
    const uint32_t number = parameter.find(output.node());
    if (number != NodeMap::kNone) {
      places_[k] = {Source::parameter, number};
    } else if (output.node()->is_leaf()) {
      places_[k] = {Source::constant, constants_.size()};
      constants_.push_back(output);
    } else {
      places_[k] = {Source::result, number_of(output)};
    }
  }
  if (!computed.empty()) computed_ = std::make_shared<const Subgraph>(graph.parameters(), std::move(computed));
}

std::vector<Array> PreparedGraph::run(const std::vector<Array>& arguments, bool may_consume) const {
  std::vector<Array> out(places_.size());
  for (size_t k = 0; k < places_.size(); ++k) {
    if (places_[k].source == Source::parameter) out[k] = arguments[places_[k].index];
    if (places_[k].source == Source::constant) out[k] = constants_[places_[k].index];
  }
  if (!computed_) return out;
  const std::vector<Array> results = run_subgraph(computed_, arguments, may_consume);
  for (size_t k = 0; k < places_.size(); ++k) {
    if (places_[k].source == Source::result) out[k] = results[places_[k].index];
  }
  return out;
}

ByteFlags parameters_read(const Subgraph& graph, std::span<const uint8_t> outputs) {
  std::vector<Array> roots;
  for (size_t k = 0; k < outputs.size(); ++k) {
    if (outputs[k]) roots.push_back(graph.outputs()[k]);
  }
  NodeMap reached(graph.nodes().size());
  for (Node* node : ancestors(roots)) reached.set(node, 1);
  ByteFlags out;
  for (const Array& parameter : graph.parameters()) out.push_back(reached.find(parameter.node()) != NodeMap::kNone);
  return out;
}

Array detached(const Array& computed) { return computed.node()->is_scalar() ? computed : make_leaf(value_of(computed), computed.aval()); }

}  // namespace gradus::core
