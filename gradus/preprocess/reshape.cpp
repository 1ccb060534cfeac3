// Columns brought to another distribution.
#include "gradus/preprocess/reshape.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/preprocess/numeric.hpp"

namespace gradus::preprocess {

using namespace core;
using data::Column;
using data::ColumnType;

namespace {

constexpr FieldNote kColumns{"columns", "names of the columns; none: all that are numeric when it is its turn"};

// x >= 0: ((x + 1)^l - 1) / l, or log(x + 1);  x < 0: -((1 - x)^(2 - l) - 1) / (2 - l), or -log(1 - x)
double yeo_johnson(double x, double l) {
  if (x >= 0) return std::fabs(l) < 2.2e-16 ? std::log1p(x) : std::expm1(l * std::log1p(x)) / l;
  return std::fabs(l - 2) < 2.2e-16 ? -std::log1p(-x) : -std::expm1((2 - l) * std::log1p(-x)) / (2 - l);
}
// (x^l - 1) / l, or log(x)
double box_cox(double x, double l) { return std::fabs(l) < 2.2e-16 ? std::log(x) : std::expm1(l * std::log(x)) / l; }

// What the logarithm of the likelihood lacks of a normal distribution, but for constants: -n/2 log(variance of f) + (l - 1) sum of logs.
template <class F>
double likelihood(const std::vector<double>& x, double l, const F& transformed, double logs) {
  double mean = 0, squares = 0, count = 0;
  for (const double value : x) {
    const double y = transformed(value, l);
    ++count;
    const double before = y - mean;
    mean += before / count;
    squares += before * (y - mean);
  }
  const double variance = squares / count;
  return variance > 0 && std::isfinite(variance) ? -0.5 * count * std::log(variance) + (l - 1) * logs : -INFINITY;
}

// The place of the maximum of a smooth function with one: a walk to bracket it, then golden sections.
template <class F>
double maximum_of(const F& f) {
  double a = -2, b = 0, c = 2;
  double fa = f(a), fb = f(b), fc = f(c);
  for (int i = 0; i < 40 && !(fb >= fa && fb >= fc); ++i) {
    if (fc > fa) {
      a = b, fa = fb, b = c, fb = fc, c = b + 2 * (b - a), fc = f(c);
    } else {
      c = b, fc = fb, b = a, fb = fa, a = b - 2 * (c - b), fa = f(a);
    }
  }
  constexpr double golden = 0.3819660112501051;
  double x = b, fx = fb;
  for (int i = 0; i < 200 && c - a > 1e-9 * (1 + std::fabs(x)); ++i) {
    const double y = c - x > x - a ? x + golden * (c - x) : x - golden * (x - a), fy = f(y);
    if (fy > fx) {
      (y > x ? a : c) = x;
      x = y, fx = fy;
    } else {
      (y > x ? c : a) = y;
    }
  }
  // The function is a parabola there: three points, far enough apart that their differences are no rounding, give its vertex.
  const double h = 1e-4 * (1 + std::fabs(x)), left = f(x - h), right = f(x + h), curve = left - 2 * f(x) + right;
  return curve < 0 ? x + 0.5 * h * (left - right) / curve : x;
}

double best_power(std::vector<double> x, PowerMethod method) {
  double logs = 0;
  for (const double value : x)
    logs += method == PowerMethod::box_cox ? std::log(value) : std::copysign(std::log1p(std::fabs(value)), value);
  if (method == PowerMethod::box_cox) return maximum_of([&](double l) { return likelihood(x, l, box_cox, logs); });
  return maximum_of([&](double l) { return likelihood(x, l, yeo_johnson, logs); });
}

Array row(const std::vector<double>& values) { return array(values, {1, static_cast<int64_t>(values.size())}); }

}  // namespace

std::span<const std::string_view> enum_names(PowerMethod) {
  static constexpr std::string_view names[] = {"yeo_johnson", "box_cox"};
  return names;
}
std::span<const FieldNote> PowerOptions::field_notes() {
  static constexpr FieldNote notes[] = {kColumns,
                                        {"method", "yeo_johnson takes all numbers, box_cox positive ones"},
                                        {"standardise", "to mean 0 and deviation 1 afterwards"}};
  return notes;
}
void Power::learn(const Frame& frame, const Learning&) {
  state = {chosen_columns(kName, frame, options.columns, {ColumnType::numeric}), {}, {}, {}};
  for (const size_t place : places_of(kName, frame, state.columns)) {
    const std::vector<double> x = sorted_values(frame[place].column.numbers());
    if (options.method == PowerMethod::box_cox && !x.empty() && x.front() <= 0)
      fail(kName, "column \"", frame[place].column.name(), "\" has ", x.front(), "; box_cox takes positive numbers, yeo_johnson all");
    const bool varies = !x.empty() && x.front() < x.back();
    const double lambda = varies ? best_power(x, options.method) : 1;
    std::vector<double> y;
    for (const double value : x) y.push_back(options.method == PowerMethod::box_cox ? box_cox(value, lambda) : yeo_johnson(value, lambda));
    const Moments moments = moments_of(y);
    const double deviation = std::sqrt(moments.variance);
    state.lambda.push_back(lambda);
    state.mean.push_back(options.standardise ? moments.mean : 0);
    state.deviation.push_back(options.standardise && varies && deviation > 0 ? deviation : 1);
  }
}
Array Power::forward(const Array& x) const {
  std::vector<Array> out;
  for (size_t i = 0; i < state.columns.size(); ++i) {
    const Array column = x[{slice(), slice(static_cast<int64_t>(i), static_cast<int64_t>(i) + 1)}];
    const double l = state.lambda[i];
    const auto power = [](const Array& log, double p) { return p == 0 ? log : expm1(p * log) / p; };
    if (options.method == PowerMethod::box_cox) {
      out.push_back(power(log(column), l));
    } else {
      // Each branch is given only what it is for, so that the other one's derivative is no nan.
      const Array is_negative = column < 0, zero = zeros_like(column);
      out.push_back(
          where(is_negative, -power(log1p(-where(is_negative, column, zero)), 2 - l), power(log1p(where(is_negative, zero, column)), l)));
    }
  }
  return (concatenate(out, 1) - row(state.mean)) / row(state.deviation);
}
Frame Power::apply(const Frame& frame, Treatments& treatments) const {
  if (options.method == PowerMethod::box_cox) {
    for (const size_t place : places_of(kName, frame, state.columns)) {
      int64_t count = 0;
      for (const double x : frame[place].column.numbers()) count += x <= 0;
      treatments.add(frame[place].column.name(), "not positive, and become missing in box_cox", count);
    }
  }
  return replace_columns(kName, frame, state.columns, [&](const Array& x) { return forward(x); });
}
void Power::check() const {
  check_sizes(kName, state.columns.size(), {state.lambda.size(), state.mean.size(), state.deviation.size()});
  for (const double x : state.deviation) {
    if (!(x > 0)) fail(kName, "its state has ", x, " to divide by; it must be above 0");
  }
}

std::span<const std::string_view> enum_names(RankOutput) {
  static constexpr std::string_view names[] = {"uniform", "normal"};
  return names;
}
std::span<const FieldNote> QuantileOptions::field_notes() {
  static constexpr FieldNote notes[] = {kColumns,
                                        {"quantiles", "that are kept; of fewer rows, as many as rows", {.low = 2, .high = 100'000}},
                                        {"output", "what ranks become: numbers of 0 to 1, or normal ones"}};
  return notes;
}
Quantile::Quantile(QuantileOptions given) : options(checked(kName, std::move(given))) {}
void Quantile::learn(const Frame& frame, const Learning&) {
  state = {chosen_columns(kName, frame, options.columns, {ColumnType::numeric}), {}};
  const int64_t count = std::max<int64_t>(1, std::min(options.quantiles, rows_of(frame)));
  for (const size_t place : places_of(kName, frame, state.columns)) {
    const std::vector<double> sorted = sorted_values(frame[place].column.numbers());
    std::vector<double>& kept = state.quantiles.emplace_back();
    for (int64_t i = 0; i < count && !sorted.empty(); ++i) kept.push_back(quantile_of(sorted, i, std::max<int64_t>(count - 1, 1)));
    for (size_t i = 1; i < kept.size(); ++i) kept[i] = std::max(kept[i], kept[i - 1]);
  }
}

namespace {

// The line through the points (from[i], to[i]), from in rising order, of x within them.
double between(const std::vector<double>& from, double x, const auto& to) {
  const auto above = std::upper_bound(from.begin(), from.end(), x);
  if (above == from.begin()) return to(0);
  const auto i = static_cast<size_t>(above - from.begin()) - 1;
  if (i + 1 >= from.size()) return to(from.size() - 1);
  return to(i) + (to(i + 1) - to(i)) / (from[i + 1] - from[i]) * (x - from[i]);
}

// The inverse of the normal distribution function (Acklam), with one step of Halley's method: to rounding.
double normal_quantile(double p) {
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01,
                          -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00};
  const auto tail = [&](double q) {
    return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) / ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  };
  double x;
  if (p < 0.02425) {
    x = tail(std::sqrt(-2 * std::log(p)));
  } else if (p > 1 - 0.02425) {
    x = -tail(std::sqrt(-2 * std::log1p(-p)));
  } else {
    const double q = p - 0.5, r = q * q;
    x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
        (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
  }
  for (int i = 0; i < 2; ++i) {
    const double error = (p < 0.5 ? 0.5 * std::erfc(-x / std::sqrt(2.0)) - p : (1 - p) - 0.5 * std::erfc(x / std::sqrt(2.0)));
    const double u = error * std::sqrt(2 * 3.141592653589793) * std::exp(x * x / 2);
    x -= u / (1 + x * u / 2);
  }
  return x;
}

}  // namespace

Frame Quantile::apply(const Frame& frame, Treatments&) const {
  constexpr double kEdge = 1e-7;  // of the inverse: shares nearer to 0 or 1 become those of it
  Frame out = frame;
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  for (size_t c = 0; c < places.size(); ++c) {
    const Column& column = frame[places[c]].column;
    const std::vector<double>& kept = state.quantiles[c];
    const size_t count = kept.size();
    const auto share = [&](size_t i) { return count < 2 ? 0.0 : static_cast<double>(i) / static_cast<double>(count - 1); };
    std::vector<double> mirrored(count);  // -kept, in rising order: the other end of a run of equal quantiles
    for (size_t i = 0; i < count; ++i) mirrored[i] = -kept[count - 1 - i];
    const auto mirrored_share = [&](size_t i) { return -share(count - 1 - i); };
    std::vector<double> values;
    for (const double x : column.numbers()) {
      if (std::isnan(x) || count == 0) {
        values.push_back(std::nan(""));
        continue;
      }
      double y = x <= kept.front() ? 0 : x >= kept.back() ? 1 : 0.5 * (between(kept, x, share) - between(mirrored, -x, mirrored_share));
      if (options.output == RankOutput::normal)
        y = normal_quantile(std::clamp(y, kEdge - 2.220446049250313e-16, 1 - (kEdge - 2.220446049250313e-16)));
      values.push_back(y);
    }
    out[places[c]].column = Column::numeric(column.name(), std::move(values));
  }
  return out;
}
void Quantile::check() const {
  check_sizes(kName, state.columns.size(), {state.quantiles.size()});
  for (const auto& kept : state.quantiles) {
    if (!std::is_sorted(kept.begin(), kept.end())) fail(kName, "its state has quantiles that are not in rising order");
  }
}

}  // namespace gradus::preprocess
