// Reports of searches.
#include "gradus/cli/search_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "gradus/base/printable.hpp"
#include "gradus/cli/run_report.hpp"

namespace gradus::cli {

namespace {

constexpr size_t kShown = 10, kMostRows = 500, kMostChoices = 12;

std::string digits(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string value_text(const Datum& value) { return value.get_if<double>() ? digits("%.4g", value.number()) : to_text(value); }

std::string score_text(const SearchSummary& summary, const train::TrialResult& trial) {
  const std::string text = metric_text(summary.search.score(), trial.score);
  return std::isfinite(trial.deviation) ? concat(text, " \u00b1 ", digits("%.2g", trial.deviation)) : text;
}

std::string state_text(const train::TrialResult& trial) {
  return trial.state == train::TrialState::finished ? "" : std::string(enum_names(trial.state)[static_cast<size_t>(trial.state)]);
}

std::vector<std::string> header_of(const SearchSummary& summary) {
  std::vector<std::string> out{"trial", summary.search.keys.metric};
  for (const auto& [name, distribution] : summary.search.space) out.push_back(name);
  out.insert(out.end(), {"epochs", "seconds", ""});
  return out;
}
std::vector<std::string> row_of(const SearchSummary& summary, const train::TrialResult& trial) {
  std::vector<std::string> out{to_text(trial.number), score_text(summary, trial)};
  for (const auto& [name, value] : trial.values) out.push_back(value_text(value));
  out.insert(out.end(), {to_text(trial.epochs), digits("%.1f", trial.seconds), state_text(trial)});
  return out;
}

// Columns as wide as what stands in them; bytes that continue a UTF-8 character take no place.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += (i ? "  " : "") + row[i] + std::string(widths[i] - width_of(row[i]), ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::vector<const train::TrialResult*> failed_of(const train::SearchResult& result) {
  std::vector<const train::TrialResult*> out;
  for (const train::TrialResult& trial : result.trials) {
    if (trial.state == train::TrialState::failed) out.push_back(&trial);
  }
  return out;
}

// Scores that are far worse than most would flatten all others: they are drawn at the edge.
struct Edge {
  double best = 0, edge = 0;
  bool is_reached = false;
  double operator()(double score) const { return best <= edge ? std::min(score, edge) : std::max(score, edge); }
};
Edge edge_of(const train::SearchResult& result) {
  std::vector<double> scores;
  for (const train::TrialResult& trial : result.trials) {
    if (trial.state != train::TrialState::failed) scores.push_back(trial.score);
  }
  std::sort(scores.begin(), scores.end());
  if (result.more_is_better) std::reverse(scores.begin(), scores.end());
  Edge out{scores.front(), scores.back()};
  const double middle = scores[scores.size() / 2], far = out.best + 3 * (middle - out.best);
  if (far == out.best || std::abs(scores.back() - out.best) <= std::abs(far - out.best)) return out;
  out.edge = far;
  out.is_reached = true;
  return out;
}
std::string score_label(const SearchSummary& summary, const Edge& edge) {
  return summary.search.keys.metric + (edge.is_reached ? " (far worse ones at the edge)" : "");
}

// Only trials that were trained to the end: scores after fewer epochs are others.
train::Chart progress_chart(const SearchSummary& summary, const Edge& edge) {
  train::Chart chart{.title = "Best so far", .x_label = "trial", .y_label = score_label(summary, edge), .curves = {}, .is_x_counted = true};
  train::Curve all{.name = "trained to the end", .is_scatter = true}, best{.name = "best so far"};
  for (const train::TrialResult& trial : summary.result.trials) {
    if (trial.state != train::TrialState::finished) continue;
    const auto number = static_cast<double>(trial.number);
    all.x.push_back(number);
    all.y.push_back(edge(trial.score));
    const bool is_better = best.y.empty() || (summary.result.more_is_better ? trial.score > best.y.back() : trial.score < best.y.back());
    best.x.push_back(number);
    best.y.push_back(is_better ? edge(trial.score) : best.y.back());
  }
  chart.curves = {std::move(best), std::move(all)};
  return chart;
}

// The place of a value on the axis: numbers as they are, choices by their place in the list.
double place_of(const train::Distribution& distribution, const Datum& value) {
  const auto& values = distribution.values();
  if (distribution.kind() != train::DistributionKind::choice) return value.number();
  return static_cast<double>(std::find(values.begin(), values.end(), value) - values.begin() + 1);
}

train::Chart key_chart(const SearchSummary& summary, size_t key, const Edge& edge) {
  const auto& [name, distribution] = summary.search.space[key];
  const bool is_choice = distribution.kind() == train::DistributionKind::choice;
  train::Chart chart{.title = summary.search.keys.metric + " by " + name,
                     .x_label = name,
                     .y_label = score_label(summary, edge),
                     .curves = {},
                     .is_x_counted = is_choice,
                     .is_x_log = distribution.is_log()};
  if (is_choice) {
    chart.x_label = "";
    for (size_t i = 0; i < std::min(distribution.values().size(), kMostChoices); ++i)
      chart.x_label += concat(i ? ", " : "", i + 1, ": ", value_text(distribution.values()[i]));
  }
  train::Curve whole{.name = "trained to the end", .is_scatter = true}, stopped{.name = "stopped earlier", .is_scatter = true};
  for (const train::TrialResult& trial : summary.result.trials) {
    if (trial.state == train::TrialState::failed) continue;
    train::Curve& curve = trial.state == train::TrialState::finished ? whole : stopped;
    curve.x.push_back(place_of(distribution, trial.values[key].second));
    curve.y.push_back(edge(trial.score));
  }
  chart.curves = {std::move(whole)};
  if (!stopped.x.empty()) chart.curves.push_back(std::move(stopped));
  return chart;
}

}  // namespace

std::string search_text(const SearchSummary& summary) {
  const std::vector<train::TrialResult> ranked = summary.result.ranked();
  std::vector<std::vector<std::string>> rows{header_of(summary)};
  for (size_t i = 0; i < std::min(ranked.size(), kShown); ++i) rows.push_back(row_of(summary, ranked[i]));
  std::string out = printable(concat("best of ", summary.result.trials.size(), " trials:")) + "\n";
  for (auto& row : rows)
    for (std::string& cell : row) cell = printable(cell);
  out += aligned(rows);
  std::map<std::string, int64_t> reasons;
  for (const train::TrialResult* trial : failed_of(summary.result)) ++reasons[trial->message];
  for (const auto& [reason, count] : reasons) out += concat(count, count == 1 ? " trial" : " trials", " failed: ", printable(reason), "\n");
  return out;
}

train::Report search_report(const SearchSummary& summary) {
  const train::SearchResult& result = summary.result;
  const train::TrialResult& best = result.best();
  double seconds = 0;
  for (const train::TrialResult& trial : result.trials) seconds += trial.seconds;
  train::Report report{
      .title = summary.name,
      .subtitle = concat("A search of Gradus, ", summary.search.is_hyperband ? "by Hyperband" : "at random", ", for the best ",
                         summary.search.keys.metric,
                         summary.search.keys.folds > 0 ? concat(" in the mean of ", summary.search.keys.folds, " folds") : std::string(),
                         ". The best score is that of a choice, and better than the same values come to on new samples: the test samples, "
                         "which no trial has seen, tell that.")};
  report.headlines = {{"best " + summary.search.keys.metric, score_text(summary, best)},
                      {"trial", to_text(best.number)},
                      {"trials", to_text(static_cast<int64_t>(result.trials.size()))},
                      {"failed", to_text(static_cast<int64_t>(failed_of(result).size()))},
                      {"training", digits(seconds < 10 ? "%.2f s" : "%.1f s", seconds)}};
  const Edge edge = edge_of(result);
  report.charts.push_back(progress_chart(summary, edge));
  for (size_t key = 0; key < summary.search.space.size(); ++key) report.charts.push_back(key_chart(summary, key, edge));
  train::ReportTable values{"Best values", {}, {}};
  for (const auto& [name, value] : best.values) values.rows.push_back({name, value_text(value)});
  report.tables.push_back(std::move(values));
  train::ReportTable trials{"Trials, the best first", header_of(summary), {}};
  for (const train::TrialResult& trial : result.ranked()) {
    if (trials.rows.size() < kMostRows) trials.rows.push_back(row_of(summary, trial));
  }
  report.tables.push_back(std::move(trials));
  train::ReportTable failed{"Trials that failed", {"trial", "reason", "values"}, {}};
  for (const train::TrialResult* trial : failed_of(result)) {
    if (failed.rows.size() < kMostRows) failed.rows.push_back({to_text(trial->number), trial->message, train::values_text(trial->values)});
  }
  if (!failed.rows.empty()) report.tables.push_back(std::move(failed));
  report.recipe = summary.best;
  return report;
}

}  // namespace gradus::cli
