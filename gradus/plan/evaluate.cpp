// The evaluator that graph/evaluate.hpp declares: one lock, snapshot, plan, run.
#include "gradus/graph/evaluate.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>

#include "gradus/base/error.hpp"
#include "gradus/base/fork.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/base/switches.hpp"
#include "gradus/base/version.hpp"
#include "gradus/graph/cell.hpp"
#include "gradus/graph/history.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/pending.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/graph/walk.hpp"
#include "gradus/plan/cache.hpp"
#include "gradus/plan/counters_internal.hpp"
#include "gradus/plan/cpu_backend.hpp"
#include "gradus/plan/explain.hpp"
#include "gradus/plan/packed.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/plan/subgraph_plan.hpp"
#include "gradus/plan/verify.hpp"

namespace gradus {

using namespace core;

namespace {

// All that the evaluator remembers between runs. Made at first use, never destroyed.
struct Evaluator {
  std::mutex mutex;
  plan::Cache cache;
  Counters counters;
  int64_t loops_before = 0;     // the counters were set to 0
  plan::Snapshot snapshot;      // memory of the last walk, used again
  plan::RunMemory run_memory;
  // In the child of a process that forked in mid-evaluation: what the other thread was at will never be finished.
  std::atomic<bool> is_left_unfinished{false};
  std::atomic<const plan::Backend*> backend{&plan::cpu_backend()};
  std::atomic<bool> op_by_op{is_switched_on("GRADUS_OP_BY_OP")}, check_nan{is_switched_on("GRADUS_CHECK_NAN")};

  static Evaluator& get() {
    static Evaluator* evaluator = new Evaluator;
    return *evaluator;
  }

 private:
  Evaluator() {
    after_fork_in_child([] {
      Evaluator& evaluator = get();
      if (evaluator.mutex.try_lock()) evaluator.mutex.unlock();
      else evaluator.is_left_unfinished = true;
    });
    if (is_switched_on("GRADUS_VERBOSE"))
      std::fprintf(stderr, "gradus %s: %s\n", GRADUS_VERSION, plan::cpu_backend().description().c_str());
  }
};

using Lock = EvaluationTurn;

// Where no value exists: the transform is named, and what to do instead.
void refuse_inside_trace(std::span<const Array> roots) {
  const std::string_view transform = evaluation_forbidden_by();
  if (transform.empty()) return;
  for (const Array& root : roots) {
    if (root.node()->session() != current_session() || plan::is_available(*root.node())) continue;
    fail(transform, "the value of an array ", root.shape(), " was asked for (item, data, printing, eval); inside ", transform,
         " arrays have no values yet");
  }
}

// In a trace every output may be asked for later; outside, those that somebody holds or reads.
std::vector<uint8_t> needed_outputs(const Node& node) {
  std::vector<uint8_t> needed(node.output_count(), 1);
  if (node.references() > node.handles() || is_session_open(node.session())) return needed;
  for (uint32_t index = 0; index < node.output_count(); ++index) needed[index] = node.output(index).handles.load() > 0;
  return needed;
}

// The pending nodes among the ancestors that the host computes. Another thread may be evaluating them: under the lock none drops its
// inputs.
std::vector<Array> waiting_for_host(std::span<const Array> roots) {
  const Lock lock;
  std::vector<Array> waiting;
  for (Node* node : ancestors(roots, [](Node* node) { return !plan::is_available(*node); })) {
    if (node->op().host || plan::replacement_of(node->op())) waiting.emplace_back(node, 0);
  }
  return waiting;
}

// The inputs of a node; none if it has been computed meanwhile.
std::optional<std::vector<Array>> inputs_of_pending(const Node& node) {
  const Lock lock;
  if (plan::is_available(node)) return std::nullopt;
  return node.input_arrays();
}

// A computed node needs its inputs no more, unless an open trace may still walk through it: then not until that has ended.
void drop_inputs(Node* node, bool is_traced) {
  if (!is_traced) return node->detach();
  if (!node->session() || !plan::is_available(*node)) return;
  detach_at_end_of_session(node);
  if (!is_session_open(node->session())) detach_nodes_of(node->session());  // another thread has just ended it
}

// What an op stands for, recorded apart from any trace.
std::vector<Array> expanded(const Call& call) {
  const PendingPause bound;
  const SessionPause session;
  return plan::replacement_of(call.op)(call);
}

// Ops that run on the host (loops, branches) are computed one by one, each with its inputs computed before. So are, beside them, the ops
// that stand for others: what they stand for may hold such an op too.
void run_host_ops(std::span<const Array> roots) {
  for (const Array& array : waiting_for_host(roots)) {
    Node* node = array.node();
    const std::optional<std::vector<Array>> inputs = inputs_of_pending(*node);
    if (!inputs) continue;
    evaluate(*inputs);
    const Call call{node->op(), node->args(), *inputs};
    const std::vector<uint8_t> needed = needed_outputs(*node);
    const std::span<const bool> is_needed(reinterpret_cast<const bool*>(needed.data()), needed.size());
    const std::vector<Array> results = plan::replacement_of(node->op()) ? expanded(call) : node->op().host(call, is_needed);
    for (const Array& result : results) {
      if (result.exists()) value_of(result);
    }
    const Lock lock;
    if (plan::is_available(*node)) continue;
    for (uint32_t index = 0; index < node->output_count(); ++index) {
      if (results[index].exists()) node->publish(index, results[index].node()->output(results[index].output_index()).value);
    }
    drop_inputs(node, is_session_open(node->session()));
  }
}

bool has_host_op(const plan::Snapshot& snapshot) {
  for (size_t number = 0; number < snapshot.nodes.size(); ++number) {
    if (snapshot.nodes[number]->op().host && !snapshot.is_leaf(number)) return true;
  }
  return false;
}

// Stores the results in their nodes and drops the inputs of all nodes that were computed.
void publish(const plan::Plan& plan, const plan::Snapshot& snapshot, std::vector<Value> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    const plan::Source source = plan.published[i].source;
    snapshot.nodes[source.node]->publish(source.index, std::move(values[i]));
  }
  // Inputs come first: a node is alive while a later one reads it.
  for (size_t number = 0; number < snapshot.nodes.size(); ++number) {
    Node* node = snapshot.nodes[number];
    if (!node->is_leaf()) drop_inputs(node, snapshot.keeps_inputs[number]);
  }
}

// The snapshot's expansions live as long as one evaluation.
struct ClearAtEnd {
  plan::Snapshot& snapshot;
  ~ClearAtEnd() { snapshot.clear(); }
};

// False if an op of the host has to run first.
bool evaluate_under_lock(std::span<const Array> roots) {
  Evaluator& evaluator = Evaluator::get();
  const Lock lock;
  const PendingPause pause;  // expansions record nodes
  plan::Snapshot& snapshot = evaluator.snapshot;
  const ClearAtEnd clear{snapshot};
  plan::take_snapshot(roots, snapshot);
  evaluator.counters.node_visits += static_cast<int64_t>(snapshot.nodes.size());
  plan::PlanPtr plan;
  if (const plan::CachedPlan* cached = evaluator.cache.find(snapshot.key)) {
    plan = cached->plan;
    ++evaluator.counters.plan_hits;
    if (plan::verifies_plans()) plan::verify(*plan, snapshot);
  } else {
    if (has_host_op(snapshot)) return false;
    plan = plan::make_plan(snapshot);
    ++evaluator.counters.plans_made;
    evaluator.cache.insert(snapshot.key, {plan});
  }
  publish(*plan, snapshot, plan::run_plan(*plan, snapshot.nodes, evaluator.run_memory));
  return true;
}

plan::CachedPlan plan_subgraph(const SubgraphPtr& graph, std::shared_ptr<plan::Snapshot> snapshot) {
  plan::CachedPlan cached{plan::make_plan(*snapshot), snapshot, graph};
  for (const Array& output : graph->outputs()) {
    const std::vector<plan::Published>& published = cached.plan->published;
    const auto found = std::find_if(published.begin(), published.end(), [&](const plan::Published& each) {
      return each.source.node == output.node()->number && each.source.index == output.output_index();
    });
    cached.outputs.push_back(static_cast<uint32_t>(found - published.begin()));
  }
  return cached;
}

// The arguments are the first nodes of the snapshot, in order.
std::vector<Array> run_cached(const plan::CachedPlan& cached, std::span<const Array* const> arguments) {
  std::vector<Node*> nodes = cached.snapshot->nodes;
  for (size_t i = 0; i < arguments.size(); ++i) nodes[i] = arguments[i]->node();
  const std::vector<Value> values = plan::run_plan(*cached.plan, nodes, Evaluator::get().run_memory);
  std::vector<Array> outputs;
  for (size_t k = 0; k < cached.outputs.size(); ++k) {
    const Aval& aval = cached.graph->outputs()[k].aval();
    outputs.push_back(make_leaf(values[cached.outputs[k]], Aval{aval.dtype, aval.shape, false}));
  }
  return outputs;
}

// What run_subgraph may do with its arguments.
std::vector<Reuse> reuse_of(std::span<const Array* const> arguments, bool may_consume) {
  std::vector<Reuse> reuse;
  for (const Array* argument : arguments) reuse.push_back(may_consume && plan::is_held_once(*argument) ? Reuse::dying : Reuse::fixed);
  return reuse;
}

void put_back(const std::vector<Array>& cells) {
  for (const Array& value : cells) keep_pending_cell(value);
}

void compute(std::span<const Array> pending) {
  if (evaluate_under_lock(pending)) return;
  run_host_ops(pending);
  if (!evaluate_under_lock(pending)) fail_bug("an op of the host is left after all of them have run");
}

}  // namespace

core::EvaluationTurn::EvaluationTurn() : lock_(Evaluator::get().mutex, std::defer_lock) {
  if (Evaluator::get().is_left_unfinished.load(std::memory_order_relaxed)) {
    fail("evaluate",
         "this process was forked while a thread was evaluating arrays, and cannot evaluate any; fork() while no evaluation runs");
  }
  lock_.lock();
}

const plan::CachedPlan* plan::plan_of(const SubgraphPtr& graph, std::span<const Array* const> arguments, std::span<const Reuse> reuse) {
  Evaluator& evaluator = Evaluator::get();
  const Hash128 key = call_key(*graph, arguments, reuse);
  if (const CachedPlan* cached = evaluator.cache.find(key)) {
    ++evaluator.counters.plan_hits;
    return cached;
  }
  auto snapshot = std::make_shared<Snapshot>(take_snapshot(*graph, arguments, reuse));
  if (has_host_op(*snapshot)) return nullptr;
  evaluator.cache.insert(key, plan_subgraph(graph, std::move(snapshot)));
  ++evaluator.counters.plans_made;
  return evaluator.cache.find(key);
}

namespace plan {
Counters& live_counters() { return Evaluator::get().counters; }
const Backend& current_backend() { return *Evaluator::get().backend.load(std::memory_order_relaxed); }
void set_backend(const Backend& backend) {
  const Lock lock;
  Evaluator::get().backend = &backend;
}
}  // namespace plan

void evaluate(std::span<const Array> roots) {
  refuse_inside_trace(roots);
  reset_pending();
  std::vector<Array> cells;
  if (!is_tracing()) cells = take_pending_cells();
  std::vector<Array> pending;
  const auto add = [&](const Array& array) {
    array.aval();
    if (!plan::is_available(*array.node())) pending.push_back(array);
  };
  for (const Array& root : roots) add(root);
  const size_t asked = pending.size();
  for (const Array& cell : cells) add(cell);
  if (pending.empty()) return;
  try {
    return compute(pending);
  } catch (...) {
    put_back(cells);
    if (asked == pending.size() || asked == 0) throw;
  }
  // The failure may be that of a cell's value, which is not asked for here: it must not stand in the way of all that is computed from now
  // on.
  pending.resize(asked);
  compute(pending);
}

std::vector<Array> core::run_subgraph(const SubgraphPtr& graph, const std::vector<Array>& arguments, bool may_consume) {
  evaluate(arguments);
  // One output of several is wrapped: the plan's leaves are whole nodes.
  std::vector<Array> wrapped;
  wrapped.reserve(arguments.size());
  std::vector<const Array*> leaves;
  for (const Array& argument : arguments) {
    const bool is_whole = argument.node()->output_count() == 1;
    if (!is_whole) wrapped.push_back(make_leaf(value_of(argument), Aval{argument.dtype(), argument.shape(), argument.is_weak()}));
    leaves.push_back(is_whole ? &argument : &wrapped.back());
  }
  {
    const Lock lock;
    const PendingPause pause;
    const plan::CachedPlan* cached = plan::plan_of(graph, leaves, reuse_of(leaves, may_consume));
    if (cached) return run_cached(*cached, leaves);
  }
  std::vector<Array> outputs = graph->call(arguments);
  evaluate(outputs);
  return outputs;
}

void core::forget_history(uint32_t session) {
  if (Evaluator::get().is_left_unfinished) return;  // called by a destructor
  const Lock lock;
  detach_nodes_of(session);
}

const Value& core::value_of(const Array& array) {
  array.aval();
  Node* node = array.node();
  Output& out = node->output(array.output_index());
  if (out.is_ready.load(std::memory_order_acquire)) return out.value;
  if (!node->is_scalar()) {
    evaluate(std::span<const Array>(&array, 1));
    // Another thread may just be publishing the node's outputs, this one after the first.
    if (!out.is_ready.load(std::memory_order_acquire)) const Lock wait;
    return out.value;
  }
  const Lock lock;
  if (!out.is_ready.load(std::memory_order_acquire)) {
    BufferPtr buffer = allocate(8, "a number");
    std::memcpy(buffer->data(), &node->scalar(), 8);
    node->publish(array.output_index(), Value{std::move(buffer), {}, 0});
  }
  return out.value;
}

const void* core::row_major_data(const Array& array) {
  const Value& value = value_of(array);
  const DType dtype = array.dtype();
  if (is_contiguous(array.shape(), value.strides) && !value.buffer->space()) return value.buffer->data() + value.offset * dtype.size();
  BufferPtr copy = allocate(array.size() * dtype.size(), "a contiguous copy");
  copy_elements(array, dtype, copy->data());
  const Lock lock;
  Output& out = array.node()->output(array.output_index());
  if (!out.row_major) out.row_major = std::move(copy);
  return out.row_major->data();
}

std::string explain_plan(std::span<const Array> roots) {
  refuse_inside_trace(roots);
  std::vector<Array> pending;
  for (const Array& root : roots) {
    root.aval();
    if (!plan::is_available(*root.node())) pending.push_back(root);
  }
  if (pending.empty()) return "nothing to do: all values are computed\n";
  const Lock lock;
  const PendingPause pause;
  plan::Snapshot snapshot;
  plan::take_snapshot(pending, snapshot);
  if (has_host_op(snapshot)) return "the graph holds loops or branches, which run step by step\n";
  std::string report;
  plan::make_plan(snapshot, &report);
  return report;
}

Counters counters() {
  Evaluator& evaluator = Evaluator::get();
  const Lock lock;
  Counters now = evaluator.counters;
  now.cached_plans = evaluator.cache.plans();
  now.cached_plan_bytes = evaluator.cache.bytes();
  now.loops_run = loops_run() - evaluator.loops_before;
  return now;
}
void reset_counters() {
  Evaluator& evaluator = Evaluator::get();
  const Lock lock;
  evaluator.counters = {};
  evaluator.loops_before = loops_run();
}
void clear_plans() {
  Evaluator& evaluator = Evaluator::get();
  const Lock lock;
  evaluator.cache.clear();
}
void set_plan_cache_bytes(int64_t bytes) {
  Evaluator& evaluator = Evaluator::get();
  const Lock lock;
  evaluator.cache.set_limit(bytes);
}
// Under the lock: no plan is made, looked up or run half under one setting and half under another.
void set_op_by_op(bool is_on) {
  const Lock lock;
  Evaluator::get().op_by_op = is_on;
}
bool is_op_by_op() { return Evaluator::get().op_by_op.load(std::memory_order_relaxed); }
void set_check_nan(bool is_on) {
  const Lock lock;
  Evaluator::get().check_nan = is_on;
}
bool is_check_nan() { return Evaluator::get().check_nan.load(std::memory_order_relaxed); }

}  // namespace gradus
