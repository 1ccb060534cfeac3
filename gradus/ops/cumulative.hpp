// Running totals along one axis: out[i] takes in x[0] .. x[i].
#pragma once

#include <utility>

#include "gradus/graph/array.hpp"

namespace gradus {

/// Running sum and product along `axis`, or of the flattened x. bool and integers give int64. Floats are accumulated in double.
///
///   cumsum(array({1, 2, 3}), 0)   // [1, 3, 6]
Array cumsum(const Array& x);
Array cumsum(const Array& x, int64_t axis);
Array cumprod(const Array& x);
Array cumprod(const Array& x, int64_t axis);
/// log of the running sum of e^x, without overflow. Of floats.
Array logcumsumexp(const Array& x);
Array logcumsumexp(const Array& x, int64_t axis);
/// The largest or smallest element so far, and its position (int64; of equals the last). NaN stays.
std::pair<Array, Array> cummax(const Array& x, int64_t axis);
std::pair<Array, Array> cummin(const Array& x, int64_t axis);

}  // namespace gradus
