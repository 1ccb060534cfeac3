// The evaluator, as the graph sees it; gradus/plan defines it.
#pragma once

#include <span>
#include <vector>

#include "gradus/graph/args.hpp"
#include "gradus/graph/array.hpp"

namespace gradus {

/// Computes all of `roots` (and what else must be kept) in one run. Arrays that are computed already cost nothing.
void evaluate(std::span<const Array> roots);
inline void evaluate(std::initializer_list<Array> roots) { evaluate(std::span<const Array>(roots.begin(), roots.size())); }

}  // namespace gradus

namespace gradus::core {

/// Runs a closed graph on `arguments` (evaluated first) and returns its outputs, computed: what a compiled function does a call, without
/// recording anything. With `may_consume`, the memory of arguments that nobody but this vector holds is overwritten where an output fits;
/// on failure all arguments are as before. Placeholders of the graph have the dtypes and shapes of the arguments.
std::vector<Array> run_subgraph(const SubgraphPtr& graph, const std::vector<Array>& arguments, bool may_consume);

/// The computed value of an output; evaluates it if it is pending.
struct Value;
const Value& value_of(const Array& array);

/// First element of the array's row-major data, valid as long as the array's node; evaluates, and copies strided views once.
const void* row_major_data(const Array& array);

/// Copies the elements in row-major order to `out`, converted to `dtype`; evaluates.
void copy_elements(const Array& array, DType dtype, void* out);

}  // namespace gradus::core
