// Copies of weights in the layouts that kernels prefer, kept with the weights' buffer. Under the evaluation lock.
#pragma once

#include "gradus/array/buffer.hpp"
#include "gradus/cpu/kernel.hpp"

namespace gradus::plan {

/// The copy that a kernel wants of the operand at `data`, `offset` bytes into `buffer`; made at the first call. It lives until the buffer is written
/// or freed. `scratch` has wanted.pack->scratch_bytes bytes. Throws where memory is short.
void* packed_copy(Buffer& buffer, int64_t offset, void* data, const cpu::PackedInput& wanted, void* scratch);

}  // namespace gradus::plan
