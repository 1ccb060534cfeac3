// How the answer depends on one column of a table: partial dependence in the table's own units.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/data/table/table.hpp"
#include "gradus/explain/target.hpp"
#include "gradus/preprocess/pipeline.hpp"

namespace gradus::explain {

/// Options of column_dependence.
struct ColumnDependenceOptions {
  int64_t target = 0;  ///< which output; of regression the answer is in the target's own unit
  Scale scale = Scale::output;
  int64_t points = 20;             ///< values of numbers and dates at most, at evenly spaced quantiles of the table
  double low = 0.02, high = 0.98;  ///< quantiles at which they begin and end
  int64_t categories = 12;         ///< the most frequent ones
  int64_t rows = 300;              ///< of the table at most, evenly spaced
  int64_t batch_size = 1024;
};

/// The answer with a column set to one value after the other, all others as they are, over rows of a table.
struct ColumnDependence {
  data::Column values{};                 ///< what the column was set to: numbers and dates in order, categories the most frequent first
  std::vector<int64_t> counts{};         ///< rows of the table that have each value
  std::vector<double> means{};           ///< partial dependence (Friedman 2001), one a value
  std::vector<double> lower{}, upper{};  ///< between them lie the answers of four rows in five
  int64_t rows = 0;                      ///< that were averaged over
};

/// Partial dependence on a column as the table has it: the column is set in the table's rows, the rows go through the pipeline as any
/// others do, so that the values are in the table's unit, and steps that make many features of a column, or one of several, are no matter.
/// Throws for a column that the pipeline does not take, and one without a value.
///
///   preprocess::Pipeline pipeline{preprocess::DateParts(), preprocess::Impute(), preprocess::Standardise(), preprocess::OneHot()};
///   data::Dataset known = pipeline.fit(table, "happy");
///   nn::Sequential net{nn::Dense(2)};
///   explain::column_dependence(net, pipeline, table, "age", {.target = 1, .scale = explain::Scale::probability}).means;
ColumnDependence column_dependence(Function model, const preprocess::Pipeline& pipeline, const data::Table& table,
                                   const std::string& column, const ColumnDependenceOptions& options = {});

}  // namespace gradus::explain
