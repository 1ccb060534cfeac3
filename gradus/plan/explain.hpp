// The plan of a graph in words, pass by pass: for docs/plan.md, and for whoever asks why something is slow.
#pragma once

#include <span>
#include <string>

#include "gradus/graph/array.hpp"

namespace gradus {

/// What evaluating `roots` would do: the ops before any pass, after simplifying, the fused groups, and the steps with their memory.
/// Computes nothing. Arrays that are computed already have no plan.
std::string explain_plan(std::span<const Array> roots);
inline std::string explain_plan(std::initializer_list<Array> roots) { return explain_plan(std::span<const Array>(roots.begin(), roots.size())); }

}  // namespace gradus
