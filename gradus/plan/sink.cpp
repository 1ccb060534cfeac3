// The slope of a relu that max pooling follows: applied to the maxima before they are put back, not to the whole image after it. An image
// is so written once and read not at all, where it was written twice and read twice. Bits stay: no position is in two windows.
#include "gradus/ops/pool_rules.hpp"
#include "gradus/plan/ir.hpp"

namespace gradus::plan {

namespace {

// gate(pool_put(dy, taps), y) with (pooled, taps) = max_pool(y): numbers of two ops, and a value.
struct Match {
  int put = -1, gate = -1, pooled = -1;
};

class Sinker {
 public:
  explicit Sinker(PlanGraph& graph) : graph_(graph), readers_(graph.values.size(), 0), reader_(graph.values.size(), -1) {
    for (size_t at = 0; at < graph.ops.size(); ++at) {
      for (const int input : graph.ops[at].inputs) {
        ++readers_[graph.values[input].base];
        reader_[graph.values[input].base] = static_cast<int>(at);
      }
    }
    for (const PlanValue& value : graph.values) {
      if (value.is_kept) readers_[value.base] += 2;
    }
  }

  void run() {
    std::vector<Match> matches(graph_.ops.size());
    bool is_any = false;
    for (size_t at = 0; at < graph_.ops.size(); ++at) {
      ++graph_.visits;
      matches[at] = match(static_cast<int>(at));
      is_any |= matches[at].put >= 0;
    }
    if (is_any) rewrite(matches);
  }

 private:
  const PlanOp* producer_of(int value, const OpDef& op) const {
    const PlanValue& made = graph_.values[value];
    if (made.base != value || made.producer < 0) return nullptr;
    const PlanOp& by = graph_.ops[made.producer];
    return by.op == &op ? &by : nullptr;
  }

  Match match(int at) const {
    const PlanOp& put = graph_.ops[at];
    if (put.op != &pool_put_op || readers_[put.outputs[0]] != 1 || !has_disjoint_windows(put.args)) return {};
    const int gate_at = reader_[put.outputs[0]];
    const PlanOp &gate = graph_.ops[gate_at], *pool = producer_of(put.inputs[1], max_pool_op);
    if (gate.op != &gate_op || gate.inputs[0] != put.outputs[0] || !pool || gate.inputs[1] != pool->inputs[0] ||
        put.inputs[1] != pool->outputs[1])
      return {};
    if (!(graph_.values[gate.outputs[0]].layout == graph_.values[put.outputs[0]].layout)) return {};
    if (!(graph_.values[pool->outputs[0]].layout == graph_.values[put.inputs[0]].layout)) return {};
    return {at, gate_at, pool->outputs[0]};
  }

  // Each put takes the place of its gate; the new gate comes right before it.
  void rewrite(const std::vector<Match>& matches) {
    std::vector<uint8_t> is_gone(graph_.ops.size(), 0);
    for (const Match& found : matches) {
      if (found.put >= 0) is_gone[found.gate] = 1;
    }
    OpRewrite rewrite(graph_);
    for (size_t at = 0; at < rewrite.size(); ++at) {
      if (is_gone[at]) continue;
      if (const Match& found = matches[at]; found.put >= 0) {
        PlanOp& put = rewrite.old(at);
        const PlanOp& gate = rewrite.old(found.gate);
        const int dy = put.inputs[0];
        const Layout layout = graph_.values[dy].layout;
        put.inputs[0] = rewrite.add({.op = gate.op, .args = gate.args, .inputs = {dy, found.pooled}, .node = gate.node}, layout);
        put.outputs = gate.outputs;
        rewrite.give_to_next(found.gate);
      }
      rewrite.keep(at);
    }
    rewrite.finish();
  }

  PlanGraph& graph_;
  std::vector<int> readers_, reader_;
};

}  // namespace

void sink(PlanGraph& graph) { Sinker(graph).run(); }

}  // namespace gradus::plan
