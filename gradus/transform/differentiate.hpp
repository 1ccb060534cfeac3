// The two walks of differentiation, graph to graph: what every transform below is made of. Not for users; see grad.hpp.
#pragma once

#include <span>
#include <vector>

#include "gradus/graph/op_def.hpp"

namespace gradus::core {

/// Reverse mode: the cotangents of `arguments` from those of `outputs`, recorded as ops. An empty Array stands for zero, in and out.
/// Derivatives flow through the nodes between arguments and outputs only; all else is constant.
std::vector<Array> pull_back(std::span<const Array> outputs, std::span<const Array> cotangents, std::span<const Array> arguments);

/// Forward mode: the tangents of `outputs` from those of `arguments`; an empty Array stands for zero, in and out.
std::vector<Array> push_forward(std::span<const Array> arguments, std::span<const Array> tangents, std::span<const Array> outputs);

/// `change`, or zeros of the shape and dtype of `x` if it is empty.
Array zeros_if_empty(const Array& change, const Array& x);

/// Zeros of the shape and dtype of `x`, and the number one for each of its elements; weak if x is.
Array zero_change(const Array& x);
Array unit_change(const Array& x);

}  // namespace gradus::core
