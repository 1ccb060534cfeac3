// Tables of JSON lines.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "gradus/base/error.hpp"
#include "gradus/base/json.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/data/table/column_builder.hpp"
#include "gradus/data/table/number_text.hpp"
#include "gradus/data/table/other_tables.hpp"
#include "gradus/data/table/text_source.hpp"
#include "gradus/data/text/utf8.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr size_t kPiece = size_t{1} << 20, kLongestLine = size_t{1} << 26, kMostKeys = 10'000, kLongestKey = 4096;
// A table has a cell for each row and key, of which rows with other keys each would hold one: at most so many, and so many more a byte.
constexpr int64_t kMostCells = int64_t{1} << 23, kMostCellsAByte = 16;

// Lines of a text, one after the other.
class Lines {
 public:
  Lines(const std::string& path, const std::string& encoding) : source_(path, encoding) {}

  bool next(std::string_view& line) {
    while (true) {
      const size_t end = text_.find('\n', at_);
      if (end != std::string::npos || is_at_end_) {
        if (end == std::string::npos && at_ >= text_.size()) return false;
        const size_t stop = std::min(end, text_.size());
        line = std::string_view(text_).substr(at_, stop - at_);
        at_ = stop + 1;
        ++number_;
        return true;
      }
      text_.erase(0, at_);
      at_ = 0;
      if (text_.size() > kLongestLine)
        fail_io(concat(source_.path(), ":", number_ + 1), "the line is longer than ", kLongestLine >> 20, " MiB");
      const size_t before = text_.size();
      text_.resize(before + kPiece);
      const auto got = static_cast<size_t>(source_.read_some(text_.data() + before, static_cast<int64_t>(kPiece)));
      text_.resize(before + got);
      is_at_end_ = got < kPiece;
    }
  }
  int64_t number() const { return number_; }
  int64_t bytes() const { return source_.position(); }

 private:
  TextSource source_;
  std::string text_{};
  size_t at_ = 0;
  int64_t number_ = 0;
  bool is_at_end_ = false;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Length of the JSON number that `text` begins with; 0 if it begins with none.
size_t number_length(std::string_view text) {
  size_t at = text.starts_with('-');
  const auto take_digits = [&] {
    const size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at > begin;
  };
  const bool begins_with_zero = at < text.size() && text[at] == '0';
  if (begins_with_zero) ++at;
  else if (!take_digits()) return 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!take_digits()) return 0;
  }
  if (at < text.size() && (text[at] | 0x20) == 'e') {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!take_digits()) return 0;
  }
  return at;
}

// An integer that int64 does not hold, or a number that float64 does not reach.
bool is_beyond(std::string_view number) {
  if (number.find_first_of(".eE") == std::string_view::npos) {
    int64_t value;
    return number.size() > 18 && std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc();
  }
  const size_t exponent = std::min(number.find_first_of("eE"), number.size());
  if (number.size() - exponent < 4 && exponent < 300) return false;
  double value;
  return read_number(number, '.', value) && std::isinf(value);
}

// The line with numbers that neither int64 nor float64 holds in quotes: so they are read as they are written, and "1e400" as infinity.
std::string_view with_long_numbers_quoted(std::string_view line, std::string& scratch) {
  scratch.clear();
  size_t done = 0;
  for (size_t at = 0; at < line.size();) {
    if (line[at] == '"') {
      for (++at; at < line.size() && line[at] != '"'; ++at) at += line[at] == '\\';
      ++at;
      continue;
    }
    const size_t length = is_digit(line[at]) || line[at] == '-' ? number_length(line.substr(at)) : 0;
    const std::string_view number = line.substr(at, length);
    at += std::max<size_t>(length, 1);
    if (length < 4 || !is_beyond(number)) continue;
    const size_t next = line.find_first_not_of(" \t\r\n", at);
    if (next != std::string_view::npos && line[next] == ':') continue;  // no key
    scratch += line.substr(done, at - length - done);
    scratch += concat("\"", number, "\"");
    done = at;
  }
  if (done == 0) return line;
  return scratch += line.substr(done);
}

std::string cell_of(const Datum& value) {
  if (!value.exists()) return "";
  if (const std::string* text = value.get_if<std::string>()) return *text;
  if (const bool* flag = value.get_if<bool>()) return *flag ? "true" : "false";
  if (value.get_if<int64_t>()) return core::to_text(*value.get_if<int64_t>());
  if (value.is_number()) {
    std::string out = core::to_text(value.number());
    if (is_name(out)) out += ".0";  // of digits only it would be a name
    return out;
  }
  return write_json(value);
}

// Columns in the order in which their keys come.
class Collected {
 public:
  // Cells are kept of the keys that `options` want; all keys are known.
  explicit Collected(const TableOptions& options) : wanted_(options.columns.begin(), options.columns.end()) {}

  void add(const std::string& key, const Datum& value, std::string_view place) {
    if (const Datum::Table* inner = value.get_if<Datum::Table>()) {
      for (const auto& [name, each] : *inner) {
        if (key.size() + name.size() >= kLongestKey)
          fail_io(place, "the key \"", printable(name, 40), "\" is, with the keys around it, longer than ", kLongestKey, " bytes");
        add(key.empty() ? name : key + "." + name, each, place);
      }
      return;
    }
    const auto [found, is_new] = places_.emplace(key, names_.size());
    if (is_new) {
      if (names_.size() == kMostKeys) fail_io(place, "there are more than ", kMostKeys, " different keys so far");
      names_.push_back(key);
      columns_.emplace_back();
      kept_ += is_kept(key);
    }
    if (!is_kept(key)) return;
    Texts& cells = columns_[found->second];
    while (cells.size() < rows_) cells.add_missing();
    if (cells.size() > rows_) fail_io(place, "has \"", key, "\" twice, as a key and as an inner one");
    if (value.exists()) cells.add(cell_of(value));
    else cells.add_missing();
  }
  void end_row(int64_t line) {
    ++rows_;
    lines_.push_back(line);
  }
  int64_t rows() const { return rows_; }
  int64_t cells() const { return rows_ * kept_; }
  int64_t keys() const { return kept_; }
  const std::vector<std::string>& names() const { return names_; }
  const std::vector<int64_t>& lines() const { return lines_; }
  // The cells of one column, filled up, which are then gone from here.
  Texts take(size_t column) {
    Texts cells = std::exchange(columns_[column], {});
    while (cells.size() < rows_) cells.add_missing();
    return cells;
  }

 private:
  bool is_kept(const std::string& key) const { return wanted_.empty() || wanted_.contains(key); }

  std::unordered_set<std::string> wanted_;
  std::vector<std::string> names_{};
  std::vector<Texts> columns_{};
  std::unordered_map<std::string, size_t> places_{};
  std::vector<int64_t> lines_{};  // of the rows
  int64_t rows_ = 0, kept_ = 0;
};

[[noreturn]] void fail_line(const std::string& place, std::string_view line, std::string_view problem, const std::string& path) {
  if (invalid_utf8(line) >= 0)
    fail_io(place, "the line is not UTF-8; name the encoding of the file, here perhaps \"", likely_encoding(path), "\"");
  fail_io(place, "the line ", problem);
}

}  // namespace

bool is_json_lines(const std::string& path) {
  std::filesystem::path name(path);
  if (name.extension() == ".gz" || name.extension() == ".zst") name = name.stem();
  return name.extension() == ".jsonl" || name.extension() == ".ndjson";
}

Table read_json_lines(const std::string& path, const TableOptions& options) {
  Lines lines(path, options.encoding);
  Collected collected(options);
  std::string_view line;
  std::string scratch;
  while ((options.limit == 0 || collected.rows() < options.limit) && lines.next(line)) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string place = concat(path, ":", lines.number());
    const Datum value = read_json(with_long_numbers_quoted(line, scratch),
                                  [&](std::string_view problem, int64_t) { fail_line(place, line, problem, path); });
    if (!value.get_if<Datum::Table>()) fail_io(place, "expected a JSON object, got ", printable(core::to_text(value), 80));
    collected.add("", value, place);
    collected.end_row(lines.number());
    if (collected.cells() > kMostCells + kMostCellsAByte * lines.bytes())
      fail_io(place, "the rows so far have ", collected.keys(), " different keys, and a table of them ", collected.cells(),
              " cells, almost all of them missing; name the columns that are wanted");
  }
  if (collected.rows() == 0) fail_io(path, "the file is empty; a table has at least one line");
  std::vector<std::string> notes;
  std::vector<Column> columns;
  for (const size_t place : wanted_columns(path, {.names = collected.names(), .noun = "key", .behind = {}}, options)) {
    const Texts cells = collected.take(place);
    columns.push_back(build_column(collected.names()[place], {.cells = cells, .lines = collected.lines(), .path = path}, options, notes));
  }
  Table out(std::move(columns));
  out.notes = std::move(notes);
  return out;
}

}  // namespace gradus::data
