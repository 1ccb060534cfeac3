// What is watched; the best epoch.
#include "gradus/train/best.hpp"

#include <cmath>

#include "gradus/base/error.hpp"

namespace gradus::train::detail {

using namespace core;

Monitor::Monitor(const FitOptions& options)
    : name(!options.monitor.empty()        ? options.monitor
           : options.validation.size() > 0 ? "val_loss"
                                           : "loss"),
      more_is_better(options.more_is_better.value_or(is_gain(name))) {}

double Monitor::of(const Epoch& epoch) const {
  if (epoch.logs.contains(name)) return epoch.logs[name];
  std::vector<std::string> names;
  for (const auto& [each, unused] : epoch.logs) names.push_back(each);
  fail("fit", "monitor is \"", name, "\", which no epoch reports; it must be one of ", join(names));
}

bool Best::note(const Epoch& epoch, double value, const std::vector<Variable>& variables, bool keeps_values) {
  // NaN is never the best, else no number would be better.
  if (!std::isnan(value) && (epoch_ == 0 || (more_is_better_ ? value > value_ : value < value_))) {
    value_ = value;
    epoch_ = epoch.number;
    values_.clear();
    for (const Variable& variable : variables) {
      if (keeps_values) values_.push_back(variable.exists() ? variable.get() : Array());
    }
    return false;
  }
  return epoch.number - epoch_ >= patience_;
}

void Best::save(RunState& state) const {
  state.best_epoch = epoch_;
  state.best_value = value_;
  state.best = values_;
}
void Best::go_on(const RunState& state) {
  epoch_ = state.best_epoch;
  value_ = state.best_value;
  values_ = state.best;
}
void Best::restore(const std::vector<Variable>& variables) const {
  for (size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].exists()) variables[i].set(values_[i]);
  }
}

}  // namespace gradus::train::detail
