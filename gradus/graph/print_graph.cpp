// Graphs as text and for Graphviz. Walks are iterative; closed graphs in parameters are printed below their node.
#include "gradus/graph/print.hpp"

#include "gradus/base/text.hpp"
#include "gradus/graph/walk.hpp"

namespace gradus {

using namespace core;

namespace {

std::string type_text(const Aval& aval) { return concat(aval.dtype, " ", aval.shape); }

std::string number_of_leaf(const Node& node) {
  const DType dtype = node.output(0).aval.dtype;
  if (dtype.is_float()) return to_text(node.scalar().real);
  return dtype.is_bool() ? to_text(node.scalar().integer != 0) : to_text(node.scalar().integer);
}

class Writer {
 public:
  explicit Writer(std::string indent) : indent_(std::move(indent)) {}

  void name(const Node* node) { numbers_.set(node, next_++); }
  std::string operand(const Edge& edge) const {
    const uint32_t number = numbers_.find(edge.node);
    const std::string name = number == NodeMap::kNone ? "%outside" : concat("%", number);
    return edge.index ? concat(name, ".", edge.index) : name;
  }

  std::string line(const Node& node) {
    name(&node);
    std::string text = indent_ + operand({const_cast<Node*>(&node), 0}) + " = " + std::string(node.op().name);
    if (node.is_scalar()) {
      text += " " + number_of_leaf(node);
    } else if (!node.is_leaf() || !node.args().empty()) {
      std::string inside;
      const bool has_optional = !node.op().inputs.empty() && node.op().inputs.back().is_optional;
      for (size_t input = 0, i = 0; i < node.inputs().size(); ++input) {
        if (node.args().place(input) < 0) continue;
        inside += (inside.empty() ? "" : ", ");
        if (has_optional && node.op().inputs[input].is_optional) inside += concat(node.op().inputs[input].name, "=");
        inside += operand(node.inputs()[i++]);
      }
      const std::string args = node.args().text();
      text += "(" + inside + (inside.empty() || args.empty() ? "" : "; ") + args + ")";
    }
    text += " : " + type_text(node.output(0).aval);
    for (uint32_t i = 1; i < node.output_count(); ++i) text += ", " + type_text(node.output(i).aval);
    if (!node.is_leaf() && node.is_ready(0)) text += "  computed";
    if (!node.path().empty()) text += "  in " + node.path();
    text += "\n";
    for (const Field& field : node.args().fields()) {
      if (const auto* graph = field.value.get_if<SubgraphPtr>(); graph && *graph) text += body(field.name, **graph);
    }
    return text;
  }

 private:
  std::string body(const std::string& name, const Subgraph& graph) const {
    Writer inner(indent_ + "    ");
    std::string text = indent_ + "  " + name + ":\n";
    for (const Array& parameter : graph.parameters()) {
      inner.name(parameter.node());
      text += inner.indent_ + inner.operand({parameter.node(), parameter.output_index()}) +
              " = parameter : " + type_text(parameter.aval()) + "\n";
    }
    for (const Node* node : graph.nodes()) text += inner.line(*node);
    text += inner.indent_ + "return";
    for (size_t i = 0; i < graph.outputs().size(); ++i) {
      const Array& output = graph.outputs()[i];
      text += (i ? ", " : " ") + inner.operand({output.node(), output.output_index()});
    }
    return text + "\n";
  }

  std::string indent_;
  NodeMap numbers_;
  uint32_t next_ = 0;
};

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return out + "\"";
}

}  // namespace

std::string graph_text(std::span<const Array> roots) {
  Writer writer("");
  std::string text;
  for (const Node* node : ancestors(roots)) text += writer.line(*node);
  text += "return";
  for (size_t i = 0; i < roots.size(); ++i)
    text += (i ? ", " : " ") + (roots[i].exists() ? writer.operand({roots[i].node(), roots[i].output_index()}) : "empty");
  return text + "\n";
}
std::string graph_text(const Array& root) { return graph_text(std::span<const Array>(&root, 1)); }

std::string graph_dot(std::span<const Array> roots) {
  std::string text = "digraph gradus {\n  rankdir=TB; node [shape=box, fontname=\"monospace\"];\n";
  NodeMap numbers;
  uint32_t next = 0;
  for (const Node* node : ancestors(roots)) {
    numbers.set(node, next++);
    const std::string args = node->args().text();
    std::string label(node->op().name);
    if (node->is_scalar()) label += " " + number_of_leaf(*node);
    if (!args.empty()) label += "\n" + args;
    label += "\n" + type_text(node->output(0).aval);
    text += concat("  n", numbers.find(node), " [label=", quoted(label), node->is_leaf() ? ", style=rounded" : "", "];\n");
    for (const Edge& edge : node->inputs()) {
      text += concat("  n", numbers.find(edge.node), " -> n", numbers.find(node));
      text += edge.index ? concat(" [label=", edge.index, "];\n") : std::string(";\n");
    }
  }
  for (size_t i = 0; i < roots.size(); ++i) {
    if (!roots[i].exists()) continue;
    text += concat("  out", i, " [shape=plaintext, label=\"output ", i, "\"];\n  n", numbers.find(roots[i].node()), " -> out", i, ";\n");
  }
  return text + "}\n";
}
std::string graph_dot(const Array& root) { return graph_dot(std::span<const Array>(&root, 1)); }

}  // namespace gradus
