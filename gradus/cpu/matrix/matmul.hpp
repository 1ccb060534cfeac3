// Matrix products of every dtype, batched, on any strides.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// out = epilogue(a b): a (..., m, k), b (..., k, n), out (..., m, n) contiguous; all of rank >= 2 and of one dtype, or a and b bfloat16 and
/// out float32; batch axes broadcast.
/// Any strides, also 0 and negative. Inputs of the kernel: a, b, (bias of n elements, for float dtypes only); output out. k = 0 gives
/// zeros. float16 and bfloat16 are summed in float32 and rounded once; integers wrap; bool is "any of a and b". `is_part`: it is one of
/// several that share the work of one product, each in one thread.
KernelPtr prepare_matmul(const Layout& a, const Layout& b, const Layout& out, const Epilogue& epilogue = {}, bool is_part = false);

/// Whether each row of a product of any matrix with b (k, n) has the same bits however many rows there are. Such products are ours, not
/// oneDNN's.
bool has_independent_rows(const Layout& b);

}  // namespace gradus::cpu
