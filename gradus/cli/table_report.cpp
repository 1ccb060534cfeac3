// What is told of a model of tables.
#include "gradus/cli/table_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/describe_text.hpp"
#include "gradus/data/table/describe.hpp"
#include "gradus/explain/column_dependence.hpp"
#include "gradus/explain/permutation_importance.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/metrics/baselines.hpp"
#include "gradus/metrics/calibration.hpp"
#include "gradus/metrics/regression.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

namespace {

constexpr int64_t kExplainedRows = 1000;
constexpr size_t kShownFeatures = 15, kShownCurves = 6, kShownColumns = 13, kMostFeatures = 200;
constexpr int64_t kMostPoints = 1500;  // of a scatter chart

// Large numbers in full: 22,380 and not 2.238e+04.
std::string four_digits(double value) {
  if (std::isnan(value)) return "";
  const double size = std::fabs(value);
  if (size >= 1000 && size < 1e12) return (value < 0 ? "-" : "") + train::with_commas(std::llround(size));
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", size < 1e-12 ? 0.0 : value);
  return text;
}

data::Dataset first_rows(const data::Dataset& set, int64_t most) { return set.size() > most ? data::subset(set, 0, most) : set; }

// `most` of so many, evenly spaced.
std::vector<int64_t> spread(int64_t count, int64_t most) {
  std::vector<int64_t> out;
  for (int64_t i = 0; i < std::min(count, most); ++i) out.push_back(i * count / std::min(count, most));
  return out;
}

// How often the probabilities are right, against the diagonal.
train::Chart calibration_chart(const Array& output, const data::Dataset& set) {
  train::Chart chart{
      .title = "Calibration, on the test rows", .x_label = "probability that the model says", .y_label = "share that is right"};
  train::Curve curve{.name = "model"};
  for (const metrics::CalibrationBin& bin : metrics::calibration_curve(output, set.y)) {
    curve.x.push_back(bin.predicted);
    curve.y.push_back(bin.observed);
  }
  chart.curves = {std::move(curve), {.name = "as it should be", .x = {0, 1}, .y = {0, 1}}};
  return chart;
}

// Dates as years: 2024.5 is the middle of that year.
std::vector<double> axis_of(const data::Column& values) {
  std::vector<double> out(values.numbers().begin(), values.numbers().end());
  constexpr double kYear = 365.2425 * 86400;
  if (values.type() == data::ColumnType::date) {
    for (double& value : out) value = 1970 + value / kYear;
  }
  return out;
}

// A line over numbers, bars over categories.
void add_dependence(train::Report& report, const explain::ColumnDependence& found, const std::string& answer) {
  const std::string name = found.values.name(), title = "How the answer depends on " + name;
  if (found.values.has_numbers()) {
    const std::vector<double> x = axis_of(found.values);
    report.charts.push_back({.title = title,
                             .x_label = name,
                             .y_label = answer,
                             .curves = {{.name = "mean", .x = x, .y = found.means},
                                        {.name = "a tenth is below", .x = x, .y = found.lower},
                                        {.name = "a tenth is above", .x = x, .y = found.upper}}});
    return;
  }
  train::BarChart chart{
      .title = title,
      .note = concat("The ", answer, " when all of ", found.rows, " test rows have this value: mean, and where four in five lie.")};
  for (size_t i = 0; i < found.means.size(); ++i)
    chart.bars.push_back(
        {.name = found.values.cell(static_cast<int64_t>(i)), .value = found.means[i], .low = found.lower[i], .high = found.upper[i]});
  report.bars.push_back(std::move(chart));
}

// What the answers hang on; gives the columns in the order of their importance.
std::vector<std::string> add_explanations(train::Report& report, const RunResult& result, const preprocess::Pipeline& pipeline) {
  const data::Dataset rows = first_rows(result.data.test, kExplainedRows);
  const std::vector<explain::Feature> features = table_features(pipeline);
  if (features.size() > kMostFeatures || rows.size() < 2) return {};
  const explain::Importance importance = table_importance(result.model, pipeline, rows, 5);
  report.bars.push_back(importance_chart(importance, pipeline, concat(train::with_commas(rows.size()), " test rows"), kShownFeatures));
  const preprocess::Target& target = pipeline.target();
  const auto classes = static_cast<int64_t>(target.class_names.size());
  // Of two classes the second, of more the last: what is asked for has one name.
  const int64_t index = target.is_class() && result.output.rank() == 2 && result.output.shape(1) > 1 ? classes - 1 : 0;
  const std::string answer =
      target.is_class() ? concat("probability of ", target.class_names[static_cast<size_t>(classes - 1)]) : target.column;
  size_t shown = 0;
  std::vector<std::string> order;
  for (const size_t i : importance.order()) {
    const std::string& name = importance.names[i];
    const data::Column* column = result.data.test_table.find(name);
    if (!column) continue;  // of several columns
    order.push_back(name);
    if (shown == kShownCurves || importance.means[i] <= 0 || !(column->has_numbers() || column->is_coded()) ||
        column->missing() == column->size())
      continue;
    add_dependence(
        report,
        explain::column_dependence(result.model, pipeline, result.data.test_table, name,
                                   {.target = index, .scale = target.is_class() ? explain::Scale::probability : explain::Scale::output}),
        answer);
    ++shown;
  }
  return order;
}

// What was learnt from, the target first.
void add_columns(train::Report& report, const data::Table& table, const std::string& target, const std::vector<std::string>& order) {
  std::vector<std::string> names{target};
  for (const std::string& name : order) {
    if (names.size() < kShownColumns && table.contains(name)) names.push_back(name);
  }
  if (!table.contains(target)) return;
  const data::Description description = data::describe(table.select(names), {.frequent = 8, .most_columns = 1});
  for (const data::ColumnSummary& column : description.columns) {
    train::ReportColumn shown{
        .name = column.name,
        .facts = concat(column.name == target ? "the target, " : "", data::name_of(column.type), ", ",
                        count_text(column.missing, column.rows), " missing, ", train::with_commas(column.distinct), " distinct")};
    const bool has_numbers = column.type == data::ColumnType::numeric || column.type == data::ColumnType::date;
    if (has_numbers && column.histogram.counts.size() > 1) shown.histogram = histogram_of(column);
    if (!has_numbers) {
      for (const data::ValueCount& each : column.frequent)
        shown.bars.push_back({.name = each.value, .text = train::with_commas(each.count), .value = static_cast<double>(each.count)});
    }
    report.columns.push_back(std::move(shown));
  }
}

// Regression: what the model says against what is right, and how far it is off, in the target's own unit.
void add_residuals(train::Report& report, const RunResult& result, const preprocess::Pipeline& pipeline) {
  const std::vector<double> said = pipeline.restored(result.output).to_vector<double>(),
                            truth = pipeline.restored(result.data.test.y).to_vector<double>();
  if (said.size() != truth.size() || said.empty()) return;
  train::Curve points{.name = "test rows", .is_scatter = true}, residuals = points;
  for (const int64_t i : spread(static_cast<int64_t>(said.size()), kMostPoints)) {
    const auto at = static_cast<size_t>(i);
    points.x.push_back(truth[at]);
    points.y.push_back(said[at]);
    residuals.x.push_back(said[at]);
    residuals.y.push_back(truth[at] - said[at]);
  }
  const auto [low, high] = std::minmax_element(points.x.begin(), points.x.end());
  const auto [least, most] = std::minmax_element(residuals.x.begin(), residuals.x.end());
  const std::string& name = pipeline.target().column;
  report.charts.push_back({.title = "Model against target, on the test rows",
                           .x_label = name,
                           .y_label = "model",
                           .curves = {points, {.name = "equal", .x = {*low, *high}, .y = {*low, *high}}}});
  report.charts.push_back({.title = "Residuals, on the test rows",
                           .x_label = "model",
                           .y_label = name + " less model",
                           .curves = {residuals, {.name = "none", .x = {*least, *most}, .y = {0, 0}}}});
}

}  // namespace

std::vector<explain::Feature> table_features(const preprocess::Pipeline& pipeline) {
  std::vector<explain::Feature> out;
  std::map<std::string, size_t> places;
  const std::vector<std::string>& origins = pipeline.origins();
  for (size_t i = 0; i < origins.size(); ++i) {
    const std::string name = origins[i].empty() ? pipeline.features()[i] : origins[i];
    const auto [found, is_new] = places.emplace((origins[i].empty() ? "f " : "o ") + name, out.size());
    if (is_new) out.push_back({name, {}});
    out[found->second].columns.push_back(static_cast<int64_t>(i));
  }
  return out;
}

namespace {

// Of a target that is learnt as its logarithm: the error in decimal places of size, which small and large values share.
void add_log_error(const preprocess::Pipeline& pipeline, const Array& output, const Array& y, metrics::SummaryOptions options,
                   metrics::Summary& out) {
  const double to_decimal = std::log10(std::exp(1.0));
  const auto log10_of = [&](const Array& numbers) { return (log(pipeline.restored(numbers)) * to_decimal).eval(); };
  for (metrics::SummaryBaseline& baseline : options.baselines) baseline.output = log(maximum(baseline.output, 1e-300)) * to_decimal;
  if (options.train_target.exists()) options.train_target = log(options.train_target) * to_decimal;
  metrics::SummaryRow row = metrics::summary(log10_of(output), log10_of(y), options)["rmse"];
  row.name = "rmse_of_log10";
  row.text = "root of the mean squared error of the logarithms to the base 10";
  out.rows.push_back(std::move(row));
}

}  // namespace

explain::Importance table_importance(const nn::Model& model, const preprocess::Pipeline& pipeline, const data::Dataset& rows,
                                     int64_t repeats) {
  const explain::PermutationOptions options{
      .repeats = repeats, .groups = table_features(pipeline), .names = pipeline.features(), .seed = 0};
  const explain::Score accuracy([](const Array& output, const Array& y) { return metrics::accuracy(output, y); });
  const explain::Score error(
      [&](const Array& output, const Array& y) { return -sqrt(mean(square(pipeline.restored(output) - pipeline.restored(y)))); });
  return explain::permutation_importance(model, rows.x, rows.y, pipeline.target().is_class() ? accuracy : error, options);
}

train::BarChart importance_chart(const explain::Importance& importance, const preprocess::Pipeline& pipeline, const std::string& what,
                                 size_t most) {
  const size_t repeats = importance.repeats.empty() ? 0 : importance.repeats[0].size();
  train::BarChart chart{
      .title = "What the model needs: permutation importance",
      .note = concat("How far ", pipeline.target().is_class() ? "the accuracy falls" : "the root mean squared error grows", " on ", what,
                     " when a column is shuffled: mean of ", repeats, " shuffles, and the range of a deviation.")};
  for (const size_t i : importance.order()) {
    if (chart.bars.size() == most) break;
    const double value = importance.means[i], deviation = importance.deviations[i];
    chart.bars.push_back({.name = importance.names[i], .value = value, .low = value - deviation, .high = value + deviation});
  }
  return chart;
}

metrics::Summary table_summary(const preprocess::Pipeline& pipeline, const Array& output, const data::Dataset& set,
                               const Array& train_target, const SummaryWishes& wishes) {
  const bool is_class = pipeline.target().is_class();
  metrics::SummaryOptions options{.class_names = pipeline.target().class_names, .has_intervals = wishes.has_intervals};
  for (const metrics::SummaryBaseline& baseline : wishes.baselines)
    options.baselines.push_back({baseline.name, is_class ? baseline.output : pipeline.restored(baseline.output)});
  if (train_target.exists()) options.train_target = is_class ? train_target : pipeline.restored(train_target);
  options.task = !is_class                                   ? metrics::Task::regression
                 : pipeline.target().class_names.size() == 2 ? metrics::Task::binary
                                                             : metrics::Task::multi_class;
  if (is_class) return metrics::summary(output, set.y, options);
  metrics::Summary out = metrics::summary(pipeline.restored(output), pipeline.restored(set.y), options);
  if (pipeline.target().is_log) add_log_error(pipeline, output, set.y, options, out);
  return out;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows[0].size(), 0);
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    std::string line = row[0] + std::string(widths[0] - row[0].size(), ' ');
    for (size_t i = 1; i < row.size(); ++i) line += "  " + std::string(widths[i] - row[i].size(), ' ') + row[i];
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string summary_text(const metrics::Summary& summary) {
  std::vector<std::vector<std::string>> rows{{"score", "value", "from", "to"}};
  rows[0].insert(rows[0].end(), summary.baselines.begin(), summary.baselines.end());
  for (const metrics::SummaryRow& row : summary.rows) {
    rows.push_back({row.name, four_digits(row.value), four_digits(row.lower), four_digits(row.upper)});
    for (const double value : row.baselines) rows.back().push_back(four_digits(value));
  }
  return aligned(rows);
}

train::ReportTable report_table(const metrics::Summary& summary, const std::string& title) {
  char level[32];
  std::snprintf(level, sizeof level, "%.0f %% interval", 100 * summary.confidence);
  train::ReportTable table{title, {"score", "value", level}, {}};
  for (const std::string& name : summary.baselines) table.header.push_back(name);
  for (const metrics::SummaryRow& row : summary.rows) {
    const bool has_bounds = !std::isnan(row.lower);
    std::string name = row.name;
    std::replace(name.begin(), name.end(), '_', ' ');
    table.rows.push_back({name, four_digits(row.value), has_bounds ? four_digits(row.lower) + "\u2013" + four_digits(row.upper) : ""});
    for (const double value : row.baselines) table.rows.back().push_back(four_digits(value));
  }
  return table;
}

void add_headlines(train::Report& report, const metrics::Summary& summary) {
  for (const metrics::SummaryRow& row : summary.rows) {
    if (row.name == "accuracy") report.headlines.push_back({"test accuracy", metric_text(row.name, row.value)});
    if (row.name == "roc_auc") report.headlines.push_back({"test ROC AUC", four_digits(row.value)});
    if (row.name == "rmse") report.headlines.push_back({"test RMSE", four_digits(row.value)});
    if (row.name == "r2") report.headlines.push_back({"test R\u00b2", four_digits(row.value)});
  }
}

void add_table(train::Report& report, const RunResult& result, const preprocess::Pipeline& pipeline) {
  if (!result.summary) return;
  report.scores.push_back(
      report_table(*result.summary, concat("Scores on ", train::with_commas(result.data.test.size()), " test rows, beside baselines")));
  if (pipeline.target().is_class()) report.charts.push_back(calibration_chart(result.output, result.data.test));
  else add_residuals(report, result, pipeline);
  const std::vector<std::string> order = add_explanations(report, result, pipeline);
  add_columns(report, result.data.train_table, pipeline.target().column, order);
  if (!result.data.notes.empty()) {
    train::ReportTable notes{"What was done to the data", {}, {}};
    for (const std::string& note : result.data.notes) notes.rows.push_back({note});
    report.tables.push_back(std::move(notes));
  }
}

}  // namespace gradus::cli
