// Frames and tallies.
#include "gradus/preprocess/frame.hpp"

#include <algorithm>
#include <unordered_map>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/ops/creation.hpp"

namespace gradus::preprocess {

using namespace core;

namespace {

// Beyond so many kinds of things only the number of values is told.
constexpr size_t kMostRows = 1000;

}  // namespace

void Treatments::add(std::string_view column, std::string_view what, int64_t count, std::string_view example) {
  if (count == 0) return;
  const auto found = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.column == column && row.what == what; });
  if (found != rows_.end()) found->count += count;
  else if (rows_.size() < kMostRows) rows_.push_back({std::string(column), std::string(what), printable(example, 40), count});
  else rows_.back().count += count;
}
void Treatments::add(const Treatments& others) {
  for (const Row& row : others.rows_) add(row.column, row.what, row.count, row.example);
}
int64_t Treatments::count() const {
  int64_t sum = 0;
  for (const Row& row : rows_) sum += row.count;
  return sum;
}
std::vector<std::string> Treatments::lines() const {
  std::vector<std::string> out;
  for (const Row& row : rows_)
    out.push_back(concat("column \"", printable(row.column, 100), "\": ", row.count, row.count == 1 ? " value " : " values ",
                         row.example.empty() ? "" : concat("(\"", row.example, "\") "), row.count == 1 ? "is " : "are ", row.what));
  return out;
}

std::vector<std::string> chosen_columns(std::string_view name, const Frame& frame, const std::vector<std::string>& named,
                                        std::initializer_list<data::ColumnType> types) {
  const auto has_type = [&](const data::Column& column) { return std::find(types.begin(), types.end(), column.type()) != types.end(); };
  std::vector<std::string> out;
  if (named.empty()) {
    for (const Feature& feature : frame) {
      if (has_type(feature.column)) out.push_back(feature.column.name());
    }
    return out;
  }
  const std::vector<size_t> places = places_of(name, frame, named);
  for (size_t i = 0; i < named.size(); ++i) {
    const data::Column& column = frame[places[i]].column;
    std::string wanted;
    for (const data::ColumnType type : types) wanted += (wanted.empty() ? "" : " or ") + std::string(data::name_of(type));
    if (!has_type(column)) fail(name, "column \"", named[i], "\" is ", data::name_of(column.type()), "; it must be ", wanted);
  }
  return named;
}

std::vector<size_t> places_of(std::string_view name, const Frame& frame, const std::vector<std::string>& columns) {
  std::unordered_map<std::string_view, size_t> by_name;
  for (size_t i = 0; i < frame.size(); ++i) by_name.emplace(frame[i].column.name(), i);
  std::vector<size_t> out;
  for (const std::string& column : columns) {
    const auto found = by_name.find(column);
    if (found == by_name.end()) {
      std::vector<std::string> known;
      for (const Feature& feature : frame) known.push_back(feature.column.name());
      const std::string near = nearest(column, known);
      fail(name, "there is no column \"", column, "\"", near.empty() ? "" : "; did you mean \"" + near + "\"?");
    }
    out.push_back(found->second);
  }
  return out;
}

int64_t rows_of(const Frame& frame) { return frame.empty() ? 0 : frame[0].column.size(); }

Frame without(const Frame& frame, const std::vector<size_t>& places) {
  std::vector<bool> is_left_out(frame.size(), false);
  for (const size_t place : places) is_left_out[place] = true;
  Frame out;
  for (size_t i = 0; i < frame.size(); ++i) {
    if (!is_left_out[i]) out.push_back(frame[i]);
  }
  return out;
}

std::vector<double> values_of(const Frame& frame, const std::vector<size_t>& places) {
  const auto rows = static_cast<size_t>(rows_of(frame)), width = places.size();
  std::vector<double> out(rows * width);
  for (size_t i = 0; i < width; ++i) {
    const std::span<const double> numbers = frame[places[i]].column.numbers();
    for (size_t row = 0; row < rows; ++row) out[row * width + i] = numbers[row];
  }
  return out;
}
Array matrix_of(const Frame& frame, const std::vector<size_t>& places) {
  return array(values_of(frame, places), {rows_of(frame), static_cast<int64_t>(places.size())});
}

}  // namespace gradus::preprocess
