// Whether probabilities are what they say: reliability curves and their distance from the diagonal.
#pragma once

#include <vector>

#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

/// How the probabilities are cut into bins.
enum class Bins : uint8_t {
  uniform,  ///< of equal widths
  quantile  ///< of equally many samples
};

/// Bins of calibration_curve and expected_calibration_error; count at least 1.
struct CalibrationOptions {
  int64_t count = 10;
  Bins bins = Bins::uniform;
};

/// One bin that holds samples: the mean of their probabilities, the share of them that are right, and their weight.
struct CalibrationBin {
  double predicted = 0, observed = 0, weight = 0;
};

/// The reliability curve, from low to high. Of two classes: the probability of class 1 against how often it is class 1. Of more: the
/// largest probability against how often its class is right. A probability at the edge of two bins is in the lower one. (Niculescu-Mizil
/// and Caruana 2005; scikit-learn's calibration_curve.)
///
///   metrics::calibration_curve(array({0.0, 1.0, -1.0}), array({1, 1, 0}), {.count = 2}).size()   // 2
std::vector<CalibrationBin> calibration_curve(const Array& output, const Array& target, const CalibrationOptions& bins = {},
                                              const ClassOptions& options = {});

/// Mean distance of the curve from the diagonal, each bin by the weight of its samples: ECE (Guo and others 2017).
///
///   metrics::expected_calibration_error(array({0.0, 0.0}), array({1, 0}))   // 0
double expected_calibration_error(const Array& output, const Array& target, const CalibrationOptions& bins = {},
                                  const ClassOptions& options = {});

}  // namespace gradus::metrics
