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

/// Reads a CSV file, plain or gzip, of at most 1 GiB: cells between commas, empty lines left out, every row as long as the first. An
/// empty cell is nan. Throws naming line and column of a cell that is no number.
Numbers read_numbers(const std::string& path);

}  // namespace gradus::data
