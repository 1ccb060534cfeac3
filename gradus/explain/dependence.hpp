// How the answer depends on one feature or two: partial dependence, individual curves, accumulated local effects.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gradus/explain/features.hpp"
#include "gradus/explain/target.hpp"

namespace gradus::explain {

/// The feature that is varied: a column, or the one-hot columns of a category, of which one after the other is set to 1.
class Varied {
 public:
  template <core::Integer T>
  Varied(T column) : feature_{{}, {static_cast<int64_t>(column)}} {}  // NOLINT: implicit on purpose
  Varied(Feature feature) : feature_(std::move(feature)) {}           // NOLINT: implicit on purpose
  const Feature& feature() const { return feature_; }

 private:
  Feature feature_;
};

/// Options of partial_dependence and partial_dependence_2d.
struct DependenceOptions {
  Target target = largest;  ///< of a model with several outputs the index of one, or a function
  Scale scale = Scale::output;
  int64_t points = 20;             ///< values of a column at most, at evenly spaced quantiles; all values where there are no more
  double low = 0.05, high = 0.95;  ///< quantiles at which the values begin and end
  std::vector<double> grid{};      ///< values of one's own; of partial_dependence_2d for the first feature
  std::vector<double> second_grid{};
  std::vector<std::string> names{};  ///< of the columns
  int64_t batch_size = 1024;
};

/// The values that a feature takes in turn: numbers, or of a category the places 0, 1, ... of its one-hot columns.
struct GridAxis {
  std::string name{};
  std::vector<double> values{};
  bool is_category = false;
};

/// One curve.
struct Dependence {
  GridAxis axis{};
  std::vector<double> means{};  ///< over the rows, one a value: partial dependence
  Array curves{};               ///< (N, values) float64: of each row by itself (ICE)
};

/// The explained number with one feature set to each value of its grid and all others as they are: averaged over the rows (Friedman 2001),
/// and row by row (Goldstein et al. 2015). Where features depend on each other it asks the model about rows that there are not:
/// accumulated_local_effects does not.
///
/// x  (N, columns)
///
///   nn::Sequential net{nn::Dense(1)};
///   explain::partial_dependence(net, random::uniform({30, 2}), 0, {.points = 5}).means.size()   // 5
Dependence partial_dependence(Function model, const Array& x, const Varied& feature, const DependenceOptions& options = {});

/// Two features together.
struct Dependence2D {
  GridAxis first{}, second{};
  std::vector<double> means{};  ///< means[i * second.values.size() + j]
};

/// Partial dependence on two features, which must have no column in common.
///
///   nn::Sequential net{nn::Dense(1)};
///   explain::partial_dependence_2d(net, random::uniform({30, 2}), 0, 1, {.points = 5}).means.size()   // 25
Dependence2D partial_dependence_2d(Function model, const Array& x, const Varied& first, const Varied& second,
                                   const DependenceOptions& options = {});

/// Options of accumulated_local_effects.
struct LocalEffectsOptions {
  Target target = largest;  ///< of a model with several outputs the index of one, or a function
  Scale scale = Scale::output;
  int64_t bins = 20;  ///< at most, with about equally many rows
  std::vector<std::string> names{};
  int64_t batch_size = 1024;
};

/// An accumulated effect at the bins' edges.
struct LocalEffects {
  std::string name{};
  std::vector<double> edges{};    ///< from the smallest to the largest value of the column
  std::vector<double> values{};   ///< one an edge; their mean over the rows is 0
  std::vector<int64_t> counts{};  ///< rows in each bin, edges less one
};

/// How the explained number changes with a column, from what moving each row to the edges of its own bin does, added up bin by bin and
/// centred (Apley and Zhu 2020): no row is moved far from where it is. Of a column that is constant one edge with value 0.
///
/// x  (N, columns)
///
///   nn::Sequential net{nn::Dense(1)};
///   explain::accumulated_local_effects(net, random::uniform({30, 2}), 1, {.bins = 4}).values.size()   // 5
LocalEffects accumulated_local_effects(Function model, const Array& x, int64_t column, const LocalEffectsOptions& options = {});

}  // namespace gradus::explain
