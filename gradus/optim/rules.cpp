// The update rules. p: parameter, g: gradient, t: step number from 1; n[0], n[1], ...: the host's numbers of the step.
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/update.hpp"
#include "gradus/optim/checks.hpp"
#include "gradus/optim/optim.hpp"

namespace gradus::optim {

namespace {

Array decayed(const Array& p, const Array& g, double weight_decay) { return weight_decay == 0 ? g : g + weight_decay * p; }
// Running mean with weight `keep` on the old value.
Array running(double keep, const Array& old, const Array& now) { return keep * old + (1 - keep) * now; }

struct SGDRule final : Rule {
  explicit SGDRule(SGDOptions o) : o(o) {}
  std::string_view name() const override { return "sgd"; }
  std::vector<std::string_view> state_names() const override {
    if (o.momentum == 0) return {};
    return {"momentum"};
  }
  // The first buffer is g itself: (1 - dampening) only from the second step on.
  std::vector<double> numbers(int64_t t, double rate, double&) const override { return {rate, t == 1 ? 1.0 : 1 - o.dampening}; }
  Updated update(const Array& p, const Array& gradient, std::span<const Array> state, std::span<const Array> n) const override {
    const Array g = decayed(p, gradient, o.weight_decay);
    if (o.momentum == 0) return {p - n[0] * g, {}};
    const Array b = o.momentum * state[0] + (o.dampening == 0 ? g : n[1] * g);
    return {p - n[0] * (o.nesterov ? g + o.momentum * b : b), {b}};
  }
  SGDOptions o;
};

struct AdamRule final : Rule {
  AdamRule(AdamOptions o, bool is_decoupled) : o(o), is_decoupled(is_decoupled) {}
  std::string_view name() const override { return is_decoupled ? "adamw" : "adam"; }
  std::vector<std::string_view> state_names() const override {
    if (o.amsgrad) return {"m", "v", "largest_v"};
    return {"m", "v"};
  }
  // rate (m / c1) / (sqrt(v / c2) + eps) = (rate sqrt(c2) / c1) m / (sqrt(v) + eps sqrt(c2)) with c = 1 - beta^t
  std::vector<double> numbers(int64_t t, double rate, double&) const override {
    const double c1 = 1 - std::pow(o.beta_1, static_cast<double>(t)), root = std::sqrt(1 - std::pow(o.beta_2, static_cast<double>(t)));
    return {rate * root / c1, o.epsilon * root, is_decoupled ? 1 - rate * o.weight_decay : 1};
  }
  Updated update(const Array& p, const Array& gradient, std::span<const Array> state, std::span<const Array> n) const override {
    const Array g = is_decoupled ? gradient : decayed(p, gradient, o.weight_decay);
    if (!o.amsgrad) {
      AdamUpdate next = adam_update(p, g, state[0], state[1], n[0], n[1], n[2], o.beta_1, o.beta_2);
      return {std::move(next.parameter), {std::move(next.m), std::move(next.v)}};
    }
    const Array m = running(o.beta_1, state[0], g), v = running(o.beta_2, state[1], square(g)), largest = maximum(state[2], v);
    return {n[2] * p - n[0] * m / (sqrt(largest) + n[1]), {m, v, largest}};
  }
  AdamOptions o;
  bool is_decoupled;
};

struct RMSpropRule final : Rule {
  explicit RMSpropRule(RMSpropOptions o) : o(o) {}
  std::string_view name() const override { return "rmsprop"; }
  std::vector<std::string_view> state_names() const override {
    std::vector<std::string_view> names{o.centered ? "variance" : "v"};
    if (o.centered) names.push_back("mean");
    if (o.momentum != 0) names.push_back("momentum");
    return names;
  }
  Updated update(const Array& p, const Array& gradient, std::span<const Array> state, std::span<const Array> n) const override {
    const Array g = decayed(p, gradient, o.weight_decay);
    Updated out;
    if (o.centered) {
      // With v the running mean of g^2 and m that of g, rho (v - m^2) + rho (1 - rho) (g - m)^2 is the next v - m^2: no difference of squares,
      // which rounding would take below 0.
      out.state = {o.rho * state[0] + o.rho * (1 - o.rho) * square(g - state[1]), running(o.rho, state[1], g)};
    } else {
      out.state = {running(o.rho, state[0], square(g))};
    }
    Array move = g / (sqrt(out.state[0]) + o.epsilon);
    if (o.momentum != 0) {
      move = o.momentum * state[out.state.size()] + move;
      out.state.push_back(move);
    }
    out.parameter = p - n[0] * move;
    return out;
  }
  RMSpropOptions o;
};

struct AdagradRule final : Rule {
  explicit AdagradRule(AdagradOptions o) : o(o) {}
  std::string_view name() const override { return "adagrad"; }
  std::vector<std::string_view> state_names() const override { return {"sum"}; }
  double first_value(size_t, double) const override { return o.initial_accumulator; }
  std::vector<double> numbers(int64_t t, double rate, double&) const override {
    return {rate / (1 + static_cast<double>(t - 1) * o.rate_decay)};
  }
  Updated update(const Array& p, const Array& gradient, std::span<const Array> state, std::span<const Array> n) const override {
    const Array g = decayed(p, gradient, o.weight_decay), s = state[0] + square(g);
    return {p - n[0] * g / (sqrt(s) + o.epsilon), {s}};
  }
  AdagradOptions o;
};

struct AdadeltaRule final : Rule {
  explicit AdadeltaRule(AdadeltaOptions o) : o(o) {}
  std::string_view name() const override { return "adadelta"; }
  std::vector<std::string_view> state_names() const override { return {"squares", "moves"}; }
  Updated update(const Array& p, const Array& gradient, std::span<const Array> state, std::span<const Array> n) const override {
    const Array g = decayed(p, gradient, o.weight_decay), s = running(o.rho, state[0], square(g));
    const Array move = sqrt(state[1] + o.epsilon) / sqrt(s + o.epsilon) * g;
    return {p - n[0] * move, {s, running(o.rho, state[1], square(move))}};
  }
  AdadeltaOptions o;
};

struct AdamaxRule final : Rule {
  explicit AdamaxRule(AdamaxOptions o) : o(o) {}
  std::string_view name() const override { return "adamax"; }
  std::vector<std::string_view> state_names() const override { return {"m", "u"}; }
  std::vector<double> numbers(int64_t t, double rate, double&) const override {
    return {rate / (1 - std::pow(o.beta_1, static_cast<double>(t)))};
  }
  Updated update(const Array& p, const Array& gradient, std::span<const Array> state, std::span<const Array> n) const override {
    const Array g = decayed(p, gradient, o.weight_decay), m = running(o.beta_1, state[0], g);
    const Array u = maximum(o.beta_2 * state[1], abs(g) + o.epsilon);
    return {p - n[0] * m / u, {m, u}};
  }
  AdamaxOptions o;
};

struct NadamRule final : Rule {
  explicit NadamRule(NadamOptions o) : o(o) {}
  std::string_view name() const override { return "nadam"; }
  std::vector<std::string_view> state_names() const override { return {"m", "v"}; }
  // memory: the product of the momenta so far.
  std::vector<double> numbers(int64_t t, double rate, double& memory) const override {
    const auto momentum = [&](int64_t step) { return o.beta_1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(step) * o.momentum_decay)); };
    const double now = momentum(t), next = momentum(t + 1), root = std::sqrt(1 - std::pow(o.beta_2, static_cast<double>(t)));
    memory *= now;
    return {rate * root * (1 - now) / (1 - memory), rate * root * next / (1 - memory * next), o.epsilon * root};
  }
  Updated update(const Array& p, const Array& gradient, std::span<const Array> state, std::span<const Array> n) const override {
    const Array g = decayed(p, gradient, o.weight_decay);
    const Array m = running(o.beta_1, state[0], g), v = running(o.beta_2, state[1], square(g));
    return {p - (n[0] * g + n[1] * m) / (sqrt(v) + n[2]), {m, v}};
  }
  NadamOptions o;
};

struct RAdamRule final : Rule {
  explicit RAdamRule(RAdamOptions o) : o(o) {}
  std::string_view name() const override { return "radam"; }
  std::vector<std::string_view> state_names() const override { return {"m", "v"}; }
  // While the length r of the average is at most 5, the plain mean moves p (n[1]); later the rectified one (n[0]).
  std::vector<double> numbers(int64_t t, double rate, double&) const override {
    const double power = std::pow(o.beta_2, static_cast<double>(t)), c1 = 1 - std::pow(o.beta_1, static_cast<double>(t));
    const double longest = 2 / (1 - o.beta_2) - 1, r = longest - 2 * static_cast<double>(t) * power / (1 - power);
    if (r <= 5) return {0.0, rate / c1};
    const double rectified = std::sqrt((r - 4) * (r - 2) * longest / ((longest - 4) * (longest - 2) * r));
    return {rate / c1 * rectified * std::sqrt(1 - power), 0.0};
  }
  Updated update(const Array& p, const Array& gradient, std::span<const Array> state, std::span<const Array> n) const override {
    const Array g = decayed(p, gradient, o.weight_decay);
    const Array m = running(o.beta_1, state[0], g), v = running(o.beta_2, state[1], square(g));
    return {p - m * (n[0] / (sqrt(v) + o.epsilon) + n[1]), {m, v}};
  }
  RAdamOptions o;
};

struct RpropRule final : Rule {
  explicit RpropRule(RpropOptions o) : o(o) {}
  std::string_view name() const override { return "rprop"; }
  std::vector<std::string_view> state_names() const override { return {"previous", "step"}; }
  double first_value(size_t index, double rate) const override { return index == 0 ? 0 : rate; }
  Updated update(const Array& p, const Array& g, std::span<const Array> state, std::span<const Array>) const override {
    // Where the sign has turned, the step shrinks and this gradient is forgotten. By signs: products of small gradients would be 0.
    const Array agreement = sign(g) * sign(state[0]);
    const Array step =
        clip(where(agreement > 0, o.grow * state[1], where(agreement < 0, o.shrink * state[1], state[1])), o.smallest_step, o.largest_step);
    const Array used = where(agreement < 0, zeros_of(g), g);
    return {p - sign(used) * step, {used, step}};
  }
  static Array zeros_of(const Array& g) { return 0 * g; }
  RpropOptions o;
};

template <class R, class... A>
RulePtr make(A... options) {
  return std::make_shared<R>(options...);
}

SGDOptions checked(SGDOptions o) {
  check_not_negative("sgd", "momentum", o.momentum);
  check_not_negative("sgd", "weight_decay", o.weight_decay);
  check_part("sgd", "dampening", o.dampening);
  if (o.nesterov && (o.momentum == 0 || o.dampening != 0)) {
    fail("sgd", "nesterov with momentum ", o.momentum, " and dampening ", o.dampening, "; it needs a momentum and no dampening");
  }
  return o;
}
// The options of the Adam family.
template <class O>
O checked(std::string_view name, O o) {
  check_share(name, "beta_1", o.beta_1);
  check_share(name, "beta_2", o.beta_2);
  check_not_negative(name, "epsilon", o.epsilon);
  check_not_negative(name, "weight_decay", o.weight_decay);
  if constexpr (requires { o.momentum_decay; }) check_not_negative(name, "momentum_decay", o.momentum_decay);
  return o;
}
// The options of the families with one running mean.
template <class O>
O checked_rho(std::string_view name, O o) {
  check_share(name, "rho", o.rho);
  check_not_negative(name, "epsilon", o.epsilon);
  check_not_negative(name, "weight_decay", o.weight_decay);
  if constexpr (requires { o.momentum; }) check_not_negative(name, "momentum", o.momentum);
  return o;
}
AdagradOptions checked(AdagradOptions o) {
  check_not_negative("adagrad", "initial_accumulator", o.initial_accumulator);
  check_not_negative("adagrad", "epsilon", o.epsilon);
  check_not_negative("adagrad", "rate_decay", o.rate_decay);
  check_not_negative("adagrad", "weight_decay", o.weight_decay);
  return o;
}
RpropOptions checked(RpropOptions o) {
  check_part("rprop", "shrink", o.shrink);
  if (!(o.grow >= 1)) fail("rprop", "grow is ", o.grow, "; it must be at least 1");
  check_finite("rprop", "grow", o.grow);
  check_not_negative("rprop", "smallest_step", o.smallest_step);
  check_not_negative("rprop", "largest_step", o.largest_step);
  if (o.smallest_step > o.largest_step) {
    fail("rprop", "smallest_step is ", o.smallest_step, " and largest_step ", o.largest_step, "; the smallest must not be above the largest");
  }
  return o;
}
AdamOptions as_adam(AdamWOptions o) {
  return {.beta_1 = o.beta_1, .beta_2 = o.beta_2, .epsilon = o.epsilon, .weight_decay = o.weight_decay, .amsgrad = o.amsgrad};
}

}  // namespace

SGD::SGD(Schedule rate, SGDOptions o) : Optimizer(make<SGDRule>(checked(o)), std::move(rate)) {}
Adam::Adam(Schedule rate, AdamOptions o) : Optimizer(make<AdamRule>(checked("adam", o), false), std::move(rate)) {}
AdamW::AdamW(Schedule rate, AdamWOptions o) : Optimizer(make<AdamRule>(as_adam(checked("adamw", o)), true), std::move(rate)) {}
RMSprop::RMSprop(Schedule rate, RMSpropOptions o) : Optimizer(make<RMSpropRule>(checked_rho("rmsprop", o)), std::move(rate)) {}
Adagrad::Adagrad(Schedule rate, AdagradOptions o) : Optimizer(make<AdagradRule>(checked(o)), std::move(rate)) {}
Adadelta::Adadelta(Schedule rate, AdadeltaOptions o) : Optimizer(make<AdadeltaRule>(checked_rho("adadelta", o)), std::move(rate)) {}
Adamax::Adamax(Schedule rate, AdamaxOptions o) : Optimizer(make<AdamaxRule>(checked("adamax", o)), std::move(rate)) {}
Nadam::Nadam(Schedule rate, NadamOptions o) : Optimizer(make<NadamRule>(checked("nadam", o)), std::move(rate)) {}
RAdam::RAdam(Schedule rate, RAdamOptions o) : Optimizer(make<RAdamRule>(checked("radam", o)), std::move(rate)) {}
Rprop::Rprop(Schedule rate, RpropOptions o) : Optimizer(make<RpropRule>(checked(o)), std::move(rate)) {}

Optimizer from_name(std::string_view name, Schedule rate) {
  struct Row {
    std::string_view name;
    Optimizer (*make)(Schedule rate);
  };
  static constexpr Row rows[] = {{"sgd", [](Schedule r) -> Optimizer { return SGD(std::move(r)); }},
                                 {"adam", [](Schedule r) -> Optimizer { return Adam(std::move(r)); }},
                                 {"adamw", [](Schedule r) -> Optimizer { return AdamW(std::move(r)); }},
                                 {"rmsprop", [](Schedule r) -> Optimizer { return RMSprop(std::move(r)); }},
                                 {"adagrad", [](Schedule r) -> Optimizer { return Adagrad(std::move(r)); }},
                                 {"adadelta", [](Schedule r) -> Optimizer { return Adadelta(std::move(r)); }},
                                 {"adamax", [](Schedule r) -> Optimizer { return Adamax(std::move(r)); }},
                                 {"nadam", [](Schedule r) -> Optimizer { return Nadam(std::move(r)); }},
                                 {"radam", [](Schedule r) -> Optimizer { return RAdam(std::move(r)); }},
                                 {"rprop", [](Schedule r) -> Optimizer { return Rprop(std::move(r)); }}};
  std::vector<std::string> names;
  for (const Row& row : rows) {
    if (row.name == name) return row.make(std::move(rate));
    names.emplace_back(row.name);
  }
  const std::string near = nearest(name, names);
  fail("optimizer", "there is none called \"", name, "\"; known are ", join(names), near.empty() ? "" : concat("; did you mean ", near));
}

}  // namespace gradus::optim
