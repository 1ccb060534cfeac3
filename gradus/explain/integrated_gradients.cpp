// Integrated gradients: the paths of many rows share a batch.
#include "gradus/explain/integrated_gradients.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "gradus/base/error.hpp"
#include "gradus/explain/explained_internal.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::explain {

using namespace core;
using detail::Explained;

namespace {

constexpr std::string_view kOp = "integrated_gradients", kRules[] = {"gauss_legendre", "trapezoid"};

// Roots of the Legendre polynomial P_n by Newton's method; weights 2 / ((1 - z^2) P_n'(z)^2), both brought from (-1, 1) to (0, 1).
PathPoints gauss_legendre(int64_t count) {
  PathPoints points;
  const auto n = static_cast<double>(count);
  for (int64_t i = count; i >= 1; --i) {
    double z = std::cos(std::numbers::pi * (static_cast<double>(i) - 0.25) / (n + 0.5)), slope = 1;
    for (int step = 0; step < 20; ++step) {
      double before = 0, value = 1;  // P_(k-1), P_k
      for (int64_t k = 1; k <= count; ++k) {
        const auto order = static_cast<double>(k);
        before = std::exchange(value, ((2 * order - 1) * z * value - (order - 1) * before) / order);
      }
      slope = n * (z * value - before) / (z * z - 1);
      const double change = value / slope;
      z -= change;
      if (std::abs(change) < 1e-15) break;
    }
    points.at.push_back((1 + z) / 2);
    points.weights.push_back(1 / ((1 - z * z) * slope * slope));
  }
  const double total = std::accumulate(points.weights.begin(), points.weights.end(), 0.0);
  for (double& weight : points.weights) weight /= total;
  return points;
}

// A path from a baseline to a row.
struct Path {
  int64_t row, baseline;
};

// The paths of all rows, and what their integrals have come to.
class Integration {
 public:
  Integration(const Explained& explained, const Array& x, const Array& baselines, const IntegratedGradientsOptions& options)
      : explained_(explained), x_(x), baselines_(baselines), options_(options), width_(x.size() / x.shape(0)) {
    totals_.assign(static_cast<size_t>(x.size()), 0.0);
    gaps_.assign(static_cast<size_t>(x.shape(0)), 0.0);
    steps_.assign(static_cast<size_t>(x.shape(0)), 0);
  }

  void run() {
    std::vector<Path> open;
    for (int64_t row = 0; row < x_.shape(0); ++row) {
      for (int64_t baseline = 0; baseline < baselines_.shape(0); ++baseline) open.push_back({row, baseline});
    }
    for (int64_t steps = options_.steps; !open.empty(); steps = std::min(2 * steps, options_.most_steps)) {
      const PathPoints points = path_points(options_.rule, steps);
      std::vector<Path> still_open;
      const auto group = static_cast<size_t>(std::max<int64_t>(1, options_.batch_size / steps));
      for (size_t begin = 0; begin < open.size(); begin += group) {
        const std::span<const Path> paths(open.data() + begin, std::min(group, open.size() - begin));
        finish(paths, integral(paths, points), steps, still_open);
      }
      open = std::move(still_open);
    }
  }

  IntegratedGradients result() const {
    const auto count = static_cast<double>(baselines_.shape(0));
    const std::vector<double> base = detail::background_means(explained_, baselines_);
    IntegratedGradients found{explained_.attribution(array(totals_, x_.shape()).astype(x_.dtype())), array(base)};
    std::vector<double> gaps, relative;
    for (size_t row = 0; row < gaps_.size(); ++row) {
      gaps.push_back(gaps_[row] / count);
      relative.push_back(gaps.back() == 0 ? 0 : std::abs(gaps.back() / (explained_.output()[row] - base[row])));
    }
    found.gap = array(gaps);
    found.relative_gap = array(relative);
    found.steps = steps_;
    found.is_complete = is_complete_;
    return found;
  }

 private:
  // Mean gradients on the paths (paths, width), as weighted sums.
  std::vector<double> integral(std::span<const Path> paths, const PathPoints& points) const {
    std::vector<int64_t> rows, baselines;
    for (const Path& path : paths) {
      rows.push_back(path.row);
      baselines.push_back(path.baseline);
    }
    const auto count = static_cast<int64_t>(paths.size()), steps = static_cast<int64_t>(points.at.size());
    const Array from = reshape(take(baselines_, array(baselines), 0), {count, 1, width_}),
                way = reshape(take(x_, array(rows), 0), {count, 1, width_}) - from;
    std::vector<double> total(static_cast<size_t>(count * width_), 0.0);
    for (int64_t begin = 0; begin < steps; begin += options_.batch_size) {
      const int64_t part = std::min(options_.batch_size, steps - begin);
      const auto piece = [&](const std::vector<double>& all) {
        return reshape(array(std::span<const double>(all).subspan(static_cast<size_t>(begin), static_cast<size_t>(part))), {1, part, 1})
            .astype(x_.dtype());
      };
      const Array at = reshape(from + piece(points.at) * way, detail::with_rows(x_.shape(), count * part));
      const Array slopes = explained_.slopes(at, detail::each_repeated(array(rows), part)).gradients;
      const std::vector<double> sums = sum(reshape(slopes, {count, part, width_}) * piece(points.weights), 1).to_vector<double>();
      for (size_t i = 0; i < sums.size(); ++i) total[i] += sums[i];
    }
    return total;
  }

  // Adds the paths whose gaps are small, or which may have no more steps; the others stay open.
  void finish(std::span<const Path> paths, const std::vector<double>& integrals, int64_t steps, std::vector<Path>& still_open) {
    const std::vector<double> ends = explained_.values(
        static_cast<int64_t>(paths.size()),
        [&](int64_t begin, int64_t end) {
          std::vector<int64_t> rows;
          for (int64_t i = begin; i < end; ++i) rows.push_back(paths[static_cast<size_t>(i)].baseline);
          return take(baselines_, array(rows), 0);
        },
        [&](int64_t i) { return paths[static_cast<size_t>(i)].row; });
    for (size_t i = 0; i < paths.size(); ++i) {
      const auto [row, baseline] = paths[i];
      const std::vector<double> to = detail::rows_of(x_, row, row + 1).to_vector<double>(),
                                from = detail::rows_of(baselines_, baseline, baseline + 1).to_vector<double>();
      std::vector<double> values(to.size());
      double sum = 0, size = 0;
      for (size_t j = 0; j < to.size(); ++j) {
        values[j] = (to[j] - from[j]) * integrals[i * to.size() + j];
        sum += values[j];
        size += std::abs(values[j]);
      }
      const double difference = explained_.output()[static_cast<size_t>(row)] - ends[i], gap = sum - difference;
      // Below that part of what was added up, a gap is rounding.
      const double rounding = (x_.dtype() == float64 ? 1e-12 : 1e-5) * std::max(size, std::abs(ends[i]));
      const bool is_small = std::abs(gap) <= options_.tolerance * std::abs(difference) || std::abs(gap) <= rounding;
      if (!is_small && steps < options_.most_steps) {
        still_open.push_back(paths[i]);
        continue;
      }
      is_complete_ &= is_small;
      gaps_[static_cast<size_t>(row)] += gap;
      steps_[static_cast<size_t>(row)] = std::max(steps_[static_cast<size_t>(row)], steps);
      for (size_t j = 0; j < values.size(); ++j) {
        totals_[static_cast<size_t>(row) * values.size() + j] += values[j] / static_cast<double>(baselines_.shape(0));
      }
    }
  }

  const Explained& explained_;
  const Array &x_, &baselines_;
  const IntegratedGradientsOptions& options_;
  int64_t width_;
  std::vector<double> totals_, gaps_;  // (rows, width), (rows,)
  std::vector<int64_t> steps_;
  bool is_complete_ = true;
};

}  // namespace

std::span<const std::string_view> enum_names(PathRule) { return kRules; }

PathPoints path_points(PathRule rule, int64_t steps) {
  if (steps < (rule == PathRule::trapezoid ? 2 : 1)) {
    fail(kOp, "steps is ", steps, "; it must be at least ", rule == PathRule::trapezoid ? 2 : 1);
  }
  if (rule == PathRule::gauss_legendre) return gauss_legendre(steps);
  const auto parts = static_cast<double>(steps - 1);
  PathPoints points;
  for (int64_t i = 0; i < steps; ++i) {
    points.at.push_back(static_cast<double>(i) / parts);
    points.weights.push_back((i == 0 || i == steps - 1 ? 0.5 : 1.0) / parts);
  }
  return points;
}

IntegratedGradients integrated_gradients(Function model, const Array& x, const IntegratedGradientsOptions& options) {
  detail::check_float(kOp, x);
  if (!(options.tolerance >= 0)) fail(kOp, "tolerance is ", options.tolerance, "; it must not be negative");
  if (options.most_steps < options.steps || options.most_steps > 1 << 13) {
    fail(kOp, "most_steps is ", options.most_steps, ", steps is ", options.steps, "; most_steps must be at least steps, and at most ",
         1 << 13);
  }
  const Explained explained(kOp, model, x, options.target, options.scale, options.batch_size);
  if (options.baseline.exists() && options.baselines.exists()) fail(kOp, "a baseline and several are given; it must be one or the other");
  if (options.baselines.exists()) detail::check_background(kOp, options.baselines, x);
  const Array baselines = options.baselines.exists() ? options.baselines.astype(x.dtype())
                                                     : expand_dims(detail::sample_like(kOp, "baseline", options.baseline, x), 0);
  path_points(options.rule, options.steps);
  Integration integration(explained, x, baselines, options);
  integration.run();
  return integration.result();
}

}  // namespace gradus::explain
