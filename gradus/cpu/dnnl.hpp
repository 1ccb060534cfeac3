// Kernels made of oneDNN primitives. Only the files dnnl*.cpp and dnnl_sequence.hpp see oneDNN itself. Private to cpu/.
#pragma once

#include "gradus/cpu/conv_shape.hpp"
#include "gradus/cpu/epilogue.hpp"
#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

// Each returns null where oneDNN has no optimised implementation; the caller then takes another way. No size may be 0. Kernels are shared by
// all who ask for the same thing while one of them lives.

/// out = epilogue(a b) for float32 and bfloat16; a, b of equal rank >= 2 with one of the last two strides 1, out contiguous.
KernelPtr dnnl_matmul(const Layout& a, const Layout& b, const Layout& out, const Epilogue& epilogue);

/// Inputs x, w, (bias); output y.
KernelPtr dnnl_conv_forward(DType dtype, const ConvShape& shape, const Epilogue& epilogue);
/// Inputs dy, w; output dx.
KernelPtr dnnl_conv_input_gradient(DType dtype, const ConvShape& shape);
/// Inputs x, dy; output dw.
KernelPtr dnnl_conv_weight_gradient(DType dtype, const ConvShape& shape);

/// Version of the oneDNN library in use, for example "2.6.3".
std::string dnnl_version();

}  // namespace gradus::cpu
