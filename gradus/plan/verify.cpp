// The verifier of planned graphs, between the passes. (That of finished plans: verify_steps.cpp.)
#include "gradus/plan/verify.hpp"

#include <algorithm>
#include <atomic>

#include "gradus/base/error.hpp"
#include "gradus/base/switches.hpp"
#include "gradus/graph/history.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/pending.hpp"

namespace gradus::plan {

namespace {

std::atomic<bool>& verify_switch() {
  static std::atomic<bool>* is_on = new std::atomic<bool>(is_switched_on("GRADUS_VERIFY_PLANS"));
  return *is_on;
}

class GraphVerifier {
 public:
  GraphVerifier(const PlanGraph& graph, const Snapshot& snapshot, std::string_view pass)
      : graph_(graph), snapshot_(snapshot), pass_(pass), maker_(graph.values.size(), -1) {}

  void run() {
    for (size_t id = 0; id < graph_.values.size(); ++id) check_value(static_cast<int>(id));
    for (size_t at = 0; at < graph_.ops.size(); ++at) {
      if (!graph_.ops[at].is_dead) check_op(static_cast<int>(at));
    }
    check_kept();
    for (size_t group = 0; group < graph_.groups.size(); ++group) check_group(static_cast<int>(group));
    for (size_t chain = 0; chain < graph_.chains.size(); ++chain) check_chain(static_cast<int>(chain));
  }

 private:
  template <class... T>
  void require(bool is_true, const T&... text) const {
    if (!is_true) fail_bug("plan: after ", pass_, ": ", text...);
  }
  const PlanValue& value(int id) const { return graph_.values[id]; }
  const Aval& aval_of(uint32_t source) const {
    const auto after = std::upper_bound(snapshot_.first_value.begin(), snapshot_.first_value.end(), source);
    const size_t node = static_cast<size_t>(after - snapshot_.first_value.begin()) - 1;
    return snapshot_.nodes[node]->output(source - snapshot_.first_value[node]).aval;
  }
  static bool is_barrier(const PlanOp& op) { return op.op == &barrier_op; }

  // First and last element of a layout, from its origin.
  static std::pair<int64_t, int64_t> extent(const Layout& layout) {
    std::pair<int64_t, int64_t> range{0, 0};
    for (size_t axis = 0; axis < layout.strides.size(); ++axis) {
      const int64_t way = (layout.shape.dims()[axis] - 1) * layout.strides[axis];
      (way < 0 ? range.first : range.second) += way;
    }
    return range;
  }

  void check_value(int id) const {
    const PlanValue& v = value(id);
    require(v.base >= 0 && v.base < static_cast<int>(graph_.values.size()), "value ", id, " has no base");
    const PlanValue& base = value(v.base);
    require(base.kind != PlanValue::Kind::view && base.base == v.base, "the base of value ", id, " is a view");
    require(v.layout.strides.size() == v.layout.shape.dims().size(), "value ", id, " has ", v.layout.strides.size(), " strides for shape ",
            v.layout.shape);
    require(!v.is_donated || v.kind == PlanValue::Kind::leaf, "value ", id, " is donated but no leaf");
    if (v.kind != PlanValue::Kind::view) {
      require(v.base == id && v.offset == 0, "value ", id, " lies in value ", v.base);
      require(v.kind == PlanValue::Kind::computed || v.producer < 0, "value ", id, " is given and has producer ", v.producer);
      require(v.kind != PlanValue::Kind::computed || v.layout.is_contiguous(), "value ", id, " is computed but not contiguous");
      return;
    }
    require(v.layout.dtype == base.layout.dtype, "a view of ", base.layout.dtype, " is ", v.layout.dtype);
    if (v.layout.shape.size() == 0) return;
    const auto [first, last] = extent(v.layout);
    const auto [low, high] = extent(base.layout);
    require(v.offset + first >= low && v.offset + last <= high, "view ", id, " leaves value ", v.base);
  }

  // What op number `at` reads is made by an earlier op that runs.
  void check_read(int at, int id) const {
    require(id >= 0 && id < static_cast<int>(graph_.values.size()), "op ", at, " reads value ", id, ", which does not exist");
    const PlanValue& v = value(id);
    require(v.kind != PlanValue::Kind::computed || (maker_[id] >= 0 && maker_[id] == v.producer), "op ", at, " reads value ", id,
            ", which no earlier op makes");
    // Of a view that is what computes its base, or a barrier that it lies behind.
    require(v.producer < at && (v.producer < 0 || !graph_.ops[v.producer].is_dead), "op ", at, " reads value ", id, " before its producer ",
            v.producer);
    if (v.base != id) check_read(at, v.base);
  }

  void check_op(int at) {
    const PlanOp& op = graph_.ops[at];
    for (const int input : op.inputs) check_read(at, input);
    if (is_barrier(op)) {
      require(op.inputs.size() == op.outputs.size(), "barrier ", at, " has other outputs than inputs");
    } else if (op.op->elementwise) {
      check_elementwise(at, op);
    } else {
      check_rule(at, op);
    }
    for (const int output : op.outputs) {
      require(maker_[output] < 0, "value ", output, " is made by op ", maker_[output], " and by op ", at);
      require(value(output).producer == at, "value ", output, " is made by op ", at, ", its producer is ", value(output).producer);
      maker_[output] = at;
    }
  }

  void check_elementwise(int at, const PlanOp& op) const {
    const backend::Function& function = *op.op->elementwise;
    const bool is_cast = &function == &backend::cast_function;
    require(op.outputs.size() == 1 && static_cast<int>(op.inputs.size()) == (is_cast ? 1 : function.inputs), op.op->name, " ", at, " has ",
            op.inputs.size(), " inputs");
    const Layout& out = value(op.outputs[0]).layout;
    Shape shape;
    bool is_given = false;
    DType dtype{};
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      const PlanValue& in = value(op.inputs[i]);
      shape = broadcast_shapes(op.op->name, shape, in.layout.shape);
      if (is_cast || value(in.base).kind == PlanValue::Kind::scalar) continue;
      if (function.is_bool_input(static_cast<int>(i))) {
        require(in.layout.dtype == bool_, op.op->name, " ", at, " has a condition of ", in.layout.dtype);
        continue;
      }
      require(!is_given || in.layout.dtype == dtype, op.op->name, " ", at, " reads ", dtype, " and ", in.layout.dtype);
      dtype = in.layout.dtype;
      is_given = true;
    }
    require(out.shape == shape, op.op->name, " ", at, " makes ", out.shape, " of ", shape);
    if (is_given) require(out.dtype == function.output_dtype(dtype), op.op->name, " ", at, " makes ", out.dtype, " of ", dtype);
  }

  // The outputs that the op's own rule gives for these inputs.
  std::vector<Aval> inferred(const PlanOp& op, std::span<const Aval> inputs) const {
    const PendingPause bound;
    const SessionPause session;
    std::vector<Array> symbols;
    for (const Aval& input : inputs) symbols.push_back(make_placeholder(input));
    const Call call{*op.op, op.args, symbols};
    if (op.op->infer.all) return op.op->infer.all(call);
    return {op.op->infer.one(call)};
  }
  void check_rule(int at, const PlanOp& op) const {
    std::vector<Aval> avals;
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      const Layout& layout = value(op.inputs[i]).layout;
      const bool takes_strides = graph_.entry_of(op).strided_inputs >> std::min<size_t>(i, 31) & 1;
      require(pass_ == "simplify" || takes_strides || layout.is_contiguous(), op.op->name, " ", at, " reads strides that it does not take");
      const bool is_widened = op.widened >> std::min<size_t>(i, 31) & 1;
      require(!is_widened || layout.dtype == bfloat16, op.op->name, " ", at, " widens ", layout.dtype);
      avals.push_back({is_widened ? float32 : layout.dtype, layout.shape, false});
    }
    if (op.epilogue.has_bias) {
      require(!avals.empty() && avals.back().shape.size() == value(op.outputs[0]).layout.shape.dims().back(), "the bias of op ", at, " is ",
              avals.back().shape);
      avals.pop_back();
    }
    const std::vector<Aval> made = inferred(op, avals);
    require(made.size() == op.outputs.size(), op.op->name, " ", at, " has ", op.outputs.size(), " outputs, not ", made.size());
    for (size_t k = 0; k < made.size(); ++k) {
      const Layout& out = value(op.outputs[k]).layout;
      const DType dtype = op.epilogue.is_rounded && made[k].dtype == float32 ? bfloat16 : made[k].dtype;
      require(out.shape == made[k].shape && out.dtype == dtype, op.op->name, " ", at, " makes ", out.dtype, " ", out.shape,
              ", its rule ", made[k].dtype, " ", made[k].shape);
    }
  }

  void check_kept() const {
    for (uint32_t source = 0; source < snapshot_.is_kept.size(); ++source) {
      if (!snapshot_.is_kept[source]) continue;
      const int id = graph_.value_of_source[source];
      require(id >= 0, "value ", source, " of the snapshot is kept but not there");
      require(value(id).is_kept, "value ", source, " of the snapshot is kept, value ", id, " is not");
      const Aval& aval = aval_of(source);
      require(value(id).layout.shape == aval.shape && value(id).layout.dtype == aval.dtype, "value ", id, " is ", value(id).layout.dtype,
              " ", value(id).layout.shape, ", recorded was ", aval.dtype, " ", aval.shape);
      check_read(static_cast<int>(graph_.ops.size()), id);
    }
  }

  void check_group(int group) const {
    const Group& all = graph_.groups[group];
    require(!all.ops.empty(), "group ", group, " is empty");
    int before = -1;
    for (const int at : all.ops) {
      const PlanOp& op = graph_.ops[at];
      require(at > before, "group ", group, " is not in order");
      require(op.group == group && op.is_elementwise() && !op.is_dead && !op.is_inlined, "op ", at, " is no part of group ", group);
      require(value(op.outputs[0]).layout.shape == all.shape, "op ", at, " of group ", group, " has another shape");
      before = at;
    }
  }

  // Each link reads what earlier links make only by example.
  void check_chain(int number) const {
    const Chain& chain = graph_.chains[number];
    require(chain.links.size() > 1 && chain.block > 0 && chain.block < chain.batch, "chain ", number, " has ", chain.links.size(),
            " links, ", chain.block, " of ", chain.batch, " examples at a time");
    std::vector<uint8_t> is_made(graph_.values.size(), 0);
    for (const int link : chain.links) {
      const std::vector<int> ops = graph_.with(link);
      for (const int at : ops) {
        require(graph_.ops[at].chain == number && !graph_.ops[at].is_dead, "op ", at, " is no part of chain ", number);
        for (const int input : graph_.ops[at].inputs) {
          require(!is_made[value(input).base] || reads_by_example(graph_, link, input, chain.batch), "op ", at,
                  " reads more than its own examples");
        }
      }
      for (const int at : ops) {
        for (const int output : graph_.ops[at].outputs) {
          require(value(output).layout.shape[0] == chain.batch, "op ", at, " makes ", value(output).layout.shape, " in a chain of ",
                  chain.batch, " examples");
          is_made[output] = 1;
        }
      }
    }
  }

  const PlanGraph& graph_;
  const Snapshot& snapshot_;
  std::string_view pass_;
  std::vector<int> maker_;  // of each value: the op that has been seen to make it
};

}  // namespace

bool verifies_plans() { return verify_switch().load(std::memory_order_relaxed); }
void set_verify_plans(bool is_on) { verify_switch() = is_on; }

void verify(const PlanGraph& graph, const Snapshot& snapshot, std::string_view pass) { GraphVerifier(graph, snapshot, pass).run(); }

}  // namespace gradus::plan
