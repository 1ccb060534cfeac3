// Tables: named columns of the same length.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gradus/data/table/column.hpp"

namespace gradus::data {

/// Columns of the same length, each of a name of its own. A value: copies share the columns' memory.
///
///   data::Table pair({data::Column::numeric("age", {31, 47}), data::Column::categorical("sex", {"f", "m"})});
///   pair["age"].numbers()[0]   // 31
class Table {
 public:
  Table() = default;
  /// Throws for columns of different lengths, and for two of one name.
  explicit Table(std::vector<Column> columns);

  int64_t rows() const { return columns_.empty() ? 0 : columns_[0].size(); }
  int64_t width() const { return static_cast<int64_t>(columns_.size()); }
  const std::vector<Column>& columns() const { return columns_; }
  std::vector<std::string> names() const;
  /// The column of that name; throws for others, naming the nearest.
  const Column& operator[](std::string_view name) const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// Null if there is none of that name.
  const Column* find(std::string_view name) const;

  /// These columns in this order; all but these. Throws for names that are not there.
  Table select(const std::vector<std::string>& names) const;
  Table select(std::initializer_list<std::string_view> names) const;
  Table without(const std::vector<std::string>& names) const;
  Table without(std::initializer_list<std::string_view> names) const;
  /// With a column in place of the one of its name, or behind the others.
  Table with(Column column) const;
  /// The rows at these positions, in that order; a position may repeat. Throws when one is out of range.
  Table take(std::span<const int64_t> rows) const;
  /// Rows begin .. end-1.
  Table rows(int64_t begin, int64_t end) const;

  /// What was done with the file that was not asked for: "3 empty lines left out".
  std::vector<std::string> notes{};

 private:
  std::vector<Column> columns_{};
};

/// The first rows as aligned text, for people: `most` rows, cells cut to 24 characters.
std::string to_text(const Table& table, int64_t most = 10);

/// The columns, which must be numeric, side by side: (rows, columns) float64; missing ones are nan.
Array to_array(const Table& table);

/// `fraction` of the rows (rounded), drawn at random by `seed`, and the rest; both in random order. With `stratify`, a categorical column
/// or one of few numbers, each of its values is split in that proportion (largest remainders); with `group`, rows of one value of it stay
/// together; with `time`, the last `fraction` by that column, a number or date, is the first part, and both are in its order.
struct SplitBy {
  std::string stratify{}, group{}, time{};
};
/// Positions of the two parts. Throws for a column that is not there, and where a part would have no row.
std::pair<std::vector<int64_t>, std::vector<int64_t>> split_positions(const Table& table, double fraction, uint64_t seed = 0,
                                                                      const SplitBy& by = {});
///   const auto parts = data::split(table, 0.2, 0, {.stratify = "happy"});   // a fifth, and the rest
std::pair<Table, Table> split(const Table& table, double fraction, uint64_t seed = 0, const SplitBy& by = {});
/// k parts of about the same size for cross-validation: which part each row is in, 0 .. k-1. With `time`, part i + 1 lies behind part i.
std::vector<int64_t> folds(const Table& table, int64_t k, uint64_t seed = 0, const SplitBy& by = {});

}  // namespace gradus::data
