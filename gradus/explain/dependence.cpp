// Partial dependence and accumulated local effects.
#include "gradus/explain/dependence.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/explain/explained_internal.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::explain {

using namespace core;
using detail::Explained;

namespace {

constexpr std::string_view kPartial = "partial_dependence", kLocal = "accumulated_local_effects";

std::vector<double> sorted_column(std::string_view op, const Array& x, int64_t column) {
  std::vector<double> values = x[{slice(), column}].to_vector<double>();
  for (size_t row = 0; row < values.size(); ++row) {
    if (!std::isfinite(values[row])) fail(op, "column ", column, " of row ", row, " is ", values[row], "; it must be finite");
  }
  std::sort(values.begin(), values.end());
  return values;
}

// Linear between neighbours, as NumPy's.
double quantile(const std::vector<double>& sorted, double part) {
  const double at = part * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// What a column of integers can be set to.
std::vector<double> as_stored(std::vector<double> values, DType dtype) {
  if (dtype.is_float()) return values;
  for (double& value : values) value = std::round(value);
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

void check_table(std::string_view op, const Array& x) {
  if (x.rank() != 2 || x.shape(0) == 0) fail(op, "x is ", x.shape(), "; it must be (rows, columns) with at least one row");
}

// Sets a feature to values of its grid: one column, or the columns of a category.
class Setter {
 public:
  Setter(const Array& x, const Varied& varied, const std::vector<double>& grid, const DependenceOptions& options) : dtype_(x.dtype()) {
    const int64_t columns = x.shape(1);
    const std::vector<Feature> all = features(columns, {varied.feature()}, options.names);
    const std::vector<int64_t>& own = varied.feature().columns;
    axis.is_category = own.size() > 1;
    for (const Feature& feature : all) {
      if (feature.columns == own) axis.name = feature.name;
    }
    std::vector<int64_t> place(static_cast<size_t>(columns), -1);
    for (size_t i = 0; i < own.size(); ++i) place[static_cast<size_t>(own[i])] = static_cast<int64_t>(i);
    place_ = array(place, {1, columns});
    axis.values = grid.empty() ? grid_of(x, own, options) : grid;
    check_grid(own.size());
  }

  /// rows (count, columns), of which row i has value number which[i].
  Array operator()(const Array& rows, const std::vector<int64_t>& which) const {
    std::vector<double> values;
    for (const int64_t i : which) values.push_back(axis.values[static_cast<size_t>(i)]);
    const Array chosen = array(values, {values.size(), 1});
    const Array set = axis.is_category ? place_ == chosen.astype(int64) : chosen;
    return where(place_ >= 0, set.astype(dtype_), rows);
  }

  GridAxis axis{};

 private:
  static std::vector<double> grid_of(const Array& x, const std::vector<int64_t>& own, const DependenceOptions& options) {
    if (own.size() > 1) {
      std::vector<double> places(own.size());
      std::iota(places.begin(), places.end(), 0.0);
      return places;
    }
    const std::vector<double> sorted = sorted_column(kPartial, x, own[0]);
    std::vector<double> distinct = sorted;
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    if (static_cast<int64_t>(distinct.size()) <= options.points) return distinct;
    std::vector<double> grid;
    for (int64_t i = 0; i < options.points; ++i) {
      const double part = options.points == 1 ? 0.5 : static_cast<double>(i) / static_cast<double>(options.points - 1);
      grid.push_back(quantile(sorted, options.low + part * (options.high - options.low)));
    }
    grid.erase(std::unique(grid.begin(), grid.end()), grid.end());
    return as_stored(std::move(grid), x.dtype());
  }
  void check_grid(size_t categories) const {
    for (const double value : axis.values) {
      if (!std::isfinite(value)) fail(kPartial, "the grid has ", value, "; its values must be finite");
      if (!dtype_.is_float() && value != std::floor(value)) {
        fail(kPartial, "the grid has ", value, ", x is of ", dtype_, "; its values must be whole numbers, or x be of floats");
      }
      if (axis.is_category && (value != std::floor(value) || value < 0 || value >= static_cast<double>(categories))) {
        fail(kPartial, "the grid has ", value, ", \"", axis.name, "\" has ", categories,
             " categories; its values must be 0, 1, ... below that");
      }
    }
  }

  DType dtype_;
  Array place_;  // (1, columns): which of the feature's columns it is, or -1
};

void check_options(const DependenceOptions& options) {
  detail::check_positive(kPartial, "points", options.points);
  if (!(options.low >= 0 && options.low <= options.high && options.high <= 1)) {
    fail(kPartial, "low is ", options.low, ", high is ", options.high, "; they must be 0 <= low <= high <= 1");
  }
}

}  // namespace

Dependence partial_dependence(Function model, const Array& x, const Varied& feature, const DependenceOptions& options) {
  check_table(kPartial, x);
  check_options(options);
  const Explained explained(kPartial, model, x, options.target, options.scale, options.batch_size);
  detail::check_one_target(explained, options.target);
  const Setter set(x, feature, options.grid, options);
  const int64_t rows = x.shape(0), values = static_cast<int64_t>(set.axis.values.size());
  // Point number value * rows + row.
  const auto points = [&](int64_t begin, int64_t end) {
    std::vector<int64_t> owners, which;
    for (int64_t point = begin; point < end; ++point) {
      owners.push_back(point % rows);
      which.push_back(point / rows);
    }
    return set(take(x, array(owners), 0), which);
  };
  const std::vector<double> all = explained.values(rows * values, points, [&](int64_t point) { return point % rows; });
  Dependence found{set.axis, {}, transpose(array(all, {values, rows})).eval()};
  for (int64_t value = 0; value < values; ++value) {
    found.means.push_back(std::accumulate(all.begin() + value * rows, all.begin() + (value + 1) * rows, 0.0) / static_cast<double>(rows));
  }
  return found;
}

Dependence2D partial_dependence_2d(Function model, const Array& x, const Varied& first, const Varied& second,
                                   const DependenceOptions& options) {
  check_table(kPartial, x);
  check_options(options);
  features(x.shape(1), {first.feature(), second.feature()});  // checks that they have no column in common
  const Explained explained(kPartial, model, x, options.target, options.scale, options.batch_size);
  detail::check_one_target(explained, options.target);
  const Setter set_first(x, first, options.grid, options), set_second(x, second, options.second_grid, options);
  const int64_t rows = x.shape(0), inner = static_cast<int64_t>(set_second.axis.values.size()),
                values = static_cast<int64_t>(set_first.axis.values.size()) * inner;
  const auto points = [&](int64_t begin, int64_t end) {
    std::vector<int64_t> owners, which_first, which_second;
    for (int64_t point = begin; point < end; ++point) {
      owners.push_back(point % rows);
      which_first.push_back(point / rows / inner);
      which_second.push_back(point / rows % inner);
    }
    return set_second(set_first(take(x, array(owners), 0), which_first), which_second);
  };
  const std::vector<double> all = explained.values(rows * values, points, [&](int64_t point) { return point % rows; });
  Dependence2D found{set_first.axis, set_second.axis, {}};
  for (int64_t value = 0; value < values; ++value) {
    found.means.push_back(std::accumulate(all.begin() + value * rows, all.begin() + (value + 1) * rows, 0.0) / static_cast<double>(rows));
  }
  return found;
}

LocalEffects accumulated_local_effects(Function model, const Array& x, int64_t column, const LocalEffectsOptions& options) {
  check_table(kLocal, x);
  detail::check_positive(kLocal, "bins", options.bins);
  const Explained explained(kLocal, model, x, options.target, options.scale, options.batch_size);
  detail::check_one_target(explained, options.target);
  LocalEffects found{.name = features(x.shape(1), {{{}, {column}}}, options.names)[static_cast<size_t>(column)].name};
  const std::vector<double> sorted = sorted_column(kLocal, x, column), own = x[{slice(), column}].to_vector<double>();
  for (int64_t i = 0; i <= options.bins; ++i) {
    const double edge = quantile(sorted, static_cast<double>(i) / static_cast<double>(options.bins));
    if (found.edges.empty() || edge > found.edges.back()) found.edges.push_back(edge);
  }
  found.edges = as_stored(std::move(found.edges), x.dtype());
  found.values.push_back(0);
  if (found.edges.size() == 1) return found;

  // A row's bin reaches from above its lower edge to its upper edge; the smallest value belongs to the first.
  std::vector<size_t> bins;
  for (const double value : own) {
    const auto above = std::lower_bound(found.edges.begin() + 1, found.edges.end() - 1, value) - found.edges.begin();
    bins.push_back(static_cast<size_t>(above - 1));
  }
  const int64_t rows = x.shape(0);
  const auto points = [&](int64_t begin, int64_t end) {  // point number 2 * row + side
    std::vector<int64_t> owners;
    std::vector<double> edges;
    for (int64_t point = begin; point < end; ++point) {
      owners.push_back(point / 2);
      edges.push_back(found.edges[bins[static_cast<size_t>(point / 2)] + static_cast<size_t>(point % 2)]);
    }
    const Array is_column = reshape(arange(x.shape(1)), {1, x.shape(1)}) == column;
    return where(is_column, array(edges, {edges.size(), 1}).astype(x.dtype()), take(x, array(owners), 0));
  };
  const std::vector<double> ends = explained.values(2 * rows, points, [](int64_t point) { return point / 2; });
  std::vector<double> changes(found.edges.size() - 1, 0.0);
  found.counts.assign(changes.size(), 0);
  for (size_t row = 0; row < bins.size(); ++row) {
    changes[bins[row]] += ends[2 * row + 1] - ends[2 * row];
    ++found.counts[bins[row]];
  }
  double center = 0;
  for (size_t bin = 0; bin < changes.size(); ++bin) {
    const auto count = static_cast<double>(found.counts[bin]);
    found.values.push_back(found.values.back() + (count > 0 ? changes[bin] / count : 0));
    center += count * (found.values[bin] + found.values[bin + 1]) / 2 / static_cast<double>(rows);
  }
  for (double& value : found.values) value -= center;
  return found;
}

}  // namespace gradus::explain
