// Convolutions, channels last, and their two gradients.
#pragma once

#include "gradus/cpu/conv/shape.hpp"
#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// y = epilogue(conv(x, w)). Inputs x, w, (bias of groups * out_channels elements); output y; all contiguous, laid out as ConvShape says; 1
/// to 3 spatial axes. Every dtype but bool: 16-bit floats are summed in float32 and rounded once (not, where the result is float32),
/// integers wrap.
KernelPtr prepare_conv(ConvTypes types, const ConvShape& shape, const Epilogue& epilogue = {});
/// dx from dy and w: the transpose of prepare_conv in x. Inputs dy, w; output dx.
KernelPtr prepare_conv_input_gradient(ConvTypes types, const ConvShape& shape);
/// dw from x and dy: the transpose of prepare_conv in w. Inputs x, dy; output dw.
KernelPtr prepare_conv_weight_gradient(ConvTypes types, const ConvShape& shape);

}  // namespace gradus::cpu
