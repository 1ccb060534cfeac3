// Numbers in text.
#include "gradus/data/numbers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/data/table/number_text.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr size_t kMostColumns = 1'000'000;

struct Cell {
  std::string text;
  bool is_quoted = false;
};

// Rows of cells from a text.
class Table {
 public:
  Table(std::string_view text, const std::string& path) : text_(text), path_(path) {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    if (text_.starts_with(mark)) text_.remove_prefix(mark.size());
    if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF") || text_.substr(0, 4).find('\0') != std::string_view::npos) {
      fail_io(path, "the text is UTF-16 or UTF-32, or no text; save it as UTF-8");
    }
    separator_ = find_separator();
  }

  /// The next row that is not empty; false at the end. `line` is that of its first cell.
  bool next(std::vector<Cell>& row, int64_t& line) {
    do {
      if (at_ == text_.size()) return false;
      line = line_;
      read_row(row);
    } while (row.size() == 1 && row[0].text.empty() && !row[0].is_quoted);
    return true;
  }

 private:
  bool is_at_end_of_line() const { return at_ == text_.size() || text_[at_] == '\n' || text_[at_] == '\r'; }
  bool is_space() const { return text_[at_] == ' ' || (text_[at_] == '\t' && separator_ != '\t'); }
  void skip_line_end() {
    ++line_;
    at_ += text_.substr(at_, 2) == "\r\n" ? 2 : 1;
  }

  char find_separator() const {
    bool has_comma = false, has_tab = false, is_in_quotes = false, has_begun = false;
    for (const char c : text_) {
      if (c == '"') is_in_quotes = !is_in_quotes;
      if (is_in_quotes) continue;
      if (c == ';') return ';';
      has_comma |= c == ',';
      has_tab |= c == '\t';
      if ((c == '\n' || c == '\r') && has_begun) break;
      has_begun |= c != '\n' && c != '\r' && c != ' ' && c != '\t';
    }
    return has_comma || !has_tab ? ',' : '\t';
  }

  void read_row(std::vector<Cell>& row) {
    row.clear();
    const int64_t line = line_;
    while (true) {
      if (row.size() == kMostColumns) fail_io(concat(path_, ":", line), "the line has more than ", kMostColumns, " cells");
      row.push_back(read_cell());
      if (is_at_end_of_line()) break;
      ++at_;  // the separator
    }
    if (at_ < text_.size()) skip_line_end();
  }

  Cell read_cell() {
    while (!is_at_end_of_line() && is_space()) ++at_;
    if (!is_at_end_of_line() && text_[at_] == '"') return read_quoted();
    const size_t begin = at_;
    while (!is_at_end_of_line() && text_[at_] != separator_) ++at_;
    size_t end = at_;
    while (end > begin && (text_[end - 1] == ' ' || text_[end - 1] == '\t')) --end;
    return {std::string(text_.substr(begin, end - begin)), false};
  }

  Cell read_quoted() {
    const int64_t line = line_;
    Cell cell{{}, true};
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (text_.substr(at_ + 1, 1) != "\"") break;
        ++at_;
      } else if (text_[at_] == '\n' || (text_[at_] == '\r' && text_.substr(at_ + 1, 1) != "\n")) {
        ++line_;
      }
      cell.text += text_[at_];
    }
    if (at_ == text_.size()) fail_io(concat(path_, ":", line), "a quote that opens in this line is never closed");
    ++at_;
    while (!is_at_end_of_line() && is_space()) ++at_;
    if (!is_at_end_of_line() && text_[at_] != separator_) {
      fail_io(concat(path_, ":", line_), "\"", text_.substr(at_, 1), "\" follows a closing quote; a cell ends there");
    }
    const size_t first = cell.text.find_first_not_of(" \t"), last = cell.text.find_last_not_of(" \t");
    cell.text = first == std::string::npos ? std::string() : cell.text.substr(first, last - first + 1);
    return cell;
  }

  std::string_view text_;
  const std::string& path_;
  char separator_ = ',';
  size_t at_ = 0;
  int64_t line_ = 1;
};

// A decimal number, nan, or nothing, which is nan.
bool parse(std::string_view cell, double& value) {
  value = std::numeric_limits<double>::quiet_NaN();
  if (cell.empty() || read_number(cell, '.', value)) return true;
  if (cell.front() == '+' || cell.front() == '-') cell.remove_prefix(1);
  if (!cell.starts_with('n') && !cell.starts_with('N')) return false;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return end == cell.data() + cell.size() && error == std::errc();
}

// A number, or a slip in writing one.
bool is_like_number(std::string_view cell) {
  double ignored;
  if (parse(cell, ignored)) return true;
  if (std::string_view("0123456789+-.").find(cell.front()) == std::string_view::npos) return false;
  return cell.starts_with("0x") || cell.find_first_not_of("0123456789+-.,eE") == std::string_view::npos;
}

bool are_quoted(const std::vector<Cell>& cells) {
  return std::all_of(cells.begin(), cells.end(), [](const Cell& cell) { return cell.is_quoted; });
}

bool are_names(const std::vector<Cell>& cells) {
  bool has_name = false;
  for (const Cell& cell : cells) {
    if (cell.text.empty()) continue;
    if (is_like_number(cell.text)) return false;
    has_name = true;
  }
  return has_name;
}

std::string cut(const std::string& text) { return text.size() <= 40 ? text : text.substr(0, 40) + "..."; }

}  // namespace

Numbers read_numbers(const std::string& path, FirstLine first_line) {
  const std::string text = file::read_all(path);
  Table table(text, path);
  Numbers out;
  std::vector<double> values;
  std::vector<Cell> first, second;
  int64_t line = 0, second_line = 0;
  const bool has_first = table.next(first, line);
  const bool has_second = has_first && table.next(second, second_line);
  const bool is_named =
      has_first && (first_line == FirstLine::names ||
                    (first_line == FirstLine::detect && (are_names(first) || (has_second && are_quoted(first) && !are_quoted(second)))));
  const size_t width = first.size();
  bool ends_empty = width > 1 && first.back().text.empty();  // so far every line with a separator

  int64_t rows = 0;
  const auto add = [&](const std::vector<Cell>& cells, int64_t at) {
    const std::string place = concat(path, ":", at);
    if (cells.size() != width) fail_io(place, "the line has ", cells.size(), " cells, the first one ", width, "; they must be equal");
    if (values.size() + width > values.capacity())
      refuse_above_limit(static_cast<int64_t>(values.capacity() * 2 * sizeof(double)), "numbers of " + path);
    for (size_t column = 0; column < width; ++column) {
      double value;
      if (!parse(cells[column].text, value)) {
        const bool is_mixed = rows == 0 && !is_named && first_line == FirstLine::detect && !is_like_number(cells[column].text);
        fail_io(place, "column ", column + 1, ": expected a number, got \"", cut(cells[column].text), "\"",
                is_mixed ? "; a first line of names beside numbers must be announced by FirstLine::names" : "");
      }
      values.push_back(value);
    }
    ends_empty &= cells.back().text.empty();
    ++rows;
  };
  if (is_named) {
    for (const Cell& cell : first) out.columns.push_back(cell.text);
  } else if (has_first) {
    add(first, line);
  }
  if (has_second) add(second, second_line);
  while (table.next(first, line)) add(first, line);
  if (rows == 0) fail_io(path, "there are no numbers in it");

  const size_t kept = ends_empty ? width - 1 : width;
  if (is_named) out.columns.resize(kept);
  BufferPtr buffer = allocate(rows * static_cast<int64_t>(kept * sizeof(double)), "numbers of " + path);
  auto* to = reinterpret_cast<double*>(buffer->data());
  for (int64_t row = 0; row < rows; ++row)
    std::copy_n(values.data() + static_cast<size_t>(row) * width, kept, to + static_cast<size_t>(row) * kept);
  out.values = make_leaf(std::move(buffer), float64, {rows, kept});
  return out;
}

}  // namespace gradus::data
