// Tables of SQLite databases.
#include <algorithm>
#include <memory>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/data/table/column_builder.hpp"
#include "gradus/data/table/number_text.hpp"
#include "gradus/data/table/other_tables.hpp"
#include "gradus/data/text/utf8.hpp"

#ifdef GRADUS_HAS_SQLITE
#include <sqlite3.h>
#endif

namespace gradus::data {

using namespace core;

bool is_database(const std::string& path) {
  constexpr std::string_view magic("SQLite format 3\0", 16);
  const file::Reader file(path);
  char head[16] = {};
  if (file.bytes() >= 16) file.read_at(0, head, 16);
  if (std::string_view(head, 16) == magic) return true;
  const auto ends = [&](std::string_view end) { return std::string_view(path).ends_with(end); };
  if (file.bytes() > 0 && (ends(".db") || ends(".sqlite") || ends(".sqlite3")))
    fail_io(path, "is no SQLite database: it does not begin as one; a table of text has another ending, such as .csv");
  return false;
}

#ifdef GRADUS_HAS_SQLITE

namespace {

constexpr int kWaitMilliseconds = 2000;
// A table ends where its file does. A view may go on for ever, and a cell of it be as long as it likes.
constexpr int64_t kMostRowsOfView = 50'000'000, kStepsOfView = int64_t{1} << 25, kStepsOfViewAByte = 256;
constexpr int kLongestCell = 1 << 26, kStepsBetween = 1 << 20;
constexpr const char* kUtf8Rule = "write it again in UTF-8, or as bytes (BLOB), which are missing values";

// A database opened for reading only.
class Database {
 public:
  explicit Database(const std::string& path) : path_(path) {
    sqlite3* raw = nullptr;
    const int result = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr);
    database_.reset(raw);
    if (result != SQLITE_OK) fail_io(path, "cannot open the database: ", raw ? sqlite3_errmsg(raw) : "out of memory");
    sqlite3_busy_timeout(raw, kWaitMilliseconds);
    // A hostile schema calls no functions, and changes nothing.
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, kLongestCell);
  }
  // Steps of its virtual machine from now on: beyond so many they end with an error.
  void limit_steps() {
    steps_ = steps_at_most();
    sqlite3_progress_handler(
        get(), kStepsBetween, [](void* left) { return (*static_cast<int64_t*>(left) -= kStepsBetween) < 0 ? 1 : 0; }, &steps_);
  }
  sqlite3* get() const { return database_.get(); }
  [[noreturn]] void fail_with(int result) const {
    if (result == SQLITE_BUSY || result == SQLITE_LOCKED)
      fail_io(path_, "the database is locked by another process; try again when it has finished");
    if (result == SQLITE_INTERRUPT)
      fail_io(path_, "the view takes more than ", steps_at_most(), " steps; a limit of rows reads its beginning, or write it into a table");
    fail_io(path_, "cannot read the database: ", sqlite3_errmsg(get()));
  }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  // The more there is in the file, the longer a view may go over it.
  int64_t steps_at_most() const { return kStepsOfView + kStepsOfViewAByte * file::Reader(path_).bytes(); }
  const std::string& path_;
  int64_t steps_ = 0;
  std::unique_ptr<sqlite3, Close> database_{};
};

class Query {
 public:
  Query(const Database& database, const std::string& text) : database_(database) {
    sqlite3_stmt* raw = nullptr;
    const int result = sqlite3_prepare_v2(database.get(), text.c_str(), static_cast<int>(text.size()), &raw, nullptr);
    statement_.reset(raw);
    if (result != SQLITE_OK) database.fail_with(result);
  }
  bool next() {
    const int result = sqlite3_step(get());
    if (result != SQLITE_ROW && result != SQLITE_DONE) database_.fail_with(result);
    return result == SQLITE_ROW;
  }
  sqlite3_stmt* get() const { return statement_.get(); }
  std::string_view text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(get(), column));
    return bytes ? std::string_view(bytes, static_cast<size_t>(sqlite3_column_bytes(get(), column))) : std::string_view();
  }

 private:
  struct Finish {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  const Database& database_;
  std::unique_ptr<sqlite3_stmt, Finish> statement_{};
};

std::string in_quotes(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

struct Wanted {
  std::string name{};
  bool is_view = false;
};
Wanted table_of(const Database& database, const std::string& path, const std::string& wanted) {
  Query query(
      database,
      "select name, type from sqlite_schema where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\' order by name");
  std::vector<std::string> names;
  std::vector<bool> are_views;
  while (query.next()) {
    names.emplace_back(query.text(0));
    are_views.push_back(query.text(1) == "view");
  }
  const std::string all = join(names);
  if (names.empty()) fail_io(path, "the database has no table");
  if (wanted.empty() && names.size() > 1) fail_io(path, "the database has ", names.size(), " tables; name one of ", all);
  const auto found = wanted.empty() ? names.begin() : std::find(names.begin(), names.end(), wanted);
  if (found == names.end()) {
    const std::string near = nearest(wanted, names);
    fail_io(path, "there is no table \"", wanted, "\"; ", near.empty() ? "there are " + all : "did you mean \"" + near + "\"?");
  }
  return {*found, are_views[static_cast<size_t>(found - names.begin())]};
}

// What is to be selected. SQLite takes a quoted name that is no column for a text, so each is looked for.
std::string selection(const Database& database, const std::string& path, const std::string& table, const TableOptions& options) {
  const Query all(database, concat("select * from ", in_quotes(table)));
  std::vector<std::string> names;
  for (int c = 0; c < sqlite3_column_count(all.get()); ++c) {
    names.emplace_back(sqlite3_column_name(all.get(), c));
    if (invalid_utf8(names.back()) >= 0) fail_io(path, "the name of column ", c + 1, " of \"", table, "\" is not UTF-8; ", kUtf8Rule);
  }
  wanted_columns(path, {.names = names, .behind = concat(" in \"", table, "\"")}, options);
  if (options.columns.empty()) return "*";
  std::string out;
  for (const std::string& name : options.columns) out += (out.empty() ? "" : ", ") + in_quotes(name);
  return out;
}

// A number that has only decimal digits could be taken for a name.
std::string real_text(double value) {
  std::string out = core::to_text(value);
  if (is_name(out)) out += ".0";
  return out;
}

// SQLite takes any bytes for a text.
std::string_view checked(std::string_view text, const std::string& path, int64_t row, const char* column) {
  if (invalid_utf8(text) >= 0)
    fail_io(path, "row ", row, ": column \"", column, "\": the text \"", printable(text, 40), "\" is not UTF-8; ", kUtf8Rule);
  return text;
}

}  // namespace

Table read_database(const std::string& path, const TableOptions& options) {
  Database database(path);
  const auto [table, is_view] = table_of(database, path, options.table);
  if (is_view) database.limit_steps();
  Query query(database, concat("select ", selection(database, path, table, options), " from ", in_quotes(table),
                               options.limit > 0 ? concat(" limit ", options.limit) : ""));
  const int width = sqlite3_column_count(query.get());
  std::vector<Texts> cells(static_cast<size_t>(width));
  std::vector<int64_t> blobs(static_cast<size_t>(width), 0);
  std::vector<int64_t> rows;
  while (query.next()) {
    rows.push_back(static_cast<int64_t>(rows.size()) + 1);
    if (is_view && rows.back() > kMostRowsOfView)
      fail_io(path, "the view \"", table, "\" has more than ", kMostRowsOfView,
              " rows; a limit reads its beginning, or write it into a table");
    for (int c = 0; c < width; ++c) {
      const int type = sqlite3_column_type(query.get(), c);
      const auto at = static_cast<size_t>(c);
      blobs[at] += type == SQLITE_BLOB;
      if (type == SQLITE_NULL || type == SQLITE_BLOB) cells[at].add_missing();
      else if (type == SQLITE_FLOAT) cells[at].add(real_text(sqlite3_column_double(query.get(), c)));
      else cells[at].add(checked(query.text(c), path, rows.back(), sqlite3_column_name(query.get(), c)));
    }
  }
  std::vector<Column> columns;
  std::vector<std::string> notes;
  for (int c = 0; c < width; ++c) {
    const std::string name = sqlite3_column_name(query.get(), c);
    const auto at = static_cast<size_t>(c);
    if (blobs[at] > 0) notes.push_back(concat("column \"", name, "\": ", blobs[at], " cells are bytes and taken as missing"));
    columns.push_back(build_column(name, {.cells = cells[at], .lines = rows, .path = path}, options, notes));
    cells[at] = {};
  }
  Table out(std::move(columns));
  out.notes = std::move(notes);
  return out;
}

#else

Table read_database(const std::string& path, const TableOptions&) {
  fail_io(path,
          "it is an SQLite database, and Gradus was built without libsqlite3; on Debian, apt-get install libsqlite3-dev and build again");
}

#endif

}  // namespace gradus::data
