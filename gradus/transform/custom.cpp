// Ops with a derivative that the user wrote: two closed graphs, the function and its rule.
#include "gradus/transform/custom.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/transform/all_ops.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/transform/batching.hpp"
#include "gradus/transform/differentiate.hpp"
#include "gradus/transform/graph_op.hpp"

namespace gradus {

using namespace core;

namespace {

// Inputs of the op: the arguments, what the function captured, what the rule captured. Parameters of the rule: changes (one an output for
// custom_vjp, one an argument for custom_jvp), outputs, arguments, captures. The rule's outputs are changes of those in `given`.
struct CustomArgs {
  SubgraphPtr function{}, rule{};
  int64_t arguments = 0, outputs = 0, function_captures = 0;
  std::vector<int64_t> given{};
  GRADUS_FIELDS(function, rule, arguments, outputs, function_captures, given)
};

using Arrays = std::vector<Array>;

std::vector<Aval> infer_custom(const Call& call) { return output_avals(*call.as<CustomArgs>().function); }

Arrays expand_custom(const Call& call) {
  const CustomArgs& args = call.as<CustomArgs>();
  return args.function->call(call.inputs.first(static_cast<size_t>(args.arguments + args.function_captures)));
}

// Calls the rule; its results at their places among `count`.
Arrays call_rule(const RecordedCall& call, Arrays inputs, size_t count) {
  const CustomArgs& args = call.as<CustomArgs>();
  append(inputs, call.outputs.first(static_cast<size_t>(args.outputs)));
  append(inputs, call.inputs.first(static_cast<size_t>(args.arguments)));
  append(inputs, call.inputs.subspan(static_cast<size_t>(args.arguments + args.function_captures)));
  const Arrays results = args.rule->call(inputs);
  Arrays out(count);
  for (size_t i = 0; i < results.size(); ++i) out[static_cast<size_t>(args.given[i])] = results[i];
  return out;
}

Arrays complete(std::span<const Array> changes, std::span<const Array> like) {
  Arrays out;
  for (size_t i = 0; i < like.size(); ++i) out.push_back(zeros_if_empty(changes[i], like[i]));
  return out;
}

// dx = rule(dy, y, x)
Arrays reverse_custom(const RecordedCall& call, std::span<const Array> cotangents) {
  const size_t outputs = static_cast<size_t>(call.as<CustomArgs>().outputs);
  return call_rule(call, complete(cotangents.first(outputs), call.outputs.first(outputs)), call.inputs.size());
}
// dy = rule(dx, y, x)
Arrays forward_custom(const RecordedCall& call, std::span<const Array> tangents) {
  const size_t arguments = static_cast<size_t>(call.as<CustomArgs>().arguments);
  return call_rule(call, complete(tangents.first(arguments), call.inputs.first(arguments)), call.outputs.size());
}

// A change of something that all examples share is the sum of theirs.
SubgraphPtr sum_shared(const BatchedSubgraph& batched, std::span<const uint8_t> is_shared) {
  Arrays outputs = batched.graph->outputs();
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (is_shared[i] && batched.is_batched[i]) outputs[i] = sum(outputs[i], 0);
  }
  return std::make_shared<const Subgraph>(batched.graph->parameters(), std::move(outputs));
}

Arrays batch_custom(const Call& call, std::span<const bool> is_batched, int64_t batch_size, bool is_forward) {
  CustomArgs args = call.as<CustomArgs>();
  const ByteFlags flags = as_flags(is_batched);
  const std::span<const uint8_t> all(flags), own = all.first(static_cast<size_t>(args.arguments)),
                                 captures = all.subspan(static_cast<size_t>(args.arguments + args.function_captures));
  const ByteFlags outputs_batched = all_of(static_cast<size_t>(args.outputs));
  ByteFlags rule_flags;
  append(rule_flags, is_forward ? own : std::span<const uint8_t>(outputs_batched));
  append(rule_flags, std::span<const uint8_t>(outputs_batched));
  append(rule_flags, own);
  append(rule_flags, captures);
  ByteFlags force, is_shared;
  for (const int64_t place : args.given) {
    is_shared.push_back(!is_forward && !own[static_cast<size_t>(place)]);
    force.push_back(!is_shared.back());
  }
  const BatchedSubgraph rule = batch_subgraph(*args.rule, rule_flags, force, batch_size);
  args.function =
      batch_subgraph(*args.function, all.first(all.size() - captures.size()), all_of(args.function->outputs().size()), batch_size).graph;
  args.rule = sum_shared(rule, is_shared);
  return apply_all(call.op, call.inputs, std::move(args));
}
Arrays batch_custom_vjp(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  return batch_custom(call, is_batched, batch_size, false);
}
Arrays batch_custom_jvp(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  return batch_custom(call, is_batched, batch_size, true);
}

constexpr OpDef custom_op(std::string_view name, Derivative derivative, BatchRule batch) {
  return {.name = name,
          .inputs = graph_op_inputs,
          .is_variadic = true,
          .args = args_of<CustomArgs>,
          .infer = infer_custom,
          .derivative = derivative,
          .batch = batch,
          .expand = expand_custom};
}
constinit const OpDef custom_vjp_op = custom_op("custom_vjp", custom(reverse_custom, nullptr), batch_custom_vjp);
constinit const OpDef custom_jvp_op = custom_op("custom_jvp", custom(nullptr, forward_custom), batch_custom_jvp);

}  // namespace

Array stop_gradient(const Array& x) { return apply(stop_gradient_op, {x}); }

namespace core {

void CustomCall::end_function(std::vector<Array> outputs) {
  outputs_ = outputs;
  function_ = recording_->close(std::move(outputs));
  rule_.emplace(kind_);
}

Array CustomCall::change_of(const Array& x) { return rule_->add_symbol({x.dtype(), x.shape(), x.is_weak()}); }
Array CustomCall::rule_argument(const Array& x) { return rule_->add(x); }

std::vector<Array> CustomCall::end_rule(std::vector<Array> changes) {
  const bool is_forward = kind_ == TraceKind::jvp;
  const std::string_view name = is_forward ? "custom_jvp" : "custom_vjp";
  const std::vector<Array>& targets = is_forward ? outputs_ : inputs_;
  const std::string_view target = is_forward ? "output " : "argument ", change = is_forward ? "tangent" : "cotangent";
  if (changes.size() != targets.size()) {
    fail(name, "the rule returned ", changes.size(), " ", change, "s for ", targets.size(), " arrays; there must be one for each");
  }
  CustomArgs args;
  std::vector<Array> results;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (!changes[i].exists() || !targets[i].dtype().is_float()) continue;
    if (changes[i].shape() != targets[i].shape()) {
      fail(name, "the rule gives a ", change, " ", changes[i].shape(), " for ", target, i, " of shape ", targets[i].shape(),
           "; they must be equal");
    }
    results.push_back(targets[i].is_weak() || changes[i].dtype() == targets[i].dtype() ? changes[i]
                                                                                       : changes[i].astype(targets[i].dtype()));
    args.given.push_back(static_cast<int64_t>(i));
  }
  Closure rule = rule_->close(std::move(results));
  rule_->refuse_writes();
  std::vector<Array> all = inputs_;
  append(all, std::span<const Array>(function_.captured));
  append(all, std::span<const Array>(rule.captured));
  args.arguments = static_cast<int64_t>(inputs_.size());
  args.outputs = static_cast<int64_t>(outputs_.size());
  args.function_captures = static_cast<int64_t>(function_.captured.size());
  args.function = std::move(function_.graph);
  args.rule = std::move(rule.graph);
  std::vector<Array> out = apply_all(is_forward ? custom_jvp_op : custom_vjp_op, all, std::move(args));
  recording_->write_back(std::span(out).subspan(outputs_.size()));
  out.resize(outputs_.size());
  return out;
}

}  // namespace core

std::span<const OpDef* const> core::custom_derivative_ops() {
  static constexpr const OpDef* ops[] = {&custom_vjp_op, &custom_jvp_op};
  return ops;
}

}  // namespace gradus
