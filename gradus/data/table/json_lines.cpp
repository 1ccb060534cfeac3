// Tables of JSON lines.
#include <algorithm>
#include <filesystem>
#include <map>

#include "gradus/base/error.hpp"
#include "gradus/base/json.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/data/table/column_builder.hpp"
#include "gradus/data/table/other_tables.hpp"
#include "gradus/data/table/text_source.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr size_t kPiece = size_t{1} << 20, kLongestLine = size_t{1} << 26, kMostKeys = 10'000;

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

 private:
  TextSource source_;
  std::string text_{};
  size_t at_ = 0;
  int64_t number_ = 0;
  bool is_at_end_ = false;
};

std::string cell_of(const Datum& value) {
  if (!value.exists()) return "";
  if (const std::string* text = value.get_if<std::string>()) return *text;
  if (const bool* flag = value.get_if<bool>()) return *flag ? "true" : "false";
  if (value.get_if<int64_t>()) return core::to_text(*value.get_if<int64_t>());
  if (value.is_number()) return core::to_text(value.number());
  return write_json(value);
}

// Columns in the order in which their keys come.
class Collected {
 public:
  void add(const std::string& key, const Datum& value, std::string_view place) {
    if (const Datum::Table* inner = value.get_if<Datum::Table>()) {
      for (const auto& [name, each] : *inner) add(key.empty() ? name : key + "." + name, each, place);
      return;
    }
    const auto [found, is_new] = places_.emplace(key, columns_.size());
    if (is_new) {
      if (columns_.size() == kMostKeys) fail_io(place, "there are more than ", kMostKeys, " different keys so far");
      columns_.emplace_back(key, Texts());
    }
    Texts& cells = columns_[found->second].second;
    while (cells.size() < rows_) cells.add_missing();
    if (cells.size() > rows_) fail_io(place, "has \"", key, "\" twice, as a key and as an inner one");
    if (value.exists()) cells.add(cell_of(value));
    else cells.add_missing();
  }
  void end_row() { ++rows_; }
  int64_t rows() const { return rows_; }
  std::vector<std::pair<std::string, Texts>>& columns() {
    for (auto& [name, cells] : columns_) {
      while (cells.size() < rows_) cells.add_missing();
    }
    return columns_;
  }

 private:
  std::vector<std::pair<std::string, Texts>> columns_{};
  std::map<std::string, size_t> places_{};
  int64_t rows_ = 0;
};

}  // namespace

bool is_json_lines(const std::string& path) {
  std::filesystem::path name(path);
  if (name.extension() == ".gz" || name.extension() == ".zst") name = name.stem();
  return name.extension() == ".jsonl" || name.extension() == ".ndjson";
}

Table read_json_lines(const std::string& path, const TableOptions& options) {
  Lines lines(path, options.encoding);
  Collected collected;
  std::string_view line;
  while ((options.limit == 0 || collected.rows() < options.limit) && lines.next(line)) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string place = concat(path, ":", lines.number());
    const Datum value = read_json(line, [&](std::string_view problem, int64_t) { fail_io(place, "the line ", problem); });
    if (!value.get_if<Datum::Table>()) fail_io(place, "expected a JSON object, got ", printable(core::to_text(value), 80));
    collected.add("", value, place);
    collected.end_row();
  }
  if (collected.rows() == 0) fail_io(path, "the file is empty; a table has at least one line");
  std::vector<std::string> notes, names;
  std::vector<Column> columns;
  auto& found = collected.columns();
  for (const auto& [name, cells] : found) names.push_back(name);
  const auto column_of = [&](const std::string& name) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) {
      const std::string near = nearest(name, names);
      fail_io(path, "there is no key \"", name, "\"", near.empty() ? "" : "; did you mean \"" + near + "\"?");
    }
    columns.push_back(build_column(name, found[static_cast<size_t>(at - names.begin())].second, options, path, notes));
  };
  for (const std::string& name : options.columns.empty() ? names : options.columns) column_of(name);
  Table out(std::move(columns));
  out.notes = std::move(notes);
  return out;
}

}  // namespace gradus::data
