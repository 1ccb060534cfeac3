// First passes: nodes to tables, views to strides, equal ops merged.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/shape_rules.hpp"
#include "gradus/plan/ir.hpp"

namespace gradus::plan {

const KernelEntry& PlanGraph::entry_of(const PlanOp& op) const {
  static constexpr KernelEntry none;
  const KernelEntry* entry = backend->find(*op.op);
  return entry ? *entry : none;
}

int PlanGraph::add_computed(DType dtype, const Shape& shape, int producer) {
  const int id = static_cast<int>(values.size());
  values.push_back({.kind = PlanValue::Kind::computed, .layout = Layout::contiguous(dtype, shape), .base = id, .producer = producer});
  return id;
}

OpRewrite::OpRewrite(PlanGraph& graph)
    : graph_(graph), old_(std::exchange(graph.ops, {})), new_index_(old_.size(), -1), old_values_(graph.values.size()) {}

void OpRewrite::keep(size_t at) {
  give_to_next(at);
  graph_.ops.push_back(std::move(old_[at]));
}

int OpRewrite::add(PlanOp op, const Layout& layout) {
  const int id = graph_.add_computed(layout.dtype, layout.shape, static_cast<int>(graph_.ops.size()));
  op.outputs = {id};
  graph_.ops.push_back(std::move(op));
  return id;
}

void OpRewrite::finish() {
  for (size_t id = 0; id < old_values_; ++id) {
    PlanValue& value = graph_.values[id];
    if (value.producer >= 0) value.producer = new_index_[static_cast<size_t>(value.producer)];
  }
}

namespace {

class Simplifier {
 public:
  Simplifier(const Snapshot& snapshot, bool merges) : snapshot_(snapshot), merges_(merges) {}

  PlanGraph run() {
    graph_.backend = &current_backend();
    graph_.value_of_source.assign(snapshot_.is_kept.size(), -1);
    for (size_t number = 0; number < snapshot_.nodes.size(); ++number) {
      ++graph_.visits;
      if (snapshot_.is_leaf(number)) {
        add_leaf(number);
      } else {
        add_op(number);
      }
    }
    drop_unread();
    return std::move(graph_);
  }

 private:
  void add_leaf(size_t number) {
    const Node& node = *snapshot_.nodes[number];
    for (uint32_t index = 0; index < node.output_count(); ++index) {
      const uint32_t source = snapshot_.first_value[number] + index;
      const Output& out = node.output(index);
      if (!node.is_scalar() && !node.is_ready(index)) continue;
      const int id = static_cast<int>(graph_.values.size());
      PlanValue value{.kind = node.is_scalar() ? PlanValue::Kind::scalar : PlanValue::Kind::leaf,
                      .layout = {out.aval.dtype, out.aval.shape, out.value.strides},
                      .base = id,
                      .source = source,
                      .is_kept = snapshot_.is_kept[source] != 0,
                      .is_donated = snapshot_.is_donated[source] != 0,
                      .is_moving = !snapshot_.is_moving.empty() && snapshot_.is_moving[source] != 0};
      if (node.is_scalar()) value.layout.strides = {};
      graph_.values.push_back(std::move(value));
      graph_.value_of_source[source] = id;
    }
  }

  void add_op(size_t number) {
    const Node& node = *snapshot_.nodes[number];
    std::vector<int> inputs;
    for (const Edge& edge : node.inputs()) inputs.push_back(graph_.value_of_source[snapshot_.value_of(edge)]);
    if (const Snapshot::Expansion* expansion = snapshot_.expansion_of(node)) {
      for (uint32_t index = 0; index < node.output_count(); ++index) {
        bind(number, index, graph_.value_of_source[snapshot_.value_of(expansion->outputs[index])]);
      }
      return;
    }
    if (&node.op() == &barrier_op) {
      add_barrier(number, inputs);
      return;
    }
    if (node.op().view) {
      add_view(number, inputs[0]);
      return;
    }
    refuse_unknown(node.op());
    const uint32_t widened = choose_dtypes(number, inputs);
    if (merges_ && merge(number, inputs)) return;
    const int op = static_cast<int>(graph_.ops.size());
    graph_.ops.push_back(
        {.op = &node.op(), .args = node.args(), .inputs = inputs, .node = static_cast<uint32_t>(number), .widened = widened});
    for (uint32_t index = 0; index < node.output_count(); ++index) {
      const Aval& aval = node.output(index).aval;
      const int id = graph_.add_computed(aval.dtype, aval.shape, op);
      graph_.ops[op].outputs.push_back(id);
      bind(number, index, id);
    }
  }

  void refuse_unknown(const OpDef& op) const {
    const Backend& backend = *graph_.backend;
    if (op.elementwise ? backend.has(*op.elementwise) : backend.find(op) != nullptr) return;
    fail(op.name, "the backend \"", backend.name(), "\" has no kernel for it, and it is made of no ops that have one");
  }

  // Ops whose results nobody keeps or reads: inputs of an op that stands for others but does not hand them on (what a derivative's rule
  // captured).
  void drop_unread() {
    std::vector<uint8_t> is_needed(graph_.ops.size(), 0);
    const auto need = [&](int value) {
      for (const int id : {value, graph_.values[value].base}) {
        if (graph_.values[id].producer >= 0) is_needed[graph_.values[id].producer] = 1;
      }
    };
    for (size_t id = 0; id < graph_.values.size(); ++id) {
      if (graph_.values[id].is_kept) need(static_cast<int>(id));
    }
    for (size_t at = graph_.ops.size(); at-- > 0;) {
      if (!is_needed[at]) continue;
      for (const int input : graph_.ops[at].inputs) need(input);
    }
    if (std::find(is_needed.begin(), is_needed.end(), 0) == is_needed.end()) return;
    OpRewrite rewrite(graph_);
    for (size_t at = 0; at < rewrite.size(); ++at) {
      if (is_needed[at]) rewrite.keep(at);
    }
    rewrite.finish();
  }

  // The node's output is `id`; kept if the node's is.
  void bind(size_t number, uint32_t index, int id) {
    const uint32_t source = snapshot_.first_value[number] + index;
    graph_.value_of_source[source] = id;
    if (snapshot_.is_kept[source]) graph_.values[id].is_kept = true;
  }

  void add_view(size_t number, int input) {
    const Node& node = *snapshot_.nodes[number];
    const Aval& aval = node.output(0).aval;
    Layout layout{aval.dtype, aval.shape, {}};
    int64_t offset = 0;
    if (!node.op().view(node.args(), graph_.values[input].layout, layout, offset)) {
      input = add_copy(number, input);
      offset = 0;
      node.op().view(node.args(), graph_.values[input].layout, layout, offset);
    }
    const PlanValue& base = graph_.values[input];
    if (base.layout == layout && offset == 0) {
      bind(number, 0, input);
      return;
    }
    const int id = static_cast<int>(graph_.values.size());
    graph_.values.push_back({.kind = PlanValue::Kind::view,
                             .layout = std::move(layout),
                             .base = base.base,
                             .offset = base.offset + offset,
                             .producer = base.producer});
    bind(number, 0, id);
  }

  // Its outputs are fresh values on the inputs' memory that come after all inputs: nothing behind a barrier is merged with, or moved
  // before, what lies in front of it.
  void add_barrier(size_t number, const std::vector<int>& inputs) {
    const int op = static_cast<int>(graph_.ops.size());
    graph_.ops.push_back({.op = &barrier_op, .inputs = inputs, .node = static_cast<uint32_t>(number)});
    for (uint32_t index = 0; index < inputs.size(); ++index) {
      const int id = static_cast<int>(graph_.values.size());
      const PlanValue input = graph_.values[inputs[index]];
      graph_.values.push_back(
          {.kind = PlanValue::Kind::view, .layout = input.layout, .base = input.base, .offset = input.offset, .producer = op});
      graph_.ops[op].outputs.push_back(id);
      bind(number, index, id);
    }
  }

  int add_copy(size_t number, int input) {
    const auto found = copies_.find(input);
    if (merges_ && found != copies_.end()) return found->second;
    const int op = static_cast<int>(graph_.ops.size());
    const Layout layout = graph_.values[input].layout;
    const int id = graph_.add_computed(layout.dtype, layout.shape, op);
    graph_.ops.push_back({.op = &contiguous_op, .inputs = {input}, .outputs = {id}, .node = static_cast<uint32_t>(number)});
    copies_[input] = id;
    return id;
  }

  // Inputs that the kernel reads in bfloat16: rounded where they are float32, as they were where they have been widened. Returns the latter,
  // as bits, where the kernel would have read float32.
  uint32_t choose_dtypes(size_t number, std::vector<int>& inputs) {
    const KernelEntry* entry = graph_.backend->find(snapshot_.nodes[number]->op());
    if (!entry || !(entry->rounded_inputs | entry->widened_inputs)) return 0;
    uint32_t widened = 0;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (entry->rounded_inputs >> i & 1) inputs[i] = rounded(number, inputs[i]);
      else if (const int narrow = entry->widened_inputs >> i & 1 ? before_widening(inputs[i]) : -1; narrow >= 0) {
        inputs[i] = narrow;
        widened |= uint32_t{1} << i;
      }
    }
    return widened;
  }

  int add_view_of(int base, int64_t offset, const Layout& layout) {
    const int id = static_cast<int>(graph_.values.size());
    const PlanValue on = graph_.values[base];
    graph_.values.push_back(
        {.kind = PlanValue::Kind::view, .layout = layout, .base = on.base, .offset = on.offset + offset, .producer = on.producer});
    return id;
  }
  static Layout in_bfloat16(Layout layout) {
    layout.dtype = bfloat16;
    return layout;
  }
  // A view in front of which no barrier stands.
  bool is_plain_view(const PlanValue& value) const { return value.producer == graph_.values[value.base].producer; }

  // The bfloat16 value that a float32 one, or what it is a view of, has been cast from; -1: none.
  int before_widening(int value) {
    const PlanValue v = graph_.values[value];
    if (v.layout.dtype != float32 || v.producer < 0 || !is_plain_view(v) || graph_.ops[v.producer].op != &cast_op) return -1;
    const int from = graph_.ops[v.producer].inputs[0];
    if (graph_.values[from].layout.dtype != bfloat16) return -1;
    if (v.base == value) return from;
    return graph_.values[from].layout.is_contiguous() ? add_view_of(from, v.offset, in_bfloat16(v.layout)) : -1;
  }

  // The value in bfloat16. Of a view that shows the whole of an array the array is rounded, once for all its views.
  int rounded(size_t number, int value) {
    const PlanValue v = graph_.values[value];
    if (v.layout.dtype != float32) return value;
    if (const int narrow = before_widening(value); narrow >= 0) return narrow;
    const Layout& whole = graph_.values[v.base].layout;
    const bool shows_whole = v.base != value && is_plain_view(v) && whole.is_contiguous() && v.layout.size() >= whole.size();
    if (!shows_whole) return add_rounding(number, value);
    const auto found = rounded_views_.find(value);
    if (found != rounded_views_.end()) return found->second;
    const int view = add_view_of(add_rounding(number, v.base), v.offset, in_bfloat16(v.layout));
    rounded_views_[value] = view;
    return view;
  }
  int add_rounding(size_t number, int value) {
    const Args args = cast_args(bfloat16);
    if (const PlanOp* same = merges_ ? find_equal(cast_op, args, {value}) : nullptr) return same->outputs[0];
    const int op = static_cast<int>(graph_.ops.size());
    const int id = graph_.add_computed(bfloat16, graph_.values[value].layout.shape, op);
    graph_.ops.push_back({.op = &cast_op, .args = args, .inputs = {value}, .outputs = {id}, .node = static_cast<uint32_t>(number)});
    return id;
  }

  // An equal op on the same values that has been added already; else null, and the next op that is added counts as this one.
  const PlanOp* find_equal(const OpDef& op, const Args& args, const std::vector<int>& inputs) {
    Hasher hasher;
    hasher.add(reinterpret_cast<uintptr_t>(&op));
    args.hash(hasher);
    for (const int input : inputs) hasher.add(static_cast<uint64_t>(input));
    const auto [place, is_new] = known_.try_emplace(hasher.value(), static_cast<int>(graph_.ops.size()));
    if (is_new) return nullptr;
    const PlanOp& same = graph_.ops[place->second];
    return same.op == &op && same.inputs == inputs && same.args.equals(args) ? &same : nullptr;
  }
  // Whether the outputs of an equal op serve.
  bool merge(size_t number, const std::vector<int>& inputs) {
    const Node& node = *snapshot_.nodes[number];
    const PlanOp* same = find_equal(node.op(), node.args(), inputs);
    if (!same) return false;
    for (uint32_t index = 0; index < node.output_count(); ++index) bind(number, index, same->outputs[index]);
    return true;
  }

  const Snapshot& snapshot_;
  const bool merges_;
  PlanGraph graph_;
  std::unordered_map<Hash128, int, Hash128Low> known_;
  std::unordered_map<int, int> copies_, rounded_views_;
};

// Whether op input `i` may come in any strides.
bool accepts_strides(const PlanGraph& graph, const PlanOp& op, size_t i) {
  return op.is_elementwise() || op.op == &barrier_op || (graph.entry_of(op).strided_inputs >> std::min<size_t>(i, 31) & 1);
}

}  // namespace

void make_contiguous(PlanGraph& graph) {
  OpRewrite rewrite(graph);
  std::unordered_map<int, int> copies;
  for (size_t at = 0; at < rewrite.size(); ++at) {
    ++graph.visits;
    PlanOp& op = rewrite.old(at);
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      const int input = op.inputs[i];
      if (accepts_strides(graph, op, i) || graph.values[input].layout.is_contiguous()) continue;
      auto [place, is_new] = copies.try_emplace(input, -1);
      if (is_new) {
        const Layout layout = graph.values[input].layout;
        place->second = rewrite.add({.op = &contiguous_op, .inputs = {input}, .node = op.node}, layout);
      }
      op.inputs[i] = place->second;
    }
    rewrite.keep(at);
  }
  rewrite.finish();
}

PlanGraph simplify(const Snapshot& snapshot, bool merges) { return Simplifier(snapshot, merges).run(); }

}  // namespace gradus::plan
