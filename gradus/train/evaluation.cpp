// What a trained model does on a set.
#include "gradus/train/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/metrics/confusion.hpp"

namespace gradus::train {

using namespace core;

namespace {

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

SampleImage sample_image(const float* pixels, const Shape& shape, const Classification& answers, size_t index) {
  SampleImage image{.height = shape[1], .width = shape[2], .channels = shape[3]};
  const int64_t count = shape[1] * shape[2] * shape[3];
  for (int64_t i = 0; i < count; ++i) {
    const float value = pixels[i];
    image.pixels.push_back(static_cast<uint8_t>(std::lround(255 * (value > 0 ? std::min(value, 1.0f) : 0.0f))));
  }
  image.truth = answers.class_names[static_cast<size_t>(answers.truth[index])];
  image.prediction = answers.class_names[static_cast<size_t>(answers.predicted[index])];
  image.probability = answers.probability[index];
  image.is_right = answers.truth[index] == answers.predicted[index];
  return image;
}

}  // namespace

std::vector<double> class_probabilities(const float* logits, int64_t count) {
  if (count == 1) {
    const double one = 1 / (1 + std::exp(-static_cast<double>(logits[0])));
    return {1 - one, one};
  }
  std::vector<double> out(logits, logits + count);
  const double largest = *std::max_element(out.begin(), out.end());
  double total = 0;
  for (double& value : out) total += value = std::exp(value - largest);
  for (double& value : out) value /= total;
  return out;
}

double Classification::accuracy() const {
  int64_t right = 0;
  for (size_t i = 0; i < truth.size(); ++i) right += truth[i] == predicted[i];
  return truth.empty() ? 0 : static_cast<double>(right) / static_cast<double>(truth.size());
}

Confusion Classification::confusion() const {
  const size_t classes = class_names.size();
  Confusion out{class_names, std::vector<int64_t>(classes * classes)};
  for (size_t i = 0; i < truth.size(); ++i) ++out.counts[static_cast<size_t>(truth[i]) * classes + static_cast<size_t>(predicted[i])];
  return out;
}

ReportTable Classification::class_table() const {
  const std::vector<int64_t> counts = confusion().counts;
  ReportTable table{"Classes", {"class", "precision", "recall", "F1", "samples"}, {}};
  if (counts.empty()) return table;
  const metrics::ConfusionMatrix matrix(static_cast<int64_t>(class_names.size()), std::vector<double>(counts.begin(), counts.end()));
  for (const metrics::ClassRates& rates : matrix.per_class()) {
    table.rows.push_back({class_names[table.rows.size()], rounded(rates.precision), rounded(rates.recall), rounded(rates.f1),
                          to_text(static_cast<int64_t>(rates.support))});
  }
  return table;
}

bool is_classification(const Array& output, const data::Dataset& set) {
  if (!set.has_targets() || !set.y.dtype().is_integer() || set.y.size() != set.size()) return false;
  return output.rank() == 2 || output.rank() == 1;
}

Classification classify(const Array& output, const data::Dataset& set) {
  if (!is_classification(output, set) || output.shape(0) != set.size()) {
    fail("classify", "the output is ", output.shape(), " and the set has ", set.size(),
         " samples; integer labels and one row of logits each are needed");
  }
  const int64_t width = output.rank() == 2 ? output.shape(1) : 1, classes = width == 1 ? 2 : width;
  Classification answers;
  answers.class_names = set.class_names;
  for (auto i = static_cast<int64_t>(answers.class_names.size()); i < classes; ++i) answers.class_names.push_back(to_text(i));
  answers.truth = set.y.to_vector<int64_t>();
  const std::vector<float> logits = output.to_vector<float>();
  for (size_t i = 0; i < answers.truth.size(); ++i) {
    const std::vector<double> p = class_probabilities(logits.data() + static_cast<int64_t>(i) * width, width);
    const auto best = std::max_element(p.begin(), p.end());
    const int64_t truth = answers.truth[i];
    if (truth < 0 || truth >= classes)
      fail("classify", "y[", i, "] is ", truth, "; labels of ", classes, " classes must be 0 to ", classes - 1);
    answers.predicted.push_back(best - p.begin());
    answers.probability.push_back(*best);
  }
  return answers;
}

std::vector<SampleImage> sample_images(const data::Dataset& set, const Classification& answers, size_t right, size_t wrong) {
  const Shape& shape = set.x.shape();
  if (shape.rank() != 4 || (shape[3] != 1 && shape[3] != 3) || shape[1] < 1 || shape[2] < 1 || shape[1] > 512 || shape[2] > 512) return {};
  std::vector<int64_t> hits, misses;
  for (size_t i = 0; i < answers.truth.size(); ++i)
    (answers.truth[i] == answers.predicted[i] ? hits : misses).push_back(static_cast<int64_t>(i));
  if (hits.size() > right) hits.resize(right);
  std::stable_sort(misses.begin(), misses.end(), [&](int64_t a, int64_t b) {
    return answers.probability[static_cast<size_t>(a)] > answers.probability[static_cast<size_t>(b)];
  });
  if (misses.size() > wrong) misses.resize(wrong);
  std::vector<int64_t> chosen = hits;
  chosen.insert(chosen.end(), misses.begin(), misses.end());

  const std::vector<float> pixels = data::subset(set, chosen).x.to_vector<float>();
  const int64_t size = shape[1] * shape[2] * shape[3];
  std::vector<SampleImage> images;
  for (size_t i = 0; i < chosen.size(); ++i) {
    images.push_back(sample_image(pixels.data() + static_cast<int64_t>(i) * size, shape, answers, static_cast<size_t>(chosen[i])));
  }
  return images;
}

}  // namespace gradus::train
