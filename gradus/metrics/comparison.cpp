// Tests of two models on the same samples.
#include "gradus/metrics/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/metrics/distributions.hpp"
#include "gradus/metrics/resampling.hpp"
#include "gradus/metrics/set_data.hpp"

namespace gradus::metrics {

using namespace core;

using detail::ClassData;
using detail::SetData;

namespace {

void check_confidence(std::string_view place, double confidence) {
  if (!(confidence > 0 && confidence < 1)) fail(place, "confidence is ", confidence, "; it must be between 0 and 1");
}
void refuse_weights(std::string_view place, const ClassOptions& options) {
  if (options.weights.exists()) fail(place, "there are weights; the test takes none, paired_bootstrap does");
}
void check_same_samples(std::string_view place, size_t first, size_t second) {
  if (first != second) fail(place, "the first has ", first, " samples and the second ", second, "; both must be of the same");
}

}  // namespace

Comparison mcnemar(const Array& first, const Array& second, const Array& target, const McNemarOptions& options) {
  check_confidence("mcnemar", options.confidence);
  refuse_weights("mcnemar", options.classes);
  const ClassData a = detail::read_classes("mcnemar", first, target, options.classes, detail::Reading::predictions);
  const ClassData b = detail::read_classes("mcnemar", second, target, options.classes, detail::Reading::predictions);
  if (a.size() == 0) fail("mcnemar", "there are no samples; there must be one");
  int64_t right_a = 0, right_b = 0, only_a = 0, only_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool is_a = a.predicted[i] == a.labels[i], is_b = b.predicted[i] == b.labels[i];
    right_a += is_a;
    right_b += is_b;
    only_a += is_a && !is_b;
    only_b += is_b && !is_a;
  }
  const auto n = static_cast<double>(a.size()), differing = static_cast<double>(only_a + only_b);
  Comparison out{.name = "accuracy", .first = static_cast<double>(right_a) / n, .second = static_cast<double>(right_b) / n};
  out.difference = static_cast<double>(only_a - only_b) / n;
  const bool is_exact = options.kind == McNemarKind::exact || (options.kind == McNemarKind::automatic && only_a + only_b < 25);
  if (is_exact) {
    const int64_t least = std::min(only_a, only_b);
    out.statistic = static_cast<double>(least);
    out.p_value = std::min(1.0, 2 * detail::binomial_cdf(least, only_a + only_b, 0.5));
  } else if (differing > 0) {
    const double distance = std::abs(static_cast<double>(only_a - only_b)) - 1;
    out.statistic = distance * distance / differing;
    out.p_value = detail::chi_squared_tail(out.statistic);
  }
  // Wald's interval with one more sample in each of the two counts.
  const double p = (static_cast<double>(only_a) + 1) / (n + 2), q = (static_cast<double>(only_b) + 1) / (n + 2), d = p - q;
  const double half = detail::normal_quantile((1 + options.confidence) / 2) * std::sqrt((p + q - d * d) / (n + 2));
  out.lower = std::max(-1.0, d - half);
  out.upper = std::min(1.0, d + half);
  return out;
}

namespace {

std::vector<Comparison> bootstrapped(std::string_view place, const SetData& a, const SetData& b, const BootstrapOptions& options) {
  a.check();
  b.check();
  check_same_samples(place, a.size(), b.size());
  const detail::Units units(place, a.size(), options, a.classes().labels);
  const size_t scores = a.names().size();
  const detail::Values values = [&](const std::vector<double>& counts) {
    std::vector<double> weights(counts);
    for (size_t i = 0; i < weights.size() && !a.weights().empty(); ++i) weights[i] *= a.weights()[i];
    std::vector<double> out = a.values(weights);
    const std::vector<double> of_b = b.values(weights);
    for (size_t k = 0; k < scores; ++k) out[k] -= of_b[k];
    return out;
  };
  const std::vector<double> first = a.values(a.weights()), second = b.values(b.weights());
  const std::vector<std::vector<double>> draws = detail::resampled(units, a.size(), options, values);
  std::vector<std::vector<double>> left_out(scores);
  if (options.kind == BootstrapKind::bca) left_out = detail::jackknife(units, a.size(), values);
  std::vector<Comparison> out;
  for (size_t k = 0; k < scores; ++k) {
    const Interval interval = detail::interval_of(first[k] - second[k], draws[k], left_out[k], options);
    double below = 1, above = 1, count = 1;
    for (const double draw : draws[k]) {
      below += draw <= 0;
      above += draw >= 0;
      count += !std::isnan(draw);
    }
    Comparison each{a.names()[k], first[k], second[k], first[k] - second[k], interval.lower, interval.upper};
    each.statistic = interval.error > 0 ? each.difference / interval.error : 0;
    each.p_value = std::min(1.0, 2 * std::min(below, above) / count);
    out.push_back(each);
  }
  return out;
}

}  // namespace

std::vector<Comparison> paired_bootstrap(const std::vector<std::string>& names, const Array& first, const Array& second,
                                         const Array& target, const BootstrapOptions& options) {
  detail::check_options("paired_bootstrap", options);
  const SetData a("paired_bootstrap", names, first, target, options.classes), b("paired_bootstrap", names, second, target, options.classes);
  return bootstrapped("paired_bootstrap", a, b, options);
}

namespace {

// Ranks from 1 on, equal values sharing their mean.
std::vector<double> ranks_of(std::span<const double> values) {
  const detail::Ranking ranking = detail::ranking_of(values);
  std::vector<double> ranks(values.size());
  size_t i = 0;
  for (const int32_t end : ranking.ends) {
    const double from_top = (static_cast<double>(i) + static_cast<double>(end) + 1) / 2;
    for (; i < static_cast<size_t>(end); ++i)
      ranks[static_cast<size_t>(ranking.order[i])] = static_cast<double>(values.size()) + 1 - from_top;
  }
  return ranks;
}

// How often each sample wins against those of the other class, ties a half: of the positives, and of the negatives.
struct Placements {
  std::vector<double> positives{}, negatives{};
  double auc = 0;
};
Placements placements_of(const ClassData& data) {
  std::vector<double> of_class[2];
  for (size_t i = 0; i < data.size(); ++i) of_class[data.labels[i]].push_back(data.scores[i]);
  std::vector<double> all = of_class[1];
  all.insert(all.end(), of_class[0].begin(), of_class[0].end());
  const std::vector<double> ranks = ranks_of(all), own[2] = {ranks_of(of_class[0]), ranks_of(of_class[1])};
  const size_t m = of_class[1].size(), n = of_class[0].size();
  Placements out;
  for (size_t i = 0; i < m; ++i) out.positives.push_back((ranks[i] - own[1][i]) / static_cast<double>(n));
  for (size_t j = 0; j < n; ++j) out.negatives.push_back(1 - (ranks[m + j] - own[0][j]) / static_cast<double>(m));
  for (const double each : out.positives) out.auc += each / static_cast<double>(m);
  return out;
}

ClassData two_classes(const Array& output, const Array& target, double confidence, const ClassOptions& options) {
  check_confidence("delong", confidence);
  refuse_weights("delong", options);
  ClassData data = detail::read_classes("delong", output, target, options, detail::Reading::scores);
  if (!data.is_binary) fail("delong", "there are ", data.classes, " classes; the test is of two");
  detail::check_every_class("delong", data);
  return data;
}

// Variance of a mean of values; 0 of one.
double variance_of_mean(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / count;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return values.size() > 1 ? squares / (count - 1) / count : 0;
}

}  // namespace

Comparison delong(const Array& first, const Array& second, const Array& target, double confidence, const ClassOptions& options) {
  Placements a = placements_of(two_classes(first, target, confidence, options));
  const Placements b = placements_of(two_classes(second, target, confidence, options));
  check_same_samples("delong", a.positives.size() + a.negatives.size(), b.positives.size() + b.negatives.size());
  Comparison out{.name = "roc_auc", .first = a.auc, .second = b.auc, .difference = a.auc - b.auc};
  // The variance of a difference of means is that of the mean of differences.
  for (size_t i = 0; i < a.positives.size(); ++i) a.positives[i] -= b.positives[i];
  for (size_t j = 0; j < a.negatives.size(); ++j) a.negatives[j] -= b.negatives[j];
  const double deviation = std::sqrt(variance_of_mean(a.positives) + variance_of_mean(a.negatives));
  const double half = detail::normal_quantile((1 + confidence) / 2) * deviation;
  out.lower = out.difference - half;
  out.upper = out.difference + half;
  if (deviation > 0) {
    out.statistic = out.difference / deviation;
    out.p_value = 2 * detail::normal_cdf(-std::abs(out.statistic));
  }
  return out;
}

Interval delong_interval(const Array& output, const Array& target, double confidence, const ClassOptions& options) {
  const Placements a = placements_of(two_classes(output, target, confidence, options));
  Interval out{.name = "roc_auc", .value = a.auc, .error = std::sqrt(variance_of_mean(a.positives) + variance_of_mean(a.negatives))};
  const double half = detail::normal_quantile((1 + confidence) / 2) * out.error;
  out.lower = std::max(0.0, out.value - half);
  out.upper = std::min(1.0, out.value + half);
  return out;
}

Comparison permutation_test(const std::string& name, const Array& first, const Array& second, const Array& target,
                            const BootstrapOptions& options) {
  detail::check_options("permutation_test", options);
  const SetData a("permutation_test", {name}, first, target, options.classes),
      b("permutation_test", {name}, second, target, options.classes);
  Comparison out = bootstrapped("permutation_test", a, b, options)[0];
  out.statistic = out.difference;
  std::vector<uint8_t> is_as_far(static_cast<size_t>(options.resamples));
  // A draw of its own: bits of the bootstrap's would go with its bounds.
  const uint64_t seed = options.seed ^ 0x5851F42D4C957F2Du;
  parallel_for(options.resamples, [&](int64_t draw) {
    std::vector<bool> takes_other(a.size());
    for (size_t i = 0; i < a.size(); ++i) {
      const uint64_t bits = detail::random_pair(seed, static_cast<uint64_t>(draw), i / 64)[0];
      takes_other[i] = bits >> (i % 64) & 1;
    }
    const double difference = a.mixed(b, takes_other).values(a.weights())[0] - b.mixed(a, takes_other).values(a.weights())[0];
    is_as_far[static_cast<size_t>(draw)] = !(std::abs(difference) < std::abs(out.difference) * (1 - 1e-12));
  });
  const auto far = static_cast<double>(std::count(is_as_far.begin(), is_as_far.end(), 1));
  out.p_value = (far + 1) / (static_cast<double>(options.resamples) + 1);
  return out;
}

namespace {

struct Paired {
  std::vector<double> differences{};
  double first = 0, second = 0, mean = 0, deviation = 0;
};
Paired paired(std::string_view place, std::span<const double> first, std::span<const double> second) {
  check_same_samples(place, first.size(), second.size());
  if (first.size() < 2) fail(place, "there are ", first.size(), " pairs; there must be at least 2");
  Paired out;
  const auto count = static_cast<double>(first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    if (!std::isfinite(first[i]) || !std::isfinite(second[i]))
      fail(place, "pair ", i, " is ", first[i], " and ", second[i], "; both must be finite");
    out.differences.push_back(first[i] - second[i]);
    out.first += first[i] / count;
    out.second += second[i] / count;
    out.mean += out.differences.back() / count;
  }
  for (const double difference : out.differences) out.deviation += (difference - out.mean) * (difference - out.mean) / (count - 1);
  out.deviation = std::sqrt(out.deviation);
  return out;
}

// Signs by the bits of a number, or at random.
double mean_with_signs(const std::vector<double>& differences, const std::function<uint64_t(size_t)>& bits) {
  double sum = 0;
  for (size_t i = 0; i < differences.size(); ++i) sum += bits(i / 64) >> (i % 64) & 1 ? -differences[i] : differences[i];
  return sum / static_cast<double>(differences.size());
}

void set_bounds(Comparison& out, double error, double degrees, double confidence) {
  const double half = detail::student_quantile((1 + confidence) / 2, degrees) * error;
  out.lower = out.difference - half;
  out.upper = out.difference + half;
}

}  // namespace

Comparison permutation_test(std::span<const double> first, std::span<const double> second, const BootstrapOptions& options) {
  detail::check_options("permutation_test", options);
  const Paired pairs = paired("permutation_test", first, second);
  const auto count = static_cast<double>(first.size());
  Comparison out{.name = "mean", .first = pairs.first, .second = pairs.second, .difference = pairs.mean, .statistic = pairs.mean};
  set_bounds(out, pairs.deviation / std::sqrt(count), count - 1, options.confidence);
  const bool is_exact = first.size() < 24 && (int64_t{1} << first.size()) <= options.resamples;
  const int64_t draws = is_exact ? int64_t{1} << first.size() : options.resamples;
  const double edge = std::abs(mean_with_signs(pairs.differences, [](size_t) { return uint64_t{0}; })) * (1 - 1e-12);
  int64_t far = is_exact ? 0 : 1;
  for (int64_t draw = 0; draw < draws; ++draw) {
    const auto number = static_cast<uint64_t>(draw);
    const double mean = mean_with_signs(
        pairs.differences, [&](size_t word) { return is_exact ? number : detail::random_pair(options.seed, number, word)[0]; });
    far += std::abs(mean) >= edge;
  }
  out.p_value = static_cast<double>(far) / static_cast<double>(is_exact ? draws : draws + 1);
  return out;
}

Comparison corrected_t_test(std::span<const double> first, std::span<const double> second, const FoldSizes& sizes) {
  check_confidence("corrected_t_test", sizes.confidence);
  if (sizes.train < 1 || sizes.test < 1)
    fail("corrected_t_test", "train is ", sizes.train, " and test ", sizes.test, "; both must be at least 1");
  const Paired folds = paired("corrected_t_test", first, second);
  const auto count = static_cast<double>(first.size());
  const double error = folds.deviation * std::sqrt(1 / count + static_cast<double>(sizes.test) / static_cast<double>(sizes.train));
  Comparison out{.name = "mean", .first = folds.first, .second = folds.second, .difference = folds.mean};
  set_bounds(out, error, count - 1, sizes.confidence);
  if (error > 0) {
    out.statistic = out.difference / error;
    out.p_value = detail::student_two_sided(out.statistic, count - 1);
  } else if (out.difference != 0) {
    out.statistic = std::copysign(std::numeric_limits<double>::infinity(), out.difference);
    out.p_value = 0;
  }
  return out;
}

}  // namespace gradus::metrics
