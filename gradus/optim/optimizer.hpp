// Optimiser: gradients to new parameters, by a rule and a schedule.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "gradus/graph/field_names.hpp"
#include "gradus/graph/parameter.hpp"
#include "gradus/graph/parts.hpp"
#include "gradus/optim/rule.hpp"
#include "gradus/optim/schedule.hpp"

namespace gradus::optim {

/// What an optimiser keeps of one parameter, and of all: for checkpoints.
struct ParameterState {
  std::string path{};
  Shape shape{};
  int64_t t = 0;  ///< steps that this parameter has made
  double memory = 1;
  std::vector<Array> arrays{};  ///< in the order of the rule's state_names
};
struct OptimizerState {
  int64_t steps = 0;
  double rate_factor = 1;
  std::vector<ParameterState> parameters{};
};

/// Parameters that move otherwise than the rest. `parameters` are patterns of their paths (base/path_pattern.hpp). A parameter belongs to
/// the first group that names it.
///
///   optim::AdamW(1e-3).with_groups({{.parameters = {"**.bias", "**.weight"}, .weight_decay = 0.0},   // biases and norms
///                                   {.parameters = {"0.**"}, .rate_factor = 0.1}})
struct ParameterGroup {
  std::vector<std::string> parameters{};
  double rate_factor = 1;                   ///< their rate is the optimiser's times this
  std::optional<Schedule> learning_rate{};  ///< their own rate, in place of the optimiser's
  std::optional<double> weight_decay{};     ///< in place of the optimiser's
  GRADUS_OPTIONS(parameters, rate_factor, learning_rate, weight_decay)
};

class LBFGS;

/// A rule, a schedule, and the state kept for each parameter by the parameter's path: no pointer into the model, so moving or copying
/// the model is harmless. A copy of an optimiser has a state of its own. SGD, Adam and the others are made by their constructors only
/// and may be kept as plain Optimizers.
///
///   auto [value, grads] = value_and_grad<0>(objective)(model, x, y);
///   optimizer.step(model, grads);
///
/// Outside any transform a step evaluates the new parameters and the state, in one run. Inside compile it is recorded; steps are
/// counted, and the schedule is asked, before each run. Frozen parameters, and those without a gradient, stay as they are.
class Optimizer {
 public:
  Optimizer(RulePtr rule, Schedule schedule);
  template <class T>
  requires(::gradus::core::Text<T> || std::is_arithmetic_v<T>) Optimizer(const T&)
      : Optimizer(RulePtr(), Schedule(0.0)) {  // NOLINT: refused
    static_assert(::gradus::core::never<T>, "an optimiser is made by its constructor: .optimizer = optim::Adam(1e-3)");
  }
  template <std::same_as<LBFGS> T>
  Optimizer(const T&) : Optimizer(RulePtr(), Schedule(0.0)) {  // NOLINT: refused
    static_assert(
        ::gradus::core::never<T>,
        "L-BFGS evaluates one objective again and again, which batches are not: optim::LBFGS optimizer; optimizer.step(model, objective)");
  }
  Optimizer(const Optimizer& other);
  Optimizer(Optimizer&&) noexcept;
  Optimizer& operator=(Optimizer other) noexcept;
  ~Optimizer();

  /// Moves the parameters of a model along their gradients, which belong to them by path. Throws if none of them does.
  template <class M>
  void step(const M& model, Gradients grads) {
    step(parameters(model), std::move(grads));
  }
  /// Plain arrays, which are rebound. What one step moves goes into one call: step(std::tie(w, b), grads); each call counts as a step of
  /// the schedule. An array is known by its value: the one that the last step gave it. Another array has a state of its own, of the same
  /// shape or not, and so has a copy that is stepped after the array it was copied from. If an array was rebound since (clipped, loaded),
  /// so that nobody holds that value any more, it goes on with its state, found by its place: the only array, or its position in the call;
  /// it starts anew if the old value is still held, by a history say. Inside compile arrays are known by their place alone.
  void step(Array& parameter, const Array& grad);
  void step(std::vector<Array>& parameters, const std::vector<Array>& grads);
  template <class... A>
  requires(sizeof...(A) > 1 && (std::same_as<A, Array> && ...)) void step(std::tuple<A&...> parameters,
                                                                          const std::array<Array, sizeof...(A)>& grads) {
    const auto pointers = std::apply([](auto&... array) { return std::vector<Array*>{&array...}; }, parameters);
    step_arrays(pointers, std::vector<Array>(grads.begin(), grads.end()));
  }
  /// The general form: variable i moves along grads[i] (an empty one: not at all).
  /// `shown` is evaluated in the same run: the loss, say.
  void step(const std::vector<Variable>& variables, std::vector<Array> grads, std::span<const Array> shown = {});
  void step(const std::vector<Variable>& variables, Gradients grads, std::span<const Array> shown = {});

  /// Makes the state of every parameter that has none yet, as compile needs it.
  template <class M>
  void build(const M& model) {
    build(parameters(model));
  }
  void build(const std::vector<Variable>& variables);

  /// "adam", "sgd".
  std::string_view name() const { return rule_->name(); }
  /// Steps made so far.
  int64_t steps() const;
  /// The rate that the next step uses.
  double learning_rate() const;
  /// Replaces the schedule; the count of steps goes on.
  void set_schedule(Schedule schedule);
  const Schedule& schedule() const;
  /// All rates are multiplied by this from now on (1 at first): for reductions on a plateau.
  void set_rate_factor(double factor);
  double rate_factor() const;

  /// An optimiser of the same rule, schedule and state with these groups. Throws for a group without patterns, for numbers that are out of
  /// range, and for a weight decay where the rule has none. In the first step (or build) every pattern must stand for a parameter.
  Optimizer with_groups(std::vector<ParameterGroup> groups) const;
  const std::vector<ParameterGroup>& groups() const;

  /// Everything that the next steps depend on, but for rule, schedule and groups: a run goes on from it bit for bit.
  OptimizerState state() const;
  void set_state(const OptimizerState& state);
  /// Names of the arrays kept for each parameter: "m", "v".
  std::vector<std::string_view> state_names() const { return rule_->state_names(); }
  /// The state arrays, for transforms: "0.kernel.m".
  void visit_parts(core::PartVisitor& visitor, const std::string& path) const;

 private:
  struct Host;    // what the host counts
  struct Record;  // state of one parameter
  struct Old;     // a value before the step
  void step_arrays(const std::vector<Array*>& parameters, std::vector<Array> grads);
  void step_records(const std::vector<Variable>& variables, std::vector<Array> grads, std::span<const Array> shown, bool are_loose);
  size_t record_of(const std::string& path, const Array& parameter);
  size_t record_of_loose(const std::string& path, const Array& parameter, const std::vector<size_t>& taken);
  size_t add_record(const std::string& path, const Array& parameter);
  std::vector<std::vector<Array>> next_numbers(const std::vector<size_t>& moving);
  void update(const Variable& variable, const Array& grad, size_t record, const std::vector<Array>& numbers, std::vector<Array>& roots,
              std::vector<Old>& olds);
  void check_groups(const std::vector<Variable>& variables) const;

  RulePtr rule_;
  std::shared_ptr<Host> host_;
  std::vector<std::unique_ptr<Record>> records_;  // in the order in which parameters were first seen
};

/// Gradients scaled by min(1, max_norm / (norm + 1e-6)), norm being that of all of them as one vector; see global_norm.
Gradients clip_by_norm(const Gradients& grads, double max_norm, double order = 2);
std::vector<Array> clip_by_norm(const std::vector<Array>& grads, double max_norm, double order = 2);
Array clip_by_norm(const Array& grad, double max_norm, double order = 2);
/// Each element cut to [-limit, limit].
Gradients clip_by_value(const Gradients& grads, double limit);
std::vector<Array> clip_by_value(const std::vector<Array>& grads, double limit);
Array clip_by_value(const Array& grad, double limit);
/// The norm of all gradients as one vector, of rank 0: Euclidean, or of another order (1: sum of sizes; infinity: the largest).
Array global_norm(const Gradients& grads, double order = 2);
Array global_norm(const std::vector<Array>& grads, double order = 2);

}  // namespace gradus::optim

namespace gradus {
using optim::clip_by_norm;
using optim::clip_by_value;
}  // namespace gradus
