// Rates by group.
#include "gradus/cli/group_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "gradus/cli/table_report.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/metrics/fairness.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

using namespace core;

namespace {

constexpr size_t kMostGroups = 50, kMostNumbers = 12;
constexpr int64_t kFewRows = 30;

// Which group each row is in, and what the groups are called.
struct Groups {
  std::vector<std::string> names{};
  std::vector<int64_t> of_row{};
};

Groups quarters(const data::Column& column) {
  std::vector<double> sorted;
  for (const double x : column.numbers()) {
    if (std::isfinite(x)) sorted.push_back(x);
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> ends;  // the greatest number of each quarter
  for (size_t i = 1; i <= 4; ++i) {
    const double end = sorted[(sorted.size() * i + 3) / 4 - 1];
    if (ends.empty() || end > ends.back()) ends.push_back(end);
  }
  Groups out;
  const auto place_of = [&](double x) { return std::lower_bound(ends.begin(), ends.end(), x) - ends.begin(); };
  for (size_t i = 0; i < ends.size(); ++i) {
    const auto first = i == 0 ? sorted.begin() : std::upper_bound(sorted.begin(), sorted.end(), ends[i - 1]);
    out.names.push_back(concat(data::Column::numeric("", {*first}).cell(0), " to ", data::Column::numeric("", {ends[i]}).cell(0)));
  }
  bool has_missing = false;
  for (const double x : column.numbers()) {
    has_missing |= !std::isfinite(x);
    out.of_row.push_back(std::isfinite(x) ? place_of(x) : std::ssize(ends));
  }
  if (has_missing) out.names.emplace_back("(missing)");
  return out;
}

Groups groups_of(const data::Column& column, const std::string& place) {
  std::map<std::string, int64_t> counts;
  for (int64_t row = 0; row < column.size(); ++row) ++counts[column.cell(row)];
  const bool are_many = counts.size() > kMostNumbers && column.type() == data::ColumnType::numeric;
  if (!are_many && counts.size() > kMostGroups)
    fail(place, "column \"", column.name(), "\" has ", counts.size(), " different values; groups are at most ", kMostGroups);
  Groups out;
  if (are_many) {
    out = quarters(column);
  } else {
    int64_t next = 0;
    for (auto& [name, number] : counts) {
      out.names.push_back(name.empty() ? "(missing)" : name);
      number = next++;
    }
    for (int64_t row = 0; row < column.size(); ++row) out.of_row.push_back(counts[column.cell(row)]);
  }
  if (out.names.size() < 2) fail(place, "column \"", column.name(), "\" has one value only; there are no groups to compare");
  return out;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return std::isnan(value) ? "-" : text;
}
std::string bounds(const metrics::Bounds& b) {
  return std::isnan(b.value) ? "-" : concat(number(b.value), " (", number(b.lower), " to ", number(b.upper), ")");
}

// "* fewer than 30 rows" below a table where a group has so few.
std::string group_name(const Groups& groups, int64_t group, double count, bool& has_few) {
  const bool is_few = count < kFewRows;
  has_few |= is_few;
  return printable(groups.names[static_cast<size_t>(group)], 40) + (is_few ? " *" : "");
}
std::string few_text(bool has_few) {
  return has_few ? concat("* fewer than ", kFewRows, " rows: rates of such a group say little\n") : std::string();
}

std::string class_text(const Groups& groups, const Array& output, const data::Dataset& set, int64_t favourable, const std::string& name) {
  // The favourable class against the others, as the model decides.
  const Array flat = output.rank() == 2 && output.shape(1) == 1 ? reshape(output, {-1}) : output;
  const Array said = flat.rank() == 1 ? (flat > 0).astype(int64) : argmax(flat, 1).astype(int64);
  const Array is_said = where(said == favourable, 1.0, -1.0), is_so = (reshape(set.y, {-1}) == favourable).astype(int64);
  const metrics::Fairness found = metrics::fairness(is_said.eval(), is_so.eval(), array(groups.of_row));
  std::vector<std::vector<std::string>> rows{
      {"group", "rows", "are " + printable(name, 20), "said to be", "true positives", "false positives", "accuracy"}};
  bool has_few = false;
  for (const metrics::GroupRates& each : found.groups)
    rows.push_back({group_name(groups, each.group, each.count, has_few), train::with_commas(static_cast<int64_t>(each.count)),
                    bounds(each.base_rate), bounds(each.selection_rate), bounds(each.true_positive_rate), bounds(each.false_positive_rate),
                    bounds(each.accuracy)});
  const auto lacks_a_rate = [](const metrics::GroupRates& each) {
    return std::isnan(each.true_positive_rate.value) || std::isnan(each.false_positive_rate.value);
  };
  const bool lacks_some = std::any_of(found.groups.begin(), found.groups.end(), lacks_a_rate);
  std::string out = concat("favourable: ", printable(name, 60), "; rates with 95 % intervals\n", aligned(rows), few_text(has_few),
                           lacks_some ? "- nothing to share: such a group counts in no gap of that rate\n" : "");
  out += concat("gap of what is said (demographic parity): ", bounds(found.selection_gap), ", ratio ",
                number(found.demographic_parity_ratio), "\n");
  out += concat("gap of true positives (equal opportunity): ", bounds(found.true_positive_gap), "\n");
  out += concat("gap of false positives: ", bounds(found.false_positive_gap), "; equalised odds ", number(found.equalised_odds_difference),
                "\n");
  return out + concat("gap of accuracy: ", bounds(found.accuracy_gap), "\n");
}

std::string number_text(const Groups& groups, const preprocess::Pipeline& pipeline, const Array& output, const data::Dataset& set) {
  const std::vector<metrics::GroupErrors> found =
      metrics::group_errors(pipeline.restored(output), pipeline.restored(set.y), array(groups.of_row));
  std::vector<std::vector<std::string>> rows{{"group", "rows", "mean", "mean said", "said less so (95 % interval)", "mae", "rmse"}};
  bool has_few = false;
  for (const metrics::GroupErrors& each : found)
    rows.push_back({group_name(groups, each.group, static_cast<double>(each.count), has_few), train::with_commas(each.count),
                    number(each.mean_target), number(each.mean_output), bounds(each.mean_error), number(each.mae), number(each.rmse)});
  const auto by_rmse = [](const metrics::GroupErrors& a, const metrics::GroupErrors& b) { return a.rmse < b.rmse; };
  const auto [least, most] = std::minmax_element(found.begin(), found.end(), by_rmse);
  return concat(aligned(rows), few_text(has_few), "rmse is largest for ", printable(groups.names[static_cast<size_t>(most->group)], 40),
                ", ", number(most->rmse / least->rmse), " times that of ", printable(groups.names[static_cast<size_t>(least->group)], 40),
                "\n");
}

}  // namespace

std::string group_text(const preprocess::Pipeline& pipeline, const Array& output, const data::Dataset& set, const data::Column& column,
                       const std::string& favourable, const std::string& place) {
  const Groups groups = groups_of(column, place);
  const preprocess::Target& target = pipeline.target();
  const std::string heading = concat("\ngroups of ", printable(column.name(), 60), "\n");
  if (!target.is_class()) {
    if (!favourable.empty()) fail("--favourable", "is a class, and the model foretells numbers");
    return heading + number_text(groups, pipeline, output, set);
  }
  const std::vector<std::string>& classes = target.class_names;
  const std::string& name = favourable.empty() ? classes.back() : favourable;
  const auto at = std::find(classes.begin(), classes.end(), name);
  if (at == classes.end()) fail("--favourable", "there is no class \"", name, "\"", instead_of(name, classes));
  return heading + class_text(groups, output, set, at - classes.begin(), name);
}

}  // namespace gradus::cli
