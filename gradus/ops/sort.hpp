// Order along an axis. NaN sorts last; equal elements keep their order.
#pragma once

#include <utility>

#include "gradus/graph/array.hpp"

namespace gradus {

/// x in increasing (or decreasing) order along the last axis or along `axis`. Differentiable.
Array sort(const Array& x);
Array sort(const Array& x, int64_t axis, bool descending = false);
/// The positions (int64) that bring x in order.
///
///   argsort(array({3, 1, 2}))   // [1, 2, 0]
Array argsort(const Array& x);
Array argsort(const Array& x, int64_t axis, bool descending = false);
/// The k largest (or smallest) elements along an axis in decreasing (increasing) order, and their positions. Values are differentiable.
std::pair<Array, Array> topk(const Array& x, int64_t k, int64_t axis = -1, bool largest = true);

}  // namespace gradus
