// Scores of predicted numbers on a whole set. Of batches that do not fit in memory together: Accumulator.
#pragma once

#include <vector>

#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

// Each takes (output, target), shapes (N,), (N, 1) or (N, K), and gives the mean over the K columns of what is said of one.

/// Mean absolute error.
///
///   metrics::mae(array({1.0, 2.0}), array({2.0, 4.0}))   // 1.5
double mae(const Array& output, const Array& target, const NumberOptions& options = {});
/// Mean squared error.
double mse(const Array& output, const Array& target, const NumberOptions& options = {});
/// Its square root.
double rmse(const Array& output, const Array& target, const NumberOptions& options = {});
/// Coefficient of determination: 1 - sum of squared errors / sum of squares of the targets about their mean. Where the targets are all
/// equal 1 if there are no errors, else 0; NaN of a single sample.
///
///   metrics::r2(array({1.0, 2.0, 4.0}), array({1.0, 2.0, 3.0}))   // 0.5
double r2(const Array& output, const Array& target, const NumberOptions& options = {});
/// The same for a model of `features` coefficients: 1 - (1 - r2) (n - 1) / (n - features - 1). Throws unless n is above features + 1.
double adjusted_r2(const Array& output, const Array& target, int64_t features, const NumberOptions& options = {});
/// 1 - variance of the errors / variance of the targets: r2 without the mean error.
double explained_variance(const Array& output, const Array& target, const NumberOptions& options = {});
/// Mean of |error| / |target|, a share and no percentage; targets of 0 count as 2.2e-16, so that they show.
double mape(const Array& output, const Array& target, const NumberOptions& options = {});
/// Mean of 2 |error| / (|target| + |output|), from 0 to 2; 0 where both are 0 (Makridakis 1993).
double smape(const Array& output, const Array& target, const NumberOptions& options = {});
/// Median of |error|; with weights the least error that half of the weight does not exceed.
double median_absolute_error(const Array& output, const Array& target, const NumberOptions& options = {});
/// The largest |error|; of several columns, their mean. Weights of 0 leave samples out.
double max_error(const Array& output, const Array& target, const NumberOptions& options = {});
/// Mean of (log(1 + target) - log(1 + output))^2. Throws for negative numbers.
double mean_squared_log_error(const Array& output, const Array& target, const NumberOptions& options = {});

/// Mean loss of a predicted quantile: level e for e >= 0, (level - 1) e else, e = target - output (Koenker and Bassett 1978).
///
///   metrics::pinball(array({1.0}), array({3.0}), 0.9)   // 1.8
double pinball(const Array& output, const Array& target, double level, const NumberOptions& options = {});

/// Mean deviance of Tweedie's distributions (Jorgensen 1987) by the power of their variance: 0 normal, 1 Poisson, 2 gamma, 3 inverse
/// Gaussian, none between 0 and 1. Outputs must be above 0 but for power 0; targets not below 0 from power 1, above 0 from power 2.
double tweedie_deviance(const Array& output, const Array& target, double power, const NumberOptions& options = {});
double poisson_deviance(const Array& output, const Array& target, const NumberOptions& options = {});
double gamma_deviance(const Array& output, const Array& target, const NumberOptions& options = {});

/// What pictures of residuals are drawn from. A residual is target - output.
struct Residuals {
  std::vector<double> predicted{}, residual{};  ///< in the order of the samples, all columns
  /// Of the quantile-quantile picture: what a normal distribution would give at (i - 0.5) / n, and the sorted residuals, standardised.
  std::vector<double> normal_quantiles{}, sorted{};
  double mean = 0, deviation = 0, skewness = 0, excess_kurtosis = 0;  ///< of the residuals; deviation with n - 1, the others of moments
};
Residuals residuals(const Array& output, const Array& target);

}  // namespace gradus::metrics
