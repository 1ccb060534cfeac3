// Partial dependence on columns of tables.
#include "gradus/explain/column_dependence.hpp"

#include <algorithm>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/explain/explained_internal.hpp"
#include "gradus/graph/index.hpp"

namespace gradus::explain {

using namespace core;
using data::Column;
using detail::Explained;

namespace {

constexpr std::string_view kOp = "column_dependence";

// Rows of the table, one for each value that the column is set to.
std::vector<int64_t> donors_of(const Column& column, const ColumnDependenceOptions& options) {
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < column.size(); ++row) {
    if (!column.is_missing(row)) rows.push_back(row);
  }
  std::vector<int64_t> donors;
  if (column.has_numbers()) {
    const std::span<const double> numbers = column.numbers();
    std::stable_sort(rows.begin(), rows.end(),
                     [&](int64_t a, int64_t b) { return numbers[static_cast<size_t>(a)] < numbers[static_cast<size_t>(b)]; });
    std::vector<int64_t> distinct;
    for (const int64_t row : rows) {
      if (distinct.empty() || numbers[static_cast<size_t>(distinct.back())] != numbers[static_cast<size_t>(row)]) distinct.push_back(row);
    }
    if (static_cast<int64_t>(distinct.size()) <= options.points) return distinct;
    // Half of them by the rows, half by the distinct values: where most rows have one value, others count too.
    const auto spread = [&](const std::vector<int64_t>& from, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        const double part = count == 1 ? 0.5 : static_cast<double>(i) / static_cast<double>(count - 1);
        donors.push_back(
            from[static_cast<size_t>((options.low + part * (options.high - options.low)) * static_cast<double>(from.size() - 1) + 0.5)]);
      }
    };
    spread(rows, options.points - options.points / 2);
    spread(distinct, options.points / 2);
    const auto number = [&](int64_t row) { return numbers[static_cast<size_t>(row)]; };
    std::stable_sort(donors.begin(), donors.end(), [&](int64_t a, int64_t b) { return number(a) < number(b); });
    donors.erase(std::unique(donors.begin(), donors.end(), [&](int64_t a, int64_t b) { return number(a) == number(b); }), donors.end());
    return donors;
  }
  if (!column.is_coded())
    fail(kOp, "column \"", column.name(), "\" is ", data::name_of(column.type()), "; it must be numbers, dates or categories");
  std::vector<int64_t> first(column.categories().size(), -1), counts(column.categories().size(), 0), order;
  for (const int64_t row : rows) {
    const auto code = static_cast<size_t>(column.codes()[static_cast<size_t>(row)]);
    if (counts[code]++ == 0) first[code] = row, order.push_back(static_cast<int64_t>(code));
  }
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const int64_t more = counts[static_cast<size_t>(a)] - counts[static_cast<size_t>(b)];
    return more != 0 ? more > 0 : a < b;
  });
  order.resize(std::min<size_t>(order.size(), static_cast<size_t>(options.categories)));
  if (column.type() == data::ColumnType::ordinal) std::sort(order.begin(), order.end());
  for (const int64_t code : order) donors.push_back(first[static_cast<size_t>(code)]);
  return donors;
}

std::vector<int64_t> evenly_spaced(int64_t rows, int64_t most) {
  std::vector<int64_t> out;
  const int64_t count = std::min(rows, most);
  for (int64_t i = 0; i < count; ++i) out.push_back(i * rows / count);
  return out;
}

std::vector<int64_t> counts_of(const Column& column, const std::vector<int64_t>& donors) {
  std::vector<int64_t> counts;
  for (const int64_t donor : donors) {
    int64_t count = 0;
    for (int64_t row = 0; row < column.size(); ++row) {
      const auto a = static_cast<size_t>(row), b = static_cast<size_t>(donor);
      count += column.has_numbers() ? column.numbers()[a] == column.numbers()[b] : column.codes()[a] == column.codes()[b];
    }
    counts.push_back(count);
  }
  return counts;
}

}  // namespace

ColumnDependence column_dependence(Function model, const preprocess::Pipeline& pipeline, const data::Table& table,
                                   const std::string& column, const ColumnDependenceOptions& options) {
  detail::check_positive(kOp, "points", options.points);
  detail::check_positive(kOp, "categories", options.categories);
  detail::check_positive(kOp, "rows", options.rows);
  if (!(options.low >= 0 && options.low <= options.high && options.high <= 1))
    fail(kOp, "low is ", options.low, ", high is ", options.high, "; they must be 0 <= low <= high <= 1");
  if (table.rows() == 0) fail(kOp, "the table has no rows; it must have one at least");
  const auto is_it = [&](const preprocess::InputColumn& input) { return input.name == column; };
  if (std::none_of(pipeline.columns().begin(), pipeline.columns().end(), is_it)) {
    std::vector<std::string> names;
    for (const preprocess::InputColumn& input : pipeline.columns()) names.push_back(input.name);
    fail_unknown_name(std::string(kOp), "the pipeline takes no column", column, names, {});
  }
  const std::vector<int64_t> donors = donors_of(table[column], options);
  if (donors.empty()) fail(kOp, "column \"", column, "\" has no value in these rows");

  const data::Table base = table.take(evenly_spaced(table.rows(), options.rows));
  preprocess::Treatments treatments;
  const Target target = options.target;
  const Explained explained(kOp, model, pipeline.inputs(base, treatments), target, options.scale, options.batch_size);
  ColumnDependence out{.values = table[column].take(donors),
                       .counts = counts_of(table[column], donors),
                       .means = {},
                       .lower = {},
                       .upper = {},
                       .rows = base.rows()};
  for (const int64_t donor : donors) {
    const data::Table set = base.with(table[column].take(std::vector<int64_t>(static_cast<size_t>(base.rows()), donor)));
    const Array x = pipeline.inputs(set, treatments);
    std::vector<double> answers = explained.values(
        base.rows(), [&](int64_t begin, int64_t end) { return detail::rows_of(x, begin, end); }, [](int64_t point) { return point; });
    if (pipeline.target().exists() && !pipeline.target().is_class()) {
      for (double& answer : answers) answer = pipeline.target().restored(answer);
    }
    out.means.push_back(std::accumulate(answers.begin(), answers.end(), 0.0) / static_cast<double>(answers.size()));
    std::sort(answers.begin(), answers.end());
    out.lower.push_back(answers[answers.size() / 10]);
    out.upper.push_back(answers[answers.size() - 1 - answers.size() / 10]);
  }
  return out;
}

}  // namespace gradus::explain
