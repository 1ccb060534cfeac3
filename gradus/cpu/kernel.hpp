// The words of backend/ that kernels use.
#pragma once

#include "gradus/backend/epilogue.hpp"
#include "gradus/backend/kernel.hpp"

namespace gradus::cpu {

using backend::Activation, backend::Epilogue;
using backend::Kernel, backend::KernelPtr, backend::make_kernel, backend::PackedInput, backend::Packing, backend::PartialBytes,
    backend::Status;

/// The dtype of an epilogue's bias beside a result of this dtype.
inline DType bias_dtype(DType result, const Epilogue& epilogue) { return epilogue.is_rounded ? float32 : result; }

}  // namespace gradus::cpu
