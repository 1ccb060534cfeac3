// Reductions that other families are made of. Not for users.
#pragma once

#include "gradus/graph/array.hpp"

namespace gradus::rule {

/// sqrt(sum x^2) along the axes (from the front, increasing), of floats: right where the squares leave the range of numbers. The gradient
/// is x / y, 0 where y is 0.
Array euclidean_norm(const Array& x, const Dims& axes, bool keeps_dims);

}  // namespace gradus::rule
