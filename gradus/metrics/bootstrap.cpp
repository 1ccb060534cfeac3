// The bootstrap.
#include "gradus/metrics/bootstrap.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "gradus/base/error.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/metrics/distributions.hpp"
#include "gradus/metrics/resampling.hpp"
#include "gradus/metrics/set_data.hpp"

namespace gradus::metrics {

using namespace core;

namespace detail {

void check_options(std::string_view place, const BootstrapOptions& options) {
  if (options.resamples < 1 || options.resamples > 10'000'000)
    fail(place, "resamples is ", options.resamples, "; it must be 1 to 10,000,000");
  if (!(options.confidence > 0 && options.confidence < 1))
    fail(place, "confidence is ", options.confidence, "; it must be between 0 and 1");
}

Units::Units(std::string_view place, size_t count, const BootstrapOptions& options, std::span<const int32_t> strata) : count_(count) {
  if (options.groups.exists()) {
    if (options.is_stratified) fail(place, "is_stratified is true and there are groups; a draw is one or the other");
    if (options.groups.size() != static_cast<int64_t>(count) || !options.groups.dtype().is_integer())
      fail(place, "groups is ", options.groups.shape(), " ", options.groups.dtype(), "; it must be an integer for each of the ", count,
           " samples");
    const std::vector<int64_t> groups = options.groups.to_vector<int64_t>();
    std::map<int64_t, size_t> place_of;
    for (size_t i = 0; i < count; ++i) {
      const size_t unit = place_of.emplace(groups[i], place_of.size()).first->second;
      if (unit == members_.size()) members_.emplace_back();
      members_[unit].push_back(static_cast<int32_t>(i));
    }
  }
  if (!options.is_stratified) return;
  if (strata.empty()) fail(place, "is_stratified is true and the score is none of classes; only those are drawn class by class");
  strata_.resize(static_cast<size_t>(*std::max_element(strata.begin(), strata.end())) + 1);
  for (size_t i = 0; i < count; ++i) strata_[static_cast<size_t>(strata[i])].push_back(static_cast<int32_t>(i));
}

void Units::count(size_t unit, std::vector<double>& counts, double times) const {
  if (members_.empty()) {
    counts[unit] += times;
  } else {
    for (const int32_t member : members_[unit]) counts[static_cast<size_t>(member)] += times;
  }
}

namespace {

// Whole numbers below a limit, two from each call of the generator.
class Numbers {
 public:
  Numbers(uint64_t seed, uint64_t draw) : seed_(seed), draw_(draw) {}
  size_t below(size_t limit) {
    if (at_++ % 2 == 0) bits_ = random_pair(seed_, draw_, at_ / 2);
    const double u = static_cast<double>(bits_[at_ % 2 == 0 ? 1 : 0] >> 11) * 0x1p-53;
    return std::min(static_cast<size_t>(u * static_cast<double>(limit)), limit - 1);
  }

 private:
  uint64_t seed_, draw_, at_ = 0;
  std::array<uint64_t, 2> bits_{};
};

}  // namespace

void Units::draw(uint64_t seed, uint64_t draw, std::vector<double>& counts) const {
  std::fill(counts.begin(), counts.end(), 0);
  Numbers numbers(seed, draw);
  const auto below = [&](size_t limit) { return numbers.below(limit); };
  if (strata_.empty()) {
    for (size_t i = 0; i < size(); ++i) count(below(size()), counts, 1);
  }
  for (const std::vector<int32_t>& stratum : strata_) {
    for (size_t i = 0; i < stratum.size(); ++i) count(static_cast<size_t>(stratum[below(stratum.size())]), counts, 1);
  }
}

void Units::leave_out(size_t b, size_t blocks, std::vector<double>& counts) const {
  std::fill(counts.begin(), counts.end(), 1);
  for (size_t unit = b; unit < size(); unit += blocks) count(unit, counts, -1);
}

namespace {

// Runs scores(i, counts) for i below `runs`, a few in one task; bits do not depend on the threads.
template <class Scores>
std::vector<std::vector<double>> all_scores(int64_t runs, size_t count, Scores scores) {
  constexpr int64_t kOfTask = 8;
  std::vector<std::vector<double>> rows(static_cast<size_t>(runs));
  parallel_for((runs + kOfTask - 1) / kOfTask, [&](int64_t task) {
    std::vector<double> counts(count);
    for (int64_t i = task * kOfTask; i < std::min(runs, (task + 1) * kOfTask); ++i)
      rows[static_cast<size_t>(i)] = scores(static_cast<size_t>(i), counts);
  });
  std::vector<std::vector<double>> columns(rows[0].size());
  for (const std::vector<double>& row : rows) {
    for (size_t k = 0; k < columns.size(); ++k) columns[k].push_back(row[k]);
  }
  return columns;
}

}  // namespace

std::vector<std::vector<double>> resampled(const Units& units, size_t count, const BootstrapOptions& options, const Values& values) {
  return all_scores(options.resamples, count, [&](size_t i, std::vector<double>& counts) {
    units.draw(options.seed, i, counts);
    return values(counts);
  });
}

std::vector<std::vector<double>> jackknife(const Units& units, size_t count, const Values& values) {
  const size_t blocks = std::min<size_t>(units.size(), 1000);
  return all_scores(static_cast<int64_t>(blocks), count, [&](size_t i, std::vector<double>& counts) {
    units.leave_out(i, blocks, counts);
    return values(counts);
  });
}

namespace {

// numpy.percentile's: linear between the two nearest.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(place), high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (place - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

// a = sum d^3 / (6 (sum d^2)^1.5) of d_i = mean - score without i.
double acceleration(const std::vector<double>& left_out) {
  double mean = 0, squares = 0, cubes = 0;
  std::vector<double> defined;
  for (const double value : left_out) {
    if (!std::isnan(value)) defined.push_back(value);
  }
  for (const double value : defined) mean += value / static_cast<double>(defined.size());
  for (const double value : defined) {
    squares += (mean - value) * (mean - value);
    cubes += (mean - value) * (mean - value) * (mean - value);
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

}  // namespace

Interval interval_of(double value, std::vector<double> draws, const std::vector<double>& left_out, const BootstrapOptions& options) {
  Interval out{.value = value};
  out.undefined = static_cast<int64_t>(std::erase_if(draws, [](double draw) { return std::isnan(draw); }));
  if (draws.empty() || std::isnan(value)) {
    out.lower = out.upper = out.error = std::numeric_limits<double>::quiet_NaN();
    return out;
  }
  std::sort(draws.begin(), draws.end());
  const auto count = static_cast<double>(draws.size());
  // From the first one: draws that are all equal have no deviation at all.
  double mean = draws[0], squares = 0;
  for (const double draw : draws) mean += (draw - draws[0]) / count;
  for (const double draw : draws) squares += (draw - mean) * (draw - mean);
  out.error = draws.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  const double tail = (1 - options.confidence) / 2;
  double low = tail, high = 1 - tail;
  if (options.kind == BootstrapKind::bca) {
    const auto below = static_cast<double>(std::lower_bound(draws.begin(), draws.end(), value) - draws.begin());
    const auto up_to = static_cast<double>(std::upper_bound(draws.begin(), draws.end(), value) - draws.begin());
    const double bias = normal_quantile((below + up_to) / (2 * count)), a = acceleration(left_out);
    // All draws on one side of the value leave no correction to speak of.
    if (std::isfinite(bias)) {
      const auto shifted = [&](double share) {
        const double z = bias + normal_quantile(share);
        return normal_cdf(bias + z / (1 - a * z));
      };
      low = shifted(tail);
      high = shifted(1 - tail);
    }
  }
  out.lower = quantile(draws, low);
  out.upper = quantile(draws, high);
  return out;
}

}  // namespace detail

std::vector<Interval> bootstrap(const std::vector<std::string>& names, const Array& output, const Array& target,
                                const BootstrapOptions& options) {
  detail::check_options("bootstrap", options);
  const detail::SetData data("bootstrap", names, output, target, options.classes);
  data.check();
  const detail::Units units("bootstrap", data.size(), options, data.classes().labels);
  const detail::Values values = [&](const std::vector<double>& counts) {
    if (data.weights().empty()) return data.values(counts);
    std::vector<double> weights(counts);
    for (size_t i = 0; i < weights.size(); ++i) weights[i] *= data.weights()[i];
    return data.values(weights);
  };
  const std::vector<double> whole = data.values(data.weights());
  const std::vector<std::vector<double>> draws = detail::resampled(units, data.size(), options, values);
  std::vector<std::vector<double>> left_out(names.size());
  if (options.kind == BootstrapKind::bca) left_out = detail::jackknife(units, data.size(), values);
  std::vector<Interval> out;
  for (size_t k = 0; k < names.size(); ++k) {
    out.push_back(detail::interval_of(whole[k], draws[k], left_out[k], options));
    out.back().name = names[k];
  }
  return out;
}

Interval bootstrap(const std::function<double(std::span<const int64_t> rows)>& statistic, int64_t count, const BootstrapOptions& options) {
  detail::check_options("bootstrap", options);
  if (!statistic) fail("bootstrap", "the statistic is null; it is a function of the positions of a resample");
  if (count < 1 || count > std::numeric_limits<int32_t>::max())
    fail("bootstrap", "there are ", count, " samples; there must be 1 to 2^31 - 1");
  BootstrapOptions plain = options;
  plain.is_stratified = false;
  const auto size = static_cast<size_t>(count);
  const detail::Units units("bootstrap", size, plain, {});
  const auto value_of = [&](const std::vector<double>& counts) {
    std::vector<int64_t> rows;
    for (size_t i = 0; i < counts.size(); ++i) rows.insert(rows.end(), static_cast<size_t>(counts[i]), static_cast<int64_t>(i));
    return statistic(rows);
  };
  // The statistic is somebody's: one call at a time.
  const auto all = [&](size_t runs, auto fill) {
    std::vector<double> values, counts(size);
    for (size_t i = 0; i < runs; ++i) {
      fill(i, counts);
      values.push_back(value_of(counts));
    }
    return values;
  };
  const size_t blocks = std::min<size_t>(units.size(), 1000);
  std::vector<double> left_out;
  if (options.kind == BootstrapKind::bca)
    left_out = all(blocks, [&](size_t i, std::vector<double>& counts) { units.leave_out(i, blocks, counts); });
  const std::vector<double> draws =
      all(static_cast<size_t>(options.resamples), [&](size_t i, std::vector<double>& counts) { units.draw(options.seed, i, counts); });
  return detail::interval_of(value_of(std::vector<double>(size, 1)), draws, left_out, options);
}

}  // namespace gradus::metrics
