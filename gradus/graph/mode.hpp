// Flags of the calling thread that change what functions record: whether a call is a training call, in which dtype products compute, and
// whether a sequence is being made.
#pragma once

#include <cstdint>

namespace gradus::core {

/// Bits of mode_flags(). A compiled function is traced once for each value of them.
inline constexpr uint64_t kTrainingFlag = 1, kBfloat16ProductsFlag = 2, kSequenceFlag = 4;

uint64_t mode_flags();
void set_mode_flags(uint64_t flags);

}  // namespace gradus::core

namespace gradus {

/// Whether the calling thread is in a training call: dropout drops, batch norm takes the batch's moments.
inline bool is_training() { return core::mode_flags() & core::kTrainingFlag; }

/// Whether the calling thread rounds the operands of float32 products to bfloat16 (nn/precision.hpp).
inline bool has_bfloat16_products() { return core::mode_flags() & core::kBfloat16ProductsFlag; }

/// Whether the calling thread makes a sequence, in which no id is padding (nn/decoding.hpp).
inline bool makes_sequence() { return core::mode_flags() & core::kSequenceFlag; }

}  // namespace gradus
