// The target of a pipeline: classes, or numbers on another scale.
#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/preprocess/categories.hpp"
#include "gradus/preprocess/numeric.hpp"
#include "gradus/preprocess/pipeline.hpp"

namespace gradus::preprocess {

using namespace core;
using data::Column;
using data::ColumnType;

std::span<const std::string_view> enum_names(Task) {
  static constexpr std::string_view names[] = {"automatic", "classification", "regression"};
  return names;
}
std::span<const std::string_view> enum_names(TargetScale) {
  static constexpr std::string_view names[] = {"none", "standardise", "log", "automatic"};
  return names;
}

double Target::scaled(double y) const { return ((is_log ? std::log(y) : y) - mean) / deviation; }
double Target::restored(double output) const {
  const double y = output * deviation + mean;
  return is_log ? std::exp(y) : y;
}

namespace {

constexpr double kLargestTarget = 1e150;
constexpr size_t kMostClasses = 10'000, kFewClasses = 20, kFewNumbers = 10, kFewInARow = 20;

double skewness(const std::vector<double>& values) {
  const Moments moments = moments_of(values);
  double cubes = 0;
  for (const double x : values) cubes += std::pow(x - moments.mean, 3);
  const double deviation = std::sqrt(moments.variance);
  return deviation > 0 ? cubes / static_cast<double>(values.size()) / std::pow(deviation, 3) : 0;
}

// Whether numbers are labels: few and whole.
bool are_labels(const std::vector<double>& sorted) {
  const std::set<double> distinct(sorted.begin(), sorted.end());
  if (distinct.size() > kFewInARow) return false;
  if (std::any_of(distinct.begin(), distinct.end(), [](double x) { return x != std::floor(x); })) return distinct.size() == 2;
  const bool follow_on = *distinct.begin() >= 0 && *distinct.begin() <= 1 &&
                         *distinct.rbegin() - *distinct.begin() == static_cast<double>(distinct.size() - 1);
  return distinct.size() <= kFewNumbers || follow_on;
}

std::vector<std::string> class_names_of(const Column& column) {
  std::vector<std::string> out;
  if (column.is_coded()) {
    const std::vector<int64_t> counts = counts_of(column);
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] > 0) out.push_back(column.categories()[i]);
    }
  } else if (column.has_numbers()) {
    const std::vector<double> sorted = sorted_values(column.numbers());
    for (const double x : std::set<double>(sorted.begin(), sorted.end())) out.push_back(core::to_text(x));
  } else {
    std::set<std::string> distinct;
    for (int64_t row = 0; row < column.size(); ++row) {
      if (!column.is_missing(row)) distinct.insert(column.cell(row));
    }
    out.assign(distinct.begin(), distinct.end());
  }
  return out;
}

// In lower case, without a full stop at the end.
std::string plain_label(std::string_view label) {
  while (!label.empty() && (label.back() == '.' || label.back() == ' ')) label.remove_suffix(1);
  std::string out;
  for (const char c : label) out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

}  // namespace

std::vector<int64_t> rows_with_target(const Column& target) {
  std::vector<int64_t> known;
  for (int64_t row = 0; row < target.size(); ++row) {
    if (target.has_numbers() ? std::isfinite(target.numbers()[static_cast<size_t>(row)]) : !target.is_missing(row)) known.push_back(row);
  }
  return known;
}

Target target_of(const Column& column, const TargetOptions& options) {
  Target target{.column = column.name(), .class_names = {}, .type = column.type(), .is_log = false, .mean = 0, .deviation = 1};
  const std::string what = concat("the target \"", column.name(), "\"");
  const bool has_numbers = column.type() == ColumnType::numeric;
  if (column.type() == ColumnType::date || column.type() == ColumnType::image)
    fail("Pipeline", what, " is ", data::name_of(column.type()), "; it must be numbers or classes");
  const std::vector<double> sorted = has_numbers ? sorted_values(column.numbers()) : std::vector<double>();
  if (has_numbers ? sorted.empty() : column.missing() == column.size()) fail("Pipeline", what, " has no value in ", column.size(), " rows");
  const bool is_class = options.task == Task::classification || (options.task == Task::automatic && (!has_numbers || are_labels(sorted)));
  if (is_class) {
    target.class_names = class_names_of(column);
    const size_t classes = target.class_names.size();
    if (classes < 2) fail("Pipeline", what, " has one class only, \"", target.class_names[0], "\"; there is nothing to tell apart");
    const auto present = static_cast<size_t>(column.size() - column.missing());
    if (classes > kMostClasses || (classes > kFewClasses && 2 * classes > present))
      fail("Pipeline", what, " has ", classes, " different values in ", column.size(), " rows; they are no classes");
    return target;
  }
  if (!has_numbers) fail("Pipeline", what, " is ", data::name_of(column.type()), "; regression is of numbers");
  if (std::max(-sorted.front(), sorted.back()) > kLargestTarget)
    fail("Pipeline", what, " goes from ", sorted.front(), " to ", sorted.back(), "; numbers beyond 1e150 cannot be learnt");
  if (sorted.front() == sorted.back()) fail("Pipeline", what, " is ", sorted.front(), " in all rows; there is nothing to learn");
  if (options.scale == TargetScale::none) return target;
  std::vector<double> logs;
  for (const double y : sorted) logs.push_back(y > 0 ? std::log(y) : std::nan(""));
  if (options.scale == TargetScale::log && sorted.front() <= 0)
    fail("Pipeline", what, " has ", sorted.front(), "; a logarithm is of numbers above 0");
  const double skew = skewness(sorted);
  target.is_log = options.scale == TargetScale::log ||
                  (options.scale == TargetScale::automatic && sorted.front() > 0 && skew > 1 && std::fabs(skewness(logs)) <= 0.5 * skew);
  const Moments moments = moments_of(target.is_log ? logs : sorted);
  target.mean = moments.mean;
  target.deviation = moments.variance > 0 ? std::sqrt(moments.variance) : 1;
  return target;
}

TargetOptions settled(const Column& column, const TargetOptions& options) {
  const Target target = target_of(column, options);
  TargetOptions out = options;
  out.task = target.is_class() ? Task::classification : Task::regression;
  if (options.scale == TargetScale::automatic) out.scale = target.is_log ? TargetScale::log : TargetScale::standardise;
  return out;
}

namespace {

// Places of classes by their names, and by what is left of those when case and a full stop do not count.
class ClassPlaces {
 public:
  explicit ClassPlaces(const std::vector<std::string>& names) {
    for (size_t i = 0; i < names.size(); ++i) {
      exact_.emplace(names[i], static_cast<int64_t>(i));
      const auto [found, is_new] = plain_.emplace(plain_label(names[i]), static_cast<int64_t>(i));
      if (!is_new) found->second = -1;  // of two classes
    }
  }
  struct Place {
    int64_t label = -1;  // -1: no class
    bool is_exact = true;
  };
  Place operator[](const std::string& cell) const {
    if (const auto found = exact_.find(cell); found != exact_.end()) return {found->second, true};
    const auto near = plain_.find(plain_label(cell));
    return near == plain_.end() || cell.empty() ? Place{} : Place{near->second, false};
  }

 private:
  std::unordered_map<std::string, int64_t> exact_{}, plain_{};
};

[[noreturn]] void fail_label(const Target& target, int64_t row, const std::string& cell) {
  constexpr size_t kMostNamed = 10;
  std::string all;
  for (size_t i = 0; i < std::min(target.class_names.size(), kMostNamed); ++i) all += (i ? ", " : "") + target.class_names[i];
  fail("Pipeline", "row ", row, " of the target \"", target.column, "\" is ", cell.empty() ? "missing" : "\"" + cell + "\"",
       "; its classes are ", all, target.class_names.size() > kMostNamed ? ", ..." : "");
}

}  // namespace

// The number that is learnt, or the place of the class, of each row.
std::vector<double> Pipeline::targets(const Column& column, Treatments& treatments) const {
  std::vector<double> out;
  if (!target_.is_class()) {
    const Column numbers = column.type() == ColumnType::numeric ? column : column.as(ColumnType::numeric);
    for (const double value : numbers.numbers()) {
      if (std::isnan(value))
        fail("Pipeline", "row ", out.size(), " of the target \"", column.name(), "\" is missing; rows without a target must be left out");
      out.push_back(target_.scaled(value));
    }
    return out;
  }
  const ClassPlaces places(target_.class_names);
  for (int64_t row = 0; row < column.size(); ++row) {
    const std::string cell = column.cell(row);
    const ClassPlaces::Place place = places[cell];
    if (place.label < 0) fail_label(target_, row, cell);
    if (!place.is_exact)
      treatments.add(column.name(), concat("taken as \"", target_.class_names[static_cast<size_t>(place.label)], "\""), 1, cell);
    out.push_back(static_cast<double>(place.label));
  }
  return out;
}

std::vector<int64_t> Pipeline::rows_with_known_target(const data::Table& table) const {
  require_fitted("rows_with_known_target");
  const Column& column = table[target_.column];
  const ClassPlaces places(target_.class_names);
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < column.size(); ++row) {
    if (!column.is_missing(row) && (!target_.is_class() || places[column.cell(row)].label >= 0)) rows.push_back(row);
  }
  return rows;
}

Array Pipeline::target_array(const std::vector<double>& values) const {
  const auto rows = static_cast<int64_t>(values.size());
  return target_.is_class() ? array(std::vector<int64_t>(values.begin(), values.end()), {rows})
                            : array(values, {rows, 1}).astype(float32).eval();
}

Array Pipeline::restored(const Array& output) const {
  if (!target_.exists() || target_.is_class()) return output;
  const Array y = output.astype(float64) * target_.deviation + target_.mean;
  return target_.is_log ? exp(y) : y;
}

}  // namespace gradus::preprocess
