// Splitting of row-wise work among threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gradus/base/parallel.hpp"

namespace gradus::cpu {

/// Rows that one chunk of parallel work takes, from shapes only: about 16,384 elements, everything when all is little.
inline int64_t rows_per_chunk(int64_t rows, int64_t width) {
  width = std::max<int64_t>(width, 1);
  if (rows * width < 20000) return std::max<int64_t>(rows, 1);
  return std::max<int64_t>(1, 16384 / width);
}

/// Calls body(begin, end) for the chunks of 0 .. rows-1.
template <class Body>
void for_rows(int64_t rows, int64_t width, Body&& body) {
  const int64_t chunk = rows_per_chunk(rows, width);
  parallel_for((rows + chunk - 1) / chunk, [&](int64_t i) { body(i * chunk, std::min(rows, (i + 1) * chunk)); });
}

}  // namespace gradus::cpu
