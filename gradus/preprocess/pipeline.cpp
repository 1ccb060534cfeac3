// Pipelines: learning, and applying what was learnt.
#include "gradus/preprocess/pipeline.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/preprocess/numeric.hpp"

namespace gradus::preprocess {

using namespace core;
using data::Column;
using data::ColumnType;
using data::Table;

namespace {

Table table_of(const Frame& frame) {
  std::vector<Column> columns;
  for (const Feature& feature : frame) columns.push_back(feature.column);
  return Table(std::move(columns));
}

// What the schema says of a column of the training table.
InputColumn described_column(const Column& column) {
  InputColumn out{.name = column.name(),
                  .type = column.type(),
                  .order = {},
                  .dates = column.type() == ColumnType::date ? column.date_order() : std::nullopt,
                  .least = 0,
                  .greatest = 0,
                  .missing = column.missing()};
  if (column.type() == ColumnType::ordinal) out.order = column.categories();
  if (column.has_numbers()) {
    const std::vector<double> sorted = sorted_values(column.numbers());
    if (!sorted.empty()) {
      out.least = sorted.front();
      out.greatest = sorted.back();
    }
  }
  return out;
}

constexpr double kLargestNumber = 1e150;  // sums of squares of 1e8 of them are finite

void check_names(std::string_view step, const Frame& frame) {
  std::unordered_set<std::string_view> names;
  for (const Feature& feature : frame) {
    if (!names.insert(feature.column.name()).second)
      fail(step, "two columns are called \"", feature.column.name(), "\" behind it; rename a column or a category of the table");
  }
}

// Infinite numbers count as missing.
Column without_infinite(const Column& column, Treatments& treatments) {
  if (column.type() != ColumnType::numeric) return column;
  const std::span<const double> numbers = column.numbers();
  const auto is_beyond = [](double x) { return std::fabs(x) > kLargestNumber; };
  const int64_t count = std::count_if(numbers.begin(), numbers.end(), is_beyond);
  if (count == 0) return column;
  const int64_t infinite = std::count_if(numbers.begin(), numbers.end(), [](double x) { return std::isinf(x); });
  if (infinite > 0) treatments.add(column.name(), "infinite, and taken as missing", infinite);
  if (count > infinite) treatments.add(column.name(), "too large to be squared (beyond 1e150), and taken as missing", count - infinite);
  std::vector<double> out(numbers.begin(), numbers.end());
  std::replace_if(out.begin(), out.end(), is_beyond, std::nan(""));
  return Column::numeric(column.name(), std::move(out));
}

void count_beyond(const Column& column, const InputColumn& input, Treatments& treatments) {
  if (!column.has_numbers()) return;
  int64_t count = 0;
  int64_t first = -1;
  const std::span<const double> numbers = column.numbers();
  for (size_t row = 0; row < numbers.size(); ++row) {
    if (!(numbers[row] < input.least) && !(numbers[row] > input.greatest)) continue;
    if (count++ == 0) first = static_cast<int64_t>(row);
  }
  if (count == 0) return;
  const Column ends = column.type() == ColumnType::date ? Column::date("", {input.least, input.greatest})
                                                        : Column::numeric("", {input.least, input.greatest});
  treatments.add(column.name(), concat("beyond the range of training, ", ends.cell(0), " to ", ends.cell(1)), count, column.cell(first));
}

}  // namespace

void Pipeline::require_fitted(const char* what) const {
  if (!is_fitted_) fail("Pipeline", what, " needs a pipeline that has learnt; call fit(training table) first");
}

void Pipeline::learn(const Table& table, const Learning& learning, Frame& frame) {
  if (table.rows() == 0) fail("Pipeline", "the table has no rows to learn from");
  Treatments treatments;
  inputs_.clear();
  frame.clear();
  for (const Column& column : table.columns()) {
    const Column finite = without_infinite(column, treatments);
    inputs_.push_back(described_column(finite));
    frame.push_back({finite, column.name()});
  }
  for (Step& step : steps_) {
    frame = step.learn(frame, learning, treatments);
    check_names(step.name(), frame);
  }
  // What the first steps leave out is not asked for again.
  for (const Step& step : steps_) {
    if (step.name() != Drop::kName) break;
    const std::vector<std::string> dropped = step.columns();
    std::erase_if(inputs_,
                  [&](const InputColumn& input) { return std::find(dropped.begin(), dropped.end(), input.name) != dropped.end(); });
  }
  features_.clear();
  origins_.clear();
  for (const Feature& feature : frame) {
    features_.push_back(feature.column.name());
    origins_.push_back(feature.origin);
  }
  for (const std::string& line : treatments.lines()) notes_.push_back(line);
  is_fitted_ = true;
}

Table Pipeline::fit(const Table& table) {
  is_fitted_ = false;
  notes_.clear();
  target_ = {};
  Frame frame;
  learn(table, {}, frame);
  return table_of(frame);
}

data::Dataset Pipeline::fit(const Table& given, const std::string& target, const TargetOptions& options) {
  is_fitted_ = false;
  notes_.clear();
  const std::vector<int64_t> known = rows_with_target(given[target]);
  const int64_t left_out = given.rows() - static_cast<int64_t>(known.size());
  if (known.empty()) fail("Pipeline", "the target \"", target, "\" has no value in ", given.rows(), " rows");
  if (left_out > 0)
    notes_.push_back(concat(left_out, left_out == 1 ? " row has" : " rows have", " no target \"", target, "\" and ",
                            left_out == 1 ? "is" : "are", " left out"));
  const Table table = left_out > 0 ? given.take(known) : given;
  target_ = target_of(table[target], options);
  Treatments treatments;
  const std::vector<double> y = targets(table[target], treatments);
  Frame frame;
  learn(table.without(std::vector<std::string>{target}), {y, static_cast<int64_t>(target_.class_names.size()), options.seed}, frame);
  data::Dataset out(matrix(frame), target_array(y), dataset_info());
  out.pipeline = std::make_shared<const Datum>(to_datum());
  return out;
}

// The columns that it takes, by name, of the types that training had.
Frame Pipeline::frame_of(const Table& table, Treatments& treatments) const {
  std::unordered_map<std::string_view, const Column*> by_name;
  for (const Column& column : table.columns()) by_name.emplace(column.name(), &column);
  Frame out;
  for (const InputColumn& input : inputs_) {
    const auto found = by_name.find(input.name);
    if (found == by_name.end()) {
      const std::string near = nearest(input.name, table.names());
      fail("Pipeline", "the table has no column \"", input.name, "\", which training had",
           near.empty() ? "" : "; is it \"" + near + "\", renamed?");
    }
    Column column = found->second->type() == input.type ? *found->second : found->second->as(input.type);
    column = without_infinite(column, treatments);
    count_beyond(column, input, treatments);
    out.push_back({std::move(column), input.name});
  }
  return out;
}

Frame Pipeline::applied(const Table& table, Treatments& treatments) const {
  require_fitted("applying it");
  Frame frame = frame_of(table, treatments);
  for (const Step& step : steps_) frame = step.apply(frame, treatments);
  return frame;
}

Table Pipeline::operator()(const Table& table, Treatments& treatments) const { return table_of(applied(table, treatments)); }
Table Pipeline::operator()(const Table& table) const {
  Treatments ignored;
  return (*this)(table, ignored);
}

// (rows, features) float32.
Array Pipeline::matrix(const Frame& frame) const {
  const auto rows = static_cast<size_t>(rows_of(frame)), width = frame.size();
  if (width == 0) fail("Pipeline", "no column is left after all steps; a model needs one");
  for (const Feature& feature : frame) {
    const Column& column = feature.column;
    if (column.type() == ColumnType::numeric) continue;
    const char* step = column.is_coded()                   ? "OneHot()"
                       : column.type() == ColumnType::date ? "DateParts()"
                       : column.type() == ColumnType::text ? "Terms()"
                                                           : "Drop()";
    fail("Pipeline", "column \"", column.name(), "\" is ", data::name_of(column.type()),
         " after all steps; a model takes numbers, for example by the step ", step);
  }
  BufferPtr buffer = allocate(static_cast<int64_t>(rows * width * sizeof(float)), "inputs of a pipeline");
  auto* const out = reinterpret_cast<float*>(buffer->data());
  for (size_t c = 0; c < width; ++c) {
    const std::span<const double> numbers = frame[c].column.numbers();
    for (size_t row = 0; row < rows; ++row) {
      const auto value = static_cast<float>(numbers[row]);
      if (!std::isfinite(value))
        fail("Pipeline", "column \"", frame[c].column.name(), "\" of row ", row, " is ", numbers[row], " after all steps; ",
             std::isnan(numbers[row]) ? "missing values are filled in by a step, for example Impute()"
                                      : "float32 holds numbers up to 3.4e38: scale, or Clip()");
      out[row * width + c] = value;
    }
  }
  return make_leaf(std::move(buffer), float32, {static_cast<int64_t>(rows), static_cast<int64_t>(width)});
}

Array Pipeline::inputs(const Table& table, Treatments& treatments) const {
  const Frame frame = applied(table, treatments);
  const auto is_as_learnt = [](const Feature& made, const std::string& name) { return made.column.name() == name; };
  if (!std::equal(frame.begin(), frame.end(), features_.begin(), features_.end(), is_as_learnt))
    fail("Pipeline", "its steps make ", frame.size(), " features other than the ", features_.size(),
         " that it says it makes; the file that it is from is damaged");
  return matrix(frame);
}

data::DatasetInfo Pipeline::dataset_info() const { return {.class_names = target_.class_names, .name = {}, .description = {}}; }

data::Dataset Pipeline::dataset(const Table& table, Treatments& treatments) const {
  Array x = inputs(table, treatments), y;
  const Column* column = target_.exists() ? table.find(target_.column) : nullptr;
  if (column) y = target_array(targets(*column, treatments));
  data::Dataset out(std::move(x), std::move(y), dataset_info());
  out.pipeline = std::make_shared<const Datum>(to_datum());
  return out;
}
data::Dataset Pipeline::dataset(const Table& table) const {
  Treatments ignored;
  return dataset(table, ignored);
}

Array Pipeline::operator()(const Array& x) const {
  require_fitted("applying it");
  std::vector<std::string> names;
  for (const InputColumn& input : inputs_) names.push_back(input.name);
  Array out = x;
  for (const Step& step : steps_) {
    if (!step.is_numeric()) fail("Pipeline", step.name(), " is no function of numbers alone; only tables go through it");
    if (step.columns() != names)
      fail("Pipeline", step.name(), " takes other columns than all of the input in its order; only tables go through it");
    out = step.forward(out);
  }
  return out;
}

std::vector<int64_t> Pipeline::code_sizes() const {
  std::vector<int64_t> out;
  for (const Step& step : steps_) {
    const Codes* codes = step.as<Codes>();
    if (!codes) continue;
    for (const std::vector<std::string>& categories : codes->state.categories) out.push_back(std::ssize(categories));
  }
  return out;
}

data::TableOptions Pipeline::reading(data::TableOptions options, bool with_target, const std::vector<std::string>& names) const {
  options.columns.clear();
  options.types.clear();
  const auto add = [&](const std::string& name, const data::ColumnKind& kind) {
    if (std::find(names.begin(), names.end(), name) == names.end()) return;  // said by what takes the table
    options.columns.push_back(name);
    options.types[name] = kind;
  };
  for (const InputColumn& input : inputs_) add(input.name, {input.type, input.order, input.dates});
  if (with_target && target_.exists()) add(target_.column, {target_.is_class() ? ColumnType::categorical : ColumnType::numeric, {}, {}});
  return options;
}

}  // namespace gradus::preprocess
