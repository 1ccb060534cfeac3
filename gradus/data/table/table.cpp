// Tables: columns by name, rows by place, and tables as text.
#include "gradus/data/table/table.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/data/text/utf8.hpp"
#include "gradus/ops/creation.hpp"

namespace gradus::data {

using namespace core;

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  std::unordered_map<std::string_view, size_t> seen;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto [before, is_new] = seen.emplace(columns_[i].name(), i);
    if (!is_new) fail("Table", "columns ", before->second, " and ", i, " are both called \"", columns_[i].name(), "\"; names must differ");
    if (columns_[i].size() != rows())
      fail("Table", "column \"", columns_[i].name(), "\" has ", columns_[i].size(), " rows, \"", columns_[0].name(), "\" has ", rows(),
           "; they must be equal");
  }
}

std::vector<std::string> Table::names() const {
  std::vector<std::string> out;
  for (const Column& column : columns_) out.push_back(column.name());
  return out;
}

const Column* Table::find(std::string_view name) const {
  const auto found = std::find_if(columns_.begin(), columns_.end(), [&](const Column& column) { return column.name() == name; });
  return found == columns_.end() ? nullptr : &*found;
}

const Column& Table::operator[](std::string_view name) const {
  if (const Column* found = find(name)) return *found;
  const std::vector<std::string> all = names();
  const std::string near = nearest(name, all);
  if (!near.empty()) fail("Table", "there is no column \"", name, "\"; did you mean \"", near, "\"?");
  std::string known;
  for (size_t i = 0; i < std::min<size_t>(all.size(), 20); ++i) known += (i ? ", " : "") + all[i];
  fail("Table", "there is no column \"", name, "\"; there are ", known, all.size() > 20 ? concat(" and ", all.size() - 20, " more") : "");
}

Table Table::select(const std::vector<std::string>& names) const {
  std::unordered_map<std::string_view, const Column*> places;
  for (const Column& column : columns_) places.emplace(column.name(), &column);
  std::vector<Column> out;
  for (const std::string& name : names) {
    const auto found = places.find(name);
    out.push_back(found == places.end() ? (*this)[name] : *found->second);
  }
  return Table(std::move(out));
}
Table Table::select(std::initializer_list<std::string_view> names) const {
  return select(std::vector<std::string>(names.begin(), names.end()));
}
Table Table::without(const std::vector<std::string>& names) const {
  std::unordered_set<std::string_view> left_out(names.begin(), names.end());
  std::vector<Column> out;
  for (const Column& column : columns_) {
    if (left_out.erase(column.name()) == 0) out.push_back(column);
  }
  for (const std::string& name : names) {
    if (left_out.contains(name)) (*this)[name];  // throws
  }
  return Table(std::move(out));
}
Table Table::without(std::initializer_list<std::string_view> names) const {
  return without(std::vector<std::string>(names.begin(), names.end()));
}

Table Table::with(Column column) const {
  std::vector<Column> out = columns_;
  const auto found = std::find_if(out.begin(), out.end(), [&](const Column& each) { return each.name() == column.name(); });
  if (found == out.end()) out.push_back(std::move(column));
  else *found = std::move(column);
  return Table(std::move(out));
}

Table Table::take(std::span<const int64_t> positions) const {
  std::vector<Column> out;
  for (const Column& column : columns_) out.push_back(column.take(positions));
  return Table(std::move(out));
}
Table Table::rows(int64_t begin, int64_t end) const {
  if (begin < 0 || begin > end || end > rows()) fail("Table", "rows ", begin, " .. ", end, " of ", rows(), " were asked for");
  std::vector<int64_t> positions(static_cast<size_t>(end - begin));
  std::iota(positions.begin(), positions.end(), begin);
  return take(positions);
}

namespace {

constexpr size_t kWidest = 24;

// As many code points as fit, on one line.
std::string short_cell(const std::string& text) {
  const std::string plain = printable(text, 4 * kWidest);
  if (invalid_utf8(plain) >= 0 || count_code_points(plain) <= static_cast<int64_t>(kWidest)) return plain;
  size_t at = 0;
  for (size_t i = 0; i + 1 < kWidest; ++i) next_code_point(plain, at);
  return plain.substr(0, at) + "…";
}
std::string padded(const std::string& text, size_t width, bool is_right) {
  const auto length = static_cast<size_t>(invalid_utf8(text) < 0 ? count_code_points(text) : static_cast<int64_t>(text.size()));
  const std::string space(width > length ? width - length : 0, ' ');
  return is_right ? space + text : text + space;
}

}  // namespace

std::string to_text(const Table& table, int64_t most) {
  const int64_t shown = std::min(most, table.rows());
  std::vector<std::string> lines(static_cast<size_t>(shown) + 2);
  for (const Column& column : table.columns()) {
    std::vector<std::string> cells{short_cell(column.name()), std::string(name_of(column.type()))};
    for (int64_t row = 0; row < shown; ++row) cells.push_back(short_cell(column.cell(row)));
    size_t width = 0;
    for (const std::string& cell : cells) {
      const int64_t length = invalid_utf8(cell) < 0 ? count_code_points(cell) : static_cast<int64_t>(cell.size());
      width = std::max(width, static_cast<size_t>(length));
    }
    for (size_t i = 0; i < lines.size(); ++i)
      lines[i] += (lines[i].empty() ? "" : "  ") + padded(cells[i], width, column.type() == ColumnType::numeric);
  }
  std::string out;
  for (std::string& line : lines) {
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out + concat(table.rows(), " rows, ", table.width(), " columns\n");
}

Array to_array(const Table& table) {
  const auto rows = static_cast<size_t>(table.rows()), width = static_cast<size_t>(table.width());
  std::vector<double> values(rows * width);
  for (size_t c = 0; c < width; ++c) {
    const Column& column = table.columns()[c];
    if (column.type() != ColumnType::numeric)
      fail("to_array", "column \"", column.name(), "\" is ", name_of(column.type()), "; it must be numeric, for example by a pipeline");
    const std::span<const double> numbers = column.numbers();
    for (size_t r = 0; r < rows; ++r) values[r * width + c] = numbers[r];
  }
  return array(values, {table.rows(), table.width()});
}

}  // namespace gradus::data
