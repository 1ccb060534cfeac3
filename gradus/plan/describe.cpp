// The planned graph as text, one line an op; groups are indented.
#include "gradus/base/text.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/plan/ir.hpp"

namespace gradus::plan {

namespace {

std::string value_text(const PlanGraph& graph, int id) {
  const PlanValue& value = graph.values[id];
  switch (value.kind) {
    case PlanValue::Kind::scalar:
      return concat("number", id);
    case PlanValue::Kind::leaf: return concat(value.is_donated ? "dying" : "data", id);
    case PlanValue::Kind::view: return concat("view(", value_text(graph, value.base), ")");
    case PlanValue::Kind::computed: break;
  }
  return concat("v", id);
}

std::string op_text(const PlanGraph& graph, const PlanOp& op) {
  std::string out;
  for (const int output : op.outputs) out += (out.empty() ? "" : ", ") + value_text(graph, output);
  const PlanValue& first = graph.values[op.outputs[0]];
  out += concat(first.is_kept ? " (kept)" : "", " = ", op.op->name, "(");
  for (size_t i = 0; i < op.inputs.size(); ++i) out += (i ? ", " : "") + value_text(graph, op.inputs[i]);
  const std::string args = op.args.text();
  if (!args.empty()) out += "; " + args;
  out += concat(")  ", first.layout.dtype, " ", first.layout.shape);
  if (op.epilogue.has_bias) out += "  + bias";
  if (op.epilogue.activation != backend::Activation::none) out += "  + relu";
  if (op.epilogue.is_rounded) out += "  + rounding";
  return out;
}

// An op, or the group that it is in.
std::string unit_text(const PlanGraph& graph, int at, const std::string& indent) {
  const PlanOp& op = graph.ops[at];
  if (op.group < 0) return concat(indent, op_text(graph, op), "\n");
  const Group& group = graph.groups[op.group];
  std::string out = concat(indent, "one pass over ", group.shape, ":\n");
  for (const int member : group.ops) out += concat(indent, "  ", op_text(graph, graph.ops[member]), "\n");
  return out;
}

}  // namespace

std::string describe(const PlanGraph& graph) {
  std::string out;
  std::vector<uint8_t> is_shown(graph.ops.size(), 0);
  const auto show = [&](int at, const std::string& indent) {
    out += unit_text(graph, at, indent);
    for (const int member : graph.with(at)) is_shown[member] = 1;
  };
  for (size_t at = 0; at < graph.ops.size(); ++at) {
    const PlanOp& op = graph.ops[at];
    if (op.is_dead || is_shown[at]) continue;
    if (op.is_inlined) {
      out += "  (in each reader) " + op_text(graph, op) + "\n";
    } else if (op.chain < 0) {
      show(static_cast<int>(at), "  ");
    } else {
      const Chain& chain = graph.chains[op.chain];
      out += concat("  one loop over ", chain.batch, " examples, ", chain.block, " at a time:\n");
      for (const int link : chain.links) show(link, "    ");
    }
  }
  return out;
}

std::string describe(const Plan& plan) {
  std::string out =
      concat("  ", plan.steps.size(), " steps, arena ", plan.arena_bytes, " bytes, ", plan.in_place, " results over dying inputs\n");
  const auto place = [&](const Operand& operand) -> std::string {
    if (operand.storage < 0) return "nothing";
    const Storage& storage = plan.storages[operand.storage];
    switch (storage.kind) {
      case Storage::Kind::leaf: return concat("data", storage.source.node);
      case Storage::Kind::scalar:
        return concat("number", storage.source.node);
      case Storage::Kind::arena: return concat("arena+", storage.offset);
      case Storage::Kind::result: return concat("result", operand.storage);
      case Storage::Kind::donated: break;
    }
    return concat("result", operand.storage, " over data", storage.source.node);
  };
  for (const Step& step : plan.steps) {
    std::string reads, writes;
    for (uint32_t i = 0; i < step.operand_count; ++i) {
      const Operand& operand = plan.operands[step.first_operand + i];
      std::string& list = operand.is_output ? writes : reads;
      list += (list.empty() ? "" : ", ") + place(operand);
    }
    out += concat("  ", writes, " <- ", reads, step.is_update ? "   (update: after everything that can fail)" : "");
    out += step.bundled > 1 ? concat("   (", step.bundled, " steps in one loop)\n") : "\n";
  }
  return out;
}

}  // namespace gradus::plan
