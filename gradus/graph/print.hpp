// Graphs as text, for people: one line a node, or Graphviz. Arrays are printed by graph/array.hpp's operator<<.
#pragma once

#include <span>
#include <string>

#include "gradus/graph/array.hpp"

namespace gradus {

/// One line a node in the order of computation, inputs by number: `%3 = matmul(%1, %2) : float32 (32, 10)`. Evaluates nothing.
std::string graph_text(std::span<const Array> roots);
std::string graph_text(const Array& root);
/// The same graph for Graphviz: dot -Tsvg.
std::string graph_dot(std::span<const Array> roots);
std::string graph_dot(const Array& root);

}  // namespace gradus
