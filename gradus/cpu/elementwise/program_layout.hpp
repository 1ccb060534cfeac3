// How a fused program walks over memory: collapsed axes, tiles, and what each operand looks like inside a tile.
#pragma once

#include "gradus/cpu/elementwise/program.hpp"

namespace gradus::cpu {

/// How a tile of an input is reached.
enum class Access : uint8_t {
  direct,  ///< contiguous within every tile: read where it is
  repeat,  ///< one value within every tile
  gather,  ///< copied into a contiguous tile first
};

/// One array input over the collapsed axes.
struct Operand {
  int input = 0;
  DType dtype{};
  Dims strides{};  ///< elements, one a collapsed axis
  Access access = Access::direct;
  bool is_constant = false;  ///< the same in every tile (all strides 0)
};

/// A program's shape with adjacent axes merged, cut into tiles: `rows` steps of the cut axis times all axes behind it. The axes before the
/// cut are walked one index at a time.
struct TileGrid {
  Dims sizes{};        ///< collapsed, at least one axis
  size_t cut = 0;      ///< index of the cut axis
  int64_t behind = 1;  ///< product of the sizes behind the cut axis
  int64_t rows = 1;    ///< of the cut axis in a full tile
  int64_t cuts = 1;    ///< tiles along the cut axis
  int64_t outer = 1;   ///< product of the sizes before the cut axis
  int64_t tile_size() const { return rows * behind; }
  int64_t tile_count() const { return outer * cuts; }
};

/// Merges axes where all operands allow; fills their strides.
Dims collapse_axes(const ProgramSpec& spec, std::vector<Operand>& operands);
/// Cuts the axes into tiles of at most `largest` elements, and decides the operands' access.
TileGrid make_grid(const Dims& sizes, int64_t largest, std::vector<Operand>& operands);
/// Copies the part of `operand` that starts at `from` (the tile's first element) and has `rows` rows to contiguous memory.
void gather_tile(const TileGrid& grid, const Operand& operand, const std::byte* from, int64_t rows, std::byte* to);

}  // namespace gradus::cpu
