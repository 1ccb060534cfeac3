// Closed graphs, as those hold them who do not look inside; see graph/walk.hpp.
#pragma once

#include <vector>

#include "gradus/graph/args.hpp"
#include "gradus/graph/array.hpp"

namespace gradus::core {

/// A graph closed over what it captured: the captured arrays are its last parameters.
struct Closure {
  SubgraphPtr graph;
  std::vector<Array> captured;
};

}  // namespace gradus::core
