// The steps that a table needs.
#include "gradus/preprocess/automatic.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "gradus/base/error.hpp"
#include "gradus/preprocess/categories.hpp"
#include "gradus/preprocess/numeric.hpp"

namespace gradus::preprocess {

using namespace core;
using data::Column;
using data::ColumnType;

namespace {

constexpr int64_t kMostTerms = 300, kMostCategories = 100, kRowsForRare = 1000;

// What columns that number the rows are called.
bool is_name_of_rows(const std::string& name) {
  static const std::set<std::string> names{"id",     "index", "idx", "row",    "rows",       "rownames",  "row_names", "rowname",
                                           "row_id", "nr",    "no",  "number", "unnamed: 0", "unnamed_0", "编号",      "序号"};
  std::string lower = name;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name.empty() || names.contains(lower);
}

bool is_constant(const Column& column) {
  std::string first;
  bool has_first = false;
  for (int64_t row = 0; row < column.size(); ++row) {
    const std::string cell = column.cell(row);
    if (has_first && cell != first) return false;
    first = cell;
    has_first = true;
  }
  return true;
}

int64_t categories_that_occur(const Column& column) {
  const std::vector<int64_t> counts = counts_of(column);
  return static_cast<int64_t>(counts.size()) - std::count(counts.begin(), counts.end(), 0);
}

// Why a column is left out; "" if it is not.
std::string useless(const Column& column) {
  const int64_t present = column.size() - column.missing();
  if (present == 0) return "has no value";
  if (is_constant(column)) return concat("is \"", column.cell(0), "\" in all rows");
  if (counts_rows(column)) return "counts the rows";
  if (column.type() == ColumnType::image) return "holds paths of images, which tables' models do not take";
  if (column.is_coded() && present >= 20 && 10 * categories_that_occur(column) > 9 * present) return "is another name in nearly every row";
  return "";
}

// How many zeros stand for missing values: some of them, far below all other values, which are no counts.
int64_t zeros_for_missing(const Column& column) {
  constexpr double kFar = 0.3, kNoCount = 5, kMostZeros = 0.3;
  if (column.type() != ColumnType::numeric) return 0;
  const std::vector<double> sorted = sorted_values(column.numbers());
  if (sorted.empty() || sorted.front() != 0) return 0;
  const auto above = std::upper_bound(sorted.begin(), sorted.end(), 0.0);
  const auto zeros = static_cast<size_t>(above - sorted.begin());
  if (above == sorted.end() || static_cast<double>(zeros) > kMostZeros * static_cast<double>(sorted.size())) return 0;
  const double middle = quantile_of(std::span(sorted).subspan(zeros), 0.5);
  return *above >= kNoCount && *above >= kFar * middle ? static_cast<int64_t>(zeros) : 0;
}

}  // namespace

bool counts_rows(const Column& column) {
  constexpr double kGaps = 1.5, kGapsOfNumbers = 100;
  if (column.type() != ColumnType::numeric || column.size() < 10) return false;
  const std::vector<double> sorted = sorted_values(column.numbers());
  if (static_cast<int64_t>(sorted.size()) != column.size()) return false;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != std::floor(sorted[i]) || (i > 0 && sorted[i] == sorted[i - 1])) return false;
  }
  const double gaps = sorted.back() / static_cast<double>(sorted.size());
  if (is_name_of_rows(column.name())) return sorted[0] >= 0 && gaps <= kGapsOfNumbers;
  return sorted[0] >= 0 && sorted[0] <= 10 && gaps <= kGaps;
}

AutomaticSteps automatic_steps(const data::Table& table, const std::string& target, const AutomaticOptions& options) {
  AutomaticSteps out;
  std::vector<std::string> dropped, marked;
  bool has_dates = false, has_texts = false, has_missing = false, has_numbers = false, has_categories = false;
  // Where nothing else is there, numbers that count the rows are what there is: years, or the x of a line.
  const auto says_something = [&](const Column& column) { return column.name() != target && useless(column).empty(); };
  const bool has_others = std::any_of(table.columns().begin(), table.columns().end(), says_something);
  for (const Column& column : table.columns()) {
    if (column.name() == target) continue;
    const bool is_all_there_is = !has_others && counts_rows(column);
    if (const std::string why = useless(column); !why.empty() && !is_all_there_is) {
      dropped.push_back(column.name());
      out.reasons.push_back(concat("column \"", column.name(), "\" ", why, ", and is left out"));
      continue;
    }
    if (const int64_t zeros = zeros_for_missing(column); zeros > 0) {
      marked.push_back(column.name());
      out.reasons.push_back(concat("column \"", column.name(), "\": ", zeros,
                                   zeros == 1 ? " zero, far from all other values, is" : " zeros, far from all other values, are",
                                   " taken as missing"));
      has_missing = true;
    }
    has_dates |= column.type() == ColumnType::date;
    has_texts |= column.type() == ColumnType::text;
    has_numbers |= column.has_numbers();
    has_categories |= column.is_coded();
    has_missing |= column.has_numbers() && column.missing() > 0;
  }
  if (!has_numbers && !has_categories && !has_texts)
    fail("automatic_steps", "no column of the table says anything", target.empty() ? "" : concat(" about \"", target, "\""), "; ",
         out.reasons.empty() ? "it has no other" : out.reasons[0]);
  if (!dropped.empty()) out.steps.emplace_back(Drop(dropped));
  if (!marked.empty()) out.steps.emplace_back(MarkMissing({.columns = marked}));
  if (has_dates) out.steps.emplace_back(DateParts());
  // Always there: a later table may have missing values where this one has none.
  if (has_numbers) out.steps.emplace_back(Impute(median, {.indicator = has_missing}));
  if (has_numbers) out.steps.emplace_back(Standardise());
  if (has_texts) out.steps.emplace_back(Terms({.ngram_high = 2, .most = kMostTerms, .least_texts = 2}));
  const int64_t least = table.rows() >= kRowsForRare ? 5 : 1;
  if (has_categories && options.categories == CategoryStyle::codes) out.steps.emplace_back(Codes({.least = least}));
  else if (has_categories) out.steps.emplace_back(OneHot({.least = least, .most = kMostCategories}));
  return out;
}

}  // namespace gradus::preprocess
