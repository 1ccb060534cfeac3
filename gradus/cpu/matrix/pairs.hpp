// Products of bfloat16 by instructions that add up pairs of them in float32 (AMX, AVX512-BF16). Private to cpu/.
#pragma once

#include <cstdint>

namespace gradus::cpu {

struct PairProduct {
  /// c (+)= a b in float32: a (rows, depth) of bfloat16 bits; b (depth / 2, columns) of words that hold rows 2 p (lower half) and 2 p + 1
  /// of the factor. rows and columns are multiples of 16, depth of 32. Between open() and close() of the same thread only.
  void (*multiply)(const uint16_t* a, int64_t a_row, const uint32_t* b, int64_t b_row, int64_t depth, bool is_first, float* c,
                   int64_t c_row, int64_t rows, int64_t columns);
  void (*open)();
  void (*close)();
  bool is_by_tiles;  ///< AMX: open() makes all eight tiles 16 rows of 64 bytes
};

/// The fastest that this processor has; null if it has none.
const PairProduct* find_pair_product();

}  // namespace gradus::cpu
