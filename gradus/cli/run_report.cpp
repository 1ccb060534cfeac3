// The report of a run.
#include "gradus/cli/run_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>

#include "gradus/base/threads.hpp"
#include "gradus/base/version.hpp"
#include "gradus/cli/folds.hpp"
#include "gradus/cli/insight.hpp"
#include "gradus/cli/linear_baseline.hpp"
#include "gradus/cli/table_report.hpp"
#include "gradus/nn/summary.hpp"
#include "gradus/plan/backend.hpp"
#include "gradus/train/evaluation.hpp"
#include "gradus/train/fit.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

namespace {

constexpr size_t kMostPoints = 1500;  // of a scatter chart

std::string formatted(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string words_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string title_of(std::string name) {
  name = words_of(std::move(name));
  if (!name.empty()) name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  return name;
}

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(std::min(line.find(": ") + 2, line.size()));
  }
  return "unknown";
}

std::string date_text() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[48];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

// One chart a number that training logs: of the training set, and of what was watched.
std::vector<train::Chart> history_charts(const RunResult& result) {
  std::vector<train::Chart> charts;
  const train::History& history = result.history;
  if (history.epochs.empty()) return charts;
  std::vector<double> epochs, rates;
  for (const train::Epoch& epoch : history.epochs) {
    epochs.push_back(static_cast<double>(epoch.number));
    rates.push_back(epoch.learning_rate);
  }
  for (const auto& [name, value] : history.epochs.front().logs) {
    if (name.starts_with("val_")) continue;
    train::Chart chart{
        .title = title_of(name), .x_label = "epoch", .curves = {{"training", epochs, history.series(name)}}, .is_x_counted = true};
    const std::vector<double> watched = history.series("val_" + name);
    if (std::any_of(watched.begin(), watched.end(), [](double x) { return std::isfinite(x); })) {
      chart.curves.push_back({result.data.is_validated_on_test ? "test" : "validation", epochs, watched});
    }
    charts.push_back(std::move(chart));
  }
  if (std::adjacent_find(rates.begin(), rates.end(), std::not_equal_to<>()) != rates.end()) {
    charts.push_back(
        {.title = "Learning rate", .x_label = "epoch", .curves = {{"at the end of the epoch", epochs, rates}}, .is_x_counted = true});
  }
  return charts;
}

// Regression on one number: what the model says against what is right.
void add_scatter(train::Report& report, const RunResult& result) {
  const Array& y = result.data.test.y;
  if (!result.output.exists() || !y.exists() || !y.dtype().is_float() || y.size() != result.output.size() ||
      y.size() != result.data.test.size())
    return;
  std::vector<double> truth = y.to_vector<double>(), said = result.output.to_vector<double>();
  truth.resize(std::min(truth.size(), kMostPoints));
  said.resize(truth.size());
  const auto [low, high] = std::minmax_element(truth.begin(), truth.end());
  train::Chart chart{.title = "Model against target, on the test set", .x_label = "target", .y_label = "model"};
  chart.curves.push_back({"samples", truth, said, true});
  chart.curves.push_back({"equal", {*low, *high}, {*low, *high}});
  report.charts.push_back(std::move(chart));
}

// Classification of points in the plane: the points, coloured by what the model says.
void add_plane(train::Report& report, const train::Classification& answers, const data::Dataset& test) {
  if (test.x.rank() != 2 || test.x.shape(1) != 2 || answers.class_names.size() > 4) return;
  const std::vector<double> x = test.x.to_vector<double>();
  train::Chart chart{.title = "Test samples by predicted class", .x_label = "first feature", .y_label = "second feature"};
  for (const std::string& name : answers.class_names) chart.curves.push_back({.name = name, .is_scatter = true});
  for (size_t i = 0; i < std::min(answers.predicted.size(), kMostPoints); ++i) {
    train::Curve& curve = chart.curves[static_cast<size_t>(answers.predicted[i])];
    curve.x.push_back(x[2 * i]);
    curve.y.push_back(x[2 * i + 1]);
  }
  report.charts.push_back(std::move(chart));
}

double training_seconds(const train::History& history) {
  double seconds = 0;
  for (const train::Epoch& epoch : history.epochs) seconds += epoch.seconds;
  return seconds;
}

std::string shape_text(const data::Dataset& set) { return set.x.exists() ? to_text(set.x.shape()) : "none"; }

train::ReportTable run_table(const RunResult& result) {
  const train::History& history = result.history;
  const int64_t examples = result.data.train.size();
  train::ReportTable table{"Run", {}, {}};
  table.rows.push_back(
      {"data", result.data.train.name + (result.data.train.description.empty() ? "" : ": " + result.data.train.description)});
  table.rows.push_back({"training samples", shape_text(result.data.train)});
  if (result.data.validation.size() > 0 && !result.data.is_validated_on_test)
    table.rows.push_back({"validation samples", shape_text(result.data.validation)});
  table.rows.push_back({"test samples", shape_text(result.data.test)});
  table.rows.push_back({"epochs", core::to_text(static_cast<int64_t>(history.epochs.size())) +
                                      (history.is_interrupted     ? concat(" (interrupted after step ", history.steps, ")")
                                       : history.is_stopped_early ? " (no progress any more)"
                                                                  : "")});
  if (history.best_epoch > 0) table.rows.push_back({"parameters of epoch", core::to_text(history.best_epoch)});
  table.rows.push_back({"batch size", core::to_text(result.recipe.train.batch_size)});
  table.rows.push_back({"steps", train::with_commas(history.steps)});
  table.rows.push_back({"time of training", formatted("%.1f s", history.seconds) + ", without validation and saving " +
                                                formatted("%.1f s", training_seconds(history))});
  table.rows.push_back({"samples a second", train::with_commas(std::llround(training_rate(history, examples)))});
  return table;
}

// What one sample costs, layer by layer.
train::ReportTable model_table(const nn::Model& model) {
  std::vector<int64_t> sizes = {1};
  sizes.insert(sizes.end(), model.info.input_shape.begin(), model.info.input_shape.end());
  const nn::Summary summary = nn::summarize(model, Shape(sizes), model.info.input_dtype);
  train::ReportTable table{"Model", {"layer", "output", "parameters", "multiply-adds"}, {}};
  for (size_t i = 0; i < summary.rows.size(); ++i) {
    const nn::SummaryRow& row = summary.rows[i];
    if (i + 1 < summary.rows.size() && summary.rows[i + 1].depth > row.depth) continue;  // its numbers are those of the rows below it
    table.rows.push_back({row.name + (row.details.empty() ? "" : " (" + row.details + ")"), row.output ? to_text(*row.output) : "",
                          train::with_commas(row.parameters), train::with_commas(row.multiply_adds)});
  }
  table.rows.push_back(
      {"all", "", train::with_commas(summary.trainable + summary.frozen + summary.state), train::with_commas(summary.multiply_adds)});
  return table;
}

train::ReportTable environment_table(const RunResult& result) {
  const Recipe& recipe = result.recipe;
  train::ReportTable table{"Environment",
                           {},
                           {{"date", date_text()},
                            {"processor", processor_name()},
                            {"working with", plan::current_backend().description()},
                            {"threads", to_text(static_cast<int64_t>(threads()))},
                            {"precision", train::to_text(recipe.train.precision)},
                            {"Gradus", GRADUS_VERSION},
                            {"seed", to_text(recipe.seed)}}};
  if (result.history.privacy) table.rows.push_back({"privacy", to_text(*result.history.privacy)});
  return table;
}

train::ReportTable findings_table(const std::vector<train::Finding>& findings) {
  train::ReportTable table{"Findings of the doctor", {"where", "what", "why it matters", "remedy"}, {}};
  for (const train::Finding& finding : findings) table.rows.push_back({finding.where, finding.what, finding.why, finding.remedy});
  return table;
}

}  // namespace

double training_rate(const train::History& history, int64_t examples_per_epoch) {
  const double seconds = training_seconds(history);
  return seconds > 0 ? static_cast<double>(examples_per_epoch) * static_cast<double>(history.epochs.size()) / seconds : 0;
}

std::string metric_text(std::string_view name, double value) {
  const bool is_share = name.find("accuracy") != std::string_view::npos || name.starts_with("top_");
  return is_share ? formatted("%.2f %%", 100 * value) : formatted("%.6g", value);
}

namespace {

// For the eye: four digits where metric_text has six.
std::string short_text(std::string_view name, double value) {
  const std::string text = metric_text(name, value);
  return text.ends_with("%") ? text : formatted("%.4g", value);
}

// Loss and metrics from the outputs of the whole test set at once.
train::Logs test_logs(const Recipe& recipe, const Array& output, const data::Dataset& test) {
  train::Logs logs;
  const Array target = train::detail::fitted_target(recipe.loss, output, test.y);
  logs.set("loss", recipe.loss(output, target).item());
  for (const metrics::Metric& metric : test_metrics(recipe, test)) logs.set(metric.name(), metric(output, target).item());
  return logs;
}

}  // namespace

Tested tested(const Recipe& recipe, const DataParts& data, const nn::Model& model) {
  if (data.test.size() == 0) return {};
  // Outputs for each token of all texts would fill the memory, and the report shows none of them.
  if (data.test.y.exists() && data.test.y.dtype().is_integer() && data.test.y.rank() > 1) {
    const train::EvaluateOptions options{
        .loss = recipe.loss, .metrics = test_metrics(recipe, data.test), .batch_size = recipe.train.batch_size, .verbose = false};
    return {{}, train::evaluate(model, data.test, options)};
  }
  Array output = train::predict(model, data.test, {.batch_size = std::max<int64_t>(recipe.train.batch_size, 128)});
  train::Logs logs = test_logs(recipe, output, data.test);
  if (const Array naive = seasonal_forecast(model, data.test); naive.exists()) {
    for (const auto& [name, value] : test_logs(recipe, naive, data.test)) logs.set("seasonal-naive " + name, value);
  }
  std::optional<metrics::Summary> summary;
  if (data.test.pipeline && data.test.has_targets()) {
    const preprocess::Pipeline pipeline = preprocess::pipeline_of(model.info);
    std::vector<metrics::SummaryBaseline> baselines;
    if (recipe.train.solver != Solver::exact) {
      if (auto linear = linear_baseline(pipeline, data.train, data.test)) baselines.push_back(std::move(*linear));
    }
    summary = table_summary(pipeline, output, data.test, data.train.y, {.baselines = std::move(baselines)});
  }
  return {std::move(output), std::move(logs), std::move(summary)};
}

train::Report make_report(const RunResult& result) {
  const Recipe& recipe = result.recipe;
  train::Report report{.title = recipe.name, .subtitle = recipe.description.empty() ? "A training run of Gradus" : recipe.description};
  if (result.summary) add_headlines(report, *result.summary);
  for (const auto& [name, value] : result.test_logs) {
    if (name != "loss" && !result.summary) report.headlines.push_back({"test " + words_of(name), short_text(name, value)});
  }
  if (result.test_logs.contains("loss") && !result.summary) report.headlines.push_back({"test loss", short_text("loss", result.test_logs["loss"])});
  report.headlines.push_back({"training", formatted(result.history.seconds < 10 ? "%.2f s" : "%.1f s", result.history.seconds)});
  report.headlines.push_back(
      {"samples a second", train::with_commas(std::llround(training_rate(result.history, result.data.train.size())))});
  report.headlines.push_back({"parameters", train::with_commas(nn::count_parameters(result.model))});

  const bool is_table = result.data.train.pipeline != nullptr;
  if (is_table) add_table(report, result, preprocess::pipeline_of(result.model.info));
  for (train::Chart& chart : history_charts(result)) report.charts.push_back(std::move(chart));
  if (result.output.exists() && train::is_classification(result.output, result.data.test)) {
    const train::Classification answers = train::classify(result.output, result.data.test);
    add_plane(report, answers, result.data.test);
    if (answers.class_names.size() <= 100) report.confusion = answers.confusion();
    report.samples = train::sample_images(result.data.test, answers, 24, 24);
    if (answers.class_names.size() <= 100) report.classes = answers.class_table();
  } else if (!is_table) {
    add_scatter(report, result);
  }
  add_forecast(report, result.model, result.data.test);
  add_insight(report, result.model, result.data.test);
  if (!result.history.findings.empty()) report.tables.push_back(findings_table(result.history.findings));
  if (result.folds) report.tables.push_back(folds_table(*result.folds));
  report.tables.push_back(model_table(result.model));
  report.tables.push_back(run_table(result));
  report.tables.push_back(environment_table(result));
  report.recipe = recipe.text;
  return report;
}

}  // namespace gradus::cli
