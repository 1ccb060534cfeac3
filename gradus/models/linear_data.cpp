// Checks of tables, targets and weights; centring; the shapes of results.
#include "gradus/models/linear_data.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models::detail {

using namespace core;

namespace {

// Throws for the first element that is no finite number.
void check_finite(std::string_view op, const char* name, const Array& x) {
  const double* values = x.data<double>();
  for (int64_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(values[i]))
      fail(op, name, data::index_text(x.shape(), i), " is ", values[i], "; values must be finite, so fill or drop missing ones before");
  }
}

}  // namespace

Array checked_table(std::string_view op, const Array& x, const char* name) {
  if (x.rank() != 2 || x.shape(0) == 0 || x.shape(1) == 0)
    fail(op, name, " is ", x.shape(), "; it must be (rows, columns), with one of each at least");
  Array table = x.astype(float64).eval();
  check_finite(op, name, table);
  return table;
}

std::vector<double> checked_weights(std::string_view op, const Array& weights, int64_t rows) {
  if (!weights.exists()) return std::vector<double>(static_cast<size_t>(rows), 1.0);
  if (weights.shape() != Shape{rows}) fail(op, "weights are ", weights.shape(), ", there are ", rows, " rows; they must be (", rows, ",)");
  std::vector<double> out = weights.to_vector<double>();
  double total = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    if (!(out[i] >= 0) || !std::isfinite(out[i])) fail(op, "weights[", i, "] is ", out[i], "; weights must be finite and not negative");
    total += out[i];
  }
  if (!(total > 0)) fail(op, "all weights are 0; one must be above 0");
  return out;
}

LinearData checked_data(std::string_view op, const Array& x, const Array& y, const Array& weights) {
  LinearData data;
  data.x = checked_table(op, x);
  data.rows = data.x.shape(0);
  data.columns = data.x.shape(1);
  data.is_vector = y.rank() == 1;
  if ((y.rank() != 1 && y.rank() != 2) || y.shape(0) != data.rows || y.size() == 0)
    fail(op, "y is ", y.shape(), ", x ", x.shape(), "; y must be (", data.rows, ",) or (", data.rows, ", targets)");
  data.targets = data.is_vector ? 1 : y.shape(1);
  data.y = reshape(y.astype(float64), {data.rows, data.targets}).eval();
  check_finite(op, "y", data.y);
  data.weights = checked_weights(op, weights, data.rows);
  for (const double weight : data.weights) {
    data.total_weight += weight;
    data.counted_rows += weight > 0;
  }
  return data;
}

void check_penalty(std::string_view op, double alpha, double l1_ratio) {
  if (!(alpha >= 0) || !std::isfinite(alpha)) fail(op, "alpha is ", alpha, "; it must be finite and not negative");
  if (!(l1_ratio >= 0 && l1_ratio <= 1)) fail(op, "l1_ratio is ", l1_ratio, "; it must be from 0 to 1");
}
void check_stopping(std::string_view op, double tolerance, int64_t iterations) {
  if (!(tolerance >= 0)) fail(op, "tolerance is ", tolerance, "; it must not be negative");
  if (iterations < 1) fail(op, "iterations is ", iterations, "; it must be at least 1");
}

Array array_of(std::vector<double> values, const Shape& shape) { return array(values, shape); }

Centred centred(const LinearData& data, bool use_intercept) {
  const Array weights = array_of(data.weights, {1, data.rows}), roots = reshape(sqrt(weights), {data.rows, 1});
  const bool is_weighted = std::any_of(data.weights.begin(), data.weights.end(), [](double weight) { return weight != 1; });
  Centred out;
  const auto centre = [&](const Array& from, Array& to, std::vector<double>& means) {
    if (use_intercept) {
      // A second pass takes away what rounding has left of the mean.
      const Array mean = matmul(weights, from) / data.total_weight;
      const Array rest = matmul(weights, from - mean) / data.total_weight;
      to = (from - mean) - rest;
      means = (mean + rest).to_vector<double>();
    } else {
      to = from;
      means.assign(static_cast<size_t>(from.shape(1)), 0.0);
    }
    if (is_weighted) to = to * roots;
    to.eval();
  };
  centre(data.x, out.x, out.x_mean);
  centre(data.y, out.y, out.y_mean);
  return out;
}

void set_coefficients(LinearFit& fit, std::vector<double> coefficients, std::vector<double> intercept, int64_t targets, bool is_vector) {
  const int64_t columns = static_cast<int64_t>(coefficients.size()) / targets;
  fit.coefficients = array_of(std::move(coefficients), is_vector ? Shape{columns} : Shape{columns, targets});
  fit.intercept = array_of(std::move(intercept), is_vector ? Shape{} : Shape{targets});
}

void note_convergence(LinearFit& fit) {
  if (fit.certificate.is_met()) return;
  fit.notes.push_back(concat("the optimum was not reached: the ", fit.certificate.name, " is ", fit.certificate.value, " after ",
                             fit.iterations, " iterations, ", fit.certificate.tolerance, " was asked for"));
}

void set_residuals(LinearFit& fit, const LinearData& data, bool use_intercept, double parameters) {
  const std::vector<double> answers = fit.predict(data.x).to_vector<double>(), targets = data.y.to_vector<double>();
  const auto stride = static_cast<size_t>(data.targets);
  double mean = 0, left = 0, total = 0;
  for (size_t i = 0; use_intercept && i < data.weights.size(); ++i) mean += data.weights[i] * targets[i * stride] / data.total_weight;
  for (size_t i = 0; i < data.weights.size(); ++i) {
    const double residual = targets[i * stride] - answers[i * stride], away = targets[i * stride] - mean;
    left += data.weights[i] * residual * residual;
    total += data.weights[i] * away * away;
  }
  const double degrees = static_cast<double>(data.counted_rows) - parameters;
  fit.deviation = degrees > 0 ? std::sqrt(left / degrees) : std::nan("");
  fit.r2 = total > 0 ? 1 - left / total : std::nan("");
}

}  // namespace gradus::models::detail
