// How a file of delimited text is written.
#include "gradus/data/table/dialect.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/data/table/date_text.hpp"
#include "gradus/data/table/number_text.hpp"
#include "gradus/data/table/text_source.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr size_t kLooked = size_t{1} << 20;
constexpr int64_t kSampled = 1000;

using Cells = std::vector<std::string>;

// The first records of the file under a style; one that no style of this kind could have is no error here.
std::vector<Cells> sample(const std::string& path, const std::string& encoding, RecordStyle style) {
  std::vector<Cells> out;
  try {
    TextSource source(path, encoding);
    std::string scratch;
    // Of any width: each record by itself.
    RecordReader reader(source, style, Ragged::refuse, RecordReader::kAnyWidth);
    if (!reader.next()) return out;
    for (int64_t record = 0; record < std::min(reader.size(), kSampled); ++record) {
      Cells cells;
      for (int64_t column = 0; column < reader.width(record); ++column) cells.emplace_back(reader.cell(record, column, scratch));
      out.push_back(std::move(cells));
    }
  } catch (const Error&) {
  }
  return out;
}

std::string beginning(const std::string& path, const std::string& encoding) {
  TextSource source(path, encoding);
  std::string text(kLooked, '\0');
  text.resize(static_cast<size_t>(source.read_some(text.data(), static_cast<int64_t>(text.size()))));
  return text;
}

bool is_number(std::string_view cell, char decimal = '.') {
  double value;
  return read_number(cell, decimal, value);
}
bool is_any_number(std::string_view cell) { return is_number(cell) || is_number(cell, ','); }
bool is_date(std::string_view cell) {
  double value;
  return read_date(cell, DateOrder::month_first, value) || read_date(cell, DateOrder::day_first, value);
}

// How well a separator fits: the share of records that are as wide as most of them, and how wide these are.
struct Fit {
  double share = 0;
  size_t width = 1, first = 1;
  bool has_decimal_commas = false;
};
Fit fit_of(const std::vector<Cells>& records) {
  Fit fit;
  if (records.empty()) return fit;
  std::map<size_t, int64_t> counts;
  for (const Cells& cells : records) ++counts[cells.size()];
  const auto most = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  fit.share = static_cast<double>(most->second) / static_cast<double>(records.size());
  fit.width = most->first;
  fit.first = records[0].size();
  bool has_comma = false, are_all_numbers = true;
  for (const Cells& cells : std::span(records).subspan(records.size() > 1)) {
    for (const std::string& cell : cells) {
      if (cell.find(',') == std::string::npos) continue;
      has_comma = true;
      are_all_numbers &= is_number(cell, ',');
    }
  }
  fit.has_decimal_commas = has_comma && are_all_numbers;
  return fit;
}

char separator_of(const std::string& path, const TableOptions& options, RecordStyle style) {
  if (options.separator == "tab" || options.separator == "\\t") return '\t';
  if (options.separator == "blank") return ' ';
  if (options.separator.size() == 1 && options.separator != "\"" && options.separator != "\n") return options.separator[0];
  if (!options.separator.empty())
    fail(path, "the separator is \"", options.separator, "\"; it must be one character (no quote), \"tab\" or \"blank\"");
  char best = ',';
  Fit best_fit;
  for (const char each : {',', '\t', ';', '|', ' '}) {
    style.separator = each;
    const Fit fit = fit_of(sample(path, options.encoding, style));
    if (fit.width < 2 || (each == ' ' && (best_fit.width > 1 || fit.share < 1))) continue;
    const bool is_better = best_fit.width < 2 || fit.share > best_fit.share ||
                           (fit.share == best_fit.share && fit.first > best_fit.first) ||
                           (each == ';' && fit.share == 1 && fit.has_decimal_commas);
    if (!is_better) continue;
    best = each;
    best_fit = fit;
  }
  return best;
}

std::string_view first_line(std::string_view text, char line_end, size_t from = 0) {
  const size_t end = text.find(line_end, from);
  return text.substr(from, end == std::string_view::npos ? end : end - from);
}

// '#' or '|' where the file begins with such a line that has not as many cells as the next one.
char comment_of(const std::string& path, const TableOptions& options, const std::string& text, RecordStyle style) {
  if (options.comment.size() > 1) fail(path, "comment is \"", options.comment, "\"; it must be one character");
  if (!options.comment.empty()) return options.comment[0];
  const char first = text.empty() ? '\0' : text[0];
  if (first != '#' && first != '|' && first != '%') return '\0';
  const std::string_view line = first_line(text, style.line_end);
  size_t next = line.size() + 1;
  while (next < text.size() && text[next] == first) next += first_line(text, style.line_end, next).size() + 1;
  if (next >= text.size()) return first;
  const std::string_view other = first_line(text, style.line_end, next);
  for (const char separator : {',', '\t', ';', '|'}) {
    const auto in_first = std::count(line.begin(), line.end(), separator), in_other = std::count(other.begin(), other.end(), separator);
    if (separator != first && in_other > 0) return in_first == in_other ? '\0' : first;
  }
  return first;
}

bool has_names(const std::vector<Cells>& records, const TableOptions& options) {
  const Cells& first = records[0];
  bool has_number = false, stands_over_numbers = false, stands_again = false;
  std::set<std::string> distinct;
  for (size_t c = 0; c < first.size(); ++c) {
    const bool is_plain = !first[c].empty() && !is_missing_mark(first[c], options);
    has_number |= is_plain && is_any_number(first[c]);
    distinct.insert(first[c]);
    bool has_value = false, are_values = true;
    for (size_t r = 1; r < records.size(); ++r) {
      if (c >= records[r].size() || is_missing_mark(records[r][c], options) || records[r] == first) continue;
      has_value = true;
      are_values &= is_any_number(records[r][c]) || is_date(records[r][c]);
      stands_again |= records[r][c] == first[c] && is_plain;
    }
    stands_over_numbers |= has_value && are_values && is_plain && !is_any_number(first[c]) && !is_date(first[c]);
  }
  if (has_number) return stands_over_numbers && distinct.size() == first.size();
  if (stands_over_numbers) return true;
  return !stands_again && distinct.size() == first.size();
}

// Names as they stand there, or column_3; of two of a name the second is told apart.
std::vector<std::string> names_of(const Cells& cells, bool are_names, std::vector<std::string>& notes) {
  constexpr size_t kNoted = 10;
  std::vector<std::string> out, doubled;
  std::set<std::string> taken;
  std::map<std::string, int64_t> numbers;  // the last one that a name has got
  for (size_t i = 0; i < cells.size(); ++i) {
    std::string name = are_names ? cells[i] : "";
    if (i == 0 && name.starts_with('#') && name.size() > 1) name.erase(0, 1 + (name[1] == ' '));
    if (name.empty()) name = concat("column_", i + 1);
    if (taken.contains(name)) {
      int64_t& number = numbers.emplace(name, 1).first->second;
      do ++number;
      while (taken.contains(concat(name, "_", number)));
      doubled.push_back(concat("\"", name, "\" (column ", i + 1, ") is called ", name, "_", number));
      name = concat(name, "_", number);
    }
    taken.insert(name);
    out.push_back(std::move(name));
  }
  const size_t count = doubled.size();
  doubled.resize(std::min(count, kNoted));
  if (count > 0)
    notes.push_back(concat("names that stand twice: ", join(doubled), count > kNoted ? concat(" and ", count - kNoted, " more") : ""));
  if (!are_names && !out.empty())
    notes.push_back(concat("the file has no line of names: its columns are called column_1 to column_", out.size()));
  return out;
}

// A comma, where numbers have one and none has a point.
char decimal_of(const std::vector<Cells>& records, bool has_names, char separator) {
  if (separator == ',') return '.';
  bool has_comma = false;
  for (size_t r = has_names; r < records.size(); ++r) {
    for (const std::string& cell : records[r]) {
      const bool is_with_point = is_number(cell) && cell.find('.') != std::string::npos;
      if (is_with_point) return '.';
      has_comma |= cell.find(',') != std::string::npos && is_number(cell, ',');
    }
  }
  return has_comma ? ',' : '.';
}

}  // namespace

bool is_missing_mark(std::string_view cell, const TableOptions& options) {
  return cell.empty() || std::find(options.missing.begin(), options.missing.end(), cell) != options.missing.end();
}
bool is_missing_number(std::string_view cell) { return cell == "-" || cell == "--" || cell == "."; }

Dialect find_dialect(const std::string& path, const TableOptions& options) {
  const std::string text = beginning(path, options.encoding);
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) fail_io(path, "the file is empty; a table has at least one line");
  Dialect out;
  out.style.line_end = text.find('\n') == std::string::npos && text.find('\r') != std::string::npos ? '\r' : '\n';
  out.style.comment = comment_of(path, options, text, out.style);
  out.style.separator = separator_of(path, options, out.style);
  const std::vector<Cells> records = sample(path, options.encoding, out.style);
  const bool is_known = !records.empty();  // else reading will say what is wrong
  out.has_names = options.header == Header::names || (options.header == Header::detect && is_known && has_names(records, options));
  if (out.has_names) out.header = records.empty() ? Cells() : records[0];
  out.names = names_of(is_known ? records[0] : Cells(), out.has_names, out.notes);
  if (!options.names.empty()) {
    if (is_known && options.names.size() != records[0].size())
      fail(path, options.names.size(), " names are given and the first line has ", records[0].size(), " cells; they must be equal");
    std::vector<std::string> ignored;
    out.names = names_of(options.names, true, ignored);
    if (!ignored.empty()) fail(path, "of the names that are given some stand twice: ", ignored[0]);
    out.notes.clear();
  }
  if (!options.decimal.empty() && options.decimal != "." && options.decimal != ",")
    fail(path, "decimal is \"", options.decimal, "\"; it must be \".\" or \",\"");
  out.decimal = options.decimal.empty() ? decimal_of(records, out.has_names, out.style.separator) : options.decimal[0];
  if (out.decimal == ',') out.notes.push_back("numbers have decimal commas");
  return out;
}

}  // namespace gradus::data
