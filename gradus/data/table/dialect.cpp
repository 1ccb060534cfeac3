// How a file of delimited text is written.
#include "gradus/data/table/dialect.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "gradus/base/error.hpp"
#include "gradus/base/function_ref.hpp"
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

using OnRecord = FunctionRef<void(const RecordReader&, int64_t record)>;

// Gives the first records of the file under a style; what no style of this kind could have is no error here, and ends it.
void look(const std::string& path, const std::string& encoding, RecordStyle style, OnRecord on_record) {
  try {
    TextSource source(path, encoding);
    // Of any width: each record by itself.
    RecordReader reader(source, style, Ragged::refuse, RecordReader::kAnyWidth);
    if (!reader.next()) return;
    for (int64_t record = 0; record < std::min(reader.size(), kSampled); ++record) on_record(reader, record);
  } catch (const Error&) {
  }
}

std::vector<Cells> sample(const std::string& path, const std::string& encoding, RecordStyle style) {
  std::vector<Cells> out;
  std::string scratch;
  look(path, encoding, style, [&](const RecordReader& reader, int64_t record) {
    Cells cells;
    cells.reserve(static_cast<size_t>(reader.width(record)));
    for (int64_t column = 0; column < reader.width(record); ++column) cells.emplace_back(reader.cell(record, column, scratch));
    out.push_back(std::move(cells));
  });
  return out;
}

// Where no record can be read, reading says why: that is the error, not what is missing in a table of nothing.
[[noreturn]] void fail_as_reading(const std::string& path, const TableOptions& options, RecordStyle style) {
  TextSource source(path, options.encoding);
  RecordReader reader(source, style, options.ragged, static_cast<int64_t>(options.names.size()));
  reader.next();
  fail_io(path, "there are only comments and empty lines; a table has at least one line");
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
Fit fit_of(const std::string& path, const std::string& encoding, RecordStyle style) {
  Fit fit;
  std::map<size_t, int64_t> counts;
  int64_t records = 0;
  bool has_comma = false, are_all_numbers = true;
  std::string scratch;
  const auto look_for_commas = [&](const RecordReader& reader, int64_t record) {
    for (int64_t column = 0; column < reader.width(record); ++column) {
      const std::string_view cell = reader.cell(record, column, scratch);
      if (cell.find(',') == std::string_view::npos) continue;
      has_comma = true;
      are_all_numbers &= is_number(cell, ',');
    }
  };
  look(path, encoding, style, [&](const RecordReader& reader, int64_t record) {
    const auto width = static_cast<size_t>(reader.width(record));
    if (records++ == 0) fit.first = width;
    ++counts[width];
    if (style.separator == ';' && (record > 0 || reader.size() == 1)) look_for_commas(reader, record);
  });
  if (records == 0) return fit;
  const auto most = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  fit.share = static_cast<double>(most->second) / static_cast<double>(records);
  fit.width = most->first;
  fit.has_decimal_commas = has_comma && are_all_numbers;
  return fit;
}

char separator_of(const std::string& path, const TableOptions& options, const std::string& text, RecordStyle style) {
  if (options.separator == "tab" || options.separator == "\\t") return '\t';
  if (options.separator == "blank") return ' ';
  if (options.separator.size() == 1 && options.separator != "\"" && options.separator != "\n") return options.separator[0];
  if (!options.separator.empty())
    fail(path, "the separator is \"", options.separator, "\"; it must be one character (no quote), \"tab\" or \"blank\"");
  char best = ',';
  Fit best_fit;
  for (const char each : {',', '\t', ';', '|', ' '}) {
    const bool stands_there = text.find(each) != std::string::npos || (each == ' ' && text.find('\t') != std::string::npos);
    if (!stands_there) continue;
    style.separator = each;
    const Fit fit = fit_of(path, options.encoding, style);
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

// The lines of a text that are not blank.
std::string_view next_line(std::string_view& text, char line_end) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(line_end), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) return line;
  }
  return {};
}
// Separators that stand in no quotes; words, for a blank.
int64_t separators_in(std::string_view line, char separator) {
  int64_t count = 0;
  bool is_quoted = false, is_behind_word = false;
  for (const char c : line) {
    if (c == '"') is_quoted = !is_quoted;
    const bool is_blank = c == ' ' || c == '\t' || c == '\r';
    if (separator != ' ') count += !is_quoted && c == separator;
    else count += !is_blank && !is_behind_word;
    is_behind_word = !is_blank || is_quoted;
  }
  return count;
}

// '#', '|' or '%' where the file begins with such a line that has not as many cells as the first other one.
char comment_of(const std::string& path, const TableOptions& options, const std::string& text, RecordStyle style) {
  if (options.comment.size() > 1) fail(path, "comment is \"", options.comment, "\"; it must be one character");
  if (!options.comment.empty()) return options.comment[0];
  const char first = text.empty() ? '\0' : text[0];
  if (first != '#' && first != '|' && first != '%') return '\0';
  std::string_view rest = text;
  const std::string_view line = next_line(rest, style.line_end);
  std::string_view other = next_line(rest, style.line_end);
  const bool is_one_of_several = other.starts_with(first);
  while (other.starts_with(first)) other = next_line(rest, style.line_end);
  if (other.empty()) return '\0';  // else nothing would be left
  for (const char separator : {',', '\t', ';', '|'}) {
    const int64_t in_first = separators_in(line, separator), in_other = separators_in(other, separator);
    if (separator != first && in_other > 0) return in_first == in_other ? '\0' : first;
  }
  // Where cells are split at blanks, a mark that stands by itself would be one more.
  const int64_t words = separators_in(other, ' ');
  const bool are_as_many = separators_in(line.substr(1), ' ') == words && (words == 1 || line[1] != ' ');
  return are_as_many && !is_one_of_several ? '\0' : first;
}

bool has_names(const std::vector<Cells>& records, const TableOptions& options) {
  const Cells& first = records[0];
  bool has_number = false, stands_over_numbers = false, stands_again = false;
  std::vector<const Cells*> others;
  for (const Cells& each : std::span(records).subspan(1)) {
    if (each != first) others.push_back(&each);
  }
  for (size_t c = 0; c < first.size(); ++c) {
    const bool is_plain = !first[c].empty() && !is_missing_mark(first[c], options);
    has_number |= is_plain && is_any_number(first[c]);
    bool has_value = false, are_values = true;
    for (const Cells* other : others) {
      if (c >= other->size() || is_missing_mark((*other)[c], options)) continue;
      const std::string& cell = (*other)[c];
      has_value = true;
      are_values = are_values && (is_any_number(cell) || is_date(cell));
      stands_again |= cell == first[c] && is_plain;
    }
    stands_over_numbers |= has_value && are_values && is_plain && !is_any_number(first[c]) && !is_date(first[c]);
  }
  const auto are_distinct = [&] { return std::unordered_set<std::string_view>(first.begin(), first.end()).size() == first.size(); };
  if (has_number) return stands_over_numbers && are_distinct();
  if (stands_over_numbers) return true;
  return !stands_again && are_distinct();
}

// Names as they stand there, or column_3; of two of a name the second is told apart.
std::vector<std::string> names_of(const Cells& cells, bool are_names, std::vector<std::string>& notes) {
  constexpr size_t kNoted = 10;
  std::vector<std::string> out, doubled;
  size_t count = 0;
  out.reserve(cells.size());
  std::unordered_set<std::string> taken;
  taken.reserve(cells.size());
  std::unordered_map<std::string, int64_t> numbers;  // the last one that a name has got
  for (size_t i = 0; i < cells.size(); ++i) {
    std::string name = are_names ? cells[i] : "";
    if (i == 0 && name.starts_with('#') && name.size() > 1) name.erase(0, 1 + (name[1] == ' '));
    if (name.empty()) name = concat("column_", i + 1);
    if (!taken.insert(name).second) {
      int64_t& number = numbers.emplace(name, 1).first->second;
      do ++number;
      while (taken.contains(concat(name, "_", number)));
      if (count++ < kNoted) doubled.push_back(concat("\"", name, "\" (column ", i + 1, ") is called ", name, "_", number));
      name = concat(name, "_", number);
      taken.insert(name);
    }
    out.push_back(std::move(name));
  }
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
  out.style.separator = separator_of(path, options, text, out.style);
  const std::vector<Cells> records = sample(path, options.encoding, out.style);
  if (records.empty()) fail_as_reading(path, options, out.style);
  out.has_names = options.header == Header::names || (options.header == Header::detect && has_names(records, options));
  if (out.has_names) out.header = records[0];
  out.names = names_of(records[0], out.has_names, out.notes);
  if (!options.names.empty()) {
    if (options.names.size() != records[0].size())
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
