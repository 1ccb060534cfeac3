// What a table holds, in numbers: its columns one by one, and how they go together.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/data/table/table.hpp"

namespace gradus::data {

/// A value and how often it stands there.
struct ValueCount {
  std::string value{};
  int64_t count = 0;
};

/// Counts of values in bins of equal width from low to high; a value on a border is in the upper bin, the highest in the last.
struct Histogram {
  double low = 0, high = 0;
  std::vector<int64_t> counts{};
};

/// One column. The numbers from `minimum` on are those of numeric and date columns, for text those of lengths in characters; nan for
/// others, and where there is no value. They are those of finite values.
struct ColumnSummary {
  std::string name{};
  ColumnType type = ColumnType::numeric;
  int64_t rows = 0, missing = 0;
  int64_t infinite = 0;  ///< numbers that are not finite
  int64_t distinct = 0;  ///< different values, missing ones apart
  double minimum = std::numeric_limits<double>::quiet_NaN(), lower_quartile = minimum, median = minimum, upper_quartile = minimum,
         maximum = minimum;  ///< quartiles by linear interpolation between the values in order
  double mean = minimum;
  double deviation = minimum;          ///< root of the sum of squares / (n - 1); nan of one value
  std::vector<ValueCount> frequent{};  ///< the most frequent values, of two as frequent the lesser first
  Histogram histogram{};               ///< of whole numbers in a short range a bin a number
  double share_missing() const { return rows ? static_cast<double>(missing) / static_cast<double>(rows) : 0; }
};

/// How two columns go together.
///
///     correlation  numbers and dates: Pearson's r, -1 to 1; by rank: Spearman's, of average ranks
///     cramer       categories: Cramér's V, root of chi^2 / (n (min(r, c) - 1)), 0 to 1
///     ratio        categories and numbers: root of the share of the variance that is between the categories, 0 to 1
enum class Measure : uint8_t { correlation, cramer, ratio };
std::span<const std::string_view> enum_names(Measure);

/// Two columns by their places, first < second, over the rows in which both have a value. nan where one of them is constant there.
struct Relation {
  int64_t first = 0, second = 0;
  Measure measure = Measure::correlation;
  double value = 0, by_rank = 0;  ///< by_rank: of correlations; else as value
  int64_t rows = 0;
};

/// How much is described.
struct DescribeOptions {
  int64_t frequent = 10;           ///< so many of the most frequent values
  int64_t bins = 20;               ///< of histograms, at least 1
  int64_t most_rows = 100'000;     ///< relations are those of so many rows, evenly spaced
  int64_t most_columns = 100;      ///< and of so many columns, the first ones
  int64_t most_categories = 1000;  ///< columns of more are left out of relations
  std::string target{};            ///< a column that is among them in any case; "": none
};

/// What a table holds.
struct Description {
  int64_t rows = 0;
  int64_t duplicates = 0;  ///< rows that stand there before, all cells alike
  std::vector<ColumnSummary> columns{};
  std::vector<Relation> relations{};  ///< all pairs of `related`
  std::vector<int64_t> related{};     ///< places of the columns that relations are about; texts and images are not
  int64_t related_rows = 0;           ///< rows that relations were taken from
  std::vector<std::string> notes{};   ///< what is odd, and what was left out

  /// Of two columns in any order; null where there is none.
  const Relation* relation(int64_t a, int64_t b) const;
};

/// Describes a table, column by column in parallel. Time: sorting of each column; relations over at most most_rows rows.
///
///   data::Table table({data::Column::numeric("age", {31, 47, 47}), data::Column::categorical("sex", {"f", "m", "f"})});
///   data::describe(table).columns[0].median;   // 47
Description describe(const Table& table, const DescribeOptions& options = {});

}  // namespace gradus::data
