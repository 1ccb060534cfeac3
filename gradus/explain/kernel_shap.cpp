// KernelSHAP: Shapley values as the solution of a weighted least-squares problem over sets of features.
#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/explain/coalitions_internal.hpp"
#include "gradus/explain/draws_internal.hpp"
#include "gradus/explain/shapley.hpp"
#include "gradus/ops/creation.hpp"

namespace gradus::explain {

using namespace core;
using detail::Coalitions;
using detail::Explained;

namespace {

constexpr std::string_view kOp = "kernel_shap";

// A symmetric positive definite matrix as L L^T.
class Cholesky {
 public:
  Cholesky(std::vector<double> matrix, size_t size) : l_(std::move(matrix)), size_(size) {
    for (size_t j = 0; j < size_; ++j) {
      const double before = at(j, j);
      double left = before;
      for (size_t k = 0; k < j; ++k) left -= at(j, k) * at(j, k);
      is_definite_ = is_definite_ && left > 1e-12 * before;
      if (!is_definite_) return;
      at(j, j) = std::sqrt(left);
      for (size_t i = j + 1; i < size_; ++i) {
        double sum = at(i, j);
        for (size_t k = 0; k < j; ++k) sum -= at(i, k) * at(j, k);
        at(i, j) = sum / at(j, j);
      }
    }
  }
  bool is_definite() const { return is_definite_; }
  /// x of matrix x = right.
  std::vector<double> solve(std::vector<double> right) const {
    for (size_t i = 0; i < size_; ++i) {
      for (size_t k = 0; k < i; ++k) right[i] -= at(i, k) * right[k];
      right[i] /= at(i, i);
    }
    for (size_t i = size_; i-- > 0;) {
      for (size_t k = i + 1; k < size_; ++k) right[i] -= at(k, i) * right[k];
      right[i] /= at(i, i);
    }
    return right;
  }

 private:
  double& at(size_t i, size_t j) { return l_[i * size_ + j]; }
  double at(size_t i, size_t j) const { return l_[i * size_ + j]; }
  std::vector<double> l_;
  size_t size_;
  bool is_definite_ = true;
};

// Sets of features with their weights; set 2p + 1 is the complement of set 2p.
struct Sets {
  std::vector<std::vector<uint8_t>> known;
  std::vector<double> weights;
  bool is_all = false;
};

// All sets but the empty and the full one, with weights (n - 1) / (binomial(n, s) s (n - s)) of those with s features.
Sets all_sets(int64_t n) {
  Sets sets{.known = {}, .weights = {}, .is_all = true};
  for (int64_t set = 1; set < int64_t{1} << (n - 1); ++set) {
    std::vector<uint8_t> one(static_cast<size_t>(n)), other(one);
    int64_t size = 0;
    for (int64_t feature = 0; feature < n; ++feature) {
      one[static_cast<size_t>(feature)] = set >> feature & 1;
      other[static_cast<size_t>(feature)] = !(set >> feature & 1);
      size += set >> feature & 1;
    }
    double choices = 1;
    for (int64_t k = 0; k < size; ++k) choices = choices * static_cast<double>(n - k) / static_cast<double>(k + 1);
    const double weight = static_cast<double>(n - 1) / (choices * static_cast<double>(size) * static_cast<double>(n - size));
    sets.known.insert(sets.known.end(), {std::move(one), std::move(other)});
    sets.weights.insert(sets.weights.end(), 2, weight);
  }
  return sets;
}

// Sizes s with probability in proportion to 1 / (s (n - s)), each set of that size alike: the kernel's weights are then in the draws.
Sets drawn_sets(int64_t n, int64_t pairs, detail::Draws& draws) {
  std::vector<double> up_to;
  double total = 0;
  for (int64_t size = 1; size < n; ++size) up_to.push_back(total += 1.0 / static_cast<double>(size * (n - size)));
  Sets sets;
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const double at = draws.uniform() * total;
    const auto size = std::min<int64_t>(std::upper_bound(up_to.begin(), up_to.end(), at) - up_to.begin() + 1, n - 1);
    const std::vector<int64_t> order = draws.permutation(n);
    std::vector<uint8_t> one(static_cast<size_t>(n), 0), other(static_cast<size_t>(n), 1);
    for (int64_t i = 0; i < size; ++i) {
      one[static_cast<size_t>(order[static_cast<size_t>(i)])] = 1;
      other[static_cast<size_t>(order[static_cast<size_t>(i)])] = 0;
    }
    sets.known.insert(sets.known.end(), {std::move(one), std::move(other)});
  }
  sets.weights.assign(sets.known.size(), 1.0);
  return sets;
}

struct Fit {
  std::vector<double> values, errors;
};

// Least squares for worths[i] - base = sum of the values of set i, under the condition that all values add up to `total`: the last value is
// total less the others, which leaves a regression on u = z_j - z_last of what is left of the worth.
Fit fit(const Sets& sets, const std::vector<double>& worths, double base, double total, int64_t samples) {
  const size_t n = sets.known[0].size(), free = n - 1;
  const auto row_of = [&](size_t set) {
    std::vector<double> u(free);
    for (size_t j = 0; j < free; ++j) u[j] = static_cast<double>(sets.known[set][j]) - static_cast<double>(sets.known[set][free]);
    return u;
  };
  const auto left_of = [&](size_t set) { return worths[set] - base - (sets.known[set][free] ? total : 0.0); };
  std::vector<double> normal(free * free, 0.0), right(free, 0.0);
  for (size_t set = 0; set < worths.size(); ++set) {
    const std::vector<double> u = row_of(set);
    const double left = left_of(set);
    for (size_t i = 0; i < free; ++i) {
      if (u[i] == 0) continue;
      right[i] += sets.weights[set] * u[i] * left;
      for (size_t j = 0; j < free; ++j) normal[i * free + j] += sets.weights[set] * u[i] * u[j];
    }
  }
  const Cholesky root(std::move(normal), free);
  if (!root.is_definite()) fail(kOp, "samples is ", samples, ", which leaves ", n, " features undecided; it must be larger");
  Fit found{root.solve(std::move(right)), std::vector<double>(n, 0.0)};
  if (!sets.is_all) {
    // The variance of the mean of A^-1 u e over pairs, whose two sets are not independent.
    std::vector<double> squares(n, 0.0);
    for (size_t pair = 0; pair + 1 < worths.size(); pair += 2) {
      std::vector<double> score(free, 0.0);
      for (size_t set = pair; set < pair + 2; ++set) {
        const std::vector<double> u = row_of(set);
        double residual = left_of(set);
        for (size_t j = 0; j < free; ++j) residual -= u[j] * found.values[j];
        for (size_t j = 0; j < free; ++j) score[j] += u[j] * residual;
      }
      const std::vector<double> influence = root.solve(std::move(score));
      double last = 0;
      for (size_t j = 0; j < free; ++j) {
        squares[j] += influence[j] * influence[j];
        last -= influence[j];
      }
      squares[free] += last * last;
    }
    const auto pairs = static_cast<double>(worths.size() / 2);
    for (size_t j = 0; j < n; ++j) found.errors[j] = std::sqrt(squares[j] * pairs / (pairs - static_cast<double>(free)));
  }
  double last = total;
  for (const double value : found.values) last -= value;
  found.values.push_back(last);
  return found;
}

}  // namespace

ShapleyValues kernel_shap(Function model, const Array& x, const Array& background, const KernelShapOptions& options) {
  const Explained explained(kOp, model, x, options.target, options.scale, options.batch_size);
  detail::check_background(kOp, background, x);
  const Coalitions coalitions(explained, x, background, features(x.size() / x.shape(0), options.groups, options.names));
  const int64_t n = coalitions.features(), rows = x.shape(0);
  const bool takes_all = n < 2 || (n < 40 && (int64_t{1} << n) - 2 <= options.samples);
  if (!takes_all && options.samples < 4 * n)
    fail(kOp, "samples is ", options.samples, ", there are ", n, " features; it must be at least 4 times as many");
  const std::vector<double> base = detail::background_means(explained, background);
  std::vector<double> values, errors;
  for (int64_t row = 0; row < rows; ++row) {
    const double total = explained.output()[static_cast<size_t>(row)] - base[static_cast<size_t>(row)];
    if (n == 1) {
      values.push_back(total);
      errors.push_back(0);
      continue;
    }
    detail::Draws draws(static_cast<uint64_t>(options.seed), static_cast<uint64_t>(row));
    const Sets sets = takes_all ? all_sets(n) : drawn_sets(n, options.samples / 2, draws);
    const std::vector<double> worths = coalitions.worths(row, static_cast<int64_t>(sets.known.size()), [&](int64_t set, uint8_t* is_known) {
      std::copy(sets.known[static_cast<size_t>(set)].begin(), sets.known[static_cast<size_t>(set)].end(), is_known);
    });
    const Fit found = fit(sets, worths, base[static_cast<size_t>(row)], total, options.samples);
    values.insert(values.end(), found.values.begin(), found.values.end());
    errors.insert(errors.end(), found.errors.begin(), found.errors.end());
  }
  return {coalitions.names(), array(values, {rows, n}), array(errors, {rows, n}), array(explained.output()),
          array(base),        explained.labels(),       coalitions.evaluations()};
}

}  // namespace gradus::explain
