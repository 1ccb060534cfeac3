// Categories by the mean of the target.
#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/data/dataset.hpp"
#include "gradus/preprocess/categories.hpp"
#include "gradus/preprocess/encode.hpp"
#include "gradus/preprocess/numeric.hpp"

namespace gradus::preprocess {

using namespace core;
using data::Column;
using data::ColumnType;

std::span<const FieldNote> TargetEncodeOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"columns", "names of the columns; none: all that are categorical or ordinal when it is its turn"},
      {"smooth", "so many rows of the overall mean are added to those of each category; 0: by the variances", range::not_negative},
      {"folds", "training rows get the mean of the others of so many parts", {.low = 2, .high = 1000}}};
  return notes;
}
TargetEncode::TargetEncode(TargetEncodeOptions given) : options(checked(kName, std::move(given))) {}

namespace {

// One target: a number, or whether it is this class.
std::vector<std::vector<double>> targets_of(const Learning& learning) {
  if (learning.classes == 0) return {learning.target};
  std::vector<std::vector<double>> out;
  for (int64_t k = learning.classes == 2 ? 1 : 0; k < learning.classes; ++k) {
    std::vector<double>& flags = out.emplace_back();
    for (const double label : learning.target) flags.push_back(label == static_cast<double>(k));
  }
  return out;
}

double mean_of(const std::vector<double>& y, const std::vector<bool>& counts) {
  double sum = 0, rows = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    if (counts[i]) sum += y[i], ++rows;
  }
  return rows > 0 ? sum / rows : 0;
}

// The mean of y by category, drawn towards the overall one:
//   lambda mean_c + (1 - lambda) mean   with lambda = s^2 n / (s^2 n + s_c^2), s the deviation of all, s_c that within the category
// or, with a given smooth m, (sum_c + m mean) / (n + m).
std::vector<double> encoded(const Column& column, const std::vector<double>& y, const std::vector<bool>& counts, double smooth) {
  const size_t categories = column.categories().size();
  const std::span<const int32_t> codes = column.codes();
  std::vector<double> sums(categories, 0), rows(categories, 0), squares(categories, 0), out(categories);
  const double mean = mean_of(y, counts);
  double variance = 0, all = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    if (!counts[i]) continue;
    variance += (y[i] - mean) * (y[i] - mean);
    ++all;
    if (codes[i] >= 0) sums[static_cast<size_t>(codes[i])] += y[i], ++rows[static_cast<size_t>(codes[i])];
  }
  variance = all > 0 ? variance / all : 0;
  for (size_t i = 0; i < y.size(); ++i) {
    if (!counts[i] || codes[i] < 0) continue;
    const auto c = static_cast<size_t>(codes[i]);
    const double difference = y[i] - sums[c] / rows[c];
    squares[c] += difference * difference;
  }
  for (size_t c = 0; c < categories; ++c) {
    if (rows[c] == 0) {
      out[c] = mean;
    } else if (smooth > 0) {
      out[c] = (sums[c] + smooth * mean) / (rows[c] + smooth);
    } else {
      const double weight = variance * rows[c], lambda = weight / (weight + squares[c] / rows[c]);
      out[c] = std::isnan(lambda) ? mean : lambda * (sums[c] / rows[c]) + (1 - lambda) * mean;
    }
  }
  return out;
}

std::string name_of_column(const std::string& column, size_t target, size_t targets) {
  return targets == 1 ? column : concat(column, " of class ", target);
}

}  // namespace

void TargetEncode::learn(const Frame& frame, const Learning& learning) {
  if (learning.target.empty()) fail(kName, "there is no target to learn from; fit the pipeline with the name of the target's column");
  state = {chosen_columns(kName, frame, options.columns, {ColumnType::categorical, ColumnType::ordinal}), {}, {}, {}};
  const auto targets = targets_of(learning);
  const std::vector<bool> all(learning.target.size(), true);
  for (const auto& y : targets) state.overall.push_back(mean_of(y, all));
  for (const size_t place : places_of(kName, frame, state.columns)) {
    const Column& column = frame[place].column;
    state.categories.push_back(column.categories());
    std::vector<double>& means = state.means.emplace_back(column.categories().size() * targets.size());
    for (size_t k = 0; k < targets.size(); ++k) {
      const std::vector<double> of_target = encoded(column, targets[k], all, options.smooth);
      for (size_t c = 0; c < of_target.size(); ++c) means[c * targets.size() + k] = of_target[c];
    }
  }
}

Frame TargetEncode::learn_and_apply(const Frame& frame, const Learning& learning, Treatments& treatments) {
  learn(frame, learning);
  Frame out = apply(frame, treatments);
  const auto targets = targets_of(learning);
  const auto rows = learning.target.size();
  const auto folds = static_cast<size_t>(std::min<int64_t>(options.folds, static_cast<int64_t>(rows)));
  if (folds < 2) return out;
  std::vector<size_t> fold(rows);
  const std::vector<int64_t> order = data::permutation(static_cast<int64_t>(rows), learning.seed);
  for (size_t i = 0; i < rows; ++i) fold[static_cast<size_t>(order[i])] = i % folds;
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  for (size_t c = 0; c < places.size(); ++c) {
    const Column& column = frame[places[c]].column;
    for (size_t k = 0; k < targets.size(); ++k) {
      std::vector<double> values(rows);
      for (size_t part = 0; part < folds; ++part) {
        std::vector<bool> others(rows);
        for (size_t i = 0; i < rows; ++i) others[i] = fold[i] != part;
        const std::vector<double> by_category = encoded(column, targets[k], others, options.smooth);
        const double mean = mean_of(targets[k], others);
        for (size_t i = 0; i < rows; ++i) {
          if (fold[i] == part) values[i] = column.codes()[i] < 0 ? mean : by_category[static_cast<size_t>(column.codes()[i])];
        }
      }
      const std::string name = name_of_column(column.name(), k, targets.size());
      for (Feature& feature : out) {
        if (feature.column.name() == name) feature.column = Column::numeric(name, values);
      }
    }
  }
  return out;
}

Frame TargetEncode::apply(const Frame& frame, Treatments& treatments) const {
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  const size_t targets = state.overall.size();
  Frame out = frame;
  for (size_t c = 0; c < places.size(); ++c) {
    const Column& column = frame[places[c]].column;
    const std::vector<int64_t> among = places_among(column, state.categories[c]);
    count_unknown(column, among, "of no known category, and become the overall mean", treatments);
    for (size_t k = 0; k < targets; ++k) {
      std::vector<double> values;
      for (const int32_t code : column.codes()) {
        const int64_t at = code < 0 ? -1 : among[static_cast<size_t>(code)];
        values.push_back(at < 0 ? state.overall[k] : state.means[c][static_cast<size_t>(at) * targets + k]);
      }
      Feature made{Column::numeric(name_of_column(column.name(), k, targets), std::move(values)), frame[places[c]].origin};
      if (k == 0) out[places[c]] = std::move(made);
      else out.push_back(std::move(made));
    }
  }
  return out;
}

void TargetEncode::check() const {
  check_sizes(kName, state.columns.size(), {state.categories.size(), state.means.size()});
  for (size_t i = 0; i < state.means.size(); ++i)
    check_sizes(kName, state.categories[i].size() * state.overall.size(), {state.means[i].size()});
}

}  // namespace gradus::preprocess
