// Convolutions by our own code, for what oneDNN has not or is slow at. Private to cpu/.
#pragma once

#include "gradus/cpu/conv/shape.hpp"
#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

// One product a tap and output row, on images where they lie; shapes of rank 3; float32, float64 and integers. The same inputs and outputs
// as the functions of conv.hpp.
KernelPtr direct_conv(DType dtype, const ConvShape& shape, const Epilogue& epilogue);
KernelPtr direct_conv_input_gradient(DType dtype, const ConvShape& shape);
KernelPtr direct_conv_weight_gradient(DType dtype, const ConvShape& shape);

// All taps at once, for images of few channels; shapes of rank 2; float32 and float64.
/// Whether the two below take this shape.
bool has_few_channels(const ConvShape& shape);
KernelPtr few_conv(DType dtype, const ConvShape& shape, const Epilogue& epilogue);
KernelPtr few_conv_weight_gradient(DType dtype, const ConvShape& shape);

}  // namespace gradus::cpu
