// All ops that there are: the one list, from which laws, loading by name and export work.
#pragma once

#include <span>
#include <string_view>

#include "gradus/graph/op_def.hpp"

namespace gradus::core {

/// Every OpDef, family by family.
std::span<const OpDef* const> all_ops();
/// The op of that name, or null.
const OpDef* find_op(std::string_view name);

// The families of transform/: ops that hold closed graphs.
std::span<const OpDef* const> checkpoint_ops();
std::span<const OpDef* const> custom_derivative_ops();
std::span<const OpDef* const> control_ops();

}  // namespace gradus::core
