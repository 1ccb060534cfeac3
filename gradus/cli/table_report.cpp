// What is told of a model of tables.
#include "gradus/cli/table_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/explain/dependence.hpp"
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
constexpr size_t kShownFeatures = 15, kShownCurves = 4, kMostFeatures = 200;

std::string four_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return std::isnan(value) ? "" : text;
}

data::Dataset first_rows(const data::Dataset& set, int64_t most) { return set.size() > most ? data::subset(set, 0, most) : set; }

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

// The input's own unit of a standardised number, as far as the first steps tell: the training table's quantiles.
train::Chart dependence_chart(const explain::Dependence& curve, const std::string& name, const std::string& answer) {
  train::Chart chart{.title = "How the answer hangs on " + name,
                     .x_label = name + (curve.axis.is_category ? " (place of the category)" : ", as prepared"),
                     .y_label = answer};
  train::Curve means{.name = "mean over rows", .x = curve.axis.values, .y = curve.means};
  const std::vector<double> all = curve.curves.to_vector<double>();
  const size_t points = curve.means.size(), rows = points ? all.size() / points : 0;
  std::vector<double> low(points), high(points);
  for (size_t p = 0; p < points; ++p) {
    std::vector<double> values;
    for (size_t r = 0; r < rows; ++r) values.push_back(all[r * points + p]);
    std::sort(values.begin(), values.end());
    low[p] = values[rows / 10];
    high[p] = values[rows - 1 - rows / 10];
  }
  chart.curves = {std::move(means),
                  {.name = "a tenth is below", .x = curve.axis.values, .y = low},
                  {.name = "a tenth is above", .x = curve.axis.values, .y = high}};
  return chart;
}

void add_explanations(train::Report& report, const RunResult& result, const preprocess::Pipeline& pipeline) {
  const data::Dataset rows = first_rows(result.data.test, kExplainedRows);
  const std::vector<explain::Feature> features = table_features(pipeline);
  if (features.size() > kMostFeatures) return;
  const explain::Importance importance = table_importance(result.model, pipeline, rows, 5);
  report.bars.push_back(importance_chart(importance, pipeline, concat(train::with_commas(rows.size()), " test rows"), kShownFeatures));
  const preprocess::Target& target = pipeline.target();
  const int64_t classes = static_cast<int64_t>(target.class_names.size());
  // Of two classes the second, of more the last: what is asked for has one name.
  const int64_t index = target.is_class() && result.output.rank() == 2 && result.output.shape(1) > 1 ? classes - 1 : 0;
  const explain::DependenceOptions options{
      .target = index, .scale = target.is_class() ? explain::Scale::probability : explain::Scale::output, .names = pipeline.features()};
  const std::string answer =
      target.is_class() ? concat("probability of ", target.class_names[static_cast<size_t>(classes - 1)]) : target.column;
  const data::Dataset few = first_rows(rows, 300);
  size_t shown = 0;
  for (const size_t i : importance.order()) {
    if (shown == kShownCurves || importance.means[i] <= 0) break;
    explain::Dependence curve = explain::partial_dependence(result.model, few.x, explain::Varied(features[i]), options);
    if (!target.is_class()) {
      for (double& value : curve.means) value = target.restored(value);
      curve.curves = pipeline.restored(curve.curves);
    }
    report.charts.push_back(dependence_chart(curve, importance.names[i], answer));
    ++shown;
  }
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
                               const Array& train_target) {
  const bool is_class = pipeline.target().is_class();
  metrics::SummaryOptions options{.class_names = pipeline.target().class_names};
  if (train_target.exists()) options.train_target = is_class ? train_target : pipeline.restored(train_target);
  options.task = !is_class                                   ? metrics::Task::regression
                 : pipeline.target().class_names.size() == 2 ? metrics::Task::binary
                                                             : metrics::Task::multi_class;
  return is_class ? metrics::summary(output, set.y, options)
                  : metrics::summary(pipeline.restored(output), pipeline.restored(set.y), options);
}

std::string summary_text(const metrics::Summary& summary) {
  std::vector<std::vector<std::string>> rows{{"score", "value", "from", "to", summary.baseline.empty() ? "" : summary.baseline}};
  for (const metrics::SummaryRow& row : summary.rows)
    rows.push_back({row.name, four_digits(row.value), four_digits(row.lower), four_digits(row.upper), four_digits(row.baseline)});
  std::vector<size_t> widths(5, 0);
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

train::ReportTable report_table(const metrics::Summary& summary, const std::string& title) {
  char level[32];
  std::snprintf(level, sizeof level, "%.0f %% interval", 100 * summary.confidence);
  train::ReportTable table{title, {"score", "value", level}, {}};
  if (!summary.baseline.empty()) table.header.push_back("baseline: " + summary.baseline);
  for (const metrics::SummaryRow& row : summary.rows) {
    const bool has_bounds = !std::isnan(row.lower);
    table.rows.push_back({row.text.empty() ? row.name : row.text, four_digits(row.value),
                          has_bounds ? four_digits(row.lower) + " to " + four_digits(row.upper) : ""});
    if (!summary.baseline.empty()) table.rows.back().push_back(four_digits(row.baseline));
  }
  return table;
}

void add_table(train::Report& report, const RunResult& result, const preprocess::Pipeline& pipeline) {
  if (!result.summary) return;
  report.tables.push_back(report_table(*result.summary, concat("Scores on ", train::with_commas(result.data.test.size()), " test rows")));
  if (pipeline.target().is_class()) report.charts.push_back(calibration_chart(result.output, result.data.test));
  add_explanations(report, result, pipeline);
  if (!result.data.notes.empty()) {
    train::ReportTable notes{"What was done to the data", {}, {}};
    for (const std::string& note : result.data.notes) notes.rows.push_back({note});
    report.tables.push_back(std::move(notes));
  }
}

}  // namespace gradus::cli
