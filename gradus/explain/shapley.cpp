// Exact and sampled Shapley values. KernelSHAP has a file of its own.
#include "gradus/explain/shapley.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/explain/coalitions_internal.hpp"
#include "gradus/explain/draws_internal.hpp"
#include "gradus/ops/creation.hpp"

namespace gradus::explain {

using namespace core;
using detail::Coalitions;
using detail::Explained;

namespace {

constexpr int64_t kMostExact = 16;

// weights[s] = s! (n - s - 1)! / n!: the share of orders in which a set of s features comes just before a given one.
std::vector<double> order_weights(int64_t n) {
  std::vector<double> weights(static_cast<size_t>(n));
  weights[0] = 1.0 / static_cast<double>(n);
  for (int64_t s = 1; s < n; ++s) {
    weights[static_cast<size_t>(s)] = weights[static_cast<size_t>(s - 1)] * static_cast<double>(s) / static_cast<double>(n - s);
  }
  return weights;
}

// Of all sets, set number i has feature f where bit f of i is 1.
std::vector<double> all_worths(const Coalitions& coalitions, int64_t row) {
  const int64_t n = coalitions.features();
  return coalitions.worths(row, int64_t{1} << n, [&](int64_t set, uint8_t* is_known) {
    for (int64_t feature = 0; feature < n; ++feature) is_known[feature] = set >> feature & 1;
  });
}

std::vector<double> values_of(const std::vector<double>& worths, int64_t n) {
  const std::vector<double> weights = order_weights(n);
  std::vector<double> values(static_cast<size_t>(n), 0.0);
  for (size_t set = 0; set < worths.size(); ++set) {
    const double weight = weights[std::min<size_t>(static_cast<size_t>(std::popcount(set)), weights.size() - 1)];
    for (size_t feature = 0; feature < values.size(); ++feature) {
      if (!(set >> feature & 1)) values[feature] += weight * (worths[set | size_t{1} << feature] - worths[set]);
    }
  }
  return values;
}

std::vector<Feature> exact_features(std::string_view op, const Array& x, const Array& background, const ShapleyOptions& options) {
  detail::check_background(op, background, x);
  std::vector<Feature> all = features(x.size() / std::max<int64_t>(x.shape(0), 1), options.groups, options.names);
  if (static_cast<int64_t>(all.size()) > kMostExact || all.empty()) {
    fail(op, "there are ", all.size(), " features; it takes 1 to ", kMostExact, ": group columns, or use shapley_sampled or kernel_shap");
  }
  return all;
}

// The mean over rounds of what each feature brings, and its standard error.
struct Rounds {
  explicit Rounds(int64_t features) : sums(static_cast<size_t>(features), 0.0), squares(sums) {}
  void add(const std::vector<double>& values) {
    ++count;
    for (size_t i = 0; i < values.size(); ++i) {
      const double shift = values[i] - sums[i];  // sums holds the mean so far (Welford 1962)
      sums[i] += shift / count;
      squares[i] += shift * (values[i] - sums[i]);
    }
  }
  double error(size_t i) const { return std::sqrt(squares[i] / (count - 1) / count); }
  std::vector<double> sums, squares;
  double count = 0;
};

// One round: every background row turns into x by an order of its own, forwards and backwards. Point numbers: background row, direction,
// number of features that are known, from 1 to n - 1.
std::vector<double> one_round(const Coalitions& coalitions, int64_t row, const std::vector<double>& ends, double output,
                              detail::Draws& draws) {
  const int64_t n = coalitions.features(), origins = coalitions.background_rows(), inner = n - 1;
  std::vector<std::vector<int64_t>> orders;
  for (int64_t origin = 0; origin < origins; ++origin) orders.push_back(draws.permutation(n));
  // place of feature number `step` in the order, or in its reverse
  const auto feature_at = [&](int64_t origin, int64_t direction, int64_t step) {
    return static_cast<size_t>(orders[static_cast<size_t>(origin)][static_cast<size_t>(direction ? n - 1 - step : step)]);
  };
  const std::vector<double> worths = coalitions.values(row, origins * 2 * inner, [&](int64_t point, uint8_t* is_known) {
    const int64_t origin = point / (2 * inner), direction = point / inner % 2, known = point % inner + 1;
    std::fill(is_known, is_known + n, uint8_t{0});
    for (int64_t step = 0; step < known; ++step) is_known[feature_at(origin, direction, step)] = 1;
    return origin;
  });
  std::vector<double> values(static_cast<size_t>(n), 0.0);
  for (int64_t origin = 0; origin < origins; ++origin) {
    for (int64_t direction = 0; direction < 2; ++direction) {
      const double* const path = worths.data() + (origin * 2 + direction) * inner;
      double before = ends[static_cast<size_t>(origin)];
      for (int64_t step = 0; step < n; ++step) {
        const double after = step < inner ? path[step] : output;
        values[feature_at(origin, direction, step)] += (after - before) / static_cast<double>(2 * origins);
        before = after;
      }
    }
  }
  return values;
}

ShapleyValues collected(const Coalitions& coalitions, const Explained& explained, const std::vector<double>& base,
                        const std::vector<double>& values, const std::vector<double>& errors) {
  const Shape shape{explained.rows(), coalitions.features()};
  return {coalitions.names(), array(values, shape), array(errors, shape),    array(explained.output()),
          array(base),        explained.labels(),   coalitions.evaluations()};
}

}  // namespace

ShapleyValues shapley(Function model, const Array& x, const Array& background, const ShapleyOptions& options) {
  constexpr std::string_view op = "shapley";
  const Explained explained(op, model, x, options.target, options.scale, options.batch_size);
  const Coalitions coalitions(explained, x, background, exact_features(op, x, background, options));
  std::vector<double> values, base;
  for (int64_t row = 0; row < x.shape(0); ++row) {
    const std::vector<double> worths = all_worths(coalitions, row), of_row = values_of(worths, coalitions.features());
    values.insert(values.end(), of_row.begin(), of_row.end());
    base.push_back(worths[0]);
  }
  return collected(coalitions, explained, base, values, std::vector<double>(values.size(), 0.0));
}

Array shapley_interactions(Function model, const Array& x, const Array& background, const ShapleyOptions& options) {
  constexpr std::string_view op = "shapley_interactions";
  const Explained explained(op, model, x, options.target, options.scale, options.batch_size);
  const Coalitions coalitions(explained, x, background, exact_features(op, x, background, options));
  const int64_t n = coalitions.features();
  const auto size = static_cast<size_t>(n);
  std::vector<double> all;
  for (int64_t row = 0; row < x.shape(0); ++row) {
    const std::vector<double> worths = all_worths(coalitions, row), single = values_of(worths, n);
    std::vector<double> pairs(size * size, 0.0);
    const std::vector<double> weights = n > 1 ? order_weights(n - 1) : std::vector<double>();
    for (size_t i = 0; i < size; ++i) {
      for (size_t j = i + 1; j < size; ++j) {
        const size_t a = size_t{1} << i, b = size_t{1} << j;
        double together = 0;
        for (size_t set = 0; set < worths.size(); ++set) {
          if (set & (a | b)) continue;
          together +=
              weights[static_cast<size_t>(std::popcount(set))] * (worths[set | a | b] - worths[set | a] - worths[set | b] + worths[set]);
        }
        pairs[i * size + j] = pairs[j * size + i] = together / 2;
      }
    }
    for (size_t i = 0; i < size; ++i) {
      double rest = single[i];
      for (size_t j = 0; j < size; ++j) rest -= j == i ? 0 : pairs[i * size + j];
      pairs[i * size + i] = rest;
    }
    all.insert(all.end(), pairs.begin(), pairs.end());
  }
  return array(all, {x.shape(0), n, n});
}

ShapleyValues shapley_sampled(Function model, const Array& x, const Array& background, const SampledShapleyOptions& options) {
  constexpr std::string_view op = "shapley_sampled";
  const Explained explained(op, model, x, options.target, options.scale, options.batch_size);
  detail::check_background(op, background, x);
  if (options.rounds < 2) fail(op, "rounds is ", options.rounds, "; it must be at least 2, for the errors");
  const Coalitions coalitions(explained, x, background, features(x.size() / x.shape(0), options.groups, options.names));
  std::vector<double> values, errors, base;
  for (int64_t row = 0; row < x.shape(0); ++row) {
    detail::Draws draws(static_cast<uint64_t>(options.seed), static_cast<uint64_t>(row));
    const std::vector<double> ends = coalitions.values(row, coalitions.background_rows(), [&](int64_t point, uint8_t* is_known) {
      std::fill(is_known, is_known + coalitions.features(), uint8_t{0});
      return point;
    });
    const double output = explained.output()[static_cast<size_t>(row)];
    Rounds rounds(coalitions.features());
    for (int64_t round = 0; round < options.rounds; ++round) rounds.add(one_round(coalitions, row, ends, output, draws));
    values.insert(values.end(), rounds.sums.begin(), rounds.sums.end());
    for (size_t i = 0; i < rounds.sums.size(); ++i) errors.push_back(rounds.error(i));
    base.push_back(std::accumulate(ends.begin(), ends.end(), 0.0) / static_cast<double>(ends.size()));
  }
  return collected(coalitions, explained, base, values, errors);
}

}  // namespace gradus::explain
