// Tables from files of delimited text.
#include "gradus/data/table/read_table.hpp"

#include <algorithm>
#include <unordered_map>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/data/table/column_builder.hpp"
#include "gradus/data/table/dialect.hpp"
#include "gradus/data/table/other_tables.hpp"
#include "gradus/data/table/text_source.hpp"

namespace gradus::data {

using namespace core;

std::span<const std::string_view> enum_names(Header) {
  static constexpr std::string_view names[] = {"detect", "names", "none"};
  return names;
}
std::span<const std::string_view> enum_names(Misfit) {
  static constexpr std::string_view names[] = {"refuse", "missing"};
  return names;
}

namespace {

std::string counted(int64_t count, const char* one, const char* many) { return concat(count, " ", count == 1 ? one : many); }

// One pass over a file, block by block.
class Pass {
 public:
  Pass(const std::string& path, const TableOptions& options, const Dialect& dialect)
      : source_(path, options.encoding),
        records_(source_, dialect.style, options.ragged, options.names.empty() ? 0 : static_cast<int64_t>(options.names.size())),
        has_names_(dialect.has_names) {}

  // The next block; `first` is its first record that holds values.
  bool next(int64_t& first) {
    if (!records_.next()) return false;
    first = std::exchange(has_names_, false) ? 1 : 0;
    return true;
  }
  const RecordReader& records() const { return records_; }
  void prepare() { records_.prepare(); }
  const TextSource& source() const { return source_; }

 private:
  TextSource source_;
  RecordReader records_;
  bool has_names_;
};

void add_notes(const RecordReader::Counts& counts, int64_t again, std::vector<std::string>& notes) {
  if (counts.empty_lines > 0) notes.push_back(counted(counts.empty_lines, "empty line is left out", "empty lines are left out"));
  if (counts.comment_lines > 0) notes.push_back(counted(counts.comment_lines, "comment line is left out", "comment lines are left out"));
  if (counts.skipped > 0)
    notes.push_back(concat(counted(counts.skipped, "ragged line is left out", "ragged lines are left out"), ", the first is line ",
                           counts.first_ragged_line));
  if (counts.padded > 0)
    notes.push_back(concat(counted(counts.padded, "short line is filled up", "short lines are filled up"), " with missing values"));
  if (again > 0) notes.push_back(counted(again, "further line of names is left out", "further lines of names are left out"));
}

// A separator at the end of every line makes a column that has no name and no values.
bool is_nothing(const Column& column, size_t place, size_t width) {
  return place + 1 == width && place > 0 && column.name() == concat("column_", place + 1) && column.missing() == column.size();
}

constexpr int64_t kCellsForThreads = 4096;

}  // namespace

std::vector<size_t> wanted_columns(const std::string& path, const ColumnNames& all, const TableOptions& options) {
  std::vector<size_t> out;
  if (options.columns.empty()) {
    for (size_t i = 0; i < all.names.size(); ++i) out.push_back(i);
    if (options.types.empty()) return out;
  }
  std::unordered_map<std::string_view, size_t> places;
  for (size_t i = 0; i < all.names.size(); ++i) places.emplace(all.names[i], i);
  const auto place_of = [&](const std::string& name) {
    const auto found = places.find(name);
    if (found == places.end()) {
      const std::string near = nearest(name, all.names);
      fail_io(path, "there is no ", all.noun, " \"", name, "\"", all.behind, near.empty() ? "" : "; did you mean \"" + near + "\"?");
    }
    return found->second;
  };
  for (const auto& [name, kind] : options.types) place_of(name);
  for (const std::string& name : options.columns) out.push_back(place_of(name));
  return out;
}

// Reads and builds: all of a file, or piece by piece.
struct TableReader::State {
  State(const std::string& path, TableOptions given)
      : options(std::move(given)),
        dialect(find_dialect(path, options)),
        wanted(wanted_columns(path, {.names = dialect.names, .behind = {}}, options)),
        name(path) {
    begin_again();
    builders.reserve(wanted.size());
    for (const size_t place : wanted) {
      const auto kind = options.types.find(dialect.names[place]);
      builders.emplace_back(dialect.names[place], kind == options.types.end() ? std::nullopt : std::optional(kind->second), options,
                            dialect.decimal);
    }
  }

  // Gives the next block to the builders for which `is_meant` holds, by all threads; false at the end.
  template <class Test>
  bool add_block(const Test& is_meant) {
    if (options.limit > 0 && rows >= options.limit) return false;
    int64_t first = 0;
    if (!pass->next(first)) return false;
    const RecordReader& records = pass->records();
    span = {first, records.size(), names_again(first, records.size())};
    if (options.limit > 0) shorten(options.limit - rows);
    const int64_t end = span.end;
    const auto one = [&](int64_t i) {
      ColumnBuilder& builder = builders[static_cast<size_t>(i)];
      if (!is_meant(builder)) return;
      const auto column = static_cast<int64_t>(wanted[static_cast<size_t>(i)]);
      builder.add(records, column, span, path());
      if (builder.needs_again() && records.records_before() == 0) {
        builder.begin_again();
        builder.add(records, column, span, path());
      }
    };
    const auto count = static_cast<int64_t>(builders.size());
    if ((end - first) * count < kCellsForThreads) {
      for (int64_t i = 0; i < count; ++i) one(i);
    } else {
      // The next block is read meanwhile.
      parallel_for(count + 1, [&](int64_t i) {
        if (i > 0) one(i - 1);
        else if (options.limit == 0) pass->prepare();
      });
    }
    rows += end - first - static_cast<int64_t>(span.left_out.size());
    again += static_cast<int64_t>(span.left_out.size());
    return true;
  }

  // What the builders have, by all threads.
  std::vector<Column> take_columns() {
    std::vector<Column> out(builders.size());
    std::vector<std::vector<std::string>> notes(builders.size());
    const auto one = [&](int64_t i) {
      const auto at = static_cast<size_t>(i);
      out[at] = builders[at].take(notes[at]);
    };
    const auto count = static_cast<int64_t>(builders.size());
    if (rows * count < kCellsForThreads) {
      for (int64_t i = 0; i < count; ++i) one(i);
    } else {
      parallel_for(count, one);
    }
    for (std::vector<std::string>& each : notes) of_columns.insert(of_columns.end(), each.begin(), each.end());
    return out;
  }

  // To at most so many rows.
  void shorten(int64_t most) {
    auto left_out = span.left_out.begin();
    int64_t record = span.first;
    for (int64_t taken = 0; record < span.end && taken < most; ++record) {
      if (left_out != span.left_out.end() && *left_out == record) ++left_out;
      else ++taken;
    }
    span.end = record;
    span.left_out.erase(left_out, span.left_out.end());
  }

  // The record of a row of the present piece.
  int64_t record_of(int64_t row) const {
    int64_t record = row + span.first;
    for (const int64_t left_out : span.left_out) record += left_out <= record;
    return record;
  }

  // Records that are the line of names once more.
  std::vector<int64_t> names_again(int64_t first, int64_t end) const {
    std::vector<int64_t> out;
    const std::vector<std::string>& header = dialect.header;
    if (header.empty()) return out;
    std::string scratch;
    const auto is_name = [&](int64_t record, size_t c) {
      return pass->records().cell(record, static_cast<int64_t>(c), scratch) == header[c];
    };
    for (int64_t record = first; record < end; ++record) {
      size_t c = 0;
      while (c < header.size() && is_name(record, c)) ++c;
      if (c == header.size()) out.push_back(record);
    }
    return out;
  }

  void begin_again() {
    pass.emplace(name, options, dialect);
    rows = again = 0;
  }

  std::vector<std::string> all_notes() const {
    std::vector<std::string> out = dialect.notes;
    out.insert(out.end(), of_columns.begin(), of_columns.end());
    add_notes(pass->records().counts(), again, out);
    for (const ColumnBuilder& builder : builders) {
      if (const auto misfits = builder.misfits()) out.push_back(*misfits);
    }
    return out;
  }
  const std::string& path() const { return name; }

  TableOptions options;
  Dialect dialect;
  std::vector<size_t> wanted;
  std::string name;
  std::optional<Pass> pass{};
  std::vector<ColumnBuilder> builders;
  std::vector<std::string> of_columns{};  // notes
  ColumnBuilder::Span span{};             // of the present block
  int64_t rows = 0, again = 0;
};

TableReader::TableReader(const std::string& path, TableOptions options) : state_(std::make_unique<State>(path, std::move(options))) {}
TableReader::~TableReader() = default;
TableReader::TableReader(TableReader&&) noexcept = default;
const std::vector<std::string>& TableReader::names() const { return state_->dialect.names; }
bool TableReader::has_names() const { return state_->dialect.has_names; }
std::vector<std::string> TableReader::notes() const { return state_->all_notes(); }
int64_t TableReader::position() const { return state_->pass->source().position(); }
int64_t TableReader::line(int64_t row) const { return state_->pass->records().line(state_->record_of(row)); }

std::optional<Table> TableReader::next() {
  State& state = *state_;
  if (!state.add_block([](const ColumnBuilder&) { return true; })) return {};
  return Table(state.take_columns());
}

Table TableReader::rest() {
  State& state = *state_;
  while (state.add_block([](const ColumnBuilder& builder) { return !builder.needs_again(); })) {
  }
  const auto is_open = [](const ColumnBuilder& builder) { return builder.needs_again(); };
  std::vector<bool> are_open;
  for (const ColumnBuilder& builder : state.builders) are_open.push_back(is_open(builder));
  if (std::find(are_open.begin(), are_open.end(), true) != are_open.end()) {
    // Columns that seemed to be of numbers, and were not further down.
    state.begin_again();
    for (size_t i = 0; i < are_open.size(); ++i) {
      if (are_open[i]) state.builders[i].begin_again();
    }
    const auto is_meant = [&](const ColumnBuilder& builder) { return are_open[static_cast<size_t>(&builder - state.builders.data())]; };
    while (state.add_block(is_meant)) {
    }
  }
  const size_t width = state.dialect.names.size();
  std::vector<Column> columns = state.take_columns(), kept;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!is_nothing(columns[i], state.wanted[i], width)) kept.push_back(std::move(columns[i]));
  }
  Table out(std::move(kept));
  out.notes = state.all_notes();
  return out;
}

Table read_table(const std::string& path, const TableOptions& options) {
  if (file::is_folder(path)) return read_image_folder(path, options);
  if (is_database(path)) return read_database(path, options);
  if (is_json_lines(path)) return read_json_lines(path, options);
  return TableReader(path, options).rest();
}

}  // namespace gradus::data
