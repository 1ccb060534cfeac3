// Scores of numbers from running moments, and from what was read once. Not for users.
#pragma once

#include <vector>

#include "gradus/metrics/number_data.hpp"

namespace gradus::metrics::detail {

// Of one column.
double mae_of(const Moments& m);
double mse_of(const Moments& m);
double rmse_of(const Moments& m);
double r2_of(const Moments& m);
double explained_variance_of(const Moments& m);
double mape_of(const Moments& m);
double smape_of(const Moments& m);
double max_error_of(const Moments& m);
/// Throws where a number was negative.
double mean_squared_log_error_of(const Moments& m);
/// Mean over the columns.
double mean_of(const std::vector<Moments>& columns, double (*score)(const Moments&));

double median_absolute_error_of(const NumberData& data, Weights weights);

}  // namespace gradus::metrics::detail
