// Kernels made of oneDNN primitives. Only the files of this folder see oneDNN itself. Private to cpu/.
#pragma once

#include <memory>
#include <string>

#include "gradus/cpu/conv/cut.hpp"
#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

// Each returns null where oneDNN has no optimised implementation; the caller then takes another way. No size may be 0. Kernels work in one
// thread, on a whole or on a part of it, and are shared by all who ask for the same thing while one of them lives.

/// out = epilogue(a b) for float32 and bfloat16 operands; a, b of equal rank >= 2 with one of the last two strides 1, the last stride of
/// out 1. Of bfloat16 operands out may be float32.
KernelPtr dnnl_matmul(const Layout& a, const Layout& b, const Layout& out, const Epilogue& epilogue);

/// Whether Winograd's algorithm pays for a convolution, the whole of it. It is there on some machines only, and asking for it is only a
/// wish.
bool prefers_winograd(DType dtype, const ConvShape& shape, ConvWay way);

/// Inputs x, w, (bias); output y. Where oneDNN wants w in another layout the kernel has a `packing` (parts.hpp).
KernelPtr dnnl_conv_forward(ConvTypes types, const ConvPart& part, const Epilogue& epilogue, bool asks_winograd);
/// Inputs dy, w; output dx. The same.
KernelPtr dnnl_conv_input_gradient(ConvTypes types, const ConvPart& part, bool asks_winograd);
/// Inputs x, dy; output dw.
KernelPtr dnnl_conv_weight_gradient(ConvTypes types, const ConvPart& part, bool asks_winograd);

/// Some images' part of a weight gradient, in float32 and a layout that adds up: inputs x, dy; output of `elements` numbers.
struct ConvTerm final : Kernel {
  KernelPtr kernel{};
  int64_t elements = 0;
  Hash128 layout{};    ///< equal for terms that may be added
  KernelPtr finish{};  ///< brings a sum to the layout of w; null: it has it already
  Status run(void* const* pointers, void* scratch) const override { return kernel->run(pointers, scratch); }
};
std::shared_ptr<const ConvTerm> dnnl_conv_weight_gradient_term(ConvTypes types, const ConvPart& part, bool asks_winograd);

/// What oneDNN multiplies bfloat16 numbers with: nothing of the processor's, vector instructions, tiles (AMX).
enum class Bfloat16Unit : uint8_t { none, vectors, tiles };
Bfloat16Unit dnnl_bfloat16_unit();

/// Version of the oneDNN library in use, for example "2.6.3".
std::string dnnl_version();

}  // namespace gradus::cpu
