// The ops of ops/, family by family. All ops that there are: transform/all_ops.hpp.
#pragma once

#include <span>
#include <vector>

#include "gradus/graph/op_def.hpp"

namespace gradus::rule {

/// All of them, and those of graph/leaf.hpp.
std::vector<const OpDef*> families_of_ops();

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
std::span<const OpDef* const> ctc_ops();
std::span<const OpDef* const> linalg_ops();
std::span<const OpDef* const> conv_ops();
std::span<const OpDef* const> pool_ops();
std::span<const OpDef* const> attention_ops();
std::span<const OpDef* const> rotary_ops();
std::span<const OpDef* const> recurrent_ops();
std::span<const OpDef* const> update_ops();

}  // namespace gradus::rule
