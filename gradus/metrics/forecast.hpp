// Scores of forecasts of time series, and of their intervals.
#pragma once

#include <vector>

#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

// `history` is what the model was trained on, (T,) or (T, K), oldest first; `season` the steps after which it repeats, at least 1 and below
// T.

/// Mean absolute error over that of the naive forecast of the history, which repeats the value of a season ago (Hyndman and Koehler 2006);
/// below 1 is better than it. Throws where the history repeats itself exactly.
///
///   metrics::mase(array({5.0, 6.0}), array({6.0, 8.0}), array({1.0, 2.0, 4.0}))   // 1
double mase(const Array& output, const Array& target, const Array& history, int64_t season = 1);
/// The same of squared errors, and the root of it (the M5 competition).
double rmsse(const Array& output, const Array& target, const Array& history, int64_t season = 1);

// Intervals: `lower` and `upper` in the shape of the target, none of lower above upper.

/// Share of targets inside their interval, ends included.
///
///   metrics::interval_coverage(array({0.0, 0.0}), array({1.0, 1.0}), array({0.5, 2.0}))   // 0.5
double interval_coverage(const Array& lower, const Array& upper, const Array& target);
/// Mean of upper - lower.
double interval_width(const Array& lower, const Array& upper);
/// Mean interval score at level alpha (Gneiting and Raftery 2007): width + 2 / alpha of what the target lies outside; alpha 0.1 of a 90 %
/// interval.
double interval_score(const Array& lower, const Array& upper, const Array& target, double alpha);

/// One predicted interval: ends (N,) each.
struct ForecastInterval {
  Array lower{}, upper{};
  double alpha = 0.1;
};
/// Mean weighted interval score of a median and K intervals (Bracher and others 2021):
///     (|target - median| / 2 + sum_k alpha_k / 2 score_k) / (K + 1 / 2)
double weighted_interval_score(const Array& median, const std::vector<ForecastInterval>& intervals, const Array& target);

}  // namespace gradus::metrics
