// Scores of several yes-or-no answers a sample.
#include "gradus/metrics/multi_label.hpp"

#include <cmath>
#include <string_view>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/data/dataset.hpp"
#include "gradus/metrics/class_data.hpp"

namespace gradus::metrics {

using namespace core;

namespace {

struct Answers {
  size_t rows = 0, labels = 0;
  std::vector<uint8_t> truth{}, predicted{};
  std::vector<double> weights{};
  double weight(size_t row) const { return detail::weight_of(weights, row); }
  double total() const { return detail::sum_of(weights, rows); }
};

Answers read(std::string_view place, const Array& output, const Array& target, const LabelOptions& options) {
  if (output.rank() != 2 || output.shape() != target.shape() || output.size() == 0)
    fail(place, "output is ", output.shape(), " and target is ", target.shape(), "; both must be (samples, labels), and hold some");
  if (!(options.threshold >= 0 && options.threshold <= 1))
    fail(place, "threshold is ", options.threshold, "; it is a probability and must be from 0 to 1");
  Answers answers{static_cast<size_t>(output.shape(0)), static_cast<size_t>(output.shape(1))};
  const bool are_logits = options.outputs == Outputs::logits;
  const double t = options.threshold, edge = are_logits ? std::log(t / (1 - t)) : t;
  const std::vector<double> outputs = output.to_vector<double>(), targets = target.to_vector<double>();
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto at = [&](const char* name) { return name + data::index_text(output.shape(), static_cast<int64_t>(i)); };
    if (std::isnan(outputs[i])) fail(place, at("output"), " is nan; outputs must be numbers");
    if (!are_logits && !(outputs[i] >= 0 && outputs[i] <= 1))
      fail(place, at("output"), " is ", outputs[i], "; probabilities must be from 0 to 1");
    if (targets[i] != 0 && targets[i] != 1) fail(place, at("target"), " is ", targets[i], "; targets must be 0 or 1");
    answers.predicted.push_back(outputs[i] > edge);
    answers.truth.push_back(targets[i] == 1);
  }
  answers.weights = detail::read_weights(place, options.weights, output.shape(0));
  return answers;
}

struct Counts {
  double hits = 0, truths = 0, predictions = 0;
  void add(bool truth, bool predicted, double weight) {
    hits += truth && predicted ? weight : 0;
    truths += truth ? weight : 0;
    predictions += predicted ? weight : 0;
  }
};

// Mean of share(counts) over samples, labels, or of all counts together.
template <class Share>
double averaged(const Answers& answers, LabelAverage average, Share share) {
  const bool by_samples = average == LabelAverage::samples;
  std::vector<Counts> groups(average == LabelAverage::micro ? 1 : by_samples ? answers.rows : answers.labels);
  for (size_t i = 0; i < answers.truth.size(); ++i) {
    const size_t row = i / answers.labels, label = i % answers.labels;
    Counts& group = groups[average == LabelAverage::micro ? 0 : by_samples ? row : label];
    group.add(answers.truth[i], answers.predicted[i], by_samples ? 1 : answers.weight(row));
  }
  double sum = 0, total = 0;
  for (size_t g = 0; g < groups.size(); ++g) {
    const double value = share(groups[g]), weight = average == LabelAverage::weighted ? groups[g].truths
                                                    : by_samples                      ? answers.weight(g)
                                                                                      : 1;
    if (std::isnan(value)) continue;
    sum += weight * value;
    total += weight;
  }
  return sum / total;
}

}  // namespace

double hamming_loss(const Array& output, const Array& target, const LabelOptions& options) {
  const Answers answers = read("hamming_loss", output, target, options);
  double wrong = 0;
  for (size_t i = 0; i < answers.truth.size(); ++i)
    wrong += answers.truth[i] != answers.predicted[i] ? answers.weight(i / answers.labels) : 0;
  return wrong / (answers.total() * static_cast<double>(answers.labels));
}

double subset_accuracy(const Array& output, const Array& target, const LabelOptions& options) {
  const Answers answers = read("subset_accuracy", output, target, options);
  double right = 0;
  for (size_t row = 0; row < answers.rows; ++row) {
    bool is_right = true;
    for (size_t k = row * answers.labels; k < (row + 1) * answers.labels; ++k) is_right &= answers.truth[k] == answers.predicted[k];
    right += is_right ? answers.weight(row) : 0;
  }
  return right / answers.total();
}

double jaccard(const Array& output, const Array& target, const LabelOptions& options) {
  return averaged(read("jaccard", output, target, options), options.average, [&](const Counts& c) {
    const double all = c.truths + c.predictions - c.hits;
    return all == 0 ? options.zero_division : c.hits / all;
  });
}

double label_f1(const Array& output, const Array& target, const LabelOptions& options) {
  return averaged(read("label_f1", output, target, options), options.average, [&](const Counts& c) {
    const double all = c.truths + c.predictions;
    return all == 0 ? options.zero_division : 2 * c.hits / all;
  });
}

}  // namespace gradus::metrics
