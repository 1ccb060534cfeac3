// Fused element-wise programs (backend/program.hpp), tile by tile.
#pragma once

#include "gradus/backend/program.hpp"
#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

using backend::ProgramInput, backend::ProgramInstruction, backend::ProgramOutput, backend::ProgramSpec;

/// Upper bounds of a program.
inline constexpr int kMaxProgramInputs = 32, kMaxProgramInstructions = 96, kMaxProgramOutputs = 128;  // every value may be stored

/// Prepares a program. Collapses axes, gives values registers by their lifetimes, chooses tiles that fit in the cache; contiguous operands
/// are read in place, and the instruction that makes an output writes it there. run() allocates nothing.
///
/// An output may lie exactly over a contiguous input of its dtype size (in place).
KernelPtr prepare_program(const ProgramSpec& spec);

}  // namespace gradus::cpu
