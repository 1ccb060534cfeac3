// Epilogues: a bias, relu, and rounding to bfloat16 ride on the product or convolution that makes their operand, if nothing else reads it.
#include "gradus/backend/functions/activation.hpp"
#include "gradus/backend/functions/arithmetic.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/plan/ir.hpp"

namespace gradus::plan {

namespace {

class Absorber {
 public:
  explicit Absorber(PlanGraph& graph) : graph_(graph), readers_(graph.values.size(), 0), reader_(graph.values.size(), -1) {
    for (size_t at = 0; at < graph.ops.size(); ++at) {
      for (const int input : graph.ops[at].inputs) {
        const int base = graph.values[input].base;
        ++readers_[base];
        // A view in between is no reader that could be absorbed.
        reader_[base] = input == base ? static_cast<int>(at) : -1;
        if (input != base) readers_[base] += 2;
      }
    }
    for (const PlanValue& value : graph.values) {
      if (value.is_kept && value.base >= 0) readers_[value.base] += 2;
    }
  }

  void run() {
    for (size_t at = 0; at < graph_.ops.size(); ++at) {
      ++graph_.visits;
      PlanOp& op = graph_.ops[at];
      if (op.is_dead || op.is_elementwise() || !graph_.entry_of(op).absorbs) continue;
      absorb_bias(static_cast<int>(at));
      absorb_relu(static_cast<int>(at));
      absorb_rounding(static_cast<int>(at));
      absorb_relu(static_cast<int>(at));
    }
    for (PlanValue& value : graph_.values) {
      const bool is_plain_view =
          value.kind == PlanValue::Kind::view && (value.producer < 0 || graph_.ops[value.producer].op != &barrier_op);
      if (is_plain_view) value.producer = graph_.values[value.base].producer;
    }
  }

 private:
  // The one op that reads the result of `op`, or null.
  PlanOp* only_reader(const PlanOp& op) {
    const int value = op.outputs[0];
    if (readers_[value] != 1 || reader_[value] < 0) return nullptr;
    PlanOp& reader = graph_.ops[reader_[value]];
    return reader.op->elementwise && graph_.values[reader.outputs[0]].layout.shape == graph_.values[value].layout.shape ? &reader : nullptr;
  }

  bool is_bias(int value, const Layout& result, int before) const {
    const PlanValue& v = graph_.values[value];
    if (v.layout.dtype != result.dtype || v.layout.rank() < 1 || graph_.values[v.base].kind == PlanValue::Kind::scalar) return false;
    if (v.layout.size() != result.shape[result.rank() - 1] || v.layout.shape[v.layout.rank() - 1] != v.layout.size()) return false;
    return v.layout.is_contiguous() && v.producer < before;
  }

  bool accepts(const PlanOp& op, const std::vector<int>& inputs, const backend::Epilogue& epilogue) const {
    std::vector<Layout> layouts;
    for (const int input : inputs) layouts.push_back(graph_.values[input].layout);
    return graph_.entry_of(op).absorbs(op.args, layouts, epilogue);
  }

  void take_over(PlanOp& op, PlanOp& reader, int at) {
    op.outputs[0] = reader.outputs[0];
    graph_.values[op.outputs[0]].producer = at;
    reader.is_dead = true;
  }

  void absorb_bias(int at) {
    PlanOp& op = graph_.ops[at];
    PlanOp* reader = only_reader(op);
    if (!reader || reader->op->elementwise != &backend::add_function) return;
    const int other = reader->inputs[0] == op.outputs[0] ? reader->inputs[1] : reader->inputs[0];
    if (other == op.outputs[0] || !is_bias(other, graph_.values[op.outputs[0]].layout, at)) return;
    std::vector<int> inputs = op.inputs;
    inputs.push_back(other);
    const backend::Epilogue epilogue{.has_bias = true};
    if (!accepts(op, inputs, epilogue)) return;
    op.inputs = std::move(inputs);
    op.epilogue = epilogue;
    take_over(op, *reader, at);
  }

  void absorb_relu(int at) {
    PlanOp& op = graph_.ops[at];
    PlanOp* reader = only_reader(op);
    if (!reader || reader->op->elementwise != &backend::relu_function) return;
    backend::Epilogue epilogue = op.epilogue;
    epilogue.activation = backend::Activation::relu;
    if (!accepts(op, op.inputs, epilogue)) return;
    op.epilogue = epilogue;
    take_over(op, *reader, at);
  }

  void absorb_rounding(int at) {
    PlanOp& op = graph_.ops[at];
    PlanOp* reader = only_reader(op);
    if (!reader || reader->op->elementwise != &backend::cast_function) return;
    const bool is_rounding =
        graph_.values[op.outputs[0]].layout.dtype == float32 && graph_.values[reader->outputs[0]].layout.dtype == bfloat16;
    backend::Epilogue epilogue = op.epilogue;
    epilogue.is_rounded = true;
    if (!is_rounding || !accepts(op, op.inputs, epilogue)) return;
    op.epilogue = epilogue;
    take_over(op, *reader, at);
  }

  PlanGraph& graph_;
  std::vector<int> readers_, reader_;
};

}  // namespace

void absorb(PlanGraph& graph) { Absorber(graph).run(); }

}  // namespace gradus::plan
