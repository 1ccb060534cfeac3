// LogisticProblem.
#include "gradus/models/logistic_problem.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models::detail {

using namespace core;

namespace {

constexpr int64_t kStep = 4096;  // rows at a time
constexpr int64_t kMostClasses = int64_t{1} << 20;

std::vector<int64_t> checked_labels(std::string_view op, const Array& y, int64_t rows, bool is_softmax) {
  const bool is_column = y.rank() == 2 && y.shape(1) == 1;
  if ((y.rank() != 1 && !is_column) || y.shape(0) != rows)
    fail(op, "y is ", y.shape(), ", x has ", rows, " rows; y must be labels (", rows, ",)");
  const std::vector<double> values = y.to_vector<double>();
  std::vector<int64_t> labels(values.size());
  const double last = is_softmax ? kMostClasses - 1 : 1;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] >= 0 && values[i] <= last && values[i] == std::floor(values[i]))) {
      Error error(Error::Kind::invalid, op,
                  concat("y[", i, "] is ", values[i], "; labels must be whole numbers ", is_softmax ? "from 0" : "0 and 1"));
      if (!is_softmax && values[i] > 1 && values[i] == std::floor(values[i]))
        throw std::move(error).with_hint("fit_softmax takes more than two classes");
      throw error;
    }
    labels[i] = static_cast<int64_t>(values[i]);
  }
  return labels;
}

void apply_class_weights(std::string_view op, const train::ClassWeights& given, const std::vector<int64_t>& labels, int64_t classes,
                         std::vector<double>& weights) {
  if (!given.exists()) return;
  std::vector<double> of_class(static_cast<size_t>(classes), 1.0);
  if (given.is_balanced()) {
    // So that all classes weigh the same in sum.
    std::vector<double> sums(of_class.size(), 0.0);
    double total = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      sums[static_cast<size_t>(labels[i])] += weights[i];
      total += weights[i];
    }
    for (size_t c = 0; c < sums.size(); ++c) of_class[c] = total / (static_cast<double>(classes) * sums[c]);
  }
  for (const train::ClassWeight& entry : given.weights()) {
    if (!entry.name.empty()) fail(op, "class_weight names class ", entry.name, "; labels have no names here, so give its number");
    if (entry.label < 0 || entry.label >= classes)
      fail(op, "class_weight has class ", entry.label, ", there are ", classes, "; it must be from 0 to ", classes - 1);
    if (!(entry.weight >= 0) || !std::isfinite(entry.weight))
      fail(op, "class_weight of class ", entry.label, " is ", entry.weight, "; it must be finite and not negative");
    of_class[static_cast<size_t>(entry.label)] = entry.weight;
  }
  for (size_t i = 0; i < weights.size(); ++i) weights[i] *= of_class[static_cast<size_t>(labels[i])];
}

// Row by row in chunks that threads share; f(row) is added up in a fixed order.
template <class F>
double sum_rows(int64_t rows, const F& f) {
  std::vector<double> sums(static_cast<size_t>((rows + kStep - 1) / kStep), 0.0);
  parallel_for(static_cast<int64_t>(sums.size()), [&](int64_t chunk) {
    double sum = 0;
    for (int64_t i = chunk * kStep; i < std::min(rows, (chunk + 1) * kStep); ++i) sum += f(i);
    sums[static_cast<size_t>(chunk)] = sum;
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

double sigmoid_of(double z) { return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z)); }

// Probabilities of the classes, in place of the logits z; returns log sum exp z.
double to_probabilities(const double* z, double* p, int64_t count) {
  const double most = *std::max_element(z, z + count);
  double sum = 0;
  for (int64_t k = 0; k < count; ++k) sum += p[k] = std::exp(z[k] - most);
  for (int64_t k = 0; k < count; ++k) p[k] /= sum;
  return most + std::log(sum);
}

}  // namespace

LogisticProblem::LogisticProblem(std::string_view op, const Array& x, const Array& y, const LogisticOptions& options, bool is_softmax)
    : has_intercept_(options.use_intercept) {
  const Array table = checked_table(op, x);
  rows_ = table.shape(0);
  labels_ = checked_labels(op, y, rows_, is_softmax);
  classes_ = is_softmax ? *std::max_element(labels_.begin(), labels_.end()) + 1 : 2;
  outputs_ = is_softmax ? classes_ : 1;
  weights_ = checked_weights(op, options.weights, rows_);
  std::vector<double> of_class(static_cast<size_t>(classes_), 0.0);
  for (size_t i = 0; i < labels_.size(); ++i) of_class[static_cast<size_t>(labels_[i])] += weights_[i];
  if (classes_ == 1) fail(op, "all labels are 0; there must be two classes at least");
  for (size_t c = 0; c < of_class.size(); ++c) {
    if (!(of_class[c] > 0))
      fail(op, "no row is of class ", c, ", labels go to ", classes_ - 1, "; each class must have a row whose weight is above 0");
  }
  apply_class_weights(op, options.class_weight, labels_, classes_, weights_);
  for (const double weight : weights_) {
    total_weight_ += weight;
    counted_rows_ += weight > 0;
  }
  if (!(total_weight_ > 0)) fail(op, "all weights are 0; one must be above 0");
  design_ = has_intercept_ ? concatenate({ones({rows_, 1}, float64), table}, 1).eval() : table;
  columns_ = design_.shape(1);
  transposed_ = transpose(design_);
  scales_ = sqrt(matmul(array(weights_), square(design_)) / total_weight_).to_vector<double>();
  for (size_t j = 0; j < scales_.size(); ++j) {
    if (!std::isfinite(scales_[j]))
      fail(op, "the squares of column ", static_cast<int64_t>(j) - has_intercept_, " are beyond float64; its values must be smaller");
    if (!(scales_[j] > 0)) scales_[j] = 1;
  }
}

std::vector<double> LogisticProblem::logits(std::span<const double> w) const {
  return matmul(design_, array(w.data(), {columns_, outputs_})).to_vector<double>();
}

double LogisticProblem::loss(std::span<const double> logits) const {
  return sum_rows(rows_, [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    if (weights_[at] == 0) return 0.0;
    if (outputs_ == 1) {
      const double z = labels_[at] ? -logits[at] : logits[at];  // log(1 + e^z)
      return weights_[at] * (z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z)));
    }
    const double* z = logits.data() + i * outputs_;
    const double most = *std::max_element(z, z + outputs_);
    double sum = 0;
    for (int64_t k = 0; k < outputs_; ++k) sum += std::exp(z[k] - most);
    return weights_[at] * (most - z[labels_[at]] + std::log(sum));
  });
}

std::vector<double> LogisticProblem::gradient(std::span<const double> logits) const {
  std::vector<double> left(logits.size());
  sum_rows(rows_, [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    double* p = left.data() + i * outputs_;
    if (outputs_ == 1) {
      // p - 1 is -(1 - p), whose digits sigmoid(-z) keeps.
      p[0] = weights_[at] * (labels_[at] ? -sigmoid_of(-logits[at]) : sigmoid_of(logits[at]));
      return 0.0;
    }
    to_probabilities(logits.data() + i * outputs_, p, outputs_);
    double others = 0;
    for (int64_t k = 0; k < outputs_; ++k) others += k == labels_[at] ? 0 : p[k];
    p[labels_[at]] = -others;
    for (int64_t k = 0; k < outputs_; ++k) p[k] *= weights_[at];
    return 0.0;
  });
  return matmul(transposed_, array_of(std::move(left), {rows_, outputs_})).to_vector<double>();
}

std::vector<double> LogisticProblem::hessian(std::span<const double> logits, std::span<const int64_t> chosen) const {
  std::vector<double> p(logits.size());
  sum_rows(rows_, [&](int64_t i) {
    if (outputs_ == 1) p[static_cast<size_t>(i)] = sigmoid_of(logits[static_cast<size_t>(i)]);
    else to_probabilities(logits.data() + i * outputs_, p.data() + i * outputs_, outputs_);
    return 0.0;
  });
  // Number j of w is that of column j / K and output j % K: the columns of each output, and their places among the chosen.
  std::vector<std::vector<int64_t>> columns(static_cast<size_t>(outputs_)), places(columns.size());
  for (size_t i = 0; i < chosen.size(); ++i) {
    columns[static_cast<size_t>(chosen[i] % outputs_)].push_back(chosen[i] / outputs_);
    places[static_cast<size_t>(chosen[i] % outputs_)].push_back(static_cast<int64_t>(i));
  }
  const auto part = [&](const std::vector<int64_t>& some) {
    return static_cast<int64_t>(some.size()) == columns_ ? design_ : take(design_, array(some), 1);
  };
  const auto size = static_cast<int64_t>(chosen.size());
  std::vector<double> out(static_cast<size_t>(size * size), 0.0);
  std::vector<double> slopes(static_cast<size_t>(rows_));
  for (int64_t a = 0; a < outputs_; ++a) {
    if (columns[static_cast<size_t>(a)].empty()) continue;
    const Array right = transpose(part(columns[static_cast<size_t>(a)]));
    for (int64_t b = a; b < outputs_; ++b) {
      if (columns[static_cast<size_t>(b)].empty()) continue;
      sum_rows(rows_, [&](int64_t i) {
        const double *all = p.data() + i * outputs_, pa = all[a];
        double rest = 1 - pa;
        if (outputs_ > 1 && a == b) {
          rest = 0;
          for (int64_t k = 0; k < outputs_; ++k) rest += k == a ? 0 : all[k];
        }
        slopes[static_cast<size_t>(i)] = weights_[static_cast<size_t>(i)] * (a == b ? pa * rest : -pa * all[b]);
        return 0.0;
      });
      const std::vector<double> block =
          matmul(right, part(columns[static_cast<size_t>(b)]) * array(slopes, {rows_, 1})).to_vector<double>();
      const auto &rows = places[static_cast<size_t>(a)], &others = places[static_cast<size_t>(b)];
      for (size_t i = 0; i < rows.size(); ++i) {
        for (size_t j = 0; j < others.size(); ++j) {
          const double value = block[i * others.size() + j];
          out[static_cast<size_t>(rows[i] * size + others[j])] = value;
          out[static_cast<size_t>(others[j] * size + rows[i])] = value;
        }
      }
    }
  }
  return out;
}

std::vector<double> LogisticProblem::margins(std::span<const double> logits) const {
  std::vector<double> out(static_cast<size_t>(rows_));
  for (int64_t i = 0; i < rows_; ++i) {
    const auto at = static_cast<size_t>(i);
    const double* z = logits.data() + i * outputs_;
    if (outputs_ == 1) {
      out[at] = labels_[at] ? z[0] : -z[0];
      continue;
    }
    double others = -INFINITY;
    for (int64_t k = 0; k < outputs_; ++k)
      if (k != labels_[at]) others = std::max(others, z[k]);
    out[at] = z[labels_[at]] - others;
  }
  return out;
}

}  // namespace gradus::models::detail
