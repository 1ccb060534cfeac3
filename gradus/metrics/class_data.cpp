// Reads outputs and targets of classifiers; the one place where outputs become probabilities.
#include "gradus/metrics/class_data.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/data/dataset.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/metrics/sum.hpp"

namespace gradus::metrics::detail {

using namespace core;

double sigmoid(double logit) {
  if (logit >= 0) return 1 / (1 + std::exp(-logit));
  const double e = std::exp(logit);
  return e / (1 + e);
}
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

double sum_of(Weights weights, size_t count) {
  if (weights.empty()) return static_cast<double>(count);
  Sum sum;
  for (const double weight : weights) sum.add(weight);
  return sum.value();
}

Ranking ranking_of(std::span<const double> scores) {
  Ranking ranking;
  ranking.order.resize(scores.size());
  std::iota(ranking.order.begin(), ranking.order.end(), 0);
  const auto at = [&](int32_t i) { return scores[static_cast<size_t>(i)]; };
  std::sort(ranking.order.begin(), ranking.order.end(), [&](int32_t a, int32_t b) { return at(a) > at(b) || (at(a) == at(b) && a < b); });
  for (size_t i = 0; i < scores.size(); ++i) {
    if (i + 1 == scores.size() || at(ranking.order[i + 1]) != at(ranking.order[i])) ranking.ends.push_back(static_cast<int32_t>(i + 1));
  }
  return ranking;
}

std::vector<double> ClassData::column(size_t k) const {
  if (columns() == 1) return scores;
  std::vector<double> out(size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = score(i, k);
  return out;
}

double ClassData::probability(size_t i, int64_t k) const {
  if (!is_binary) {
    const double value = score(i, static_cast<size_t>(k));
    return are_logits ? std::exp(value) : value;
  }
  const double value = scores[i];
  if (are_logits) return sigmoid(k == 1 ? value : -value);
  return k == 1 ? value : 1 - value;
}

double ClassData::log_probability(size_t i, int64_t k) const {
  if (!are_logits) return std::log(std::clamp(probability(i, k), edge, 1 - edge));
  if (is_binary) return -softplus(k == 1 ? -scores[i] : scores[i]);
  return score(i, static_cast<size_t>(k));
}

void ClassData::rank() {
  if (!rankings.empty()) return;
  for (size_t k = 0; k < columns(); ++k) {
    Ranking& ranking = rankings.emplace_back(ranking_of(column(k)));
    for (const int32_t sample : ranking.order) ranking.labels.push_back(labels[static_cast<size_t>(sample)]);
  }
}

// Of two classes (p_1 - y)^2, of more the sum over the classes of (p_k - [k = y])^2.
double ClassData::brier(size_t i) const {
  double sum = 0;
  for (int64_t k = is_binary ? 1 : 0; k < classes; ++k) {
    const double error = probability(i, k) - (labels[i] == k ? 1 : 0);
    sum += error * error;
  }
  return sum;
}

void ClassData::weigh() {
  losses.resize(size());
  squares.resize(size());
  for (size_t i = 0; i < size(); ++i) {
    losses[i] = log_loss(i);
    squares[i] = brier(i);
  }
}

void append_weights(WeightsOf to, Weights others, size_t count) {
  if (to.weights.empty() && others.empty()) return;
  if (to.weights.empty()) to.weights.assign(to.count, 1);
  for (size_t i = 0; i < count; ++i) to.weights.push_back(weight_of(others, i));
}

void ClassData::append(const ClassData& other) {
  if (labels.empty()) {
    *this = other;
    return;
  }
  labels.insert(labels.end(), other.labels.begin(), other.labels.end());
  predicted.insert(predicted.end(), other.predicted.begin(), other.predicted.end());
  scores.insert(scores.end(), other.scores.begin(), other.scores.end());
  append_weights({weights, size() - other.size()}, other.weights, other.size());
  edge = std::max(edge, other.edge);
  rankings.clear();
  losses.clear();
  squares.clear();
}

std::vector<double> read_weights(std::string_view place, const Array& weights, int64_t count) {
  if (!weights.exists()) return {};
  const bool is_column = weights.rank() >= 1 && weights.size() == count && (weights.rank() == 1 || weights.shape(0) == count);
  if (!is_column) fail(place, "weights is ", weights.shape(), " and there are ", count, " samples; there must be one weight a sample");
  std::vector<double> out = weights.to_vector<double>();
  for (size_t i = 0; i < out.size(); ++i) {
    if (!std::isfinite(out[i]) || out[i] < 0) fail(place, "weights[", i, "] is ", out[i], "; weights must be finite and not negative");
  }
  if (count > 0 && sum_of(out, out.size()) <= 0) fail(place, "all weights are 0; one must be above 0");
  return out;
}

namespace {

class Reader {
 public:
  Reader(std::string_view place, const Array& output, const Array& target, const ClassOptions& options)
      : place_(place), output_(output), target_(target), options_(options) {
    if (!output.exists() || !target.exists()) fail(place, "there is no ", output.exists() ? "target" : "output", "; both are needed");
    if (output.rank() < 1) fail(place, "output is a single number; it must be (N,), (N, 1) or (N, classes)");
    width_ = output.rank() > 1 ? output.shape(-1) : 1;
    if (width_ < 1) fail(place, "output is ", output.shape(), "; it must have a number for each sample");
    count_ = output.size() / width_;
    if (count_ > std::numeric_limits<int32_t>::max()) fail(place, "there are ", count_, " samples; there may be 2^31 - 1");
    if (!(options.threshold >= 0 && options.threshold <= 1))
      fail(place, "threshold is ", options.threshold, "; it is a probability and must be from 0 to 1");
  }

  ClassData read(Reading reading) {
    data_.classes = std::max<int64_t>(width_, 2);
    data_.is_binary = width_ <= 2;
    data_.are_logits = options_.outputs == Outputs::logits;
    visit_dtype(target_.dtype(), [&]<class T>(T) { read_labels(static_cast<const T*>(row_major_data(target_))); });
    const std::vector<double> weights = read_weights(place_, options_.weights, count_);
    visit_dtype(output_.dtype(), [&]<class T>(T) { read_outputs(static_cast<const T*>(row_major_data(output_)), reading); });
    if (output_.dtype() == float32) data_.edge = std::numeric_limits<float>::epsilon();
    if (output_.dtype() == float16) data_.edge = 0x1p-10;
    if (output_.dtype() == bfloat16) data_.edge = 0x1p-7;
    keep(weights);
    return std::move(data_);
  }

 private:
  Shape samples() const {
    if (output_.rank() == 1) return output_.shape();
    return Shape(std::span<const int64_t>(output_.shape().begin(), static_cast<size_t>(output_.rank() - 1)));
  }
  // Labels: one a sample, or one-hot rows.
  bool are_rows() const {
    const Shape wanted = samples();
    const bool is_column = target_.rank() == wanted.rank() + 1 && target_.shape(-1) == 1 && target_.size() == count_;
    if (target_.size() == count_ && (target_.shape() == wanted || is_column)) return false;
    if (width_ > 1 && target_.shape() == output_.shape()) return true;
    fail(place_, "output is ", output_.shape(), " and target is ", target_.shape(), "; target must be ", wanted,
         width_ > 1 ? concat(" labels or ", output_.shape(), " one-hot rows") : std::string(" labels 0 or 1"));
  }
  std::string at(const char* name, const Array& array, int64_t position) const {
    return concat(name, data::index_text(array.shape(), position));
  }

  template <class T>
  void read_labels(const T* values) {
    const bool rows = are_rows();
    labels_.resize(static_cast<size_t>(count_));
    for (int64_t i = 0; i < count_; ++i) labels_[static_cast<size_t>(i)] = rows ? hot(values, i) : label(values, i);
  }
  template <class T>
  int64_t label(const T* values, int64_t i) const {
    const auto value = static_cast<double>(values[i]);
    if (options_.ignore && value == static_cast<double>(*options_.ignore)) return kIgnored;
    if (!(value >= 0 && value < static_cast<double>(data_.classes)) || value != std::floor(value)) {
      fail(place_, at("target", target_, i), " is ", value, "; labels of ", data_.classes, " classes must be 0 to ", data_.classes - 1);
    }
    return static_cast<int64_t>(value);
  }
  template <class T>
  int64_t hot(const T* values, int64_t i) const {
    int64_t found = -1;
    for (int64_t k = 0; k < width_; ++k) {
      const auto value = static_cast<double>(values[i * width_ + k]);
      if (value == 0) continue;
      if (value != 1 || found >= 0) {
        fail(place_, at("target", target_, i * width_ + k), " is ", value, found >= 0 ? " beside another that is not 0" : "",
             "; rows of targets must be one-hot, all 0 but a 1");
      }
      found = k;
    }
    if (found < 0) fail(place_, at("target", target_, i * width_), " to its last are 0; rows of targets must be one-hot, all 0 but a 1");
    return found;
  }

  template <class T>
  void read_outputs(const T* values, Reading reading) {
    const auto count = static_cast<size_t>(count_), columns = data_.columns();
    data_.predicted.resize(count);
    if (reading == Reading::scores) data_.scores.resize(count * columns);
    std::vector<double> row(static_cast<size_t>(width_));
    for (size_t i = 0; i < count; ++i) {
      for (size_t k = 0; k < row.size(); ++k) row[k] = static_cast<double>(values[i * row.size() + k]);
      check(row, static_cast<int64_t>(i));
      data_.is_binary ? read_binary(row, i, reading) : read_row(row, i, reading);
    }
  }
  void check(const std::vector<double>& row, int64_t i) const {
    double total = 0;
    for (size_t k = 0; k < row.size(); ++k) {
      const double value = row[k];
      const int64_t position = i * width_ + static_cast<int64_t>(k);
      if (std::isnan(value)) fail(place_, at("output", output_, position), " is nan; outputs must be numbers");
      if (!data_.are_logits && !(value >= 0 && value <= 1)) {
        fail(place_, at("output", output_, position), " is ", value, "; probabilities must be from 0 to 1");
      }
      if (row.size() > 1 && std::isinf(value) && value > 0) fail(place_, at("output", output_, position), " is inf; logits must be finite");
      total += value;
    }
    if (!data_.are_logits && row.size() > 1 && std::abs(total - 1) > 0.01)
      fail(place_, "the probabilities of sample ", i, " add up to ", total, "; they must add up to 1");
    if (data_.are_logits && row.size() > 1 && *std::max_element(row.begin(), row.end()) < std::numeric_limits<double>::lowest())
      fail(place_, "the logits of sample ", i, " are all -inf; one must be finite");
  }
  void read_binary(const std::vector<double>& row, size_t i, Reading reading) {
    const double score = row.size() == 1 ? row[0] : data_.are_logits ? row[1] - row[0] : row[1];
    const double t = options_.threshold, edge = data_.are_logits ? std::log(t / (1 - t)) : t;
    // Two probabilities by which of them is larger: beside rounding, the same as one above a half.
    data_.predicted[i] = row.size() == 2 && t == 0.5 ? row[1] > row[0] : score > edge;
    if (reading == Reading::scores) data_.scores[i] = score;
  }
  void read_row(const std::vector<double>& row, size_t i, Reading reading) {
    const auto largest = std::max_element(row.begin(), row.end());
    data_.predicted[i] = static_cast<int32_t>(largest - row.begin());
    if (reading != Reading::scores) return;
    double* out = data_.scores.data() + i * row.size();
    std::copy(row.begin(), row.end(), out);
    if (!data_.are_logits) return;
    // log p = z - max - log(1 + rest): near p = 1 the rest is all there is to see.
    double rest = 0;
    for (size_t k = 0; k < row.size(); ++k) rest += static_cast<int32_t>(k) == data_.predicted[i] ? 0 : std::exp(row[k] - *largest);
    for (double& value : std::span(out, row.size())) value = value - *largest - std::log1p(rest);
  }

  // Leaves out what is ignored.
  void keep(const std::vector<double>& weights) {
    size_t kept = 0;
    const size_t columns = data_.scores.empty() ? 0 : data_.columns();
    data_.labels.resize(labels_.size());
    data_.weights = weights;
    for (size_t i = 0; i < labels_.size(); ++i) {
      if (labels_[i] == kIgnored) continue;
      data_.labels[kept] = static_cast<int32_t>(labels_[i]);
      data_.predicted[kept] = data_.predicted[i];
      if (!weights.empty()) data_.weights[kept] = weights[i];
      for (size_t k = 0; k < columns; ++k) data_.scores[kept * columns + k] = data_.scores[i * columns + k];
      ++kept;
    }
    data_.labels.resize(kept);
    data_.predicted.resize(kept);
    data_.scores.resize(kept * columns);
    if (!weights.empty()) data_.weights.resize(kept);
  }

  static constexpr int64_t kIgnored = -1;
  std::string_view place_;
  const Array &output_, &target_;
  const ClassOptions& options_;
  int64_t width_ = 1, count_ = 0;
  std::vector<int64_t> labels_;
  ClassData data_;
};

}  // namespace

ClassData read_classes(std::string_view place, const Array& output, const Array& target, const ClassOptions& options, Reading reading) {
  return Reader(place, output, target, options).read(reading);
}

}  // namespace gradus::metrics::detail
