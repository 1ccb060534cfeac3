// Tables that are not delimited text: databases, JSON lines, folders of images. Not for users: read_table takes them all.
#pragma once

#include <string>
#include <string_view>

#include "gradus/data/table/read_table.hpp"

namespace gradus::data {

/// Names of the columns of a source, and how its errors speak of them: `there is no NOUN "x"BEHIND`.
struct ColumnNames {
  const std::vector<std::string>& names;
  std::string noun = "column", behind{};
};
/// Places of the columns that the options want. Throws for one that they name, there or among the types, and that is not there.
std::vector<size_t> wanted_columns(const std::string& path, const ColumnNames& all, const TableOptions& options);

/// Whether a path ends as those of images do: .png, .jpg, .jpeg, in letters of any case.
bool is_image_path(std::string_view path);

/// By its first bytes. Throws for a file that is called a database (.db, .sqlite, .sqlite3) and is none.
bool is_database(const std::string& path);
/// By the end of its name.
bool is_json_lines(const std::string& path);

/// A table or view of an SQLite database, opened for reading only. Without its name the database must have just one. Throws for a database
/// that is locked, damaged, or none.
Table read_database(const std::string& path, const TableOptions& options);
/// One JSON object a line; keys become columns in the order in which they come, values within objects "key.inner". Strings, numbers, true
/// and false are cells, null is missing, a list is its JSON text. Throws naming the line of what is no object, and for
/// rows that have so different keys that almost every cell of the table would be missing.
Table read_json_lines(const std::string& path, const TableOptions& options);
/// A folder whose folders hold PNG and JPEG files: columns "image", their paths, and "label", the folders' names, in the order of names.
Table read_image_folder(const std::string& path, const TableOptions& options);

}  // namespace gradus::data
