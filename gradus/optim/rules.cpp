// The update rules. p: parameter, g: gradient, t: step number from 1; n[0], n[1], ...: the host's numbers of the step.
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/update.hpp"
#include "gradus/optim/kinds.hpp"
#include "gradus/optim/optim.hpp"

namespace gradus::optim {

using namespace core;

namespace {

template <class R>
RulePtr redecayed(R rule, double weight_decay) {
  rule.o.weight_decay = weight_decay;
  return std::make_shared<const R>(std::move(rule));
}
Array decayed(const Array& p, const Array& g, double weight_decay) { return weight_decay == 0 ? g : g + weight_decay * p; }
// Running mean with weight `keep` on the old value.
Array running(double keep, const Array& old, const Array& now) { return keep * old + (1 - keep) * now; }

struct SGDRule final : Rule {
  explicit SGDRule(SGDOptions o) : o(o) {}
  std::string_view name() const override { return "sgd"; }
  RulePtr with_weight_decay(double weight_decay) const override { return redecayed(*this, weight_decay); }
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
  RulePtr with_weight_decay(double weight_decay) const override { return redecayed(*this, weight_decay); }
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
  RulePtr with_weight_decay(double weight_decay) const override { return redecayed(*this, weight_decay); }
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
      // With v the running mean of g^2 and m that of g, rho (v - m^2) + rho (1 - rho) (g - m)^2 is the next v - m^2: no difference of
      // squares, which rounding would take below 0.
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
  RulePtr with_weight_decay(double weight_decay) const override { return redecayed(*this, weight_decay); }
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
  RulePtr with_weight_decay(double weight_decay) const override { return redecayed(*this, weight_decay); }
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
  RulePtr with_weight_decay(double weight_decay) const override { return redecayed(*this, weight_decay); }
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
  RulePtr with_weight_decay(double weight_decay) const override { return redecayed(*this, weight_decay); }
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
  RulePtr with_weight_decay(double weight_decay) const override { return redecayed(*this, weight_decay); }
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

struct ASGDRule final : Rule {
  explicit ASGDRule(ASGDOptions o) : o(o) {}
  std::string_view name() const override { return "asgd"; }
  RulePtr with_weight_decay(double weight_decay) const override { return redecayed(*this, weight_decay); }
  std::vector<std::string_view> state_names() const override { return {"average"}; }
  // The rate of the step, what the parameter keeps, and the weight of the new parameter in the mean.
  std::vector<double> numbers(int64_t t, double rate, double&) const override {
    const double before = static_cast<double>(t - 1), now = rate / std::pow(1 + o.decay * rate * before, o.power);
    return {now, 1 - o.decay * now, t == 1 ? 1.0 : 1 / std::max(1.0, before - o.start)};
  }
  Updated update(const Array& p, const Array& gradient, std::span<const Array> state, std::span<const Array> n) const override {
    const Array moved = n[1] * p - n[0] * decayed(p, gradient, o.weight_decay);
    return {moved, {state[0] + n[2] * (moved - state[0])}};
  }
  ASGDOptions o;
};

template <class R, class... A>
RulePtr make(A... options) {
  return std::make_shared<R>(options...);
}

// Between fields; what each may be by itself its note says.
SGDOptions checked_sgd(SGDOptions o) {
  checked("sgd", o);
  if (o.nesterov && (o.momentum == 0 || o.dampening != 0)) {
    fail("sgd", "nesterov with momentum ", o.momentum, " and dampening ", o.dampening, "; it needs a momentum and no dampening");
  }
  return o;
}
RpropOptions checked_rprop(RpropOptions o) {
  checked("rprop", o);
  if (o.smallest_step > o.largest_step) {
    fail("rprop", "smallest_step is ", o.smallest_step, " and largest_step ", o.largest_step,
         "; the smallest must not be above the largest");
  }
  return o;
}
AdamOptions as_adam(AdamWOptions o) {
  return {.beta_1 = o.beta_1, .beta_2 = o.beta_2, .epsilon = o.epsilon, .weight_decay = o.weight_decay, .amsgrad = o.amsgrad};
}

constexpr FieldNote kBeta1{"beta_1", "what the running mean of the gradient keeps at each step", range::share},
    kBeta2{"beta_2", "what the running mean of its square keeps at each step", range::share},
    kRho{"rho", "what the running mean of the gradient's square keeps at each step", range::share},
    kEpsilon{"epsilon", "added to what the gradient is divided by", range::not_negative},
    kWeightDecay{"weight_decay", "share of the parameter that is added to its gradient", range::not_negative},
    kDecoupledDecay{"weight_decay", "share of the parameter that goes at each step, times the rate", range::not_negative},
    kMomentum{"momentum", "share of the last move that is added to this one", range::part},
    kAmsgrad{"amsgrad", "divides by the largest mean of squares so far"};

}  // namespace

std::span<const FieldNote> SGDOptions::field_notes() {
  static constexpr FieldNote notes[] = {kMomentum,
                                        {"nesterov", "looks ahead along the momentum; needs one, and no dampening"},
                                        kWeightDecay,
                                        {"dampening", "share of the gradient that is not added to the momentum", range::part}};
  return notes;
}
std::span<const FieldNote> AdamOptions::field_notes() {
  static constexpr FieldNote notes[] = {kBeta1, kBeta2, kEpsilon, kWeightDecay, kAmsgrad};
  return notes;
}
std::span<const FieldNote> AdamWOptions::field_notes() {
  static constexpr FieldNote notes[] = {kBeta1, kBeta2, kEpsilon, kDecoupledDecay, kAmsgrad};
  return notes;
}
std::span<const FieldNote> RMSpropOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      kRho, kEpsilon, kMomentum, kWeightDecay, {"centered", "divides by the variance of the gradient instead of the mean of its square"}};
  return notes;
}
std::span<const FieldNote> AdagradOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"initial_accumulator", "what the sum of squares starts with", range::not_negative},
                                        kEpsilon,
                                        {"rate_decay", "how fast the rate falls: rate / (1 + (step - 1) rate_decay)", range::not_negative},
                                        kWeightDecay};
  return notes;
}
std::span<const FieldNote> AdadeltaOptions::field_notes() {
  static constexpr FieldNote notes[] = {kRho, kEpsilon, kWeightDecay};
  return notes;
}
std::span<const FieldNote> AdamaxOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      kBeta1, {"beta_2", "what the largest gradient so far keeps at each step", range::share}, kEpsilon, kWeightDecay};
  return notes;
}
std::span<const FieldNote> NadamOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      kBeta1, kBeta2, kEpsilon, kWeightDecay, {"momentum_decay", "how fast the momentum reaches beta_1", range::not_negative}};
  return notes;
}
std::span<const FieldNote> RAdamOptions::field_notes() {
  static constexpr FieldNote notes[] = {kBeta1, kBeta2, kEpsilon, kWeightDecay};
  return notes;
}
std::span<const FieldNote> RpropOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"shrink", "factor of a step size whose gradient has turned", range::part},
                                        {"grow", "factor of a step size whose gradient has not", range::positive},
                                        {"smallest_step", "step sizes are not below this", range::not_negative},
                                        {"largest_step", "nor above this", range::not_negative}};
  return notes;
}
std::span<const FieldNote> ASGDOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"decay", "how fast parameter and rate fall", range::not_negative},
                                        {"power", "of 1 + decay rate steps, by which the rate is divided", range::not_negative},
                                        {"start", "the step after which the parameters are averaged", range::not_negative},
                                        kWeightDecay};
  return notes;
}

SGD::SGD(Schedule rate, SGDOptions o) : Optimizer(make<SGDRule>(checked_sgd(o)), std::move(rate)) {}
Adam::Adam(Schedule rate, AdamOptions o) : Optimizer(make<AdamRule>(checked("adam", o), false), std::move(rate)) {}
AdamW::AdamW(Schedule rate, AdamWOptions o) : Optimizer(make<AdamRule>(as_adam(checked("adamw", o)), true), std::move(rate)) {}
RMSprop::RMSprop(Schedule rate, RMSpropOptions o) : Optimizer(make<RMSpropRule>(checked("rmsprop", o)), std::move(rate)) {}
Adagrad::Adagrad(Schedule rate, AdagradOptions o) : Optimizer(make<AdagradRule>(checked("adagrad", o)), std::move(rate)) {}
Adadelta::Adadelta(Schedule rate, AdadeltaOptions o) : Optimizer(make<AdadeltaRule>(checked("adadelta", o)), std::move(rate)) {}
Adamax::Adamax(Schedule rate, AdamaxOptions o) : Optimizer(make<AdamaxRule>(checked("adamax", o)), std::move(rate)) {}
Nadam::Nadam(Schedule rate, NadamOptions o) : Optimizer(make<NadamRule>(checked("nadam", o)), std::move(rate)) {}
RAdam::RAdam(Schedule rate, RAdamOptions o) : Optimizer(make<RAdamRule>(checked("radam", o)), std::move(rate)) {}
Rprop::Rprop(Schedule rate, RpropOptions o) : Optimizer(make<RpropRule>(checked_rprop(o)), std::move(rate)) {}
ASGD::ASGD(Schedule rate, ASGDOptions o) : Optimizer(make<ASGDRule>(checked("asgd", o)), std::move(rate)) {}

std::span<const FieldNote> CommonOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"learning_rate", "the length of a step; the default is that of each optimiser", range::not_negative},
      {"groups", "parameters that move otherwise than the rest, see group"}};
  return notes;
}

namespace {

template <class Kind, class Options>
MakeOptimizer read_kind(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others) {
  Options options;
  read_fields(fields_of(options), &options, given, reading, others);
  Kind(0.0, options);  // checks what lies between fields
  return [options](Schedule rate) -> Optimizer { return Kind(std::move(rate), options); };
}

constexpr OptimizerKind kKinds[] = {
    {"sgd", "gradient descent, with or without momentum", 1e-2, described<SGDOptions>, read_kind<SGD, SGDOptions>},
    {"adam", "by running means of the gradient and its square", 1e-3, described<AdamOptions>, read_kind<Adam, AdamOptions>},
    {"adamw", "adam with a weight decay apart from the gradient", 1e-3, described<AdamWOptions>, read_kind<AdamW, AdamWOptions>},
    {"rmsprop", "by a running mean of the gradient's square", 1e-3, described<RMSpropOptions>, read_kind<RMSprop, RMSpropOptions>},
    {"adagrad", "by the sum of the gradient's squares", 1e-3, described<AdagradOptions>, read_kind<Adagrad, AdagradOptions>},
    {"adadelta", "by running means of the squares of gradients and moves", 1.0, described<AdadeltaOptions>,
     read_kind<Adadelta, AdadeltaOptions>},
    {"adamax", "adam by the largest gradient instead of the mean of squares", 1e-3, described<AdamaxOptions>,
     read_kind<Adamax, AdamaxOptions>},
    {"nadam", "adam with Nesterov's momentum", 1e-3, described<NadamOptions>, read_kind<Nadam, NadamOptions>},
    {"radam", "adam whose rate is rectified in the first steps", 1e-3, described<RAdamOptions>, read_kind<RAdam, RAdamOptions>},
    {"rprop", "by the sign of the gradient, for full batches", 1e-2, described<RpropOptions>, read_kind<Rprop, RpropOptions>},
    {"asgd", "gradient descent that also averages the parameters", 1e-2, described<ASGDOptions>, read_kind<ASGD, ASGDOptions>},
};

}  // namespace

const Named<OptimizerKind>& optimizer_kinds() {
  static constexpr Named<OptimizerKind> kinds("optimizer", kKinds);
  return kinds;
}

Optimizer from_name(std::string_view name, Schedule rate) {
  FieldReading reading;
  return optimizer_kinds()[name].read({}, reading, {})(std::move(rate));
}

}  // namespace gradus::optim

namespace gradus::core {

bool FieldType<std::optional<optim::Schedule>>::read(std::optional<optim::Schedule>& value, const Datum& given, const FieldNote& note,
                                                     FieldReading& reading) {
  std::optional<double> rate;
  if (!FieldType<std::optional<double>>::read(rate, given, note, reading)) return false;
  value.reset();
  if (rate) value.emplace(*rate);
  return true;
}

Datum FieldType<std::vector<optim::ParameterGroup>>::write(const std::vector<optim::ParameterGroup>& value, FieldWriting& writing) {
  Datum::List list;
  for (const optim::ParameterGroup& group : value) list.push_back(write_fields(fields_of(group), &group, writing));
  return list;
}
bool FieldType<std::vector<optim::ParameterGroup>>::read(std::vector<optim::ParameterGroup>& value, const Datum& given, const FieldNote&,
                                                         FieldReading& reading) {
  const Datum::List* list = given.get_if<Datum::List>();
  if (!list) return false;
  std::vector<optim::ParameterGroup> groups;
  for (const Datum& entry : *list) {
    const Datum::Table* table = entry.get_if<Datum::Table>();
    if (!table) return false;
    optim::ParameterGroup group;
    try {
      read_fields(fields_of(group), &group, *table, reading);
    } catch (const FieldError& error) {
      throw FieldError(concat("[", groups.size(), "].", error.place()), error.problem());
    }
    groups.push_back(std::move(group));
  }
  value = std::move(groups);
  return true;
}

}  // namespace gradus::core
