// First values of the parameters that a function reaches: one recorded, never evaluated call of it.
#pragma once

#include <span>

#include "gradus/base/function_ref.hpp"
#include "gradus/graph/parts.hpp"

namespace gradus::core {

/// Stands for a type of function.
using FunctionTag = const void*;
template <class F>
inline constexpr char tag_of_function = 0;

/// A cell without a value that a recorded call of the function may give one.
bool lacks_value(const Variable& variable, FunctionTag function);

/// Calls `call` as a recording of shapes: parameters that it reaches get their first values; all else that it does to cells and to the
/// default generator is undone. Variables that it does not reach are not waited for again.
void build_variables(std::span<const Variable> variables, FunctionTag function, FunctionRef<void()> call);

/// build_variables where one of them lacks a value.
void build_lacking(std::span<const Variable> variables, FunctionTag function, FunctionRef<void()> call);

}  // namespace gradus::core
