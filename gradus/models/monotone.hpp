// A network whose outputs cannot fall, or cannot rise, with chosen inputs, whatever its parameters are.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gradus/nn/dense.hpp"

namespace gradus::models {

/// Options of MonotoneMLP.
struct MonotoneMLPOptions {
  std::vector<int64_t> directions{1};  ///< of each input: 1 rises, -1 falls, 0 free
  int64_t outputs = 1;
  int64_t hidden = 32;  ///< units of each layer
  int64_t layers = 2;   ///< hidden layers
  GRADUS_OPTIONS(directions, outputs, hidden, layers)
};

/// Inputs (N, directions) to (N, outputs), every output monotone in each input that has a direction. On the way from such an input all
/// weights are sizes, softplus(v) >= 0, and activations do not fall: of each layer's units a third are relu(x), a third -relu(-x), which
/// bends the other way, and the rest tanh (after Runje and Shankaranarayana 2023), so that not only convex functions are reached. Free
/// inputs go through layers of their own, whose values every layer adds with free weights.
///
///   models::MonotoneMLP model({.directions = {1, 0, -1}});   // rises with input 0, falls with input 2
///   model(zeros({4, 3}));   // (4, 1)
class MonotoneMLP {
 public:
  explicit MonotoneMLP(MonotoneMLPOptions options = {});

  Array forward(const Array& x) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }

  MonotoneMLPOptions options;
  std::vector<Parameter> sizes{};    ///< of each layer and the output: before softplus
  std::vector<nn::Dense> free{};     ///< what each adds: biases, and free inputs
  std::vector<nn::Dense> context{};  ///< layers of the free inputs
  GRADUS_PARTS(options, sizes, free, context)
};

}  // namespace gradus::models
