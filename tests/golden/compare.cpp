// Comparison of a result with its reference, element by element.
#include <cmath>
#include <cstdio>

#include "tests/golden/case.hpp"

namespace golden {
namespace {

std::string text_of(const Shape& shape) { return gradus::to_text(shape); }

std::string position_of(int64_t flat, const Shape& shape) {
  std::string out;
  for (int64_t axis = shape.rank() - 1; axis >= 0; --axis) {
    out = std::to_string(flat % shape[axis]) + (out.empty() ? "" : ", ") + out;
    flat /= shape[axis];
  }
  return "[" + out + "]";
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

// How far beyond the tolerance, 0 or less if right; infinite for NaN against a number.
double excess(double got, double want, Tolerance tolerance) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got) ? 0 : INFINITY;
  if (std::isinf(want) || std::isinf(got)) return want == got ? 0 : INFINITY;
  const double error = std::abs(got - want) - (tolerance.absolute + tolerance.relative * std::abs(want));
  return error > 0 ? std::abs(got - want) : 0;
}

}  // namespace

std::string compare(const Array& got, const Array& want, Tolerance tolerance, const Array* other) {
  if (!got.exists()) return "nothing was computed";
  if (got.shape() != want.shape()) return "shape " + text_of(got.shape()) + ", want " + text_of(want.shape());
  const bool is_float = want.dtype().is_float();
  if (is_float != got.dtype().is_float() || (!is_float && got.dtype() != want.dtype()))
    return "dtype " + gradus::to_text(got.dtype()) + ", want " + gradus::to_text(want.dtype());
  int64_t worst = -1, wrong = 0;
  double worst_excess = 0, got_worst = 0, want_worst = 0;
  if (is_float) {
    const std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
    const std::vector<double> c = other ? other->to_vector<double>() : b;
    for (size_t i = 0; i < a.size(); ++i) {
      const double e = std::min(excess(a[i], b[i], tolerance), excess(a[i], c[i], tolerance));
      if (e > 0) ++wrong;
      if (e > worst_excess) worst_excess = e, worst = static_cast<int64_t>(i), got_worst = a[i], want_worst = b[i];
    }
    if (worst < 0) return "";
    return std::to_string(wrong) + " of " + std::to_string(a.size()) + " wrong, worst at " + position_of(worst, want.shape()) + ": got " +
           number(got_worst) + ", want " + number(want_worst) + " (rtol " + number(tolerance.relative) + ", atol " +
           number(tolerance.absolute) + ")";
  }
  const std::vector<int64_t> a = got.to_vector<int64_t>(), b = want.to_vector<int64_t>();
  const std::vector<int64_t> c = other ? other->to_vector<int64_t>() : b;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || a[i] == c[i]) continue;
    if (wrong++ == 0) worst = static_cast<int64_t>(i);
  }
  if (wrong == 0) return "";
  return std::to_string(wrong) + " of " + std::to_string(a.size()) + " wrong, first at " + position_of(worst, want.shape()) + ": got " +
         std::to_string(a[static_cast<size_t>(worst)]) + ", want " + std::to_string(b[static_cast<size_t>(worst)]);
}

Array as_run_dtype(const Array& x, DType dtype) { return x.dtype().is_float() ? x.astype(dtype) : x; }

}  // namespace golden
