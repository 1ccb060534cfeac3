// Lasso and elastic net.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/models/coordinate_descent.hpp"
#include "gradus/models/elastic_net_problem.hpp"
#include "gradus/models/least_squares.hpp"
#include "gradus/models/linear.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

namespace detail {

namespace {
// Up to so many columns all their products are made at once; of more, those of the columns that come into question.
constexpr int64_t kMostAtOnce = 2048;
}  // namespace

ElasticNetProblem::ElasticNetProblem(const LinearData& data, bool use_intercept)
    : columns_(data.columns), total_weight_(data.total_weight), centred_(centred(data, use_intercept)) {
  transposed_ = transpose(centred_.x);
  const std::vector<double> squares = sum(square(centred_.y), 0).to_vector<double>();
  for (const double square : squares) scales_.push_back(square / (2 * total_weight_));
  start_ = (matmul(transposed_, centred_.y) / total_weight_).to_vector<double>();
  for (size_t i = 0; i < start_.size(); ++i) {
    if (!std::isfinite(start_[i]))
      fail("elastic_net", "column ", i / scales_.size(), " times its target is beyond float64; values must be smaller");
  }
  if (columns_ <= kMostAtOnce) gram_ = gram_of(centred_.x);
}

std::vector<double> ElasticNetProblem::gram_of(const Array& x) const {
  std::vector<double> gram = (matmul(transpose(x), x) / total_weight_).to_vector<double>();
  const int64_t count = x.shape(1);
  for (int64_t j = 0; j < count; ++j) {
    if (!std::isfinite(gram[static_cast<size_t>(j * count + j)]))
      fail("elastic_net", "the squares of column ", j, " are beyond float64; its values must be smaller");
  }
  return gram;
}

double ElasticNetProblem::largest_alpha(double l1_ratio) const {
  double most = 0;
  for (const double slope : start_) most = std::max(most, std::fabs(slope));
  return most / std::max(l1_ratio, 1e-3);
}

// x'(y - x w) / W, and the residual.
std::vector<double> ElasticNetProblem::slopes(const std::vector<double>& w, int64_t target, Array& residual) const {
  residual = (centred_.y[{slice(), target}] - matmul(centred_.x, array_of(w, {columns_}))).eval();
  return (matmul(transposed_, residual) / total_weight_).to_vector<double>();
}

// (P - D) / scale with the dual point that the residual gives, shrunk until it is feasible.
double ElasticNetProblem::gap(const std::vector<double>& w, int64_t target, Penalty penalty, double& kkt) const {
  Array residual;
  std::vector<double> slope = slopes(w, target, residual);
  double l1 = 0, l2 = 0, most = 0;
  for (size_t j = 0; j < w.size(); ++j) {
    slope[j] -= penalty.l2 * w[j];
    l1 += std::fabs(w[j]);
    l2 += w[j] * w[j];
    most = std::max(most, std::fabs(slope[j]));
  }
  const std::vector<double> bounds(w.size(), penalty.l1);
  kkt = kkt_residual(slope, w, bounds);
  const double scale = scales_[static_cast<size_t>(target)];
  if (scale == 0) return 0;
  const double shrink = most > penalty.l1 ? penalty.l1 / most : 1;
  const double squares = sum(square(residual)).item(), along = sum(residual * centred_.y[{slice(), target}]).item();
  const double primal = squares / (2 * total_weight_) + penalty.l1 * l1 + penalty.l2 * l2 / 2;
  const double dual = (shrink * along - shrink * shrink / 2 * (squares + total_weight_ * penalty.l2 * l2)) / total_weight_;
  return std::max(primal - dual, 0.0) / scale;
}

int64_t ElasticNetProblem::minimise_on(std::span<const int64_t> chosen, std::vector<double>& w, int64_t target, Penalty penalty,
                                       const Stopping& stopping) const {
  const auto count = static_cast<int64_t>(chosen.size());
  const bool is_all = count == columns_ && !gram_.empty();
  std::vector<double> h = is_all ? gram_ : gram_of(take(centred_.x, array(std::vector<int64_t>(chosen.begin(), chosen.end())), 1));
  std::vector<double> q(chosen.size()), part(chosen.size()), penalties(chosen.size(), penalty.l1);
  const auto targets = static_cast<int64_t>(scales_.size());
  for (int64_t i = 0; i < count; ++i) {
    h[static_cast<size_t>(i * count + i)] += penalty.l2;
    q[static_cast<size_t>(i)] = start_[static_cast<size_t>(chosen[static_cast<size_t>(i)] * targets + target)];
    part[static_cast<size_t>(i)] = w[static_cast<size_t>(chosen[static_cast<size_t>(i)])];
  }
  const int64_t passes = minimise({h, q, penalties}, part, stopping.kkt, stopping.passes);
  for (size_t i = 0; i < part.size(); ++i) w[static_cast<size_t>(chosen[i])] = part[i];
  return passes;
}

ElasticNetProblem::Solved ElasticNetProblem::solve(std::vector<double>& w, int64_t target, Penalty penalty, double tolerance,
                                                   int64_t passes) const {
  Solved solved;
  const auto targets = static_cast<int64_t>(scales_.size());
  double steepest = 0;
  for (int64_t j = 0; j < columns_; ++j) steepest = std::max(steepest, std::fabs(start_[static_cast<size_t>(j * targets + target)]));
  Stopping stopping{.kkt = 1e-3 * std::sqrt(tolerance) * steepest, .passes = passes};
  std::vector<int64_t> chosen(static_cast<size_t>(columns_));
  std::iota(chosen.begin(), chosen.end(), 0);
  int64_t room = 128;
  for (int round = 0; round < 100 && solved.passes < passes; ++round) {
    if (gram_.empty()) chosen = choose(w, target, penalty, room);
    stopping.passes = passes - solved.passes;
    solved.passes += minimise_on(chosen, w, target, penalty, stopping);
    const double last = solved.gap;
    solved.gap = gap(w, target, penalty, solved.kkt);
    const bool is_done = penalty.l1 > 0 ? solved.gap <= tolerance : solved.kkt <= tolerance * steepest;
    // Columns that were left out may still be wrong; within the chosen ones, a smaller bound.
    if (is_done && (!gram_.empty() || solved.kkt <= std::max(stopping.kkt, 1e-12 * steepest) * 10)) break;
    if (gram_.empty()) room *= 2;
    else if (round > 0 && !(solved.gap < last / 2)) break;
    stopping.kkt /= 100;
  }
  if (steepest > 0) solved.kkt /= steepest;
  return solved;
}

// Those in use and those that violate the optimum's conditions most.
std::vector<int64_t> ElasticNetProblem::choose(const std::vector<double>& w, int64_t target, Penalty penalty, int64_t room) const {
  Array residual;
  const std::vector<double> slope = slopes(w, target, residual);
  std::vector<int64_t> order(static_cast<size_t>(columns_));
  std::iota(order.begin(), order.end(), 0);
  const auto rank = [&](int64_t j) {
    const auto at = static_cast<size_t>(j);
    return w[at] != 0 ? INFINITY : std::fabs(slope[at]) - penalty.l1;
  };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return rank(a) > rank(b); });
  const auto in_use = std::count_if(w.begin(), w.end(), [](double x) { return x != 0; });
  order.resize(static_cast<size_t>(std::min<int64_t>(columns_, std::max<int64_t>(room, 2 * in_use))));
  std::sort(order.begin(), order.end());
  return order;
}

double ElasticNetProblem::intercept(const std::vector<double>& w, int64_t target) const {
  return centred_.y_mean[static_cast<size_t>(target)] - dot(centred_.x_mean.data(), w.data(), columns_);
}

}  // namespace detail

LinearFit fit_elastic_net(const Array& x, const Array& y, const ElasticNetOptions& options) {
  const bool is_lasso = options.l1_ratio == 1;
  const std::string_view op = is_lasso ? "fit_lasso" : "fit_elastic_net";
  detail::check_penalty(op, options.alpha, options.l1_ratio);
  detail::check_stopping(op, options.tolerance, options.iterations);
  const detail::LinearData data = detail::checked_data(op, x, y, options.weights);
  const detail::ElasticNetProblem problem(data, options.use_intercept);
  const detail::Penalty penalty{options.alpha * options.l1_ratio, options.alpha * (1 - options.l1_ratio)};
  LinearFit fit{.kind = is_lasso ? "lasso" : "elastic_net", .alpha = options.alpha, .l1_ratio = options.l1_ratio};
  fit.rows = data.counted_rows;
  fit.rank = fit.columns = data.columns + (options.use_intercept ? 1 : 0);
  fit.certificate = {penalty.l1 > 0 ? "duality gap" : "gradient", 0, options.tolerance};
  const int64_t d = data.columns, k = data.targets;
  std::vector<double> coefficients(static_cast<size_t>(d * k)), intercepts(static_cast<size_t>(k));
  double nonzero = 0;
  for (int64_t t = 0; t < k; ++t) {
    std::vector<double> w(static_cast<size_t>(d), 0.0);
    const auto solved = problem.solve(w, t, penalty, options.tolerance, options.iterations);
    fit.iterations = std::max(fit.iterations, solved.passes);
    fit.certificate.value = std::max(fit.certificate.value, penalty.l1 > 0 ? solved.gap : solved.kkt);
    for (int64_t j = 0; j < d; ++j) coefficients[static_cast<size_t>(j * k + t)] = w[static_cast<size_t>(j)];
    intercepts[static_cast<size_t>(t)] = problem.intercept(w, t);
    if (t == 0) nonzero = static_cast<double>(std::count_if(w.begin(), w.end(), [](double c) { return c != 0; }));
  }
  detail::set_coefficients(fit, std::move(coefficients), std::move(intercepts), k, data.is_vector);
  detail::note_convergence(fit);
  detail::set_residuals(fit, data, options.use_intercept, nonzero + (options.use_intercept ? 1 : 0));
  return fit;
}

LinearFit fit_lasso(const Array& x, const Array& y, const LassoOptions& options) {
  return fit_elastic_net(x, y,
                         {.alpha = options.alpha,
                          .l1_ratio = 1,
                          .use_intercept = options.use_intercept,
                          .tolerance = options.tolerance,
                          .iterations = options.iterations,
                          .weights = options.weights});
}

}  // namespace gradus::models
