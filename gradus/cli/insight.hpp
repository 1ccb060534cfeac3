// What a report shows of the inside of a model: attention as heat maps, gates and states over time, forecasts beside what came.
#pragma once

#include "gradus/data/dataset.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/train/report.hpp"

namespace gradus::cli {

/// Adds what attention and recurrent layers do with the first test sample; nothing where the model has none.
void add_insight(train::Report& report, const nn::Model& model, const data::Dataset& test);

/// Adds the last forecast of a test set of series beside what came, and beside the last season once more.
void add_forecast(train::Report& report, const nn::Model& model, const data::Dataset& test);

/// The last season once more for each window, where the model is a SeriesForecaster that knows one; else an array that does not exist.
Array seasonal_forecast(const nn::Model& model, const data::Dataset& test);

}  // namespace gradus::cli
