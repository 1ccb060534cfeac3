// A fused element-wise program: a straight line of element-wise instructions that one pass over memory runs.
#pragma once

#include <array>
#include <vector>

#include "gradus/array/view.hpp"
#include "gradus/backend/function.hpp"

namespace gradus::backend {

/// What a program reads.
struct ProgramInput {
  DType dtype{};         ///< of the elements; of a number: float64, int64 or bool, the kind of the number in its 8 bytes
  Dims strides{};        ///< one an axis of the program's shape, in elements; 0 repeats, negative is allowed. Slots: ignored
  bool is_scalar = false;  ///< the pointer addresses one 8-byte number (double or int64; a bool as int64 0 or 1)
};

/// One value computed from earlier ones. Values are numbered: first the inputs, then the instructions in order.
///
/// An instruction whose dtype is float16 or bfloat16 computes in float32 and rounds its result once. A number is converted to the
/// dtype in which the instruction computes, so numbers beside 16-bit arrays are applied in float32.
struct ProgramInstruction {
  const Function* function = nullptr;  ///< null: a cast of sources[0], from `dtype` to `to`
  DType dtype{};                                  ///< of the operands (those that the function calls bool apart)
  std::array<int, 3> sources{-1, -1, -1};         ///< value numbers
  DType to{};                                     ///< casts only

  DType output_dtype() const { return function ? function->output_dtype(dtype) : to; }
};

/// What a program writes: a value, contiguous in the program's shape.
struct ProgramOutput {
  int value = -1;  ///< value number; an input may be an output (a copy)
};

/// The inputs' pointers come first in run(), then the outputs', in these orders.
struct ProgramSpec {
  Shape shape{};  ///< the iteration space
  std::vector<ProgramInput> inputs{};
  std::vector<ProgramInstruction> instructions{};
  std::vector<ProgramOutput> outputs{};
};

}  // namespace gradus::backend
