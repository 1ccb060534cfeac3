// Equality of whole arrays, composed of comparisons and one reduction.
#include "gradus/ops/equality.hpp"

#include "gradus/base/error.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"

namespace gradus {

using namespace core;

Array isclose(const Array& x, const Array& y, CloseOptions options) {
  if (!(options.relative >= 0) || !(options.absolute >= 0)) {
    fail("isclose", "the tolerances are ", options.relative, " and ", options.absolute, "; they must not be negative");
  }
  Array close =
      (x == y) | (isfinite(y) & (abs(subtract(x.astype(promote(x.dtype(), float32)), y)) <= options.absolute + options.relative * abs(y)));
  if (options.equal_nan) close = close | (isnan(x) & isnan(y));
  return close;
}
Array isclose(const Array& x, const Array& y) { return isclose(x, y, {}); }

bool allclose(const Array& x, const Array& y, CloseOptions options) { return all(isclose(x, y, options)).item<bool>(); }
bool allclose(const Array& x, const Array& y) { return allclose(x, y, {}); }

bool array_equal(const Array& x, const Array& y) { return x.shape() == y.shape() && all(x == y).item<bool>(); }

}  // namespace gradus
