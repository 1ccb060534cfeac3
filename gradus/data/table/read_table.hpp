// Tables from files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gradus/data/table/date_text.hpp"
#include "gradus/data/table/records.hpp"
#include "gradus/data/table/table.hpp"
#include "gradus/graph/field_names.hpp"

namespace gradus::data {

/// Whether the first line of a file holds the names of the columns. `detect`: it does where no cell of it is a number, and below some cell
/// stand numbers or dates, or no column has a value that stands there again.
enum class Header : uint8_t { detect, names, none };
std::span<const std::string_view> enum_names(Header);

/// What a column is to be read as.
struct ColumnKind {
  ColumnType type = ColumnType::numeric;
  std::vector<std::string> order{};  ///< of an ordinal one, from the least to the greatest; of a categorical one all that it may have
  std::optional<DateOrder> dates{};  ///< how 3/4/2024 is meant in a column of dates; nothing: found out
};

/// What becomes of a cell that is none of its column's type: an error, or a missing value that is counted.
enum class Misfit : uint8_t { refuse, missing };
std::span<const std::string_view> enum_names(Misfit);

/// How a table is read. What is not said is found out from the beginning of the file; types from all of it.
struct TableOptions {
  std::string separator{};  ///< one character, "tab" or "blank" (any number of blanks and tabs); "": found out
  std::string encoding{};   ///< "": UTF-8, or UTF-16 where its first bytes say so; "gb18030", "latin1" and all that iconv knows
  Header header = Header::detect;
  std::vector<std::string> names{};           ///< of the columns, in place of those in the file
  std::map<std::string, ColumnKind> types{};  ///< by column, in place of those that are found out
  std::vector<std::string> columns{};         ///< only these, in this order; empty: all
  /// Cells that say that a value is missing, beside empty ones; "-", "--" and "." do so among numbers only.
  std::vector<std::string> missing{"?", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "NULL", "Null", "null", "<NA>", "#N/A", "NaT"};
  std::string decimal{};                  ///< "." or ","; "": found out
  std::string comment{};                  ///< a character with which lines begin that are left out; "": found out, of the first line
  std::optional<DateOrder> date_order{};  ///< of 3/4/2024; nothing: found out by column, else month first; words where dates contradict
  Ragged ragged = Ragged::refuse;
  Misfit misfit = Misfit::refuse;
  int64_t limit = 0;    ///< at most so many rows; 0: all
  std::string table{};  ///< of a database; "": its only one
};

/// Reads a table, by the name and the first bytes of the file:
///
///     CSV, TSV and the like     plain, gzip or zstd, in any encoding; RFC 4180 with LF, CR LF or CR
///     .jsonl, .ndjson           an object a line; columns in the order in which keys come
///     SQLite                    a table or view of a database
///     a folder                  of folders with images: columns image and label
///
/// A column is numeric if all its cells are decimal numbers or missing (none of them a name, as 007 or an integer beyond 2^53 is); a date
/// if all are dates; an image if all end in .png, .jpg or .jpeg; text if it has mostly different values of several words; categorical else.
/// Two columns of one name, and a line of names that stands there again, are told apart, or left out, and noted. Throws naming file and
/// line of what cannot be read.
///
///   data::Table people = data::read_table("people.csv");
Table read_table(const std::string& path, const TableOptions& options = {});

/// Reads a table of delimited text piece by piece, in memory that does not grow with the file. Types are those of `options`, for the other
/// columns those of the first piece.
class TableReader {
 public:
  explicit TableReader(const std::string& path, TableOptions options = {});
  ~TableReader();
  TableReader(TableReader&&) noexcept;

  /// The next rows, about 1 MiB of text; nothing at the end. Categories may differ from piece to piece.
  std::optional<Table> next();
  /// All rows, with types that hold for all of them; instead of next().
  Table rest();
  /// Names of all columns of the file, and whether they stand in its first line.
  const std::vector<std::string>& names() const;
  bool has_names() const;
  /// The line of the file in which a row of the present piece begins.
  int64_t line(int64_t row) const;
  /// What was left out, filled up or taken as missing so far, in words.
  std::vector<std::string> notes() const;
  /// Bytes of content read so far.
  int64_t position() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gradus::data
