// Factors of float32 for a unit that multiplies bfloat16 in tiles (AMX), with no less than float32's accuracy. Private to cpu/.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gradus/cpu/elementwise/loops.hpp"

namespace gradus::cpu {

// Each number is the sum of three bfloat16 ones (8 bits each, rounded: 24 and a sign), and of the nine products of such parts the six that
// count are added up in float32, the five small ones first: what is left out is below 2^-25 of |a| |b|, and the sums have fewer roundings
// than a chain of float32's. Blocks with infinities, NaN, or numbers so large or small that their parts or products would leave the range
// of float32 are computed in float32. (Henry, Tang, Heinecke 2019, "Leveraging the bfloat16 artificial intelligence datatype for
// higher-precision computations".)

/// A panel: 32 lines (rows of the left factor, columns of the right one), in steps of 32 of the depth.
inline constexpr int64_t kPanelLines = 32, kStepDepth = 32, kStepBytes = 6144;

/// Whether this processor has the unit. Without it nothing below may be called.
bool has_parts();

/// Where panels are, aligned to 64 bytes, and the bits of the largest magnitude of each.
struct Panels {
  std::byte* first = nullptr;
  int64_t bytes = 0;  ///< from panel to panel
  uint32_t* most = nullptr;
};

/// A factor: its numbers, one of whose steps is 1, and its panels.
struct Factor {
  const float* first = nullptr;
  int64_t line_step = 0, depth_step = 0;
  bool is_right = false;
  Panels panels{};

  /// From a line and a depth on, multiples of 32.
  Factor from(int64_t line, int64_t depth) const {
    const int64_t panel = line / kPanelLines;
    return {first + line * line_step + depth * depth_step,
            line_step,
            depth_step,
            is_right,
            {panels.first + panel * panels.bytes + depth / kStepDepth * kStepBytes, panels.bytes, panels.most + panel}};
  }
};

/// Fills the panels of some lines.
void make_panels(const Factor& factor, int64_t lines, int64_t depth);

/// What is done to sums before they are stored.
struct PartsFinish {
  const float* bias = nullptr;  ///< of the first column
  TileLoop activation = nullptr;
};

/// Memory that a product needs, aligned to 64 bytes.
struct PartsScratch {
  float *sums, *copy;
  /// In floats, for products of this depth or less; `copy` lies behind the sums.
  static constexpr int64_t size(int64_t depth) { return kPanelLines * (kPanelLines + depth); }
  explicit PartsScratch(float* memory) : sums(memory), copy(memory + kPanelLines * kPanelLines) {}
};

/// c (+)= a b, then finished. Between PairProduct::open() and close() (pairs.hpp) of the same thread only.
void multiply_factors(const Factor& a, const Factor& b, int64_t rows, int64_t columns, int64_t depth, bool is_first,
                      const PartsFinish& finish, float* c, int64_t c_row, const PartsScratch& scratch);

}  // namespace gradus::cpu
