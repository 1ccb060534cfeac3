// Scores of confusion matrices.
#include "gradus/metrics/confusion.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "gradus/base/error.hpp"

namespace gradus::metrics {

using namespace core;

namespace {

constexpr int64_t kMostClasses = 46340;  // their square is below 2^31: 17 GB of counts

// Of one class against all others.
struct Counts {
  double hits = 0, false_alarms = 0, misses = 0, rest = 0;
  Counts& operator+=(const Counts& other) {
    hits += other.hits;
    false_alarms += other.false_alarms;
    misses += other.misses;
    rest += other.rest;
    return *this;
  }
};
struct Share {
  double part, whole;
  double value(double zero_division) const { return whole == 0 ? zero_division : part / whole; }
};

Share precision_of(const Counts& c) { return {c.hits, c.hits + c.false_alarms}; }
Share recall_of(const Counts& c) { return {c.hits, c.hits + c.misses}; }
Share specificity_of(const Counts& c) { return {c.rest, c.rest + c.false_alarms}; }
Share iou_of(const Counts& c) { return {c.hits, c.hits + c.false_alarms + c.misses}; }
// F = (1 + b^2) hits / ((1 + b^2) hits + b^2 misses + false alarms)
Share f_of(const Counts& c, double beta) {
  const double square = beta * beta, hits = (1 + square) * c.hits;
  return {hits, hits + square * c.misses + c.false_alarms};
}

// Row and column sums once, so that all classes take O(classes^2).
struct Margins {
  std::vector<double> truths, predictions;
  double total = 0;
  explicit Margins(const ConfusionMatrix& matrix) {
    const auto classes = static_cast<size_t>(matrix.classes());
    truths.resize(classes);
    predictions.resize(classes);
    for (size_t i = 0; i < classes; ++i) {
      for (size_t j = 0; j < classes; ++j) {
        const double count = matrix.counts()[i * classes + j];
        truths[i] += count;
        predictions[j] += count;
      }
      total += truths[i];
    }
  }
  Counts of(const ConfusionMatrix& matrix, size_t k) const {
    const double hits = matrix.counts()[k * truths.size() + k];
    return {hits, predictions[k] - hits, truths[k] - hits, total - truths[k] - predictions[k] + hits};
  }
  // Whether it has a part in means.
  bool counts(size_t k, const Averaging& averaging) const {
    const bool is_ignored = averaging.ignore && *averaging.ignore == static_cast<int64_t>(k);
    return !is_ignored && (truths[k] > 0 || predictions[k] > 0);
  }
};

double mean_over(const ConfusionMatrix& matrix, const Margins& margins, const Averaging& averaging, bool is_weighted, auto share) {
  double sum = 0, weights = 0, supports = 0, plain_sum = 0, defined = 0;
  for (size_t k = 0; k < margins.truths.size(); ++k) {
    if (!margins.counts(k, averaging)) continue;
    supports += margins.truths[k];
    const double value = share(margins.of(matrix, k)).value(averaging.zero_division), weight = is_weighted ? margins.truths[k] : 1;
    if (std::isnan(value)) continue;
    sum += weight * value;
    weights += weight;
    plain_sum += value;
    defined += 1;
  }
  if (is_weighted && supports == 0) return averaging.zero_division;
  if (defined == 0) return std::numeric_limits<double>::quiet_NaN();
  // As scikit-learn: where what is defined weighs nothing, all of it weighs the same.
  return weights == 0 ? plain_sum / defined : sum / weights;
}

double averaged(const ConfusionMatrix& matrix, const Averaging& averaging, auto share) {
  const Margins margins(matrix);
  const bool is_pair = matrix.classes() == 2;
  switch (averaging.average) {
    case Average::automatic:
      if (!is_pair) return mean_over(matrix, margins, averaging, false, share);
      break;
    case Average::binary:
      if (!is_pair)
        fail("metrics", "the average is binary and there are ", matrix.classes(),
             " classes; of more than 2 it is macro, micro or weighted");
      break;
    case Average::macro:
      return mean_over(matrix, margins, averaging, false, share);
    case Average::weighted:
      return mean_over(matrix, margins, averaging, true, share);
    case Average::micro: {
      Counts all;
      for (size_t k = 0; k < margins.truths.size(); ++k) {
        if (margins.counts(k, averaging)) all += margins.of(matrix, k);
      }
      return share(all).value(averaging.zero_division);
    }
  }
  return share(margins.of(matrix, 1)).value(averaging.zero_division);
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(int64_t classes) : classes_(classes) {
  if (classes < 1 || classes > kMostClasses) fail("confusion_matrix", "there are ", classes, " classes; there must be 1 to ", kMostClasses);
  counts_.resize(static_cast<size_t>(classes * classes));
}

ConfusionMatrix::ConfusionMatrix(int64_t classes, std::vector<double> counts) : ConfusionMatrix(classes) {
  if (counts.size() != counts_.size())
    fail("confusion_matrix", "there are ", counts.size(), " counts of ", classes, " classes; there must be ", counts_.size());
  counts_ = std::move(counts);
}

void ConfusionMatrix::add(int64_t truth, int64_t predicted, double weight) {
  if (truth < 0 || truth >= classes_ || predicted < 0 || predicted >= classes_)
    fail("confusion_matrix", "a sample of class ", truth, " is predicted as ", predicted, "; both must be 0 to ", classes_ - 1);
  counts_[static_cast<size_t>(truth * classes_ + predicted)] += weight;
}

void ConfusionMatrix::merge(const ConfusionMatrix& other) {
  if (other.classes_ != classes_)
    fail("confusion_matrix", "one has ", classes_, " classes, the other ", other.classes_, "; they must be equal");
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

double ConfusionMatrix::count(int64_t truth, int64_t predicted) const {
  if (truth < 0 || truth >= classes_ || predicted < 0 || predicted >= classes_)
    fail("confusion_matrix", "class ", truth, " predicted as ", predicted, " is asked for; both must be 0 to ", classes_ - 1);
  return counts_[static_cast<size_t>(truth * classes_ + predicted)];
}
double ConfusionMatrix::truths(int64_t k) const {
  double sum = 0;
  for (int64_t j = 0; j < classes_; ++j) sum += count(k, j);
  return sum;
}
double ConfusionMatrix::predictions(int64_t k) const {
  double sum = 0;
  for (int64_t i = 0; i < classes_; ++i) sum += count(i, k);
  return sum;
}
double ConfusionMatrix::total() const {
  double sum = 0;
  for (const double count : counts_) sum += count;
  return sum;
}

double ConfusionMatrix::accuracy() const {
  double hits = 0;
  for (int64_t k = 0; k < classes_; ++k) hits += count(k, k);
  return hits / total();
}

double ConfusionMatrix::balanced_accuracy(bool is_adjusted) const {
  const Margins margins(*this);
  double sum = 0, present = 0;
  for (size_t k = 0; k < margins.truths.size(); ++k) {
    if (margins.truths[k] == 0) continue;
    sum += recall_of(margins.of(*this, k)).value(0);
    present += 1;
  }
  const double mean = sum / present, chance = 1 / present;
  return is_adjusted ? (mean - chance) / (1 - chance) : mean;
}

double ConfusionMatrix::precision(Averaging averaging) const { return averaged(*this, averaging, precision_of); }
double ConfusionMatrix::recall(Averaging averaging) const { return averaged(*this, averaging, recall_of); }
double ConfusionMatrix::specificity(Averaging averaging) const { return averaged(*this, averaging, specificity_of); }
double ConfusionMatrix::iou(Averaging averaging) const { return averaged(*this, averaging, iou_of); }
double ConfusionMatrix::f_beta(double beta, Averaging averaging) const {
  if (!(beta >= 0) || std::isinf(beta)) fail("f_beta", "beta is ", beta, "; it must be finite and not negative");
  return averaged(*this, averaging, [&](const Counts& c) { return f_of(c, beta); });
}

double ConfusionMatrix::mcc() const {
  const Margins margins(*this);
  const double n = margins.total;
  double hits = 0, both = 0, truths = 0, predictions = 0;
  for (size_t k = 0; k < margins.truths.size(); ++k) {
    hits += counts_[k * margins.truths.size() + k];
    both += margins.truths[k] * margins.predictions[k];
    truths += margins.truths[k] * margins.truths[k];
    predictions += margins.predictions[k] * margins.predictions[k];
  }
  const double of_truths = n * n - truths, of_predictions = n * n - predictions;
  return of_truths * of_predictions == 0 ? 0 : (hits * n - both) / std::sqrt(of_truths * of_predictions);
}

double ConfusionMatrix::kappa(KappaWeights weights) const {
  const Margins margins(*this);
  const size_t classes = margins.truths.size();
  double seen = 0, expected = 0;
  for (size_t i = 0; i < classes; ++i) {
    for (size_t j = 0; j < classes; ++j) {
      const double distance = std::abs(static_cast<double>(i) - static_cast<double>(j));
      const double cost = weights == KappaWeights::none ? (i != j) : weights == KappaWeights::linear ? distance : distance * distance;
      seen += cost * counts_[i * classes + j];
      expected += cost * margins.truths[i] * margins.predictions[j] / margins.total;
    }
  }
  return 1 - seen / expected;
}

std::vector<ClassRates> ConfusionMatrix::per_class(double zero_division) const {
  const Margins margins(*this);
  std::vector<ClassRates> out;
  for (size_t k = 0; k < margins.truths.size(); ++k) {
    const Counts c = margins.of(*this, k);
    const auto value = [&](const Share& share) { return share.value(zero_division); };
    out.push_back(
        {value(precision_of(c)), value(recall_of(c)), value(f_of(c, 1)), value(specificity_of(c)), value(iou_of(c)), margins.truths[k]});
  }
  return out;
}

}  // namespace gradus::metrics
