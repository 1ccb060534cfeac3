// Convolutions by oneDNN, cut into parts for the threads. Private to cpu/.
#pragma once

#include "gradus/cpu/conv/shape.hpp"
#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

// Inputs and outputs as in conv.hpp, shapes of rank 2 or 3, float32 and bfloat16; null where oneDNN has no optimised implementation. The
// cut follows from the shape alone, and so do the bits of the result.
KernelPtr parted_conv(ConvTypes types, const ConvShape& shape, const Epilogue& epilogue);
KernelPtr parted_conv_input_gradient(ConvTypes types, const ConvShape& shape);
/// Where images are cut their gradients are added in the order of the images.
KernelPtr parted_conv_weight_gradient(ConvTypes types, const ConvShape& shape);

}  // namespace gradus::cpu
