// Counterfactuals: the smallest changes of a table's row that make the model answer otherwise.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "gradus/explain/features.hpp"
#include "gradus/explain/target.hpp"

namespace gradus::explain {

/// What may be done to a feature. Columns that no rule names may change freely, within the range of `data` where that is given.
struct ChangeRule {
  Feature feature{};          ///< a column; or the one-hot columns of a category, of which one is 1
  bool is_immutable = false;  ///< it stays as it is
  bool is_integer = false;    ///< it changes to whole numbers only
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();  ///< of what it changes to
  double scale = 0;  ///< a change by so much counts as 1; 0: the column's median distance from its median in `data`
};

/// Options of counterfactuals.
struct CounterfactualOptions {
  std::optional<int64_t> wanted{};  ///< the class to come to; nothing: any other
  std::vector<ChangeRule> rules{};
  std::vector<std::string> names{};  ///< of the columns
  Array data{};                      ///< (M, columns), rows of the training set: ranges, scales, and rows to begin with; may be empty
  int64_t count = 3;                 ///< answers at most, no two of which change the same features
  double threshold = 0;              ///< of a model with a single output: above it is class 1, else class 0
  int64_t most_changes = 8;          ///< features that an answer may change
  bool uses_gradients = true;        ///< false: for models whose gradients say nothing, such as trees
  int64_t starts = 16, steps = 100;  ///< of the search by gradients; at least 1
  int64_t seed = 0;
  int64_t batch_size = 1024;
};

/// A feature that was changed; of a category the numbers are the places of its one-hot columns, -1 where none was 1.
struct Change {
  std::string name{};
  double from = 0, to = 0;
  bool is_category = false;
};

/// A row that the model answers otherwise.
struct Counterfactual {
  Array x{};  ///< (columns,), of the dtype of the row
  std::vector<Change> changes{};
  double distance = 0;  ///< sum of the changes by their scales; 1 for each category
  int64_t label = 0;    ///< the model's answer
};

/// What counterfactuals gives.
struct Counterfactuals {
  int64_t label = 0;                    ///< the model's answer for the row as it is
  std::vector<Counterfactual> found{};  ///< fewest changes first, then the nearest
  std::string reason{};                 ///< why none was found; empty if there are any
  int64_t evaluations = 0;              ///< rows that the model was called with
};

/// Rows like x but for a few features, for which the model gives another class (Wachter, Mittelstadt, Russell 2018; several that differ:
/// Mothilal, Sharma, Tan 2020). Candidates come from changing features one after the other, from the gradient of the class's margin, and
/// from rows of `data` with the wanted answer. Each is then thinned out: a change that is not needed is taken back, the others are made as
/// small as they may be, up to a little past the boundary. Every answer keeps the rules, and has been checked by calling the model with it
/// alone. Small, not proven smallest: the search may miss what there is, and says so by giving none.
///
/// model  (N, columns) to logits (N, classes), or (N, 1), (N,) for two classes
/// x      (columns,) or (1, columns)
///
///   nn::Sequential net{nn::Dense(8, relu), nn::Dense(2)};
///   const auto answers = explain::counterfactuals(net, ones({4}), {.rules = {{.feature = {"age", {0}}, .is_immutable = true}}});
Counterfactuals counterfactuals(Function model, const Array& x, const CounterfactualOptions& options = {});

}  // namespace gradus::explain
