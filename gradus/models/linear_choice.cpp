// Paths and cross-validation over alpha.
#include "gradus/models/linear_choice.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "gradus/base/error.hpp"
#include "gradus/data/dataset.hpp"
#include "gradus/models/elastic_net_problem.hpp"
#include "gradus/models/least_squares.hpp"
#include "gradus/models/linear_data.hpp"
#include "gradus/models/logistic_fit.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

namespace {

constexpr int64_t kMostColumns = 2048;  // whose products ridge keeps for all alphas
constexpr double kChoiceTolerance = 1e-7, kClassTolerance = 1e-6;

// The largest first.
std::vector<double> sorted_alphas(std::string_view op, std::vector<double> alphas) {
  for (const double alpha : alphas) detail::check_penalty(op, alpha, 0);
  std::sort(alphas.begin(), alphas.end(), std::greater<>());
  return alphas;
}
std::vector<double> usual_alphas() {
  std::vector<double> alphas;
  for (int i = 6; i >= -4; --i) alphas.push_back(std::pow(10.0, i / 2.0));
  return alphas;
}
std::vector<double> path_alphas(double largest, int64_t count, double ratio) {
  std::vector<double> alphas;
  for (int64_t i = 0; i < count; ++i)
    alphas.push_back(largest * std::pow(ratio, count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0));
  return alphas;
}

// Which fold holds each row out: rows in random order, class by class, dealt out in turn. None (-1) the only row of a class: without it the
// class would be unknown.
std::vector<int64_t> folds_of(std::string_view op, int64_t rows, const ChoiceOptions& choice, const Array& labels) {
  if (choice.folds < 2 || choice.folds > rows)
    fail(op, "folds is ", choice.folds, ", there are ", rows, " rows; folds must be from 2 to that");
  std::vector<int64_t> order = data::permutation(rows, choice.seed);
  if (labels.exists()) {
    const std::vector<double> classes = labels.to_vector<double>();
    const auto class_of = [&](int64_t row) { return classes[static_cast<size_t>(row)]; };
    std::map<double, int64_t> counts;
    for (const double label : classes) ++counts[label];
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return class_of(a) < class_of(b); });
    std::erase_if(order, [&](int64_t row) { return counts[class_of(row)] == 1; });
    if (static_cast<int64_t>(order.size()) < choice.folds)
      fail(op, "only ", order.size(), " rows are of a class of two rows or more, and folds is ", choice.folds,
           "; it must be at most as many");
  }
  std::vector<int64_t> fold(static_cast<size_t>(rows), -1);
  for (size_t i = 0; i < order.size(); ++i) fold[static_cast<size_t>(order[i])] = static_cast<int64_t>(i) % choice.folds;
  return fold;
}

// Some rows of a table, its targets, its weights.
struct Part {
  Array x, y, weights;
};
Part part_of(const Array& x, const Array& y, const Array& weights, const std::vector<int64_t>& fold, int64_t number, bool is_held_out) {
  std::vector<int64_t> rows;
  for (size_t i = 0; i < fold.size(); ++i)
    if ((fold[i] == number) == is_held_out) rows.push_back(static_cast<int64_t>(i));
  const Array at = array(rows);
  return {take(x, at, 0), take(y, at, 0), weights.exists() ? take(weights, at, 0) : Array()};
}

// The errors of all alphas when `seen` is fitted and `held_out` is measured.
using Measure = std::function<std::vector<double>(const Part& seen, const Part& held_out, const std::vector<double>& alphas)>;

AlphaChoice cross_validated(std::string_view op, const Part& all, std::vector<double> alphas, const ChoiceOptions& choice, bool has_classes,
                            const Measure& measure) {
  if (alphas.empty()) fail(op, "there are no alphas; there must be one at least");
  const std::vector<int64_t> fold = folds_of(op, all.x.shape(0), choice, has_classes ? all.y : Array());
  AlphaChoice out{.alphas = std::move(alphas)};
  const size_t count = out.alphas.size();
  std::vector<double> squares(count, 0.0);
  out.errors.assign(count, 0.0);
  const auto folds = static_cast<double>(choice.folds);
  for (int64_t number = 0; number < choice.folds; ++number) {
    const std::vector<double> errors = measure(part_of(all.x, all.y, all.weights, fold, number, false),
                                               part_of(all.x, all.y, all.weights, fold, number, true), out.alphas);
    for (size_t i = 0; i < count; ++i) {
      out.errors[i] += errors[i] / folds;
      squares[i] += errors[i] * errors[i] / folds;
    }
  }
  for (size_t i = 0; i < count; ++i)
    out.deviations.push_back(std::sqrt(std::max(squares[i] - out.errors[i] * out.errors[i], 0.0) / (folds - 1)));
  const auto best = static_cast<size_t>(std::min_element(out.errors.begin(), out.errors.end()) - out.errors.begin());
  size_t chosen = best;
  while (choice.takes_simplest && chosen > 0 && out.errors[chosen - 1] <= out.errors[best] + out.deviations[best]) --chosen;
  out.alpha = out.alphas[chosen];
  return out;
}

// Weighted mean of the squared errors of all targets, of answers (rows, targets).
double squared_error(const Array& answers, const detail::LinearData& held_out) {
  const std::vector<double> given = answers.to_vector<double>(), wanted = held_out.y.to_vector<double>();
  double sum = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double error = given[i] - wanted[i];
    sum += held_out.weights[i / static_cast<size_t>(held_out.targets)] * error * error;
  }
  return sum / (held_out.total_weight * static_cast<double>(held_out.targets));
}

std::vector<double> ridge_errors(const Part& seen, const Part& held_out, const std::vector<double>& alphas, const RidgeOptions& options) {
  const detail::LinearData data = detail::checked_data("choose_ridge", seen.x, seen.y, seen.weights);
  const detail::LinearData others = detail::checked_data("choose_ridge", held_out.x, held_out.y, held_out.weights);
  const int64_t d = data.columns, k = data.targets;
  std::vector<double> errors;
  if (d > kMostColumns || d > data.rows) {
    for (const double alpha : alphas) {
      const LinearFit fit = fit_ridge(seen.x, seen.y, {.alpha = alpha, .use_intercept = options.use_intercept, .weights = seen.weights});
      errors.push_back(squared_error(fit.predict(held_out.x), others));
    }
    return errors;
  }
  const detail::Centred centred = detail::centred(data, options.use_intercept);
  const Array transposed = transpose(centred.x);
  const std::vector<double> gram = matmul(transposed, centred.x).to_vector<double>(),
                            slopes = matmul(transposed, centred.y).to_vector<double>();
  const Array rest = others.x - detail::array_of(centred.x_mean, {d}), mean = detail::array_of(centred.y_mean, {k});
  for (const double alpha : alphas) {
    std::vector<double> h = gram, w = slopes;
    for (int64_t j = 0; j < d; ++j) h[static_cast<size_t>(j * d + j)] += alpha;
    if (detail::cholesky(h, d)) {
      detail::cholesky_solve(h, d, w, k);
      errors.push_back(squared_error(matmul(rest, detail::array_of(std::move(w), {d, k})) + mean, others));
    } else {
      const LinearFit fit = fit_ridge(seen.x, seen.y, {.alpha = alpha, .use_intercept = options.use_intercept, .weights = seen.weights});
      errors.push_back(squared_error(fit.predict(held_out.x), others));
    }
  }
  return errors;
}

std::vector<double> elastic_net_errors(const Part& seen, const Part& held_out, const std::vector<double>& alphas,
                                       const ElasticNetOptions& options) {
  const detail::LinearData data = detail::checked_data("choose_elastic_net", seen.x, seen.y, seen.weights);
  const detail::LinearData others = detail::checked_data("choose_elastic_net", held_out.x, held_out.y, held_out.weights);
  const detail::ElasticNetProblem problem(data, options.use_intercept);
  const int64_t d = data.columns, k = data.targets;
  std::vector<std::vector<double>> w(static_cast<size_t>(k), std::vector<double>(static_cast<size_t>(d), 0.0));
  std::vector<double> errors;
  for (const double alpha : alphas) {
    std::vector<double> all(static_cast<size_t>(d * k)), intercepts(static_cast<size_t>(k));
    for (int64_t t = 0; t < k; ++t) {
      std::vector<double>& now = w[static_cast<size_t>(t)];
      problem.solve(now, t, {alpha * options.l1_ratio, alpha * (1 - options.l1_ratio)}, kChoiceTolerance, options.iterations);
      for (int64_t j = 0; j < d; ++j) all[static_cast<size_t>(j * k + t)] = now[static_cast<size_t>(j)];
      intercepts[static_cast<size_t>(t)] = problem.intercept(now, t);
    }
    errors.push_back(
        squared_error(matmul(others.x, detail::array_of(std::move(all), {d, k})) + detail::array_of(std::move(intercepts), {k}), others));
  }
  return errors;
}

// -log p of a label: of two classes z is the logit of class 1, else those of all.
double log_loss(std::span<const double> z, size_t label) {
  if (z.size() == 1) {
    const double against = label ? -z[0] : z[0];
    return std::max(against, 0.0) + std::log1p(std::exp(-std::fabs(against)));
  }
  const double most = *std::max_element(z.begin(), z.end());
  double sum = 0;
  for (const double logit : z) sum += std::exp(logit - most);
  return most + std::log(sum) - z[label];
}
std::vector<double> class_errors(std::string_view op, const Part& seen, const Part& held_out, const std::vector<double>& alphas,
                                 LogisticOptions options, bool is_softmax) {
  options.weights = seen.weights;
  options.tolerance = kClassTolerance;
  const detail::LogisticProblem problem(op, seen.x, seen.y, options, is_softmax);
  const Array table = detail::checked_table(op, held_out.x);
  const std::vector<double> labels = held_out.y.to_vector<double>();
  const std::vector<double> weights = detail::checked_weights(op, held_out.weights, table.shape(0));
  const auto k = static_cast<size_t>(problem.outputs()), free = problem.has_intercept() ? k : 0;
  std::vector<double> errors;
  for (const std::vector<double>& w : detail::fit_alphas(op, problem, options, alphas)) {
    const Array coefficients = array(w.data() + free, {table.shape(1), problem.outputs()});
    const std::vector<double> logits = matmul(table, coefficients).to_vector<double>();
    double sum = 0, total = 0;
    std::vector<double> z(k);
    for (size_t i = 0; i < labels.size(); ++i) {
      for (size_t c = 0; c < k; ++c) z[c] = logits[i * k + c] + (free ? w[c] : 0);
      sum += weights[i] * log_loss(z, static_cast<size_t>(labels[i]));
      total += weights[i];
    }
    errors.push_back(sum / total);
  }
  return errors;
}

AlphaChoice choose_classes(std::string_view op, const Array& x, const Array& y, const ChoiceOptions& choice, LogisticOptions options,
                           bool is_softmax) {
  detail::check_penalty(op, 0, options.l1_ratio);
  const detail::LogisticProblem checked(op, x, y, options, is_softmax);  // says what is wrong with the whole before parts do
  const Array labels = reshape(y, {x.shape(0)});
  AlphaChoice out =
      cross_validated(op, {x, labels, options.weights}, choice.alphas.empty() ? usual_alphas() : sorted_alphas(op, choice.alphas), choice,
                      true, [&](const Part& seen, const Part& held_out, const std::vector<double>& alphas) {
                        return class_errors(op, seen, held_out, alphas, options, is_softmax);
                      });
  options.alpha = out.alpha;
  out.fit = detail::fit_classes(op, x, labels, options, is_softmax);
  return out;
}

}  // namespace

ElasticNetPath elastic_net_path(const Array& x, const Array& y, const PathOptions& path, const ElasticNetOptions& options) {
  constexpr std::string_view op = "elastic_net_path";
  detail::check_penalty(op, 0, options.l1_ratio);
  detail::check_stopping(op, options.tolerance, options.iterations);
  if (path.count < 1) fail(op, "count is ", path.count, "; it must be at least 1");
  if (!(path.ratio > 0 && path.ratio <= 1)) fail(op, "ratio is ", path.ratio, "; it must be above 0 and at most 1");
  const detail::LinearData data = detail::checked_data(op, x, y, options.weights);
  const detail::ElasticNetProblem problem(data, options.use_intercept);
  ElasticNetPath out;
  out.alphas =
      path.alphas.empty() ? path_alphas(problem.largest_alpha(options.l1_ratio), path.count, path.ratio) : sorted_alphas(op, path.alphas);
  const auto count = static_cast<int64_t>(out.alphas.size());
  const int64_t d = data.columns, k = data.targets;
  std::vector<double> coefficients(static_cast<size_t>(count * d * k)), intercepts(static_cast<size_t>(count * k));
  out.gaps.assign(out.alphas.size(), 0.0);
  for (int64_t t = 0; t < k; ++t) {
    std::vector<double> w(static_cast<size_t>(d), 0.0);
    for (int64_t i = 0; i < count; ++i) {
      const double alpha = out.alphas[static_cast<size_t>(i)];
      const auto solved =
          problem.solve(w, t, {alpha * options.l1_ratio, alpha * (1 - options.l1_ratio)}, options.tolerance, options.iterations);
      double& gap = out.gaps[static_cast<size_t>(i)];
      gap = std::max(gap, alpha * options.l1_ratio > 0 ? solved.gap : solved.kkt);
      for (int64_t j = 0; j < d; ++j) coefficients[static_cast<size_t>((i * d + j) * k + t)] = w[static_cast<size_t>(j)];
      intercepts[static_cast<size_t>(i * k + t)] = problem.intercept(w, t);
    }
  }
  out.coefficients = detail::array_of(std::move(coefficients), data.is_vector ? Shape{count, d} : Shape{count, d, k});
  out.intercepts = detail::array_of(std::move(intercepts), data.is_vector ? Shape{count} : Shape{count, k});
  return out;
}

AlphaChoice choose_ridge(const Array& x, const Array& y, const ChoiceOptions& choice, const RidgeOptions& options) {
  constexpr std::string_view op = "choose_ridge";
  const detail::LinearData data = detail::checked_data(op, x, y, options.weights);
  AlphaChoice out =
      cross_validated(op, {data.x, y, options.weights}, choice.alphas.empty() ? usual_alphas() : sorted_alphas(op, choice.alphas), choice,
                      false, [&](const Part& seen, const Part& held_out, const std::vector<double>& alphas) {
                        return ridge_errors(seen, held_out, alphas, options);
                      });
  RidgeOptions last = options;
  last.alpha = out.alpha;
  out.fit = fit_ridge(data.x, y, last);
  return out;
}

AlphaChoice choose_elastic_net(const Array& x, const Array& y, const ChoiceOptions& choice, const ElasticNetOptions& options) {
  constexpr std::string_view op = "choose_elastic_net";
  detail::check_penalty(op, 0, options.l1_ratio);
  detail::check_stopping(op, options.tolerance, options.iterations);
  const detail::LinearData data = detail::checked_data(op, x, y, options.weights);
  const PathOptions path;
  std::vector<double> alphas =
      choice.alphas.empty()
          ? path_alphas(detail::ElasticNetProblem(data, options.use_intercept).largest_alpha(options.l1_ratio), path.count, path.ratio)
          : sorted_alphas(op, choice.alphas);
  AlphaChoice out = cross_validated(op, {data.x, y, options.weights}, std::move(alphas), choice, false,
                                    [&](const Part& seen, const Part& held_out, const std::vector<double>& some) {
                                      return elastic_net_errors(seen, held_out, some, options);
                                    });
  ElasticNetOptions last = options;
  last.alpha = out.alpha;
  out.fit = fit_elastic_net(data.x, y, last);
  return out;
}

AlphaChoice choose_logistic(const Array& x, const Array& y, const ChoiceOptions& choice, const LogisticOptions& options) {
  return choose_classes("choose_logistic", x, y, choice, options, false);
}
AlphaChoice choose_softmax(const Array& x, const Array& y, const ChoiceOptions& choice, const LogisticOptions& options) {
  return choose_classes("choose_softmax", x, y, choice, options, true);
}

}  // namespace gradus::models
