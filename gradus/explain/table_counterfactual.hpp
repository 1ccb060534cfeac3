// Counterfactuals of models of tables: what would have to be different, in the table's own columns and units.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gradus/explain/target.hpp"
#include "gradus/preprocess/pipeline.hpp"

namespace gradus::explain {

/// Options of table_counterfactuals.
struct TableCounterfactualOptions {
  std::vector<std::string> fixed{};  ///< columns that may not change
  std::optional<int64_t> wanted{};   ///< the class to come to; nothing: any other
  std::optional<double> bound{};     ///< of a model of numbers, in the target's own unit: the answer is to come to its other side
  data::Table data{};                ///< rows of the training table: what values there are, and how far apart; at least one row
  int64_t count = 3;                 ///< answers at most, no two of which change the same columns
  int64_t seed = 0;
};

/// A cell that would be another one, as both would be written; "" is missing.
struct TableChange {
  std::string column{}, from{}, to{};
};
/// A row of which the model says something else.
struct TableCounterfactual {
  std::vector<TableChange> changes{};
  int64_t label = -1;  ///< the class; of numbers -1
  double value = 0;    ///< its probability; or the number, in the target's own unit
};
/// What table_counterfactuals gives.
struct TableCounterfactuals {
  int64_t label = -1;  ///< of the row as it is, as in TableCounterfactual
  double value = 0;
  std::vector<TableCounterfactual> found{};  ///< fewest changes first, then the nearest
  std::vector<std::string> held{};           ///< columns that were not changed, and why: "joined (a date)"
  std::string reason{};                      ///< why none was found; empty if there are any
};

/// counterfactuals (explain/counterfactual.hpp) over the columns of a table: numbers change within the range of `data`, to whole numbers
/// where all of a column are whole, and by as round a number as will do; categories to others that training had. Held are dates, texts,
/// columns whose cell is missing, columns that a step changes otherwise than by a line (Power, Clip), and all numbers where a step mixes
/// columns (PCA, Polynomial). Every answer has gone through the pipeline as a row of the table. Throws for a table of other than one row,
/// and for names that are not among the pipeline's columns.
///
/// model  takes the pipeline's features, (N, features)
TableCounterfactuals table_counterfactuals(Function model, const preprocess::Pipeline& pipeline, const data::Table& row,
                                           const TableCounterfactualOptions& options);

}  // namespace gradus::explain
