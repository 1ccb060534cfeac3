// Predictions without a model.
#include "gradus/metrics/baselines.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/data/dataset.hpp"
#include "gradus/metrics/number_data.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::metrics {

using namespace core;

Array Baseline::outputs(int64_t rows) const {
  if (features_ > 0) fail(name_, "there are no features; the baseline takes (N, ", features_, ")");
  if (rows < 0) fail(name_, rows, " rows are asked for; there must be 0 or more");
  std::vector<double> out;
  out.reserve(static_cast<size_t>(rows * columns_));
  for (int64_t i = 0; i < rows * columns_; ++i) out.push_back(rows_[static_cast<size_t>(i) % rows_.size()]);
  return array(out, {rows, columns_});
}

Array Baseline::outputs(const Array& x) const {
  if (features_ == 0) return outputs(x.shape(0));
  if (x.rank() != 2 || x.shape(1) != features_) fail(name_, "x is ", x.shape(), "; it must be (N, ", features_, "), as when it was made");
  const Array intercepts = array(std::vector<double>(rows_.begin(), rows_.begin() + columns_));
  const Array coefficients = array(std::vector<double>(rows_.begin() + columns_, rows_.end()), {features_, columns_});
  return (matmul(x.astype(float64), coefficients) + intercepts).eval();
}

namespace {

// How often each class is among labels or one-hot rows.
std::vector<double> class_counts(std::string_view place, const Array& target, int64_t classes) {
  if (classes < 2) fail(place, "there are ", classes, " classes; there must be at least 2");
  if (!target.exists() || target.size() == 0) fail(place, "there are no targets; there must be one");
  std::vector<double> counts(static_cast<size_t>(classes));
  const std::vector<double> values = target.to_vector<double>();
  const bool are_rows = target.rank() == 2 && target.shape(1) == classes;
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = values[i], most = are_rows ? 1 : static_cast<double>(classes - 1);
    if (!(value >= 0 && value <= most) || value != std::floor(value)) {
      fail(place, "target", data::index_text(target.shape(), static_cast<int64_t>(i)), " is ", value, "; labels of ", classes,
           " classes must be 0 to ", classes - 1);
    }
    if (are_rows) counts[i % counts.size()] += value;
    else counts[static_cast<size_t>(value)] += 1;
  }
  return counts;
}

// One logit for two classes, else a logarithm for each.
std::vector<double> logits_of(const std::vector<double>& probabilities) {
  std::vector<double> logs;
  for (const double p : probabilities) logs.push_back(std::log(p));
  return logs.size() == 2 ? std::vector<double>{logs[1] - logs[0]} : logs;
}
int64_t columns_of(int64_t classes) { return classes == 2 ? 1 : classes; }

detail::NumberData some_numbers(std::string_view place, const Array& target) {
  detail::NumberData data = detail::read_numbers(place, target, target, {});
  if (data.target.empty()) fail(place, "target is ", target.shape(), "; there must be a number");
  return data;
}

}  // namespace

Baseline majority_baseline(const Array& target, int64_t classes) {
  const std::vector<double> counts = class_counts("majority_baseline", target, classes);
  std::vector<double> probabilities(counts.size(), 0x1p-52 / static_cast<double>(counts.size() - 1));
  probabilities[static_cast<size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin())] = 1 - 0x1p-52;
  return {"majority", logits_of(probabilities), columns_of(classes)};
}
Baseline prior_baseline(const Array& target, int64_t classes) {
  std::vector<double> counts = class_counts("prior_baseline", target, classes);
  for (double& count : counts) count = std::max(count, 0.5);
  return {"prior", logits_of(counts), columns_of(classes)};
}

Baseline mean_baseline(const Array& target) {
  const detail::NumberData data = some_numbers("mean_baseline", target);
  std::vector<double> means;
  for (const detail::Moments& column : detail::moments_of(data, {})) means.push_back(column.target_mean);
  return {"mean", means, static_cast<int64_t>(data.columns)};
}
Baseline median_baseline(const Array& target) {
  const detail::NumberData data = some_numbers("median_baseline", target);
  std::vector<double> medians, sorted(data.rows);
  for (size_t k = 0; k < data.columns; ++k) {
    for (size_t i = 0; i < data.rows; ++i) sorted[i] = data.target[i * data.columns + k];
    std::sort(sorted.begin(), sorted.end());
    medians.push_back((sorted[(data.rows - 1) / 2] + sorted[data.rows / 2]) / 2);
  }
  return {"median", medians, static_cast<int64_t>(data.columns)};
}
Baseline last_value_baseline(const Array& target) {
  Baseline baseline = seasonal_baseline(target, 1);
  baseline.name_ = "last value";
  return baseline;
}
Baseline seasonal_baseline(const Array& target, int64_t season) {
  const detail::NumberData data = some_numbers("seasonal_baseline", target);
  const auto rows = static_cast<int64_t>(data.rows);
  if (season < 1 || season > rows)
    fail("seasonal_baseline", "season is ", season, " and there are ", rows, " targets; it must be 1 to ", rows);
  const auto columns = static_cast<int64_t>(data.columns);
  return {"seasonal", std::vector<double>(data.target.end() - season * columns, data.target.end()), columns};
}

namespace {

// Solves a z = b for a symmetric positive definite a (n, n) by Cholesky, in place: b (n, k) becomes z.
void solve(std::vector<double>& a, std::vector<double>& b, size_t n, size_t k) {
  for (size_t j = 0; j < n; ++j) {
    for (size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (size_t p = 0; p < j; ++p) sum -= a[i * n + p] * a[j * n + p];
      a[i * n + j] = i == j ? std::sqrt(std::max(sum, 1e-300)) : sum / a[j * n + j];
    }
  }
  for (size_t column = 0; column < k; ++column) {
    for (size_t i = 0; i < n; ++i) {
      for (size_t p = 0; p < i; ++p) b[i * k + column] -= a[i * n + p] * b[p * k + column];
      b[i * k + column] /= a[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
      for (size_t p = i + 1; p < n; ++p) b[i * k + column] -= a[p * n + i] * b[p * k + column];
      b[i * k + column] /= a[i * n + i];
    }
  }
}

}  // namespace

Baseline linear_baseline(const Array& x, const Array& target, double ridge) {
  constexpr std::string_view kPlace = "linear_baseline";
  constexpr int64_t kMostFeatures = 4096;
  if (x.rank() != 2 || x.shape(1) < 1 || x.shape(1) > kMostFeatures)
    fail(kPlace, "x is ", x.shape(), "; it must be (N, F), F 1 to ", kMostFeatures);
  if (!(ridge >= 0) || std::isinf(ridge)) fail(kPlace, "ridge is ", ridge, "; it must be finite and not negative");
  const detail::NumberData y = some_numbers(kPlace, target), features = detail::read_numbers(kPlace, x, x, {});
  if (y.rows != features.rows) fail(kPlace, "x has ", features.rows, " rows and target ", y.rows, "; they must be equal");
  const size_t n = y.rows, f = features.columns, k = y.columns;
  const std::vector<detail::Moments> of_x = detail::moments_of(features, {}, detail::Logs::left_out),
                                     of_y = detail::moments_of(y, {}, detail::Logs::left_out);
  // Standardised features and centred targets: their product has no part in the means.
  std::vector<double> z(n * f), centred(n * k), scale(f);
  for (size_t j = 0; j < f; ++j) {
    const double deviation = std::sqrt(of_x[j].target_squares / static_cast<double>(n));
    scale[j] = deviation > 1e-12 * std::abs(of_x[j].target_mean) ? 1 / deviation : 0;
    if (std::isinf(scale[j])) scale[j] = 0;
  }
  for (size_t i = 0; i < n * f; ++i) z[i] = (features.target[i] - of_x[i % f].target_mean) * scale[i % f];
  for (size_t i = 0; i < n * k; ++i) centred[i] = y.target[i] - of_y[i % k].target_mean;
  const auto rows = static_cast<int64_t>(n), columns = static_cast<int64_t>(f);
  const Array zs = array(z, {rows, columns}), ys = array(centred, {rows, static_cast<int64_t>(k)});
  std::vector<double> a = matmul(transpose(zs), zs).to_vector<double>(), b = matmul(transpose(zs), ys).to_vector<double>();
  for (size_t j = 0; j < f; ++j) a[j * f + j] += std::max(ridge, 1e-13) * static_cast<double>(n);
  solve(a, b, f, k);
  std::vector<double> all(k);
  for (size_t c = 0; c < k; ++c) {
    all[c] = of_y[c].target_mean;
    for (size_t j = 0; j < f; ++j) all[c] -= b[j * k + c] * scale[j] * of_x[j].target_mean;
  }
  for (size_t j = 0; j < f; ++j) {
    for (size_t c = 0; c < k; ++c) all.push_back(b[j * k + c] * scale[j]);
  }
  Baseline baseline("linear", all, static_cast<int64_t>(k));
  baseline.features_ = columns;
  return baseline;
}

}  // namespace gradus::metrics
