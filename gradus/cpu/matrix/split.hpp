// Products of float32 by a unit that multiplies bfloat16 (AMX), with no less than float32's accuracy. Private to cpu/.
#pragma once

#include "gradus/cpu/kernel.hpp"
#include "gradus/cpu/matrix/gemm.hpp"

namespace gradus::cpu {

/// Whether these products of float32 are faster so: the processor has tiles, the sizes fill them, and one stride of each operand is 1.
bool is_split_better(const Products& products);

/// The products, as parts.hpp says. `is_part`: as in matmul.hpp.
KernelPtr prepare_split(const Products& products, const Epilogue& epilogue, bool is_part);

}  // namespace gradus::cpu
