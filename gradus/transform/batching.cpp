// Batching of recorded graphs, op by op through their rules.
#include "gradus/transform/batching.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/path.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::core {

namespace {

// bool flags that a span can show.
struct Flags {
  explicit Flags(size_t count) : bits(std::make_unique<bool[]>(count)), count(count) {}
  std::unique_ptr<bool[]> bits;
  size_t count;
  operator std::span<const bool>() const { return {bits.get(), count}; }
};

std::vector<Array> batch_composed(const Call& call, std::span<const bool> is_batched, int64_t batch_size);

class BatchWalk {
 public:
  BatchWalk(std::span<const Array> symbols, std::span<const Array> values, int64_t batch_size, size_t nodes)
      : batch_size_(batch_size), first_(symbols.size() + nodes) {
    for (size_t i = 0; i < symbols.size(); ++i) put(symbols[i].node(), symbols[i].output_index(), {values[i], true});
  }

  void visit(Node* node) {
    const std::span<const Edge> edges = node->inputs();
    std::vector<Array> inputs;
    Flags is_batched(edges.size());
    bool has_batched = false;
    inputs.reserve(edges.size());
    for (size_t i = 0; i < edges.size(); ++i) {
      const Entry* found = find(edges[i].node, edges[i].index);
      is_batched.bits[i] = found && found->is_batched;
      has_batched |= is_batched.bits[i];
      inputs.push_back(found ? found->value : Array(edges[i].node, edges[i].index));
    }
    const AtPlaceOf place(node->path());
    const std::vector<Array> outputs = has_batched ? apply_rule(*node, inputs, is_batched) : apply_all(node->op(), inputs, node->args());
    for (uint32_t k = 0; k < node->output_count() && k < outputs.size(); ++k) {
      if (!outputs[k].exists()) continue;
      // A barrier holds its inputs apart: what is the same for all examples stays so.
      const bool is_output_batched = has_batched && (&node->op() != &barrier_op || is_batched.bits[k]);
      if (is_output_batched) check(*node, k, outputs[k]);
      put(node, k, {outputs[k], is_output_batched});
    }
  }

  struct Entry {
    Array value{};
    bool is_batched = false;
  };
  /// What stands for an output of a node in the batched graph; null if that is the output itself.
  const Entry* find(const Node* node, uint32_t index) const {
    const uint32_t first = first_.find(node);
    if (first == NodeMap::kNone) return nullptr;
    const Entry& entry = values_[first + index];
    return entry.value.exists() ? &entry : nullptr;
  }

 private:
  void put(const Node* node, uint32_t index, Entry value) {
    uint32_t first = first_.find(node);
    if (first == NodeMap::kNone) {
      first = static_cast<uint32_t>(values_.size());
      first_.set(node, first);
      values_.resize(first + node->output_count());
    }
    values_[first + index] = std::move(value);
  }

  std::vector<Array> apply_rule(const Node& node, std::span<const Array> inputs, std::span<const bool> is_batched) const {
    const OpDef& op = node.op();
    const Call call{op, node.args(), inputs};
    try {
      if (op.batch) {
        if (std::vector<Array> outputs = op.batch(call, is_batched, batch_size_); !outputs.empty()) return outputs;
      }
      if (op.derivative.kind == Derivative::Kind::composed) return batch_composed(call, is_batched, batch_size_);
    } catch (Error& error) {
      if (!node.path().empty()) error.set_path(node.path());
      throw;
    }
    fail("vmap", op.name, " has no rule for batches; call it outside vmap, or in a loop over the examples");
  }

  void check(const Node& node, uint32_t index, const Array& value) const {
    const Shape& example = node.output(index).aval.shape;
    bool fits = value.rank() == example.rank() + 1 && value.shape()[0] == batch_size_;
    for (int64_t axis = 0; fits && axis < example.rank(); ++axis) fits = value.shape()[axis + 1] == example[axis];
    if (!fits) fail_bug("the batching rule of ", node.op().name, " gives ", value.shape(), " for ", batch_size_, " examples of ", example);
  }

  int64_t batch_size_;
  NodeMap first_;
  std::vector<Entry> values_;
};

// Through the op's composition.
std::vector<Array> batch_composed(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  std::vector<Array> inputs(call.inputs.begin(), call.inputs.end()), symbols, values;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!is_batched[i]) continue;
    Aval aval = inputs[i].aval();
    Dims sizes = aval.shape.dims();
    sizes.erase(0);
    aval.shape = Shape(sizes);
    values.push_back(inputs[i]);
    inputs[i] = make_placeholder(aval);
    symbols.push_back(inputs[i]);
  }
  return batch_graph(symbols, values, call.op.derivative.compose({call.op, call.args, inputs}), batch_size);
}

}  // namespace

Array repeat_for_batch(const Array& x, int64_t batch_size) {
  Dims sizes = x.shape().dims();
  sizes.insert(0, batch_size);
  const Array strong = x.is_weak() ? x.astype(x.dtype() == float64 ? float32 : x.dtype()) : x;
  return broadcast_to(strong, Shape(sizes));
}

BatchedOutputs batch_reached(std::span<const Array> symbols, std::span<const Array> values, std::span<const Array> outputs,
                             int64_t batch_size) {
  const std::vector<Node*> nodes = nodes_between(symbols, outputs);
  BatchWalk walk(symbols, values, batch_size, nodes.size());
  for (Node* node : nodes) walk.visit(node);
  BatchedOutputs out;
  for (const Array& output : outputs) {
    const BatchWalk::Entry* found = output.exists() ? walk.find(output.node(), output.output_index()) : nullptr;
    out.outputs.push_back(found ? found->value : output);
    out.is_batched.push_back(found && found->is_batched);
  }
  return out;
}

std::vector<Array> batch_graph(std::span<const Array> symbols, std::span<const Array> values, std::span<const Array> outputs,
                               int64_t batch_size) {
  BatchedOutputs out = batch_reached(symbols, values, outputs, batch_size);
  for (size_t k = 0; k < out.outputs.size(); ++k) {
    if (out.outputs[k].exists() && !out.is_batched[k]) out.outputs[k] = repeat_for_batch(out.outputs[k], batch_size);
  }
  return std::move(out.outputs);
}

BatchedSubgraph batch_subgraph(const Subgraph& graph, std::span<const uint8_t> is_batched, std::span<const uint8_t> force_outputs,
                               int64_t batch_size) {
  std::vector<Array> parameters = graph.parameters(), symbols, values;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!is_batched[i]) continue;
    Aval aval = parameters[i].aval();
    Dims sizes = aval.shape.dims();
    sizes.insert(0, batch_size);
    aval.shape = Shape(sizes);
    aval.is_weak = false;
    symbols.push_back(parameters[i]);
    parameters[i] = make_placeholder(aval);
    values.push_back(parameters[i]);
  }
  BatchedOutputs out = batch_reached(symbols, values, graph.outputs(), batch_size);
  for (size_t k = 0; k < out.outputs.size(); ++k) {
    if (out.is_batched[k] || !force_outputs[k]) continue;
    out.outputs[k] = repeat_for_batch(out.outputs[k], batch_size);
    out.is_batched[k] = true;
  }
  return {std::make_shared<const Subgraph>(std::move(parameters), std::move(out.outputs)), std::move(out.is_batched)};
}

}  // namespace gradus::core
