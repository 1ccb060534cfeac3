// What goes from step to step of a pipeline: columns, each with the column of the table that it comes from; and a tally of what was treated
// on the way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/data/table/table.hpp"

namespace gradus::preprocess {

/// A column on its way, and the input column that it was made of ("" where it was made of several).
struct Feature {
  data::Column column{};
  std::string origin{};
};
using Frame = std::vector<Feature>;

/// Values that were not as at training, and what became of them: counted by column, told in words.
class Treatments {
 public:
  /// `count` values of `column` were treated so: "of no known category, and taken as none of them"; `example` is one of them.
  void add(std::string_view column, std::string_view what, int64_t count, std::string_view example = "");
  /// Adds what another tally has counted.
  void add(const Treatments& others);
  bool is_empty() const { return rows_.empty(); }
  int64_t count() const;
  /// `column "job": 3 values ("pilot") are of no known category, and taken as none of them`.
  std::vector<std::string> lines() const;

 private:
  struct Row {
    std::string column{}, what{}, example{};
    int64_t count = 0;
  };
  std::vector<Row> rows_{};
};

/// What steps may learn from besides the columns.
struct Learning {
  std::vector<double> target{};  ///< the number, or the place of the class, one a row; empty: there is none
  int64_t classes = 0;           ///< of the target; 0: it is a number
  uint64_t seed = 0;             ///< of what is drawn
};

/// Columns of that frame for which `is_wanted` holds: those named, or by default those of some types. Throws, as the step `name`, for a
/// name that is not there and for a column of another type.
std::vector<std::string> chosen_columns(std::string_view name, const Frame& frame, const std::vector<std::string>& named,
                                        std::initializer_list<data::ColumnType> types);
/// The place of each name in the frame; throws, as the step `name`, where one is missing.
std::vector<size_t> places_of(std::string_view name, const Frame& frame, const std::vector<std::string>& columns);
/// The chosen columns side by side, (rows, columns) float64.
Array matrix_of(const Frame& frame, const std::vector<size_t>& places);
/// The same as rows of plain numbers: value [row * places.size() + i].
std::vector<double> values_of(const Frame& frame, const std::vector<size_t>& places);
int64_t rows_of(const Frame& frame);
/// The frame without the columns at these places.
Frame without(const Frame& frame, const std::vector<size_t>& places);

}  // namespace gradus::preprocess
