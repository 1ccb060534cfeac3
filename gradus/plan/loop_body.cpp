// Bodies of loops: a plan with the pointers of its steps laid out, of which a run sets those that have moved.
#include "gradus/graph/loop_body.hpp"

#include <algorithm>
#include <cstring>

#include "gradus/graph/pending.hpp"
#include "gradus/plan/counters_internal.hpp"
#include "gradus/plan/cpu_backend.hpp"
#include "gradus/plan/packed.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/plan/subgraph_plan.hpp"

namespace gradus::core {

namespace {

using plan::Storage;

bool lies_elsewhere(const Array& argument) {
  const Node& node = *argument.node();
  return !node.is_scalar() && node.output(0).value.buffer->space();
}

// Where a storage lies: at `fixed` in all runs, or where a run's argument or result number `from` does.
struct Origin {
  enum class Kind : uint8_t { fixed, argument, result } kind = Kind::fixed;
  size_t from = 0;
  std::byte* fixed = nullptr;
};

}  // namespace

struct LoopBody::State {
  State(const plan::CachedPlan& plan, std::vector<Array> arguments, std::span<const Reuse> reuse)
      : cached(plan),
        graph(*cached.plan),
        arguments(std::move(arguments)),
        reuse(reuse.begin(), reuse.end()),
        nodes(cached.snapshot->nodes) {
    for (size_t i = 0; i < this->arguments.size(); ++i) nodes[i] = this->arguments[i].node();
    if (graph.arena_bytes) arena = allocate(graph.arena_bytes, "the intermediate results of a loop's step");
    find_owners();
    for (size_t at = 0; at < graph.storages.size(); ++at) origins.push_back(origin_of(at));
    lay_out_pointers();
    lay_out_results();
  }

  const plan::Published& published(size_t k) const { return graph.published[cached.outputs[k]]; }
  const Aval& aval(size_t k) const { return cached.graph->outputs()[k].aval(); }
  bool is_argument(const Storage& storage) const {
    return (storage.kind == Storage::Kind::leaf || storage.kind == Storage::Kind::donated) && storage.source.node < arguments.size();
  }

  // A result's memory is where its first output goes that has all of it in order. Others, which see it as a view, are copied.
  void find_owners() {
    owner.assign(graph.storages.size(), -1);
    for (size_t k = 0; k < cached.outputs.size(); ++k) {
      const plan::Published& kept = published(k);
      const Storage& storage = graph.storages[kept.storage];
      const bool is_whole =
          kept.offset == 0 && is_contiguous(aval(k).shape, kept.strides) && aval(k).shape.size() * aval(k).dtype.size() == storage.bytes;
      if (storage.kind == Storage::Kind::result && is_whole && owner[kept.storage] < 0) owner[kept.storage] = static_cast<int>(k);
    }
  }

  Origin origin_of(size_t at) {
    const Storage& storage = graph.storages[at];
    if (storage.kind == Storage::Kind::arena) return {.fixed = arena->data() + storage.offset};
    if (storage.kind == Storage::Kind::scalar) {
      return {.fixed = reinterpret_cast<std::byte*>(const_cast<ScalarValue*>(&nodes[storage.source.node]->scalar()))};
    }
    if (storage.kind == Storage::Kind::result) {
      if (owner[at] >= 0) return {Origin::Kind::result, static_cast<size_t>(owner[at])};
      held.push_back(allocate(storage.bytes, "a result of a loop's step"));
      return {.fixed = held.back()->data()};
    }
    if (is_argument(storage) && reuse[storage.source.node] != Reuse::fixed) return {Origin::Kind::argument, storage.source.node};
    const Output& leaf = nodes[storage.source.node]->output(storage.source.index);
    held.push_back(plan::brought_to(nullptr, leaf.value.buffer));
    return {.fixed = held.back()->data() + leaf.value.offset * leaf.aval.dtype.size()};
  }

  // Steps whose weights stay read packed copies of them, made now.
  void lay_out_pointers() {
    pointers.assign(graph.operands.size(), nullptr);
    for (size_t at = 0; at < graph.operands.size(); ++at) {
      const plan::Operand& operand = graph.operands[at];
      if (operand.storage < 0) continue;
      const Origin& origin = origins[operand.storage];
      pointers[at] = origin.fixed ? origin.fixed + operand.byte_offset : nullptr;
      if (origin.kind == Origin::Kind::argument) from_arguments.push_back({at, origin.from, operand.byte_offset});
      if (origin.kind == Origin::Kind::result) from_results.push_back({at, origin.from, operand.byte_offset});
    }
    for (const plan::Step& step : graph.steps) {
      void* scratch = arena ? arena->data() + step.scratch_offset : nullptr;
      const backend::Kernel* kernel = step.kernel.get();
      if (step.is_packed) {
        kernel = step.kernel->packing->kernel.get();
        for (const backend::PackedInput& wanted : step.kernel->packing->inputs) pack(step, wanted, scratch);
      }
      calls.push_back({kernel, pointers.data() + step.first_operand, scratch});
    }
  }

  void pack(const plan::Step& step, const backend::PackedInput& wanted, void* scratch) {
    const size_t at = step.first_operand + static_cast<size_t>(wanted.input);
    const Storage& storage = graph.storages[graph.operands[at].storage];
    Buffer& buffer = *nodes[storage.source.node]->output(storage.source.index).value.buffer;
    held.push_back(plan::packed_copy(buffer, static_cast<std::byte*>(pointers[at]) - buffer.data(), pointers[at], wanted, scratch));
    pointers[at] = held.back()->data();
  }

  void lay_out_results() {
    for (size_t k = 0; k < cached.outputs.size(); ++k) {
      const plan::Published& kept = published(k);
      const Storage& storage = graph.storages[kept.storage];
      over.push_back(storage.kind == Storage::Kind::donated ? static_cast<int>(storage.source.node) : -1);
      if (owner[kept.storage] == static_cast<int>(k)) continue;
      const Aval& shape = aval(k);
      copies.push_back({k, origins[kept.storage], kept.offset * shape.dtype.size(), shape.shape.size() * shape.dtype.size(),
                        is_contiguous(shape.shape, kept.strides)});
    }
  }

  void* address(const Origin& origin, void* const* from, void* const* to) const {
    if (origin.kind == Origin::Kind::fixed) return origin.fixed;
    return origin.kind == Origin::Kind::argument ? from[origin.from] : to[origin.from];
  }

  struct Moving {
    size_t operand, from;
    int64_t offset;
  };
  struct KernelCall {
    const backend::Kernel* kernel;
    void* const* pointers;
    void* scratch;
  };
  struct Copy {
    size_t result;
    Origin origin;
    int64_t offset, bytes;
    bool is_contiguous;
  };

  plan::CachedPlan cached;
  const plan::Plan& graph;
  std::vector<Array> arguments;
  std::vector<Reuse> reuse;
  std::vector<Node*> nodes;
  BufferPtr arena;
  std::vector<BufferPtr> held;  // packed weights, and results that no output has as they are
  std::vector<int> owner;       // of storages: the output that it is
  std::vector<Origin> origins;  // of storages
  std::vector<void*> pointers;  // of all steps
  std::vector<Moving> from_arguments, from_results;
  std::vector<KernelCall> calls;
  std::vector<Copy> copies;
  std::vector<int> over;
};

LoopBody::LoopBody(std::unique_ptr<State> state) : state_(std::move(state)) {}
LoopBody::~LoopBody() = default;

std::unique_ptr<LoopBody> LoopBody::make(const SubgraphPtr& graph, std::vector<Array> arguments, std::span<const Reuse> reuse) {
  if (is_check_nan() || std::any_of(arguments.begin(), arguments.end(), lies_elsewhere)) return nullptr;
  std::vector<const Array*> leaves;
  for (const Array& argument : arguments) leaves.push_back(&argument);
  const EvaluationTurn turn;
  const PendingPause pause;
  const plan::CachedPlan* cached = plan::plan_of(graph, leaves, reuse);
  if (!cached || cached->plan->memory) return nullptr;
  return std::unique_ptr<LoopBody>(new LoopBody(std::make_unique<State>(*cached, std::move(arguments), reuse)));
}

int LoopBody::lies_over(size_t k) const { return state_->over[k]; }

void LoopBody::run(const EvaluationTurn&, void* const* arguments, void* const* results) {
  State& state = *state_;
  for (const State::Moving& each : state.from_arguments) {
    state.pointers[each.operand] = static_cast<std::byte*>(arguments[each.from]) + each.offset;
  }
  for (const State::Moving& each : state.from_results) {
    state.pointers[each.operand] = static_cast<std::byte*>(results[each.from]) + each.offset;
  }
  for (size_t at = 0; at < state.calls.size(); ++at) {
    const State::KernelCall& call = state.calls[at];
    const backend::Status status = call.kernel->run(call.pointers, call.scratch);
    if (!status.is_ok) plan::report_failure(state.nodes, state.graph.steps[at], status);
  }
  for (const State::Copy& copy : state.copies) {
    const std::byte* from = static_cast<const std::byte*>(state.address(copy.origin, arguments, results)) + copy.offset;
    void* to = results[copy.result];
    if (to == from || copy.bytes == 0) continue;
    if (copy.is_contiguous) std::memcpy(to, from, static_cast<size_t>(copy.bytes));
    else
      plan::copy_to_rows(state.aval(copy.result).shape, state.published(copy.result).strides, state.aval(copy.result).dtype.size(), from,
                         to);
  }
  plan::count_run(state.graph);
}

}  // namespace gradus::core
