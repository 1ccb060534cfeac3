// Normalisation layers: BatchNorm, LayerNorm.
#pragma once

#include "gradus/nn/dense.hpp"

namespace gradus::nn {

/// Options of BatchNorm. momentum lies between 0 and 1, epsilon is not negative.
struct BatchNormOptions {
  double momentum = 0.99;  ///< weight of the old running statistics at each training call
  double epsilon = 1e-3;
  bool center = true;  ///< add bias
  bool scale = true;   ///< multiply by weight
};

/// (x - mean) / sqrt(variance + epsilon) * weight + bias over all axes but the last (Ioffe and Szegedy 2015). In training (TrainingMode)
/// mean and variance are those of the batch, and the running statistics move towards them (the variance unbiased); else they are the
/// running ones.
class BatchNorm {
 public:
  explicit BatchNorm(BatchNormOptions options = {});

  Array forward(const Array& x) const;
  std::string describe() const;
  void check() const;
  static std::span<const core::FieldNote> field_notes();

  double momentum, epsilon;
  bool center, scale;
  Parameter weight{}, bias{};
  State running_mean{}, running_variance{};
  GRADUS_PARTS(momentum, epsilon, center, scale, weight, bias, running_mean, running_variance)
};

/// Options of LayerNorm. epsilon is not negative.
struct LayerNormOptions {
  double epsilon = 1e-5;
  bool center = true;  ///< add bias
  bool scale = true;   ///< multiply by weight
};

/// (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis, for each example by itself (Ba, Kiros, Hinton 2016).
class LayerNorm {
 public:
  explicit LayerNorm(LayerNormOptions options = {});

  Array forward(const Array& x) const;
  std::string describe() const;
  void check() const;
  static std::span<const core::FieldNote> field_notes();

  double epsilon;
  bool center, scale;
  Parameter weight{}, bias{};
  GRADUS_PARTS(epsilon, center, scale, weight, bias)
};

}  // namespace gradus::nn
