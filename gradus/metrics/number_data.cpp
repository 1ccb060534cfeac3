// Reads predicted and true numbers; running moments.
#include "gradus/metrics/number_data.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/data/dataset.hpp"

namespace gradus::metrics::detail {

using namespace core;

namespace {

std::vector<double> finite_numbers(std::string_view place, const char* name, const Array& array) {
  std::vector<double> values = array.to_vector<double>();
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    fail(place, name, data::index_text(array.shape(), static_cast<int64_t>(i)), " is ", values[i], "; numbers must be finite");
  }
  return values;
}

bool is_column_of(const Array& column, const Array& flat) {
  return column.rank() == flat.rank() + 1 && column.shape(-1) == 1 && column.size() == flat.size();
}

}  // namespace

void NumberData::append(const NumberData& other) {
  if (rows == 0) {
    *this = other;
    return;
  }
  append_weights({weights, rows}, other.weights, other.rows);
  rows += other.rows;
  output.insert(output.end(), other.output.begin(), other.output.end());
  target.insert(target.end(), other.target.begin(), other.target.end());
}

NumberData read_numbers(std::string_view place, const Array& output, const Array& target, const NumberOptions& options) {
  if (!output.exists() || !target.exists()) fail(place, "there is no ", output.exists() ? "target" : "output", "; both are needed");
  if (output.rank() < 1 || target.rank() < 1) fail(place, "output and target are single numbers; they must be (N,) or (N, columns)");
  if (output.shape() != target.shape() && !is_column_of(output, target) && !is_column_of(target, output))
    fail(place, "output is ", output.shape(), " and target is ", target.shape(), "; they must be equal");
  NumberData data;
  data.rows = static_cast<size_t>(output.shape(0));
  data.columns = data.rows == 0 ? 1 : static_cast<size_t>(output.size()) / data.rows;
  data.output = finite_numbers(place, "output", output);
  data.target = finite_numbers(place, "target", target);
  data.weights = read_weights(place, options.weights, output.shape(0));
  return data;
}

void Moments::add(double output, double target, double of_sample, bool has_logs) {
  if (of_sample == 0) return;
  weight += of_sample;
  count += 1;
  const double error = target - output, part = of_sample / weight;
  const double target_step = target - target_mean, error_step = error - error_mean;
  target_mean += part * target_step;
  target_squares += of_sample * target_step * (target - target_mean);
  error_mean += part * error_step;
  error_squares += of_sample * error_step * (error - error_mean);
  const double size = std::abs(error), both = std::abs(target) + std::abs(output);
  absolute.add(of_sample * size);
  squared.add(of_sample * size * size);
  relative.add(of_sample * (size / std::max(std::abs(target), std::numeric_limits<double>::epsilon())));
  symmetric.add(both == 0 ? 0 : of_sample * (2 * size / both));
  largest = std::max(largest, size);
  least_number = std::min({least_number, target, output});
  if (!has_logs || least_number < 0) return;  // of negative numbers there are none
  const double logs = std::log1p(target) - std::log1p(output);
  logarithmic.add(of_sample * logs * logs);
}

void Moments::merge(const Moments& other) {
  if (other.weight == 0) return;
  const double total = weight + other.weight, part = other.weight / total, both = weight * part;
  const double target_step = other.target_mean - target_mean, error_step = other.error_mean - error_mean;
  target_mean += part * target_step;
  target_squares += other.target_squares + both * target_step * target_step;
  error_mean += part * error_step;
  error_squares += other.error_squares + both * error_step * error_step;
  weight = total;
  count += other.count;
  absolute.add(other.absolute);
  squared.add(other.squared);
  relative.add(other.relative);
  symmetric.add(other.symmetric);
  logarithmic.add(other.logarithmic);
  largest = std::max(largest, other.largest);
  least_number = std::min(least_number, other.least_number);
}

std::vector<Moments> moments_of(const NumberData& data, Weights weights, Logs logs) {
  std::vector<Moments> out(data.columns);
  for (size_t i = 0; i < data.rows; ++i) {
    const double weight = weight_of(weights, i);
    if (weight == 0) continue;
    for (size_t k = 0; k < data.columns; ++k)
      out[k].add(data.output[i * data.columns + k], data.target[i * data.columns + k], weight, logs == Logs::wanted);
  }
  return out;
}

}  // namespace gradus::metrics::detail
