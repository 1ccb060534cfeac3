// The search is over numbers u, one a column of numbers and one a category, of which the features are x = u M + c: so the rules of the
// search (whole numbers, ranges, one category at a time) are those of the table.
#include "gradus/explain/table_counterfactual.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/explain/counterfactual.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/preprocess/units.hpp"

namespace gradus::explain {

using namespace core;
using data::Column;
using data::ColumnType;
using data::Table;

namespace {

constexpr std::string_view kOp = "table_counterfactuals";
constexpr int64_t kMostRows = 1000;
constexpr size_t kMostCategories = 200;

// A column that may change: a number, or a place for each of its categories.
struct Place {
  std::string column{};
  size_t begin = 0;                   // among u
  std::vector<std::string> values{};  // of a category
  double from = 0;                    // of a number
  double scale = 1, low = 0, high = 0;
  bool is_integer = false;
  bool is_category() const { return !values.empty(); }
  size_t size() const { return is_category() ? values.size() : 1; }
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

class TableSearch {
 public:
  TableSearch(Function model, const preprocess::Pipeline& pipeline, const Table& row, const TableCounterfactualOptions& options)
      : model_(model), pipeline_(pipeline), row_(row), options_(options), units_(preprocess::units_of(pipeline)) {
    if (row.rows() != 1) fail(kOp, "the table has ", row.rows(), " rows; it must be one");
    if (options.data.rows() == 0) fail(kOp, "data has no rows; it must have some of training");
    const bool is_number = !pipeline.target().is_class();
    if (is_number != options.bound.has_value())
      fail(kOp, is_number ? "the model foretells a number, and there is no bound that it is to cross" : "a bound is of a model of numbers");
    data_ = options.data.rows(0, std::min(options.data.rows(), kMostRows));
    preprocess::Treatments ignored;
    x_ = pipeline.inputs(row, ignored).to_vector<double>();
    check_names();
    line_ = x_;
    for (const preprocess::InputColumn& input : pipeline.columns()) add(input);
  }

  TableCounterfactuals run() {
    TableCounterfactuals out;
    std::tie(out.label, out.value) = answer(row_);
    out.held = held_;
    if (places_.empty()) {
      out.reason = "no column may change";
      return out;
    }
    const auto features = static_cast<int64_t>(x_.size());
    const Array matrix = array(matrix_, {static_cast<int64_t>(width_), features}), line = array(line_, {int64_t{1}, features});
    const auto over_columns = [&](const Array& u) { return model_((matmul(u.astype(float64), matrix) + line).astype(float32)); };
    CounterfactualOptions search{
        .wanted = options_.wanted, .rules = rules(), .data = numbers_of(data_), .count = 2 * options_.count, .seed = options_.seed};
    if (options_.bound) search.threshold = pipeline_.target().scaled(*options_.bound);
    const Counterfactuals found = counterfactuals(over_columns, numbers_of(row_), search);
    for (const Counterfactual& one : found.found) {
      if (std::ssize(out.found) == options_.count) break;
      if (std::optional<TableCounterfactual> checked = rounded(one, out)) out.found.push_back(std::move(*checked));
    }
    if (out.found.empty())
      out.reason = found.found.empty()
                       ? concat("none of ", found.evaluations, " rows that were tried, within the values of the data, is answered so")
                       : std::string("what was found does not hold as a row of the table");
    return out;
  }

 private:
  void check_names() const {
    std::vector<std::string> names;
    for (const preprocess::InputColumn& input : pipeline_.columns()) names.push_back(input.name);
    for (const std::string& name : options_.fixed) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      const std::string near = nearest(name, names);
      fail(kOp, "the model takes no column \"", name, "\" that could be fixed; ",
           near.empty() ? "there are " + join(names) : "did you mean \"" + near + "\"?");
    }
  }

  void hold(const std::string& column, std::string_view why) { held_.push_back(concat(column, " (", why, ")")); }

  void add(const preprocess::InputColumn& input) {
    const std::string& name = input.name;
    if (std::find(options_.fixed.begin(), options_.fixed.end(), name) != options_.fixed.end()) return hold(name, "asked for");
    if (input.type == ColumnType::date) return hold(name, "a date");
    if (input.type == ColumnType::text) return hold(name, "a text");
    const auto of_it = [&](const preprocess::CategoryFeatures& each) { return each.column == name; };
    const auto category = std::find_if(units_.categories.begin(), units_.categories.end(), of_it);
    if (category != units_.categories.end()) add_category(*category);
    else if (input.type == ColumnType::numeric) add_number(name);
    else hold(name, "the model takes no single category");
  }

  void add_number(const std::string& name) {
    const std::vector<std::string>&features = pipeline_.features(), &origins = pipeline_.origins();
    const auto found = std::find(features.begin(), features.end(), name);
    const auto f = static_cast<size_t>(found - features.begin());
    if (std::find(origins.begin(), origins.end(), "") != origins.end()) return hold(name, "a step mixes columns");
    if (found == features.end()) return hold(name, "the model does not take it");
    if (!units_.features[f].changed_by.empty()) return hold(name, units_.features[f].changed_by + " changes it");
    for (size_t i = 0; i < features.size(); ++i) {
      if (origins[i] == name && i != f && features[i] != name + " missing") return hold(name, "several features come of it");
    }
    const Column column = row_[name].as(ColumnType::numeric);
    if (!std::isfinite(column.numbers()[0])) return hold(name, "missing");
    const std::vector<double> known = numbers_in(name);
    Place place{.column = name, .begin = width_, .from = column.numbers()[0]};
    place.is_integer =
        std::floor(place.from) == place.from && std::all_of(known.begin(), known.end(), [](double v) { return std::floor(v) == v; });
    std::vector<double> distances;
    const double middle = median(known);
    for (const double v : known) distances.push_back(std::fabs(v - middle));
    place.scale = median(distances);
    place.low = place.high = place.from;
    for (const double v : known) {
      place.low = std::min(place.low, v);
      place.high = std::max(place.high, v);
    }
    add_row(place);
    // x = (u - shift) / scale
    const preprocess::FeatureUnit& unit = units_.features[f];
    matrix_[place.begin * x_.size() + f] = 1 / unit.scale;
    line_[f] = -unit.shift / unit.scale;
    places_.push_back(std::move(place));
  }

  // x = base (1 - sum of u) + sum over categories of u (what the category's features are)
  void add_category(const preprocess::CategoryFeatures& category) {
    Place place{.column = category.column, .begin = width_, .values = category.values};
    if (place.values.size() > kMostCategories) return hold(category.column, concat("more than ", kMostCategories, " categories"));
    std::vector<size_t> features;
    for (size_t i = 0; i < pipeline_.features().size(); ++i) {
      const bool is_own = pipeline_.origins()[i] == category.column;
      if (is_own) features.push_back(i);
    }
    const Column cell = row_[category.column].as(ColumnType::categorical);
    const bool is_known = std::find(place.values.begin(), place.values.end(), cell.cell(0)) != place.values.end();
    // "other" is no category to come to.
    if (category.is_one_hot && place.values.back() == "other" && cell.cell(0) != "other") place.values.pop_back();
    if (place.values.empty()) return hold(category.column, "no category");
    add_row(place);
    for (const size_t f : features) {
      const auto in_unit = [&](double number) { return (number - units_.features[f].shift) / units_.features[f].scale; };
      const double base = is_known ? in_unit(0) : x_[f];
      line_[f] = base;
      for (size_t k = 0; k < place.values.size(); ++k) {
        const bool is_of_it = static_cast<size_t>(category.features[k]) == f;
        const double number = is_of_it ? category.numbers[k] : 0;
        matrix_[(place.begin + k) * x_.size() + f] = in_unit(number) - base;
      }
    }
    places_.push_back(std::move(place));
  }

  void add_row(const Place& place) {
    width_ += place.size();
    matrix_.resize(width_ * x_.size(), 0);
  }

  std::vector<double> numbers_in(const std::string& name) const {
    std::vector<double> out;
    const Column* column = data_.find(name);
    if (!column) return out;
    const Column numbers = column->as(ColumnType::numeric);
    for (const double v : numbers.numbers()) {
      if (std::isfinite(v)) out.push_back(v);
    }
    return out;
  }

  // Rows of the table as rows of u, (rows, width) float64; a missing number is the middle one.
  Array numbers_of(const Table& table) const {
    const auto rows = static_cast<size_t>(table.rows());
    std::vector<double> out(rows * width_, 0);
    for (const Place& place : places_) {
      if (place.is_category()) {
        const Column cells = table[place.column].as(ColumnType::categorical);
        for (size_t row = 0; row < rows; ++row) {
          const auto at = std::find(place.values.begin(), place.values.end(), cells.cell(static_cast<int64_t>(row)));
          if (at != place.values.end()) out[row * width_ + place.begin + static_cast<size_t>(at - place.values.begin())] = 1;
        }
      } else {
        const double middle = median(numbers_in(place.column));
        const Column column = table[place.column].as(ColumnType::numeric);
        for (size_t row = 0; row < rows; ++row) {
          const double v = column.numbers()[row];
          out[row * width_ + place.begin] = std::isfinite(v) ? v : middle;
        }
      }
    }
    return array(out, {static_cast<int64_t>(rows), static_cast<int64_t>(width_)});
  }

  std::vector<ChangeRule> rules() const {
    std::vector<ChangeRule> out;
    for (const Place& place : places_) {
      ChangeRule rule{.feature = {place.column, {}}, .is_integer = place.is_integer};
      for (size_t i = 0; i < place.size(); ++i) rule.feature.columns.push_back(static_cast<int64_t>(place.begin + i));
      // Of one category alone there is nothing else to come to.
      rule.is_immutable = place.is_category() && place.size() == 1;
      out.push_back(std::move(rule));
    }
    return out;
  }

  // ---- rows of the table

  std::pair<int64_t, double> answer(const Table& table) const {
    const nn::TrainingMode inference(false);
    preprocess::Treatments ignored;
    const Array output = model_(pipeline_.inputs(table, ignored));
    const std::vector<double> numbers = output.to_vector<double>();
    const size_t classes = pipeline_.target().class_names.size();
    if (numbers.size() != std::max<size_t>(classes, 1) && !(numbers.size() == 1 && classes == 2))
      fail(kOp, "the model gives ", numbers.size(), " numbers for a row; the pipeline's target ",
           classes ? concat("has ", classes, " classes") : std::string("is one number"));
    if (!pipeline_.target().is_class()) return {-1, pipeline_.target().restored(numbers[0])};
    if (numbers.size() == 1) {
      const double p = 1 / (1 + std::exp(-numbers[0]));
      return {numbers[0] > 0, numbers[0] > 0 ? p : 1 - p};
    }
    const std::vector<double> p = softmax(array(numbers), -1).to_vector<double>();
    const auto best = std::max_element(p.begin(), p.end());
    return {best - p.begin(), *best};
  }

  bool is_wanted(int64_t label, double value, const TableCounterfactuals& own) const {
    if (options_.bound) return (value > *options_.bound) != (own.value > *options_.bound);
    return options_.wanted ? label == *options_.wanted : label != own.label;
  }

  Table changed(const std::vector<TableChange>& changes) const {
    Table out = row_;
    for (const TableChange& change : changes) {
      const Column text = Column::categorical(change.column, {change.to});
      const ColumnType type = row_[change.column].type();
      if (type == ColumnType::ordinal) out = out.with(Column::ordinal(change.column, {change.to}, row_[change.column].categories()));
      else out = out.with(type == ColumnType::numeric ? text.as(type) : text);
    }
    return out;
  }

  // The changes as cells, with numbers as round as they may be: away from where they were, so that the answer stays.
  std::optional<TableCounterfactual> rounded(const Counterfactual& one, const TableCounterfactuals& own) const {
    constexpr int kExact = 4;
    for (int digits = 0; digits <= kExact; ++digits) {
      TableCounterfactual out;
      for (const Change& change : one.changes) {
        const auto is_it = [&](const Place& each) { return each.column == change.name; };
        const Place& place = *std::find_if(places_.begin(), places_.end(), is_it);
        const std::string from = row_[place.column].cell(0);
        if (place.is_category()) {
          if (change.to < 0) return std::nullopt;
          out.changes.push_back({place.column, from, place.values[static_cast<size_t>(change.to)]});
          continue;
        }
        out.changes.push_back(
            {place.column, from, core::to_text(digits == kExact || place.is_integer ? change.to : rounded(change, place, digits))});
      }
      std::tie(out.label, out.value) = answer(changed(out.changes));
      if (is_wanted(out.label, out.value, own)) return out;
    }
    return std::nullopt;
  }
  // A multiple of a tenth, a hundredth, ... of the column's scale, which is a power of ten.
  double rounded(const Change& change, const Place& place, int digits) const {
    const double size = place.scale > 0 ? place.scale : std::max(std::fabs(change.to - change.from), 1e-12);
    const int exponent = static_cast<int>(std::floor(std::log10(size))) - 1 - digits;
    const double unit = std::pow(10.0, std::abs(exponent)), places = exponent < 0 ? change.to * unit : change.to / unit;
    const double whole = change.to > change.from ? std::ceil(places) : std::floor(places);
    return std::clamp(exponent < 0 ? whole / unit : whole * unit, place.low, place.high);
  }

  Function model_;
  const preprocess::Pipeline& pipeline_;
  const Table& row_;
  const TableCounterfactualOptions& options_;
  preprocess::TableUnits units_;
  Table data_{};
  std::vector<double> x_{};  // the features of the row
  std::vector<Place> places_{};
  std::vector<std::string> held_{};
  size_t width_ = 0;
  std::vector<double> matrix_{}, line_{};  // (width, features), (features)
};

}  // namespace

TableCounterfactuals table_counterfactuals(Function model, const preprocess::Pipeline& pipeline, const data::Table& row,
                                           const TableCounterfactualOptions& options) {
  return TableSearch(model, pipeline, row, options).run();
}

}  // namespace gradus::explain
