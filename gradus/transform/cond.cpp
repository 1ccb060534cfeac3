// The op of cond: one of two closed graphs over the same arguments.
#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/batching.hpp"
#include "gradus/transform/control.hpp"
#include "gradus/transform/control_ops.hpp"
#include "gradus/transform/differentiate.hpp"
#include "gradus/transform/prepared_graph.hpp"

namespace gradus {

using namespace core;

namespace {

using Arrays = std::vector<Array>;
using ConstArrays = std::span<const Array>;

// Inputs: the predicate, then the parameters that both graphs have.
struct CondArgs {
  SubgraphPtr yes{}, no{};
  GRADUS_FIELDS(yes, no)
};

std::vector<Aval> infer_cond(const Call& call) { return output_avals(*call.as<CondArgs>().yes); }

Arrays run_cond(const Call& call, std::span<const bool> is_output_needed) {
  const bool is_yes = call[0].item<bool>();
  const SubgraphPtr& graph = is_yes ? call.as<CondArgs>().yes : call.as<CondArgs>().no;
  Arrays arguments;
  for (const Array& input : call.inputs.subspan(1)) arguments.push_back(detached(input));
  return PreparedGraph(*graph, as_flags(is_output_needed)).run(arguments, false);
}

// The same derivative of both branches: `differentiate(graph, symbols)` gives the outputs of the new branch.
template <class F>
CondArgs each_branch(const CondArgs& args, const std::vector<Aval>& avals, const F& differentiate) {
  const auto branch = [&](const Subgraph& graph) {
    Arrays symbols;
    for (const Aval& aval : avals) symbols.push_back(make_placeholder(aval));
    return make_graph(std::move(symbols), [&](const Arrays& all) { return differentiate(graph, all); });
  };
  return {branch(*args.yes), branch(*args.no)};
}

std::vector<Aval> avals_of(ConstArrays arrays) {
  std::vector<Aval> avals;
  for (const Array& array : arrays) avals.push_back(array.aval());
  return avals;
}

// The parameters and the changes that exist, as inputs of the derived op.
Arrays with_changes(const Call& call, ConstArrays changes) {
  Arrays inputs(call.inputs.begin(), call.inputs.end());
  for (const Array& change : changes) {
    if (change.exists()) inputs.push_back(change);
  }
  return inputs;
}
// The changes' symbols at their places.
Arrays spread(ConstArrays symbols, ConstArrays changes) {
  Arrays out(changes.size());
  for (size_t i = 0, next = 0; i < changes.size(); ++i) {
    if (changes[i].exists()) out[i] = symbols[next++];
  }
  return out;
}

// y = p ? f(x) : g(x)  =>  dx = p ? J_f^T dy : J_g^T dy
Arrays reverse_cond(const RecordedCall& call, ConstArrays cotangents) {
  const Arrays inputs = with_changes(call, cotangents);
  const size_t count = call.inputs.size() - 1;
  const auto pull = [&](const Subgraph& graph, ConstArrays symbols) {
    const ConstArrays parameters = symbols.first(count);
    Arrays pulled = pull_back(graph.call(parameters), spread(symbols.subspan(count), cotangents), parameters), out;
    for (size_t i = 0; i < count; ++i) {
      if (!parameters[i].dtype().is_float()) continue;
      const Array change = zeros_if_empty(pulled[i], parameters[i]);
      out.push_back(parameters[i].is_weak() ? change.astype(parameters[i].dtype()) : change);  // the same dtype in both branches
    }
    return out;
  };
  const Arrays results = apply_all(cond_op, inputs, each_branch(call.as<CondArgs>(), avals_of(ConstArrays(inputs).subspan(1)), pull));
  Arrays out(call.inputs.size());
  for (size_t i = 1, next = 0; i < out.size(); ++i) {
    if (call[i].dtype().is_float()) out[i] = results[next++];
  }
  return out;
}

// dy = p ? J_f dx : J_g dx
Arrays forward_cond(const RecordedCall& call, ConstArrays tangents) {
  const ConstArrays changes = tangents.subspan(1);
  const Arrays inputs = with_changes(call, changes);
  const size_t count = call.inputs.size() - 1;
  const auto push = [&](const Subgraph& graph, ConstArrays symbols) {
    const ConstArrays parameters = symbols.first(count);
    const Arrays outputs = graph.call(parameters), pushed = push_forward(parameters, spread(symbols.subspan(count), changes), outputs);
    Arrays out;
    for (size_t k = 0; k < outputs.size(); ++k) {
      if (outputs[k].dtype().is_float()) out.push_back(zeros_if_empty(pushed[k], outputs[k]));
    }
    return out;
  };
  const Arrays results = apply_all(cond_op, inputs, each_branch(call.as<CondArgs>(), avals_of(ConstArrays(inputs).subspan(1)), push));
  Arrays out(call.outputs.size());
  for (size_t k = 0, next = 0; k < out.size(); ++k) {
    if (call.outputs[k].dtype().is_float()) out[k] = results[next++];
  }
  return out;
}

Arrays batch_cond(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const CondArgs& args = call.as<CondArgs>();
  const ByteFlags flags = as_flags(is_batched.subspan(1)), force = all_of(args.yes->outputs().size());
  const CondArgs batched{batch_subgraph(*args.yes, flags, force, batch_size).graph,
                         batch_subgraph(*args.no, flags, force, batch_size).graph};
  if (!is_batched[0]) return apply_all(cond_op, call.inputs, batched);
  Arrays yes = batched.yes->call(call.inputs.subspan(1));
  const Arrays no = batched.no->call(call.inputs.subspan(1));
  for (size_t k = 0; k < yes.size(); ++k) {
    Dims sizes(static_cast<size_t>(yes[k].rank()), 1);
    sizes[0] = batch_size;
    yes[k] = where(reshape(call[0], NewShape(Shape(sizes))), yes[k], no[k]);
  }
  return yes;
}

constexpr Input cond_inputs[] = {{"predicate", bools}, {"x"}};

// Outputs in which the branches can meet: a number takes the dtype that the other branch has.
void reconcile(Arrays& yes, Arrays& no) {
  if (yes.size() != no.size())
    fail("cond", "one function returns ", yes.size(), " arrays, the other ", no.size(), "; they must return the same");
  for (size_t k = 0; k < yes.size(); ++k) {
    if (yes[k].is_weak() && !no[k].is_weak()) yes[k] = yes[k].astype(no[k].dtype());
    if (no[k].is_weak() && !yes[k].is_weak()) no[k] = no[k].astype(yes[k].dtype());
    if (yes[k].shape() == no[k].shape() && yes[k].dtype() == no[k].dtype()) continue;
    fail("cond", "for output ", k, " one function returns ", yes[k].shape(), " ", yes[k].dtype(), ", the other ", no[k].shape(), " ",
         no[k].dtype(), "; they must be equal");
  }
}

}  // namespace

constinit const OpDef core::cond_op{.name = "cond",
                                    .inputs = cond_inputs,
                                    .is_variadic = true,
                                    .args = args_of<CondArgs>,
                                    .infer = infer_cond,
                                    .derivative = custom(reverse_cond, forward_cond),
                                    .batch = batch_cond,
                                    .host = run_cond,
                                    .takes_empty_cotangents = true};

std::vector<Array> core::apply_cond(const Array& predicate, const std::vector<Array>& arguments, CondBranches branches) {
  if (!predicate.exists() || predicate.rank() != 0 || !predicate.dtype().is_bool()) {
    fail("cond", "the predicate is ", predicate.exists() ? concat(predicate.shape(), " ", predicate.dtype()) : "empty",
         "; it must be a bool scalar");
  }
  // Parameters of both: arguments, captures of yes, captures of no.
  const size_t shared = arguments.size();
  Arrays inputs{predicate};
  append(inputs, ConstArrays(arguments));
  append(inputs, ConstArrays(branches.yes.captured));
  append(inputs, ConstArrays(branches.no.captured));
  Arrays yes = branches.yes.graph->outputs(), no = branches.no.graph->outputs();
  reconcile(yes, no);
  const auto placeholders = [&](const Subgraph& graph, size_t offset) {
    Arrays symbols;
    for (const Array& input : ConstArrays(inputs).subspan(1)) symbols.push_back(make_placeholder(input.aval()));
    const ConstArrays own(graph.parameters());
    std::copy(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(shared), symbols.begin());
    std::copy(own.begin() + static_cast<std::ptrdiff_t>(shared), own.end(), symbols.begin() + static_cast<std::ptrdiff_t>(offset));
    return symbols;
  };
  CondArgs args{std::make_shared<const Subgraph>(placeholders(*branches.yes.graph, shared), yes),
                std::make_shared<const Subgraph>(placeholders(*branches.no.graph, shared + branches.yes.captured.size()), no)};
  return apply_all(cond_op, inputs, std::move(args));
}

}  // namespace gradus
