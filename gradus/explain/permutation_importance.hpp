// Permutation importance: how much worse a model gets when a column is shuffled.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gradus/explain/features.hpp"
#include "gradus/explain/target.hpp"

namespace gradus::explain {

/// How good outputs are: (output, target) to one number, an Array of rank 0 or a double, over all rows at once. Any metric or loss of the
/// library, or a lambda.
class Score {
 public:
  Score(Array (*function)(const Array&, const Array&)) : function_(function) {}  // NOLINT: implicit on purpose
  template <std::invocable<const Array&, const Array&> F>
  requires(!std::same_as<std::remove_cvref_t<F>, Score> && std::convertible_to<std::invoke_result_t<F&, const Array&, const Array&>, Array>)
      Score(F&& function)
      : function_(std::forward<F>(function)) {}  // NOLINT: implicit on purpose
  double operator()(const Array& output, const Array& target) const;

 private:
  std::function<Array(const Array&, const Array&)> function_;
};

/// Options of permutation_importance.
struct PermutationOptions {
  bool more_is_better = true;        ///< false: the score is a loss
  int64_t repeats = 10;              ///< shuffles of each feature
  std::vector<Feature> groups{};     ///< columns that are shuffled together: one-hot columns of a category
  std::vector<std::string> names{};  ///< of the columns
  int64_t seed = 0;
  int64_t batch_size = 1024;  ///< rows a call of the model
};

/// Importance of features: how far the score falls when one is shuffled, means over the repeats.
struct Importance {
  std::vector<std::string> names{};
  double score = 0;                            ///< of the rows as they are
  std::vector<double> means{};                 ///< one a feature; below 0: chance, the model is no worse without
  std::vector<double> deviations{};            ///< of the repeats (n - 1); 0 with a single one
  std::vector<std::vector<double>> repeats{};  ///< [feature][repeat]
  std::vector<size_t> order() const;           ///< features, the most important first; equal ones in their order
};

/// Shuffles the rows of one feature at a time and measures how far the score falls (Breiman 2001; Fisher, Rudin, Dominici 2019). Measure on
/// rows that the model was not fitted to. Repeat r shuffles every feature by the same order, so that results do not depend on which columns
/// there are beside; a column that the model does not use has importance 0.
///
/// x  (N, columns) or (N, ...), at least 2 rows; y (N, ...)
///
///   nn::Sequential net{nn::Dense(10)};
///   explain::permutation_importance(net, x[{slice(), 0, 0}], y, loss::mean_squared_error, {.more_is_better = false}).means.size()   // 3
Importance permutation_importance(Function model, const Array& x, const Array& y, const Score& score,
                                  const PermutationOptions& options = {});

}  // namespace gradus::explain
