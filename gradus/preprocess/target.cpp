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

constexpr size_t kMostClasses = 10'000, kFewNumbers = 10, kFewInARow = 20;

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
    if (classes > kMostClasses || (column.type() == ColumnType::text && 2 * classes > static_cast<size_t>(column.size())))
      fail("Pipeline", what, " has ", classes, " different values in ", column.size(), " rows; they are no classes");
    return target;
  }
  if (!has_numbers) fail("Pipeline", what, " is ", data::name_of(column.type()), "; regression is of numbers");
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

// The number that is learnt, or the place of the class, of each row.
std::vector<double> Pipeline::targets(const Column& column, Treatments& treatments) const {
  const int64_t rows = column.size();
  if (!target_.is_class()) {
    const Column numbers = column.type() == ColumnType::numeric ? column : column.as(ColumnType::numeric);
    std::vector<double> y;
    for (const double value : numbers.numbers()) y.push_back(target_.scaled(value));
    return y;
  }
  std::unordered_map<std::string, int64_t> exact, plain;
  for (size_t i = 0; i < target_.class_names.size(); ++i) {
    exact.emplace(target_.class_names[i], static_cast<int64_t>(i));
    const auto [found, is_new] = plain.emplace(plain_label(target_.class_names[i]), static_cast<int64_t>(i));
    if (!is_new) found->second = -1;  // of two classes
  }
  std::vector<double> labels;
  for (int64_t row = 0; row < rows; ++row) {
    const std::string cell = column.cell(row);
    if (const auto found = exact.find(cell); found != exact.end()) {
      labels.push_back(static_cast<double>(found->second));
      continue;
    }
    const auto near = plain.find(plain_label(cell));
    if (near == plain.end() || near->second < 0 || cell.empty()) {
      std::string all;
      for (size_t i = 0; i < std::min<size_t>(target_.class_names.size(), 10); ++i) all += (i ? ", " : "") + target_.class_names[i];
      fail("Pipeline", "row ", row, " of the target \"", column.name(), "\" is ", cell.empty() ? "missing" : "\"" + cell + "\"",
           "; its classes are ", all, target_.class_names.size() > 10 ? ", ..." : "");
    }
    treatments.add(column.name(), concat("taken as \"", target_.class_names[static_cast<size_t>(near->second)], "\""), 1, cell);
    labels.push_back(static_cast<double>(near->second));
  }
  return labels;
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
