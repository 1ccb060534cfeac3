// Means over an epoch, or a set, of the numbers that batches give. Not for users.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/train/fit.hpp"

namespace gradus::train::detail {

using namespace core;

/// Throws for two numbers of one name: they would be one column.
inline void check_names(const Measured& measured) {
  for (size_t i = 0; i < measured.others.size(); ++i) {
    const std::string& name = measured.others[i].name;
    const auto has_name = [&](const Term& term) { return term.name == name; };
    if (name != "loss" && std::none_of(measured.others.begin(), measured.others.begin() + static_cast<std::ptrdiff_t>(i), has_name))
      continue;
    fail("fit", "two of the numbers to log are called \"", name, "\"; each needs a name of its own, for example metrics::Metric(\"my_",
         name, "\", function)");
  }
}

/// Means of the numbers that batches give: over what the loss divides by, and over examples for all others.
class Averages {
 public:
  void add(const Measured& measured, int64_t examples) {
    const double count = static_cast<double>(examples), weight = measured.divisor.exists() ? measured.divisor.item() : count;
    // A batch without a label that counts has no mean, and no weight.
    add("loss", weight == 0 ? 0 : measured.loss.item() * weight);
    for (const Term& term : measured.others) add(term.name, term.value.item() * count);
    examples_ += count;
    divisor_ += weight;
  }
  const std::vector<std::pair<std::string, double>>& sums() const { return totals_; }
  double examples() const { return examples_; }
  double divisor() const { return divisor_; }
  void go_on(std::vector<std::pair<std::string, double>> sums, double examples, double divisor) {
    totals_ = std::move(sums);
    examples_ = examples;
    divisor_ = divisor;
  }
  Logs logs(std::string_view prefix = "") const {
    Logs logs;
    for (const auto& [name, total] : totals_) logs.set(concat(prefix, name), total / (name == "loss" ? divisor_ : examples_));
    return logs;
  }

 private:
  void add(const std::string& name, double number) {
    for (auto& [known, total] : totals_) {
      if (known != name) continue;
      total += number;
      return;
    }
    totals_.emplace_back(name, number);
  }
  std::vector<std::pair<std::string, double>> totals_;
  double examples_ = 0, divisor_ = 0;
};

}  // namespace gradus::train::detail
