// The privacy accountant: what training by noisy steps on random batches tells of one sample, as (epsilon, delta).
//
// Mechanism: of N samples each is drawn into a step by itself with probability q; gradients of norm at most C are summed, and normal noise
// of deviation sigma C is added to each number of the sum. Two data sets are neighbours if one has one sample more than the other. A run
// is (epsilon, delta)-private if for any two neighbours and any set S of results P(S) <= exp(epsilon) P'(S) + delta.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gradus::train {

/// Steps of one kind. noise_multiplier is at least 0, sampling_rate from 0 to 1, steps not negative.
struct PrivateSteps {
  double noise_multiplier = 1.0;  ///< sigma: deviation of the noise over the norm that gradients are clipped to
  double sampling_rate = 1.0;     ///< q: the probability with which a sample is in a step
  int64_t steps = 1;
  friend bool operator==(const PrivateSteps&, const PrivateSteps&) = default;
};

/// Renyi divergence of the given order between what one step gives on two neighbours: log(A) / (order - 1) with
///  A = E[(1 - q + q exp((2 z - 1) / (2 sigma^2)))^order],  z normal with mean 0 and deviation sigma.
/// Sums of Mironov, Talwar and Zhang, "Renyi differential privacy of the sampled Gaussian mechanism" (2019): over k = 2 .. order for
/// integers, over two series for other orders; where rounding leaves no digit of a series, the straight line between the logarithms at the
/// integers beside it, which lies above. Infinite without noise, 0 where nothing is drawn. Throws for an order that is not above 1.
///
///   train::renyi_divergence(1.0, 0.01, 32)   // 11.2463
double renyi_divergence(double noise_multiplier, double sampling_rate, double order);

/// Adds up the steps of a run, or of several on the same data, in Renyi divergences of many orders (Mironov 2017), and tells the smallest
/// epsilon that they give.
///
///   train::PrivacyAccountant accountant;
///   accountant.add({.noise_multiplier = 1.1, .sampling_rate = 256.0 / 60000, .steps = 14062});
///   accountant.epsilon(1e-5);   // 2.5966
class PrivacyAccountant {
 public:
  /// Orders 1.1, 1.2 ... 10.9, 12 ... 63, and on to 1024 in growing steps.
  PrivacyAccountant();
  explicit PrivacyAccountant(std::vector<double> orders);

  /// Throws for numbers that are not as PrivateSteps has them.
  void add(const PrivateSteps& steps);
  /// epsilon = min over orders a of  D_a + log((a - 1) / a) - (log(delta) + log(a)) / (a - 1), and at least 0 (Balle et al., "Hypothesis
  /// testing interpretations and Renyi differential privacy", 2020). Infinite if a step was without noise. Throws for a delta that is not
  /// between 0 and 1.
  double epsilon(double delta) const;
  /// What was added; equal kinds that follow each other are one.
  const std::vector<PrivateSteps>& parts() const { return parts_; }
  std::span<const double> orders() const { return orders_; }

 private:
  std::vector<double> orders_;
  std::vector<double> before_;    // divergences of all parts but the last
  std::vector<double> one_step_;  // of the last
  std::vector<PrivateSteps> parts_;
};

/// The epsilon of such steps alone.
///
///   train::epsilon_of({.noise_multiplier = 1.0, .sampling_rate = 0.01, .steps = 1000}, 1e-5)   // 2.10137
double epsilon_of(const PrivateSteps& steps, double delta);
/// The least noise multiplier, up to 1e-4 of itself, with which `steps` (whose noise_multiplier does not count) keep to epsilon at delta;
/// `spent` counts along. Throws where no noise up to 1e6 does.
///
///   train::noise_for(3.0, 1e-5, {.sampling_rate = 0.01, .steps = 1000})   // 0.864624
double noise_for(double epsilon, double delta, const PrivateSteps& steps, const PrivacyAccountant& spent = PrivacyAccountant());

}  // namespace gradus::train
