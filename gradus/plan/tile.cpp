// Pooling right behind a convolution, a few images at a time: a large image that nothing else reads never leaves the cache. Convolutions of oneDNN
// may choose another order of sums for fewer images, so the bits may change (docs/plan.md).
#include "gradus/plan/ir.hpp"

namespace gradus::plan {

namespace {

constexpr int64_t kFarBytes = int64_t{4} << 20;   // what is smaller stays in the outer caches anyway
constexpr int64_t kTileBytes = int64_t{768} << 10;  // of what lies between, for two cores' caches

}  // namespace

void tile(PlanGraph& graph) {
  std::vector<int> readers(graph.values.size(), 0);
  for (const PlanOp& op : graph.ops) {
    if (op.is_dead) continue;
    for (const int input : op.inputs) ++readers[graph.values[input].base];
  }
  for (PlanOp& op : graph.ops) {
    ++graph.visits;
    if (op.is_dead || !op.op || !op.op->cpu.is_by_example || op.inputs.size() != 1) continue;
    const int middle = op.inputs[0];
    const PlanValue& value = graph.values[middle];
    if (value.base != middle || value.producer < 0 || value.is_kept || readers[middle] != 1) continue;
    PlanOp& source = graph.ops[value.producer];
    if (!source.op || !source.op->cpu.is_by_example || source.source || source.outputs.size() != 1) continue;
    const int64_t bytes = value.layout.bytes(), batch = value.layout.shape[0];
    if (bytes <= kFarBytes || graph.values[source.inputs[0]].layout.shape[0] != batch) continue;
    int64_t examples = kTileBytes / (bytes / batch);
    if (examples > 1) examples = examples / 2 * 2;  // shared evenly by two threads
    if (examples < 1 || examples >= batch) continue;
    op.tile = examples;
    op.source = std::make_shared<PlanOp>(source);
    op.inputs = source.inputs;
    source.is_dead = true;
  }
}

}  // namespace gradus::plan
