// Reductions along axes: sum, mean, max, var, any, argmax, logsumexp and their kin.
//
// Each comes as f(x), over all axes; f(x, axes), with axes an integer or braces, negative ones counting from the end, `{}` meaning no axis;
// and f(x, axes, keepdims), which keeps the reduced axes with size 1.
//
//   sum(x)   sum(x, 0)   mean(x, {0, 1})   max(x, -1, keepdims)
#pragma once

#include <utility>

#include "gradus/graph/array.hpp"

namespace gradus {

/// Whether reduced axes stay, with size 1.
enum class KeepDims : bool { no, yes };
inline constexpr KeepDims keepdims = KeepDims::yes;

/// Sum and product. bool and integers give int64 (wrapping around). Of nothing: 0 and 1. Floats are accumulated in double.
///
///   sum(array({{1, 2}, {3, 4}}), 0)   // [4, 6]
Array sum(const Array& x);
Array sum(const Array& x, const Axes& axes);
Array sum(const Array& x, const Axes& axes, KeepDims keep);
Array prod(const Array& x);
Array prod(const Array& x, const Axes& axes);
Array prod(const Array& x, const Axes& axes, KeepDims keep);

/// The sum divided by the count. bool and integers give float32. Of nothing: NaN.
Array mean(const Array& x);
Array mean(const Array& x, const Axes& axes);
Array mean(const Array& x, const Axes& axes, KeepDims keep);

/// Largest and smallest element; NaN if there is one. Of nothing: an error. Equal elements share the gradient.
Array max(const Array& x);
Array max(const Array& x, const Axes& axes);
Array max(const Array& x, const Axes& axes, KeepDims keep);
Array min(const Array& x);
Array min(const Array& x, const Axes& axes);
Array min(const Array& x, const Axes& axes, KeepDims keep);

/// Options of var, stddev and std.
struct VarOptions {
  int64_t ddof = 0;  ///< the sum of squares is divided by count - ddof (1: the unbiased estimate)
  KeepDims keep = KeepDims::no;
};
/// mean((x - mean(x))^2), and its square root, of floats. Computed in two passes: a large mean costs no digits. NaN where count <= ddof.
/// The gradient of stddev is 0 where x is constant.
///
///   var(x)   stddev(x, -1)   var(x, {0, 1}, {.ddof = 1})
Array var(const Array& x);
Array var(const Array& x, const Axes& axes);
Array var(const Array& x, const Axes& axes, KeepDims keep);
Array var(const Array& x, const Axes& axes, VarOptions options);
Array stddev(const Array& x);
Array stddev(const Array& x, const Axes& axes);
Array stddev(const Array& x, const Axes& axes, KeepDims keep);
Array stddev(const Array& x, const Axes& axes, VarOptions options);
/// stddev under NumPy's name. It has to be written gradus::std: with using-directives `std` alone could be the library's namespace.
Array std(const Array& x);
Array std(const Array& x, const Axes& axes);
Array std(const Array& x, const Axes& axes, KeepDims keep);
Array std(const Array& x, const Axes& axes, VarOptions options);

/// Whether some or all elements are not zero (NaN is not). Of nothing: false and true. bool.
Array any(const Array& x);
Array any(const Array& x, const Axes& axes);
Array any(const Array& x, const Axes& axes, KeepDims keep);
Array all(const Array& x);
Array all(const Array& x, const Axes& axes);
Array all(const Array& x, const Axes& axes, KeepDims keep);
/// How many elements are not zero. int64.
Array count_nonzero(const Array& x);
Array count_nonzero(const Array& x, const Axes& axes);
Array count_nonzero(const Array& x, const Axes& axes, KeepDims keep);

/// Position (int64) of the largest or smallest element: row-major in x, or along one axis. The first NaN wins, else the first of equals. Of
/// nothing: an error.
Array argmax(const Array& x);
Array argmax(const Array& x, int64_t axis);
Array argmax(const Array& x, int64_t axis, KeepDims keep);
Array argmin(const Array& x);
Array argmin(const Array& x, int64_t axis);
Array argmin(const Array& x, int64_t axis, KeepDims keep);
/// The largest or smallest element along an axis, and its position.
std::pair<Array, Array> max_with_index(const Array& x, int64_t axis, KeepDims keep = KeepDims::no);
std::pair<Array, Array> min_with_index(const Array& x, int64_t axis, KeepDims keep = KeepDims::no);

/// log sum e^x without overflow, of floats. Of nothing: -infinity.
Array logsumexp(const Array& x);
Array logsumexp(const Array& x, const Axes& axes);
Array logsumexp(const Array& x, const Axes& axes, KeepDims keep);

/// Sum and mean of the elements that are not NaN.
Array nansum(const Array& x);
Array nansum(const Array& x, const Axes& axes);
Array nansum(const Array& x, const Axes& axes, KeepDims keep);
Array nanmean(const Array& x);
Array nanmean(const Array& x, const Axes& axes);
Array nanmean(const Array& x, const Axes& axes, KeepDims keep);

/// Refused: max(2, 3) would mean "maximum of 2 along axis 3": the larger of two arrays is maximum(x, y), of two numbers std::max.
template <core::Number T, class... A>
Array sum(T, A...) = delete;
template <core::Number T, class... A>
Array prod(T, A...) = delete;
template <core::Number T, class... A>
Array mean(T, A...) = delete;
template <core::Number T, class... A>
Array max(T, A...) = delete;
template <core::Number T, class... A>
Array min(T, A...) = delete;
template <core::Number T, class... A>
Array var(T, A...) = delete;
template <core::Number T, class... A>
Array stddev(T, A...) = delete;
template <core::Number T, class... A>
Array any(T, A...) = delete;
template <core::Number T, class... A>
Array all(T, A...) = delete;

}  // namespace gradus
