// Missing values by neighbours and by regression.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/data/dataset.hpp"
#include "gradus/preprocess/impute.hpp"
#include "gradus/preprocess/numeric.hpp"

namespace gradus::preprocess {

using namespace core;
using data::Column;
using data::ColumnType;

namespace {

constexpr double kMissing = 1e308;  // in states, whose numbers are finite

constexpr FieldNote kColumns{"columns", "names of the columns; none: all that are numeric when it is its turn"};

std::vector<double> column_means(const Frame& frame, const std::vector<size_t>& places) {
  std::vector<double> out;
  for (const size_t place : places) out.push_back(moments_of(frame[place].column.numbers()).mean);
  return out;
}

// The frame with these values, row after row, in its columns.
Frame with_values(const Frame& frame, const std::vector<size_t>& places, const std::vector<double>& values) {
  Frame out = frame;
  const size_t width = places.size(), rows = static_cast<size_t>(rows_of(frame));
  for (size_t c = 0; c < width; ++c) {
    std::vector<double> column(rows);
    for (size_t row = 0; row < rows; ++row) column[row] = values[row * width + c];
    out[places[c]].column = Column::numeric(frame[places[c]].column.name(), std::move(column));
  }
  return out;
}

}  // namespace

std::span<const std::string_view> enum_names(NeighbourWeight) {
  static constexpr std::string_view names[] = {"uniform", "distance"};
  return names;
}
std::span<const FieldNote> ImputeNeighboursOptions::field_notes() {
  static constexpr FieldNote notes[] = {kColumns,
                                        {"neighbours", "training rows whose mean it is", range::positive},
                                        {"weight", "how much each counts: all the same, or the less the farther"},
                                        {"most", "training rows that are kept, drawn at random", {.low = 1, .high = 1'000'000}}};
  return notes;
}
ImputeNeighbours::ImputeNeighbours(ImputeNeighboursOptions given) : options(checked(kName, std::move(given))) {}

void ImputeNeighbours::learn(const Frame& frame, const Learning& learning) {
  state = {chosen_columns(kName, frame, options.columns, {ColumnType::numeric}), {}, {}};
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  state.means = column_means(frame, places);
  const std::vector<double> all = values_of(frame, places);
  const size_t width = places.size();
  std::vector<int64_t> kept(static_cast<size_t>(rows_of(frame)));
  std::iota(kept.begin(), kept.end(), int64_t{0});
  if (static_cast<int64_t>(kept.size()) > options.most) {
    kept = data::permutation(rows_of(frame), learning.seed);
    kept.resize(static_cast<size_t>(options.most));
    std::sort(kept.begin(), kept.end());
  }
  for (const int64_t row : kept) {
    for (size_t c = 0; c < width; ++c) {
      const double x = all[static_cast<size_t>(row) * width + c];
      state.rows.push_back(std::isfinite(x) ? x : kMissing);
    }
  }
}

Frame ImputeNeighbours::apply(const Frame& frame, Treatments&) const {
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  const size_t width = places.size(), known = width ? state.rows.size() / width : 0;
  std::vector<double> values = values_of(frame, places);
  const std::vector<double> given = values;
  const auto one = [&](int64_t row) {
    const double* const x = given.data() + static_cast<size_t>(row) * width;
    if (std::all_of(x, x + width, [](double v) { return std::isfinite(v); })) return;
    // Root of the sum over common columns, times how many columns there are for each common one.
    std::vector<std::pair<double, size_t>> distances;
    for (size_t k = 0; k < known; ++k) {
      const double* const y = state.rows.data() + k * width;
      double sum = 0;
      size_t common = 0;
      for (size_t c = 0; c < width; ++c) {
        if (!std::isfinite(x[c]) || y[c] == kMissing) continue;
        sum += (x[c] - y[c]) * (x[c] - y[c]);
        ++common;
      }
      if (common > 0) distances.emplace_back(std::sqrt(sum * static_cast<double>(width) / static_cast<double>(common)), k);
    }
    std::sort(distances.begin(), distances.end());
    for (size_t c = 0; c < width; ++c) {
      if (std::isfinite(x[c])) continue;
      double sum = 0, weights = 0;
      int64_t found = 0;
      bool is_at_one = false;
      for (const auto& [distance, k] : distances) {
        const double y = state.rows[k * width + c];
        if (y == kMissing) continue;
        if (found == options.neighbours) break;
        ++found;
        // Rows at the very place count alone.
        if (options.weight == NeighbourWeight::distance && distance == 0 && !is_at_one) sum = weights = 0, is_at_one = true;
        const double weight = options.weight == NeighbourWeight::uniform ? 1 : is_at_one ? (distance == 0) : 1 / distance;
        sum += weight * y;
        weights += weight;
      }
      values[static_cast<size_t>(row) * width + c] = weights > 0 ? sum / weights : state.means[c];
    }
  };
  parallel_for(rows_of(frame), one);
  return with_values(frame, places, values);
}
void ImputeNeighbours::check() const {
  const size_t width = state.columns.size();
  check_sizes(kName, width, {state.means.size()});
  if (width == 0 ? !state.rows.empty() : state.rows.size() % width != 0)
    fail(kName, "its state has ", state.rows.size(), " numbers for rows of ", width, "; they must make whole rows");
}

std::span<const FieldNote> ImputeIterativeOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      kColumns,
      {"rounds", "at most", {.low = 1, .high = 1000}},
      {"ridge", "what is added to the diagonal of the regressions", range::not_negative},
      {"tolerance", "it ends where no value changes by more, in the size of the largest number", range::not_negative}};
  return notes;
}
ImputeIterative::ImputeIterative(ImputeIterativeOptions given) : options(checked(kName, std::move(given))) {}

namespace {

// Weights of the ridge regression of column `target` on the others, over the rows for which it is known: an intercept, then one a column.
std::vector<double> regress(const std::vector<double>& x, size_t width, size_t target, const std::vector<size_t>& rows, double ridge) {
  const size_t n = width - 1;
  std::vector<double> mean(width, 0.0);
  for (const size_t row : rows)
    for (size_t c = 0; c < width; ++c) mean[c] += x[row * width + c] / static_cast<double>(rows.size());
  const auto column = [&](size_t i) { return i < target ? i : i + 1; };
  std::vector<double> a(n * n, 0.0), b(n, 0.0);
  for (const size_t row : rows) {
    const double y = x[row * width + target] - mean[target];
    for (size_t i = 0; i < n; ++i) {
      const double u = x[row * width + column(i)] - mean[column(i)];
      b[i] += u * y;
      for (size_t k = i; k < n; ++k) a[i * n + k] += u * (x[row * width + column(k)] - mean[column(k)]);
    }
  }
  // The ridge is in units of each column's variance, so that scales do not matter. Cholesky, with a column that depends on others left out.
  std::vector<double> l(n * n, 0.0), w(n, 0.0);
  for (size_t i = 0; i < n; ++i) a[i * n + i] *= 1 + ridge;
  std::vector<bool> is_kept(n, true);
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k <= i; ++k) {
      double sum = a[k * n + i];
      for (size_t j = 0; j < k; ++j) sum -= l[i * n + j] * l[k * n + j];
      if (k < i) l[i * n + k] = is_kept[k] ? sum / l[k * n + k] : 0;
      else if (sum > 1e-12 * a[i * n + i] && a[i * n + i] > 0) l[i * n + i] = std::sqrt(sum);
      else is_kept[i] = false;
    }
  }
  for (size_t i = 0; i < n; ++i) {
    double sum = b[i];
    for (size_t j = 0; j < i; ++j) sum -= l[i * n + j] * w[j];
    w[i] = is_kept[i] ? sum / l[i * n + i] : 0;
  }
  for (size_t i = n; i-- > 0;) {
    double sum = w[i];
    for (size_t j = i + 1; j < n; ++j) sum -= l[j * n + i] * w[j];
    w[i] = is_kept[i] ? sum / l[i * n + i] : 0;
  }
  std::vector<double> out{mean[target]};
  for (size_t c = 0, i = 0; c < width; ++c) {
    out.push_back(c == target ? 0 : w[i]);
    if (c != target) out[0] -= w[i++] * mean[c];
  }
  return out;
}

double predicted(const std::vector<double>& weights, const double* x, size_t width) {
  double sum = weights[0];
  for (size_t c = 0; c < width; ++c) sum += weights[c + 1] * x[c];
  return sum;
}

}  // namespace

void ImputeIterative::learn(const Frame& frame, const Learning& learning) {
  Treatments ignored;
  learn_and_apply(frame, learning, ignored);
}

Frame ImputeIterative::learn_and_apply(const Frame& frame, const Learning&, Treatments&) {
  state = {};
  state.columns = chosen_columns(kName, frame, options.columns, {ColumnType::numeric});
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  const size_t width = places.size(), rows = static_cast<size_t>(rows_of(frame));
  if (width > 1000) fail(kName, "there are ", width, " columns; regressions on each other are for at most 1000");
  state.means = column_means(frame, places);
  std::vector<double> x = values_of(frame, places);
  std::vector<std::vector<size_t>> missing(width), known(width);
  double largest = 0;
  for (size_t row = 0; row < rows; ++row) {
    for (size_t c = 0; c < width; ++c) {
      double& value = x[row * width + c];
      (std::isfinite(value) ? known : missing)[c].push_back(row);
      if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
      else value = state.means[c];
    }
  }
  for (size_t c = 0; c < width; ++c) state.order.push_back(static_cast<int64_t>(c));
  std::stable_sort(state.order.begin(), state.order.end(),
                   [&](int64_t a, int64_t b) { return missing[static_cast<size_t>(a)].size() < missing[static_cast<size_t>(b)].size(); });
  // A column that has no missing value in training may have some later: it is regressed once, at the end.
  std::vector<std::vector<double>> weights(width);
  for (int64_t round = 0; round < options.rounds; ++round) {
    double change = 0;
    for (const int64_t each : state.order) {
      const auto c = static_cast<size_t>(each);
      if (missing[c].empty() || known[c].empty() || width < 2) continue;
      weights[c] = regress(x, width, c, known[c], options.ridge);
      for (const size_t row : missing[c]) {
        const double value = predicted(weights[c], x.data() + row * width, width);
        change = std::max(change, std::fabs(value - x[row * width + c]));
        x[row * width + c] = value;
      }
    }
    state.rounds = round + 1;
    if (change <= options.tolerance * largest) break;
  }
  for (size_t c = 0; c < width; ++c) {
    if (weights[c].empty() && width > 1 && !known[c].empty()) weights[c] = regress(x, width, c, known[c], options.ridge);
    if (weights[c].empty()) {
      weights[c].assign(width + 1, 0.0);
      weights[c][0] = state.means[c];
    }
  }
  state.weights = std::move(weights);
  return with_values(frame, places, x);
}

Frame ImputeIterative::apply(const Frame& frame, Treatments&) const {
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  const size_t width = places.size(), rows = static_cast<size_t>(rows_of(frame));
  std::vector<double> x = values_of(frame, places);
  for (size_t row = 0; row < rows; ++row) {
    double* const at = x.data() + row * width;
    std::vector<size_t> missing;
    for (const int64_t c : state.order) {
      if (!std::isfinite(at[static_cast<size_t>(c)])) missing.push_back(static_cast<size_t>(c));
    }
    for (const size_t c : missing) at[c] = state.means[c];
    for (int64_t round = 0; round < state.rounds && !missing.empty(); ++round)
      for (const size_t c : missing) at[c] = predicted(state.weights[c], at, width);
  }
  return with_values(frame, places, x);
}
void ImputeIterative::check() const {
  const size_t width = state.columns.size();
  check_sizes(kName, width, {state.means.size(), state.order.size(), state.weights.size()});
  for (const auto& weights : state.weights) check_sizes(kName, width + 1, {weights.size()});
  for (const int64_t c : state.order) {
    if (c < 0 || c >= static_cast<int64_t>(width)) fail(kName, "its state names column ", c, " of ", width);
  }
  if (state.rounds < 0 || state.rounds > 1000) fail(kName, "its state has ", state.rounds, " rounds; there are 0 to 1000");
}

}  // namespace gradus::preprocess
