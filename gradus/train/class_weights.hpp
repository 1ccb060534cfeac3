// Weights of classes: how much the examples of each class count in training.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "gradus/data/dataset.hpp"

namespace gradus::train {

/// Of `balanced` class weights: examples / (classes that occur * examples of the class), so that all classes weigh the same in sum.
struct Balanced {};
inline constexpr Balanced balanced{};

/// A class, by its label or by its name, and its weight.
struct ClassWeight {
  template <std::integral T>
  ClassWeight(T label, double weight) : label(static_cast<int64_t>(label)), weight(weight) {}
  ClassWeight(std::string name, double weight) : name(std::move(name)), weight(weight) {}
  int64_t label = -1;  ///< -1: by name
  std::string name{};
  double weight = 1;
};

/// What FitOptions::class_weight holds: nothing, `balanced`, or weights of some classes; the others weigh 1.
///
///   .class_weight = {{0, 1.0}, {1, 12.5}}   .class_weight = {{"Shirt", 2.0}}   .class_weight = train::balanced
class ClassWeights {
 public:
  ClassWeights() = default;
  ClassWeights(std::initializer_list<ClassWeight> weights) : ClassWeights(std::vector<ClassWeight>(weights)) {}
  explicit ClassWeights(std::vector<ClassWeight> weights) : weights_(std::move(weights)) {}
  ClassWeights(Balanced) : is_balanced_(true) {}  // NOLINT: implicit on purpose

  bool exists() const { return is_balanced_ || !weights_.empty(); }
  bool is_balanced() const { return is_balanced_; }
  const std::vector<ClassWeight>& weights() const { return weights_; }

  /// The set with the weight of each sample's class, times the weight that the sample has already. Targets are labels, (N,) or (N, 1),
  /// whole numbers of any dtype, or rows that are one-hot. Throws for other targets, for a weight that is negative or not finite, for a
  /// class that is named twice, that the set's class names do not have, or (without names) that no sample has.
  data::Dataset applied_to(const data::Dataset& set) const;

 private:
  std::vector<ClassWeight> weights_{};
  bool is_balanced_ = false;
};
/// "balanced", or "0: 1, Shirt: 2".
std::string to_text(const ClassWeights& weights);

}  // namespace gradus::train
