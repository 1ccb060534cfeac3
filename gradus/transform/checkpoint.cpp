// The op of checkpoint: a closed graph that the evaluator runs in place, and that the backward pass runs again behind a barrier.
#include "gradus/transform/checkpoint.hpp"

#include "gradus/graph/leaf.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/transform/all_ops.hpp"
#include "gradus/transform/batching.hpp"
#include "gradus/transform/differentiate.hpp"
#include "gradus/transform/graph_op.hpp"

namespace gradus {

using namespace core;

extern const OpDef checkpoint_op;

namespace {

struct CheckpointArgs {
  SubgraphPtr graph{};
  GRADUS_FIELDS(graph)
};

std::vector<Aval> infer_checkpoint(const Call& call) { return output_avals(*call.as<CheckpointArgs>().graph); }

std::vector<Array> compose_checkpoint(const Call& call) { return call.as<CheckpointArgs>().graph->call(call.inputs); }

// dx = J(x)^T dy, with all that J needs computed again from x. The barrier keeps the second computation from being merged with the first,
// and from starting before the cotangent is there.
std::vector<Array> reverse_checkpoint(const RecordedCall& call, std::span<const Array> cotangents) {
  std::vector<Array> inputs(call.inputs.begin(), call.inputs.end()), changes(cotangents.begin(), cotangents.end()), held;
  std::vector<Array*> places;
  for (std::vector<Array>* list : {&inputs, &changes}) {
    for (Array& array : *list) {
      if (!array.exists() || array.is_weak()) continue;
      held.push_back(array);
      places.push_back(&array);
    }
  }
  const std::vector<Array> released = apply_all(barrier_op, held);
  for (size_t i = 0; i < places.size(); ++i) *places[i] = released[i];
  std::vector<Array> arguments, found(inputs.size());
  std::vector<size_t> positions;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].dtype().is_float() || inputs[i].node()->is_scalar()) continue;
    if (inputs[i].is_weak()) inputs[i] = mark_argument(inputs[i]);
    arguments.push_back(inputs[i]);
    positions.push_back(i);
  }
  const std::vector<Array> outputs = compose_checkpoint({call.op, call.args, inputs}), pulled = pull_back(outputs, changes, arguments);
  for (size_t i = 0; i < positions.size(); ++i) found[positions[i]] = pulled[i];
  return found;
}

std::vector<Array> batch_checkpoint(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const Subgraph& graph = *call.as<CheckpointArgs>().graph;
  const BatchedSubgraph batched = batch_subgraph(graph, as_flags(is_batched), all_of(graph.outputs().size()), batch_size);
  return apply_all(checkpoint_op, call.inputs, CheckpointArgs{batched.graph});
}

}  // namespace

constinit const OpDef checkpoint_op{.name = "checkpoint",
                                    .inputs = graph_op_inputs,
                                    .is_variadic = true,
                                    .args = args_of<CheckpointArgs>,
                                    .infer = infer_checkpoint,
                                    .derivative = composed(compose_checkpoint, reverse_checkpoint),
                                    .batch = batch_checkpoint,
                                    .expand = compose_checkpoint};

std::vector<Array> core::apply_checkpoint(Recording& recording, const std::vector<Array>& inputs, std::vector<Array> outputs) {
  const size_t returned = outputs.size();
  Closure closure = recording.close(std::move(outputs));
  std::vector<Array> all = inputs;
  all.insert(all.end(), closure.captured.begin(), closure.captured.end());
  std::vector<Array> results = apply_all(checkpoint_op, all, CheckpointArgs{std::move(closure.graph)});
  recording.write_back(std::span(results).subspan(returned));
  results.resize(returned);
  return results;
}

std::span<const OpDef* const> core::checkpoint_ops() {
  static constexpr const OpDef* ops[] = {&checkpoint_op};
  return ops;
}

}  // namespace gradus
