// Counting over a recorded call, and its table.
#include "gradus/nn/summary.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "gradus/graph/walk.hpp"

namespace gradus::nn {

using namespace core;

namespace {

int64_t multiply_adds_of(const Node& node) {
  if (!node.op().work) return 0;
  std::vector<Shape> inputs;
  for (const Edge& input : node.inputs()) inputs.push_back(input.node->output(input.index).aval.shape);
  return node.op().work(inputs, node.output(0).aval.shape);
}

std::string with_commas(int64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string padded(const std::string& text, size_t width, bool is_right = false) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return is_right ? space + text : text + space;
}

const void* identity_of(const Variable& variable) {
  return variable.cell ? static_cast<const void*>(variable.cell.get()) : variable.member;
}

}  // namespace

Summary detail::summarize(const std::vector<InputSpec>& inputs, const std::vector<Variable>& variables, const Recorded& recorded) {
  Summary summary{.inputs = inputs};
  std::map<std::string, int64_t> work;  // by path
  for (const Node* node : ancestors(recorded.outputs)) {
    const int64_t count = multiply_adds_of(*node);
    work[node->path()] += count;
    summary.multiply_adds += count;
  }
  // A variable belongs to the deepest call that has it: to the first one of those.
  std::map<const void*, size_t> owner;
  for (size_t i = 0; i < recorded.rows.size(); ++i) {
    for (const Variable& variable : recorded.rows[i].variables) {
      const auto [at, is_new] = owner.emplace(identity_of(variable), i);
      const bool is_below = i > at->second && recorded.rows[i].depth > recorded.rows[at->second].depth &&
                            recorded.rows[i].path.starts_with(recorded.rows[at->second].path);
      if (!is_new && is_below) at->second = i;
    }
  }
  for (size_t i = 0; i < recorded.rows.size(); ++i) {
    const CallRow& row = recorded.rows[i];
    SummaryRow line{row.depth, row.name, row.type, row.details, row.output, 0, 0};
    for (const Variable& variable : row.variables) {
      if (owner[identity_of(variable)] == i && variable.exists()) line.parameters += variable.get().size();
    }
    line.multiply_adds = std::exchange(work[row.path], 0);
    summary.rows.push_back(std::move(line));
  }
  for (const Variable& variable : variables) {
    if (!variable.exists()) continue;
    const Array& value = variable.get();
    const bool is_state = variable.cell && variable.cell->kind == Cell::Kind::state;
    (is_state ? summary.state : variable.is_trainable() ? summary.trainable : summary.frozen) += value.size();
    summary.bytes += value.size() * value.dtype().size();
  }
  return summary;
}

std::string to_text(const Summary& summary) {
  std::vector<std::vector<std::string>> table{{"layer", "type", "output", "parameters", "multiply-adds"}};
  for (const SummaryRow& row : summary.rows) {
    table.push_back({std::string(static_cast<size_t>(2 * row.depth), ' ') + row.name,
                     row.details.empty() ? row.type : concat(row.type, " (", row.details, ")"), row.output ? to_text(*row.output) : "",
                     row.parameters ? with_commas(row.parameters) : "", row.multiply_adds ? with_commas(row.multiply_adds) : ""});
  }
  table.push_back({"total", "", "", with_commas(summary.trainable + summary.frozen + summary.state), with_commas(summary.multiply_adds)});
  std::vector<size_t> widths(5);
  for (const auto& line : table) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string out = "input";
  for (const detail::InputSpec& input : summary.inputs) out += concat(" ", input.shape, " ", input.dtype);
  out += "\n";
  for (size_t at = 0; at < table.size(); ++at) {
    std::string line;
    for (size_t i = 0; i < 5; ++i) line += padded(table[at][i], widths[i], i >= 3) + (i < 4 ? "  " : "");
    const std::string rule(line.size(), '-');
    if (at + 1 == table.size()) out += rule + "\n";
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
    if (at == 0) out += rule + "\n";
  }
  out += concat(with_commas(summary.trainable), " trained, ", with_commas(summary.frozen), " frozen, ", with_commas(summary.state),
                " in statistics; ", with_commas(summary.bytes), " bytes\n");
  return out;
}

detail::InputSpec detail::known_input(const Layer& layer, const std::vector<int64_t>& example_shape, DType dtype) {
  if (const Sequential* sequential = layer.as<Sequential>(); sequential && sequential->first_input()) return *sequential->first_input();
  if (!example_shape.empty()) {
    std::vector<int64_t> sizes{1};
    sizes.insert(sizes.end(), example_shape.begin(), example_shape.end());
    return {Shape(sizes), dtype};
  }
  fail("summary", "the model has not been called, so its input is not known; give its shape: nn::summary(model, {1, 28, 28, 1})");
}

std::string summary(const Layer& model) {
  const detail::InputSpec input = detail::known_input(model, {}, float32);
  return summary(model, input.shape, input.dtype);
}
std::string summary(const Model& model) {
  const detail::InputSpec input = detail::known_input(model.layer(), model.info.input_shape, model.info.input_dtype);
  return summary(model.layer(), input.shape, input.dtype);
}
std::string summary(const Sequential& model) {
  const auto input = model.first_input();
  if (!input)
    fail("summary", "the model has not been called, so its input is not known; give its shape: nn::summary(model, {1, 28, 28, 1})");
  return summary(model, input->shape, input->dtype);
}

}  // namespace gradus::nn
