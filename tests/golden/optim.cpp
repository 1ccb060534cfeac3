// Golden optimisers, schedules and initialisers.
#include <cmath>

#include "tests/golden/optimizers.hpp"

namespace golden {

using namespace gradus;

optim::Optimizer make_optimizer(const std::string& name, const Json& parameters) {
  const Arguments none;
  const Call p(none, parameters, float64);
  const double decay = p.number("weight_decay", name == "AdamW" ? 0.01 : 0.0), rate = p.number("lr", name == "Adadelta" ? 1.0 : 1e-3);
  const bool has_betas = p.is_set("betas");
  const double beta_1 = has_betas ? parameters["betas"][0].get<double>() : 0.9, beta_2 = has_betas ? parameters["betas"][1].get<double>() : 0.999;
  const bool amsgrad = p.flag("amsgrad");
  if (name == "SGD") {
    return optim::SGD(rate, {.momentum = p.number("momentum", 0), .nesterov = p.flag("nesterov"), .weight_decay = decay,
                             .dampening = p.number("dampening", 0)});
  }
  if (name == "Adam")
    return optim::Adam(rate, {.beta_1 = beta_1, .beta_2 = beta_2, .epsilon = p.number("eps", 1e-8), .weight_decay = decay, .amsgrad = amsgrad});
  if (name == "AdamW")
    return optim::AdamW(rate, {.beta_1 = beta_1, .beta_2 = beta_2, .epsilon = p.number("eps", 1e-8), .weight_decay = decay, .amsgrad = amsgrad});
  if (name == "Adamax")
    return optim::Adamax(rate, {.beta_1 = beta_1, .beta_2 = beta_2, .epsilon = p.number("eps", 1e-8), .weight_decay = decay});
  if (name == "NAdam") {
    return optim::Nadam(rate, {.beta_1 = beta_1, .beta_2 = beta_2, .epsilon = p.number("eps", 1e-8), .weight_decay = decay,
                               .momentum_decay = p.number("momentum_decay", 4e-3)});
  }
  if (name == "RAdam")
    return optim::RAdam(rate, {.beta_1 = beta_1, .beta_2 = beta_2, .epsilon = p.number("eps", 1e-8), .weight_decay = decay});
  if (name == "RMSprop") {
    return optim::RMSprop(rate, {.rho = p.number("alpha", 0.99), .epsilon = p.number("eps", 1e-8), .momentum = p.number("momentum", 0),
                                 .weight_decay = decay, .centered = p.flag("centered")});
  }
  if (name == "Adagrad") {
    return optim::Adagrad(rate, {.initial_accumulator = p.number("initial_accumulator_value", 0), .epsilon = p.number("eps", 1e-10),
                                 .rate_decay = p.number("lr_decay", 0), .weight_decay = decay});
  }
  if (name == "Adadelta") return optim::Adadelta(rate, {.rho = p.number("rho", 0.9), .epsilon = p.number("eps", 1e-6), .weight_decay = decay});
  if (name == "Rprop") {
    optim::RpropOptions options;
    if (p.is_set("etas")) options.shrink = parameters["etas"][0], options.grow = parameters["etas"][1];
    if (p.is_set("step_sizes")) options.smallest_step = parameters["step_sizes"][0], options.largest_step = parameters["step_sizes"][1];
    return optim::Rprop(rate, options);
  }
  throw NotCovered("the optimiser " + name);
}

namespace {

// Step k uses grads[k], whatever p is.
Results fixed_gradients(const Call& c) {
  optim::Optimizer optimizer = make_optimizer(c.text("optimizer"), c.attrs());
  Array p = c["p0"];
  const double sign = c.flag("maximize") ? -1 : 1;
  std::vector<Array> trace{p};
  for (int64_t k = 0; k < c.integer("steps"); ++k) {
    optimizer.step(p, (sign * c["grads"][k]).eval());
    trace.push_back(p);
  }
  return stack(trace);
}
// 1/2 w^T A w - c^T w + sum_i (b (r[i+1] - r[i]^2)^2 + (1 - r[i])^2)
Results of_objective(const Call& c) {
  optim::Optimizer optimizer = make_optimizer(c.text("optimizer"), c.attrs());
  const double b = c.number("rosenbrock_b");
  const auto objective = [&](const std::vector<Array>& p) -> Array {
    const Array &w = p[0], &r = p[1], here = r[slice(-1)], next = r[slice(1, {})];
    return 0.5 * sum(w * matmul(c["A"], w)) - sum(c["c"] * w) + sum(b * square(next - square(here)) + square(1 - here));
  };
  std::vector<Array> p{c["w0"], c["r0"]}, ws{p[0]}, rs{p[1]}, losses;
  for (int64_t k = 0; k < c.integer("steps"); ++k) {
    auto [value, grads] = value_and_grad(objective)(p);
    optimizer.step(p, grads);
    ws.push_back(p[0]);
    rs.push_back(p[1]);
    losses.push_back(value);
  }
  return {{"w", stack(ws)}, {"r", stack(rs)}, {"loss", stack(losses)}};
}
// Two parameters, each with its own optimiser; q has no gradient on odd steps.
Results param_groups(const Call& c) {
  optim::Optimizer of_p = make_optimizer(c.text("optimizer"), c.attrs()["group_p"]), of_q = make_optimizer(c.text("optimizer"), c.attrs()["group_q"]);
  Array p = c["p0"], q = c["q0"];
  std::vector<Array> ps{p}, qs{q};
  for (int64_t k = 0; k < c.integer("steps"); ++k) {
    of_p.step(p, c["grads_p"][k]);
    if (k % 2 == 0) of_q.step(q, c["grads_q"][k]);
    ps.push_back(p);
    qs.push_back(q);
  }
  return {{"p", stack(ps)}, {"q", stack(qs)}};
}
Results clip_norm(const Call& c) {
  if (c.number("norm_type") != 2) throw NotCovered("clipping by a norm that is not Euclidean");
  const std::vector<Array> grads{c["grad_a"], c["grad_b"]}, clipped = clip_by_norm(grads, c.number("max_norm"));
  return {{"total_norm", optim::global_norm(grads)}, {"grad_a", clipped[0]}, {"grad_b", clipped[1]}};
}

const Entry optimizers[] = {
    {"sgd_fixed", fixed_gradients},      {"sgd_objective", of_objective},      {"adam_fixed", fixed_gradients},
    {"adam_objective", of_objective},    {"adamw_fixed", fixed_gradients},     {"adamw_objective", of_objective},
    {"adamax_fixed", fixed_gradients},   {"adamax_objective", of_objective},   {"nadam_fixed", fixed_gradients},
    {"nadam_objective", of_objective},   {"radam_fixed", fixed_gradients},     {"radam_objective", of_objective},
    {"rmsprop_fixed", fixed_gradients},  {"rmsprop_objective", of_objective},  {"adagrad_fixed", fixed_gradients},
    {"adagrad_objective", of_objective}, {"adadelta_fixed", fixed_gradients},  {"adadelta_objective", of_objective},
    {"rprop_fixed", fixed_gradients},    {"rprop_objective", of_objective},    {"param_groups", param_groups},
    {"clip_grad_norm", clip_norm},
    {"clip_grad_value", [](const Call& c) -> Results { return clip_by_value(c["grad"], c.number("clip_value")); }},
};

// The rates of the first 30 steps: as many as the references have.
Results rates(const optim::Schedule& schedule) {
  std::vector<double> out;
  for (int64_t t = 0; t < 30; ++t) out.push_back(schedule(t));
  return {{"lr", array(out)}};
}
double base(const Call& c) { return c.number("base_lr"); }
Results cosine_case(const Call& c) {
  if (c.integer("T_max") < 29) throw NotCovered("a cosine that goes up again after its end");
  return rates(optim::cosine(base(c), {.steps = c.integer("T_max"), .final_rate = c.number("eta_min")}));
}
// PyTorch's momentum goes the opposite way between the same turning points: a function of the rate in each phase.
Results one_cycle_case(const Call& c) {
  const double highest = c.number("max_lr"), first = highest / c.number("div_factor"), last = first / c.number("final_div_factor");
  const optim::Schedule schedule = optim::one_cycle(highest, {.steps = c.integer("total_steps"),
                                                              .rising = c.number("pct_start"),
                                                              .initial_divisor = c.number("div_factor"),
                                                              .final_divisor = c.number("final_div_factor"),
                                                              .is_cosine = c.text("anneal_strategy") == "cos",
                                                              .has_three_phases = c.flag("three_phase")});
  const double top = c.number("pct_start") * static_cast<double>(c.integer("total_steps")) - 1;
  std::vector<double> momenta;
  for (int64_t t = 0; t < 30; ++t) {
    const double low = static_cast<double>(t) <= top || c.flag("three_phase") ? first : last;
    const double share = std::max(0.0, (schedule(t) - low) / (highest - low));
    momenta.push_back(c.number("max_momentum") - share * (c.number("max_momentum") - c.number("base_momentum")));
  }
  Results out = rates(schedule);
  out.set("momentum", array(momenta));
  return out;
}
Results warmup_cosine(const Call& c) {
  const int64_t steps = c.integer("warmup");
  if (c.integer("T_max") < 29 - steps) throw NotCovered("a cosine that goes up again after its end");
  return rates(optim::warmup(steps, optim::cosine(base(c), {.steps = c.integer("T_max")}), c.number("start_factor")));
}

const Entry schedules[] = {
    {"step", [](const Call& c) { return rates(optim::step(base(c), c.number("gamma"), c.integer("step_size"))); }},
    {"multistep", [](const Call& c) { return rates(optim::milestones(base(c), c.number("gamma"), c.integers("milestones"))); }},
    {"exponential", [](const Call& c) { return rates(optim::exponential(base(c), c.number("gamma"))); }},
    {"cosine", cosine_case},
    {"cosine_warm_restarts",
     [](const Call& c) {
       return rates(optim::cosine_restarts(
           base(c), {.period = c.integer("T_0"), .multiplier = c.number("T_mult"), .final_rate = c.number("eta_min")}));
     }},
    {"linear",
     [](const Call& c) {
       return rates(optim::linear(base(c) * c.number("start_factor"), base(c) * c.number("end_factor"), c.integer("total_iters")));
     }},
    {"polynomial", [](const Call& c) { return rates(optim::polynomial(base(c), c.integer("total_iters"), c.number("power"))); }},
    {"one_cycle", one_cycle_case},
    {"constant",
     [](const Call& c) { return rates(optim::sequence({base(c) * c.number("factor"), base(c)}, {c.integer("total_iters")})); }},
    {"lambda", [](const Call& c) { return rates(optim::inverse_time(base(c), 0.1)); }},
    {"multiplicative", [](const Call& c) { return rates(optim::exponential(base(c), 0.95)); }},
    {"warmup_cosine", warmup_cosine},
};

// PyTorch's weights are O, I, k...; here the last axis is units: k..., I, O.
Shape kernel_shape(const Call& c) {
  const std::vector<int64_t> torch = c.integers("shape");
  std::vector<int64_t> out(torch.begin() + 2, torch.end());
  out.push_back(torch.at(1));
  out.push_back(torch.at(0));
  return out;
}
// The largest magnitude, or the deviation, of what an initialiser draws cannot be read off a sample exactly; the fans it works with can.
Results fans_case(const Call& c) {
  const nn::Fans fans = nn::fans_of(kernel_shape(c));
  return {{"fan_in", array({static_cast<int64_t>(fans.in)})[0]}, {"fan_out", array({static_cast<int64_t>(fans.out)})[0]}};
}
const Entry initialisers[] = {{"fans", fans_case}};

}  // namespace

Table optim_table() { return optimizers; }
Table sched_table() { return schedules; }
Table init_table() { return initialisers; }

}  // namespace golden
