// Whether arrays are equal, as one C++ bool: for tests and conditions. Element by element: a == b in compare.hpp.
#pragma once

#include "gradus/graph/array.hpp"

namespace gradus {

/// Tolerances of isclose and allclose: NumPy's. Negative ones are an error.
struct CloseOptions {
  double relative = 1e-5, absolute = 1e-8;
  bool equal_nan = false;  ///< whether NaN is close to NaN
};

/// |x - y| <= absolute + relative |y|, element by element with broadcasting; infinities only to themselves, NaN to nothing. bool.
Array isclose(const Array& x, const Array& y);
Array isclose(const Array& x, const Array& y, CloseOptions options);
/// Whether all elements are close; x and y broadcast. Evaluates.
bool allclose(const Array& x, const Array& y);
bool allclose(const Array& x, const Array& y, CloseOptions options);
/// Whether shape and all elements are equal (the dtypes may differ; NaN is not equal to NaN). Evaluates.
///
///   if (array_equal(a, b)) ...
bool array_equal(const Array& x, const Array& y);

}  // namespace gradus
