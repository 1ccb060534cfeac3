// Reverse and forward walks over the nodes between arguments and outputs, rule by rule.
#include "gradus/transform/differentiate.hpp"

#include <algorithm>
#include <optional>

#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/path.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/graph/walk.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/part_sums.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::core {

namespace {

using Kind = Derivative::Kind;
using Changes = std::vector<Array>;  // tangents or cotangents, empty where zero
using Flags = std::vector<uint8_t>;

// A node's op with handles to its inputs and outputs, as rules want it.
struct NodeCall {
  explicit NodeCall(Node* node)
      : inputs(node->input_arrays()), outputs(node->output_arrays()), call{{node->op(), node->args(), inputs}, outputs} {}
  std::vector<Array> inputs, outputs;
  RecordedCall call;
};

Array widened(const Array& x) { return x.dtype().is_16_bit() ? rows::widened(x) : x; }
// The same; from before its rounding, if a rule has rounded it since `began`. (What the caller rounded may be evaluated or not: no
// difference.)
Array unrounded(const Array& x, uint64_t began) {
  const Array wide = x.dtype().is_16_bit() && x.node()->serial() > began ? rows::before_rounding(x) : Array();
  return wide.exists() ? wide : widened(x);
}

// A sum of cotangents, made when it is asked for: terms that are zero outside a part share one buffer then (the parts of a split array, the
// elements of an unrolled loop), so that T parts cost no more than their elements. Terms of 16 bits are added in float32 and rounded once.
// `began` is the newest node before the walk.
class ChangeSum {
 public:
  bool exists() const { return whole_.exists() || !parts_.empty(); }
  void add(Array term, uint64_t began) {
    if (term.dtype().is_16_bit()) narrow_ = term.dtype();
    if (is_part(term)) parts_.push_back(std::move(term));
    else if (!whole_.exists()) whole_ = std::move(term);
    else if (term.dtype().is_16_bit()) whole_ = unrounded(whole_, began) + unrounded(term, began);
    else whole_ = whole_ + term;
  }
  const Array& total(uint64_t began) {
    if (!parts_.empty()) whole_ = sum_of_parts(whole_.exists() && narrow_ ? unrounded(whole_, began) : whole_, parts_);
    parts_.clear();
    if (narrow_ && whole_.dtype() != *narrow_) whole_ = whole_.astype(*narrow_);
    return whole_;
  }

 private:
  Array whole_;  // of 16-bit terms: wider, as soon as two have been added
  std::vector<Array> parts_;
  std::optional<DType> narrow_;
};

// One change for each output of some nodes, in one table.
template <class Change>
class ChangeTable {
 public:
  ChangeTable(std::span<const Array> arguments, std::span<Node* const> nodes) : first_(nodes.size() + arguments.size()) {
    for (const Array& argument : arguments) enroll(argument.node());
    for (Node* node : nodes) enroll(node);
    changes_.resize(size_);
  }
  bool has(const Node* node) const { return first_.find(node) != NodeMap::kNone; }
  std::span<Change> of(const Node* node) { return {changes_.data() + first_.find(node), node->output_count()}; }
  Change& of(const Node* node, uint32_t output) { return changes_[first_.find(node) + output]; }

 private:
  void enroll(const Node* node) {
    if (has(node)) return;
    first_.set(node, size_);
    size_ += node->output_count();
  }
  NodeMap first_;
  uint32_t size_ = 0;
  std::vector<Change> changes_;
};

[[noreturn]] void fail_kind(const OpDef& op) { fail(op.name, "it has no derivative: ", op.derivative.reason); }

Array in_dtype_of(const Array& change, const Array& x) {
  return x.is_weak() || change.dtype() == x.dtype() ? change : change.astype(x.dtype());
}

// What a rule returned, as the change of `x`.
Array as_change_of(const OpDef& op, const Array& change, const Array& x) {
  if (change.shape() != x.shape()) fail_bug("the derivative of ", op.name, " gives ", change.shape(), " for an array of ", x.shape());
  return in_dtype_of(change, x);
}

// change * slope. A number that the rule itself wrote (its node is younger than the call) is part of the structure, not an operand.
Array scaled(const Array& change, const Array& slope, uint64_t rule_began) {
  const Node* node = slope.node();
  if (node->is_scalar() && node->serial() > rule_began && slope.dtype().is_float()) {
    if (node->scalar().real == 1) return change;
    if (node->scalar().real == -1) return -change;
    if (node->scalar().real == 0) return {};
  }
  return change * slope;
}

// Some number that all nodes recorded from now on lie above.
uint64_t newest_serial(const RecordedCall& call) { return call.outputs[0].node()->serial(); }

uint64_t newest_serial(std::span<const Array> arrays) {
  uint64_t newest = 0;
  for (const Array& array : arrays) newest = array.exists() ? std::max(newest, array.node()->serial()) : newest;
  return newest;
}

void accumulate(Array& sum, Array term) {
  if (sum.exists()) sum = sum + term;
  else sum = std::move(term);
}

std::vector<Array> marked(std::span<const Array> inputs, const Flags& is_active) {
  std::vector<Array> marks(inputs.begin(), inputs.end());
  for (size_t i = 0; i < marks.size(); ++i) {
    if (is_active[i]) marks[i] = mark_argument(inputs[i]);
  }
  return marks;
}

Changes where_active(std::span<const Array> arrays, const Flags& is_active) {
  Changes out;
  for (size_t i = 0; i < arrays.size(); ++i) {
    if (is_active[i]) out.push_back(arrays[i]);
  }
  return out;
}

Changes spread(Changes packed, const Flags& is_active) {
  Changes out(is_active.size());
  for (size_t i = 0, next = 0; i < out.size(); ++i) {
    if (is_active[i]) out[i] = std::move(packed[next++]);
  }
  return out;
}

std::vector<Array> compose(const RecordedCall& call, std::span<const Array> inputs) {
  std::vector<Array> outputs = call.op.derivative.compose({call.op, call.args, inputs});
  if (outputs.size() < call.outputs.size() - static_cast<size_t>(call.op.hidden_outputs)) {
    fail_bug("the composition of ", call.op.name, " has ", outputs.size(), " outputs, the op ", call.outputs.size());
  }
  return outputs;
}

// The call as a rule for slopes sees it: with 16-bit floats as float32, in which squares stay in range; changes are rounded once, at the
// end. The output is computed again if the rule reads it: rounded, it has too few digits for 1 - y^2.
struct WideCall {
  explicit WideCall(const RecordedCall& call) : original(call), is_wide(call.outputs[0].dtype().is_16_bit()) {
    if (!is_wide) return;
    for (const Array& x : call.inputs) inputs.push_back(widened(x));
    outputs.push_back(apply(call.op, inputs, call.args));
  }
  Array slope(size_t input) const {
    const Derivative& derivative = original.op.derivative;
    return is_wide ? derivative.slope({{original.op, original.args, inputs}, outputs}, static_cast<int>(input))
                   : derivative.slope(original, static_cast<int>(input));
  }
  const RecordedCall& original;
  bool is_wide;
  std::vector<Array> inputs{}, outputs{};
};

// ---- reverse ----

// x -> y = f(x)  =>  dx_i = sum over the axes that x_i was broadcast along of (dy * df/dx_i)
Changes reverse_slopes(const RecordedCall& call, const Flags& is_active, const Array& cotangent) {
  Changes out(call.inputs.size());
  const WideCall wide(call);
  for (size_t i = 0; i < out.size(); ++i) {
    if (!is_active[i]) continue;
    const uint64_t began = newest_serial(call);
    const Array slope = wide.slope(i);
    if (!slope.exists()) continue;
    const Array change = scaled(wide.is_wide ? widened(cotangent) : cotangent, slope, began);
    if (change.exists()) out[i] = in_dtype_of(unbroadcast(change, call[i].shape()), call[i]);
  }
  return out;
}

Changes reverse_linear(const RecordedCall& call, const Flags& is_active, const Array& cotangent) {
  Changes out(call.inputs.size());
  for (size_t i = 0; i < out.size(); ++i) {
    if (!is_active[i]) continue;
    if (i < 32 && !(call.op.derivative.linear_inputs >> i & 1)) {
      fail(call.op.name, "it has no derivative in its input ", i, " (", call.op.inputs[std::min(i, call.op.inputs.size() - 1)].name, ")");
    }
    out[i] = call.op.derivative.transpose(call, static_cast<int>(i), cotangent);
  }
  return out;
}

Changes reverse_composition(const RecordedCall& call, const Flags& is_active, std::span<const Array> cotangents) {
  const std::vector<Array> marks = marked(call.inputs, is_active), outputs = compose(call, marks);
  if (outputs.size() < cotangents.size()) {
    for (size_t k = outputs.size(); k < cotangents.size(); ++k) {
      if (cotangents[k].exists()) fail_bug("the composition of ", call.op.name, " lacks the hidden output that a derivative reads");
    }
    cotangents = cotangents.first(outputs.size());
  }
  return spread(pull_back(outputs, cotangents, where_active(marks, is_active)), is_active);
}

// Rules see zeros where nothing arrived, but for hidden outputs.
Changes with_zeros(const RecordedCall& call, std::span<const Array> cotangents) {
  Changes out(cotangents.begin(), cotangents.end());
  if (call.op.takes_empty_cotangents) return out;
  const size_t visible = out.size() - static_cast<size_t>(call.op.hidden_outputs);
  for (size_t k = 0; k < visible; ++k) {
    if (!out[k].exists() && call.outputs[k].dtype().is_float()) out[k] = zero_change(call.outputs[k]);
  }
  return out;
}

bool has_hidden_change(const RecordedCall& call, std::span<const Array> changes) {
  for (size_t k = changes.size() - static_cast<size_t>(call.op.hidden_outputs); k < changes.size(); ++k) {
    if (changes[k].exists()) return true;
  }
  return false;
}

// The cotangents of the inputs, through the forward rule: it is linear in the tangents, so its transpose is the reverse rule.
Changes reverse_by_transposing(const RecordedCall& call, const Flags& is_active, std::span<const Array> cotangents) {
  Changes symbols(call.inputs.size());
  for (size_t i = 0; i < symbols.size(); ++i) {
    if (is_active[i]) symbols[i] = make_placeholder(call[i].aval());
  }
  const Changes tangents = call.op.derivative.forward(call, symbols), arguments = where_active(symbols, is_active);
  Changes out = pull_back(tangents, cotangents, arguments);
  if (!nodes_between(arguments, out).empty()) {
    fail(call.op.name, "its forward rule is not linear in the tangent, so reverse mode cannot be derived from it; give a reverse rule");
  }
  return spread(std::move(out), is_active);
}

Changes reverse(const RecordedCall& call, const Flags& is_active, std::span<const Array> cotangents) {
  const Derivative& rule = call.op.derivative;
  switch (rule.kind) {
    case Kind::slopes: return reverse_slopes(call, is_active, cotangents[0]);
    case Kind::linear: return reverse_linear(call, is_active, cotangents[0]);
    case Kind::composed:
      if (!rule.reverse || has_hidden_change(call, cotangents)) return reverse_composition(call, is_active, cotangents);
      return rule.reverse(call, with_zeros(call, cotangents));
    case Kind::from_output: return rule.reverse(call, with_zeros(call, cotangents));
    case Kind::custom:
      return rule.reverse ? rule.reverse(call, with_zeros(call, cotangents)) : reverse_by_transposing(call, is_active, cotangents);
    case Kind::not_differentiable: break;
  }
  fail_kind(call.op);
}

// ---- forward ----

Changes forward_slopes(const RecordedCall& call, std::span<const Array> tangents) {
  Array sum;
  const WideCall wide(call);
  for (size_t i = 0; i < tangents.size(); ++i) {
    if (!tangents[i].exists()) continue;
    const uint64_t began = newest_serial(call);
    const Array slope = wide.slope(i);
    if (!slope.exists()) continue;
    Array term = scaled(wide.is_wide ? widened(tangents[i]) : tangents[i], slope, began);
    if (term.exists()) accumulate(sum, std::move(term));
  }
  if (sum.exists()) sum = in_dtype_of(sum, call.outputs[0]);
  if (sum.exists() && sum.shape() != call.outputs[0].shape()) sum = broadcast_to(sum, call.outputs[0].shape());
  return {sum};
}

// The tangents of the outputs, through the reverse rule u -> J^T u: it is linear, and its transpose at t is J t.
template <class Rule>
Changes forward_by_transposing(const RecordedCall& call, std::span<const Array> tangents, const Rule& rule) {
  Changes symbols;
  for (const Array& output : call.outputs) symbols.push_back(output.dtype().is_float() ? make_placeholder(output.aval()) : Array());
  Flags is_float;
  for (const Array& symbol : symbols) is_float.push_back(symbol.exists());
  const Changes arguments = where_active(symbols, is_float);
  Changes cotangents = rule(symbols);
  cotangents.resize(tangents.size());
  for (size_t i = 0; i < cotangents.size(); ++i) {
    if (!tangents[i].exists()) cotangents[i] = Array();
  }
  Changes out = pull_back(cotangents, tangents, arguments);
  if (!nodes_between(arguments, out).empty()) {
    fail(call.op.name, "its reverse rule is not linear in the cotangent, so forward mode cannot be derived from it; give a forward rule");
  }
  return spread(std::move(out), is_float);
}

// A function linear in one input: itself, with the tangent in place of the input. Of several inputs it may be linear in each (a product) or
// in all at once (a sum); the transpose of its transpose serves both.
Changes forward_linear(const RecordedCall& call, std::span<const Array> tangents) {
  const size_t count = call.inputs.size();
  const uint32_t linear = count < 32 ? call.op.derivative.linear_inputs & ((1u << count) - 1) : ~0u;
  for (size_t i = 0; i < count && i < 32; ++i) {
    if (tangents[i].exists() && !(linear >> i & 1)) {
      fail(call.op.name, "it has no derivative in its input ", i, " (", call.op.inputs[std::min(i, call.op.inputs.size() - 1)].name, ")");
    }
  }
  if (std::has_single_bit(linear)) {
    std::vector<Array> inputs(call.inputs.begin(), call.inputs.end());
    for (size_t i = 0; i < count; ++i) {
      if (tangents[i].exists()) inputs[i] = tangents[i];
    }
    return {apply(call.op, inputs, call.args)};
  }
  return forward_by_transposing(call, tangents, [&](std::span<const Array> symbols) {
    Changes out(count);
    for (size_t i = 0; i < count; ++i) {
      if (tangents[i].exists()) out[i] = call.op.derivative.transpose(call, static_cast<int>(i), symbols[0]);
    }
    return out;
  });
}

Changes forward_composition(const RecordedCall& call, std::span<const Array> tangents) {
  Flags is_active;
  for (const Array& tangent : tangents) is_active.push_back(tangent.exists());
  const std::vector<Array> marks = marked(call.inputs, is_active), outputs = compose(call, marks);
  Changes out = push_forward(where_active(marks, is_active), where_active(tangents, is_active), outputs);
  out.resize(call.outputs.size());
  return out;
}

Changes forward(const RecordedCall& call, std::span<const Array> tangents) {
  const Derivative& rule = call.op.derivative;
  switch (rule.kind) {
    case Kind::slopes: return forward_slopes(call, tangents);
    case Kind::linear: return forward_linear(call, tangents);
    case Kind::composed: return forward_composition(call, tangents);
    case Kind::custom:
      if (rule.forward) return rule.forward(call, tangents);
      [[fallthrough]];
    case Kind::from_output:
      return forward_by_transposing(call, tangents, [&](std::span<const Array> symbols) { return rule.reverse(call, symbols); });
    case Kind::not_differentiable: break;
  }
  fail_kind(call.op);
}

bool any_float_output(const Node* node) {
  for (uint32_t k = 0; k < node->output_count(); ++k) {
    if (node->output(k).aval.dtype.is_float()) return true;
  }
  return false;
}

template <class ChangeList>
bool any(const ChangeList& changes) {
  return std::any_of(changes.begin(), changes.end(), [](const auto& change) { return change.exists(); });
}

// Runs a rule: what it records and what it throws names the module that recorded the node, and the op. An op that stands for a graph is no
// origin: the graph's own ops are.
template <class Rule>
Changes with_path(const Node* node, const Rule& rule) {
  const OpDef& op = node->op();
  const AtPlaceOf place = op.host || op.expand ? AtPlaceOf(node->path()) : AtPlaceOf(node->path(), op.name);
  try {
    return rule();
  } catch (Error& error) {
    if (!node->path().empty()) error.set_path(node->path());
    throw;
  }
}

void pull_back_node(Node* node, ChangeTable<ChangeSum>& table, uint64_t began) {
  const std::span<ChangeSum> own = table.of(node);
  if (!any(own)) return;
  const NodeCall recorded(node);
  const std::span<const Edge> edges = node->inputs();
  Flags is_active(edges.size());
  bool has_active = false;
  for (size_t i = 0; i < edges.size(); ++i) has_active |= is_active[i] = table.has(edges[i].node) && recorded.inputs[i].dtype().is_float();
  if (!has_active) return;
  Changes cotangents;
  for (ChangeSum& sum : own) cotangents.push_back(std::exchange(sum, {}).total(began));
  Changes changes = with_path(node, [&] { return reverse(recorded.call, is_active, cotangents); });
  for (size_t i = 0; i < edges.size() && i < changes.size(); ++i) {
    if (is_active[i] && changes[i].exists()) {
      table.of(edges[i].node, edges[i].index).add(as_change_of(node->op(), changes[i], recorded.inputs[i]), began);
    }
  }
}

void push_forward_node(Node* node, ChangeTable<Array>& table) {
  if (!any_float_output(node)) return;
  const std::span<const Edge> edges = node->inputs();
  Changes tangents(edges.size());
  for (size_t i = 0; i < edges.size(); ++i) {
    if (table.has(edges[i].node)) tangents[i] = table.of(edges[i].node, edges[i].index);
  }
  if (!any(tangents)) return;
  const NodeCall recorded(node);
  Changes changes = with_path(node, [&] { return forward(recorded.call, tangents); });
  for (size_t k = 0; k < recorded.outputs.size() && k < changes.size(); ++k) {
    const Array& output = recorded.outputs[k];
    if (changes[k].exists() && output.dtype().is_float())
      table.of(node, static_cast<uint32_t>(k)) = as_change_of(node->op(), changes[k], output);
  }
}

}  // namespace

std::vector<Array> pull_back(std::span<const Array> outputs, std::span<const Array> cotangents, std::span<const Array> arguments) {
  const std::vector<Node*> nodes = nodes_between(arguments, outputs);
  ChangeTable<ChangeSum> table(arguments, nodes);
  const uint64_t began = std::max(newest_serial(outputs), newest_serial(cotangents));
  for (size_t k = 0; k < outputs.size(); ++k) {
    if (!outputs[k].exists() || !cotangents[k].exists() || !outputs[k].dtype().is_float() || !table.has(outputs[k].node())) continue;
    table.of(outputs[k].node(), outputs[k].output_index()).add(in_dtype_of(cotangents[k], outputs[k]), began);
  }
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) pull_back_node(*node, table, began);
  std::vector<Array> out;
  for (const Array& argument : arguments) out.push_back(table.of(argument.node(), argument.output_index()).total(began));
  return out;
}

std::vector<Array> push_forward(std::span<const Array> arguments, std::span<const Array> tangents, std::span<const Array> outputs) {
  const std::vector<Node*> nodes = nodes_between(arguments, outputs);
  ChangeTable<Array> table(arguments, nodes);
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (tangents[i].exists() && arguments[i].dtype().is_float()) {
      table.of(arguments[i].node(), arguments[i].output_index()) = in_dtype_of(tangents[i], arguments[i]);
    }
  }
  for (Node* node : nodes) push_forward_node(node, table);
  std::vector<Array> out;
  for (const Array& output : outputs) {
    out.push_back(output.exists() && table.has(output.node()) ? table.of(output.node(), output.output_index()) : Array());
  }
  return out;
}

Array zeros_if_empty(const Array& change, const Array& x) { return change.exists() ? change : zero_change(x); }

Array zero_change(const Array& x) { return x.is_weak() ? Array(0.0) : zeros(x.shape(), x.dtype()); }
Array unit_change(const Array& x) { return x.is_weak() ? Array(1.0) : ones(x.shape(), x.dtype()); }

}  // namespace gradus::core
