// Numbering walk, kept and donated flags, key.
#include "gradus/plan/snapshot.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/base/threads.hpp"
#include "gradus/graph/history.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/plan/backend.hpp"
#include "gradus/plan/settings.hpp"

namespace gradus::plan {

namespace {

// Depth first, without recursion: `frames_` holds the nodes whose inputs are being visited.
class Walk {
 public:
  explicit Walk(Snapshot& out) : out_(out), walk_(new_walk()), frames_(out.frames) {}

  // `argument` takes the place of the placeholder.
  void bind(Node* placeholder, Node* argument) {
    placeholder->walk = walk_;
    placeholder->edges_seen = 0;
    finish(placeholder);
    out_.nodes.back() = argument;
  }

  void from(Node* root) {
    enter(root);
    while (!frames_.empty()) {
      WalkFrame& frame = frames_.back();
      const size_t inputs = frame.node->inputs().size();
      const size_t replacements = frame.expansion < 0 ? 0 : out_.expansions[frame.expansion].outputs.size();
      if (frame.next < inputs + replacements) {
        const size_t at = frame.next++;
        Node* input = at < inputs ? frame.node->inputs()[at].node : out_.expansions[frame.expansion].outputs[at - inputs].node;
        enter(input);
        ++input->edges_seen;
      } else {
        finish(frame.node);
        frames_.pop_back();
      }
    }
  }

 private:
  void enter(Node* node) {
    if (node->walk == walk_) return;
    node->walk = walk_;
    node->edges_seen = 0;
    if (is_available(*node)) {
      finish(node);
      return;
    }
    if (node->is_placeholder()) fail("eval", "the value of an argument of a transform was asked for; inside it has none");
    WalkFrame frame{node};
    if (replacement_of(node->op())) {
      frame.expansion = static_cast<int>(out_.expansions.size());
      expand(node);
    }
    frames_.push_back(frame);
  }

  // The replacement is held by plain references, so that it counts as read by this node and not as held by the user.
  void expand(Node* node) {
    const SessionPause pause;  // nothing of it is looked at again: no trace keeps it
    const std::vector<Array> inputs = node->input_arrays();
    Snapshot::Expansion expansion{node, {}};
    for (const Array& output : replacement_of(node->op())({node->op(), node->args(), inputs})) {
      output.node()->retain();
      expansion.outputs.push_back({output.node(), output.output_index()});
    }
    out_.expansions.push_back(std::move(expansion));
  }

  void finish(Node* node) {
    node->number = static_cast<uint32_t>(out_.nodes.size());
    out_.nodes.push_back(node);
    out_.first_value.push_back(values_);
    values_ += node->output_count();
  }

  Snapshot& out_;
  uint64_t walk_;
  uint32_t values_ = 0;
  std::vector<WalkFrame>& frames_;
};

// Settings that change what is planned.
void add_switches(Hasher& hasher) {
  hasher.add(static_cast<uint64_t>(threads()) << 2 | uint64_t{is_op_by_op()} << 1 | uint64_t{is_check_nan()});
  hasher.add(reinterpret_cast<uintptr_t>(&current_backend()));
}

bool is_cheap(const OpDef& op) { return op.elementwise || op.view; }

// Whether nothing but this output refers to its buffer, and the library allocated it.
bool is_sole_owner(const Output& out) {
  return out.value.buffer && out.value.buffer->is_own() && out.value.buffer->use_count() == 1 && !out.row_major && out.value.offset == 0 &&
         is_contiguous(out.aval.shape, out.value.strides);
}
// An output may be overwritten if nobody holds it and all edges to its node come from this plan.
bool may_donate(const Node& node, uint32_t index, int64_t own_edges) {
  const Output& out = node.output(index);
  return is_sole_owner(out) && out.handles.load(std::memory_order_acquire) == 0 && node.references() - node.handles() == own_edges &&
         node.session() == 0;
}
bool is_donated(Reuse reuse) { return reuse == Reuse::dying && !is_op_by_op(); }

// Nodes of open traces keep their inputs.
void find_traced(Snapshot& snapshot) {
  snapshot.keeps_inputs.assign(snapshot.nodes.size(), 0);
  snapshot.has_traced = false;
  for (size_t number = 0; number < snapshot.nodes.size(); ++number) {
    if (!is_session_open(snapshot.nodes[number]->session())) continue;
    snapshot.keeps_inputs[number] = 1;
    snapshot.has_traced = true;
  }
}

// Outputs that somebody holds; all of a node that feeds a pending node outside the snapshot.
void keep_held(Snapshot& snapshot, size_t number) {
  const Node& node = *snapshot.nodes[number];
  const uint32_t first = snapshot.first_value[number];
  int64_t handles = 0;
  for (uint32_t index = 0; index < node.output_count(); ++index) {
    const int32_t held = node.output(index).handles.load(std::memory_order_acquire);
    handles += held;
    snapshot.is_kept[first + index] = held > 0;
  }
  const bool feeds_outside = node.references() - handles > static_cast<int64_t>(node.edges_seen);
  if (feeds_outside) std::fill_n(snapshot.is_kept.begin() + first, node.output_count(), uint8_t{1});
}

// What a node that keeps its inputs reads has to be there when a trace asks for it, whether or not it depends on an argument itself: it is
// kept if it was dear, and computed again from its own inputs, which stay, if it was cheap. Readers come first here.
void keep_traced(Snapshot& snapshot) {
  std::vector<uint8_t>& keeps_inputs = snapshot.keeps_inputs;
  std::vector<uint8_t> is_read(snapshot.nodes.size(), 0);  // by a node that keeps its inputs
  for (size_t number = snapshot.nodes.size(); number-- > 0;) {
    const Node& node = *snapshot.nodes[number];
    if (is_available(node)) continue;
    const auto kept = snapshot.is_kept.begin() + snapshot.first_value[number];
    if ((keeps_inputs[number] || is_read[number]) && !is_cheap(node.op())) std::fill_n(kept, node.output_count(), uint8_t{1});
    if (is_read[number] && std::find(kept, kept + node.output_count(), 0) != kept + node.output_count()) keeps_inputs[number] = 1;
    if (!keeps_inputs[number]) continue;
    for (const Edge& edge : node.inputs()) is_read[edge.node->number] = 1;
  }
}

void set_flags(Snapshot& snapshot) {
  const size_t values = snapshot.first_value.back() + snapshot.nodes.back()->output_count();
  snapshot.is_kept.assign(values, 0);
  snapshot.is_donated.assign(values, 0);
  find_traced(snapshot);
  // Inside a trace nodes keep their inputs, and may be computed again from them.
  const bool may_overwrite = !is_op_by_op() && !snapshot.has_traced;
  for (size_t number = 0; number < snapshot.nodes.size(); ++number) {
    const Node& node = *snapshot.nodes[number];
    const uint32_t first = snapshot.first_value[number];
    if (!is_available(node)) {
      keep_held(snapshot, number);
      continue;
    }
    for (uint32_t index = 0; may_overwrite && index < node.output_count(); ++index) {
      snapshot.is_donated[first + index] = may_donate(node, index, static_cast<int64_t>(node.edges_seen));
    }
  }
  if (snapshot.has_traced) keep_traced(snapshot);
}

void hash_leaf(Hasher& hasher, const Node& node) {
  for (uint32_t index = 0; index < node.output_count(); ++index) {
    const Output& out = node.output(index);
    const bool is_ready = !node.is_scalar() && node.is_ready(index);  // an output of several may have no value
    hasher.add(static_cast<uint64_t>(out.aval.shape.rank()) << 16 | static_cast<uint64_t>(out.aval.dtype.code()) << 8 |
               uint64_t{is_ready} << 2 | uint64_t{out.aval.is_weak} << 1 | uint64_t{node.is_scalar()});
    if (node.is_scalar()) continue;
    for (const int64_t size : out.aval.shape) hasher.add(static_cast<uint64_t>(size));
    for (int64_t axis = 0; is_ready && axis < out.aval.shape.rank(); ++axis) hasher.add(static_cast<uint64_t>(out.value.strides[axis]));
  }
}

// Two bits an output, and as many words as that takes.
void hash_flags(Hasher& hasher, const Snapshot& snapshot, uint32_t first, uint32_t count) {
  constexpr uint32_t kOutputsAWord = 32;
  for (uint32_t begin = 0; begin < count; begin += kOutputsAWord) {
    uint64_t flags = 0;
    for (uint32_t index = begin; index < std::min(count, begin + kOutputsAWord); ++index) {
      flags = flags << 2 | uint64_t{snapshot.is_kept[first + index]} << 1 | snapshot.is_donated[first + index];
    }
    hasher.add(flags);
  }
}

// Everything that a plan depends on: the counts come first, so that no two snapshots give the same words.
Hash128 key_of(const Snapshot& snapshot, std::span<const Array> roots) {
  Hasher hasher;
  add_switches(hasher);
  for (size_t number = 0; number < snapshot.nodes.size(); ++number) {
    const Node& node = *snapshot.nodes[number];
    const bool is_leaf = is_available(node);
    hasher.add(uint64_t{node.output_count()} << 32 | (is_leaf ? 0 : node.inputs().size() + 1));
    if (is_leaf) {
      hash_leaf(hasher, node);
    } else {
      hasher.add(reinterpret_cast<uintptr_t>(&node.op()));
      node.args().hash(hasher);
      for (const Edge& edge : node.inputs()) hasher.add(snapshot.value_of(edge));
      if (const Snapshot::Expansion* expansion = snapshot.expansion_of(node)) {
        for (const Edge& edge : expansion->outputs) hasher.add(snapshot.value_of(edge));
      }
    }
    hash_flags(hasher, snapshot, snapshot.first_value[number], node.output_count());
  }
  for (const Array& root : roots) hasher.add(snapshot.value_of({root.node(), root.output_index()}));
  return hasher.value();
}

}  // namespace

bool is_available(const Node& node) {
  if (node.is_scalar()) return true;
  for (uint32_t index = 0; index < node.output_count(); ++index) {
    if (node.is_ready(index)) return true;
  }
  return false;
}

bool is_held_once(const Array& argument) {
  const Node& node = *argument.node();
  return node.output_count() == 1 && is_sole_owner(node.output(0)) && node.references() == 1 && node.session() == 0;
}

Snapshot::~Snapshot() { clear(); }

void Snapshot::clear() {
  for (const Expansion& expansion : expansions) {
    for (const Edge& edge : expansion.outputs) Node::release(edge.node);
  }
  expansions.clear();
  nodes.clear();
  first_value.clear();
  is_kept.clear();
  is_donated.clear();
  is_moving.clear();
  keeps_inputs.clear();
  frames.clear();
}

const Snapshot::Expansion* Snapshot::expansion_of(const Node& node) const {
  if (expansions.empty() || !replacement_of(node.op())) return nullptr;
  for (const Expansion& expansion : expansions) {
    if (expansion.node == &node) return &expansion;
  }
  return nullptr;
}

bool Snapshot::is_leaf(size_t number) const { return is_available(*nodes[number]); }

void take_snapshot(std::span<const Array> roots, Snapshot& out) {
  out.clear();
  Walk walk(out);
  for (const Array& root : roots) walk.from(root.node());
  set_flags(out);
  out.key = key_of(out, roots);
}

Snapshot take_snapshot(const Subgraph& graph, std::span<const Array* const> arguments, std::span<const Reuse> reuse) {
  Snapshot snapshot;
  Walk walk(snapshot);
  for (size_t i = 0; i < arguments.size(); ++i) walk.bind(graph.parameters()[i].node(), arguments[i]->node());
  for (const Array& output : graph.outputs()) walk.from(output.node());
  const size_t values = snapshot.first_value.back() + snapshot.nodes.back()->output_count();
  snapshot.is_kept.assign(values, 0);
  snapshot.is_donated.assign(values, 0);
  snapshot.is_moving.assign(values, 0);
  for (size_t i = 0; i < arguments.size(); ++i) {
    snapshot.is_donated[i] = is_donated(reuse[i]);
    snapshot.is_moving[i] = reuse[i] != Reuse::fixed;
  }
  for (const Array& output : graph.outputs()) snapshot.is_kept[snapshot.value_of({output.node(), output.output_index()})] = 1;
  return snapshot;
}

Hash128 call_key(const Subgraph& graph, std::span<const Array* const> arguments, std::span<const Reuse> reuse) {
  Hasher hasher;
  add_switches(hasher);
  // The hash tells data leaves apart by address; the cache keeps them alive with the graph. So graphs made anew find their plan.
  hasher.add(graph.hash().low);
  hasher.add(graph.hash().high);
  hasher.add(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    hash_leaf(hasher, *arguments[i]->node());
    hasher.add(static_cast<uint64_t>(reuse[i]));
  }
  return hasher.value();
}

}  // namespace gradus::plan
