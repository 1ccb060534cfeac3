// Whether one of two models is better, or the difference is chance: tests on the same samples.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gradus/metrics/bootstrap.hpp"

namespace gradus::metrics {

/// What a test says: both scores, first - second with its interval, and how probable so large a difference of either sign were by chance,
/// were the two equally good.
struct Comparison {
  std::string name{};  ///< of the score
  double first = 0, second = 0;
  double difference = 0, lower = 0, upper = 0;
  double statistic = 0;  ///< of the test, see each
  double p_value = 1;
};

/// How McNemar's test finds its p value.
enum class McNemarKind : uint8_t {
  automatic,   ///< exact for fewer than 25 samples on which the two differ
  exact,       ///< binomial; the statistic is the smaller count
  chi_squared  ///< with continuity correction; the statistic is (|b - c| - 1)^2 / (b + c)
};
/// Options of mcnemar.
struct McNemarOptions {
  McNemarKind kind = McNemarKind::automatic;
  double confidence = 0.95;
  ClassOptions classes{};  ///< how outputs are read; without weights
};
/// Accuracies of two classifiers, by the samples that only one of them has right (McNemar 1947). The interval is Bonett and Price's (2012).
///
///   metrics::mcnemar(array({2.0, -1.0, 1.0}), array({1.0, 1.0, 1.0}), array({1, 0, 1})).p_value   // 1
Comparison mcnemar(const Array& first, const Array& second, const Array& target, const McNemarOptions& options = {});

/// Differences of scores by name, both models on the same resamples, with percentile or BCa bounds. The statistic is the difference over
/// its standard deviation; the p value twice the share of resamples on the other side of 0, that counted with one more.
///
///   metrics::paired_bootstrap({"accuracy"}, array({2.0, -1.0, 1.0}), array({1.0, 1.0, 1.0}), array({1, 0, 1}))[0].difference   // 0.333333
std::vector<Comparison> paired_bootstrap(const std::vector<std::string>& names, const Array& first, const Array& second,
                                         const Array& target, const BootstrapOptions& options = {});

/// Areas under the ROC curves of two classifiers of two classes (DeLong, DeLong and Clarke-Pearson 1988; by ranks as Sun and Xu 2014). The
/// statistic is normal. Takes no weights.
Comparison delong(const Array& first, const Array& second, const Array& target, double confidence = 0.95, const ClassOptions& options = {});
/// One area with the interval of its DeLong variance.
Interval delong_interval(const Array& output, const Array& target, double confidence = 0.95, const ClassOptions& options = {});

/// Any score by name: outputs of the two are exchanged sample by sample at random (Fisher 1935). The statistic is the difference; the
/// bounds are those of paired_bootstrap. `resamples` exchanges are made; groups and strata count for the bounds alone.
Comparison permutation_test(const std::string& name, const Array& first, const Array& second, const Array& target,
                            const BootstrapOptions& options = {});
/// Means of numbers of the same samples, losses say, by exchanging signs of their differences: all of them where there are no more than
/// `resamples`, else as many at random. The bounds are Student's.
///
///   metrics::permutation_test(std::vector<double>{1, 2, 3}, std::vector<double>{0, 0, 0}).p_value   // 0.25
Comparison permutation_test(std::span<const double> first, std::span<const double> second, const BootstrapOptions& options = {});

/// Options of corrected_t_test: samples of each fold's training and test part.
struct FoldSizes {
  int64_t train = 0, test = 0;
  double confidence = 0.95;
};
/// Scores of the same folds, or repeated splits, of two models: Student's t with the variance that overlapping training sets give (Nadeau
/// and Bengio 2003). At least two folds.
///
///   metrics::corrected_t_test(std::vector<double>{0.9, 0.8, 0.85}, std::vector<double>{0.8, 0.75, 0.8}, {.train = 80, .test =
///   40}).difference
Comparison corrected_t_test(std::span<const double> first, std::span<const double> second, const FoldSizes& sizes);

}  // namespace gradus::metrics
