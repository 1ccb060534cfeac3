// The pictures are of one sample, so that they cost one call of the model.
#include "gradus/cli/insight.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/models/recurrent.hpp"
#include "gradus/nn/layer.hpp"
#include "gradus/nn/observation.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::cli {

using namespace core;

namespace {

constexpr int64_t kMostSteps = 40, kMostPoints = 200, kMostUnits = 24;  // that a picture shows
constexpr size_t kMostMaps = 4, kMostCharts = 2;

// Steps of the first sample that are no padding and fit in a picture.
int64_t shown_steps(const data::Dataset& test, int64_t most) {
  if (test.x_lengths.empty()) return most;
  return std::clamp<int64_t>(test[test.x_lengths][0].item<int64_t>(), 1, most);
}

std::vector<std::string> names_of_tokens(const data::Tokenizer& tokenizer, const Array& ids) {
  std::vector<std::string> names;
  for (const int64_t id : ids.to_vector<int64_t>()) {
    const std::string text = tokenizer.decode(std::vector<int64_t>{id}, {.special_tokens = true});
    names.push_back(text == "\n" ? "\u21b5" : text == " " ? "\u2423" : text);
  }
  return names;
}

// Tokens of the queries and of the keys of attention, where the samples are texts.
struct Names {
  std::vector<std::string> source{}, target{};
};
Names names_of(const data::Dataset& test, const Array& x) {
  if (!test.tokenizer.exists()) return {};
  const Array shown = x.rank() < 2 ? x : x[{slice(), slice({}, kMostSteps)}];
  if (x.rank() == 2) return {names_of_tokens(test.tokenizer, shown), names_of_tokens(test.tokenizer, shown)};
  if (x.rank() != 3 || x.shape(2) != 2) return {};
  return {names_of_tokens(test.tokenizer, shown[{slice(), slice(), 0}]), names_of_tokens(test.tokenizer, shown[{slice(), slice(), 1}])};
}

// The innermost part of a path, without its details.
std::string layer_name(const std::string& place) {
  const size_t from = place.rfind(" > ");
  const std::string last = from == std::string::npos ? place : place.substr(from + 3);
  return last.substr(0, last.find(" ("));
}

std::string sentence_case(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

bool is_attention(const nn::Observation& one) { return one.name == "attention" || one.name == "cross attention"; }

void add_attention(train::Report& report, const std::vector<nn::Observation>& seen, const Names& names, int64_t most) {
  const bool has_cross = std::any_of(seen.begin(), seen.end(), [](const nn::Observation& one) { return one.name == "cross attention"; });
  std::vector<const nn::Observation*> layers;
  for (const nn::Observation& one : seen) {
    if (one.name == (has_cross ? "cross attention" : "attention")) layers.push_back(&one);
  }
  if (layers.empty()) return;
  // The first and the last layer, as many heads of each.
  if (layers.size() > 2) layers = {layers.front(), layers.back()};
  for (const nn::Observation* layer : layers) {
    const int64_t rows = std::min(layer->values.shape(2), most), columns = std::min(layer->values.shape(3), most);
    const auto heads = std::min<int64_t>(layer->values.shape(1), static_cast<int64_t>(kMostMaps / layers.size()));
    for (int64_t head = 0; head < heads; ++head) {
      report.heat_maps.push_back(
          {.title = concat(sentence_case(layer->name), ", ", layer == layers.front() && layers.size() > 1 ? "first" : "last",
                           " layer, head ", head + 1),
           .note = "Rows: tokens that look. Columns: what they look at; a row's weights sum to 1.",
           .rows = rows,
           .columns = columns,
           .values = layer->values[{0, head, slice(0, rows), slice(0, columns)}].to_vector<double>(),
           .row_names = names.target,
           .column_names = names.source});
    }
  }
}

// Means of the gates over their units, step by step, and the states of the first units.
void add_gates(train::Report& report, const std::vector<nn::Observation>& seen, const Names& names, int64_t most) {
  size_t charts = 0, maps = 0;
  std::string place;
  for (const nn::Observation& one : seen) {
    if (is_attention(one) || one.values.rank() != 3) continue;
    const int64_t steps = std::min<int64_t>(one.values.shape(1), most);
    if (one.name == "state") {
      if (maps++ >= kMostCharts) continue;
      const int64_t columns = std::min(steps, kMostSteps), units = std::min(one.values.shape(2), kMostUnits);
      report.heat_maps.push_back({.title = concat("State over time, ", layer_name(one.place)),
                                  .note = "Rows: the first units. Columns: steps. The two colours are the signs.",
                                  .rows = units,
                                  .columns = columns,
                                  .values = transpose(one.values[{0, slice(0, columns), slice(0, units)}]).to_vector<double>(),
                                  .column_names = names.source});
      place.clear();  // the next layer, or direction, begins
      continue;
    }
    if (place != one.place) {
      place = one.place;
      if (++charts > kMostCharts) continue;
      report.charts.push_back({.title = concat("Gates over time, ", layer_name(one.place)),
                               .x_label = "step",
                               .y_label = "mean over units",
                               .is_x_counted = true});
    } else if (charts > kMostCharts) {
      continue;
    }
    train::Curve curve{.name = one.name};
    const std::vector<double> values = mean(one.values[{0, slice(0, steps)}], 1).to_vector<double>();
    for (size_t step = 0; step < values.size(); ++step) {
      curve.x.push_back(static_cast<double>(step + 1));
      curve.y.push_back(values[step]);
    }
    report.charts.back().curves.push_back(std::move(curve));
  }
}

const models::SeriesForecaster* forecaster_of(const nn::Model& model) { return sole_layer(model).as<models::SeriesForecaster>(); }

}  // namespace

void add_insight(train::Report& report, const nn::Model& model, const data::Dataset& test) {
  if (test.size() == 0) return;
  const Array x = test.x[slice(0, 1)];
  std::vector<nn::Observation> seen;
  {
    const nn::TrainingMode inference(false);
    const nn::ObservationScope scope(seen);
    model(x);
  }
  const Names names = names_of(test, x);
  const auto steps = [&](int64_t most) { return shown_steps(test, most); };
  add_attention(report, seen, names, steps(kMostSteps));
  add_gates(report, seen, names, steps(kMostPoints));
}

Array seasonal_forecast(const nn::Model& model, const data::Dataset& test) {
  const models::SeriesForecaster* forecaster = forecaster_of(model);
  if (!forecaster || test.x.rank() < 2) return {};
  const models::SeriesForecasterOptions& options = forecaster->options;
  if (options.season < 1 || options.season > test.x.shape(1)) return {};
  return models::seasonal_naive(test.x, options.season, options.horizon);
}

void add_forecast(train::Report& report, const nn::Model& model, const data::Dataset& test) {
  if (!forecaster_of(model) || test.size() == 0 || test.x.rank() != 3 || test.y.rank() != 2) return;
  const nn::TrainingMode inference(false);
  const Array x = test.x[slice(-1, {})];
  const int64_t steps = x.shape(1);
  train::Chart chart{.title = "The last forecast", .x_label = "step", .is_x_counted = true};
  const auto add = [&](const char* name, const Array& values, int64_t first) {
    train::Curve curve{.name = name, .y = values.to_vector<double>()};
    for (size_t i = 0; i < curve.y.size(); ++i) curve.x.push_back(static_cast<double>(first + 1) + static_cast<double>(i));
    chart.curves.push_back(std::move(curve));
  };
  add("what came", concatenate({x[{0, slice(), 0}], test.y[-1]}), 0);
  add("forecast", model(x)[0], steps);
  if (const Array naive = seasonal_forecast(model, test); naive.exists()) add("seasonal naive", naive[-1], steps);
  report.charts.push_back(std::move(chart));
}

}  // namespace gradus::cli
