// Shapley values: what each feature brings to the answer, as a fair share over all orders in which features could become known.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/explain/features.hpp"
#include "gradus/explain/target.hpp"

namespace gradus::explain {

/// Options of the functions below. The worth v(S) of a set S of features is the mean of the explained number over rows that have S from the
/// row that is explained and the rest from each row of the background (interventional: features that depend on each other are taken apart).
struct ShapleyOptions {
  Target target = largest;
  Scale scale = Scale::output;
  std::vector<Feature> groups{};     ///< columns that count as one feature: the one-hot columns of a category, patches of an image
  std::vector<std::string> names{};  ///< of the columns
  int64_t batch_size = 1024;         ///< rows a call of the model
};

/// Values for each row and feature. A row's values add up to output - base.
struct ShapleyValues {
  std::vector<std::string> names{};  ///< of the features
  Array values{};                    ///< (N, features) float64
  Array errors{};                    ///< (N, features) float64: standard errors; 0 where the values are exact
  Array output{}, base{};            ///< (N,) float64: the explained number at x, and its mean over the background
  std::vector<int64_t> labels{};     ///< which output it is, one a row; empty where the target is a function
  int64_t evaluations = 0;           ///< rows that the model was called with
};

/// Exact, from the worth of all 2^features sets: at most 16 features, rows * 2^features * background rows at which the model is called
/// (Shapley 1953; Strumbelj and Kononenko 2014).
///
/// x           (N, columns) or (N, ...)
/// background  (B, ...): about 100 rows of the training set
///
///   nn::Sequential net{nn::Dense(1)};
///   explain::shapley(net, ones({2, 3}), zeros({5, 3})).values   // (2, 3)
ShapleyValues shapley(Function model, const Array& x, const Array& background, const ShapleyOptions& options = {});

/// Shapley interaction values of pairs, (N, features, features) float64: entry (i, j), with i != j, is half of what i and j bring together
/// beyond what they bring alone; the diagonal is the rest of a feature's value, so that rows add up to the Shapley values (Grabisch and
/// Roubens 1999; Lundberg et al. 2020). Costs what shapley costs.
Array shapley_interactions(Function model, const Array& x, const Array& background, const ShapleyOptions& options = {});

/// Options of shapley_sampled.
struct SampledShapleyOptions {
  Target target = largest;
  Scale scale = Scale::output;
  int64_t rounds = 20;  ///< at least 2; a round calls the model at about 2 * features * background rows
  int64_t seed = 0;
  std::vector<Feature> groups{};
  std::vector<std::string> names{};
  int64_t batch_size = 1024;
};

/// Estimated, for any number of features: in each round every background row turns into x one feature after the other, in a random order
/// and in its reverse (Castro, Gomez, Tejada 2009; antithetic: Mitchell et al. 2022). Unbiased; the errors are those of the mean over the
/// rounds, which are independent. Values of a row add up to output - base exactly, and additive models have no error at all.
///
///   explain::shapley_sampled(model, x, x, {.rounds = 4})
ShapleyValues shapley_sampled(Function model, const Array& x, const Array& background, const SampledShapleyOptions& options = {});

/// Options of kernel_shap.
struct KernelShapOptions {
  Target target = largest;
  Scale scale = Scale::output;
  int64_t samples = 2048;  ///< sets of features a row, in pairs with their complements; where there are no more all are taken
  int64_t seed = 0;
  std::vector<Feature> groups{};
  std::vector<std::string> names{};
  int64_t batch_size = 1024;
};

/// Estimated by weighted least squares over sets of features, drawn with the Shapley kernel's probabilities (Lundberg and Lee 2017; paired
/// sampling: Covert and Lee 2021). Calls the model at samples * background rows for each row. Where all 2^features - 2 sets fit in
/// `samples`, the values are exact and the errors 0; else the errors are those of a regression whose residuals need not be alike (White
/// 1980), by pairs. Values of a row add up to output - base.
///
///   nn::Sequential net{nn::Dense(2)};
///   explain::kernel_shap(net, x[{slice(), 0, 0}], zeros({1, 3}), {.samples = 100})
ShapleyValues kernel_shap(Function model, const Array& x, const Array& background, const KernelShapOptions& options = {});

}  // namespace gradus::explain
