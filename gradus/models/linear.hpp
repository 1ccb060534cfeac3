// Linear models, fitted to a certified optimum in float64: least squares, ridge, lasso, elastic net, logistic and softmax regression.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/graph/array.hpp"
#include "gradus/graph/field_names.hpp"
#include "gradus/nn/layer.hpp"
#include "gradus/train/class_weights.hpp"

namespace gradus::models {

// x (N, D) and the targets are any numbers, finite; all is computed in float64. Weights of rows, (N,), are not negative, and not all 0. The
// intercept is never penalised. What is penalised should be of like scale: standardise the columns before.

/// How near a fit is to its optimum: a number that is 0 there.
struct Certificate {
  std::string name{};  ///< "gradient", "duality gap", "KKT residual"
  double value = 0;
  double tolerance = 0;  ///< what was asked for
  bool is_met() const { return value <= tolerance; }
};

/// One line of a table of coefficients.
struct CoefficientRow {
  std::string name{};
  double value = 0, standard_error = 0, statistic = 0, p = 0, low = 0, high = 0;
};

/// A linear model that has been fitted.
///
///   Array table = random::normal({20, 3}), target = sum(table, 1);
///   models::LinearFit fit = models::fit_ridge(table, target, {.alpha = 1.0});
///   fit.coefficients;                         // (3,)
///   Array answer = fit.predict(table);        // (20,)
///   nn::Sequential network = fit.to_model();  // the same as a network: train::fit, io::save, explain take it
struct LinearFit {
  std::string kind{};                 ///< "linear", "ridge", "lasso", "elastic_net", "logistic", "softmax"
  Array coefficients{}, intercept{};  ///< (D,) and (); with K targets, or K classes of softmax, (D, K) and (K,); float64
  Certificate certificate{};
  int64_t iterations = 0;
  double alpha = 0, l1_ratio = 0;
  int64_t rows = 0;  ///< those whose weight is not 0
  /// Columns of x (with the one of the intercept) that do not depend on others. Fewer than there are: of the many best coefficients those
  /// of least length were taken, and there are no standard errors.
  int64_t rank = 0, columns = 0;
  /// Standard errors in the shapes of coefficients and intercept; empty where there are none: after an L1 penalty, for columns that depend
  /// on others, and for no more rows than columns. Of softmax: of the coefficients whose sum over the classes is 0.
  Array standard_errors{}, intercept_error{};
  /// (P, P) of all numbers of one target, the intercept first if there is one; of softmax by class: all of class 0, then of class 1. Of
  /// several targets that of the first. Empty where there are no standard errors, and for P above 1024.
  Array covariance{};
  /// A penalty draws coefficients to 0: standard errors measure their scatter and not their bias, and intervals hold the true value less
  /// often than they say.
  bool errors_are_biased = false;
  double degrees_of_freedom = 0;  ///< of Student's distribution, which the statistics have; 0: they are normal
  double log_likelihood = 0;      ///< of logistic and softmax regression
  double deviation = 0, r2 = 0;  ///< of least squares, ridge, lasso: of what is left (of the first target), and the share that is explained
  std::vector<std::string> notes{};  ///< what should be known: dependent columns, an optimum that was not reached

  /// x coefficients + intercept: (N,) or (N, K). For classes these are logits.
  Array predict(const Array& x) const;
  /// Probabilities (N, K) of the classes, of logistic regression (N, 2). Throws for other kinds.
  Array probabilities(const Array& x) const;
  /// The same model as one nn::Dense, of 1 or K units. Logistic regression has one unit, the logit of class 1.
  nn::Sequential to_model(DType dtype = float32) const;
  /// One row a coefficient, the intercept first, of target or class `index`. Without standard errors what needs them is nan. names: of the
  /// columns; empty: x0, x1, ... Throws where there are not D of them, and for an index or a level (0 to 1) out of range.
  std::vector<CoefficientRow> table(std::span<const std::string> names = {}, int64_t index = 0, double level = 0.95) const;
  /// The table as text, as a statistics package prints it, with the certificate and the notes.
  std::string to_text(std::span<const std::string> names = {}, int64_t index = 0, double level = 0.95) const;
};

/// Options of fit_linear.
struct LinearOptions {
  bool use_intercept = true;
  Array weights{};  ///< (N,); empty: all 1
};
/// The w, b that minimise sum_i weight_i (y_i - x_i w - b)^2, by QR with refinement in twice the digits. Of several optima that of least
/// |w|. y (N,) or (N, K). Standard errors from s^2 (x'x)^-1 with s^2 = sum / (rows - columns).
///
///   models::fit_linear(array({{1.0}, {2.0}, {3.0}}), array({2.0, 4.0, 6.0})).coefficients   // (1,)
LinearFit fit_linear(const Array& x, const Array& y, const LinearOptions& options = {});

/// Options of fit_ridge. alpha is not negative.
struct RidgeOptions {
  double alpha = 1.0;
  bool use_intercept = true;
  Array weights{};
};
/// Minimises sum_i weight_i (y_i - x_i w - b)^2 + alpha |w|^2 (Hoerl and Kennard 1970), in closed form. scikit-learn's Ridge(alpha).
LinearFit fit_ridge(const Array& x, const Array& y, const RidgeOptions& options = {});

/// Options of fit_elastic_net and fit_lasso (which has l1_ratio 1). alpha is not negative, l1_ratio from 0 to 1.
struct ElasticNetOptions {
  double alpha = 1.0, l1_ratio = 0.5;
  bool use_intercept = true;
  double tolerance = 1e-13;    ///< of the duality gap, as a share of the objective at w = 0
  int64_t iterations = 10000;  ///< passes over the coefficients, at most
  Array weights{};
};
/// Minimises sum_i weight_i (y_i - x_i w - b)^2 / (2 sum weight) + alpha (l1_ratio |w|_1 + (1 - l1_ratio) |w|^2 / 2) by coordinate descent
/// (Friedman, Hastie, Tibshirani 2010), and then by the equations of the coefficients that are left. Each target by itself. scikit-learn's
/// ElasticNet(alpha, l1_ratio) and Lasso(alpha).
LinearFit fit_elastic_net(const Array& x, const Array& y, const ElasticNetOptions& options = {});
struct LassoOptions {
  double alpha = 1.0;
  bool use_intercept = true;
  double tolerance = 1e-13;
  int64_t iterations = 10000;
  Array weights{};
};
LinearFit fit_lasso(const Array& x, const Array& y, const LassoOptions& options = {});

/// Options of fit_logistic and fit_softmax. alpha is not negative, l1_ratio from 0 to 1.
struct LogisticOptions {
  double alpha = 1.0, l1_ratio = 0.0;
  bool use_intercept = true;
  /// Of the certificate. Above 1024 numbers without L1, where L-BFGS takes the place of Newton's method: 1e-10 at least.
  double tolerance = 1e-12;
  int64_t iterations = 200;            ///< of Newton's method, at most; of L-BFGS 50 times as many
  train::ClassWeights class_weight{};  ///< by labels, or train::balanced
  Array weights{};
};
/// Minimises -sum_i weight_i log p_i(y_i) + alpha (l1_ratio |w|_1 + (1 - l1_ratio) |w|^2 / 2) with p = sigmoid(x w + b) for labels y (N,)
/// of 0 and 1, by Newton's method. scikit-learn's LogisticRegression(C) is alpha = 1 / C; a penalty on the mean loss is alpha / N. Without
/// penalty, classes that x tells apart have no optimum: an error that says so. Standard errors from the inverse Hessian.
/// Certificate: the largest number of the gradient of the mean objective (with L1 by how much it misses the conditions of an optimum), for
/// columns of mean square 1.
///
///   models::fit_logistic(array({{0.1}, {0.5}, {0.9}, {1.4}}), array({0, 1, 0, 1}), {.alpha = 1.0}).coefficients   // (1,)
LinearFit fit_logistic(const Array& x, const Array& y, const LogisticOptions& options = {});
/// The same for labels 0 .. K-1 with p = softmax(x w + b), w (D, K): each class has coefficients, whose sum over the classes is 0 (without
/// L1).
LinearFit fit_softmax(const Array& x, const Array& y, const LogisticOptions& options = {});

}  // namespace gradus::models
