// Confusion matrices, and the scores that are made of their counts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

/// How shares of classes become one number; see ClassOptions.
struct Averaging {
  Average average = Average::automatic;
  double zero_division = 0;
  std::optional<int64_t> ignore{};  ///< a class that no mean takes in
};

/// How far apart two classes are for Cohen's kappa.
enum class KappaWeights : uint8_t {
  none,      ///< another class is another class
  linear,    ///< by the difference of their numbers, for ordered classes
  quadratic  ///< by its square
};

/// Of one class against all others; `support` is the weight of its targets, f1 is Dice's coefficient too. Shares of nothing are
/// `zero_division`.
struct ClassRates {
  double precision = 0, recall = 0, f1 = 0, specificity = 0, iou = 0, support = 0;
};

/// count(i, j) is the weight of the samples of class i that were predicted as class j. Grows by batches and joins with others: what is
/// computed of it is exact, however the samples came. (Definitions: Sokolova and Lapalme 2009; scikit-learn's where they differ.)
///
///   metrics::ConfusionMatrix matrix = metrics::confusion_matrix(array({0.5, -1.0, 2.0}), array({1, 0, 0}));
///   matrix.count(0, 1)   // 1
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(int64_t classes = 2);
  /// Of counts as counts() gives them; throws unless there are classes * classes.
  ConfusionMatrix(int64_t classes, std::vector<double> counts);
  /// Throws for classes out of range.
  void add(int64_t truth, int64_t predicted, double weight = 1);
  /// Throws for another number of classes.
  void merge(const ConfusionMatrix& other);

  int64_t classes() const { return classes_; }
  double count(int64_t truth, int64_t predicted) const;
  /// Row-major.
  const std::vector<double>& counts() const { return counts_; }
  double total() const;
  /// Samples whose target is the class, and that are predicted as it.
  double truths(int64_t k) const;
  double predictions(int64_t k) const;
  /// Whether the class is among targets or predictions.
  bool occurs(int64_t k) const { return truths(k) > 0 || predictions(k) > 0; }

  /// Share of samples on the diagonal; NaN of none.
  double accuracy() const;
  /// Mean recall of the classes that have targets; adjusted: 0 for guessing, 1 for all right.
  double balanced_accuracy(bool is_adjusted = false) const;
  /// Of what was predicted as a class, the share that is of it.
  double precision(Averaging averaging = {}) const;
  /// Of what is of a class, the share that was predicted as it: sensitivity.
  double recall(Averaging averaging = {}) const;
  /// Harmonic mean of precision and recall, recall `beta` times as important.
  double f_beta(double beta, Averaging averaging = {}) const;
  double f1(Averaging averaging = {}) const { return f_beta(1, averaging); }
  /// Of what is not of a class, the share that was not predicted as it.
  double specificity(Averaging averaging = {}) const;
  /// Intersection over union: Jaccard's index.
  double iou(Averaging averaging = {}) const;
  /// Matthews' correlation coefficient, of any number of classes (Gorodkin 2004); 0 where all targets or all predictions are one class.
  double mcc() const;
  /// Cohen's kappa: agreement beyond what chance gives. NaN where all targets and predictions are one class.
  double kappa(KappaWeights weights = KappaWeights::none) const;
  std::vector<ClassRates> per_class(double zero_division = 0) const;

 private:
  int64_t classes_;
  std::vector<double> counts_;
};

}  // namespace gradus::metrics
