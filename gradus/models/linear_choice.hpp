// How strong a penalty should be: paths over alpha, and the choice among them by cross-validation.
#pragma once

#include <cstdint>
#include <vector>

#include "gradus/models/linear.hpp"

namespace gradus::models {

/// The coefficients of an elastic net for each of several alphas, the largest first.
struct ElasticNetPath {
  std::vector<double> alphas{};
  Array coefficients{}, intercepts{};  ///< (alphas, D) and (alphas,); with K targets (alphas, D, K) and (alphas, K)
  std::vector<double> gaps{};          ///< duality gap of each, as ElasticNetOptions::tolerance measures it
};
/// Options of elastic_net_path. count is at least 1; ratio above 0 and at most 1.
struct PathOptions {
  std::vector<double> alphas{};  ///< not negative; empty: `count` of them, evenly in their logarithms from where all coefficients are 0
  int64_t count = 100;
  double ratio = 1e-3;  ///< of the least alpha to the largest
};
/// The fits of fit_elastic_net for many alphas, each from the last one on: the products of the columns are made once. options.alpha does
/// not count.
///
///   Array table = random::normal({20, 3}), target = sum(table, 1);
///   models::elastic_net_path(table, target, {.count = 20}, {.l1_ratio = 1.0}).coefficients   // (20, 3)
ElasticNetPath elastic_net_path(const Array& x, const Array& y, const PathOptions& path = {}, const ElasticNetOptions& options = {});

/// What cross-validation has found: the mean over the folds of the error on rows that were held out, its standard error, for each alpha.
struct AlphaChoice {
  std::vector<double> alphas{}, errors{}, deviations{};
  double alpha = 0;  ///< the one that was chosen
  LinearFit fit{};   ///< with it, to all rows
};
/// Options of the choices. folds is from 2 to the number of rows.
struct ChoiceOptions {
  std::vector<double>
      alphas{};  ///< not negative; empty: of ridge, logistic and softmax regression 0.01 to 1000 by half decades, else a path
  int64_t folds = 5;
  uint64_t seed = 0;            ///< of which rows are held out together; for classes each fold has its share of each
  bool takes_simplest = false;  ///< the largest alpha whose error is within one standard error of the least (Breiman et al. 1984)
};
/// The alpha with the least mean squared error (ridge, elastic net) or log loss (logistic, softmax) on rows held out, all rows counting by
/// their weights. options.alpha does not count.
///
///   Array table = random::normal({20, 3}), target = sum(table, 1) > 0;
///   models::choose_logistic(table, target).fit.to_model();
AlphaChoice choose_ridge(const Array& x, const Array& y, const ChoiceOptions& choice = {}, const RidgeOptions& options = {});
AlphaChoice choose_elastic_net(const Array& x, const Array& y, const ChoiceOptions& choice = {}, const ElasticNetOptions& options = {});
AlphaChoice choose_logistic(const Array& x, const Array& y, const ChoiceOptions& choice = {}, const LogisticOptions& options = {});
AlphaChoice choose_softmax(const Array& x, const Array& y, const ChoiceOptions& choice = {}, const LogisticOptions& options = {});

}  // namespace gradus::models
