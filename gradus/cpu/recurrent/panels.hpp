// Recurrent weights as panels: all that one block of units needs of them in one piece of memory, in the order in which it is read. And how
// a batch is shared among threads. Private to cpu/recurrent/.
#pragma once

#include <functional>
#include <vector>

#include "gradus/cpu/recurrent/recurrence.hpp"

namespace gradus::cpu {

/// A matrix (depth, gates units), or the transpose of one, in blocks of so many vectors of units. For each step of depth a block holds its
/// units of the first gate, then those of the second, ...; the last block is filled up with zeros.
struct Panels {
  int64_t depth = 0, units = 0, gates = 1, vectors = 1;
  int64_t lanes = 1;           ///< of a vector
  int64_t row = 0, offset = 0; ///< of the matrix in memory: step from row to row, place of its first element
  bool is_transposed = false;

  int64_t width() const { return vectors * lanes; }  ///< units of a block
  int64_t blocks() const { return (units + width() - 1) / width(); }
  int64_t block_size() const { return depth * gates * width(); }  ///< in elements
  int64_t size() const { return blocks() * block_size(); }
};

/// Numbers in a vector of the instruction set in use.
int64_t vector_lanes(DType dtype);
/// Vectors of units a block where only one gate is computed.
int64_t vectors_of(int64_t units, int64_t lanes);

/// Steps of a state of `count` numbers in scratch memory: whole vectors, and not a multiple of a page.
int64_t state_row(int64_t count, int64_t lanes);

/// Weights that come packed: which input, and the panels made of it, one after the other in memory.
struct PackedWeights {
  int input = 0;
  std::vector<Panels> panels{};
};

/// A kernel that works on rows [first, last) of the batch, on a thread of its own. It gets all panels in one list. `row_bytes`: scratch
/// memory for each row.
struct RowsKernel {
  Recurrence of{};
  std::vector<PackedWeights> weights{};
  int lengths = -1;  ///< place among the pointers
  bool checks_lengths = false;
  size_t operands = 0;
  int64_t row_bytes = 0;
  void (*run)(const Recurrence& of, const Panels* panels, void* const* pointers, int64_t first, int64_t last, void* scratch) = nullptr;
};
KernelPtr prepare_rows(RowsKernel rows);

}  // namespace gradus::cpu
