// Copies of buffers in the layouts that kernels prefer, or in the memory of another backend, kept with the buffer. Under the evaluation
// lock.
#pragma once

#include "gradus/array/buffer.hpp"
#include "gradus/backend/kernel.hpp"

namespace gradus::plan {

/// The copy that a kernel wants of the operand at `data`, `offset` bytes into `buffer`; made at the first call. It lives until the buffer
/// is written or freed. `scratch` has wanted.pack->scratch_bytes bytes. Throws where memory is short.
BufferPtr packed_copy(Buffer& buffer, int64_t offset, void* data, const backend::PackedInput& wanted, void* scratch);

/// A buffer in `space` (null: the processor's memory).
BufferPtr allocate(int64_t bytes, std::string_view what, const MemorySpace* space);
/// The buffer itself if the processor can read it, otherwise a copy of it as it is now.
BufferPtr in_processor_memory(const BufferPtr& buffer);
/// The buffer's content in `space` (null: the processor's memory): itself if it lies there, otherwise a copy, kept as those above.
BufferPtr brought_to(const MemorySpace* space, const BufferPtr& buffer);

}  // namespace gradus::plan
