// Least squares and ridge regression.
#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/models/least_squares.hpp"
#include "gradus/models/linear.hpp"
#include "gradus/models/linear_data.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

namespace {

constexpr double kGradientTolerance = 1e-10;
constexpr int64_t kMostCovariance = 1024;

// sqrt(weight) (1, x) above sqrt(alpha) (0, identity), and sqrt(weight) y above zeros: row-major.
struct System {
  std::vector<double> a{}, b{};
  int64_t columns = 0;
};
System system_of(const detail::LinearData& data, bool use_intercept, double alpha) {
  const int64_t d = data.columns, first = use_intercept ? 1 : 0, more = alpha > 0 ? d : 0;
  System system;
  system.columns = d + first;
  system.a.assign(static_cast<size_t>((data.rows + more) * system.columns), 0.0);
  system.b.assign(static_cast<size_t>((data.rows + more) * data.targets), 0.0);
  const double *x = data.x.data<double>(), *y = data.y.data<double>();
  for (int64_t i = 0; i < data.rows; ++i) {
    const double root = std::sqrt(data.weights[static_cast<size_t>(i)]);
    double* row = system.a.data() + i * system.columns;
    if (use_intercept) row[0] = root;
    for (int64_t j = 0; j < d; ++j) row[first + j] = root * x[i * d + j];
    for (int64_t k = 0; k < data.targets; ++k) system.b[static_cast<size_t>(i * data.targets + k)] = root * y[i * data.targets + k];
  }
  for (int64_t j = 0; j < more; ++j) system.a[static_cast<size_t>((data.rows + j) * system.columns + first + j)] = std::sqrt(alpha);
  return system;
}

double length(const std::vector<double>& a, int64_t start, int64_t rows, int64_t stride) {
  double sum = 0;
  for (int64_t i = 0; i < rows; ++i) {
    const double x = a[static_cast<size_t>(i * stride + start)];
    sum += x * x;
  }
  return std::sqrt(sum);
}

// The largest |a_j' r| / (|a_j| |b|), over columns and targets.
double gradient_share(const System& system, const std::vector<double>& residual, int64_t targets) {
  const int64_t rows = static_cast<int64_t>(residual.size()) / targets;
  double most = 0;
  std::vector<double> column_lengths(static_cast<size_t>(system.columns));
  for (int64_t j = 0; j < system.columns; ++j) column_lengths[static_cast<size_t>(j)] = length(system.a, j, rows, system.columns);
  for (int64_t k = 0; k < targets; ++k) {
    const double b_length = length(system.b, k, rows, targets);
    std::vector<double> products(static_cast<size_t>(system.columns), 0.0);
    for (int64_t i = 0; i < rows; ++i)
      detail::add_scaled(products.data(), residual[static_cast<size_t>(i * targets + k)], system.a.data() + i * system.columns,
                         system.columns);
    for (size_t j = 0; j < products.size(); ++j)
      if (column_lengths[j] > 0 && b_length > 0) most = std::max(most, std::fabs(products[j]) / (column_lengths[j] * b_length));
  }
  return most;
}

// s^2 diag(covariance) of each target, the intercept's first if there is one.
void set_errors(LinearFit& fit, const detail::LinearData& data, const std::vector<double>& covariance, const std::vector<double>& variances,
                bool use_intercept) {
  const int64_t d = data.columns, first = use_intercept ? 1 : 0, p = d + first, k = data.targets;
  std::vector<double> errors(static_cast<size_t>(d * k)), intercepts(static_cast<size_t>(k));
  for (int64_t t = 0; t < k; ++t) {
    for (int64_t j = 0; j < p; ++j) {
      const double error = std::sqrt(variances[static_cast<size_t>(t)] * covariance[static_cast<size_t>(j * p + j)]);
      if (j < first) intercepts[static_cast<size_t>(t)] = error;
      else errors[static_cast<size_t>((j - first) * k + t)] = error;
    }
  }
  fit.standard_errors = detail::array_of(std::move(errors), fit.coefficients.shape());
  if (use_intercept) fit.intercept_error = detail::array_of(std::move(intercepts), fit.intercept.shape());
  if (p > kMostCovariance) return;
  std::vector<double> scaled = covariance;
  for (double& element : scaled) element *= variances[0];
  fit.covariance = detail::array_of(std::move(scaled), {p, p});
}

// Sums of squares of the rows of the data, a target each.
std::vector<double> squares_of(const std::vector<double>& residual, int64_t rows, int64_t targets) {
  std::vector<double> sums(static_cast<size_t>(targets), 0.0);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t k = 0; k < targets; ++k) {
      const double r = residual[static_cast<size_t>(i * targets + k)];
      sums[static_cast<size_t>(k)] += r * r;
    }
  return sums;
}

void note_rank(LinearFit& fit, const std::vector<int64_t>& dependent, bool use_intercept) {
  std::string columns;
  for (size_t i = 0; i < dependent.size() && i < 8; ++i) columns += concat(i ? ", " : "", dependent[i] - (use_intercept ? 1 : 0));
  if (dependent.size() > 8) columns += ", ...";
  fit.notes.push_back(
      concat("rank ", fit.rank, " of ", fit.columns, ": columns depend on each other (", columns,
             " on the rest, for one); of the many best coefficients these are the least, and there are no standard errors"));
}

void set_solution(LinearFit& fit, const detail::LinearData& data, const std::vector<double>& solution, bool use_intercept) {
  const auto k = static_cast<size_t>(data.targets);
  std::vector<double> intercept(k, 0.0);
  if (use_intercept) std::copy_n(solution.begin(), k, intercept.begin());
  detail::set_coefficients(fit, {solution.begin() + (use_intercept ? data.targets : 0), solution.end()}, std::move(intercept), data.targets,
                           data.is_vector);
}

// By QR, with `alpha` as rows below the data.
LinearFit fit_by_qr(const detail::LinearData& data, bool use_intercept, double alpha, LinearFit fit) {
  const System system = system_of(data, use_intercept, alpha);
  const detail::LeastSquares solved = detail::solve_least_squares(system.a, system.columns, system.b, data.targets, use_intercept ? 1 : 0);
  fit.rank = solved.rank;
  fit.iterations = 1 + solved.refinements;
  set_solution(fit, data, solved.solution, use_intercept);
  fit.certificate = {"gradient", gradient_share(system, solved.residual, data.targets), kGradientTolerance};
  detail::note_convergence(fit);
  if (solved.rank < system.columns) {
    note_rank(fit, solved.dependent, use_intercept);
    detail::set_residuals(fit, data, use_intercept, static_cast<double>(solved.rank));
    return fit;
  }
  std::vector<double> covariance = solved.covariance;
  double parameters = static_cast<double>(system.columns);
  if (alpha > 0) {
    // (a'a)^-1 with a's penalty rows: C. What the data give of it: C - alpha C I C, I without the intercept.
    const int64_t p = system.columns, first = use_intercept ? 1 : 0;
    for (int64_t i = 0; i < p; ++i) {
      for (int64_t j = 0; j < p; ++j) {
        covariance[static_cast<size_t>(i * p + j)] -=
            alpha * detail::dot(solved.covariance.data() + i * p + first, solved.covariance.data() + j * p + first, p - first);
      }
    }
    for (int64_t j = first; j < p; ++j) parameters -= alpha * solved.covariance[static_cast<size_t>(j * p + j)];
  }
  detail::set_residuals(fit, data, use_intercept, parameters);
  fit.degrees_of_freedom = static_cast<double>(data.counted_rows) - parameters;
  if (!(fit.degrees_of_freedom > 0)) {
    fit.degrees_of_freedom = 0;
    fit.notes.push_back(concat(data.counted_rows, " rows fix ", parameters, " numbers: nothing is left to measure standard errors by"));
    return fit;
  }
  std::vector<double> variances = squares_of(solved.residual, data.rows, data.targets);
  for (double& variance : variances) variance /= fit.degrees_of_freedom;
  set_errors(fit, data, covariance, variances, use_intercept);
  return fit;
}

// Ridge by the normal equations of centred columns, corrected by residuals from the data themselves. False where these are too
// ill-conditioned.
bool fit_by_cholesky(const detail::LinearData& data, const RidgeOptions& options, LinearFit& fit) {
  const int64_t d = data.columns, k = data.targets;
  const detail::Centred centred = detail::centred(data, options.use_intercept);
  const Array transposed = transpose(centred.x);
  std::vector<double> gram = matmul(transposed, centred.x).to_vector<double>();
  double largest = 0, least = INFINITY;
  for (int64_t j = 0; j < d; ++j) {
    largest = std::max(largest, gram[static_cast<size_t>(j * d + j)]);
    gram[static_cast<size_t>(j * d + j)] += options.alpha;
  }
  if (!detail::cholesky(gram, d)) return false;
  for (int64_t j = 0; j < d; ++j) least = std::min(least, gram[static_cast<size_t>(j * d + j)]);
  if (!(least * least > 1e-10 * (largest + options.alpha))) return false;
  std::vector<double> w(static_cast<size_t>(d * k), 0.0);
  double last = INFINITY;
  const std::vector<double> column_squares = sum(square(centred.x), 0).to_vector<double>(),
                            target_squares = sum(square(centred.y), 0).to_vector<double>();
  for (int step = 0; step < 5; ++step) {
    const Array now = detail::array_of(w, {d, k}), residual = centred.y - matmul(centred.x, now);
    std::vector<double> gradient = (matmul(transposed, residual) - options.alpha * now).to_vector<double>();
    double share = 0;
    for (int64_t j = 0; j < d; ++j)
      for (int64_t t = 0; t < k; ++t) {
        const double scale = std::sqrt((column_squares[static_cast<size_t>(j)] + options.alpha) * target_squares[static_cast<size_t>(t)]);
        if (scale > 0) share = std::max(share, std::fabs(gradient[static_cast<size_t>(j * k + t)]) / scale);
      }
    fit.certificate = {"gradient", share, kGradientTolerance};
    if (!(share < last / 4) || share < 1e-16) break;
    last = share;
    ++fit.iterations;
    detail::cholesky_solve(gram, d, gradient, k);
    for (size_t j = 0; j < w.size(); ++j) w[j] += gradient[j];
  }
  if (!fit.certificate.is_met()) return false;

  std::vector<double> intercept = centred.y_mean;
  for (int64_t t = 0; t < k; ++t)
    for (int64_t j = 0; j < d; ++j)
      intercept[static_cast<size_t>(t)] -= centred.x_mean[static_cast<size_t>(j)] * w[static_cast<size_t>(j * k + t)];
  detail::set_coefficients(fit, w, options.use_intercept ? intercept : std::vector<double>(static_cast<size_t>(k), 0.0), k, data.is_vector);
  fit.rank = fit.columns;

  // The coefficients' covariance is s^2 H^-1 (H - alpha) H^-1; the intercept is mean(y) - mean(x) w.
  const int64_t first = options.use_intercept ? 1 : 0, p = d + first;
  const std::vector<double> inverse = detail::cholesky_inverse(gram, d);
  std::vector<double> covariance(static_cast<size_t>(p * p), 0.0);
  double parameters = static_cast<double>(p);
  for (int64_t i = 0; i < d; ++i) {
    for (int64_t j = 0; j < d; ++j) {
      covariance[static_cast<size_t>((i + first) * p + j + first)] =
          inverse[static_cast<size_t>(i * d + j)] - options.alpha * detail::dot(inverse.data() + i * d, inverse.data() + j * d, d);
    }
    parameters -= options.alpha * inverse[static_cast<size_t>(i * d + i)];
  }
  if (first) {
    covariance[0] = 1 / data.total_weight;
    for (int64_t i = 0; i < d; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < d; ++j) sum -= covariance[static_cast<size_t>((i + 1) * p + j + 1)] * centred.x_mean[static_cast<size_t>(j)];
      covariance[static_cast<size_t>((i + 1) * p)] = covariance[static_cast<size_t>(i + 1)] = sum;
      covariance[0] -= sum * centred.x_mean[static_cast<size_t>(i)];
    }
  }
  detail::set_residuals(fit, data, options.use_intercept, parameters);
  fit.degrees_of_freedom = static_cast<double>(data.counted_rows) - parameters;
  if (!(fit.degrees_of_freedom > 0)) {
    fit.degrees_of_freedom = 0;
    return true;
  }
  std::vector<double> variances = sum(square(centred.y - matmul(centred.x, detail::array_of(w, {d, k}))), 0).to_vector<double>();
  for (double& variance : variances) variance /= fit.degrees_of_freedom;
  set_errors(fit, data, covariance, variances, options.use_intercept);
  return true;
}

// Ridge with fewer rows than columns: w = x' (x x' + alpha)^-1 y.
bool fit_by_rows(const detail::LinearData& data, const RidgeOptions& options, LinearFit& fit) {
  const int64_t n = data.rows, k = data.targets;
  const detail::Centred centred = detail::centred(data, options.use_intercept);
  std::vector<double> gram = matmul(centred.x, transpose(centred.x)).to_vector<double>();
  for (int64_t i = 0; i < n; ++i) gram[static_cast<size_t>(i * n + i)] += options.alpha;
  if (!detail::cholesky(gram, n)) return false;
  Array dual = zeros({n, k}, float64), w;
  double last = INFINITY;
  const double y_length = std::sqrt(sum(square(centred.y)).item());
  for (int step = 0; step < 5; ++step) {
    w = matmul(transpose(centred.x), dual).eval();
    std::vector<double> residual = (centred.y - matmul(centred.x, w) - options.alpha * dual).to_vector<double>();
    // The gradient is x' residual, at most |x_j| |residual|.
    const double share = y_length > 0 ? std::sqrt(detail::dot(residual.data(), residual.data(), n * k)) / y_length : 0;
    fit.certificate = {"gradient", share, kGradientTolerance};
    if (!(share < last / 4) || share < 1e-16) break;
    last = share;
    ++fit.iterations;
    detail::cholesky_solve(gram, n, residual, k);
    dual = (dual + detail::array_of(std::move(residual), {n, k})).eval();
  }
  if (!fit.certificate.is_met()) return false;
  std::vector<double> values = w.to_vector<double>(), intercept(static_cast<size_t>(k), 0.0);
  for (int64_t t = 0; options.use_intercept && t < k; ++t) {
    intercept[static_cast<size_t>(t)] = centred.y_mean[static_cast<size_t>(t)];
    for (int64_t j = 0; j < data.columns; ++j)
      intercept[static_cast<size_t>(t)] -= centred.x_mean[static_cast<size_t>(j)] * values[static_cast<size_t>(j * k + t)];
  }
  detail::set_coefficients(fit, std::move(values), std::move(intercept), k, data.is_vector);
  fit.rank = fit.columns;
  double parameters = static_cast<double>(n);
  const std::vector<double> inverse = detail::cholesky_inverse(gram, n);
  for (int64_t i = 0; i < n; ++i) parameters -= options.alpha * inverse[static_cast<size_t>(i * n + i)];
  detail::set_residuals(fit, data, options.use_intercept, parameters + (options.use_intercept ? 1 : 0));
  fit.notes.push_back(concat("more columns than rows (", data.columns, ", ", n, "): no standard errors"));
  return true;
}

LinearFit described(std::string kind, const detail::LinearData& data, bool use_intercept, double alpha) {
  LinearFit fit{.kind = std::move(kind), .alpha = alpha};
  fit.rows = data.counted_rows;
  fit.columns = data.columns + (use_intercept ? 1 : 0);
  return fit;
}

}  // namespace

LinearFit fit_linear(const Array& x, const Array& y, const LinearOptions& options) {
  const detail::LinearData data = detail::checked_data("fit_linear", x, y, options.weights);
  return fit_by_qr(data, options.use_intercept, 0, described("linear", data, options.use_intercept, 0));
}

LinearFit fit_ridge(const Array& x, const Array& y, const RidgeOptions& options) {
  constexpr std::string_view op = "fit_ridge";
  detail::check_penalty(op, options.alpha, 0);
  const detail::LinearData data = detail::checked_data(op, x, y, options.weights);
  LinearFit fit = described("ridge", data, options.use_intercept, options.alpha);
  fit.errors_are_biased = options.alpha > 0;
  const LinearFit start = fit;
  if (options.alpha > 0 && data.rows < data.columns && fit_by_rows(data, options, fit)) return fit;
  if (options.alpha > 0 && data.rows >= data.columns && fit_by_cholesky(data, options, fit = start)) return fit;
  return fit_by_qr(data, options.use_intercept, options.alpha, start);
}

}  // namespace gradus::models
