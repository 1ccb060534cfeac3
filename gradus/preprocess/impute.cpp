// Missing values filled in by one value a column.
#include "gradus/preprocess/impute.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "gradus/base/error.hpp"
#include "gradus/preprocess/categories.hpp"
#include "gradus/preprocess/numeric.hpp"

namespace gradus::preprocess {

using namespace core;
using data::Column;
using data::ColumnType;

std::span<const std::string_view> enum_names(Fill) {
  static constexpr std::string_view names[] = {"mean", "median", "mode", "constant"};
  return names;
}

std::span<const FieldNote> ImputeOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"columns", "names of the columns; none: all that are numeric, with mode or constant the categorical ones too"},
      {"fill", "what a missing value becomes"},
      {"value", "the constant, for numbers"},
      {"text", "the constant, for categories"},
      {"indicator", "one more column for each that has missing values in training: 1 where it was missing"}};
  return notes;
}

namespace {

double most_frequent(std::span<const double> sorted) {
  double best = 0;
  size_t most = 0;
  for (size_t i = 0; i < sorted.size();) {
    size_t end = i;
    while (end < sorted.size() && sorted[end] == sorted[i]) ++end;
    if (end - i > most) {
      most = end - i;
      best = sorted[i];
    }
    i = end;
  }
  return best;
}

std::string most_frequent(const Column& column, const std::string& otherwise) {
  const std::vector<int64_t> counts = counts_of(column);
  const auto best = std::max_element(counts.begin(), counts.end());
  return best == counts.end() || *best == 0 ? otherwise : column.categories()[static_cast<size_t>(best - counts.begin())];
}

Column filled(const Column& column, double value) {
  std::vector<double> numbers(column.numbers().begin(), column.numbers().end());
  for (double& x : numbers) {
    if (!std::isfinite(x)) x = value;
  }
  return Column::numeric(column.name(), std::move(numbers));
}
Column filled(const Column& column, const std::string& text) {
  std::vector<std::string> categories = column.categories();
  const auto found = std::find(categories.begin(), categories.end(), text);
  const auto place = static_cast<int32_t>(found - categories.begin());
  std::vector<int32_t> codes(column.codes().begin(), column.codes().end());
  bool has_missing = false;
  for (int32_t& code : codes) {
    has_missing |= code < 0;
    if (code < 0) code = place;
  }
  if (has_missing && found == categories.end()) categories.push_back(text);
  return Column::coded(column.name(), column.type(), std::move(codes), std::move(categories));
}
bool is_missing(const Column& column, int64_t row) {
  return column.has_numbers() ? !std::isfinite(column.numbers()[static_cast<size_t>(row)]) : column.is_missing(row);
}
std::string indicator_name(const std::string& column) { return column + " missing"; }

}  // namespace

void Impute::learn(const Frame& frame, const Learning&) {
  state = {};
  const bool takes_words = options.fill == Fill::mode || options.fill == Fill::constant;
  const auto chosen =
      takes_words ? chosen_columns(kName, frame, options.columns, {ColumnType::numeric, ColumnType::categorical, ColumnType::ordinal})
                  : chosen_columns(kName, frame, options.columns, {ColumnType::numeric});
  for (const size_t place : places_of(kName, frame, chosen)) {
    const Column& column = frame[place].column;
    if (column.is_coded()) {
      state.coded.push_back(column.name());
      state.texts.push_back(options.fill == Fill::mode ? most_frequent(column, options.text) : options.text);
    } else {
      const std::vector<double> sorted = sorted_values(column.numbers());
      const bool is_known = !sorted.empty() && options.fill != Fill::constant;
      state.columns.push_back(column.name());
      state.values.push_back(!is_known                      ? options.value
                             : options.fill == Fill::mean   ? moments_of(sorted).mean
                             : options.fill == Fill::median ? quantile_of(sorted, 0.5)
                                                            : most_frequent(sorted));
    }
    bool has_missing = false;
    for (int64_t row = 0; row < column.size() && !has_missing; ++row) has_missing = is_missing(column, row);
    if (options.indicator && has_missing) state.indicated.push_back(column.name());
  }
}

Frame Impute::apply(const Frame& frame, Treatments&) const {
  Frame out = frame;
  const std::vector<size_t> indicated = places_of(kName, frame, state.indicated);
  const std::vector<size_t> numbers = places_of(kName, frame, state.columns), words = places_of(kName, frame, state.coded);
  for (size_t i = 0; i < numbers.size(); ++i) out[numbers[i]].column = filled(frame[numbers[i]].column, state.values[i]);
  for (size_t i = 0; i < words.size(); ++i) out[words[i]].column = filled(frame[words[i]].column, state.texts[i]);
  for (const size_t place : indicated) {
    const Column& column = frame[place].column;
    std::vector<double> flags(static_cast<size_t>(column.size()));
    for (int64_t row = 0; row < column.size(); ++row) flags[static_cast<size_t>(row)] = is_missing(column, row);
    out.push_back({Column::numeric(indicator_name(column.name()), std::move(flags)), frame[place].origin});
  }
  return out;
}

void Impute::check() const {
  check_sizes(kName, state.columns.size(), {state.values.size()});
  check_sizes(kName, state.coded.size(), {state.texts.size()});
}

std::span<const FieldNote> MarkMissingOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"columns", "names of the columns", {}, true}, {"values", "that stand for missing ones"}};
  return notes;
}
void MarkMissing::learn(const Frame& frame, const Learning&) {
  state = {options.columns.empty() ? std::vector<std::string>() : chosen_columns(kName, frame, options.columns, {ColumnType::numeric})};
}
Frame MarkMissing::apply(const Frame& frame, Treatments&) const {
  Frame out = frame;
  for (const size_t place : places_of(kName, frame, state.columns)) {
    const Column& column = frame[place].column;
    std::vector<double> numbers(column.numbers().begin(), column.numbers().end());
    const auto stands_for_missing = [&](double x) {
      return std::find(options.values.begin(), options.values.end(), x) != options.values.end();
    };
    std::replace_if(numbers.begin(), numbers.end(), stands_for_missing, std::nan(""));
    out[place].column = Column::numeric(column.name(), std::move(numbers));
  }
  return out;
}

}  // namespace gradus::preprocess
