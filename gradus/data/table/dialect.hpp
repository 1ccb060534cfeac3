// How a file of delimited text is written, found out from its beginning. Not for users.
#pragma once

#include <string>
#include <vector>

#include "gradus/data/table/read_table.hpp"

namespace gradus::data {

struct Dialect {
  RecordStyle style{};
  char decimal = '.';
  bool has_names = false;
  std::vector<std::string> names{};   ///< of all columns
  std::vector<std::string> header{};  ///< the line of names as it stands there
  std::vector<std::string> notes{};
};

/// Reads the first mebibyte of a file. What `options` say is taken as said.
Dialect find_dialect(const std::string& path, const TableOptions& options);

/// Whether a cell stands for a missing value.
bool is_missing_mark(std::string_view cell, const TableOptions& options);
/// Whether it does so among numbers only.
bool is_missing_number(std::string_view cell);

}  // namespace gradus::data
