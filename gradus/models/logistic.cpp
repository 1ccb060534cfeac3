// Logistic and softmax regression: Newton's method, L-BFGS for many numbers, coordinate descent within Newton's method for L1.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/models/coordinate_descent.hpp"
#include "gradus/models/least_squares.hpp"
#include "gradus/models/linear.hpp"
#include "gradus/models/linear_data.hpp"
#include "gradus/models/logistic_fit.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/optim/lbfgs.hpp"

namespace gradus::models {

using namespace core;

namespace {

using Vector = std::vector<double>;
using detail::LogisticProblem;

constexpr int64_t kMostNewton = 1024;     // numbers; of more the Hessian costs more than it saves
constexpr int64_t kLbfgsIterations = 50;  // for each of Newton's
constexpr double kLbfgsTolerance = 1e-10;
constexpr int64_t kPatience = 8;  // iterations after which separation is looked for

// The penalties alpha l1_ratio |w| and alpha (1 - l1_ratio) w^2 / 2 of all numbers but the intercepts.
struct Penalties {
  double l1 = 0, l2 = 0;
  int64_t free = 0;  // the first numbers, intercepts, have none
  double value(const Vector& w) const {
    double sum = 0;
    for (size_t j = static_cast<size_t>(free); j < w.size(); ++j) sum += l1 * std::fabs(w[j]) + l2 * w[j] * w[j] / 2;
    return sum;
  }
  double l1_of(int64_t j) const { return j < free ? 0 : l1; }
};

class Fit {
 public:
  Fit(std::string_view op, const LogisticProblem& problem, const LogisticOptions& options)
      : op_(op), problem_(problem), options_(options), w_(static_cast<size_t>(problem.size()), 0.0) {
    penalties_ = {options.alpha * options.l1_ratio, options.alpha * (1 - options.l1_ratio),
                  problem.has_intercept() ? problem.outputs() : 0};
    look();
  }

  void run() {
    if (takes_lbfgs()) descend();
    else iterate();
    centre();
  }

  // Of the mean objective. L-BFGS, which compares sums of many terms, gets no nearer than rounding lets it.
  double allowed() const { return takes_lbfgs() ? std::max(options_.tolerance, kLbfgsTolerance) : options_.tolerance; }
  const Vector& w() const { return w_; }
  void set_w(Vector w) {
    w_ = std::move(w);
    look();
  }
  double loss() const { return loss_; }
  int64_t iterations() const { return iterations_; }
  // The largest number of the gradient, or how far the conditions of the optimum are missed, for columns of mean square 1.
  double residual() const {
    Vector negative(gradient_.size()), bounds(gradient_.size());
    for (size_t j = 0; j < negative.size(); ++j) {
      const double scale = problem_.scale(static_cast<int64_t>(j) / problem_.outputs());
      negative[j] = -gradient_[j] / scale;
      bounds[j] = penalties_.l1_of(static_cast<int64_t>(j)) / scale;
    }
    return detail::kkt_residual(negative, w_, bounds);
  }
  // The Hessian, and the one with penalty and with what fixes the sum over the classes.
  Vector hessian() const { return problem_.hessian(logits_, everything()); }
  Vector bent(Vector h, std::span<const int64_t> chosen) const {
    const auto size = static_cast<int64_t>(chosen.size());
    for (int64_t i = 0; i < size; ++i)
      if (chosen[static_cast<size_t>(i)] >= penalties_.free) h[static_cast<size_t>(i * size + i)] += penalties_.l2;
    const int64_t k = problem_.outputs();
    if (k == 1) return h;
    // Adding the same to all classes changes nothing: along there the Hessian is 0 where no penalty is, and any number does.
    double most = 0;
    for (int64_t i = 0; i < size; ++i) most = std::max(most, h[static_cast<size_t>(i * size + i)]);
    for (int64_t i = 0; i < size; ++i) {
      for (int64_t j = 0; j < size; ++j) {
        const int64_t a = chosen[static_cast<size_t>(i)], b = chosen[static_cast<size_t>(j)];
        if (a / k == b / k && (a < penalties_.free || options_.alpha == 0)) h[static_cast<size_t>(i * size + j)] += most;
      }
    }
    return h;
  }
  std::vector<int64_t> everything() const {
    std::vector<int64_t> all(w_.size());
    std::iota(all.begin(), all.end(), 0);
    return all;
  }

 private:
  bool takes_lbfgs() const { return penalties_.l1 == 0 && problem_.size() > kMostNewton; }
  double tolerance() const { return allowed() * problem_.total_weight(); }

  void iterate() {
    for (; iterations_ < options_.iterations && residual() > tolerance(); ++iterations_) {
      const double before = residual();
      if (!(penalties_.l1 > 0 ? step_with_l1() : step())) break;
      if (options_.alpha == 0) check_separation();
      // Quadratic convergence ends in rounding.
      if (before < 1e-6 * problem_.total_weight() && !(residual() < before / 2) && ++stalls_ > 2) break;
    }
  }

  // Loss, gradient of loss and L2 penalty, at w.
  void look() {
    logits_ = problem_.logits(w_);
    loss_ = problem_.loss(logits_);
    value_ = loss_ + penalties_.value(w_);
    gradient_ = gradient_at(w_, logits_);
  }
  Vector gradient_at(const Vector& w, const Vector& logits) const {
    Vector gradient = problem_.gradient(logits);
    for (size_t j = static_cast<size_t>(penalties_.free); j < w.size(); ++j) gradient[j] += penalties_.l2 * w[j];
    return gradient;
  }

  bool step() {
    const std::vector<int64_t> all = everything();
    Vector h = bent(hessian(), all), direction = gradient_;
    for (double& x : direction) x = -x;
    // Where probabilities are 0 or 1 to the last digit the Hessian is not definite: a little on its diagonal shortens the step.
    const Vector plain = h;
    double most = 0;
    for (size_t j = 0; j < w_.size(); ++j) most = std::max(most, h[j * w_.size() + j]);
    for (double more = 1e-14 * most; !detail::cholesky(h, problem_.size()); more *= 100) {
      if (!(more < INFINITY) || most == 0) return false;
      h = plain;
      for (size_t j = 0; j < w_.size(); ++j) h[j * w_.size() + j] += more;
    }
    detail::cholesky_solve(h, problem_.size(), direction, 1);
    return go(direction, detail::dot(gradient_.data(), direction.data(), problem_.size()));
  }

  // The minimum of the quadratic model with the L1 penalty, over the numbers that are in use or should be.
  bool step_with_l1() {
    std::vector<int64_t> chosen;
    const double slack = problem_.size() <= kMostNewton ? INFINITY : residual() / 2;
    for (int64_t j = 0; j < problem_.size(); ++j) {
      const auto at = static_cast<size_t>(j);
      if (w_[at] != 0 || j < penalties_.free || std::fabs(gradient_[at]) - penalties_.l1 > -slack) chosen.push_back(j);
    }
    const auto size = static_cast<int64_t>(chosen.size());
    const Vector h = bent(problem_.hessian(logits_, chosen), chosen);
    Vector now(chosen.size()), q(chosen.size()), bounds(chosen.size());
    for (size_t i = 0; i < chosen.size(); ++i) {
      now[i] = w_[static_cast<size_t>(chosen[i])];
      bounds[i] = penalties_.l1_of(chosen[i]);
    }
    for (int64_t i = 0; i < size; ++i)
      q[static_cast<size_t>(i)] =
          detail::dot(h.data() + i * size, now.data(), size) - gradient_[static_cast<size_t>(chosen[static_cast<size_t>(i)])];
    Vector next = now;
    detail::minimise({h, q, bounds}, next, std::max(1e-3 * std::min(residual(), 1.0) * residual(), tolerance() / 10), 10000);
    Vector direction(w_.size(), 0.0);
    double slope = 0;
    for (size_t i = 0; i < chosen.size(); ++i) {
      const auto at = static_cast<size_t>(chosen[i]);
      direction[at] = next[i] - now[i];
      slope += gradient_[at] * direction[at] + bounds[i] * (std::fabs(next[i]) - std::fabs(now[i]));
    }
    return go(direction, slope);
  }

  // Along the direction as far as the objective falls by a share of what its slope says; false where it does not.
  bool go(const Vector& direction, double slope) {
    if (!(slope < 0)) return false;
    direction_logits_ = problem_.logits(direction);
    // Below this the objective is rounded, and the gradient says more.
    const double noise = 1e-13 * std::fabs(value_);
    for (double length = 1; length > 1e-10; length /= 2) {
      Vector next = w_, logits = logits_;
      detail::add_scaled(next.data(), length, direction.data(), problem_.size());
      detail::add_scaled(logits.data(), length, direction_logits_.data(), static_cast<int64_t>(logits.size()));
      const double loss = problem_.loss(logits), value = loss + penalties_.value(next);
      if (!(value <= value_ + 1e-4 * length * slope + noise)) continue;
      w_ = std::move(next);
      look();
      return true;
    }
    return false;
  }

  void check_separation() const {
    const auto fails = [&] {
      throw Error(Error::Kind::invalid, op_,
                  concat("x separates the classes, wholly or in part", separating_column(),
                         ": without a penalty the coefficients grow for ever and have no optimum; alpha must be above 0"));
    };
    if (least_counted(problem_.margins(logits_)) > 0) fails();
    if (iterations_ < kPatience) return;
    // The last steps lead along a direction in which no row loses and some win, by about as much each time.
    const Vector along = problem_.margins(direction_logits_);
    const double most = *std::max_element(along.begin(), along.end());
    if (most > 0.5 && least_counted(along) > -1e-3 * most) fails();
  }
  double least_counted(const Vector& margins) const {
    double least = INFINITY;
    for (size_t i = 0; i < margins.size(); ++i)
      if (problem_.weights()[i] > 0) least = std::min(least, margins[i]);
    return least;
  }
  // " (column 3 alone)"; "" where it takes several. All values of one class lie above those of the other, or one of two values is
  // one class's alone.
  std::string separating_column() const {
    const double* x = problem_.design().data<double>();
    const int64_t p = problem_.columns(), first = problem_.has_intercept() ? 1 : 0;
    if (!problem_.has_intercept() || problem_.classes() != 2) return "";
    for (int64_t j = first; j < p; ++j) {
      double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
      bool has_between = false;
      const auto visit = [&](const auto& f) {
        for (int64_t i = 0; i < problem_.rows(); ++i)
          if (problem_.weights()[static_cast<size_t>(i)] > 0)
            f(x[i * p + j], static_cast<size_t>(problem_.labels()[static_cast<size_t>(i)]));
      };
      visit([&](double value, size_t label) {
        low[label] = std::min(low[label], value);
        high[label] = std::max(high[label], value);
      });
      const double least = std::min(low[0], low[1]), most = std::max(high[0], high[1]);
      visit([&](double value, size_t) { has_between |= value > least && value < most; });
      const bool is_pure = !has_between && least < most && (low[0] != low[1] || high[0] != high[1]);
      if (is_pure || high[0] < low[1] || high[1] < low[0]) return concat(" (column ", j - first, " alone)");
    }
    return "";
  }

  double least_scale() const {
    double least = INFINITY;
    for (int64_t j = 0; j < problem_.columns(); ++j) least = std::min(least, problem_.scale(j));
    return least;
  }
  // What no penalty fixes is fixed by a sum of 0 over the classes.
  void centre() {
    const auto k = static_cast<size_t>(problem_.outputs());
    if (k == 1) return;
    const size_t end = options_.alpha == 0 ? w_.size() : static_cast<size_t>(penalties_.free);
    for (size_t j = 0; j < end; j += k) {
      double mean = 0;
      for (size_t c = 0; c < k; ++c) mean += w_[j + c] / static_cast<double>(k);
      for (size_t c = 0; c < k; ++c) w_[j + c] -= mean;
    }
    look();
  }
  // L-BFGS on the mean objective.
  void descend() {
    Array w = detail::array_of(w_, {problem_.size()}).eval();
    const std::vector<Variable> variables{{"coefficients", nullptr, &w}};
    const int64_t most = options_.iterations * kLbfgsIterations;
    optim::LBFGS optimizer(1.0, {.iterations = most,
                                 .evaluations = 2 * most,
                                 .history = 20,
                                 .gradient_tolerance = allowed() * least_scale() / 2,
                                 .change_tolerance = 0});
    const optim::LBFGS::Evaluate evaluate = [&] {
      w_ = w.to_vector<double>();
      look();
      Vector gradient = gradient_;
      for (double& x : gradient) x /= problem_.total_weight();
      return std::pair(value_ / problem_.total_weight(), std::vector<Array>{detail::array_of(std::move(gradient), {problem_.size()})});
    };
    // Where rounding ends a search, another one from there often goes on.
    for (double last = INFINITY; iterations_ < most && residual() > tolerance() && residual() < last / 2;) {
      last = residual();
      optimizer.step(variables, evaluate);
      w_ = w.to_vector<double>();
      look();
      iterations_ = optimizer.iterations();
    }
    if (options_.alpha == 0 && least_counted(problem_.margins(logits_)) > 0) check_separation();
  }

  std::string_view op_;
  const LogisticProblem& problem_;
  const LogisticOptions& options_;
  Penalties penalties_{};
  Vector w_, logits_{}, gradient_{}, direction_logits_{};
  double loss_ = 0, value_ = 0;
  int64_t iterations_ = 0, stalls_ = 0;
};

// Takes the mean over the classes from each column's row of covariances, and from each column: what is left is that of coefficients whose
// sum over the classes is 0. Numbers are (columns, classes).
void centre_classes(Vector& covariance, int64_t size, int64_t classes) {
  for (int pass = 0; pass < 2; ++pass) {
    for (int64_t i = 0; i < size; ++i) {
      for (int64_t j = 0; j < size; j += classes) {
        double mean = 0;
        const auto at = [&](int64_t k) -> double& { return covariance[static_cast<size_t>(pass ? (j + k) * size + i : i * size + j + k)]; };
        for (int64_t k = 0; k < classes; ++k) mean += at(k) / static_cast<double>(classes);
        for (int64_t k = 0; k < classes; ++k) at(k) -= mean;
      }
    }
  }
}

void set_errors(LinearFit& out, const Fit& fit, const LogisticProblem& problem, const LogisticOptions& options) {
  const int64_t size = problem.size(), k = problem.outputs(), first = problem.has_intercept() ? 1 : 0;
  const Vector plain = fit.hessian();
  Vector bent = fit.bent(plain, fit.everything());
  if (!detail::cholesky(bent, size)) {
    out.notes.push_back("no standard errors: probabilities are 0 or 1 to the last digit, and the Hessian is singular");
    return;
  }
  Vector covariance = detail::cholesky_inverse(bent, size);
  if (options.alpha > 0) {
    // (H + penalty)^-1 H (H + penalty)^-1
    const Array inverse = detail::array_of(std::move(covariance), {size, size});
    covariance = matmul(matmul(inverse, detail::array_of(plain, {size, size})), inverse).to_vector<double>();
    out.errors_are_biased = true;
  }
  if (k > 1) centre_classes(covariance, size, k);
  Vector errors, intercepts, by_class(covariance.size());
  for (int64_t j = 0; j < size; ++j) {
    const double error = std::sqrt(std::max(covariance[static_cast<size_t>(j * size + j)], 0.0));
    (j < first * k ? intercepts : errors).push_back(error);
  }
  const int64_t p = problem.columns();
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < size; ++j)
      by_class[static_cast<size_t>(((i % k) * p + i / k) * size + (j % k) * p + j / k)] = covariance[static_cast<size_t>(i * size + j)];
  out.standard_errors = detail::array_of(std::move(errors), out.coefficients.shape());
  if (first) out.intercept_error = detail::array_of(std::move(intercepts), out.intercept.shape());
  out.covariance = detail::array_of(std::move(by_class), {size, size});
}

LinearFit finished(const Fit& fit, const LogisticProblem& problem, const LogisticOptions& options, bool is_softmax) {
  LinearFit out{
      .kind = is_softmax ? "softmax" : "logistic", .iterations = fit.iterations(), .alpha = options.alpha, .l1_ratio = options.l1_ratio};
  const bool is_sparse = options.alpha * options.l1_ratio > 0;
  out.certificate = {is_sparse ? "KKT residual" : "gradient", fit.residual() / problem.total_weight(), fit.allowed()};
  out.rows = problem.counted_rows();
  out.rank = out.columns = problem.columns();
  out.log_likelihood = -fit.loss();
  const int64_t free = problem.has_intercept() ? problem.outputs() : 0;
  Vector intercept(static_cast<size_t>(problem.outputs()), 0.0);
  std::copy_n(fit.w().begin(), free, intercept.begin());
  detail::set_coefficients(out, {fit.w().begin() + free, fit.w().end()}, std::move(intercept), problem.outputs(), problem.outputs() == 1);
  detail::note_convergence(out);
  if (!is_sparse && problem.size() <= kMostNewton) set_errors(out, fit, problem, options);
  return out;
}

// Without penalty: columns that are sums of others leave the optimum open. They are left out, and the logits that the others give are then
// written with the least coefficients of all.
LinearFit fit_independent(std::string_view op, const Array& x, const Array& y, const LogisticOptions& options, bool is_softmax,
                          const LogisticProblem& problem, const std::vector<int64_t>& dependent) {
  const int64_t first = problem.has_intercept() ? 1 : 0, k = problem.outputs();
  std::vector<int64_t> kept;
  for (int64_t j = first; j < problem.columns(); ++j)
    if (!std::binary_search(dependent.begin(), dependent.end(), j)) kept.push_back(j - first);
  LinearFit out{};
  if (kept.empty()) fail(op, "all columns of x are constant; one must not be, or alpha must be above 0");
  out = detail::fit_classes(op, take(x, array(kept), 1), y, options, is_softmax);
  const std::span<const double> design(problem.design().data<double>(), static_cast<size_t>(problem.rows() * problem.columns()));
  const Vector logits = out.predict(take(x, array(kept), 1)).to_vector<double>();
  const detail::LeastSquares least = detail::solve_least_squares(design, problem.columns(), logits, k, first);
  Vector intercept(static_cast<size_t>(k), 0.0);
  std::copy_n(least.solution.begin(), first * k, intercept.begin());
  detail::set_coefficients(out, {least.solution.begin() + first * k, least.solution.end()}, std::move(intercept), k, k == 1);
  out.columns = problem.columns();
  out.rank = out.columns - static_cast<int64_t>(dependent.size());
  out.standard_errors = out.intercept_error = out.covariance = Array();
  out.notes.push_back(
      concat("rank ", out.rank, " of ", out.columns,
             ": columns depend on each other; of the many best coefficients these are the least, and there are no standard errors"));
  return out;
}

}  // namespace

LinearFit detail::fit_classes(std::string_view op, const Array& x, const Array& y, const LogisticOptions& options, bool is_softmax) {
  detail::check_penalty(op, options.alpha, options.l1_ratio);
  detail::check_stopping(op, options.tolerance, options.iterations);
  const LogisticProblem problem(op, x, y, options, is_softmax);
  if (options.alpha == 0) {
    const std::span<const double> design(problem.design().data<double>(), static_cast<size_t>(problem.rows() * problem.columns()));
    const std::vector<int64_t> dependent = detail::dependent_columns(design, problem.columns(), problem.has_intercept() ? 1 : 0);
    if (!dependent.empty()) return fit_independent(op, x, y, options, is_softmax, problem, dependent);
  }
  Fit fit(op, problem, options);
  fit.run();
  return finished(fit, problem, options, is_softmax);
}
std::vector<Vector> detail::fit_alphas(std::string_view op, const LogisticProblem& problem, LogisticOptions options,
                                       std::span<const double> alphas) {
  std::vector<Vector> out;
  for (const double alpha : alphas) {
    options.alpha = alpha;
    Fit fit(op, problem, options);
    if (!out.empty()) fit.set_w(out.back());
    fit.run();
    out.push_back(fit.w());
  }
  return out;
}
LinearFit fit_logistic(const Array& x, const Array& y, const LogisticOptions& options) {
  return detail::fit_classes("fit_logistic", x, y, options, false);
}
LinearFit fit_softmax(const Array& x, const Array& y, const LogisticOptions& options) {
  return detail::fit_classes("fit_softmax", x, y, options, true);
}

}  // namespace gradus::models
