// What steps of numbers share.
#include "gradus/preprocess/numeric.hpp"

#include <algorithm>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"

namespace gradus::preprocess {

using namespace core;

std::vector<double> sorted_values(std::span<const double> numbers) {
  std::vector<double> out;
  out.reserve(numbers.size());
  for (const double x : numbers) {
    if (std::isfinite(x)) out.push_back(x);
  }
  std::sort(out.begin(), out.end());
  return out;
}

namespace {

// The value t of the way from one place to the next.
double between_places(std::span<const double> sorted, size_t below, double t) {
  if (below + 1 >= sorted.size()) return sorted.back();
  const double a = sorted[below], b = sorted[below + 1];
  return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t;
}

}  // namespace

double quantile_of(std::span<const double> sorted, double share) {
  if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  return between_places(sorted, below, place - static_cast<double>(below));
}
double quantile_of(std::span<const double> sorted, int64_t part, int64_t parts) {
  if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
  const int64_t place = part * (static_cast<int64_t>(sorted.size()) - 1);
  return between_places(sorted, static_cast<size_t>(place / parts), static_cast<double>(place % parts) / static_cast<double>(parts));
}

Moments moments_of(std::span<const double> numbers) {
  Moments out;
  double squares = 0;
  for (const double x : numbers) {
    if (!std::isfinite(x)) continue;
    ++out.count;
    const double before = x - out.mean;
    out.mean += before / static_cast<double>(out.count);
    squares += before * (x - out.mean);
  }
  if (out.count > 0) out.variance = squares / static_cast<double>(out.count);
  return out;
}

namespace detail {

namespace {

std::vector<data::Column> columns_of(const Array& values, const std::vector<std::string>& names) {
  const auto rows = static_cast<size_t>(values.shape(0)), width = names.size();
  const std::vector<double> all = values.to_vector<double>();
  std::vector<data::Column> out;
  for (size_t i = 0; i < width; ++i) {
    std::vector<double> column(rows);
    for (size_t row = 0; row < rows; ++row) column[row] = all[row * width + i];
    out.push_back(data::Column::numeric(names[i], std::move(column)));
  }
  return out;
}

}  // namespace

Frame put_back(const Frame& frame, const std::vector<size_t>& places, const Array& values) {
  std::vector<std::string> names;
  for (const size_t place : places) names.push_back(frame[place].column.name());
  Frame out = frame;
  std::vector<data::Column> columns = columns_of(values, names);
  for (size_t i = 0; i < places.size(); ++i) out[places[i]].column = std::move(columns[i]);
  return out;
}

Frame put_behind(const Frame& frame, const std::vector<size_t>& places, const std::vector<std::string>& names,
                 const std::vector<std::string>& origins, const Array& values) {
  Frame out = without(frame, places);
  std::vector<data::Column> columns = columns_of(values, names);
  for (size_t i = 0; i < names.size(); ++i) out.push_back({std::move(columns[i]), origins[i]});
  return out;
}

}  // namespace detail

void check_sizes(std::string_view step, size_t columns, std::initializer_list<size_t> sizes) {
  for (const size_t size : sizes) {
    if (size != columns) fail(step, "its state has ", columns, " columns and ", size, " values for them; they must be equal");
  }
}

}  // namespace gradus::preprocess
