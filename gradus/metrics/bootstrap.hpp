// Confidence intervals of any score, by resampling.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

/// How bounds are taken of what the resamples gave.
enum class BootstrapKind : uint8_t {
  bca,        ///< bias-corrected and accelerated (Efron 1987)
  percentile  ///< their quantiles
};

/// Options of bootstrap and of what compares by it.
struct BootstrapOptions {
  int64_t resamples = 1000;
  double confidence = 0.95;
  BootstrapKind kind = BootstrapKind::bca;
  uint64_t seed = 0;           ///< the same seed, the same numbers, however many threads
  bool is_stratified = false;  ///< each class is drawn as often as it occurs; of scores of classes
  Array groups{};              ///< (N,) integers: samples of one group, of one patient say, are drawn together; empty: each by itself
  ClassOptions classes{};      ///< how outputs are read; its weights are those of scores of numbers too
};

/// A score with its interval.
struct Interval {
  std::string name{};
  double value = 0, lower = 0, upper = 0;
  double error = 0;       ///< standard deviation of the resamples
  int64_t undefined = 0;  ///< resamples in which the score was not defined (a class did not occur), which are left out
};

/// Intervals of scores by name, as recipes call them (docs/recipes.md), all from the same resamples of the samples. Nothing is sorted
/// again: a resample is how often each sample counts. The acceleration of BCa is a jackknife over the samples, or over 1,000 blocks of them
/// where there are more. Throws for options out of range, and what the scores throw.
///
///   metrics::bootstrap({"accuracy", "roc_auc"}, array({2.0, -1.0, 1.0, 0.5}), array({1, 0, 1, 0}))[0].value   // 0.75
std::vector<Interval> bootstrap(const std::vector<std::string>& names, const Array& output, const Array& target,
                                const BootstrapOptions& options = {});

/// The interval of a statistic of one's own of `count` samples: it gets the positions of a resample, in rising order. `is_stratified` and
/// `classes` do not count.
///
///   metrics::bootstrap([](std::span<const int64_t> rows) { return static_cast<double>(rows.size()); }, 10).value   // 10
Interval bootstrap(const std::function<double(std::span<const int64_t> rows)>& statistic, int64_t count,
                   const BootstrapOptions& options = {});

}  // namespace gradus::metrics
