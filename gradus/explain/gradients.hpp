// Explanations by gradients: saliency, gradient x input, SmoothGrad and its kin, expected gradients. Integrated gradients have a file of
// their own.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "gradus/explain/target.hpp"

namespace gradus::explain {

/// Options of what needs one gradient a row.
struct GradientOptions {
  Target target = largest;
  Scale scale = Scale::output;
  int64_t batch_size = 256;  ///< rows a call of the model
};

/// d(explained number) / dx, of x's shape. x must be of float dtype.
///
///   nn::Sequential net{nn::Dense(3)};
///   explain::gradients(net, ones({2, 5}), {.target = 1}).values   // (2, 5)
Attribution gradients(Function model, const Array& x, const GradientOptions& options = {});

/// |gradient|: how much a small change of each number changes the answer (Simonyan, Vedaldi, Zisserman 2014).
Attribution saliency(Function model, const Array& x, const GradientOptions& options = {});

/// Gradient x input. Of a linear model without a bias the values add up to the output.
Attribution gradient_times_input(Function model, const Array& x, const GradientOptions& options = {});

/// What SmoothGrad makes of the gradients at noisy copies of x: their mean (Smilkov et al. 2017), the mean of their squares, or their
/// variance, VarGrad (Adebayo et al. 2018).
enum class SmoothKind { mean, squared, variance };
std::span<const std::string_view> enum_names(SmoothKind);

/// Options of smooth_grad.
struct SmoothGradOptions {
  Target target = largest;
  Scale scale = Scale::output;
  int64_t samples = 50;  ///< noisy copies a row; at least 1, of variance 2
  double noise = 0.15;   ///< deviation of the noise, as a part of each row's largest less its smallest number; not negative
  SmoothKind kind = SmoothKind::mean;
  int64_t seed = 0;
  int64_t batch_size = 256;
};

/// Gradients at noisy copies of x, of x's shape. The same for a seed, whatever the batch size, up to rounding.
///
///   explain::smooth_grad(model, x, {.samples = 20, .seed = 1})
Attribution smooth_grad(Function model, const Array& x, const SmoothGradOptions& options = {});

/// Options of expected_gradients.
struct ExpectedGradientsOptions {
  Target target = largest;
  Scale scale = Scale::output;
  int64_t samples = 200;  ///< points a row, at least 2
  int64_t seed = 0;
  int64_t batch_size = 256;
};

/// An attribution that was estimated from samples.
struct SampledAttribution : Attribution {
  Array errors{};  ///< standard errors of the values, of x's shape
  Array base{};    ///< (N,) float64: the mean of the explained number over the background
};

/// The mean of (x - b) * gradient at b + t (x - b) over rows b of the background and t from 0 to 1, both drawn at random: integrated
/// gradients from the whole background (Erion et al. 2021). The expected values of a row add up to output - base.
///
/// x           (N, ...) floats
/// background  (B, ...), at least one row
///
///   explain::expected_gradients(model, x, x, {.samples = 50})
SampledAttribution expected_gradients(Function model, const Array& x, const Array& background,
                                      const ExpectedGradientsOptions& options = {});

}  // namespace gradus::explain
