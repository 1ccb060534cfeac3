// The doctor's look for leaks: columns that tell the target by themselves.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "gradus/base/text.hpp"
#include "gradus/train/doctor_parts.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::train::detail {

using namespace core;

namespace {

constexpr int64_t kMostRows = 2000, kMostCells = 1'000'000, kFewestRows = 30, kFewestOthers = 10;
// Of classes: what a leak may still get wrong, of what the commonest class alone gets wrong.
constexpr double kLeftByLeak = 0.02;
// Of numbers: the share of the target's variance that it may leave.
constexpr double kVarianceLeft = 0.002;

// What one column leaves of the errors (or the variance) of the best constant; and how much it is like a copy.
struct Power {
  double left = 1;
  bool is_copy = false;  // one value for each class; classes far apart; or the same order as the target's
};

struct Rows {
  std::vector<double> x, y;
};

// The rows of both that are not missing.
Rows known_rows(const Feature& feature, const std::vector<double>& target, const std::vector<int64_t>& rows) {
  Rows out;
  for (const int64_t row : rows) {
    const double x = feature.at(row), y = target[static_cast<size_t>(row)];
    if (std::isnan(x) || std::isnan(y)) continue;
    out.x.push_back(x);
    out.y.push_back(y);
  }
  return out;
}

std::vector<size_t> order_by(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b] || (values[a] == values[b] && a < b); });
  return order;
}

// Samples in [begin, end) of an order that are not of its commonest class.
int64_t errors_in(const std::vector<size_t>& order, size_t begin, size_t end, const std::vector<double>& labels) {
  std::map<double, int64_t> counts;
  int64_t most = 0;
  for (size_t i = begin; i < end; ++i) most = std::max(most, ++counts[labels[order[i]]]);
  return static_cast<int64_t>(end - begin) - most;
}

// Whether the means of the classes lie at least 20 deviations apart: a label with a little noise does that, measurements do not.
bool are_far_apart(const Rows& rows) {
  std::map<double, std::vector<double>> sums;  // count, sum, squares
  for (size_t i = 0; i < rows.x.size(); ++i) {
    std::vector<double>& each = sums[rows.y[i]];
    each.resize(3);
    each[0] += 1, each[1] += rows.x[i], each[2] += rows.x[i] * rows.x[i];
  }
  std::vector<double> means;
  double within = 0;
  for (const auto& [label, each] : sums) {
    means.push_back(each[1] / each[0]);
    within += std::max(each[2] - each[1] * means.back(), 0.0);
  }
  std::sort(means.begin(), means.end());
  const double deviation = std::sqrt(within / static_cast<double>(rows.x.size()));
  double gap = std::numeric_limits<double>::infinity();
  for (size_t i = 1; i < means.size(); ++i) gap = std::min(gap, means[i] - means[i - 1]);
  return gap > 20 * deviation;
}

// By the best class of each value where there are few values, else of stretches that hold whole values: of at least 5 rows of one class, or
// of at least 20.
Power power_on_classes(const Rows& rows) {
  const auto count = static_cast<int64_t>(rows.x.size());
  std::map<double, int64_t> classes;
  int64_t commonest = 0;
  for (const double y : rows.y) commonest = std::max(commonest, ++classes[y]);
  const int64_t base = count - commonest;
  if (count < kFewestRows || base < kFewestOthers) return {};
  const std::vector<size_t> order = order_by(rows.x);
  size_t values = 1;
  for (size_t i = 1; i < order.size(); ++i) values += rows.x[order[i]] != rows.x[order[i - 1]];
  const bool is_discrete = values <= 2 * classes.size();
  int64_t errors = 0;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    const double label = rows.y[order[begin]];
    bool is_pure = true;
    while (end < order.size()) {
      const bool is_new_value = end == begin || rows.x[order[end]] != rows.x[order[end - 1]];
      if (is_new_value && end > begin && is_discrete) break;
      const size_t least = is_pure ? 5 : 20;
      if (is_new_value && end - begin >= least && (!is_pure || rows.y[order[end]] != label)) break;
      is_pure &= rows.y[order[end]] == label;
      ++end;
    }
    errors += errors_in(order, begin, end, rows.y);
  }
  const double left = static_cast<double>(errors) / static_cast<double>(base);
  return {left, is_discrete || are_far_apart(rows)};
}

// The share of the target's variance that the best monotone step function of x leaves (pool adjacent violators), rising or falling.
double monotone_left(const std::vector<size_t>& order, const Rows& rows, bool rises) {
  struct Block {
    double x, sum, count;
  };
  std::vector<Block> blocks;
  for (const size_t i : order) {
    const double y = rises ? rows.y[i] : -rows.y[i];
    if (!blocks.empty() && blocks.back().x == rows.x[i]) {
      blocks.back().sum += y, blocks.back().count += 1;
    } else {
      blocks.push_back({rows.x[i], y, 1});
    }
  }
  std::vector<Block> pooled;
  for (const Block& block : blocks) {
    pooled.push_back(block);
    while (pooled.size() > 1 &&
           pooled[pooled.size() - 2].sum / pooled[pooled.size() - 2].count >= pooled.back().sum / pooled.back().count) {
      const Block last = pooled.back();
      pooled.pop_back();
      pooled.back().sum += last.sum, pooled.back().count += last.count;
    }
  }
  const double n = static_cast<double>(rows.y.size()), mean = std::accumulate(rows.y.begin(), rows.y.end(), 0.0) / n;
  double all = 0, between = 0;
  for (const double y : rows.y) all += (y - mean) * (y - mean);
  for (const Block& block : pooled) {
    const double difference = block.sum / block.count - (rises ? mean : -mean);
    between += block.count * difference * difference;
  }
  return all > 0 ? std::max(1 - between / all, 0.0) : 1;
}

Power power_on_numbers(const Rows& rows) {
  if (static_cast<int64_t>(rows.x.size()) < kFewestRows) return {};
  const std::vector<size_t> order = order_by(rows.x);
  return {std::min(monotone_left(order, rows, true), monotone_left(order, rows, false)), true};
}

struct Ranked {
  const Feature* feature;
  Power power;
};

// The columns that leave next to nothing, and what the best of the others leaves.
struct Leaks {
  std::vector<Ranked> columns{};
  double rest = 1;
};

Leaks leaks_of(const std::vector<Ranked>& all, double most) {
  Leaks out;
  for (const Ranked& each : all) {
    if (each.power.left <= most) out.columns.push_back(each);
    else out.rest = std::min(out.rest, each.power.left);
  }
  return out;
}

}  // namespace

void find_leaks(const Features& features, std::vector<Finding>& findings) {
  const std::vector<double>& target = features.target.values;
  const auto width = static_cast<int64_t>(features.columns.size());
  if (width < 2 || target.empty()) return;
  const bool is_class = features.target.is_class;
  const std::vector<int64_t> rows = sampled_rows(features.rows, std::clamp(kMostCells / width, int64_t{200}, kMostRows));
  std::vector<Ranked> ranked;
  for (const Feature& feature : features.columns) {
    const Rows known = known_rows(feature, target, rows);
    if (2 * known.x.size() < rows.size()) continue;
    ranked.push_back({&feature, is_class ? power_on_classes(known) : power_on_numbers(known)});
  }
  const Leaks leaks = leaks_of(ranked, is_class ? kLeftByLeak : kVarianceLeft);
  if (leaks.columns.empty() || static_cast<int64_t>(leaks.columns.size()) > std::max<int64_t>(1, width / 4)) return;
  for (const auto& [feature, power] : leaks.columns) {
    // Where other columns come near, the target is just easy. A copy of the target stands out from less.
    const double half_a_row = is_class ? 0.5 / static_cast<double>(rows.size()) : kVarianceLeft / 10;
    const double others_least = !is_class ? 0.1 : power.is_copy ? 5 * std::max(power.left, half_a_row) : 0.4;
    if (leaks.rest < others_least || (is_class && !power.is_copy && (width < 4 || leaks.rest < 10 * power.left))) continue;
    const std::string how = is_class
                                ? concat("it leaves ", share_text(power.left),
                                         " of the errors that the commonest class makes, the next best column ", share_text(leaks.rest))
                                : concat("it explains ", share_text(1 - power.left), " of the target's variance, the next best column ",
                                         share_text(1 - leaks.rest));
    findings.push_back(
        {.where = feature->name,
         .what = concat("tells the target by itself: ", how),
         .why = "such a column is mostly made of the target, or known only after it: tests look excellent, and new rows lack it",
         .remedy = drop_text({feature->name}),
         .severity = Severity::serious,
         .kind = "leak"});
  }
}

}  // namespace gradus::train::detail
