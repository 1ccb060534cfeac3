// Intervals of a share: how far hits of so many tries may be from what they would be of very many.
#pragma once

#include <cstdint>

namespace gradus::metrics {

/// A number with its confidence interval.
struct Bounds {
  double value = 0, lower = 0, upper = 0;
};

/// Wilson's score interval (1927): near its confidence for few tries and shares near 0 and 1. hits from 0 to tries, tries at least 1,
/// confidence between 0 and 1. Hits may be weights.
///
///   metrics::wilson(8, 10).lower   // 0.490162
Bounds wilson(double hits, double tries, double confidence = 0.95);

/// Clopper and Pearson's exact interval (1934): covers at least with its confidence, often with more.
///
///   metrics::clopper_pearson(8, 10).lower   // 0.443905
Bounds clopper_pearson(int64_t hits, int64_t tries, double confidence = 0.95);

}  // namespace gradus::metrics
