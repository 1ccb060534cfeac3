// Products of float32 by a unit that multiplies bfloat16 (AMX), with no less than float32's accuracy. Private to cpu/.
#pragma once

#include "gradus/cpu/kernel.hpp"
#include "gradus/cpu/matrix/gemm.hpp"

namespace gradus::cpu {

/// Whether these products of float32 are faster so: the processor has tiles, the sizes fill them, and one stride of each operand is 1.
bool is_split_better(const Products& products);

/// Each number is the sum of three bfloat16 ones (8 bits each, rounded: 24 and a sign), and of the nine products of such parts the six
/// that count are added up in float32, the five small ones first: what is left out is below 2^-25 of |a| |b|, the sums have fewer
/// roundings than a chain of float32's. Blocks with infinities, NaN, or numbers so large or small that their parts or products would
/// leave the range of float32 are computed in float32. (Henry, Tang, Heinecke 2019, "Leveraging the bfloat16 artificial intelligence
/// datatype for higher-precision computations".) `is_part`: as in matmul.hpp.
KernelPtr prepare_split(const Products& products, const Epilogue& epilogue, bool is_part);

}  // namespace gradus::cpu
