// Shapes of graphs' outputs.
#include "gradus/transform/graph_op.hpp"

namespace gradus::core {

std::vector<Aval> output_avals(const Subgraph& graph) {
  std::vector<Aval> avals;
  for (const Array& output : graph.outputs()) avals.push_back(output.aval());
  return avals;
}

Aval with_axis(const Aval& aval, int64_t length) {
  Dims sizes = aval.shape.dims();
  sizes.insert(0, length);
  return {aval.dtype, Shape(sizes), false};
}

}  // namespace gradus::core
