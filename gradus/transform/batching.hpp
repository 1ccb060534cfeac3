// The walk of vmap over a recorded graph. Not for users; see vmap.hpp.
#pragma once

#include <span>
#include <vector>

#include "gradus/graph/walk.hpp"

namespace gradus::core {

/// `outputs`, recorded for one example whose symbols are `symbols`, for `batch_size` examples at once: values[i] has the batch as axis 0
/// before the shape of symbols[i]. All results have the batch as axis 0; an empty output stays empty.
std::vector<Array> batch_graph(std::span<const Array> symbols, std::span<const Array> values, std::span<const Array> outputs,
                               int64_t batch_size);

/// The same, but outputs that depend on no symbol stay as they are; is_batched says which do.
struct BatchedOutputs {
  std::vector<Array> outputs;
  std::vector<uint8_t> is_batched;
};
BatchedOutputs batch_reached(std::span<const Array> symbols, std::span<const Array> values, std::span<const Array> outputs,
                             int64_t batch_size);

/// x repeated along a new axis 0.
Array repeat_for_batch(const Array& x, int64_t batch_size);

/// A closed graph as one over batches: parameters that are batched get the batch as axis 0, outputs with force_outputs too.
struct BatchedSubgraph {
  SubgraphPtr graph;
  std::vector<uint8_t> is_batched;  ///< of the outputs
};
BatchedSubgraph batch_subgraph(const Subgraph& graph, std::span<const uint8_t> is_batched, std::span<const uint8_t> force_outputs,
                               int64_t batch_size);

}  // namespace gradus::core
