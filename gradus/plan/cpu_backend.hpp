// The one place of plan/ that knows the processor: its backend, and what the evaluator itself does in its memory.
#pragma once

#include "gradus/plan/backend.hpp"

namespace gradus::plan {

/// Copies elements of `element_size` bytes with these strides to row-major memory.
void copy_to_rows(const Shape& shape, const Dims& strides, int64_t element_size, const void* from, void* to);

}  // namespace gradus::plan
