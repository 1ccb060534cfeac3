// Grouping of element-wise ops: one pass over memory a group. Linear in ops and edges.
//
// Every value has a level: leaves 0, a kernel's outputs one more than its inputs. A group of level L reads only values of lower levels, so
// an op may join it if what it reads lies below L or in the group itself; two groups of one level never depend on each other and may be
// united. A second walk, from the end, puts a group whose only readers are in one later group into that one.
#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/plan/ir.hpp"

namespace gradus::plan {

namespace {

// Whether an op of `group` computes `value`, and it is read as it is computed.
bool is_inside(const PlanGraph& graph, int value, int group) {
  const PlanValue& v = graph.values[value];
  return v.kind == PlanValue::Kind::computed && graph.ops[v.producer].group == group;
}
// The op that computes `value`, or what it is a view of, if each program repeats it; -1 otherwise.
int inlined_producer(const PlanGraph& graph, int value) {
  const PlanValue& base = graph.values[graph.values[value].base];
  return base.kind == PlanValue::Kind::computed && graph.ops[base.producer].is_inlined ? base.producer : -1;
}

class Fuser {
 public:
  explicit Fuser(PlanGraph& graph) : graph_(graph), limits_(graph.backend->limits()), level_(graph.values.size(), 0) {}

  void run() {
    for (size_t at = 0; at < graph_.ops.size(); ++at) {
      ++graph_.visits;
      PlanOp& op = graph_.ops[at];
      if (op.is_dead || op.is_inlined) continue;
      int highest = 0;
      for (const int input : op.inputs) highest = std::max(highest, level_of(input));
      if (op.is_elementwise()) {
        join(static_cast<int>(at), highest);
      } else {
        const int own = op.op == &barrier_op ? highest : highest + 1;
        for (const int output : op.outputs) level_[output] = own;
      }
    }
    gather();
    collect();
  }

 private:
  struct Draft {
    int parent = -1;  // of the union-find forest; itself if it is a root
    int level = 0, size = 0, inputs = 0;
    Shape shape{};
  };

  int level_of(int value) const {
    const PlanValue& v = graph_.values[value];
    return v.kind == PlanValue::Kind::view && v.producer >= 0 && graph_.ops[v.producer].op != &barrier_op ? level_[v.base] : level_[value];
  }
  int root(int draft) {
    while (drafts_[draft].parent != draft) draft = drafts_[draft].parent = drafts_[drafts_[draft].parent].parent;
    return draft;
  }
  // Group of the op that computes `value`, if the value is read as it is computed and in `shape`; -1 otherwise.
  int group_of(int value, const Shape& shape) {
    const PlanValue& v = graph_.values[value];
    if (v.kind != PlanValue::Kind::computed || graph_.ops[v.producer].group < 0) return -1;
    const int group = root(graph_.ops[v.producer].group);
    return drafts_[group].shape == shape ? group : -1;
  }
  bool fits(int a, int b) const {
    // Programs of moderate size keep their tiles in the nearest cache. What is above the limits all the same is cut by Splitter.
    return drafts_[a].size + drafts_[b].size <= limits_.program_instructions / 2 &&
           drafts_[a].inputs + drafts_[b].inputs <= 3 * limits_.program_inputs / 4;
  }
  void unite(int into, int from) {
    drafts_[from].parent = into;
    drafts_[into].size += drafts_[from].size;
    drafts_[into].inputs += drafts_[from].inputs;
  }

  void join(int at, int highest) {
    PlanOp& op = graph_.ops[at];
    const Shape& shape = graph_.values[op.outputs[0]].layout.shape;
    int target = -1, outside = 0;
    bool is_blocked = false;
    for (const int input : op.inputs) {
      const int group = group_of(input, shape);
      const bool is_candidate = group >= 0 && drafts_[group].level == highest;
      if (!is_candidate) {
        ++outside;
        is_blocked |= level_of(input) == highest && highest > 0;
      } else if (target < 0 || target == group) {
        target = group;
      } else if (fits(target, group)) {
        unite(target, group);
      } else {
        is_blocked = true;
      }
    }
    const int own = static_cast<int>(drafts_.size());
    drafts_.push_back({own, highest + 1, 1, outside, shape});
    op.group = own;
    if (target >= 0 && !is_blocked && fits(target, own)) unite(target, own);
    for (const int output : op.outputs) level_[output] = drafts_[root(own)].level;
  }

  // From the end: a group that only one other group reads moves into it.
  void gather() {
    std::vector<int> reader(graph_.values.size(), kNone);
    for (size_t at = graph_.ops.size(); at-- > 0;) {
      ++graph_.visits;
      const PlanOp& op = graph_.ops[at];
      if (op.is_dead || op.is_inlined) continue;
      const int group = op.group < 0 ? kMany : op.group;
      for (const int input : op.inputs) {
        const PlanValue& v = graph_.values[input];
        note(reader[v.base], input == v.base && op.group >= 0 ? group : kMany);
      }
    }
    std::vector<std::vector<int>> members(drafts_.size());
    for (size_t at = 0; at < graph_.ops.size(); ++at) {
      if (graph_.ops[at].group >= 0) members[root(graph_.ops[at].group)].push_back(static_cast<int>(at));
    }
    // In the order of their last ops, latest first, so that chains of groups collapse into their end.
    std::vector<int> order;
    for (size_t at = graph_.ops.size(); at-- > 0;) {
      const int group = graph_.ops[at].group;
      if (group >= 0 && !members[root(group)].empty() && members[root(group)].back() == static_cast<int>(at)) order.push_back(root(group));
    }
    for (const int group : order) {
      int target = kNone;
      for (const int at : members[group]) {
        for (const int output : graph_.ops[at].outputs) {
          if (reader[output] == kNone) continue;
          const int to = reader[output] == kMany ? kMany : root(reader[output]);
          if (to == group) continue;
          note(target, to);
        }
      }
      if (target < 0 || drafts_[target].shape != drafts_[group].shape || !fits(target, group)) continue;
      unite(target, group);
    }
  }
  // Remembers the one group that reads; several become kMany. Groups are compared by their roots.
  void note(int& reader, int group) {
    if (group == kMany || reader == kMany) reader = kMany;
    else if (reader == kNone) reader = group;
    else if (root(reader) != root(group)) reader = kMany;
  }

  void collect() {
    std::vector<int> number(drafts_.size(), -1);
    for (size_t at = 0; at < graph_.ops.size(); ++at) {
      PlanOp& op = graph_.ops[at];
      if (op.group < 0) continue;
      int& group = number[root(op.group)];
      if (group < 0) {
        group = static_cast<int>(graph_.groups.size());
        const Draft& draft = drafts_[root(op.group)];
        graph_.groups.push_back({.level = draft.level, .shape = draft.shape});
      }
      graph_.groups[group].ops.push_back(static_cast<int>(at));
      op.group = group;
    }
  }

  static constexpr int kNone = -1, kMany = -2;
  PlanGraph& graph_;
  const BackendLimits limits_;
  std::vector<int> level_;
  std::vector<Draft> drafts_;
};

constexpr int kLongestInline = 8;  // ops

// Arithmetic on numbers alone (a learning rate over a bias correction) is repeated in every program that reads it, if only programs do.
void find_inlined(PlanGraph& graph) {
  const int widest = graph.backend->limits().program_inputs / 3;  // numbers: an op of three such operands is a program of its own still
  std::vector<int> cost(graph.ops.size(), 0), width(graph.ops.size(), 0);
  for (size_t at = 0; at < graph.ops.size(); ++at) {
    PlanOp& op = graph.ops[at];
    if (op.is_dead || !op.op->elementwise || graph.values[op.outputs[0]].layout.size() != 1) continue;
    int total = 1, numbers = 0;
    bool is_scalar = !graph.values[op.outputs[0]].is_kept;
    for (const int input : op.inputs) {
      const PlanValue& base = graph.values[graph.values[input].base];
      const bool is_inlined = base.kind == PlanValue::Kind::computed && graph.ops[base.producer].is_inlined;
      total += is_inlined ? cost[base.producer] : 0;
      numbers += is_inlined ? width[base.producer] : 1;
      is_scalar &= is_inlined || base.kind == PlanValue::Kind::scalar;
    }
    cost[at] = total;
    width[at] = numbers;
    op.is_inlined = is_scalar && total <= kLongestInline && numbers <= widest;
  }
  // Who is read by a kernel, or kept, has to be stored; so has what it is made from.
  const auto store = [&](int value) {
    const PlanValue& base = graph.values[graph.values[value].base];
    if (base.producer >= 0) graph.ops[base.producer].is_inlined = false;
  };
  for (const PlanValue& value : graph.values) {
    if (value.is_kept && value.base >= 0) store(value.base);
  }
  for (const PlanOp& op : graph.ops) {
    if (op.is_dead || op.is_elementwise()) continue;
    for (const int input : op.inputs) store(input);
  }
}

// Cuts groups whose programs would be larger than a program can be into pieces of consecutive ops. What a piece reads and computes is
// counted as ProgramMaker below makes it; it stores no more values than it has ops.
class Splitter {
 public:
  explicit Splitter(PlanGraph& graph)
      : graph_(graph), limits_(graph.backend->limits()), read_by_(graph.values.size(), -1), computed_by_(graph.ops.size(), -1) {}

  void run() {
    for (int group = 0, count = static_cast<int>(graph_.groups.size()); group < count; ++group) split(group);
  }

 private:
  void split(int group) {
    const std::vector<int> ops = std::move(graph_.groups[group].ops);
    begin(group);
    for (const int at : ops) {
      ++graph_.visits;
      add(at);
      if (fits()) continue;
      graph_.groups[piece_].ops.pop_back();
      graph_.groups.push_back({.level = graph_.groups[group].level, .shape = graph_.groups[group].shape});
      begin(static_cast<int>(graph_.groups.size()) - 1);
      add(at);
    }
  }

  void begin(int piece) {
    piece_ = piece;
    graph_.groups[piece].ops.clear();
    inputs_ = instructions_ = 0;
  }
  void add(int at) {
    graph_.ops[at].group = piece_;
    graph_.groups[piece_].ops.push_back(at);
    count(at);
  }
  bool fits() const {
    return inputs_ <= limits_.program_inputs && instructions_ <= limits_.program_instructions &&
           graph_.groups[piece_].ops.size() <= static_cast<size_t>(limits_.program_outputs);
  }

  void count(int at) {
    ++instructions_;
    for (const int input : graph_.ops[at].inputs) {
      if (is_inside(graph_, input, piece_)) continue;
      const int inlined = inlined_producer(graph_, input);
      int& seen = inlined < 0 ? read_by_[input] : computed_by_[inlined];
      if (seen == piece_) continue;
      seen = piece_;
      if (inlined < 0) ++inputs_;
      else count(inlined);
    }
  }

  PlanGraph& graph_;
  const BackendLimits limits_;
  std::vector<int> read_by_, computed_by_;  // of values, and of inlined ops: the last piece that needs it
  int piece_ = 0, inputs_ = 0, instructions_ = 0;
};

}  // namespace

void fuse(PlanGraph& graph, bool fuses) {
  if (fuses) {
    find_inlined(graph);
    Fuser(graph).run();
    Splitter(graph).run();
    return;
  }
  for (size_t at = 0; at < graph.ops.size(); ++at) {
    PlanOp& op = graph.ops[at];
    if (!op.is_elementwise()) continue;
    op.group = static_cast<int>(graph.groups.size());
    graph.groups.push_back({.ops = {static_cast<int>(at)}, .shape = graph.values[op.outputs[0]].layout.shape});
  }
}

namespace {

// Strides of a value in the iteration space: axes aligned from the last, 0 where it repeats.
Dims broadcast_strides(const Layout& layout, const Shape& shape) {
  Dims strides(shape.dims().size(), 0);
  const size_t offset = strides.size() - layout.strides.size();
  for (size_t axis = 0; axis < layout.strides.size(); ++axis) {
    if (layout.shape.dims()[axis] != 1) strides[offset + axis] = layout.strides[axis];
  }
  return strides;
}

class ProgramMaker {
 public:
  ProgramMaker(const PlanGraph& graph, const Group& group) : graph_(graph), group_(group) {}

  GroupProgram make() {
    out_.spec.shape = group_.shape;
    for (const int at : group_.ops) read_inputs(graph_.ops[at]);
    const int inputs = static_cast<int>(out_.spec.inputs.size());
    for (const int at : group_.ops) add(graph_.ops[at], inputs);
    for (const int at : group_.ops) {
      for (const int output : graph_.ops[at].outputs) {
        if (is_needed(output)) {
          out_.writes.push_back(output);
          out_.spec.outputs.push_back({.value = number_of(output)});
        }
      }
    }
    return std::move(out_);
  }

  void set_readers(const std::vector<uint8_t>* needed) { needed_ = needed; }

 private:
  bool is_inside(int value) const { return plan::is_inside(graph_, value, graph_.ops[group_.ops[0]].group); }
  bool is_needed(int value) const { return (*needed_)[value]; }

  const PlanOp* inlined_producer(int value) const {
    const int op = plan::inlined_producer(graph_, value);
    return op < 0 ? nullptr : &graph_.ops[op];
  }

  void read_inputs(const PlanOp& op) {
    for (const int input : op.inputs) {
      if (is_inside(input)) continue;
      if (const PlanOp* inlined = inlined_producer(input)) read_inputs(*inlined);
      else read(input);
    }
  }

  void read(int value) {
    for (const auto& [have, number] : numbers_) {
      if (have == value) return;
    }
    const PlanValue& v = graph_.values[value];
    const bool is_scalar = graph_.values[v.base].kind == PlanValue::Kind::scalar;
    numbers_.push_back({value, static_cast<int>(out_.spec.inputs.size())});
    out_.spec.inputs.push_back({v.layout.dtype, is_scalar ? Dims{} : broadcast_strides(v.layout, group_.shape), is_scalar});
    out_.reads.push_back(value);
  }

  // The dtype in which an op computes: that of its array operands; of numbers alone, what they promote to.
  DType compute_dtype(const PlanOp& op) const {
    DType numbers_only = bool_;
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      if (op.op->elementwise->is_bool_input(static_cast<int>(i))) continue;
      const PlanValue& v = graph_.values[op.inputs[i]];
      if (graph_.values[v.base].kind != PlanValue::Kind::scalar) return v.layout.dtype;  // arrays are of one dtype here
      numbers_only = promote(numbers_only, v.layout.dtype);
    }
    return op.op->elementwise->output == backend::OutputKind::same ? graph_.values[op.outputs[0]].layout.dtype : numbers_only;
  }

  void add(const PlanOp& op, int inputs) {
    for (const int input : op.inputs) {
      const PlanOp* inlined = is_inside(input) ? nullptr : inlined_producer(input);
      if (inlined && !has_number(input)) {
        if (!has_number(inlined->outputs[0])) add(*inlined, inputs);
        if (input != inlined->outputs[0]) numbers_.push_back({input, number_of(inlined->outputs[0])});
      }
    }
    backend::ProgramInstruction instruction;
    if (op.op->elementwise == &backend::cast_function) {
      instruction.dtype = graph_.values[op.inputs[0]].layout.dtype;
      instruction.to = graph_.values[op.outputs[0]].layout.dtype;
    } else {
      instruction.function = op.op->elementwise;
      instruction.dtype = compute_dtype(op);
    }
    for (size_t i = 0; i < op.inputs.size(); ++i) instruction.sources[i] = number_of(op.inputs[i]);
    numbers_.push_back({op.outputs[0], inputs + static_cast<int>(out_.spec.instructions.size())});
    out_.spec.instructions.push_back(instruction);
  }

  bool has_number(int value) const {
    return std::any_of(numbers_.begin(), numbers_.end(), [&](const auto& entry) { return entry.first == value; });
  }
  int number_of(int value) const {
    for (const auto& [have, number] : numbers_) {
      if (have == value) return number;
    }
    fail_bug("a fused program reads a value that it neither loads nor computes");
  }

  const PlanGraph& graph_;
  const Group& group_;
  const std::vector<uint8_t>* needed_ = nullptr;
  GroupProgram out_;
  std::vector<std::pair<int, int>> numbers_;
};

}  // namespace

GroupProgram make_program(const PlanGraph& graph, const Group& group, const std::vector<uint8_t>& is_stored) {
  ProgramMaker maker(graph, group);
  maker.set_readers(&is_stored);
  return maker.make();
}

}  // namespace gradus::plan
