// Numbers in text.
#include "gradus/data/numbers.hpp"

#include <charconv>
#include <limits>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::data {

namespace {

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\""), last = text.find_last_not_of(" \t\r\"");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (size_t at = 0; at <= line.size();) {
    const size_t comma = std::min(line.find(',', at), line.size());
    cells.push_back(trimmed(line.substr(at, comma - at)));
    at = comma + 1;
  }
  return cells;
}

bool parse(std::string_view cell, double& value) {
  value = std::numeric_limits<double>::quiet_NaN();
  if (cell.empty()) return true;
  if (cell.front() == '+') cell.remove_prefix(1);
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc() && end == cell.data() + cell.size();
}

bool is_header(const std::vector<std::string_view>& cells) {
  double ignored;
  for (const std::string_view cell : cells) {
    if (cell.empty() || parse(cell, ignored)) return false;
  }
  return true;
}

}  // namespace

Numbers read_numbers(const std::string& path) {
  const std::string text = file::read_all(path);
  Numbers out;
  std::vector<double> values;
  size_t width = 0;
  int64_t rows = 0, line_number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    ++line_number;
    if (trimmed(line).empty()) continue;
    const std::vector<std::string_view> cells = cells_of(line);
    if (width == 0) {
      width = cells.size();
      if (is_header(cells)) {
        out.columns.assign(cells.begin(), cells.end());
        continue;
      }
    }
    const std::string place = concat(path, ":", line_number);
    if (cells.size() != width) fail_io(place, "the line has ", cells.size(), " cells, the first one ", width, "; they must be equal");
    for (size_t column = 0; column < width; ++column) {
      double value;
      if (!parse(cells[column], value)) fail_io(place, "column ", column + 1, ": expected a number, got \"", cells[column].substr(0, 40), "\"");
      values.push_back(value);
    }
    ++rows;
  }
  if (rows == 0) fail_io(path, "there are no numbers in it");
  BufferPtr buffer = allocate(static_cast<int64_t>(values.size()) * 8, "numbers of " + path);
  std::copy(values.begin(), values.end(), reinterpret_cast<double*>(buffer->data()));
  out.values = make_leaf(std::move(buffer), float64, {rows, width});
  return out;
}

}  // namespace gradus::data
