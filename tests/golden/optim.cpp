// Golden optimisers, schedules and initialisers.
#include <cmath>

#include "tests/golden/optimizers.hpp"

namespace golden {

using namespace gradus;
using namespace gradus::core;

optim::Optimizer make_optimizer(const std::string& name, const Json& parameters) {
  const Arguments none;
  const Call p(none, parameters, float64);
  const double decay = p.number("weight_decay", name == "AdamW" ? 0.01 : 0.0), rate = p.number("lr", name == "Adadelta" ? 1.0 : 1e-3);
  const bool has_betas = p.is_set("betas");
  const double beta_1 = has_betas ? parameters["betas"][0].get<double>() : 0.9,
               beta_2 = has_betas ? parameters["betas"][1].get<double>() : 0.999;
  const bool amsgrad = p.flag("amsgrad");
  if (name == "SGD") {
    return optim::SGD(rate, {.momentum = p.number("momentum", 0), .nesterov = p.flag("nesterov"), .weight_decay = decay,
                             .dampening = p.number("dampening", 0)});
  }
  if (name == "Adam")
    return optim::Adam(rate,
                       {.beta_1 = beta_1, .beta_2 = beta_2, .epsilon = p.number("eps", 1e-8), .weight_decay = decay, .amsgrad = amsgrad});
  if (name == "AdamW")
    return optim::AdamW(rate,
                        {.beta_1 = beta_1, .beta_2 = beta_2, .epsilon = p.number("eps", 1e-8), .weight_decay = decay, .amsgrad = amsgrad});
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
  if (name == "Adadelta")
    return optim::Adadelta(rate, {.rho = p.number("rho", 0.9), .epsilon = p.number("eps", 1e-6), .weight_decay = decay});
  if (name == "Rprop") {
    optim::RpropOptions options;
    if (p.is_set("etas")) options.shrink = parameters["etas"][0], options.grow = parameters["etas"][1];
    if (p.is_set("step_sizes")) options.smallest_step = parameters["step_sizes"][0], options.largest_step = parameters["step_sizes"][1];
    return optim::Rprop(rate, options);
  }
  if (name == "ASGD") {
    return optim::ASGD(
        rate, {.decay = p.number("lambd", 1e-4), .power = p.number("alpha", 0.75), .start = p.number("t0", 1e6), .weight_decay = decay});
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
auto objective_of(const Call& c) {
  return [&c, b = c.number("rosenbrock_b")](const std::vector<Array>& p) -> Array {
    const Array &w = p[0], &r = p[1], here = r[slice(-1)], next = r[slice(1, {})];
    return 0.5 * sum(w * matmul(c["A"], w)) - sum(c["c"] * w) + sum(b * square(next - square(here)) + square(1 - here));
  };
}
Results of_objective(const Call& c) {
  optim::Optimizer optimizer = make_optimizer(c.text("optimizer"), c.attrs());
  const auto objective = objective_of(c);
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
Results lbfgs(const Call& c) {
  optim::LBFGS optimizer(c.number("lr"),
                         {.iterations = c.integer("max_iter"),
                          .evaluations = c.integer("max_eval"),
                          .history = c.integer("history_size"),
                          .line_search = c.is_set("line_search_fn") ? optim::LineSearch::strong_wolfe : optim::LineSearch::none,
                          .gradient_tolerance = c.number("tolerance_grad"),
                          .change_tolerance = c.number("tolerance_change")});
  std::vector<Array> p{c["w0"], c["r0"]}, ws{p[0]}, rs{p[1]};
  std::vector<double> losses;
  std::vector<int64_t> evaluations, iterations;
  for (int64_t k = 0; k < c.integer("steps"); ++k) {
    losses.push_back(optimizer.step(p, objective_of(c)));
    evaluations.push_back(optimizer.evaluations());
    iterations.push_back(optimizer.iterations());
    ws.push_back(p[0]);
    rs.push_back(p[1]);
  }
  return {{"w", stack(ws)}, {"r", stack(rs)}, {"loss", array(losses)}, {"func_evals", array(evaluations)}, {"n_iter", array(iterations)}};
}
// Two parameters, each with its own optimiser; q has no gradient on odd steps.
Results param_groups(const Call& c) {
  optim::Optimizer of_p = make_optimizer(c.text("optimizer"), c.attrs()["group_p"]),
                   of_q = make_optimizer(c.text("optimizer"), c.attrs()["group_q"]);
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
  const std::vector<Array> grads{c["grad_a"], c["grad_b"]}, clipped = clip_by_norm(grads, c.number("max_norm"), c.number("norm_type"));
  return {{"total_norm", optim::global_norm(grads, c.number("norm_type"))}, {"grad_a", clipped[0]}, {"grad_b", clipped[1]}};
}

const Entry optimizers[] = {
    {"sgd_fixed", fixed_gradients},      {"sgd_objective", of_objective},      {"adam_fixed", fixed_gradients},
    {"adam_objective", of_objective},    {"adamw_fixed", fixed_gradients},     {"adamw_objective", of_objective},
    {"adamax_fixed", fixed_gradients},   {"adamax_objective", of_objective},   {"nadam_fixed", fixed_gradients},
    {"nadam_objective", of_objective},   {"radam_fixed", fixed_gradients},     {"radam_objective", of_objective},
    {"rmsprop_fixed", fixed_gradients},  {"rmsprop_objective", of_objective},  {"adagrad_fixed", fixed_gradients},
    {"adagrad_objective", of_objective}, {"adadelta_fixed", fixed_gradients},  {"adadelta_objective", of_objective},
    {"rprop_fixed", fixed_gradients},    {"rprop_objective", of_objective},    {"param_groups", param_groups},
    {"clip_grad_norm", clip_norm},       {"asgd_fixed", fixed_gradients},      {"asgd_objective", of_objective},
    {"lbfgs_objective", lbfgs},
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
  return rates(optim::cosine(base(c), {.steps = c.integer("T_max"), .final_rate = c.number("eta_min"), .swings_back = true}));
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
  return rates(optim::warmup(steps, optim::cosine(base(c), {.steps = c.integer("T_max"), .swings_back = true}), c.number("start_factor")));
}
// The momentum goes the opposite way.
Results cyclic_case(const Call& c) {
  const std::string mode = c.text("mode");
  const double low = c.number("base_lr"), high = c.number("max_lr"), slow = c.number("base_momentum"), fast = c.number("max_momentum");
  const optim::Schedule schedule = optim::cyclic(low, high, {.rising_steps = c.integer("step_size_up"),
                                                             .falling_steps = c.integer("step_size_down"),
                                                             .peak_factor = mode == "triangular2" ? 0.5 : 1,
                                                             .step_factor = mode == "exp_range" ? c.number("gamma") : 1});
  Results out = rates(schedule);
  std::vector<double> momenta;
  for (int64_t t = 0; t < 30; ++t) momenta.push_back(fast - (fast - slow) * (schedule(t) - low) / (high - low));
  out.set("momentum", array(momenta));
  return out;
}
// ConstantLR(factor 0.1, total_iters 5) and ExponentialLR(gamma 0.9): the one chain that there is.
Results chained_case(const Call& c) {
  if (c.text("first") != "ConstantLR(factor 0.1, total_iters 5)" || c.text("second") != "ExponentialLR(gamma 0.9)")
    throw NotCovered("another chain");
  return rates(optim::chained(base(c), {optim::sequence({0.1, 1.0}, {5}), optim::exponential(1, 0.9)}));
}
Results plateau_case(const Call& c) {
  const double rate = base(c);
  optim::Plateau plateau({.factor = c.number("factor"),
                          .patience = c.integer("patience"),
                          .threshold = c.number("threshold"),
                          .is_relative = c.text("threshold_mode") == "rel",
                          .more_is_better = c.text("mode") == "max",
                          .cooldown = c.integer("cooldown"),
                          .smallest_factor = c.number("min_lr") / rate});
  std::vector<double> out;  // of each step, before its metric is known
  for (const double metric : c["metrics"].to_vector<double>()) {
    out.push_back(rate * plateau.factor());
    plateau.note(metric);
  }
  return array(out);
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
    {"cyclic", cyclic_case},
    {"chained", chained_case},
    {"plateau", plateau_case},
};

// PyTorch's weights are O, I, k...; here the last axis is units: k..., I, O.
Shape kernel_shape(const Call& c) {
  const std::vector<int64_t> torch = c.integers("shape");
  std::vector<int64_t> out(torch.begin() + 2, torch.end());
  out.push_back(torch.at(1));
  out.push_back(torch.at(0));
  return out;
}
Results fans_case(const Call& c) {
  const nn::Fans fans = nn::fans_of(kernel_shape(c));
  return {{"fan_in", array({static_cast<int64_t>(fans.in)})[0]}, {"fan_out", array({static_cast<int64_t>(fans.out)})[0]}};
}
// What an initialiser multiplies its draws by: the ratio to the same draws of bounds -1 and 1, or of deviation 1.
double scale_of(const nn::Initializer& initializer, const Shape& shape, bool is_normal) {
  const auto largest = [&](const Array& x) { return max(abs(x)).item(); };
  random::seed(7);
  const double drawn = largest(initializer(shape, float64));
  random::seed(7);
  const random::Key key = random::next_initializer_key();
  return drawn / largest(is_normal ? random::normal(key, shape, 0, 1, float64) : random::uniform(key, shape, -1, 1, float64));
}
Array number(double x) { return array({x}, float64)[0]; }
Results xavier_uniform(const Call& c) {
  Results out = fans_case(c);
  out.set("bound", number(scale_of(nn::init::glorot_uniform(c.number("gain")), kernel_shape(c), false)));
  return out;
}
Results xavier_normal(const Call& c) {
  return {{"std", number(scale_of(nn::init::glorot_normal(c.number("gain")), kernel_shape(c), true))}};
}
Results kaiming(const Call& c) {
  using namespace nn::init;
  const double of_activation = gain(c.text("nonlinearity"), c.number("a"));
  VarianceScalingOptions options{.scale = of_activation * of_activation, .fan = c.text("mode") == "fan_in" ? FanMode::in : FanMode::out};
  options.distribution = Distribution::uniform;
  const double bound = scale_of(variance_scaling(options), kernel_shape(c), false);
  options.distribution = Distribution::normal;
  return {{"bound", number(bound)}, {"std", number(scale_of(variance_scaling(options), kernel_shape(c), true))}};
}
Results gain_case(const Call& c) {
  const std::string name = c.text("nonlinearity");
  return {{"gain", number(nn::init::gain(name.starts_with("conv") ? "linear" : name, c.number("param", 0.01)))}};
}
// Here units are the last axis: PyTorch's rows are columns.
Results orthogonal(const Call& c) {
  const Array w = nn::init::orthogonal(c.number("gain"))(kernel_shape(c), float64), flat = reshape(w, {-1, w.shape(-1)});
  const int64_t rows = flat.shape(1), columns = flat.shape(0);
  const auto is_orthogonal = [](const Array& product, double gain) {
    return max(abs(product - gain * gain * eye(product.shape(0)))).item() < 1e-12;
  };
  const bool by_rows = rows <= columns && is_orthogonal(matmul(transpose(flat), flat), c.number("gain"));
  const bool by_columns = columns <= rows && is_orthogonal(matmul(flat, transpose(flat)), c.number("gain"));
  if (!by_rows && !by_columns) throw std::runtime_error("the rows are not at right angles");
  return {{"rows", array({rows})[0]}, {"cols", array({columns})[0]}, {"gain", number(c.number("gain"))}};
}
Results layer_default(const Call& c) {
  const Shape shape = kernel_shape(c);
  const nn::Initializer bias = nn::init::torch_uniform().beside(nn::fans_of(shape));
  return {{"weight_bound", number(scale_of(nn::init::torch_uniform(), shape, false))},
          {"bias_bound", number(scale_of(bias, {shape[shape.rank() - 1]}, false))}};
}
Results trunc_normal(const Call& c) {
  const double mean = c.number("mean"), deviation = c.number("std");
  const auto [shift, variance] = nn::detail::truncated_moments((c.number("a") - mean) / deviation, (c.number("b") - mean) / deviation);
  return {{"sample_mean", number(mean + deviation * shift)}, {"sample_variance", number(deviation * deviation * variance)}};
}
// PyTorch's O, I, k... from k..., I, O.
Results dirac(const Call& c) {
  const Array w = nn::init::dirac(c.integer("groups"))(kernel_shape(c), c.dtype);
  std::vector<int64_t> axes{w.rank() - 1, w.rank() - 2};
  for (int64_t axis = 0; axis < w.rank() - 2; ++axis) axes.push_back(axis);
  return {{"weight", transpose(w, axes)}};
}
const Entry initialisers[] = {{"fans", fans_case},
                              {"xavier_uniform", xavier_uniform},
                              {"xavier_normal", xavier_normal},
                              {"kaiming", kaiming},
                              {"gain", gain_case},
                              {"orthogonal", orthogonal},
                              {"layer_default", layer_default},
                              {"trunc_normal", trunc_normal},
                              {"dirac", dirac}};

}  // namespace

Table optim_table() { return optimizers; }
Table sched_table() { return schedules; }
Table init_table() { return initialisers; }

}  // namespace golden
