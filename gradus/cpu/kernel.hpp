// The words of backend/ that kernels use.
#pragma once

#include "gradus/backend/epilogue.hpp"
#include "gradus/backend/kernel.hpp"

namespace gradus::cpu {

using backend::Activation, backend::Epilogue;
using backend::Kernel, backend::KernelPtr, backend::make_kernel, backend::PackedInput, backend::Packing, backend::PartialBytes,
    backend::Status;

}  // namespace gradus::cpu
