// Numbers in text: CSV files whose cells are all numbers. Tables of mixed columns are not read here.
#pragma once

#include <string>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::data {

struct Numbers {
  std::vector<std::string> columns{};  ///< from the first line if it holds names, else empty
  Array values{};                      ///< (rows, columns) float64
};

/// What the first line of a table is. `detect`: names, if no cell of it is or looks like a number ("+-1", "0x10" look like one), or if all
/// are in quotes and those of the next line are not; a line of both is an error, since it could be either.
enum class FirstLine { detect, names, numbers };

/// Reads a CSV file (RFC 4180) in UTF-8, with or without byte order mark, plain or gzip, of at most 1 GiB. Lines end with LF, CR LF or CR;
/// empty ones are left out; every row is as long as the first. Cells are separated by the first of these that the first line has outside
/// quotes: semicolon, comma, tab; a separator at the end of every line ends no cell. A cell may be in quotes, and then hold separators,
/// line ends and, doubled, quotes. Numbers are decimal, or nan, inf, infinity; those that float64 does not reach become 0 or infinity; an
/// empty cell is nan. Throws naming line and column of a cell that is no number.
Numbers read_numbers(const std::string& path, FirstLine first_line = FirstLine::detect);

}  // namespace gradus::data
