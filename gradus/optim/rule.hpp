// Update rules: how one parameter moves, given its gradient. The optimisers of optim.hpp wrap them.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::optim {

/// What a rule makes of one parameter in one step.
struct Updated {
  Array parameter;
  std::vector<Array> state;
};

/// The mathematics of an optimiser. Immutable: what changes from step to step comes in as arguments, so that the recorded graph is the
/// same in every step. Numbers that depend on the step (the rate, bias corrections) are computed on the host and enter as rank-0 arrays.
class Rule {
 public:
  virtual ~Rule() = default;
  /// "adam".
  virtual std::string_view name() const = 0;
  /// Arrays of the parameter's shape that are kept from step to step, for example "m", "v".
  virtual std::vector<std::string_view> state_names() const = 0;
  /// The value that state array number `index` starts with, everywhere, when the first step's rate is `rate`.
  virtual double first_value(size_t index, double rate) const;
  /// The host's numbers for step t = 1, 2, ... of a parameter. `memory` starts as 1 and is kept for the parameter.
  virtual std::vector<double> numbers(int64_t t, double rate, double& memory) const;
  /// The same rule with another weight decay; null if it has none.
  virtual std::shared_ptr<const Rule> with_weight_decay(double weight_decay) const;
  virtual Updated update(const Array& parameter, const Array& gradient, std::span<const Array> state,
                         std::span<const Array> numbers) const = 0;
};
using RulePtr = std::shared_ptr<const Rule>;

}  // namespace gradus::optim
