// Scaling of columns of numbers.
#include "gradus/preprocess/scale.hpp"

#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/preprocess/numeric.hpp"

namespace gradus::preprocess {

using namespace core;
using data::ColumnType;

namespace {

constexpr FieldNote kColumns{"columns", "names of the columns; none: all that are numeric when it is its turn"};

Array row(const std::vector<double>& values) { return array(values, {1, static_cast<int64_t>(values.size())}); }

// A range that rounding alone makes: of a constant column.
bool is_constant(double deviation, double size) { return !(deviation > 10 * 2.220446049250313e-16 * std::fabs(size)); }

std::vector<std::string> numeric_columns(std::string_view step, const Frame& frame, const std::vector<std::string>& named) {
  return chosen_columns(step, frame, named, {ColumnType::numeric});
}

void check_positive(std::string_view step, const std::vector<double>& values) {
  for (const double x : values) {
    if (!(x > 0)) fail(step, "its state has ", x, " to divide by; it must be above 0");
  }
}

// Values beyond limits, by column.
void count_beyond(const Frame& frame, const std::vector<std::string>& columns, const std::vector<double>& least,
                  const std::vector<double>& greatest, std::string_view what, std::string_view step, Treatments& treatments) {
  const std::vector<size_t> places = places_of(step, frame, columns);
  for (size_t i = 0; i < places.size(); ++i) {
    int64_t count = 0;
    double example = 0;
    for (const double x : frame[places[i]].column.numbers()) {
      if (!(x < least[i]) && !(x > greatest[i])) continue;
      if (count++ == 0) example = x;
    }
    if (count > 0) treatments.add(columns[i], what, count, core::to_text(example));
  }
}

}  // namespace

std::span<const FieldNote> StandardiseOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      kColumns, {"centre", "whether the mean is taken away"}, {"scale", "whether they are divided by their deviation"}};
  return notes;
}
void Standardise::learn(const Frame& frame, const Learning&) {
  state = {numeric_columns(kName, frame, options.columns), {}, {}};
  for (const size_t place : places_of(kName, frame, state.columns)) {
    const Moments moments = moments_of(frame[place].column.numbers());
    const double deviation = std::sqrt(moments.variance);
    state.mean.push_back(options.centre ? moments.mean : 0);
    state.deviation.push_back(!options.scale || is_constant(deviation, moments.mean) ? 1 : deviation);
  }
}
Array Standardise::forward(const Array& x) const { return (x - row(state.mean)) / row(state.deviation); }
Frame Standardise::apply(const Frame& frame, Treatments&) const {
  return replace_columns(kName, frame, state.columns, [&](const Array& x) { return forward(x); });
}
void Standardise::check() const {
  check_sizes(kName, state.columns.size(), {state.mean.size(), state.deviation.size()});
  check_positive(kName, state.deviation);
}

std::span<const FieldNote> MinMaxOptions::field_notes() {
  static constexpr FieldNote notes[] = {kColumns,
                                        {"low", "what the least number becomes"},
                                        {"high", "what the greatest number becomes"},
                                        {"clip", "whether numbers beyond those of training become low or high"}};
  return notes;
}
MinMax::MinMax(MinMaxOptions given) : options(std::move(given)) {
  if (!(options.low < options.high)) fail(kName, "low is ", options.low, " and high ", options.high, "; low must be below high");
}
void MinMax::learn(const Frame& frame, const Learning&) {
  state = {numeric_columns(kName, frame, options.columns), {}, {}};
  for (const size_t place : places_of(kName, frame, state.columns)) {
    const std::vector<double> sorted = sorted_values(frame[place].column.numbers());
    state.least.push_back(sorted.empty() ? 0 : sorted.front());
    state.greatest.push_back(sorted.empty() ? 0 : sorted.back());
  }
}
Array MinMax::forward(const Array& x) const {
  std::vector<double> factor, offset;
  for (size_t i = 0; i < state.least.size(); ++i) {
    const double range = state.greatest[i] - state.least[i];
    factor.push_back((options.high - options.low) / (is_constant(range, state.greatest[i]) ? 1 : range));
    offset.push_back(options.low - state.least[i] * factor.back());
  }
  const Array y = x * row(factor) + row(offset);
  return options.clip ? clip(y, options.low, options.high) : y;
}
Frame MinMax::apply(const Frame& frame, Treatments& treatments) const {
  if (options.clip)
    count_beyond(frame, state.columns, state.least, state.greatest, "beyond the range of the training rows, and cut to it", kName,
                 treatments);
  return replace_columns(kName, frame, state.columns, [&](const Array& x) { return forward(x); });
}
void MinMax::check() const { check_sizes(kName, state.columns.size(), {state.least.size(), state.greatest.size()}); }

std::span<const FieldNote> RobustOptions::field_notes() {
  static constexpr FieldNote notes[] = {kColumns,
                                        {"low", "share of the numbers below the lower end of the range", range::part},
                                        {"high", "share of the numbers below its upper end", range::part}};
  return notes;
}
Robust::Robust(RobustOptions given) : options(checked(kName, std::move(given))) {
  if (!(options.low < options.high)) fail(kName, "low is ", options.low, " and high ", options.high, "; low must be below high");
}
void Robust::learn(const Frame& frame, const Learning&) {
  state = {numeric_columns(kName, frame, options.columns), {}, {}};
  for (const size_t place : places_of(kName, frame, state.columns)) {
    const std::vector<double> sorted = sorted_values(frame[place].column.numbers());
    const double range = quantile_of(sorted, options.high) - quantile_of(sorted, options.low);
    state.median.push_back(sorted.empty() ? 0 : quantile_of(sorted, 0.5));
    state.range.push_back(is_constant(range, state.median.back()) ? 1 : range);
  }
}
Array Robust::forward(const Array& x) const { return (x - row(state.median)) / row(state.range); }
Frame Robust::apply(const Frame& frame, Treatments&) const {
  return replace_columns(kName, frame, state.columns, [&](const Array& x) { return forward(x); });
}
void Robust::check() const {
  check_sizes(kName, state.columns.size(), {state.median.size(), state.range.size()});
  check_positive(kName, state.range);
}

std::span<const std::string_view> enum_names(RowNorm) {
  static constexpr std::string_view names[] = {"l2", "l1", "max"};
  return names;
}
std::span<const FieldNote> UnitNormOptions::field_notes() {
  static constexpr FieldNote notes[] = {kColumns, {"norm", "what the length of a row is"}};
  return notes;
}
void UnitNorm::learn(const Frame& frame, const Learning&) { state = {numeric_columns(kName, frame, options.columns)}; }
Array UnitNorm::forward(const Array& x) const {
  const Array size = abs(x);
  const Array length = options.norm == RowNorm::l2   ? sqrt(sum(square(x), 1, keepdims))
                       : options.norm == RowNorm::l1 ? sum(size, 1, keepdims)
                                                     : max(size, 1, keepdims);
  return x / where(length > 0, length, ones_like(length));
}
Frame UnitNorm::apply(const Frame& frame, Treatments&) const {
  return replace_columns(kName, frame, state.columns, [&](const Array& x) { return forward(x); });
}

std::span<const std::string_view> enum_names(ClipBy) {
  static constexpr std::string_view names[] = {"quantiles", "deviations", "quartiles"};
  return names;
}
std::span<const FieldNote> ClipOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      kColumns,
      {"by", "how the limits are found"},
      {"amount", "the share cut at each end, deviations from the mean, or quartile ranges beyond the quartiles; 0: 0.01, 3, 3",
       range::not_negative}};
  return notes;
}
Clip::Clip(ClipOptions given) : options(checked(kName, std::move(given))) {
  if (options.by == ClipBy::quantiles && options.amount >= 0.5)
    fail(kName, "amount is ", options.amount, "; a share at each end must be below 0.5");
}
void Clip::learn(const Frame& frame, const Learning&) {
  state = {numeric_columns(kName, frame, options.columns), {}, {}};
  const double amount = options.amount > 0 ? options.amount : options.by == ClipBy::quantiles ? 0.01 : 3;
  for (const size_t place : places_of(kName, frame, state.columns)) {
    const std::vector<double> sorted = sorted_values(frame[place].column.numbers());
    double low = 0, high = 0;
    if (sorted.empty()) {
      low = -1.7976931348623157e308;
      high = 1.7976931348623157e308;
    } else if (options.by == ClipBy::quantiles) {
      low = quantile_of(sorted, amount);
      high = quantile_of(sorted, 1 - amount);
    } else if (options.by == ClipBy::deviations) {
      const Moments moments = moments_of(sorted);
      low = moments.mean - amount * std::sqrt(moments.variance);
      high = moments.mean + amount * std::sqrt(moments.variance);
    } else {
      const double first = quantile_of(sorted, 0.25), third = quantile_of(sorted, 0.75);
      low = first - amount * (third - first);
      high = third + amount * (third - first);
    }
    state.least.push_back(low);
    state.greatest.push_back(high);
  }
}
Array Clip::forward(const Array& x) const {
  const Array low = row(state.least), high = row(state.greatest);
  return where(x < low, low, where(x > high, high, x));
}
Frame Clip::apply(const Frame& frame, Treatments& treatments) const {
  count_beyond(frame, state.columns, state.least, state.greatest, "an outlier, and cut", kName, treatments);
  return replace_columns(kName, frame, state.columns, [&](const Array& x) { return forward(x); });
}
void Clip::check() const { check_sizes(kName, state.columns.size(), {state.least.size(), state.greatest.size()}); }

}  // namespace gradus::preprocess
