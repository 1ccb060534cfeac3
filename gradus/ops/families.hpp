// All ops that there are: the one list, from which laws, loading by name and export work.
#pragma once

#include <span>
#include <string_view>

#include "gradus/graph/op_def.hpp"

namespace gradus {

/// Every OpDef, family by family.
std::span<const OpDef* const> all_ops();
/// The op of that name, or null.
const OpDef* find_op(std::string_view name);

// Each family's .cpp ends with its list; families.cpp joins them.
std::span<const OpDef* const> leaf_ops();  ///< of graph/leaf.hpp
std::span<const OpDef* const> elementwise_ops();
std::span<const OpDef* const> math_ops();
std::span<const OpDef* const> compare_ops();
std::span<const OpDef* const> activation_ops();
std::span<const OpDef* const> reduce_ops();
std::span<const OpDef* const> cumulative_ops();
std::span<const OpDef* const> shape_ops();
std::span<const OpDef* const> part_ops();
std::span<const OpDef* const> index_ops();
std::span<const OpDef* const> sort_ops();
std::span<const OpDef* const> random_ops();
std::span<const OpDef* const> normalize_ops();
std::span<const OpDef* const> cross_entropy_ops();
std::span<const OpDef* const> linalg_ops();
std::span<const OpDef* const> conv_ops();
std::span<const OpDef* const> pool_ops();
std::span<const OpDef* const> update_ops();

// Of transform/: ops that hold closed graphs.
std::span<const OpDef* const> checkpoint_ops();
std::span<const OpDef* const> custom_derivative_ops();
std::span<const OpDef* const> control_ops();

// Of train/: the check that stops a step.
std::span<const OpDef* const> finite_ops();

}  // namespace gradus
