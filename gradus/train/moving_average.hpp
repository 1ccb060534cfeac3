// The running mean of a model's parameters, which often does better on new data than the last parameters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/graph/parts.hpp"

namespace gradus::train::detail {

/// a = decay a + (1 - decay) p after each step, for every parameter that is trained (Polyak and Juditsky 1992); after the first step a = p.
/// With warm-up the decay of step t is at most (1 + t) / (10 + t), so that first values are soon forgotten. Running statistics are not
/// averaged: they are means already. Means of 16-bit parameters are kept in float32.
class MovingAverage {
 public:
  MovingAverage(double decay, bool has_warmup) : decay_(decay), has_warmup_(has_warmup) {}
  bool is_on() const { return decay_ > 0; }

  /// Notes the parameters after a step.
  void note(const std::vector<Variable>& variables);
  /// Puts the means into the model, and the parameters back; between the two value() gives the parameters.
  void put_in(const std::vector<Variable>& variables);
  void take_out(const std::vector<Variable>& variables);
  /// What the variable is for the next step, whichever of the two the model has.
  Array value(const std::vector<Variable>& variables, size_t index) const;

  int64_t steps() const { return steps_; }
  /// Of each variable; empty where it is not averaged.
  const std::vector<Array>& means() const { return means_; }
  void go_on(int64_t steps, std::vector<Array> means);

 private:
  double decay_;
  bool has_warmup_;
  int64_t steps_ = 0;
  std::vector<Array> means_{}, parameters_{};  // parameters_: while the means are in the model
};

}  // namespace gradus::train::detail
