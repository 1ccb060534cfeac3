// Batching rules that many ops share.
#pragma once

#include "gradus/graph/op_def.hpp"

namespace gradus::rule {

/// For element-wise ops: aligns ranks, then applies the op itself.
std::vector<Array> batch_elementwise(const Call& call, std::span<const bool> is_batched, int64_t batch_size);
/// One call for every example, stacked: right for every op, slow; for ops where nothing better exists.
std::vector<Array> batch_by_loop(const Call& call, std::span<const bool> is_batched, int64_t batch_size);

}  // namespace gradus::rule
