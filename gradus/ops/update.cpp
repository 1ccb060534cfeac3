// Steps of optimisers: fused ops with the compositions that they are equal to.
#include "gradus/ops/update.hpp"

#include "gradus/base/error.hpp"
#include "gradus/cpu/reduce/finite.hpp"
#include "gradus/cpu/update/adam.hpp"
#include "gradus/ops/batch.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/families.hpp"

namespace gradus::rule {

namespace {

struct AdamArgs {
  double beta_1 = 0.9, beta_2 = 0.999;
  GRADUS_FIELDS(beta_1, beta_2)
};

constexpr DTypeSet wide = only(float32) | only(float64);
constexpr Input adam_inputs[] = {{"p", wide},          {"g", wide},
                                 {"m", wide},          {"v", wide},
                                 {"rate", only(float64)}, {"epsilon", only(float64)}, {"keep", only(float64)}};

std::vector<Aval> infer_adam(const Call& call) {
  for (size_t i = 1; i < 4; ++i) {
    if (call[i].shape() == call[0].shape() && call[i].dtype() == call[0].dtype()) continue;
    fail(call.op.name, call.op.inputs[i].name, " is ", call[i].dtype(), " ", call[i].shape(), " and p is ", call[0].dtype(), " ",
         call[0].shape(), "; they must be equal");
  }
  for (size_t i = 4; i < 7; ++i) {
    if (call[i].rank() != 0) fail(call.op.name, call.op.inputs[i].name, " is ", call[i].shape(), "; it must have rank 0");
  }
  return std::vector<Aval>(3, Aval{call[0].dtype(), call[0].shape(), false});
}

std::vector<Array> compose_adam(const Call& call) {
  const AdamArgs& args = call.as<AdamArgs>();
  const DType dtype = call[0].dtype();
  const Array &p = call[0], &g = call[1], rate = call[4].astype(dtype), epsilon = call[5].astype(dtype), keep = call[6].astype(dtype);
  const Array m = args.beta_1 * call[2] + (1 - args.beta_1) * g, v = args.beta_2 * call[3] + (1 - args.beta_2) * square(g);
  return {keep * p - rate * m / (sqrt(v) + epsilon), m, v};
}

backend::KernelPtr prepare_adam(const KernelCall& call) {
  const AdamArgs& args = call.as<AdamArgs>();
  return cpu::prepare_adam(call.inputs[0].dtype, call.inputs[0].size(), {args.beta_1, args.beta_2});
}

constinit const OpDef adam_update_op{.name = "adam_update",
                                     .inputs = adam_inputs,
                                     .args = args_of<AdamArgs>,
                                     .infer = infer_adam,
                                     .derivative = composed(compose_adam),
                                     .kernel = {.prepare = prepare_adam, .in_place = {{0, 0}, {1, 2}, {2, 3}}}};

constexpr Input finite_inputs[] = {{"x", floats}};
backend::KernelPtr prepare_finite(const KernelCall& call) { return cpu::prepare_finite(call.inputs[0].dtype, call.inputs[0].size()); }
// y = x  =>  dx = dy
std::vector<Array> same(const RecordedCall&, std::span<const Array> changes) { return {changes.begin(), changes.end()}; }

// A kernel that reports bad values runs before all updates (gradus/plan/lower.cpp).
constinit const OpDef finite_op{.name = "finite",
                                .inputs = finite_inputs,
                                .infer = same_as_first,
                                .derivative = custom(same, same),
                                .batch = batch_by_loop,
                                .kernel = {prepare_finite}};

}  // namespace

AdamUpdate adam_update(const Array& p, const Array& g, const Array& m, const Array& v, const Array& rate, const Array& epsilon,
                       const Array& keep, double beta_1, double beta_2) {
  std::vector<Array> out = apply_all(adam_update_op, {p, g, m, v, rate, epsilon, keep}, AdamArgs{beta_1, beta_2});
  return {std::move(out[0]), std::move(out[1]), std::move(out[2])};
}

Array finite(const Array& x) { return apply(finite_op, {x}); }

std::span<const OpDef* const> update_ops() {
  static constexpr const OpDef* ops[] = {&adam_update_op, &finite_op};
  return ops;
}

}  // namespace gradus::rule
