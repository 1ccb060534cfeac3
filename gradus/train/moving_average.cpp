// Means by variable; each note is one run, in place.
#include "gradus/train/moving_average.hpp"

#include <algorithm>

#include "gradus/graph/evaluate.hpp"
#include "gradus/ops/elementwise.hpp"

namespace gradus::train::detail {

using namespace core;

void MovingAverage::note(const std::vector<Variable>& variables) {
  if (!is_on()) return;
  ++steps_;
  const auto t = static_cast<double>(steps_);
  const double kept = has_warmup_ ? std::min(decay_, (1 + t) / (10 + t)) : decay_;
  means_.resize(variables.size());
  std::vector<Array> roots;
  for (size_t i = 0; i < variables.size(); ++i) {
    if (!variables[i].exists() || !variables[i].is_trainable()) continue;
    const Array& value = variables[i].get();
    const Array wide = value.dtype() == float64 ? value : value.astype(float32);
    means_[i] = means_[i].exists() ? means_[i] + (1 - kept) * (wide - means_[i]) : wide;
    roots.push_back(means_[i]);
  }
  evaluate(roots);
}

void MovingAverage::put_in(const std::vector<Variable>& variables) {
  if (!parameters_.empty() || means_.empty()) return;
  std::vector<Array> given(means_.size()), roots;
  for (size_t i = 0; i < means_.size(); ++i) {
    if (means_[i].exists()) roots.push_back(given[i] = means_[i].astype(variables[i].get().dtype()));
  }
  evaluate(roots);
  parameters_.resize(means_.size());
  for (size_t i = 0; i < means_.size(); ++i) {
    if (!means_[i].exists()) continue;
    parameters_[i] = variables[i].get();
    variables[i].set(given[i]);
  }
}

void MovingAverage::take_out(const std::vector<Variable>& variables) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].exists()) variables[i].set(parameters_[i]);
  }
  parameters_.clear();
}

Array MovingAverage::value(const std::vector<Variable>& variables, size_t index) const {
  if (index < parameters_.size() && parameters_[index].exists()) return parameters_[index];
  return variables[index].exists() ? variables[index].get() : Array();
}

void MovingAverage::go_on(int64_t steps, std::vector<Array> means) {
  steps_ = steps;
  means_ = std::move(means);
}

}  // namespace gradus::train::detail
