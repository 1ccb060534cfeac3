// A fused program lowered to loops over tiles: which loop reads and writes which place, and where the places lie in scratch memory.
#pragma once

#include <cstdint>
#include <vector>

#include "gradus/cpu/elementwise/loops.hpp"
#include "gradus/cpu/elementwise/program_layout.hpp"

namespace gradus::cpu {

/// One loop over a tile. Places are numbers of pointers that the run keeps.
struct TileStep {
  TileLoop loop = nullptr;
  int16_t sources[3] = {0, 0, 0};
  int16_t destination = 0;
  uint16_t repeated = 0;
  uint16_t element_size = 0;  ///< of the destination
};

/// A repeat buffer to fill from one element: a number, a constant, or the value that an operand has in a tile.
struct Fill {
  TileLoop convert = nullptr;
  int input = 0;
  int place = 0;
  int64_t element_size = 0;
  bool is_double_to_float = false;
};

/// An operand that moves from tile to tile.
struct Mover {
  Operand operand{};
  int place = 0;
  Fill fill{};  ///< of Access::repeat
};

struct OutputPlace {
  int output = 0;
  int place = 0;
  int64_t element_size = 0;
};

struct TilePlan {
  TileGrid grid{};
  std::vector<Fill> fills{};          ///< once a chunk: numbers and constants
  std::vector<TileStep> uniform_steps{};  ///< once a chunk, on one element: what depends on numbers and constants only
  std::vector<Mover> movers{};
  std::vector<TileStep> steps{};  ///< every tile
  std::vector<OutputPlace> outputs{};
  std::vector<int64_t> place_bytes{};  ///< scratch that each place takes; 0: its pointer is set a tile (operands, outputs)
  int64_t scratch_bytes = 0;           ///< of the pointers and the places
  int64_t cost = 0;                    ///< of an element, in units of Function::cost

  /// Outputs that may be written before the last read of an input of the same element size: {output, input}.
  std::vector<std::pair<int, int>> hazards{};
};

/// Lowers `spec`. Tiles are as large as the scratch allows. `deferred`: outputs with hazards are written at the end of each tile, so that
/// they may lie over any of their inputs.
TilePlan make_tile_plan(const ProgramSpec& spec, bool deferred);

}  // namespace gradus::cpu
