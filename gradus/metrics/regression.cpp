// Scores of predicted numbers.
#include "gradus/metrics/regression.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/metrics/distributions.hpp"
#include "gradus/metrics/number_scores.hpp"

namespace gradus::metrics {

using namespace core;

namespace detail {

double mae_of(const Moments& m) { return m.absolute.value() / m.weight; }
double mse_of(const Moments& m) { return m.squared.value() / m.weight; }
double rmse_of(const Moments& m) { return std::sqrt(mse_of(m)); }
double mape_of(const Moments& m) { return m.relative.value() / m.weight; }
double smape_of(const Moments& m) { return m.symmetric.value() / m.weight; }
double max_error_of(const Moments& m) { return m.largest; }

namespace {
// 1 - part / whole; targets that are all equal leave nothing to explain.
double explained(double part, double whole) { return whole != 0 ? 1 - part / whole : part == 0 ? 1 : 0; }
}  // namespace

double r2_of(const Moments& m) {
  if (m.count < 2) return std::numeric_limits<double>::quiet_NaN();
  return explained(m.squared.value(), m.target_squares);
}
double explained_variance_of(const Moments& m) { return explained(m.error_squares, m.target_squares); }
double mean_squared_log_error_of(const Moments& m) {
  if (m.least_number < 0) fail("mean_squared_log_error", "a target or output is ", m.least_number, "; none may be negative");
  return m.logarithmic.value() / m.weight;
}

double mean_of(const std::vector<Moments>& columns, double (*score)(const Moments&)) {
  double sum = 0;
  for (const Moments& column : columns) sum += score(column);
  return sum / static_cast<double>(columns.size());
}

namespace {

// Without weights the middle, or the mean of the two middle ones.
double median(std::vector<std::pair<double, double>>& sized, bool has_weights) {
  std::sort(sized.begin(), sized.end());
  const size_t count = sized.size();
  if (count == 0) return std::numeric_limits<double>::quiet_NaN();
  if (!has_weights) return (sized[(count - 1) / 2].first + sized[count / 2].first) / 2;
  double total = 0, seen = 0;
  for (const auto& each : sized) total += each.second;
  for (const auto& each : sized) {
    seen += each.second;
    if (seen >= total / 2) return each.first;
  }
  return sized.back().first;
}

}  // namespace

double median_absolute_error_of(const NumberData& data, Weights weights) {
  double sum = 0;
  std::vector<std::pair<double, double>> sized;
  for (size_t k = 0; k < data.columns; ++k) {
    sized.clear();
    for (size_t i = 0; i < data.rows; ++i) {
      const size_t at = i * data.columns + k;
      if (const double weight = weight_of(weights, i); weight > 0) sized.emplace_back(std::abs(data.target[at] - data.output[at]), weight);
    }
    sum += median(sized, !weights.empty());
  }
  return sum / static_cast<double>(data.columns);
}

namespace {

NumberData some(std::string_view place, const Array& output, const Array& target, const NumberOptions& options) {
  NumberData data = read_numbers(place, output, target, options);
  if (data.rows == 0 || data.columns == 0) fail(place, "output is ", output.shape(), "; there must be a sample");
  return data;
}
double scored(std::string_view place, const Array& output, const Array& target, const NumberOptions& options,
              double (*score)(const Moments&)) {
  const NumberData data = some(place, output, target, options);
  return mean_of(moments_of(data, data.weights), score);
}

// Mean over samples and columns of term(output, target).
template <class Term>
double mean_term(const NumberData& data, Term term) {
  Sum sum;
  for (size_t i = 0; i < data.output.size(); ++i) {
    const double weight = weight_of(data.weights, i / data.columns);
    if (weight > 0) sum.add(weight * term(data.output[i], data.target[i]));
  }
  return sum.value() / (sum_of(data.weights, data.rows) * static_cast<double>(data.columns));
}

}  // namespace

}  // namespace detail

using detail::NumberData;

double mae(const Array& output, const Array& target, const NumberOptions& options) {
  return detail::scored("mae", output, target, options, detail::mae_of);
}
double mse(const Array& output, const Array& target, const NumberOptions& options) {
  return detail::scored("mse", output, target, options, detail::mse_of);
}
double rmse(const Array& output, const Array& target, const NumberOptions& options) {
  return detail::scored("rmse", output, target, options, detail::rmse_of);
}
double r2(const Array& output, const Array& target, const NumberOptions& options) {
  return detail::scored("r2", output, target, options, detail::r2_of);
}
double adjusted_r2(const Array& output, const Array& target, int64_t features, const NumberOptions& options) {
  const NumberData data = detail::some("adjusted_r2", output, target, options);
  const auto n = static_cast<int64_t>(data.rows);
  if (features < 0 || n - 1 <= features)
    fail("adjusted_r2", "there are ", n, " samples and ", features, " features; samples must be above features + 1");
  const double plain = detail::mean_of(detail::moments_of(data, data.weights), detail::r2_of);
  return 1 - (1 - plain) * static_cast<double>(n - 1) / static_cast<double>(n - features - 1);
}
double explained_variance(const Array& output, const Array& target, const NumberOptions& options) {
  return detail::scored("explained_variance", output, target, options, detail::explained_variance_of);
}
double mape(const Array& output, const Array& target, const NumberOptions& options) {
  return detail::scored("mape", output, target, options, detail::mape_of);
}
double smape(const Array& output, const Array& target, const NumberOptions& options) {
  return detail::scored("smape", output, target, options, detail::smape_of);
}
double max_error(const Array& output, const Array& target, const NumberOptions& options) {
  return detail::scored("max_error", output, target, options, detail::max_error_of);
}
double mean_squared_log_error(const Array& output, const Array& target, const NumberOptions& options) {
  return detail::scored("mean_squared_log_error", output, target, options, detail::mean_squared_log_error_of);
}
double median_absolute_error(const Array& output, const Array& target, const NumberOptions& options) {
  const NumberData data = detail::some("median_absolute_error", output, target, options);
  return detail::median_absolute_error_of(data, data.weights);
}

double pinball(const Array& output, const Array& target, double level, const NumberOptions& options) {
  if (!(level >= 0 && level <= 1)) fail("pinball", "level is ", level, "; it must be from 0 to 1");
  const NumberData data = detail::some("pinball", output, target, options);
  return detail::mean_term(data, [&](double o, double t) { return t >= o ? level * (t - o) : (level - 1) * (t - o); });
}

namespace {

// Unit deviances.
double unit_deviance(double power, double o, double t) {
  if (power == 0) return (t - o) * (t - o);
  if (power == 1) return 2 * ((t == 0 ? 0 : t * std::log(t / o)) - t + o);
  if (power == 2) return 2 * (std::log(o / t) + t / o - 1);
  return 2 * (std::pow(std::max(t, 0.0), 2 - power) / ((1 - power) * (2 - power)) - t * std::pow(o, 1 - power) / (1 - power) +
              std::pow(o, 2 - power) / (2 - power));
}

double deviance(std::string_view place, const Array& output, const Array& target, double power, const NumberOptions& options) {
  if (!std::isfinite(power) || (power > 0 && power < 1)) fail(place, "power is ", power, "; it must be 0 or less, or 1 or more");
  const NumberData data = detail::some(place, output, target, options);
  for (size_t i = 0; i < data.output.size(); ++i) {
    const double o = data.output[i], t = data.target[i];
    if (power != 0 && o <= 0) fail(place, "output ", i, " is ", o, "; of power ", power, " outputs must be above 0");
    if (power >= 1 && (power < 2 ? t < 0 : t <= 0))
      fail(place, "target ", i, " is ", t, "; of power ", power, " targets must be ", power < 2 ? "0 or more" : "above 0");
  }
  return detail::mean_term(data, [&](double o, double t) { return unit_deviance(power, o, t); });
}

}  // namespace

double tweedie_deviance(const Array& output, const Array& target, double power, const NumberOptions& options) {
  return deviance("tweedie_deviance", output, target, power, options);
}
double poisson_deviance(const Array& output, const Array& target, const NumberOptions& options) {
  return deviance("poisson_deviance", output, target, 1, options);
}
double gamma_deviance(const Array& output, const Array& target, const NumberOptions& options) {
  return deviance("gamma_deviance", output, target, 2, options);
}

Residuals residuals(const Array& output, const Array& target) {
  const NumberData data = detail::some("residuals", output, target, {});
  Residuals out{.predicted = data.output};
  const size_t n = data.output.size();
  const auto count = static_cast<double>(n);
  detail::Sum total;
  for (size_t i = 0; i < n; ++i) {
    out.residual.push_back(data.target[i] - data.output[i]);
    total.add(out.residual.back());
  }
  out.mean = total.value() / count;
  double second = 0, third = 0, fourth = 0;
  for (const double residual : out.residual) {
    const double d = residual - out.mean, square = d * d;
    second += square / count;
    third += square * d / count;
    fourth += square * square / count;
  }
  out.deviation = n > 1 ? std::sqrt(second * count / (count - 1)) : 0;
  out.skewness = second > 0 ? third / std::pow(second, 1.5) : 0;
  out.excess_kurtosis = second > 0 ? fourth / (second * second) - 3 : 0;
  out.sorted = out.residual;
  std::sort(out.sorted.begin(), out.sorted.end());
  for (size_t i = 0; i < n; ++i) {
    out.sorted[i] = out.deviation > 0 ? (out.sorted[i] - out.mean) / out.deviation : 0;
    out.normal_quantiles.push_back(detail::normal_quantile((static_cast<double>(i) + 0.5) / count));
  }
  return out;
}

}  // namespace gradus::metrics
