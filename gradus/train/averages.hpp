// Means over an epoch, or a set, of the numbers that batches give. Not for users.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/train/fit.hpp"
#include "gradus/train/run_state.hpp"

namespace gradus::train::detail {

using namespace core;

/// Throws for two numbers of one name: they would be one column.
inline void check_names(const Measured& measured) {
  std::vector<std::string> names{"loss"};
  for (const Term& term : measured.others) names.push_back(term.name);
  for (const metrics::Metric& metric : measured.of_set) names.push_back(metric.name());
  for (size_t i = 1; i < names.size(); ++i) {
    const std::string& name = names[i];
    const auto before = names.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(names.begin(), before, name) == before) continue;
    fail("fit", "two of the numbers to log are called \"", name, "\"; each needs a name of its own, for example metrics::Metric(\"my_",
         name, "\", function)");
  }
}

/// Means of the numbers that batches give: each over what its means in the batches divide by, which is examples where nothing else is said.
class Averages {
 public:
  void add(const Measured& measured, int64_t examples) {
    const double count = static_cast<double>(examples);
    const auto weight = [&](const Array& divisor) { return divisor.exists() ? divisor.item() : count; };
    add("loss", measured.loss, weight(measured.divisor));
    for (const Term& term : measured.others) add(term.name, term.value, weight(term.divisor));
    examples_ += count;
  }
  /// In the order in which the numbers first came.
  const std::vector<Total>& totals() const { return totals_; }
  double examples() const { return examples_; }
  void go_on(std::vector<Total> totals, double examples) {
    totals_ = std::move(totals);
    examples_ = examples;
  }
  Logs logs(std::string_view prefix = "") const {
    Logs logs;
    for (const Total& total : totals_) logs.set(concat(prefix, total.name), total.sum / total.weight);
    return logs;
  }

 private:
  // A batch in which nothing counts has no mean, and no weight.
  void add(const std::string& name, const Array& value, double weight) {
    auto total = std::find_if(totals_.begin(), totals_.end(), [&](const Total& each) { return each.name == name; });
    if (total == totals_.end()) total = totals_.insert(total, {name});
    total->sum += weight == 0 ? 0 : value.item() * weight;
    total->weight += weight;
  }
  std::vector<Total> totals_;
  double examples_ = 0;
};

}  // namespace gradus::train::detail
